//! zkdeck's own metrics in Prometheus' text format: HELP and TYPE for each, counters end in `_total`,
//! seconds and bytes as units, every label from a bounded set. What is unknown is left out.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use crate::domain::ensemble::EnsembleState;
use crate::domain::ids::Bytes;
use crate::domain::operation::{OperationKind, OperationStatus};
use crate::domain::scheduler::{Decision, MoveReason};
use crate::domain::server::ServerState;
use crate::domain::snapshot::{MOVE_SECONDS, SessionState, Snapshot};

const SERVER_STATES: [ServerState; 10] = [
    ServerState::Up,
    ServerState::Degraded,
    ServerState::ReadOnly,
    ServerState::NotServing,
    ServerState::Frozen,
    ServerState::Paused,
    ServerState::Stopped,
    ServerState::Down,
    ServerState::Starting,
    ServerState::Unknown,
];

const ENSEMBLE_STATES: [(EnsembleState, &str); 7] = [
    (EnsembleState::Healthy, "healthy"),
    (EnsembleState::Degraded, "degraded"),
    (EnsembleState::AtRisk, "at-risk"),
    (EnsembleState::NoLeader, "no-leader"),
    (EnsembleState::NoQuorum, "no-quorum"),
    (EnsembleState::Starting, "starting"),
    (EnsembleState::Unknown, "unknown"),
];

const SESSION_STATES: [(SessionState, &str); 4] = [
    (SessionState::Connecting, "connecting"),
    (SessionState::Connected, "connected"),
    (SessionState::Disconnected, "disconnected"),
    (SessionState::Expired, "expired"),
];

/// How what changes something can end.
const ENDS: [OperationStatus; 3] = [OperationStatus::Done, OperationStatus::Failed, OperationStatus::Aborted];

/// A page under construction.
#[derive(Default)]
struct Page(String);

