//! What fronts ask of the logs, and what they get.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ast::{Cmp, Expr, Field, Pattern, Side};
use super::event::LogEvent;
use super::level::LogLevel;
use super::moment::Moment;
use super::source::{EventId, LogCursor, LogSource};
use crate::domain::ids::{Millis, Timestamp};

/// Most events of one page.
pub const PAGE_MAX: usize = 2000;
/// Counting stops here: `10,000+`.
pub const HITS_MAX: u64 = 10_000;
/// Most bars of a histogram.
pub const BARS_MAX: usize = 400;
/// Most lines of context on one side.
pub const CONTEXT_MAX: usize = 500;

/// Which events are wanted: the typed query, and what is set beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSearch {
    pub expr: Expr,
    pub from: Option<Moment>,
    pub to: Option<Moment>,
    /// This level and worse.
    pub level: Option<LogLevel>,
    /// Only events of one folder of `logs/`.
    pub node: Option<String>,
}

impl Default for LogSearch {
    fn default() -> Self {
        Self { expr: Expr::All, from: None, to: None, level: None, node: None }
    }
}

impl LogSearch {
    /// Whether the span ends before it begins: no event can be in it.
    #[must_use]
    pub fn is_backwards(&self, now: Timestamp) -> bool {
        let whole = self.whole();
        let parts = if let Expr::And(parts) = &whole { parts.as_slice() } else { std::slice::from_ref(&whole) };
        let bound = |side| {
            let at = move |part: &Expr| match part {
                Expr::Time(of, at) if *of == side => Some(at.resolve(now)),
                _ => None,
            };
            parts.iter().filter_map(at)
        };
        let (from, to) = (bound(Side::Since).max(), bound(Side::Until).min());
        from.zip(to).is_some_and(|(from, to)| from > to)
    }

    /// The same as it is meant at an earlier moment: no event after that is wanted.
    #[must_use]
    pub fn as_of(&self, at: Timestamp) -> Self {
        let end = at.plus(Millis(1));
        Self {
            expr: self.expr.resolved(at),
            from: self.from.map(|from| Moment::At(from.resolve(at))),
            to: Some(Moment::At(self.to.map_or(end, |to| to.resolve(at).min(end)))),
            ..self.clone()
        }
    }

    /// All of it as one query.
    #[must_use]
    pub fn whole(&self) -> Expr {
        let mut parts = vec![];
        if self.expr != Expr::All {
            parts.push(self.expr.clone());
        }
        parts.extend(self.level.map(|level| Expr::Level(Cmp::AtLeast, level)));
        parts.extend(self.node.as_ref().map(|node| Expr::Field(Field::Node, Pattern::Phrase(node.clone()))));
        parts.extend(self.from.map(|at| Expr::Time(Side::Since, at)));
        parts.extend(self.to.map(|at| Expr::Time(Side::Until, at)));
        Expr::and(parts)
    }
}

/// Which way a page goes from its cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PageWay {
    /// Without a cursor: the newest events.
    #[default]
    Older,
    /// Without a cursor: the oldest events.
    Newer,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageAsk {
    pub search: LogSearch,
    pub cursor: Option<LogCursor>,
    pub way: PageWay,
    /// 1 to [`PAGE_MAX`].
    pub limit: usize,
    /// Also say how many match in all.
    pub count: bool,
    /// Somebody is watching: after so long rather few events than all of the page later.
    pub soon: Option<Duration>,
}

/// How many events match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hits {
    pub count: u64,
    /// Counting stopped: there may be more.
    pub at_least: bool,
}

/// Who answered, and what is to be known about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    #[serde(default)]
    pub source: LogSource,
    /// The same in words: `local files, 3 MiB` or `Elasticsearch`.
    pub by: String,
    /// Why it was not the one that should have been, and what to do.
    pub fallback: Option<String>,
    /// What is incomplete about the answer: unreadable files, failed shards.
    pub notes: Vec<String>,
    pub took: Millis,
    /// The same request to Elasticsearch as a command line, without secrets.
    pub curl: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// Oldest first, whichever way was asked.
    pub events: Vec<LogEvent>,
    /// There are fewer events than there could be, because they were wanted soon: go on for more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
    /// To go on before the first event; `None` when nothing older matches.
    pub older: Option<LogCursor>,
    /// To go on behind the last event; `None` when nothing newer matches by now.
    pub newer: Option<LogCursor>,
    pub hits: Option<Hits>,
    /// Where a follower goes on behind the newest page: taken before the search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<FollowMark>,
    /// Folders of `logs/`, for the node filter.
    pub nodes: Vec<String>,
    pub answered: Answered,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistogramAsk {
    pub search: LogSearch,
    /// 1 to [`BARS_MAX`].
    pub bars: usize,
    /// Also those of each node apart.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_node: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    pub count: u64,
    pub warnings: u64,
    pub errors: u64,
}

