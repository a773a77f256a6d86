//! The planner as a whole: its decisions, its bounds, and that no plan is shorter and no order better.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::share::{emptiest, fullest, levels, starts_at};
use super::*;
use crate::domain::fixtures::{NOW, node_id};
use crate::domain::placement::Placement;
use crate::domain::scheduler::NotChosen;

const NODES: [&str; 4] = ["zk1", "zk2", "zk3", "zk4"];

fn input(name: &str, condition: NodeCondition) -> NodeInput {
    NodeInput { id: node_id(name), weight: 100, condition, in_flight_in: 0, in_flight_out: 0 }
}

fn policy(conditions: &[NodeCondition]) -> Policy {
    let nodes = NODES.iter().zip(conditions).map(|(name, condition)| input(name, *condition)).collect();
    Policy { trigger: 5, settle: 1, nodes, now: NOW, cool_down: Millis(30_000), busy: Vec::new() }
}

fn placed(counts: &[u64], moved: Timestamp) -> Placement {
    let mut placement = Placement::default();
    let mut id = 0;
    for (name, count) in NODES.iter().zip(counts) {
        for _ in 0..*count {
            let moves = u32::from(moved.0 > 0);
            placement.upsert(FileId::new(id), &node_id(name), Bytes(1_000_000 - id as u64), moved, moves);
            id += 1;
        }
    }
    placement
}

const ACTIVE: NodeCondition = NodeCondition::Active;

#[test]
fn a_hot_spot_is_levelled_with_the_smallest_files_and_a_reason_each() {
    let plan = plan(&placed(&[8, 0, 0], Timestamp(0)), &policy(&[ACTIVE; 3]));
    assert_eq!((plan.decision, plan.lower_bound, plan.moves.len()), (Decision::Ran, 5, 5));
    assert_eq!((plan.spread_before, plan.spread_after), (8, 1));
    let first = &plan.moves[0];
    assert_eq!((first.file, first.src_before, first.dst_before), (FileId::new(7), 8, 0));
    assert!(plan.moves.iter().all(|m| m.reason == MoveReason::OverTrigger));
    let told: Vec<_> = plan.nodes.iter().map(|n| (n.before, n.after, n.not_chosen)).collect();
    assert_eq!(told, [(8, 3, Some(NotChosen::AtLevel)), (0, 3, None), (0, 2, None)]);
}

#[test]
fn decisions_without_moves_say_why() {
    let decide = |counts: &[u64], conditions: &[NodeCondition]| {
        plan(&placed(counts, Timestamp(0)), &policy(conditions)).decision
    };
    assert_eq!(decide(&[3, 3, 2], &[ACTIVE; 3]), Decision::Balanced);
    assert_eq!(decide(&[6, 3, 2], &[ACTIVE; 3]), Decision::BelowTrigger);
    assert_eq!(decide(&[9, 0, 0], &[ACTIVE, NodeCondition::Down, NodeCondition::Frozen]), Decision::MassFailure);
    let paused = NodeCondition::Paused;
    assert_eq!(decide(&[9, 0, 0], &[NodeCondition::Draining, paused, paused]), Decision::NoEligibleTarget);
    let moved = plan(&placed(&[9, 0, 0], NOW), &policy(&[ACTIVE; 3]));
    assert_eq!((moved.decision, moved.moves.len()), (Decision::CoolDown, 0));
    let nobody_takes = policy(&[NodeCondition::Unhealthy, NodeCondition::Full, NodeCondition::Full]);
    assert_eq!(
        plan(&placed(&[9, 0, 0], NOW), &nobody_takes).decision,
        Decision::NoEligibleTarget,
        "it may cool or not"
    );
}

#[test]
fn a_drain_moves_even_what_moved_just_now() {
    let plan = plan(&placed(&[4, 3, 3], NOW), &policy(&[NodeCondition::Draining, ACTIVE, ACTIVE]));
    assert_eq!((plan.moves.len(), plan.moves[0].reason), (4, MoveReason::Drain));
    assert_eq!(plan.nodes[0].not_chosen, Some(NotChosen::Draining));
    let after: Vec<_> = plan.nodes.iter().map(|n| n.after).collect();
    assert_eq!(after, [0, 5, 5]);
}

