//! The question for series, and its answer.

use serde::{Deserialize, Serialize};

use super::buckets::Tier;
use super::names::SeriesKey;
use super::point::SeriesPoint;
use super::prometheus::PrometheusPart;
use crate::domain::ask::{Ask, Unanswered};
use crate::domain::ids::{Millis, Timestamp};

/// Most series of one question.
pub const SERIES_ASKED_MAX: usize = 256;
/// Most points of each series in one answer.
pub const POINTS_MAX: usize = 4_000;

/// The values of some series from a moment to another, one point for each step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesAsk {
    /// At most [`SERIES_ASKED_MAX`].
    pub series: Vec<SeriesKey>,
    pub from: Timestamp,
    /// Not after it.
    pub until: Timestamp,
    /// Time of one point; what is kept may be coarser, which the answer tells.
    pub step: Millis,
}

/// Values of one series, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesLine {
    pub series: SeriesKey,
    /// One for each step; `None` where nothing was measured.
    pub points: Vec<Option<SeriesPoint>>,
}

/// The answer to a [`SeriesAsk`], in the order of its series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesPage {
    /// Begin of the first point: a whole number of steps since 1970, so that all charts have the same axis.
    pub from: Timestamp,
    /// As it was asked for, or the coarser one in which so old values are kept.
    pub step: Millis,
    pub lines: Vec<SeriesLine>,
    /// Whether some of it is Prometheus's.
    #[serde(default)]
    pub prometheus: PrometheusPart,
}

impl SeriesPage {
    /// Points of each line.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.first().map_or(0, |line| line.points.len())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[must_use]
    pub fn line(&self, key: &SeriesKey) -> Option<&SeriesLine> {
        self.lines.iter().find(|line| line.series == *key)
    }
}

impl Ask for SeriesAsk {
    type Answer = SeriesPage;
    type Refusal = Unanswered;
    const NAME: &'static str = "series of measurements";
}

/// The axis of an answer: which tier it is read from, its step, its first moment and its number of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesAxis {
    pub tier: Tier,
    pub from: Timestamp,
    pub step: Millis,
    pub points: usize,
}

/// A field of a question that cannot be answered, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct NoAxis {
    pub field: &'static str,
    pub rule: String,
}

impl SeriesAsk {
    /// How it will be answered at `now`.
    ///
    /// # Errors
    /// What is wrong with the question, naming the field.
    pub fn axis(&self, now: Timestamp) -> Result<SeriesAxis, NoAxis> {
        let wrong = |field, rule: String| Err(NoAxis { field, rule });
        if self.series.is_empty() || self.series.len() > SERIES_ASKED_MAX {
            return wrong("series", format!("{} are named; name 1 to {SERIES_ASKED_MAX}", self.series.len()));
        }
        if self.step.0 == 0 {
            return wrong("step", "it is 0; give at least one second".into());
        }
        if self.from >= self.until {
            return wrong("from", "it is not before the end".into());
        }
        let tier = Tier::for_range(self.from, now, self.step);
        // Whole buckets: a step of 1.5 s would take one value here and two there.
        let bucket = tier.bucket().0;
        let step = Millis(self.step.0.max(bucket).div_ceil(bucket) * bucket);
        let from = Timestamp(self.from.0 - self.from.0 % step.0);
        let points = self.until.since(from).0.div_ceil(step.0);
        match usize::try_from(points) {
            Ok(points) if points <= POINTS_MAX => Ok(SeriesAxis { tier, from, step, points }),
            _ => wrong("step", format!("{step} makes {points} points; {POINTS_MAX} is the most: take a longer one")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::NOW;
    use crate::domain::series::names::SeriesName;

    fn ask(back: u64, step: u64) -> SeriesAsk {
        let series = vec![SeriesKey::of_ensemble(SeriesName::Canary)];
        SeriesAsk { series, from: Timestamp(NOW.0 - back), until: NOW, step: Millis(step) }
    }

    #[test]
    fn an_axis_has_whole_buckets_of_what_is_still_kept() {
        const HOUR: u64 = 3_600_000;
        let axis = |back, step| ask(back, step).axis(NOW).map(|axis| (axis.tier, axis.step.0));
        assert_eq!(axis(60_000, 1_000), Ok((Tier::Second, 1_000)));
        assert_eq!(axis(60_000, 1_500), Ok((Tier::Second, 2_000)));
        assert_eq!(axis(HOUR + 70_000, 71_000), Ok((Tier::Second, 71_000)), "a step is as long as it was asked for");
        assert_eq!(axis(HOUR, 30_000), Ok((Tier::TenSeconds, 30_000)), "no more is read than is shown");
        assert_eq!(axis(2 * HOUR, 2_000), Ok((Tier::TenSeconds, 10_000)), "seconds of then are not kept");
        assert_eq!(axis(30 * 24 * HOUR, HOUR), Ok((Tier::Minute, HOUR)));
        let axis = ask(125_000, 60_000).axis(NOW).expect("good");
        assert_eq!((axis.from.0 % 60_000, axis.from <= Timestamp(NOW.0 - 125_000)), (0, true));
        assert!(axis.from.0 + axis.points as u64 * 60_000 >= NOW.0, "the last point reaches the end");
    }

    #[test]
    fn a_question_that_cannot_be_answered_names_its_field() {
        let wrong = |ask: SeriesAsk| ask.axis(NOW).expect_err("refused").to_string();
        assert!(wrong(SeriesAsk { series: Vec::new(), ..ask(1000, 1000) }).starts_with("series: 0 are named"));
        assert!(wrong(ask(1000, 0)).starts_with("step: it is 0"));
        assert!(
            wrong(SeriesAsk { until: Timestamp(5), ..ask(1000, 1000) }).starts_with("from: it is not before the end")
        );
        assert!(wrong(ask(30 * 86_400_000, 60_000)).starts_with("step: 1m0s makes 43201 points; 4000 is the most"));
        assert!(ask(30 * 86_400_000, 660_000).axis(NOW).is_ok());
    }
}
