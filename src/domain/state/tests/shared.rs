//! What instances tell each other, and what is left of the picture when a session goes.

use super::*;
use crate::domain::ids::AttemptId;
use crate::domain::snapshot::{Damage, ScrubReport, ScrubTrouble, ScrubView};

fn stands_by(state: &mut State) {
    state.apply(Event::Leadership(LeadershipView { leads: false, ..LeadershipView::default() }), NOW);
}

fn report(damaged: &[(FileId, AttemptId)], troubles: &[&str], quarantined: u64) -> Event {
    let damage = |(file, blob): &(FileId, AttemptId)| Damage { file: *file, blob: *blob, cause: "gone".into() };
    let trouble = |node: &&str| ScrubTrouble { node: Some(node_id(node)), cause: format!("{node} cannot be read") };
    Event::ScrubReport(Box::new(ScrubReport {
        v: 1,
        quarantined,
        troubles: troubles.iter().map(trouble).collect(),
        damaged: damaged.iter().map(damage).collect(),
    }))
}

fn first(state: &State) -> (FileId, AttemptId) {
    let entry = state.files().iter().next().unwrap();
    (entry.id, entry.record.blob)
}

#[test]
fn what_the_leader_has_found_every_instance_tells_until_it_is_over() {
    let mut state = state([2, 0, 0]);
    stands_by(&mut state);
    let found = first(&state);
    state.apply(report(&[found], &["zk2"], 3), NOW);
    assert_eq!(codes(&state.snapshot(NOW)), ["damaged", "node-folder", "quarantine"]);
    let refused = state.check(&Command::Migrate { file: found.0, target: node_id("zk2") }).unwrap_err().to_string();
    assert!(refused.contains("gone"), "{refused}");
    state.apply(report(&[], &[], 0), NOW);
    assert_eq!(codes(&state.snapshot(NOW)), Vec::<&str>::new(), "what is told no more is over");
    // The record names other bytes by now: the leader's word is of before.
    state.apply(report(&[(found.0, AttemptId::new(99))], &[], 0), NOW);
    assert_eq!(codes(&state.snapshot(NOW)), Vec::<&str>::new());
}

#[test]
fn what_an_instance_found_itself_stays_and_the_leader_hears_no_echo() {
    let mut state = state([2, 0, 0]);
    let (file, blob) = first(&state);
    state.apply(Event::BytesChecked { file, blob, problem: Some("its own look".into()) }, NOW);
    state.apply(Event::Scrub(ScrubView { quarantined: 2, ..ScrubView::default() }), NOW);
    state.apply(report(&[], &[], 0), NOW);
    assert_eq!(codes(&state.snapshot(NOW)), ["damaged", "quarantine"], "its own report is no news to the leader");
    stands_by(&mut state);
    state.apply(report(&[], &[], 0), NOW);
    assert_eq!(codes(&state.snapshot(NOW)), ["damaged"], "nobody has reported what it found itself");
}

#[test]
fn the_leader_takes_in_what_another_instance_has_found() {
    let mut state = state([2, 0, 0]);
    let found = first(&state);
    state.apply(report(&[found], &[], 0), NOW);
    assert_eq!(codes(&state.snapshot(NOW)), ["damaged"]);
    // It looks for itself; its own echo does not last.
    state.apply(Event::BytesChecked { file: found.0, blob: found.1, problem: None }, NOW);
    assert_eq!(codes(&state.snapshot(NOW)), Vec::<&str>::new());
}

#[test]
fn runs_of_an_earlier_ensemble_are_not_this_ones() {
    let mut state = state([2, 0, 0]);
    let run = |id, store: Option<&str>| {
        let run =
            Run { store: store.map(str::to_owned), ..Run::new(OperationId::new(id), NOW, "timer", Decision::Ran) };
        let row = operation(id, OperationKind::Scheduler, OperationStatus::Done);
        Operation { run: Some(run), ..row }
    };
    let newest = vec![run(3, Some("old")), run(2, Some("new")), run(1, None)];
    state.apply(Event::Store(StoreView::Unknown), NOW);
    state.apply(Event::HistoryLoaded { newest, total: 3 }, NOW);
    state.apply(Event::Store(StoreView::Ours { id: "new".into() }), NOW);
    let scheduler = state.snapshot(NOW).scheduler;
    let ids: Vec<_> = scheduler.recent.iter().map(|run| run.id.bits()).collect();
    assert!(!ids.contains(&3) && ids.len() == 2, "{ids:?}");
    assert_eq!(scheduler.last_run.map(|run| run.id), scheduler.recent.first().map(|run| run.id));
}

