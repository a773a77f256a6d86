//! What a front makes of what another process says.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::transfer::next_message;
use super::wire::{BEAT, EngineMessage, FrontMessage, frame};
use super::{HandleReply, Link, Lost};
use crate::domain::ask::Gone;
use crate::domain::command::{Accepted, Rejected};
use crate::domain::file::FileEntry;
use crate::domain::file_table::{FileTable, FilesChange};
use crate::domain::snapshot::Snapshot;
use crate::engine::desk::Answering;
use crate::engine::operations::RowSender;

/// The snapshot as it is told piece by piece.
pub(super) struct Following {
    /// The last whole one.
    pub(super) snapshot: Arc<Snapshot>,
    /// With the files of the one that has not come yet.
    files: FileTable,
}

impl Following {
    /// Reads the first snapshot, and says now and then that it is there: a long one takes its time.
    pub(super) async fn begin(link: &mut Link) -> Result<Self, Lost> {
        let mut files = FileTable::default();
        let mut said = Instant::now();
        loop {
            let told = next_message(link).await?;
            if said.elapsed() >= BEAT {
                link.send(frame(&FrontMessage::Here)?).await?;
                said = Instant::now();
            }
            match told {
                EngineMessage::Files(change) => files.take(change, 0),
                EngineMessage::Snapshot(snapshot, revision) => {
                    let mut following = Self { snapshot: Arc::new(*snapshot), files };
                    following.complete(revision);
                    return Ok(following);
                }
                _ => return Err(Lost("the daemon tells something else than what it knows".into())),
            }
        }
    }

    /// Takes a piece; `true` when it makes a whole snapshot.
    pub(super) fn take(&mut self, told: EngineMessage) -> Result<bool, Lost> {
        match told {
            EngineMessage::Files(change) => {
                let revision = self.files.revision();
                self.files.take(change, revision);
                Ok(false)
            }
            EngineMessage::Change(change, revision) => {
                change.apply(Arc::make_mut(&mut self.snapshot)).map_err(|misfit| Lost(misfit.to_string()))?;
                self.complete(revision);
                Ok(true)
            }
            // What else is said is no part of a snapshot.
            _ => Ok(false),
        }
    }

    fn complete(&mut self, revision: u64) {
        self.files.take(FilesChange::default(), revision);
        Arc::make_mut(&mut self.snapshot).files = self.files.clone();
    }
}

/// Who waits for what.
pub(super) enum Waiting {
    Answer(Box<dyn Answering>),
    Command { reply: HandleReply<Accepted, Rejected>, rows: Option<RowSender> },
    Rows(RowSender),
    File(HandleReply<Arc<FileEntry>, Rejected>),
    Current(oneshot::Sender<Arc<Snapshot>>),
}

impl Waiting {
    /// Hands over what was waited for; what else is waited for after it.
    pub(super) fn take(self, told: EngineMessage, snapshot: &Arc<Snapshot>) -> Option<Self> {
        // Whoever asked may be gone.
        match (self, told) {
            (Self::Answer(waits), EngineMessage::Answer { answer, .. }) => waits.answer(Ok(&answer)),
            (Self::Command { reply, rows }, EngineMessage::Command { answer, .. }) => {
                let goes_on = answer.as_ref().is_ok_and(|accepted| accepted.operation.is_some());
                _ = reply.send(answer);
                return rows.filter(|_| goes_on).map(Self::Rows);
            }
            (Self::Rows(rows), EngineMessage::Row { operation, .. }) => {
                let is_final = operation.status.is_final();
                rows.send_replace(Some(operation));
                return (!is_final).then_some(Self::Rows(rows));
            }
            (Self::File(reply), EngineMessage::File { answer, .. }) => _ = reply.send(answer),
            (Self::Current(reply), EngineMessage::Current { .. }) => {
                _ = reply.send(Arc::clone(snapshot));
            }
            // An answer to something else: what was waited for is given up.
            _ => {}
        }
        None
    }

    /// Tells that there is no answer.
    pub(super) fn refuse(self, lost: &Lost) {
        match self {
            Self::Answer(waits) => waits.answer(Err(Gone::from(lost))),
            // It may have been carried out: its operation tells, where there is one.
            Self::Command { reply, .. } => {
                let cause =
                    format!("{lost} before it answered: it may have been carried out all the same, see the history");
                _ = reply.send(Err(Rejected::Unreachable { cause }));
            }
            Self::File(reply) => _ = reply.send(Err(Gone::from(lost).into())),
            // History is asked for the end of an operation whose rows come no more, and the last snapshot is known.
            Self::Rows(_) | Self::Current(_) => {}
        }
    }

    pub(super) fn is_given_up(&self) -> bool {
        match self {
            Self::Answer(waits) => waits.is_given_up(),
            Self::Rows(rows) => rows.is_closed(),
            Self::Command { .. } | Self::File(_) | Self::Current(_) => false,
        }
    }
}
