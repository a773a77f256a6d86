//! The level, the shares and the spread: the one definition that the planner, the trigger, the
//! metric, REST, the screen and the choice of a node for a new file go by.
//!
//! A node's **share** is `level * weight`. The level is the same for all nodes: the files per unit of
//! weight at which the shares add up to the files there are. A node that takes no more counts with
//! what it has. The **deviation** is count minus share, kept exact in parts of `ShareLevel::weight`. The
//! **spread** is the largest minus the smallest deviation, rounded up: for equal weights the largest
//! minus the smallest count, and never over 1 where every node has its share rounded up or down.

use std::cmp::Ordering;

use crate::domain::node::{NodeCondition, NodeView};

/// A node as the spread sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub count: u64,
    pub weight: u32,
    pub condition: NodeCondition,
}

impl Counted {
    /// The node with its files as they will be when the moves under way have ended.
    #[must_use]
    pub fn of(node: &NodeView) -> Self {
        let count = (node.files + node.in_flight_in).saturating_sub(node.in_flight_out);
        Self { count, weight: node.weight, condition: node.condition }
    }

    /// Whether it may own files: only such nodes have a share.
    const fn is_eligible(&self) -> bool {
        matches!(self.condition, NodeCondition::Active | NodeCondition::Full | NodeCondition::Unhealthy)
    }

    fn bounds(&self) -> Bounds {
        let high = if self.condition == NodeCondition::Active { u64::MAX } else { self.count };
        Bounds { weight: u64::from(self.weight.max(1)), low: 0, high }
    }
}

/// A node's weight, the fewest files that it can have and the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) weight: u64,
    pub(super) low: u64,
    pub(super) high: u64,
}

/// Files per unit of weight, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShareLevel {
    files: i128,
    weight: i128,
}

impl ShareLevel {
    /// The level at which the nodes, each within its bounds, own `total` files.
    pub(super) fn of(nodes: &[Bounds], total: u64) -> Self {
        // From level 0 upwards: a node follows the level from its lowest count to its highest.
        let mut turns: Vec<(u64, u64, bool)> = Vec::with_capacity(nodes.len());
        let (mut still, mut moving) = (0i128, 0i128);
        for node in nodes {
            let low = node.low.min(node.high);
            if low == 0 {
                moving += i128::from(node.weight);
            } else {
                still += i128::from(low);
                turns.push((low, node.weight, true));
            }
            if node.high < u64::MAX {
                turns.push((node.high, node.weight, false));
            }
        }
        turns.sort_unstable_by(|(a, weight_a, up_a), (b, weight_b, up_b)| {
            let (a, b) = (u128::from(*a) * u128::from(*weight_b), u128::from(*b) * u128::from(*weight_a));
            a.cmp(&b).then(up_b.cmp(up_a))
        });
        let total = i128::from(total);
        let mut last = Self { files: 0, weight: 1 };
        for (count, weight, up) in turns {
            let (count, weight) = (i128::from(count), i128::from(weight));
            // At this turn the nodes own `still + moving * count / weight`.
            if (total - still) * weight <= moving * count {
                break;
            }
            last = Self { files: count, weight };
            let sign = if up { 1 } else { -1 };
            moving += sign * weight;
            still -= sign * count;
        }
        if moving > 0 { Self { files: (total - still).max(0), weight: moving } } else { last }
    }

    /// One file, in the parts in which deviations are kept.
    pub(super) const fn one(self) -> i128 {
        self.weight
    }

    /// Count minus share.
    pub(super) fn deviation(self, count: u64, weight: u64) -> i128 {
        i128::from(count) * self.weight - self.files * i128::from(weight)
    }

    /// The share of a node of this weight, rounded down and up.
    fn around(self, weight: u64) -> (u64, u64) {
        let parts = self.files * i128::from(weight);
        let floor = parts.div_euclid(self.weight);
        let ceiling = floor + i128::from(parts.rem_euclid(self.weight) > 0);
        let count = |n: i128| u64::try_from(n.max(0)).unwrap_or(u64::MAX);
        (count(floor), count(ceiling))
    }

    /// Lowest and highest count whose deviations lie from `lowest` to `lowest` and `files` more.
    pub(super) fn window(self, weight: u64, lowest: i128, files: u64) -> (u64, u64) {
        let low = self.files * i128::from(weight) + lowest;
        let floor = low.div_euclid(self.weight);
        let ceiling = floor + i128::from(low.rem_euclid(self.weight) > 0);
        let count = |n: i128| u64::try_from(n.max(0)).unwrap_or(u64::MAX);
        (count(ceiling), count(floor + i128::from(files)))
    }
}

/// The shares of the nodes that may own files.
#[derive(Clone, Copy, Debug)]
struct Shares<'a> {
    nodes: &'a [Counted],
    level: ShareLevel,
}

