//! The requests that zkdeck makes of an engine. There are these and no others: nothing is created,
//! removed, executed or built.

use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, ContainerSummary};
use bollard::query_parameters::{
    InspectContainerOptions, ListContainersOptions, LogsOptions, RestartContainerOptions, StartContainerOptions,
    StopContainerOptions,
};
use bollard::{API_DEFAULT_VERSION, Docker};
use futures_util::{StreamExt, TryStreamExt};

use super::error::{API_MIN, DockerError};
use crate::domain::command::ServerAction;

/// Bytes of one answer of logs.
const LOG_BYTES_MAX: usize = 1 << 20;

/// An engine that has answered. Cheap to clone; each request is a connection of its own.
#[derive(Clone)]
pub(super) struct DockerEngine {
    docker: Docker,
    socket: PathBuf,
    limit: Duration,
    /// `20.10.24 (API 1.41)`
    pub(super) version: String,
}

impl DockerEngine {
    /// Reaches the engine and asks its version. Every request after it has `limit`, too.
    pub(super) async fn connect(socket: &Path, limit: Duration) -> Result<Self, DockerError> {
        // The client's own look takes a folder that may not be entered for a socket that is not there.
        match std::fs::metadata(socket).map_err(|error| error.kind()) {
            Ok(_) => {}
            Err(std::io::ErrorKind::PermissionDenied) => return Err(DockerError::Denied { socket: socket.to_owned() }),
            Err(_) => return Err(DockerError::NoSocket { socket: socket.to_owned() }),
        }
        // The client's own limit is only a backstop: it has none for the bodies of answers.
        let docker = Docker::connect_with_unix(&socket.to_string_lossy(), 120, API_DEFAULT_VERSION)
            .map_err(|error| DockerError::sort(&error, socket, "connect"))?;
        let mut engine = Self { docker, socket: socket.to_owned(), limit, version: String::new() };
        let version = engine.ask("its version", limit, engine.docker.version()).await?;
        let api = version.api_version.unwrap_or_default();
        if number(&api) < number(API_MIN) {
            let found = if api.is_empty() { "unknown".to_owned() } else { api };
            return Err(DockerError::TooOld { found });
        }
        engine.version = format!("{} (API {api})", version.version.unwrap_or_else(|| "-".into()));
        Ok(engine)
    }

    /// The containers, running or not, that carry the label (`name` or `name=value`).
    pub(super) async fn list(&self, label: &str) -> Result<Vec<ContainerSummary>, DockerError> {
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let options = ListContainersOptions { all: true, filters: Some(filters), ..ListContainersOptions::default() };
        self.ask("the list of containers", self.limit, self.docker.list_containers(Some(options))).await
    }

    pub(super) async fn inspect(&self, id: &str) -> Result<ContainerInspectResponse, DockerError> {
        let request = self.docker.inspect_container(id, None::<InspectContainerOptions>);
        self.ask("the state of a container", self.limit, request).await
    }

    /// Returns when the engine has done it; `limit` is for a stop, which waits for the process.
    pub(super) async fn act(&self, id: &str, action: ServerAction, limit: Duration) -> Result<(), DockerError> {
        let docker = &self.docker;
        match action {
            ServerAction::Pause => self.ask("pause", self.limit, docker.pause_container(id)).await,
            ServerAction::Resume => self.ask("unpause", self.limit, docker.unpause_container(id)).await,
            ServerAction::Start => {
                self.ask("start", limit, docker.start_container(id, None::<StartContainerOptions>)).await
            }
            ServerAction::Stop => {
                self.ask("stop", limit, docker.stop_container(id, None::<StopContainerOptions>)).await
            }
            ServerAction::Restart => {
                self.ask("restart", limit, docker.restart_container(id, None::<RestartContainerOptions>)).await
            }
        }
    }

    /// The last `lines` of what the container has written, each with the engine's time before it.
    pub(super) async fn logs(&self, id: &str, lines: usize) -> Result<String, DockerError> {
        let options = LogsOptions {
            stdout: true,
            stderr: true,
            timestamps: true,
            tail: lines.to_string(),
            ..LogsOptions::default()
        };
        let stream = self.docker.logs(id, Some(options)).map_ok(bollard::container::LogOutput::into_bytes);
        let text = stream.take_while({
            let mut left = LOG_BYTES_MAX;
            move |part| {
                let fits = left > 0;
                left = left.saturating_sub(part.as_ref().map_or(0, bytes::Bytes::len));
                std::future::ready(fits)
            }
        });
        let whole = text.try_fold(Vec::new(), async |mut all: Vec<u8>, part| {
            all.extend_from_slice(&part);
            Ok(all)
        });
        Ok(String::from_utf8_lossy(&self.ask("its logs", self.limit, whole).await?).into_owned())
    }

    async fn ask<T>(
        &self,
        what: &str,
        limit: Duration,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, DockerError> {
        match tokio::time::timeout(limit, request).await {
            Ok(result) => result.map_err(|error| DockerError::sort(&error, &self.socket, what)),
            Err(_) => Err(DockerError::Hangs { what: what.to_owned(), limit }),
        }
    }
}

/// `1.41` as numbers, so that 1.9 is less; what is no version is less than all.
fn number(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(number("1.9") < number(API_MIN) && number("") < number(API_MIN) && number("x") < number(API_MIN));
        assert!(number("1.41") >= number(API_MIN) && number("1.100") > number(API_MIN));
    }
}
