//! History: the tables `operations` and `incidents` in SQLite, and one JSON line for each operation that ends.
//!
//! `writer` is the one thread that writes, in groups; `reader` answers questions over a connection
//! of its own, `then` what a past moment was like; `rows` and `incidents` turn operations and incidents into rows and back; `schema` makes and mends the file, from the
//! newest good one that `backup` has made; `place` tells whether it may lie where it lies;
//! `lines` appends the lines that Filebeat ships, and reads them back.

mod backup;
mod config;
mod error;
mod examine;
mod health;
mod incidents;
mod lines;
mod narrow;
mod place;
mod reader;
mod rows;
mod schema;
#[cfg(test)]
pub(crate) mod testing;
mod then;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

pub use self::config::HistoryConfig;
use self::error::ANSWER_LIMIT;
pub use self::error::{HistoryError, Unread};
pub use self::examine::{HistoryReport, examine, rows_before};
use self::health::HistoryHealth;
use self::reader::HistoryRequest;
pub use self::reader::{HistoryCursor, RowsSince};
pub use self::schema::can_be_restored;
use self::writer::{HistoryRow, Note};
use crate::adapters::faults;
use crate::domain::ids::{OperationId, Timestamp};
use crate::domain::incident::{Incident, IncidentsAsk, IncidentsPage};
use crate::domain::operation::{HistoryPage, HistoryQuery, Operation};
use crate::domain::rewind::HistoryThen;
use crate::domain::snapshot::HistoryView;

/// Operations that may wait to be written; who brings one more waits. New work stops far below it, at
/// [`crate::domain::snapshot::HISTORY_QUEUE_STOP`].
const QUEUE_MAX: usize = 8_192;
const QUESTIONS_MAX: usize = 64;
/// Longest wait of a question for rows that are being written.
const FRESH_LIMIT: Duration = Duration::from_secs(1);
const CLOSE_LIMIT: Duration = Duration::from_secs(3);
/// History of one file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct History {
    notes: mpsc::Sender<Note>,
    questions: mpsc::Sender<HistoryRequest>,
    health: Arc<Mutex<HistoryHealth>>,
    path: Arc<Path>,
}

impl History {
    /// Opens the file, makes or mends it, and starts its two threads.
    ///
    /// # Errors
    /// [`HistoryError`] when the file cannot be opened or is of a newer layout.
    pub fn open(config: HistoryConfig) -> Result<Self, HistoryError> {
        place::check(&config)?;
        let (connection, note) = schema::open(&config)?;
        let health =
            Arc::new(Mutex::new(HistoryHealth { notes: note.into_iter().collect(), ..HistoryHealth::default() }));
        let path: Arc<Path> = config.path.as_path().into();
        let (notes, notes_rx) = mpsc::channel(QUEUE_MAX);
        let (questions, questions_rx) = mpsc::channel(QUESTIONS_MAX);
        let started = |source| HistoryError::Io { path: path.to_path_buf(), action: "start a thread", source };
        let reader = reader::Reader::open(&config.path)?;
        let writer = writer::Writer::new(connection, config, Arc::clone(&health));
        spawn("history-write", move || writer.run(notes_rx)).map_err(started)?;
        spawn("history-read", move || reader.run(questions_rx)).map_err(started)?;
        Ok(Self { notes, questions, health, path })
    }

    /// Opens the file to answer questions only: nothing is made, brought up to date or written.
    ///
    /// # Errors
    /// [`HistoryError::Unread`].
    pub fn look(path: &Path) -> Result<Self, HistoryError> {
        Self::reading(path, reader::Reader::look(path)?)
    }

    /// The same for one who looks on for long, maybe before there is a file.
    ///
    /// # Errors
    /// [`HistoryError::Unread`].
    pub fn watch(path: &Path) -> Result<Self, HistoryError> {
        Self::reading(path, reader::Reader::watch(path)?)
    }

    fn reading(path: &Path, reader: reader::Reader) -> Result<Self, HistoryError> {
        // Nobody takes notes: who wants to write is told that history is closed.
        let (notes, _) = mpsc::channel(1);
        let (questions, questions_rx) = mpsc::channel(QUESTIONS_MAX);
        let started = |source| HistoryError::Io { path: path.to_owned(), action: "start a thread", source };
        spawn("history-read", move || reader.run(questions_rx)).map_err(started)?;
        Ok(Self { notes, questions, health: Arc::default(), path: path.into() })
    }

