//! What a front holds of the engine: it asks by requests and looks at snapshots.

mod receive;
mod remote;
mod serve;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
mod transfer;
mod wire;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use self::remote::{Remote, connect};
pub use self::serve::{Guest, serve};
use super::desk;
pub use super::desk::{Put, Question};
use super::operations::{RowReceiver, RowSender};
pub use crate::adapters::blobs::BodyFault;
pub use crate::adapters::daemon::{Dial, Frame, Link, Lost};
use crate::adapters::faults;
use crate::domain::ask::{Ask, OperationAsk};
use crate::domain::command::{Accepted, Actor, Command, Rejected};
use crate::domain::file::FileEntry;
use crate::domain::ids::{FileId, NodeId};
use crate::domain::operation::{Operation, OperationStatus};
use crate::domain::snapshot::{ApiView, Snapshot};

/// Longest wait for an operation once the program ends: a little less than answers under way get.
const LAST_WAIT: Duration = Duration::from_millis(1_700);
/// How often history is asked for the end of an operation that another process may have ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Requests that may wait for the core; a front that finds it full waits.
pub const REQUESTS_MAX: usize = 64;

/// Bytes that come in with an upload or go out with a download.
pub type ByteSource = Pin<Box<dyn AsyncRead + Send>>;

/// A file to take in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    pub name: String,
    /// `None`: of the nodes that can take it, the one furthest under its share.
    pub node: Option<NodeId>,
    /// Size as far as it is known before the bytes, for the free-space check.
    pub size_hint: Option<u64>,
    /// Most bytes that are taken.
    pub limit: Option<u64>,
}

/// A file on its way out. Reading ends with an error when the bytes do not match the record's hash.
pub struct Download {
    pub entry: Arc<FileEntry>,
    pub bytes: ByteSource,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("entry", &self.entry).finish_non_exhaustive()
    }
}

type HandleReply<T, E> = oneshot::Sender<Result<T, E>>;

/// What reaches the core from fronts.
pub enum EngineRequest {
    /// Answered when the core knows what any session had written before.
    CatchUp {
        reply: oneshot::Sender<()>,
    },
    /// REST listens, or why it does not.
    Api(ApiView),
    /// `rows`: where the operation's rows go, when somebody waits for it.
    Command {
        command: Command,
        actor: Actor,
        rows: Option<RowSender>,
        reply: HandleReply<Accepted, Rejected>,
    },
    Upload {
        upload: Upload,
        bytes: ByteSource,
        actor: Actor,
        rows: Option<RowSender>,
        reply: HandleReply<Accepted, Rejected>,
    },
    Download {
        file: FileId,
        reply: HandleReply<Download, Rejected>,
    },
    /// A file's record, from the ensemble when it is not known here.
    File {
        file: FileId,
        reply: HandleReply<Arc<FileEntry>, Rejected>,
    },
    /// The picture with all that has been told so far.
    Current {
        reply: oneshot::Sender<Arc<Snapshot>>,
    },
}

/// A command that was accepted, and the way on which its operation's rows come.
#[derive(Debug)]
pub struct PendingOperation {
    pub accepted: Accepted,
    rows: RowReceiver,
    handle: Handle,
}

impl PendingOperation {
    /// Waits for the operation's end; `None` when `limit` passes, or a while after the program was asked
    /// to end.
    pub async fn ended(&mut self, limit: Duration) -> Option<Arc<Operation>> {
        let handle = self.handle.clone();
        let last = async {
            handle.stopping().await;
            tokio::time::sleep(LAST_WAIT).await;
        };
        let row = tokio::select! {
            biased;
            end = tokio::time::timeout(limit, self.wait_for(|row| row.status.is_final())) => end.ok()?,
            () = last => None,
        };
        if faults::broken("aborted-is-done") {
            return row.map(|row| Arc::new(Operation { status: OperationStatus::Done, ..row.as_ref().clone() }));
        }
        row
    }

