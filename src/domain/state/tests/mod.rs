mod bounds;
mod incidents;
mod ready;
mod shared;

use super::testing::{NODES, leads, sample, settings, state};
use super::*;
use crate::domain::command::{Command, Confirmed, LARGE_RUN, Rejected, ServerAction, Stress};
use crate::domain::ensemble::{EnsembleState, Quorum};
use crate::domain::event::{Event, Learned, Mark};
use crate::domain::file::FileEntry;
use crate::domain::fixtures::{NOW, file, node_id, operation, snapshot};
use crate::domain::ids::{Bytes, Epoch, FileId, Millis, OperationId};
use crate::domain::node::{NodeCondition, NodeState, WriteTrouble};
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::scheduler::{Decision, Run};
use crate::domain::server::{HostState, HostView, Metrics, Reach, Role, Sample};
use crate::domain::snapshot::{
    HistoryView, Level, LocalView, OPERATIONS_KEPT, Readiness, SessionState, Snapshot, StoreView,
};

#[test]
fn nothing_large_begins_while_a_server_is_short_of_heap() {
    let mut state = state([0, 0, 0]);
    let stress =
        |files| Command::Stress(Stress { node: node_id("zk1"), files, size: Bytes(1024), trigger_scheduler: false });
    let (small, large) = (stress(LARGE_RUN), stress(LARGE_RUN + 1));
    assert!(state.check(&large).is_ok() && !state.alerts().iter().any(|alert| alert.code == AlertCode::Heap));
    for second in [0, 31] {
        let now = NOW.plus(Millis(second * 1000));
        let (heap_used, heap_max) = (Some(95e6), Some(100e6));
        let metrics = Metrics { heap_used, heap_max, uptime_ms: Some(60_000.0), ..Metrics::default() };
        let sample = Sample { metrics: Some(metrics), ..sample("zk2", Role::Follower, now) };
        state.apply(Event::Probed(Box::new(sample)), now);
    }
    let alerts = state.alerts();
    let alert = alerts.iter().find(|alert| alert.code == AlertCode::Heap).unwrap();
    assert_eq!(alert.short, "zk2 heap nearly full");
    let refused = state.check(&large).unwrap_err().to_string();
    assert!(refused.contains("a stress of 1,001 files") && refused.contains("zk2 is short of memory"), "{refused}");
    assert!(state.check(&small).is_ok(), "a small one goes on");
    let after = state.snapshot(NOW.plus(Millis(31_000)));
    assert_eq!(after.short_of_heap().as_ref(), Some(&alert.text));
}

fn draining(files: u64) -> NodeRecord {
    let state = NodeState::Draining { since_ms: NOW, files_at_start: files, operation: OperationId::new(9) };
    NodeRecord { state, ..NodeRecord::default() }
}

fn drain(node: &str) -> Command {
    Command::Drain { node: node_id(node) }
}

fn condition(snapshot: &Snapshot, node: &str) -> NodeCondition {
    snapshot.node(&node_id(node)).unwrap().condition
}

#[test]
fn control_is_told_once_and_when_it_changes() {
    let mut state = state([0; 3]);
    let off = |cause: &str| Event::Control(ControlView::Off(cause.into()));
    let before = state.snapshot(NOW).notices.len();
    for event in [off("no socket"), off("no socket"), Event::Control(ControlView::Docker), off("it hangs")] {
        state.apply(event, NOW);
    }
    let notices = state.snapshot(NOW).notices;
    let told: Vec<_> = notices.iter().skip(before).map(|notice| (notice.level, notice.text.as_str())).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].1.contains("no socket") && told[2].0 == Level::Warning, "{told:?}");
}

#[test]
fn counts_make_a_plan_and_levels_make_none() {
    let plan = state([9, 1, 1]).plan(NOW);
    assert_eq!((plan.decision, plan.moves.len() as u64), (Decision::Ran, plan.lower_bound));
    assert_eq!(state([3, 3, 4]).plan(NOW).moves.len(), 0);
    assert_eq!(state([9, 1, 1]).spread(), Some(8));
}

