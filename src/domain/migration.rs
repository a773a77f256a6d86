//! The intent of an attempt and the status machine of a move.
//!
//! Safety rests on the intent: one `multi` commits an attempt and flips its own intent by version,
//! so an attempt is decided once, whoever sends what and however late it arrives.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::file::{FileRecord, Hash};
use super::ids::{AttemptId, Bytes, FileId, InstanceId, NodeId, Timestamp};
use super::scheduler::MoveReason;

/// What the attempt wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntentKind {
    Upload,
    Move,
    Delete,
}

/// Where the attempt stands. It leaves `Prepared` exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntentState {
    Prepared,
    Committed,
    Aborted,
}

/// What `/demo/migrations/<attempt>` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub v: u8,
    pub state: IntentState,
    pub kind: IntentKind,
    pub file: FileId,
    pub name: String,
    /// Owner before; `None` for an upload.
    pub src: Option<NodeId>,
    /// Owner after; `None` for a delete.
    pub dst: Option<NodeId>,
    /// Attempt that named the bytes at `src`.
    pub blob_src: Option<AttemptId>,
    /// Attempt that names the bytes at `dst`: this one.
    pub blob_dst: Option<AttemptId>,
    /// Known from the record for moves and deletes; `None` for an upload until it commits.
    pub size: Option<Bytes>,
    pub blake3: Option<Hash>,
    pub instance: InstanceId,
    pub reason: Option<MoveReason>,
    /// Who asked: `scheduler`, `console root`, `api`, ...
    pub by: String,
    pub created_ms: Timestamp,
}

/// Who makes an attempt, and when it began.
#[derive(Clone, Copy, Debug)]
pub struct Maker<'a> {
    pub instance: InstanceId,
    pub by: &'a str,
    pub at: Timestamp,
}

impl Intent {
    /// Layout version of [`Intent`] that this program writes.
    pub const VERSION: u8 = 1;

    /// Of an upload whose bytes `attempt` writes at `node`.
    #[must_use]
    pub fn upload(attempt: AttemptId, file: FileId, name: &str, node: &NodeId, maker: Maker<'_>) -> Self {
        let (dst, blob_dst) = (Some(node.clone()), Some(attempt));
        Self { dst, blob_dst, ..Self::prepared(IntentKind::Upload, file, name, maker) }
    }

    /// Of a move to `node`.
    #[must_use]
    pub fn of_move(
        attempt: AttemptId,
        (file, record): (FileId, &FileRecord),
        node: &NodeId,
        reason: MoveReason,
        maker: Maker<'_>,
    ) -> Self {
        let (dst, blob_dst, reason) = (Some(node.clone()), Some(attempt), Some(reason));
        Self { dst, blob_dst, reason, ..Self::replacing(IntentKind::Move, file, record, maker) }
    }

    #[must_use]
    pub fn delete(file: FileId, record: &FileRecord, maker: Maker<'_>) -> Self {
        Self::replacing(IntentKind::Delete, file, record, maker)
    }

    fn replacing(kind: IntentKind, file: FileId, record: &FileRecord, maker: Maker<'_>) -> Self {
        Self {
            src: Some(record.owner.clone()),
            blob_src: Some(record.blob),
            size: Some(record.size),
            blake3: Some(record.blake3),
            ..Self::prepared(kind, file, &record.name, maker)
        }
    }

    fn prepared(kind: IntentKind, file: FileId, name: &str, maker: Maker<'_>) -> Self {
        Self {
            v: Self::VERSION,
            state: IntentState::Prepared,
            kind,
            file,
            name: name.to_owned(),
            src: None,
            dst: None,
            blob_src: None,
            blob_dst: None,
            size: None,
            blake3: None,
            instance: maker.instance,
            reason: None,
            by: maker.by.to_owned(),
            created_ms: maker.at,
        }
    }
}

/// Where a move stands, step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Status {
    Planned,
    /// The intent is in ZooKeeper.
    Prepared,
    /// The bytes are in the target's `.tmp`, hashed while read.
    Copied,
    /// Synced, and size and hash equal the record's.
    Verified,
    /// Under the final name, folder synced.
    Published,
    /// The record names the target.
    Committed,
    /// The source's bytes are in the trash and the intent is gone.
    Collected,
    /// The intent says aborted; the attempt's own bytes may be removed.
    Aborted,
}

