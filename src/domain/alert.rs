//! What is sick and wants a person.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// What an alert is about: a stable word in REST, and a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum AlertCode {
    ForeignStore,
    StoreUnclaimed,
    StoreInUse,
    StoreUnnamed,
    StoreNewer,
    /// The store's disk is gone.
    StoreGone,
    NodesUnnamed,
    NoQuorum,
    Heap,
    Damaged,
    NodeFolder,
    NodeUnhealthy,
    NodeFull,
    HistoryBehind,
    History,
    HistoryLines,
    Quarantine,
    Unreadable,
}

impl AlertCode {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    #[must_use]
    pub const fn word(self) -> &'static str {
        self.into_str()
    }

    /// Whether it counts files: it is told where they are counted, and not when it appears.
    #[must_use]
    pub const fn counts_files(self) -> bool {
        matches!(self, Self::Damaged | Self::Quarantine | Self::Unreadable)
    }

    /// Whether it is still only a warning: what it is about goes on without what is full.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        matches!(self, Self::NodeFull | Self::Heap)
    }
}

/// One thing that is sick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    pub code: AlertCode,
    /// A few words for a header: `zk2 full`.
    pub short: String,
    /// A sentence with the cause and the next step.
    pub text: String,
}
