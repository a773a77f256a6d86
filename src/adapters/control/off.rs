//! No control: every action is refused with the reason.

use async_trait::async_trait;

use super::{ControlError, ServerControl};
use crate::domain::command::ServerAction;
use crate::domain::ids::NodeId;
use crate::domain::server::HostView;
use crate::domain::snapshot::ControlView;

/// Stands where servers are not ours to control.
#[derive(Clone, Debug)]
pub struct Off {
    cause: String,
}

impl Off {
    /// `cause` says why, and what to do about it: `no --local, no Docker: start zkdeck with --local`.
    #[must_use]
    pub fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into() }
    }
}

#[async_trait]
impl ServerControl for Off {
    fn kind(&self) -> ControlView {
        ControlView::Off(self.cause.clone())
    }

    async fn hosts(&self) -> Vec<(NodeId, Option<HostView>)> {
        Vec::new()
    }

    async fn act(&self, node: &NodeId, action: ServerAction) -> Result<(), ControlError> {
        Err(ControlError::Off { action, node: node.clone(), cause: self.cause.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_action_is_refused_with_the_reason() {
        let off = Off::new("DOCKER_CONTROL_ENABLED is false");
        let node = NodeId::new("zk2").unwrap();
        for action in ServerAction::ALL {
            let error = off.act(&node, action).await.unwrap_err().to_string();
            assert!(error.starts_with(&format!("{} zk2: ", action.word())), "{error}");
            assert!(error.contains("DOCKER_CONTROL_ENABLED is false"), "{error}");
        }
        assert_eq!(off.kind(), ControlView::Off("DOCKER_CONTROL_ENABLED is false".into()));
        assert!(off.hosts().await.is_empty());
    }
}
