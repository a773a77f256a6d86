//! The intent of an attempt and the status machine of a move.
//!
//! Safety rests on the intent: one `multi` commits an attempt and flips its own intent by version,
//! so an attempt is decided once, whoever sends what and however late it arrives.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::file::Hash;
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

/// Where a move stands, step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(IntoStaticStr)]
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

/// What happened to a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    Intended,
    BytesCopied,
    BytesVerified,
    BytesPublished,
    CommitSucceeded,
    /// The abort of the intent succeeded, or the intent was never made.
    AbortSucceeded,
    SourceCollected,
}

/// A step that is not allowed where the move stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalMove {
    pub status: Status,
    pub step: Step,
}

impl fmt::Display for IllegalMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {:?} is not allowed in status {}", self.step, self.status.word())
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
        (Status::Planned, Step::Intended) => Ok(Status::Prepared),
        (Status::Prepared, Step::BytesCopied) => Ok(Status::Copied),
        (Status::Copied, Step::BytesVerified) => Ok(Status::Verified),
        (Status::Verified, Step::BytesPublished) => Ok(Status::Published),
        (Status::Published, Step::CommitSucceeded) => Ok(Status::Committed),
        (Status::Committed, Step::SourceCollected) => Ok(Status::Collected),
        (
            Status::Planned | Status::Prepared | Status::Copied | Status::Verified | Status::Published,
            Step::AbortSucceeded,
        ) => Ok(Status::Aborted),
        _ => Err(IllegalMove { status, step }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_STATUS: [Status; 8] = [
        Status::Planned,
        Status::Prepared,
        Status::Copied,
        Status::Verified,
        Status::Published,
        Status::Committed,
        Status::Collected,
        Status::Aborted,
    ];

    #[test]
    fn the_one_path_is_allowed() {
        let steps = [
            Step::Intended,
            Step::BytesCopied,
            Step::BytesVerified,
            Step::BytesPublished,
            Step::CommitSucceeded,
            Step::SourceCollected,
        ];
        let end = steps.into_iter().try_fold(Status::Planned, next);
        assert_eq!(end, Ok(Status::Collected));
    }

    #[test]
    fn nothing_is_aborted_after_its_commit() {
        for status in [Status::Committed, Status::Collected, Status::Aborted] {
            assert!(next(status, Step::AbortSucceeded).is_err(), "{status:?}");
        }
    }

    #[test]
    fn every_status_but_the_last_two_has_a_way_on_and_steps_do_not_repeat() {
        let steps = [
            Step::Intended,
            Step::BytesCopied,
            Step::BytesVerified,
            Step::BytesPublished,
            Step::CommitSucceeded,
            Step::AbortSucceeded,
            Step::SourceCollected,
        ];
        for status in ALL_STATUS {
            let ways = steps.into_iter().filter(|step| next(status, *step).is_ok()).count();
            let expected = match status {
                Status::Collected | Status::Aborted => 0,
                Status::Committed => 1,
                _ => 2,
            };
            assert_eq!(ways, expected, "{status:?}");
        }
        for step in steps {
            for status in ALL_STATUS {
                if let Ok(after) = next(status, step) {
                    assert!(next(after, step).is_err(), "{step:?} twice from {status:?}");
                }
            }
        }
    }
}
