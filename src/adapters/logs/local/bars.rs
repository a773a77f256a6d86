//! Events over time.

use std::sync::Mutex;

use super::block::{Counts, Tallied, slot};
use super::jobs::{Searched, Stop, each, plan};
use super::page::remember;
use super::store::{LogFiles, locked};
use super::wanted::Scan;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::log::{BARS_MAX, Bar, HITS_MAX, Histogram, HistogramAsk, Hits, LogLevel, bar_step};

pub(super) fn histogram(
    store: &Mutex<LogFiles>,
    wanted: &Scan,
    ask: &HistogramAsk,
    now: Timestamp,
    stop: &Stop,
) -> (Histogram, Searched) {
    let (mut jobs, bytes) = plan(&mut locked(store), wanted);
    let searched = |complete| Searched { bytes, complete };
    let first = jobs.iter().map(|job| job.before.max(wanted.since)).min();
    let Some(first) = first else { return (Histogram::default(), searched(true)) };
    let last = jobs.iter().map(|job| if job.last >= now.0 { now.0 } else { job.last }).max().unwrap_or(now.0);
    let last = last.min(wanted.until.saturating_sub(1)).max(first);
    let first = if wanted.since > 0 { wanted.since } else { first };
    let step = bar_step(Millis(last - first), ask.bars.clamp(1, BARS_MAX)).0;
    let from = first - first % step;
    let len = usize::try_from((last - from) / step + 1).unwrap_or(BARS_MAX).min(BARS_MAX + 1);
    let bar_of = |at: u64| usize::try_from(at.saturating_sub(from) / step).unwrap_or(usize::MAX).min(len - 1);
    let mut bars = vec![Bar::default(); len];
    // A block of which is known what was found in it, all in one bar, is not read again.
    let mut open = Vec::new();
    for job in jobs.drain(..) {
        match job.settled(wanted).filter(|found| bar_of(found.first) == bar_of(found.last)) {
            Some(found) => add(&mut bars[bar_of(found.first)], wanted, &found.counts),
            None => open.push(job),
        }
    }
    let found = each(&open, stop, |job, bytes| {
        let mut all = Tallied::default();
        let mut taken: Vec<(usize, Counts)> = Vec::new();
        wanted.scan(&job.facts, bytes, job.offset, job.before, |hit| {
            all.add(hit.level, hit.at);
            if wanted.takes(&hit) {
                let bar = bar_of(hit.at);
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
            add(&mut bars[bar], wanted, &counts);
        }
    }
    remember(store, wanted, &open);
    let count = bars.iter().map(|bar| bar.count).sum::<u64>();
    let hits = Hits { count: count.min(HITS_MAX), at_least: count > HITS_MAX || !complete };
    (Histogram { from: Timestamp(from), step: Millis(step), bars, hits, ..Histogram::default() }, searched(complete))
}

fn add(bar: &mut Bar, wanted: &Scan, counts: &Counts) {
    bar.count += wanted.of_levels(counts);
    let of =
        |level| if wanted.levels & (1 << slot(Some(level))) == 0 { 0 } else { u64::from(counts[slot(Some(level))]) };
    bar.warnings += of(LogLevel::Warn);
    bar.errors += of(LogLevel::Error);
}
