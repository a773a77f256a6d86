//! Words of the scheduler: why it moves, why it does not, and what a run did. Every code is the
//! same word on screen, in REST, in metric labels and in history.

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use super::command::Automatic;
use super::ids::{Bytes, Millis, NodeId, OperationId, Timestamp};
use super::setting::SchedulerSettings;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every code, in the order of their meaning.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on screen, in REST and in metric labels.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

words!(
    /// Why a file is moved.
    MoveReason {
        Drain => "drain",
        OverTrigger => "over-trigger",
        Bytes => "bytes",
        Manual => "manual",
    }
);

words!(
    /// Why a node was not used as a target.
    NotChosen {
        Draining => "draining",
        Paused => "paused",
        Down => "down",
        Frozen => "frozen",
        NotServing => "not-serving",
        Unhealthy => "unhealthy",
        Unreadable => "unreadable",
        Full => "full",
        AtLevel => "at-level",
        InFlightLimit => "in-flight-limit",
        CoolDown => "cool-down",
        NotEligible => "not-eligible",
    }
);

words!(
    /// What a run of the scheduler decided.
    Decision {
        /// There was a plan and its moves were made.
        Ran => "ran",
        BelowTrigger => "below-trigger",
        Balanced => "balanced",
        Paused => "paused",
        NotLeader => "not-leader",
        NoQuorum => "no-quorum",
        IncompleteData => "incomplete-data",
        InProgress => "in-progress",
        NoEligibleTarget => "no-eligible-target",
        MassFailure => "mass-failure",
        CoolDown => "cool-down",
        /// Too many rows of history wait to be written.
        HistoryBehind => "history-behind",
        /// There was a plan and it was stopped by the operator or by the end of the program.
        Stopped => "stopped",
    }
);

impl Decision {
    /// Whether nothing could be decided: there was no plan, and nothing of it, such as a spread, is known.
    #[must_use]
    pub const fn lacks_data(self) -> bool {
        matches!(self, Self::NoQuorum | Self::IncompleteData | Self::HistoryBehind | Self::NotLeader)
    }

    /// Why there is no plan, in words.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NoQuorum => "the ensemble has no quorum",
            Self::IncompleteData => "not all records have been read yet",
            Self::HistoryBehind => "too many rows of history wait to be written",
            Self::NotLeader => "this instance does not lead",
            Self::Paused => "the scheduler is paused",
            Self::NoEligibleTarget => "no node can take files",
            Self::MassFailure => "too many nodes are down",
            decision => decision.word(),
        }
    }
}

/// What one run found and decided for one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeTarget {
    pub node: NodeId,
    /// Files before the plan, with moves in flight counted at their target.
    pub before: u64,
    /// Files after the plan.
    pub after: u64,
    /// Window of counts that the plan aimed at.
    pub low: u64,
    pub high: u64,
    pub gives: u64,
    pub takes: u64,
    /// Why the node is no target; `None` when it takes files.
    pub not_chosen: Option<NotChosen>,
}

/// One run of the scheduler, as history, REST and the screen tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: OperationId,
    pub at: Timestamp,
    pub decision: Decision,
    /// The spread before, see [`super::planner::share`].
    pub max_difference: u64,
    pub threshold: u64,
    pub moves_planned: u64,
    /// The least number of moves that reaches the same windows.
    pub moves_least: u64,
    pub moves_done: u64,
    pub moves_failed: u64,
    /// Files that were deleted or changed before their move.
    #[serde(default)]
    pub moves_skipped: u64,
    pub bytes: Bytes,
    pub took: Millis,
    /// Who asked: `timer`, `drain`, or an operator.
    pub by: String,
    pub nodes: Vec<NodeTarget>,
    /// What stays where it is and why, when the plan could not do all that was wanted.
    pub note: Option<String>,
    /// Why it was cut off, else why its first failed move failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The id of the store that it was of; older rows do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
}

impl Run {
    /// One that has done nothing yet.
    #[must_use]
    pub fn new(id: OperationId, at: Timestamp, by: &str, decision: Decision) -> Self {
        Self {
            id,
            at,
            decision,
            max_difference: 0,
            threshold: 0,
            moves_planned: 0,
            moves_least: 0,
            moves_done: 0,
            moves_failed: 0,
            moves_skipped: 0,
            bytes: Bytes(0),
            took: Millis(0),
            by: by.to_owned(),
            nodes: Vec::new(),
            note: None,
            cause: None,
            store: None,
        }
    }

    /// Whether a person asked for it, who waits for its outcome.
    #[must_use]
    pub fn is_waited_for(&self) -> bool {
        !Automatic::asked(&self.by)
    }

    /// Why nothing was moved, outcome first.
    #[must_use]
    pub fn nothing_moved(&self) -> String {
        match self.decision {
            Decision::Balanced => "balanced: nothing to move".to_owned(),
            Decision::BelowTrigger => format!(
                "nothing to move: the spread is {}, and a run moves files from {} on",
                self.max_difference, self.threshold
            ),
            decision => {
                let note = self.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
                format!("nothing moved: {decision}{note}")
            }
        }
    }
}

/// The scheduler as a front shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SchedulerView {
    pub paused: bool,
    pub interval: Millis,
    pub trigger: u64,
    pub settle: u64,
    /// A file that was moved less than this ago stays, unless its node drains.
    pub cool_down: Millis,
    /// Free space that every node keeps.
    pub reserve: Bytes,
    /// Moves that copy bytes at the same time.
    pub parallel: u64,
    /// When the next run is due; `None` while this instance does not lead or the scheduler is paused.
    pub next_run: Option<Timestamp>,
    pub running: Option<RunProgress>,
    pub last_run: Option<std::sync::Arc<Run>>,
    /// Newest first, at most [`RUNS_KEPT`].
    pub recent: std::sync::Arc<[std::sync::Arc<Run>]>,
    /// The spread, see [`super::planner::share`]; `None` without data.
    pub max_difference: Option<u64>,
}

impl SchedulerView {
    /// Shows these settings from now on.
    pub const fn go_by(&mut self, settings: &SchedulerSettings) {
        self.interval = settings.interval();
        self.trigger = settings.threshold;
        self.settle = settings.settle;
        self.cool_down = settings.cool_down();
        self.reserve = settings.reserve();
        self.parallel = settings.parallel;
    }

    /// Whether its settings are known: of a past moment they were not kept.
    #[must_use]
    pub const fn knows_settings(&self) -> bool {
        self.settle > 0
    }
}

/// Runs of the scheduler that are kept for the screen.
pub const RUNS_KEPT: usize = 50;

/// A run under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunProgress {
    pub id: OperationId,
    pub since: Timestamp,
    pub moves_planned: u64,
    pub moves_done: u64,
    pub moves_failed: u64,
    pub moves_skipped: u64,
}

impl RunProgress {
    /// Moves that have come to their end.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.moves_done + self.moves_failed + self.moves_skipped
    }
}
