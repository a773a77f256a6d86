//! Bytes that a record names, and that lie in the trash or in quarantine: the ensemble's records went back
//! in time, by a restored snapshot or by a write that the servers lost.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use super::disk::Disk;
use super::layout::{names_if_there, sync_folder};
use super::quarantine::copy_over;
use super::trash::trashed;
use super::{BlobError, BlobStore};
use crate::domain::file::blob_name;
use crate::domain::ids::{AttemptId, FileId, NodeId};

impl BlobStore {
    /// Gives bytes their final name again; `false` when neither the trash nor quarantine has them. Only for
    /// bytes that a record names and that were missing before it was read: those no commit can replace.
    ///
    /// # Errors
    /// An error of one of the two disks; the bytes are where they were then.
    pub async fn bring_back(&self, node: &NodeId, file: FileId, blob: AttemptId) -> Result<bool, BlobError> {
        let (target, folder) = (self.layout().blob(node, file, blob), self.layout().node(node));
        let (trash, name) = (self.layout().trash(node), blob_name(file, blob));
        let kept = self.inner.quarantine.join(node.as_str()).join(name);
        let (disk, path) = (Arc::clone(self.disk()), target.clone());
        let work = move |_: &_| {
            let trashed = in_trash(&*disk, &trash, file, blob)?;
            let from = trashed.into_iter().chain([kept]);
            for source in from {
                if move_back(&*disk, &source, &target)? {
                    sync_folder(&*disk, &folder)?;
                    return Ok(true);
                }
            }
            Ok(false)
        };
        self.pool().run("bring back", &path, work).await
    }
}

fn in_trash(disk: &dyn Disk, trash: &Path, file: FileId, blob: AttemptId) -> Result<Vec<PathBuf>, BlobError> {
    let names = names_if_there(disk, trash).map_err(|error| BlobError::source("list", trash, error))?;
    let wanted = |name: &OsString| name.to_str().and_then(trashed).is_some_and(|(trashed, _)| trashed == (file, blob));
    Ok(names.iter().filter(|name| wanted(name)).map(|name| trash.join(name)).collect())
}

fn move_back(disk: &dyn Disk, source: &Path, target: &Path) -> Result<bool, BlobError> {
    match disk.rename_new(source, target) {
        Ok(()) | Err(Errno::EXIST) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(Errno::XDEV) => copy_over(disk, "bring back", source, target).map(|()| true),
        Err(error) => Err(BlobError::target("bring back", target, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{put, store};
    use super::*;
    use crate::domain::fixtures::node_id;

    const FILE: FileId = FileId::new(1);
    const BLOB: AttemptId = AttemptId::new(2);

    #[tokio::test]
    async fn bytes_come_back_from_trash_and_from_quarantine() {
        let (_folder, store) = store();
        let zk1 = node_id("zk1");
        put(&store, "zk1", FILE, BLOB, b"bytes");
        store.trash(&zk1, FILE, BLOB).await.unwrap();
        assert_eq!(store.list(&zk1).await.unwrap(), []);
        assert!(store.bring_back(&zk1, FILE, BLOB).await.unwrap());
        assert_eq!(store.list(&zk1).await.unwrap().len(), 1);
        assert!(store.quarantine(&zk1, FILE, BLOB).await.unwrap());
        assert!(store.bring_back(&zk1, FILE, BLOB).await.unwrap());
        assert_eq!(store.list(&zk1).await.unwrap().len(), 1);
        assert_eq!(store.quarantined().await.unwrap(), []);
    }

    #[tokio::test]
    async fn other_bytes_stay_where_they_are() {
        let (_folder, store) = store();
        let zk1 = node_id("zk1");
        put(&store, "zk1", FILE, BLOB, b"bytes");
        store.trash(&zk1, FILE, BLOB).await.unwrap();
        assert!(!store.bring_back(&zk1, FILE, AttemptId::new(3)).await.unwrap());
        assert!(!store.bring_back(&node_id("zk2"), FILE, BLOB).await.unwrap());
        assert_eq!(store.list(&zk1).await.unwrap(), []);
    }
}
