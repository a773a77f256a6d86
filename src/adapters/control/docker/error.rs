//! What stands between zkdeck and the containers, each with what to do about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bollard::errors::Error;

/// Oldest API that will do: that of Docker 20.10.
pub(super) const API_MIN: &str = "1.41";

/// Why the engine or the container cannot be used. After the last colon stands what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DockerError {
    #[error(
        "DOCKER_HOST is {host:?}, and zkdeck reaches Docker by a unix socket only: set it to unix:///path/to/docker.sock"
    )]
    NotUnix { host: String },
    #[error(
        "there is no Docker socket at {socket}: start Docker (sudo systemctl start docker), or name the socket by \
         DOCKER_HOST=unix:///path", socket = socket.display()
    )]
    NoSocket { socket: PathBuf },
    #[error(
        "this user may not use the Docker socket {socket}: sudo usermod -aG docker $USER and log in again; in a \
         container add the socket's group by group_add", socket = socket.display()
    )]
    Denied { socket: PathBuf },
    #[error("nothing listens on the Docker socket {socket}: start Docker (sudo systemctl start docker)", socket = socket.display())]
    Refused { socket: PathBuf },
    #[error(
        "Docker did not answer to {what} within {} s, it hangs: look at journalctl -u docker, then sudo systemctl \
         restart docker", limit.as_secs_f64()
    )]
    Hangs { what: String, limit: Duration },
    #[error("Docker's API is {found}, and zkdeck needs {API_MIN} (Docker 20.10) or newer: update Docker")]
    TooOld { found: String },
    #[error("{socket} answers to {what}, but not as Docker does ({cause}): check DOCKER_HOST", socket = socket.display())]
    Foreign { socket: PathBuf, what: String, cause: String },
    #[error("Docker refuses {what} ({cause}): {next}")]
    Refuses { what: String, cause: String, next: &'static str },
    #[error("the container {container} is gone: docker compose up -d makes it anew")]
    NoContainer { container: String },
    #[error("{node} has no container in the compose project {project}: docker compose up -d {node}")]
    NotInProject { node: String, project: String },
    #[error(
        "{container} is not proved to be {node}: {why}; nothing is done to it. Name its compose project by \
         ZKDECK_DOCKER_PROJECT when it is {node} all the same"
    )]
    NotProved { node: String, container: String, why: String },
    #[error("{container} is not {node}: {why} ({address}); nothing is done to it")]
    NotTheServer { node: String, container: String, why: String, address: String },
    #[error(
        "no compose project has a service named after a server ({servers}) that publishes its address: docker compose \
         up -d in the project's folder, or name the project by ZKDECK_DOCKER_PROJECT"
    )]
    NoProject { servers: String },
    #[error(
        "the compose project {project} has no service of {servers}: correct ZKDECK_DOCKER_PROJECT; docker compose ls has the names"
    )]
    EmptyProject { project: String, servers: String },
    #[error("several compose projects could be this ensemble ({projects}): name one by ZKDECK_DOCKER_PROJECT")]
    Ambiguous { projects: String },
}

impl DockerError {
    /// Sorts out what the client says; `what` is the request in words.
    pub(super) fn sort(error: &Error, socket: &std::path::Path, what: &str) -> Self {
        let (socket, what) = (socket.to_owned(), what.to_owned());
        if let Some(kind) = io_kind(error) {
            match kind {
                io::ErrorKind::NotFound => return Self::NoSocket { socket },
                io::ErrorKind::PermissionDenied => return Self::Denied { socket },
                io::ErrorKind::ConnectionRefused => return Self::Refused { socket },
                _ => {}
            }
        }
        match error {
            Error::SocketNotFoundError(_) => Self::NoSocket { socket },
            Error::DockerResponseServerError { status_code: 400, message } if message.contains("client version") => {
                Self::TooOld { found: format!("not this client's ({message})") }
            }
            Error::DockerResponseServerError { status_code: 404, message } if message.contains("o such container") => {
                let name = message.rsplit(' ').next().unwrap_or_default();
                Self::NoContainer { container: name.chars().take(64).collect() }
            }
            Error::DockerResponseServerError { status_code: 403, .. } => {
                let cause = "403, a proxy before the socket does not let it through".into();
                Self::Refuses { what, cause, next: "allow it in the proxy's settings" }
            }
            Error::DockerResponseServerError { status_code, message } => {
                let message: String = message.chars().take(300).collect();
                let cause = format!("{}, status {status_code}", message.trim());
                Self::Refuses { what, cause, next: "see journalctl -u docker" }
            }
            other => Self::Foreign { socket, what, cause: root(other) },
        }
    }

    /// Whether the next try may wait: asking again at once would hang again.
    pub(super) const fn is_slow(&self) -> bool {
        matches!(self, Self::Hangs { .. })
    }
}

fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    chain(error).find_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind)
}

fn root(error: &Error) -> String {
    chain(error).last().map_or_else(String::new, |error| error.to_string().chars().take(200).collect())
}
