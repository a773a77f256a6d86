//! Begins, ends and causes of incidents.

use std::sync::Arc;

use super::super::testing::{sample, settings, state};
use super::super::*;
use crate::domain::event::Event;
use crate::domain::fixtures::{NOW, node_id, operation, snapshot};
use crate::domain::ids::{IncidentId, Millis, Zxid};
use crate::domain::incident::{Incident, IncidentWhat};
use crate::domain::operation::{OperationKind, OperationStatus};
use crate::domain::server::{HostState, HostView, Metrics, Reach, Role, Sample, ServerState, Srvr};
use crate::domain::snapshot::SessionState;

fn at(second: u64) -> Timestamp {
    NOW.plus(Millis(second * 1000))
}

fn silent(node: &str, now: Timestamp) -> Event {
    Event::Probed(Box::new(Sample { reach: Reach::Silent, srvr: None, ..sample(node, Role::Leader, now) }))
}

fn answers(node: &str, role: Role, epoch: u64, now: Timestamp) -> Event {
    let mut sample = sample(node, role, now);
    sample.srvr.iter_mut().for_each(|srvr| srvr.zxid = Some(Zxid(epoch << 32 | 1)));
    Event::Probed(Box::new(sample))
}

fn server_operation(id: u128, kind: OperationKind, node: &str, started: Timestamp) -> Event {
    let mut operation = operation(id, kind, OperationStatus::Done);
    (operation.started, operation.target, operation.by) = (started, Some(node_id(node)), "console root".into());
    operation.finished = Some(started.plus(Millis(100)));
    Event::Operation(Box::new(operation))
}

/// `(what, begin, end)` in seconds since the start, oldest first.
fn told(state: &mut State) -> Vec<(String, u64, Option<u64>)> {
    let seconds = |time: Timestamp| time.since(NOW).0 / 1000;
    let list = state.snapshot(NOW).incidents;
    list.iter().rev().map(|i| (i.what.to_string(), seconds(i.began), i.ended.map(seconds))).collect()
}

fn newest(state: &mut State, kind: &str) -> Arc<Incident> {
    let list = state.snapshot(NOW).incidents;
    list.iter().find(|incident| incident.what.kind().word() == kind).expect("told").clone()
}

#[test]
fn a_leader_that_is_paused_is_a_verdict_an_election_and_a_server_with_their_causes() {
    let mut state = state([1, 1, 1]);
    let before = told(&mut state).len();
    state.apply(server_operation(9, OperationKind::Pause, "zk3", at(1)), at(1));
    let metrics = |count, sum| Metrics { elections: Some(count), election_sum_ms: Some(sum), ..Metrics::default() };
    let with = |node: &str, role, epoch: u64, count, sum, now| {
        let Event::Probed(mut probed) = answers(node, role, epoch, now) else { unreachable!("it is a probe") };
        probed.metrics = Some(metrics(count, sum));
        Event::Probed(probed)
    };
    state.apply(with("zk2", Role::Follower, 7, 1.0, 300.0, at(1)), at(1));
    for second in 2..5 {
        state.apply(silent("zk3", at(second)), at(second));
    }
    assert_eq!(
        told(&mut state)[before..].iter().map(|(what, ..)| what.as_str()).collect::<Vec<_>>(),
        ["zk3 frozen", "NO LEADER"]
    );
    let host = HostView { state: HostState::Paused, name: "process 7".into(), detail: None, container: None };
    state.apply(Event::Hosts(vec![(node_id("zk3"), Some(host))]), at(6));
    state.apply(with("zk2", Role::Leader, 8, 2.0, 535.0, at(9)), at(9));
    state.apply(Event::Tick, at(10));
    let found = told(&mut state);
    let right = |what: &str, began, ended| (what.to_owned(), began, ended);
    assert!(found.contains(&right("NO LEADER", 4, Some(9))), "{found:?}");
    assert!(found.contains(&right("zk3 paused", 4, None)), "what is known better is the same incident: {found:?}");
    assert!(found.contains(&right("zk2 leads, epoch 8, elected in 235 ms", 4, Some(9))), "{found:?}");
    assert!(found.contains(&right("AT RISK", 9, None)), "{found:?}");
    let notices = state.snapshot(NOW).notices;
    assert!(notices.iter().any(|notice| notice.text == "zk2 leads, epoch 8, elected in 235 ms"), "it is an event");
    assert_eq!(newest(&mut state, "server").begun_by.as_deref(), Some("pause zk3, console root"));
    assert_eq!(newest(&mut state, "election").begun_by.as_deref(), Some("pause zk3, console root"));
    let no_leader = state.snapshot(NOW).incidents.iter().find(|i| i.what.stops_writes()).cloned().expect("told");
    assert_eq!(no_leader.ended_by.as_deref(), Some("zk2 was elected"));
}

#[test]
fn an_election_is_after_what_was_done_to_the_old_leader_and_to_no_other() {
    for (node, by) in [("zk1", None), ("zk3", Some("pause zk3, console root"))] {
        let mut state = state([1, 1, 1]);
        state.apply(server_operation(9, OperationKind::Pause, node, at(1)), at(1));
        (2..5).for_each(|second| state.apply(silent("zk3", at(second)), at(second)));
        state.apply(answers("zk2", Role::Leader, 8, at(9)), at(9));
        let election = newest(&mut state, "election");
        assert_eq!(
            (election.what.node(), election.begun_by.as_deref()),
            (Some(&node_id("zk2")), by),
            "{node} was paused"
        );
    }
}

