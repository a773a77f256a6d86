//! What is told of a session can be relied on.

use std::path::Path;

use tokio::sync::{mpsc, watch};

use super::*;
use crate::adapters::blobs::{BlobConfig, BlobStore};
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::coord::{Connect, Mode};
use crate::adapters::zookeeper::fake::{FakeCoord, FakeEnsemble, FakeServers};
use crate::adapters::zookeeper::layout::ZnodeLayout;
use crate::domain::alert::AlertCode;
use crate::domain::file::{FileEntry, blob_name};
use crate::domain::fixtures::{file, node_id};
use crate::domain::ids::{AttemptId, Bytes, FileId, InstanceId};
use crate::domain::snapshot::InstanceInfo;
use crate::engine::context::testing::context;
use crate::engine::loops::scheduler::SchedulerLoop;

/// A session loop with a link to a fake ensemble, its events (room for `room`), and what it publishes.
async fn linked(
    folder: &Path,
    room: usize,
) -> (SessionLoop, mpsc::Receiver<Event>, watch::Receiver<Option<Registry>>, FakeEnsemble) {
    let nodes = ["zk1", "zk2", "zk3"].map(node_id);
    let (events, heard) = mpsc::channel(room);
    let (publish, link) = watch::channel(None);
    let (mut ctx, _clerk) = context(folder, &nodes, events, link.clone());
    let (catch_ups, asked) = mpsc::channel(1);
    ctx.catch_ups = catch_ups;
    let zk = ZkConfig { root: "/demo".into(), ..ZkConfig::default() };
    let ensemble = FakeEnsemble::calm();
    let servers = Arc::new(FakeServers { ensemble: ensemble.clone(), config: zk.clone() });
    let coord = servers.connect().await.unwrap();
    let registry = Registry::open(Arc::clone(&coord), &zk).await.unwrap();
    let (_, port) = SchedulerLoop::new(ctx.clone());
    let mut session = SessionLoop::new(ctx, servers, nodes.to_vec(), false, publish, port, asked);
    session.link = Some(SessionLink::new(coord, registry));
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

/// A read that failed is due again; without a server behind the session there is nothing to read from.
#[tokio::test]
async fn nobody_is_told_of_a_session_while_it_has_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, mut heard, link, ensemble) = linked(folder.path(), 1000).await;
    let coord = Arc::new(ensemble.connect("/demo"));
    session.link.iter_mut().for_each(|link| link.coord = Arc::<FakeCoord>::clone(&coord));
    let states = |heard: &mut mpsc::Receiver<Event>| {
        let mut states = Vec::new();
        while let Ok(event) = heard.try_recv() {
            if let Event::Session { state, .. } = event {
                states.push(state);
            }
        }
        states
    };
    ensemble.disconnect(&coord);
    for _ in 0..3 {
        session.link.iter_mut().for_each(|link| link.scan_due = true);
        session.turn().await.unwrap();
        assert!(link.borrow().is_none(), "nobody can use it");
    }
    assert_eq!(states(&mut heard), [SessionState::Disconnected]);
    ensemble.reconnect(&coord);
    while link.borrow().is_none() {
        session.turn().await.unwrap();
    }
    assert_eq!(states(&mut heard), [SessionState::Connected]);
}

/// Who plans for somebody counts on what another instance told them of.
#[tokio::test]
async fn who_catches_up_knows_what_other_sessions_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, mut heard, link, ensemble) = linked(folder.path(), 1000).await;
    let ctx = session.ctx.clone();
    while link.borrow().is_none() {
        session.turn().await.unwrap();
    }
    while heard.try_recv().is_ok() {}
    let other = ensemble.connect("/demo");
    let layout = session.link.as_ref().unwrap().registry.layout().clone();
    for id in 0..300 {
        let entry = file(id, "zk1");
        let path = layout.file(entry.id);
        other.create(&path, &serde_json::to_vec(&entry.record).unwrap(), Mode::Persistent).await.unwrap();
    }
    let mut turns = std::pin::pin!(async {
        loop {
            session.wait().await;
            session.turn().await.unwrap();
        }
    });
    tokio::select! {
        biased;
        () = ctx.catch_up() => {}
        () = &mut turns => {}
    }
    let mut known = 0;
    while let Ok(event) = heard.try_recv() {
        match event {
            Event::FilesLoaded { entries, .. } => known = entries.len(),
            Event::FileChanged { .. } => known += 1,
            _ => {}
        }
    }
    assert_eq!(known, 300);
}

