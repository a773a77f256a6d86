use std::sync::Arc;

use super::*;
use crate::domain::alert::{Alert, AlertCode};
use crate::domain::ensemble::EnsembleState;
use crate::domain::fixtures::{self, NOW, node_id};
use crate::domain::health::{ANSWER_WITHIN, FAILURES_TO_DOWN, RULES, START_LIMIT};
use crate::domain::ids::{Bytes, FileId, IncidentId, Millis, Timestamp};
use crate::domain::incident::{Incident, IncidentWhat};
use crate::domain::node::{DrainView, NodeCondition, SICK_AFTER};
use crate::domain::operation::{OperationKind, OperationStatus};
use crate::domain::past::{PastPart, PastView};
use crate::domain::planner::MASS_FAILURE_OF;
use crate::domain::scheduler::Decision;
use crate::domain::server::{HealthRule, HostState, HostView, ServerState, ServerView, Verdict};
use crate::domain::setting::{Origin, Setting};
use crate::domain::snapshot::{ControlView, Damage, HISTORY_QUEUE_STOP, LocalView, SessionState, Snapshot};

fn with_server(change: impl Fn(&mut ServerView)) -> Snapshot {
    let mut snapshot = fixtures::snapshot();
    let mut servers = snapshot.servers.to_vec();
    change(&mut servers[0]);
    snapshot.servers = servers.into();
    snapshot
}

fn judged(state: ServerState, cause: Option<&str>, rule: Option<HealthRule>) -> impl Fn(&mut ServerView) {
    let cause = cause.map(str::to_owned);
    move |view| view.verdict = Verdict { state, cause: cause.clone(), rule, since: Timestamp(NOW.0 - 12_000) }
}

fn one(topic: &Topic, snapshot: &Snapshot) -> Explanation {
    let mut all = topic.explained(snapshot);
    assert_eq!(all.len(), 1, "{topic:?}");
    all.remove(0)
}

fn holds(part: Option<&str>, text: &str) {
    assert!(part.is_some_and(|part| part.contains(text)), "{text:?} is not in {part:?}");
}

fn zk1() -> Topic {
    Topic::Server(node_id("zk1"))
}

#[test]
fn every_word_has_a_meaning_and_is_found_by_its_name() {
    let snapshot = fixtures::snapshot();
    let mut words = 0;
    for word in StateWord::all() {
        words += 1;
        let explained = word.explained(&snapshot);
        assert!(!explained.meaning.is_empty() && !explained.of.is_empty() && !explained.word.is_empty(), "{word:?}");
        assert!(
            !explained.meaning.ends_with('.') && explained.measured.as_ref().is_none_or(|m| !m.is_empty()),
            "{word:?}"
        );
        if explained.word != "-" {
            let named = Topic::named(&explained.word, &snapshot).unwrap_or_else(|why| panic!("{word:?}: {why}"));
            assert!(named.iter().any(|topic| matches!(topic, Topic::Word(own) if *own == word)), "{word:?}");
        }
    }
    assert!(words > 120, "{words}");
}