#[test]
fn nothing_is_planned_from_partial_data() {
    let mut lost = state([9, 1, 1]);
    lost.apply(Event::Session { state: SessionState::Disconnected, cause: None }, NOW);
    assert_eq!(lost.cannot_plan(), Some(Decision::NoQuorum));
    lost.apply(Event::Session { state: SessionState::Connected, cause: None }, NOW);
    assert_eq!(lost.cannot_plan(), Some(Decision::IncompleteData));
    assert_eq!(lost.spread(), None);
}

fn changed(entry: FileEntry, learned: Learned) -> Event {
    Event::FileChanged { entry: Box::new(entry), learned }
}

/// A reading of all records, or of one, that began before a write of this process ended does not know of it.
#[test]
fn a_read_that_began_before_a_write_takes_nothing_back() {
    let mut state = state([1, 0, 0]);
    let known = |state: &State, id: u128| state.files().get(FileId::new(id)).is_some();
    let loaded = |since| Event::FilesLoaded { entries: vec![file(0, "zk1")], unreadable: Vec::new(), since };
    let removed = |id, learned| Event::FileRemoved { file: FileId::new(id), learned };
    state.apply(changed(file(7, "zk2"), Learned::Written(Mark(1))), NOW);
    state.apply(loaded(Mark(0)), NOW);
    assert!(known(&state, 7) && state.spread() == Some(1), "an upload");
    state.apply(removed(7, Learned::Read(Mark(0))), NOW);
    assert!(known(&state, 7));
    state.apply(removed(0, Learned::Written(Mark(2))), NOW);
    state.apply(loaded(Mark(1)), NOW);
    state.apply(changed(file(0, "zk1"), Learned::Read(Mark(1))), NOW);
    assert!(!known(&state, 0), "a delete");
    state.apply(changed(file(0, "zk1"), Learned::Written(Mark(1))), NOW);
    assert!(!known(&state, 0), "what was told late of before the delete");
    state.apply(loaded(Mark(2)), NOW);
    assert!(known(&state, 0) && !known(&state, 7), "what is read after the writes is true");
}

/// A move was committed, somebody else deleted the file, and only then does the job tell of its commit.
#[test]
fn a_write_that_is_told_after_the_file_was_read_as_gone_brings_nothing_back() {
    let known = |state: &State, id: u128| state.files().get(FileId::new(id)).is_some();
    let moved = || FileEntry { version: 1, ..file(0, "zk2") };
    let gone_by_a_read = Event::FileRemoved { file: FileId::new(0), learned: Learned::Read(Mark(0)) };
    let gone_by_all = Event::FilesLoaded { entries: Vec::new(), unreadable: Vec::new(), since: Mark(0) };
    for gone in [gone_by_a_read, gone_by_all] {
        let mut state = state([1, 0, 0]);
        state.apply(gone, NOW);
        state.apply(changed(moved(), Learned::Written(Mark(1))), NOW);
        assert!(!known(&state, 0) && state.spread() == Some(0));
        state.apply(changed(file(0, "zk1"), Learned::Read(Mark(1))), NOW);
        assert!(known(&state, 0), "taken in again");
        state.apply(changed(moved(), Learned::Written(Mark(2))), NOW);
        assert_eq!(state.files().get(FileId::new(0)).unwrap().record.owner, node_id("zk2"));
    }
    let mut late = state([1, 0, 0]);
    late.apply(changed(moved(), Learned::Written(Mark(1))), NOW);
    late.apply(Event::FileRemoved { file: FileId::new(0), learned: Learned::Read(Mark(0)) }, NOW);
    assert!(!known(&late, 0), "a read that had begun before the write was told");
    let mut state = state([0, 0, 0]);
    state.apply(changed(file(7, "zk1"), Learned::Written(Mark(1))), NOW);
    state.apply(Event::FilesLoaded { entries: Vec::new(), unreadable: Vec::new(), since: Mark(0) }, NOW);
    state.apply(changed(FileEntry { version: 1, ..file(7, "zk2") }, Learned::Written(Mark(2))), NOW);
    assert_eq!(
        state.files().get(FileId::new(7)).unwrap().record.owner,
        node_id("zk2"),
        "an upload that a reading missed"
    );
}

