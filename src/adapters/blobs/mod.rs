//! Bytes on disk: `<uploads>/<node>/<file_id>.<attempt>`.
//!
//! A name on disk is used for one attempt and never again, and nothing here removes bytes on its own:
//! the engine asks for it once an intent is aborted or a newer commit has replaced them.
//! Blocking work runs on a bounded number of threads, and ends with an error when the disk is silent.

mod blocking;
mod bring_back;
mod copy;
pub(crate) mod disk;
mod draft;
mod error;
mod inventory;
mod layout;
mod look;
mod place;
mod probe;
mod quarantine;
mod receive;
mod space;
mod store_id;
mod survey;
#[cfg(test)]
mod testing;
mod trash;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::disk::{Disk, LocalDisk};
pub use self::error::{BlobError, BodyFault};
pub use self::look::{Stored, look};
pub use self::quarantine::Kept;
use self::{blocking::Pool, layout::Layout};
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
    layout: Layout,
    pool: Pool,
    reserve: Bytes,
    trash_keep: Millis,
    store_id: String,
    quarantine: PathBuf,
}

impl BlobStore {
    /// Makes the folders that are missing, and the store's id on the first opening. Blocks for a few
    /// milliseconds.
    ///
    /// # Errors
    /// [`BlobError::Io`] when a folder cannot be made, [`BlobError::Invalid`] when `.store-id` is not an id.
    pub fn open(config: BlobConfig, nodes: &[NodeId]) -> Result<Self, BlobError> {
        Self::open_on(Arc::new(LocalDisk), config, nodes)
    }

    /// [`BlobStore::open`] on a disk of whatever kind.
    pub(crate) fn open_on(disk: Arc<dyn Disk>, config: BlobConfig, nodes: &[NodeId]) -> Result<Self, BlobError> {
        let layout = Layout::new(config.root.clone());
        layout.make(&*disk, nodes)?;
        let store_id = store_id::load_or_make(&*disk, layout.root())?;
        let BlobConfig { quarantine, reserve, trash_keep, .. } = config;
        let pool = Pool::new(disk.pace());
        Ok(Self { inner: Arc::new(Inner { disk, layout, pool, reserve, trash_keep, store_id, quarantine }) })
    }

    /// The id of this set of folders, a UUID: an instance with another id must not touch these bytes.
    #[must_use]
    pub fn store_id(&self) -> &str {
        &self.inner.store_id
    }

    /// `data/uploads`
    #[must_use]
    pub fn root(&self) -> &Path {
        self.inner.layout.root()
    }

    fn layout(&self) -> &Layout {
        &self.inner.layout
    }

    fn disk(&self) -> &Arc<dyn Disk> {
        &self.inner.disk
    }

    fn pool(&self) -> &Pool {
        &self.inner.pool
    }

    fn space(&self, node: &NodeId) -> space::Space {
        let (disk, folder) = (Arc::clone(self.disk()), self.layout().node(node));
        space::Space { disk, node: node.clone(), folder, reserve: self.inner.reserve }
    }
}
