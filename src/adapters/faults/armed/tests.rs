//! Each point is reached, each call made twice and each rule broken where the tests order it: on fake servers and a
//! real folder, through the registry and the store that the protocol uses.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use super::disk::FaultyDisk;
use super::orders::Orders;
use super::servers::FaultyServers;
use crate::adapters::blobs::disk::LocalDisk;
use crate::adapters::blobs::{BlobConfig, BlobStore};
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::coord::Connect;
use crate::adapters::zookeeper::fake::{FakeEnsemble, FakeServers};
use crate::adapters::zookeeper::registry::{Decided, Fence, MoveCommit, ReadFile, Registry};
use crate::domain::file::FileEntry;
use crate::domain::fixtures::{NOW, file, maker, node_id};
use crate::domain::ids::{AttemptId, Bytes, FileId};
use crate::domain::migration::Intent;
use crate::domain::scheduler::MoveReason;

const FILE: FileId = FileId::new(1);
const OLD: AttemptId = AttemptId::new(2);
const MOVE: AttemptId = AttemptId::new(3);
const SIZE: Bytes = Bytes(64);

/// One file at zk1, and a move of it to zk2 that is made step by step.
struct Bench {
    folder: TempDir,
    reached: Arc<Mutex<Vec<String>>>,
    registry: Registry,
    /// Of another process, without faults.
    other: Registry,
    blobs: BlobStore,
    entry: FileEntry,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let reached = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&reached);
        let end = move |point: &str| seen.lock().unwrap_or_else(PoisonError::into_inner).push(point.to_owned());
        let orders = Arc::new(Orders::new(Some(folder.path().join("orders")), end));
        let (ensemble, config) = (FakeEnsemble::calm(), ZkConfig::default());
        let servers = Arc::new(FakeServers { ensemble: ensemble.clone(), config: config.clone() });
        let place = BlobConfig::new(folder.path().join("uploads"));
        let servers = FaultyServers::new(servers, Arc::clone(&orders), place.root.clone());
        let disk = FaultyDisk::new(Arc::new(LocalDisk), orders, place.quarantine.clone());
        let registry = Registry::open(servers.connect().await.unwrap(), servers.config()).await.unwrap();
        let other = Registry::open(Arc::new(ensemble.connect(&config.root)), &config).await.unwrap();
        let nodes = ["zk1", "zk2"].map(node_id);
        for node in &nodes {
            registry.ensure_node(node).await.unwrap();
        }
        let blobs = BlobStore::open_on(Arc::new(disk), place, &nodes).unwrap();
        let written = blobs.generate(&nodes[0], OLD, SIZE, 1, Arc::default()).await.unwrap();
        blobs.publish(&nodes[0], FILE, OLD).await.unwrap();
        let mut entry = file(1, "zk1");
        (entry.id, entry.record.blob) = (FILE, OLD);
        (entry.record.size, entry.record.blake3) = (written.size, written.blake3);
        other.uploaded(&entry, &fence()).await;
        Self { folder, reached, registry, other, blobs, entry }
    }

    fn order(&self, orders: &str) {
        std::fs::write(self.folder.path().join("orders"), orders).unwrap();
    }

    fn fired(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("orders.fired")).unwrap_or_default()
    }

    fn reached(&self) -> Vec<String> {
        std::mem::take(&mut *self.reached.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn blob(&self, node: &str, attempt: AttemptId) -> PathBuf {
        self.blobs.root().join(node).join(format!("{FILE}.{attempt}"))
    }

    fn intent(&self) -> Intent {
        let moved = (FILE, &self.entry.record);
        Intent::of_move(MOVE, moved, &node_id("zk2"), MoveReason::Manual, maker())
    }

    fn commit(&self) -> MoveCommit {
        let record = self.entry.record.moved(node_id("zk2"), MOVE, NOW);
        MoveCommit { attempt: MOVE, intent: self.intent(), entry: self.entry.clone(), record }
    }

    async fn prepare(&self) {
        self.registry.prepare(&[(MOVE, self.intent())], &fence()).await.unwrap();
    }

    async fn copy(&self) {
        let from = node_id("zk1");
        self.blobs.copy(FILE, (&from, OLD), &node_id("zk2"), MOVE, SIZE, Arc::default()).await.unwrap();
    }

    async fn publish(&self) {
        self.blobs.publish(&node_id("zk2"), FILE, MOVE).await.unwrap();
    }

    async fn is_moved(&self) -> bool {
        matches!(self.other.read_file(FILE).await.unwrap(), ReadFile::Entry(now) if now.record.blob == MOVE)
    }
}

fn fence() -> Fence {
    Fence { epoch: None, nodes: ["zk1", "zk2"].map(|node| (node_id(node), 0)).to_vec() }
}

#[tokio::test]
async fn a_move_passes_every_point_in_the_order_of_its_steps() {
    let bench = Bench::new().await;
    let points = [
        "move.intent",
        "draft.written",
        "move.copy",
        "publish.renamed",
        "move.publish",
        "move.before-commit",
        "move.commit",
        "move.collect",
        "move.row",
        "move.close",
    ];
    bench.order(&points.map(|point| format!("kill {point} 1\n")).concat());
    bench.prepare().await;
    bench.copy().await;
    bench.publish().await;
    bench.registry.commit_moves(&[bench.commit()], &fence()).await.unwrap();
    bench.blobs.trash(&node_id("zk1"), FILE, OLD).await.unwrap();
    bench.registry.delete_intents(&[MOVE]).await.unwrap();
    assert_eq!(bench.reached(), points);
    assert_eq!(bench.fired(), points.map(|point| format!("kill {point}\n")).concat());
}

#[tokio::test]
async fn what_another_process_left_is_ended_by_the_recovery() {
    let bench = Bench::new().await;
    bench.other.prepare(&[(MOVE, bench.intent())], &fence()).await.unwrap();
    bench.copy().await;
    let points = ["recovery.abort", "recovery.discard", "recovery.row", "recovery.close"];
    bench.order(&points.map(|point| format!("kill {point} 1\n")).concat());
    assert_eq!(bench.registry.abort(MOVE).await, Decided::Aborted);
    bench.blobs.discard(&node_id("zk2"), FILE, MOVE).await.unwrap();
    bench.registry.delete_intent(MOVE).await.unwrap();
    assert_eq!(bench.reached(), points);
    bench.order("kill recovery.collect 2");
    for blob in [OLD, OLD] {
        bench.blobs.trash(&node_id("zk1"), FILE, blob).await.unwrap();
    }
    assert_eq!(bench.reached(), [""; 0], "bytes that are gone are not collected again");
}

#[tokio::test]
async fn a_step_is_made_twice_and_the_second_answer_is_the_one_that_counts() {
    let bench = Bench::new().await;
    let points = ["move.intent", "move.publish", "move.commit", "move.collect"];
    bench.order(&points.map(|point| format!("repeat {point}\n")).concat());
    bench.prepare().await;
    bench.copy().await;
    bench.publish().await;
    let refused = bench.registry.commit_moves(&[bench.commit()], &fence()).await.unwrap_err();
    assert!(refused.refusal().is_some(), "the first one has been applied: {refused}");
    assert!(bench.is_moved().await);
    bench.blobs.trash(&node_id("zk1"), FILE, OLD).await.unwrap();
    assert_eq!(bench.fired(), points.map(|point| format!("repeat {point}\n")).concat());
}

#[tokio::test]
async fn a_commit_may_cost_the_bytes_that_it_needs() {
    let bench = Bench::new().await;
    bench.order("break remove-before-commit");
    bench.prepare().await;
    bench.copy().await;
    bench.publish().await;
    bench.registry.commit_moves(&[bench.commit()], &fence()).await.unwrap();
    assert!(!bench.blob("zk1", OLD).exists() && bench.blob("zk2", MOVE).exists());
    bench.order("break unknown-is-refused");
    bench.registry.commit_moves(&[bench.commit()], &fence()).await.unwrap_err();
    assert!(!bench.blob("zk2", MOVE).exists(), "a refusal is taken for the truth");
}

#[tokio::test]
async fn a_commit_may_heed_neither_its_intent_nor_the_record_nor_the_epoch() {
    let bench = Bench::new().await;
    bench.prepare().await;
    assert_eq!(bench.other.abort(MOVE).await, Decided::Aborted);
    bench.registry.bump_epoch().await.unwrap();
    let fence = Fence { epoch: Some(bench.registry.epoch().await.unwrap().unwrap()), ..fence() };
    bench.other.bump_epoch().await.unwrap();
    let commit = async || bench.registry.commit_moves(&[bench.commit()], &fence).await;
    for orders in ["", "break no-versions", "break no-epoch"] {
        bench.order(orders);
        commit().await.unwrap_err();
        assert!(!bench.is_moved().await, "{orders}");
    }
    bench.order("break no-versions\nbreak no-epoch");
    commit().await.unwrap();
    assert!(bench.is_moved().await);
    assert_eq!(bench.registry.epoch().await.unwrap(), fence.epoch, "its own epoch is all that it sees");
}

#[tokio::test]
async fn who_heeds_no_epoch_makes_the_layout_as_any_other() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orders"), "break no-epoch").unwrap();
    let orders = Arc::new(Orders::new(Some(folder.path().join("orders")), |_: &str| {}));
    let (ensemble, config) = (FakeEnsemble::calm(), ZkConfig::default());
    let servers = FaultyServers::new(Arc::new(FakeServers { ensemble, config }), orders, folder.path().join("uploads"));
    let registry = Registry::open(servers.connect().await.unwrap(), servers.config()).await.unwrap();
    registry.bump_epoch().await.unwrap();
}