#[test]
fn an_echo_of_an_older_version_changes_nothing() {
    let mut state = state([1, 0, 0]);
    let old = file(0, "zk1");
    let new = FileEntry { version: 2, ..file(0, "zk2") };
    state.apply(changed(new, Learned::Written(Mark(1))), NOW);
    state.apply(changed(old, Learned::Read(Mark(1))), NOW);
    let view = state.snapshot(NOW);
    assert_eq!(view.files.get(FileId::new(0)).unwrap().record.owner, node_id("zk2"));
    assert_eq!((view.nodes[0].files, view.nodes[1].files), (0, 1));
}

#[test]
fn a_higher_epoch_takes_the_lead_away_and_is_not_taken_on() {
    let mut state = state([0, 0, 0]);
    state.apply(Event::Epoch(Epoch(3)), NOW);
    assert!(state.leadership().leads, "the own epoch");
    state.apply(Event::Epoch(Epoch(4)), NOW);
    assert!(!state.leadership().leads);
    let mut fresh = state;
    fresh.apply(leads(5), NOW);
    assert_eq!((fresh.leadership().leads, fresh.leadership().epoch), (true, Some(Epoch(5))));
}

#[test]
fn a_bulk_does_not_push_the_operation_that_made_it_out() {
    let mut state = state([0, 0, 0]);
    let tell = |state: &mut State, id, kind, status| {
        state.apply(Event::Operation(Box::new(operation(id, kind, status))), NOW);
    };
    tell(&mut state, 1, OperationKind::Stress, OperationStatus::Started);
    for id in 0..2 * OPERATIONS_KEPT as u128 {
        tell(&mut state, 100 + id, OperationKind::Upload, OperationStatus::Done);
    }
    tell(&mut state, 1, OperationKind::Stress, OperationStatus::Done);
    let view = state.snapshot(NOW);
    assert_eq!(view.operations.len(), OPERATIONS_KEPT);
    assert_eq!(view.operation(OperationId::new(1)).map(|row| row.status), Some(OperationStatus::Done));
}

#[test]
fn what_an_operator_waits_for_is_told_and_bulks_are_not() {
    let told = |kind, by: &str, asked: bool| {
        let mut state = state([0, 0, 0]);
        let before = state.snapshot(NOW).notices.len();
        let done = Operation { by: by.into(), ..operation(1, kind, OperationStatus::Done) };
        if asked {
            state.asked_for(done.id);
        }
        state.apply(Event::Operation(Box::new(done)), NOW);
        assert_eq!(state.awaited.len(), 0, "what has ended is awaited by nobody");
        state.snapshot(NOW).notices.len() > before
    };
    for of_a_file in [OperationKind::Upload, OperationKind::Migration, OperationKind::Delete] {
        assert!(told(of_a_file, "console root", true));
        assert!(!told(of_a_file, "console root", false), "one of a stress, of a run");
    }
    assert!(told(OperationKind::Drain, "console root", true));
    assert!(told(OperationKind::Drain, "console root", false), "asked for at another instance");
    assert!(!told(OperationKind::Workload, "console root", true));
}

#[test]
fn a_run_that_was_asked_for_and_moves_nothing_says_so() {
    let told = |by: &str, decision| {
        let mut state = state([0, 0, 0]);
        let row = operation(1, OperationKind::Scheduler, OperationStatus::None);
        let run = Run { max_difference: 1, threshold: 5, ..Run::new(row.id, NOW, by, decision) };
        state.apply(Event::Operation(Box::new(Operation { by: by.into(), run: Some(run), ..row })), NOW);
        state.snapshot(NOW).notices.last().map(|notice| notice.text.clone())
    };
    assert_eq!(told("console root", Decision::Balanced).as_deref(), Some("balanced: nothing to move"));
    let below = told("console root", Decision::BelowTrigger).unwrap();
    assert!(below.starts_with("nothing to move: the spread is 1"), "{below}");
    assert_eq!(told("console root", Decision::CoolDown).as_deref(), Some("nothing moved: cool-down"));
    assert_ne!(told("timer", Decision::Balanced).as_deref(), Some("balanced: nothing to move"));
}

