//! What is learned of files' records, as far as it is newer than what is known.

use std::sync::Arc;

use super::State;
use crate::domain::event::{Learned, Mark};
use crate::domain::file::FileEntry;
use crate::domain::ids::{FileId, Timestamp};

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
        for (file, left) in self.own.written_since(since) {
            match left {
                Some(entry) => self.file_changed(entry),
                None => self.file_removed(file),
            }
        }
    }
}
