//! How many files each node may own and give away: one slot for each node.

use super::share::Bounds;
use super::{NodeInput, Policy};
use crate::domain::node::NodeCondition;
use crate::domain::placement::Placement;

/// One node. Counts are projected: moves in flight count at their target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) count: u64,
    /// Files that cannot leave now: on their way here, on the move, or in their cool-down.
    pub(super) floor: u64,
    pub(super) kind: SlotKind,
    pub(super) weight: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotKind {
    /// Gives and takes, up to a cap.
    Open { cap: u64 },
    /// Gives everything that can leave, takes nothing.
    Draining,
    /// Neither gives nor takes: its server does not serve, or is paused, or its folder is out of sight.
    Fixed,
}

impl Slot {
    pub(super) fn of(node: &NodeInput, placement: &Placement, policy: &Policy) -> Self {
        let count = node.projected(placement.count(&node.id));
        let kind = match node.condition {
            NodeCondition::Active => SlotKind::Open { cap: u64::MAX },
            // It keeps what it has, or gives; it takes no more.
            NodeCondition::Full | NodeCondition::Unhealthy => SlotKind::Open { cap: count },
            NodeCondition::Draining => SlotKind::Draining,
            NodeCondition::Unreadable
            | NodeCondition::Paused
            | NodeCondition::Down
            | NodeCondition::Frozen
            | NodeCondition::NotServing
            | NodeCondition::Unknown => SlotKind::Fixed,
        };
        let movable = super::pick::movable(placement, node, policy, kind != SlotKind::Draining);
        Self { count, floor: count.saturating_sub(movable), kind, weight: u64::from(node.weight.max(1)) }
    }

    /// Files that it can take.
    pub(super) const fn room(&self) -> u64 {
        self.most().saturating_sub(self.count)
    }

    /// The most files that it can come to have; below its count for one that takes none.
    pub(super) const fn most(&self) -> u64 {
        match self.kind {
            SlotKind::Open { cap } => cap,
            SlotKind::Draining | SlotKind::Fixed => 0,
        }
    }

    /// What bounds its count when the open nodes are levelled; `None` for one that is not.
    pub(super) fn bounds(&self, drain_only: bool) -> Option<Bounds> {
        let SlotKind::Open { cap } = self.kind else { return None };
        let low = self.least(drain_only);
        Some(Bounds { weight: self.weight, low, high: cap.max(self.count) })
    }

    /// The fewest files that it can be left with.
    pub(super) fn least(&self, drain_only: bool) -> u64 {
        if drain_only && self.kind != SlotKind::Draining { self.count } else { self.floor.min(self.count) }
    }
}

/// Lowest and highest count of a node.
pub(super) type CountWindow = (u64, u64);
