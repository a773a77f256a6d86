//! The states that a console may have to show, and an engine that answers what it asks then.

use std::any::Any;

use crate::console::fetch::{Fetch, Fetching};
use crate::domain::ask::{OutputAsk, PlanAsk};
use crate::domain::ensemble::{EnsembleState, EnsembleView, Quorum};
use crate::domain::file_list::{FileList, FilesAsk};
use crate::domain::file_table::FileTable;
use crate::domain::fixtures::{self, NOW, node_id};
use crate::domain::ids::{Bytes, IncidentId, InstanceId, Millis, OperationId, Timestamp};
use crate::domain::incident::{Incident, IncidentWhat, IncidentsAsk, IncidentsPage};
use crate::domain::log::{
    Answered, Bar, ContextAsk, EventId, Histogram, HistogramAsk, LogContext, LogEvent, LogLevel, LogPage, PageAsk,
};
use crate::domain::node::{DrainView, NodeCondition};
use crate::domain::operation::{HistoryPage, HistoryQuery, Operation, OperationKind, OperationStatus};
use crate::domain::planner::Plan;
use crate::domain::rewind::{self, HistoryThen, KeptThen, MovesEnded, PictureThen, SnapshotAt};
use crate::domain::scheduler::{Decision, Run, RunProgress};
use crate::domain::series::{PrometheusPart, SeriesAsk, SeriesLine, SeriesName, SeriesPage, SeriesPoint};
use crate::domain::server::{HealthRule, HostState, HostView, Output, ServerState, Verdict};
use crate::domain::snapshot::{InstanceInfo, SessionState, Snapshot, StoreView};

/// Text from outside that wants to write to the terminal.
pub(super) const HOSTILE: &str = "a\u{1b}]0;owned\u{7}\u{202e}b\u{200b}\ttext 文字 👩\u{200d}💻 e\u{301}\u{e0041} that goes on, wider than any column";

/// A state by its name.
pub(super) type Scene = (&'static str, fn() -> Snapshot);

pub(super) const SCENES: [Scene; 12] = [
    ("healthy", fixtures::snapshot),
    ("degraded", degraded),
    ("no-leader", no_leader),
    ("no-quorum", no_quorum),
    ("starting", starting),
    ("empty", empty),
    ("stale", stale),
    ("standby", standby),
    ("read-only", read_only),
    ("busy", busy),
    ("hostile", hostile),
    ("past", past),
];

const fn before(seconds: u64) -> Timestamp {
    Timestamp(NOW.0 - seconds * 1000)
}

fn judged(snapshot: &mut Snapshot, at: usize, state: ServerState, cause: &str, rule: Option<HealthRule>) {
    let mut servers = snapshot.servers.to_vec();
    servers[at].verdict = Verdict { state, cause: Some(cause.into()), rule, since: before(12) };
    if state != ServerState::Degraded {
        (servers[at].role, servers[at].seen) = (None, Some(before(12)));
    }
    snapshot.servers = servers.into();
}

fn degraded() -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    judged(&mut snapshot, 0, ServerState::Degraded, "fsync takes 812 ms", Some(HealthRule::Fsync));
    judged(&mut snapshot, 1, ServerState::Paused, "paused by console root", None);
    let mut servers = snapshot.servers.to_vec();
    servers[0].fsync_ms = Some(812.0);
    snapshot.servers = servers.into();
    snapshot.ensemble = EnsembleView {
        state: EnsembleState::Degraded,
        quorum: Quorum { voters: 3, serving: 2 },
        cause: Some("zk2 paused, zk1 slow".into()),
        since: before(12),
        ..snapshot.ensemble
    };
    snapshot.incidents = incidents().into_iter().map(std::sync::Arc::new).collect();
    snapshot
}

fn no_leader() -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    judged(&mut snapshot, 2, ServerState::Frozen, "no reply for 12 s", None);
    snapshot.ensemble = EnsembleView {
        state: EnsembleState::NoLeader,
        quorum: Quorum { voters: 3, serving: 2 },
        leader: None,
        epoch: None,
        cause: Some("zk3 frozen".into()),
        since: before(12),
    };
    snapshot
}

