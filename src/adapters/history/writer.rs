//! The one thread that writes: takes what is queued, writes it in one transaction, says what failed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::ndjson::Lines;
use super::{Health, rows};
use crate::domain::operation::Operation;

/// Rows of one transaction.
const GROUP_MAX: usize = 256;
/// Pause before a group that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

pub(super) enum Note {
    Row(Box<Operation>),
    /// Answered when everything before it has been tried.
    Flush(oneshot::Sender<()>),
    End(oneshot::Sender<()>),
}

pub(super) struct Writer {
    connection: Connection,
    lines: Lines,
    health: Arc<Mutex<Health>>,
}

/// What one look into the queue brought.
#[derive(Default)]
struct Group {
    rows: Vec<Operation>,
    waiting: Vec<oneshot::Sender<()>>,
    end: Option<oneshot::Sender<()>>,
}

impl Writer {
    pub(super) fn new(connection: Connection, ndjson_dir: PathBuf, health: Arc<Mutex<Health>>) -> Self {
        Self { connection, lines: Lines::new(ndjson_dir), health }
    }

    /// Until the end is asked for or every sender is gone.
    pub(super) fn run(mut self, mut notes: mpsc::Receiver<Note>) {
        let mut kept = Vec::new();
        while let Some(first) = notes.blocking_recv() {
            let mut group = Group { rows: std::mem::take(&mut kept), ..Group::default() };
            group.take(first);
            while group.rows.len() < GROUP_MAX && group.end.is_none() {
                let Ok(note) = notes.try_recv() else { break };
                group.take(note);
            }
            let written = self.write(&group.rows);
            self.tell(written.as_ref().err().map(ToString::to_string));
            if written.is_err() {
                kept = group.rows;
                self.pause();
            }
            group.waiting.into_iter().for_each(|reply| _ = reply.send(()));
            if let Some(reply) = group.end {
                // The last try: a full disk may have room by now.
                if !kept.is_empty() {
                    let last = self.write(&kept);
                    self.tell(last.err().map(|error| error.to_string()));
                }
                _ = reply.send(());
                return;
            }
        }
    }

    fn write(&mut self, operations: &[Operation]) -> rusqlite::Result<()> {
        if operations.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let last: i64 = transaction
            .prepare_cached("SELECT coalesce(max(seq), 0) FROM operations")?
            .query_row([], |row| row.get(0))?;
        let mut ended = Vec::new();
        for (seq, operation) in (last + 1..).zip(operations) {
            if rows::upsert(&transaction, operation, seq)? {
                ended.push(operation);
            }
        }
        transaction.commit()?;
        if let Err(error) = self.lines.append(&ended) {
            tracing::error!("operations.ndjson: {error}; the rows are in SQLite");
        }
        Ok(())
    }

    /// Waits without taking notes, so that a sick disk is not asked in a circle.
    fn pause(&self) {
        let (_hold, never) = std::sync::mpsc::channel::<()>();
        _ = never.recv_timeout(RETRY);
    }

    fn tell(&self, problem: Option<String>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if problem.is_some() && health.problem != problem {
            tracing::error!("history cannot be written: {}", problem.as_deref().unwrap_or_default());
        }
        health.problem = problem.map(|cause| format!("{cause}; rows wait, free the disk or mend the file"));
    }
}

impl Group {
    fn take(&mut self, note: Note) {
        match note {
            Note::Row(operation) => self.rows.push(*operation),
            Note::Flush(reply) => self.waiting.push(reply),
            Note::End(reply) => self.end = Some(reply),
        }
    }
}
