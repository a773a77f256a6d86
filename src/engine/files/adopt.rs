//! Makes records for bytes in quarantine. An adoption is an upload whose bytes come from there: they stay
//! in quarantine until a record names a copy of them.

use super::{Failure, rows};
use crate::adapters::blobs::{BlobError, BlobStore, QuarantinedBlob, Written};
use crate::adapters::history::History;
use crate::adapters::zookeeper::registry::{Decided, Fence, ReadFile, Registry};
use crate::domain::file::{FileEntry, FileRecord, check_name};
use crate::domain::ids::{AttemptId, FileId, NodeId};
use crate::domain::migration::{Intent, Maker};
use crate::domain::operation::{HistoryQuery, Operation, OperationStatus};
use crate::domain::snapshot::InstanceInfo;
use crate::engine::clock;

/// What an adoption works with. `me` is registered with the ensemble, so that no leader takes its
/// attempts for those of an instance that is gone.
pub struct Adoption {
    pub registry: Registry,
    pub blobs: BlobStore,
    pub history: History,
    pub me: InstanceInfo,
}

/// Who adopts, as intent and row tell.
const DOCTOR: &str = "doctor";

/// Under which id and name bytes are adopted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub file: FileId,
    pub name: String,
}

/// What becomes of bytes in quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A record is made for them.
    Adopted(Identity),
    /// They are the bytes of a record, or may be, and stay: why, in words.
    Stays(String),
}

impl Fate {
    /// The file's own id when no record has it, and the name that history remembers. Changes nothing.
    ///
    /// # Errors
    /// [`Failure`] when it is not known whether there is a record, or the bytes cannot be read.
    pub async fn of(
        kept: &QuarantinedBlob,
        registry: &Registry,
        blobs: &BlobStore,
        history: &History,
    ) -> Result<Self, Failure> {
        let record = registry.read_file(kept.file).await?;
        let taken = !matches!(record, ReadFile::Gone);
        if taken && let Some(why) = whose(&record, blobs.digest_quarantined(kept).await?) {
            return Ok(Self::Stays(why));
        }
        let file = if taken { clock::new_file() } else { kept.file };
        let name = remembered(kept.file, history).await;
        let name = name.unwrap_or_else(|| format!("recovered-{}", kept.file));
        Ok(Self::Adopted(Identity { file, name: if taken { format!("{name} (older copy)") } else { name } }))
    }
}

/// Why no new file is made of bytes: those with a record's file id, size and hash are that file's. The scrub gives
/// them back to it when it has lost its own.
fn whose(record: &ReadFile, written: Written) -> Option<String> {
    match record {
        ReadFile::Gone => None,
        ReadFile::Entry(entry) => {
            let FileRecord { name, owner, size, blake3, .. } = &entry.record;
            ((*size, *blake3) == (written.size, written.blake3)).then(|| {
                format!(
                    "these are the bytes of {name} on {owner}: they come back to it automatically when it has lost its \
                     own, and are a copy otherwise"
                )
            })
        }
        ReadFile::Unreadable { path, cause, .. } | ReadFile::Denied { path, cause } => {
            Some(format!("whose they are is not known: {path}: {cause}"))
        }
    }
}

/// The name that history has of a file.
async fn remembered(file: FileId, history: &History) -> Option<String> {
    let query = HistoryQuery { file: Some(file), limit: 1, ..HistoryQuery::default() };
    let page = history.query(query).await.ok()?;
    let name = page.operations.first()?.file_name()?;
    check_name(name).is_ok().then(|| name.to_owned())
}

impl Adoption {
    /// Adopts bytes; doing it again after a crash is harmless.
    ///
    /// # Errors
    /// [`Failure`]: the bytes are still in quarantine.
    pub async fn adopt(&self, kept: &QuarantinedBlob, identity: &Identity) -> Result<FileEntry, Failure> {
        let attempt = clock::new_attempt();
        let fence = self.fence(&kept.node).await?;
        let intent = self.intent(kept, attempt, identity);
        self.registry.prepare(&[(attempt, intent.clone())], &fence).await?;
        match self.write(kept, attempt, identity).await {
            Ok(written) => self.commit(kept, attempt, identity, &intent, written, &fence).await,
            Err(error) => {
                if self.registry.abort(attempt).await == Decided::Aborted {
                    self.discard(&kept.node, identity.file, attempt).await;
                }
                Err(error.into())
            }
        }
    }

