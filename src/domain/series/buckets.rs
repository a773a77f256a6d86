//! Buckets of time: how long each kind is kept, and how finer ones become coarser ones.

use super::point::SeriesPoint;
use crate::domain::ids::{Millis, Timestamp};

/// A fineness in which values are kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// One second, for an hour.
    Second,
    /// Ten seconds, for a day.
    TenSeconds,
    /// One minute, for thirty days.
    Minute,
}

impl Tier {
    /// Finest first.
    pub const ALL: [Self; 3] = [Self::Second, Self::TenSeconds, Self::Minute];

    /// Time of one value.
    #[must_use]
    pub const fn bucket(self) -> Millis {
        match self {
            Self::Second => Millis(1_000),
            Self::TenSeconds => Millis(10_000),
            Self::Minute => Millis(60_000),
        }
    }

    /// How long a value is kept.
    #[must_use]
    pub const fn kept(self) -> Millis {
        const HOUR: u64 = 3_600_000;
        match self {
            Self::Second => Millis(HOUR),
            Self::TenSeconds => Millis(24 * HOUR),
            Self::Minute => Millis(30 * 24 * HOUR),
        }
    }

    /// Buckets of one block.
    pub(super) const BLOCK: u64 = 120;

    /// Time of a whole block: what is kept goes by blocks.
    #[must_use]
    pub const fn block(self) -> Millis {
        Millis(self.bucket().0 * Self::BLOCK)
    }

    /// The coarsest one of which whole buckets make a step and that goes back far enough; else the finest that does.
    #[must_use]
    pub fn for_range(from: Timestamp, now: Timestamp, step: Millis) -> Self {
        let reaches = |tier: &Self| now.since(from).0 <= tier.kept().0 + tier.block().0;
        let fine = Self::ALL.into_iter().rev().find(|tier| step.0.is_multiple_of(tier.bucket().0) && reaches(tier));
        fine.or_else(|| Self::ALL.into_iter().find(reaches)).unwrap_or(Self::Minute)
    }
}

/// Points from `from` on, one for each `step`, of values with the moment at which each one's bucket begins.
pub fn regroup(
    values: impl IntoIterator<Item = (Timestamp, SeriesPoint)>,
    from: Timestamp,
    step: Millis,
    count: usize,
) -> Vec<Option<SeriesPoint>> {
    let mut sums: Vec<Option<(f64, u32, f32)>> = vec![None; count];
    for (at, value) in values {
        if at < from {
            continue;
        }
        let place = usize::try_from(at.since(from).0 / step.0.max(1)).unwrap_or(usize::MAX);
        let Some(place) = sums.get_mut(place) else { continue };
        let (sum, seen, max) = place.unwrap_or((0.0, 0, f32::MIN));
        *place = Some((sum + f64::from(value.mean), seen + 1, max.max(value.max)));
    }
    let point = |(sum, seen, max): (f64, u32, f32)| SeriesPoint { mean: (sum / f64::from(seen)) as f32, max };
    sums.into_iter().map(|sum| sum.map(point)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_become_coarser_and_gaps_stay() {
        let value = |at: u64, mean: f32| (Timestamp(at * 1000), SeriesPoint { mean, max: mean * 2.0 });
        let values = [value(99, 7.0), value(100, 1.0), value(101, 3.0), value(104, 5.0), value(106, 9.0)];
        let points = regroup(values, Timestamp(100_000), Millis(2_000), 3);
        let point = |mean, max| Some(SeriesPoint { mean, max });
        assert_eq!(points, [point(2.0, 6.0), None, point(5.0, 10.0)]);
    }
}
