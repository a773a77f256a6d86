//! Uploads: to which node they go, what is left when one is not decided, and what each step waits for.

use std::io::Cursor;

use tokio::sync::mpsc;

use super::*;
use crate::adapters::zookeeper::registry::ReadFile;
use crate::domain::cause::Cause;
use crate::domain::command::Rejected;
use crate::engine::files::{Failure, recovery, upload};

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
    assert_eq!(world.bytes(), (0, 1), "no copy stays behind");
    let ReadFile::Entry(entry) = world.registry.read_file(FileId::new(1)).await.unwrap() else { panic!("no record") };
    assert_eq!(entry.record.owner, node_id("zk2"));
    assert!(world.intents().await.is_empty());
}

#[tokio::test]
async fn an_upload_to_a_named_node_that_is_drained_is_refused_and_leaves_nothing() {
    let world = world().await;
    let row = upload_meanwhile(&world, true, world.drain(&node_id("zk1"))).await;
    assert_eq!((row.status, row.cause, row.outcome().http), (OperationStatus::Aborted, Some(Cause::Changed), 409));
    assert_eq!(world.bytes(), (0, 0));
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
            upload::run(&world.ctx, small(false), &fence()).await.unwrap_err();
            world.row(UPLOAD)
        };
        assert_eq!((row.status, row.cause, row.outcome().http), (OperationStatus::Aborted, Some(Cause::NoRoom), 507));
        assert!(row.why.as_deref().is_some_and(|why| why.contains("drained") && why.contains("zk2")), "{row:?}");
        assert_eq!(world.bytes(), (0, 0));
    }
}

/// The node is as it was when it was chosen no more: its intent is written all the same, or for another node.
#[tokio::test]
async fn an_upload_that_is_late_for_its_node_goes_through_or_to_another_one() {
    let weighed = world().await;
    weighed.weigh(&node_id("zk1"), 7).await;
    let entry = upload::run(&weighed.ctx, small(false), &fence()).await.unwrap();
    assert_eq!(entry.record.owner, node_id("zk1"));
    let drained = world().await;
    drained.drain(&node_id("zk1")).await;
    let entry = upload::run(&drained.ctx, small(false), &fence()).await.unwrap();
    assert_eq!((entry.record.owner, drained.bytes()), (node_id("zk2"), (0, 1)));
    assert_eq!(drained.row(UPLOAD).target, Some(node_id("zk2")));
}

#[tokio::test]
async fn an_upload_over_its_limit_says_so() {
    let world = world().await;
    let upload = order(Box::pin(Cursor::new(vec![0; 101])), false);
    upload::run(&world.ctx, upload, &fence()).await.unwrap_err();
    let row = world.row(UPLOAD);
    assert_eq!((row.status, row.cause, row.outcome().http), (OperationStatus::Failed, Some(Cause::TooLarge), 413));
    assert_eq!(world.bytes_at("zk1"), 0);
}

/// Before its first byte, and after its last.
#[tokio::test(start_paused = true)]
async fn an_upload_is_handed_on_to_no_node_that_drains_too() {
    for late in [false, true] {
        let world = world().await;
        let drain = async || {
            for node in ["zk1", "zk2"] {
                world.drain(&node_id(node)).await;
            }
        };
        let row = if late {
            upload_meanwhile(&world, false, drain()).await
        } else {
            drain().await;
            upload::run(&world.ctx, small(false), &fence()).await.unwrap_err();
            world.row(UPLOAD)
        };
        assert_eq!((row.status, row.cause), (OperationStatus::Aborted, Some(Cause::Changed)), "{row:?}");
        assert!(row.why.as_deref().is_some_and(|why| why.contains("so was zk2")), "{row:?}");
        assert_eq!((world.bytes(), world.intents().await), ((0, 0), vec![]));
        assert!(matches!(world.registry.read_file(FileId::new(1)).await.unwrap(), ReadFile::Gone));
    }
}

