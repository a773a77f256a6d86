//! A page of events: blocks are searched from the newest on, until no other block can hold a newer
//! hit than those found.

use std::sync::Mutex;
use std::time::Instant;

use super::super::record::event;
use super::block::{EVENT_MAX, Tallied};
use super::jobs::{BlockSearch, Searched, Stop, each, plan};
use super::store::{LogFiles, locked, read_some};
use super::wanted::{Scan, ScanHit};
use crate::domain::log::{HITS_MAX, Hits, LogCursor, LogEvent, LogPage, LogSource, PageAsk, PageWay};

/// Text of one page.
const TEXT_MAX: usize = 8 << 20;
/// Blocks searched before it is seen whether that was enough; doubled each time.
const WAVE: usize = 8;
const WAVE_MAX: usize = 512;
/// As far as somebody waits for the first events.
const WAVE_SOON: usize = 96;

/// Orders events: time, file, place.
type EventOrder = (u64, u64, u64);

fn cursor((at, rank, offset): EventOrder) -> LogCursor {
    LogCursor::new(LogSource::Files, format_args!("{at}.{rank:x}.{offset}"))
}

/// The place that a cursor of local files means.
pub(super) fn key(cursor: &LogCursor) -> Option<EventOrder> {
    let mut parts = cursor.place(LogSource::Files)?.split('.');
    let key = (parts.next()?.parse().ok()?, u64::from_str_radix(parts.next()?, 16).ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(key)
}

/// An event of a job that was found.
#[derive(Clone, Copy, Debug)]
struct Hit {
    key: EventOrder,
    job: usize,
    len: u64,
}

pub(super) fn page(store: &Mutex<LogFiles>, wanted: &Scan, ask: &PageAsk, stop: &Stop) -> (LogPage, Searched) {
    let from = ask.cursor.as_ref().and_then(key);
    let older = ask.way == PageWay::Older;
    let (mut jobs, bytes) = plan(&mut locked(store), wanted);
    if older {
        jobs.sort_by_key(|job| std::cmp::Reverse(job.last));
    } else {
        jobs.sort_by_key(|job| job.first);
    }
    let reaches = |job: &BlockSearch| from.is_none_or(|(at, ..)| if older { job.first <= at } else { job.last >= at });
    jobs.retain(reaches);
    let Gathered { mut hits, done, complete, sure } = gather(&mut jobs, wanted, ask, stop);
    remember(store, wanted, &jobs[..done]);
    let goes_on = sure.map(|at| cursor((at + 1, 0, 0)));
    hits.retain(|hit| sure.is_none_or(|at| hit.key.0 > at));
    let more = hits.len() > ask.limit;
    hits.truncate(ask.limit);
    let (events, kept) = events(&jobs, &hits);
    let more = more || kept < hits.len();
    let hits = &hits[..kept];
    let ends = (hits.first().map(|hit| cursor(hit.key)), hits.last().map(|hit| cursor(hit.key)));
    let page = match (older, ask.cursor.is_some()) {
        (true, given) => LogPage {
            unfinished: !more && goes_on.is_some(),
            older: if more { ends.1 } else { goes_on },
            newer: ends.0.or_else(|| ask.cursor.clone()).filter(|_| given),
            events: events.into_iter().rev().collect(),
            ..LogPage::default()
        },
        (false, given) => LogPage {
            older: ends.0.or_else(|| ask.cursor.clone()).filter(|_| given),
            newer: ends.1.filter(|_| more),
            events,
            ..LogPage::default()
        },
    };
    (page, Searched { bytes, complete })
}

/// What a page is made of.
struct Gathered {
    /// The best ones first, one more than the page has room for.
    hits: Vec<Hit>,
    /// So many jobs were searched, ...
    done: usize,
    /// ... and none of them was given up.
    complete: bool,
    /// Only what is newer than this is known to belong to the page: the rest was not waited for.
    sure: Option<u64>,
}

fn gather(jobs: &mut [BlockSearch], wanted: &Scan, ask: &PageAsk, stop: &Stop) -> Gathered {
    let from = ask.cursor.as_ref().and_then(key);
    let older = ask.way == PageWay::Older;
    let beyond = |key: EventOrder| from.is_none_or(|from| if older { key < from } else { key > from });
    let mut gathered = Gathered { hits: Vec::new(), done: 0, complete: true, sure: None };
    let Gathered { hits, done, complete, sure } = &mut gathered;
    let (mut wave, begin, soon) = (WAVE, Instant::now(), ask.soon.filter(|_| older));
    while *done < jobs.len() {
        let end = jobs.len().min(*done + wave);
        let some = &jobs[*done..end];
        let found = each(some, stop, |job, bytes| search(wanted, job, bytes, ask.limit + 1, older, beyond));
        *complete &= found.len() == some.len();
        for (at, (found, counts)) in found {
            hits.extend(found.into_iter().map(|(key, len)| Hit { key, job: *done + at, len }));
            jobs[*done + at].found = Some(counts);
        }
        hits.sort_unstable_by_key(|hit| hit.key);
        if older {
            hits.reverse();
        }
        hits.truncate(ask.limit + 1);
        (*done, wave) = (end, (wave * 2).min(if soon.is_some() { WAVE_SOON } else { WAVE_MAX }));
        let next = jobs.get(end);
        let enough = hits.get(ask.limit).is_some_and(|worst| {
            next.is_none_or(|job| if older { job.last < worst.key.0 } else { job.first > worst.key.0 })
        });
        if enough || !*complete {
            break;
        }
        // What is newer than all that was not searched yet will not change any more.
        let bound = next.map(|job| job.last);
        let late = soon.is_some_and(|limit| begin.elapsed() >= limit);
        if late && hits.first().is_some_and(|hit| bound.is_some_and(|at| hit.key.0 > at)) {
            *sure = bound;
            break;
        }
    }
    gathered
}

type FoundIn = (Vec<(EventOrder, u64)>, Tallied);

/// The hits of one block, the best `keep` of them, and the counts of all.
fn search(
    wanted: &Scan,
    job: &BlockSearch,
    bytes: &[u8],
    keep: usize,
    older: bool,
    beyond: impl Fn(EventOrder) -> bool,
) -> FoundIn {
    let mut counts = Tallied::default();
    let mut found = Vec::new();
    wanted.scan(&job.facts, bytes, job.offset, job.before, |hit: ScanHit| {
        counts.add(hit.level, hit.at);
        let key = (hit.at, job.facts.rank, job.offset + hit.start as u64);
        if wanted.takes(&hit) && beyond(key) {
            found.push((key, (hit.end - hit.start) as u64));
        }
    });
    found.sort_unstable();
    if older {
        found.drain(..found.len().saturating_sub(keep));
    } else {
        found.truncate(keep);
    }
    (found, counts)
}

/// Remembers what was counted in blocks that will not change.
pub(super) fn remember(store: &Mutex<LogFiles>, wanted: &Scan, jobs: &[BlockSearch]) {
    let sealed = jobs.iter().filter(|job| job.sealed);
    let counted = sealed.filter_map(|job| Some((job.facts.key.clone(), job.block, job.found?)));
    locked(store).tallies.remember(&wanted.rest, counted);
}

/// Reads the events of hits, as far as their text has room; and how many these are.
fn events(jobs: &[BlockSearch], hits: &[Hit]) -> (Vec<LogEvent>, usize) {
    let (mut events, mut size) = (Vec::new(), 0);
    for hit in hits {
        let job = &jobs[hit.job];
        let event = read(job, hit.key.2, hit.len);
        size += event.as_ref().map_or(0, |event| event.text.len());
        if size > TEXT_MAX && !events.is_empty() {
            break;
        }
        events.extend(event);
        if size > TEXT_MAX {
            break;
        }
    }
    let kept = events.len();
    (events, kept)
}

fn read(job: &BlockSearch, offset: u64, len: u64) -> Option<LogEvent> {
    let mut bytes = vec![0; usize::try_from(len.min(EVENT_MAX + 1)).ok()?];
    let read = read_some(&job.file, &mut bytes, offset).ok()?;
    let mut event = event(&bytes[..read], job.facts.place(offset), EVENT_MAX as usize);
    event.len = len;
    Some(event)
}

/// How many events match, up to [`HITS_MAX`].
pub(super) fn count(store: &Mutex<LogFiles>, wanted: &Scan, stop: &Stop) -> Hits {
    let (mut jobs, _) = plan(&mut locked(store), wanted);
    let mut count = 0;
    let (known, mut open): (Vec<BlockSearch>, Vec<BlockSearch>) =
        jobs.drain(..).partition(|job| job.settled(wanted).is_some());
    count +=
        known.iter().filter_map(|job| job.settled(wanted)).map(|found| wanted.of_levels(&found.counts)).sum::<u64>();
    let mut complete = true;
    let mut done = 0;
    while done < open.len() && count <= HITS_MAX {
        let end = open.len().min(done + WAVE_MAX);
        let found = each(&open[done..end], stop, |job, bytes| {
            let (mut counts, mut taken) = (Tallied::default(), 0);
            wanted.scan(&job.facts, bytes, job.offset, job.before, |hit| {
                counts.add(hit.level, hit.at);
                taken += u64::from(wanted.takes(&hit));
            });
            (counts, taken)
        });
        complete &= found.len() == end - done;
        for (at, (counts, taken)) in found {
            open[done + at].found = Some(counts);
            count += taken;
        }
        done = end;
        if !complete {
            break;
        }
    }
    remember(store, wanted, &open[..done]);
    Hits { count: count.min(HITS_MAX), at_least: count > HITS_MAX || !complete }
}
