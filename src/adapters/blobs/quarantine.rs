//! Bytes that no record and no intent names: kept in `data/quarantine/<node>/`, never deleted on their own.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use rustix::io::Errno;

use super::blocking::JobWatch;
use super::copy::pour;
use super::digest;
use super::disk::Disk;
use super::draft::BlobDraft;
use super::layout::{make_folder, names_if_there, remove, sync_folder};
use super::verify::open_blob;
use super::{BlobError, BlobStore, Written};
use crate::domain::file::{blob_name, parse_blob_name};
use crate::domain::ids::{AttemptId, Bytes, FileId, NodeId};

/// Published bytes that lie in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuarantinedBlob {
    pub node: NodeId,
    pub file: FileId,
    pub blob: AttemptId,
    pub size: Bytes,
}

impl BlobStore {
    /// Moves published bytes to quarantine; `false` when they are not there any more.
    ///
    /// # Errors
    /// An error of one of the two disks; the bytes are where they were then.
    pub async fn quarantine(&self, node: &NodeId, file: FileId, blob: AttemptId) -> Result<bool, BlobError> {
        self.set_aside(node, self.layout().blob(node, file, blob), blob_name(file, blob)).await
    }

    /// [`BlobStore::quarantine`] for a draft, which no record can name.
    ///
    /// # Errors
    /// As [`BlobStore::quarantine`].
    pub async fn quarantine_draft(&self, node: &NodeId, attempt: AttemptId) -> Result<bool, BlobError> {
        self.set_aside(node, self.layout().draft(node, attempt), format!("draft.{attempt}")).await
    }

    /// Every published file in quarantine, by node, file and blob.
    ///
    /// # Errors
    /// An error of the disk.
    pub async fn quarantined(&self) -> Result<Vec<QuarantinedBlob>, BlobError> {
        let folder = self.inner.quarantine.clone();
        let (disk, path) = (Arc::clone(self.disk()), folder.clone());
        self.pool().run("list", &path, move |watch| list(&*disk, &folder, watch)).await
    }

    /// Copies bytes out of quarantine to the draft of `attempt` at their node; the hash is that of the bytes read.
    ///
    /// # Errors
    /// As [`BlobStore::copy`].
    pub async fn recall(&self, kept: &QuarantinedBlob, attempt: AttemptId) -> Result<Written, BlobError> {
        let path = self.layout().draft(&kept.node, attempt);
        let (target, space, source) = (path.clone(), self.space(&kept.node), self.path_of(kept));
        let (disk, kept) = (Arc::clone(self.disk()), kept.clone());
        let work = move |watch: &JobWatch| {
            let mut input = open_blob(&*disk, &source, &kept.node, kept.file, kept.blob, kept.size)?;
            let mut draft = BlobDraft::create(target, space, Some(kept.size.0), Arc::new(AtomicU64::new(0)))?;
            pour(&mut *input, &source, &mut draft, kept.size, watch)?;
            draft.finish(watch)
        };
        self.pool().run("copy to", &path, work).await
    }

    /// Size and hash of bytes in quarantine. Changes nothing.
    ///
    /// # Errors
    /// An error of the disk.
    pub async fn digest_quarantined(&self, kept: &QuarantinedBlob) -> Result<Written, BlobError> {
        let path = self.path_of(kept);
        let (disk, source, kept) = (Arc::clone(self.disk()), path.clone(), kept.clone());
        let work = move |watch: &JobWatch| {
            let mut input = open_blob(&*disk, &source, &kept.node, kept.file, kept.blob, kept.size)?;
            digest::read_to_end(&mut *input, &source, kept.size, watch, |_| ())
        };
        self.pool().run("read", &path, work).await
    }

