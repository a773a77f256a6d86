//! Each node as it was: its files, its drain, and what it could do.

use std::collections::BTreeMap;

use super::kept::KeptThen;
use super::measured::MeasuredThen;
use super::work::RunsThen;
use crate::domain::alert::AlertCode;
use crate::domain::ids::{Bytes, Millis, NodeId, Timestamp};
use crate::domain::incident::{Incident, IncidentWhat};
use crate::domain::node::{DrainView, MoveView, NodeCondition, NodeView, WEIGHT_DEFAULT};
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::planner::{Counted, share};
use crate::domain::series::SeriesName;
use crate::domain::server::{ServerState, ServerView};
use crate::domain::snapshot::Snapshot;

/// The speed of a drain is taken from so long a time.
const SPEED_OF: Millis = Millis(10_000);

/// How many files each node had, as far as it was known.
pub(super) struct CountsThen {
    pub(super) of: BTreeMap<NodeId, (u64, Bytes)>,
    /// When it was so: at the moment, or when the records were last complete before it; `None` where it is not known.
    pub(super) read: Option<Timestamp>,
    /// All that there was at the moment itself.
    pub(super) complete: bool,
}

impl CountsThen {
    pub(super) fn of(present: &Snapshot, kept: &KeptThen, measured: &MeasuredThen<'_>, at: Timestamp) -> Self {
        if let Some(of) = counted(present, measured) {
            return Self { of, read: Some(at), complete: true };
        }
        let before = kept.counted_before.as_ref().filter(|_| measured.is_any());
        let before = before.and_then(|(read, pages)| Some((*read, counted(present, &MeasuredThen::of(pages, *read))?)));
        match before {
            Some((read, of)) => Self { of, read: Some(read), complete: false },
            None => Self { of: BTreeMap::new(), read: None, complete: false },
        }
    }
}

/// The counts of all nodes; `None` when that of one is not known.
fn counted(present: &Snapshot, measured: &MeasuredThen<'_>) -> Option<BTreeMap<NodeId, (u64, Bytes)>> {
    let count = |node: &NodeId| {
        let value = |name| measured.value(name, Some(node)).map(|value| value.round() as u64);
        let files = value(SeriesName::Files)?;
        Some((node.clone(), (files, Bytes(value(SeriesName::Bytes)?))))
    };
    present.nodes.iter().map(|node| count(&node.id)).collect()
}

pub(super) fn nodes(
    present: &Snapshot,
    kept: &KeptThen,
    measured: &MeasuredThen<'_>,
    counts: &CountsThen,
    servers: &[ServerView],
    moves: &[MoveView],
    runs: &RunsThen,
) -> Vec<NodeView> {
    let at = measured.at;
    let drains = drains_in_force(&kept.history.drains, at);
    let sick = sick(&kept.history.incidents, at);
    let weighed = !kept.history.weights_changed;
    let node = |own: &NodeView| {
        let known = counts.of.get(&own.id).copied();
        let (files, bytes) = known.unwrap_or_default();
        let since = drains.iter().find(|(node, _)| *node == own.id).map(|(_, since)| *since);
        let state = servers.iter().find(|server| server.node == own.id).map(|server| server.verdict.state);
        NodeView {
            id: own.id.clone(),
            files,
            bytes,
            weight: if weighed { own.weight } else { WEIGHT_DEFAULT },
            condition: condition(state.unwrap_or(ServerState::Unknown), since.is_some(), sick),
            drain: since.filter(|_| known.is_some()).and_then(|since| drain(own, since, files, kept, measured, at)),
            in_flight_in: moves.iter().filter(|one| one.dst == own.id).count() as u64,
            in_flight_out: moves.iter().filter(|one| one.src == own.id).count() as u64,
            target: None,
            not_chosen: runs.not_chosen(&own.id),
            free: None,
            trouble: None,
        }
    };
    let mut nodes: Vec<NodeView> = present.nodes.iter().map(node).collect();
    if counts.complete && weighed {
        let counted: Vec<Counted> = nodes.iter().map(Counted::of).collect();
        for (node, level) in nodes.iter_mut().zip(share::levels(&counted)) {
            node.target = level;
        }
    }
    nodes
}

/// Nodes that were drained at a moment, each with when that began. `drains`: drains and what lifted them.
#[must_use]
pub fn drains_in_force(drains: &[Operation], at: Timestamp) -> Vec<(NodeId, Timestamp)> {
    let rows: Vec<Operation> = drains.iter().filter_map(|row| row.clone().as_of(at)).collect();
    let begun = |row: &&Operation| {
        let refused = matches!(row.status, OperationStatus::Failed | OperationStatus::Aborted);
        row.kind == OperationKind::Drain && !refused
    };
    let lifts = |row: &Operation, drain: &Operation| {
        row.kind == OperationKind::Undrain
            && row.status == OperationStatus::Done
            && row.target == drain.source
            && row.started >= drain.started
    };
    let in_force = |drain: &&Operation| !rows.iter().any(|row| lifts(row, drain));
    let mut nodes: Vec<(NodeId, Timestamp)> = Vec::new();
    for drain in rows.iter().filter(begun).filter(in_force) {
        let Some(node) = &drain.source else { continue };
        match nodes.iter_mut().find(|(own, _)| own == node) {
            Some((_, since)) => *since = (*since).max(drain.started),
            None => nodes.push((node.clone(), drain.started)),
        }
    }
    nodes
}

fn drain(
    own: &NodeView,
    since: Timestamp,
    files: u64,
    kept: &KeptThen,
    measured: &MeasuredThen<'_>,
    at: Timestamp,
) -> Option<DrainView> {
    let goes_on = own.drain.as_ref().filter(|drain| drain.since == since).map(|drain| drain.files_at_start);
    let first = goes_on.or_else(|| kept.drain_began.get(&own.id).copied())?;
    let earlier = Timestamp(at.0.saturating_sub(SPEED_OF.0));
    let before = measured.value_at(SeriesName::Files, Some(&own.id), earlier);
    let speed = before
        .filter(|_| measured.is_fine() && since <= earlier)
        .map(|before| (before - files as f64).max(0.0) * 1000.0 / SPEED_OF.0 as f64);
    Some(DrainView {
        since,
        files_at_start: first.max(files),
        files_left: files,
        files_per_s: speed,
        left_ms: speed.filter(|speed| *speed > 0.0 && files > 0).map(|speed| (files as f64 * 1000.0 / speed) as u64),
        stalled: None,
    })
}

/// Whether some node's disk or folder was in trouble: which one it was is not kept.
fn sick(incidents: &[Incident], at: Timestamp) -> bool {
    let open = incidents.iter().filter_map(|incident| incident.clone().as_of(at)).filter(|one| one.ended.is_none());
    let codes = [AlertCode::NodeFull, AlertCode::NodeUnhealthy, AlertCode::NodeFolder, AlertCode::StoreGone];
    open.into_iter().any(|one| matches!(&one.what, IncidentWhat::Alert { code, .. } if codes.contains(code)))
}

fn condition(state: ServerState, drains: bool, sick: bool) -> NodeCondition {
    match NodeCondition::of_server(state) {
        Some(condition) => condition,
        None if sick => NodeCondition::Unknown,
        None if drains => NodeCondition::Draining,
        None => NodeCondition::Active,
    }
}
