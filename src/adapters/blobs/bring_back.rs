//! Bytes that a record names, and that lie elsewhere: the ensemble's records went back in time, by a restored
//! snapshot or by a write that the servers lost.
//!
//! Bytes with a record's file id, size and hash are that file's, in whichever node's trash or quarantine they
//! lie, and whatever attempt wrote them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use super::blocking::JobWatch;
use super::digest;
use super::disk::Disk;
use super::layout::{names_if_there, sync_folder};
use super::quarantine::{copy_over, set_aside};
use super::trash::trashed;
use super::{BlobError, BlobStore, Written};
use crate::domain::file::{FileEntry, blob_name, parse_blob_name};
use crate::domain::ids::{AttemptId, Bytes, FileId, NodeId};

/// What lies in the trash and in quarantine of all nodes, by file.
#[derive(Clone, Debug, Default)]
pub struct Aside(BTreeMap<FileId, Vec<AsideBlob>>);

#[derive(Clone, Debug)]
struct AsideBlob {
    blob: AttemptId,
    size: Bytes,
    path: PathBuf,
}

impl BlobStore {
    /// What has been put aside. A folder that cannot be read is left out.
    ///
    /// # Errors
    /// [`BlobError`] when the root cannot be read.
    pub async fn aside(&self) -> Result<Aside, BlobError> {
        let (disk, layout, quarantine) =
            (Arc::clone(self.disk()), self.layout().clone(), self.inner.quarantine.clone());
        let root = self.root().to_owned();
        let work = move |watch: &JobWatch| {
            let mut aside = Aside::default();
            for node in layout.node_folders(&*disk)? {
                let read = |name: &str| trashed(name).map(|(found, _)| found);
                aside.add(&*disk, &layout.trash(&node), read, watch)?;
            }
            for folder in names_if_there(&*disk, &quarantine).unwrap_or_default() {
                if folder.to_str().is_some_and(|name| NodeId::new(name).is_ok()) {
                    aside.add(&*disk, &quarantine.join(&folder), parse_blob_name, watch)?;
                }
            }
            Ok(aside)
        };
        self.pool().run("list", &root, work).await
    }

    /// Gives a file's bytes their final name again; `false` when none of what was put aside is the file's. Only
    /// for bytes that a record names and that were missing or damaged before it was read: those no commit can
    /// replace. Damaged ones are kept in quarantine, under a name that no file has.
    ///
    /// # Errors
    /// An error of one of the disks; the bytes are where they were then.
    pub async fn bring_back(&self, entry: &FileEntry, aside: &Aside) -> Result<bool, BlobError> {
        let record = &entry.record;
        let mut found = aside.0.get(&entry.id).cloned().unwrap_or_default();
        found.retain(|one| one.size == record.size);
        // Those of the record's own attempt first.
        found.sort_by_key(|one| one.blob != record.blob);
        if found.is_empty() {
            return Ok(false);
        }
        let folder = self.layout().node(&record.owner);
        let target = self.layout().blob(&record.owner, entry.id, record.blob);
        let expected = Written { size: record.size, blake3: record.blake3 };
        let quarantine = self.inner.quarantine.join(record.owner.as_str());
        let damaged = format!("damaged.{}", blob_name(entry.id, record.blob));
        let (disk, path) = (Arc::clone(self.disk()), target.clone());
        let work = move |watch: &JobWatch| {
            for one in found {
                if !is_whole(&*disk, &one.path, expected, watch)? {
                    continue;
                }
                if disk.size(&target).is_ok() && !is_whole(&*disk, &target, expected, watch)? {
                    set_aside(&*disk, &target, &quarantine, &damaged)?;
                }
                if move_back(&*disk, &one.path, &target)? {
                    sync_folder(&*disk, &folder)?;
                    return Ok(true);
                }
            }
            Ok(false)
        };
        self.pool().run("bring back", &path, work).await
    }
}

impl Aside {
    fn add(
        &mut self,
        disk: &dyn Disk,
        folder: &Path,
        read: impl Fn(&str) -> Option<(FileId, AttemptId)>,
        watch: &JobWatch,
    ) -> Result<(), BlobError> {
        for name in names_if_there(disk, folder).unwrap_or_default() {
            watch.beat("list", folder)?;
            let (Some((file, blob)), path) = (name.to_str().and_then(&read), folder.join(&name)) else { continue };
            if let Ok(Some(size)) = disk.size(&path) {
                self.0.entry(file).or_default().push(AsideBlob { blob, size: Bytes(size), path });
            }
        }
        Ok(())
    }
}