    /// Removes bytes from quarantine, once a record names a copy of them.
    ///
    /// # Errors
    /// An error of the disk.
    pub async fn release(&self, kept: &QuarantinedBlob) -> Result<(), BlobError> {
        let path = self.path_of(kept);
        let (disk, file) = (Arc::clone(self.disk()), path.clone());
        self.pool().run("remove", &path, move |_| remove(&*disk, &file)).await
    }

    fn path_of(&self, kept: &QuarantinedBlob) -> PathBuf {
        self.inner.quarantine.join(kept.node.as_str()).join(blob_name(kept.file, kept.blob))
    }

    async fn set_aside(&self, node: &NodeId, source: PathBuf, name: String) -> Result<bool, BlobError> {
        let folder = self.inner.quarantine.join(node.as_str());
        let (disk, path) = (Arc::clone(self.disk()), source.clone());
        self.pool().run("move to quarantine", &path, move |_| set_aside(&*disk, &source, &folder, &name)).await
    }
}

pub(super) fn set_aside(disk: &dyn Disk, source: &Path, folder: &Path, name: &str) -> Result<bool, BlobError> {
    make_folder(disk, folder)?;
    let target = folder.join(name);
    match disk.rename_new(source, &target) {
        Ok(()) => sync_folder(disk, folder)?,
        Err(Errno::NOENT) => return Ok(false),
        Err(Errno::EXIST) if !same_size(disk, source, &target) => {
            return Err(BlobError::target("move to quarantine", source, Errno::EXIST));
        }
        Err(Errno::XDEV | Errno::EXIST) => copy_over(disk, "copy to quarantine", source, &target)?,
        Err(error) => return Err(BlobError::target("move to quarantine", source, error)),
    }
    Ok(true)
}

/// To another disk: whole and synced under another name first, and with its name synced before the
/// source goes. A name is used once: what has it already, with this size, was brought over by an earlier
/// try that was cut, and is not brought again. `operation` is for errors.
pub(super) fn copy_over(
    disk: &dyn Disk,
    operation: &'static str,
    source: &Path,
    target: &Path,
) -> Result<(), BlobError> {
    let part = target.with_extension("part");
    let failed = |error: io::Error| BlobError::target(operation, target, error);
    remove(disk, &part)?;
    if !same_size(disk, source, target) {
        let mut copy = disk.create_new(&part).map_err(failed)?;
        let mut bytes = disk.open(source).map_err(failed)?;
        io::copy(&mut bytes, &mut copy).and_then(|_| copy.sync()).map_err(failed)?;
        disk.rename_new(&part, target).map_err(|error| failed(error.into()))?;
    }
    if let Some(folder) = target.parent() {
        sync_folder(disk, folder)?;
    }
    remove(disk, source)
}

fn same_size(disk: &dyn Disk, one: &Path, other: &Path) -> bool {
    let size = |path: &Path| disk.size(path).ok().flatten();
    size(one).is_some() && size(one) == size(other)
}