#[test]
fn a_drain_without_room_says_what_stays() {
    let policy = policy(&[NodeCondition::Draining, NodeCondition::Unhealthy, NodeCondition::Full]);
    let plan = plan(&placed(&[10, 3, 3], Timestamp(0)), &policy);
    assert_eq!((plan.decision, plan.moves.len()), (Decision::NoEligibleTarget, 0));
    let note = "10 of 10 files of zk1 stay: zk2 is unhealthy, zk3 is full";
    assert_eq!(plan.note.as_deref(), Some(note));
}

#[test]
fn files_on_the_move_are_left_alone_and_counted_at_their_target() {
    let mut policy = policy(&[ACTIVE; 3]);
    policy.busy = vec![FileId::new(7), FileId::new(6)];
    policy.nodes[0].in_flight_out = 2;
    policy.nodes[1].in_flight_in = 2;
    let plan = plan(&placed(&[8, 0, 0], Timestamp(0)), &policy);
    assert_eq!(plan.moves.len(), 3);
    assert!(plan.moves.iter().all(|m| !policy.busy.contains(&m.file)));
}

#[test]
fn a_file_that_is_on_the_move_and_damaged_is_one_file_that_stays() {
    for (count, moves) in [(1, 0), (8, 5)] {
        let mut policy = policy(&[ACTIVE; 3]);
        policy.busy = vec![FileId::new(0); 2];
        let plan = plan(&placed(&[count, 0, 0], Timestamp(0)), &policy);
        assert_eq!(plan.moves.len(), moves);
        assert!(plan.moves.iter().all(|planned| planned.file != FileId::new(0)));
    }
    let mut policy = policy(&[NodeCondition::Draining, ACTIVE, ACTIVE]);
    policy.busy = vec![FileId::new(0); 2];
    let plan = plan(&placed(&[2, 0, 0], Timestamp(0)), &policy);
    assert_eq!((plan.moves.len(), plan.nodes[0].after), (1, 1), "the other one leaves");
}

/// What the rest of a test says in one line: counts, conditions, weights.
fn counted(nodes: &[(u64, u32)]) -> Vec<Counted> {
    nodes.iter().map(|(count, weight)| Counted { count: *count, weight: *weight, condition: ACTIVE }).collect()
}

#[test]
fn for_equal_weights_the_spread_is_the_largest_minus_the_smallest_count() {
    assert_eq!(spread(&counted(&[(9, 100), (1, 100), (4, 100)])), 8);
    assert_eq!(spread(&counted(&[(9, 50), (9, 50)])), 0);
    assert_eq!(spread(&counted(&[(7, 100)])), 0);
    assert_eq!(spread(&[]), 0);
    let mut nodes = counted(&[(9, 100), (1, 100), (40, 100)]);
    nodes[2].condition = NodeCondition::Paused;
    assert_eq!(spread(&nodes), 8, "a node that may own no files counts for nothing");
    for condition in [NodeCondition::Full, NodeCondition::Unhealthy] {
        nodes[2].condition = condition;
        assert_eq!(spread(&nodes), 39, "{condition:?}");
    }
}

#[test]
fn the_level_is_the_share_in_whole_files() {
    let nodes = counted(&[(11, 100), (3, 100), (2, 100)]);
    assert_eq!(levels(&nodes), [Some((5, 6)); 3]);
    let weighed = counted(&[(0, 10), (0, 100), (210, 100)]);
    assert_eq!(levels(&weighed), [Some((10, 10)), Some((100, 100)), Some((100, 100))]);
    let paused = Counted { condition: NodeCondition::Paused, ..nodes[0] };
    assert_eq!(levels(&[paused]), [None]);
}

