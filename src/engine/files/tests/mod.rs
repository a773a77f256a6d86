//! Attempts on a fake ensemble and a real folder: how they end, and what is told of it.

mod delete;
mod moves;
mod recovery;
mod upload;

use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot, watch};

use super::moves::{BatchOutcome, MoveOrder};
use super::upload::{Source, UploadOrder};
use crate::adapters::history::testing::Ledger;
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::coord::Coord;
use crate::adapters::zookeeper::fake::{FakeCoord, FakeEnsemble, FakeRequest, RequestFate, Weather};
use crate::adapters::zookeeper::registry::{Fence, Registry};
use crate::domain::event::{Event, Learned};
use crate::domain::file::{FileEntry, blob_name};
use crate::domain::fixtures::node_id;
use crate::domain::ids::{AttemptId, FileId, NodeId, OperationId};
use crate::domain::migration::Intent;
use crate::domain::node::{NodeRecord, NodeState};
use crate::domain::operation::{Operation, OperationStatus};
use crate::domain::scheduler::MoveReason;
use crate::engine::context::testing::context;
use crate::engine::context::{Context, Inquiry};
use crate::engine::{clock, handle::ByteSource};

/// Stands for no file: what comes after all that was told.
const LAST: FileId = FileId::new(u128::MAX);
const UPLOAD: AttemptId = AttemptId::new(77);
const MOVE: AttemptId = AttemptId::new(78);
const DELETE: AttemptId = AttemptId::new(79);

/// Is done just before a request is sent.
type Act = Box<dyn FnOnce() -> RequestFate + Send>;

