//! Bytes that a newer commit has replaced: kept for a while, then unlinked.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use tokio::time::Instant;

use super::blocking::JobWatch;
use super::disk::Disk;
use super::layout::{FolderLayout, names_if_there, remove};
use super::place::Item;
use super::{BlobError, BlobStore};
use crate::adapters::clock::now;
use crate::domain::file::{blob_name, parse_blob_name};
use crate::domain::ids::{AttemptId, FileId, NodeId, Timestamp};

impl BlobStore {
    /// Moves the bytes of `blob` at `node` to the trash, and makes that durable: bytes that came back
    /// after a loss of power would have no record and no intent. Bytes that are not there have been
    /// moved before.
    ///
    /// # Errors
    /// An error of the node's disk, or [`BlobError::NotMounted`]: what is out of sight was not moved.
    pub async fn trash(&self, node: &NodeId, file: FileId, blob: AttemptId) -> Result<(), BlobError> {
        self.trash_many(&[(node.clone(), file, blob)]).await.into_iter().collect()
    }

    /// [`BlobStore::trash`] for many, with one sync for each folder; the results are in the order given.
    pub async fn trash_many(&self, items: &[Item]) -> Vec<Result<(), BlobError>> {
        let store = self.clone();
        let each = move |disk: &dyn Disk, layout: &FolderLayout, item: &Item| store.put_away(disk, layout, item);
        self.change("move to trash", items, each, |layout, node| vec![layout.node(node)]).await
    }

    /// Unlinks what this process has seen in the trash of any node for longer than `trash_keep`, and that no
    /// record names; says how many. The time in a name is a wall clock's, which may jump, and counts for nothing.
    ///
    /// # Errors
    /// The first error of a disk, after everything else has been tried.
    pub async fn empty_trash(
        &self,
        now: Instant,
        named: impl Fn(FileId, AttemptId) -> bool + Send + 'static,
    ) -> Result<u64, BlobError> {
        let (disk, layout, store) = (Arc::clone(self.disk()), self.layout().clone(), self.clone());
        let (root, keep) = (layout.root().to_owned(), Duration::from_millis(self.inner.trash_keep.0));
        let work = move |watch: &JobWatch| {
            let mut before =
                std::mem::take(&mut *store.inner.trash_seen.lock().unwrap_or_else(PoisonError::into_inner));
            let mut seen = BTreeMap::new();
            let mut over = |node: &NodeId, name: &str| {
                // A name that is not ours is left alone.
                let Some(((file, blob), _)) = trashed(name) else { return false };
                let key = (node.clone(), name.to_owned());
                let since = before.remove(&key).unwrap_or(now);
                let over = now.saturating_duration_since(since) > keep && !named(file, blob);
                seen.insert(key, since);
                over
            };
            let (mut removed, mut problem) = (0, None);
            for node in layout.node_folders(&*disk)? {
                match empty(&*disk, &layout.trash(&node), &mut |name| over(&node, name), watch) {
                    Ok(count) => removed += count,
                    Err(error) => problem = problem.or(Some(error)),
                }
            }
            *store.inner.trash_seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
            problem.map_or(Ok(removed), Err)
        };
        self.pool().run("empty the trash of", &root, work).await
    }

    fn put_away(&self, disk: &dyn Disk, layout: &FolderLayout, (node, file, blob): &Item) -> Result<(), BlobError> {
        let source = layout.blob(node, *file, *blob);
        match disk.rename_new(&source, &layout.trash(node).join(trash_name(*file, *blob, now()))) {
            Ok(()) => Ok(()),
            Err(Errno::NOENT) if is_gone(disk, &source)? => self.not_mounted(node).map_or(Ok(()), Err),
            Err(error) => Err(BlobError::target("move to trash", &source, error)),
        }
    }
}

/// `<file_id>.<attempt>.<unix ms of trashing>`
fn trash_name(file: FileId, blob: AttemptId, at: Timestamp) -> String {
    format!("{}.{}", blob_name(file, blob), at.0)
}

/// Whose bytes a name in the trash stands for, and since when they are there.
pub(super) fn trashed(name: &str) -> Option<((FileId, AttemptId), Timestamp)> {
    let (blob, at) = name.rsplit_once('.')?;
    Some((parse_blob_name(blob)?, Timestamp(at.parse().ok()?)))
}

/// A node's folder that is missing is an error, not bytes that were trashed before.
fn is_gone(disk: &dyn Disk, blob: &Path) -> Result<bool, BlobError> {
    let folder = blob.parent().unwrap_or(blob);
    disk.size(folder).map_err(|error| BlobError::target("look into", folder, error))?;
    match disk.size(blob) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(BlobError::target("look at", blob, error)),
        Ok(_) => Ok(false),
    }
}