    async fn write(
        &self,
        kept: &QuarantinedBlob,
        attempt: AttemptId,
        identity: &Identity,
    ) -> Result<Written, BlobError> {
        let written = self.blobs.recall(kept, attempt).await?;
        self.are_nobodys(kept, written).await?;
        self.blobs.publish(&kept.node, identity.file, attempt).await?;
        Ok(written)
    }

    async fn are_nobodys(&self, kept: &QuarantinedBlob, written: Written) -> Result<(), BlobError> {
        let why = match self.registry.read_file(kept.file).await {
            Ok(record) => whose(&record, written),
            Err(error) => Some(format!("whose they are is not known: {error}")),
        };
        why.map_or(Ok(()), |why| Err(BlobError::Invalid(why)))
    }

    async fn commit(
        &self,
        kept: &QuarantinedBlob,
        attempt: AttemptId,
        identity: &Identity,
        intent: &Intent,
        written: Written,
        fence: &Fence,
    ) -> Result<FileEntry, Failure> {
        let content = (written.size, written.blake3);
        let record = FileRecord::first(identity.name.clone(), kept.node.clone(), attempt, content, clock::now());
        if let Err(error) = self.registry.commit_upload(attempt, (intent, 0), identity.file, &record, fence).await {
            match self.registry.settle(attempt, identity.file).await {
                Decided::Committed => {}
                Decided::Aborted => {
                    self.discard(&kept.node, identity.file, attempt).await;
                    return Err(error.into());
                }
                Decided::Gone | Decided::Undecided => return Err(Failure::Left),
            }
        }
        let entry = FileEntry { id: identity.file, version: 0, record };
        self.close(kept, attempt, &entry).await?;
        Ok(entry)
    }

    /// The row, then the bytes in quarantine, then the intent. What fails is done by the recovery, but for
    /// the bytes: they stay in quarantine, which loses nothing.
    async fn close(&self, kept: &QuarantinedBlob, attempt: AttemptId, entry: &FileEntry) -> Result<(), Failure> {
        if let Err(error) = self.history.record(self.row(attempt, entry)).await {
            tracing::warn!(%attempt, "history: {error}; the recovery makes the row");
        }
        self.blobs.release(kept).await?;
        if self.history.flush().await.unwrap_or(false) {
            self.registry.delete_intent(attempt).await?;
        }
        Ok(())
    }

    async fn discard(&self, node: &NodeId, file: FileId, attempt: AttemptId) {
        if let Err(error) = self.blobs.discard(node, file, attempt).await {
            tracing::warn!(%attempt, "bytes of an aborted adoption stay for the recovery: {error}");
        } else if let Err(error) = self.registry.delete_intent(attempt).await {
            tracing::warn!(%attempt, "the intent stays for the recovery: {error}");
        }
    }

    async fn fence(&self, node: &NodeId) -> Result<Fence, Failure> {
        let changed = |why: &str| Failure::Refuses { node: node.clone(), why: why.to_owned() };
        match self.registry.read_node(node).await? {
            Some((record, _)) if record.state.is_draining() => Err(changed("it drains; undrain it first")),
            Some((_, version)) => Ok(Fence { epoch: None, nodes: vec![(node.clone(), version)] }),
            None => Err(changed("the ensemble does not know it; start zkdeck with it once")),
        }
    }

    fn intent(&self, kept: &QuarantinedBlob, attempt: AttemptId, identity: &Identity) -> Intent {
        let maker = Maker { instance: self.me.id, by: DOCTOR, at: clock::now() };
        Intent::upload(attempt, identity.file, &identity.name, &kept.node, maker)
    }

