//! A store in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rustix::io::Errno;
use tempfile::TempDir;

use super::disk::fake::{DiskOperation, Trouble, Volume};
use super::{BlobConfig, BlobStore};
use crate::domain::file::Hash;
use crate::domain::fixtures::node_id;
use crate::domain::ids::{AttemptId, FileId};

pub(super) fn store() -> (TempDir, BlobStore) {
    store_with(|root| BlobConfig::new(root))
}

pub(super) fn store_with(config: impl FnOnce(&Path) -> BlobConfig) -> (TempDir, BlobStore) {
    let folder = tempfile::tempdir().unwrap();
    let nodes = ["zk1", "zk2", "zk3"].map(node_id);
    let store = BlobStore::open(config(&folder.path().join("uploads")), &nodes).unwrap().with_id();
    (folder, store)
}

/// A disk on which nothing goes wrong until its power does.
pub(super) struct PowerDisk;

impl Trouble for PowerDisk {
    fn strikes(&self, _: DiskOperation, _: &Path) -> Option<Errno> {
        None
    }
}

/// A store on a disk that [`Volume::lose_power`] takes what was not synced from.
pub(super) fn powered() -> (Volume, BlobStore) {
    let volume = Volume::default();
    let disk = volume.disk(Arc::new(PowerDisk), Duration::ZERO);
    let store = BlobStore::open_on(Arc::new(disk), BlobConfig::new("/data/uploads"), &[node_id("zk1")]).unwrap();
    (volume, store.with_id())
}

pub(super) fn counter() -> Arc<AtomicU64> {
    Arc::default()
}

pub(super) fn hash(bytes: &[u8]) -> Hash {
    Hash(*blake3::hash(bytes).as_bytes())
}

/// Published bytes, past the store.
pub(super) fn put(store: &BlobStore, node: &str, file: FileId, attempt: AttemptId, bytes: &[u8]) -> PathBuf {
    let path = store.layout().blob(&node_id(node), file, attempt);
    fs::write(&path, bytes).unwrap();
    path
}
