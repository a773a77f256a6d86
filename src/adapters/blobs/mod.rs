//! Bytes on disk: `<uploads>/<node>/<file_id>.<attempt>`.
//!
//! A name on disk is used for one attempt and never again, and nothing here removes bytes on its own:
//! the engine asks for it once an intent is aborted or a newer commit has replaced them.
//! Blocking work runs on a bounded number of threads, and ends with an error when the disk is silent.

mod blocking;
mod bring_back;
mod copy;
mod digest;
pub(crate) mod disk;
mod draft;
mod error;
mod inventory;
mod layout;
mod look;
mod place;
mod presence;
mod probe;
mod quarantine;
mod receive;
mod space;
mod store_id;
mod survey;
#[cfg(test)]
mod testing;
mod trash;
mod user_file;
mod users;
mod verify;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::time::Instant;

pub use self::bring_back::Aside;
pub use self::disk::Print;
use self::disk::{Disk, LocalDisk};
pub use self::error::{BlobError, BodyFault};
#[cfg(any(test, feature = "failpoints"))]
pub(crate) use self::layout::{DRAFTS, TRASH};
pub use self::look::{StoreLook, look};
pub use self::presence::{NodeFolder, Presence};
pub use self::quarantine::QuarantinedBlob;
#[cfg(any(test, feature = "failpoints"))]
pub(crate) use self::store_id::NAME as STORE_ID;
use self::user_file::UserFile;
use self::{blocking::Pool, layout::FolderLayout};
use crate::domain::file::Hash;
use crate::domain::ids::{Bytes, Millis, NodeId};

/// Where the bytes are and what is kept free.
#[derive(Clone, Debug)]
pub struct BlobConfig {
    /// `data/uploads`
    pub root: PathBuf,
    /// `data/quarantine`: what no record names is kept there.
    pub quarantine: PathBuf,
    /// Space that must stay free on a node's disk after any write.
    pub reserve: Bytes,
    /// How long replaced bytes stay in the trash.
    pub trash_keep: Millis,
}

impl BlobConfig {
    /// How long replaced bytes stay in the trash when nothing else is set.
    pub const TRASH_KEEP: Millis = Millis::from_secs(60);

    /// No reserve, and [`BlobConfig::TRASH_KEEP`].
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let quarantine = root.parent().unwrap_or(&root).join("quarantine");
        Self { root, quarantine, reserve: Bytes(0), trash_keep: Self::TRASH_KEEP }
    }
}

/// What has been written, or read, to its end: number of bytes and their hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub size: Bytes,
    pub blake3: Hash,
}

/// The folders of all nodes; cheap to clone.
#[derive(Clone, Debug)]
pub struct BlobStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    disk: Arc<dyn Disk>,
    layout: FolderLayout,
    pool: Pool,
    /// In bytes.
    reserve: AtomicU64,
    trash_keep: Millis,
    /// Empty while the folders have no id.
    store_id: OnceLock<String>,
    /// The id that is offered to an ensemble without a store.
    offer: OnceLock<String>,
    quarantine: PathBuf,
    /// Since when this process has seen what lies in the trash.
    trash_seen: Mutex<BTreeMap<(NodeId, String), Instant>>,
    /// The place of this instance among the users of the folders.
    own: Mutex<Option<UserFile>>,
}

impl BlobStore {
    /// Makes the folders that are missing. Blocks for a few milliseconds. Folders that have no id get none: what
    /// the ensemble says decides, see [`BlobStore::offer`] and [`BlobStore::name`].
    ///
    /// # Errors
    /// [`BlobError::Io`] when a folder cannot be made, [`BlobError::Invalid`] when `.store-id` is not an id.
    pub fn open(config: BlobConfig, nodes: &[NodeId]) -> Result<Self, BlobError> {
        Self::open_on(Arc::new(LocalDisk), config, nodes)
    }

    /// Opens what is there, to look at it: makes nothing, be there anything or not.
    ///
    /// # Errors
    /// As [`BlobStore::open`].
    pub fn look(config: BlobConfig) -> Result<Self, BlobError> {
        Self::over(Arc::new(LocalDisk), config)
    }

    /// [`BlobStore::open`] on a disk of whatever kind.
    pub(crate) fn open_on(disk: Arc<dyn Disk>, config: BlobConfig, nodes: &[NodeId]) -> Result<Self, BlobError> {
        let known = disk.size(&store_id::path(&config.root)).is_ok();
        FolderLayout::new(config.root.clone()).make(&*disk, nodes, known)?;
        Self::over(disk, config)
    }