fn list(disk: &dyn Disk, root: &Path, watch: &JobWatch) -> Result<Vec<QuarantinedBlob>, BlobError> {
    let nodes = names_if_there(disk, root).map_err(|error| BlobError::source("list", root, error))?;
    let mut found = Vec::new();
    for folder in nodes {
        let Some(node) = folder.to_str().and_then(|name| NodeId::new(name).ok()) else { continue };
        let read = |name: &str, size| parse_blob_name(name).map(|(file, blob)| (file, blob, Bytes(size)));
        let files = super::survey::walk(disk, &root.join(&folder), read, watch)?;
        found.extend(files.into_iter().map(|(file, blob, size)| QuarantinedBlob {
            node: node.clone(),
            file,
            blob,
            size,
        }));
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::disk::LocalDisk;
    use super::super::testing::{counter, hash, powered, put, store};
    use super::*;
    use crate::domain::fixtures::node_id;

    const FILE: FileId = FileId::new(1);
    const BLOB: AttemptId = AttemptId::new(2);

    #[tokio::test]
    async fn bytes_go_to_quarantine_whole_and_come_back_under_a_new_name() {
        let (folder, store) = store();
        let node = node_id("zk1");
        put(&store, "zk1", FILE, BLOB, b"precious");
        assert!(store.quarantine(&node, FILE, BLOB).await.unwrap());
        assert!(!store.quarantine(&node, FILE, BLOB).await.unwrap(), "they are gone from the node");
        assert!(store.list(&node).await.unwrap().is_empty());
        let kept = QuarantinedBlob { node: node.clone(), file: FILE, blob: BLOB, size: Bytes(8) };
        assert_eq!(store.quarantined().await.unwrap(), std::slice::from_ref(&kept));
        let name = blob_name(FILE, BLOB);
        assert_eq!(fs::read(folder.path().join("quarantine/zk1").join(name)).unwrap(), b"precious");
        let written = store.recall(&kept, AttemptId::new(3)).await.unwrap();
        assert_eq!(written, Written { size: Bytes(8), blake3: hash(b"precious") });
        assert_eq!(store.leftovers(&node).await.unwrap(), [AttemptId::new(3)]);
        store.release(&kept).await.unwrap();
        assert!(store.quarantined().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_earlier_try_that_was_cut_is_finished() {
        let (folder, store) = store();
        put(&store, "zk1", FILE, BLOB, b"bytes");
        let there = folder.path().join("quarantine/zk1");
        fs::create_dir_all(&there).unwrap();
        fs::write(there.join(blob_name(FILE, BLOB)), b"bytes").unwrap();
        assert!(store.quarantine(&node_id("zk1"), FILE, BLOB).await.unwrap());
        assert!(store.list(&node_id("zk1")).await.unwrap().is_empty());
        put(&store, "zk1", FILE, BLOB, b"others");
        assert!(store.quarantine(&node_id("zk1"), FILE, BLOB).await.is_err(), "nothing is overwritten");
    }

    #[test]
    fn a_copy_that_came_over_before_its_source_went_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let [source, target] = ["source", "target"].map(|name| folder.path().join(name));
        let copy = || copy_over(&LocalDisk, "copy to quarantine", &source, &target);
        let write = |path: &Path, bytes: &str| fs::write(path, bytes).unwrap();
        write(&source, "bytes");
        write(&target.with_extension("part"), "by");
        copy().unwrap();
        assert!(!source.exists() && fs::read(&target).unwrap() == b"bytes");
        write(&source, "bytes");
        copy().unwrap();
        assert!(!source.exists() && fs::read(&target).unwrap() == b"bytes");
        write(&source, "others");
        let refused = copy().unwrap_err().to_string();
        assert!(source.exists() && fs::read(&target).unwrap() == b"bytes", "{refused}");
    }

    #[test]
    fn what_came_over_to_another_disk_survives_a_loss_of_power_whole() {
        let (volume, store) = powered();
        let disk = &**store.disk();
        let [source, target] = ["/data/uploads/zk1/bytes", "/data/quarantine/zk1/bytes"].map(Path::new);
        disk.make_folder(Path::new("/data/quarantine/zk1")).unwrap();
        disk.create_new(source).unwrap().write_all(b"precious").unwrap();
        copy_over(disk, "copy to quarantine", source, target).unwrap();
        volume.lose_power(|| false);
        assert_eq!(volume.bytes(target).as_deref(), Some(&b"precious"[..]));
    }

    #[tokio::test]
    async fn drafts_are_kept_too_and_are_not_taken_for_files() {
        let (_folder, store) = store();
        store.generate(&node_id("zk2"), BLOB, Bytes(4), 1, counter()).await.unwrap();
        assert!(store.quarantine_draft(&node_id("zk2"), BLOB).await.unwrap());
        assert!(store.leftovers(&node_id("zk2")).await.unwrap().is_empty());
        assert!(store.quarantined().await.unwrap().is_empty());
    }
}
