//! The water-fill: the level with the least moves, and every node's count at it.
//!
//! For given windows `[L_i, U_i]` the least number of moves is
//! `max(sum (x_i - U_i)+, sum (L_i - x_i)+)`: each move takes one from a surplus and one from a
//! deficit at most. Surplus falls with the level and deficit grows, so the best level lies where
//! they cross, within the levels that hold all files.

use super::window::{Kind, Slot, Window, Windows};

/// Every node's window and its count after the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) windows: Vec<Window>,
    pub(super) after: Vec<u64>,
    /// The least number of moves that reaches the windows.
    pub(super) moves: u64,
}

/// Levels the slots. Draining nodes keep what finds no room, which is noted in their `Kind`.
pub(super) fn fill(slots: &mut [Slot], settle: u64, drain_only: bool) -> Filled {
    make_room(slots, settle, drain_only);
    let windows = windows(slots, settle, drain_only);
    let total: u128 = slots_total(windows.slots);
    let top = level_max(windows.slots);
    // The lowest level that holds all files, the highest that does not ask for more than there are,
    // and the first between them where the deficit has caught up with the surplus.
    let lowest = first(0, top, |level| windows.sums(level).high >= total);
    let highest = first(lowest, top, |level| windows.sums(level).low > total).max(lowest + 1) - 1;
    let cross = first(lowest, highest, |level| {
        let sums = windows.sums(level);
        sums.deficit >= sums.surplus
    });
    let before = cross.saturating_sub(1).max(lowest);
    let level = if windows.sums(before).moves() <= windows.sums(cross).moves() { before } else { cross };
    settle_at(&windows, level)
}

fn windows(slots: &[Slot], settle: u64, drain_only: bool) -> Windows<'_> {
    let weight_max = slots.iter().map(|slot| slot.weight).max().unwrap_or(1);
    Windows { slots, settle, weight_max, drain_only }
}

fn slots_total(slots: &[Slot]) -> u128 {
    slots.iter().map(|slot| u128::from(slot.count)).sum()
}

/// A level at which one open node alone would hold every file.
fn level_max(slots: &[Slot]) -> u64 {
    let heaviest = slots.iter().map(|slot| slot.weight).max().unwrap_or(1);
    let lightest = slots.iter().map(|slot| slot.weight).min().unwrap_or(1);
    let level = (slots_total(slots) + 1) * u128::from(heaviest) / u128::from(lightest) + 1;
    u64::try_from(level).unwrap_or(u64::MAX / 2)
}

