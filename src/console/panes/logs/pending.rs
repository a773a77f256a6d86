//! What the pane has asked and has no answer to yet.

use crate::console::fetch::Asked;
use crate::domain::ids::Timestamp;
use crate::domain::incident::IncidentsAsk;
use crate::domain::log::{ContextAsk, FollowAsk, HistogramAsk, PageAsk};

/// Which page was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Going {
    #[default]
    Newest,
    Older,
    Newer,
    /// What is not held before this event.
    Hole(usize),
}

/// Answers that are on their way.
#[derive(Debug, Default)]
pub(super) struct PendingAnswers {
    pub(super) page: Asked<PageAsk>,
    pub(super) going: Going,
    pub(super) histogram: Asked<HistogramAsk>,
    pub(super) incidents: Asked<IncidentsAsk>,
    pub(super) follow: Asked<FollowAsk>,
    pub(super) context: Asked<ContextAsk>,
    pub(super) reach: usize,
}

/// A moment that is to be selected once its events have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Aim {
    pub(super) at: Timestamp,
    /// Which reach is tried next, when nothing is found; `None` where the span is the operator's own.
    pub(super) wider: Option<usize>,
    /// Pages that were loaded on the way to it.
    pub(super) pages: u8,
}
