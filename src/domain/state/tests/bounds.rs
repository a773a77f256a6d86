//! Commands at the edge: the last one that is taken, and the first one that is refused.

use super::*;
use crate::domain::fixtures;
use crate::domain::ids::AttemptId;
use crate::domain::migration::Status;
use crate::domain::node::MoveView;
use crate::domain::scheduler::MoveReason;
use crate::domain::server::Srvr;

const MIB: u64 = 1 << 20;

fn moving(file: FileId, src: &str, dst: &str) -> Event {
    Event::MoveStarted(Box::new(MoveView {
        attempt: AttemptId::new(1),
        file,
        name: "a".into(),
        src: node_id(src),
        dst: node_id(dst),
        size: Bytes(1),
        copied: Bytes(0),
        status: Status::Prepared,
        reason: MoveReason::OverTrigger,
        started: NOW,
    }))
}

fn free(state: &mut State, node: &str, free: u64) {
    state.apply(Event::DiskFree { node: node_id(node), free: Some(Bytes(free)) }, NOW);
}

fn stress(files: u64, size: u64) -> Command {
    Command::Stress(Stress { node: node_id("zk1"), files, size: Bytes(size), trigger_scheduler: false })
}

#[test]
fn a_file_on_the_move_is_neither_moved_nor_deleted() {
    let (mut state, file) = (state([2, 0, 0]), FileId::new(0));
    let commands = [Command::Delete { file }, Command::Migrate { file, target: node_id("zk3") }];
    assert!(commands.iter().all(|command| state.check(command).is_ok()));
    state.apply(moving(file, "zk1", "zk2"), NOW);
    for command in &commands {
        let refused = state.check(command).unwrap_err().to_string();
        assert!(refused.contains("it is being moved from zk1 to zk2"), "{refused}");
    }
    assert!(state.check(&Command::Delete { file: FileId::new(1) }).is_ok(), "the one beside it");
    let (attempt, status, took) = (AttemptId::new(1), OperationStatus::Done, Millis(1));
    state.apply(Event::MoveEnded { attempt, status, took }, NOW);
    assert!(commands.iter().all(|command| state.check(command).is_ok()));
}

#[test]
fn a_move_counts_at_its_target_until_its_record_does() {
    let mut state = state([6, 1, 1]);
    assert_eq!(state.spread(), Some(5));
    state.apply(moving(FileId::new(0), "zk1", "zk2"), NOW);
    assert_eq!(state.spread(), Some(4));
    for status in [Status::Committed, Status::Collected] {
        state.apply(Event::MoveProgress { attempt: AttemptId::new(1), status, copied: Bytes(1) }, NOW);
        assert_eq!(state.spread(), Some(5), "the placement counts it");
    }
}

#[test]
fn only_a_node_without_files_drains_where_none_takes_them() {
    for (files, drains) in [(0, true), (1, false)] {
        let mut state = state([files, 0, 0]);
        for node in ["zk2", "zk3"] {
            state.apply(Event::Node { node: node_id(node), record: draining(0), version: 1 }, NOW);
        }
        assert_eq!(state.check(&drain("zk1")).is_ok(), drains, "{files} files");
    }
}

#[test]
fn a_late_echo_of_a_nodes_record_changes_nothing() {
    let mut state = state([5, 5, 5]);
    for (record, version) in [(draining(5), 2), (NodeRecord::default(), 1)] {
        state.apply(Event::Node { node: node_id("zk1"), record, version }, NOW);
    }
    assert!(state.check(&drain("zk1")).unwrap_err().to_string().contains("is draining already"));
    state.apply(Event::Node { node: node_id("zk1"), record: NodeRecord::default(), version: 3 }, NOW);
    assert!(state.check(&drain("zk1")).is_ok());
}

/// The reserve is 4 MiB.
#[test]
fn a_file_needs_its_size_and_the_reserve() {
    let mut state = state([0, 0, 0]);
    let takes = |state: &State, size| state.check_upload("a", Some(&node_id("zk1")), size);
    free(&mut state, "zk1", 5 * MIB);
    assert!(takes(&state, Some(MIB)).is_ok());
    assert!(matches!(takes(&state, Some(MIB + 1)), Err(Rejected::NoRoom { .. })));
    free(&mut state, "zk1", 4 * MIB + 1);
    assert_eq!(condition(&state.snapshot(NOW), "zk1"), NodeCondition::Active);
    assert!(takes(&state, None).is_ok(), "as large as it may be");
    free(&mut state, "zk1", 4 * MIB);
    assert_eq!(condition(&state.snapshot(NOW), "zk1"), NodeCondition::Full);
    assert!(matches!(takes(&state, None), Err(Rejected::NoRoom { .. })));
}

#[test]
fn a_stress_has_room_for_all_of_its_files() {
    let mut state = state([0, 0, 0]);
    assert!(state.check(&stress(1, 1024 * MIB)).is_ok());
    for (files, size, field) in
        [(1, 1024 * MIB + 1, "size_kb"), (1, 0, "size_kb"), (0, 1, "files"), (10_001, 1, "files")]
    {
        assert_eq!(state.check(&stress(files, size)).unwrap_err().field(), Some(field), "{files} of {size}");
    }
    free(&mut state, "zk1", 14 * MIB);
    assert!(state.check(&stress(10, MIB)).is_ok());
    free(&mut state, "zk1", 14 * MIB - 1);
    assert!(matches!(state.check(&stress(10, MIB)), Err(Rejected::NoRoom { .. })));
}

#[test]
fn a_weight_is_1_to_10_000() {
    let state = state([0, 0, 0]);
    let weigh = |weight| state.check(&Command::SetWeight { node: node_id("zk1"), weight });
    assert!(weigh(1).is_ok() && weigh(10_000).is_ok());
    for weight in [0, 10_001] {
        assert_eq!(weigh(weight).unwrap_err().field(), Some("weight"));
    }
}

#[test]
fn a_follower_is_held_against_what_the_leader_told_last() {
    let mut state = state([0, 0, 0]);
    let mut tell = |node, role, zxid| {
        let srvr = Srvr { role: Some(role), zxid: Some(Zxid(zxid)), ..Srvr::default() };
        state.apply(Event::Probed(Box::new(fixtures::sample(node_id(node), srvr, NOW))), NOW);
    };
    tell("zk3", Role::Leader, 0x7_0000_0010);
    tell("zk1", Role::Follower, 0x7_0000_0001);
    let view = state.snapshot(NOW);
    let behind = |node: &str| view.servers.iter().find(|server| server.node.as_str() == node).unwrap().behind;
    assert_eq!((behind("zk1"), behind("zk3")), (Some(15), Some(0)));
}