impl Status {
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.into_str()
    }
}

/// What is done to a file, one after the other: the table of `docs/migration.md`, by its words. History keeps when
/// each ended, and for how long it went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[cfg_attr(test, derive(strum::EnumIter))]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Step {
    /// The row says *started*.
    Begun,
    /// The intent is in ZooKeeper.
    Intent,
    /// The bytes are in the target's `.tmp`, hashed on the way.
    Copy,
    /// They are synced, and size and hash equal the record's.
    Verify,
    /// They have their final name, for good.
    Publish,
    /// One transaction decided the intent and changed the record.
    Commit,
    /// The bytes that were replaced are in the trash.
    Collect,
    /// The row says *done*, and is on disk.
    Row,
    /// The intent is deleted.
    Close,
    /// Instead of a commit: the intent says *aborted*, or was never made.
    Abort,
    /// Of an upload whose node was drained meanwhile: the bytes are published at another one.
    Redirect,
}

impl Step {
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.into_str()
    }
}

/// A step that is not allowed where the move stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalMove {
    pub status: Status,
    pub step: Step,
}

impl fmt::Display for IllegalMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the step {} is not allowed in status {}", self.step.word(), self.status.word())
    }
}

impl std::error::Error for IllegalMove {}

/// The status after a step.
///
/// # Errors
/// [`IllegalMove`] for everything but the path planned → prepared → copied → verified → published →
/// committed → collected, and abort from any point before the commit.
pub const fn next(status: Status, step: Step) -> Result<Status, IllegalMove> {
    match (status, step) {
        (Status::Planned, Step::Intent) => Ok(Status::Prepared),
        (Status::Prepared, Step::Copy) => Ok(Status::Copied),
        (Status::Copied, Step::Verify) => Ok(Status::Verified),
        (Status::Verified, Step::Publish) => Ok(Status::Published),
        (Status::Published, Step::Commit) => Ok(Status::Committed),
        (Status::Committed, Step::Collect) => Ok(Status::Collected),
        (Status::Planned | Status::Prepared | Status::Copied | Status::Verified | Status::Published, Step::Abort) => {
            Ok(Status::Aborted)
        }
        _ => Err(IllegalMove { status, step }),
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    /// What the code cites is what the document explains, in this order and by these words.
    #[test]
    fn the_steps_are_those_of_the_document() {
        let text = include_str!("../../docs/migration.md");
        let rows = text.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let number = cells.next()?.parse::<usize>().ok()?;
            Some((number, cells.next()?))
        });
        let steps = Step::iter().filter(|step| !matches!(step, Step::Abort | Step::Redirect));
        let cited: Vec<_> = (1..).zip(steps.map(Step::word)).collect();
        assert_eq!(rows.collect::<Vec<_>>(), cited);
        for step in Step::iter() {
            assert!(text.contains(&format!("*{}*", step.word())) || text.contains(&format!("| {} |", step.word())));
        }
    }

    #[test]
    fn the_one_path_is_allowed() {
        let steps = [Step::Intent, Step::Copy, Step::Verify, Step::Publish, Step::Commit, Step::Collect];
        let end = steps.into_iter().try_fold(Status::Planned, next);
        assert_eq!(end, Ok(Status::Collected));
    }

    #[test]
    fn nothing_is_aborted_after_its_commit() {
        for status in [Status::Committed, Status::Collected, Status::Aborted] {
            assert!(next(status, Step::Abort).is_err(), "{status:?}");
        }
    }

    #[test]
    fn every_status_but_the_last_two_has_a_way_on_and_steps_do_not_repeat() {
        let steps = [Step::Intent, Step::Copy, Step::Verify, Step::Publish, Step::Commit, Step::Abort, Step::Collect];
        for &status in Status::VARIANTS {
            let ways = steps.into_iter().filter(|step| next(status, *step).is_ok()).count();
            let expected = match status {
                Status::Collected | Status::Aborted => 0,
                Status::Committed => 1,
                _ => 2,
            };
            assert_eq!(ways, expected, "{status:?}");
        }
        for step in steps {
            for &status in Status::VARIANTS {
                if let Ok(after) = next(status, step) {
                    assert!(next(after, step).is_err(), "{step:?} twice from {status:?}");
                }
            }
        }
    }
}
