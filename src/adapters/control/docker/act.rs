//! One action on one container: whether it can be done, what time it has, and when its effect is seen.

use std::time::Duration;

use bollard::models::ContainerInspectResponse;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::engine::DockerEngine;
use super::view;
use crate::adapters::control::ControlError;
use crate::domain::command::ServerAction;
use crate::domain::ids::NodeId;
use crate::domain::server::HostState;

/// Between an engine's answer and the state that shows it.
const EFFECT_LIMIT: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(100);
/// What the engine gives a process to end when the container says nothing else.
const STOP_DEFAULT_S: u64 = 10;

pub(super) fn check(state: HostState, node: &NodeId, action: ServerAction) -> Result<(), ControlError> {
    use HostState::{Missing, Paused, Running, Starting, Stopped};
    use ServerAction::{Pause, Restart, Resume, Start, Stop};
    let node = node.clone();
    let already = |what: &str| Err(ControlError::AlreadySo { action, node: node.clone(), what: what.into() });
    let cannot = |why: &str| Err(ControlError::NotPossible { action, node: node.clone(), why: why.into() });
    match (state, action) {
        (Running, Pause | Stop | Restart)
        | (Paused, Resume | Stop | Restart)
        | (Starting, Stop | Restart)
        | (Stopped, Start) => Ok(()),
        (Running, Resume) => already("it is not paused"),
        (Running | Starting, Start) => already("it runs already"),
        (Paused, Pause) => already("it is paused already"),
        (Paused, Start) => cannot("it is paused: resume it instead"),
        (Starting, Pause | Resume) => cannot("it restarts again and again: look at its log, or stop it"),
        (Stopped, Stop) => already("it does not run"),
        (Stopped, Restart) => cannot("it does not run: start it instead"),
        (Stopped, Pause | Resume) => cannot("it does not run: start it first"),
        (Missing, _) => cannot("it has no container"),
    }
}

/// The time that a container has to end.
pub(super) fn grace(inspected: &ContainerInspectResponse) -> Duration {
    let own = inspected.config.as_ref().and_then(|config| config.stop_timeout).and_then(|s| u64::try_from(s).ok());
    Duration::from_secs(own.unwrap_or(STOP_DEFAULT_S))
}

/// Waits until the container's state shows the action.
pub(super) async fn await_state(
    engine: &DockerEngine,
    id: &str,
    node: &NodeId,
    action: ServerAction,
) -> Result<(), ControlError> {
    let begun = Instant::now();
    let mut timer = interval(STEP);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while begun.elapsed() < EFFECT_LIMIT {
        timer.tick().await;
        let Ok(found) = engine.inspect(id).await else { continue };
        let view = view::view(&found, "");
        let shown = match action {
            ServerAction::Pause => view.state == HostState::Paused,
            ServerAction::Stop => view.state == HostState::Stopped,
            ServerAction::Resume | ServerAction::Start | ServerAction::Restart => view.state == HostState::Running,
        };
        if shown {
            return Ok(());
        }
        let starts = matches!(action, ServerAction::Start | ServerAction::Restart);
        if starts && matches!(view.state, HostState::Stopped | HostState::Starting) {
            let why = format!("it ended at once: {}", view.detail.unwrap_or_else(|| "-".into()));
            return Err(ControlError::Failed { action, node: node.clone(), why });
        }
    }
    let next = format!("look at it with docker inspect {}", id.get(..12).unwrap_or(id));
    Err(ControlError::TimedOut { action, node: node.clone(), limit: EFFECT_LIMIT, next })
}
