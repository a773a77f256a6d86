//! Node records.

use super::{Registry, json, parse};
use crate::adapters::zookeeper::error::ZkError;
use crate::domain::ids::NodeId;
use crate::domain::node::NodeRecord;

impl Registry {
    /// The record of a node and its version; made with defaults when there is none.
    ///
    /// # Errors
    /// [`ZkError`]; [`ZkError::Unreadable`] for a record that cannot be parsed.
    pub async fn ensure_node(&self, node: &NodeId) -> Result<(NodeRecord, i32), ZkError> {
        if let Some(found) = self.read_node(node).await? {
            return Ok(found);
        }
        let path = self.layout.node(node);
        self.make(&path, &json(&path, &NodeRecord::default())?).await?;
        self.read_node(node).await?.ok_or_else(|| super::missing(&path))
    }

    /// # Errors
    /// As [`Registry::ensure_node`].
    pub async fn read_node(&self, node: &NodeId) -> Result<Option<(NodeRecord, i32)>, ZkError> {
        let path = self.layout.node(node);
        let found = self.coord.get(&path).await?;
        found.map(|(data, version)| Ok((parse(&path, &data)?, version))).transpose()
    }

    /// Writes a record over the version that it was read at; returns the new version.
    ///
    /// # Errors
    /// [`ZkError::Refused`] when somebody else wrote meanwhile.
    pub async fn write_node(&self, node: &NodeId, record: &NodeRecord, version: i32) -> Result<i32, ZkError> {
        let path = self.layout.node(node);
        self.coord.set(&path, &json(&path, record)?, Some(version)).await
    }
}
