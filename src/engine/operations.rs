//! The operations of this process as they stand, and who waits for them.
//!
//! An operation's rows reach whoever waits for it by this way of their own: at once, however many other
//! operations end meanwhile. History has them all; here are those that go on, and the newest that ended.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::ids::OperationId;
use crate::domain::operation::Operation;
use crate::domain::snapshot::HISTORY_QUEUE_STOP;

/// Ended operations that are kept: more than rows can wait to be written, so that each is found here
/// until it is found in history.
const ENDED_MAX: usize = 2 * HISTORY_QUEUE_STOP;

/// Where the rows of one operation go: the newest one, `None` before the first.
pub type RowSender = watch::Sender<Option<Arc<Operation>>>;
pub type RowReceiver = watch::Receiver<Option<Arc<Operation>>>;

/// Cheap to clone; all clones are one book.
#[derive(Clone, Debug, Default)]
pub struct Operations(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    open: BTreeMap<OperationId, Arc<Operation>>,
    ended: BTreeMap<OperationId, Arc<Operation>>,
    /// In the order of their ends, oldest first.
    order: VecDeque<OperationId>,
    waiting: BTreeMap<OperationId, Vec<RowSender>>,
}

impl Operations {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a row in and hands it to whoever waits for it. A final row stays, as it does in history.
    pub fn put(&self, operation: &Arc<Operation>) {
        let mut book = self.book();
        let id = operation.id;
        if let Some(known) = book.ended.get_mut(&id) {
            if known.status.gives_way_to(operation.status) {
                *known = Arc::clone(operation);
            }
            return;
        }
        if operation.status.is_final() {
            book.open.remove(&id);
            book.ended.insert(id, Arc::clone(operation));
            book.order.push_back(id);
            if book.order.len() > ENDED_MAX
                && let Some(oldest) = book.order.pop_front()
            {
                book.ended.remove(&oldest);
            }
            for sender in book.waiting.remove(&id).into_iter().flatten() {
                _ = sender.send_replace(Some(Arc::clone(operation)));
            }
        } else {
            book.open.insert(id, Arc::clone(operation));
            for sender in book.waiting.get(&id).into_iter().flatten() {
                _ = sender.send_replace(Some(Arc::clone(operation)));
            }
        }
    }

    /// Whether it is of this process and has not ended, as far as this process knows.
    #[must_use]
    pub fn goes_on(&self, id: OperationId) -> bool {
        self.book().open.contains_key(&id)
    }

    /// Takes in the end of an operation of this process that another process has written: who undrains a node
    /// ends the row of its drain, whoever began it.
    pub fn ended_elsewhere(&self, operation: &Arc<Operation>) {
        if operation.status.is_final() && self.goes_on(operation.id) {
            self.put(operation);
        }
    }

    /// Sends the rows of an operation from now on, beginning with the newest one.
    pub fn watch(&self, id: OperationId, sender: RowSender) {
        let mut book = self.book();
        let known = book.find(id);
        let ended = known.as_ref().is_some_and(|row| row.status.is_final());
        if known.is_some() {
            _ = sender.send_replace(known);
        }
        if ended {
            return;
        }
        book.waiting.values_mut().for_each(|senders| senders.retain(|sender| !sender.is_closed()));
        book.waiting.retain(|_, senders| !senders.is_empty());
        book.waiting.entry(id).or_default().push(sender);
    }

    /// The newest row of an operation of this process; `None` for one that ended long ago.
    #[must_use]
    pub fn find(&self, id: OperationId) -> Option<Arc<Operation>> {
        self.book().find(id)
    }
}

impl Book {
    fn find(&self, id: OperationId) -> Option<Arc<Operation>> {
        self.open.get(&id).or_else(|| self.ended.get(&id)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::operation;
    use crate::domain::operation::{OperationKind, OperationStatus};

    fn row(id: u128, status: OperationStatus) -> Arc<Operation> {
        Arc::new(operation(id, OperationKind::Upload, status))
    }

    #[test]
    fn an_end_reaches_who_waits_however_many_others_end_meanwhile() {
        let operations = Operations::default();
        let (sender, rows) = watch::channel(None);
        operations.put(&row(0, OperationStatus::Started));
        operations.watch(OperationId::new(0), sender);
        assert!(rows.borrow().as_ref().is_some_and(|row| !row.status.is_final()));
        for id in 1..5_000 {
            operations.put(&row(id, OperationStatus::Done));
        }
        operations.put(&row(0, OperationStatus::Done));
        assert!(rows.borrow().as_ref().is_some_and(|row| row.status.is_final()));
        assert_eq!(operations.find(OperationId::new(1)), None, "what ended long ago is history's");
        assert!(operations.book().waiting.is_empty());
    }

    #[test]
    fn who_comes_after_the_end_learns_it_at_once() {
        let operations = Operations::default();
        operations.put(&row(7, OperationStatus::Failed));
        let (sender, rows) = watch::channel(None);
        operations.watch(OperationId::new(7), sender);
        assert!(rows.borrow().as_ref().is_some_and(|row| row.status == OperationStatus::Failed));
    }

    #[test]
    fn a_final_row_stays_but_for_a_commit_that_outweighs_it() {
        let operations = Operations::default();
        let status = |operations: &Operations| operations.find(OperationId::new(7)).unwrap().status;
        operations.put(&row(7, OperationStatus::Aborted));
        operations.put(&row(7, OperationStatus::Started));
        assert_eq!(status(&operations), OperationStatus::Aborted);
        operations.put(&row(7, OperationStatus::Done));
        operations.put(&row(7, OperationStatus::Failed));
        assert_eq!(status(&operations), OperationStatus::Done);
    }

    #[test]
    fn an_end_that_another_process_wrote_is_taken_in_for_what_goes_on_here() {
        let operations = Operations::default();
        let (sender, rows) = watch::channel(None);
        operations.put(&row(7, OperationStatus::Started));
        operations.watch(OperationId::new(7), sender);
        operations.ended_elsewhere(&row(7, OperationStatus::Started));
        operations.ended_elsewhere(&row(8, OperationStatus::Done));
        assert_eq!(operations.find(OperationId::new(8)), None, "not of this process");
        operations.ended_elsewhere(&row(7, OperationStatus::Aborted));
        assert!(rows.borrow().as_ref().is_some_and(|row| row.status == OperationStatus::Aborted));
        assert_eq!(operations.find(OperationId::new(7)).unwrap().status, OperationStatus::Aborted);
    }

    #[test]
    fn who_has_gone_is_forgotten() {
        let operations = Operations::default();
        for id in 0..10 {
            let (sender, rows) = watch::channel(None);
            operations.watch(OperationId::new(id), sender);
            drop(rows);
        }
        assert!(operations.book().waiting.len() <= 1);
    }
}
