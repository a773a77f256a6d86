//! A file being written: `.tmp/<attempt>`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

use super::blocking::JobWatch;
use super::digest::{CHUNK, Digest};
use super::disk::{Disk, OutputFile};
use super::space::Space;
use super::{BlobError, Written};

/// Bytes on their way to the disk, hashed as they pass.
#[derive(Debug)]
pub(super) struct BlobDraft {
    file: Box<dyn OutputFile>,
    path: PathBuf,
    space: Space,
    /// Bytes that the disk has promised.
    promised: u64,
    digest: Digest,
    progress: Arc<AtomicU64>,
}

impl BlobDraft {
    /// Makes the file under a name that no attempt has used before, with room for `expected` bytes.
    pub(super) fn create(
        path: PathBuf,
        space: Space,
        expected: Option<u64>,
        progress: Arc<AtomicU64>,
    ) -> Result<Self, BlobError> {
        let promised = expected.unwrap_or(0);
        space.require(promised)?;
        let file = create_new(&*space.disk, &path)?;
        // A small file fails at its first write just as early, so it is spared the call.
        if promised > CHUNK as u64 {
            allocate(&*file, &path, promised)?;
        }
        progress.store(0, Ordering::Relaxed);
        Ok(Self { file, path, space, promised, digest: Digest::default(), progress })
    }

    /// Writes and hashes one piece.
    pub(super) fn write(&mut self, piece: &[u8], watch: &JobWatch) -> Result<(), BlobError> {
        watch.at_target(true);
        let size = self.digest.size() + piece.len() as u64;
        if size > self.promised {
            self.space.require(piece.len() as u64)?;
        }
        self.file.write_all(piece).map_err(|error| BlobError::target("write", &self.path, error))?;
        self.digest.update(piece);
        self.progress.store(size, Ordering::Relaxed);
        watch.at_target(false);
        watch.beat("write", &self.path)
    }

    /// Makes the bytes durable. After an error the descriptor is gone: a second fsync would lie.
    pub(super) fn finish(self, watch: &JobWatch) -> Result<Written, BlobError> {
        watch.at_target(true);
        let failed = |error| BlobError::target("sync", &self.path, error);
        if self.promised > self.digest.size() && self.promised > CHUNK as u64 {
            self.file.cut(self.digest.size()).map_err(failed)?;
        }
        self.file.sync().map_err(failed)?;
        Ok(self.digest.written())
    }
}

fn create_new(disk: &dyn Disk, path: &Path) -> Result<Box<dyn OutputFile>, BlobError> {
    disk.create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            BlobError::Invalid(format!("{} exists: an attempt writes once; use a new attempt", path.display()))
        }
        _ => BlobError::target("create", path, error),
    })
}

/// Reserves blocks so that a full disk says so before the first byte. Not every file system can.
fn allocate(file: &dyn OutputFile, path: &Path, size: u64) -> Result<(), BlobError> {
    match file.allocate(size) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(error) => Err(BlobError::target("allocate", path, error)),
    }
}