/// What befalls single requests; all others are served.
#[derive(Default)]
pub(super) struct Sky(Mutex<Vec<(&'static str, usize, Act)>>);

impl Sky {
    /// What befalls the `number`th request of its kind from now on, counted from 1.
    pub(super) fn at(
        &self,
        operation: &'static str,
        number: usize,
        act: impl FnOnce() -> RequestFate + Send + 'static,
    ) {
        self.0.lock().unwrap().push((operation, number, Box::new(act)));
    }
}

impl Weather for Sky {
    fn fate(&self, request: FakeRequest<'_>) -> RequestFate {
        let mut acts = self.0.lock().unwrap();
        let ours = acts.iter_mut().filter(|(operation, ..)| *operation == request.operation);
        ours.for_each(|(_, number, _)| *number -= 1);
        let due = acts.iter().position(|(_, number, _)| *number == 0);
        let act = due.map(|at| acts.remove(at).2);
        drop(acts);
        act.map_or(RequestFate::Served, |act| act())
    }
}

pub(super) struct World {
    pub(super) ctx: Context,
    /// What was told of bytes: the file, and whether something is wrong with it.
    told: Arc<Mutex<Vec<(FileId, bool)>>>,
    /// What was told of records: whether the file is there, and how that is known.
    records: Arc<Mutex<Vec<(bool, Learned)>>>,
    /// What was told of writes: the node, and whether its disk is in trouble.
    written: Arc<Mutex<Vec<(NodeId, bool)>>>,
    registry: Registry,
    ledger: Ledger,
    sky: Arc<Sky>,
    folder: TempDir,
    publish: watch::Sender<Option<Registry>>,
    ensemble: FakeEnsemble,
    coord: Arc<FakeCoord>,
}

async fn connect(ensemble: &FakeEnsemble) -> (Arc<FakeCoord>, Registry) {
    let config = ZkConfig::default();
    let coord = Arc::new(ensemble.connect(&config.root));
    let registry = Registry::open(Arc::clone(&coord) as Arc<dyn Coord>, &config).await.unwrap();
    (coord, registry)
}

/// Two nodes; who inquiries for the emptiest is told zk2.
pub(super) async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let nodes = ["zk1", "zk2"].map(node_id);
    let sky = Arc::new(Sky::default());
    let ensemble = FakeEnsemble::new(Arc::clone(&sky) as Arc<dyn Weather>);
    let (coord, registry) = connect(&ensemble).await;
    for node in &nodes {
        registry.ensure_node(node).await.unwrap();
    }
    let (publish, link) = watch::channel(Some(registry.clone()));
    let (events, mut heard) = mpsc::channel::<Event>(64);
    let (mut ctx, clerk) = context(folder.path(), &nodes, events, link);
    let (inquiries, mut asked) = mpsc::channel(8);
    ctx.inquiries = inquiries;
    let told = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::new(Mutex::new(Vec::new()));
    let records = Arc::new(Mutex::new(Vec::new()));
    let (hears, hears_writes, hears_records) = (Arc::clone(&told), Arc::clone(&written), Arc::clone(&records));
    ctx.driver.job("core", async move {
        loop {
            tokio::select! {
                event = heard.recv() => match event {
                    Some(Event::BytesChecked { file, problem, .. }) => hears.lock().unwrap().push((file, problem.is_some())),
                    Some(Event::Written { node, problem }) => hears_writes.lock().unwrap().push((node, problem.is_some())),
                    Some(Event::FileChanged { learned, .. }) => hears_records.lock().unwrap().push((true, learned)),
                    Some(Event::FileRemoved { learned, .. }) => hears_records.lock().unwrap().push((false, learned)),
                    Some(_) => {}
                    None => break,
                },
                ask = asked.recv() => match ask {
                    Some(Inquiry::Emptiest { reply, .. }) => _ = reply.send(Ok(node_id("zk2"))),
                    Some(_) => {}
                    None => break,
                },
            }
        }
    });
    let ledger = clerk.ledger();
    ctx.driver.job("clerk", clerk.work(false, async || {}));
    World { ctx, told, records, written, registry, ledger, sky, folder, publish, ensemble, coord }
}

impl World {
    async fn drain(&self, node: &NodeId) {
        let (_, version) = self.registry.read_node(node).await.unwrap().unwrap();
        let state = NodeState::Draining { since_ms: clock::now(), files_at_start: 1, operation: OperationId::new(5) };
        self.registry.write_node(node, &NodeRecord { state, ..NodeRecord::default() }, version).await.unwrap();
    }

    async fn weigh(&self, node: &NodeId, weight: u32) {
        let (record, version) = self.registry.read_node(node).await.unwrap().unwrap();
        self.registry.write_node(node, &NodeRecord { weight, ..record }, version).await.unwrap();
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What was told of bytes, once all that was emitted before has been heard.
    pub(super) async fn checked(&self) -> Vec<(FileId, bool)> {
        self.ctx.emit(Event::BytesChecked { file: LAST, blob: AttemptId::new(0), problem: None }).await;
        loop {
            let told = self.told.lock().unwrap().clone();
            if let Some((_, told)) = told.split_last().filter(|((file, _), _)| *file == LAST) {
                return told.to_vec();
            }
            tokio::task::yield_now().await;
        }
    }

    /// What was told of records by now.
    pub(super) async fn learned(&self) -> Vec<(bool, Learned)> {
        self.checked().await;
        self.records.lock().unwrap().clone()
    }

    /// What was told of writes to a node by now.
    async fn written_to(&self, node: &str) -> Vec<bool> {
        self.checked().await;
        let written = self.written.lock().unwrap();
        written.iter().filter(|(at, _)| at.as_str() == node).map(|(_, trouble)| *trouble).collect()
    }

    /// Moves a file to zk2.
    pub(super) async fn moved(&self, entry: &Arc<FileEntry>) -> BatchOutcome {
        super::moves::run(&self.ctx, vec![to_zk2(entry)], &Fence { epoch: None, nodes: vec![(node_id("zk2"), 0)] })
            .await
    }

    /// Takes a node's disk away, and leaves the empty folder that it was mounted on.
    pub(super) fn unmount(&self, node: &str) {
        unmount(self.folder(), node);
    }

    pub(super) fn mount(&self, node: &str) {
        let mounted = self.folder().join("uploads").join(node);
        std::fs::remove_dir(&mounted).unwrap();
        std::fs::rename(self.folder().join(format!("disk of {node}")), mounted).unwrap();
    }

    pub(super) fn bytes_at(&self, node: &str) -> usize {
        let folder = self.folder().join("uploads").join(node);
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        files.filter(|name| !name.to_string_lossy().starts_with('.')).count()
    }

    /// How many files are at zk1, and at zk2.
    fn bytes(&self) -> (usize, usize) {
        (self.bytes_at("zk1"), self.bytes_at("zk2"))
    }

    /// Other bytes of the same number lie where the file's were.
    fn damage(&self, entry: &FileEntry) {
        let node = self.folder().join("uploads").join(entry.record.owner.as_str());
        std::fs::write(node.join(blob_name(entry.id, entry.record.blob)), [1; 10]).unwrap();
    }

    async fn intents(&self) -> Vec<(AttemptId, Intent, i32)> {
        self.registry.intents().await.unwrap().intents
    }

    /// The session ends, as if no server had been reached in time, just before the `number`th such request arrives.
    fn expires_at(&self, operation: &'static str, number: usize) {
        let (ensemble, coord) = (self.ensemble.clone(), Arc::clone(&self.coord));
        self.sky.at(operation, number, move || {
            ensemble.expire(&coord);
            RequestFate::Lost
        });
    }

    /// A new session, as after one that ended.
    async fn connect_again(&mut self) {
        (self.coord, self.registry) = connect(&self.ensemble).await;
        self.publish.send_replace(Some(self.registry.clone()));
    }

    /// The disk of history is full, and an attempt has ended: its intent stays until there is room for its row.
    async fn keeps_its_intent_for_its_row(&self, attempt: AttemptId) {
        let (row, status) = (OperationId::from(attempt), self.row(attempt).status);
        assert!(status.is_final() && self.ledger.find(row).is_none(), "{status:?}");
        let left: Vec<_> = self.intents().await.into_iter().map(|(attempt, ..)| attempt).collect();
        assert_eq!(left, [attempt], "the intent went before its row was on disk");
        self.ledger.fill(false);
        super::recovery::run(&self.ctx, false).await.unwrap();
        assert_eq!(self.intents().await, []);
        assert_eq!(self.ledger.find(row).map(|row| row.status), Some(status));
    }

    fn row(&self, attempt: AttemptId) -> Arc<Operation> {
        self.ctx.operations.find(attempt.into()).unwrap()
    }
}

fn order(bytes: ByteSource, pinned: bool) -> UploadOrder {
    UploadOrder {
        attempt: UPLOAD,
        file: FileId::new(1),
        name: "a".into(),
        node: node_id("zk1"),
        pinned,
        source: Source::Stream { bytes, size_hint: None, limit: Some(100) },
        by: "test".into(),
        why: "by test".into(),
    }
}

fn fence() -> Fence {
    Fence { epoch: None, nodes: vec![(node_id("zk1"), 0)] }
}

/// Ten zeros for zk1.
fn small(pinned: bool) -> UploadOrder {
    order(Box::pin(Cursor::new(vec![0; 10])), pinned)
}

/// Bytes whose end comes when the sender is dropped or told.
fn held() -> (ByteSource, oneshot::Sender<()>) {
    let (go, gone) = oneshot::channel::<()>();
    let end = futures_util::stream::once(async move {
        _ = gone.await;
        Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"the end"))
    });
    (Box::pin(tokio_util::io::StreamReader::new(Box::pin(end))), go)
}

/// Uploads, and does something else while the bytes come in.
async fn upload_meanwhile(world: &World, pinned: bool, other: impl Future<Output = ()>) -> Arc<Operation> {
    let ((bytes, go), fence) = (held(), fence());
    let (_, ()) = tokio::join!(super::upload::run(&world.ctx, order(bytes, pinned), &fence), async {
        other.await;
        _ = go.send(());
    });
    world.row(UPLOAD)
}

/// A file of ten zeros at zk1.
pub(super) async fn stored(world: &World) -> Arc<FileEntry> {
    Arc::new(super::upload::run(&world.ctx, small(true), &fence()).await.unwrap())
}

fn unmount(folder: &Path, node: &str) {
    let mounted = folder.join("uploads").join(node);
    std::fs::rename(&mounted, folder.join(format!("disk of {node}"))).unwrap();
    std::fs::create_dir(mounted).unwrap();
}

fn to_zk2(entry: &Arc<FileEntry>) -> MoveOrder {
    MoveOrder {
        attempt: MOVE,
        entry: Arc::clone(entry),
        dst: node_id("zk2"),
        reason: MoveReason::Manual,
        why: "by test".into(),
        by: "test".into(),
    }
}
