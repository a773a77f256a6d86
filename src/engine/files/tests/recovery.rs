//! The recovery: what it ends, how, and what it leaves alone.

use super::*;
use crate::adapters::zookeeper::election::Membership;
use crate::domain::file::{FileRecord, Hash};
use crate::domain::ids::{Bytes, InstanceId, Timestamp};
use crate::domain::migration::{IntentState, Maker};
use crate::domain::operation::OperationKind;
use crate::domain::snapshot::InstanceInfo;
use crate::engine::files::recovery;

/// The intent of an upload to zk1 that is not decided.
fn upload_of(world: &World, file: FileId, attempt: AttemptId) -> Intent {
    let maker = Maker { instance: world.ctx.me.id, by: "test", at: clock::now() };
    Intent::upload(attempt, file, "a", &node_id("zk1"), maker)
}

/// File 2, whose upload has put its bytes at zk1 and went no further. Its attempt.
async fn never_committed(world: &World) -> AttemptId {
    let (file, attempt) = (FileId::new(2), AttemptId::new(2));
    let path = world.folder().join("uploads/zk1").join(blob_name(file, attempt));
    std::fs::write(path, b"never committed").unwrap();
    world.registry.prepare(&[(attempt, upload_of(world, file, attempt))], &fence()).await.unwrap();
    attempt
}

/// The upload's commit is made, for zk1.
async fn committed(world: &World, intent: &Intent, attempt: AttemptId) {
    world.registry.prepare(&[(attempt, intent.clone())], &fence()).await.unwrap();
    let content = (Bytes(1), Hash([0; 32]));
    let record = FileRecord::first(intent.name.clone(), node_id("zk1"), attempt, content, clock::now());
    world.registry.commit_upload(attempt, (intent, 0), intent.file, &record, &fence()).await.unwrap();
}

/// A process beside this one, which ends when it leaves the ensemble.
fn another() -> InstanceInfo {
    InstanceInfo {
        id: InstanceId::new(2),
        host: "host-b".into(),
        pid: 2,
        since_ms: Timestamp(1000),
        scheduler: None,
        seat: None,
    }
}

