//! Answers questions over a connection that only reads.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::{mpsc, oneshot};

use super::error::HistoryError;
use super::{examine, incidents, narrow, rows, schema, then};
use crate::adapters::clock;
use crate::adapters::file_mark::FileMark;
use crate::domain::ids::{OperationId, Timestamp};
use crate::domain::incident::{IncidentsAsk, IncidentsPage};
use crate::domain::operation::{HISTORY_PAGE_MAX, HistoryPage, HistoryQuery, Operation};
use crate::domain::rewind::HistoryThen;

/// Rows of one answer to [`HistoryRequest::Changed`].
const CHANGED_MAX: usize = 500;
/// Rows of one answer to [`HistoryRequest::Open`]; the rest comes at the next look.
const OPEN_MAX: usize = 1_000;

type RowsSender<T> = oneshot::Sender<Result<T, HistoryError>>;

pub(super) enum HistoryRequest {
    Page {
        query: HistoryQuery,
        reply: RowsSender<HistoryPage>,
    },
    One {
        id: OperationId,
        reply: RowsSender<Option<Operation>>,
    },
    Open {
        reply: RowsSender<Vec<Operation>>,
    },
    Incidents {
        ask: IncidentsAsk,
        reply: RowsSender<IncidentsPage>,
    },
    Then {
        at: Timestamp,
        reply: RowsSender<HistoryThen>,
    },
    Cursor {
        reply: RowsSender<HistoryCursor>,
    },
    Changed {
        cursor: HistoryCursor,
        reply: RowsSender<RowsSince>,
    },
    /// Answered when the file is let go.
    End {
        reply: oneshot::Sender<()>,
    },
}

/// Where a look at what changes has ended: the number of a row, of one file only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryCursor {
    pub(super) file: Option<FileMark>,
    pub(super) seq: i64,
}

/// What has changed since a [`HistoryCursor`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowsSince {
    /// Oldest first and bounded, and where the next look begins.
    Rows(Vec<Operation>, HistoryCursor),
    /// Another file has the name now: what it holds has to be read from its beginning.
    OtherFile,
}

/// A connection that only reads, and the file that it reads.
pub(super) struct Reader {
    path: PathBuf,
    connection: Connection,
    file: Option<FileMark>,
    /// How a file that has taken its place is opened.
    open: fn(&Path) -> Result<Connection, HistoryError>,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, HistoryError> {
        Self::by(schema::open_reader, path)
    }

    /// Beside whatever is there, and without a trace.
    pub(super) fn look(path: &Path) -> Result<Self, HistoryError> {
        let open = |path: &Path| examine::open(path).map_err(|why| HistoryError::Unread { path: path.to_owned(), why });
        Self::by(open, path)
    }

    /// The same, and without rows as long as there is no file.
    pub(super) fn watch(path: &Path) -> Result<Self, HistoryError> {
        let open = |path: &Path| match path.try_exists() {
            Ok(false) => schema::empty(path),
            _ => examine::open(path).map_err(|why| HistoryError::Unread { path: path.to_owned(), why }),
        };
        Self::by(open, path)
    }

    fn by(open: fn(&Path) -> Result<Connection, HistoryError>, path: &Path) -> Result<Self, HistoryError> {
        Ok(Self { path: path.to_owned(), connection: open(path)?, file: FileMark::of(path), open })
    }

    /// Until the end is asked for or every sender is gone. Who asked may have gone too; then nobody needs the answer.
    pub(super) fn run(mut self, mut questions: mpsc::Receiver<HistoryRequest>) {
        while let Some(question) = questions.blocking_recv() {
            self.follow();
            match question {
                HistoryRequest::Page { query, reply } => _ = reply.send(self.page(&query)),
                HistoryRequest::One { id, reply } => _ = reply.send(self.read(|c| one(c, id))),
                HistoryRequest::Open { reply } => _ = reply.send(self.read(open)),
                HistoryRequest::Incidents { ask, reply } => {
                    _ = reply.send(self.read(|c| incidents::page(c, &ask, clock::now())));
                }
                HistoryRequest::Then { at, reply } => _ = reply.send(self.read(|c| then::read(c, at))),
                HistoryRequest::Cursor { reply } => _ = reply.send(self.cursor()),
                HistoryRequest::Changed { cursor, reply } => _ = reply.send(self.changed(cursor)),
                HistoryRequest::End { reply } => {
                    drop(self);
                    _ = reply.send(());
                    return;
                }
            }
        }
    }

