//! The one thread that writes: takes what is queued, writes it in one transaction, says what failed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::config::{BUSY, HistoryConfig};
use super::error::HistoryError;
use super::health::HistoryHealth;
use super::lines::{LinesError, RowLines};
use super::{incidents, rows, schema};
use crate::adapters::faults;
use crate::adapters::file_mark::FileMark;
use crate::adapters::sqlite::WalWatch;
use crate::domain::incident::Incident;
use crate::domain::number;
use crate::domain::operation::Operation;

/// Rows of one transaction.
const GROUP_MAX: usize = 256;
/// Pause before a group that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

pub(super) enum Note {
    Row(HistoryRow),
    /// Answered when everything before it has been tried: whether it is on disk.
    Flush(oneshot::Sender<bool>),
    /// The lines want looking after.
    Lines,
    End(oneshot::Sender<()>),
}

/// What is written down.
pub(super) enum HistoryRow {
    Operation(Box<Operation>),
    Incident(Box<Incident>),
}

pub(super) struct Writer {
    /// `None` after the file was lost and could not be made again yet.
    connection: Option<Connection>,
    /// The file that the connection has open.
    file: Option<FileMark>,
    config: HistoryConfig,
    log: WalWatch,
    lines: RowLines,
    /// Some final row may have no line.
    behind: bool,
    health: Arc<Mutex<HistoryHealth>>,
}

/// What one look into the queue brought.
#[derive(Default)]
struct Group {
    rows: Vec<HistoryRow>,
    waiting: Vec<oneshot::Sender<bool>>,
    lines: bool,
    end: Option<oneshot::Sender<()>>,
}

impl Writer {
    pub(super) fn new(connection: Connection, config: HistoryConfig, health: Arc<Mutex<HistoryHealth>>) -> Self {
        let (file, lines) = (FileMark::of(&config.path), RowLines::new(config.ndjson_dir.clone()));
        let log = WalWatch::of(&config.path, BUSY);
        let mut writer = Self { connection: Some(connection), file, config, log, lines, behind: true, health };
        // Before anything rests on them: history is restored from the lines.
        writer.look_after_lines();
        writer
    }

    /// Until the end is asked for or every sender is gone.
    pub(super) fn run(mut self, mut notes: mpsc::Receiver<Note>) {
        let mut kept = Vec::new();
        loop {
            // Rows that wait are tried again even when nothing new comes.
            let first = if kept.is_empty() { notes.blocking_recv() } else { notes.try_recv().ok() };
            if first.is_none() && (kept.is_empty() || notes.is_closed()) {
                return;
            }
            let mut group = Group { rows: std::mem::take(&mut kept), ..Group::default() };
            first.into_iter().for_each(|note| group.take(note));
            while group.rows.len() < GROUP_MAX && group.end.is_none() {
                let Ok(note) = notes.try_recv() else { break };
                group.take(note);
            }
            let written = self.write(&group.rows);
            let failed = written.is_err();
            // Who asked meanwhile learns of it now, and not after the next try.
            while failed && group.rows.len() < GROUP_MAX && group.end.is_none() {
                let Ok(note) = notes.try_recv() else { break };
                group.take(note);
            }
            if failed && !faults::broken("drop-rows") {
                kept = group.rows;
            }
            self.tell(written.as_ref().err(), kept.len());
            if !failed {
                self.look_at_log();
            }
            if group.lines {
                self.look_after_lines();
            }
            group.waiting.into_iter().for_each(|reply| _ = reply.send(!failed));
            if let Some(reply) = group.end {
                // The last try: a full disk may have room by now.
                if !kept.is_empty() {
                    let last = self.write(&kept);
                    self.tell(last.as_ref().err(), kept.len());
                }
                self.let_go_in_order();
                _ = reply.send(());
                return;
            }
            if failed {
                pause();
            }
        }
    }

    fn write(&mut self, group: &[HistoryRow]) -> Result<(), HistoryError> {
        if group.is_empty() {
            return Ok(());
        }
        if faults::broken("rows-in-memory") {
            pause();
        }
        self.follow()?;
        match self.insert(group) {
            Err(HistoryError::Sqlite { source, .. }) if schema::is_corrupt(&source) => {
                self.mend(&format!("was corrupt ({source})"))?;
                self.insert(group)
            }
            other => other,
        }
    }

