//! What must hold of files at any moment, whatever broke: the invariants I1 to I9 of the migration
//! protocol, judged over a picture of ZooKeeper, the disks and the history.
//!
//! [`check`] judges one picture; [`between`] judges what happened from one picture to a later one. An
//! attempt that is under way is known by its intent and is no violation, so both hold at any time.
//! A picture is not taken in one moment: while files move, only what [`lasting`] finds in two
//! pictures in a row is a violation.

mod between;
mod rules;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

pub use self::between::between;
pub use self::rules::check;
use super::file::{FileEntry, Hash};
use super::ids::{AttemptId, Bytes, FileId, NodeId, OperationId};
use super::migration::Intent;
use super::node::NodeRecord;
use super::operation::{Operation, OperationKind, OperationStatus};

/// The nine rules, in the words of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Invariant {
    /// Every record's bytes exist at its owner, with its size and hash.
    I1,
    /// A file has one owner.
    I2,
    /// Bytes served match the hash.
    I3,
    /// An attempt commits at most once; `gen` only grows.
    I4,
    /// Every committed attempt has exactly one `done` row.
    I5,
    /// Removed bytes are never referenced again.
    I6,
    /// Unreferenced bytes end in trash or quarantine.
    I7,
    /// No move ends on a node drained before its commit.
    I8,
    /// The set of file ids is changed by upload and delete only.
    I9,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::I1 => "I1",
            Self::I2 => "I2",
            Self::I3 => "I3",
            Self::I4 => "I4",
            Self::I5 => "I5",
            Self::I6 => "I6",
            Self::I7 => "I7",
            Self::I8 => "I8",
            Self::I9 => "I9",
        })
    }
}

/// Where bytes lie in a node's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlobPlace {
    /// Under the final name, `<file_id>.<attempt>`.
    Published,
    /// Being written, `.tmp/<attempt>`.
    Draft,
    Trash,
    Quarantine,
}

/// One file on a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    pub node: NodeId,
    pub place: BlobPlace,
    /// `None` for a draft, whose name does not tell.
    pub file: Option<FileId>,
    pub attempt: AttemptId,
    pub size: Bytes,
    /// `None` when the bytes were not read.
    pub blake3: Option<Hash>,
}

/// What the checker needs of a row of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedRow {
    pub id: OperationId,
    pub kind: OperationKind,
    pub status: OperationStatus,
    pub file: Option<FileId>,
    /// By the clocks it ended before the record of its file was made: it tells of an earlier life of the file, or a
    /// clock was put back.
    pub before: bool,
}

impl From<&Operation> for CheckedRow {
    fn from(operation: &Operation) -> Self {
        let Operation { id, kind, status, file, .. } = *operation;
        Self { id, kind, status, file, before: false }
    }
}

/// All that is known at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorldView {
    pub files: Vec<FileEntry>,
    pub intents: Vec<(AttemptId, Intent)>,
    pub nodes: Vec<(NodeId, NodeRecord)>,
    /// Records and intents that cannot be parsed: path and cause.
    pub unreadable: Vec<String>,
    /// `None` when the disks are not this instance's to judge, or could not be read.
    pub stored: Option<Vec<StoredFile>>,
    /// `None` when there is no history, or a part of it was lost.
    pub rows: Option<Vec<CheckedRow>>,
}

/// A rule that does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Violation {
    pub invariant: Invariant,
    pub file: Option<FileId>,
    pub node: Option<NodeId>,
    pub attempt: Option<AttemptId>,
    /// In words, with the next step where there is one.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn or_dash(value: Option<impl fmt::Display>) -> String {
            value.map_or_else(|| "-".to_owned(), |value| value.to_string())
        }
        let (file, node, attempt) = (or_dash(self.file), or_dash(self.node.as_ref()), or_dash(self.attempt));
        write!(f, "{} file {file} node {node} attempt {attempt}: {}", self.invariant, self.what)
    }
}

/// What is wrong in both of two pictures taken one after the other, in the words of the later one.
#[must_use]
pub fn lasting(earlier: &[Violation], later: Vec<Violation>) -> Vec<Violation> {
    let same = |a: &Violation, b: &Violation| {
        (a.invariant, a.file, &a.node, a.attempt) == (b.invariant, b.file, &b.node, b.attempt)
    };
    later.into_iter().filter(|one| earlier.iter().any(|before| same(before, one))).collect()
}