const ID: &str = "0192f7aa-0000-7000-8000-000000000001";

/// What was told of the store last.
fn last_store(heard: &mut mpsc::Receiver<Event>) -> Option<StoreView> {
    let mut last = None;
    while let Ok(event) = heard.try_recv() {
        if let Event::Store(view) = event {
            last = Some(view);
        }
    }
    last
}

/// Leaves the bytes of fixture file `id` at zk1, and says what its record is.
fn put(folder: &Path, id: u128) -> FileEntry {
    let mut entry = file(id, "zk1");
    entry.record.size = Bytes(5);
    let node = folder.join("uploads/zk1");
    std::fs::create_dir_all(&node).unwrap();
    std::fs::write(node.join(blob_name(entry.id, entry.record.blob)), b"bytes").unwrap();
    entry
}

async fn write(session: &SessionLoop, path: &str, data: &[u8]) {
    let coord = &session.link.as_ref().unwrap().coord;
    if coord.set(path, data, None).await.is_err() {
        coord.create(path, data, Mode::Persistent).await.unwrap();
    }
}

async fn record(session: &SessionLoop, entry: &FileEntry) {
    let path = ZnodeLayout::new("/demo", 2).file(entry.id);
    write(session, &path, &serde_json::to_vec(&entry.record).unwrap()).await;
}

/// Whether this instance stands for election.
async fn campaigns(session: &SessionLoop) -> bool {
    let coord = &session.link.as_ref().unwrap().coord;
    coord.children("/demo/control/leader").await.unwrap().is_some_and(|names| !names.is_empty())
}

#[tokio::test]
async fn a_new_store_is_claimed_and_one_with_files_is_not_given_to_an_empty_ensemble() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, mut heard, ..) = linked(folder.path(), 1_000).await;
    session.scan().await.unwrap();
    assert!(matches!(last_store(&mut heard), Some(StoreView::Ours { .. })));
    assert!(campaigns(&session).await);
    drop(session);
    let entry = put(folder.path(), 1);
    // The same folder, and another ensemble without anything.
    let (mut session, mut heard, ..) = linked(folder.path(), 1_000).await;
    session.scan().await.unwrap();
    let told = last_store(&mut heard);
    assert!(matches!(&told, Some(StoreView::Unclaimed { files: 1, .. })), "{told:?}");
    assert!(!campaigns(&session).await && session.link.as_ref().unwrap().registry.store().await == Ok(None));
    let why = told.and_then(|store| store.refusal()).unwrap().text();
    assert!(why.contains("doctor --adopt") && why.contains("another folder"), "{why}");
    // Its file goes, and nothing keeps it from being this ensemble's.
    std::fs::remove_file(folder.path().join("uploads/zk1").join(blob_name(entry.id, entry.record.blob))).unwrap();
    session.second_passed = true;
    session.turn().await.unwrap();
    session.turn().await.unwrap();
    assert!(matches!(last_store(&mut heard), Some(StoreView::Ours { .. })));
    assert!(campaigns(&session).await);
}

#[tokio::test]
async fn a_folder_that_a_living_instance_of_another_ensemble_uses_is_left_alone_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, mut heard, ..) = linked(folder.path(), 1_000).await;
    first.scan().await.unwrap();
    assert!(matches!(last_store(&mut heard), Some(StoreView::Ours { .. })));
    let (mut second, mut heard, ..) = linked(folder.path(), 1_000).await;
    second.ctx.me.id = InstanceId::new(2);
    // The same servers, and other records.
    let config = ZkConfig { root: "/other".into(), ..ZkConfig::default() };
    second.servers = Arc::new(FakeServers { ensemble: FakeEnsemble::calm(), config });
    second.scan().await.unwrap();
    let told = last_store(&mut heard);
    assert!(matches!(told, Some(StoreView::InUse { .. })), "{told:?}");
    assert!(!campaigns(&second).await);
    drop(first);
    second.second_passed = true;
    second.turn().await.unwrap();
    second.turn().await.unwrap();
    assert!(matches!(last_store(&mut heard), Some(StoreView::Ours { .. })));
    assert!(campaigns(&second).await);
}