fn empty(
    disk: &dyn Disk,
    folder: &Path,
    over: &mut dyn FnMut(&str) -> bool,
    watch: &JobWatch,
) -> Result<u64, BlobError> {
    let names = names_if_there(disk, folder).map_err(|error| BlobError::target("list", folder, error))?;
    let (mut removed, mut problem) = (0, None);
    for name in names {
        watch.beat("empty the trash of", folder)?;
        if !name.to_str().is_some_and(&mut *over) {
            continue;
        }
        match remove(disk, &folder.join(&name)) {
            Ok(()) => removed += 1,
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    problem.map_or(Ok(removed), Err)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::BlobConfig;
    use super::super::testing::{counter, powered, put, store};
    use super::*;
    use crate::domain::fixtures::node_id;
    use crate::domain::ids::Bytes;

    const FILE: FileId = FileId::new(1);
    const BLOB: AttemptId = AttemptId::new(2);

    fn in_trash(store: &BlobStore) -> usize {
        fs::read_dir(store.layout().trash(&node_id("zk1"))).unwrap().count()
    }

    #[tokio::test]
    async fn trash_is_kept_for_its_time_and_then_unlinked() {
        let (_folder, store) = store();
        put(&store, "zk1", FILE, BLOB, b"old");
        put(&store, "zk1", FILE, AttemptId::new(3), b"new");
        for _ in 0..2 {
            store.trash(&node_id("zk1"), FILE, BLOB).await.unwrap();
        }
        assert_eq!(in_trash(&store), 1);
        assert_eq!(store.list(&node_id("zk1")).await.unwrap().len(), 1);
        let (first, keep) = (Instant::now(), Duration::from_millis(BlobConfig::TRASH_KEEP.0));
        assert_eq!(store.empty_trash(first, |_, _| false).await.unwrap(), 0);
        assert_eq!(store.empty_trash(first + keep, |_, _| false).await.unwrap(), 0);
        let later = first + keep + Duration::from_millis(1);
        let named = |file, blob| (file, blob) == (FILE, BLOB);
        assert_eq!(store.empty_trash(later, named).await.unwrap(), 0, "a record names it");
        assert_eq!(store.empty_trash(later, |_, _| false).await.unwrap(), 1);
        assert_eq!(in_trash(&store), 0);
    }

    /// They would have no record and no intent.
    #[tokio::test(start_paused = true)]
    async fn trashed_bytes_do_not_come_back_when_the_power_does() {
        let (volume, store) = powered();
        let node = node_id("zk1");
        store.generate(&node, BLOB, Bytes(9), 1, counter()).await.unwrap();
        store.publish(&node, FILE, BLOB).await.unwrap();
        store.trash(&node, FILE, BLOB).await.unwrap();
        volume.lose_power(|| false);
        assert_eq!(store.list(&node).await.unwrap(), []);
    }

    #[tokio::test]
    async fn bytes_of_a_folder_that_is_missing_were_not_trashed_before() {
        let (_folder, store) = store();
        put(&store, "zk1", FILE, BLOB, b"bytes");
        let (node, aside) = (store.layout().node(&node_id("zk1")), store.layout().root().join("aside"));
        fs::rename(&node, &aside).unwrap();
        assert!(store.trash(&node_id("zk1"), FILE, BLOB).await.is_err());
        fs::rename(&aside, &node).unwrap();
        store.trash(&node_id("zk1"), FILE, BLOB).await.unwrap();
        assert_eq!(in_trash(&store), 1);
    }

    /// The clock was an hour ahead, or behind, when it was put there.
    #[tokio::test]
    async fn a_clock_that_jumps_neither_empties_the_trash_nor_fills_it() {
        for at in [0, now().0 + 3_600_000] {
            let (_folder, store) = store();
            let name = trash_name(FILE, BLOB, Timestamp(at));
            fs::write(store.layout().trash(&node_id("zk1")).join(name), b"").unwrap();
            let first = Instant::now();
            assert_eq!(store.empty_trash(first, |_, _| false).await.unwrap(), 0);
            assert_eq!(store.empty_trash(first + Duration::from_secs(61), |_, _| false).await.unwrap(), 1);
        }
    }

    #[tokio::test]
    async fn strangers_in_the_trash_stay() {
        let (_folder, store) = store();
        let trash = store.layout().trash(&node_id("zk1"));
        for name in ["notes.txt", "a.b.1", &format!("{}.x", blob_name(FILE, BLOB))] {
            fs::write(trash.join(name), b"").unwrap();
        }
        assert_eq!(store.empty_trash(Instant::now() + Duration::from_secs(1 << 20), |_, _| false).await.unwrap(), 0);
        assert_eq!(in_trash(&store), 3);
    }

    #[tokio::test]
    async fn a_missing_folder_is_not_taken_for_trashed_bytes() {
        let (_folder, store) = store();
        assert!(store.trash(&node_id("zk9"), FILE, BLOB).await.is_err());
        fs::remove_dir_all(store.layout().trash(&node_id("zk1"))).unwrap();
        put(&store, "zk1", FILE, BLOB, b"x");
        assert!(store.trash(&node_id("zk1"), FILE, BLOB).await.is_err());
        assert_eq!(store.list(&node_id("zk1")).await.unwrap().len(), 1);
    }
}
