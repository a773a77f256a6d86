//! What the scrub takes for bytes that nobody names, and how each file and folder is judged by itself.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::{Notify, mpsc, watch};

use super::listing::Blob;
use super::*;
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::coord::Op;
use crate::adapters::zookeeper::fake::{FakeEnsemble, FakeRequest, RequestFate, Weather};
use crate::adapters::zookeeper::registry::{Fence, MoveCommit};
use crate::domain::file::{FileEntry, Hash, blob_name};
use crate::domain::fixtures::{NOW, file, maker, node_id, upload_of};
use crate::domain::ids::{AttemptId, Bytes, Millis};
use crate::domain::migration::Intent;
use crate::domain::scheduler::MoveReason;
use crate::domain::snapshot::{SessionState, StoreView};
use crate::engine::context::testing::context;

const ATTEMPT: AttemptId = AttemptId::new(77);

/// Tells when a record is asked for: the intents have been read then.
struct Watched(Arc<Notify>);

impl Weather for Watched {
    fn fate(&self, request: FakeRequest<'_>) -> RequestFate {
        if request.operation == "get" && request.path.contains("/files/") {
            self.0.notify_one();
        }
        RequestFate::Served
    }
}

/// Tells when the intents are listed for the second time, which takes a second.
#[derive(Default)]
struct Slow {
    listed: Notify,
    lists: AtomicU32,
    waits: AtomicBool,
}

impl Weather for Slow {
    fn fate(&self, request: FakeRequest<'_>) -> RequestFate {
        let lists = request.operation == "children" && request.path.ends_with("/migrations");
        if lists && self.lists.fetch_add(1, Ordering::Relaxed) == 1 {
            self.waits.store(true, Ordering::Relaxed);
            self.listed.notify_one();
        }
        RequestFate::Served
    }

    fn travel(&self) -> Duration {
        Duration::from_millis(if self.waits.swap(false, Ordering::Relaxed) { 1_000 } else { 1 })
    }
}

/// Its record was read before the commit, and the intents again after the end: the first look at them has named its
/// bytes, and nothing else does.
#[tokio::test(start_paused = true)]
async fn bytes_of_an_upload_that_is_committed_and_ended_meanwhile_stay() {
    let folder = tempfile::tempdir().unwrap();
    let zk1 = node_id("zk1");
    let (events, _heard) = mpsc::channel(64);
    let (_link, link) = watch::channel(None);
    let (ctx, _clerk) = context(folder.path(), std::slice::from_ref(&zk1), events, link);
    let slow = Arc::new(Slow::default());
    let ensemble = FakeEnsemble::new(Arc::clone(&slow) as Arc<dyn Weather>);
    let zk = ZkConfig::default();
    let registry = Registry::open(Arc::new(ensemble.connect(&zk.root)), &zk).await.unwrap();
    let (_, version) = registry.ensure_node(&zk1).await.unwrap();
    let fence = Fence { epoch: None, nodes: vec![(zk1.clone(), version)] };
    let (entry, stray) = (file(9, "zk1"), file(8, "zk1"));
    for bytes in [&entry, &stray] {
        std::fs::write(folder.path().join("uploads/zk1").join(name(bytes)), b"bytes").unwrap();
    }
    let upload = upload_of(&entry);
    registry.prepare(&[(entry.record.blob, upload.clone())], &fence).await.unwrap();
    let ended = async {
        slow.listed.notified().await;
        registry.commit_upload(entry.record.blob, (&upload, 0), entry.id, &entry.record, &fence).await.unwrap();
        registry.delete_intent(entry.record.blob).await.unwrap();
    };
    let blob = |entry: &FileEntry| (zk1.clone(), entry.id, entry.record.blob, Bytes(5));
    let listing = Listing { blobs: vec![blob(&stray), blob(&entry)], ..Listing::default() };
    let files = FileTable::default();
    let (judged, ()) = tokio::join!(strays::judge(&ctx, &registry, &files, &listing), ended);
    judged.unwrap();
    let kept = ctx.blobs.quarantined().await.unwrap();
    assert_eq!(kept.iter().map(|kept| kept.file).collect::<Vec<_>>(), [stray.id]);
}