/// Whoever was here first stays, whatever it sees when it reads everything anew.
#[tokio::test]
async fn a_user_of_the_folder_does_not_go_back_for_one_who_comes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, mut heard, ..) = linked(folder.path(), 1_000).await;
    first.scan().await.unwrap();
    let comer = BlobStore::open(BlobConfig::new(folder.path().join("uploads")), &[node_id("zk1")]).unwrap();
    comer.announce(InstanceId::new(2), &["elsewhere:2181".into()]).await.unwrap();
    first.scan().await.unwrap();
    let told = last_store(&mut heard);
    assert!(matches!(told, Some(StoreView::Ours { .. })), "{told:?}");
}

/// Two instances of one ensemble share a folder.
#[tokio::test]
async fn an_instance_of_the_same_ensemble_is_no_stranger() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, _heard, _link, ensemble) = linked(folder.path(), 1_000).await;
    first.scan().await.unwrap();
    let (mut second, mut heard, ..) = linked(folder.path(), 1_000).await;
    second.ctx.me.id = InstanceId::new(2);
    let coord: Arc<dyn Coord> = Arc::new(ensemble.connect("/demo"));
    let registry = Registry::open(Arc::clone(&coord), second.servers.config()).await.unwrap();
    second.link = Some(SessionLink::new(coord, registry));
    second.scan().await.unwrap();
    let told = last_store(&mut heard);
    assert!(matches!(told, Some(StoreView::Ours { .. })), "{told:?}");
}

#[tokio::test]
async fn an_id_that_was_lost_is_written_again_when_all_bytes_are_there_and_asked_for_when_not() {
    for missing in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let entries = [put(folder.path(), 1), put(folder.path(), 2)];
        let (mut session, mut heard, ..) = linked(folder.path(), 1_000).await;
        write(&session, "/demo/control/store", ID.as_bytes()).await;
        for entry in &entries {
            record(&session, entry).await;
        }
        let path = folder.path().join("uploads/.store-id");
        assert!(!path.exists(), "a new id would make another store of it");
        if missing {
            record(&session, &file(3, "zk1")).await;
        }
        session.scan().await.unwrap();
        let told = last_store(&mut heard);
        if !missing {
            assert_eq!(told, Some(StoreView::Ours { id: ID.into() }));
            assert_eq!(std::fs::read_to_string(&path).unwrap().trim(), ID);
            continue;
        }
        let why = told.and_then(|store| store.refusal()).unwrap().text();
        assert!(why.contains(".store-id") && why.contains("2 of 3") && why.contains(ID), "{why}");
        assert!(!path.exists() && !campaigns(&session).await);
        std::fs::write(&path, format!("{ID}\n")).unwrap();
        session.second_passed = true;
        session.turn().await.unwrap();
        session.turn().await.unwrap();
        assert_eq!(last_store(&mut heard), Some(StoreView::Ours { id: ID.into() }));
    }
}

/// The folder that had the id may be the other instance's.
#[tokio::test]
async fn an_id_that_was_lost_is_not_written_again_while_another_instance_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let entry = put(folder.path(), 1);
    let (mut session, mut heard, _link, ensemble) = linked(folder.path(), 1_000).await;
    write(&session, "/demo/control/store", ID.as_bytes()).await;
    record(&session, &entry).await;
    let coord: Arc<dyn Coord> = Arc::new(ensemble.connect("/demo"));
    let registry = Registry::open(coord, session.servers.config()).await.unwrap();
    let other = InstanceInfo { id: InstanceId::new(2), ..session.ctx.me.clone() };
    let _member = Membership::join(&registry, &other, false).await.unwrap();
    session.scan().await.unwrap();
    let told = last_store(&mut heard);
    assert!(matches!(told, Some(StoreView::Unnamed { found: 1, records: 1, .. })), "{told:?}");
    assert!(!folder.path().join("uploads/.store-id").exists() && !campaigns(&session).await);
}

