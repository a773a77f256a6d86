//! That a picture is of a moment that is over, and how much of it is known.

use serde::{Deserialize, Serialize};

use super::ids::{Millis, Timestamp};

/// What may not be known of a moment that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PastPart {
    /// Anything of the servers: nothing was measured, for no zkdeck ran here.
    Servers,
    /// How many files each node had.
    Counts,
    /// The nodes' weights, which were changed since.
    Weights,
    /// Whether the scheduler was paused.
    Switch,
}

/// Of a picture of the past. The list of files, the plan, the servers' hosts and the settings of then are never kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastView {
    /// When the picture was made.
    pub made: Timestamp,
    /// Time of which each figure is the mean; `None` where nothing was measured.
    pub fineness: Option<Millis>,
    pub unknown: Vec<PastPart>,
}

impl PastView {
    #[must_use]
    pub fn knows(&self, part: PastPart) -> bool {
        !self.unknown.contains(&part)
    }
}