#[test]
fn every_node_at_its_own_share_is_no_spread() {
    assert_eq!(spread(&counted(&[(10, 10), (100, 100), (100, 100)])), 0);
    assert_eq!(spread(&counted(&[(11, 10), (100, 100), (100, 100)])), 2, "one over, two under");
    assert_eq!(spread(&counted(&[(10, 10), (101, 100), (100, 100)])), 1);
    assert_eq!(spread(&counted(&[(70, 10), (70, 100), (70, 100)])), 90);
    // A full node takes no more: what it cannot have is shared by weight among the others.
    let mut nodes = counted(&[(19, 10), (191, 100), (0, 100)]);
    nodes[2].condition = NodeCondition::Full;
    assert_eq!(spread(&nodes[..2]), 1);
    assert_eq!(emptiest(&nodes, |at| at < 2), Some(1));
}

#[test]
fn a_new_file_goes_to_the_node_furthest_under_its_share() {
    let all = |_| true;
    assert_eq!(emptiest(&counted(&[(10, 10), (99, 100), (100, 100)]), all), Some(1));
    assert_eq!(emptiest(&counted(&[(0, 10), (0, 100), (0, 100)]), all), Some(1), "the heaviest of the empty");
    assert_eq!(emptiest(&counted(&[(3, 100), (2, 100), (2, 100)]), all), Some(1), "the first of several");
    assert_eq!(emptiest(&counted(&[(3, 100), (2, 100)]), |at| at == 0), Some(0));
    assert_eq!(emptiest(&[], all), None);
    assert_eq!(fullest(&counted(&[(12, 10), (100, 100), (101, 100)]), all), Some(0));
    assert_eq!(fullest(&counted(&[(3, 100), (3, 100), (2, 100)]), all), Some(0), "the first of several");
}

#[test]
fn the_count_at_which_a_node_starts_the_scheduler_is_its_own() {
    let equal = counted(&[(9, 100), (4, 100), (6, 100)]);
    assert_eq!([0, 1, 2].map(|at| starts_at(&equal, at, 5)), [Some(9), Some(11), Some(9)]);
    let weighed = counted(&[(10, 10), (100, 100), (100, 100)]);
    for at in 0..3 {
        let starts = starts_at(&weighed, at, 5).unwrap();
        let mut with = weighed.clone();
        with[at].count = starts;
        assert!(spread(&with) >= 5, "{at} starts at {starts}");
        with[at].count -= 1;
        assert!(spread(&with) < 5, "{at} starts before {starts}");
    }
    assert_eq!(starts_at(&equal[..1], 0, 5), None);
}

#[test]
fn the_bounds_are_exact() {
    let decide = |counts: &[u64], conditions: &[NodeCondition]| {
        plan(&placed(counts, Timestamp(0)), &policy(conditions)).decision
    };
    assert_eq!(decide(&[6, 2, 1], &[ACTIVE; 3]), Decision::Ran, "a spread of the trigger starts");
    assert_eq!(decide(&[5, 2, 1], &[ACTIVE; 3]), Decision::BelowTrigger);
    assert_eq!(decide(&[3, 2, 1], &[ACTIVE; 3]), Decision::BelowTrigger, "2 is more than settle");
    assert_eq!(decide(&[2, 2, 1], &[ACTIVE; 3]), Decision::Balanced);
    for gone in [NodeCondition::Down, NodeCondition::Frozen, NodeCondition::NotServing] {
        assert_eq!(decide(&[9, 0, 0], &[ACTIVE, ACTIVE, gone]), Decision::Ran, "one of three gone");
        assert_eq!(decide(&[9, 0, 0, 0], &[ACTIVE, ACTIVE, gone, gone]), Decision::MassFailure, "two of four");
    }
    let paused = NodeCondition::Paused;
    assert_eq!(decide(&[9, 0, 0], &[ACTIVE, ACTIVE, paused]), Decision::Ran, "a pause is no failure");
}

#[test]
fn a_node_that_is_unhealthy_or_full_gives_and_takes_nothing() {
    for condition in [NodeCondition::Unhealthy, NodeCondition::Full] {
        let plan = plan(&placed(&[9, 0, 0], Timestamp(0)), &policy(&[ACTIVE, ACTIVE, condition]));
        assert!(plan.moves.iter().all(|planned| planned.dst == node_id("zk2")), "{condition:?}");
        assert_eq!(plan.nodes.iter().map(|node| node.after).collect::<Vec<_>>(), [5, 4, 0]);
        let plan = super::plan(&placed(&[0, 0, 9], Timestamp(0)), &policy(&[ACTIVE, ACTIVE, condition]));
        assert_eq!(plan.nodes.iter().map(|node| node.after).collect::<Vec<_>>(), [3, 3, 3]);
    }
}

