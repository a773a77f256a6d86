//! Takes the picture of ZooKeeper, the disks and the history that the invariants are judged over.

use crate::adapters::blobs::{BlobError, BlobStore};
use crate::adapters::history::{History, HistoryError};
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::registry::Registry;
use crate::domain::ids::{NodeId, OperationId};
use crate::domain::invariants::{Picture, Row, Stored, Violation, check, lasting};
use crate::domain::operation::{HISTORY_PAGE_MAX, HistoryQuery};

/// What is looked at. What is `None` is not judged.
pub struct Inspection {
    pub registry: Registry,
    /// `None` when the folders belong to another store.
    pub blobs: Option<BlobStore>,
    /// `None` when a part of history is known to be lost.
    pub history: Option<History>,
    pub nodes: Vec<NodeId>,
    /// Whether all bytes are read and hashed, or only their sizes looked at.
    pub hashes: bool,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error("reading the records: {0}")]
    Zk(#[from] ZkError),
    #[error("looking at the bytes: {0}")]
    Blob(#[from] BlobError),
    #[error("reading the history: {0}")]
    History(#[from] HistoryError),
}

impl Inspection {
    /// Every violation that lasts: what one picture shows is looked at a second time, since files may
    /// move while the picture is taken.
    ///
    /// # Errors
    /// [`InspectError`] when something could not be looked at: then nothing is known.
    pub async fn violations(&self) -> Result<Vec<Violation>, InspectError> {
        let first = check(&self.picture().await?);
        if first.is_empty() {
            return Ok(first);
        }
        Ok(lasting(&first, check(&self.picture().await?)))
    }

    /// One picture. The disks are looked at between two readings of the intents, and the records last:
    /// bytes of an attempt that begins or ends meanwhile are known by one of the two.
    ///
    /// # Errors
    /// [`InspectError`].
    pub async fn picture(&self) -> Result<Picture, InspectError> {
        let before = self.registry.intents().await?;
        let stored = self.stored().await?;
        let rows = self.rows().await?;
        let after = self.registry.intents().await?;
        let loaded = self.registry.load_files(|_| {}).await?;
        let mut intents = after.intents;
        intents.extend(before.intents);
        intents.sort_by_key(|(attempt, _, version)| (*attempt, std::cmp::Reverse(*version)));
        intents.dedup_by_key(|(attempt, ..)| *attempt);
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            nodes.extend(self.registry.read_node(node).await?.map(|(record, _)| (node.clone(), record)));
        }
        let intents = intents.into_iter().map(|(attempt, intent, _)| (attempt, intent)).collect();
        let unreadable = loaded.unreadable.into_iter().chain(after.unreadable).collect();
        Ok(Picture { files: loaded.entries, intents, nodes, unreadable, stored, rows })
    }

    async fn stored(&self) -> Result<Option<Vec<Stored>>, InspectError> {
        let Some(blobs) = &self.blobs else { return Ok(None) };
        let mut stored = Vec::new();
        for node in &self.nodes {
            stored.extend(blobs.inventory(node, self.hashes).await?);
        }
        Ok(Some(stored))
    }

    async fn rows(&self) -> Result<Option<Vec<Row>>, InspectError> {
        let Some(history) = &self.history else { return Ok(None) };
        let (mut rows, mut before): (Vec<Row>, Option<OperationId>) = (Vec::new(), None);
        loop {
            let query = HistoryQuery { before, limit: HISTORY_PAGE_MAX, ..HistoryQuery::default() };
            let page = history.query(query).await?.operations;
            rows.extend(page.iter().map(Row::from));
            match page.last() {
                Some(last) if page.len() == HISTORY_PAGE_MAX => before = Some(last.id),
                _ => return Ok(Some(rows)),
            }
        }
    }
}