/// What has gone meanwhile, or cannot be read, is not whole.
fn is_whole(disk: &dyn Disk, path: &Path, expected: Written, watch: &JobWatch) -> Result<bool, BlobError> {
    let Ok(mut bytes) = disk.open(path) else { return Ok(false) };
    match digest::read_to_end(&mut *bytes, path, expected.size, watch, |_| {}) {
        Ok(found) => Ok(found == expected),
        Err(BlobError::Io { source, .. }) if source.kind() != ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
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
    use super::super::testing::{hash, put, store};
    use super::*;
    use crate::domain::fixtures::{self, node_id};

    const FILE: FileId = FileId::new(1);
    const BLOB: AttemptId = AttemptId::new(2);
    const LATER: AttemptId = AttemptId::new(3);

    /// A record at zk1 of these bytes, written by `BLOB`.
    fn entry(bytes: &[u8]) -> FileEntry {
        let mut entry = fixtures::file(1, "zk1");
        entry.id = FILE;
        entry.record.blob = BLOB;
        entry.record.size = Bytes(bytes.len() as u64);
        entry.record.blake3 = hash(bytes);
        entry
    }

    async fn back(store: &BlobStore, entry: &FileEntry) -> bool {
        let aside = store.aside().await.unwrap();
        store.bring_back(entry, &aside).await.unwrap()
    }

    #[tokio::test]
    async fn bytes_come_back_from_any_trash_and_any_quarantine_whatever_attempt_wrote_them() {
        for (node, blob) in [("zk1", BLOB), ("zk1", LATER), ("zk2", LATER)] {
            for trashed in [true, false] {
                let (_folder, store) = store();
                put(&store, node, FILE, blob, b"bytes");
                if trashed {
                    store.trash(&node_id(node), FILE, blob).await.unwrap();
                } else {
                    assert!(store.quarantine(&node_id(node), FILE, blob).await.unwrap());
                }
                assert!(back(&store, &entry(b"bytes")).await, "{node} {blob} {trashed}");
                assert!(store.check(&entry(b"bytes")).await.is_ok());
                assert_eq!(store.quarantined().await.unwrap(), []);
            }
        }
    }

    #[tokio::test]
    async fn bytes_that_are_not_the_files_stay_where_they_are() {
        let (_folder, store) = store();
        put(&store, "zk2", FILE, LATER, b"bytes");
        put(&store, "zk2", FileId::new(9), BLOB, b"files");
        for (file, blob) in [(FILE, LATER), (FileId::new(9), BLOB)] {
            assert!(store.quarantine(&node_id("zk2"), file, blob).await.unwrap());
        }
        assert!(!back(&store, &entry(b"files")).await, "another hash, and another file's id");
        assert!(!back(&store, &entry(b"longer than those")).await, "another size");
        assert_eq!(store.quarantined().await.unwrap().len(), 2);
        assert!(back(&store, &entry(b"bytes")).await);
    }

    #[tokio::test]
    async fn damaged_bytes_give_way_to_whole_ones_and_are_kept() {
        let (folder, store) = store();
        for node in ["zk1", "zk2"] {
            put(&store, node, FILE, BLOB, b"bytes");
            assert!(store.quarantine(&node_id(node), FILE, BLOB).await.unwrap());
            put(&store, "zk1", FILE, BLOB, b"bitez");
            assert!(back(&store, &entry(b"bytes")).await);
            assert!(store.check(&entry(b"bytes")).await.is_ok());
            let kept = folder.path().join("quarantine/zk1").join(format!("damaged.{}", blob_name(FILE, BLOB)));
            assert_eq!(std::fs::read(&kept).unwrap(), b"bitez");
            assert_eq!(store.quarantined().await.unwrap(), [], "nothing that could be adopted");
            std::fs::remove_file(kept).unwrap();
            store.discard(&node_id("zk1"), FILE, BLOB).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_damaged_copy_does_not_hide_a_whole_one() {
        let (_folder, store) = store();
        put(&store, "zk1", FILE, BLOB, b"bitez");
        store.trash(&node_id("zk1"), FILE, BLOB).await.unwrap();
        put(&store, "zk3", FILE, LATER, b"bytes");
        assert!(store.quarantine(&node_id("zk3"), FILE, LATER).await.unwrap());
        assert!(back(&store, &entry(b"bytes")).await);
        assert!(store.check(&entry(b"bytes")).await.is_ok());
    }
}