#[test]
fn a_node_whose_files_are_out_of_sight_gives_and_takes_nothing_and_does_not_count() {
    let conditions = [ACTIVE, ACTIVE, NodeCondition::Unreadable];
    for (files, after) in [([0, 0, 9], [0, 0, 9]), ([9, 0, 0], [5, 4, 0]), ([9, 0, 6], [5, 4, 6])] {
        let plan = plan(&placed(&files, Timestamp(0)), &policy(&conditions));
        assert_eq!(plan.nodes.iter().map(|node| node.after).collect::<Vec<_>>(), after);
        assert_eq!(plan.nodes[2].not_chosen, Some(NotChosen::Unreadable));
    }
    assert_eq!(plan(&placed(&[0, 0, 9], Timestamp(0)), &policy(&conditions)).decision, Decision::Balanced);
}

#[test]
fn the_cool_down_ends_to_the_millisecond() {
    let policy = policy(&[ACTIVE; 3]);
    let moved = |ago: u64| plan(&placed(&[9, 0, 0], Timestamp(NOW.0 - ago)), &policy).moves.len();
    assert_eq!((moved(29_999), moved(30_000)), (0, 6));
    let ahead = |by: u64| plan(&placed(&[9, 0, 0], Timestamp(NOW.0 + by)), &policy).moves.len();
    assert_eq!((ahead(30_000), ahead(30_001)), (0, 6), "nobody waits for a clock that was ahead");
}

#[test]
fn weights_share_in_proportion_and_come_to_rest() {
    let mut policy = policy(&[ACTIVE; 3]);
    for (node, weight) in policy.nodes.iter_mut().zip([10, 100, 100]) {
        node.weight = weight;
    }
    let full = plan(&placed(&[70, 70, 70], Timestamp(0)), &policy);
    assert_eq!(full.nodes.iter().map(|node| node.after).collect::<Vec<_>>(), [10, 100, 100]);
    assert_eq!((full.decision, full.spread_before, full.spread_after), (Decision::Ran, 90, 0));
    let at_rest = plan(&placed(&[10, 100, 100], Timestamp(0)), &policy);
    assert_eq!((at_rest.decision, at_rest.moves.len()), (Decision::Balanced, 0));
}

#[test]
fn a_plan_that_is_cut_off_has_filled_its_targets_alike() {
    let plan = plan(&placed(&[60, 0, 0], Timestamp(0)), &policy(&[ACTIVE; 3]));
    let mut taken = [0u64; 2];
    for planned in &plan.moves {
        taken[usize::from(planned.dst == node_id("zk3"))] += 1;
        assert!(taken[0].abs_diff(taken[1]) <= 1, "{taken:?}");
    }
    assert_eq!(taken, [20, 20]);
}

/// The least spread of each number of moves from 0 on, over every way to make them.
fn least_spreads(counts: &[u64], floors: &[u64], weights: &[u32]) -> Vec<u64> {
    let total: u64 = counts.iter().sum();
    let mut least = vec![u64::MAX; total as usize + 1];
    let mut ways = vec![Vec::new()];
    for (at, floor) in floors.iter().copied().enumerate() {
        let next = |way: &Vec<u64>| {
            let left = total - way.iter().sum::<u64>();
            let (lowest, highest) = if at + 1 == counts.len() { (left, left) } else { (floor, left) };
            let longer = |count| way.iter().copied().chain([count]).collect::<Vec<_>>();
            (lowest..=highest).filter(|count| *count >= floor).map(longer).collect::<Vec<_>>()
        };
        ways = ways.iter().flat_map(next).collect();
    }
    for way in ways {
        let moves: u64 = counts.iter().zip(&way).map(|(before, after)| before.saturating_sub(*after)).sum();
        let pairs: Vec<_> = way.into_iter().zip(weights.iter().copied()).collect();
        let found = &mut least[moves as usize];
        *found = (*found).min(spread(&counted(&pairs)));
    }
    for at in 1..least.len() {
        least[at] = least[at].min(least[at - 1]);
    }
    least
}

