//! Puts a plan together: decides whether there is something to do, and gives every move and every
//! node its reason.

use super::fill::{Filled, fill};
use super::pick;
use super::window::{Kind, Slot};
use super::{NodeInput, Plan, PlannedMove, Policy};
use crate::domain::ids::NodeId;
use crate::domain::node::NodeCondition;
use crate::domain::placement::Placement;
use crate::domain::scheduler::{Decision, MoveReason, NodeTarget, NotChosen};

/// The least moves that level the nodes. Costs O(nodes) when there is nothing to do.
#[must_use]
pub fn plan(placement: &Placement, policy: &Policy) -> Plan {
    let mut slots: Vec<Slot> = policy.nodes.iter().map(|node| Slot::of(node, placement, policy)).collect();
    let spread_before = spread_of(policy, slots.iter().map(|slot| slot.count));
    let drains = slots.iter().any(|slot| matches!(slot.kind, Kind::Draining { .. }) && slot.count > slot.floor);
    let over = spread_before >= policy.trigger;
    if mass_failure(policy) {
        return without_moves(policy, &slots, spread_before, Decision::MassFailure);
    }
    if !drains && !over {
        let level = spread_before <= policy.settle;
        let decision = if level { Decision::Balanced } else { Decision::BelowTrigger };
        return without_moves(policy, &slots, spread_before, decision);
    }
    let filled = fill(&mut slots, policy.settle.max(1), !over);
    let note = note(policy, &slots);
    let moves = moves(placement, policy, &slots, &filled);
    let decision = match moves.is_empty() {
        false => Decision::Ran,
        true if drains => Decision::NoEligibleTarget,
        true => idle(policy, &slots),
    };
    Plan {
        decision,
        lower_bound: filled.moves,
        nodes: targets(policy, &slots, &filled),
        spread_before,
        spread_after: spread_of(policy, filled.after.iter().copied()),
        note,
        moves,
    }
}

/// Largest minus smallest of `counts`, one for each node of the policy in its order, over the nodes
/// that may own files. Counts of nodes with different weights are scaled to the largest weight.
#[must_use]
pub fn spread(nodes: &[NodeInput], counts: impl Iterator<Item = u64>) -> u64 {
    let eligible = |node: &NodeInput| {
        matches!(node.condition, NodeCondition::Active | NodeCondition::Full | NodeCondition::Unhealthy)
    };
    let heaviest = nodes.iter().map(|node| node.weight.max(1)).max().unwrap_or(1);
    let scaled = |node: &NodeInput, count: u64| {
        u64::try_from(u128::from(count) * u128::from(heaviest) / u128::from(node.weight.max(1))).unwrap_or(u64::MAX)
    };
    let counts = nodes.iter().zip(counts).filter(|(node, _)| eligible(node)).map(|(node, count)| scaled(node, count));
    let (low, high) = counts.fold((u64::MAX, 0), |(low, high), count| (low.min(count), high.max(count)));
    high.saturating_sub(low)
}

fn spread_of(policy: &Policy, counts: impl Iterator<Item = u64>) -> u64 {
    spread(&policy.nodes, counts)
}

/// More than a third of the nodes gone at once is a fault of something they share: nothing is moved.
fn mass_failure(policy: &Policy) -> bool {
    let gone = |node: &&NodeInput| {
        matches!(node.condition, NodeCondition::Down | NodeCondition::Frozen | NodeCondition::NotServing)
    };
    policy.nodes.iter().filter(gone).count() * 3 > policy.nodes.len()
}

/// Over the trigger, and no move possible: files in their cool-down hold it up, or no node takes any.
fn idle(policy: &Policy, slots: &[Slot]) -> Decision {
    let cools = slots.iter().any(|slot| slot.floor > 0 && matches!(slot.kind, Kind::Open { .. }));
    let taker = policy.nodes.iter().any(|node| node.condition == NodeCondition::Active);
    if taker && cools { Decision::CoolDown } else { Decision::NoEligibleTarget }
}

fn without_moves(policy: &Policy, slots: &[Slot], spread: u64, decision: Decision) -> Plan {
    let after: Vec<u64> = slots.iter().map(|slot| slot.count).collect();
    let windows = after.iter().map(|count| (*count, *count)).collect();
    let filled = Filled { windows, after, moves: 0 };
    Plan {
        decision,
        moves: Vec::new(),
        lower_bound: 0,
        nodes: targets(policy, slots, &filled),
        spread_before: spread,
        spread_after: spread,
        note: None,
    }
}

/// Which drains cannot end, and how many files stay.
fn note(policy: &Policy, slots: &[Slot]) -> Option<String> {
    let nodes = || policy.nodes.iter().zip(slots);
    let kept: Vec<_> = nodes()
        .filter_map(|(node, slot)| match slot.kind {
            Kind::Draining { stay } if stay > slot.floor => {
                Some(format!("{} of {} files of {} stay", stay, slot.count, node.id))
            }
            _ => None,
        })
        .collect();
    if kept.is_empty() {
        return None;
    }
    let full: Vec<_> = nodes()
        .filter(|(_, slot)| !matches!(slot.kind, Kind::Draining { .. }))
        .map(|(node, slot)| match (slot.kind, node.condition) {
            (Kind::Open { cap }, NodeCondition::Active) => format!("{} is at its cap of {cap}", node.id),
            (_, condition) => format!("{} is {}", node.id, condition.word()),
        })
        .collect();
    Some(format!("{}: {}", kept.join(", "), full.join(", ")))
}

