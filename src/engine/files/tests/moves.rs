//! Moves: who is refused, what is left when one is not decided, and what each step waits for.

use std::sync::Arc;

use super::*;
use crate::adapters::zookeeper::error::Refusal;
use crate::domain::cause::Cause;
use crate::domain::migration::IntentState;
use crate::engine::files::{moves, recovery};

/// A move of a stored file to zk2 on a fence that was taken before `change`.
async fn move_after(world: &World, change: impl Future<Output = ()>) -> (BatchOutcome, Arc<Operation>) {
    let entry = stored(world).await;
    change.await;
    let outcome = world.moved(&entry).await;
    (outcome, world.row(MOVE))
}

#[tokio::test]
async fn a_move_goes_through_when_its_target_gets_another_weight() {
    let world = world().await;
    let (outcome, row) = move_after(&world, world.weigh(&node_id("zk2"), 7)).await;
    assert_eq!((outcome.done, row.status), (1, OperationStatus::Done), "{row:?}");
    assert_eq!(world.bytes(), (0, 1));
}

#[tokio::test]
async fn a_move_to_a_node_that_was_drained_is_refused_and_changes_nothing() {
    let world = world().await;
    let (outcome, row) = move_after(&world, world.drain(&node_id("zk2"))).await;
    assert_eq!((outcome.done, outcome.failed, outcome.skipped), (0, 0, 1));
    assert_eq!((row.status, row.outcome().http), (OperationStatus::Aborted, 409), "{row:?}");
    assert!(row.why.as_deref().is_some_and(|why| why.contains("zk2") && why.contains("drained")), "{row:?}");
    assert_eq!(world.bytes(), (1, 0));
    assert!(world.intents().await.is_empty());
}

#[tokio::test]
async fn a_move_from_a_disk_that_is_not_mounted_fails_and_says_nothing_of_the_file() {
    let world = world().await;
    let entry = stored(&world).await;
    world.unmount("zk1");
    let outcome = world.moved(&entry).await;
    let row = world.row(MOVE);
    assert_eq!((outcome.failed, row.cause, row.outcome().http), (1, Some(Cause::Unavailable), 503), "{row:?}");
    assert_eq!((world.checked().await, world.bytes()), (vec![], (0, 0)));
    world.mount("zk1");
    assert_eq!(world.moved(&entry).await.done, 1);
}

