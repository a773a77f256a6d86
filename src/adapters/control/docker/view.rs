//! What a container's state says of the server in it.

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum as Status, HealthStatusEnum};

use crate::domain::ids::Timestamp;
use crate::domain::server::{ContainerView, HostState, HostView};

/// Exit codes of a process that a signal ended: 128 and the signal's number.
const KILLED: i64 = 137;
const TERMINATED: i64 = 143;

/// The view of an inspected container; `project` is what makes it ours.
pub(super) fn view(found: &ContainerInspectResponse, project: &str) -> HostView {
    let (state, detail) = state(found);
    let name = found.name.as_deref().unwrap_or("-").trim_start_matches('/');
    let image = found.config.as_ref().and_then(|config| config.image.clone()).unwrap_or_else(|| "-".into());
    let id = found.id.as_deref().unwrap_or("-").chars().take(12).collect();
    let container = ContainerView { id, image, project: project.to_owned(), since: since(found, state) };
    HostView { state, name: format!("container {name}"), detail, container: Some(container) }
}

/// Of a server that should have a container and has none.
pub(super) fn missing(why: String) -> HostView {
    HostView { state: HostState::Missing, name: "no container".into(), detail: Some(why), container: None }
}

fn state(found: &ContainerInspectResponse) -> (HostState, Option<String>) {
    let state = found.state.clone().unwrap_or_default();
    let code = state.exit_code.unwrap_or_default();
    let oom = state.oom_killed == Some(true);
    match state.status.unwrap_or(Status::EMPTY) {
        Status::PAUSED => (HostState::Paused, None),
        Status::RUNNING => (HostState::Running, unhealthy(found)),
        Status::RESTARTING => {
            let count = found.restart_count.unwrap_or_default();
            (HostState::Starting, Some(format!("restarts after {}, {count} times so far", exit(code, oom))))
        }
        Status::CREATED => (HostState::Stopped, Some(with(state.error, "it was made and never started".into()))),
        Status::DEAD => (HostState::Stopped, Some("it is dead: Docker could not remove it; docker rm -f it".into())),
        Status::REMOVING => (HostState::Stopped, Some("it is being removed".into())),
        Status::STOPPING => (HostState::Running, Some("is being stopped".into())),
        Status::EXITED | Status::EMPTY => (HostState::Stopped, Some(with(state.error, exit(code, oom)))),
    }
}

fn exit(code: i64, oom: bool) -> String {
    match (code, oom) {
        (code, true) => format!("exit code {code}, killed because its memory limit was reached (OOMKilled)"),
        (KILLED, false) => "exit code 137, killed by SIGKILL".into(),
        (TERMINATED, false) => "exit code 143, stopped by SIGTERM".into(),
        (code, false) => format!("exit code {code}"),
    }
}

fn with(error: Option<String>, text: String) -> String {
    match error.filter(|error| !error.is_empty()) {
        Some(error) => format!("{text}: {}", error.chars().take(200).collect::<String>()),
        None => text,
    }
}

fn unhealthy(found: &ContainerInspectResponse) -> Option<String> {
    let health = found.state.as_ref()?.health.as_ref()?;
    let times = match health.failing_streak {
        // After a pause the engine keeps the verdict until the next check, and has begun to count anew.
        Some(..=0) => return None,
        Some(1) => ", once".to_owned(),
        Some(times) => format!(", {times} times in a row"),
        None => String::new(),
    };
    (health.status == Some(HealthStatusEnum::UNHEALTHY)).then(|| format!("fails its health check{times}"))
}

/// `StartedAt` of what runs, `FinishedAt` of what does not; the engine keeps no time of a pause.
fn since(found: &ContainerInspectResponse, state: HostState) -> Option<Timestamp> {
    let times = found.state.as_ref()?;
    let text = match state {
        HostState::Running | HostState::Starting => times.started_at.as_ref(),
        HostState::Stopped => times.finished_at.as_ref(),
        HostState::Paused | HostState::Missing => None,
    };
    let at: jiff::Timestamp = text?.parse().ok()?;
    // What never was is told as the year 1.
    u64::try_from(at.as_millisecond()).ok().filter(|ms| *ms > 0).map(Timestamp)
}

#[cfg(test)]
mod tests {
    use bollard::models::ContainerState;

    use super::*;

    fn found(state: ContainerState) -> ContainerInspectResponse {
        ContainerInspectResponse {
            id: Some("0123456789abcdef".into()),
            name: Some("/demo-zk1-1".into()),
            state: Some(state),
            restart_count: Some(5),
            ..ContainerInspectResponse::default()
        }
    }

    fn host_state(status: Status, code: i64, oom: bool) -> (HostState, Option<String>) {
        let state = ContainerState {
            status: Some(status),
            exit_code: Some(code),
            oom_killed: Some(oom),
            ..ContainerState::default()
        };
        let view = view(&found(state), "demo");
        (view.state, view.detail)
    }

    #[test]
    fn each_state_says_why() {
        assert_eq!(host_state(Status::PAUSED, 0, false), (HostState::Paused, None));
        assert_eq!(host_state(Status::RUNNING, 0, false), (HostState::Running, None));
        let stopped = |text: &str| (HostState::Stopped, Some(text.to_owned()));
        assert_eq!(host_state(Status::EXITED, 143, false), stopped("exit code 143, stopped by SIGTERM"));
        assert_eq!(
            host_state(Status::EXITED, 137, true),
            stopped("exit code 137, killed because its memory limit was reached (OOMKilled)")
        );
        assert_eq!(host_state(Status::EXITED, 1, false), stopped("exit code 1"));
        assert_eq!(
            host_state(Status::RESTARTING, 1, false),
            (HostState::Starting, Some("restarts after exit code 1, 5 times so far".into()))
        );
        assert_eq!(host_state(Status::DEAD, 0, false).0, HostState::Stopped);
    }

    #[test]
    fn a_health_check_is_told_from_its_first_failure_on() {
        let told = |status, streak| {
            let health = bollard::models::Health {
                status: Some(status),
                failing_streak: streak,
                ..bollard::models::Health::default()
            };
            let state =
                ContainerState { status: Some(Status::RUNNING), health: Some(health), ..ContainerState::default() };
            view(&found(state), "demo").detail
        };
        assert_eq!(
            told(HealthStatusEnum::UNHEALTHY, Some(20)).as_deref(),
            Some("fails its health check, 20 times in a row")
        );
        assert_eq!(told(HealthStatusEnum::UNHEALTHY, Some(1)).as_deref(), Some("fails its health check, once"));
        assert_eq!(told(HealthStatusEnum::UNHEALTHY, None).as_deref(), Some("fails its health check"));
        assert_eq!(told(HealthStatusEnum::UNHEALTHY, Some(0)), None, "a container that was paused and goes on");
        assert_eq!(told(HealthStatusEnum::HEALTHY, Some(0)), None);
    }

    #[test]
    fn times_are_of_the_state_and_never_the_year_one() {
        let state = |status| ContainerState {
            status: Some(status),
            started_at: Some("2026-11-24T10:00:00.5Z".into()),
            finished_at: Some("0001-01-01T00:00:00Z".into()),
            ..ContainerState::default()
        };
        let since = |status| view(&found(state(status)), "demo").container.unwrap().since;
        assert_eq!(since(Status::RUNNING), Some(Timestamp(1_795_514_400_500)));
        assert_eq!((since(Status::EXITED), since(Status::PAUSED)), (None, None));
    }
}
