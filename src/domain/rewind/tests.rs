use std::collections::BTreeMap;

use super::*;
use crate::domain::alert::AlertCode;
use crate::domain::ensemble::EnsembleState;
use crate::domain::fixtures::{self, NOW, node_id};
use crate::domain::ids::{Bytes, IncidentId};
use crate::domain::log::TypedClock;
use crate::domain::node::NodeCondition;
use crate::domain::operation::{OperationKind, OperationStatus, OperationStep};
use crate::domain::scheduler::{Decision, Run};
use crate::domain::series::{PrometheusPart, SeriesLine, SeriesPoint};
use crate::domain::server::{Role, ServerState};

/// The moment of the tests: ten minutes ago, on a whole second.
const AT: Timestamp = Timestamp(NOW.0 - 600_000);

const fn s(seconds: u64) -> u64 {
    seconds * 1_000
}

const fn before(ms: u64) -> Timestamp {
    Timestamp(AT.0 - ms)
}

const fn after(ms: u64) -> Timestamp {
    Timestamp(AT.0 + ms)
}

/// Every second of the last minute was measured: all serve, zk3 leads, each node has ten files more than the one before.
fn series(value: impl Fn(&SeriesKey, u64) -> Option<f32>) -> SeriesPage {
    let lines = keys(&fixtures::snapshot()).into_iter().map(|series| {
        // A point of `ago` 0 ends at the moment.
        let point = |n: u64| value(&series, 61 - n).map(|mean| SeriesPoint { mean, max: mean });
        let points = (0..62).map(point).collect();
        SeriesLine { series, points }
    });
    SeriesPage {
        from: before(s(62)),
        step: Millis(1_000),
        lines: lines.collect(),
        prometheus: PrometheusPart::NotAsked,
    }
}

fn usual(key: &SeriesKey, _: u64) -> Option<f32> {
    Some(match (key.name, key.node.as_ref().map(NodeId::as_str)) {
        (SeriesName::Up, _) => 1.0,
        (SeriesName::Leads, node) => f32::from(u8::from(node == Some("zk3"))),
        (SeriesName::Files, Some("zk1")) => 10.0,
        (SeriesName::Files, Some("zk2")) => 20.0,
        (SeriesName::Files, _) => 30.0,
        (SeriesName::Bytes, _) => 4_096.0,
        (SeriesName::Connections, _) => 7.0,
        (SeriesName::Canary, _) => 3.5,
        (SeriesName::LatencyP99, _) => 9.0,
        _ => return None,
    })
}

fn kept(page: SeriesPage) -> KeptThen {
    KeptThen { series: vec![page], ..KeptThen::default() }
}

fn incident(id: u128, what: IncidentWhat, began: Timestamp, ended: Option<Timestamp>) -> Incident {
    Incident {
        id: IncidentId::new(id),
        what,
        began,
        ended,
        cause: Some("no reply for 3 s".into()),
        begun_by: None,
        ended_by: Some("start zk2, console root".into()),
        instance: "a:1".into(),
    }
}

fn frozen(began: Timestamp, ended: Option<Timestamp>) -> Incident {
    incident(1, IncidentWhat::Server { node: node_id("zk2"), state: ServerState::Frozen }, began, ended)
}

fn election(leader: &str, epoch: u32, began: Timestamp, ended: Timestamp) -> Incident {
    let what = IncidentWhat::Election { leader: node_id(leader), epoch: Some(epoch), took: None };
    incident(u128::from(epoch), what, began, Some(ended))
}

fn row(id: u128, kind: OperationKind, began: Timestamp, ended: Option<Timestamp>) -> Operation {
    let status = if ended.is_some() { OperationStatus::Done } else { OperationStatus::Started };
    Operation { started: began, finished: ended, ..fixtures::operation(id, kind, status) }
}

fn pic(at: Timestamp, present: &Snapshot, kept: &KeptThen) -> Snapshot {
    picture(at, present, kept, NOW)
}

fn with(history: HistoryThen) -> Snapshot {
    pic(AT, &fixtures::snapshot(), &KeptThen { history, ..kept(series(usual)) })
}

fn state(snapshot: &Snapshot, node: &str) -> ServerState {
    snapshot.server(&node_id(node)).unwrap().verdict.state
}

