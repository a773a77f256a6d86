//! Time series in a SQLite file of their own, `data/series.db`, on one thread that writes and answers.
//!
//! Beside the history and not in it: history is copied every hour and synced with each row, and a minute of charts is
//! worth neither. What is not on the disk yet is answered from memory; a file that cannot be used costs charts, nothing
//! else.

mod error;
mod file;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use self::error::ANSWER_LIMIT;
pub use self::error::SeriesError;
use self::file::SeriesFile;
use crate::adapters::clock;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::series::{
    PrometheusPart, SeriesAsk, SeriesAxis, SeriesBuffer, SeriesChunk, SeriesKey, SeriesLine, SeriesPage, SeriesPoint,
    SeriesSample, Tier, regroup,
};

/// Time between two writes: what a crash may cost.
const WRITE_EVERY: Millis = Millis(30_000);
/// Samples and questions that may wait.
const REQUESTS_MAX: usize = 64;
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

enum SeriesRequest {
    Sample(SeriesSample),
    Ask {
        ask: SeriesAsk,
        reply: oneshot::Sender<Result<SeriesPage, SeriesError>>,
    },
    /// When the oldest value that is kept was measured.
    Earliest(oneshot::Sender<Result<Option<Timestamp>, SeriesError>>),
    /// Answered when all is on the disk.
    End(oneshot::Sender<()>),
}

/// The series of one file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SeriesStore {
    requests: mpsc::Sender<SeriesRequest>,
    problem: Arc<Mutex<Option<String>>>,
}

impl SeriesStore {
    /// Starts the thread. The file is opened by it, and again when it could not be.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn open(path: PathBuf) -> std::io::Result<Self> {
        let (requests, incoming) = mpsc::channel(REQUESTS_MAX);
        let problem = Arc::default();
        let keeper = SeriesKeeper {
            file: SeriesFile::new(path),
            buffer: SeriesBuffer::default(),
            written: None,
            problem: Arc::clone(&problem),
        };
        std::thread::Builder::new().name("series".into()).spawn(move || keeper.run(incoming))?;
        Ok(Self { requests, problem })
    }

    /// Takes a second in. One that finds the thread behind is let go: its gap is shown.
    pub fn put(&self, sample: SeriesSample) {
        _ = self.requests.try_send(SeriesRequest::Sample(sample));
    }

    /// The same, and waits for the thread: no second is let go.
    ///
    /// # Errors
    /// [`SeriesError::Closed`].
    pub async fn put_all(&self, sample: SeriesSample) -> Result<(), SeriesError> {
        self.requests.send(SeriesRequest::Sample(sample)).await.map_err(|_| SeriesError::Closed)
    }

    /// Why nothing can be written, in words.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// # Errors
    /// [`SeriesError`], [`SeriesError::Refused`] for a question that cannot be answered.
    pub async fn ask(&self, ask: SeriesAsk) -> Result<SeriesPage, SeriesError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(SeriesRequest::Ask { ask, reply }).await.map_err(|_| SeriesError::Closed)?;
        match tokio::time::timeout(ANSWER_LIMIT, answer).await {
            Ok(answer) => answer.map_err(|_| SeriesError::Closed)?,
            Err(_) => Err(SeriesError::Late),
        }
    }

    /// When the oldest value that is kept was measured; `None` when there is none.
    ///
    /// # Errors
    /// [`SeriesError`].
    pub async fn earliest(&self) -> Result<Option<Timestamp>, SeriesError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(SeriesRequest::Earliest(reply)).await.map_err(|_| SeriesError::Closed)?;
        match tokio::time::timeout(ANSWER_LIMIT, answer).await {
            Ok(answer) => answer.map_err(|_| SeriesError::Closed)?,
            Err(_) => Err(SeriesError::Late),
        }
    }

    /// Writes what waits and lets go of the file; gives up after two seconds.
    pub async fn close(&self) {
        let (reply, done) = oneshot::channel();
        let end = async {
            _ = self.requests.send(SeriesRequest::End(reply)).await;
            _ = done.await;
        };
        if tokio::time::timeout(CLOSE_LIMIT, end).await.is_err() {
            tracing::warn!("the series were not written out in time; the last half minute of charts is lost");
        }
    }
}

