//! What lies in a node's folder.

use std::path::Path;
use std::sync::Arc;

use super::blocking::JobWatch;
use super::disk::Disk;
use super::{BlobError, BlobStore};
use crate::domain::file::parse_blob_name;
use crate::domain::ids::{AttemptId, Bytes, FileId, NodeId};

impl BlobStore {
    /// Every published blob at `node` with its size, in no order. Names that are not ours are left out.
    ///
    /// # Errors
    /// [`BlobError::Io`] when the folder cannot be read.
    pub async fn list(&self, node: &NodeId) -> Result<Vec<(FileId, AttemptId, Bytes)>, BlobError> {
        let read = |name: &str, size| parse_blob_name(name).map(|(file, attempt)| (file, attempt, Bytes(size)));
        self.survey(self.layout().node(node), read).await
    }

    /// The attempts whose drafts lie at `node`.
    ///
    /// # Errors
    /// [`BlobError::Io`] when the folder cannot be read.
    pub async fn leftovers(&self, node: &NodeId) -> Result<Vec<AttemptId>, BlobError> {
        self.survey(self.layout().drafts(node), |name, _| name.parse().ok()).await
    }

    async fn survey<T: Send + 'static>(
        &self,
        folder: std::path::PathBuf,
        read: impl Fn(&str, u64) -> Option<T> + Send + 'static,
    ) -> Result<Vec<T>, BlobError> {
        let (disk, path) = (Arc::clone(self.disk()), folder.clone());
        self.pool().run("list", &path, move |watch| walk(&*disk, &folder, read, watch)).await
    }
}

pub(super) fn walk<T>(
    disk: &dyn Disk,
    folder: &Path,
    read: impl Fn(&str, u64) -> Option<T>,
    watch: &JobWatch,
) -> Result<Vec<T>, BlobError> {
    let failed = |error| BlobError::source("list", folder, error);
    let mut found = Vec::new();
    for name in disk.names(folder).map_err(failed)? {
        watch.beat("list", folder)?;
        // A file that another process removes meanwhile is not there any more.
        let Some(size) = disk.size(&folder.join(&name)).ok().flatten() else { continue };
        found.extend(name.to_str().and_then(|name| read(name, size)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::testing::{counter, put, store};
    use super::*;
    use crate::domain::fixtures::node_id;

    #[tokio::test]
    async fn only_our_names_are_listed() {
        let (_folder, store) = store();
        let (file, attempt) = (FileId::new(1), AttemptId::new(2));
        put(&store, "zk1", file, attempt, b"12345");
        let folder = store.layout().node(&node_id("zk1"));
        fs::write(folder.join("notes.txt"), b"").unwrap();
        fs::create_dir(folder.join(crate::domain::file::blob_name(file, AttemptId::new(9)))).unwrap();
        store.generate(&node_id("zk1"), AttemptId::new(3), Bytes(1), 0, counter()).await.unwrap();
        fs::write(folder.join(".tmp/notes.txt"), b"").unwrap();
        assert_eq!(store.list(&node_id("zk1")).await.unwrap(), [(file, attempt, Bytes(5))]);
        assert_eq!(store.leftovers(&node_id("zk1")).await.unwrap(), [AttemptId::new(3)]);
        assert!(store.list(&node_id("zk9")).await.is_err());
    }
}
