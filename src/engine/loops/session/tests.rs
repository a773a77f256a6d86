//! What is told of a session can be relied on.

use tokio::sync::{mpsc, watch};

use super::*;
use crate::adapters::zookeeper::fake::FakeEnsemble;
use crate::domain::fixtures::node_id;
use crate::domain::ids::Millis;
use crate::engine::context::testing::context;
use crate::engine::loops::scheduler::Scheduler;

/// Who hears that the session is there may use it at once.
#[tokio::test]
async fn connected_is_told_when_the_registry_can_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let nodes = ["zk1", "zk2", "zk3"].map(node_id);
    // One place: what follows waits until this was heard.
    let (events, mut heard) = mpsc::channel(1);
    let (publish, link) = watch::channel(None);
    let (ctx, _clerk) = context(folder.path(), &nodes, events, link.clone());
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