#[test]
fn a_quiet_moment_is_as_it_was_measured() {
    let then = with(HistoryThen::default());
    assert_eq!((then.taken_at, then.ensemble.state), (AT, EnsembleState::Healthy));
    assert_eq!(
        (then.ensemble.leader.clone(), then.ensemble.epoch),
        (Some(node_id("zk3")), None),
        "no election is kept"
    );
    assert_eq!(then.ensemble.quorum.serving, 3);
    let since = then.servers.iter().map(|server| then.known_since(server.verdict.since));
    assert!(since.chain([then.known_since(then.ensemble.since)]).all(|since| since.is_none()), "no begin was kept");
    let roles: Vec<_> = then.servers.iter().map(|server| server.role).collect();
    assert_eq!(roles, [Some(Role::Follower), Some(Role::Follower), Some(Role::Leader)]);
    let files: Vec<_> = then.nodes.iter().map(|node| (node.files, node.bytes, node.condition)).collect();
    let active = |files| (files, Bytes(4_096), NodeCondition::Active);
    assert_eq!(files, [active(10), active(20), active(30)]);
    assert_eq!((then.file_count(), then.files_complete, then.scheduler.max_difference), (60, true, Some(20)));
    assert_eq!(then.canary.last_ms, Some(3.5));
    let server = &then.servers[0];
    assert_eq!((server.connections, server.latency_p99_ms(), server.requests_per_s), (Some(7), Some(9.0), None));
    let past = then.past.unwrap();
    assert_eq!((past.fineness, past.unknown), (Some(Millis(1_000)), vec![PastPart::Switch]));
}

/// A value of now is never one of then.
#[test]
fn nothing_of_now_is_in_a_picture_of_which_nothing_was_kept() {
    let mut present = fixtures::snapshot();
    present.alerts = [Alert { code: AlertCode::Heap, short: "now".into(), text: "now".into() }].into();
    present.notices = Arc::from([]);
    let then = pic(AT, &present, &KeptThen::default());
    assert_eq!(then.ensemble.state, EnsembleState::Unknown);
    assert_eq!(then.ensemble.word(), "UNKNOWN", "it is not being connected to");
    assert_eq!((then.ensemble.leader, then.ensemble.epoch, then.ensemble.quorum.serving), (None, None, 0));
    for server in then.servers.iter() {
        assert_eq!((server.verdict.state, server.role, server.seen), (ServerState::Unknown, None, None));
        let text = serde_json::to_value(server).unwrap();
        for (field, value) in text.as_object().unwrap() {
            let fixed = ["node", "address", "verdict", "short_of_heap"].contains(&field.as_str());
            let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            assert!(fixed || empty, "{field}: {value}");
        }
    }
    for node in then.nodes.iter() {
        assert_eq!((node.condition, node.free, node.target), (NodeCondition::Unknown, None, None));
    }
    assert!(!then.files_complete && then.files.is_empty() && then.files_read.is_none());
    assert!(then.operations.is_empty() && then.incidents.is_empty() && then.alerts.is_empty() && then.moves.is_empty());
    assert_eq!((then.operations_total, then.canary.last_ms, then.scheduler.next_run), (0, None, None));
    assert!(then.scheduler.recent.is_empty() && then.scheduler.last_run.is_none() && then.scheduler.running.is_none());
    assert!(then.instances.is_empty() && then.leadership.leader.is_none() && !then.leadership.leads);
    let past = then.past.unwrap();
    assert_eq!((past.fineness, past.unknown), (None, vec![PastPart::Servers, PastPart::Counts, PastPart::Switch]));
}

#[test]
fn an_incident_holds_from_its_begin_and_not_at_its_end() {
    for (began, ended, then) in [
        (AT, None, ServerState::Frozen),
        (AT, Some(after(1)), ServerState::Frozen),
        (before(s(30)), Some(after(s(30))), ServerState::Frozen),
        (before(s(30)), Some(AT), ServerState::Up),
        (after(1), None, ServerState::Up),
    ] {
        let incidents = vec![frozen(began, ended)];
        let picture = with(HistoryThen { incidents, ..HistoryThen::default() });
        assert_eq!(state(&picture, "zk2"), then, "{began:?} {ended:?}");
        let told = picture.incidents.first().map(|incident| (incident.ended, incident.ended_by.is_some()));
        let is_over = ended.is_some_and(|end| end <= AT);
        assert_eq!(
            told,
            (began <= AT).then_some((ended.filter(|_| is_over), is_over || ended.is_none())),
            "{began:?} {ended:?}"
        );
    }
}