#[test]
fn a_final_row_stays_final_and_counts_once() {
    let mut state = state([0, 0, 0]);
    for status in [OperationStatus::Started, OperationStatus::Done, OperationStatus::Started, OperationStatus::Failed] {
        state.apply(Event::Operation(Box::new(operation(1, OperationKind::Migration, status))), NOW);
    }
    let view = state.snapshot(NOW);
    assert_eq!(view.operations[0].status, OperationStatus::Done);
    assert_eq!(view.counters.operations.values().sum::<u64>(), 1);
}

#[test]
fn unknown_nodes_are_refused_with_the_known_ones() {
    let state = state([0, 0, 0]);
    let known: Vec<_> = NODES.iter().map(|node| node_id(node)).collect();
    assert_eq!(state.check(&drain("zk9")).unwrap_err(), Rejected::UnknownNode { given: "zk9".into(), known });
    let stress = |files, kib: u64| {
        let wanted = Stress { node: node_id("zk1"), files, size: Bytes(kib * 1024), trigger_scheduler: false };
        state
            .check(&Command::Stress(wanted))
            .map(drop)
            .map_err(|rejected| rejected.field().unwrap_or_default().to_owned())
    };
    assert_eq!(stress(0, 1), Err("files".to_owned()));
    assert_eq!(stress(10_001, 1), Err("files".to_owned()));
    assert_eq!(stress(1, 0), Err("size_kb".to_owned()));
    assert_eq!(stress(1, 1), Ok(()));
}

#[test]
fn a_drain_needs_somewhere_to_go() {
    let mut state = state([5, 5, 5]);
    assert!(state.check(&drain("zk1")).is_ok());
    for node in ["zk2", "zk3"] {
        state.apply(Event::Node { node: node_id(node), record: draining(5), version: 1 }, NOW);
    }
    let refused = state.check(&drain("zk1")).unwrap_err().to_string();
    assert!(refused.contains("zk2 is draining, zk3 is draining"), "{refused}");
    let mut empty = self::state([5, 0, 5]);
    for node in ["zk2", "zk3"] {
        empty.apply(Event::Node { node: node_id(node), record: draining(5), version: 1 }, NOW);
    }
    let refused = empty.check(&drain("zk1")).unwrap_err().to_string();
    assert!(refused.contains("zk2 is drained, zk3 is draining"), "{refused}");
    assert!(empty.check(&drain("zk2")).unwrap_err().to_string().contains("zk2 is drained already"));
    let into = |node: &str| empty.check_upload("a", Some(&node_id(node)), None).unwrap_err().to_string();
    assert!(into("zk2").contains("it is drained; undrain it first"), "{}", into("zk2"));
    assert!(into("zk3").contains("it is draining; undrain it first"), "{}", into("zk3"));
    assert!(state.check(&drain("zk2")).unwrap_err().to_string().contains("is draining already"));
}

#[test]
fn progress_of_a_drain_is_told_with_the_cause_of_a_stall() {
    let mut state = state([10, 5, 5]);
    state.apply(Event::Node { node: node_id("zk1"), record: draining(10), version: 1 }, NOW);
    state.apply(Event::SchedulerPaused { paused: true, version: 1 }, NOW);
    for second in 1..=12 {
        let now = NOW.plus(Millis(second * 1000));
        for (node, role) in NODES.iter().zip([Role::Follower, Role::Follower, Role::Leader]) {
            state.apply(Event::Probed(Box::new(sample(node, role, now))), now);
        }
        state.apply(Event::Tick, now);
    }
    let view = state.snapshot(NOW.plus(Millis(12_000)));
    let drain = view.node(&node_id("zk1")).unwrap().drain.clone().unwrap();
    assert_eq!((drain.files_at_start, drain.files_left, drain.left_ms), (10, 10, None));
    assert_eq!(drain.stalled.as_deref(), Some("the scheduler is paused; resume it"));
}