    /// The operation's next row; `None` when no more of them come by this way.
    async fn next_row(&mut self) -> Option<Arc<Operation>> {
        loop {
            self.rows.changed().await.ok()?;
            if let Some(row) = self.rows.borrow_and_update().clone() {
                return Some(row);
            }
        }
    }

    /// Waits for the operation's first step, or for its end: what was asked for is in force.
    pub async fn begun(&mut self, limit: Duration) -> Option<Arc<Operation>> {
        let begun = |row: &Operation| row.status.is_final() || !row.steps.is_empty();
        tokio::time::timeout(limit, self.wait_for(begun)).await.ok()?
    }

    /// The rows come by a way of their own. Another process may have written the end, so history is asked
    /// now and then.
    async fn wait_for(&mut self, fits: impl Fn(&Operation) -> bool) -> Option<Arc<Operation>> {
        let id = self.accepted.operation?;
        loop {
            let row = self.rows.wait_for(|row| row.as_deref().is_some_and(&fits));
            let row = tokio::time::timeout(LOOK_EVERY, row).await.map(|row| row.map(|row| row.clone()));
            match row {
                Ok(Ok(row)) => return row,
                // Nobody sends any more: history knows, or will, unless the engine has ended.
                Ok(Err(_)) => match self.handle.ask(OperationAsk(id)).await {
                    Ok(Some(row)) if fits(&row) => return Some(row),
                    _ if self.handle.requests.is_closed() => return None,
                    _ => tokio::time::sleep(LOOK_EVERY).await,
                },
                Err(_) => match self.handle.ask(OperationAsk(id)).await {
                    Ok(Some(row)) if fits(&row) => return Some(row),
                    _ => {}
                },
            }
        }
    }
}

/// Cheap to clone; every front has one.
#[derive(Clone, Debug)]
pub struct Handle {
    requests: mpsc::Sender<EngineRequest>,
    questions: mpsc::Sender<Question>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    stop: CancellationToken,
}

/// The engine's end of a [`Handle`]; tests of fronts hold it to play the engine.
pub struct HandleEnd {
    pub requests: mpsc::Receiver<EngineRequest>,
    pub questions: mpsc::Receiver<Question>,
    pub snapshots: watch::Sender<Arc<Snapshot>>,
    pub stop: CancellationToken,
}

impl Handle {
    /// A handle and the end that serves it.
    #[must_use]
    pub fn pair(first: Arc<Snapshot>) -> (Self, HandleEnd) {
        let (request_tx, requests) = mpsc::channel(REQUESTS_MAX);
        let (question_tx, questions) = mpsc::channel(desk::QUESTIONS_MAX);
        let (snapshot_tx, snapshots) = watch::channel(first);
        let stop = CancellationToken::new();
        let handle = Self { requests: request_tx, questions: question_tx, snapshots, stop: stop.clone() };
        (handle, HandleEnd { requests, questions, snapshots: snapshot_tx, stop })
    }

    /// Asks for a command. `Accepted` means that it will be carried out; its operation tells the outcome.
    ///
    /// # Errors
    /// [`Rejected`] with the reason; nothing has been written then, except perhaps after [`Rejected::Unreachable`].
    pub async fn send(&self, command: Command, actor: Actor) -> Result<Accepted, Rejected> {
        self.command(command, actor, None).await
    }

    /// What is said to be so already is so for the ensemble too, and a file that is said not to be there is not there:
    /// another instance may have changed it a moment ago, and then it is asked again.
    async fn command(&self, command: Command, actor: Actor, rows: Option<RowSender>) -> Result<Accepted, Rejected> {
        let once = async || {
            let (reply, answer) = oneshot::channel();
            let request =
                EngineRequest::Command { command: command.clone(), actor: actor.clone(), rows: rows.clone(), reply };
            self.request(request, answer, Rejected::ShuttingDown).await
        };
        match once().await {
            Err(Rejected::AlreadySo { .. }) => {
                let (reply, caught_up) = oneshot::channel();
                if self.requests.send(EngineRequest::CatchUp { reply }).await.is_ok() {
                    // Without an answer what is known here is all there is.
                    _ = caught_up.await;
                }
                once().await
            }
            // Another instance may have made it a moment ago: only the ensemble can say that there is none. What it
            // finds is known here before the command is judged again.
            Err(Rejected::UnknownFile { given }) => {
                self.file(given).await?;
                once().await
            }
            answer => answer,
        }
    }

