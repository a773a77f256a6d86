//! What the scrub takes for bytes that nobody names.

use tokio::sync::{Notify, mpsc, watch};

use super::*;
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::fake::{FakeEnsemble, Fate, Request, Weather};
use crate::adapters::zookeeper::registry::{Fence, MoveCommit};
use crate::domain::file::blob_name;
use crate::domain::fixtures::{NOW, file, node_id};
use crate::domain::ids::InstanceId;
use crate::domain::migration::{Intent, IntentKind, IntentState};
use crate::engine::context::testing::context;

const ATTEMPT: AttemptId = AttemptId::new(77);

/// Tells when a record is asked for: the intents have been read then.
struct Watched(Arc<Notify>);

impl Weather for Watched {
    fn fate(&self, request: Request<'_>) -> Fate {
        if request.operation == "get" && request.path.contains("/files/") {
            self.0.notify_one();
        }
        Fate::Served
    }
}

/// Its job, or the recovery, collects the source's bytes as soon as their disk lets it.
#[tokio::test(start_paused = true)]
async fn the_source_of_a_move_that_was_made_meanwhile_is_left_to_its_intent() {
    let folder = tempfile::tempdir().unwrap();
    let nodes = ["zk1", "zk2"].map(node_id);
    let (events, _heard) = mpsc::channel(64);
    let (_link, link) = watch::channel(None);
    let (ctx, _clerk) = context(folder.path(), &nodes, events, link);
    let asked = Arc::new(Notify::new());
    let ensemble = FakeEnsemble::new(Arc::new(Watched(Arc::clone(&asked))));
    let zk = ZkConfig::default();
    let registry = Registry::open(Arc::new(ensemble.connect(&zk.root)), &zk).await.unwrap();
    let (_, version) = registry.ensure_node(&nodes[1]).await.unwrap();
    registry.ensure_node(&nodes[0]).await.unwrap();
    let fence = Fence { epoch: None, nodes: vec![(nodes[0].clone(), 0), (nodes[1].clone(), version)] };
    let entry = file(9, "zk1");
    let source = (nodes[0].clone(), entry.id, entry.record.blob);
    std::fs::write(folder.path().join("uploads/zk1").join(blob_name(entry.id, entry.record.blob)), b"bytes").unwrap();
    let upload = intent(IntentKind::Upload, &entry, None, Some(node_id("zk1")));
    registry.prepare(&[(entry.record.blob, upload.clone())], &fence).await.unwrap();
    registry.commit_upload(entry.record.blob, (&upload, 0), entry.id, &entry.record, &fence).await.unwrap();
    registry.delete_intent(entry.record.blob).await.unwrap();
    // Others come first, so that a move has the time to be made before this record is read.
    let stray = |id| (nodes[0].clone(), FileId::new(id), AttemptId::new(id), Bytes(5));
    let mut blobs: Vec<Blob> = (1_000..1_004).map(stray).collect();
    blobs.push((source.0.clone(), source.1, source.2, Bytes(5)));
    let moved = async {
        asked.notified().await;
        let intent = intent(IntentKind::Move, &entry, Some(node_id("zk1")), Some(node_id("zk2")));
        registry.prepare(&[(ATTEMPT, intent.clone())], &fence).await.unwrap();
        let record = entry.record.moved(node_id("zk2"), ATTEMPT, NOW);
        let commit = MoveCommit { attempt: ATTEMPT, intent, entry: entry.clone(), record };
        registry.commit_moves(&[commit], &fence).await.unwrap();
    };
    let scrub = Scrub::new(ctx.clone(), ScrubConfig { sizes: PERIOD, hashes: PERIOD });
    let snapshot = Snapshot { files: Default::default(), ..Snapshot::clone(&ctx.snapshot()) };
    let (judged, ()) = tokio::join!(scrub.judge_bytes(&registry, &snapshot, blobs, Vec::new()), moved);
    judged.unwrap();
    assert_eq!(ctx.blobs.quarantined().await.unwrap(), []);
    assert_eq!(ctx.blobs.list(&nodes[0]).await.unwrap(), [(source.1, source.2, Bytes(5))]);
}

fn intent(kind: IntentKind, entry: &FileEntry, src: Option<NodeId>, dst: Option<NodeId>) -> Intent {
    let blob_src = src.as_ref().map(|_| entry.record.blob);
    let blob_dst = Some(if kind == IntentKind::Move { ATTEMPT } else { entry.record.blob });
    Intent {
        v: 1,
        state: IntentState::Prepared,
        kind,
        file: entry.id,
        name: entry.record.name.clone(),
        src,
        dst,
        blob_src,
        blob_dst,
        size: Some(entry.record.size),
        blake3: Some(entry.record.blake3),
        instance: InstanceId::new(1),
        reason: None,
        by: "test".into(),
        created_ms: NOW,
    }
}