/// Its job, or the recovery, collects the source's bytes as soon as their disk lets it.
#[tokio::test(start_paused = true)]
async fn the_source_of_a_move_that_was_made_meanwhile_is_left_to_its_intent() {
    let folder = tempfile::tempdir().unwrap();
    let nodes = ["zk1", "zk2"].map(node_id);
    let (events, _heard) = mpsc::channel(64);
    let (_link, link) = watch::channel(None);
    let (ctx, _clerk) = context(folder.path(), &nodes, events, link);
    let asked = Arc::new(Notify::new());
    let ensemble = FakeEnsemble::new(Arc::new(Watched(Arc::clone(&asked))));
    let zk = ZkConfig::default();
    let registry = Registry::open(Arc::new(ensemble.connect(&zk.root)), &zk).await.unwrap();
    let (_, version) = registry.ensure_node(&nodes[1]).await.unwrap();
    registry.ensure_node(&nodes[0]).await.unwrap();
    let fence = Fence { epoch: None, nodes: vec![(nodes[0].clone(), 0), (nodes[1].clone(), version)] };
    let entry = file(9, "zk1");
    let source = (nodes[0].clone(), entry.id, entry.record.blob);
    std::fs::write(folder.path().join("uploads/zk1").join(blob_name(entry.id, entry.record.blob)), b"bytes").unwrap();
    registry.uploaded(&entry, &fence).await;
    // Others come first, so that a move has the time to be made before this record is read.
    let stray = |id| (nodes[0].clone(), FileId::new(id), AttemptId::new(id), Bytes(5));
    let mut blobs: Vec<Blob> = (1_000..1_004).map(stray).collect();
    blobs.push((source.0.clone(), source.1, source.2, Bytes(5)));
    let moved = async {
        asked.notified().await;
        let moved = (entry.id, &entry.record);
        let intent = Intent::of_move(ATTEMPT, moved, &node_id("zk2"), MoveReason::Manual, maker());
        registry.prepare(&[(ATTEMPT, intent.clone())], &fence).await.unwrap();
        let record = entry.record.moved(node_id("zk2"), ATTEMPT, NOW);
        let commit = MoveCommit { attempt: ATTEMPT, intent, entry: entry.clone(), record };
        registry.commit_moves(&[commit], &fence).await.unwrap();
    };
    let listing = Listing { blobs, ..Listing::default() };
    let files = FileTable::default();
    let (judged, ()) = tokio::join!(strays::judge(&ctx, &registry, &files, &listing), moved);
    judged.unwrap();
    assert_eq!(ctx.blobs.quarantined().await.unwrap(), []);
    assert_eq!(ctx.blobs.list(&nodes[0]).await.unwrap(), [(source.1, source.2, Bytes(5))]);
}

/// A store with files that are records of a fake ensemble, and what the scrub tells of them.
struct Store {
    folder: tempfile::TempDir,
    ctx: Context,
    registry: Registry,
    heard: mpsc::Receiver<Event>,
    files: FileTable,
    nodes: Vec<NodeId>,
}

/// One file of ten bytes a node: ids 1 to 3 on zk1 to zk3.
async fn store() -> Store {
    let folder = tempfile::tempdir().unwrap();
    let nodes = ["zk1", "zk2", "zk3"].map(node_id).to_vec();
    let (events, heard) = mpsc::channel(256);
    let zk = ZkConfig::default();
    let coord = FakeEnsemble::calm().connect(&zk.root);
    let registry = Registry::open(Arc::new(coord), &zk).await.unwrap();
    let (_link, link) = watch::channel(Some(registry.clone()));
    let (ctx, _clerk) = context(folder.path(), &nodes, events, link);
    let mut files = FileTable::default();
    let mut fence = Fence::default();
    for node in &nodes {
        fence.nodes.push((node.clone(), registry.ensure_node(node).await.unwrap().1));
    }
    for (id, node) in (1..).zip(&nodes) {
        let mut entry = file(id, node.as_str());
        let bytes = format!("0123456{id:03}");
        entry.record.size = Bytes(10);
        entry.record.blake3 = Hash(*blake3::hash(bytes.as_bytes()).as_bytes());
        registry.uploaded(&entry, &fence).await;
        let entry = FileEntry { version: 0, ..entry };
        std::fs::write(folder.path().join("uploads").join(node.as_str()).join(name(&entry)), bytes).unwrap();
        files.insert(Arc::new(entry));
    }
    Store { folder, ctx, registry, heard, files, nodes }
}

fn name(entry: &FileEntry) -> String {
    blob_name(entry.id, entry.record.blob)
}

