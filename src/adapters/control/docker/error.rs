//! What stands between zkdeck and the containers, each with what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bollard::errors::Error;

use crate::domain::cause::Advice;

/// Oldest API that will do: that of Docker 20.10.
pub(super) const API_MIN: &str = "1.41";

/// Why the engine or the container cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DockerError {
    NotUnix { host: String },
    NoSocket { socket: PathBuf },
    Denied { socket: PathBuf },
    Refused { socket: PathBuf },
    Hangs { what: String, limit: Duration },
    TooOld { found: String },
    Foreign { socket: PathBuf, what: String, cause: String },
    Refuses { what: String, cause: String, next: &'static str },
    NoContainer { container: String },
    NotInProject { node: String, project: String },
    NotProved { node: String, container: String, why: String },
    NotTheServer { node: String, container: String, why: String, address: String },
    NoProject { servers: String },
    EmptyProject { project: String, servers: String },
    Ambiguous { projects: String },
}

impl std::error::Error for DockerError {}

/// The cause, and what to do about it behind a colon.
impl fmt::Display for DockerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Advice { cause, step } = self.advice();
        write!(f, "{cause}: {step}")
    }
}

impl DockerError {
    /// What stands in the way, and what to do about it.
    #[must_use]
    pub fn advice(&self) -> Advice {
        let shown = |socket: &PathBuf| socket.display().to_string();
        let (cause, step) = match self {
            Self::NotUnix { host } => (
                format!("DOCKER_HOST is {host:?}, and zkdeck reaches Docker by a unix socket only"),
                "set it to unix:///path/to/docker.sock",
            ),
            Self::NoSocket { socket } => (
                format!("there is no Docker socket at {}", shown(socket)),
                "start Docker (sudo systemctl start docker), or name the socket by DOCKER_HOST=unix:///path",
            ),
            Self::Denied { socket } => (
                format!("this user may not use the Docker socket {}", shown(socket)),
                "sudo usermod -aG docker $USER and log in again; in a container add the socket's group by group_add",
            ),
            Self::Refused { socket } => (
                format!("nothing listens on the Docker socket {}", shown(socket)),
                "start Docker (sudo systemctl start docker)",
            ),
            Self::Hangs { what, limit } => (
                format!("Docker did not answer to {what} within {} s, it hangs", limit.as_secs_f64()),
                "look at journalctl -u docker, then sudo systemctl restart docker",
            ),
            Self::TooOld { found } => (
                format!("Docker's API is {found}, and zkdeck needs {API_MIN} (Docker 20.10) or newer"),
                "update Docker",
            ),
            Self::Foreign { socket, what, cause } => {
                (format!("{} answers to {what}, but not as Docker does ({cause})", shown(socket)), "check DOCKER_HOST")
            }
            Self::Refuses { what, cause, next } => (format!("Docker refuses {what} ({cause})"), *next),
            Self::NoContainer { container } => {
                (format!("the container {container} is gone"), "docker compose up -d makes it anew")
            }
            Self::NotInProject { node, project } => {
                let cause = format!("{node} has no container in the compose project {project}");
                return Advice::new(cause, format!("docker compose up -d {node}"));
            }
            Self::NotProved { node, container, why } => (
                format!("{container} is not proved to be {node}, {why}; nothing is done to it"),
                "name its compose project by ZKDECK_DOCKER_PROJECT when it is that server all the same",
            ),
            Self::NotTheServer { node, container, why, address } => {
                let step = format!("{why} ({address}); nothing is done to it");
                return Advice::new(format!("{container} is not {node}"), step);
            }
            Self::NoProject { servers } => (
                format!("no compose project has a service named after a server ({servers}) that publishes its address"),
                "docker compose up -d in the project's folder, or name the project by ZKDECK_DOCKER_PROJECT",
            ),
            Self::EmptyProject { project, servers } => (
                format!("the compose project {project} has no service of {servers}"),
                "correct ZKDECK_DOCKER_PROJECT; docker compose ls has the names",
            ),
            Self::Ambiguous { projects } => (
                format!("several compose projects could be this ensemble ({projects})"),
                "name one by ZKDECK_DOCKER_PROJECT",
            ),
        };
        Advice::new(cause, step)
    }

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
