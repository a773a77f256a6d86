//! The log files under `logs/`, searched where they lie.
//!
//! `store` knows the files and cuts them into blocks of 64 KiB that hold whole events; `block`
//! remembers of each its times, its levels and a filter of its words, in memory only. `wanted` takes
//! a query apart, `jobs` picks the blocks that can match and searches them on all cores, `tally`
//! remembers what was found where. `page`, `bars` and `follow` are the questions.

mod bars;
mod block;
mod follow;
mod jobs;
mod page;
mod sieve;
mod store;
mod tally;
#[cfg(test)]
mod tests;
mod unpack;
mod wanted;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use self::block::{Block, BlockFacts};
use self::jobs::{Searched, Stop};
use self::store::{LogFiles, locked, read_some};
use self::wanted::Scan;
use super::error::LogsError;
use crate::domain::ids::{Bytes, Millis, Timestamp};
use crate::domain::log::{
    Answered, CONTEXT_MAX, ContextAsk, FollowAsk, FollowMark, Followed, Histogram, HistogramAsk, LogContext, LogPage,
    LogSearch, PAGE_MAX, PageAsk, PageWay,
};

/// Longest search.
const LIMIT: Duration = Duration::from_secs(5);
/// A follower looks this often whether something was written.
const LOOK: Duration = Duration::from_millis(100);
/// Blocks that are read to be remembered between two looks at whether somebody searches, ...
const BATCH: usize = 8;
/// ... who is left alone for so long.
const YIELD: Duration = Duration::from_millis(5);

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct LocalLogs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    store: Mutex<LogFiles>,
    /// Blocks are being read to be remembered.
    learning: AtomicBool,
    /// Searches that somebody waits for: no block is read beside them.
    searching: AtomicUsize,
}

/// Tells the threads of a search when nobody waits for it any more.
struct Waits(Arc<AtomicBool>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One search under way, however it ends.
struct Searching<'a>(&'a AtomicUsize);

impl<'a> Searching<'a> {
    fn of(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Searching<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl LocalLogs {
    /// `folder` has one sub-folder for each source.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        let (store, learning, searching) = (Mutex::default(), AtomicBool::new(false), AtomicUsize::new(0));
        Self { shared: Arc::new(Shared { folder, store, learning, searching }) }
    }

    /// The log folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Bytes that are remembered of the files so that searches may pass over blocks, and whether all
    /// blocks have been read for it.
    #[must_use]
    pub fn remembered(&self) -> (usize, bool) {
        let store = locked(&self.shared.store);
        let blocks = || store.entries.values().flat_map(|entry| &entry.blocks);
        let bytes =
            blocks().map(|block| size_of::<Block>() + block.facts.as_ref().map_or(0, |_| size_of::<BlockFacts>()));
        (bytes.sum(), blocks().all(|block| block.facts.is_some()))
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Shared, &Stop) -> Result<T, LogsError> + Send + 'static,
    ) -> Result<T, LogsError> {
        let shared = Arc::clone(&self.shared);
        let waits = Waits(Arc::default());
        let stop = Stop::new(Instant::now() + LIMIT, Arc::clone(&waits.0));
        let done = tokio::task::spawn_blocking(move || {
            let _searching = Searching::of(&shared.searching);
            locked(&shared.store).refresh(&shared.folder)?;
            job(&shared, &stop)
        });
        done.await.map_err(|error| LogsError::Inside(error.to_string()))?
    }

    /// A page of events.
    ///
    /// # Errors
    /// [`LogsError`]; a single file that cannot be read is a note of the page.
    pub async fn page(&self, ask: PageAsk, now: Timestamp) -> Result<LogPage, LogsError> {
        if let Some(cursor) = ask.cursor.as_ref().filter(|cursor| page::key(cursor).is_none()) {
            return Err(LogsError::Cursor { given: cursor.text().to_owned() });
        }
        let ask = PageAsk { limit: ask.limit.clamp(1, PAGE_MAX), ..ask };
        let page = self.run(move |shared, stop| {
            let begin = Instant::now();
            let wanted = Scan::new(&ask.search.whole(), now);
            let newest = ask.cursor.is_none() && ask.way == PageWay::Older;
            let mark = newest.then(|| follow::ends(&shared.store));
            let (mut page, searched) = page::page(&shared.store, &wanted, &ask, stop);
            page.mark = mark;
            page.hits = ask.count.then(|| page::count(&shared.store, &wanted, stop));
            page.nodes = locked(&shared.store).nodes.clone();
            page.answered = shared.answered(&searched, begin);
            Ok(page)
        });
        let page = page.await?;
        self.learn();
        Ok(page)
    }