    fn insert(&mut self, group: &[HistoryRow]) -> Result<(), HistoryError> {
        let path = self.config.path.clone();
        let failed = |source| HistoryError::Sqlite { path: path.clone(), action: "write it", source };
        let Some(connection) = &mut self.connection else {
            return Err(failed(rusqlite::Error::InvalidPath(path.clone())));
        };
        let mut ended = Vec::new();
        let mut write = || -> rusqlite::Result<()> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (seq, row) in (rows::last_seq(&transaction)? + 1..).zip(group) {
                match row {
                    HistoryRow::Incident(incident) => incidents::upsert(&transaction, incident)?,
                    HistoryRow::Operation(operation) => {
                        if rows::upsert(&transaction, operation, seq)? {
                            ended.push(&**operation);
                        }
                    }
                }
            }
            faults::at("history.before-commit");
            transaction.commit()
        };
        write().map_err(failed)?;
        faults::at("history.committed");
        if self.behind {
            self.look_after_lines();
        } else if !ended.is_empty() {
            let appended = self.lines.append(&ended);
            self.tell_lines(appended);
        }
        Ok(())
    }

    /// Makes the lines that a crash or a folder that could not be written has cost.
    fn look_after_lines(&mut self) {
        let Some(connection) = &self.connection else { return };
        let made = self.lines.make_good(connection);
        if let Ok(count @ 1..) = made {
            tracing::warn!("operations.ndjson: {count} missing lines were made again from SQLite");
        }
        self.tell_lines(made.map(drop));
    }

    /// The rows are in SQLite; without their lines they are not shipped, nor restored when SQLite is lost.
    fn tell_lines(&mut self, result: Result<(), LinesError>) {
        self.behind = result.is_err();
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let problem = result.err().map(|error| error.to_string());
        if let Some(text) = problem.as_ref().filter(|_| health.lines != problem) {
            tracing::error!("{text}");
        }
        health.lines = problem;
    }

    /// Ends as the last user of the file, if it is that: what the log beside it holds goes into the file, and
    /// the log away. Whatever fails is done by whoever opens the file next.
    fn let_go_in_order(&mut self) {
        // One that has lost its name is not the one whose companions bear it.
        if FileMark::of(&self.config.path) != self.file {
            return self.let_go();
        }
        let Some(connection) = self.connection.take() else { return };
        _ = connection.busy_timeout(Duration::ZERO);
        let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = emptied.and_then(|()| connection.close().map_err(|(_, error)| error)) {
            tracing::debug!("the log beside {} is left: {error}", self.config.path.display());
        }
    }

    /// Writes to the file that has the name now. One that was removed is made again; one that another
    /// process has put there is opened.
    fn follow(&mut self) -> Result<(), HistoryError> {
        let now = FileMark::of(&self.config.path);
        if now.is_none() {
            return self.mend("was removed while it was open");
        }
        if now != self.file {
            self.let_go();
            let mut connection = schema::prepare(&self.config.path)?;
            // It may be an older copy: what was written to the file before is in the lines.
            let made = schema::replay(&mut connection, &self.config)?;
            self.connection = Some(connection);
            self.file = FileMark::of(&self.config.path);
            let path = self.config.path.display();
            self.note(format!(
                "history {path} was replaced by another file, which is used now; {} it lacked came from operations.ndjson",
                number::count(made as u64, "row")
            ));
        }
        Ok(())
    }

    fn mend(&mut self, cause: &str) -> Result<(), HistoryError> {
        self.let_go();
        let (connection, note) = schema::mend(&self.config, cause)?;
        self.connection = Some(connection);
        self.file = FileMark::of(&self.config.path);
        self.note(note);
        Ok(())
    }

    fn look_at_log(&mut self) {
        if let Some(note) = self.connection.as_ref().and_then(|connection| self.log.look(connection)) {
            self.note(note);
        }
    }

    fn note(&self, note: String) {
        tracing::warn!("{note}");
        self.health.lock().unwrap_or_else(PoisonError::into_inner).notes.push(note);
    }

    /// Leaves the lost file open: closing it would remove companions by their names, which may by now be
    /// those of the file that has taken its place.
    fn let_go(&mut self) {
        std::mem::forget(self.connection.take());
        self.file = None;
    }

    fn tell(&self, problem: Option<&HistoryError>, kept: usize) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.kept = kept;
        let problem = problem.map(sentence);
        if let Some(text) = problem.as_ref().filter(|text| health.problem.as_ref() != Some(text)) {
            tracing::error!("history cannot be written: {text}");
        }
        health.problem = problem;
    }
}

/// Waits without taking notes, so that a sick disk is not asked in a circle.
fn pause() {
    rest(RETRY);
}

/// Blocks for a time.
pub(super) fn rest(time: Duration) {
    let (_hold, never) = std::sync::mpsc::channel::<()>();
    _ = never.recv_timeout(time);
}

/// Cause and next step. Rows that wait are never dropped.
fn sentence(error: &HistoryError) -> String {
    let HistoryError::Sqlite { path, source, .. } = error else { return error.to_string() };
    let path = path.display();
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!(
                "{path}: another process holds it locked; rows wait and are written when it lets go (fuser {path} names it)"
            )
        }
        Some(ErrorCode::DiskFull) => format!("{path}: its disk is full; rows wait, make room on it"),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            format!("{path}: it cannot be written ({source}); rows wait, check its mount and its owner")
        }
        _ => format!("{path}: {source}; rows wait, check its disk"),
    }
}

impl Group {
    fn take(&mut self, note: Note) {
        match note {
            Note::Row(row) => self.rows.push(row),
            Note::Flush(reply) => self.waiting.push(reply),
            Note::Lines => self.lines = true,
            Note::End(reply) => self.end = Some(reply),
        }
    }
}
