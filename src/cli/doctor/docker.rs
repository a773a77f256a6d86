//! Docker: whether the containers can be controlled, and how the ensemble's are.

use super::finding::Finding;
use super::place::Site;
use crate::adapters::control::docker::{DockerControl, DockerError};
use crate::cli::compose::{control_disabled, docker_config};
use crate::domain::cause::Advice;
use crate::domain::server::{HostState, HostView};

const NAME: &str = "docker";

pub(super) async fn check(place: &Site) -> Vec<Finding> {
    if place.local {
        return Vec::new();
    }
    if !place.config.docker.control {
        let Advice { cause, step } = control_disabled();
        return vec![Finding::warn(NAME, format!("control of the containers is off: {cause}"), step)];
    }
    match DockerControl::new(docker_config(&place.config, &place.servers)).examine().await {
        Ok(found) => {
            let message = format!("Docker {}, project {}", found.version, found.project);
            let containers = found.hosts.iter().filter_map(|(node, view)| container(node.as_str(), view.as_ref()));
            std::iter::once(Finding::ok(NAME, message)).chain(containers).collect()
        }
        Err(error) => vec![failed(&error)],
    }
}

fn failed(error: &DockerError) -> Finding {
    let Advice { cause, step } = error.advice();
    match error {
        // The console works without: its servers are somebody else's.
        DockerError::NoSocket { .. } | DockerError::NoProject { .. } => Finding::warn(NAME, cause, step),
        _ => Finding::fail(NAME, cause, step),
    }
}

fn container(node: &str, view: Option<&HostView>) -> Option<Finding> {
    let Some(view) = view else {
        return Some(Finding::warn(
            NAME,
            format!("{node}: the state of its container is not known"),
            "docker compose ps",
        ));
    };
    let detail = view.detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
    let message = format!("{node}: {} is {}{detail}", view.name, view.state.word());
    match view.state {
        HostState::Running if view.detail.is_none() => None,
        HostState::Running | HostState::Starting => {
            Some(Finding::warn(NAME, message, format!("docker compose logs --tail 50 {node}")))
        }
        HostState::Paused => Some(Finding::warn(NAME, message, format!("docker compose unpause {node}"))),
        HostState::Stopped => Some(Finding::warn(NAME, message, format!("docker compose start {node}"))),
        HostState::Missing => Some(Finding::warn(NAME, message, format!("docker compose up -d {node}"))),
    }
}
