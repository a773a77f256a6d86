//! Everything that lies in a node's folder, for the checker of the invariants.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::blocking::JobWatch;
use super::digest;
use super::disk::Disk;
use super::layout::names_if_there;
use super::trash::trashed;
use super::{BlobError, BlobStore};
use crate::domain::file::{Hash, parse_blob_name};
use crate::domain::ids::{AttemptId, Bytes, FileId, NodeId};
use crate::domain::invariants::{BlobPlace, StoredFile};

impl BlobStore {
    /// Every blob of `node`, published, being written, in the trash or in quarantine, with its hash when `hashes` says so. Names that are
    /// not ours are left out, and so is what goes while it is looked at.
    ///
    /// # Errors
    /// [`BlobError::Io`] when a folder or a file cannot be read.
    pub async fn inventory(&self, node: &NodeId, hashes: bool) -> Result<Vec<StoredFile>, BlobError> {
        let (disk, layout, owner) = (Arc::clone(self.disk()), self.layout().clone(), node.clone());
        let kept = self.inner.quarantine.join(node.as_str());
        let path = layout.node(node);
        let work = move |watch: &JobWatch| {
            let draft = |name: &str| name.parse().ok().map(|attempt| (None, attempt));
            let named = |found: (FileId, AttemptId)| (Some(found.0), found.1);
            let published = |name: &str| parse_blob_name(name).map(named);
            let in_trash = |name: &str| trashed(name).map(|(found, _)| named(found));
            let mut all = Vec::new();
            let mut look = |place, folder: &Path, read: &dyn Fn(&str) -> Option<BlobOf>| {
                let found = walk(&*disk, folder, hashes, watch, read)?;
                let stored = |(file, attempt, size, blake3)| StoredFile {
                    node: owner.clone(),
                    place,
                    file,
                    attempt,
                    size,
                    blake3,
                };
                all.extend(found.into_iter().map(stored));
                Ok(())
            };
            look(BlobPlace::Published, &layout.node(&owner), &published)?;
            look(BlobPlace::Draft, &layout.drafts(&owner), &draft)?;
            look(BlobPlace::Trash, &layout.trash(&owner), &in_trash)?;
            if disk.size(&kept).is_ok() {
                look(BlobPlace::Quarantine, &kept, &published)?;
            }
            Ok(all)
        };
        self.pool().run("list", &path, work).await
    }
}

/// Whose bytes a name stands for; a draft's name does not tell the file.
type BlobOf = (Option<FileId>, AttemptId);
type InventoryLine = (Option<FileId>, AttemptId, Bytes, Option<Hash>);

fn walk(
    disk: &dyn Disk,
    folder: &Path,
    hashes: bool,
    watch: &JobWatch,
    read: &dyn Fn(&str) -> Option<BlobOf>,
) -> Result<Vec<InventoryLine>, BlobError> {
    let failed = |error| BlobError::source("list", folder, error);
    let mut found = Vec::new();
    // A folder that is missing holds nothing: whoever judges misses what should be in it.
    for name in names_if_there(disk, folder).map_err(failed)? {
        watch.beat("list", folder)?;
        let Some((file, attempt)) = name.to_str().and_then(read) else { continue };
        let path = folder.join(&name);
        // A file that another process removes meanwhile is not there any more.
        let Some(size) = disk.size(&path).ok().flatten() else { continue };
        let hash = if hashes { hash(disk, &path, size, watch)? } else { None };
        found.push((file, attempt, Bytes(size), hash));
    }
    Ok(found)
}

/// `None` for a file that went meanwhile.
fn hash(disk: &dyn Disk, path: &Path, size: u64, watch: &JobWatch) -> Result<Option<Hash>, BlobError> {
    let mut bytes = match disk.open(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(BlobError::source("open", path, error)),
    };
    let read = digest::read_to_end(&mut *bytes, path, Bytes(size), watch, |_| ())?;
    Ok(Some(read.blake3))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::testing::{counter, hash, put, store};
    use super::*;
    use crate::domain::fixtures::node_id;

    #[tokio::test]
    async fn everything_of_ours_is_found_with_its_place_and_hash() {
        let (_folder, store) = store();
        let (node, file) = (node_id("zk1"), FileId::new(1));
        put(&store, "zk1", file, AttemptId::new(2), b"old");
        store.trash(&node, file, AttemptId::new(2)).await.unwrap();
        let path = put(&store, "zk1", file, AttemptId::new(3), b"new");
        fs::write(path.with_file_name("notes.txt"), b"").unwrap();
        store.generate(&node, AttemptId::new(4), Bytes(5), 1, counter()).await.unwrap();
        let found = store.inventory(&node, true).await.unwrap();
        let told: Vec<_> = found.iter().map(|one| (one.place, one.file, one.attempt.bits(), one.size.0)).collect();
        let expected = [
            (BlobPlace::Published, Some(file), 3, 3),
            (BlobPlace::Draft, None, 4, 5),
            (BlobPlace::Trash, Some(file), 2, 3),
        ];
        assert_eq!(told, expected);
        assert_eq!((found[0].blake3, found[2].blake3), (Some(hash(b"new")), Some(hash(b"old"))));
        let sizes = store.inventory(&node, false).await.unwrap();
        assert!(sizes.iter().all(|one| one.blake3.is_none()), "nothing is read without need");
        assert_eq!(store.inventory(&node_id("zk9"), false).await.unwrap(), []);
    }
}
