//! What was measured by a moment.

use std::collections::BTreeMap;

use crate::domain::ids::{Millis, NodeId, Timestamp};
use crate::domain::series::{SeriesKey, SeriesLine, SeriesName, SeriesPage, SeriesPoint, Tier};

/// A value is that of a moment for so long: seconds are measured one by one, and not to the millisecond.
pub(super) const HOLDS: Millis = Millis(3_000);

/// Series around a moment.
pub(super) struct MeasuredThen<'a> {
    lines: BTreeMap<&'a SeriesKey, (&'a SeriesPage, &'a SeriesLine)>,
    pub(super) at: Timestamp,
}

impl<'a> MeasuredThen<'a> {
    pub(super) fn of(pages: &'a [SeriesPage], at: Timestamp) -> Self {
        let lines = pages.iter().flat_map(|page| page.lines.iter().map(move |line| (&line.series, (page, line))));
        Self { lines: lines.collect(), at }
    }

    /// Whether anything was measured at all: some zkdeck ran.
    pub(super) fn is_any(&self) -> bool {
        self.lines.keys().any(|key| self.point(key, self.at).is_some())
    }

    /// Time of one value; `None` where nothing was measured.
    pub(super) fn fineness(&self) -> Option<Millis> {
        self.lines.values().map(|(page, _)| page.step).max().filter(|_| self.is_any())
    }

    pub(super) fn value(&self, name: SeriesName, node: Option<&NodeId>) -> Option<f64> {
        self.value_at(name, node, self.at)
    }

    /// The same at an earlier moment.
    pub(super) fn value_at(&self, name: SeriesName, node: Option<&NodeId>, at: Timestamp) -> Option<f64> {
        self.point(&key(name, node), at).map(|point| f64::from(point.mean))
    }

    /// Whether values are of single seconds.
    pub(super) fn is_fine(&self) -> bool {
        self.fineness() == Some(Tier::Second.bucket())
    }

    /// The newest value by then: of whole seconds the last ones, of longer times the one that the moment is in.
    fn point(&self, key: &SeriesKey, at: Timestamp) -> Option<SeriesPoint> {
        let (page, line) = self.lines.get(key)?;
        let end = whole(page, at);
        if page.step > Tier::Second.bucket() {
            return line.points.get(end).copied().flatten();
        }
        let holds = usize::try_from(HOLDS.0 / page.step.0.max(1)).unwrap_or(1);
        let end = end.min(line.points.len());
        line.points[end.saturating_sub(holds)..end].iter().rev().find_map(|point| *point)
    }
}

fn key(name: SeriesName, node: Option<&NodeId>) -> SeriesKey {
    SeriesKey { name, node: node.cloned() }
}

/// How many points had ended by then.
fn whole(page: &SeriesPage, at: Timestamp) -> usize {
    usize::try_from(at.since(page.from).0 / page.step.0.max(1)).unwrap_or(usize::MAX)
}