#[test]
fn the_ensembles_state_is_that_of_its_incident_and_its_cause_of_the_servers_then() {
    let lost = IncidentWhat::Ensemble { state: EnsembleState::AtRisk };
    let incidents = vec![frozen(before(s(20)), Some(after(s(9)))), incident(2, lost, before(s(19)), Some(after(s(9))))];
    let then = with(HistoryThen { incidents, ..HistoryThen::default() });
    assert_eq!((then.ensemble.state, then.ensemble.since), (EnsembleState::AtRisk, before(s(19))));
    assert_eq!((then.ensemble.cause.as_deref(), then.ensemble.quorum.serving), (Some("zk2 frozen"), 2));
    let silent = then.server(&node_id("zk2")).unwrap();
    assert_eq!((silent.role, silent.connections, silent.latency_p99_ms(), silent.seen), (None, None, None, None));
    let node = then.node(&node_id("zk2")).unwrap();
    assert_eq!((node.condition, node.files), (NodeCondition::Frozen, 20), "its files are still its own");
}

#[test]
fn nobody_leads_while_an_election_goes_on() {
    let elections = |began, ended| HistoryThen {
        incidents: vec![election("zk3", 8, began, ended), election("zk1", 7, before(s(300)), before(s(299)))],
        ..HistoryThen::default()
    };
    let led = |history: HistoryThen| {
        let then = with(history);
        (then.ensemble.leader.map(|node| node.to_string()), then.ensemble.epoch, then.incidents.len())
    };
    assert_eq!(led(elections(before(s(2)), after(s(2)))), (None, None, 1), "its end is not known yet");
    assert_eq!(led(elections(before(s(2)), AT)), (Some("zk3".into()), Some(8), 2));
    // Values of then without the series of who leads, as older ones are.
    let old = |key: &SeriesKey, ago| usual(key, ago).filter(|_| key.name != SeriesName::Leads);
    let of_old = |history| pic(AT, &fixtures::snapshot(), &KeptThen { history, ..kept(series(old)) }).ensemble.leader;
    assert_eq!(of_old(elections(after(s(1)), after(s(2)))), Some(node_id("zk1")), "the one that was elected last");
    assert_eq!(of_old(HistoryThen::default()), None);
}

#[test]
fn who_led_is_not_who_was_elected_before_a_time_that_nobody_saw() {
    let history = HistoryThen {
        incidents: vec![election("zk1", 7, before(s(9_000)), before(s(8_999)))],
        ..HistoryThen::default()
    };
    let then = with(history);
    assert_eq!((then.ensemble.leader, then.ensemble.epoch), (Some(node_id("zk3")), None));
}

#[test]
fn a_gap_is_unknown_and_a_late_second_is_none() {
    let gap = |from: u64| move |key: &SeriesKey, ago: u64| usual(key, ago).filter(|_| ago >= from);
    for (missing, known) in [(1, true), (2, true), (3, false), (60, false)] {
        let then = pic(AT, &fixtures::snapshot(), &kept(series(gap(missing))));
        assert_eq!((then.files_complete, then.servers[0].connections.is_some()), (known, known), "{missing}");
        assert_eq!(then.ensemble.state == EnsembleState::Healthy, known, "{missing}");
    }
    // zkdeck did not run: an incident that is told to have gone on through it proves nothing.
    let history =
        HistoryThen { incidents: vec![frozen(before(s(500)), Some(after(s(500))))], ..HistoryThen::default() };
    let then = pic(AT, &fixtures::snapshot(), &KeptThen { history, ..kept(series(gap(20))) });
    assert_eq!((state(&then, "zk2"), then.ensemble.state), (ServerState::Unknown, EnsembleState::Unknown));
    assert!(then.ensemble.cause.unwrap().contains("did not run"));
}

#[test]
fn values_of_a_moment_were_measured_by_then() {
    let page = series(|key, ago| usual(key, ago).map(|_| ago as f32));
    let then = pic(after(400), &fixtures::snapshot(), &kept(page));
    assert_eq!(then.servers[0].connections, Some(0), "the second that had ended");
    for (at, ago) in [(before(s(5)), 5), (before(s(5) - 400), 5), (before(s(5) + 1), 6)] {
        let page = series(|key, ago| usual(key, ago).map(|_| ago as f32));
        let then = picture(at, &fixtures::snapshot(), &kept(page), NOW);
        assert_eq!(then.servers[0].connections, Some(ago), "{at:?}");
    }
    let mut minutes = series(usual);
    (minutes.step, minutes.from) = (Millis(60_000), Timestamp(AT.0 - AT.0 % 60_000));
    minutes.lines.iter_mut().for_each(|line| line.points.truncate(1));
    let then = pic(AT, &fixtures::snapshot(), &kept(minutes));
    assert_eq!((then.past.unwrap().fineness, then.servers[0].connections), (Some(Millis(60_000)), Some(7)));
}

