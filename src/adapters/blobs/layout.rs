//! Which name on disk means what.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::BlobError;
use super::disk::Disk;
use crate::domain::file::{blob_name, parse_blob_name};
use crate::domain::ids::{AttemptId, FileId, NodeId};

/// In a node's folder: what is being written.
pub(crate) const DRAFTS: &str = ".tmp";
/// In a node's folder: bytes that a newer commit has replaced.
pub(crate) const TRASH: &str = ".trash";

/// The paths below `data/uploads`. The name that people see is never part of one.
#[derive(Clone, Debug)]
pub(super) struct FolderLayout {
    root: PathBuf,
}

impl FolderLayout {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn node(&self, node: &NodeId) -> PathBuf {
        self.root.join(node.as_str())
    }

    pub(super) fn drafts(&self, node: &NodeId) -> PathBuf {
        self.node(node).join(DRAFTS)
    }

    pub(super) fn trash(&self, node: &NodeId) -> PathBuf {
        self.node(node).join(TRASH)
    }

    pub(super) fn draft(&self, node: &NodeId, attempt: AttemptId) -> PathBuf {
        self.drafts(node).join(attempt.to_string())
    }

    pub(super) fn blob(&self, node: &NodeId, file: FileId, attempt: AttemptId) -> PathBuf {
        self.node(node).join(blob_name(file, attempt))
    }

    /// Makes every folder, and makes their names durable. `known`: the root has an id. A node's folder that is
    /// empty there may be that of a disk which is not mounted, and stays as it is.
    pub(super) fn make(&self, disk: &dyn Disk, nodes: &[NodeId], known: bool) -> Result<(), BlobError> {
        make_folder(disk, &self.root)?;
        for node in nodes {
            if known && is_bare(disk, &self.node(node)) {
                continue;
            }
            make_folder(disk, &self.drafts(node))?;
            make_folder(disk, &self.trash(node))?;
            sync_folder(disk, &self.node(node))?;
        }
        sync_folder(disk, &self.root)
    }

    /// How many published files lie in nodes' folders; counting ends at `limit`.
    pub(super) fn count_blobs(&self, disk: &dyn Disk, limit: u64) -> Result<u64, BlobError> {
        let mut count = 0;
        for node in self.node_folders(disk)? {
            let folder = self.node(&node);
            let names = names_if_there(disk, &folder).map_err(|error| BlobError::source("list", &folder, error))?;
            count += names.iter().filter(|name| name.to_str().and_then(parse_blob_name).is_some()).count() as u64;
            if count >= limit {
                break;
            }
        }
        Ok(count)
    }

    /// Names of the folders below the root that belong to nodes.
    pub(super) fn node_folders(&self, disk: &dyn Disk) -> Result<Vec<NodeId>, BlobError> {
        let failed = |error| BlobError::source("list", &self.root, error);
        let names = names_if_there(disk, &self.root).map_err(failed)?;
        let node = |name: &OsString| name.to_str().and_then(|text| NodeId::new(text).ok());
        let mut nodes: Vec<NodeId> = names.iter().filter_map(node).collect();
        nodes.sort();
        Ok(nodes)
    }
}

pub(super) fn make_folder(disk: &dyn Disk, path: &Path) -> Result<(), BlobError> {
    disk.make_folder(path).map_err(|error| BlobError::target("make folder", path, error))
}

/// Removes a file; one that is not there is fine.
pub(super) fn remove(disk: &dyn Disk, path: &Path) -> Result<(), BlobError> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BlobError::target("remove", path, error)),
        _ => Ok(()),
    }
}

/// The names in a folder; none when there is no such folder.
pub(super) fn names_if_there(disk: &dyn Disk, path: &Path) -> io::Result<Vec<OsString>> {
    match disk.names(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        names => names,
    }
}

/// Makes the names in a folder survive a loss of power.
pub(super) fn sync_folder(disk: &dyn Disk, path: &Path) -> Result<(), BlobError> {
    disk.sync_folder(path).map_err(|error| BlobError::target("sync folder", path, error))
}

/// Whether a node's folder is there and holds nothing at all, not even what zkdeck keeps in it: that of a disk which is
/// not mounted, or of a new one.
pub(super) fn is_bare(disk: &dyn Disk, folder: &Path) -> bool {
    disk.names(folder).is_ok_and(|names| names.is_empty())
}
