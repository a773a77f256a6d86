//! Free space of a node's disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::disk::Disk;
use super::{BlobError, BlobStore};
use crate::domain::ids::{Bytes, NodeId};

/// A node's folder and what must stay free on its disk.
#[derive(Clone, Debug)]
pub(super) struct Space {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) node: NodeId,
    pub(super) folder: PathBuf,
    pub(super) reserve: Bytes,
}

impl Space {
    pub(super) fn free(&self) -> Result<Bytes, BlobError> {
        let free = self.disk.free(&self.folder);
        free.map(Bytes).map_err(|error| BlobError::target("read free space", &self.folder, error))
    }

    /// Refuses a write of `needed` bytes that would touch the reserve.
    pub(super) fn require(&self, needed: u64) -> Result<(), BlobError> {
        let free = self.free()?;
        if free.0 >= needed.saturating_add(self.reserve.0) {
            return Ok(());
        }
        Err(BlobError::NoSpace { node: self.node.clone(), needed: Bytes(needed), free, reserve: self.reserve })
    }
}

impl BlobStore {
    pub(super) fn space(&self, node: &NodeId) -> Space {
        let (disk, folder) = (Arc::clone(self.disk()), self.layout().node(node));
        Space { disk, node: node.clone(), folder, reserve: Bytes(self.inner.reserve.load(Ordering::Relaxed)) }
    }

    /// Space that stays free on each disk, from the next write on.
    pub fn keep_free(&self, reserve: Bytes) {
        self.inner.reserve.store(reserve.0, Ordering::Relaxed);
    }

    /// Space that this user may still write on the disk of `node`, the reserve included.
    ///
    /// # Errors
    /// [`BlobError::Io`] when the folder is not there or cannot be asked.
    pub async fn free(&self, node: &NodeId) -> Result<Bytes, BlobError> {
        let space = self.space(node);
        let path = space.folder.clone();
        self.pool().run("read free space", &path, move |_| space.free()).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use crate::domain::fixtures::node_id;

    #[tokio::test]
    async fn free_space_is_told_and_a_missing_folder_is_an_error() {
        let (_folder, store) = store();
        assert!(store.free(&node_id("zk1")).await.unwrap().0 > 0);
        assert!(store.free(&node_id("zk9")).await.is_err());
    }
}
