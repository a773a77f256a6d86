//! Deletes: what one that comes too late says, and what each step waits for.

use super::*;
use crate::engine::files::{Failure, delete, recovery};

#[tokio::test]
async fn a_delete_that_comes_too_late_says_whether_the_file_is_gone_or_changed() {
    let world = world().await;
    let entry = stored(&world).await;
    let path = world.registry.layout().file(entry.id);
    let moved = entry.record.moved(node_id("zk2"), MOVE, clock::now());
    world.registry.overwrite(&path, &moved).await;
    delete::run(&world.ctx, DELETE, &entry, "test").await.unwrap_err();
    assert_eq!(world.row(DELETE).outcome().http, 409);
    world.registry.remove(&path).await;
    delete::run(&world.ctx, AttemptId::new(80), &entry, "test").await.unwrap_err();
    let row = world.row(AttemptId::new(80));
    assert_eq!((row.status, row.outcome().http), (OperationStatus::Aborted, 404));
}

/// Its disk goes between the check of the command and the last step.
#[tokio::test]
async fn a_delete_whose_disk_is_not_mounted_keeps_its_intent_until_the_bytes_are_in_the_trash() {
    let world = world().await;
    let entry = stored(&world).await;
    world.unmount("zk1");
    delete::run(&world.ctx, DELETE, &entry, "test").await.unwrap();
    let intents = async || world.intents().await.len();
    let waits = recovery::run(&world.ctx, true).await.unwrap_err();
    assert!(waits.contains("not mounted"), "{waits}");
    assert_eq!(intents().await, 1);
    world.mount("zk1");
    recovery::run(&world.ctx, true).await.unwrap();
    assert_eq!((intents().await, world.bytes_at("zk1")), (0, 0));
    assert_eq!(world.row(DELETE).status, OperationStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn a_delete_keeps_its_intent_until_its_row_is_on_disk() {
    let world = world().await;
    let entry = stored(&world).await;
    world.ledger.fill(true);
    delete::run(&world.ctx, DELETE, &entry, "test").await.unwrap();
    world.keeps_its_intent_for_its_row(DELETE).await;
    assert_eq!(world.bytes(), (0, 0));
}

/// The answer to its commit is lost, and then its session. The recovery goes forward, or back.
#[tokio::test(start_paused = true)]
async fn a_delete_whose_outcome_is_not_known_keeps_the_bytes_until_the_recovery_decides() {
    let (done, aborted) = (OperationStatus::Done, OperationStatus::Aborted);
    for (fate, status, bytes) in [(RequestFate::AnswerLost, done, (0, 0)), (RequestFate::Lost, aborted, (1, 0))] {
        let mut world = world().await;
        let entry = stored(&world).await;
        world.sky.at("multi", 2, move || fate);
        // When it is looked at how the attempt was decided.
        world.expires_at("get", 1);
        let result = delete::run(&world.ctx, DELETE, &entry, "test").await;
        assert!(matches!(result, Err(Failure::Left)), "{result:?}");
        assert_eq!((world.bytes(), world.row(DELETE).status), ((1, 0), OperationStatus::Started), "{fate:?}");
        world.connect_again().await;
        recovery::run(&world.ctx, false).await.unwrap();
        assert_eq!((world.bytes(), world.row(DELETE).status), (bytes, status), "{fate:?}");
        assert_eq!(world.intents().await, []);
    }
}