pub(super) fn no_quorum() -> Snapshot {
    let mut snapshot = no_leader();
    judged(&mut snapshot, 1, ServerState::Down, "connection refused", None);
    (snapshot.ensemble.state, snapshot.ensemble.quorum.serving) = (EnsembleState::NoQuorum, 1);
    (snapshot.session.state, snapshot.session.since) = (SessionState::Disconnected, before(33));
    snapshot.session.cause = Some("no server serves".into());
    snapshot.files_complete = false;
    snapshot
}

fn starting() -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    for at in 0..3 {
        judged(&mut snapshot, at, ServerState::Starting, "started 12 s ago", None);
    }
    snapshot.ensemble = EnsembleView { state: EnsembleState::Starting, ..EnsembleView::unknown(3, before(12)) };
    snapshot.session.state = SessionState::Connecting;
    nothing_known(&mut snapshot);
    snapshot
}

/// Before the first answer of anything.
fn nothing_known(snapshot: &mut Snapshot) {
    let mut servers = snapshot.servers.to_vec();
    for server in &mut servers {
        (server.latency_ms, server.connections, server.seen, server.role, server.zxid) = (None, None, None, None, None);
        (server.outstanding, server.znodes, server.fsync_ms, server.uptime) = (None, None, None, None);
    }
    snapshot.servers = servers.into();
    (snapshot.files, snapshot.files_complete, snapshot.files_read) = (FileTable::default(), false, None);
    (snapshot.operations, snapshot.operations_total) = ([].into(), 0);
}

fn empty() -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    (snapshot.files, snapshot.operations, snapshot.operations_total) = (FileTable::default(), [].into(), 0);
    snapshot.nodes = snapshot.node_ids().iter().map(|node| fixtures::node(node.as_str(), 0)).collect();
    snapshot
}

/// Everything is from a minute ago.
fn stale() -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    let mut servers = snapshot.servers.to_vec();
    servers.iter_mut().for_each(|server| server.seen = Some(before(61)));
    snapshot.servers = servers.into();
    (snapshot.taken_at, snapshot.files_read, snapshot.files_complete) = (before(61), Some(before(61)), false);
    (snapshot.session.state, snapshot.session.since) = (SessionState::Disconnected, before(60));
    snapshot
}

fn standby() -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    snapshot.leadership.leads = false;
    let leader = InstanceInfo {
        id: InstanceId::new(2),
        host: "host-b".into(),
        pid: 4712,
        since_ms: before(600),
        scheduler: None,
        seat: None,
    };
    snapshot.leadership.leader = Some(leader);
    snapshot.session.store = StoreView::Foreign { ours: "0192f7aa".into(), theirs: "0192f7bb".into() };
    snapshot
}

fn read_only() -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    snapshot.instance.read_only = true;
    snapshot
}

/// A run goes on, a node drains, a server's host tells of itself.
fn busy() -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    let mut nodes = snapshot.nodes.to_vec();
    nodes[0].condition = NodeCondition::Draining;
    (nodes[0].in_flight_out, nodes[2].in_flight_in) = (2, 2);
    nodes[0].drain = Some(DrainView {
        since: before(4),
        files_at_start: 34,
        files_left: 13,
        files_per_s: Some(9.8),
        left_ms: Some(1300),
        stalled: None,
    });
    snapshot.nodes = nodes.into();
    let mut servers = snapshot.servers.to_vec();
    let detail = Some("exit 137, out of memory".into());
    servers[1].host = Some(HostView { state: HostState::Running, name: "zk2".into(), detail, container: None });
    snapshot.servers = servers.into();
    snapshot.scheduler.running = Some(RunProgress {
        id: OperationId::new(1),
        since: before(3),
        moves_planned: 8,
        moves_done: 3,
        moves_failed: 1,
        moves_skipped: 0,
    });
    let run = Run {
        took: Millis(300),
        bytes: Bytes(640 << 10),
        ..Run::new(OperationId::new(77), before(5), "timer", Decision::Ran)
    };
    snapshot.scheduler.recent = [std::sync::Arc::new(run)].into();
    snapshot
}

fn hostile() -> Snapshot {
    let mut snapshot = busy();
    for at in 0..3 {
        judged(&mut snapshot, at, ServerState::Degraded, HOSTILE, Some(HealthRule::Fsync));
    }
    (snapshot.ensemble.state, snapshot.ensemble.cause) = (EnsembleState::AtRisk, Some(HOSTILE.into()));
    snapshot.instance.label = HOSTILE.into();
    snapshot.session.cause = Some(HOSTILE.into());
    for id in 0..40 {
        let mut file = fixtures::file(id, "zk2");
        file.record.name = HOSTILE.repeat(id as usize % 3 + 1);
        snapshot.files.insert(std::sync::Arc::new(file));
    }
    let mut failed = fixtures::operation(3, OperationKind::Upload, OperationStatus::Failed);
    (failed.what, failed.why, failed.by) = (HOSTILE.into(), Some(HOSTILE.into()), HOSTILE.into());
    snapshot.operations = [std::sync::Arc::new(failed)].into();
    snapshot
}