#[test]
fn a_plan_in_a_folder_that_is_only_watched_is_refused_for_that() {
    let mut state = State::new(settings(), snapshot().instance, NOW);
    state.apply(Event::Session { state: SessionState::Connected, cause: None }, NOW);
    assert!(matches!(state.check_plan(), Err(Rejected::NotReady { .. })));
    state.apply(Event::Store(StoreView::Unclaimed { folder: "data/uploads".into(), files: 2 }), NOW);
    let refused = state.check_plan().unwrap_err();
    assert!(matches!(refused, Rejected::NotPossible { .. }), "{refused:?}");
}

#[test]
fn a_lost_session_leaves_the_files_of_before_with_their_time() {
    let mut state = state([2, 1, 0]);
    let later = NOW.plus(Millis(5_000));
    assert_eq!(state.snapshot(later).files_read, Some(later), "what is followed is of now");
    state.apply(Event::Session { state: SessionState::Disconnected, cause: Some("lost".into()) }, later);
    let after = state.snapshot(later.plus(Millis(60_000)));
    assert_eq!((after.files.len(), after.files_complete, after.files_read), (3, false, Some(later)));
}

#[test]
fn while_the_records_are_read_files_are_refused_as_not_ready() {
    let mut state = state([2, 0, 0]);
    state.apply(Event::Session { state: SessionState::Disconnected, cause: None }, NOW);
    state.apply(Event::Session { state: SessionState::Connected, cause: None }, NOW);
    let (file, _) = first(&state);
    let delete = state.check(&Command::Delete { file }).map(drop);
    for refused in [state.check_upload("a", None, Some(1)).map(drop), delete] {
        let Err(Rejected::NotReady { why, .. }) = refused else { panic!("{refused:?}") };
        assert!(why.contains("being read"), "{why}");
    }
}

#[test]
fn own_servers_that_do_not_answer_yet_are_starting_and_no_loss_of_the_quorum() {
    let mut instance = snapshot().instance;
    (instance.local, instance.started) = (Some(LocalView::Owner), NOW);
    let mut state = State::new(settings(), instance, NOW);
    let silence = |state: &mut State, seconds: u64| {
        let at = NOW.plus(Millis(seconds * 1_000));
        for node in NODES {
            let reach = Reach::Unreachable("connection refused".into());
            let silent = Sample { reach, srvr: None, ..sample(node, Role::Follower, at) };
            state.apply(Event::Probed(Box::new(silent)), at);
        }
        let snapshot = state.snapshot(at);
        (snapshot.ensemble.state, codes(&snapshot).contains(&"no-quorum"))
    };
    assert_eq!(silence(&mut state, 1), (EnsembleState::Starting, false));
    assert_eq!(silence(&mut state, 2), (EnsembleState::Starting, false));
    for after in 121..125 {
        assert_eq!(silence(&mut state, after), (EnsembleState::NoQuorum, true), "two minutes are no start");
    }
}

#[test]
fn what_no_node_has_room_for_is_refused_for_room() {
    let mut state = state([2, 0, 0]);
    let huge = Some(1 << 60);
    let code = |state: &State, node: Option<&str>, size| {
        let node = node.map(node_id);
        state.check_upload("a", node.as_ref(), size).unwrap_err().code()
    };
    assert_eq!((code(&state, None, huge), code(&state, Some("zk2"), huge)), ("no-room", "no-room"));
    state.apply(Event::DiskFree { node: node_id("zk2"), free: Some(Bytes(0)) }, NOW);
    assert_eq!(code(&state, Some("zk2"), Some(1)), "no-room", "it is full");
    assert!(state.check_upload("a", None, Some(1)).is_ok());
}

#[test]
fn a_folder_that_is_gone_takes_and_gives_nothing_and_one_node_s_folder_stops_that_node() {
    let mut state = state([2, 0, 0]);
    let (file, _) = first(&state);
    let scrub = |node: Option<&str>| {
        let trouble = ScrubTrouble { node: node.map(node_id), cause: "is its disk mounted?".into() };
        Event::Scrub(ScrubView { troubles: vec![trouble], ..ScrubView::default() })
    };
    state.apply(scrub(Some("zk2")), NOW);
    let snapshot = state.snapshot(NOW);
    assert_eq!((condition(&snapshot, "zk2"), codes(&snapshot)), (NodeCondition::Unreadable, vec!["node-folder"]));
    assert_eq!(snapshot.readiness, Readiness::Ready, "the others take files");
    assert_ne!(state.check_upload("a", None, Some(1)).unwrap(), node_id("zk2"));
    let refused = state.check_upload("a", Some(&node_id("zk2")), Some(1)).unwrap_err().to_string();
    assert!(refused.contains("is its disk mounted?"), "{refused}");
    state.apply(scrub(None), NOW);
    let refused = [
        state.check_upload("a", None, Some(1)).map(drop),
        state.check_download(file).map(drop),
        state.check(&Command::RunScheduler).map(drop),
    ];
    assert!(refused.iter().all(|one| matches!(one, Err(Rejected::NotReady { .. }))), "{refused:?}");
    assert!(matches!(state.snapshot(NOW).readiness, Readiness::NotReady(_) | Readiness::Starting(_)));
    assert!(state.check(&Command::PauseScheduler).is_ok(), "the ensemble can be steered");
}