impl<'a> Shares<'a> {
    /// As if there were `more` files, or fewer.
    fn of(nodes: &'a [Counted], more: i64) -> Self {
        let eligible = || nodes.iter().filter(|node| node.is_eligible());
        let bounds: Vec<Bounds> = eligible().map(Counted::bounds).collect();
        let total = eligible().fold(0u64, |sum, node| sum.saturating_add(node.count));
        Self { nodes, level: ShareLevel::of(&bounds, total.saturating_add_signed(more)) }
    }

    fn deviation(&self, node: &Counted) -> i128 {
        self.level.deviation(node.count, u64::from(node.weight.max(1)))
    }

    fn spread(&self) -> u64 {
        let eligible = self.nodes.iter().filter(|node| node.is_eligible());
        let range = eligible.map(|node| self.deviation(node)).fold(None, |range: Option<(i128, i128)>, of| {
            range.map_or(Some((of, of)), |(low, high)| Some((low.min(of), high.max(of))))
        });
        range.map_or(0, |(low, high)| self.in_files(high - low))
    }

    fn in_files(&self, parts: i128) -> u64 {
        let whole = parts.div_euclid(self.level.weight) + i128::from(parts.rem_euclid(self.level.weight) > 0);
        u64::try_from(whole).unwrap_or(if whole < 0 { 0 } else { u64::MAX })
    }
}

/// How far the nodes are from their shares, in files.
#[must_use]
pub fn spread(nodes: &[Counted]) -> u64 {
    Shares::of(nodes, 0).spread()
}

/// What the node should own, in files; `None` for one that may own none.
#[must_use]
pub fn share(nodes: &[Counted], of: usize) -> Option<f64> {
    let node = nodes.get(of).filter(|node| node.is_eligible())?;
    let level = Shares::of(nodes, 0).level;
    Some(level.files as f64 * f64::from(node.weight.max(1)) / level.weight as f64)
}

/// Lowest and highest whole count next to what each node should own, in their order; `None` for one that may own
/// none.
#[must_use]
pub fn levels(nodes: &[Counted]) -> Vec<Option<(u64, u64)>> {
    let level = Shares::of(nodes, 0).level;
    let around = |node: &Counted| node.is_eligible().then(|| level.around(u64::from(node.weight.max(1))));
    nodes.iter().map(around).collect()
}

/// The node that a new file goes to: of those that can take it, the one furthest under its share, the
/// first of several.
#[must_use]
pub fn emptiest(nodes: &[Counted], takes: impl Fn(usize) -> bool) -> Option<usize> {
    let shares = Shares::of(nodes, 1);
    (0..nodes.len()).filter(|at| takes(*at)).min_by_key(|at| shares.deviation(&nodes[*at]))
}

/// The node that a file is taken from: of those that can give one, the one furthest over its share,
/// the first of several.
#[must_use]
pub fn fullest(nodes: &[Counted], gives: impl Fn(usize) -> bool) -> Option<usize> {
    let shares = Shares::of(nodes, -1);
    let first_of_most = |a: &usize, b: &usize| match shares.deviation(&nodes[*a]).cmp(&shares.deviation(&nodes[*b])) {
        Ordering::Equal => b.cmp(a),
        other => other,
    };
    (0..nodes.len()).filter(|at| gives(*at)).max_by(first_of_most)
}

/// The count at which this node alone makes the spread reach `trigger`, all others as they are.
/// `None` for a node that may own no files, or when no other may.
#[must_use]
pub fn starts_at(nodes: &[Counted], of: usize, trigger: u64) -> Option<u64> {
    let node = nodes.get(of).filter(|node| node.is_eligible())?;
    let others = || nodes.iter().enumerate().filter(|(at, other)| *at != of && other.is_eligible());
    let least = others().map(|(_, other)| other.count).min()?;
    if others().all(|(_, other)| other.weight == node.weight) {
        return Some(least.saturating_add(trigger));
    }
    let mut with: Vec<Counted> = nodes.to_vec();
    let mut reaches = |count: u64| {
        with[of].count = count;
        let shares = Shares::of(&with, 0);
        let others = with.iter().enumerate().filter(|(at, other)| *at != of && other.is_eligible());
        let least = others.map(|(_, other)| shares.deviation(other)).min();
        least.is_some_and(|least| shares.in_files(shares.deviation(&with[of]) - least) >= trigger)
    };
    let mut high = trigger.max(1);
    while !reaches(high) {
        high = high.checked_mul(2)?;
    }
    let mut low = 0;
    while low < high {
        let middle = low + (high - low) / 2;
        if reaches(middle) { high = middle } else { low = middle + 1 }
    }
    Some(high)
}
