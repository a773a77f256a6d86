//! Whether the folders are those that were opened, and whether a file changed since it was looked at.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::disk::Print;
use super::layout::{is_bare, make_folder, sync_folder};
use super::{BlobError, BlobStore, store_id};
use crate::domain::file::FileEntry;
use crate::domain::ids::NodeId;

/// What became of the set of folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    There,
    /// Its id was gone and is written again: the folder is proved to be the one that was opened.
    NamedAgain,
    /// It is the folder that was opened, and its id was overwritten by another store's.
    OtherName {
        ours: String,
        found: String,
    },
    /// Another folder, or none: a disk that is not mounted leaves an empty one, whose files are not missing.
    Gone,
}

/// What became of one node's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeFolder {
    There,
    /// It was missing.
    MadeAgain,
    /// It is there, holds nothing, and files of the node belong in it.
    Bare,
}

impl BlobStore {
    /// Whether the folders are still those that were opened.
    ///
    /// # Errors
    /// An error of the disk, or an id that cannot be read.
    pub async fn presence(&self) -> Result<Presence, BlobError> {
        let (disk, root, store) = (Arc::clone(self.disk()), self.root().to_owned(), self.clone());
        let path = root.clone();
        let work = move |_: &_| {
            let Some(id) = store.store_id() else { return Ok(Presence::Gone) };
            let found = store.found(id)?;
            if found == Presence::NamedAgain {
                store_id::make(&*disk, &root, id)?;
            }
            Ok(found)
        };
        self.pool().run("read the id of", &path, work).await
    }

    /// What stands in the place of the folders with this id. Blocks, and writes nothing.
    fn found(&self, id: &str) -> Result<Presence, BlobError> {
        Ok(match store_id::load(&**self.disk(), self.root())? {
            Some(found) if found == id => Presence::There,
            None if self.holds_its_place() => Presence::NamedAgain,
            Some(found) if self.holds_its_place() => Presence::OtherName { ours: id.to_owned(), found },
            _ => Presence::Gone,
        })
    }

    /// The folder that keeps a node's bytes out of sight: bytes that are not found say nothing while it is that of a
    /// disk which is not mounted. `None` when they are really not there. Blocks.
    pub(super) fn not_mounted(&self, node: &NodeId) -> Option<BlobError> {
        let is_ours = |id| matches!(self.found(id), Ok(Presence::There | Presence::NamedAgain));
        if !self.store_id().is_none_or(is_ours) {
            return Some(BlobError::NotMounted { folder: self.root().to_owned() });
        }
        let folder = self.layout().node(node);
        is_bare(&**self.disk(), &folder).then_some(BlobError::NotMounted { folder })
    }

    /// What an error of bytes at a node says once it is known whether their disk is there. Blocks.
    pub(super) fn judged(&self, node: &NodeId, error: BlobError) -> BlobError {
        if error.is_missing() { self.not_mounted(node).unwrap_or(error) } else { error }
    }

    /// Whether the id is no more what it was: gone, another one, or not to be read.
    pub async fn has_lost_its_id(&self) -> bool {
        let (disk, root, store) = (Arc::clone(self.disk()), self.root().to_owned(), self.clone());
        let path = root.clone();
        let work = move |_: &_| Ok(store_id::load(&*disk, &root).ok().flatten().as_deref() != store.store_id());
        self.pool().run("read the id of", &path, work).await.unwrap_or(false)
    }

    /// Looks for the id of folders that had none; whether they have one now. `theirs`: the store that the ensemble
    /// has by now. Where that is what these folders were offered as, it is their id.
    ///
    /// # Errors
    /// An error of the disk, or an id that cannot be read.
    pub async fn look_for_id(&self, theirs: Option<&str>) -> Result<bool, BlobError> {
        if self.store_id().is_some() {
            return Ok(true);
        }
        let (disk, store, theirs) = (Arc::clone(self.disk()), self.clone(), theirs.map(str::to_owned));
        let path = self.root().to_owned();
        let work = move |_: &_| {
            let root = store.root();
            if let Some(theirs) = theirs {
                store_id::take_offer(&*disk, root, &theirs)?;
            }
            let found = store_id::load(&*disk, root)?;
            let found = found.map(|id| store.inner.store_id.get_or_init(|| id)).is_some();
            // Another one's was taken, or this one's is the id now.
            if let Some(offer) = store.inner.offer.get().filter(|_| found) {
                store_id::withdraw(&*disk, root, offer)?;
            }
            Ok(found)
        };
        self.pool().run("read the id of", &path, work).await
    }

