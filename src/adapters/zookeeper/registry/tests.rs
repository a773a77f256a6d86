//! How attempts are decided when answers are lost.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::adapters::zookeeper::fake::{FakeCoord, FakeEnsemble, FakeRequest, RequestFate, Weather};
use crate::domain::file::FileEntry;
use crate::domain::fixtures::{file, maker, node_id};
use crate::domain::ids::{AttemptId, FileId, Timestamp};
use crate::domain::migration::Intent;
use crate::domain::scheduler::MoveReason;

const ROOT: &str = "/demo";
const ATTEMPT: AttemptId = AttemptId::new(77);

/// Fates of the writes that come after the world is made, in their order; then all goes well.
#[derive(Default)]
struct Planned(Mutex<VecDeque<RequestFate>>);

impl Weather for Planned {
    fn fate(&self, request: FakeRequest<'_>) -> RequestFate {
        let next = if request.write { self.0.lock().unwrap().pop_front() } else { None };
        next.unwrap_or(RequestFate::Served)
    }
}

/// A file at zk1, and a move of it to zk2 that is prepared.
struct World {
    ensemble: FakeEnsemble,
    coord: Arc<FakeCoord>,
    registry: Registry,
    planned: Arc<Planned>,
    commit: MoveCommit,
    fence: Fence,
}

async fn world() -> World {
    let planned = Arc::new(Planned::default());
    let weather: Arc<Planned> = Arc::clone(&planned);
    let ensemble = FakeEnsemble::new(weather);
    let coord = Arc::new(ensemble.connect(ROOT));
    let config = ZkConfig { root: ROOT.into(), ..ZkConfig::default() };
    let registry = Registry::open(Arc::clone(&coord) as Arc<dyn Coord>, &config).await.unwrap();
    let entry: FileEntry = file(1, "zk1");
    let path = registry.layout().file(entry.id);
    registry.make(&path, &json(&path, &entry.record).unwrap()).await.unwrap();
    let (_, version) = registry.ensure_node(&node_id("zk2")).await.unwrap();
    let fence = Fence { epoch: None, nodes: vec![(node_id("zk2"), version)] };
    let moved = (entry.id, &entry.record);
    let intent = Intent::of_move(ATTEMPT, moved, &node_id("zk2"), MoveReason::Manual, maker());
    registry.prepare(&[(ATTEMPT, intent.clone())], &fence).await.unwrap();
    let record = entry.record.moved(node_id("zk2"), ATTEMPT, Timestamp(2));
    let commit = MoveCommit { attempt: ATTEMPT, intent, entry, record };
    World { ensemble, coord, registry, planned, commit, fence }
}

impl World {
    /// Commits with this fate, and decides.
    async fn commit_then_settle(&self, fate: RequestFate) -> Decided {
        self.planned.0.lock().unwrap().push_back(fate);
        let commit = self.registry.commit_moves(std::slice::from_ref(&self.commit), &self.fence).await;
        assert!(matches!(commit, Err(ZkError::Unknown { .. })), "{commit:?}");
        self.registry.settle(ATTEMPT, self.commit.entry.id).await
    }