    fn over(disk: Arc<dyn Disk>, config: BlobConfig) -> Result<Self, BlobError> {
        let BlobConfig { root, quarantine, reserve, trash_keep } = config;
        let store_id = store_id::load(&*disk, &root)?.map_or_else(OnceLock::new, OnceLock::from);
        let (layout, pool, offer) = (FolderLayout::new(root), Pool::new(disk.pace()), OnceLock::new());
        let (trash_seen, own) = (Mutex::default(), Mutex::default());
        let reserve = AtomicU64::new(reserve.0);
        let inner = Inner { disk, layout, pool, reserve, trash_keep, store_id, offer, quarantine, trash_seen, own };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Folders that hold no files have an id from now on, as those of an ensemble's store do.
    #[cfg(test)]
    pub(crate) fn with_id(self) -> Self {
        let (disk, root) = (&**self.disk(), self.root());
        if self.store_id().is_none() && !self.layout().count_blobs(disk, 1).is_ok_and(|count| count > 0) {
            let made = store_id::make(disk, root, &store_id::new()).and_then(|()| store_id::load(disk, root));
            let made = made.ok().flatten();
            _ = self.inner.store_id.get_or_init(|| made.unwrap_or_default());
        }
        self
    }

    /// The id of this set of folders, a UUID: an instance with another id must not touch these bytes. `None`
    /// while they have none, or it was lost.
    #[must_use]
    pub fn store_id(&self) -> Option<&str> {
        self.inner.store_id.get().map(String::as_str)
    }

    /// The id under which these folders may become an ensemble's store: their own, else a new one. A new one is not
    /// theirs yet: it lies on disk as an offer, and [`BlobStore::look_for_id`] takes it for the id once the ensemble
    /// says the same, even when this process ends between the two.
    ///
    /// # Errors
    /// [`BlobError`] when it cannot be written.
    pub async fn offer(&self) -> Result<String, BlobError> {
        if let Some(id) = self.store_id() {
            return Ok(id.to_owned());
        }
        let id = self.inner.offer.get_or_init(store_id::new).clone();
        let (disk, root, path) = (Arc::clone(self.disk()), self.root().to_owned(), self.id_path());
        let work = move |_: &_| {
            store_id::offer(&*disk, &root, &id)?;
            Ok(id)
        };
        self.pool().run("write", &path, work).await
    }

    /// Takes [`BlobStore::offer`] back: the ensemble has another store.
    ///
    /// # Errors
    /// [`BlobError`] when its file cannot be removed.
    pub async fn withdraw_offer(&self) -> Result<(), BlobError> {
        let Some(offer) = self.inner.offer.get().cloned() else { return Ok(()) };
        let (disk, root, path) = (Arc::clone(self.disk()), self.root().to_owned(), self.id_path());
        self.pool().run("remove", &path, move |_| store_id::withdraw(&*disk, &root, &offer)).await
    }

    /// Gives the folders an id: only when it is proved whose they are.
    ///
    /// # Errors
    /// [`BlobError`] when it cannot be written, or the folders have another one by now.
    pub async fn name(&self, id: &str) -> Result<(), BlobError> {
        let (disk, root, id) = (Arc::clone(self.disk()), self.root().to_owned(), id.to_owned());
        let (path, store) = (self.id_path(), self.clone());
        let work = move |_: &_| {
            store_id::make(&*disk, &root, &id)?;
            let found = store_id::load(&*disk, &root)?;
            if found.as_ref() != Some(&id) || *store.inner.store_id.get_or_init(|| id.clone()) != id {
                let path = store_id::path(&root);
                return Err(BlobError::Invalid(format!(
                    "{} was written by another process; try again",
                    path.display()
                )));
            }
            Ok(())
        };
        self.pool().run("write", &path, work).await
    }

    /// `data/uploads/.store-id`
    #[must_use]
    pub fn id_path(&self) -> PathBuf {
        store_id::path(self.root())
    }

    /// How many published files the folders hold, whatever records say.
    ///
    /// # Errors
    /// [`BlobError::Io`] when a folder cannot be read.
    pub async fn published(&self) -> Result<u64, BlobError> {
        let (disk, layout, path) = (Arc::clone(self.disk()), self.layout().clone(), self.root().to_owned());
        self.pool().run("list", &path, move |_| layout.count_blobs(&*disk, u64::MAX)).await
    }

    /// `data/uploads`
    #[must_use]
    pub fn root(&self) -> &Path {
        self.inner.layout.root()
    }

    fn layout(&self) -> &FolderLayout {
        &self.inner.layout
    }

    fn disk(&self) -> &Arc<dyn Disk> {
        &self.inner.disk
    }

    fn pool(&self) -> &Pool {
        &self.inner.pool
    }
}