async fn leaves(world: &World, process: &InstanceInfo) {
    world.registry.remove(&world.registry.layout().instance(process.id)).await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_of_another_process_is_ended_by_the_leader_and_once_that_process_is_gone() {
    let (world, process, attempt) = (world().await, another(), AttemptId::new(2));
    Membership::join(&world.registry, &process, false).await.unwrap();
    let intent = Intent { instance: process.id, ..upload_of(&world, FileId::new(2), attempt) };
    world.registry.prepare(&[(attempt, intent)], &fence()).await.unwrap();
    // Whoever wrote it: an intent speaks of it.
    let row = crate::domain::fixtures::operation(2, OperationKind::Upload, OperationStatus::Started);
    world.ctx.record(Operation { instance: "gone:1".into(), ..row }).await;
    let recovered = async |leads| {
        recovery::run(&world.ctx, leads).await.unwrap();
        (world.intents().await.len(), world.row(attempt).status)
    };
    assert_eq!(recovered(true).await, (1, OperationStatus::Started), "it lives");
    leaves(&world, &process).await;
    assert_eq!(recovered(false).await, (1, OperationStatus::Started), "it is the leader's");
    assert_eq!(recovered(true).await, (0, OperationStatus::Aborted));
}

#[tokio::test(start_paused = true)]
async fn a_row_is_closed_once_its_process_is_gone() {
    let (world, process) = (world().await, another());
    Membership::join(&world.registry, &process, false).await.unwrap();
    for (id, started) in [(20, process.since_ms), (21, Timestamp(process.since_ms.0 - 1))] {
        let row = crate::domain::fixtures::operation(id, OperationKind::Weight, OperationStatus::Started);
        world.ctx.record(Operation { instance: process.name(), started, ..row }).await;
    }
    let recovered = async || {
        recovery::run(&world.ctx, true).await.unwrap();
        [20, 21].map(|id| world.row(AttemptId::new(id)).status)
    };
    let (open, closed) = (OperationStatus::Started, OperationStatus::Failed);
    assert_eq!(recovered().await, [open, closed], "the second is of one of the same name, before it");
    leaves(&world, &process).await;
    assert_eq!(recovered().await, [closed, closed]);
}

/// In the trash it would hold the name that the record has.
#[tokio::test(start_paused = true)]
async fn the_copy_at_the_first_node_of_an_upload_that_was_handed_on_goes_and_is_not_kept() {
    let (world, file, attempt) = (world().await, FileId::new(2), AttemptId::new(2));
    let first = Intent { src: Some(node_id("zk2")), blob_src: Some(attempt), ..upload_of(&world, file, attempt) };
    for node in ["zk1", "zk2"] {
        std::fs::write(world.folder().join("uploads").join(node).join(blob_name(file, attempt)), b"a").unwrap();
    }
    committed(&world, &first, attempt).await;
    recovery::run(&world.ctx, false).await.unwrap();
    assert_eq!((world.bytes(), world.row(attempt).status), ((1, 0), OperationStatus::Done));
    let kept = world.folder().join("uploads/zk2/.trash");
    assert_eq!(std::fs::read_dir(kept).map_or(0, Iterator::count), 0);
}

/// Rows of a process that is gone, one of each kind, and how the recovery closes them.
#[tokio::test]
async fn every_row_that_was_begun_ends() {
    use OperationKind::{
        Delete, Drain, Pause, Scheduler, SchedulerPause, Setting, Stress, Undrain, Upload, Weight, Workload,
    };
    let world = world().await;
    world.registry.pause_scheduler(true).await.unwrap();
    world.drain(&node_id("zk2")).await;
    let shared = crate::domain::fixtures::shared_setting(OperationId::new(15));
    world.registry.write_settings(&shared, 0).await.unwrap();
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
        // Its node drains for another row.
        (13, Drain, "zk2", aborted),
        // Its bytes are those of a record.
        (14, Upload, "zk1", done),
        (15, Setting, "zk1", done),
        (16, Setting, "zk1", failed),
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
    committed(&world, &upload_of(&world, FileId::new(14), AttemptId::new(14)), AttemptId::new(14)).await;
    world.registry.delete_intent(AttemptId::new(14)).await.unwrap();
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
    let entry = stored(&world).await;
    world.registry.remove(&world.registry.layout().file(entry.id)).await;
    world.registry.prepare(&[(UPLOAD, upload_of(&world, entry.id, UPLOAD))], &fence()).await.unwrap();
    never_committed(&world).await;
    recovery::run(&world.ctx, false).await.unwrap();
    let kept: Vec<_> = world.ctx.blobs.quarantined().await.unwrap().iter().map(|kept| (kept.file, kept.blob)).collect();
    assert_eq!((kept, world.bytes_at("zk1")), (vec![(entry.id, UPLOAD)], 0));
    assert_eq!(world.intents().await, []);
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

#[tokio::test(start_paused = true)]
async fn the_recovery_leaves_alone_what_a_job_of_its_own_process_works_on() {
    let world = world().await;
    let row = upload_meanwhile(&world, true, async {
        while world.intents().await.is_empty() {}
        recovery::run(&world.ctx, true).await.unwrap();
        let states: Vec<_> = world.intents().await.into_iter().map(|(_, intent, _)| intent.state).collect();
        assert_eq!(states, [IntentState::Prepared]);
    })
    .await;
    assert_eq!((row.status, world.bytes()), (OperationStatus::Done, (1, 0)));
}

#[tokio::test(start_paused = true)]
async fn the_recovery_keeps_an_intent_until_its_row_is_on_disk() {
    let world = world().await;
    let attempt = never_committed(&world).await;
    world.ledger.fill(true);
    let waits = recovery::run(&world.ctx, false).await.unwrap_err();
    assert!(waits.contains("once history can be written"), "{waits}");
    world.keeps_its_intent_for_its_row(attempt).await;
}

/// Its session ends before it has an answer: the commit may have been made.
#[tokio::test(start_paused = true)]
async fn the_recovery_touches_no_bytes_of_what_it_could_not_decide() {
    let mut world = world().await;
    let attempt = never_committed(&world).await;
    // When it looks how the attempt was decided.
    world.expires_at("get", 1);
    let waits = recovery::run(&world.ctx, false).await.unwrap_err();
    assert!(waits.contains("before it was decided"), "{waits}");
    assert_eq!((world.bytes(), world.ctx.operations.find(attempt.into())), ((1, 0), None));
    world.connect_again().await;
    recovery::run(&world.ctx, false).await.unwrap();
    assert_eq!((world.bytes(), world.row(attempt).status), ((0, 0), OperationStatus::Aborted));
}