#[test]
fn files_of_a_node_whose_disk_is_not_mounted_are_neither_moved_nor_deleted_and_its_drain_says_why() {
    let mut state = state([9, 0, 0]);
    let (file, _) = first(&state);
    let trouble = ScrubTrouble { node: Some(node_id("zk1")), cause: "is its disk mounted?".into() };
    state.apply(Event::Scrub(ScrubView { troubles: vec![trouble], ..ScrubView::default() }), NOW);
    let migrate = Command::Migrate { file, target: node_id("zk2") };
    for refused in [
        state.check_download(file).map(drop),
        state.check(&migrate).map(drop),
        state.check(&Command::Delete { file }).map(drop),
    ] {
        let Err(Rejected::NotReady { why, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(why, "is its disk mounted?");
    }
    assert!(state.entry(file).is_ok(), "its record is there");
    assert_eq!(state.plan(NOW).moves, []);
    state.apply(Event::Node { node: node_id("zk1"), record: draining(9), version: 1 }, NOW);
    assert_eq!((state.plan(NOW).moves, condition(&state.snapshot(NOW), "zk1")), (vec![], NodeCondition::Unreadable));
    let later = NOW.plus(Millis(11_000));
    for at in [NOW, NOW.plus(Millis(5_000)), later] {
        for (node, role) in NODES.iter().zip([Role::Follower, Role::Follower, Role::Leader]) {
            state.apply(Event::Probed(Box::new(sample(node, role, at))), at);
        }
        state.apply(Event::Tick, at);
    }
    let stalled = state.snapshot(later).nodes[0].drain.clone().unwrap().stalled;
    assert_eq!(stalled.as_deref(), Some("is its disk mounted?"));
    state.apply(Event::Scrub(ScrubView::default()), later);
    assert!(state.check(&migrate).is_ok() && state.plan(later).moves.len() == 9, "it is back");
}

#[test]
fn who_knows_a_part_of_the_ensemble_says_so_and_changes_no_files() {
    let mut state = state([2, 0, 0]);
    let learned = Learned::Read(Mark(9));
    state.apply(Event::FileChanged { entry: Box::new(file(9_999, "zk7")), learned }, NOW);
    assert_eq!(codes(&state.snapshot(NOW)), ["nodes-unnamed"]);
    for refused in [state.check_upload("a", None, Some(1)).map(drop), state.check(&Command::RunScheduler).map(drop)] {
        assert!(refused.unwrap_err().to_string().contains("name every server"));
    }
}

#[test]
fn without_a_leader_nothing_is_taken_until_a_write_has_gone_through() {
    let mut state = state([2, 0, 0]);
    let silent = Sample { reach: Reach::Silent, srvr: None, ..sample("zk3", Role::Leader, NOW) };
    for second in 1..4 {
        let at = NOW.plus(Millis(second * 1_000));
        state.apply(Event::Probed(Box::new(Sample { taken_at: at, ..silent.clone() })), at);
    }
    let later = NOW.plus(Millis(4_000));
    assert_eq!(state.snapshot(later).ensemble.leader, None);
    let refused = state.check_upload("a", None, Some(1)).unwrap_err();
    assert!(matches!(&refused, Rejected::NotReady { why, .. } if why.contains("to lead")), "{refused}");
    assert!(matches!(state.snapshot(later).readiness, Readiness::NotReady(_) | Readiness::Starting(_)));
    state.apply(Event::Canary { took_ms: Some(4.0), problem: None }, later);
    assert!(state.check_upload("a", None, Some(1)).is_ok(), "the leader is only out of sight");
}

#[test]
fn a_canary_write_that_waits_is_not_the_last_good_one() {
    let mut state = state([1, 1, 1]);
    let at = |second: u64| NOW.plus(Millis(second * 1_000));
    let told = |state: &mut State, now| {
        let canary = state.snapshot(now).canary;
        (canary.waits, canary.goes_through())
    };
    state.apply(Event::Canary { took_ms: Some(4.0), problem: None }, at(0));
    assert_eq!(told(&mut state, at(0)), (None, true));
    state.apply(Event::CanaryWaits, at(6));
    assert_eq!(told(&mut state, at(6)), (Some(at(5)), false));
    state.apply(Event::Canary { took_ms: None, problem: Some("late".into()) }, at(8));
    state.apply(Event::CanaryWaits, at(11));
    assert_eq!(told(&mut state, at(11)), (Some(at(5)), false), "the first that did not go through");
    state.apply(Event::Canary { took_ms: Some(9.0), problem: None }, at(12));
    assert_eq!(told(&mut state, at(12)), (None, true));
}
