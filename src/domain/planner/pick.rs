//! Which files leave a node: the smallest, which are the cheapest to move; never one that is on the
//! move, and none that moved within the cool-down unless its node drains.

use std::collections::BTreeSet;

use super::{NodeInput, Policy};
use crate::domain::ids::{Bytes, FileId};
use crate::domain::placement::{NodeFiles, Placement};

/// Files of the node that may leave now.
pub(super) fn movable(placement: &Placement, node: &NodeInput, policy: &Policy, cools: bool) -> u64 {
    let Some(shelf) = placement.shelf(&node.id) else { return 0 };
    let owned = shelf.ids().len() as u64;
    let busy = busy_places(placement, node, policy);
    if cools && shelf.may_cool(policy.now, policy.cool_down) {
        let free = |place: &usize| !shelf.is_cooling(*place, policy.now, policy.cool_down) && !busy.contains(place);
        return (0..shelf.ids().len()).filter(free).count() as u64;
    }
    owned - busy.len() as u64
}

/// The `wanted` smallest files that may leave, smallest first, those of one size by id.
pub(super) fn smallest(
    placement: &Placement,
    node: &NodeInput,
    policy: &Policy,
    cools: bool,
    wanted: u64,
) -> Vec<(Bytes, FileId)> {
    let Some(shelf) = placement.shelf(&node.id) else { return Vec::new() };
    let busy = busy_places(placement, node, policy);
    let cools = cools && shelf.may_cool(policy.now, policy.cool_down);
    let free =
        |place: &usize| !busy.contains(place) && (!cools || !shelf.is_cooling(*place, policy.now, policy.cool_down));
    let file = |place: usize| file_at(shelf, place);
    let mut files: Vec<_> = if busy.is_empty() && !cools {
        (0..shelf.ids().len()).map(file).collect()
    } else {
        (0..shelf.ids().len()).filter(free).map(file).collect()
    };
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).min(files.len());
    if wanted < files.len() {
        files.select_nth_unstable(wanted);
        files.truncate(wanted);
    }
    files.sort_unstable();
    files
}

fn file_at(shelf: &NodeFiles, place: usize) -> (Bytes, FileId) {
    (shelf.sizes()[place], shelf.ids()[place])
}

/// Positions of the node's files that are on the move or damaged, or both; they are few.
fn busy_places(placement: &Placement, node: &NodeInput, policy: &Policy) -> BTreeSet<usize> {
    let spot = |file: &FileId| placement.spot(*file).filter(|(owner, _)| **owner == node.id).map(|(_, place)| place);
    policy.busy.iter().filter_map(spot).collect()
}
