//! A history in memory, for simulated processes that share one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::reader::{HistoryCursor, HistoryRequest, RowsSince};
use super::writer::{HistoryRow, Note};
use super::{History, HistoryHealth, QUESTIONS_MAX, QUEUE_MAX};
use crate::domain::ids::OperationId;
use crate::domain::incident::IncidentsPage;
use crate::domain::invariants::CheckedRow;
use crate::domain::operation::{HistoryPage, Operation};
use crate::domain::rewind::HistoryThen;

/// The rows that are on disk. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<LedgerRows>>);

#[derive(Default)]
struct LedgerRows {
    by_id: BTreeMap<OperationId, Operation>,
    /// The id that was written at each number, from 1 on.
    written: Vec<OperationId>,
    /// No row can be written.
    full: bool,
}

/// One process's way to the rows.
pub(crate) struct Clerk {
    ledger: Ledger,
    notes: mpsc::Receiver<Note>,
    questions: mpsc::Receiver<HistoryRequest>,
    /// Rows that wait for room.
    kept: Vec<Operation>,
}

impl Ledger {
    /// A history for one process; its rows arrive as long as the clerk writes.
    pub(crate) fn open(&self) -> (History, Clerk) {
        let (notes, notes_rx) = mpsc::channel(QUEUE_MAX);
        let (questions, questions_rx) = mpsc::channel(QUESTIONS_MAX);
        let health = Arc::new(Mutex::new(HistoryHealth::default()));
        let history = History { notes, questions, health, path: std::path::Path::new("simulated").into() };
        (history, Clerk { ledger: self.clone(), notes: notes_rx, questions: questions_rx, kept: Vec::new() })
    }

    /// Fills the disk, or makes room on it: rows that come meanwhile are kept, and said not to be on disk.
    pub(crate) fn fill(&self, full: bool) {
        self.lock().full = full;
    }

    pub(crate) fn find(&self, id: OperationId) -> Option<Operation> {
        self.lock().by_id.get(&id).cloned()
    }

    pub(crate) fn rows(&self) -> Vec<CheckedRow> {
        self.lock().by_id.values().map(CheckedRow::from).collect()
    }

    fn lock(&self) -> MutexGuard<'_, LedgerRows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes as SQLite does.
    fn write(&self, operation: Operation) {
        let mut rows = self.lock();
        if rows.by_id.get(&operation.id).is_none_or(|row| row.status.gives_way_to(operation.status)) {
            rows.written.push(operation.id);
            rows.by_id.insert(operation.id, operation);
        }
    }
}

impl Clerk {
    /// Where it writes.
    pub(crate) fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// Writes until the history is dropped. `turn` is awaited before each note. With `lies` rows are
    /// said to be on disk at once, and are written at the next quiet turn.
    pub(crate) async fn work<F: Future<Output = ()>>(mut self, lies: bool, mut turn: impl FnMut() -> F) {
        let mut held = Vec::new();
        loop {
            tokio::select! {
                biased;
                note = self.notes.recv() => match note {
                    Some(Note::Row(HistoryRow::Operation(operation))) if lies => held.push(*operation),
                    Some(Note::Flush(reply)) if lies => _ = reply.send(true),
                    Some(note) => {
                        turn().await;
                        self.take(note);
                    }
                    None => return,
                },
                Some(question) = self.questions.recv() => self.answer(question),
                () = turn(), if !held.is_empty() => held.drain(..).for_each(|row| self.ledger.write(row)),
            }
        }
    }

    fn take(&mut self, note: Note) {
        let full = self.ledger.lock().full;
        if !full {
            self.kept.drain(..).for_each(|row| self.ledger.write(row));
        }
        match note {
            Note::Row(HistoryRow::Operation(operation)) if full => self.kept.push(*operation),
            Note::Row(HistoryRow::Operation(operation)) => self.ledger.write(*operation),
            Note::Row(HistoryRow::Incident(_)) => {}
            Note::Flush(reply) => _ = reply.send(!full),
            Note::Lines => {}
            Note::End(reply) => _ = reply.send(()),
        }
    }

    fn answer(&self, question: HistoryRequest) {
        let rows = self.ledger.lock();
        // Who asked may have gone.
        match question {
            HistoryRequest::Open { reply } => {
                _ = reply.send(Ok(rows.by_id.values().filter(|row| !row.status.is_final()).cloned().collect()));
            }
            HistoryRequest::One { id, reply } => _ = reply.send(Ok(rows.by_id.get(&id).cloned())),
            HistoryRequest::Then { reply, .. } => _ = reply.send(Ok(HistoryThen::default())),
            HistoryRequest::Incidents { reply, .. } => _ = reply.send(Ok(IncidentsPage::default())),
            HistoryRequest::Cursor { reply } => _ = reply.send(Ok(rows.cursor())),
            HistoryRequest::Changed { cursor, reply } => {
                let since = rows.written.iter().skip(usize::try_from(cursor.seq).unwrap_or_default());
                let changed = since.filter_map(|id| rows.by_id.get(id)).cloned().collect();
                _ = reply.send(Ok(RowsSince::Rows(changed, rows.cursor())));
            }
            HistoryRequest::Page { query, reply } => {
                // Only the newest are asked for.
                let operations = rows.by_id.values().rev().take(query.limit).cloned().collect();
                _ = reply.send(Ok(HistoryPage { operations, total: rows.by_id.len() as u64 }));
            }
            HistoryRequest::End { reply } => _ = reply.send(()),
        }
    }
}

impl LedgerRows {
    fn cursor(&self) -> HistoryCursor {
        HistoryCursor { file: None, seq: i64::try_from(self.written.len()).unwrap_or(i64::MAX) }
    }
}
