//! Takes the picture of ZooKeeper, the disks and the history that the invariants are judged over.

use std::collections::BTreeMap;

use crate::adapters::blobs::{BlobError, BlobStore};
use crate::adapters::history::{History, HistoryError};
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::registry::Registry;
use crate::domain::ids::{FileId, Millis, NodeId, OperationId, Timestamp};
use crate::domain::invariants::{CheckedRow, StoredFile, Violation, WorldView, check, lasting};
use crate::domain::operation::{HISTORY_PAGE_MAX, HistoryQuery};

/// By so much the servers' clock may be ahead of the one that rows are written by.
pub const CLOCKS_APART: Millis = Millis::from_secs(600);

/// What is looked at. What is `None` is not judged.
pub struct Inspection {
    pub registry: Registry,
    /// `None` when the folders belong to another store.
    pub blobs: Option<BlobStore>,
    /// `None` when a part of history is known to be lost.
    pub history: Option<History>,
    pub nodes: Vec<NodeId>,
    /// When the ensemble got its first records, by the servers' clock: rows from before tell of files of
    /// an ensemble that is gone.
    pub since: Option<Timestamp>,
    /// Whether all bytes are read and hashed, or only their sizes looked at.
    pub hashes: bool,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error("reading the records: {0}")]
    Zk(#[from] ZkError),
    #[error("looking at the bytes: {0}")]
    Blob(#[from] BlobError),
    #[error("reading the history: {0}")]
    History(#[from] HistoryError),
}

impl Inspection {
    /// Every violation that lasts: what one picture shows is looked at a second time, since files may
    /// move while the picture is taken.
    ///
    /// # Errors
    /// [`InspectError`] when something could not be looked at: then nothing is known.
    pub async fn violations(&self) -> Result<Vec<Violation>, InspectError> {
        let first = check(&self.picture().await?);
        if first.is_empty() {
            return Ok(first);
        }
        Ok(lasting(&first, check(&self.picture().await?)))
    }

    /// One picture. The disks are looked at between two readings of the intents, and the records last:
    /// bytes of an attempt that begins or ends meanwhile are known by one of the two.
    ///
    /// # Errors
    /// [`InspectError`].
    pub async fn picture(&self) -> Result<WorldView, InspectError> {
        let before = self.registry.intents().await?;
        let stored = self.stored().await?;
        let rows = self.rows().await?;
        let after = self.registry.intents().await?;
        let loaded = self.registry.load_files(|_| {}).await?;
        let mut intents = after.intents;
        intents.extend(before.intents);
        intents.sort_by_key(|(attempt, _, version)| (*attempt, std::cmp::Reverse(*version)));
        intents.dedup_by_key(|(attempt, ..)| *attempt);
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            nodes.extend(self.registry.read_node(node).await?.map(|(record, _)| (node.clone(), record)));
        }
        let intents = intents.into_iter().map(|(attempt, intent, _)| (attempt, intent)).collect();
        let known = loaded.entries.iter().map(|entry| (entry.id, entry.record.created_ms)).collect();
        let rows = rows.map(|rows| rows.into_iter().filter_map(|row| self.of_now(row, &known)).collect());
        let unreadable = loaded.unreadable.into_iter().chain(after.unreadable).collect();
        Ok(WorldView { files: loaded.entries, intents, nodes, unreadable, stored, rows })
    }

    async fn stored(&self) -> Result<Option<Vec<StoredFile>>, InspectError> {
        let Some(blobs) = &self.blobs else { return Ok(None) };
        let mut stored = Vec::new();
        for node in &self.nodes {
            stored.extend(blobs.inventory(node, self.hashes).await?);
        }
        Ok(Some(stored))
    }

    /// The row, unless it tells of a file of an ensemble that is gone. Of a file that has a record now it is marked
    /// when no difference of the clocks explains its time.
    fn of_now(&self, (row, at): (CheckedRow, Timestamp), known: &BTreeMap<FileId, Timestamp>) -> Option<CheckedRow> {
        match row.file.and_then(|file| known.get(&file)) {
            Some(made) => {
                let since = self.since.map_or(*made, |since| since.max(*made));
                Some(CheckedRow { before: at.plus(CLOCKS_APART) < since, ..row })
            }
            None if self.since.is_some_and(|since| at < since) => None,
            None => Some(row),
        }
    }

    /// Every row with the time of its end, newest first.
    async fn rows(&self) -> Result<Option<Vec<(CheckedRow, Timestamp)>>, InspectError> {
        let Some(history) = &self.history else { return Ok(None) };
        let (mut rows, mut before): (Vec<(CheckedRow, Timestamp)>, Option<OperationId>) = (Vec::new(), None);
        loop {
            let query = HistoryQuery { before, limit: HISTORY_PAGE_MAX, ..HistoryQuery::default() };
            let page = history.query(query).await?.operations;
            rows.extend(page.iter().map(|row| (CheckedRow::from(row), row.finished.unwrap_or(row.started))));
            match page.last() {
                Some(last) if page.len() == HISTORY_PAGE_MAX => before = Some(last.id),
                _ => return Ok(Some(rows)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    //! The store of each released version, read by this program, without a server.

    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;
    use crate::adapters::blobs::BlobConfig;
    use crate::adapters::history::HistoryConfig;
    use crate::adapters::zookeeper::ZkConfig;
    use crate::adapters::zookeeper::coord::{Coord, Mode};
    use crate::adapters::zookeeper::fake::{FakeCoord, FakeEnsemble};
    use crate::domain::fixtures::node_id;
    use crate::domain::invariants::BlobPlace;
    use crate::domain::migration::{IntentKind, IntentState};

    fn stores() -> Vec<PathBuf> {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let folders = std::fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path());
        folders.filter(|path| path.join("znodes.jsonl").exists()).collect()
    }

    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }

    async fn ensemble(store: &Path) -> FakeCoord {
        let coord = FakeEnsemble::calm().connect("/demo");
        for line in std::fs::read_to_string(store.join("znodes.jsonl")).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let (path, data) = (line["path"].as_str().unwrap(), line["data"].as_str().unwrap().as_bytes());
            for (at, _) in path.match_indices('/').skip(1) {
                _ = coord.create(&path[..at], b"", Mode::Persistent).await;
            }
            coord.create(path, data, Mode::Persistent).await.unwrap();
            for _ in 0..line["version"].as_u64().unwrap() {
                coord.set(path, data, None).await.unwrap();
            }
        }
        coord
    }

    async fn inspection(store: &Path, folder: &Path) -> Inspection {
        copy(store, folder);
        let zk = ZkConfig { root: "/demo".into(), ..ZkConfig::default() };
        let registry = Registry::open(Arc::new(ensemble(store).await), &zk).await.unwrap();
        let nodes = ["zk1", "zk2", "zk3"].map(node_id).to_vec();
        let blobs = BlobStore::open(BlobConfig::new(folder.join("data/uploads")), &nodes).unwrap().with_id();
        assert_eq!(registry.store().await.unwrap().as_deref(), blobs.store_id());
        let config = HistoryConfig {
            path: folder.join("data/zkdeck.db"),
            ndjson_dir: folder.join("logs/backend"),
            any_filesystem: true,
        };
        let history = History::open(config).unwrap();
        Inspection { registry, blobs: Some(blobs), history: Some(history), nodes, hashes: true, since: None }
    }

    #[tokio::test]
    async fn all_of_an_older_versions_store_is_known() {
        let stores = stores();
        assert!(stores.iter().any(|store| store.ends_with("store-0.1.0")), "{stores:?}");
        for store in stores {
            let folder = tempfile::tempdir().unwrap();
            let inspection = inspection(&store, folder.path()).await;
            let picture = inspection.picture().await.unwrap();
            assert_eq!(check(&picture), [], "{}", store.display());
            assert!(picture.files.len() > 10 && picture.unreadable.is_empty());
            for kind in [IntentKind::Upload, IntentKind::Move, IntentKind::Delete] {
                for state in [IntentState::Prepared, IntentState::Committed, IntentState::Aborted] {
                    let one = picture.intents.iter().find(|(_, one)| (one.kind, one.state) == (kind, state));
                    assert!(one.is_some(), "no {state:?} {kind:?}");
                }
            }
            for place in [BlobPlace::Published, BlobPlace::Draft, BlobPlace::Trash, BlobPlace::Quarantine] {
                assert!(picture.stored.iter().flatten().any(|one| one.place == place), "nothing lies in {place:?}");
            }
            let drains = picture.nodes.iter().filter(|(_, record)| record.state.is_draining()).count();
            let weighted = picture.nodes.iter().filter(|(_, record)| record.weight == 150).count();
            assert_eq!((drains, weighted), (1, 1));
            assert!(inspection.registry.scheduler_paused().await.unwrap().0);
            assert!(inspection.registry.epoch().await.unwrap().is_some_and(|epoch| epoch.0 > 0));
            assert!(inspection.registry.last_run().await.unwrap().is_some());
        }
    }
}