fn moves(placement: &Placement, policy: &Policy, slots: &[Slot], filled: &Filled) -> Vec<PlannedMove> {
    let nodes = || policy.nodes.iter().zip(slots).zip(&filled.after);
    let mut takers = nodes()
        .filter(|((_, slot), after)| **after > slot.count)
        .map(|((node, slot), after)| Taker { node: &node.id, count: slot.count, after: *after })
        .collect::<Vec<_>>()
        .into_iter();
    let mut taker = takers.next();
    let mut moves = Vec::with_capacity(usize::try_from(filled.moves).unwrap_or(0));
    for ((node, slot), after) in nodes() {
        let draining = matches!(slot.kind, Kind::Draining { .. });
        let gives = slot.count.saturating_sub(*after);
        let reason = if draining { MoveReason::Drain } else { MoveReason::OverTrigger };
        let files = if gives == 0 { Vec::new() } else { pick::smallest(placement, node, policy, !draining, gives) };
        for (src_before, (size, file)) in (0..=slot.count).rev().zip(files) {
            let Some(to) = &mut taker else { return moves };
            let (src, dst) = (node.id.clone(), to.node.clone());
            moves.push(PlannedMove { file, src, dst, size, reason, src_before, dst_before: to.count });
            to.count += 1;
            if to.count == to.after {
                taker = takers.next();
            }
        }
    }
    moves
}

/// A node that takes files, filled up one by one.
struct Taker<'a> {
    node: &'a NodeId,
    count: u64,
    after: u64,
}

fn targets(policy: &Policy, slots: &[Slot], filled: &Filled) -> Vec<NodeTarget> {
    let target = |(i, node): (usize, &NodeInput)| {
        let (before, after) = (slots[i].count, filled.after[i]);
        NodeTarget {
            node: node.id.clone(),
            before,
            after,
            low: filled.windows[i].0,
            high: filled.windows[i].1,
            gives: before.saturating_sub(after),
            takes: after.saturating_sub(before),
            not_chosen: (after <= before).then(|| not_chosen(node.condition)),
        }
    };
    policy.nodes.iter().enumerate().map(target).collect()
}

const fn not_chosen(condition: NodeCondition) -> NotChosen {
    match condition {
        NodeCondition::Active => NotChosen::AtLevel,
        NodeCondition::Draining => NotChosen::Draining,
        NodeCondition::Paused => NotChosen::Paused,
        NodeCondition::Down => NotChosen::Down,
        NodeCondition::Frozen => NotChosen::Frozen,
        NodeCondition::NotServing => NotChosen::NotServing,
        NodeCondition::Unhealthy => NotChosen::Unhealthy,
        NodeCondition::Full => NotChosen::Full,
        NodeCondition::Unknown => NotChosen::NotEligible,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::fixtures::{NOW, node_id};
    use crate::domain::ids::{Bytes, FileId, Millis, Timestamp};

    const NODES: [&str; 4] = ["zk1", "zk2", "zk3", "zk4"];

    fn input(name: &str, condition: NodeCondition) -> NodeInput {
        NodeInput { id: node_id(name), weight: 100, condition, cap: None, in_flight_in: 0, in_flight_out: 0 }
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
                placement.upsert(FileId::new(id), &node_id(name), Bytes(1000 - id as u64), moved, moves);
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
        let mut policy = policy(&[NodeCondition::Draining, ACTIVE, NodeCondition::Full]);
        policy.nodes[1].cap = Some(5);
        let plan = plan(&placed(&[10, 3, 3], Timestamp(0)), &policy);
        assert_eq!(plan.moves.len(), 2);
        let note = "8 of 10 files of zk1 stay: zk2 is at its cap of 5, zk3 is full";
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

    fn condition() -> impl Strategy<Value = NodeCondition> {
        prop_oneof![
            5 => Just(ACTIVE),
            1 => Just(NodeCondition::Draining),
            1 => Just(NodeCondition::Paused),
            1 => Just(NodeCondition::Full),
        ]
    }

    proptest! {
        #[test]
        fn a_plan_keeps_its_word(
            counts in prop::collection::vec(0u64..30, 4),
            conditions in prop::collection::vec(condition(), 4),
        ) {
            let (placement, policy) = (placed(&counts, Timestamp(0)), policy(&conditions));
            let plan = plan(&placement, &policy);
            prop_assert_eq!(plan.moves.len() as u64, plan.lower_bound);
            prop_assert_eq!(&plan, &super::plan(&placement, &policy));
            let mut after = counts.clone();
            let mut seen = std::collections::BTreeSet::new();
            for planned in &plan.moves {
                prop_assert!(seen.insert(planned.file), "moved twice");
                prop_assert_eq!(placement.owner(planned.file), Some(&planned.src));
                let at = |node: &NodeId| NODES.iter().position(|name| *name == node.as_str()).unwrap();
                let (src, dst) = (at(&planned.src), at(&planned.dst));
                prop_assert_eq!((after[src], after[dst]), (planned.src_before, planned.dst_before));
                prop_assert_eq!(conditions[dst], ACTIVE);
                after[src] -= 1;
                after[dst] += 1;
            }
            for (node, count) in plan.nodes.iter().zip(&after) {
                prop_assert_eq!(node.after, *count);
                prop_assert!(node.gives == 0 || node.takes == 0);
            }
        }
    }
}
