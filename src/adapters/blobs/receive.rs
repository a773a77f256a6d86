//! Bytes of an upload.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use super::digest::CHUNK;
use super::draft::BlobDraft;
use super::{BlobError, BlobStore, BodyFault, Written};
use crate::domain::ids::{AttemptId, Bytes, Millis, NodeId};

/// A client that sends nothing for so long has gone away.
const SILENCE_MAX: Duration = Duration::from_secs(60);

enum Progress {
    More(Box<BlobDraft>),
    Done(Written),
}

impl BlobStore {
    /// Writes the stream to the draft of `attempt` at `node`, hashing it, and syncs it.
    /// `size_hint` is what the sender announced, `limit` the most bytes taken; `progress` counts the
    /// bytes written. On an error the draft stays until [`BlobStore::discard`].
    ///
    /// # Errors
    /// [`BlobError::TooLarge`], [`BlobError::Stream`] when the sender broke off or was silent for a minute,
    /// [`BlobError::NoSpace`], or an error of the node's disk.
    pub async fn receive(
        &self,
        node: &NodeId,
        attempt: AttemptId,
        mut bytes: Pin<Box<dyn AsyncRead + Send>>,
        size_hint: Option<u64>,
        limit: Option<u64>,
        progress: Arc<AtomicU64>,
    ) -> Result<Written, BlobError> {
        let path = self.layout().draft(node, attempt);
        let limit = limit.unwrap_or(u64::MAX);
        check_limit(size_hint.unwrap_or(0), limit)?;
        let (mut received, mut draft) = (0, None);
        loop {
            let piece = next_piece(&mut bytes, received).await?;
            received += piece.len() as u64;
            check_limit(received, limit)?;
            let last = piece.len() < CHUNK;
            let (path_for, space, progress) = (path.clone(), self.space(node), Arc::clone(&progress));
            let work = move |watch: &_| {
                let mut draft = match draft {
                    Some(draft) => draft,
                    None => Box::new(BlobDraft::create(path_for, space, size_hint, progress)?),
                };
                draft.write(&piece, watch)?;
                if last { draft.finish(watch).map(Progress::Done) } else { Ok(Progress::More(draft)) }
            };
            match self.pool().run("write", &path, work).await? {
                Progress::Done(written) => return Ok(written),
                Progress::More(more) => draft = Some(more),
            }
        }
    }
}

const fn check_limit(size: u64, limit: u64) -> Result<(), BlobError> {
    if size > limit { Err(BlobError::TooLarge { limit: Bytes(limit) }) } else { Ok(()) }
}

