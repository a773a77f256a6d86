//! Ready means that commands are taken, and what is refused says why.

use super::*;

/// Servers whose processes have ended.
pub(super) fn gone(nodes: &[&str]) -> Vec<Event> {
    let host = HostView { state: HostState::Stopped, ..crate::domain::fixtures::host("process 1") };
    vec![Event::Hosts(nodes.iter().map(|node| (node_id(node), Some(host.clone()))).collect())]
}

/// The session may not know of it yet. It is an outage, and no fault of who asks.
#[test]
fn without_a_quorum_every_change_is_refused_as_unavailable() {
    let mut state = state([9, 1, 1]);
    gone(&["zk1", "zk2"]).into_iter().for_each(|event| state.apply(event, NOW));
    let (node, file) = (node_id("zk3"), FileId::new(0));
    let commands = [
        Command::Migrate { file, target: node.clone() },
        Command::Delete { file },
        Command::Drain { node: node.clone() },
        Command::SetWeight { node: node.clone(), weight: 5 },
        Command::PauseScheduler,
        Command::RunScheduler,
        Command::Stress(Stress { node: node.clone(), files: 1, size: Bytes(1), trigger_scheduler: false }),
    ];
    let mut refused: Vec<_> = commands.iter().map(|command| state.check(command).unwrap_err()).collect();
    refused.extend([None, Some(&node)].map(|node| state.check_upload("a", node, None).unwrap_err()));
    for rejected in refused {
        assert_eq!(rejected.code(), "not-ready", "{rejected}");
        assert!(rejected.to_string().contains("quorum"), "{rejected}");
    }
    assert!(state.check_download(file).is_ok(), "what was read is there");
}

/// Ready means that commands are taken: the two are judged by the same checks, whatever is missing.
#[test]
fn ready_is_what_commands_find() {
    let upload = |state: &State| state.check_upload("a", None, None).map(drop);
    let stress = |state: &State| {
        let tries = NODES.map(|node| {
            let stress = Stress { node: node_id(node), files: 1, size: Bytes(1024), trigger_scheduler: false };
            state.check(&Command::Stress(stress)).map(drop)
        });
        tries.into_iter().find(Result::is_ok).unwrap_or(Err(Rejected::ShuttingDown))
    };
    let run = |state: &State| state.check(&Command::RunScheduler).map(drop);
    let lost = Event::Session { state: SessionState::Disconnected, cause: Some("lost".into()) };
    let foreign = Event::Store(StoreView::Foreign { ours: "a".into(), theirs: "b".into() });
    let behind = Event::History(HistoryView {
        path: "h".into(),
        queued: 2_000,
        problem: Some("full".into()),
        lines_problem: None,
    });
    let leaderless = Event::Leadership(LeadershipView::default());
    let slow =
        Event::History(HistoryView { path: "h".into(), queued: 3, problem: Some("busy".into()), lines_problem: None });
    for (what, events, ready) in [
        ("all is well", vec![], true),
        ("history is sick, and its rows wait", vec![slow], true),
        ("no session", vec![lost], false),
        ("another store", vec![foreign], false),
        ("too many rows wait", vec![behind], false),
        ("nobody leads", vec![leaderless], false),
        ("two servers are gone", gone(&["zk1", "zk2"]), false),
        (
            "all nodes drain",
            NODES.map(|n| Event::Node { node: node_id(n), record: draining(1), version: 1 }).into(),
            false,
        ),
    ] {
        let mut state = state([3, 3, 3]);
        events.into_iter().for_each(|event| state.apply(event, NOW));
        let readiness = state.snapshot(NOW).readiness;
        let taken = upload(&state).is_ok() && stress(&state).is_ok() && run(&state).is_ok();
        assert_eq!((readiness == Readiness::Ready, taken), (ready, ready), "{what}: {readiness:?}");
    }
}

#[test]
fn who_has_just_started_is_starting_and_who_was_ready_is_not() {
    let mut instance = snapshot().instance;
    instance.started = NOW;
    let mut state = State::new(settings(), instance, NOW);
    assert_eq!(state.snapshot(NOW).readiness.word(), "starting");
    assert_eq!(state.snapshot(NOW.plus(Millis(60_000))).readiness.word(), "not-ready", "not for ever");
    state.apply(Event::Store(StoreView::Foreign { ours: "a".into(), theirs: "b".into() }), NOW);
    assert_eq!(state.snapshot(NOW).readiness.word(), "not-ready", "it will not pass by waiting");
    let mut state = self::state([1, 1, 1]);
    assert_eq!(state.snapshot(NOW).readiness, Readiness::Ready);
    state.apply(Event::Session { state: SessionState::Disconnected, cause: None }, NOW);
    assert_eq!(state.snapshot(NOW).readiness.word(), "not-ready");
}
