//! Reading bytes and holding them against their record.

use std::io::{self, Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::try_unfold;
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use super::blocking::{JobWatch, Pool};
use super::digest::{self, CHUNK, Digest, buffer_len};
use super::disk::{Disk, InputFile, NoFile};
use super::{BlobError, BlobStore, Written};
use crate::domain::file::FileEntry;
use crate::domain::ids::{AttemptId, Bytes, FileId, NodeId};

impl BlobStore {
    /// The bytes of a file as a stream. Its last bytes are given out only when size and hash are those of the
    /// record; otherwise the read ends with an error of kind `InvalidData`. A file up to 1 MiB is checked
    /// before this returns.
    ///
    /// # Errors
    /// [`BlobError::Missing`], [`BlobError::WrongSize`], [`BlobError::Damaged`] for a small file,
    /// [`BlobError::NotMounted`], or an error of the node's disk.
    pub async fn open_verified(&self, entry: &FileEntry) -> Result<Pin<Box<dyn AsyncRead + Send>>, BlobError> {
        let record = &entry.record;
        let path = self.layout().blob(&record.owner, entry.id, record.blob);
        let (store, pool, source, entry) = (self.clone(), self.pool().clone(), path.clone(), entry.clone());
        let work = move |watch: &JobWatch| -> Result<Pin<Box<dyn AsyncRead + Send>>, BlobError> {
            let mut file = store.open_entry(&source, &entry)?;
            if entry.record.size.0 > CHUNK as u64 {
                return Ok(Box::pin(stream(pool, BlobReader::new(file, source, entry))));
            }
            let mut bytes = Vec::with_capacity(buffer_len(entry.record.size));
            let keep = |piece: &[u8]| bytes.extend_from_slice(piece);
            let written = digest::read_to_end(&mut *file, &source, entry.record.size, watch, keep)?;
            compare(&entry, written)?;
            Ok(Box::pin(Cursor::new(bytes)))
        };
        self.pool().run("read", &path, work).await
    }

    /// Reads all bytes of a file and holds them against its record.
    ///
    /// # Errors
    /// [`BlobError::Missing`], [`BlobError::WrongSize`] and [`BlobError::Damaged`] when they are not the record's,
    /// [`BlobError::NotMounted`], or an error of the node's disk.
    pub async fn check(&self, entry: &FileEntry) -> Result<Written, BlobError> {
        let record = &entry.record;
        let path = self.layout().blob(&record.owner, entry.id, record.blob);
        let (store, source, entry) = (self.clone(), path.clone(), entry.clone());
        let work = move |watch: &JobWatch| {
            let mut file = store.open_entry(&source, &entry)?;
            let written = digest::read_to_end(&mut *file, &source, entry.record.size, watch, |_| {})?;
            compare(&entry, written)?;
            Ok(written)
        };
        self.pool().run("check", &path, work).await
    }

    fn open_entry(&self, path: &Path, entry: &FileEntry) -> Result<Box<dyn InputFile>, BlobError> {
        let record = &entry.record;
        open_blob(&**self.disk(), path, &record.owner, entry.id, record.blob, record.size)
            .map_err(|error| self.judged(&record.owner, error))
    }
}

/// Opens published bytes, which must have the size that their record tells.
pub(super) fn open_blob(
    disk: &dyn Disk,
    path: &Path,
    node: &NodeId,
    file: FileId,
    blob: AttemptId,
    expected: Bytes,
) -> Result<Box<dyn InputFile>, BlobError> {
    let bytes = disk.open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => BlobError::Missing { node: node.clone(), file, blob },
        _ => match NoFile::of(&error) {
            Some(NoFile(what)) => BlobError::NoFile { node: node.clone(), file, blob, what },
            None => BlobError::source("open", path, error),
        },
    })?;
    let found = Bytes(bytes.size().map_err(|error| BlobError::source("look at", path, error))?);
    if found != expected {
        return Err(BlobError::WrongSize { node: node.clone(), file, blob, expected, found });
    }
    Ok(bytes)
}

fn compare(entry: &FileEntry, found: Written) -> Result<(), BlobError> {
    let record = &entry.record;
    let (node, file, blob) = (record.owner.clone(), entry.id, record.blob);
    if found.size != record.size {
        return Err(BlobError::WrongSize { node, file, blob, expected: record.size, found: found.size });
    }
    if found.blake3 != record.blake3 {
        return Err(BlobError::damaged(&node, file, blob, record.blake3, found.blake3));
    }
    Ok(())
}

/// Bytes on their way out, piece by piece.
struct BlobReader {
    file: Box<dyn InputFile>,
    path: PathBuf,
    entry: FileEntry,
    digest: Digest,
}

impl BlobReader {
    fn new(file: Box<dyn InputFile>, path: PathBuf, entry: FileEntry) -> Self {
        Self { file, path, entry, digest: Digest::default() }
    }