    async fn owner(&self) -> String {
        match self.registry.read_file(self.commit.entry.id).await.unwrap() {
            ReadFile::Entry(entry) => entry.record.owner.to_string(),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_answer_was_lost_is_found() {
    let world = world().await;
    assert_eq!(world.commit_then_settle(RequestFate::AnswerLost).await, Decided::Committed);
    assert_eq!(world.owner().await, "zk2");
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_comes_late_finds_its_attempt_aborted() {
    let world = world().await;
    assert_eq!(world.commit_then_settle(RequestFate::Late(Duration::from_secs(60))).await, Decided::Aborted);
    world.ensemble.settle();
    assert_eq!(world.owner().await, "zk1");
}

/// It arrives after the abort has read the intent, and before the abort's own write does.
#[tokio::test(start_paused = true)]
async fn an_abort_does_not_undo_a_commit_that_came_before_it() {
    let world = world().await;
    assert_eq!(world.commit_then_settle(RequestFate::Late(Duration::from_millis(3))).await, Decided::Committed);
    assert_eq!(world.owner().await, "zk2");
    assert_eq!(world.registry.abort(ATTEMPT).await, Decided::Committed);
}

#[tokio::test(start_paused = true)]
async fn neither_a_move_nor_a_delete_is_committed_on_a_record_that_was_changed() {
    let world = world().await;
    let MoveCommit { intent, entry, .. } = &world.commit;
    world.registry.overwrite(&world.registry.layout().file(entry.id), &entry.record).await;
    let moved = world.registry.commit_moves(std::slice::from_ref(&world.commit), &world.fence).await;
    assert_eq!(moved.unwrap_err().refusal(), Some(Refusal::BadVersion));
    let deleted = world.registry.commit_delete(ATTEMPT, intent, entry, &Fence::default()).await;
    assert_eq!(deleted.unwrap_err().refusal(), Some(Refusal::BadVersion));
    assert_eq!(world.owner().await, "zk1");
    assert_eq!(world.registry.abort(ATTEMPT).await, Decided::Aborted, "nothing of it was done");
}

/// Somebody else has rolled the commit forward and deleted the intent: its bytes are the file's.
#[tokio::test(start_paused = true)]
async fn an_intent_that_is_gone_does_not_mean_that_the_bytes_may_go() {
    let world = world().await;
    world.registry.commit_moves(std::slice::from_ref(&world.commit), &world.fence).await.unwrap();
    world.registry.delete_intent(ATTEMPT).await.unwrap();
    assert_eq!(world.registry.abort(ATTEMPT).await, Decided::Gone);
    assert_eq!(world.registry.settle(ATTEMPT, world.commit.entry.id).await, Decided::Committed);
}

/// Somebody else ends it after the abort has read the intent, and before the abort's own write arrives.
#[tokio::test(start_paused = true)]
async fn an_intent_that_goes_during_an_abort_is_gone_and_not_aborted() {
    let world = world().await;
    world.registry.commit_moves(std::slice::from_ref(&world.commit), &world.fence).await.unwrap();
    world.registry.overwrite(&world.registry.layout().intent(ATTEMPT), &world.commit.intent).await;
    world.planned.0.lock().unwrap().push_back(RequestFate::Late(Duration::from_millis(3)));
    assert!(world.registry.delete_intent(ATTEMPT).await.is_err(), "its answer does not come");
    assert_eq!(world.registry.settle(ATTEMPT, world.commit.entry.id).await, Decided::Committed);
    assert_eq!(world.registry.abort(ATTEMPT).await, Decided::Gone);
}

#[tokio::test(start_paused = true)]
async fn a_decision_without_a_server_waits_for_one_and_ends_with_the_program() {
    let world = world().await;
    let stop = CancellationToken::new();
    let registry = world.registry.clone().until(stop.clone());
    world.ensemble.disconnect(&world.coord);
    let waits = timeout(Duration::from_secs(600), registry.abort(ATTEMPT)).await;
    assert!(waits.is_err(), "nothing can be decided without a server");
    stop.cancel();
    let ended = timeout(Duration::from_secs(1), registry.abort(ATTEMPT)).await;
    assert_eq!(ended, Ok(Decided::Undecided));
    let unprepared = registry.abort_unprepared(AttemptId::new(5), &world.commit.intent);
    assert_eq!(timeout(Duration::from_secs(1), unprepared).await, Ok(Decided::Undecided));
    world.ensemble.reconnect(&world.coord);
    assert_eq!(registry.abort(ATTEMPT).await, Decided::Aborted, "with a server one try is enough");
}

/// A run that nobody has taken on can be withdrawn; one that a leader has begun cannot.
#[tokio::test]
async fn a_run_is_withdrawn_only_before_it_is_taken() {
    let World { registry, .. } = world().await;
    let id = crate::domain::ids::OperationId::new(9);
    assert_eq!(registry.run_answer(id).await.unwrap(), RunAnswer::Missing);
    registry.request_run(id, "standby").await.unwrap();
    let RunAnswer::Waiting { version } = registry.run_answer(id).await.unwrap() else { panic!("not waiting") };
    assert!(registry.take_run(id, version).await.unwrap());
    assert_eq!(registry.run_answer(id).await.unwrap(), RunAnswer::Taken);
    assert!(!registry.withdraw_run(id, version).await.unwrap(), "its leader has begun");
    let open = registry.run_requests().await.unwrap();
    assert_eq!(open.len(), 1, "a leader that took it and died leaves it to the next");
    assert!(registry.take_run(id, open[0].2).await.unwrap());
    registry.drop_run(id).await.unwrap();
    registry.request_run(id, "standby").await.unwrap();
    let RunAnswer::Waiting { version } = registry.run_answer(id).await.unwrap() else { panic!("not waiting") };
    assert!(registry.withdraw_run(id, version).await.unwrap());
    assert!(!registry.take_run(id, version).await.unwrap(), "what was withdrawn is not begun");
}

/// Servers that tell a reader of nothing that others have written. What goes through the leader is answered
/// unless it was lost.
#[derive(Default)]
struct Behind(Planned);

impl Weather for Behind {
    fn fate(&self, request: FakeRequest<'_>) -> RequestFate {
        self.0.fate(request)
    }

    fn lag(&self, _: u64, unseen: u64) -> u64 {
        unseen
    }
}

/// Only the ensemble's leader can say that there is no such record: a look that is behind is no proof.
#[tokio::test(start_paused = true)]
async fn a_record_is_gone_only_when_the_leader_says_so() {
    let behind = Arc::new(Behind::default());
    let ensemble = FakeEnsemble::new(Arc::clone(&behind) as Arc<dyn Weather>);
    let config = ZkConfig { root: ROOT.into(), ..ZkConfig::default() };
    let open = async || Registry::open(Arc::new(ensemble.connect(ROOT)), &config).await.unwrap();
    let (writer, reader) = (open().await, open().await);
    let entry = file(1, "zk1");
    let path = writer.layout().file(entry.id);
    writer.make(&path, &json(&path, &entry.record).unwrap()).await.unwrap();
    assert!(matches!(reader.read_file(entry.id).await.unwrap(), ReadFile::Gone), "its server has not heard of it");
    behind.0.0.lock().unwrap().push_back(RequestFate::Lost);
    assert!(reader.find_file(entry.id).await.is_err(), "the leader has said nothing");
    let found = reader.find_file(entry.id).await.unwrap();
    assert!(matches!(found, ReadFile::Entry(found) if found.record == entry.record));
    assert!(matches!(reader.find_file(FileId::new(404)).await.unwrap(), ReadFile::Gone));
}

/// Requests and the writes among them.
#[derive(Default)]
struct Counted(Mutex<(u64, u64)>);

impl Weather for Counted {
    fn fate(&self, request: FakeRequest<'_>) -> RequestFate {
        let mut counted = self.0.lock().unwrap();
        counted.0 += 1;
        counted.1 += u64::from(request.write);
        RequestFate::Served
    }
}

/// A write of the quorum takes a second and more on a busy machine: a start must not queue a dozen.
#[tokio::test]
async fn opening_writes_what_is_missing_at_once_and_nothing_that_is_there() {
    let counted = Arc::new(Counted::default());
    let ensemble = FakeEnsemble::new(Arc::clone(&counted) as Arc<dyn Weather>);
    let config = ZkConfig { root: "/a/b".into(), ..ZkConfig::default() };
    let taken = || std::mem::take(&mut *counted.0.lock().unwrap());
    let open = async || Registry::open(Arc::new(ensemble.connect(&config.root)), &config).await.unwrap();
    let registry = open().await;
    assert_eq!(taken().1, 3, "the layout, and the buckets in two");
    registry.claim_store("s").await.unwrap();
    registry.ensure_node(&node_id("zk1")).await.unwrap();
    taken();
    let again = open().await;
    assert_eq!(again.claim_store("other").await.unwrap(), "s");
    again.ensure_node(&node_id("zk1")).await.unwrap();
    let (requests, writes) = taken();
    assert_eq!(writes, 0);
    assert!(requests < 10, "{requests} requests, one after the other");
}

#[tokio::test]
async fn the_reading_of_records_tells_how_far_it_is() {
    let world = world().await;
    for id in 2..=40 {
        let entry = file(id << 100, "zk1");
        let path = world.registry.layout().file(entry.id);
        world.registry.make(&path, &json(&path, &entry.record).unwrap()).await.unwrap();
    }
    let told = Mutex::new(Vec::new());
    let loaded = world.registry.load_files(|reading| told.lock().unwrap().push(reading)).await.unwrap();
    let told = told.into_inner().unwrap();
    assert_eq!(loaded.entries.len(), 40);
    assert!(
        told.iter().all(|reading| reading.total == 40) && told.is_sorted_by_key(|reading| reading.read),
        "{told:?}"
    );
    assert_eq!((told[0].read, told.last().unwrap().read), (0, 40));
}

/// The ACL of one record lets nobody read it.
struct Denies(String);

impl Weather for Denies {
    fn fate(&self, request: FakeRequest<'_>) -> RequestFate {
        let reads = matches!(request.operation, "get" | "read") && request.path.contains("/files/");
        let denied = reads && (request.operation == "read" || request.path == self.0);
        if denied { RequestFate::Refused(Refusal::NoAuth) } else { RequestFate::Served }
    }
}

#[tokio::test]
async fn a_record_that_may_not_be_read_is_told_with_what_to_set_and_hides_no_other() {
    // Of one bucket.
    let (ours, closed) = (file(0x102, "zk1"), file(0x202, "zk1"));
    let zk = ZkConfig::default();
    let path = ZnodeLayout::new(&zk.root, BUCKET_DIGITS_DEFAULT).file(closed.id);
    let ensemble = FakeEnsemble::new(Arc::new(Denies(path.clone())));
    let registry = Registry::open(Arc::new(ensemble.connect(&zk.root)), &zk).await.unwrap();
    for entry in [&ours, &closed] {
        let path = registry.layout().file(entry.id);
        registry.coord.create(&path, &json(&path, &entry.record).unwrap(), Mode::Persistent).await.unwrap();
    }
    let loaded = registry.load_files(|_| ()).await.unwrap();
    assert_eq!(loaded.entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [ours.id]);
    assert!(loaded.unreadable.len() == 1 && loaded.unreadable[0].contains(&format!("setAcl {path}")), "{loaded:?}");
    let ReadFile::Denied { cause, .. } = registry.find_file(closed.id).await.unwrap() else { panic!("it is denied") };
    assert_eq!(cause, loaded.unreadable[0]);
}