impl Page {
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let pairs: Vec<_> = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let labels = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.metric(name, "gauge", help);
            self.value(name, &[], value);
        }
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.metric(name, "counter", help);
        self.value(name, &[], value);
    }

    /// One series for each state, 1 for the one that holds.
    fn states<T: PartialEq + Copy>(&mut self, name: &str, help: &str, states: &[(T, &str)], holds: T) {
        self.metric(name, "gauge", help);
        for (state, word) in states {
            self.value(name, &[("state", word)], u8::from(*state == holds));
        }
    }

    /// A counter with two labels, each pair of which is there from the start: a series that begins
    /// with its first event hides that event from `rate`.
    fn pairs(
        &mut self,
        name: &str,
        labels: (&str, &str),
        all: impl Iterator<Item = (&'static str, &'static str)>,
        counted: &BTreeMap<(&'static str, &'static str), u64>,
    ) {
        let mut counts: BTreeMap<_, u64> = all.map(|pair| (pair, 0)).collect();
        counts.extend(counted);
        for ((first, second), count) in counts {
            self.value(name, &[(labels.0, first), (labels.1, second)], count);
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The page for one snapshot.
pub(super) fn text(snapshot: &Snapshot) -> String {
    let mut page = Page::default();
    instance(&mut page, snapshot);
    nodes(&mut page, snapshot);
    scheduler(&mut page, snapshot);
    moves(&mut page, snapshot);
    health(&mut page, snapshot);
    page.0
}

fn instance(page: &mut Page, snapshot: &Snapshot) {
    page.metric("zkdeck_build_info", "gauge", "Version of this instance; always 1.");
    page.value("zkdeck_build_info", &[("version", &snapshot.instance.version)], 1);
    let started = snapshot.instance.started.0 as f64 / 1000.0;
    page.gauge("zkdeck_start_time_seconds", "When this instance started, in seconds since 1970.", Some(started));
    let connected = snapshot.session.state == SessionState::Connected;
    page.gauge("zkdeck_session_connected", "1 while there is a session with the ensemble.", Some(u8::from(connected)));
    let help = "1 for the state that the session with the ensemble is in.";
    page.states("zkdeck_session_state", help, &SESSION_STATES, snapshot.session.state);
    let foreign = u8::from(snapshot.session.store.refusal().is_some());
    page.gauge(
        "zkdeck_store_foreign",
        "1 while this folder's store is not the ensemble's, or not known to be.",
        Some(foreign),
    );
    let instances = connected.then_some(snapshot.instances.len());
    page.gauge("zkdeck_instances", "Instances of zkdeck on this ensemble.", instances);
    let leads = u8::from(snapshot.leadership.leads);
    page.gauge("zkdeck_leader", "1 while this instance leads.", Some(leads));
    // Without a session another may lead.
    let known = connected.then(|| u8::from(snapshot.leadership.leads || snapshot.leadership.leader.is_some()));
    page.gauge("zkdeck_leader_known", "1 while some instance leads, this one or another.", known);
    page.gauge("zkdeck_epoch", "Fencing epoch as this instance knows it.", snapshot.leadership.epoch);
    page.gauge("zkdeck_history_queue", "Rows of history that wait to be written.", Some(snapshot.history.queued));
    let problem = u8::from(snapshot.history.problem.is_some());
    page.gauge("zkdeck_history_problem", "1 while history cannot be written.", Some(problem));
    page.metric("zkdeck_alert", "gauge", "1 for each kind of store that is sick; /readyz says why.");
    for code in alert_codes(snapshot) {
        page.value("zkdeck_alert", &[("code", code)], 1);
    }
    let scrub = &snapshot.scrub;
    let quarantined = scrub.sizes_at.map(|_| scrub.quarantined);
    page.gauge("zkdeck_quarantined_files", "Files in quarantine that no record names.", quarantined);
    page.counter("zkdeck_scrub_hashes_total", "Files whose hash the scrub has read.", scrub.hashed);
    let looked = scrub.sizes_at.map(|at| at.0 as f64 / 1000.0);
    page.gauge("zkdeck_scrub_sizes_time_seconds", "When the scrub looked at every size last.", looked);
    page.metric("zkdeck_loop_restarts_total", "counter", "Times that a loop of the engine failed inside.");
    for task in snapshot.loops.iter() {
        page.value("zkdeck_loop_restarts_total", &[("loop", task.name.word())], task.restarts);
    }
    let name = "zkdeck_operations_total";
    page.metric(name, "counter", "Operations that ended, by kind and status.");
    let kinds = OperationKind::ALL.iter().flat_map(|kind| ENDS.map(|end| (kind.word(), end.word())));
    page.pairs(name, ("operation", "status"), kinds, &snapshot.counters.operations);
    page.counter("zkdeck_workload_runs_total", "Runs of the sample workload.", snapshot.workload.runs);
    page.counter(
        "zkdeck_workload_failures_total",
        "Runs of the sample workload that failed.",
        snapshot.workload.failures,
    );
    let clients = snapshot.workload.extra_connected;
    page.gauge("zkdeck_workload_clients", "Sessions that the workload holds open.", Some(clients));
}

/// Each kind once, however many nodes it is about.
fn alert_codes(snapshot: &Snapshot) -> std::collections::BTreeSet<&str> {
    snapshot.alerts.iter().map(|alert| alert.code.word()).collect()
}

fn nodes(page: &mut Page, snapshot: &Snapshot) {
    if !snapshot.files_complete {
        return;
    }
    page.metric("zkdeck_node_files", "gauge", "Files that the node owns.");
    for node in snapshot.nodes.iter() {
        page.value("zkdeck_node_files", &[("node", node.id.as_str())], node.files);
    }
    page.metric("zkdeck_node_bytes", "gauge", "Bytes of the files that the node owns.");
    for node in snapshot.nodes.iter() {
        page.value("zkdeck_node_bytes", &[("node", node.id.as_str())], node.bytes.0);
    }
    page.metric("zkdeck_node_free_bytes", "gauge", "Free bytes of the disk under the node's folder.");
    for (node, Bytes(free)) in snapshot.nodes.iter().filter_map(|node| node.free.map(|free| (node, free))) {
        page.value("zkdeck_node_free_bytes", &[("node", node.id.as_str())], free);
    }
    page.metric("zkdeck_node_draining", "gauge", "1 while the node drains or has been drained.");
    for node in snapshot.nodes.iter() {
        page.value("zkdeck_node_draining", &[("node", node.id.as_str())], u8::from(node.drain.is_some()));
    }
    let unreadable = snapshot.unreadable.len();
    page.gauge("zkdeck_records_unreadable", "Records that cannot be used and are left alone.", Some(unreadable));
}

fn scheduler(page: &mut Page, snapshot: &Snapshot) {
    let scheduler = &snapshot.scheduler;
    page.gauge(
        "zkdeck_spread_files",
        "Largest minus smallest difference of a node's files from its share by weight.",
        scheduler.max_difference,
    );
    page.gauge("zkdeck_trigger_files", "Spread at which the scheduler starts.", Some(scheduler.trigger));
    let paused = snapshot.files_complete.then_some(u8::from(scheduler.paused));
    page.gauge("zkdeck_scheduler_paused", "1 while the scheduler is paused.", paused);
    page.metric(
        "zkdeck_scheduler_decisions_total",
        "counter",
        "Runs of the scheduler, by decision; the leader counts.",
    );
    for decision in Decision::ALL.iter().map(|decision| decision.word()) {
        let count = snapshot.counters.decisions.get(decision).copied().unwrap_or_default();
        page.value("zkdeck_scheduler_decisions_total", &[("decision", decision)], count);
    }
}

fn moves(page: &mut Page, snapshot: &Snapshot) {
    let counters = &snapshot.counters;
    page.gauge("zkdeck_moves_in_flight", "Moves under way.", Some(snapshot.moves.len()));
    page.counter("zkdeck_moves_planned_total", "Moves that runs of the scheduler planned.", counters.moves_planned);
    page.counter("zkdeck_moves_least_total", "The least moves that would have done.", counters.moves_least);
    page.counter("zkdeck_moved_bytes_total", "Bytes of finished moves.", counters.moved_bytes);
    let name = "zkdeck_moves_total";
    page.metric(name, "counter", "Moves that ended, by status and reason.");
    let ends = ENDS.iter().flat_map(|end| MoveReason::ALL.iter().map(|reason| (end.word(), reason.word())));
    page.pairs(name, ("status", "reason"), ends, &counters.moves);
    let name = "zkdeck_move_duration_seconds";
    page.metric(name, "histogram", "Time that finished moves took, from intent to collection.");
    let bounds = MOVE_SECONDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
    for (bound, count) in bounds.zip(counters.move_seconds) {
        page.value(&format!("{name}_bucket"), &[("le", &bound)], count);
    }
    page.value(&format!("{name}_sum"), &[], counters.move_seconds_sum);
    page.value(&format!("{name}_count"), &[], counters.move_seconds[MOVE_SECONDS.len()]);
}

fn health(page: &mut Page, snapshot: &Snapshot) {
    page.metric("zkdeck_server_state", "gauge", "1 for the state that each server is in.");
    for server in snapshot.servers.iter() {
        for state in SERVER_STATES {
            let labels = [("node", server.node.as_str()), ("state", state.word())];
            page.value("zkdeck_server_state", &labels, u8::from(server.verdict.state == state));
        }
    }
    page.metric("zkdeck_server_role", "gauge", "1 for the role that each serving server has.");
    for server in snapshot.servers.iter() {
        if let Some(role) = server.role {
            page.value("zkdeck_server_role", &[("node", server.node.as_str()), ("role", role.word())], 1);
        }
    }
    page.metric("zkdeck_server_reply_seconds", "gauge", "Time that the last probe of each server took.");
    for server in snapshot.servers.iter() {
        if let Some(ms) = server.reply_ms {
            page.value("zkdeck_server_reply_seconds", &[("node", server.node.as_str())], ms / 1000.0);
        }
    }
    let help = "1 for the verdict on the ensemble.";
    page.states("zkdeck_ensemble_state", help, &ENSEMBLE_STATES, snapshot.ensemble.state);
    let known = (snapshot.ensemble.state != EnsembleState::Unknown).then_some(snapshot.ensemble.quorum);
    page.gauge("zkdeck_ensemble_serving", "Voters that serve.", known.map(|quorum| quorum.serving));
    page.gauge("zkdeck_ensemble_voters", "Voters of the ensemble.", Some(snapshot.ensemble.quorum.voters));
    page.gauge("zkdeck_ensemble_can_lose", "Servers that may be lost before writes stop.", known.map(|q| q.can_lose()));
    let canary = snapshot.canary.last_ms.map(|ms| ms / 1000.0);
    page.gauge("zkdeck_canary_seconds", "Time that the last canary write took.", canary);
    let failed = snapshot.canary.problem.is_some();
    let tried = failed || snapshot.canary.last_ms.is_some();
    page.gauge("zkdeck_canary_failed", "1 while the canary write fails.", tried.then_some(u8::from(failed)));
}
