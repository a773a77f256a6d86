//! One small write to a node's disk: whether it can be written again.

use std::sync::Arc;

use uuid::Uuid;

use super::layout::remove;
use super::{BlobError, BlobStore};
use crate::domain::ids::NodeId;

impl BlobStore {
    /// Writes, syncs and removes a small file in the node's `.tmp`, each time another one.
    ///
    /// # Errors
    /// An error of the node's disk.
    pub async fn try_write(&self, node: &NodeId) -> Result<(), BlobError> {
        let path = self.layout().drafts(node).join(format!("probe.{}", Uuid::now_v7()));
        let (disk, file) = (Arc::clone(self.disk()), path.clone());
        let work = move |watch: &super::blocking::JobWatch| {
            watch.at_target(true);
            let failed = |error| BlobError::target("try to write", &file, error);
            let mut probe = disk.create_new(&file).map_err(failed)?;
            let written = probe.write_all(&[0; 4096]).and_then(|()| probe.sync());
            remove(&*disk, &file)?;
            written.map_err(failed)
        };
        self.pool().run("try to write", &path, work).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use crate::domain::fixtures::node_id;

    #[tokio::test]
    async fn a_probe_leaves_nothing_and_tells_a_disk_that_is_gone() {
        let (_folder, store) = store();
        store.try_write(&node_id("zk1")).await.unwrap();
        assert_eq!(std::fs::read_dir(store.layout().drafts(&node_id("zk1"))).unwrap().count(), 0);
        assert!(store.try_write(&node_id("zk9")).await.unwrap_err().target_trouble().is_some());
    }
}
