//! The console: the engine, REST when its address is free, and the screen.

use std::process::ExitCode;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::flags::Flags;
use super::output::{say, words};
use super::{attach, compose, logging, person};
use crate::adapters::control::process::{command_line, program, taken_port};
use crate::api::{self, ApiConfig, ApiError};
use crate::config::Config;
use crate::console::panes;
use crate::domain::snapshot::{ApiView, LocalView};
use crate::engine::handle::Handle;
use crate::engine::start;
use crate::tui::{self, TuiConfig};

/// How often REST tries an address that was taken.
const TRY_EVERY: Duration = Duration::from_secs(10);

pub(super) async fn run(flags: &Flags, mut config: Config) -> anyhow::Result<ExitCode> {
    tui::check()?;
    if let Some(code) = attach::run(flags, &config, tui_config(flags, &config)).await? {
        return Ok(code);
    }
    let (_log, unlogged) = match logging::start(&config.paths.logs.join("backend")) {
        Ok(log) => (Some(log), None),
        // Who only looks on may do so in a folder that is another user's.
        Err(why) if flags.read_only => (None, Some(format!("no log is kept: {}", words(&why)))),
        Err(why) => return Err(why),
    };
    let api_config = compose::api_config(flags, &config)?;
    let (bound, view) = bind(flags, &api_config).await;
    let taken = match &view {
        ApiView::Unavailable(cause) => Some(cause.clone()),
        ApiView::Off | ApiView::On(_) => None,
    };
    let notes = compose::stacks_elastic(flags, &mut config).await;
    let mut parts = compose::parts(flags, &config, view)?;
    parts.notes.extend(notes.into_iter().chain(unlogged));
    parts
        .notes
        .extend(taken.clone().map(|cause| format!("{cause}; it is tried again every {} s", TRY_EVERY.as_secs())));
    compose::start_local(&parts, &config).await?;
    let (handle, engine) = start::start(parts);
    let closed = CancellationToken::new();
    let serve = async {
        let bound = match bound {
            None if taken.is_some() => closed.run_until_cancelled(free(&api_config, &handle)).await,
            bound => bound,
        };
        if let Some(bound) = bound {
            api::serve(bound, handle.clone(), api_config, closed.clone()).await;
        }
    };
    let screen = async {
        let exit = tui::run(handle.clone(), tui_config(flags, &config), panes::all()).await;
        let owned = handle.snapshots().borrow().instance.local == Some(LocalView::Owner);
        handle.shut_down();
        closed.cancel();
        (exit, owned)
    };
    let ((exit, owned), ()) = tokio::join!(screen, serve);
    for line in engine.end().await {
        say(&format!("zkdeck: {line}"));
    }
    if owned {
        say(
            "zkdeck: its servers of --local are stopped; another zkdeck --local in this folder starts them again as its own",
        );
    }
    Ok(ExitCode::from(exit?.code()))
}

/// A taken address is no reason not to open the console: its header says why there is no REST.
async fn bind(flags: &Flags, config: &ApiConfig) -> (Option<api::Bound>, ApiView) {
    if flags.no_api {
        return (None, ApiView::Off);
    }
    match api::bind(config).await {
        Ok(bound) => {
            let view = ApiView::On(bound.address().to_string());
            (Some(bound), view)
        }
        Err(error) => (None, ApiView::Unavailable(taken_by(error).to_string())),
    }
}

/// Names the zkdeck that has the address: ending it is not what is wanted.
pub(super) fn taken_by(error: ApiError) -> anyhow::Error {
    let ApiError::InUse { address } = &error else { return error.into() };
    let holder = taken_port(address.port(), String::new()).and_then(|port| port.owner).map(|(pid, _)| pid);
    let is_zkdeck = |pid: &u32| command_line(*pid).is_some_and(|arguments| program(&arguments) == "zkdeck");
    match holder.filter(is_zkdeck) {
        Some(pid) => anyhow::anyhow!(
            "REST on {address}: another zkdeck has it (process {pid}); use its REST, choose another address (--listen), or \
             run with --no-api"
        ),
        None => error.into(),
    }
}

/// Waits until the address is free: who had it may be the instance that this one takes over from.
async fn free(config: &ApiConfig, handle: &Handle) -> api::Bound {
    loop {
        tokio::time::sleep(TRY_EVERY).await;
        if let Ok(bound) = api::bind(config).await {
            handle.tell_api(ApiView::On(bound.address().to_string())).await;
            return bound;
        }
    }
}

fn tui_config(flags: &Flags, config: &Config) -> TuiConfig {
    let console = &config.console;
    TuiConfig {
        user: person::person(),
        kept: config.paths.data.clone(),
        theme: Some(console.theme.clone()).filter(|name| name != "auto"),
        themes_dir: config.paths.themes.clone(),
        glyphs: console.glyphs,
        settings: flags.config_file(),
        keys: config.keys.clone(),
        mouse: console.mouse,
        read_only: flags.read_only,
        controls: flags.local || config.docker.control,
        attached: false,
    }
}
