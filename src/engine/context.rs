//! What every loop and job holds: ways to tell the core, ask the core, and reach the outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::driver::Driver;
use super::files::underway::Underway;
use super::operations::Operations;
use crate::adapters::blobs::BlobStore;
use crate::adapters::history::{History, HistoryError};
use crate::adapters::zookeeper::registry::{Fence, Registry};
use crate::domain::command::Rejected;
use crate::domain::event::{Event, Learned, Mark};
use crate::domain::file::FileEntry;
use crate::domain::ids::{Bytes, NodeId, OperationId};
use crate::domain::node::NodeRecord;
use crate::domain::operation::Operation;
use crate::domain::planner::Plan;
use crate::domain::scheduler::Decision;
use crate::domain::snapshot::{HISTORY_QUEUE_STOP, InstanceInfo, Level, Snapshot};

/// A plan with all that carrying it out needs, taken from the state at one moment.
pub struct PlanAnswer {
    /// Why there is no plan; `plan` is `None` then.
    pub cannot: Option<Decision>,
    pub plan: Option<Plan>,
    /// The files of the plan's moves, in their order.
    pub entries: Vec<Arc<FileEntry>>,
    /// Versions of the node records and the epoch of this leader.
    pub fence: Fence,
    pub max_difference: u64,
    pub threshold: u64,
    pub paused: bool,
}

/// A draining node: its record and the files that it still owns.
pub type Draining = (NodeId, NodeRecord, u64);

/// Questions to the core. It answers each at once from its state.
pub enum Inquiry {
    Plan {
        reply: oneshot::Sender<PlanAnswer>,
    },
    /// What a run would carry out, for who wants to look at it.
    Preview {
        reply: oneshot::Sender<Result<Plan, Rejected>>,
    },
    /// The versions under which the node records are known.
    Fence {
        nodes: Vec<NodeId>,
        reply: oneshot::Sender<Fence>,
    },
    /// The emptiest node that takes a file of this size.
    Emptiest {
        size: Bytes,
        reply: oneshot::Sender<Result<NodeId, Rejected>>,
    },
    Drains {
        reply: oneshot::Sender<Vec<Draining>>,
    },
}

/// Orders what this process writes among what it reads. Cheap to clone; all clones are one order.
#[derive(Clone, Debug, Default)]
pub struct Marks(Arc<AtomicU64>);

impl Marks {
    /// To be taken after a commit.
    #[must_use]
    pub fn written(&self) -> Learned {
        Learned::Written(Mark(self.0.fetch_add(1, Ordering::SeqCst) + 1))
    }

    /// To be taken before a read.
    #[must_use]
    pub fn reading(&self) -> Mark {
        Mark(self.0.load(Ordering::SeqCst))
    }
}

/// Longest wait until what other sessions wrote is known here.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(10);

/// Longest wait until the last row of an operation is on disk.
const ON_DISK_LIMIT: Duration = Duration::from_secs(2);

/// Asks the session's loop to answer once it has told all changes that it had heard of.
pub type CatchUp = oneshot::Sender<()>;

/// Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub events: mpsc::Sender<Event>,
    pub inquiries: mpsc::Sender<Inquiry>,
    pub catch_ups: mpsc::Sender<CatchUp>,
    pub marks: Marks,
    /// The registry while there is a session.
    pub link: watch::Receiver<Option<Registry>>,
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub blobs: BlobStore,
    pub history: History,
    pub operations: Operations,
    pub me: InstanceInfo,
    pub driver: Driver,
    /// Attempts that jobs of this process are working on.
    pub underway: Underway,
    pub stop: CancellationToken,
}

impl Context {
    /// Tells the core. Waits when it is busy; the core never waits for a loop.
    pub async fn emit(&self, event: Event) {
        _ = self.events.send(event).await;
    }

    pub async fn notice(&self, level: Level, text: impl Into<String>) {
        self.emit(Event::Notice { level, text: text.into() }).await;
    }

    /// Writes a row of history, shows it, and hands it to whoever waits for the operation: last, so that
    /// who hears of the end finds what it changed.
    pub async fn record(&self, operation: Operation) {
        if let Err(error) = self.history.record(operation.clone()).await {
            tracing::error!(operation = %operation.id, "history: {error}");
        }
        if operation.status.is_final() && !operation.kind.has_intent() {
            // Who is told of the end finds it in history, also when this process is killed at once. A history that is
            // sick holds nothing up.
            _ = tokio::time::timeout(ON_DISK_LIMIT, self.history.flush()).await;
        }
        let row = Arc::new(operation);
        self.emit(Event::Operation(Box::new(row.as_ref().clone()))).await;
        self.operations.put(&row);
    }

    /// An operation as it stands, of whichever process on this history; `None` when there is none. One that goes
    /// on here may have been ended by another process, which history tells.
    ///
    /// # Errors
    /// [`HistoryError`] when it is not of this process and history cannot be read.
    pub async fn operation(&self, id: OperationId) -> Result<Option<Arc<Operation>>, HistoryError> {
        let here = self.operations.find(id);
        if here.as_ref().is_some_and(|row| row.status.is_final()) {
            return Ok(here);
        }
        match self.history.get(id).await {
            Ok(Some(row)) if here.is_none() || row.status.is_final() => {
                let row = Arc::new(row);
                self.operations.ended_elsewhere(&row);
                Ok(Some(row))
            }
            Err(error) if here.is_none() => Err(error),
            _ => Ok(here),
        }
    }

