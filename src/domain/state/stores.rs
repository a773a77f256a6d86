//! Folds in what is told of the stores: disks, bytes, history.

use super::alerts::quarantined;
use super::{FULL_REST, FullMark, SICK_AFTER, State};
use crate::domain::ids::{AttemptId, Bytes, FileId, NodeId, Timestamp};
use crate::domain::node::WriteTrouble;
use crate::domain::snapshot::{HistoryView, Level, ScrubView};

impl State {
    /// A node that was full goes on when its free space has grown, or after a rest.
    pub(super) fn disk_seen(&mut self, node: NodeId, free: Bytes, now: Timestamp) {
        let over = self.marked_full.get(&node).is_some_and(|mark| {
            let grown = mark.free.is_none_or(|then| free > then) && free > self.settings.reserve;
            grown || now.since(mark.since) >= FULL_REST
        });
        if over {
            self.marked_full.remove(&node);
            self.notice(Level::Info, format!("{node} has room again or is tried again: {free} free"), now);
        }
        self.free.insert(node, free);
    }

    /// No room is no fault of the disk; anything else is, and after three in a row nothing goes there.
    pub(super) fn written(&mut self, node: NodeId, problem: Option<WriteTrouble>, now: Timestamp) {
        let Some(WriteTrouble { full, cause }) = problem else {
            self.marked_full.remove(&node);
            if self.write_errors.remove(&node).is_some_and(|(errors, _)| errors >= SICK_AFTER) {
                self.notice(Level::Info, format!("{node} can be written again and takes files"), now);
            }
            return;
        };
        if full {
            let free = self.free.get(&node).copied();
            self.marked_full.insert(node, FullMark { cause, since: now, free });
            return;
        }
        let entry = self.write_errors.entry(node.clone()).or_default();
        *entry = (entry.0 + 1, cause);
    }

    /// A verdict on bytes that the record no longer names is an echo that came late.
    pub(super) fn bytes_checked(&mut self, file: FileId, blob: AttemptId, problem: Option<String>, now: Timestamp) {
        let Some(entry) = self.files.get(file).filter(|entry| entry.record.blob == blob) else { return };
        let name = entry.record.name.clone();
        match problem {
            None => {
                if self.damaged.remove(&file).is_some() {
                    self.notice(Level::Info, format!("{name} is whole again"), now);
                }
            }
            Some(cause) => {
                if self.damaged.insert(file, (blob, cause.clone())).is_none() {
                    self.notice(Level::Error, format!("{name}: {cause}"), now);
                }
            }
        }
    }

    pub(super) fn scrubbed(&mut self, view: ScrubView, now: Timestamp) {
        if view.quarantined > self.scrub.quarantined {
            self.notice(Level::Warning, quarantined(view.quarantined), now);
        }
        self.scrub = view;
    }

    pub(super) fn history_seen(&mut self, history: HistoryView, now: Timestamp) {
        if self.history.problem.is_some() && history.problem.is_none() {
            self.notice(Level::Info, "history is written again".into(), now);
        }
        self.history = history;
    }
}
