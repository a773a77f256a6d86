//! Sessions with faults around them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::orders::{Orders, point};
use crate::adapters::blobs::STORE_ID;
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::coord::{Change, Connect, Coord, LinkState, Mode, Op, Versioned};
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::layout::{Touched, ZnodeLayout};
use crate::domain::file::blob_name;
use crate::domain::ids::{AttemptId, NodeId};
use crate::domain::migration::{Intent, IntentKind, IntentState, Step};

/// Longest wait for the loss of a connection.
const LOSS_LIMIT: Duration = Duration::from_secs(10);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(20);
/// The version that any version is.
const ANY: i32 = -1;

pub(super) struct FaultyServers {
    servers: Arc<dyn Connect>,
    orders: Arc<Orders>,
    /// `data/uploads`
    uploads: PathBuf,
}

impl FaultyServers {
    pub(super) const fn new(servers: Arc<dyn Connect>, orders: Arc<Orders>, uploads: PathBuf) -> Self {
        Self { servers, orders, uploads }
    }
}

#[async_trait]
impl Connect for FaultyServers {
    fn config(&self) -> &ZkConfig {
        self.servers.config()
    }

    async fn connect(&self) -> Result<Arc<dyn Coord>, ZkError> {
        Ok(Arc::new(FaultyCoord {
            coord: self.servers.connect().await?,
            orders: Arc::clone(&self.orders),
            // How many buckets there are makes no difference to the paths that are looked at here.
            layout: ZnodeLayout::new(&self.servers.config().root, 2),
            uploads: self.uploads.clone(),
            own: Mutex::default(),
        }))
    }
}

struct FaultyCoord {
    coord: Arc<dyn Coord>,
    orders: Arc<Orders>,
    layout: ZnodeLayout,
    uploads: PathBuf,
    own: Mutex<OwnMarks>,
}

/// What this session has made itself.
#[derive(Default)]
struct OwnMarks {
    /// Its last epoch, for a leader that heeds no other.
    epoch: Option<Versioned>,
    /// Its name in the election.
    candidate: Option<String>,
}

type Attempts = Vec<(AttemptId, Intent)>;

/// What a transaction is to the protocol.
enum Turn {
    Intent(Attempts),
    Commit(Attempts),
    Close(Vec<AttemptId>),
    Other,
}

impl FaultyCoord {
    fn marks(&self) -> MutexGuard<'_, OwnMarks> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn intent_of(&self, path: &str) -> Option<AttemptId> {
        match self.layout.classify(path) {
            Touched::Intent(attempt) => Some(attempt),
            _ => None,
        }
    }

    fn intent(&self, path: &str, data: &[u8], state: IntentState) -> Option<(AttemptId, Intent)> {
        let attempt = self.intent_of(path)?;
        let intent = serde_json::from_slice::<Intent>(data).ok()?;
        (intent.state == state).then_some((attempt, intent))
    }

    fn step(&self, ops: &[Op]) -> Turn {
        let (mut begun, mut committed, mut closed) = (Vec::new(), Vec::new(), Vec::new());
        for op in ops {
            match op {
                Op::Create { path, data } => begun.extend(self.intent(path, data, IntentState::Prepared)),
                Op::Set { path, data, .. } => committed.extend(self.intent(path, data, IntentState::Committed)),
                Op::Delete { path, .. } => closed.extend(self.intent_of(path)),
                Op::Check { .. } => {}
            }
        }
        match (begun.is_empty(), committed.is_empty(), closed.is_empty()) {
            (false, ..) => Turn::Intent(begun),
            (_, false, _) => Turn::Commit(committed),
            (.., false) => Turn::Close(closed),
            _ => Turn::Other,
        }
    }

    async fn twice(&self, ops: Vec<Op>, point: &str) -> Result<(), ZkError> {
        if !self.orders.twice(point) {
            return self.coord.multi(ops).await;
        }
        drop(self.coord.multi(ops.clone()).await);
        self.coord.multi(ops).await
    }

    async fn begin(&self, ops: Vec<Op>, attempts: &Attempts) -> Result<(), ZkError> {
        attempts.iter().for_each(|(attempt, intent)| self.orders.begin(*attempt, intent));
        let point = point(self.who(attempts), Step::Intent);
        self.twice(ops, &point).await?;
        self.orders.at(&point);
        Ok(())
    }

    async fn commit(&self, ops: Vec<Op>, attempts: &Attempts) -> Result<(), ZkError> {
        let replaces = attempts.iter().any(|(_, intent)| intent.kind != IntentKind::Upload);
        if replaces && self.orders.broken("remove-before-commit") {
            for (_, intent) in attempts {
                self.remove(intent.src.as_ref(), intent, intent.blob_src);
            }
            self.until_lost().await;
        }
        let who = self.who(attempts);
        self.orders.at(&format!("{who}.before-commit"));
        let point = point(who, Step::Commit);
        let committed = self.twice(self.loose(ops, attempts), &point).await;
        if committed.is_ok() {
            self.orders.at(&point);
        } else if self.orders.broken("unknown-is-refused") {
            for (_, intent) in attempts {
                self.remove(intent.dst.as_ref(), intent, intent.blob_dst);
            }
        }
        committed
    }

    /// A transaction is about attempts of one kind.
    fn who(&self, attempts: &Attempts) -> &'static str {
        attempts.first().map_or("nobody", |(attempt, _)| self.orders.who(*attempt))
    }

    /// Deletes intents whose rows are on disk.
    async fn close_intents(
        &self,
        attempts: &[AttemptId],
        delete: impl Future<Output = Result<(), ZkError>> + Send,
    ) -> Result<(), ZkError> {
        let who = attempts.first().map_or("nobody", |attempt| self.orders.who(*attempt));
        self.orders.at(&point(who, Step::Row));
        delete.await?;
        self.orders.at(&point(who, Step::Close));
        attempts.iter().for_each(|attempt| self.orders.closed(*attempt));
        Ok(())
    }

    /// Moves without what keeps two leaders from undoing each other's.
    fn loose(&self, ops: Vec<Op>, attempts: &Attempts) -> Vec<Op> {
        let moves = attempts.iter().all(|(_, intent)| intent.kind == IntentKind::Move);
        if !moves || !self.orders.broken("no-versions") {
            return ops;
        }
        let any = |op| match op {
            Op::Set { path, data, .. } => Op::Set { path, data, version: ANY },
            other => other,
        };
        ops.into_iter().filter(|op| self.intent_of(op.path()).is_none()).map(any).collect()
    }

    /// The bytes go, be they of any use or not.
    fn remove(&self, node: Option<&NodeId>, intent: &Intent, blob: Option<AttemptId>) {
        let (Some(node), Some(blob)) = (node, blob) else { return };
        let path = self.uploads.join(node.as_str()).join(blob_name(intent.file, blob));
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!("{}: {error}", path.display());
        }
    }

    /// With `break commit-after-loss`, waits a while for the loss of the connection: a broken rule is then broken
    /// just where the fault falls.
    async fn until_lost(&self) {
        if !self.orders.broken("commit-after-loss") {
            return;
        }
        let lost = async {
            while self.coord.state() == LinkState::Connected {
                tokio::time::sleep(LOOK).await;
            }
        };
        _ = tokio::time::timeout(LOSS_LIMIT, lost).await;
    }
}

