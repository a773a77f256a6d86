//! Where a page is open, and how the values of another source fill it.

use super::ask::{SeriesLine, SeriesPage};
use super::names::SeriesName;
use super::prometheus::PrometheusPart;
use crate::domain::ids::Timestamp;

impl SeriesPage {
    /// The names of which a step is open that ended before `now`; each once.
    #[must_use]
    pub fn open_names(&self, now: Timestamp) -> Vec<SeriesName> {
        let ended = usize::try_from(now.since(self.from).0 / self.step.0.max(1)).unwrap_or(usize::MAX);
        let open = |line: &&SeriesLine| line.points.iter().take(ended).any(Option::is_none);
        let scraped = self.lines.iter().filter(|line| line.series.name.is_scraped());
        let mut names: Vec<_> = scraped.filter(open).map(|line| line.series.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Puts values of another source, on the axis of this page, where there is none of our own.
    pub fn fill(&mut self, from: &[SeriesLine]) {
        let mut filled = 0;
        for line in &mut self.lines {
            let Some(other) = from.iter().find(|other| other.series == line.series) else { continue };
            for (point, other) in line.points.iter_mut().zip(&other.points) {
                if point.is_none() && other.is_some() {
                    *point = *other;
                    filled += 1;
                }
            }
        }
        self.prometheus = PrometheusPart::Filled { points: filled };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Millis;
    use crate::domain::series::{SeriesKey, SeriesPoint};

    fn line(key: &str, values: [Option<f32>; 4]) -> SeriesLine {
        let points = values.map(|value| value.map(|mean| SeriesPoint { mean, max: mean })).to_vec();
        SeriesLine { series: key.parse::<SeriesKey>().expect("a series"), points }
    }

    fn page(lines: Vec<SeriesLine>) -> SeriesPage {
        SeriesPage { from: Timestamp(10_000), step: Millis(1_000), lines, prometheus: PrometheusPart::NotAsked }
    }

    #[test]
    fn our_own_values_stay_and_only_what_is_over_is_open() {
        let mut page = page(vec![
            line("files@zk1", [None, Some(2.0), None, None]),
            line("canary", [Some(1.0), Some(1.0), Some(1.0), None]),
            line("up@zk1", [None; 4]),
        ]);
        let names = |now| page.open_names(Timestamp(now));
        assert_eq!(names(10_999), [], "the first step is not over");
        assert_eq!(names(13_999), [SeriesName::Files], "the last step is not over; a verdict is ours alone");
        assert_eq!(names(14_000), [SeriesName::Files, SeriesName::Canary]);
        page.fill(&[line("files@zk1", [Some(7.0), Some(8.0), None, Some(9.0)]), line("files@zk2", [Some(1.0); 4])]);
        assert_eq!(page.lines[0], line("files@zk1", [Some(7.0), Some(2.0), None, Some(9.0)]));
        assert_eq!((page.lines.len(), page.prometheus), (3, PrometheusPart::Filled { points: 2 }));
    }
}
