//! Events over time.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::block::{Counts, Tallied, slot};
use super::jobs::{BlockSearch, Searched, Stop, each, plan};
use super::page::remember;
use super::store::{LogFiles, locked};
use super::wanted::Scan;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::log::{BARS_MAX, Bar, HITS_MAX, Histogram, HistogramAsk, Hits, LogLevel, bar_step, bars_end};

pub(super) fn histogram(
    store: &Mutex<LogFiles>,
    wanted: &Scan,
    ask: &HistogramAsk,
    now: Timestamp,
    stop: &Stop,
) -> (Histogram, Searched) {
    let (mut jobs, bytes) = plan(&mut locked(store), wanted);
    let searched = |complete| Searched { bytes, complete };
    let Some(axis) = Axis::of(&jobs, wanted, ask, now) else { return (Histogram::default(), searched(true)) };
    let (mut bars, mut nodes) = (vec![Bar::default(); axis.len], BTreeMap::<String, Vec<Bar>>::new());
    let mut add = |node: &str, bar: usize, counts: &Counts| {
        add(&mut bars[bar], wanted, counts);
        if ask.by_node {
            let of_node = nodes.entry(node.to_owned()).or_insert_with(|| vec![Bar::default(); axis.len]);
            self::add(&mut of_node[bar], wanted, counts);
        }
    };
    // A block of which is known what was found in it, all in one bar, is not read again.
    let mut open = Vec::new();
    for job in jobs.drain(..) {
        match job.settled(wanted).filter(|found| axis.bar(found.first) == axis.bar(found.last)) {
            Some(found) => add(&job.facts.node, axis.bar(found.first), &found.counts),
            None => open.push(job),
        }
    }
    let found = each(&open, stop, |job, bytes| {
        let mut all = Tallied::default();
        let mut taken: Vec<(usize, Counts)> = Vec::new();
        wanted.scan(&job.facts, bytes, job.offset, job.before, |hit| {
            all.add(hit.level, hit.at);
            if wanted.takes(&hit) {
                let bar = axis.bar(hit.at);
                if taken.last().is_none_or(|(last, _)| *last != bar) {
                    taken.push((bar, Counts::default()));
                }
                if let Some((_, counts)) = taken.last_mut() {
                    counts[slot(hit.level)] += 1;
                }
            }
        });
        (all, taken)
    });
    let complete = found.len() == open.len();
    for (at, (all, taken)) in found {
        open[at].found = Some(all);
        for (bar, counts) in taken {
            add(&open[at].facts.node, bar, &counts);
        }
    }
    remember(store, wanted, &open);
    let count = bars.iter().map(|bar| bar.count).sum::<u64>();
    let hits = Hits { count: count.min(HITS_MAX), at_least: count > HITS_MAX || !complete };
    let (from, step) = (Timestamp(axis.from), Millis(axis.step));
    (Histogram { from, step, bars, nodes, hits, ..Histogram::default() }, searched(complete))
}

/// The bars' times.
#[derive(Clone, Copy)]
struct Axis {
    from: u64,
    step: u64,
    len: usize,
}

impl Axis {
    /// `None` when nothing tells where it begins.
    fn of(jobs: &[BlockSearch], wanted: &Scan, ask: &HistogramAsk, now: Timestamp) -> Option<Self> {
        let since = Some(wanted.since).filter(|since| *since > 0);
        let first = jobs.iter().map(|job| job.before.max(wanted.since)).min().or(since)?;
        let last = jobs.iter().map(|job| if job.last >= now.0 { now.0 } else { job.last }).max().unwrap_or(now.0);
        let until = Some(Timestamp(wanted.until)).filter(|until| until.0 < u64::MAX);
        let first = since.unwrap_or(first);
        let last = bars_end(since.map(Timestamp), until, Timestamp(last), now).0.max(first);
        let step = bar_step(Millis(last - first), ask.bars.clamp(1, BARS_MAX)).0;
        let from = first - first % step;
        let len = usize::try_from((last - from) / step + 1).unwrap_or(BARS_MAX).min(BARS_MAX + 1);
        Some(Self { from, step, len })
    }

    fn bar(&self, at: u64) -> usize {
        usize::try_from(at.saturating_sub(self.from) / self.step).unwrap_or(usize::MAX).min(self.len - 1)
    }
}

fn add(bar: &mut Bar, wanted: &Scan, counts: &Counts) {
    bar.count += wanted.of_levels(counts);
    let of =
        |level| if wanted.levels & (1 << slot(Some(level))) == 0 { 0 } else { u64::from(counts[slot(Some(level))]) };
    bar.warnings += of(LogLevel::Warn);
    bar.errors += of(LogLevel::Error);
}