/// Whatever a newer program wrote, this one says what, in which format, and what to do; and it changes nothing.
#[tokio::test]
async fn a_store_that_a_newer_program_has_written_to_is_left_alone() {
    let layout = ZnodeLayout::new("/demo", 2);
    let entry = file(7, "zk1");
    let mut newer_record = serde_json::to_value(&entry.record).unwrap();
    newer_record["v"] = 2.into();
    let cases: [(String, String); 7] = [
        (layout.file(entry.id), newer_record.to_string()),
        (layout.intent(AttemptId::new(9)), r#"{"v":2,"state":"begun"}"#.into()),
        (layout.node(&node_id("zk2")), r#"{"v":2,"state":"active","weight":100}"#.into()),
        (layout.store(), format!("{ID}\nformat 2")),
        (layout.scheduler(), r#"{"v":2,"paused":true}"#.into()),
        (layout.settings(), r#"{"v":2,"set":{}}"#.into()),
        (layout.last_run(), r#"{"v":3}"#.into()),
    ];
    for (path, data) in cases {
        let folder = tempfile::tempdir().unwrap();
        let (mut session, mut heard, _link, ensemble) = linked(folder.path(), 1_000).await;
        write(&session, &path, data.as_bytes()).await;
        session.scan().await.unwrap();
        let told = last_store(&mut heard).and_then(|store| store.refusal());
        let why = told.unwrap_or_else(|| panic!("{path} is taken as it is")).text();
        assert!(why.contains(&path) && why.contains("in format") && why.contains("newer zkdeck"), "{why}");
        assert!(!campaigns(&session).await, "{path}");
        let there = ensemble.connect("/demo");
        let found = there.get(&path).await.unwrap().unwrap().0;
        assert_eq!(String::from_utf8(found).unwrap(), data);
        // The control znodes are read last, when the nodes are known.
        if !path.starts_with("/demo/control/") || path == layout.store() {
            let nodes = there.children("/demo/nodes").await.unwrap().unwrap();
            assert!(nodes.iter().all(|node| path.ends_with(&format!("/nodes/{node}"))), "{path}: {nodes:?}");
        }
    }
}

/// What no program has written there is told, and takes nothing else away.
#[tokio::test]
async fn settings_that_cannot_be_read_are_told_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, mut heard, ..) = linked(folder.path(), 1_000).await;
    let path = ZnodeLayout::new("/demo", 2).settings();
    for (data, is_amiss) in [(&b"nonsense"[..], true), (br#"{"v":1,"set":[]}"#, true), (br#"{"v":1,"set":{}}"#, false)]
    {
        write(&session, &path, data).await;
        session.scan().await.unwrap();
        let mut told = None;
        while let Ok(event) = heard.try_recv() {
            if let Event::Settings { problem, .. } = event {
                told = Some(problem);
            }
        }
        let told = told.expect("the settings are told");
        assert_eq!(told.is_some_and(|why| why.contains(&path)), is_amiss, "{data:?}");
        assert!(campaigns(&session).await);
    }
}

#[tokio::test]
async fn a_leader_stands_back_when_a_newer_program_begins_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, mut heard, ..) = linked(folder.path(), 1_000).await;
    session.scan().await.unwrap();
    assert!(campaigns(&session).await);
    session.take_changes();
    let path = ZnodeLayout::new("/demo", 2).file(FileId::new(7));
    write(&session, &path, br#"{"v":2}"#).await;
    session.turn().await.unwrap();
    session.turn().await.unwrap();
    let told = last_store(&mut heard);
    assert!(matches!(told, Some(StoreView::Newer { .. })), "{told:?}");
    assert!(!campaigns(&session).await);
}

/// A folder in which nothing lies, as nobody has opened it yet.
fn empty(session: &mut SessionLoop, folder: &Path) -> std::path::PathBuf {
    _ = std::fs::remove_file(folder.join("uploads/.store-id"));
    session.ctx.blobs = BlobStore::open(BlobConfig::new(folder.join("uploads")), &[node_id("zk1")]).unwrap();
    session.ctx.blobs.id_path()
}

/// Two hosts never both take themselves for the owner: an empty folder gets no id where the ensemble has a store.
#[tokio::test]
async fn an_empty_folder_beside_an_ensemble_with_a_store_gets_no_id_until_it_is_given_the_ensembles() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, mut heard, ..) = linked(folder.path(), 1_000).await;
    let id = empty(&mut session, folder.path());
    write(&session, "/demo/control/store", ID.as_bytes()).await;
    session.scan().await.unwrap();
    let refusal = last_store(&mut heard).and_then(|store| store.refusal()).unwrap();
    assert!(refusal.code == AlertCode::ForeignStore && refusal.text().contains("no file lies in"), "{refusal:?}");
    assert!(!id.exists() && !campaigns(&session).await);
    session.second_passed = true;
    session.turn().await.unwrap();
    assert!(!id.exists(), "time proves nothing");
    // The disk is mounted, or somebody knows that this is the folder.
    std::fs::write(&id, format!("{ID}\n")).unwrap();
    session.second_passed = true;
    session.turn().await.unwrap();
    session.turn().await.unwrap();
    assert_eq!(last_store(&mut heard), Some(StoreView::Ours { id: ID.into() }));
    assert!(campaigns(&session).await);
}

/// A process that was quicker, or that ended before it saw what came of its claim.
#[tokio::test]
async fn an_empty_folder_and_a_new_ensemble_get_one_id_and_a_claim_that_comes_second_leaves_none() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, mut heard, _link, ensemble) = linked(folder.path(), 1_000).await;
    let id = empty(&mut session, folder.path());
    session.scan().await.unwrap();
    let told = last_store(&mut heard);
    let Some(StoreView::Ours { id: theirs }) = told else { panic!("{told:?}") };
    assert_eq!(std::fs::read_to_string(&id).unwrap().trim(), theirs);
    let other = tempfile::tempdir().unwrap();
    let blobs = BlobStore::open(BlobConfig::new(other.path()), &[node_id("zk1")]).unwrap();
    let coord: Arc<dyn Coord> = Arc::new(ensemble.connect("/demo"));
    let registry = Registry::open(coord, session.servers.config()).await.unwrap();
    assert_eq!(crate::engine::claim::claim(&blobs, &registry).await.unwrap(), theirs);
    let left: Vec<_> = std::fs::read_dir(other.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!((blobs.store_id(), left), (None, vec!["zk1".into()]));
}

/// Who only watches makes no store, and sees when there is one.
#[tokio::test]
async fn a_watcher_makes_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, mut heard, ..) = linked(folder.path(), 1_000).await;
    let id = empty(&mut session, folder.path());
    session.read_only = true;
    session.scan().await.unwrap();
    assert_eq!(last_store(&mut heard), Some(StoreView::Unknown));
    let registry = session.link.as_ref().unwrap().registry.clone();
    assert!(!id.exists() && registry.store().await == Ok(None));
    write(&session, "/demo/control/store", ID.as_bytes()).await;
    session.second_passed = true;
    session.turn().await.unwrap();
    session.turn().await.unwrap();
    assert!(matches!(last_store(&mut heard), Some(StoreView::Empty { .. })));
    assert!(!id.exists());
}

/// Under the other one nothing of its own would be committed any more.
#[tokio::test]
async fn a_leader_that_finds_the_epoch_of_another_one_makes_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, _heard, link, _ensemble) = linked(folder.path(), 1000).await;
    while link.borrow().is_none() {
        session.turn().await.unwrap();
    }
    session.stand().await.unwrap();
    let own = |session: &SessionLoop| session.link.as_ref().and_then(|link| link.own_epoch);
    let (registry, first) = (link.borrow().clone().unwrap(), own(&session));
    assert!(first.is_some() && registry.epoch().await.unwrap() == first);
    session.stand().await.unwrap();
    assert_eq!(own(&session), first, "it stays while nobody makes another");
    let theirs = registry.bump_epoch().await.unwrap();
    session.stand().await.unwrap();
    assert!(own(&session) > Some(theirs) && registry.epoch().await.unwrap() == own(&session));
}
