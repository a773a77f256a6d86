//! What this process wrote to files' records, held against reads that had begun before: their answers come
//! later and do not know of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::State;
use crate::domain::event::{Learned, Mark};
use crate::domain::file::FileEntry;
use crate::domain::ids::{FileId, Millis, Timestamp};

/// Longer than any read takes: a turn of the session ends after two minutes.
const KEPT: Millis = Millis(240_000);

/// The newest write of each file.
#[derive(Debug, Default)]
pub(super) struct OwnWrites(BTreeMap<FileId, OwnWrite>);

#[derive(Debug)]
struct OwnWrite {
    mark: Mark,
    at: Timestamp,
    /// The record that it left; `None` when it deleted it.
    left: Option<Arc<FileEntry>>,
}

impl OwnWrites {
    /// Whether what was learned is older than what is known: a write that another one followed, or a read that had
    /// begun before a write that says otherwise.
    fn outdates(&self, file: FileId, learned: Learned, removed: bool) -> bool {
        let Some(own) = self.0.get(&file) else { return false };
        match learned {
            Learned::Written(mark) => own.mark > mark,
            Learned::Read(begun) => own.mark > begun && own.left.is_none() != removed,
        }
    }

    fn note(&mut self, file: FileId, learned: Learned, left: Option<&Arc<FileEntry>>, at: Timestamp) {
        if let Learned::Written(mark) = learned {
            self.0.insert(file, OwnWrite { mark, at, left: left.cloned() });
        }
    }

    pub(super) fn forget_old(&mut self, now: Timestamp) {
        self.0.retain(|_, own| now.since(own.at) < KEPT);
    }
}

impl State {
    pub(super) fn file_learned(&mut self, entry: Arc<FileEntry>, learned: Learned, now: Timestamp) {
        if !self.own.outdates(entry.id, learned, false) {
            self.own.note(entry.id, learned, Some(&entry), now);
            self.file_changed(entry);
        }
    }

    pub(super) fn file_gone(&mut self, file: FileId, learned: Learned, now: Timestamp) {
        if !self.own.outdates(file, learned, true) {
            self.own.note(file, learned, None, now);
            self.file_removed(file);
        }
    }

    /// Puts back what was written since the reading of all records began.
    pub(super) fn write_again(&mut self, since: Mark) {
        let newer = self.own.0.iter().filter(|(_, own)| own.mark > since);
        let newer: Vec<_> = newer.map(|(file, own)| (*file, own.left.clone())).collect();
        for (file, left) in newer {
            match left {
                Some(entry) => self.file_changed(entry),
                None => self.file_removed(file),
            }
        }
    }
}
