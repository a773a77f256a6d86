//! A node: a server seen as a place that owns files.

use serde::{Deserialize, Serialize};
use strum::VariantArray;

use super::command::Rejected;
use super::ids::{Bytes, NodeId, Timestamp};
use super::number;
use super::scheduler::NotChosen;
use super::server::ServerState;

/// Weight of a node that nobody changed.
pub const WEIGHT_DEFAULT: u32 = 100;

/// Consecutive write errors after which a node takes no more files.
pub const SICK_AFTER: u32 = 3;

/// What `/demo/nodes/<node>` holds. Its version is checked by every commit that puts a file there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    pub v: u8,
    #[serde(flatten)]
    pub state: NodeState,
    /// Share of the files that the node should own, relative to the others' weights.
    pub weight: u32,
}

impl Default for NodeRecord {
    fn default() -> Self {
        Self { v: 1, state: NodeState::Active, weight: WEIGHT_DEFAULT }
    }
}

/// What the operator wants of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum NodeState {
    Active,
    /// Gives up all its files and receives none.
    Draining {
        since_ms: Timestamp,
        /// Files that it owned when the drain began: the 100 % of the progress.
        files_at_start: u64,
        /// The row of history that the drain is.
        operation: super::ids::OperationId,
    },
}

impl NodeState {
    #[must_use]
    pub const fn is_draining(&self) -> bool {
        matches!(self, Self::Draining { .. })
    }
}

/// Progress of a drain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrainView {
    pub since: Timestamp,
    pub files_at_start: u64,
    pub files_left: u64,
    /// Files moved off per second over the last window; `None` before the first window has passed.
    pub files_per_s: Option<f64>,
    /// Expected time left; `None` while the speed is unknown or zero.
    pub left_ms: Option<u64>,
    /// Why nothing moves, in words, when the speed was 0 for a whole window.
    pub stalled: Option<String>,
}

/// A node as a front shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    pub id: NodeId,
    pub files: u64,
    pub bytes: Bytes,
    pub weight: u32,
    /// What it is now: `active, draining, paused, down, ...`
    pub condition: NodeCondition,
    pub drain: Option<DrainView>,
    /// Moves that end here and are not finished.
    pub in_flight_in: u64,
    /// Moves that start here and are not finished.
    pub in_flight_out: u64,
    /// Window of counts that the planner would accept here; `None` before the first data.
    pub target: Option<(u64, u64)>,
    /// Why the last plan did not use the node as a target.
    pub not_chosen: Option<NotChosen>,
    /// Free bytes of the file system that holds the node's folder; `None` when it is not known.
    pub free: Option<Bytes>,
    /// Why its disk takes no files: full or failing, in words.
    pub trouble: Option<String>,
}

impl NodeView {
    /// Whether it gives up its files, and has some left.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.as_ref().is_some_and(|drain| drain.files_left > 0)
    }

    /// Whether it has given up all its files, and takes none until the drain is lifted.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.drain.as_ref().is_some_and(|drain| drain.files_left == 0)
    }
}

/// Whether a node can give and take, from its record, its server's verdict and its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "kebab-case")]
pub enum NodeCondition {
    Active,
    Draining,
    Paused,
    Down,
    Frozen,
    NotServing,
    Unhealthy,
    /// Its folder cannot be looked into: its files are out of sight.
    Unreadable,
    Full,
    /// Not probed yet.
    Unknown,
}

impl NodeCondition {
    /// What a node can do while its server does not serve; `None` while it serves, and the node itself tells.
    #[must_use]
    pub const fn of_server(state: ServerState) -> Option<Self> {
        match state {
            ServerState::Unknown => Some(Self::Unknown),
            ServerState::Down | ServerState::Stopped => Some(Self::Down),
            ServerState::Paused => Some(Self::Paused),
            ServerState::Frozen => Some(Self::Frozen),
            ServerState::NotServing | ServerState::ReadOnly | ServerState::Starting => Some(Self::NotServing),
            ServerState::Up | ServerState::Degraded => None,
        }
    }

    /// The word in REST and in metric labels.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Paused => "paused",
            Self::Down => "down",
            Self::Frozen => "frozen",
            Self::NotServing => "not-serving",
            Self::Unhealthy => "unhealthy",
            Self::Unreadable => "unreadable",
            Self::Full => "full",
            Self::Unknown => "unknown",
        }
    }

    /// Whether files leave it: a drained node that gives none keeps them until it does.
    #[must_use]
    pub const fn gives(self) -> bool {
        match self {
            Self::Active | Self::Draining | Self::Full | Self::Unhealthy => true,
            Self::Paused | Self::Down | Self::Frozen | Self::NotServing | Self::Unreadable | Self::Unknown => false,
        }
    }

    /// The word for people: a node that drains and has no file left is drained. Without a count it drains.
    #[must_use]
    pub const fn shown_word(self, files_left: Option<u64>) -> &'static str {
        match (self, files_left) {
            (Self::Draining, Some(0)) => "drained",
            _ => self.word(),
        }
    }
}

/// Why a node that owns files cannot be drained: none of the others, each with its condition and the word for
/// it, takes them.
#[must_use]
pub fn no_taker<'a>(
    node: &NodeId,
    files: u64,
    others: impl Iterator<Item = (&'a NodeId, NodeCondition, &'static str)>,
) -> Option<Rejected> {
    let mut words = Vec::new();
    for (other, condition, word) in others {
        if files == 0 || condition == NodeCondition::Active {
            return None;
        }
        words.push(format!("{other} is {word}"));
    }
    let why = if words.is_empty() { "there is none".to_owned() } else { words.join(", ") };
    (files > 0).then(|| Rejected::NotPossible {
        what: format!("draining {node}"),
        why: format!("no other node can take its {}: {why}", number::count(files, "file")),
    })
}

/// Why a write to a node's folder failed, when the node's disk is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteTrouble {
    /// There was no room: no fault of the disk, and over when there is room.
    pub full: bool,
    /// Which operation on which path, why, and what to do.
    pub cause: String,
}

/// One move that is being made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveView {
    pub attempt: super::ids::AttemptId,
    pub file: super::ids::FileId,
    pub name: String,
    pub src: NodeId,
    pub dst: NodeId,
    pub size: Bytes,
    pub copied: Bytes,
    pub status: super::migration::Status,
    pub reason: super::scheduler::MoveReason,
    pub started: Timestamp,
}
