//! The moves, one file each, in the order in which they do most good.
//!
//! First what drains goes, each file to the node furthest under its share. Then one file at a time
//! goes from the node furthest over its share to the node furthest under it, until the nodes that can
//! give and those that can take are within `settle` of each other. Taking from the highest lowers the
//! largest deviation as far as any choice of so many files can, giving to the lowest raises the
//! smallest likewise: so every prefix of the plan leaves the least spread that so many moves can
//! leave, and the whole is the shortest plan that reaches `settle`. No node both gives and takes: as
//! long as the two ends are more than one file apart, who gave stays above who takes.

use std::collections::VecDeque;

use super::share::{Bounds, ShareLevel};
use super::window::{CountWindow, Slot, SlotKind};

/// Every move as its ends, every node's window and its count after the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filled {
    /// Positions of source and target.
    pub(super) steps: Vec<(u32, u32)>,
    pub(super) windows: Vec<CountWindow>,
    pub(super) after: Vec<u64>,
    /// The least number of moves that reaches the windows.
    pub(super) least: u64,
}

/// Positions in the order of a key, each of which comes up again, one file further, after its turn.
/// Turns come in rising order, so that what comes up again lies in order too: O(1) a turn.
struct Turns {
    first: VecDeque<(i128, usize)>,
    again: VecDeque<(i128, usize)>,
}

impl Turns {
    fn of(keys: impl Iterator<Item = (i128, usize)>) -> Self {
        let mut first: Vec<_> = keys.collect();
        first.sort_unstable();
        Self { first: first.into(), again: VecDeque::new() }
    }

    fn next(&self) -> Option<(i128, usize)> {
        match (self.first.front(), self.again.front()) {
            (Some(first), Some(again)) => Some(*first.min(again)),
            (first, again) => first.or(again).copied(),
        }
    }

    /// Ends the turn of `next`; it comes up again unless it is `full`.
    fn turn(&mut self, one: i128, full: bool) {
        let fresh = self.first.front().is_some_and(|first| self.again.front().is_none_or(|again| first < again));
        let queue = if fresh { &mut self.first } else { &mut self.again };
        if let Some((key, at)) = queue.pop_front()
            && !full
        {
            self.again.push_back((key + one, at));
        }
    }
}

/// Levels the slots; with `drain_only` no node gives but those that drain.
pub(super) fn fill(slots: &[Slot], settle: u64, drain_only: bool) -> Filled {
    let level = level(slots, drain_only);
    let mut after: Vec<u64> = slots.iter().map(|slot| slot.count).collect();
    let mut steps = Vec::new();
    let deviation = |at: usize, count: u64| level.deviation(count, slots[at].weight);
    let takes = (0..slots.len()).filter(|at| slots[*at].room() > 0).map(|at| (deviation(at, after[at]), at));
    let mut takers = Turns::of(takes);
    let mut give = |after: &mut [u64], takers: &mut Turns, from: usize| {
        let Some((_, to)) = takers.next() else { return false };
        after[from] -= 1;
        after[to] += 1;
        takers.turn(level.one(), after[to] >= slots[to].most());
        steps.push((from as u32, to as u32));
        true
    };
    for from in (0..slots.len()).filter(|at| slots[*at].kind == SlotKind::Draining) {
        while after[from] > slots[from].floor && give(&mut after, &mut takers, from) {}
    }
    let gives =
        |at: &usize| matches!(slots[*at].kind, SlotKind::Open { .. }) && after[*at] > slots[*at].least(drain_only);
    let mut givers = Turns::of((0..slots.len()).filter(gives).map(|at| (-deviation(at, after[at]), at)));
    let apart = level.one() * i128::from(settle);
    while let (Some((over, from)), Some((under, _))) = (givers.next(), takers.next())
        && -over - under > apart
        && give(&mut after, &mut takers, from)
    {
        givers.turn(level.one(), after[from] <= slots[from].least(drain_only));
    }
    let lowest = (0..slots.len()).filter(|at| after[*at] < slots[*at].most()).map(|at| deviation(at, after[at])).min();
    let lowest = lowest.unwrap_or_else(|| {
        let open = (0..slots.len()).filter(|at| matches!(slots[*at].kind, SlotKind::Open { .. }));
        open.map(|at| deviation(at, after[at])).max().unwrap_or_default() - apart
    });
    let windows: Vec<CountWindow> = slots
        .iter()
        .zip(&after)
        .map(|(slot, after)| window(level, slot, *after, (lowest, settle), drain_only))
        .collect();
    Filled { steps, least: least(slots, &windows), windows, after }
}

/// The level that the open nodes reach with all that drains.
fn level(slots: &[Slot], drain_only: bool) -> ShareLevel {
    let open = || slots.iter().filter(|slot| matches!(slot.kind, SlotKind::Open { .. }));
    let room = open().fold(0u64, |sum, slot| sum.saturating_add(slot.room()));
    let drains = slots.iter().filter(|slot| slot.kind == SlotKind::Draining);
    let leaves: u64 = drains.map(|slot| slot.count - slot.floor.min(slot.count)).sum();
    let bounds: Vec<Bounds> = slots.iter().filter_map(|slot| slot.bounds(drain_only)).collect();
    ShareLevel::of(&bounds, open().map(|slot| slot.count).sum::<u64>() + leaves.min(room))
}

fn window(level: ShareLevel, slot: &Slot, after: u64, (lowest, settle): (i128, u64), drain_only: bool) -> CountWindow {
    match slot.kind {
        SlotKind::Fixed | SlotKind::Draining => (after, after),
        SlotKind::Open { cap } => {
            let (low, high) = level.window(slot.weight, lowest, settle);
            let least = slot.least(drain_only);
            let cap = cap.max(slot.count);
            (low.min(cap).max(least), high.min(cap).max(least))
        }
    }
}

/// The least moves that bring every count into its window: each takes one from a surplus and one from
/// a deficit at most.
fn least(slots: &[Slot], windows: &[CountWindow]) -> u64 {
    let (mut surplus, mut deficit) = (0, 0);
    for (slot, (low, high)) in slots.iter().zip(windows) {
        surplus += slot.count.saturating_sub(*high);
        deficit += low.saturating_sub(slot.count);
    }
    surplus.max(deficit)
}