#[test]
fn a_server_that_goes_from_bad_to_worse_has_an_incident_of_each() {
    let mut state = state([1, 1, 1]);
    let before = told(&mut state).len();
    for second in 1..5 {
        let srvr = Some(Srvr { not_serving: true, ..Srvr::default() });
        let refused = Sample { srvr, ..sample("zk1", Role::Follower, at(second)) };
        state.apply(Event::Probed(Box::new(refused)), at(second));
    }
    for second in 5..9 {
        let reach = Reach::Unreachable("refused".into());
        let dead = Sample { reach, srvr: None, ..sample("zk1", Role::Follower, at(second)) };
        state.apply(Event::Probed(Box::new(dead)), at(second));
    }
    let of_server: Vec<_> =
        told(&mut state)[before..].iter().filter(|(what, ..)| what.starts_with("zk1")).cloned().collect();
    let [(refuses, _, end), (dead, began, None)] = &of_server[..] else { panic!("{of_server:?}") };
    assert_eq!((refuses.as_str(), dead.as_str(), *end), ("zk1 not serving", "zk1 down", Some(*began)));
}

#[test]
fn what_was_over_before_it_began_has_not_ended_it() {
    let mut state = state([1, 1, 1]);
    state.apply(server_operation(9, OperationKind::Resume, "zk1", at(1)), at(1));
    for second in 2..6 {
        let reach = Reach::Unreachable("refused".into());
        let sample = Sample { reach, srvr: None, ..sample("zk1", Role::Follower, at(second)) };
        state.apply(Event::Probed(Box::new(sample)), at(second));
    }
    (6..9).for_each(|second| state.apply(answers("zk1", Role::Follower, 7, at(second)), at(second)));
    for kind in ["server", "ensemble"] {
        let incident = newest(&mut state, kind);
        assert!(incident.ended.is_some() && incident.ended_by.is_none(), "{incident:?}");
    }
}

#[test]
fn who_brought_a_server_back_has_ended_it_and_what_recovers_by_itself_says_nothing() {
    for (acts, by) in [(true, Some("start zk1, console root")), (false, None)] {
        let mut state = state([1, 1, 1]);
        let down = |second| {
            let reach = Reach::Unreachable("refused".into());
            let sample = Sample { reach, srvr: None, ..sample("zk1", Role::Follower, at(second)) };
            Event::Probed(Box::new(sample))
        };
        (1..4).for_each(|second| state.apply(down(second), at(second)));
        assert_eq!(
            newest(&mut state, "server").what,
            IncidentWhat::Server { node: node_id("zk1"), state: ServerState::Down }
        );
        if acts {
            state.apply(server_operation(9, OperationKind::Start, "zk1", at(20)), at(20));
        }
        (21..23).for_each(|second| state.apply(answers("zk1", Role::Follower, 7, at(second)), at(second)));
        let server = newest(&mut state, "server");
        assert_eq!((server.ended, server.ended_by.as_deref()), (Some(at(22)), by));
        let ensemble = newest(&mut state, "ensemble");
        assert_eq!((ensemble.ended, ensemble.ended_by.as_deref()), (Some(at(22)), by));
    }
}

#[test]
fn a_lost_session_an_alert_and_another_leader_are_told_once_each() {
    let mut state = state([1, 1, 1]);
    let before = told(&mut state).len();
    let lost = |state| Event::Session { state, cause: Some("refused".into()) };
    state.apply(lost(SessionState::Disconnected), at(5));
    state.apply(lost(SessionState::Expired), at(8));
    state.apply(lost(SessionState::Expired), at(9));
    state.apply(Event::Session { state: SessionState::Connected, cause: None }, at(12));
    let mut other = snapshot().leadership;
    other.leads = false;
    other
        .leader
        .iter_mut()
        .for_each(|leader| (leader.id, leader.host) = (crate::domain::ids::InstanceId::new(99), "b".into()));
    state.apply(Event::Leadership(other.clone()), at(13));
    state.apply(Event::Leadership(other), at(14));
    let found = told(&mut state)[before..].to_vec();
    let right = [("session expired", 5, Some(12)), ("b:4711 runs the scheduler", 13, Some(13))];
    assert_eq!(found, right.map(|(what, began, ended)| (what.to_owned(), began, ended)));
}

#[test]
fn what_went_on_when_the_last_run_ended_goes_on_or_has_ended_unseen() {
    let old = |id, node: &str| Incident {
        id: IncidentId::new(id),
        what: IncidentWhat::Server { node: node_id(node), state: ServerState::Frozen },
        began: Timestamp(NOW.0 - 60_000),
        ended: None,
        cause: None,
        begun_by: None,
        ended_by: None,
        instance: "before:1".into(),
    };
    let mut state = State::new(settings(), snapshot().instance, NOW);
    state.apply(Event::IncidentsLoaded(vec![old(1, "zk1"), old(2, "zk3")]), NOW);
    state.apply(answers("zk1", Role::Follower, 7, at(1)), at(1));
    state.apply(silent("zk3", at(1)), at(1));
    let list = state.snapshot(NOW).incidents;
    let of = |id| list.iter().find(|incident| incident.id == IncidentId::new(id)).expect("kept").clone();
    assert_eq!((of(1).ended, of(1).ended_by.as_deref()), (Some(at(1)), Some("not seen: zkdeck did not run")));
    assert_eq!((of(2).ended, of(2).cause.is_some()), (None, true));
    (40..42).for_each(|second| state.apply(answers("zk3", Role::Leader, 7, at(second)), at(second)));
    let list = state.snapshot(NOW).incidents;
    let ended = list.iter().find(|incident| incident.id == IncidentId::new(2)).expect("kept").clone();
    assert_eq!((ended.ended, ended.ended_by.clone()), (Some(at(40)), None), "this run has seen it");
}