/// The next [`CHUNK`] bytes; fewer only at the end of the stream.
async fn next_piece(bytes: &mut Pin<Box<dyn AsyncRead + Send>>, received: u64) -> Result<Vec<u8>, BlobError> {
    let mut piece = Vec::new();
    while piece.len() < CHUNK {
        let room = (CHUNK - piece.len()) as u64;
        let read = timeout(SILENCE_MAX, bytes.as_mut().take(room).read_buf(&mut piece)).await;
        let silent = BodyFault::Silent { limit: Millis(SILENCE_MAX.as_millis() as u64) };
        let fault = match read {
            Ok(Ok(0)) => break,
            Ok(Ok(_)) => continue,
            Ok(Err(error)) => BodyFault::of(&error),
            Err(_) => silent,
        };
        return Err(BlobError::Stream { received: received + piece.len() as u64, fault });
    }
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use tokio_util::io::StreamReader;

    use super::super::disk::fake::Volume;
    use super::super::testing::{PowerDisk, counter, hash, store, store_with};
    use super::super::{BlobConfig, BlobStore};
    use super::*;
    use crate::domain::fixtures::node_id;

    const ATTEMPT: AttemptId = AttemptId::new(7);

    fn reader(bytes: Vec<u8>) -> Pin<Box<dyn AsyncRead + Send>> {
        Box::pin(io::Cursor::new(bytes))
    }

    async fn send(
        store: &BlobStore,
        bytes: Vec<u8>,
        hint: Option<u64>,
        limit: Option<u64>,
    ) -> Result<Written, BlobError> {
        store.receive(&node_id("zk1"), ATTEMPT, reader(bytes), hint, limit, counter()).await
    }

    /// Its size is not known before its end.
    #[tokio::test(start_paused = true)]
    async fn a_stream_takes_nothing_of_the_reserve() {
        // Free are 1 << 40.
        let disk = Volume::default().disk(Arc::new(PowerDisk), Duration::ZERO);
        let config = BlobConfig { reserve: Bytes((1 << 40) - 10), ..BlobConfig::new("/data/uploads") };
        let store = BlobStore::open_on(Arc::new(disk), config, &[node_id("zk1")]).unwrap();
        let refused = send(&store, vec![0; 11], None, None).await;
        assert!(matches!(refused, Err(BlobError::NoSpace { .. })), "{refused:?}");
        store.discard(&node_id("zk1"), crate::domain::ids::FileId::new(1), ATTEMPT).await.unwrap();
        assert_eq!(send(&store, vec![0; 10], None, None).await.unwrap().size, Bytes(10));
    }

    #[tokio::test]
    async fn every_size_around_the_chunk_arrives_whole() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17] {
            for hint in [None, Some(size as u64), Some(size as u64 + 5_000_000)] {
                let (_folder, store) = store();
                let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
                let progress = counter();
                let written = store
                    .receive(&node_id("zk1"), ATTEMPT, reader(bytes.clone()), hint, None, Arc::clone(&progress))
                    .await
                    .unwrap();
                assert_eq!(written, Written { size: Bytes(size as u64), blake3: hash(&bytes) });
                assert_eq!(progress.load(Ordering::Relaxed), size as u64);
                let path = store.layout().draft(&node_id("zk1"), ATTEMPT);
                assert!(fs::read(path).unwrap() == bytes, "{size} {hint:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_limit_holds_with_and_without_an_announced_size() {
        let (_folder, store) = store();
        let too_large =
            |sent: Result<Written, BlobError>| matches!(sent, Err(BlobError::TooLarge { limit: Bytes(10) }));
        assert!(too_large(send(&store, vec![0; 11], Some(11), Some(10)).await));
        assert!(store.leftovers(&node_id("zk1")).await.unwrap().is_empty(), "an announced size is refused unread");
        assert!(too_large(send(&store, vec![0; 11], None, Some(10)).await));
        assert!(send(&store, vec![0; 10], None, Some(10)).await.is_ok());
    }

    #[tokio::test]
    async fn the_reserve_is_not_touched_and_the_target_is_blamed() {
        let (_folder, store) = store_with(|root| BlobConfig { reserve: Bytes(u64::MAX / 2), ..BlobConfig::new(root) });
        let error = send(&store, vec![0; 10], None, None).await.unwrap_err();
        assert!(error.is_no_space() && error.blames_target(), "{error}");
    }

    #[tokio::test]
    async fn a_client_that_goes_away_is_no_fault_of_the_disk() {
        let (_folder, store) = store();
        let pieces = [Ok(bytes::Bytes::from_static(b"abc")), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
        let broken = Box::pin(StreamReader::new(futures_util::stream::iter(pieces)));
        let outcome = store.receive(&node_id("zk1"), ATTEMPT, broken, None, None, counter()).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, BlobError::Stream { fault: BodyFault::Broken(_), .. }), "{error}");
        assert!(!error.blames_target(), "{error}");
        assert!(error.to_string().starts_with("the upload broke off after 3 B"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_given_up() {
        let (_folder, store) = store();
        let (ours, _theirs) = tokio::io::duplex(16);
        let outcome = store.receive(&node_id("zk1"), ATTEMPT, Box::pin(ours), None, None, counter()).await;
        assert!(matches!(outcome, Err(BlobError::Stream { fault: BodyFault::Silent { .. }, .. })));
    }

    #[tokio::test]
    async fn an_attempt_writes_once_and_through_no_link() {
        let (folder, store) = store();
        send(&store, vec![1; 4], None, None).await.unwrap();
        assert!(matches!(send(&store, vec![2; 4], None, None).await, Err(BlobError::Invalid(_))));
        let elsewhere = folder.path().join("elsewhere");
        let other = AttemptId::new(8);
        std::os::unix::fs::symlink(&elsewhere, store.layout().draft(&node_id("zk1"), other)).unwrap();
        let outcome = store.receive(&node_id("zk1"), other, reader(vec![3; 4]), None, None, counter()).await;
        assert!(outcome.is_err() && !elsewhere.exists());
    }
}
