//! Puts a plan together: decides whether there is something to do, and gives every move and every
//! node its reason.

use super::fill::{Filled, fill};
use super::pick;
use super::share::spread;
use super::window::{Slot, SlotKind};
use super::{NodeInput, Plan, PlannedMove, Policy};
use crate::domain::node::NodeCondition;
use crate::domain::placement::Placement;
use crate::domain::scheduler::{Decision, MoveReason, NodeTarget, NotChosen};

/// The least moves that level the nodes. Costs O(nodes) when there is nothing to do.
#[must_use]
pub fn plan(placement: &Placement, policy: &Policy) -> Plan {
    let slots: Vec<Slot> = policy.nodes.iter().map(|node| Slot::of(node, placement, policy)).collect();
    let spread_before = spread_of(policy, slots.iter().map(|slot| slot.count));
    let drains = slots.iter().any(|slot| slot.kind == SlotKind::Draining && slot.count > slot.floor);
    let over = spread_before >= policy.trigger;
    if mass_failure(policy) {
        return without_moves(policy, &slots, spread_before, Decision::MassFailure);
    }
    if !drains && !over {
        let level = spread_before <= policy.settle;
        let decision = if level { Decision::Balanced } else { Decision::BelowTrigger };
        return without_moves(policy, &slots, spread_before, decision);
    }
    let filled = fill(&slots, policy.settle.max(1), !over);
    let note = note(policy, &slots, &filled);
    let moves = moves(placement, policy, &slots, &filled);
    let decision = match moves.is_empty() {
        false => Decision::Ran,
        true if drains => Decision::NoEligibleTarget,
        true => idle(policy, &slots),
    };
    Plan {
        decision,
        lower_bound: filled.least,
        nodes: targets(policy, &slots, &filled),
        spread_before,
        spread_after: spread_of(policy, filled.after.iter().copied()),
        note,
        moves,
    }
}

fn spread_of(policy: &Policy, counts: impl Iterator<Item = u64>) -> u64 {
    let counted: Vec<_> = policy.nodes.iter().zip(counts).map(|(node, count)| node.with_files(count)).collect();
    spread(&counted)
}

/// More than one of so many nodes gone at once is a mass failure.
pub const MASS_FAILURE_OF: usize = 3;

/// More than a third of the nodes gone at once is a fault of something they share: nothing is moved.
fn mass_failure(policy: &Policy) -> bool {
    let gone = |node: &&NodeInput| {
        matches!(node.condition, NodeCondition::Down | NodeCondition::Frozen | NodeCondition::NotServing)
    };
    policy.nodes.iter().filter(gone).count() * MASS_FAILURE_OF > policy.nodes.len()
}

/// Over the trigger, and no move possible: files in their cool-down hold it up, or no node takes any.
fn idle(policy: &Policy, slots: &[Slot]) -> Decision {
    let cools = slots.iter().any(|slot| slot.floor > 0 && matches!(slot.kind, SlotKind::Open { .. }));
    let taker = policy.nodes.iter().any(|node| node.condition == NodeCondition::Active);
    if taker && cools { Decision::CoolDown } else { Decision::NoEligibleTarget }
}

fn without_moves(policy: &Policy, slots: &[Slot], spread: u64, decision: Decision) -> Plan {
    let after: Vec<u64> = slots.iter().map(|slot| slot.count).collect();
    let windows = after.iter().map(|count| (*count, *count)).collect();
    let filled = Filled { steps: Vec::new(), windows, after, least: 0 };
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
fn note(policy: &Policy, slots: &[Slot], filled: &Filled) -> Option<String> {
    let nodes = || policy.nodes.iter().zip(slots);
    let kept: Vec<_> = nodes()
        .zip(&filled.after)
        .filter(|((_, slot), after)| slot.kind == SlotKind::Draining && **after > slot.floor)
        .map(|((node, slot), after)| format!("{after} of {} files of {} stay", slot.count, node.id))
        .collect();
    if kept.is_empty() {
        return None;
    }
    let full: Vec<_> = nodes()
        .filter(|(_, slot)| slot.kind != SlotKind::Draining)
        .map(|(node, _)| format!("{} is {}", node.id, node.condition.word()))
        .collect();
    Some(format!("{}: {}", kept.join(", "), full.join(", ")))
}

/// The files of the steps, smallest first from each node, with the counts at both ends.
fn moves(placement: &Placement, policy: &Policy, slots: &[Slot], filled: &Filled) -> Vec<PlannedMove> {
    let mut files: Vec<_> = policy
        .nodes
        .iter()
        .zip(slots)
        .zip(&filled.after)
        .map(|((node, slot), after)| {
            let drains = slot.kind == SlotKind::Draining;
            let gives = slot.count.saturating_sub(*after);
            if gives == 0 { Vec::new() } else { pick::smallest(placement, node, policy, !drains, gives) }.into_iter()
        })
        .collect();
    let mut counts: Vec<u64> = slots.iter().map(|slot| slot.count).collect();
    let mut moves = Vec::with_capacity(filled.steps.len());
    for (from, to) in filled.steps.iter().map(|(from, to)| (*from as usize, *to as usize)) {
        let Some((size, file)) = files[from].next() else { continue };
        let reason = if slots[from].kind == SlotKind::Draining { MoveReason::Drain } else { MoveReason::OverTrigger };
        let (src, dst) = (policy.nodes[from].id.clone(), policy.nodes[to].id.clone());
        moves.push(PlannedMove { file, src, dst, size, reason, src_before: counts[from], dst_before: counts[to] });
        counts[from] -= 1;
        counts[to] += 1;
    }
    moves
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
        NodeCondition::Unreadable => NotChosen::Unreadable,
        NodeCondition::Full => NotChosen::Full,
        NodeCondition::Unknown => NotChosen::NotEligible,
    }
}
