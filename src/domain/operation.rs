//! What history keeps: one row for each operation, with its state changes.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::cause::Cause;
use super::ids::{Bytes, FileId, Millis, NodeId, OperationId, Timestamp};
use super::log::Expr;
use super::number::count;
use super::scheduler::{MoveReason, Run};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum OperationKind {
    Migration,
    Upload,
    Delete,
    Drain,
    Undrain,
    Pause,
    Resume,
    Stop,
    Start,
    Restart,
    Stress,
    Scheduler,
    SchedulerPause,
    SchedulerResume,
    Workload,
    Weight,
    Setting,
}

impl OperationKind {
    /// Whether an intent in the ensemble speaks of it until its last row is on disk, so that the recovery can make
    /// that row again.
    #[must_use]
    pub const fn has_intent(self) -> bool {
        matches!(self, Self::Upload | Self::Migration | Self::Delete)
    }

    pub const ALL: &'static [Self] = Self::VARIANTS;

    #[must_use]
    pub const fn word(self) -> &'static str {
        self.into_str()
    }

    /// Reads the word that [`OperationKind::word`] writes.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        word.parse().ok()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum OperationStatus {
    Started,
    Done,
    Failed,
    /// Decided before anything changed, by a rule or by the operator.
    Aborted,
    /// A scheduler run that found nothing to do.
    None,
}

impl OperationStatus {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    #[must_use]
    pub const fn word(self) -> &'static str {
        self.into_str()
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        word.parse().ok()
    }

    /// Whether the row will not change any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Started)
    }

    /// Whether a row of this status may be rewritten. A final one stays, except that a commit outweighs
    /// what was written before it: a recovery that took the job for dead may have closed its row too early.
    #[must_use]
    pub const fn gives_way_to(self, next: Self) -> bool {
        matches!((self, next), (Self::Started, _) | (Self::Aborted | Self::Failed, Self::Done))
    }
}

/// One step of an operation: `copied` 12 ms after its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationStep {
    pub name: String,
    pub at: Timestamp,
    pub took: Millis,
}

/// One row of history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    pub id: OperationId,
    pub kind: OperationKind,
    pub status: OperationStatus,
    pub started: Timestamp,
    /// `None` while it runs.
    pub finished: Option<Timestamp>,
    /// What it works on, in words: `report-0414.bin, 128 KiB`.
    pub what: String,
    pub file: Option<FileId>,
    pub source: Option<NodeId>,
    pub target: Option<NodeId>,
    pub bytes: Option<Bytes>,
    /// Reason code or, for a failure, the cause with the next step.
    pub why: Option<String>,
    /// Why it ended without being done; `None` for what is done or goes on, and in rows of version 0.1.0.
    #[serde(default)]
    pub cause: Option<Cause>,
    /// Who asked for it.
    pub by: String,
    /// Host and process that carried it out.
    pub instance: String,
    pub steps: Vec<OperationStep>,
    /// Files that a stress made, or other results a front may ask for.
    pub files: Vec<FileId>,
    /// The run that was asked for together with it, or that it is.
    pub run: Option<Run>,
}

impl Operation {
    /// The row of one that begins at `started`: of what `kind`, on what, for whom, and who carries it out. The rest is
    /// said as it becomes known.
    #[must_use]
    pub const fn begun(
        id: OperationId,
        kind: OperationKind,
        started: Timestamp,
        what: String,
        by: String,
        instance: String,
    ) -> Self {
        Self {
            id,
            kind,
            status: OperationStatus::Started,
            started,
            finished: None,
            what,
            file: None,
            source: None,
            target: None,
            bytes: None,
            why: None,
            cause: None,
            by,
            instance,
            steps: Vec::new(),
            files: Vec::new(),
            run: None,
        }
    }

    /// What an operation on a file says that it works on: `report-0414.bin, 128 KiB`.
    #[must_use]
    pub fn what_of_file(name: &str, size: Option<Bytes>) -> String {
        size.map_or_else(|| name.to_owned(), |size| format!("{name}, {size}"))
    }