    /// Makes a node's folder again when it is missing, and what zkdeck keeps in it. One that is there and holds
    /// nothing at all is that of a disk which is not mounted, or a new one: with `holds` files of the node it stays
    /// as it is.
    ///
    /// # Errors
    /// An error of the disk.
    pub async fn make_again(&self, node: &NodeId, holds: bool) -> Result<NodeFolder, BlobError> {
        let (disk, layout, node) = (Arc::clone(self.disk()), self.layout().clone(), node.clone());
        let path = layout.node(&node);
        let work = move |_: &_| {
            let is_missing = |path: &Path| match disk.size(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
                Err(error) => Err(BlobError::source("look at", path, error)),
                Ok(_) => Ok(false),
            };
            let missing = is_missing(&layout.node(&node))?;
            if holds && !missing && is_bare(&*disk, &layout.node(&node)) {
                return Ok(NodeFolder::Bare);
            }
            for folder in [layout.drafts(&node), layout.trash(&node)] {
                if is_missing(&folder)? {
                    make_folder(&*disk, &folder)?;
                }
            }
            if missing {
                sync_folder(&*disk, layout.root())?;
            }
            Ok(if missing { NodeFolder::MadeAgain } else { NodeFolder::There })
        };
        self.pool().run("look at", &path, work).await
    }

    /// Whether a node has no folder, or one that cannot be looked into or in which nothing can be made.
    pub async fn is_amiss(&self, node: &NodeId) -> bool {
        let path = self.layout().node(node);
        // What lies in a folder is found only where it is one that may be entered.
        let (disk, folder) = (Arc::clone(self.disk()), self.layout().drafts(node).join("."));
        let amiss = move |_: &_| Ok(disk.size(&folder).is_err());
        self.pool().run("look at", &path, amiss).await.unwrap_or(false)
    }

