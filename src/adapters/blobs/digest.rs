//! Bytes in pieces, hashed as they pass.

use std::io::ErrorKind;
use std::path::Path;

use super::blocking::JobWatch;
use super::disk::InputFile;
use super::{BlobError, Written};
use crate::domain::file::Hash;
use crate::domain::ids::Bytes;

/// Bytes of one read and one write; a file up to this size is written in one go.
pub(super) const CHUNK: usize = 1 << 20;

/// A buffer that is no larger than the file.
pub(super) fn buffer_len(size: Bytes) -> usize {
    usize::try_from(size.0).unwrap_or(CHUNK).clamp(1, CHUNK)
}

/// Number and hash of the bytes that have passed.
#[derive(Debug, Default)]
pub(super) struct Digest {
    hasher: blake3::Hasher,
    size: u64,
}

impl Digest {
    pub(super) fn update(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        self.size += piece.len() as u64;
    }

    /// Bytes.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn written(&self) -> Written {
        Written { size: Bytes(self.size), blake3: Hash(*self.hasher.finalize().as_bytes()) }
    }
}

/// Reads `file`, of `size` bytes by what is known, to its end; `each` is handed every piece.
pub(super) fn read_to_end(
    file: &mut dyn InputFile,
    path: &Path,
    size: Bytes,
    watch: &JobWatch,
    mut each: impl FnMut(&[u8]),
) -> Result<Written, BlobError> {
    let mut digest = Digest::default();
    let mut piece = vec![0; buffer_len(size)];
    loop {
        let len = match file.read(&mut piece) {
            Ok(0) => return Ok(digest.written()),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(BlobError::source("read", path, error)),
        };
        digest.update(&piece[..len]);
        each(&piece[..len]);
        watch.beat("read", path)?;
    }
}