/// A minute ago, with an outage, a drain and a run under way.
fn past() -> Snapshot {
    past_of(before(60), &busy())
}

/// What was kept of a moment; as from now it is.
pub(super) fn past_of(at: Timestamp, present: &Snapshot) -> Snapshot {
    let began = |ms: u64| Timestamp(at.0.saturating_sub(ms));
    let row = |id: u128, kind, ago: u64, lasts: u64| {
        let started = began(ago);
        let row = fixtures::operation(id, kind, OperationStatus::Done);
        Operation { started, finished: Some(started.plus(Millis(lasts))), ..row }
    };
    let mut run = row(77, OperationKind::Scheduler, 3_000, 9_000);
    let of_run = Run::new(run.id, run.started, "timer", Decision::Ran);
    run.run = Some(Run { moves_planned: 8, moves_done: 8, threshold: 5, ..of_run });
    let moving = row(414, OperationKind::Migration, 1_000, 4_000);
    let mut earlier = row(76, OperationKind::Scheduler, 40_000, 300);
    let of_earlier = Run::new(earlier.id, earlier.started, "timer", Decision::Balanced);
    earlier.run = Some(Run { threshold: 5, max_difference: 1, ..of_earlier });
    let mut drain = row(75, OperationKind::Drain, 20_000, 90_000);
    (drain.source, drain.target, drain.what) = (Some(node_id("zk1")), None, "34 files of zk1".into());
    let lost = IncidentWhat::Ensemble { state: EnsembleState::AtRisk };
    let frozen = IncidentWhat::Server { node: node_id("zk2"), state: ServerState::Frozen };
    let incident = |id: u128, what| Incident {
        began: began(12_000),
        ended: Some(at.plus(Millis(30_000))),
        cause: Some("no reply for 3 s".into()),
        ..Incident { id: IncidentId::new(id), what, ..incidents().remove(0) }
    };
    let history = HistoryThen {
        newest: vec![moving.clone(), run.clone(), drain.clone(), earlier.clone()],
        total: 4,
        under_way: vec![moving, run.clone(), drain.clone()],
        runs: vec![run, earlier],
        run_moves: MovesEnded { done: 3, failed: 1, skipped: 0 },
        drains: vec![drain],
        incidents: vec![incident(1, frozen), incident(2, lost)],
        ..HistoryThen::default()
    };
    let ask = SeriesAsk {
        series: rewind::keys(present),
        from: Timestamp(at.0.saturating_sub(rewind::BEFORE.0)),
        until: at,
        step: Millis(1_000),
    };
    let mut page = series(&ask);
    for line in &mut page.lines {
        let fixed = match line.series.name {
            SeriesName::Up => Some(1.0),
            SeriesName::Leads => Some(f32::from(u8::from(line.series.node == Some(node_id("zk3"))))),
            _ => None,
        };
        let value = |fixed: f32| SeriesPoint { mean: fixed, max: fixed };
        line.points.iter_mut().for_each(|point| *point = fixed.map_or(*point, |fixed| Some(value(fixed))));
    }
    let drain_began = [(node_id("zk1"), 34)].into();
    rewind::picture(at, present, &KeptThen { series: vec![page], history, drain_began, ..KeptThen::default() }, NOW)
}

fn incidents() -> Vec<Incident> {
    let incident = |id: u128, what, began, ended| Incident {
        id: IncidentId::new(id),
        what,
        began,
        ended,
        cause: Some("zk2 paused".into()),
        begun_by: Some("pause zk2, console root".into()),
        ended_by: None,
        instance: "host-a:4711".into(),
    };
    let paused = IncidentWhat::Server { node: node_id("zk2"), state: ServerState::Paused };
    let ensemble = IncidentWhat::Ensemble { state: EnsembleState::Degraded };
    vec![incident(1, paused, before(12), None), incident(2, ensemble, before(600), Some(before(540)))]
}

