//! `--daemon`: the engine without a screen.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::console::taken_by;
use super::flags::Flags;
use super::output::say;
use super::{compose, logging, surroundings};
use crate::api;
use crate::config::Config;
use crate::domain::snapshot::ApiView;
use crate::engine::handle::Handle;
use crate::engine::start;

pub(super) async fn run(flags: &Flags, config: Config) -> anyhow::Result<ExitCode> {
    let _log = logging::start_daemon(&config.paths.logs.join("backend"), config.log.to)?;
    let api_config = compose::api_config(flags, &config)?;
    let bound = if flags.no_api { None } else { Some(api::bind(&api_config).await.map_err(taken_by)?) };
    let view = bound.as_ref().map_or(ApiView::Off, |bound| ApiView::On(bound.address().to_string()));
    let parts = compose::parts(flags, &config, view.clone())?;
    compose::start_local(&parts, &config).await?;
    let (handle, engine) = start::start(parts);
    match view {
        ApiView::On(address) => {
            say(&format!("zkdeck: REST and /metrics at http://{address}; SIGTERM or Ctrl-C ends it"));
        }
        _ => say("zkdeck: no REST; SIGTERM or Ctrl-C ends it"),
    }
    let closed = CancellationToken::new();
    let serve = async {
        match bound {
            Some(bound) => api::serve(bound, handle.clone(), api_config, closed.clone()).await,
            None => closed.cancelled().await,
        }
    };
    let stop = async {
        signalled(&handle).await;
        handle.shut_down();
        closed.cancel();
    };
    tokio::join!(serve, stop);
    for line in engine.end().await {
        say(&format!("zkdeck: {line}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Resolves at SIGTERM, SIGINT and SIGHUP, which `nohup` has ignored, and when the engine ends by itself.
async fn signalled(handle: &Handle) {
    let wait = async |kind| match signal(kind) {
        Ok(mut stream) => _ = stream.recv().await,
        Err(error) => {
            tracing::error!("a signal cannot be watched: {error}");
            std::future::pending::<()>().await;
        }
    };
    let hang_up = async {
        if surroundings::hang_up_is_ignored() {
            std::future::pending::<()>().await;
        }
        wait(SignalKind::hangup()).await;
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
        () = hang_up => {}
        () = handle.stopping() => {}
    }
}