/// The first node's disk gives other bytes than were written to it.
#[tokio::test(start_paused = true)]
async fn an_upload_that_is_handed_on_is_what_was_sent_or_nothing() {
    let world = world().await;
    let path = world.folder().join("uploads/zk1").join(blob_name(FileId::new(1), UPLOAD));
    // The commit that is refused.
    world.sky.at("multi", 2, move || {
        std::fs::write(path, "the enD").unwrap();
        RequestFate::Served
    });
    let row = upload_meanwhile(&world, false, world.drain(&node_id("zk1"))).await;
    assert_eq!(row.status, OperationStatus::Failed, "{row:?}");
    assert!(matches!(world.registry.read_file(FileId::new(1)).await.unwrap(), ReadFile::Gone));
    assert_eq!((world.bytes(), world.intents().await), ((0, 0), vec![]));
}

/// Its session ends while the second node has the bytes too, and nothing is committed.
#[tokio::test(start_paused = true)]
async fn an_upload_that_is_handed_on_is_named_by_its_intent_at_both_nodes() {
    let mut world = world().await;
    // The intent, the commit that is refused, and the one for the other node.
    world.expires_at("multi", 3);
    let row = upload_meanwhile(&world, false, world.drain(&node_id("zk1"))).await;
    assert_eq!((world.bytes(), row.status), ((1, 1), OperationStatus::Started), "{row:?}");
    world.connect_again().await;
    let nodes: Vec<_> = world.intents().await.into_iter().map(|(_, intent, _)| (intent.src, intent.dst)).collect();
    assert_eq!(nodes, [(Some(node_id("zk1")), Some(node_id("zk2")))]);
    recovery::run(&world.ctx, false).await.unwrap();
    assert_eq!((world.bytes(), world.row(UPLOAD).status), ((0, 0), OperationStatus::Aborted));
    assert_eq!(world.intents().await, []);
}

#[tokio::test(start_paused = true)]
async fn an_upload_keeps_its_intent_until_its_row_is_on_disk() {
    let world = world().await;
    world.ledger.fill(true);
    stored(&world).await;
    world.keeps_its_intent_for_its_row(UPLOAD).await;
    assert_eq!(world.bytes(), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_an_upload_left_is_told_by_its_answer_or_read_anew() {
    for (fate, is_read) in [(RequestFate::Served, false), (RequestFate::AnswerLost, true)] {
        let world = world().await;
        world.sky.at("multi", 2, move || fate);
        upload::run(&world.ctx, small(true), &fence()).await.unwrap();
        let learned = world.learned().await;
        assert!(matches!(learned[..], [(true, how)] if matches!(how, Learned::Read(_)) == is_read), "{learned:?}");
    }
}

/// The answer to its commit is lost, and then its session. The recovery goes forward, or back.
#[tokio::test(start_paused = true)]
async fn an_upload_whose_outcome_is_not_known_keeps_its_bytes_until_the_recovery_decides() {
    let (done, aborted) = (OperationStatus::Done, OperationStatus::Aborted);
    for (fate, status, bytes) in [(RequestFate::AnswerLost, done, (1, 0)), (RequestFate::Lost, aborted, (0, 0))] {
        let mut world = world().await;
        world.sky.at("multi", 2, move || fate);
        // When it is looked at how the attempt was decided.
        world.expires_at("get", 1);
        let result = upload::run(&world.ctx, small(true), &fence()).await;
        assert!(matches!(result, Err(Failure::Left)), "{result:?}");
        assert_eq!((world.bytes(), world.row(UPLOAD).status), ((1, 0), OperationStatus::Started), "{fate:?}");
        world.connect_again().await;
        recovery::run(&world.ctx, false).await.unwrap();
        assert_eq!((world.bytes(), world.row(UPLOAD).status), (bytes, status), "{fate:?}");
        assert_eq!(world.intents().await, []);
    }
}