#[tokio::test]
async fn a_disk_may_lie_and_what_is_put_aside_may_be_lost() {
    let bench = Bench::new().await;
    bench.order("break writes-lie");
    bench.copy().await;
    bench.publish().await;
    let bytes = |node, attempt| std::fs::read(bench.blob(node, attempt)).unwrap();
    assert_ne!(bytes("zk1", OLD), bytes("zk2", MOVE));
    bench.order("break delete-strays");
    assert!(bench.blobs.quarantine(&node_id("zk2"), FILE, MOVE).await.unwrap());
    bench.order("kill scrub.quarantined 1");
    assert_eq!(bench.blobs.quarantined().await.unwrap(), [], "it is nowhere");
    assert!(bench.blobs.quarantine(&node_id("zk1"), FILE, OLD).await.unwrap());
    assert_eq!(bench.reached(), ["scrub.quarantined"]);
    assert_eq!(bench.blobs.quarantined().await.unwrap().len(), 1);
    bench.order("break unknown-is-refused");
    assert_eq!(bench.blobs.quarantined().await.unwrap(), [], "nothing comes back from there");
}

#[tokio::test]
async fn a_folder_may_pass_for_the_store_of_any_ensemble() {
    let bench = Bench::new().await;
    std::fs::write(bench.blobs.root().join(".store-id"), "0190a7b0-0000-7000-8000-000000000001\n").unwrap();
    let before = bench.registry.store().await.unwrap();
    bench.order("break ignore-store");
    let now = bench.registry.store().await.unwrap();
    assert_ne!(now, before);
    assert_eq!(now.as_deref(), Some("0190a7b0-0000-7000-8000-000000000001"));
}

/// Without orders nothing is changed, read or written.
#[tokio::test]
async fn without_orders_everything_is_as_it_is() {
    let bench = Bench::new().await;
    bench.prepare().await;
    bench.copy().await;
    bench.publish().await;
    bench.registry.commit_moves(&[bench.commit()], &fence()).await.unwrap();
    assert!(bench.is_moved().await && bench.reached().is_empty() && bench.fired().is_empty());
}