#[test]
fn a_paused_server_keeps_its_files_and_takes_none() {
    let mut state = state([9, 1, 1]);
    let host = HostView { state: HostState::Paused, ..crate::domain::fixtures::host("process 1") };
    state.apply(Event::Hosts(vec![(node_id("zk2"), Some(host))]), NOW);
    let silent = Sample { reach: Reach::Silent, srvr: None, ..sample("zk2", Role::Follower, NOW) };
    state.apply(Event::Probed(Box::new(silent)), NOW);
    assert_eq!(condition(&state.snapshot(NOW), "zk2"), NodeCondition::Paused);
    assert!(state.plan(NOW).moves.iter().all(|planned| planned.dst == node_id("zk3")));
    let refused = state.check_upload("a", Some(&node_id("zk2")), None).unwrap_err().to_string();
    assert!(refused.contains("its server is paused"), "{refused}");
}

/// What several servers have in common is one change of the ensemble: no state between is told.
#[test]
fn hosts_that_change_together_are_one_change() {
    let hosts = |of: HostState| {
        let host = HostView { state: of, ..crate::domain::fixtures::host("process 1") };
        Event::Hosts(NODES[..2].iter().map(|node| (node_id(node), Some(host.clone()))).collect())
    };
    let mut state = state([1, 1, 1]);
    state.apply(hosts(HostState::Running), NOW);
    let before = state.snapshot(NOW).notices.len();
    state.apply(hosts(HostState::Stopped), NOW);
    let snapshot = state.snapshot(NOW);
    let texts: Vec<_> = snapshot.notices.iter().skip(before).map(|notice| notice.text.as_str()).collect();
    assert_eq!(snapshot.ensemble.state, EnsembleState::NoQuorum);
    assert!(texts.iter().any(|text| text.contains("NO QUORUM")), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("AT RISK")), "{texts:?}");
}

#[test]
fn a_server_that_stands_alone_leads_itself_and_several_lead_nobody() {
    let ensemble = |servers: usize| {
        let servers = settings().servers.into_iter().take(servers).collect::<Vec<_>>();
        let nodes: Vec<_> = servers.iter().map(|server| server.node.to_string()).collect();
        let mut state = State::new(Settings { servers, ..settings() }, snapshot().instance, NOW);
        for node in &nodes {
            state.apply(Event::Probed(Box::new(sample(node, Role::Standalone, NOW))), NOW);
        }
        state.snapshot(NOW).ensemble
    };
    let alone = ensemble(1);
    assert_eq!((alone.state, alone.cause, alone.leader), (EnsembleState::Healthy, None, Some(node_id("zk1"))));
    let several = ensemble(3);
    assert_eq!((several.state, several.cause.as_deref()), (EnsembleState::Degraded, Some("no leader")));
}

#[test]
fn a_server_that_may_not_tell_how_it_is_takes_nothing_and_says_why() {
    let mut state = state([9, 1, 1]);
    for second in 0..4 {
        let at = NOW.plus(Millis(1_000 * second));
        let denied = Sample { reach: Reach::Denied, srvr: None, ..sample("zk2", Role::Follower, at) };
        state.apply(Event::Probed(Box::new(denied)), at);
    }
    let refused = state.check_upload("a", Some(&node_id("zk2")), None).unwrap_err().to_string();
    assert!(refused.contains("4lw.commands.whitelist") && !refused.contains("not been probed"), "{refused}");
}

