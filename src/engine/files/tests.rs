//! Attempts on a fake ensemble and a real folder: how they end, and what is told of it.

use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot, watch};

use super::upload::{self, Source, UploadOrder};
use super::{delete, moves, recovery};
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::fake::FakeEnsemble;
use crate::adapters::zookeeper::registry::{Fence, ReadFile, Registry};
use crate::domain::cause::Cause;
use crate::domain::command::Rejected;
use crate::domain::event::Event;
use crate::domain::file::{FileEntry, blob_name};
use crate::domain::fixtures::node_id;
use crate::domain::ids::{AttemptId, FileId, NodeId, OperationId};
use crate::domain::migration::{Intent, IntentKind, IntentState};
use crate::domain::node::{NodeRecord, NodeState};
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::scheduler::MoveReason;
use crate::engine::context::testing::context;
use crate::engine::context::{Context, Inquiry};
use crate::engine::{clock, handle::ByteSource};

/// Stands for no file: what comes after all that was told.
const LAST: FileId = FileId::new(u128::MAX);

pub(super) struct World {
    pub(super) ctx: Context,
    /// What was told of bytes: the file, and whether something is wrong with it.
    told: Arc<Mutex<Vec<(FileId, bool)>>>,
    registry: Registry,
    _folder: TempDir,
    _publish: watch::Sender<Option<Registry>>,
    _ensemble: FakeEnsemble,
}

