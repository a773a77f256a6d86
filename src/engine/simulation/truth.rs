//! What really happened, in the order in which the servers applied it: the judge that sees every
//! transaction and every removal, and so finds what is wrong in the moment it goes wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::adapters::zookeeper::coord::PathKind;
use crate::adapters::zookeeper::fake::TreeChange;
use crate::adapters::zookeeper::layout::{Touched, ZnodeLayout};
use crate::domain::file::{FileEntry, FileRecord, parse_blob_name};
use crate::domain::ids::{AttemptId, FileId, NodeId};
use crate::domain::node::NodeRecord;

/// Where the simulated store lies.
pub(super) fn store_root() -> PathBuf {
    PathBuf::from("/data/uploads")
}

pub(super) struct Truth {
    layout: ZnodeLayout,
    known: Mutex<TruthState>,
}

#[derive(Default)]
struct TruthState {
    files: BTreeMap<FileId, FileRecord>,
    /// Attempts whose bytes a record has ever named.
    named: BTreeSet<AttemptId>,
    deleted: BTreeSet<FileId>,
    /// Bytes that are damaged and may give way to whole ones.
    damaged: BTreeSet<AttemptId>,
    draining: BTreeSet<NodeId>,
    commits: u64,
    violations: Vec<String>,
}

impl Truth {
    pub(super) fn new(layout: ZnodeLayout) -> Self {
        Self { layout, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, TruthState> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A transaction was applied.
    pub(super) fn applied(&self, effects: &[TreeChange]) {
        let mut known = self.known();
        for effect in effects {
            match self.layout.classify(&effect.path) {
                Touched::File(file) => known.record(file, effect),
                Touched::Node(node) => {
                    let record: Option<NodeRecord> = serde_json::from_slice(&effect.data).ok();
                    if record.is_some_and(|record| record.state.is_draining()) {
                        known.draining.insert(node);
                    } else {
                        known.draining.remove(&node);
                    }
                }
                _ => {}
            }
        }
    }

    /// A name on disk is about to go.
    pub(super) fn removing(&self, path: &Path) {
        let mut known = self.known();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some((file, blob)) = name.and_then(parse_blob_name) else { return };
        let Some(record) = known.files.get(&file).filter(|_| !known.damaged.contains(&blob)) else { return };
        if record.blob == blob && path.parent() == Some(store_root().join(record.owner.as_str()).as_path()) {
            let what = format!("I6 file {file}: the bytes of attempt {blob} are removed, and its record names them");
            known.violations.push(what);
        }
    }

    pub(super) fn files(&self) -> Vec<FileEntry> {
        let known = self.known();
        known.files.iter().map(|(id, record)| FileEntry { id: *id, version: 0, record: record.clone() }).collect()
    }

    /// From now on these blobs may give way to whole ones: they are damaged.
    pub(super) fn may_give_way(&self, damaged: BTreeSet<AttemptId>) {
        self.known().damaged = damaged;
    }

    /// The servers have gone back to these records.
    pub(super) fn put_back(&self, files: Vec<FileEntry>) {
        let mut known = self.known();
        let (violations, damaged) = (std::mem::take(&mut known.violations), std::mem::take(&mut known.damaged));
        let named = files.iter().map(|entry| entry.record.blob).collect();
        let files = files.into_iter().map(|entry| (entry.id, entry.record)).collect();
        *known = TruthState { files, named, violations, damaged, commits: known.commits, ..TruthState::default() };
    }

    pub(super) fn commits(&self) -> u64 {
        self.known().commits
    }

    pub(super) fn violations(&self) -> Vec<String> {
        self.known().violations.clone()
    }
}

impl TruthState {
    fn record(&mut self, file: FileId, effect: &TreeChange) {
        if effect.kind == PathKind::Deleted {
            self.files.remove(&file);
            self.deleted.insert(file);
            self.commits += 1;
            return;
        }
        let Ok(record) = serde_json::from_slice::<FileRecord>(&effect.data) else {
            self.violations.push(format!("I1 file {file}: its record cannot be read"));
            return;
        };
        self.commits += 1;
        let before = self.files.get(&file).map_or(0, |before| before.generation);
        if record.generation != before + 1 {
            self.violations.push(format!("I4 file {file}: generation {before} became {}", record.generation));
        }
        if !self.named.insert(record.blob) {
            self.violations.push(format!("I4 file {file}: attempt {} was committed twice", record.blob));
        }
        if self.draining.contains(&record.owner) {
            self.violations.push(format!("I8 file {file}: it came to {}, which was drained before", record.owner));
        }
        if effect.kind == PathKind::Created && self.deleted.contains(&file) {
            self.violations.push(format!("I9 file {file}: it came back after it was deleted"));
        }
        self.files.insert(file, record);
    }
}