/// The spread after each prefix of the plan, the empty one first.
fn spreads_of(plan: &Plan, counts: &[u64], weights: &[u32]) -> Vec<u64> {
    let mut pairs: Vec<_> = counts.iter().copied().zip(weights.iter().copied()).collect();
    let mut spreads = vec![spread(&counted(&pairs))];
    let at = |node: &NodeId| NODES.iter().position(|name| *name == node.as_str()).unwrap();
    for planned in &plan.moves {
        pairs[at(&planned.src)].0 -= 1;
        pairs[at(&planned.dst)].0 += 1;
        spreads.push(spread(&counted(&pairs)));
    }
    spreads
}

fn condition() -> impl Strategy<Value = NodeCondition> {
    prop_oneof![
        5 => Just(ACTIVE),
        1 => Just(NodeCondition::Draining),
        1 => Just(NodeCondition::Paused),
        1 => Just(NodeCondition::Full),
        1 => Just(NodeCondition::Unhealthy),
        1 => Just(NodeCondition::Unreadable),
        1 => Just(NodeCondition::Down),
    ]
}

/// Weights as people set them, and any.
fn weight() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(100u32), 1 => Just(50), 1 => Just(10), 2 => 1u32..=10_000]
}

/// A file's last move before now: never, just now, or long ago.
fn ago() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![3 => Just(None), 1 => Just(Some(1_000)), 1 => Just(Some(29_999)), 1 => Just(Some(30_000))]
}

