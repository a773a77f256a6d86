use std::sync::Arc;

use super::*;
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::fake::FakeEnsemble;
use crate::domain::fixtures::{file, maker, node_id};

const ATTEMPT: AttemptId = AttemptId::new(77);

async fn registry(ensemble: &FakeEnsemble) -> Registry {
    let config = ZkConfig::default();
    let registry = Registry::open(Arc::new(ensemble.connect(&config.root)), &config).await.unwrap();
    registry.ensure_node(&node_id("zk1")).await.unwrap();
    registry
}

fn intent(file: FileId) -> Intent {
    Intent::upload(ATTEMPT, file, "a", &node_id("zk1"), maker())
}

fn fence() -> Fence {
    Fence { epoch: None, nodes: vec![(node_id("zk1"), 0)] }
}

#[tokio::test]
async fn preparing_twice_is_harmless_and_no_other_intent_is_taken_for_it() {
    let registry = registry(&FakeEnsemble::calm()).await;
    let ours = [(ATTEMPT, intent(FileId::new(1)))];
    registry.prepare(&ours, &fence()).await.unwrap();
    registry.prepare(&ours, &fence()).await.unwrap();
    let other = [(ATTEMPT, intent(FileId::new(2)))];
    assert_eq!(registry.prepare(&other, &fence()).await.unwrap_err().refusal(), Some(Refusal::NodeExists));
    assert_eq!(registry.abort(ATTEMPT).await, Decided::Aborted);
    assert!(registry.prepare(&ours, &fence()).await.is_err(), "a decided intent is not prepared again");
}

/// Whoever ended the attempt knew how it was decided. Taking "gone" for "aborted" would remove the bytes
/// of a commit whose answer was lost.
#[tokio::test]
async fn an_attempt_that_somebody_else_ended_is_settled_by_the_record() {
    let registry = registry(&FakeEnsemble::calm()).await;
    let mut entry = file(1, "zk1");
    entry.record.blob = ATTEMPT;
    let ours = intent(entry.id);
    registry.prepare(&[(ATTEMPT, ours.clone())], &fence()).await.unwrap();
    registry.commit_upload(ATTEMPT, (&ours, 0), entry.id, &entry.record, &fence()).await.unwrap();
    assert_eq!(registry.settle(ATTEMPT, entry.id).await, Decided::Committed);
    registry.delete_intent(ATTEMPT).await.unwrap();
    assert_eq!(registry.abort(ATTEMPT).await, Decided::Gone);
    assert_eq!(registry.settle(ATTEMPT, entry.id).await, Decided::Committed);
    assert_eq!(registry.settle(AttemptId::new(78), entry.id).await, Decided::Gone, "others' bytes are not touched");
}

#[tokio::test]
async fn an_intent_that_cannot_be_read_decides_nothing() {
    let ensemble = FakeEnsemble::calm();
    let registry = registry(&ensemble).await;
    let path = registry.layout().intent(ATTEMPT);
    registry.coord().multi(vec![Op::Create { path, data: b"{".to_vec() }]).await.unwrap();
    assert_eq!(registry.abort(ATTEMPT).await, Decided::Undecided);
}

/// The fence is held by the intent itself, and not by the commit alone: no byte is copied for what is refused.
#[tokio::test(start_paused = true)]
async fn no_intent_is_written_under_an_older_epoch_or_for_a_node_that_was_changed() {
    let registry = registry(&FakeEnsemble::calm()).await;
    let epoch = registry.epoch().await.unwrap().unwrap();
    let newer = registry.bump_epoch().await.unwrap();
    let (node, ours) = (node_id("zk1"), [(ATTEMPT, intent(FileId::new(1)))]);
    let fence = |epoch, version| Fence { epoch: Some(epoch), nodes: vec![(node.clone(), version)] };
    let refused = async |fence| registry.prepare(&ours, &fence).await.unwrap_err().refusal();
    assert_eq!(refused(fence(epoch, 0)).await, Some(Refusal::BadVersion), "another leads");
    let (record, version) = registry.read_node(&node).await.unwrap().unwrap();
    registry.write_node(&node, &record, version).await.unwrap();
    assert_eq!(refused(fence(newer, version)).await, Some(Refusal::BadVersion), "the node was changed");
    assert_eq!(registry.read_intent(ATTEMPT).await.unwrap(), None);
    registry.prepare(&ours, &fence(newer, version + 1)).await.unwrap();
}

/// The lead, or the node, has changed since the intent was written.
#[tokio::test(start_paused = true)]
async fn nothing_is_committed_under_an_older_epoch_or_for_a_node_that_was_changed() {
    let registry = registry(&FakeEnsemble::calm()).await;
    let (node, entry) = (node_id("zk1"), file(1, "zk1"));
    let ours = intent(entry.id);
    registry.prepare(&[(ATTEMPT, ours.clone())], &fence()).await.unwrap();
    let old = registry.epoch().await.unwrap();
    registry.bump_epoch().await.unwrap();
    let (record, version) = registry.read_node(&node).await.unwrap().unwrap();
    registry.write_node(&node, &record, version).await.unwrap();
    let new = registry.epoch().await.unwrap();
    for (epoch, version) in [(old, version + 1), (new, version)] {
        let fence = Fence { epoch, nodes: vec![(node.clone(), version)] };
        let committed = registry.commit_upload(ATTEMPT, (&ours, 0), entry.id, &entry.record, &fence).await;
        assert_eq!(committed.unwrap_err().refusal(), Some(Refusal::BadVersion), "{fence:?}");
    }
    assert!(matches!(registry.read_file(entry.id).await.unwrap(), ReadFile::Gone));
}

/// Its intent is written once more before it is decided, and its version is another one than that of all others.
#[tokio::test(start_paused = true)]
async fn an_upload_that_is_handed_on_is_committed_at_the_version_of_its_intent_and_leaves_none() {
    let registry = registry(&FakeEnsemble::calm()).await;
    let (entry, other) = (file(1, "zk1"), AttemptId::new(78));
    let ours = Intent { src: Some(node_id("zk2")), ..intent(entry.id) };
    registry.prepare(&[(ATTEMPT, intent(entry.id)), (other, intent(FileId::new(2)))], &fence()).await.unwrap();
    let version = registry.redirect(ATTEMPT, &ours, 0).await.unwrap();
    let commit =
        async |version| registry.commit_upload(ATTEMPT, (&ours, version), entry.id, &entry.record, &fence()).await;
    assert_eq!(commit(0).await.unwrap_err().refusal(), Some(Refusal::BadVersion));
    commit(version).await.unwrap();
    assert_eq!(registry.abort(ATTEMPT).await, Decided::Committed);
    assert_eq!(registry.abort(other).await, Decided::Aborted);
    registry.delete_intents(&[ATTEMPT, other]).await.unwrap();
    assert!(registry.intents().await.unwrap().intents.is_empty());
}