    /// What was done to the file since the last call, in words: a corrupt one was set aside, a backup
    /// restored.
    #[must_use]
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner).notes)
    }

    /// Sees whether lines can be appended, and makes those that are missing. Answers at once.
    pub fn look_after_lines(&self) {
        // A full queue is looked at again the next time.
        _ = self.notes.try_send(Note::Lines);
    }

    /// Makes the hourly backup when it is due, on a thread of its own; where it lies.
    ///
    /// # Errors
    /// [`HistoryError`] when it cannot be made.
    pub async fn back_up(&self) -> Result<Option<PathBuf>, HistoryError> {
        // A file that was removed is made again by the writer, and one in memory has none.
        if !self.path.exists() {
            return Ok(None);
        }
        let (reply, done) = oneshot::channel();
        let path = Arc::clone(&self.path);
        let started = |source| HistoryError::Io { path: self.path.to_path_buf(), action: "start a thread", source };
        spawn("history-backup", move || _ = reply.send(backup::make_if_due(&path))).map_err(started)?;
        done.await.map_err(|_| HistoryError::Closed)?
    }

    /// Queues a row. Waits for a place when the disk is slow.
    ///
    /// # Errors
    /// [`HistoryError::Closed`].
    pub async fn record(&self, operation: Operation) -> Result<(), HistoryError> {
        self.row(HistoryRow::Operation(Box::new(operation))).await
    }

    /// Queues an incident, as it stands now.
    ///
    /// # Errors
    /// [`HistoryError::Closed`].
    pub async fn record_incident(&self, incident: Incident) -> Result<(), HistoryError> {
        self.row(HistoryRow::Incident(Box::new(incident))).await
    }

    async fn row(&self, row: HistoryRow) -> Result<(), HistoryError> {
        self.notes.send(Note::Row(row)).await.map_err(|_| HistoryError::Closed)
    }

    /// Waits until everything recorded before is on disk, which is `true`, or has failed and waits to be
    /// tried again. A history that is known to be sick is not waited for.
    ///
    /// # Errors
    /// [`HistoryError::Late`], [`HistoryError::Closed`].
    pub async fn flush(&self) -> Result<bool, HistoryError> {
        if faults::broken("drop-rows") || faults::broken("rows-in-memory") {
            return Ok(true);
        }
        if self.health.lock().unwrap_or_else(PoisonError::into_inner).problem.is_some() {
            return Ok(false);
        }
        let (reply, done) = oneshot::channel();
        self.notes.send(Note::Flush(reply)).await.map_err(|_| HistoryError::Closed)?;
        answer(done).await
    }

    /// A page of rows, newest first.
    ///
    /// # Errors
    /// [`HistoryError`], [`HistoryError::NoSuchRow`] for a page before a row that is not there.
    pub async fn query(&self, query: HistoryQuery) -> Result<HistoryPage, HistoryError> {
        self.freshen().await;
        let (reply, done) = oneshot::channel();
        self.ask(HistoryRequest::Page { query, reply }, done).await?
    }

    /// One row.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub async fn get(&self, id: OperationId) -> Result<Option<Operation>, HistoryError> {
        self.freshen().await;
        let (reply, done) = oneshot::channel();
        self.ask(HistoryRequest::One { id, reply }, done).await?
    }

    /// Incidents, newest first.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub async fn incidents(&self, ask: IncidentsAsk) -> Result<IncidentsPage, HistoryError> {
        self.freshen().await;
        let (reply, done) = oneshot::channel();
        self.ask(HistoryRequest::Incidents { ask, reply }, done).await?
    }

    /// What there was at a past moment.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub async fn then(&self, at: Timestamp) -> Result<HistoryThen, HistoryError> {
        self.freshen().await;
        let (reply, done) = oneshot::channel();
        self.ask(HistoryRequest::Then { at, reply }, done).await?
    }

    /// Every row that is not final yet, of whatever process.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub async fn open_rows(&self) -> Result<Vec<Operation>, HistoryError> {
        self.freshen().await;
        let (reply, done) = oneshot::channel();
        self.ask(HistoryRequest::Open { reply }, done).await?
    }

    /// Gives rows that are being written a moment; what is on disk is answered either way.
    async fn freshen(&self) {
        _ = tokio::time::timeout(FRESH_LIMIT, self.flush()).await;
    }

    /// The newest rows and how many there are.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub async fn newest(&self, limit: usize) -> Result<(Vec<Operation>, u64), HistoryError> {
        let page = self.query(HistoryQuery { limit, ..HistoryQuery::default() }).await?;
        Ok((page.operations, page.total))
    }

    /// Where [`History::changed_since`] starts to tell what comes from now on.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub async fn cursor(&self) -> Result<HistoryCursor, HistoryError> {
        let (reply, done) = oneshot::channel();
        self.ask(HistoryRequest::Cursor { reply }, done).await?
    }

    /// Rows written after `cursor` by whatever process.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub async fn changed_since(&self, cursor: HistoryCursor) -> Result<RowsSince, HistoryError> {
        let (reply, done) = oneshot::channel();
        self.ask(HistoryRequest::Changed { cursor, reply }, done).await?
    }

    /// How history stands.
    #[must_use]
    pub fn view(&self) -> HistoryView {
        let waiting = self.notes.max_capacity() - self.notes.capacity();
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        HistoryView {
            path: self.path.display().to_string(),
            queued: waiting + health.kept,
            problem: health.problem.clone(),
            lines_problem: health.lines.clone(),
        }
    }

    /// Writes what is queued and lets go of the file: the reader first, so that the writer is the last of
    /// this process and nothing but the file itself is left. Returns after three seconds at the latest.
    pub async fn close(&self) {
        let (read, reader_gone) = oneshot::channel();
        let (write, written) = oneshot::channel();
        let end = async {
            _ = self.questions.send(HistoryRequest::End { reply: read }).await;
            _ = reader_gone.await;
            _ = self.notes.send(Note::End(write)).await;
            _ = written.await;
        };
        if tokio::time::timeout(CLOSE_LIMIT, end).await.is_err() {
            tracing::error!("history was not written out in time; the rows can be made again from the intents");
        }
    }

    async fn ask<T>(&self, question: HistoryRequest, done: oneshot::Receiver<T>) -> Result<T, HistoryError> {
        self.questions.send(question).await.map_err(|_| HistoryError::Closed)?;
        answer(done).await
    }
}

async fn answer<T>(done: oneshot::Receiver<T>) -> Result<T, HistoryError> {
    match tokio::time::timeout(ANSWER_LIMIT, done).await {
        Ok(answer) => answer.map_err(|_| HistoryError::Closed),
        Err(_) => Err(HistoryError::Late),
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

#[cfg(test)]
mod tests;
