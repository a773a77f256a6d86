use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use zkdeck::adapters::control::process::{SERVER_COMMAND, run_hidden_server};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.first().is_some_and(|first| first == SERVER_COMMAND) {
        let Err(error) = run_hidden_server(&args[1..]);
        _ = writeln!(std::io::stderr(), "zkdeck: {error}");
    }
    ExitCode::FAILURE
}
