//! Bytes that come from another node's folder, or from a seed.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::blocking::JobWatch;
use super::digest::{CHUNK, buffer_len};
use super::disk::InputFile;
use super::draft::BlobDraft;
use super::verify::open_blob;
use super::{BlobError, BlobStore, Written};
use crate::domain::ids::{AttemptId, Bytes, FileId, NodeId};

impl BlobStore {
    /// Copies the published bytes of `file` to the draft of `attempt` at node `to` and syncs them; `size` is
    /// what the record tells. The hash is that of the bytes read: compare it with the record's.
    ///
    /// # Errors
    /// [`BlobError::Missing`], [`BlobError::NotMounted`] or [`BlobError::WrongSize`] for the source,
    /// [`BlobError::NoSpace`] at the target, or an error of one of the two disks: [`BlobError::blames_target`] tells which.
    pub async fn copy(
        &self,
        file: FileId,
        from: (&NodeId, AttemptId),
        to: &NodeId,
        attempt: AttemptId,
        size: Bytes,
        progress: Arc<AtomicU64>,
    ) -> Result<Written, BlobError> {
        let (node, blob) = (from.0.clone(), from.1);
        let source = self.layout().blob(&node, file, blob);
        let path = self.layout().draft(to, attempt);
        let (store, target, space) = (self.clone(), path.clone(), self.space(to));
        let work = move |watch: &_| {
            let mut input = open_blob(&**store.disk(), &source, &node, file, blob, size)
                .map_err(|error| store.judged(&node, error))?;
            let mut draft = BlobDraft::create(target, space, Some(size.0), progress)?;
            let read = pour(&mut *input, &source, &mut draft, size, watch)?;
            if read != size.0 {
                return Err(BlobError::WrongSize { node, file, blob, expected: size, found: Bytes(read) });
            }
            draft.finish(watch)
        };
        self.pool().run("copy to", &path, work).await
    }

    /// Writes `size` pseudo-random bytes, the same for the same `seed`, to the draft of `attempt`.
    ///
    /// # Errors
    /// [`BlobError::NoSpace`], or an error of the node's disk.
    pub async fn generate(
        &self,
        node: &NodeId,
        attempt: AttemptId,
        size: Bytes,
        seed: u64,
        progress: Arc<AtomicU64>,
    ) -> Result<Written, BlobError> {
        let path = self.layout().draft(node, attempt);
        let (target, space) = (path.clone(), self.space(node));
        let work = move |watch: &_| {
            let mut draft = BlobDraft::create(target, space, Some(size.0), progress)?;
            let mut random = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
            let mut piece = vec![0; buffer_len(size)];
            let mut left = size.0;
            while left > 0 {
                let len = usize::try_from(left).unwrap_or(CHUNK).min(piece.len());
                random.fill(&mut piece[..len]);
                draft.write(&piece[..len], watch)?;
                left -= len as u64;
            }
            draft.finish(watch)
        };
        self.pool().run("write", &path, work).await
    }
}

/// Writes at most `size` bytes and says how many the source had: one more than `size` when it is longer.
pub(super) fn pour(
    input: &mut dyn InputFile,
    path: &Path,
    draft: &mut BlobDraft,
    size: Bytes,
    watch: &JobWatch,
) -> Result<u64, BlobError> {
    let mut piece = vec![0; buffer_len(size)];
    let mut done = 0;
    loop {
        let len = match input.read(&mut piece) {
            Ok(0) => return Ok(done),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(BlobError::source("read", path, error)),
        };
        done += len as u64;
        if done > size.0 {
            return Ok(size.0 + 1);
        }
        draft.write(&piece[..len], watch)?;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::Ordering;

    use super::super::BlobConfig;
    use super::super::testing::{counter, hash, put, store, store_with};
    use super::*;
    use crate::domain::fixtures::node_id;

    const FILE: FileId = FileId::new(1);
    const OLD: AttemptId = AttemptId::new(2);
    const NEW: AttemptId = AttemptId::new(3);

    async fn copy(store: &BlobStore, size: u64) -> Result<Written, BlobError> {
        store.copy(FILE, (&node_id("zk1"), OLD), &node_id("zk2"), NEW, Bytes(size), counter()).await
    }

    #[tokio::test]
    async fn a_copy_is_equal_and_counts_its_bytes() {
        for size in [0, 1, CHUNK, 2 * CHUNK + 9] {
            let (_folder, store) = store();
            let bytes: Vec<u8> = (0..size).map(|i| (i % 253) as u8).collect();
            put(&store, "zk1", FILE, OLD, &bytes);
            let progress = counter();
            let from = (&node_id("zk1"), OLD);
            let size = Bytes(size as u64);
            let written = store.copy(FILE, from, &node_id("zk2"), NEW, size, Arc::clone(&progress)).await.unwrap();
            assert_eq!(written, Written { size, blake3: hash(&bytes) });
            assert_eq!(progress.load(Ordering::Relaxed), size.0);
            assert!(fs::read(store.layout().draft(&node_id("zk2"), NEW)).unwrap() == bytes);
        }
    }

    #[tokio::test]
    async fn trouble_at_the_source_is_no_fault_of_the_target() {
        let (_folder, store) = store();
        let error = copy(&store, 4).await.unwrap_err();
        assert!(error.is_missing() && !error.blames_target(), "{error}");
        put(&store, "zk1", FILE, OLD, b"12345");
        for size in [4, 6] {
            let error = copy(&store, size).await.unwrap_err();
            assert!(error.is_damaged() && !error.blames_target(), "{error}");
        }
        assert!(store.leftovers(&node_id("zk2")).await.unwrap().is_empty(), "a bad source makes no draft");
    }

    #[tokio::test]
    async fn no_room_is_said_before_a_draft_is_made() {
        let (_folder, store) = store_with(|root| BlobConfig { reserve: Bytes(u64::MAX / 2), ..BlobConfig::new(root) });
        put(&store, "zk1", FILE, OLD, b"1234");
        let error = copy(&store, 4).await.unwrap_err();
        assert!(error.is_no_space() && error.blames_target(), "{error}");
        assert!(store.leftovers(&node_id("zk2")).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn generated_bytes_depend_on_the_seed_only() {
        let (_folder, store) = store();
        let size = Bytes(CHUNK as u64 + 5);
        let make = async |attempt, seed| {
            store.generate(&node_id("zk1"), AttemptId::new(attempt), size, seed, counter()).await.unwrap()
        };
        let (one, same, other) = (make(1, 7).await, make(2, 7).await, make(3, 8).await);
        assert_eq!((one, one.size), (same, size));
        assert_ne!(one.blake3, other.blake3);
        let bytes = fs::read(store.layout().draft(&node_id("zk1"), AttemptId::new(1))).unwrap();
        assert_eq!(one.blake3, hash(&bytes));
    }
}