    /// The next piece, and what is left. The last piece is held back until the hash is known: a reader
    /// that stops at the announced length never takes damaged bytes for whole.
    fn next(mut self, watch: &JobWatch) -> Result<(bytes::Bytes, Option<Self>), BlobError> {
        let mut piece = Vec::with_capacity(CHUNK);
        let read = (&mut self.file).take(CHUNK as u64).read_to_end(&mut piece);
        read.map_err(|error| BlobError::source("read", &self.path, error))?;
        watch.beat("read", &self.path)?;
        self.digest.update(&piece);
        let ended = piece.is_empty() || self.digest.size() >= self.entry.record.size.0;
        if ended {
            compare(&self.entry, self.digest.written())?;
        }
        Ok((piece.into(), (!ended).then_some(self)))
    }
}

fn stream(pool: Pool, reading: BlobReader) -> impl AsyncRead + Send {
    let path: Arc<Path> = reading.path.as_path().into();
    let next = move |reading: Option<BlobReader>| {
        let (pool, path) = (pool.clone(), Arc::clone(&path));
        async move {
            let Some(reading) = reading else { return Ok(None) };
            let read = pool.run("read", &path, move |watch| reading.next(watch)).await;
            read.map(Some).map_err(|error| {
                let kind = if error.is_damaged() { ErrorKind::InvalidData } else { ErrorKind::Other };
                io::Error::new(kind, error)
            })
        }
    };
    StreamReader::new(Box::pin(try_unfold(Some(reading), next)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::io::AsyncReadExt;

    use super::super::testing::{hash, put, store};
    use super::*;
    use crate::domain::fixtures;

    fn entry(bytes: &[u8]) -> FileEntry {
        let mut entry = fixtures::file(1, "zk1");
        entry.record.size = Bytes(bytes.len() as u64);
        entry.record.blake3 = hash(bytes);
        entry
    }

    async fn read(store: &BlobStore, entry: &FileEntry) -> (Vec<u8>, Option<io::Error>) {
        let mut stream = store.open_verified(entry).await.unwrap();
        let mut bytes = Vec::new();
        let error = stream.read_to_end(&mut bytes).await.err();
        (bytes, error)
    }

    #[tokio::test]
    async fn whole_bytes_are_read_whole() {
        for size in [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let (_folder, store) = store();
            let bytes: Vec<u8> = (0..size).map(|i| (i % 239) as u8).collect();
            let entry = entry(&bytes);
            put(&store, "zk1", entry.id, entry.record.blob, &bytes);
            let (read, error) = read(&store, &entry).await;
            assert!(read == bytes && error.is_none(), "{size}: {error:?}");
            let found = Written { size: Bytes(size as u64), blake3: hash(&bytes) };
            assert_eq!(store.check(&entry).await.unwrap(), found);
        }
    }

    #[tokio::test]
    async fn one_flipped_bit_is_found_before_the_last_byte_is_given_out() {
        for (size, at) in [(10, 0), (2 * CHUNK, 0), (2 * CHUNK, 2 * CHUNK - 1)] {
            let (_folder, store) = store();
            let mut bytes = vec![7; size];
            let entry = entry(&bytes);
            bytes[at] ^= 1;
            put(&store, "zk1", entry.id, entry.record.blob, &bytes);
            assert!(matches!(store.check(&entry).await, Err(BlobError::Damaged { .. })));
            if size <= CHUNK {
                assert!(matches!(store.open_verified(&entry).await, Err(BlobError::Damaged { .. })));
            } else {
                let (read, error) = read(&store, &entry).await;
                assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::InvalidData));
                assert!(read.len() < size, "all bytes were given out");
            }
        }
    }

    #[tokio::test]
    async fn another_size_and_missing_bytes_are_told_at_once() {
        let (_folder, store) = store();
        let entry = entry(&[1; 10]);
        assert!(store.check(&entry).await.unwrap_err().is_missing());
        for other in [9, 11] {
            put(&store, "zk1", entry.id, entry.record.blob, &vec![1; other]);
            assert!(matches!(store.check(&entry).await, Err(BlobError::WrongSize { .. })));
            assert!(store.open_verified(&entry).await.is_err_and(|error| error.is_damaged()));
        }
    }

    #[tokio::test]
    async fn a_file_cut_while_it_is_read_ends_with_an_error() {
        let (_folder, store) = store();
        let bytes = vec![5; 4 * CHUNK];
        let entry = entry(&bytes);
        let path = put(&store, "zk1", entry.id, entry.record.blob, &bytes);
        let mut stream = store.open_verified(&entry).await.unwrap();
        let mut first = [0; 10];
        stream.read_exact(&mut first).await.unwrap();
        fs::OpenOptions::new().write(true).open(path).unwrap().set_len(3 * CHUNK as u64).unwrap();
        let error = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