#[test]
fn an_ensemble_of_servers_that_may_not_tell_how_they_are_says_what_to_do() {
    let mut state = state([0, 0, 0]);
    for second in 0..4 {
        let at = NOW.plus(Millis(1_000 * second));
        for node in NODES {
            let denied = Sample { reach: Reach::Denied, srvr: None, ..sample(node, Role::Follower, at) };
            state.apply(Event::Probed(Box::new(denied)), at);
        }
    }
    let ensemble = state.snapshot(NOW).ensemble;
    let cause = ensemble.cause.clone().unwrap_or_default();
    assert_eq!((ensemble.state, ensemble.word()), (EnsembleState::Unknown, "UNKNOWN"));
    assert!(cause.starts_with("zk1, zk2, zk3: ") && cause.contains("4lw.commands.whitelist"), "{cause}");
}

#[test]
fn three_write_errors_in_a_row_make_a_node_unhealthy() {
    let mut state = state([0, 0, 0]);
    let written = |error: Option<&str>| trouble(error, false);
    for error in [Some("EIO"), Some("EIO"), None, Some("EIO"), Some("EIO")] {
        state.apply(written(error), NOW);
    }
    assert_eq!(condition(&state.snapshot(NOW), "zk1"), NodeCondition::Active);
    state.apply(written(Some("EIO")), NOW);
    assert_eq!(condition(&state.snapshot(NOW), "zk1"), NodeCondition::Unhealthy);
    assert_ne!(state.emptiest(None).unwrap(), node_id("zk1"));
    assert_eq!(codes(&state.snapshot(NOW)), ["node-unhealthy"]);
    state.apply(written(None), NOW);
    assert_eq!(condition(&state.snapshot(NOW), "zk1"), NodeCondition::Active, "a write that works ends it");
}

/// How a write at zk1 went.
fn trouble(cause: Option<&str>, full: bool) -> Event {
    let problem = cause.map(|cause| WriteTrouble { full, cause: cause.into() });
    Event::Written { node: node_id("zk1"), problem }
}

fn codes(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.alerts.iter().map(|alert| alert.code.word()).collect()
}

#[test]
fn a_full_node_is_no_sick_node_and_goes_on_by_itself() {
    let mut state = state([0, 0, 0]);
    let free = |bytes: u64| Event::DiskFree { node: node_id("zk1"), free: Some(Bytes(bytes)) };
    state.apply(free(10 << 20), NOW);
    for _ in 0..5 {
        state.apply(trouble(Some("the disk is full"), true), NOW);
    }
    assert_eq!(condition(&state.snapshot(NOW), "zk1"), NodeCondition::Full);
    let alert = state.snapshot(NOW).alerts[0].clone();
    assert_eq!((alert.code, alert.short.as_str()), (AlertCode::NodeFull, "zk1 full"));
    assert!(alert.text.contains("the disk is full") && alert.text.contains("by itself"), "{}", alert.text);
    state.apply(free(10 << 20), NOW);
    assert_eq!(condition(&state.snapshot(NOW), "zk1"), NodeCondition::Full, "nothing has changed");
    state.apply(free(11 << 20), NOW);
    assert_eq!(condition(&state.snapshot(NOW), "zk1"), NodeCondition::Active, "there is more room than then");
    state.apply(trouble(Some("no inodes"), true), NOW);
    state.apply(free(11 << 20), NOW.plus(FULL_REST));
    assert_eq!(condition(&state.snapshot(NOW), "zk1"), NodeCondition::Active, "it is tried again after a rest");
}

#[test]
fn damaged_bytes_are_told_and_never_moved() {
    let mut state = state([9, 0, 0]);
    let id = state.files().iter().next().unwrap().id;
    let blob = state.files().get(id).unwrap().record.blob;
    let checked =
        |blob, problem: Option<&str>| Event::BytesChecked { file: id, blob, problem: problem.map(str::to_owned) };
    state.apply(checked(crate::domain::ids::AttemptId::new(99), Some("an old blob")), NOW);
    assert!(codes(&state.snapshot(NOW)).is_empty(), "the record names other bytes by now");
    state.apply(checked(blob, Some("its hash is wrong")), NOW);
    assert_eq!(codes(&state.snapshot(NOW)), ["damaged"]);
    assert!(state.plan(NOW).moves.iter().all(|planned| planned.file != id));
    let refused = state.check(&Command::Migrate { file: id, target: node_id("zk2") }).unwrap_err();
    assert!(refused.code() == "damaged" && refused.to_string().contains("its hash is wrong"), "{refused}");
    state.apply(checked(blob, None), NOW);
    assert!(codes(&state.snapshot(NOW)).is_empty());
}

