//! How many files each node may own: everything operational is a window of counts.

use super::{NodeInput, Policy};
use crate::domain::node::NodeCondition;
use crate::domain::placement::Placement;

/// One node in the water-fill. Counts are projected: moves in flight count at their target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) count: u64,
    /// Files that cannot leave now: on their way here, on the move, or in their cool-down.
    pub(super) floor: u64,
    pub(super) kind: Kind,
    pub(super) weight: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Gives and takes, up to a cap.
    Open { cap: u64 },
    /// Gives everything, takes nothing. `stay` files find no room elsewhere.
    Draining { stay: u64 },
    /// Neither gives nor takes: its server does not serve, or is paused.
    Fixed,
}

impl Slot {
    pub(super) fn of(node: &NodeInput, placement: &Placement, policy: &Policy) -> Self {
        let owned = placement.count(&node.id);
        let count = (owned + node.in_flight_in).saturating_sub(node.in_flight_out);
        let kind = match node.condition {
            NodeCondition::Active => Kind::Open { cap: node.cap.unwrap_or(u64::MAX) },
            // It keeps what it has, or gives; it takes no more.
            NodeCondition::Full | NodeCondition::Unhealthy => Kind::Open { cap: node.cap.unwrap_or(count).min(count) },
            NodeCondition::Draining => Kind::Draining { stay: 0 },
            NodeCondition::Paused
            | NodeCondition::Down
            | NodeCondition::Frozen
            | NodeCondition::NotServing
            | NodeCondition::Unknown => Kind::Fixed,
        };
        let cools = kind != Kind::Draining { stay: 0 };
        let movable = super::pick::movable(placement, node, policy, cools);
        Self { count, floor: count.saturating_sub(movable), kind, weight: u64::from(node.weight.max(1)) }
    }
}

/// Lowest and highest count of a node.
pub(super) type Window = (u64, u64);

/// The windows at one level. A node of the largest weight gets `[level, level + settle]`, a node of
/// half that weight half the level.
pub(super) struct Windows<'a> {
    pub(super) slots: &'a [Slot],
    pub(super) settle: u64,
    pub(super) weight_max: u64,
    /// Only drains move: no other node gives.
    pub(super) drain_only: bool,
}

impl Windows<'_> {
    pub(super) fn at(&self, level: u64, slot: &Slot) -> Window {
        match slot.kind {
            Kind::Fixed => (slot.count, slot.count),
            Kind::Draining { stay } => {
                let low = slot.floor.max(stay).min(slot.count);
                (low, low)
            }
            Kind::Open { cap } => {
                let share = self.share(level, slot);
                let (low, high) = (share.min(cap), share.saturating_add(self.settle).min(cap));
                let least = if self.drain_only { slot.count } else { slot.floor.min(slot.count) };
                (low.max(least), high.max(least))
            }
        }
    }

    /// `level * weight / weight_max`, which for equal weights is the level itself.
    fn share(&self, level: u64, slot: &Slot) -> u64 {
        let share = u128::from(level) * u128::from(slot.weight) / u128::from(self.weight_max);
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// Sums over all nodes at one level: lowest counts, highest counts, surplus and deficit.
    pub(super) fn sums(&self, level: u64) -> Sums {
        let mut sums = Sums::default();
        for slot in self.slots {
            let (low, high) = self.at(level, slot);
            sums.low += u128::from(low);
            sums.high += u128::from(high);
            sums.surplus += slot.count.saturating_sub(high);
            sums.deficit += low.saturating_sub(slot.count);
        }
        sums
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) low: u128,
    pub(super) high: u128,
    pub(super) surplus: u64,
    pub(super) deficit: u64,
}

impl Sums {
    /// The least moves that bring every count into its window.
    pub(super) fn moves(self) -> u64 {
        self.surplus.max(self.deficit)
    }
}