/// All words by what they are said of, as `docs/states.md` has them.
fn page() -> String {
    let snapshot = fixtures::snapshot();
    let mut page = String::new();
    let mut last = String::new();
    for word in StateWord::all() {
        let one = word.explained(&snapshot);
        if one.of != last {
            page += &format!(
                "\n### {}\n\n| word | means | rule | bound | what to do |\n|---|---|---|---|---|\n",
                capital(&one.of)
            );
            last.clone_from(&one.of);
        }
        let part = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
        page += &format!(
            "| {} | {} | {} | {} | {} |\n",
            one.word,
            one.meaning,
            part(one.rule),
            part(one.bound),
            part(one.todo)
        );
    }
    page
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[test]
fn the_page_of_states_is_the_table() {
    let (_, written) = include_str!("../../../docs/states.md").split_once("<!-- states -->\n").expect("the mark");
    let right = page();
    assert!(written == right, "docs/states.md needs this below its mark:\n{right}");
}

#[test]
fn a_rule_that_fired_tells_its_bound_its_value_and_where_it_is_from() {
    for rule in RULES {
        let set = |view: &mut ServerView| {
            judged(ServerState::Degraded, Some("said"), Some(rule.name))(view);
            (view.reply_ms, view.fsync_ms, view.latency_ms) = (Some(701.0), Some(702.0), Some(703.0));
            (view.outstanding, view.behind) = (Some(704), Some(7_005));
            (view.fd_open, view.fd_max, view.heap_used, view.heap_max) = (Some(96), Some(100), Some(97), Some(100));
        };
        let snapshot = with_server(set);
        let view = &snapshot.servers[0];
        let explained = one(&zk1(), &snapshot);
        assert_eq!(explained.bound, Some(rule.limit()), "{}", rule.name.word());
        assert_eq!(explained.measured, rule.measured(view), "{}", rule.name.word());
        assert_eq!(explained.todo.as_deref(), Some(rule.todo));
        assert_eq!(explained.since, Some(view.verdict.since));
        assert!(rule.limit().contains(&rule.unit.value(rule.bound)), "{}", rule.limit());
        let finding = rule.check(view).expect("over its bound");
        assert!(finding.contains(&explained.measured.expect("measured")), "{finding}");
        let source = explained.source.expect("a source");
        assert!(source.contains(&view.address) || source.contains("http://127.0.0.1:7001/metrics"), "{source}");
    }
}

#[test]
fn bounds_are_those_of_the_constants() {
    let snapshot = fixtures::snapshot();
    let bound = |word: StateWord| word.explained(&snapshot).bound.unwrap_or_default();
    for (word, part) in [
        (StateWord::Server(ServerState::Frozen), ANSWER_WITHIN.to_string()),
        (StateWord::Server(ServerState::Frozen), format!("{FAILURES_TO_DOWN} looks")),
        (StateWord::Server(ServerState::Starting), START_LIMIT.to_string()),
        (StateWord::Ensemble(EnsembleState::Starting), START_LIMIT.to_string()),
        (StateWord::Ensemble(EnsembleState::NoQuorum), "2 of 3".to_owned()),
        (StateWord::Node(NodeCondition::Unhealthy), format!("{SICK_AFTER} failed")),
        (StateWord::Node(NodeCondition::Full), snapshot.scheduler.reserve.to_string()),
        (StateWord::Decision(Decision::BelowTrigger), format!("below {}", snapshot.scheduler.trigger)),
        (StateWord::Decision(Decision::Balanced), format!("at most {}", snapshot.scheduler.settle)),
        (StateWord::Decision(Decision::CoolDown), snapshot.scheduler.cool_down.to_string()),
        (StateWord::Decision(Decision::MassFailure), format!("one of every {MASS_FAILURE_OF}")),
        (StateWord::Decision(Decision::HistoryBehind), crate::domain::number::grouped(HISTORY_QUEUE_STOP as u64)),
    ] {
        assert!(bound(word).contains(&part), "{word:?}: {:?} lacks {part:?}", bound(word));
    }
    let mut other = snapshot.clone();
    (other.scheduler.trigger, other.scheduler.reserve) = (77, Bytes(9 << 30));
    let told = |word: StateWord| word.explained(&other).bound;
    holds(told(StateWord::Decision(Decision::BelowTrigger)).as_deref(), "77");
    holds(told(StateWord::Node(NodeCondition::Full)).as_deref(), "9 GiB");
}

#[test]
fn a_server_that_is_paused_names_its_host_and_the_command_that_resumes_it() {
    let host = HostView { state: HostState::Paused, name: "process 20411".into(), detail: None, container: None };
    let mut snapshot = with_server(|view| {
        judged(ServerState::Paused, Some("process 20411 is paused"), Some(HealthRule::Host))(view);
        view.host = Some(host.clone());
    });
    let explained = one(&zk1(), &snapshot);
    assert_eq!((explained.word.as_str(), explained.measured.as_deref()), ("paused", Some("process 20411 is paused")));
    assert_eq!(explained.source.as_deref(), Some("the process table: process 20411 paused"));
    assert!(explained.remedy.is_some());
    snapshot.control = ControlView::Off("no socket".into());
    let explained = one(&zk1(), &snapshot);
    holds(explained.todo.as_deref(), "no socket");
    assert_eq!(explained.remedy, None);
}

#[test]
fn a_good_server_is_told_by_its_role_and_what_is_not_known_is_left_out() {
    let snapshot = with_server(|view| (view.reply_ms, view.host) = (None, None));
    let explained = one(&zk1(), &snapshot);
    assert_eq!((explained.word.as_str(), explained.measured.as_deref()), ("follower", None));
    holds(explained.source.as_deref(), "srvr at 127.0.0.1:2181");
    let silent = with_server(|view| {
        judged(ServerState::Frozen, Some("no reply"), Some(HealthRule::Probe))(view);
        view.seen = Some(Timestamp(NOW.0 - 12_000));
    });
    holds(one(&zk1(), &silent).measured.as_deref(), "its last reply was 12 s before");
    let never = with_server(|view| {
        judged(ServerState::Unknown, None, None)(view);
        (view.seen, view.reply_ms) = (None, None);
    });
    assert_eq!(one(&zk1(), &never).measured, None);
}

#[test]
fn the_ensemble_counts_each_vote() {
    let mut snapshot = with_server(judged(ServerState::Down, Some("refused"), Some(HealthRule::Probe)));
    (snapshot.ensemble.state, snapshot.ensemble.quorum.serving) = (EnsembleState::NoQuorum, 1);
    let explained = one(&Topic::Ensemble, &snapshot);
    assert_eq!(explained.measured.as_deref(), Some("1 of 3 serve: 1 more server needed for a quorum"));
    assert_eq!(explained.todo, Some(snapshot.ensemble.quorum.way_back()));
    assert_eq!(explained.facts[0].value, "down, follower: does not count");
    assert_eq!(explained.facts[1].value, "up, follower: counts");
    assert_eq!(explained.since, Some(snapshot.ensemble.since));
}

#[test]
fn a_word_that_holds_now_is_explained_of_who_it_holds_for() {
    let snapshot = with_server(judged(ServerState::Paused, Some("paused"), Some(HealthRule::Host)));
    let of = |text: &str| -> Vec<String> {
        let topics = Topic::named(text, &snapshot).expect("known");
        topics.iter().flat_map(|topic| topic.explained(&snapshot)).map(|one| one.of).collect()
    };
    assert!(of("PAUSED").contains(&"server zk1".to_owned()), "{:?}", of("PAUSED"));
    assert_eq!(of("NO_QUORUM")[0], "the ensemble");
    assert_eq!(of("zk1"), ["server zk1", "node zk1"]);
    assert_eq!(of("ZK1 "), ["server zk1", "node zk1"]);
    assert_eq!(of("Drain zk1"), ["node zk1"]);
    assert_eq!(of("server zk2"), ["server zk2"]);
    assert_eq!(of("report-0400.bin"), ["file report-0400.bin"]);
    assert_eq!(of(""), ["the ensemble", "this zkdeck", "the scheduler"]);
    let healthy = Topic::named("healthy", &snapshot).expect("known")[0].explained(&snapshot);
    assert!(healthy[0].measured.is_some(), "it is so now");
    let not_now = Topic::named("at risk", &snapshot).expect("known")[0].explained(&snapshot);
    assert_eq!((not_now[0].measured.as_ref(), not_now[0].since), (None, None), "it is not so now");
    assert!(Topic::named("no such thing", &snapshot).is_err());
}

#[test]
fn names_are_offered_once_with_what_they_are_of() {
    let names = Topic::names(&fixtures::snapshot());
    for (at, (name, _)) in names.iter().enumerate() {
        assert!(names[at + 1..].iter().all(|(other, _)| other != name), "{name} twice");
        assert!(Topic::named(name, &fixtures::snapshot()).is_ok(), "{name}");
    }
    let paused = names.iter().find(|(name, _)| name == "paused").expect("there");
    assert!(paused.1.contains("a server") && paused.1.contains("a node"), "{paused:?}");
}

#[test]
fn a_setting_tells_where_it_comes_from_and_what_it_may_be() {
    let mut snapshot = fixtures::snapshot();
    let topics = Topic::named("scheduler.threshold", &snapshot).expect("known");
    let explained = one(&topics[0], &snapshot);
    let shown = snapshot.settings.iter().find(|view| view.setting == Some(Setting::Threshold)).expect("there");
    assert_eq!((explained.measured.as_ref(), explained.source), (Some(&shown.shown()), Some(shown.origin.to_string())));
    assert_eq!(explained.bound, Some(Setting::Threshold.takes()));
    assert!(Topic::named("scheduler.reserve", &snapshot).is_ok(), "without its unit");
    let mut settings = snapshot.settings.to_vec();
    let own = settings.iter_mut().find(|view| view.setting == Some(Setting::Threshold)).expect("there");
    let why = Some("load test".to_owned());
    own.origin = Origin::Ensemble { by: "console root".into(), at: Timestamp(NOW.0 - 9_000), why };
    snapshot.settings = settings.into();
    let explained = one(&topics[0], &snapshot);
    assert_eq!(
        (explained.since, explained.source.as_deref()),
        (Some(Timestamp(NOW.0 - 9_000)), Some("set by console root"))
    );
    assert!(explained.facts.iter().any(|fact| fact.value == "load test"));
    let facts = one(&Topic::Scheduler, &snapshot).facts;
    assert!(
        facts.iter().any(|fact| fact.name == "threshold" && fact.value.contains("set by console root")),
        "{facts:?}"
    );
}

#[test]
fn of_a_past_moment_only_what_was_kept_is_told() {
    let mut snapshot = with_server(judged(ServerState::Paused, Some("paused"), None));
    snapshot.past = Some(PastView { made: NOW, fineness: Some(Millis(10_000)), unknown: vec![PastPart::Switch] });
    (snapshot.scheduler.settle, snapshot.scheduler.trigger) = (0, 0);
    let server = one(&zk1(), &snapshot);
    holds(server.source.as_deref(), "the mean of 10 s");
    assert_eq!((server.todo, server.remedy, server.measured.as_deref()), (None, None, Some("paused")));
    let scheduler = one(&Topic::Scheduler, &snapshot);
    assert_eq!((scheduler.word.as_str(), scheduler.bound), ("-", None));
    assert!(Topic::Instance.explained(&snapshot).is_empty());
    snapshot.settings = Arc::from([]);
    holds(Topic::named("scheduler.threshold", &snapshot).err().as_deref(), "were not kept");
    assert_eq!(one(&Topic::Node(node_id("zk2")), &snapshot).bound, None, "the reserve of then is not known");
    assert_eq!(StateWord::Decision(Decision::Balanced).explained(&snapshot).bound, None);
}

#[test]
fn what_was_so_at_the_first_look_may_be_older() {
    let told = |started: u64, local: Option<LocalView>| {
        let mut snapshot = with_server(judged(ServerState::Down, Some("refused"), Some(HealthRule::Probe)));
        snapshot.instance.started = Timestamp(NOW.0 - started);
        snapshot.instance.local = local;
        one(&zk1(), &snapshot).facts.iter().any(|fact| fact.name == "before that")
    };
    assert!(told(13_000, None), "it was down at the first look");
    assert!(!told(60_000, None), "it was seen to go down");
    assert!(!told(13_000, Some(LocalView::Owner)), "its servers were started with it");
}

#[test]
fn a_drain_tells_how_far_it_is_and_why_it_stands_still() {
    let mut snapshot = fixtures::snapshot();
    let mut nodes = snapshot.nodes.to_vec();
    nodes[0].condition = NodeCondition::Draining;
    let since = Timestamp(NOW.0 - 4_000);
    let drain = DrainView {
        since,
        files_at_start: 34,
        files_left: 13,
        files_per_s: Some(9.8),
        left_ms: Some(1_300),
        stalled: None,
    };
    nodes[0].drain = Some(drain.clone());
    snapshot.nodes = nodes.clone().into();
    let of = Topic::Node(node_id("zk1"));
    let explained = one(&of, &snapshot);
    assert_eq!(explained.measured.as_deref(), Some("13 of 34 files left, 9.8 files/s, 1.3 s to go"));
    assert_eq!(explained.since, Some(since));
    nodes[0].drain = Some(DrainView { stalled: Some("the scheduler is paused".into()), ..drain.clone() });
    snapshot.nodes = nodes.clone().into();
    holds(one(&of, &snapshot).todo.as_deref(), "the scheduler is paused");
    nodes[0].drain = Some(DrainView { files_left: 0, ..drain });
    snapshot.nodes = nodes.into();
    assert_eq!(one(&of, &snapshot).word, "drained");
}

#[test]
fn a_file_tells_what_is_wrong_and_why_it_stays() {
    let mut snapshot = fixtures::snapshot();
    let of = Topic::File(FileId::new(400));
    let stays = |snapshot: &Snapshot| one(&of, snapshot).facts.into_iter().find(|fact| fact.name == "stays, since");
    assert_eq!(one(&of, &snapshot).word, "stored");
    holds(stays(&snapshot).as_ref().map(|fact| fact.value.as_str()), "the spread is 1, and files move from 5 on");
    snapshot.scheduler.paused = true;
    holds(stays(&snapshot).as_ref().map(|fact| fact.value.as_str()), "paused");
    let damage =
        Damage { file: FileId::new(400), blob: crate::domain::ids::AttemptId::new(400), cause: "hash differs".into() };
    snapshot.damaged = [damage].into();
    let explained = one(&of, &snapshot);
    assert_eq!((explained.word.as_str(), explained.measured.as_deref()), ("damaged", Some("hash differs")));
    assert_eq!(one(&Topic::File(FileId::new(1)), &snapshot).word, "gone");
}

#[test]
fn an_operation_tells_its_cause_and_an_incident_what_it_was() {
    let snapshot = fixtures::snapshot();
    let mut row = fixtures::operation(9, OperationKind::Upload, OperationStatus::Failed);
    (row.cause, row.why) = (Some(crate::domain::cause::Cause::NoRoom), Some("disk of zk2 is full".into()));
    let explained = one(&Topic::Operation(Box::new(row)), &snapshot);
    assert_eq!((explained.word.as_str(), explained.measured.as_deref()), ("failed", Some("disk of zk2 is full")));
    holds(explained.rule.as_deref(), "no-room");
    assert!(explained.facts.iter().any(|fact| fact.value == "nothing is stored"), "{explained:?}");
    let moved = one(
        &Topic::Operation(Box::new(fixtures::operation(414, OperationKind::Migration, OperationStatus::Done))),
        &snapshot,
    );
    holds(Some(&moved.facts[0].value), "over-trigger");
    let what = IncidentWhat::Server { node: node_id("zk2"), state: ServerState::Frozen };
    let incident = Incident {
        id: IncidentId::new(1),
        what,
        began: Timestamp(NOW.0 - 28_000),
        ended: Some(NOW),
        cause: Some("no reply".into()),
        begun_by: None,
        ended_by: Some("resume zk2, console root".into()),
        instance: "host-a:1".into(),
    };
    let explained = one(&Topic::Incident(Box::new(incident)), &snapshot);
    assert_eq!((explained.word.as_str(), explained.measured.as_deref()), ("zk2 frozen", Some("no reply")));
    assert_eq!(explained.facts[0].value, "it is over, after 28 s");
}

#[test]
fn an_alert_is_told_by_its_own_sentence_and_the_session_by_its_cause() {
    let mut snapshot = fixtures::snapshot();
    assert!(Topic::Alerts.explained(&snapshot).is_empty());
    snapshot.alerts = [Alert { code: AlertCode::NodeFull, short: "zk2 full".into(), text: "make room".into() }].into();
    let alert = one(&Topic::Alerts, &snapshot);
    assert_eq!((alert.word.as_str(), alert.measured.as_deref()), ("zk2 full", Some("make room")));
    holds(alert.bound.as_deref(), &snapshot.scheduler.reserve.to_string());
    (snapshot.session.state, snapshot.session.cause) = (SessionState::Disconnected, Some("refused".into()));
    let instance = one(&Topic::Instance, &snapshot);
    assert_eq!((instance.word.as_str(), instance.measured.as_deref()), ("no session", Some("refused")));
    assert_eq!(instance.since, Some(snapshot.session.since));
}

#[test]
fn a_run_is_told_by_the_threshold_of_its_time() {
    let snapshot = fixtures::snapshot();
    let run = crate::domain::scheduler::Run {
        threshold: 9,
        max_difference: 7,
        took: Millis(300),
        ..crate::domain::scheduler::Run::new(
            crate::domain::ids::OperationId::new(1),
            NOW,
            "timer",
            Decision::BelowTrigger,
        )
    };
    let explained = one(&Topic::Run(Box::new(run)), &snapshot);
    holds(explained.bound.as_deref(), "below 9");
    assert_eq!(explained.measured.as_deref(), Some("spread 7"));
    let mut paused = snapshot;
    paused.scheduler.paused = true;
    paused.incidents = Arc::from([]);
    assert!(one(&Topic::Scheduler, &paused).remedy.is_some());
}
