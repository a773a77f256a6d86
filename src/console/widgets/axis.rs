//! A span of time in columns: the axis that charts, strips and histograms share.

use crate::console::time;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::series::Tier;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How far back a chart goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeReach {
    Minutes15,
    #[default]
    Hour,
    Hours6,
    Day,
    Week,
    Days30,
}

impl TimeReach {
    /// Shortest first.
    pub const ALL: [Self; 6] = [Self::Minutes15, Self::Hour, Self::Hours6, Self::Day, Self::Week, Self::Days30];

    #[must_use]
    pub const fn span(self) -> Millis {
        Millis(match self {
            Self::Minutes15 => 15 * MINUTE,
            Self::Hour => HOUR,
            Self::Hours6 => 6 * HOUR,
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Days30 => 30 * DAY,
        })
    }

    /// `15 m`
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Minutes15 => "15 m",
            Self::Hour => "1 h",
            Self::Hours6 => "6 h",
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Days30 => "30 d",
        }
    }

    /// The next shorter one; the shortest stays.
    #[must_use]
    pub fn shorter(self) -> Self {
        let at = Self::ALL.iter().position(|own| *own == self).unwrap_or(0);
        Self::ALL[at.saturating_sub(1)]
    }

    /// The next longer one; the longest stays.
    #[must_use]
    pub fn longer(self) -> Self {
        let at = Self::ALL.iter().position(|own| *own == self).unwrap_or(0);
        Self::ALL[(at + 1).min(Self::ALL.len() - 1)]
    }
}

/// Columns of time, oldest first, each one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeAxis {
    pub from: Timestamp,
    pub step: Millis,
    pub columns: u16,
}

impl TimeAxis {
    /// `reach` until `until` in at most `columns` columns: whole buckets of what is kept, all of the same length, and the
    /// first begins at a whole number of steps since 1970.
    #[must_use]
    pub fn back(reach: TimeReach, until: Timestamp, columns: u16) -> Self {
        let bucket = match reach {
            TimeReach::Minutes15 | TimeReach::Hour => Tier::Second,
            TimeReach::Hours6 | TimeReach::Day => Tier::TenSeconds,
            TimeReach::Week | TimeReach::Days30 => Tier::Minute,
        };
        Self::of_buckets(reach, until, columns, bucket.bucket())
    }

    /// The same, of buckets that are still kept at `now` of so old a time.
    #[must_use]
    pub fn back_from(reach: TimeReach, until: Timestamp, columns: u16, now: Timestamp) -> Self {
        let kept = |axis: &Self| axis.step.0.is_multiple_of(Tier::for_range(axis.from, now, axis.step).bucket().0);
        let usual = Self::back(reach, until, columns);
        let coarser = Tier::ALL.into_iter().map(|tier| Self::of_buckets(reach, until, columns, tier.bucket()));
        std::iter::once(usual).chain(coarser.filter(|axis| axis.step >= usual.step)).find(kept).unwrap_or(usual)
    }

    fn of_buckets(reach: TimeReach, until: Timestamp, columns: u16, bucket: Millis) -> Self {
        let (span, bucket) = (reach.span().0, bucket.0);
        let step = (span.div_ceil(u64::from(columns.max(1))).div_ceil(bucket) * bucket).max(bucket);
        let end = until.0.div_ceil(step) * step;
        let columns = u16::try_from(span.div_ceil(step)).unwrap_or(columns).min(columns);
        Self { from: Timestamp(end.saturating_sub(step * u64::from(columns))), step: Millis(step), columns }
    }

    /// End of the last column.
    #[must_use]
    pub const fn until(&self) -> Timestamp {
        self.from.plus(Millis(self.step.0 * self.columns as u64))
    }

    /// The column that a moment is in.
    #[must_use]
    pub fn column(&self, at: Timestamp) -> Option<u16> {
        let column = (at >= self.from).then(|| at.since(self.from).0 / self.step.0.max(1))?;
        u16::try_from(column).ok().filter(|column| *column < self.columns)
    }

    /// Begin of a column.
    #[must_use]
    pub const fn at(&self, column: u16) -> Timestamp {
        self.from.plus(Millis(self.step.0 * column as u64))
    }

    /// The columns that a span of time touches; `None` when it is outside.
    #[must_use]
    pub fn columns_of(&self, from: Timestamp, until: Timestamp) -> Option<(u16, u16)> {
        if until < self.from || from >= self.until() || self.columns == 0 {
            return None;
        }
        let first = self.column(from.max(self.from))?;
        Some((first, self.column(until).unwrap_or(self.columns - 1).max(first)))
    }