/// Events over time: bar `n` begins at `from + n * step`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    pub from: Timestamp,
    pub step: Millis,
    pub bars: Vec<Bar>,
    /// As many of each node that has any, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<String, Vec<Bar>>,
    pub hits: Hits,
    pub answered: Answered,
}

/// Where a histogram ends: with its search, or now where that has no end but a beginning, or with the last event.
#[must_use]
pub fn bars_end(from: Option<Timestamp>, to: Option<Timestamp>, last: Timestamp, now: Timestamp) -> Timestamp {
    match (from, to) {
        (_, Some(to)) => Timestamp(to.0.saturating_sub(1)),
        (Some(_), None) => last.max(now),
        (None, None) => last,
    }
}

/// Width of a bar that divides `span` into at most `bars`, such that its edges are round times.
#[must_use]
pub fn bar_step(span: Millis, bars: usize) -> Millis {
    const ROUND_S: [u64; 18] =
        [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400];
    let least = span.0 / (bars.max(1) as u64) + 1;
    let round = ROUND_S.into_iter().map(|seconds| seconds * 1_000).find(|step| *step >= least);
    Millis(round.unwrap_or_else(|| least.div_ceil(86_400_000) * 86_400_000))
}

/// Neighbours of an event in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextAsk {
    /// Of the event; may be empty when file and offset tell it.
    pub id: EventId,
    pub file: String,
    pub offset: u64,
    /// Events, at most [`CONTEXT_MAX`] on each side.
    pub before: usize,
    pub after: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogContext {
    /// In the order of the file; the event itself is among them.
    pub events: Vec<LogEvent>,
    /// Which of `events` was asked for.
    pub at: usize,
    pub answered: Answered,
}

/// How far a follower has read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FollowMark {
    /// Of each file, by its identity: where its last event begins, and how far it was read.
    Files(BTreeMap<String, (u64, u64)>),
    /// Time of the newest event, and the ids seen shortly before it: events come late.
    Index { until: Timestamp, seen: BTreeMap<EventId, Timestamp> },
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowAsk {
    pub search: LogSearch,
    /// `None` begins at the end of what there is.
    pub mark: Option<FollowMark>,
    /// How long to wait for an event.
    pub wait: Duration,
    pub limit: usize,
}

/// What has come since the mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// Oldest first. An event seen before comes again when lines were added to it.
    pub events: Vec<LogEvent>,
    pub mark: FollowMark,
    /// More came than are given.
    pub left_out: u64,
    pub answered: Answered,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogFail {
    /// The question cannot be answered by anybody: it has to be put otherwise.
    Question(String),
    /// It may be answered later.
    Answer(String),
}

impl std::fmt::Display for LogFail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Question(why) | Self::Answer(why)) = self;
        f.write_str(why)
    }
}

impl std::error::Error for LogFail {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::NOW;

    #[test]
    fn a_search_of_then_means_nothing_after_it() {
        let at = Timestamp(NOW.0 - 600_000);
        let ends = |from, to| {
            let search = LogSearch { from, to, ..LogSearch::default() }.as_of(at);
            let ms =
                |moment: Option<Moment>| moment.map(|moment| moment.resolve(NOW).0.cast_signed() - at.0.cast_signed());
            (ms(search.from), ms(search.to))
        };
        assert_eq!(ends(None, None), (None, Some(1)));
        assert_eq!(ends(Some(Moment::Ago(Millis(60_000))), None), (Some(-60_000), Some(1)));
        assert_eq!(ends(None, Some(Moment::At(NOW))), (None, Some(1)));
        assert_eq!(ends(None, Some(Moment::Ago(Millis(5)))), (None, Some(-5)));
        let expr = Expr::Time(Side::Since, Moment::Ago(Millis(60_000)));
        let search = LogSearch { expr, ..LogSearch::default() }.as_of(at);
        assert_eq!(search.expr, Expr::Time(Side::Since, Moment::At(Timestamp(at.0 - 60_000))));
    }
}
