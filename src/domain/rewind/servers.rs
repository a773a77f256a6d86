//! Each server as it was.

use std::sync::Arc;

use super::measured::MeasuredThen;
use crate::domain::ids::{NodeId, Timestamp};
use crate::domain::incident::{Incident, IncidentWhat};
use crate::domain::operation::{Operation, OperationKind};
use crate::domain::series::SeriesName;
use crate::domain::server::{Role, ServerState, ServerView, Verdict};
use crate::domain::snapshot::Snapshot;

pub(super) fn servers(
    present: &Snapshot,
    measured: &MeasuredThen<'_>,
    incidents: &[Incident],
    under_way: &[Operation],
    leader: Option<&NodeId>,
    at: Timestamp,
) -> Vec<ServerView> {
    let all_vote = present.ensemble.quorum.voters == present.servers.len();
    let server = |own: &ServerView| {
        let verdict = starting(&own.node, verdict(&own.node, measured, incidents, at), under_way, at);
        let known = measured.value(SeriesName::Leads, Some(&own.node)).is_some();
        let role = role(own, verdict.state, leader, all_vote, known);
        server(own, verdict, role, measured, at)
    };
    present.servers.iter().map(server).collect()
}

/// What was not kept is unknown.
fn server(
    own: &ServerView,
    verdict: Verdict,
    role: Option<Role>,
    measured: &MeasuredThen<'_>,
    at: Timestamp,
) -> ServerView {
    let node = Some(&own.node);
    // What it told last was before it fell silent.
    let silent =
        matches!(verdict.state, ServerState::Frozen | ServerState::Paused | ServerState::Stopped | ServerState::Down);
    let value = |name| measured.value(name, node).filter(|_| !silent);
    let count = |name| value(name).map(|value| value.round() as u64);
    // They are kept for as long as the server answers.
    let answered = [SeriesName::Connections, SeriesName::Znodes, SeriesName::Outstanding]
        .into_iter()
        .any(|name| value(name).is_some());
    ServerView {
        node: own.node.clone(),
        address: own.address.clone(),
        verdict,
        role,
        version: None,
        zxid: None,
        behind: count(SeriesName::ZxidLag),
        latency_ms: None,
        reply_ms: None,
        outstanding: count(SeriesName::Outstanding),
        connections: count(SeriesName::Connections),
        znodes: count(SeriesName::Znodes),
        watches: None,
        fsync_ms: value(SeriesName::Fsync),
        uptime: None,
        in_role: None,
        fd_open: count(SeriesName::Descriptors),
        fd_max: None,
        heap_used: count(SeriesName::Heap),
        heap_max: None,
        short_of_heap: false,
        requests_per_s: value(SeriesName::Requests),
        reads_per_s: None,
        writes_per_s: None,
        read_p50_ms: None,
        read_p99_ms: None,
        update_p50_ms: None,
        update_p99_ms: None,
        worse_p50_ms: value(SeriesName::LatencyP50),
        worse_p99_ms: value(SeriesName::LatencyP99),
        elections: None,
        election_ms: None,
        timing: None,
        metrics_source: None,
        metrics_at: None,
        metrics_missing: None,
        all_metrics: Arc::from([]),
        host: None,
        seen: answered.then_some(at),
    }
}

/// Incidents are told of everything but of a server that starts and of one that was not reached yet.
fn verdict(node: &NodeId, measured: &MeasuredThen<'_>, incidents: &[Incident], at: Timestamp) -> Verdict {
    let own = |incident: &&Incident| matches!(&incident.what, IncidentWhat::Server { node: of, .. } if of == node);
    let open = incidents.iter().filter(own).find(|incident| incident.ended.is_none());
    let ended = incidents.iter().filter(own).filter_map(|incident| incident.ended).max();
    let Some(up) = measured.value(SeriesName::Up, Some(node)) else { return Verdict::unknown(at) };
    // Its incident goes on until it serves.
    if measured.value(SeriesName::Starting, Some(node)).is_some_and(|share| share > 0.5) {
        return Verdict { state: ServerState::Starting, cause: None, rule: None, since: at };
    }
    if let Some((IncidentWhat::Server { state, .. }, incident)) = open.map(|open| (&open.what, open)) {
        return Verdict { state: *state, cause: incident.cause.clone(), rule: None, since: incident.began };
    }
    // The second in which it came back began without it.
    let just = ended.is_some_and(|end| measured.fineness().is_some_and(|fine| at.since(end) <= fine));
    let state = if up > 0.0 || just { ServerState::Up } else { ServerState::Starting };
    Verdict { state, cause: None, rule: None, since: ended.unwrap_or(at) }
}

/// One that was being started is not stopped any more: its incident goes on until it serves.
fn starting(node: &NodeId, verdict: Verdict, under_way: &[Operation], at: Timestamp) -> Verdict {
    let starts = |row: &&Operation| {
        let kind = matches!(row.kind, OperationKind::Start | OperationKind::Restart);
        kind && row.target.as_ref() == Some(node) && row.goes_on_at(at)
    };
    let stopped = matches!(verdict.state, ServerState::Stopped | ServerState::Down);
    match under_way.iter().find(starts).filter(|_| stopped) {
        Some(row) => {
            Verdict { state: ServerState::Starting, cause: None, since: row.started.max(verdict.since), ..verdict }
        }
        None => verdict,
    }
}

/// `known`: it was measured that it had one.
fn role(own: &ServerView, state: ServerState, leader: Option<&NodeId>, all_vote: bool, known: bool) -> Option<Role> {
    if !state.serves() {
        return None;
    }
    match own.role {
        Some(Role::Standalone) => return Some(Role::Standalone),
        Some(Role::Observer) => return Some(Role::Observer),
        _ => {}
    }
    let votes = all_vote || own.role.is_some();
    match leader {
        Some(leader) if *leader == own.node => Some(Role::Leader),
        // The others hold on to a leader that is silent until they give it up.
        Some(_) if votes => Some(Role::Follower),
        None if votes && known => Some(Role::Follower),
        _ => None,
    }
}