    /// Whether every row recorded so far is on disk. A history that is known to be sick is not waited
    /// for: the intents stay, and the rows are made again from them.
    pub async fn rows_on_disk(&self) -> bool {
        match self.history.flush().await {
            Ok(written) => written,
            Err(error) => {
                tracing::warn!("history: {error}; intents stay until their rows are written");
                false
            }
        }
    }

    /// Why no further change of files may begin now; what is under way goes on. `None` when one may.
    #[must_use]
    pub fn must_wait(&self) -> Option<&'static str> {
        if self.link.borrow().is_none() {
            Some("the session was lost; what is left is planned anew when it is back")
        } else if self.history.view().queued > HISTORY_QUEUE_STOP {
            Some("too many rows of history wait to be written; what is left is planned anew when they are")
        } else {
            None
        }
    }

    /// The registry of the session, when there is one.
    #[must_use]
    pub fn registry(&self) -> Option<Registry> {
        self.link.borrow().clone()
    }

    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// Waits until the core knows every record that any session had written before the call. Without a session,
    /// or when the servers do not answer, it gives up: what is known then is all there is.
    pub async fn catch_up(&self) {
        let Some(registry) = self.registry() else { return };
        let work = async {
            registry.catch_up().await.map_err(|error| error.to_string())?;
            let (reply, caught_up) = oneshot::channel();
            self.catch_ups.send(reply).await.map_err(|error| error.to_string())?;
            caught_up.await.map_err(|error| error.to_string())
        };
        let limited = tokio::time::timeout(CATCH_UP_LIMIT, work);
        let Some(done) = self.stop.run_until_cancelled(limited).await else { return };
        match done {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => tracing::debug!("not caught up with other sessions: {cause}"),
            Err(_) => tracing::warn!("not caught up with other sessions within {} s", CATCH_UP_LIMIT.as_secs()),
        }
    }

    /// A plan from the state as it is now; `None` when the program ends.
    pub async fn plan(&self) -> Option<PlanAnswer> {
        let (reply, answer) = oneshot::channel();
        self.inquire(Inquiry::Plan { reply }, answer).await
    }

    /// The plan that a run would carry out now.
    ///
    /// # Errors
    /// [`Rejected`] naming what keeps it from being made.
    pub async fn preview(&self) -> Result<Plan, Rejected> {
        let (reply, answer) = oneshot::channel();
        self.inquire(Inquiry::Preview { reply }, answer).await.unwrap_or(Err(Rejected::ShuttingDown))
    }

    /// The fence for changes that an operator asked for: node versions, no epoch.
    pub async fn fence(&self, nodes: Vec<NodeId>) -> Option<Fence> {
        let (reply, answer) = oneshot::channel();
        self.inquire(Inquiry::Fence { nodes, reply }, answer).await
    }

    /// # Errors
    /// [`Rejected`] naming why no node takes it.
    pub async fn emptiest(&self, size: Bytes) -> Result<NodeId, Rejected> {
        let (reply, answer) = oneshot::channel();
        self.inquire(Inquiry::Emptiest { size, reply }, answer).await.unwrap_or(Err(Rejected::ShuttingDown))
    }

    pub async fn drains(&self) -> Vec<Draining> {
        let (reply, answer) = oneshot::channel();
        self.inquire(Inquiry::Drains { reply }, answer).await.unwrap_or_default()
    }

    async fn inquire<T>(&self, inquiry: Inquiry, answer: oneshot::Receiver<T>) -> Option<T> {
        self.inquiries.send(inquiry).await.ok()?;
        answer.await.ok()
    }
}

#[cfg(test)]
pub(in crate::engine) mod testing {
    use std::path::Path;

    use super::*;
    use crate::adapters::blobs::BlobConfig;
    use crate::adapters::history::testing::{Clerk, Ledger};
    use crate::domain::fixtures::{self, NOW};
    use crate::domain::ids::InstanceId;

    /// A context over a new store in `uploads` of `folder`, and who writes its history.
    pub(in crate::engine) fn context(
        folder: &Path,
        nodes: &[NodeId],
        events: mpsc::Sender<Event>,
        link: watch::Receiver<Option<Registry>>,
    ) -> (Context, Clerk) {
        let stop = CancellationToken::new();
        let (history, clerk) = Ledger::default().open();
        let context = Context {
            driver: Driver::new(events.clone(), stop.clone()),
            events,
            inquiries: mpsc::channel(1).0,
            catch_ups: mpsc::channel(1).0,
            marks: Marks::default(),
            link,
            snapshots: watch::channel(Arc::new(fixtures::snapshot())).1,
            blobs: BlobStore::open(BlobConfig::new(folder.join("uploads")), nodes).unwrap().with_id(),
            history,
            operations: Operations::default(),
            me: InstanceInfo {
                id: InstanceId::new(1),
                host: "host-a".into(),
                pid: 1,
                since_ms: NOW,
                scheduler: None,
                seat: None,
            },
            underway: Underway::default(),
            stop,
        };
        (context, clerk)
    }
}