/// Two nodes; who inquiries for the emptiest is told zk2.
pub(super) async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let nodes = ["zk1", "zk2"].map(node_id);
    let ensemble = FakeEnsemble::calm();
    let config = ZkConfig::default();
    let registry = Registry::open(Arc::new(ensemble.connect(&config.root)), &config).await.unwrap();
    for node in &nodes {
        registry.ensure_node(node).await.unwrap();
    }
    let (publish, link) = watch::channel(Some(registry.clone()));
    let (events, mut heard) = mpsc::channel::<Event>(64);
    let (mut ctx, clerk) = context(folder.path(), &nodes, events, link);
    let (inquiries, mut asked) = mpsc::channel(8);
    ctx.inquiries = inquiries;
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&told);
    ctx.driver.job("core", async move {
        loop {
            tokio::select! {
                event = heard.recv() => match event {
                    Some(Event::BytesChecked { file, problem, .. }) => hears.lock().unwrap().push((file, problem.is_some())),
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
    ctx.driver.job("clerk", clerk.work(false, async || {}));
    World { ctx, told, registry, _folder: folder, _publish: publish, _ensemble: ensemble }
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
        self._folder.path()
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

    /// Moves a file to zk2.
    pub(super) async fn moved(&self, entry: &Arc<FileEntry>) -> moves::Outcome {
        moves::run(&self.ctx, vec![to_zk2(entry)], &Fence { epoch: None, nodes: vec![(node_id("zk2"), 0)] }).await
    }

    /// Takes a node's disk away, and leaves the empty folder that it was mounted on.
    pub(super) fn unmount(&self, node: &str) {
        let mounted = self.folder().join("uploads").join(node);
        std::fs::rename(&mounted, self.folder().join(format!("disk of {node}"))).unwrap();
        std::fs::create_dir(mounted).unwrap();
    }

    pub(super) fn mount(&self, node: &str) {
        let mounted = self.folder().join("uploads").join(node);
        std::fs::remove_dir(&mounted).unwrap();
        std::fs::rename(self.folder().join(format!("disk of {node}")), mounted).unwrap();
    }

    pub(super) fn bytes_at(&self, node: &str) -> usize {
        let folder = self._folder.path().join("uploads").join(node);
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        files.filter(|name| !name.to_string_lossy().starts_with('.')).count()
    }

    fn row(&self, attempt: AttemptId) -> Arc<Operation> {
        self.ctx.operations.find(attempt.into()).unwrap()
    }
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

fn order(bytes: ByteSource, pinned: bool) -> UploadOrder {
    UploadOrder {
        attempt: AttemptId::new(77),
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

/// Uploads, and changes the node while the bytes come in.
async fn upload_meanwhile(world: &World, pinned: bool, change: impl Future<Output = ()>) -> Arc<Operation> {
    let ((bytes, go), fence) = (held(), fence());
    let (_, ()) = tokio::join!(upload::run(&world.ctx, order(bytes, pinned), &fence), async {
        change.await;
        _ = go.send(());
    });
    world.row(AttemptId::new(77))
}

#[tokio::test]
async fn an_upload_goes_through_when_its_node_gets_another_weight() {
    let world = world().await;
    let row = upload_meanwhile(&world, true, world.weigh(&node_id("zk1"), 7)).await;
    assert_eq!((row.status, row.target.clone()), (OperationStatus::Done, Some(node_id("zk1"))), "{row:?}");
}

#[tokio::test]
async fn an_upload_whose_node_is_drained_goes_to_another_one() {
    let world = world().await;
    let row = upload_meanwhile(&world, false, world.drain(&node_id("zk1"))).await;
    assert_eq!((row.status, row.target.clone()), (OperationStatus::Done, Some(node_id("zk2"))), "{row:?}");
    assert_eq!((world.bytes_at("zk1"), world.bytes_at("zk2")), (0, 1), "no copy stays behind");
    let ReadFile::Entry(entry) = world.registry.read_file(FileId::new(1)).await.unwrap() else { panic!("no record") };
    assert_eq!(entry.record.owner, node_id("zk2"));
    assert!(world.registry.intents().await.unwrap().intents.is_empty());
}

#[tokio::test]
async fn an_upload_to_a_named_node_that_is_drained_is_refused_and_leaves_nothing() {
    let world = world().await;
    let row = upload_meanwhile(&world, true, world.drain(&node_id("zk1"))).await;
    assert_eq!((row.status, row.cause, row.outcome().http), (OperationStatus::Aborted, Some(Cause::Changed), 409));
    assert_eq!((world.bytes_at("zk1"), world.bytes_at("zk2")), (0, 0));
    assert!(matches!(world.registry.read_file(FileId::new(1)).await.unwrap(), ReadFile::Gone));
}

/// Before its first byte, and after its last.
#[tokio::test]
async fn an_upload_whose_node_is_drained_and_that_no_other_has_room_for_is_refused_for_room() {
    for late in [false, true] {
        let mut world = world().await;
        let (inquiries, mut asked) = mpsc::channel(8);
        world.ctx.inquiries = inquiries;
        world.ctx.driver.job("full", async move {
            while let Some(Inquiry::Emptiest { reply, .. }) = asked.recv().await {
                let (what, why) = ("taking a file".into(), "zk2: it is full".into());
                _ = reply.send(Err(Rejected::NoRoom { what, why }));
            }
        });
        let row = if late {
            upload_meanwhile(&world, false, world.drain(&node_id("zk1"))).await
        } else {
            world.drain(&node_id("zk1")).await;
            let small = order(Box::pin(Cursor::new(vec![0; 10])), false);
            upload::run(&world.ctx, small, &fence()).await.unwrap_err();
            world.row(AttemptId::new(77))
        };
        assert_eq!((row.status, row.cause, row.outcome().http), (OperationStatus::Aborted, Some(Cause::NoRoom), 507));
        assert!(row.why.as_deref().is_some_and(|why| why.contains("drained") && why.contains("zk2")), "{row:?}");
        assert_eq!((world.bytes_at("zk1"), world.bytes_at("zk2")), (0, 0));
    }
}

/// The node is as it was when it was chosen no more: its intent is written all the same, or for another node.
#[tokio::test]
async fn an_upload_that_is_late_for_its_node_goes_through_or_to_another_one() {
    let small = || order(Box::pin(Cursor::new(vec![0; 10])), false);
    let weighed = world().await;
    weighed.weigh(&node_id("zk1"), 7).await;
    let entry = upload::run(&weighed.ctx, small(), &fence()).await.unwrap();
    assert_eq!(entry.record.owner, node_id("zk1"));
    let drained = world().await;
    drained.drain(&node_id("zk1")).await;
    let entry = upload::run(&drained.ctx, small(), &fence()).await.unwrap();
    assert_eq!((entry.record.owner, drained.bytes_at("zk1"), drained.bytes_at("zk2")), (node_id("zk2"), 0, 1));
    assert_eq!(drained.row(AttemptId::new(77)).target, Some(node_id("zk2")));
}

/// A file of ten zeros at zk1.
pub(super) async fn stored(world: &World) -> Arc<FileEntry> {
    let order = order(Box::pin(Cursor::new(vec![0; 10])), true);
    Arc::new(upload::run(&world.ctx, order, &fence()).await.unwrap())
}

fn to_zk2(entry: &Arc<FileEntry>) -> moves::MoveOrder {
    moves::MoveOrder {
        attempt: AttemptId::new(78),
        entry: Arc::clone(entry),
        dst: node_id("zk2"),
        reason: MoveReason::Manual,
        why: "by test".into(),
        by: "test".into(),
    }
}

/// A move of a stored file to zk2 on a fence that was taken before `change`.
async fn move_after(world: &World, change: impl Future<Output = ()>) -> (moves::Outcome, Arc<Operation>) {
    let entry = stored(world).await;
    change.await;
    let outcome = world.moved(&entry).await;
    (outcome, world.row(AttemptId::new(78)))
}

#[tokio::test]
async fn a_move_goes_through_when_its_target_gets_another_weight() {
    let world = world().await;
    let (outcome, row) = move_after(&world, world.weigh(&node_id("zk2"), 7)).await;
    assert_eq!((outcome.done, row.status), (1, OperationStatus::Done), "{row:?}");
    assert_eq!((world.bytes_at("zk1"), world.bytes_at("zk2")), (0, 1));
}

#[tokio::test]
async fn a_move_to_a_node_that_was_drained_is_refused_and_changes_nothing() {
    let world = world().await;
    let (outcome, row) = move_after(&world, world.drain(&node_id("zk2"))).await;
    assert_eq!((outcome.done, outcome.failed, outcome.skipped), (0, 0, 1));
    assert_eq!((row.status, row.outcome().http), (OperationStatus::Aborted, 409), "{row:?}");
    assert!(row.why.as_deref().is_some_and(|why| why.contains("zk2") && why.contains("drained")), "{row:?}");
    assert_eq!((world.bytes_at("zk1"), world.bytes_at("zk2")), (1, 0));
    assert!(world.registry.intents().await.unwrap().intents.is_empty());
}

#[tokio::test]
async fn an_upload_over_its_limit_says_so() {
    let world = world().await;
    let upload = order(Box::pin(Cursor::new(vec![0; 101])), false);
    upload::run(&world.ctx, upload, &fence()).await.unwrap_err();
    let row = world.row(AttemptId::new(77));
    assert_eq!((row.status, row.cause, row.outcome().http), (OperationStatus::Failed, Some(Cause::TooLarge), 413));
    assert_eq!(world.bytes_at("zk1"), 0);
}

#[tokio::test]
async fn a_delete_that_comes_too_late_says_whether_the_file_is_gone_or_changed() {
    let world = world().await;
    let stored = order(Box::pin(Cursor::new(vec![1; 10])), false);
    let entry = Arc::new(upload::run(&world.ctx, stored, &fence()).await.unwrap());
    let path = world.registry.layout().file(entry.id);
    let moved = entry.record.moved(node_id("zk2"), AttemptId::new(78), clock::now());
    world.registry.overwrite(&path, &moved).await;
    delete::run(&world.ctx, AttemptId::new(79), &entry, "test").await.unwrap_err();
    assert_eq!(world.row(AttemptId::new(79)).outcome().http, 409);
    world.registry.remove(&path).await;
    delete::run(&world.ctx, AttemptId::new(80), &entry, "test").await.unwrap_err();
    let row = world.row(AttemptId::new(80));
    assert_eq!((row.status, row.outcome().http), (OperationStatus::Aborted, 404));
}

/// Rows of a process that is gone, one of each kind, and how the recovery closes them.
#[tokio::test]
async fn every_row_that_was_begun_ends() {
    use OperationKind::{Delete, Drain, Pause, Scheduler, SchedulerPause, Stress, Undrain, Upload, Weight, Workload};
    let world = world().await;
    world.registry.pause_scheduler(true).await.unwrap();
    world.drain(&node_id("zk2")).await;
    let (done, aborted, failed) = (OperationStatus::Done, OperationStatus::Aborted, OperationStatus::Failed);
    let table = [
        (1, Upload, "zk1", aborted),
        (2, Delete, "zk1", done),
        (3, Drain, "zk1", aborted),
        (4, Undrain, "zk1", done),
        (6, Undrain, "zk2", aborted),
        (7, SchedulerPause, "zk1", done),
        (8, Weight, "zk1", failed),
        (9, Pause, "zk1", failed),
        (10, Stress, "zk1", failed),
        (11, Scheduler, "zk1", failed),
        (12, Workload, "zk1", failed),
    ];
    let open = |id: u128, kind, node: &str| Operation {
        instance: "gone:1".into(),
        source: Some(node_id(node)),
        target: Some(node_id(node)),
        ..crate::domain::fixtures::operation(id, kind, OperationStatus::Started)
    };
    for (id, kind, node, _) in table {
        world.ctx.record(open(id, kind, node)).await;
    }
    // A drain that its node's record speaks of goes on.
    world.ctx.record(open(5, Drain, "zk2")).await;
    recovery::run(&world.ctx, true).await.unwrap();
    for (id, kind, _, status) in table {
        let row = world.ctx.operations.find(OperationId::new(id)).unwrap();
        assert_eq!((row.kind, row.status), (kind, status), "{id}");
        assert_eq!(row.cause.is_none(), status == done, "{id}");
    }
    let drain = world.ctx.operations.find(OperationId::new(5)).unwrap();
    assert_eq!(drain.status, OperationStatus::Started);
}

/// An older snapshot of the servers holds the intent of an upload that was committed since, and no record: its bytes
/// were acknowledged, and may be the only ones. What was never committed goes.
#[tokio::test]
async fn the_recovery_keeps_the_bytes_of_what_history_calls_done() {
    let world = world().await;
    let stored = order(Box::pin(Cursor::new(vec![1; 10])), true);
    let entry = upload::run(&world.ctx, stored, &fence()).await.unwrap();
    world.registry.remove(&world.registry.layout().file(entry.id)).await;
    let never = AttemptId::new(78);
    let path = world._folder.path().join("uploads/zk1").join(blob_name(FileId::new(2), never));
    std::fs::write(path, b"never committed").unwrap();
    let intent = |file| Intent {
        v: 1,
        state: IntentState::Prepared,
        kind: IntentKind::Upload,
        file,
        name: "a".into(),
        src: None,
        dst: Some(node_id("zk1")),
        blob_src: None,
        blob_dst: None,
        size: None,
        blake3: None,
        instance: world.ctx.me.id,
        reason: None,
        by: "test".into(),
        created_ms: clock::now(),
    };
    let intents = [(AttemptId::new(77), intent(entry.id)), (never, intent(FileId::new(2)))];
    world.registry.prepare(&intents, &fence()).await.unwrap();
    recovery::run(&world.ctx, false).await.unwrap();
    let kept: Vec<_> = world.ctx.blobs.quarantined().await.unwrap().iter().map(|kept| (kept.file, kept.blob)).collect();
    assert_eq!((kept, world.bytes_at("zk1")), (vec![(entry.id, AttemptId::new(77))], 0));
    assert!(world.registry.intents().await.unwrap().intents.is_empty());
}

/// Two processes on one history: an operation of the one may be ended by the other.
#[tokio::test]
async fn an_operation_that_another_process_ended_has_ended() {
    let world = world().await;
    let begun = crate::domain::fixtures::operation(9, OperationKind::Drain, OperationStatus::Started);
    world.ctx.record(begun.clone()).await;
    let status = async || world.ctx.operation(begun.id).await.unwrap().unwrap().status;
    assert_eq!(status().await, OperationStatus::Started);
    world.ctx.history.record(Operation { status: OperationStatus::Aborted, ..begun.clone() }).await.unwrap();
    assert_eq!(status().await, OperationStatus::Aborted);
    assert_eq!(world.ctx.operations.find(begun.id).unwrap().status, OperationStatus::Aborted);
}

#[tokio::test]
async fn a_move_from_a_disk_that_is_not_mounted_fails_and_says_nothing_of_the_file() {
    let world = world().await;
    let entry = stored(&world).await;
    world.unmount("zk1");
    let outcome = world.moved(&entry).await;
    let row = world.row(AttemptId::new(78));
    assert_eq!((outcome.failed, row.cause, row.outcome().http), (1, Some(Cause::Unavailable), 503), "{row:?}");
    assert_eq!((world.checked().await, world.bytes_at("zk1"), world.bytes_at("zk2")), (vec![], 0, 0));
    world.mount("zk1");
    assert_eq!(world.moved(&entry).await.done, 1);
}

/// Its disk goes between the check of the command and the last step.
#[tokio::test]
async fn a_delete_whose_disk_is_not_mounted_keeps_its_intent_until_the_bytes_are_in_the_trash() {
    let world = world().await;
    let (entry, attempt) = (stored(&world).await, AttemptId::new(79));
    world.unmount("zk1");
    delete::run(&world.ctx, attempt, &entry, "test").await.unwrap();
    let intents = async || world.registry.intents().await.unwrap().intents.len();
    let waits = recovery::run(&world.ctx, true).await.unwrap_err();
    assert!(waits.contains("not mounted"), "{waits}");
    assert_eq!(intents().await, 1);
    world.mount("zk1");
    recovery::run(&world.ctx, true).await.unwrap();
    assert_eq!((intents().await, world.bytes_at("zk1")), (0, 0));
    assert_eq!(world.row(attempt).status, OperationStatus::Done);
}