#[test]
fn a_server_that_did_not_serve_without_an_incident_was_starting() {
    let page = series(|key, ago| match (key.name, key.node.as_ref().map(NodeId::as_str)) {
        (SeriesName::Up, Some("zk1")) => Some(0.0),
        _ => usual(key, ago),
    });
    let then = pic(AT, &fixtures::snapshot(), &kept(page.clone()));
    assert_eq!((state(&then, "zk1"), then.ensemble.state), (ServerState::Starting, EnsembleState::Starting));
    // One that has just come back did not serve when it was measured.
    let what = IncidentWhat::Server { node: node_id("zk1"), state: ServerState::Down };
    let incidents = vec![incident(1, what, before(s(20)), Some(before(300)))];
    let history = HistoryThen { incidents, ..HistoryThen::default() };
    let then = pic(AT, &fixtures::snapshot(), &KeptThen { history, ..kept(page) });
    assert_eq!(state(&then, "zk1"), ServerState::Up);
}

#[test]
fn what_was_under_way_is_seen_as_it_stood() {
    let mut moving = row(5, OperationKind::Migration, before(s(2)), Some(after(s(1))));
    let step = |name: &str, at| OperationStep { name: name.into(), at, took: Millis(1) };
    moving.steps = vec![step("copy", before(s(1))), step("commit", after(1))];
    let mut run = row(4, OperationKind::Scheduler, before(s(9)), Some(after(s(9))));
    let of_run = Run::new(run.id, run.started, "timer", Decision::Ran);
    run.run = Some(Run { moves_planned: 8, moves_done: 8, threshold: 5, ..of_run });
    let ended = row(3, OperationKind::Upload, before(s(40)), Some(before(s(39))));
    let history = HistoryThen {
        newest: vec![moving.clone(), run.clone(), ended],
        total: 12,
        under_way: vec![moving, run.clone()],
        runs: vec![run],
        run_moves: MovesEnded { done: 3, failed: 1, skipped: 0 },
        ..HistoryThen::default()
    };
    let then = with(history);
    let [one] = &then.moves[..] else { panic!("{:?}", then.moves) };
    assert_eq!(
        (one.status, one.src.as_str(), one.dst.as_str()),
        (crate::domain::migration::Status::Copied, "zk1", "zk3")
    );
    let running = then.scheduler.running.as_ref().unwrap();
    assert_eq!((running.moves_planned, running.moves_done, running.moves_failed), (8, 3, 1));
    assert!(then.scheduler.last_run.is_none(), "it had not ended");
    let statuses: Vec<_> = then.operations.iter().map(|row| row.status).collect();
    assert_eq!(statuses, [OperationStatus::Started, OperationStatus::Started, OperationStatus::Done]);
    assert_eq!((then.operations_total, then.nodes[0].in_flight_out, then.nodes[2].in_flight_in), (12, 1, 1));
}

#[test]
fn a_drain_holds_until_it_is_lifted() {
    let drain =
        Operation { source: Some(node_id("zk1")), target: None, ..row(1, OperationKind::Drain, before(s(30)), None) };
    let lift = |at, ended| Operation {
        source: None,
        target: Some(node_id("zk1")),
        ..row(2, OperationKind::Undrain, at, ended)
    };
    let condition = |drains: Vec<Operation>| {
        let history = HistoryThen { drains, ..HistoryThen::default() };
        let drain_began = BTreeMap::from([(node_id("zk1"), 34)]);
        let then = pic(AT, &fixtures::snapshot(), &KeptThen { history, drain_began, ..kept(series(usual)) });
        let node = then.node(&node_id("zk1")).unwrap();
        (node.condition, node.drain.as_ref().map(|drain| (drain.files_at_start, drain.files_left)))
    };
    let draining = (NodeCondition::Draining, Some((34, 10)));
    let active = (NodeCondition::Active, None);
    assert_eq!(condition(vec![drain.clone()]), draining);
    assert_eq!(condition(vec![lift(after(1), Some(after(2))), drain.clone()]), draining, "lifted later");
    assert_eq!(condition(vec![lift(before(2), Some(before(1))), drain.clone()]), active);
    assert_eq!(condition(vec![lift(before(2), Some(after(1))), drain.clone()]), draining, "being lifted");
    assert_eq!(condition(vec![Operation { started: after(1), ..drain.clone() }]), active);
    let failed = Operation { status: OperationStatus::Failed, finished: Some(before(1)), ..drain };
    assert_eq!(condition(vec![failed]), active);
}