/// What the thread holds.
struct SeriesKeeper {
    file: SeriesFile,
    buffer: SeriesBuffer,
    written: Option<Timestamp>,
    problem: Arc<Mutex<Option<String>>>,
}

impl SeriesKeeper {
    fn run(mut self, mut requests: mpsc::Receiver<SeriesRequest>) {
        while let Some(request) = requests.blocking_recv() {
            match request {
                SeriesRequest::Sample(sample) => self.take(&sample),
                SeriesRequest::Ask { ask, reply } => _ = reply.send(self.answer(&ask, clock::now())),
                SeriesRequest::Earliest(reply) => _ = reply.send(self.earliest()),
                SeriesRequest::End(reply) => {
                    self.write(clock::now());
                    drop(self);
                    _ = reply.send(());
                    return;
                }
            }
        }
    }

    fn take(&mut self, sample: &SeriesSample) {
        self.buffer.put(sample);
        let since = *self.written.get_or_insert(sample.at);
        // A clock that was set back is as good as one that has gone on.
        if sample.at < since || sample.at.since(since) >= WRITE_EVERY {
            self.write(sample.at);
        }
    }

    fn write(&mut self, now: Timestamp) {
        self.written = Some(now);
        let written = self.file.write(&self.buffer, now);
        if written.is_ok() {
            self.buffer.written();
        }
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        let why = written.err().map(|error| error.to_string());
        if let Some(why) = why.as_ref().filter(|_| *problem != why) {
            tracing::warn!("charts are not kept: {why}");
        }
        *problem = why;
    }

    fn answer(&mut self, ask: &SeriesAsk, now: Timestamp) -> Result<SeriesPage, SeriesError> {
        let axis = ask.axis(now)?;
        let line = |key: &SeriesKey| {
            let points = self.points(key, axis)?;
            Ok(SeriesLine { series: key.clone(), points })
        };
        let lines = ask.series.iter().map(line).collect::<Result<_, SeriesError>>()?;
        Ok(SeriesPage { from: axis.from, step: axis.step, lines, prometheus: PrometheusPart::NotAsked })
    }

    /// A coarser tier reaches further back, and a finer one tells the moment better where it reaches as far.
    fn earliest(&mut self) -> Result<Option<Timestamp>, SeriesError> {
        let mut earliest: Option<Timestamp> = None;
        for tier in Tier::ALL.into_iter().rev() {
            let waiting = self.buffer.waiting().map(|(_, chunk)| chunk).filter(|chunk| chunk.tier == tier);
            let waiting = waiting.filter_map(|chunk| chunk.values().next()).map(|(at, _)| at).min();
            let first = self.file.earliest(tier)?.into_iter().chain(waiting).min();
            let as_far = |first: &Timestamp| earliest.is_none_or(|known| first.since(known) < Tier::Minute.bucket());
            earliest = first.filter(as_far).or(earliest);
        }
        Ok(earliest)
    }

    fn points(&mut self, key: &SeriesKey, axis: SeriesAxis) -> Result<Vec<Option<SeriesPoint>>, SeriesError> {
        let until = axis.from.plus(Millis(axis.step.0.saturating_mul(axis.points as u64)));
        let mut chunks = self.file.read(key, axis.tier, axis.from, until)?;
        for waiting in self.buffer.values(key, axis.tier) {
            match chunks.iter_mut().find(|chunk| chunk.start == waiting.start) {
                Some(chunk) => {
                    let stored = std::mem::replace(chunk, waiting.clone());
                    chunk.fill_from(&stored);
                }
                None => chunks.push(waiting.clone()),
            }
        }
        Ok(regroup(chunks.iter().flat_map(SeriesChunk::values), axis.from, axis.step, axis.points))
    }
}
