//! Arguments, and the composition root: config → adapters → engine → front, or one command.

mod args;
mod attach;
mod compose;
mod console;
mod daemon;
mod doctor;
mod elastic;
mod flags;
mod healthcheck;
mod logging;
mod logs;
#[cfg(test)]
mod named;
mod output;
mod person;
mod surroundings;
mod templates;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use self::args::{Args, Sub};
use self::output::{say, words};
use crate::adapters::control::process::{SERVER_COMMAND, run_hidden_server};
use crate::config::{self, Config, ConfigError};

/// Exit code for what the user can mend: arguments, settings, ports, Java.
const USAGE: u8 = 2;
/// How long a thread for file work waits for more. They take turns: at the usual ten seconds a few jobs a second keep all
/// that a burst has made, with what each has of the heap.
const BLOCKING_THREAD_KEPT: Duration = Duration::from_millis(500);

/// Runs zkdeck with the arguments of the process.
#[must_use]
pub fn run() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|word| word == SERVER_COMMAND) {
        return hidden_server(&arguments[2..]);
    }
    let args = match Args::read(arguments) {
        Ok(args) => args,
        Err(error) => {
            if error.use_stderr() {
                _ = error.print();
                return ExitCode::from(USAGE);
            }
            // The help or the version, which somebody has asked for.
            return match output::printed(error.print()) {
                Ok(_) => ExitCode::SUCCESS,
                Err(error) => {
                    say(&format!("zkdeck: {error}"));
                    ExitCode::from(USAGE)
                }
            };
        }
    };
    match start(&args) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("zkdeck: {}", words(&error)));
            ExitCode::from(USAGE)
        }
    }
}

fn start(args: &Args) -> anyhow::Result<ExitCode> {
    let environment = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let config = config::load(&args.flags.config_file(), args.flags.config.is_some(), environment, args.overrides());
    // Two threads serve the screen, the engine and REST; file work has its own.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(32)
        .thread_keep_alive(BLOCKING_THREAD_KEPT)
        .enable_all()
        .build()?;
    let code = runtime.block_on(dispatch(args, config));
    runtime.shutdown_timeout(Duration::from_millis(200));
    code
}

async fn dispatch(args: &Args, config: Result<Config, ConfigError>) -> anyhow::Result<ExitCode> {
    let flags = &args.flags;
    match &args.command {
        Some(Sub::Doctor(options)) => doctor::run(options, flags, config).await,
        Some(Sub::Templates(options)) => templates::run(options, &config?).await,
        Some(Sub::Logs(options)) => logs::run(options, flags, config?).await,
        Some(Sub::Healthcheck(_)) => healthcheck::run(&config?).await,
        None if flags.daemon => daemon::run(flags, config?).await,
        None => console::run(flags, config?).await,
    }
}

/// Becomes the Java process of one local server; comes back only when that is not possible.
fn hidden_server(arguments: &[OsString]) -> ExitCode {
    match run_hidden_server(arguments) {
        Ok(never) => match never {},
        Err(error) => say(&format!("zkdeck: {error}")),
    }
    ExitCode::FAILURE
}