/// First level in `low..=high` where `holds`, which stays true once it is; `high` when none does.
fn first(low: u64, high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

/// When caps leave no room for all that drains, the rest stays where it is.
fn make_room(slots: &mut [Slot], settle: u64, drain_only: bool) {
    let room = windows(slots, settle, drain_only).sums(level_max(slots)).high;
    let mut over = u64::try_from(slots_total(slots).saturating_sub(room)).unwrap_or(u64::MAX);
    for slot in slots.iter_mut().rev() {
        if let Kind::Draining { stay } = &mut slot.kind {
            let least = slot.floor.min(slot.count);
            let kept = over.min(slot.count - least);
            *stay = least + kept;
            over -= kept;
        }
    }
}

/// Clamps every count into its window, then settles the difference level by level.
fn settle_at(windows: &Windows<'_>, level: u64) -> Filled {
    let of: Vec<Window> = windows.slots.iter().map(|slot| windows.at(level, slot)).collect();
    let mut after: Vec<u64> =
        windows.slots.iter().zip(&of).map(|(slot, (low, high))| slot.count.clamp(*low, *high)).collect();
    let sums = windows.sums(level);
    // More is given than must be taken: the emptiest take it. Less: the fullest give more.
    spread(sums.surplus.saturating_sub(sums.deficit), &mut after, |i, count| count < of[i].1, true);
    spread(sums.deficit.saturating_sub(sums.surplus), &mut after, |i, count| count > of[i].0, false);
    Filled { windows: of, after, moves: sums.moves() }
}

/// Adds `left` to the emptiest that have room, or takes it from the fullest, one each in turn.
fn spread(mut left: u64, after: &mut [u64], has_room: impl Fn(usize, u64) -> bool, add: bool) {
    let mut order: Vec<usize> = (0..after.len()).collect();
    while left > 0 {
        if add {
            order.sort_by_key(|i| (after[*i], *i));
        } else {
            order.sort_by_key(|i| (std::cmp::Reverse(after[*i]), *i));
        }
        let mut changed = false;
        for i in &order {
            if left > 0 && has_room(*i, after[*i]) {
                after[*i] = if add { after[*i] + 1 } else { after[*i] - 1 };
                left -= 1;
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn open(count: u64) -> Slot {
        Slot { count, floor: 0, kind: Kind::Open { cap: u64::MAX }, weight: 1 }
    }

    fn counts(counts: &[u64], settle: u64) -> (Vec<u64>, u64) {
        let mut slots: Vec<_> = counts.iter().map(|count| open(*count)).collect();
        let filled = fill(&mut slots, settle, false);
        (filled.after, filled.moves)
    }

    #[test]
    fn levels_with_the_least_moves() {
        assert_eq!(counts(&[8, 0, 0], 1), (vec![3, 3, 2], 5));
        assert_eq!(counts(&[41, 33, 34], 1).1, 5);
        assert_eq!(counts(&[3, 3, 2], 1), (vec![3, 3, 2], 0));
        assert_eq!(counts(&[], 1), (vec![], 0));
        assert_eq!(counts(&[0, 0], 1), (vec![0, 0], 0));
    }

    #[test]
    fn weights_share_in_proportion() {
        let mut slots = vec![Slot { weight: 100, ..open(30) }, Slot { weight: 50, ..open(0) }];
        let after = fill(&mut slots, 1, false).after;
        assert_eq!(after.iter().sum::<u64>(), 30);
        assert!((19..=20).contains(&after[0]), "{after:?}");
    }

    #[test]
    fn a_drain_alone_moves_nothing_else() {
        let mut slots = vec![Slot { kind: Kind::Draining { stay: 0 }, ..open(3) }, open(9), open(6)];
        let filled = fill(&mut slots, 1, true);
        assert_eq!((filled.after, filled.moves), (vec![0, 9, 9], 3));
    }

    #[test]
    fn what_finds_no_room_stays() {
        let mut slots = vec![
            Slot { kind: Kind::Draining { stay: 0 }, ..open(10) },
            Slot { kind: Kind::Open { cap: 4 }, ..open(2) },
            Slot { kind: Kind::Fixed, ..open(5) },
        ];
        let filled = fill(&mut slots, 1, true);
        assert_eq!((filled.after, filled.moves), (vec![8, 4, 5], 2));
        assert_eq!(slots[0].kind, Kind::Draining { stay: 8 });
    }

    /// Every way to place the files, and the fewest moves to one whose counts fit a level's windows.
    fn brute(slots: &[Slot], settle: u64, drain_only: bool) -> Option<u64> {
        let total = slots.iter().map(|slot| slot.count).sum::<u64>();
        let windows = windows(slots, settle, drain_only);
        let mut best: Option<u64> = None;
        for level in 0..=level_max(slots) {
            let of: Vec<_> = slots.iter().map(|slot| windows.at(level, slot)).collect();
            let mut stack = vec![(0usize, 0u64, 0u64)];
            while let Some((at, placed, given)) = stack.pop() {
                if at == slots.len() {
                    if placed == total {
                        best = Some(best.map_or(given, |least| least.min(given)));
                    }
                    continue;
                }
                for count in of[at].0..=of[at].1.min(total) {
                    if placed + count <= total {
                        stack.push((at + 1, placed + count, given + slots[at].count.saturating_sub(count)));
                    }
                }
            }
        }
        best
    }

    fn slot() -> impl Strategy<Value = Slot> {
        let kind = prop_oneof![
            4 => Just(Kind::Open { cap: u64::MAX }),
            1 => (0u64..6).prop_map(|cap| Kind::Open { cap }),
            1 => Just(Kind::Draining { stay: 0 }),
            1 => Just(Kind::Fixed),
        ];
        (0u64..9, 0u64..3, kind, 1u64..4).prop_map(|(count, floor, kind, weight)| Slot { count, floor, kind, weight })
    }

    proptest! {
        #[test]
        fn no_plan_has_fewer_moves(mut slots in prop::collection::vec(slot(), 1..5), settle in 1u64..3, drain_only: bool) {
            let total: u64 = slots.iter().map(|slot| slot.count).sum();
            let filled = fill(&mut slots, settle, drain_only);
            if let Some(least) = brute(&slots, settle, drain_only) {
                prop_assert_eq!(filled.moves, least, "{:?}", slots);
                prop_assert_eq!(filled.after.iter().sum::<u64>(), total);
                for (after, (low, high)) in filled.after.iter().zip(&filled.windows) {
                    prop_assert!(low <= after && after <= high);
                }
                let gives: u64 = slots.iter().zip(&filled.after).map(|(s, a)| s.count.saturating_sub(*a)).sum();
                prop_assert_eq!(gives, least);
            }
        }
    }
}