    /// Events over time, and how many match.
    ///
    /// # Errors
    /// [`LogsError`].
    pub async fn histogram(&self, ask: HistogramAsk, now: Timestamp) -> Result<Histogram, LogsError> {
        let histogram = self.run(move |shared, stop| {
            let begin = Instant::now();
            let wanted = Scan::new(&ask.search.whole(), now);
            let (mut histogram, searched) = bars::histogram(&shared.store, &wanted, &ask, now, stop);
            histogram.answered = shared.answered(&searched, begin);
            Ok(histogram)
        });
        let histogram = histogram.await?;
        self.learn();
        Ok(histogram)
    }

    /// An event with its neighbours in its file.
    ///
    /// # Errors
    /// [`LogsError`], when the file is gone too.
    pub async fn context(&self, ask: ContextAsk) -> Result<LogContext, LogsError> {
        let bounded = ContextAsk { before: ask.before.min(CONTEXT_MAX), after: ask.after.min(CONTEXT_MAX), ..ask };
        self.run(move |shared, _| {
            let begin = Instant::now();
            let mut context = follow::context(&shared.store, &bounded)?;
            context.answered = shared.answered(&Searched { bytes: 0, complete: true }, begin);
            Ok(context)
        })
        .await
    }

    /// Waits for events that are written after the mark.
    ///
    /// # Errors
    /// [`LogsError`].
    pub async fn follow(&self, ask: FollowAsk, now: Timestamp) -> Result<Followed, LogsError> {
        let mut mark = match ask.mark {
            Some(FollowMark::Files(mark)) => mark,
            _ => {
                let mark = self.run(|shared, _| Ok(follow::ends(&shared.store))).await?;
                return Ok(Followed { events: Vec::new(), mark, left_out: 0, answered: self.named() });
            }
        };
        let until = tokio::time::Instant::now() + ask.wait;
        let expr = LogSearch { from: None, to: None, ..ask.search }.whole();
        loop {
            let (expr, old) = (expr.clone(), std::mem::take(&mut mark));
            let news = self.run(move |shared, _| {
                let wanted = Scan::new(&expr, now);
                Ok(follow::news(&shared.store, &wanted, &old, ask.limit))
            });
            let mut news = news.await?;
            if !news.events.is_empty() || tokio::time::Instant::now() >= until {
                news.answered = self.named();
                return Ok(news);
            }
            if let FollowMark::Files(new) = news.mark {
                mark = new;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn named(&self) -> Answered {
        Answered { by: "local files".into(), ..Answered::default() }
    }

    /// Reads blocks between the searches, to remember of them what lets a search pass over them.
    fn learn(&self) {
        if self.shared.learning.swap(true, Ordering::Relaxed) {
            return;
        }
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || {
            while Arc::strong_count(&shared) > 1 {
                if shared.searching.load(Ordering::Relaxed) > 0 {
                    std::thread::park_timeout(YIELD);
                } else if !shared.learn_some() {
                    break;
                }
            }
            shared.learning.store(false, Ordering::Relaxed);
        });
    }
}

impl Shared {
    /// Remembers some more blocks; `false` when nothing is left.
    fn learn_some(&self) -> bool {
        let mut batch = Vec::new();
        for (identity, entry) in &locked(&self.store).entries {
            for (at, block) in entry.blocks.iter().enumerate() {
                if block.facts.is_none() && entry.sealed(at) && batch.len() < BATCH {
                    let (facts, file) = (Arc::clone(&entry.facts), Arc::clone(&entry.file));
                    batch.push((*identity, at, facts, file, block.offset, block.len, block.first));
                }
            }
        }
        let more = !batch.is_empty();
        let mut buffer = Vec::new();
        for (identity, at, of_file, file, offset, len, before) in batch {
            buffer.resize(usize::try_from(len).unwrap_or(0), 0);
            let Ok(read) = read_some(&file, &mut buffer, offset) else { return false };
            let facts = BlockFacts::read(of_file.kind, &buffer[..read], before);
            let mut store = locked(&self.store);
            let entry = store.entries.get_mut(&identity).filter(|entry| entry.facts.key == of_file.key);
            if let Some(block) = entry.and_then(|entry| entry.blocks.get_mut(at)).filter(|block| block.len == len) {
                block.facts = Some(Box::new(facts));
            }
        }
        more
    }

    fn answered(&self, searched: &Searched, begin: Instant) -> Answered {
        let store = locked(&self.store);
        let mut notes = store.notes.clone();
        if !searched.complete {
            notes.push(format!("the search was ended after {} s; narrow it by time, node or level", LIMIT.as_secs()));
        }
        let by = match searched.bytes {
            0 => "local files".to_owned(),
            bytes => format!("local files, {}", Bytes(bytes)),
        };
        Answered {
            by,
            notes,
            took: Millis(u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)),
            ..Answered::default()
        }
    }
}