    /// The name that [`Operation::what_of_file`] was told; `None` when it is no operation on one file.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        if !self.kind.has_intent() {
            return None;
        }
        match self.bytes {
            Some(_) => self.what.rsplit_once(", ").map(|(name, _)| name),
            None => Some(&self.what),
        }
    }

    /// Why a move was made: the code that its row begins with.
    #[must_use]
    pub fn move_reason(&self) -> Option<MoveReason> {
        let code = self.why.as_deref().filter(|_| self.kind == OperationKind::Migration)?.split(':').next()?;
        MoveReason::ALL.iter().copied().find(|reason| reason.word() == code)
    }

    /// Time that it took; `None` while it runs.
    #[must_use]
    pub fn took(&self) -> Option<Millis> {
        self.finished.map(|end| end.since(self.started))
    }

    /// Whether it was under way at a moment.
    #[must_use]
    pub fn goes_on_at(&self, at: Timestamp) -> bool {
        self.started <= at && self.finished.is_none_or(|end| end > at)
    }

    /// The row as it stood at a moment: what was told at a later end is not known yet. `None` before it began.
    #[must_use]
    pub fn as_of(mut self, at: Timestamp) -> Option<Self> {
        if self.started > at {
            return None;
        }
        self.steps.retain(|step| step.at <= at);
        if self.finished.is_none_or(|end| end <= at) {
            return Some(self);
        }
        // A move says why it is made when it begins; in place of that a failure tells its cause.
        self.why = self.why.filter(|_| self.kind == OperationKind::Migration && self.status == OperationStatus::Done);
        if let Some(what) = self.begun_what() {
            self.what = what;
        }
        (self.status, self.finished, self.cause, self.run) = (OperationStatus::Started, None, None, None);
        self.files.clear();
        Some(self)
    }

    /// What a row says at its begin, where it says something else at its end.
    fn begun_what(&self) -> Option<String> {
        match self.kind {
            OperationKind::Scheduler => Some(
                self.run
                    .as_ref()
                    .map_or_else(|| "run".to_owned(), |run| format!("{} planned", count(run.moves_planned, "move"))),
            ),
            OperationKind::Workload => Some("run".to_owned()),
            OperationKind::Pause
            | OperationKind::Resume
            | OperationKind::Stop
            | OperationKind::Start
            | OperationKind::Restart => self.target.as_ref().map(|node| format!("server {node}")),
            _ => None,
        }
    }

    /// `migration done: report-0414.bin, 128 KiB`.
    #[must_use]
    pub fn message(&self) -> String {
        format!("{} {}: {}", self.kind.word(), self.status.word(), self.what)
    }
}

/// Which rows of history are wanted, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryQuery {
    /// Only rows that sort after this one: the id of the last row of the page before.
    pub before: Option<OperationId>,
    pub limit: usize,
    pub kind: Option<OperationKind>,
    pub status: Option<OperationStatus>,
    pub node: Option<NodeId>,
    pub file: Option<FileId>,
    /// This row only.
    pub id: Option<OperationId>,
    /// The rows that there were at this moment, as they stood then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// Substring of what, why or by.
    pub text: Option<String>,
    /// What [`filter::HISTORY`](super::filter::HISTORY) reads.
    pub expr: Expr,
}

/// Most rows of one page of history.
pub const HISTORY_PAGE_MAX: usize = 1000;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HistoryPage {
    pub operations: Vec<Operation>,
    /// Rows that match in all.
    pub total: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::operation;

    #[test]
    fn a_row_of_then_tells_nothing_of_its_end() {
        let row = operation(1, OperationKind::Migration, OperationStatus::Done);
        let (began, ended) = (row.started, row.finished.unwrap());
        assert_eq!(row.clone().as_of(Timestamp(began.0 - 1)), None);
        assert_eq!(row.clone().as_of(ended), Some(row.clone()), "it had ended");
        let then = row.clone().as_of(Timestamp(ended.0 - 1)).unwrap();
        assert_eq!((then.status, then.finished, then.why.is_some()), (OperationStatus::Started, None, true));
        let failed = Operation {
            status: OperationStatus::Failed,
            why: Some("the disk of zk2 is full".into()),
            cause: Some(Cause::NoRoom),
            ..row
        };
        let then = failed.as_of(began).unwrap();
        assert_eq!((then.status, then.why, then.cause), (OperationStatus::Started, None, None));
        let mut run = operation(2, OperationKind::Scheduler, OperationStatus::Done);
        let of = Run::new(run.id, run.started, "timer", crate::domain::scheduler::Decision::Ran);
        run.run = Some(Run { moves_planned: 8, moves_done: 8, ..of });
        run.what = "8 of 8 moves".into();
        let then = run.as_of(began).unwrap();
        assert_eq!((then.what.as_str(), then.run), ("8 moves planned", None));
        let mut start = operation(3, OperationKind::Start, OperationStatus::Done);
        start.what = "server zk3: it runs and does not serve yet".into();
        assert_eq!(start.as_of(began).unwrap().what, "server zk3");
    }

    #[test]
    fn a_row_tells_the_name_of_its_file_and_no_other() {
        let named = |name: &str, bytes: Option<Bytes>| {
            let what = Operation::what_of_file(name, bytes);
            Operation { what, bytes, ..operation(1, OperationKind::Upload, OperationStatus::Done) }
        };
        for name in ["a", "a, b", "a: b", "128 KiB", ""] {
            for bytes in [None, Some(Bytes(0)), Some(Bytes(1500))] {
                assert_eq!(named(name, bytes).file_name(), Some(name), "{bytes:?}");
            }
        }
        let mut stress = operation(1, OperationKind::Stress, OperationStatus::Done);
        stress.what = "40 files, 128 KiB each".into();
        assert_eq!(stress.file_name(), None);
    }
}