proptest! {
    #[test]
    fn a_plan_keeps_its_word(
        files in prop::collection::vec((0usize..4, ago(), 0u64..6), 0..80),
        conditions in prop::collection::vec(condition(), 4),
        weights in prop::collection::vec(weight(), 4),
        settle in 1u64..4,
    ) {
        let mut placement = Placement::default();
        for (id, (node, ago, size)) in files.iter().enumerate() {
            let moved = ago.map_or(Timestamp(0), |ago| Timestamp(NOW.0 - ago));
            placement.upsert(FileId::new(id as u128), &node_id(NODES[*node]), Bytes(*size), moved, u32::from(ago.is_some()));
        }
        let mut policy = policy(&conditions);
        policy.settle = settle;
        for (node, weight) in policy.nodes.iter_mut().zip(&weights) {
            node.weight = *weight;
        }
        let plan = plan(&placement, &policy);
        prop_assert_eq!(plan.moves.len() as u64, plan.lower_bound);
        prop_assert_eq!(&plan, &super::plan(&placement, &policy));
        let counts: Vec<u64> = NODES.iter().map(|name| placement.count(&node_id(name))).collect();
        let mut after = counts.clone();
        let mut seen = BTreeSet::new();
        for planned in &plan.moves {
            prop_assert!(seen.insert(planned.file), "moved twice");
            prop_assert_eq!(placement.owner(planned.file), Some(&planned.src));
            let at = |node: &NodeId| NODES.iter().position(|name| *name == node.as_str()).unwrap();
            let (src, dst) = (at(&planned.src), at(&planned.dst));
            prop_assert_eq!((after[src], after[dst]), (planned.src_before, planned.dst_before));
            prop_assert_eq!(conditions[dst], ACTIVE);
            let drains = conditions[src] == NodeCondition::Draining;
            prop_assert_eq!(drains, planned.reason == MoveReason::Drain);
            let ago = files[planned.file.bits() as usize].1;
            prop_assert!(drains || ago.is_none_or(|ago| ago >= 30_000), "moved in its cool-down");
            after[src] -= 1;
            after[dst] += 1;
        }
        for (node, count) in plan.nodes.iter().zip(&after) {
            prop_assert_eq!(node.after, *count);
            prop_assert!(node.gives == 0 || node.takes == 0);
            prop_assert!(node.low <= node.after && node.after <= node.high, "{:?}", node);
        }
        let takes = conditions.contains(&ACTIVE);
        for (node, condition) in plan.nodes.iter().zip(&conditions) {
            let drained = *condition == NodeCondition::Draining && takes && plan.decision == Decision::Ran;
            prop_assert!(!drained || node.after == 0, "{:?}", plan);
        }
    }

    #[test]
    fn a_full_plan_leaves_no_more_than_settle_whatever_the_weights(
        counts in prop::collection::vec(0u64..200, 1..=4),
        weights in prop::collection::vec(weight(), 4),
        settle in 1u64..4,
    ) {
        let mut policy = policy(&vec![ACTIVE; counts.len()]);
        policy.settle = settle;
        for (node, weight) in policy.nodes.iter_mut().zip(&weights) {
            node.weight = *weight;
        }
        let full = plan(&placed(&counts, Timestamp(0)), &policy);
        prop_assert!(full.spread_after < policy.trigger);
        prop_assert!(full.decision != Decision::Ran || full.spread_after <= settle, "{:?}", full.nodes);
        let after: Vec<u64> = full.nodes.iter().map(|node| node.after).collect();
        let again = plan(&placed(&after, Timestamp(0)), &policy);
        prop_assert_eq!(again.moves.len(), 0, "one plan is enough");
    }

    #[test]
    fn every_prefix_is_the_best_plan_of_its_length_and_the_whole_the_shortest(
        counts in prop::collection::vec(0u64..7, 2..=4),
        weights in prop::collection::vec(prop_oneof![Just(100u32), Just(10), 1u32..400], 4),
        settle in 1u64..3,
    ) {
        let mut policy = policy(&vec![ACTIVE; counts.len()]);
        (policy.trigger, policy.settle) = (settle + 1, settle);
        for (node, weight) in policy.nodes.iter_mut().zip(&weights) {
            node.weight = *weight;
        }
        let plan = plan(&placed(&counts, Timestamp(0)), &policy);
        let least = least_spreads(&counts, &vec![0; counts.len()], &weights);
        let spreads = spreads_of(&plan, &counts, &weights);
        prop_assert_eq!(&spreads[..], &least[..spreads.len()], "{:?}", plan.moves);
        let shortest = least.iter().position(|spread| *spread <= settle).unwrap();
        prop_assert_eq!(plan.moves.len(), shortest);
    }

    #[test]
    fn files_that_cannot_leave_change_nothing_of_that(
        counts in prop::collection::vec(1u64..6, 2..=4),
        kept in prop::collection::vec(0u64..6, 4),
        settle in 1u64..3,
    ) {
        let mut policy = policy(&vec![ACTIVE; counts.len()]);
        (policy.trigger, policy.settle) = (settle + 1, settle);
        let placement = placed(&counts, Timestamp(0));
        let floors: Vec<u64> = counts.iter().zip(&kept).map(|(count, kept)| (*count).min(*kept)).collect();
        for (name, floor) in NODES.iter().zip(&floors) {
            policy.busy.extend(placement.files_of(&node_id(name)).take(*floor as usize).map(|file| file.id));
        }
        let plan = plan(&placement, &policy);
        let weights = [100; 4];
        let least = least_spreads(&counts, &floors, &weights);
        let spreads = spreads_of(&plan, &counts, &weights);
        prop_assert_eq!(&spreads[..], &least[..spreads.len()], "{:?}", plan.moves);
        prop_assert_eq!(plan.moves.len() as u64, plan.lower_bound);
    }

    #[test]
    fn new_files_one_by_one_never_reach_the_trigger(
        weights in prop::collection::vec(weight(), 1..=4),
        files in 1usize..400,
    ) {
        let mut nodes = counted(&weights.iter().map(|weight| (0, *weight)).collect::<Vec<_>>());
        for _ in 0..files {
            let to = emptiest(&nodes, |_| true).unwrap();
            nodes[to].count += 1;
            prop_assert!(spread(&nodes) <= 2, "{:?}", nodes);
        }
        for _ in 0..files {
            let from = fullest(&nodes, |_| true).unwrap();
            nodes[from].count -= 1;
            prop_assert!(spread(&nodes) <= 2, "{:?}", nodes);
        }
    }
}