    /// [`Handle::send`] for who waits for the outcome.
    ///
    /// # Errors
    /// As [`Handle::send`].
    pub async fn begin(&self, command: Command, actor: Actor) -> Result<PendingOperation, Rejected> {
        let (sender, rows) = watch::channel(None);
        let accepted = self.command(command, actor, Some(sender)).await?;
        Ok(PendingOperation { accepted, rows, handle: self.clone() })
    }

    /// Takes a file in. Answers when the upload is accepted; its operation tells the outcome.
    ///
    /// # Errors
    /// [`Rejected`] with the reason; no byte has been read then.
    pub async fn upload(&self, upload: Upload, bytes: ByteSource, actor: Actor) -> Result<PendingOperation, Rejected> {
        let (reply, answer) = oneshot::channel();
        let (sender, rows) = watch::channel(None);
        let request = EngineRequest::Upload { upload, bytes, actor, rows: Some(sender), reply };
        let accepted = self.request(request, answer, Rejected::ShuttingDown).await?;
        Ok(PendingOperation { accepted, rows, handle: self.clone() })
    }

    /// Tells the core how REST stands.
    pub async fn tell_api(&self, view: ApiView) {
        // Who ends meanwhile needs it no more.
        _ = self.requests.send(EngineRequest::Api(view)).await;
    }

    /// Opens a file's bytes for reading.
    ///
    /// # Errors
    /// [`Rejected`] when the file is not known or its bytes cannot be opened.
    pub async fn download(&self, file: FileId) -> Result<Download, Rejected> {
        let (reply, answer) = oneshot::channel();
        self.request(EngineRequest::Download { file, reply }, answer, Rejected::ShuttingDown).await
    }

    /// A file's record. One that is not known here is looked for in the ensemble, so that a file which
    /// another instance has just made is found.
    ///
    /// # Errors
    /// [`Rejected::UnknownFile`] only when the ensemble has no such file; [`Rejected::NotReady`],
    /// [`Rejected::Disconnected`] while that cannot be known.
    pub async fn file(&self, file: FileId) -> Result<Arc<FileEntry>, Rejected> {
        let (reply, answer) = oneshot::channel();
        self.request(EngineRequest::File { file, reply }, answer, Rejected::ShuttingDown).await
    }

    /// The answer to a question, of the type that belongs to it. Dropping the future gives the question up.
    ///
    /// # Errors
    /// Why there is none, of the type that belongs to the question.
    pub async fn ask<A: Ask>(&self, ask: A) -> Result<A::Answer, A::Refusal>
    where
        Question: From<Put<A>>,
    {
        desk::put(&self.questions, ask).await
    }

    /// A receiver of snapshots. Clone the `Arc` out of the borrow at once.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// The newest snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// The picture with all that was done before the call; the last one published when the engine has ended.
    pub async fn current(&self) -> Arc<Snapshot> {
        let (reply, answer) = oneshot::channel();
        if self.requests.send(EngineRequest::Current { reply }).await.is_err() {
            return self.snapshot();
        }
        answer.await.unwrap_or_else(|_| self.snapshot())
    }

    /// Asks the engine to end. Returns at once.
    pub fn shut_down(&self) {
        self.stop.cancel();
    }

    /// Resolves when the engine has been asked to end, by whomever.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    async fn request<T, E>(
        &self,
        request: EngineRequest,
        answer: oneshot::Receiver<Result<T, E>>,
        gone: E,
    ) -> Result<T, E> {
        if self.requests.send(request).await.is_err() {
            return Err(gone);
        }
        answer.await.unwrap_or(Err(gone))
    }
}