    /// By which it is seen that a file's bytes changed; `None` while there are none.
    ///
    /// # Errors
    /// An error of the disk.
    pub async fn print(&self, entry: &FileEntry) -> Result<Option<Print>, BlobError> {
        let path = self.layout().blob(&entry.record.owner, entry.id, entry.record.blob);
        let (disk, file) = (Arc::clone(self.disk()), path.clone());
        let work = move |_: &_| match disk.print(&file) {
            Ok(print) => Ok(Some(print)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(BlobError::source("look at", &file, error)),
        };
        self.pool().run("look at", &path, work).await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::testing::{put, store};
    use super::super::{BlobConfig, BlobStore};
    use super::*;
    use crate::domain::fixtures::{self, node_id};
    use crate::domain::ids::{AttemptId, FileId, InstanceId};

    #[tokio::test]
    async fn an_id_that_is_lost_is_written_again_only_where_it_is_proved() {
        let (folder, store) = store();
        assert_eq!(store.presence().await.unwrap(), Presence::There);
        let id = store.root().join(".store-id");
        let text = fs::read(&id).unwrap();
        fs::remove_file(&id).unwrap();
        assert_eq!(store.presence().await.unwrap(), Presence::Gone, "nothing proves it");
        fs::write(&id, &text).unwrap();
        store.announce(InstanceId::new(1), &[]).await.unwrap();
        fs::remove_file(&id).unwrap();
        assert_eq!(store.presence().await.unwrap(), Presence::NamedAgain);
        assert_eq!(fs::read(&id).unwrap(), text);
        assert!(!store.has_lost_its_id().await);
        fs::write(&id, "0192f7aa-0000-7000-8000-000000000000").unwrap();
        assert!(store.has_lost_its_id().await);
        assert!(
            matches!(store.presence().await.unwrap(), Presence::OtherName { found, .. } if found.starts_with("0192"))
        );
        fs::write(&id, "nonsense").unwrap();
        assert!(store.has_lost_its_id().await && store.presence().await.is_err());
        fs::write(&id, &text).unwrap();
        // As when the disk is not mounted.
        fs::rename(store.root(), folder.path().join("elsewhere")).unwrap();
        fs::create_dir(store.root()).unwrap();
        assert_eq!(store.presence().await.unwrap(), Presence::Gone);
    }

    #[tokio::test]
    async fn folders_with_files_and_no_id_are_opened_without_one_and_may_be_given_it() {
        let (_folder, store) = store();
        put(&store, "zk1", FileId::new(1), AttemptId::new(2), b"bytes");
        let id = store.store_id().unwrap().to_owned();
        fs::remove_file(store.id_path()).unwrap();
        let again = BlobStore::open(BlobConfig::new(store.root()), &[node_id("zk1")]).unwrap();
        assert_eq!((again.store_id(), again.id_path().exists()), (None, false));
        assert_eq!(again.published().await.unwrap(), 1);
        again.name(&id).await.unwrap();
        assert_eq!(again.store_id(), Some(&*id));
        assert_eq!(store.presence().await.unwrap(), Presence::There);
        assert!(again.name("0192f7aa-0000-7000-8000-000000000000").await.is_err(), "it has one already");
    }

    #[tokio::test]
    async fn an_empty_folder_has_no_id_until_the_ensemble_has_taken_the_one_it_was_offered() {
        let folder = tempfile::tempdir().unwrap();
        let open = || BlobStore::open(BlobConfig::new(folder.path()), &[node_id("zk1")]).unwrap();
        let (one, other) = (open(), open());
        assert!(!one.look_for_id(None).await.unwrap() && !one.id_path().exists());
        let (offered, others) = (one.offer().await.unwrap(), other.offer().await.unwrap());
        assert_eq!(one.offer().await.unwrap(), offered);
        assert!(!one.look_for_id(Some("0192f7aa-0000-7000-8000-000000000000")).await.unwrap(), "it was not offered");
        assert!(!one.id_path().exists() && offered != others);
        // This process ends before it has seen what the ensemble took.
        drop(one);
        assert!(other.look_for_id(Some(&offered)).await.unwrap());
        assert_eq!((other.store_id(), open().store_id()), (Some(&*offered), Some(&*offered)));
        let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains("offer")).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn whoever_only_looks_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::look(BlobConfig::new(folder.path().join("uploads"))).unwrap();
        assert_eq!((store.store_id(), fs::read_dir(folder.path()).unwrap().count()), (None, 0));
    }

    #[tokio::test]
    async fn a_nodes_folder_is_made_again_and_a_change_of_bytes_is_seen() {
        let (_folder, store) = store();
        let zk1 = node_id("zk1");
        let again = async |holds| store.make_again(&zk1, holds).await.unwrap();
        assert_eq!((again(true).await, store.is_amiss(&zk1).await), (NodeFolder::There, false));
        fs::remove_dir_all(store.root().join("zk1")).unwrap();
        assert_eq!(again(true).await, NodeFolder::MadeAgain);
        // As when its disk is not mounted.
        fs::remove_dir_all(store.root().join("zk1")).unwrap();
        fs::create_dir(store.root().join("zk1")).unwrap();
        assert_eq!((store.is_amiss(&zk1).await, again(true).await), (true, NodeFolder::Bare));
        drop(BlobStore::open(BlobConfig::new(store.root()), &[node_id("zk1")]).unwrap());
        assert_eq!(again(true).await, NodeFolder::Bare, "a start changes nothing of that");
        assert_eq!((again(false).await, store.is_amiss(&zk1).await), (NodeFolder::There, false), "a new disk");
        assert_eq!(store.list(&zk1).await.unwrap(), []);
        let entry = fixtures::file(1, "zk1");
        assert_eq!(store.print(&entry).await.unwrap(), None);
        let path = put(&store, "zk1", entry.id, entry.record.blob, b"bytes");
        let print = store.print(&entry).await.unwrap();
        assert!(print.is_some() && print == store.print(&entry).await.unwrap());
        fs::write(&path, b"others").unwrap();
        assert_ne!(store.print(&entry).await.unwrap(), print);
    }
}