#[test]
fn what_was_changed_since_is_not_told_of_then() {
    let then = with(HistoryThen { weights_changed: true, ..HistoryThen::default() });
    assert!(!then.past.as_ref().unwrap().knows(PastPart::Weights));
    assert_eq!((then.scheduler.max_difference, then.nodes[0].target), (None, None));
    let full = IncidentWhat::Alert { code: AlertCode::NodeFull, short: "zk2 full".into() };
    let incidents = vec![incident(1, full, before(s(5)), None)];
    let then = with(HistoryThen { incidents, ..HistoryThen::default() });
    assert_eq!((then.alerts[0].short.as_str(), then.nodes[0].condition), ("zk2 full", NodeCondition::Unknown));
    let paused = row(1, OperationKind::SchedulerPause, before(s(9)), Some(before(s(8))));
    let then = with(HistoryThen { switch: Some(paused), ..HistoryThen::default() });
    assert!(then.scheduler.paused && then.past.unwrap().knows(PastPart::Switch));
}

#[test]
fn a_session_that_was_lost_is_told() {
    let lost = IncidentWhat::Session { state: SessionState::Disconnected };
    let of = |ended| {
        let incidents = vec![incident(1, lost.clone(), before(s(5)), ended)];
        with(HistoryThen { incidents, ..HistoryThen::default() }).session
    };
    assert_eq!((of(None).state, of(None).since), (SessionState::Disconnected, before(s(5))));
    assert_eq!((of(Some(AT)).state, of(Some(AT)).since), (SessionState::Connected, AT));
}

#[test]
fn incidents_that_are_not_written_yet_are_known() {
    let mut history = HistoryThen { incidents: vec![frozen(before(s(30)), None)], ..HistoryThen::default() };
    let of_another = Incident { id: IncidentId::new(9), instance: "b:2".into(), ..frozen(before(s(29)), None) };
    let later = Incident { id: IncidentId::new(8), ..frozen(after(1), None) };
    let new = Incident { id: IncidentId::new(7), ..frozen(before(s(1)), None) };
    let ended = frozen(before(s(30)), Some(before(s(10))));
    history.update(&[of_another, later, new, ended].map(Arc::new), AT);
    let told: Vec<_> = history.incidents.iter().map(|one| (one.id.bits(), one.ended)).collect();
    assert_eq!(told, [(7, None), (1, Some(before(s(10))))]);
}

#[test]
fn moments_are_typed_as_in_filters_and_as_a_day_with_a_time() {
    // Half past five ahead of UTC.
    let clock = TypedClock { now: NOW, ahead: &|_| 19_800_000 };
    let read = |text: &str| typed(&text.split(' ').collect::<Vec<_>>(), clock);
    let at = |text: &str| read(text).map(crate::domain::log::instant).unwrap_or_else(|why| why.to_string());
    for (text, meant) in [
        ("-5m", "2026-11-23T13:57:11.000Z"),
        ("5m", "2026-11-23T13:57:11.000Z"),
        ("19:32:11", "2026-11-23T14:02:11.000Z"),
        ("19:33", "2026-11-22T14:03:00.000Z"),
        ("yesterday 19:33", "2026-11-22T14:03:00.000Z"),
        ("today 00:10", "2026-11-22T18:40:00.000Z"),
        ("2026-11-20 10:12:21", "2026-11-20T04:42:21.000Z"),
        ("2026-11-20T10:12:21Z", "2026-11-20T10:12:21.000Z"),
        ("now", "2026-11-23T14:02:11.000Z"),
    ] {
        assert_eq!(at(text), meant, "{text}");
    }
    for (text, word) in [
        ("soon", "soon"),
        ("--5m", "--5m"),
        ("-10:12", "-10:12"),
        ("yesterday soon", "soon"),
        ("10:12 10:13", "10:12"),
        ("10:12 4x 5", "5"),
        ("mon 10:12", "mon"),
        ("2026-13-01 10:12", "2026-13-01"),
    ] {
        assert!(at(text).starts_with(&format!("{word:?} is no moment")), "{text}: {}", at(text));
    }
}

