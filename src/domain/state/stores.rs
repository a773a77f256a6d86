//! Folds in what is told of the stores: disks, bytes, history.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::alerts::quarantined;
use super::entry::FullMark;
use super::{FULL_REST, State};
use crate::domain::alert::AlertCode;
use crate::domain::ids::{AttemptId, Bytes, FileId, NodeId, Timestamp};
use crate::domain::node::{SICK_AFTER, WriteTrouble};
use crate::domain::snapshot::{Damage, HistoryView, Level, ScrubReport, ScrubView, Standing};

impl State {
    /// A node that was full goes on when its free space has grown, or after a rest.
    pub(super) fn disk_seen(&mut self, node: &NodeId, free: Bytes, now: Timestamp) {
        let reserve = self.scheduling().reserve();
        let Some(entry) = self.nodes.get_mut(node) else { return };
        entry.free = Some(free);
        let over = entry.full.take_if(|mark| {
            let grown = mark.free.is_none_or(|then| free > then) && free > reserve;
            grown || now < mark.since || now.since(mark.since) >= FULL_REST
        });
        if over.is_some() {
            self.notice(Level::Info, format!("{node} has room again or is tried again: {free} free"), now);
        }
    }

    /// No room is no fault of the disk; anything else is, and after three in a row nothing goes there.
    pub(super) fn written(&mut self, node: &NodeId, problem: Option<WriteTrouble>, now: Timestamp) {
        let Some(entry) = self.nodes.get_mut(node) else { return };
        let Some(WriteTrouble { full, cause }) = problem else {
            entry.full = None;
            if entry.write_errors.take().is_some_and(|(errors, _)| errors >= SICK_AFTER) {
                self.notice(Level::Info, format!("{node} can be written again and takes files"), now);
            }
            return;
        };
        if full {
            entry.full = Some(FullMark { cause, since: now, free: entry.free });
            return;
        }
        let errors = entry.write_errors.as_ref().map_or(0, |(errors, _)| *errors);
        entry.write_errors = Some((errors + 1, cause));
    }

    /// A verdict on bytes that the record no longer names is an echo that came late.
    pub(super) fn bytes_checked(&mut self, file: FileId, blob: AttemptId, problem: Option<String>, now: Timestamp) {
        let Some(entry) = self.files.get(file).filter(|entry| entry.record.blob == blob) else { return };
        let name = entry.record.name.clone();
        match problem {
            None => {
                if self.not_damaged(file) {
                    self.notice(Level::Info, format!("{name} is whole again"), now);
                }
            }
            Some(cause) => {
                self.damaged_view = None;
                if self.damaged.insert(file, (blob, cause.clone())).is_none() {
                    self.stand(Level::Error, format!("{name}: {cause}"), Some(Standing::Damaged(file)), now);
                }
            }
        }
    }

    /// Whether the file was thought to be damaged.
    pub(super) fn not_damaged(&mut self, file: FileId) -> bool {
        self.damaged_view = None;
        self.reported.remove(&file);
        self.damaged.remove(&file).is_some()
    }

    /// What the leader has found is known to all; what it no longer tells of is over. Its own report is no news
    /// to the leader.
    pub(super) fn scrub_reported(&mut self, report: ScrubReport, now: Timestamp) {
        if self.leadership.leads {
            // What it holds beside the own findings another instance has found, in the same folder.
            for Damage { file, blob, cause } in report.damaged {
                if !self.damaged.contains_key(&file) {
                    self.bytes_checked(file, blob, Some(cause), now);
                }
            }
            return;
        }
        let told: BTreeSet<FileId> = report.damaged.iter().map(|one| one.file).collect();
        let over: Vec<FileId> = self.reported.difference(&told).copied().collect();
        for file in over {
            let blob = self.damaged.get(&file).map(|(blob, _)| *blob);
            blob.into_iter().for_each(|blob| self.bytes_checked(file, blob, None, now));
        }
        for Damage { file, blob, cause } in report.damaged {
            self.bytes_checked(file, blob, Some(cause), now);
        }
        self.reported = told.into_iter().filter(|file| self.damaged.contains_key(file)).collect();
        let ScrubReport { quarantined, troubles, .. } = report;
        self.scrubbed(ScrubView { quarantined, troubles, ..self.scrub.clone() }, now);
    }

    pub(super) fn damaged_view(&mut self) -> Arc<[Damage]> {
        let made = self.damaged_view.take().unwrap_or_else(|| {
            let one = |(file, (blob, cause)): (&FileId, &(AttemptId, String))| Damage {
                file: *file,
                blob: *blob,
                cause: cause.clone(),
            };
            self.damaged.iter().map(one).collect()
        });
        Arc::clone(self.damaged_view.insert(made))
    }

    pub(super) fn scrubbed(&mut self, view: ScrubView, now: Timestamp) {
        if view.quarantined > self.scrub.quarantined {
            self.stand(
                Level::Warning,
                quarantined(view.quarantined),
                Some(Standing::Alert(AlertCode::Quarantine)),
                now,
            );
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