    /// Moments to be written under the axis, with their columns: round ones, and so far apart that they can be read.
    #[must_use]
    pub fn ticks(&self) -> Vec<(u16, String)> {
        const ROUND: [u64; 16] = [
            SECOND,
            5 * SECOND,
            10 * SECOND,
            30 * SECOND,
            MINUTE,
            2 * MINUTE,
            5 * MINUTE,
            10 * MINUTE,
            15 * MINUTE,
            30 * MINUTE,
            HOUR,
            2 * HOUR,
            3 * HOUR,
            6 * HOUR,
            12 * HOUR,
            DAY,
        ];
        const APART: u64 = 12;
        let least = self.step.0 * APART;
        let every = ROUND.into_iter().find(|every| *every >= least).unwrap_or_else(|| least.div_ceil(DAY) * DAY);
        let shift = time::offset_ms(self.from);
        let local = self.from.0.saturating_add_signed(shift);
        let mut at = Timestamp((local.div_ceil(every) * every).saturating_add_signed(-shift));
        let mut ticks = Vec::new();
        while at < self.until() {
            let text = match every {
                0..MINUTE => time::of_day(at),
                MINUTE..DAY => time::of_minute(at),
                _ => time::day(at),
            };
            ticks.extend(self.column(at).map(|column| (column, text)));
            at = at.plus(Millis(every));
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::NOW;
    use crate::domain::series::{SeriesAsk, SeriesKey, SeriesName};

    #[test]
    fn an_axis_is_as_long_as_it_says() {
        for reach in TimeReach::ALL {
            for columns in [1, 7, 60, 100, 187] {
                let axis = TimeAxis::back(reach, NOW, columns);
                let span = axis.until().since(axis.from).0;
                assert!(axis.columns <= columns && axis.from.0.is_multiple_of(axis.step.0));
                assert!(span >= reach.span().0 && span < reach.span().0 + axis.step.0, "{reach:?} {columns}: {span}");
                assert!(axis.until() >= NOW && axis.until().since(NOW) < axis.step);
            }
        }
    }

    /// Else what is answered is of other steps than what is drawn.
    #[test]
    fn an_axis_of_long_ago_has_steps_of_what_is_still_kept() {
        const HOUR: u64 = 3_600_000;
        for reach in TimeReach::ALL {
            for (ago, columns) in
                [(0, 51), (HOUR / 2, 51), (HOUR, 67), (5 * HOUR, 100), (30 * HOUR, 51), (900 * HOUR, 33)]
            {
                let axis = TimeAxis::back_from(reach, Timestamp(NOW.0 - ago), columns, NOW);
                let series = vec![SeriesKey::of_ensemble(SeriesName::Canary)];
                let ask = SeriesAsk { series, from: axis.from, until: axis.until(), step: axis.step };
                let answered = ask.axis(NOW).expect("it can be answered");
                assert_eq!((answered.step, answered.from), (axis.step, axis.from), "{reach:?} {ago} {columns}");
            }
        }
        assert_eq!(TimeAxis::back_from(TimeReach::Hour, NOW, 51, NOW), TimeAxis::back(TimeReach::Hour, NOW, 51));
    }

    #[test]
    fn moments_have_their_columns() {
        let axis = TimeAxis { from: Timestamp(10_000), step: Millis(2_000), columns: 5 };
        assert_eq!(
            [9_999, 10_000, 13_999, 19_999, 20_000].map(|at| axis.column(Timestamp(at))),
            [None, Some(0), Some(1), Some(4), None]
        );
        let touched = |from, until| axis.columns_of(Timestamp(from), Timestamp(until));
        assert_eq!(touched(0, 9_000), None);
        assert_eq!(touched(0, 12_000), Some((0, 1)));
        assert_eq!(touched(14_000, 90_000), Some((2, 4)));
        assert_eq!(touched(20_000, 90_000), None);
    }

    #[test]
    fn ticks_are_round_and_apart() {
        for reach in TimeReach::ALL {
            let ticks = TimeAxis::back(reach, NOW, 100).ticks();
            assert!((3..=9).contains(&ticks.len()), "{reach:?} {ticks:?}");
            assert!(ticks.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 10), "{reach:?} {ticks:?}");
        }
        let hour = TimeAxis::back(TimeReach::Hour, NOW, 100).ticks();
        assert_eq!(hour.first().map(|(_, text)| text.as_str()), Some("13:10"));
        assert_eq!(TimeAxis::back(TimeReach::Days30, NOW, 60).ticks()[0].1, "28 Oct");
        assert_eq!(TimeAxis { from: NOW, step: Millis(0), columns: 0 }.ticks(), []);
    }
}