#[async_trait]
impl Coord for FaultyCoord {
    async fn get(&self, path: &str) -> Result<Option<Versioned>, ZkError> {
        match self.layout.classify(path) {
            Touched::Epoch if self.marks().epoch.is_some() && self.orders.broken("no-epoch") => {
                Ok(self.marks().epoch.clone())
            }
            Touched::Store if self.orders.broken("ignore-store") => {
                Ok(std::fs::read(self.uploads.join(STORE_ID)).ok().map(|id| (id, 0)))
            }
            _ => self.coord.get(path).await,
        }
    }

    async fn children(&self, path: &str) -> Result<Option<Vec<String>>, ZkError> {
        let mut children = self.coord.children(path).await?;
        if path == self.layout.leader() && self.orders.broken("lead") {
            let own = self.marks().candidate.clone();
            children.iter_mut().for_each(|names| names.retain(|name| own.as_ref() == Some(name)));
        }
        Ok(children)
    }

    async fn create(&self, path: &str, data: &[u8], mode: Mode) -> Result<String, ZkError> {
        let made = self.coord.create(path, data, mode).await?;
        if self.layout.classify(&made) == Touched::Leader {
            self.marks().candidate = made.rsplit('/').next().map(str::to_owned);
        }
        Ok(made)
    }

    async fn set(&self, path: &str, data: &[u8], version: Option<i32>) -> Result<i32, ZkError> {
        let now = self.coord.set(path, data, version).await?;
        match self.layout.classify(path) {
            Touched::Epoch => self.marks().epoch = Some((data.to_vec(), now)),
            Touched::Intent(attempt) => {
                let aborted = self.intent(path, data, IntentState::Aborted).is_some();
                let step = if aborted { Step::Abort } else { Step::Redirect };
                self.orders.at(&point(self.orders.who(attempt), step));
            }
            _ => {}
        }
        Ok(now)
    }

    async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), ZkError> {
        let delete = self.coord.delete(path, version);
        match self.intent_of(path) {
            Some(attempt) => self.close_intents(&[attempt], delete).await,
            None => delete.await,
        }
    }

    async fn multi(&self, mut ops: Vec<Op>) -> Result<(), ZkError> {
        if self.orders.broken("no-epoch") {
            let heeds = |op: &Op| matches!(op, Op::Check { path, .. } if self.layout.classify(path) == Touched::Epoch);
            ops.retain(|op| !heeds(op));
        }
        match self.step(&ops) {
            Turn::Intent(attempts) => self.begin(ops, &attempts).await,
            Turn::Commit(attempts) => self.commit(ops, &attempts).await,
            Turn::Close(attempts) => self.close_intents(&attempts, self.coord.multi(ops)).await,
            Turn::Other => self.coord.multi(ops).await,
        }
    }

    async fn get_many(&self, paths: Vec<String>) -> Result<Vec<Option<Versioned>>, ZkError> {
        self.coord.get_many(paths).await
    }

    fn state(&self) -> LinkState {
        self.coord.state()
    }

    async fn next_change(&self) -> Change {
        self.coord.next_change().await
    }

    async fn close(&self) {
        self.coord.close().await;
    }
}
