//! Moves: who is refused, what is left when one is not decided, and what each step waits for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use super::*;
use crate::adapters::blobs::disk::fake::{DiskOperation as Use, Trouble, Volume};
use crate::adapters::blobs::{BlobConfig, BlobStore};
use crate::adapters::zookeeper::error::Refusal;
use crate::adapters::zookeeper::registry::ReadFile;
use crate::domain::cause::Cause;
use crate::domain::migration::IntentState;
use crate::engine::files::learned::{CommitKnown, tell_record};
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

/// Each use of this kind of zk2's disk fails.
struct Sick(Option<Use>);

impl Trouble for Sick {
    fn strikes(&self, operation: Use, path: &Path) -> Option<Errno> {
        (self.0 == Some(operation) && path.starts_with("/data/uploads/zk2")).then_some(Errno::IO)
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_told_whether_the_targets_disk_took_the_bytes_and_their_name() {
    for (sick, told) in [(None, &[false][..]), (Some(Use::Write), &[true]), (Some(Use::Rename), &[false, true])] {
        let mut world = world().await;
        let (disk, nodes) = (Volume::default().disk(Arc::new(Sick(sick)), Duration::ZERO), ["zk1", "zk2"].map(node_id));
        world.ctx.blobs =
            BlobStore::open_on(Arc::new(disk), BlobConfig::new("/data/uploads"), &nodes).unwrap().with_id();
        let entry = stored(&world).await;
        let outcome = world.moved(&entry).await;
        assert_eq!((outcome.done == 1, outcome.failed == 1), (sick.is_none(), sick.is_some()), "{sick:?}");
        assert_eq!(world.written_to("zk2").await, told, "{sick:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_moved_is_of_the_next_generation() {
    let world = world().await;
    let entry = stored(&world).await;
    assert_eq!(world.moved(&entry).await.done, 1);
    let ReadFile::Entry(after) = world.registry.read_file(entry.id).await.unwrap() else { panic!("no record") };
    let (before, after) = (&entry.record, after.record);
    assert_eq!((after.generation, after.owner, after.blob), (before.generation + 1, node_id("zk2"), MOVE));
    assert_eq!((after.size, after.blake3, after.created_ms), (before.size, before.blake3, before.created_ms));
}

#[test]
fn batches_add_up() {
    let fault = |why: &str| Some(crate::domain::cause::Fault::new(Cause::Unavailable, why));
    let (first, second) = (
        BatchOutcome { done: 1, failed: 2, skipped: 3, bytes: 4, fault: None, skip: Some("first".into()) },
        BatchOutcome {
            done: 10,
            failed: 20,
            skipped: 30,
            bytes: 40,
            fault: fault("second"),
            skip: Some("second".into()),
        },
    );
    let mut sum = first;
    sum.add(second);
    let fault = fault("second");
    assert_eq!(sum, BatchOutcome { done: 11, failed: 22, skipped: 33, bytes: 44, fault, skip: Some("first".into()) });
}

/// The target's disk goes before what was copied to it is removed.
#[tokio::test(start_paused = true)]
async fn a_failed_move_keeps_its_intent_until_its_own_bytes_are_gone() {
    let world = world().await;
    let (entry, folder) = (stored(&world).await, world.folder().to_owned());
    world.damage(&entry);
    // When the record is looked at.
    world.sky.at("get", 1, move || {
        unmount(&folder, "zk2");
        RequestFate::Served
    });
    assert_eq!(world.moved(&entry).await.failed, 1);
    let state = async || world.intents().await.iter().map(|(_, intent, _)| intent.state).collect::<Vec<_>>();
    assert_eq!(state().await, [IntentState::Aborted], "nobody would remove them");
    world.mount("zk2");
    recovery::run(&world.ctx, false).await.unwrap();
    assert_eq!((world.ctx.blobs.leftovers(&node_id("zk2")).await.unwrap(), state().await), (vec![], vec![]));
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

/// A commit whose answer was lost may be long past when it is known: others have gone on since.
#[tokio::test(start_paused = true)]
async fn what_a_commit_left_is_told_by_its_answer_or_read_anew() {
    for (fate, is_read) in [(RequestFate::Served, false), (RequestFate::AnswerLost, true)] {
        let world = world().await;
        let entry = stored(&world).await;
        let before = world.learned().await.len();
        world.sky.at("multi", 2, move || fate);
        assert_eq!(world.moved(&entry).await.done, 1);
        let learned = world.learned().await.split_off(before);
        assert!(matches!(learned[..], [(true, how)] if matches!(how, Learned::Read(_)) == is_read), "{learned:?}");
    }
    let world = world().await;
    let entry = stored(&world).await;
    assert_eq!(world.moved(&entry).await.done, 1);
    let path = world.registry.layout().file(entry.id);
    world.ensemble.connect(&ZkConfig::default().root).delete(&path, None).await.unwrap();
    tell_record(&world.ctx, entry.as_ref().clone(), CommitKnown::Settled).await;
    let last = world.learned().await.pop();
    assert!(matches!(last, Some((false, Learned::Read(_)))), "{last:?}");
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
