//! All that was kept of a moment.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::ids::{NodeId, Timestamp};
use crate::domain::incident::Incident;
use crate::domain::operation::Operation;
use crate::domain::series::SeriesPage;

/// What history and incidents tell of a moment: rows that had begun by then, as they stand now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryThen {
    /// Newest first, at most [`OPERATIONS_KEPT`](crate::domain::snapshot::OPERATIONS_KEPT).
    pub newest: Vec<Operation>,
    /// Rows that there were in all.
    pub total: u64,
    /// Those that went on then.
    pub under_way: Vec<Operation>,
    /// Runs of the scheduler, newest first.
    pub runs: Vec<Operation>,
    /// Moves that had ended of a run that went on then.
    pub run_moves: MovesEnded,
    /// Drains and what lifted them, newest first.
    pub drains: Vec<Operation>,
    /// The newest pause or resumption of the scheduler that was carried out by then.
    pub switch: Option<Operation>,
    /// The newest run of the sample workload that had ended.
    pub workload: Option<Operation>,
    /// A node's weight was changed later.
    pub weights_changed: bool,
    /// The newest of them, and all that went on then.
    pub incidents: Vec<Incident>,
    /// When the oldest row began.
    pub earliest: Option<Timestamp>,
}

impl HistoryThen {
    /// What is known of incidents now and was not written down when history was read. Another process may have told of
    /// the same one.
    pub fn update(&mut self, known: &[Arc<Incident>], at: Timestamp) {
        for incident in known.iter().filter(|incident| incident.began <= at) {
            let told = |own: &Incident| incident.is_told_by(own);
            if let Some(own) = self.incidents.iter_mut().find(|own| own.id == incident.id) {
                own.clone_from(incident);
            } else if !self.incidents.iter().any(told) {
                self.incidents.push((**incident).clone());
            }
        }
        self.incidents.sort_by_key(|incident| (Reverse(incident.began), Reverse(incident.id)));
    }
}

/// How many moves of a run had come to which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MovesEnded {
    pub done: u64,
    pub failed: u64,
    pub skipped: u64,
}

/// All that was kept of a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeptThen {
    /// The series of [`keys`](super::keys), from [`BEFORE`](super::BEFORE) on.
    pub series: Vec<SeriesPage>,
    pub history: HistoryThen,
    /// Where the files were not counted then: when they were last, and the series of counts by then.
    pub counted_before: Option<(Timestamp, Vec<SeriesPage>)>,
    /// Files that each node had when the drain of [`drains_in_force`](super::drains_in_force) began.
    pub drain_began: BTreeMap<NodeId, u64>,
}
