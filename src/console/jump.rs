//! From anything on the screen to what belongs to it, and back.

use std::fmt;

use super::time;
use crate::domain::ids::{FileId, NodeId, Timestamp};

/// A way from one pane to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jump {
    /// Where it begins, for the breadcrumb: `zk3 at 14:02:11`.
    pub from: String,
    pub to: JumpTo,
}

impl Jump {
    /// To what is told around a moment, from a thing as it was then.
    #[must_use]
    pub fn around(name: impl fmt::Display, to: fn(Focus) -> JumpTo, focus: Focus) -> Self {
        let then = focus.at.map(|at| format!(" at {}", time::of_day(at))).unwrap_or_default();
        Self { from: format!("{name}{then}"), to: to(focus) }
    }
}

/// Where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JumpTo {
    /// The events of the logs then.
    Logs(Focus),
    /// The operations and incidents then.
    History(Focus),
    /// One server, full-screen.
    Server(NodeId),
    /// One file, with why it is where it is.
    File(FileId),
}

/// What is looked for there. Nothing narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Focus {
    pub node: Option<NodeId>,
    /// The moment in the middle; `None` is now.
    pub at: Option<Timestamp>,
    /// A query in the language of the logs.
    pub query: Option<String>,
}
