//! Blocks to be searched, and threads that search them.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use super::block::Tallied;
use super::store::{FileFacts, LogFiles, read_some};
use super::tally::BlockKnowledge;
use super::wanted::Scan;

/// Events may lie so far outside of the times that a block's neighbours tell.
const DISORDER_MS: u64 = 60_000;
const THREADS_MAX: usize = 4;

/// When to stop: too late, or nobody waits any more.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    deadline: Instant,
    gone: Arc<AtomicBool>,
}

impl Stop {
    pub(super) const fn new(deadline: Instant, gone: Arc<AtomicBool>) -> Self {
        Self { deadline, gone }
    }

    pub(super) fn now(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || Instant::now() >= self.deadline
    }
}

/// How much was searched.
pub(super) struct Searched {
    pub(super) bytes: u64,
    pub(super) complete: bool,
}

/// One block to be searched.
#[derive(Clone, Debug)]
pub(super) struct BlockSearch {
    pub(super) facts: Arc<FileFacts>,
    pub(super) file: Arc<File>,
    pub(super) block: usize,
    pub(super) offset: u64,
    pub(super) len: u64,
    /// All its events are from here ...
    pub(super) first: u64,
    /// ... to here.
    pub(super) last: u64,
    /// Time of events that tell none.
    pub(super) before: u64,
    pub(super) sealed: bool,
    /// What this or an earlier search found.
    pub(super) found: Option<Tallied>,
}

impl BlockSearch {
    /// How many wanted events are in it, when an earlier search tells without reading it again.
    pub(super) fn settled(&self, wanted: &Scan) -> Option<Tallied> {
        self.found.filter(|found| found.first >= wanted.since && found.last < wanted.until)
    }
}

/// The blocks that can hold what is wanted, and how many bytes all of them are.
pub(super) fn plan(store: &mut LogFiles, wanted: &Scan) -> (Vec<BlockSearch>, u64) {
    let LogFiles { entries, notes, tallies, .. } = store;
    let mut jobs = Vec::new();
    let mut bytes = 0;
    for entry in entries.values_mut() {
        if !wanted.takes_file(&entry.facts) || (entry.written < wanted.since && entry.facts.packed) {
            continue;
        }
        if let Err(error) = entry.cover() {
            notes.push(format!("cannot read logs/{}: {error}", entry.facts.name));
        }
        bytes += entry.size;
        for (at, block) in entry.blocks.iter().enumerate() {
            let sealed = entry.sealed(at);
            let (first, last) = match &block.facts {
                Some(facts) => (facts.first, facts.last),
                None => (block.first.saturating_sub(DISORDER_MS), block.last.saturating_add(DISORDER_MS)),
            };
            if last < wanted.since || first >= wanted.until {
                continue;
            }
            if let Some(facts) = &block.facts
                && (facts.levels & wanted.levels == 0 || !facts.may_hold(&wanted.words))
            {
                continue;
            }
            let known = tallies.known(&wanted.query, &wanted.parts, &entry.facts.key, at);
            let found = match known {
                BlockKnowledge::Empty if sealed => continue,
                BlockKnowledge::Found(found) if sealed => Some(found),
                _ => None,
            };
            if found.is_some_and(|found| wanted.of_levels(&found.counts) == 0) {
                continue;
            }
            jobs.push(BlockSearch {
                facts: Arc::clone(&entry.facts),
                file: Arc::clone(&entry.file),
                block: at,
                offset: block.offset,
                len: block.len,
                first,
                last,
                before: block.first,
                sealed,
                found,
            });
        }
    }
    (jobs, bytes)
}

/// Reads each block and lets `work` look at it, on several threads. What was not done before `stop`,
/// or cannot be read any more, is missing from the answer.
pub(super) fn each<T: Send>(
    jobs: &[BlockSearch],
    stop: &Stop,
    work: impl Fn(&BlockSearch, &[u8]) -> T + Sync,
) -> Vec<(usize, T)> {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX).min(jobs.len());
    let run = || {
        let mut done = Vec::new();
        let mut buffer = Vec::new();
        while !stop.now() {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(at) else { break };
            let len = usize::try_from(job.len).unwrap_or(usize::MAX);
            if buffer.len() < len {
                buffer.resize(len, 0);
            }
            if let Ok(read) = read_some(&job.file, &mut buffer[..len], job.offset) {
                done.push((at, work(job, &buffer[..read])));
            }
        }
        done
    };
    if threads <= 1 {
        return run();
    }
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for other in others {
            done.extend(other.join().unwrap_or_default());
        }
        done
    })
}