/// What the engine answers, or refuses.
pub(super) fn answer(fetch: Box<dyn Fetching>, snapshot: &Snapshot, refused: bool) {
    let mut question: Option<Box<dyn Any>> = Some(fetch);
    put::<FilesAsk>(&mut question, refused, |ask| FileList::of(&snapshot.files, &ask.choice).window(ask));
    put::<HistoryQuery>(&mut question, refused, |_| HistoryPage {
        operations: snapshot.operations.iter().map(|one| (**one).clone()).collect(),
        total: snapshot.operations_total,
    });
    put::<IncidentsAsk>(&mut question, refused, |_| IncidentsPage {
        incidents: snapshot.incidents.iter().map(|one| (**one).clone()).collect(),
        total: snapshot.incidents.len() as u64,
    });
    put::<PageAsk>(&mut question, refused, |_| LogPage {
        events: (0..40).map(event).collect(),
        nodes: vec!["backend".into(), "zk1".into(), "zk2".into()],
        answered: Answered { by: "local files, 1 MiB".into(), ..Answered::default() },
        ..LogPage::default()
    });
    put::<HistogramAsk>(&mut question, refused, |ask| Histogram {
        bars: (0..ask.bars as u64).map(|n| Bar { count: n % 9, warnings: n % 2, errors: 0 }).collect(),
        step: Millis(1000),
        ..Histogram::default()
    });
    let context = |_: &ContextAsk| LogContext { events: (0..9).map(event).collect(), at: 4, ..LogContext::default() };
    put::<ContextAsk>(&mut question, refused, context);
    put::<OutputAsk>(&mut question, refused, |_| Output { container: HOSTILE.into(), lines: Vec::new() });
    put::<PlanAsk>(&mut question, refused, |_| Plan { decision: Decision::BelowTrigger, ..plan() });
    put::<SeriesAsk>(&mut question, refused, series);
    put::<SnapshotAt>(&mut question, refused, |ask| match ask.at {
        at if at > NOW => PictureThen::Ahead { now: NOW },
        at if at < before(86_400) => PictureThen::Before { earliest: before(86_400) },
        at => PictureThen::Kept(Box::new(past_of(at, snapshot))),
    });
}

/// Answers a question of this kind; one of another is left.
fn put<A: crate::domain::ask::Ask>(
    question: &mut Option<Box<dyn Any>>,
    refused: bool,
    answer: impl Fn(&A) -> A::Answer,
) {
    match question.take().map(|any| any.downcast::<Fetch<A>>()) {
        Some(Ok(fetch)) => {
            let told = if refused { Err(format!("refused: {HOSTILE}")) } else { Ok(answer(&fetch.ask)) };
            // Who asked may have given it up.
            _ = fetch.reply.send(told);
        }
        Some(Err(other)) => *question = Some(other),
        None => {}
    }
}

fn plan() -> Plan {
    Plan {
        decision: Decision::Ran,
        moves: Vec::new(),
        lower_bound: 0,
        nodes: Vec::new(),
        spread_before: 1,
        spread_after: 1,
        note: None,
    }
}

fn event(n: usize) -> LogEvent {
    let text =
        if n == 7 { HOSTILE.into() } else { format!("fsync took {n} ms{}", "\nat java.net.Socket".repeat(n % 3)) };
    LogEvent {
        id: EventId::Document(n.to_string()),
        time: Some(before(100 - n as u64)),
        node: if n.is_multiple_of(2) { "zk1" } else { "zk2" }.into(),
        level: [None, Some(LogLevel::Info), Some(LogLevel::Warn), Some(LogLevel::Error)][n % 4],
        thread: Some("SyncThread:2".into()),
        text,
        ..LogEvent::default()
    }
}

/// A wave with a gap in it.
fn series(ask: &SeriesAsk) -> SeriesPage {
    let count = (ask.until.since(ask.from).0 / ask.step.0.max(1)).min(400);
    let point = |n: u64| {
        let mean = (n % 17) as f32 / 2.0;
        (n % 40 < 36).then_some(SeriesPoint { mean, max: mean * 2.0 })
    };
    let line = |series: &_| SeriesLine { series: Clone::clone(series), points: (0..count).map(point).collect() };
    SeriesPage {
        from: ask.from,
        step: ask.step,
        lines: ask.series.iter().map(line).collect(),
        prometheus: PrometheusPart::NotAsked,
    }
}
