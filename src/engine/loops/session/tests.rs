//! What is told of a session can be relied on.

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::adapters::blobs::{BlobConfig, BlobStore};
use crate::adapters::history::testing::Ledger;
use crate::adapters::zookeeper::fake::FakeEnsemble;
use crate::domain::fixtures::{self, NOW, node_id};
use crate::domain::ids::{InstanceId, Millis};
use crate::domain::snapshot::InstanceInfo;
use crate::engine::driver::Driver;
use crate::engine::files::underway::Underway;
use crate::engine::loops::scheduler::Scheduler;

/// Who hears that the session is there may use it at once.
#[tokio::test]
async fn connected_is_told_when_the_registry_can_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let nodes = ["zk1", "zk2", "zk3"].map(node_id);
    // One place: what follows waits until this was heard.
    let (events, mut heard) = mpsc::channel(1);
    let (publish, link) = watch::channel(None);
    let stop = CancellationToken::new();
    let (history, _clerk) = Ledger::default().open();
    let ctx = Context {
        driver: Driver::new(events.clone(), stop.clone()),
        events,
        asks: mpsc::channel(1).0,
        link: link.clone(),
        snapshots: watch::channel(Arc::new(fixtures::snapshot())).1,
        blobs: BlobStore::open(BlobConfig::new(folder.path()), &nodes).unwrap(),
        history,
        me: InstanceInfo { id: InstanceId::new(1), host: "host-a".into(), pid: 1, since_ms: NOW },
        underway: Underway::default(),
        stop,
    };
    let zk = ZkConfig { root: "/demo".into(), ..ZkConfig::default() };
    let ensemble = FakeEnsemble::calm();
    let coord: Arc<dyn Coord> = Arc::new(ensemble.connect(&zk.root));
    let registry = Registry::open(Arc::clone(&coord), &zk).await.unwrap();
    let (_, port) = Scheduler::new(ctx.clone(), Millis(15_000));
    let mut session = Session::new(ctx, zk, nodes.to_vec(), false, publish, port);
    session.link = Some(Link::new(coord, registry));
    let usable = async {
        while let Some(event) = heard.recv().await {
            if matches!(event, Event::Session { state: SessionState::Connected, .. }) {
                return link.borrow().is_some();
            }
        }
        false
    };
    tokio::select! {
        biased;
        usable = usable => assert!(usable, "told before anybody can use it"),
        scanned = session.scan() => panic!("it never told: {scanned:?}"),
    }
}