#[test]
fn nothing_new_begins_while_too_many_rows_wait() {
    let mut state = state([9, 0, 0]);
    let queued = |queued, problem: Option<&str>| {
        Event::History(HistoryView {
            path: "h".into(),
            queued,
            problem: problem.map(str::to_owned),
            lines_problem: None,
        })
    };
    state.apply(queued(1_000, Some("its disk is full")), NOW);
    assert_eq!(state.cannot_plan(), None);
    assert_eq!(codes(&state.snapshot(NOW)), ["history"]);
    state.apply(queued(1_001, Some("its disk is full")), NOW);
    assert_eq!(state.cannot_plan(), Some(Decision::HistoryBehind));
    let refused = state.check_upload("a", None, None).unwrap_err().to_string();
    assert!(refused.contains("1,001 rows") && refused.contains("its disk is full"), "{refused}");
    assert_eq!(codes(&state.snapshot(NOW)), ["history-behind"]);
    state.apply(queued(0, None), NOW);
    assert_eq!((state.cannot_plan(), codes(&state.snapshot(NOW)).len()), (None, 0));
}

#[test]
fn lines_that_are_not_written_are_an_alert_and_stop_nothing() {
    let mut state = state([9, 0, 0]);
    let seen = |lines_problem: Option<&str>| {
        let lines_problem = lines_problem.map(str::to_owned);
        Event::History(HistoryView { path: "h".into(), queued: 0, problem: None, lines_problem })
    };
    state.apply(seen(Some("the lines cannot be written; chown")), NOW);
    let alerts = state.snapshot(NOW).alerts.clone();
    assert_eq!(
        (alerts[0].code, alerts[0].text.as_str()),
        (AlertCode::HistoryLines, "the lines cannot be written; chown")
    );
    assert_eq!(state.cannot_plan(), None);
    state.apply(seen(None), NOW);
    assert!(codes(&state.snapshot(NOW)).is_empty());
}

#[test]
fn actions_against_the_quorum_need_a_confirmation() {
    let mut state = state([0, 0, 0]);
    state.apply(Event::Control(ControlView::Process), NOW);
    let pause = |confirmed| Command::Server { node: node_id("zk3"), action: ServerAction::Pause, confirmed };
    let refused = state.check(&pause(Confirmed::No)).unwrap_err();
    assert_eq!(refused.code(), "needs-confirm", "{refused}");
    assert!(state.check(&pause(Confirmed::Read)).is_ok());
    // Meanwhile another server has gone: what was read is not so any more.
    ready::gone(&["zk1"]).into_iter().for_each(|event| state.apply(event, NOW));
    let refused = state.check(&pause(Confirmed::Read)).unwrap_err();
    assert!(matches!(&refused, Rejected::NeedsConfirm { type_name: true, .. }), "{refused}");
    assert!(state.check(&pause(Confirmed::Named)).is_ok());
}

#[test]
fn a_read_only_instance_plans_and_changes_nothing() {
    let mut instance = snapshot().instance;
    instance.read_only = true;
    let state = State::new(settings(), instance, NOW);
    assert_eq!(state.check(&drain("zk1")).unwrap_err(), Rejected::ReadOnly);
    assert_eq!(state.check(&Command::RunScheduler).unwrap_err(), Rejected::ReadOnly);
    assert_eq!(state.check_upload("a", None, None).unwrap_err(), Rejected::ReadOnly);
}

