//! What this process wrote to files' records, held against reads that had begun before: their answers come
//! later and do not know of it. And what was read as gone, held against writes that are told late: no file is written
//! once it is gone, so whatever was written was written before.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::event::{Learned, Mark};
use crate::domain::file::FileEntry;
use crate::domain::file_table::FileTable;
use crate::domain::ids::{FileId, Millis, Timestamp};

/// Longer than any read takes: a turn of the session ends after two minutes.
const KEPT: Millis = Millis(240_000);

#[derive(Debug, Default)]
pub(super) struct OwnWrites {
    /// The newest write of each file.
    newest: BTreeMap<FileId, OwnWrite>,
    /// Files that were read as gone, and when.
    gone: BTreeMap<FileId, Timestamp>,
}

#[derive(Debug)]
struct OwnWrite {
    mark: Mark,
    at: Timestamp,
    /// The record that it left; `None` when it deleted it.
    left: Option<Arc<FileEntry>>,
}

impl OwnWrites {
    /// Whether what was learned is older than what is known: a write that another one followed, or a read that had
    /// begun before a write that says otherwise. What was read as gone is newer than any write but the one that made
    /// the file: only what is there is written.
    pub(super) fn outdates(&self, file: FileId, learned: Learned, removed: bool) -> bool {
        let own = self.newest.get(&file);
        match learned {
            Learned::Written(mark) => self.gone.contains_key(&file) || own.is_some_and(|own| own.mark > mark),
            Learned::Read(begun) => own.filter(|own| own.mark > begun).is_some_and(|own| match &own.left {
                Some(entry) => removed && entry.version == 0,
                None => !removed,
            }),
        }
    }

    pub(super) fn note(&mut self, file: FileId, learned: Learned, left: Option<&Arc<FileEntry>>, at: Timestamp) {
        match (learned, left) {
            (Learned::Written(mark), _) => _ = self.newest.insert(file, OwnWrite { mark, at, left: left.cloned() }),
            (Learned::Read(_), None) => {
                self.newest.remove(&file);
                self.gone.insert(file, at);
            }
            // A file that was deleted by mistake can be taken in again.
            (Learned::Read(_), Some(_)) => _ = self.gone.remove(&file),
        }
    }

    /// All records were read anew.
    pub(super) fn all_read(&mut self, before: &FileTable, after: &FileTable, at: Timestamp) {
        self.gone.retain(|file, _| after.get(*file).is_none());
        let gone = before.iter().filter(|entry| after.get(entry.id).is_none());
        self.gone.extend(gone.map(|entry| (entry.id, at)));
    }

    /// The records as they were left by what was written since.
    pub(super) fn written_since(&self, since: Mark) -> Vec<(FileId, Option<Arc<FileEntry>>)> {
        let newer = self.newest.iter().filter(|(_, own)| own.mark > since);
        newer.map(|(file, own)| (*file, own.left.clone())).collect()
    }

    pub(super) fn forget_old(&mut self, now: Timestamp) {
        self.newest.retain(|_, own| now.since(own.at) < KEPT);
        self.gone.retain(|_, at| now.since(*at) < KEPT);
    }
}
