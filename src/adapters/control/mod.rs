//! Control of the servers' processes or containers: pause, resume, stop, start, restart.
//!
//! One trait, one file or folder for each way: [`process`] for the children of `--local`, [`docker`]
//! for the containers of a compose project, [`off`] where servers cannot be controlled.

pub mod docker;
pub mod off;
pub mod process;

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::cause::{Cause, Fault};
use crate::domain::command::ServerAction;
use crate::domain::ids::NodeId;
use crate::domain::server::{HostView, Output};
use crate::domain::snapshot::ControlView;

/// What can be done to the servers from the host they run on.
#[async_trait]
pub trait ServerControl: Send + Sync {
    /// What kind of control this is, or why there is none.
    fn kind(&self) -> ControlView;

    /// One entry for each server that is known here; `None` when its state cannot be told now.
    /// Answers within a few seconds.
    async fn hosts(&self) -> Vec<(NodeId, Option<HostView>)>;

    /// Acts on one server and waits until the effect is seen on its process or container. Whether
    /// the quorum bears it is the caller's question.
    ///
    /// # Errors
    /// [`ControlError`] with the action, the server, the cause and what to do.
    async fn act(&self, node: &NodeId, action: ServerAction) -> Result<(), ControlError>;

    /// The last `lines` that the server's container has written.
    ///
    /// # Errors
    /// [`OutputError`]: there is no container, or its engine does not give them.
    async fn output(&self, node: &NodeId, _lines: usize) -> Result<Output, OutputError> {
        Err(OutputError::NoContainer { node: node.clone() })
    }
}

/// Why what a server's container writes cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error("{node} runs in no container of this zkdeck: its log is in logs/{node}")]
    NoContainer { node: NodeId },
    #[error("log of the container of {node}: {cause}")]
    Docker { node: NodeId, cause: docker::DockerError },
}

/// Why an action on a server was not done or not seen done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("{} {node}: servers cannot be controlled from here: {cause}", action.word())]
    Off { action: ServerAction, node: NodeId, cause: String },
    #[error("{} {node}: no server of that name runs here; the servers are {known}", action.word())]
    UnknownNode { action: ServerAction, node: NodeId, known: String },
    /// Nothing to do: the server is in the wanted state.
    #[error("{} {node}: {what}", action.word())]
    AlreadySo { action: ServerAction, node: NodeId, what: String },
    /// Nothing was done: the server's state forbids it.
    #[error("{} {node}: {why}", action.word())]
    NotPossible { action: ServerAction, node: NodeId, why: String },
    #[error("{} {node}: {why}", action.word())]
    Failed { action: ServerAction, node: NodeId, why: String },
    #[error("{} {node}: the effect was not seen within {} s; {next}", action.word(), limit.as_secs_f64())]
    TimedOut { action: ServerAction, node: NodeId, limit: Duration, next: String },
    #[error("{} {node}: zkdeck is ending and controls servers no more", action.word())]
    Closed { action: ServerAction, node: NodeId },
}

impl From<ControlError> for Fault {
    fn from(error: ControlError) -> Self {
        let cause = match &error {
            ControlError::AlreadySo { .. } => Cause::AlreadySo,
            ControlError::NotPossible { .. } => Cause::NotPossible,
            ControlError::Closed { .. } => Cause::Ending,
            ControlError::Off { .. }
            | ControlError::UnknownNode { .. }
            | ControlError::Failed { .. }
            | ControlError::TimedOut { .. } => Cause::Control,
        };
        Self::new(cause, error.to_string())
    }
}