#[test]
fn a_foreign_store_is_watched_and_not_touched() {
    let mut state = state([1, 0, 0]);
    state.apply(Event::Store(StoreView::Foreign { ours: "a".into(), theirs: "b".into() }), NOW);
    let refused = [
        state.check(&Command::Delete { file: FileId::new(0) }).unwrap_err(),
        state.check_upload("a", None, None).unwrap_err(),
        state.check_download(FileId::new(0)).unwrap_err(),
        state.check(&Command::RunScheduler).unwrap_err(),
    ];
    assert!(refused.iter().all(|rejected| rejected.code() == "foreign-store"), "{refused:?}");
}

#[test]
fn without_a_quorum_the_alert_says_how_many_servers_have_to_run() {
    let mut state = state([1, 1, 1]);
    state.had_quorum = true;
    state.ensemble.state = EnsembleState::NoQuorum;
    state.ensemble.quorum = Quorum { voters: 3, serving: 1 };
    let alert = state.snapshot(NOW).alerts[0].clone();
    assert_eq!(alert.code, AlertCode::NoQuorum);
    assert!(alert.text.starts_with("1 of 3 servers serve") && alert.text.contains("until 2 of 3"), "{}", alert.text);
}

#[test]
fn own_servers_that_are_starting_are_no_alarm_for_a_while() {
    let mut instance = snapshot().instance;
    (instance.local, instance.started) = (Some(LocalView::Owner), NOW);
    let mut state = State::new(settings(), instance, NOW);
    let last = |state: &State| state.notices.back().map(|notice| (notice.level, notice.text.clone())).unwrap();
    let two = |state: &mut State, at: Timestamp| {
        for (node, role) in NODES.iter().zip([Role::Follower, Role::Leader]) {
            state.apply(Event::Probed(Box::new(sample(node, role, at))), at);
        }
        let silent =
            Sample { reach: Reach::Unreachable("refused".into()), srvr: None, ..sample("zk3", Role::Follower, at) };
        state.apply(Event::Probed(Box::new(silent)), at);
    };
    two(&mut state, NOW);
    let (level, text) = last(&state);
    assert!(level == Level::Info && text.starts_with("ensemble STARTING"), "{text}");
    two(&mut state, Timestamp(NOW.0 + 30_000));
    let (level, text) = last(&state);
    assert!(level > Level::Info && text.contains("AT RISK"), "{text}");
    for after in 31..40 {
        let at = Timestamp(NOW.0 + after * 1_000);
        state.apply(Event::Probed(Box::new(sample("zk3", Role::Follower, at))), at);
    }
    assert!(last(&state).1.starts_with("ensemble HEALTHY"), "{}", last(&state).1);
    (40..50).for_each(|after| two(&mut state, Timestamp(NOW.0 + after * 1_000)));
    assert!(last(&state).0 > Level::Info, "it was whole");
}

/// A person hears of a request of theirs that was not done; of a timer's move that met another one, nobody.
#[test]
fn an_aborted_request_is_told_to_who_asked() {
    let told = |by: &str, kind, asked: bool| {
        let mut state = state([1, 1, 1]);
        let row = operation(7, kind, OperationStatus::Aborted);
        let row = Operation { by: by.into(), why: Some("it was moved".into()), ..row };
        if asked {
            state.asked_for(row.id);
        }
        state.apply(Event::Operation(Box::new(row)), NOW);
        let warnings = state.snapshot(NOW);
        let mut warnings = warnings.notices.iter().filter(|notice| notice.level == Level::Warning);
        warnings.next().map(|notice| notice.text.clone())
    };
    let text = told("api 127.0.0.1", OperationKind::Delete, true).unwrap();
    assert!(text.ends_with("not deleted by this request: it was moved"), "{text}");
    assert_eq!(told("console root", OperationKind::Upload, false), None, "its bulk tells it");
    assert_eq!(told("workload", OperationKind::Delete, false), None);
    assert!(told("console root", OperationKind::Drain, false).is_some());
    for by in ["timer", "drain"] {
        assert_eq!(told(by, OperationKind::Scheduler, false), None);
    }
}