impl Store {
    fn entry(&self, id: u128) -> Arc<FileEntry> {
        Arc::clone(self.files.get(FileId::new(id)).unwrap())
    }

    fn path(&self, id: u128) -> PathBuf {
        let entry = self.entry(id);
        self.folder.path().join("uploads").join(entry.record.owner.as_str()).join(name(&entry))
    }

    /// One pass: nodes that could not be judged, and files with what is wrong with them.
    async fn pass(&mut self) -> (Vec<Option<NodeId>>, BTreeMap<FileId, Option<String>>) {
        let (troubles, result) = pass(&self.ctx, &self.registry, &self.nodes, &self.files).await;
        result.unwrap();
        let mut checked = BTreeMap::new();
        while let Ok(event) = self.heard.try_recv() {
            if let Event::BytesChecked { file, problem, .. } = event {
                checked.insert(file, problem);
            }
        }
        (troubles.into_iter().map(|trouble| trouble.node).collect(), checked)
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_told_and_the_others_are_judged() {
    let mut store = store().await;
    assert_eq!(store.pass().await, (vec![], BTreeMap::new()));
    let elsewhere = store.folder.path().join("elsewhere");
    std::fs::rename(store.path(1), &elsewhere).unwrap();
    symlink(&elsewhere, store.path(1)).unwrap();
    std::fs::write(store.path(3), b"short").unwrap();
    let stray = store.path(2).with_file_name(blob_name(FileId::new(77), AttemptId::new(78)));
    std::fs::write(&stray, b"stray").unwrap();
    let (troubles, checked) = store.pass().await;
    assert_eq!(troubles, []);
    let told: Vec<_> = checked.iter().map(|(file, problem)| (file.bits(), problem.is_some())).collect();
    assert_eq!(told, [(1, true), (3, true)], "{checked:?}");
    assert!(!stray.exists() && store.ctx.blobs.quarantined().await.unwrap().len() == 1);
}

#[tokio::test]
async fn a_node_without_folder_gets_one_and_one_that_cannot_be_read_hides_no_other() {
    let mut store = store().await;
    std::fs::remove_dir_all(store.folder.path().join("uploads/zk1")).unwrap();
    std::fs::remove_dir_all(store.folder.path().join("uploads/zk2")).unwrap();
    std::fs::write(store.folder.path().join("uploads/zk2"), b"no folder").unwrap();
    std::fs::remove_file(store.path(3)).unwrap();
    let (troubles, checked) = store.pass().await;
    assert_eq!(troubles, [Some(node_id("zk2"))]);
    let told: Vec<_> = checked.iter().map(|(file, problem)| (file.bits(), problem.is_some())).collect();
    assert_eq!(told, [(1, true), (3, true)], "what zk2 holds is not known: {checked:?}");
    let entry = store.files.iter().find(|entry| entry.record.owner == node_id("zk2")).unwrap();
    let cause = bytes::check(&store.ctx, &store.registry, entry, &mut AsideList::default()).await.unwrap_err();
    assert!(cause.contains("zk2"), "nor what one of its files holds: {cause}");
    assert!(store.folder.path().join("uploads/zk1/.tmp").is_dir());
}

#[tokio::test]
async fn an_empty_folder_where_files_belong_is_told_and_its_files_are_not_judged() {
    let mut store = store().await;
    let uploads = store.folder.path().join("uploads");
    for node in ["zk2", "zk3"] {
        std::fs::remove_dir_all(uploads.join(node)).unwrap();
        std::fs::create_dir(uploads.join(node)).unwrap();
    }
    store.files.remove(FileId::new(3));
    let (troubles, checked) = store.pass().await;
    assert_eq!((troubles, checked), (vec![Some(node_id("zk2"))], BTreeMap::new()));
    assert!(uploads.join("zk3/.tmp").is_dir() && !uploads.join("zk2/.tmp").exists(), "a new disk is taken on");
}

#[tokio::test]
async fn what_an_instance_finds_without_leading_comes_into_the_leaders_report() {
    let mut store = store().await;
    let found = |id| Damage { file: FileId::new(id), blob: AttemptId::new(id), cause: "its hash".into() };
    let leaders = ScrubReport { damaged: vec![found(1)], quarantined: 4, ..ScrubReport::empty() };
    store.registry.write_scrub_report(&leaders).await.unwrap();
    let config = ScrubConfig { sizes: TROUBLED, hashes: TROUBLED };
    let (ctx, mut scrub) = (store.ctx.clone(), ScrubLoop::new(store.ctx.clone(), config));
    let picture = |ids: &[u128]| Snapshot {
        damaged: ids.iter().map(|id| found(*id)).collect(),
        ..ctx.snapshot().as_ref().clone()
    };
    scrub.hand_over(&store.registry, &picture(&[1, 2])).await.unwrap();
    let told = async || store.registry.scrub_report().await.unwrap().unwrap();
    assert_eq!(told().await, ScrubReport { damaged: vec![found(1), found(2)], ..leaders.clone() });
    // The leader wrote at the same time: it is told again.
    store.registry.write_scrub_report(&leaders).await.unwrap();
    scrub.hand_over(&store.registry, &picture(&[1, 2])).await.unwrap();
    assert_eq!(told().await.damaged.len(), 2);
    // It has been heard, and what the leader makes of it stands.
    scrub.hand_over(&store.registry, &picture(&[1, 2])).await.unwrap();
    store.registry.write_scrub_report(&leaders).await.unwrap();
    scrub.hand_over(&store.registry, &picture(&[1, 2])).await.unwrap();
    assert_eq!(told().await, leaders);
    store.heard.close();
}

#[tokio::test]
async fn an_id_that_was_overwritten_is_told_and_nothing_is_judged() {
    let mut store = store().await;
    store.ctx.blobs.announce(store.ctx.me.id, &[]).await.unwrap();
    std::fs::remove_file(store.path(3)).unwrap();
    std::fs::write(store.ctx.blobs.id_path(), "0192f7aa-0000-7000-8000-000000000000\n").unwrap();
    let (troubles, checked) = store.pass().await;
    assert_eq!((troubles, checked), (vec![None], BTreeMap::new()));
}

/// The records are older than the bytes: the file has moved since, and the trash of that move is empty.
#[tokio::test]
async fn bytes_come_back_to_an_older_record_from_wherever_they_lie() {
    for place in ["published at another node", "in another's trash", "in another's quarantine"] {
        let mut store = store().await;
        let (entry, later, zk2) = (store.entry(1), AttemptId::new(999), node_id("zk2"));
        let moved = store.folder.path().join("uploads/zk2").join(blob_name(entry.id, later));
        std::fs::rename(store.path(1), &moved).unwrap();
        match place {
            "in another's trash" => store.ctx.blobs.trash(&zk2, entry.id, later).await.unwrap(),
            "in another's quarantine" => _ = store.ctx.blobs.quarantine(&zk2, entry.id, later).await.unwrap(),
            _ => {}
        }
        let (_, checked) = store.pass().await;
        assert_eq!(checked, BTreeMap::from([(entry.id, None)]), "{place}");
        assert!(store.ctx.blobs.check(&entry).await.is_ok(), "{place}");
        assert_eq!(store.ctx.blobs.quarantined().await.unwrap(), [], "{place}");
    }
}

#[tokio::test]
async fn nothing_is_judged_while_the_folder_is_another() {
    let mut store = store().await;
    std::fs::rename(store.folder.path().join("uploads"), store.folder.path().join("unmounted")).unwrap();
    std::fs::create_dir_all(store.folder.path().join("uploads/zk1")).unwrap();
    assert_eq!(store.pass().await, (vec![None], BTreeMap::new()));
}

/// Nothing is taken for a stray while what a record names cannot be read.
#[tokio::test]
async fn bytes_of_a_record_that_cannot_be_read_stay() {
    for record in [r#"{"v":2,"name":"from a newer zkdeck"}"#, "no json"] {
        let mut store = store().await;
        let entry = store.entry(1);
        let path = store.registry.layout().file(entry.id);
        store.registry.coord().set(&path, record.as_bytes(), None).await.unwrap();
        store.files.remove(entry.id);
        store.pass().await;
        assert!(store.path_of(&entry).exists(), "{record}");
    }
}

/// What an intent speaks of that cannot be read is not known.
#[tokio::test]
async fn nothing_is_taken_for_a_stray_while_an_intent_cannot_be_read() {
    let store = store().await;
    let stray = store.path(2).with_file_name(blob_name(FileId::new(77), AttemptId::new(78)));
    std::fs::write(&stray, b"stray").unwrap();
    let path = store.registry.layout().intent(AttemptId::new(78));
    store.registry.coord().multi(vec![Op::Create { path, data: b"{".to_vec() }]).await.unwrap();
    let (_, result) = pass(&store.ctx, &store.registry, &store.nodes, &store.files).await;
    assert!(result.unwrap_err().contains("while an intent cannot be read"));
    assert!(stray.exists());
    store.registry.delete_intent(AttemptId::new(78)).await.unwrap();
    pass(&store.ctx, &store.registry, &store.nodes, &store.files).await.1.unwrap();
    assert!(!stray.exists());
}

/// It was moved since the records were read.
#[tokio::test]
async fn bytes_that_the_record_names_no_more_are_no_damage() {
    let mut store = store().await;
    std::fs::remove_file(store.path(1)).unwrap();
    let now = store.entry(1);
    let path = store.registry.layout().file(now.id);
    let record = now.record.moved(node_id("zk2"), ATTEMPT, NOW);
    store.registry.coord().set(&path, &serde_json::to_vec(&record).unwrap(), None).await.unwrap();
    assert_eq!(store.pass().await, (vec![], BTreeMap::new()));
}

/// Another instance writes it.
#[tokio::test]
async fn a_draft_that_an_intent_speaks_of_stays_and_one_that_none_does_goes_to_quarantine() {
    let mut store = store().await;
    let (zk1, of) = (node_id("zk1"), file(9, "zk1"));
    let fence = Fence { epoch: None, nodes: vec![(zk1.clone(), 0)] };
    store.registry.prepare(&[(of.record.blob, upload_of(&of))], &fence).await.unwrap();
    for attempt in [of.record.blob, AttemptId::new(10)] {
        std::fs::write(store.folder.path().join("uploads/zk1/.tmp").join(attempt.to_string()), b"half").unwrap();
    }
    assert_eq!(store.pass().await, (vec![], BTreeMap::new()));
    assert_eq!(store.ctx.blobs.leftovers(&zk1).await.unwrap(), [of.record.blob]);
}

impl Store {
    fn path_of(&self, entry: &FileEntry) -> PathBuf {
        self.folder.path().join("uploads").join(entry.record.owner.as_str()).join(name(entry))
    }
}

/// A damaged file is read again as soon as it changes, whatever the interval.
#[tokio::test(start_paused = true)]
async fn a_damaged_file_that_is_put_right_is_told_whole_at_the_next_turn() {
    let mut store = store().await;
    let (entry, path) = (store.entry(1), store.path(1));
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, b"0123456xyz").unwrap();
    let damage = Damage { file: entry.id, blob: entry.record.blob, cause: "its hash is wrong".into() };
    let mut snapshot = Snapshot::clone(&store.ctx.snapshot());
    snapshot.files = store.files.clone();
    snapshot.damaged = Arc::from([damage]);
    let mut scrub = ScrubLoop::new(store.ctx.clone(), ScrubConfig { sizes: PERIOD * 99, hashes: PERIOD * 99 });
    let mut told = Vec::new();
    for bytes in [None, None, Some(whole)] {
        if let Some(bytes) = bytes {
            let other = store.folder.path().join("put-right");
            std::fs::write(&other, bytes).unwrap();
            std::fs::rename(other, &path).unwrap();
        }
        scrub.damaged(&store.registry, &snapshot).await.unwrap();
        let mut events = Vec::new();
        while let Ok(Event::BytesChecked { problem, .. }) = store.heard.try_recv() {
            events.push(problem.is_some());
        }
        told.push(events);
    }
    assert_eq!(told, [vec![true], vec![], vec![false]], "and it is not read while nothing changes");
}

/// On a new session it looks at once, and as leader again it tells the others again.
#[tokio::test]
async fn a_new_session_and_a_lead_that_comes_back_begin_anew() {
    let store = store().await;
    let mut snapshot = Snapshot::clone(&store.ctx.snapshot());
    (snapshot.files, snapshot.files_complete) = (store.files.clone(), true);
    (snapshot.session.state, snapshot.leadership.leads) = (SessionState::Connected, true);
    snapshot.session.store = StoreView::Ours { id: "s".into() };
    let (snapshots, seen) = watch::channel(Arc::new(snapshot.clone()));
    let ctx = Context { snapshots: seen, ..store.ctx.clone() };
    let mut scrub = ScrubLoop::new(ctx, ScrubConfig { sizes: PERIOD * 99, hashes: PERIOD * 99 });
    scrub.turn().await.unwrap();
    let stray = store.path(2).with_file_name(blob_name(FileId::new(77), AttemptId::new(78)));
    std::fs::write(&stray, b"stray").unwrap();
    scrub.turn().await.unwrap();
    assert!(stray.exists(), "it is not due");
    snapshot.session.since = snapshot.session.since.plus(Millis(1));
    snapshots.send_replace(Arc::new(snapshot.clone()));
    scrub.turn().await.unwrap();
    assert!(!stray.exists());
    let report = async || store.registry.scrub_report().await.unwrap().unwrap();
    let (own, others) = (report().await, ScrubReport { quarantined: 4, ..ScrubReport::empty() });
    for leads in [false, true] {
        snapshot.leadership.leads = leads;
        snapshots.send_replace(Arc::new(snapshot.clone()));
        store.registry.write_scrub_report(&others).await.unwrap();
        scrub.turn().await.unwrap();
        assert_eq!(report().await, if leads { own.clone() } else { others.clone() });
    }
}

/// `zkdeck doctor --adopt` is another process: what it has taken out is told within seconds, not at the next look.
#[tokio::test]
async fn what_was_adopted_is_no_longer_told_to_lie_in_quarantine() {
    let store = store().await;
    let kept = store.folder.path().join("quarantine/zk1");
    std::fs::create_dir_all(&kept).unwrap();
    let kept = kept.join(blob_name(FileId::new(77), AttemptId::new(78)));
    std::fs::write(&kept, b"kept").unwrap();
    let hour = Duration::from_secs(3_600);
    let mut scrub = ScrubLoop::new(store.ctx.clone(), ScrubConfig { sizes: hour, hashes: hour });
    _ = scrub.turn().await;
    assert_eq!(scrub.view.quarantined, 1);
    std::fs::remove_file(&kept).unwrap();
    scrub.recount_due = Instant::now();
    _ = scrub.turn().await;
    assert!(scrub.view.quarantined == 0 && scrub.sizes_due.elapsed() == Duration::ZERO, "without a look at all sizes");
}

/// Its folder is empty, or all folders are others.
#[tokio::test]
async fn hashes_out_of_sight_are_not_read_nothing_is_brought_back_and_the_others_go_on() {
    for gone in [Some("zk1"), None] {
        let mut store = store().await;
        let (first, uploads) = (store.entry(1), store.folder.path().join("uploads"));
        let kept = store.folder.path().join("quarantine/zk1");
        std::fs::create_dir_all(&kept).unwrap();
        std::fs::copy(store.path(1), kept.join(name(&first))).unwrap();
        let (mounted, disk) =
            (gone.map_or(uploads.clone(), |node| uploads.join(node)), store.folder.path().join("disk"));
        std::fs::rename(&mounted, &disk).unwrap();
        std::fs::create_dir_all(uploads.join("zk1")).unwrap();
        let mut snapshot = Snapshot::clone(&store.ctx.snapshot());
        (snapshot.files, snapshot.leadership.leads) = (store.files.clone(), true);
        let snapshot = Arc::new(snapshot);
        store.ctx.snapshots = watch::channel(Arc::clone(&snapshot)).1;
        // The folder has gone since it was looked at.
        let check = bytes::check(&store.ctx, &store.registry, &first, &mut AsideList::default()).await;
        assert!(check.unwrap_err().contains("not mounted"));
        let mut scrub =
            ScrubLoop::new(store.ctx.clone(), ScrubConfig { sizes: PERIOD, hashes: Duration::from_nanos(1) });
        scrub.view.troubles = vec![ScrubTrouble { node: gone.map(node_id), cause: "is it mounted?".into() }];
        scrub.hashes(&store.registry, &snapshot).await.unwrap();
        let whole = if gone.is_some() { 2 } else { 0 };
        assert_eq!((scrub.view.hashed, scrub.view.round_of, scrub.view.round_done), (whole, whole, whole), "{gone:?}");
        while let Ok(event) = store.heard.try_recv() {
            assert!(!matches!(event, Event::BytesChecked { problem: Some(_), .. }), "{event:?}");
        }
        assert_eq!(std::fs::read_dir(uploads.join("zk1")).unwrap().count(), 0, "nothing is brought back into it");
    }
}