/// The lead has gone to another instance since this one planned.
#[tokio::test(start_paused = true)]
async fn a_move_that_a_former_leader_planned_is_refused_and_changes_nothing() {
    let world = world().await;
    let (entry, epoch) = (stored(&world).await, world.registry.epoch().await.unwrap());
    let fence = Fence { epoch, nodes: vec![(node_id("zk2"), 0)] };
    world.registry.bump_epoch().await.unwrap();
    let outcome = moves::run(&world.ctx, vec![to_zk2(&entry)], &fence).await;
    let row = world.row(MOVE);
    assert_eq!((outcome.done, outcome.failed), (0, 1), "{row:?}");
    assert_eq!((row.status, row.cause), (OperationStatus::Aborted, Some(Cause::Changed)), "{row:?}");
    assert!(row.why.as_deref().is_some_and(|why| why.contains("taken the lead")), "{row:?}");
    assert_eq!((world.bytes(), world.intents().await), ((1, 0), vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_move_of_bytes_that_are_not_the_records_fails_and_tells_of_them() {
    let world = world().await;
    let entry = stored(&world).await;
    world.damage(&entry);
    let outcome = world.moved(&entry).await;
    let row = world.row(MOVE);
    assert_eq!((outcome.failed, row.status, row.cause), (1, OperationStatus::Failed, Some(Cause::Damaged)), "{row:?}");
    assert_eq!((world.checked().await, world.bytes()), (vec![(entry.id, true)], (1, 0)));
    assert_eq!((world.ctx.blobs.leftovers(&node_id("zk2")).await.unwrap(), world.intents().await), (vec![], vec![]));
}

/// Nothing of the source goes before the commit.
#[tokio::test(start_paused = true)]
async fn a_move_whose_commit_is_refused_leaves_the_source_as_it_was() {
    let world = world().await;
    let entry = stored(&world).await;
    // For the batch, and for the move by itself.
    for number in [2, 3] {
        world.sky.at("multi", number, || RequestFate::Refused(Refusal::Throttled));
    }
    let outcome = world.moved(&entry).await;
    assert_eq!((outcome.failed, world.row(MOVE).status), (1, OperationStatus::Failed));
    assert_eq!((world.bytes(), world.intents().await), ((1, 0), vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_move_keeps_its_intent_until_its_row_is_on_disk() {
    let world = world().await;
    let entry = stored(&world).await;
    world.ledger.fill(true);
    assert_eq!(world.moved(&entry).await.done, 1);
    world.keeps_its_intent_for_its_row(MOVE).await;
    assert_eq!(world.bytes(), (0, 1));
}

/// The source's disk goes just before the commit.
#[tokio::test(start_paused = true)]
async fn a_move_keeps_its_intent_until_the_sources_bytes_are_in_the_trash() {
    let world = world().await;
    let (entry, folder) = (stored(&world).await, world.folder().to_owned());
    world.sky.at("multi", 2, move || {
        unmount(&folder, "zk1");
        RequestFate::Served
    });
    assert_eq!(world.moved(&entry).await.done, 1);
    let state = async || world.intents().await.iter().map(|(_, intent, _)| intent.state).collect::<Vec<_>>();
    assert_eq!(state().await, [IntentState::Committed], "nobody would collect the source's bytes");
    let waits = recovery::run(&world.ctx, false).await.unwrap_err();
    assert!(waits.contains("not mounted"), "{waits}");
    world.mount("zk1");
    recovery::run(&world.ctx, false).await.unwrap();
    assert_eq!((world.bytes(), state().await), ((0, 1), vec![]));
}

/// The answer to its commit is lost, and then its session. The recovery goes forward, or back.
#[tokio::test(start_paused = true)]
async fn a_move_whose_outcome_is_not_known_keeps_both_copies_until_the_recovery_decides() {
    let (done, aborted) = (OperationStatus::Done, OperationStatus::Aborted);
    for (fate, status, bytes) in [(RequestFate::AnswerLost, done, (0, 1)), (RequestFate::Lost, aborted, (1, 0))] {
        let mut world = world().await;
        let entry = stored(&world).await;
        world.sky.at("multi", 2, move || fate);
        world.expires_at("multi", 3);
        assert_eq!(world.moved(&entry).await.failed, 1);
        assert_eq!((world.bytes(), world.row(MOVE).status), ((1, 1), OperationStatus::Started), "{fate:?}");
        world.connect_again().await;
        recovery::run(&world.ctx, false).await.unwrap();
        assert_eq!((world.bytes(), world.row(MOVE).status), (bytes, status), "{fate:?}");
        assert_eq!(world.intents().await, []);
    }
}

/// Its bytes are not the record's, and its session ends before it is aborted: somebody else may have decided it.
#[tokio::test(start_paused = true)]
async fn a_failed_move_that_is_not_decided_touches_no_bytes_and_leaves_its_row_open() {
    let mut world = world().await;
    let entry = stored(&world).await;
    world.damage(&entry);
    // When the record is looked at.
    world.expires_at("get", 1);
    assert_eq!(world.moved(&entry).await.failed, 1);
    let drafts = world.ctx.blobs.leftovers(&node_id("zk2")).await.unwrap();
    assert_eq!((drafts, world.row(MOVE).status), (vec![MOVE], OperationStatus::Started));
    world.connect_again().await;
    recovery::run(&world.ctx, false).await.unwrap();
    let drafts = world.ctx.blobs.leftovers(&node_id("zk2")).await.unwrap();
    assert_eq!((drafts, world.row(MOVE).status), (vec![], OperationStatus::Aborted));
    assert_eq!((world.bytes(), world.intents().await), ((1, 0), vec![]));
}