    /// Reads the file that has the name now: the writer may have put another one there.
    fn follow(&mut self) {
        let now = FileMark::of(&self.path);
        if now.is_some()
            && now != self.file
            && let Ok(other) = Self::by(self.open, &self.path)
        {
            *self = other;
        }
    }

    fn page(&self, query: &HistoryQuery) -> Result<HistoryPage, HistoryError> {
        if let Some(before) = query.before
            && !self.read(|connection| is_there(connection, before))?
        {
            return Err(HistoryError::NoSuchRow { before });
        }
        self.read(|connection| page(connection, query))
    }

    fn cursor(&self) -> Result<HistoryCursor, HistoryError> {
        Ok(HistoryCursor { file: self.file, seq: self.read(newest)? })
    }

    fn changed(&self, since: HistoryCursor) -> Result<RowsSince, HistoryError> {
        if since.file != self.file {
            return Ok(RowsSince::OtherFile);
        }
        let (rows, seq) = self.read(|connection| changed(connection, since.seq))?;
        Ok(RowsSince::Rows(rows, HistoryCursor { seq, ..since }))
    }

    fn read<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, HistoryError> {
        let path = self.path.clone();
        ask(&self.connection).map_err(|source| HistoryError::Sqlite { path, action: "read it", source })
    }
}

fn open(connection: &Connection) -> rusqlite::Result<Vec<Operation>> {
    let sql = format!(
        "SELECT {} FROM operations WHERE finished_ms IS NULL ORDER BY started_ms LIMIT {OPEN_MAX}",
        rows::COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map([], rows::read)?.collect()
}

fn page(connection: &Connection, query: &HistoryQuery) -> rusqlite::Result<HistoryPage> {
    let now = query.as_of.unwrap_or_else(clock::now);
    let mut narrowed = narrow::Narrowed::of(query, now);
    let limit = query.limit.clamp(1, HISTORY_PAGE_MAX);
    let total = narrowed.count(connection)?;
    if let Some(before) = query.before {
        narrowed.demand("(started_ms, id) < (SELECT started_ms, id FROM operations WHERE id = ?)", before.to_string());
    }
    let mut operations = narrowed.newest(connection, limit)?;
    for operation in &mut operations {
        operation.steps = rows::read_steps(connection, operation.id)?;
        operation.steps.retain(|step| query.as_of.is_none_or(|at| step.at <= at));
    }
    Ok(HistoryPage { operations, total })
}

fn is_there(connection: &Connection, id: OperationId) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM operations WHERE id = ?1")?.exists([id.to_string()])
}

fn one(connection: &Connection, id: OperationId) -> rusqlite::Result<Option<Operation>> {
    let sql = format!("SELECT {} FROM operations WHERE id = ?1", rows::COLUMNS);
    let found = connection.prepare_cached(&sql)?.query_row([id.to_string()], rows::read).optional()?;
    let Some(operation) = found else { return Ok(None) };
    Ok(Some(Operation { steps: rows::read_steps(connection, id)?, ..operation }))
}

fn newest(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max(seq), 0) FROM operations";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

fn changed(connection: &Connection, cursor: i64) -> rusqlite::Result<(Vec<Operation>, i64)> {
    let columns = rows::COLUMNS;
    let sql = format!("SELECT {columns}, seq FROM operations WHERE seq > ?1 ORDER BY seq LIMIT {CHANGED_MAX}");
    let mut statement = connection.prepare_cached(&sql)?;
    let with_seq = |row: &rusqlite::Row<'_>| Ok((rows::read(row)?, row.get::<_, i64>(16)?));
    let found = statement.query_map([cursor], with_seq)?.collect::<rusqlite::Result<Vec<_>>>()?;
    // A copy that was written over the file begins below: what it gets from now on is new.
    let next = match found.last() {
        Some((_, seq)) => *seq,
        None => cursor.min(newest(connection)?),
    };
    Ok((found.into_iter().map(|(operation, _)| operation).collect(), next))
}
