//! The ensemble: quorum arithmetic and the verdict on the whole.

mod consequence;
mod judge;

use serde::{Deserialize, Serialize};
use strum::VariantArray;

use super::ids::{NodeId, Timestamp};
use super::server::ServerState;

pub use self::consequence::{Consequence, consequence, patience};
pub use self::judge::{judge, level};

/// How many voters there are, how many serve, and how many may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    pub voters: usize,
    pub serving: usize,
}

impl Quorum {
    /// Voters that must serve: more than half.
    #[must_use]
    pub const fn majority(self) -> usize {
        self.voters / 2 + 1
    }

    #[must_use]
    pub const fn holds(self) -> bool {
        self.voters > 0 && self.serving >= self.majority()
    }

    /// Servers that may still be lost before writes stop.
    #[must_use]
    pub const fn can_lose(self) -> usize {
        self.serving.saturating_sub(self.majority())
    }

    /// What brings a lost quorum back.
    #[must_use]
    pub fn way_back(self) -> String {
        let (majority, voters) = (self.majority(), self.voters);
        format!("start or resume servers until {majority} of {voters} run, and zkdeck goes on by itself")
    }

    /// The quorum after one serving server more is gone.
    #[must_use]
    pub const fn after_loss(self) -> Self {
        Self { voters: self.voters, serving: self.serving.saturating_sub(1) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EnsembleState {
    /// One leader, all voters up.
    Healthy,
    /// There is a quorum, and a voter is missing or sick.
    Degraded,
    /// One more loss stops writes.
    AtRisk,
    /// There is a quorum and nobody leads it: writes wait for the end of an election.
    NoLeader,
    NoQuorum,
    /// Servers of our own have just been started and are not all there yet.
    Starting,
    /// Too few servers have been probed yet, or may tell how they are.
    Unknown,
}

impl EnsembleState {
    /// The word on screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Degraded => "DEGRADED",
            Self::AtRisk => "AT RISK",
            Self::NoLeader => "NO LEADER",
            Self::NoQuorum => "NO QUORUM",
            Self::Starting => "STARTING",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// The ensemble as a front shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnsembleView {
    pub state: EnsembleState,
    pub quorum: Quorum,
    pub leader: Option<NodeId>,
    /// Leader epoch, from the leader's zxid.
    pub epoch: Option<u32>,
    /// What is wrong, in words: `zk2 frozen`. None when healthy, and while nothing was found out yet.
    pub cause: Option<String>,
    pub since: Timestamp,
}

impl EnsembleView {
    /// The word on screen. A server that answers and may not tell how it is will not tell later either.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.state {
            EnsembleState::Unknown if self.cause.is_none() => "CONNECTING",
            state => state.word(),
        }
    }

    /// Before the first probe.
    #[must_use]
    pub const fn unknown(voters: usize, now: Timestamp) -> Self {
        let quorum = Quorum { voters, serving: 0 };
        Self { state: EnsembleState::Unknown, quorum, leader: None, epoch: None, cause: None, since: now }
    }
}

/// One server's part in [`judge()`].
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub node: NodeId,
    pub state: ServerState,
    /// Why its state is not known although it was probed.
    pub untold: Option<String>,
    /// Since when it is in that state.
    pub since: Timestamp,
    pub votes: bool,
    pub leads: bool,
    /// It serves as far as is known, and its last reply did not come: what it was, it is until that is refuted.
    pub mute: bool,
    /// It says that it is alone, and is not: several of them elect nobody.
    pub apart: bool,
    /// Epoch of its last zxid, to tell the true leader of two.
    pub epoch: Option<u32>,
}