/// The same question goes to another process's engine.
#[test]
fn a_picture_goes_to_another_process_whole() {
    let then = with(HistoryThen { incidents: vec![frozen(before(s(9)), None)], ..HistoryThen::default() });
    let text = serde_json::to_string(&PictureThen::Kept(Box::new(then.clone()))).unwrap();
    let PictureThen::Kept(read) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
    assert_eq!((read.past.as_ref(), read.file_count()), (then.past.as_ref(), 60));
    assert_eq!(serde_json::to_string(&*read).unwrap(), serde_json::to_string(&then).unwrap());
}

/// As the console showed them then.
#[test]
fn counts_of_before_stay_while_the_records_are_not_complete() {
    let gone = |key: &SeriesKey, ago: u64| {
        usual(key, ago).filter(|_| !matches!(key.name, SeriesName::Files | SeriesName::Bytes) || ago > 20)
    };
    let page = |value: &dyn Fn(&SeriesKey, u64) -> Option<f32>| {
        let mut page = series(value);
        let marks = count_marks(&fixtures::snapshot()).unwrap();
        page.lines = marks.iter().map(|mark| page.line(mark).unwrap().clone()).collect();
        page
    };
    let last = last_counted(&page(&gone), AT);
    assert_eq!(last, Some(before(s(21))));
    assert_eq!(last_counted(&page(&usual), after(400)), Some(AT), "the second that had ended");
    // Somebody began to look after that: nothing of before was known to him.
    let unseen = |key: &SeriesKey, ago: u64| gone(key, ago).filter(|_| !(10..16).contains(&ago));
    assert_eq!(last_counted(&page(&unseen), AT), None);
    let mut counts = series(usual);
    counts.from = before(s(21 + 62));
    let kept_of = |counted_before| KeptThen { counted_before, ..kept(series(gone)) };
    let then = pic(AT, &fixtures::snapshot(), &kept_of(last.map(|last| (last, vec![counts]))));
    assert_eq!((then.files_complete, then.files_read, then.file_count()), (false, Some(before(s(21))), 60));
    assert!(then.past.unwrap().knows(PastPart::Counts) && then.scheduler.max_difference.is_none());
    let then = pic(AT, &fixtures::snapshot(), &kept_of(None));
    assert_eq!((then.files_complete, then.files_read), (false, None));
    assert!(!then.past.unwrap().knows(PastPart::Counts));
}

#[test]
fn a_server_that_was_being_started_is_not_stopped() {
    let what = IncidentWhat::Server { node: node_id("zk2"), state: ServerState::Stopped };
    let incidents = vec![incident(1, what, before(s(60)), Some(after(s(5))))];
    let start = |began, ended| Operation { target: Some(node_id("zk2")), ..row(1, OperationKind::Start, began, ended) };
    let state_of = |under_way| {
        let then = with(HistoryThen { incidents: incidents.clone(), under_way, ..HistoryThen::default() });
        state(&then, "zk2")
    };
    assert_eq!(state_of(vec![]), ServerState::Stopped);
    assert_eq!(state_of(vec![start(before(s(2)), Some(after(s(4))))]), ServerState::Starting);
    assert_eq!(state_of(vec![start(after(1), None)]), ServerState::Stopped);
}

#[test]
fn an_election_that_has_just_ended_tells_who_leads_before_the_next_second_does() {
    let none =
        |key: &SeriesKey, ago| usual(key, ago).map(|value| if key.name == SeriesName::Leads { 0.0 } else { value });
    let of = |ended| {
        let incidents = vec![election("zk2", 9, before(s(20)), ended)];
        let history = HistoryThen { incidents, ..HistoryThen::default() };
        pic(AT, &fixtures::snapshot(), &KeptThen { history, ..kept(series(none)) }).ensemble
    };
    assert_eq!((of(before(200)).leader, of(before(200)).epoch), (Some(node_id("zk2")), Some(9)));
    assert_eq!(of(before(s(9))).leader, None, "it led no more");
    let then = pic(
        AT,
        &fixtures::snapshot(),
        &KeptThen {
            history: HistoryThen {
                incidents: vec![election("zk2", 9, before(s(2)), after(s(2)))],
                ..HistoryThen::default()
            },
            ..kept(series(none))
        },
    );
    assert_eq!(then.servers[0].role, Some(Role::Follower), "it holds on to the leader that is silent");
}
