//! The planner: the least moves that level the nodes, and why. Pure and deterministic.
//!
//! `share` says how many files each node should own and how far it is from that, `window` what it may
//! own and give, `fill` makes the least moves in their best order, `pick` chooses the files, and `make`
//! puts the plan together with its reasons.

mod fill;
mod make;
mod pick;
pub mod share;
#[cfg(test)]
mod tests;
mod window;

use serde::{Deserialize, Serialize};

use super::ids::{Bytes, FileId, Millis, NodeId, Timestamp};
use super::node::NodeCondition;
use super::number;

use super::scheduler::{Decision, MoveReason, NodeTarget};

pub use self::make::{MASS_FAILURE_OF, plan};
pub use self::share::{Counted, spread};

/// One node as the planner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInput {
    pub id: NodeId,
    pub weight: u32,
    pub condition: NodeCondition,
    /// Moves under way that end here.
    pub in_flight_in: u64,
    /// Moves under way that start here: already counted as gone.
    pub in_flight_out: u64,
}

impl NodeInput {
    /// Its files as they will be when the moves under way have ended, of those that it owns now.
    #[must_use]
    pub const fn projected(&self, owned: u64) -> u64 {
        (owned + self.in_flight_in).saturating_sub(self.in_flight_out)
    }

    /// As the spread sees it.
    #[must_use]
    pub const fn counted(&self, owned: u64) -> Counted {
        self.with_files(self.projected(owned))
    }

    const fn with_files(&self, count: u64) -> Counted {
        Counted { count, weight: self.weight, condition: self.condition }
    }
}

/// Everything but the placement that a plan depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Start when the spread reaches this.
    pub trigger: u64,
    /// Stop when the spread is at most this; at least 1.
    pub settle: u64,
    pub nodes: Vec<NodeInput>,
    pub now: Timestamp,
    /// A file moved less than this ago stays, unless its node drains.
    pub cool_down: Millis,
    /// Files that are on the move already.
    pub busy: Vec<FileId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedMove {
    pub file: FileId,
    pub src: NodeId,
    pub dst: NodeId,
    pub size: Bytes,
    pub reason: MoveReason,
    /// Counts at both ends before and after this move, in plan order.
    pub src_before: u64,
    pub dst_before: u64,
}

/// What to do and why, for every node and every move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub decision: Decision,
    /// In the order in which they are made: each prefix leaves the least spread for its length.
    pub moves: Vec<PlannedMove>,
    /// Least number of moves that reaches the same windows; equals `moves.len()`.
    pub lower_bound: u64,
    pub nodes: Vec<NodeTarget>,
    /// How far the nodes are from their shares, see [`share`].
    pub spread_before: u64,
    pub spread_after: u64,
    /// Why not everything could be planned: which drain, and how many files stay.
    pub note: Option<String>,
}

impl Plan {
    /// All of it in a few words.
    #[must_use]
    pub fn summary(&self) -> String {
        match self.moves.len() as u64 {
            0 => format!("nothing to move: {}", self.decision),
            moves => format!("{} planned, the least possible is {}", number::count(moves, "move"), self.lower_bound),
        }
    }
}
