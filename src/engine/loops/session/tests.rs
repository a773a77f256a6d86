//! What is told of a session can be relied on.

use std::path::Path;

use tokio::sync::{mpsc, watch};

use super::*;
use crate::adapters::zookeeper::fake::FakeEnsemble;
use crate::domain::fixtures::node_id;
use crate::domain::ids::Millis;
use crate::engine::context::testing::context;
use crate::engine::loops::scheduler::Scheduler;

/// A session loop with a link to a fake ensemble, its events (room for `room`), and what it publishes.
async fn linked(
    folder: &Path,
    room: usize,
) -> (Session, mpsc::Receiver<Event>, watch::Receiver<Option<Registry>>, FakeEnsemble) {
    let nodes = ["zk1", "zk2", "zk3"].map(node_id);
    let (events, heard) = mpsc::channel(room);
    let (publish, link) = watch::channel(None);
    let (ctx, _clerk) = context(folder, &nodes, events, link.clone());
    let zk = ZkConfig { root: "/demo".into(), ..ZkConfig::default() };
    let ensemble = FakeEnsemble::calm();
    let coord: Arc<dyn Coord> = Arc::new(ensemble.connect(&zk.root));
    let registry = Registry::open(Arc::clone(&coord), &zk).await.unwrap();
    let (_, port) = Scheduler::new(ctx.clone(), Millis(15_000));
    let mut session = Session::new(ctx, zk, nodes.to_vec(), false, publish, port);
    session.link = Some(Link::new(coord, registry));
    (session, heard, link, ensemble)
}

/// The cause of the last word about the session.
fn last_cause(heard: &mut mpsc::Receiver<Event>) -> Option<String> {
    let mut last = None;
    while let Ok(event) = heard.try_recv() {
        if let Event::Session { state: SessionState::Connecting, cause } = event {
            last = cause;
        }
    }
    last
}

#[tokio::test]
async fn a_session_whose_records_cannot_be_read_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, mut heard, link, _ensemble) = linked(folder.path(), 100).await;
    // As if the watch had never come: its word that all is to be read is lost.
    session.take_changes();
    tokio::time::pause();
    session.link.iter_mut().for_each(|link| link.fine = Instant::now());
    tokio::time::advance(UP_LIMIT).await;
    session.second_passed = true;
    session.turn().await.unwrap();
    assert!(session.link.is_some(), "not before its time");
    tokio::time::advance(Duration::from_secs(1)).await;
    session.second_passed = true;
    let problem = session.turn().await.unwrap_err();
    assert!(session.link.is_none() && link.borrow().is_none(), "{problem}");
    assert_eq!(last_cause(&mut heard), Some(problem));
}

#[tokio::test]
async fn a_turn_that_hangs_ends_with_its_session() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, mut heard, link, _ensemble) = linked(folder.path(), 1).await;
    tokio::time::pause();
    session.link.iter_mut().for_each(|link| link.scan_due = true);
    // The first event fills the channel; the turn waits behind it for ever.
    let (turned, ()) = tokio::join!(session.turn(), async {
        tokio::time::sleep(TURN_LIMIT + Duration::from_millis(1)).await;
        while last_cause(&mut heard).is_none() {
            tokio::task::yield_now().await;
        }
    });
    assert!(turned.is_err() && session.link.is_none() && link.borrow().is_none(), "{turned:?}");
}

/// Who hears that the session is there may use it at once.
#[tokio::test]
async fn connected_is_told_when_the_registry_can_be_had() {
    let folder = tempfile::tempdir().unwrap();
    // One place: what follows waits until this was heard.
    let (mut session, mut heard, link, _ensemble) = linked(folder.path(), 1).await;
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
