//! What the pane has asked and has no answer to yet.

use crate::console::fetch::Asked;
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