    fn row(&self, attempt: AttemptId, entry: &FileEntry) -> Operation {
        let maker = Maker { instance: self.me.id, by: DOCTOR, at: clock::now() };
        let record = &entry.record;
        let intent = Intent::upload(attempt, entry.id, &record.name, &record.owner, maker);
        let intent = Intent { size: Some(record.size), ..intent };
        let why = Some("adopted from quarantine".into());
        Operation { why, ..rows::of(&self.me, attempt, &intent, OperationStatus::Done) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::adapters::blobs::BlobConfig;
    use crate::adapters::history::testing::Ledger;
    use crate::adapters::zookeeper::ZkConfig;
    use crate::adapters::zookeeper::coord::{Coord, Mode};
    use crate::adapters::zookeeper::error::Refusal;
    use crate::adapters::zookeeper::fake::{FakeEnsemble, RequestFate as Outcome, Weather};
    use crate::domain::file::{Hash, blob_name};
    use crate::domain::fixtures::{NOW, file, node_id};
    use crate::domain::ids::{Bytes, InstanceId, OperationId};
    use crate::domain::node::{NodeRecord, NodeState};
    use crate::engine::files::tests::Sky;

    const OLD: FileId = FileId::new(1);

    /// The quarantine holds ten bytes of file 1; its record names bytes of this text.
    async fn quarantined(folder: &std::path::Path, record: &[u8], sky: Arc<Sky>) -> (Adoption, QuarantinedBlob) {
        let zk = ZkConfig { root: "/demo".into(), ..ZkConfig::default() };
        let coord = Arc::new(FakeEnsemble::new(sky as Arc<dyn Weather>).connect(&zk.root));
        let registry = Registry::open(Arc::clone(&coord) as Arc<dyn Coord>, &zk).await.unwrap();
        registry.ensure_node(&node_id("zk1")).await.unwrap();
        let mut entry = file(OLD.bits(), "zk1");
        entry.record.size = Bytes(record.len() as u64);
        entry.record.blake3 = Hash(*blake3::hash(record).as_bytes());
        let data = serde_json::to_vec(&entry.record).unwrap();
        coord.create(&registry.layout().file(entry.id), &data, Mode::Persistent).await.unwrap();
        let kept = QuarantinedBlob { node: node_id("zk1"), file: entry.id, blob: AttemptId::new(99), size: Bytes(10) };
        let quarantine = folder.join("quarantine/zk1");
        std::fs::create_dir_all(&quarantine).unwrap();
        std::fs::write(quarantine.join(blob_name(kept.file, kept.blob)), b"0123456789").unwrap();
        let blobs = BlobStore::open(BlobConfig::new(folder.join("uploads")), &[node_id("zk1")]).unwrap();
        let (history, _clerk) = Ledger::default().open();
        let me = InstanceInfo {
            id: InstanceId::new(1),
            host: "h".into(),
            pid: 1,
            since_ms: NOW,
            scheduler: None,
            seat: None,
        };
        (Adoption { registry, blobs, history, me }, kept)
    }

    fn identity() -> Identity {
        Identity { file: FileId::new(7), name: "older copy".into() }
    }

    async fn adopt(record: &[u8]) -> (Result<FileEntry, Failure>, usize) {
        let folder = tempfile::tempdir().unwrap();
        let (adoption, kept) = quarantined(folder.path(), record, Arc::default()).await;
        let fate = Fate::of(&kept, &adoption.registry, &adoption.blobs, &adoption.history).await.unwrap();
        let adopted = adoption.adopt(&kept, &identity()).await;
        assert_eq!(matches!(fate, Fate::Adopted(_)), adopted.is_ok(), "what is planned is what is done: {fate:?}");
        if let Fate::Adopted(Identity { file, name }) = fate {
            assert!(file != OLD && name.ends_with("(older copy)"), "there is a file of that id: {file} {name}");
        }
        (adopted, adoption.blobs.quarantined().await.unwrap().len())
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_stay_in_quarantine_until_a_record_names_a_copy_of_them() {
        let (folder, sky) = (tempfile::tempdir().unwrap(), Arc::new(Sky::default()));
        let (adoption, kept) = quarantined(folder.path(), b"other ones", Arc::clone(&sky)).await;
        // Its commit; the first one is for the intent.
        sky.at("multi", 2, || Outcome::Refused(Refusal::Throttled));
        let adopted = adoption.adopt(&kept, &identity()).await;
        assert_eq!((adopted.is_err(), adoption.blobs.quarantined().await.unwrap()), (true, vec![kept.clone()]));
        assert!(adoption.adopt(&kept, &identity()).await.is_ok());
        assert_eq!(adoption.blobs.quarantined().await.unwrap(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_drains_adopts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (adoption, kept) = quarantined(folder.path(), b"other ones", Arc::default()).await;
        let state = NodeState::Draining { since_ms: NOW, files_at_start: 1, operation: OperationId::new(5) };
        let record = NodeRecord { state, ..NodeRecord::default() };
        adoption.registry.write_node(&kept.node, &record, 0).await.unwrap();
        let adopted = adoption.adopt(&kept, &identity()).await;
        assert!(
            matches!(&adopted, Err(Failure::Refuses { why, .. }) if why.contains("undrain it first")),
            "{adopted:?}"
        );
        assert_eq!(adoption.blobs.quarantined().await.unwrap(), [kept]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_new_file_is_made_of_bytes_that_are_a_records() {
        let (adopted, kept) = adopt(b"0123456789").await;
        let why = adopted.unwrap_err().to_string();
        assert!(why.contains("come back to it automatically") && kept == 1, "{why}");
        let (adopted, kept) = adopt(b"other ones").await;
        assert!(adopted.is_ok() && kept == 0, "{adopted:?}");
    }
}
