//! Orders on a fake control and a fake ensemble: what is done, how often, and what its row says in the end.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use super::*;
use crate::adapters::control::ControlError;
use crate::adapters::history::testing::Ledger;
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::fake::{FakeEnsemble, FakeRequest, RequestFate, Weather};
use crate::domain::fixtures::{self, node_id};
use crate::domain::server::{HostState, HostView, ServerState};
use crate::domain::setting::Setting;
use crate::domain::snapshot::{ControlView, Snapshot};
use crate::engine::context::testing::context;

const ID: OperationId = OperationId::new(7);

/// Counts what is asked of it, and answers as it is told to.
#[derive(Default)]
struct Control {
    calls: Mutex<Vec<(NodeId, ServerAction)>>,
    fails: Mutex<Option<ControlError>>,
}

#[async_trait]
impl ServerControl for Control {
    fn kind(&self) -> ControlView {
        ControlView::Process
    }

    async fn hosts(&self) -> Vec<(NodeId, Option<HostView>)> {
        vec![(node_id("zk1"), Some(HostView { state: HostState::Paused, ..fixtures::host("process 1") }))]
    }

    async fn act(&self, node: &NodeId, action: ServerAction) -> Result<(), ControlError> {
        self.calls.lock().unwrap().push((node.clone(), action));
        self.fails.lock().unwrap().take().map_or(Ok(()), Err)
    }
}

/// What becomes of the writes of an ensemble, one after the other; all others are served.
#[derive(Default)]
struct Fates(Mutex<Vec<RequestFate>>);

impl Weather for Fates {
    fn fate(&self, request: FakeRequest<'_>) -> RequestFate {
        let mut fates = self.0.lock().unwrap();
        if request.operation == "set" && !fates.is_empty() { fates.remove(0) } else { RequestFate::Served }
    }
}

/// A process with a session, and all that it tells and writes.
struct Bench {
    ctx: Context,
    heard: mpsc::Receiver<Event>,
    ledger: Ledger,
    registry: Registry,
    publish: watch::Sender<Option<Registry>>,
    fates: Arc<Fates>,
    change: NodeChange,
    _folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let (folder, fates) = (tempfile::tempdir().unwrap(), Arc::new(Fates::default()));
        let ensemble = FakeEnsemble::new(Arc::clone(&fates) as Arc<dyn Weather>);
        let config = ZkConfig::default();
        let registry = Registry::open(Arc::new(ensemble.connect(&config.root)), &config).await.unwrap();
        let node = node_id("zk1");
        let (record, version) = registry.ensure_node(&node).await.unwrap();
        let (publish, link) = watch::channel(Some(registry.clone()));
        let (events, heard) = mpsc::channel(64);
        let (ctx, clerk) = context(folder.path(), &[], events, link);
        let ledger = clerk.ledger();
        ctx.driver.job("clerk", clerk.work(false, async || {}));
        let change = NodeChange { node, record, version, by: "console root".into() };
        Self { ctx, heard, ledger, registry, publish, fates, change, _folder: folder }
    }

    fn befall(&self, fates: &[RequestFate]) {
        *self.fates.0.lock().unwrap() = fates.to_vec();
    }

    /// Status and reason of the operation, as history has it.
    async fn row(&self, id: OperationId) -> (OperationStatus, String) {
        self.ctx.history.flush().await.unwrap();
        let row = self.ledger.find(id).unwrap();
        (row.status, row.why.unwrap_or_default())
    }

    /// A change of the node as it was at first.
    fn order(&self) -> NodeChange {
        let NodeChange { node, record, version, by } = &self.change;
        NodeChange { node: node.clone(), record: record.clone(), version: *version, by: by.clone() }
    }

    async fn weight(&self) -> u32 {
        self.registry.read_node(&self.change.node).await.unwrap().unwrap().0.weight
    }
}

#[tokio::test(start_paused = true)]
async fn each_action_is_done_once_and_its_server_is_looked_at_again() {
    for action in ServerAction::ALL {
        let mut bench = Bench::new().await;
        bench.ctx.snapshots = watch::channel(told(ServerState::Down, clock::now())).1;
        let control = Control::default();
        server(&bench.ctx, &control, ID, &node_id("zk1"), action, "console root".into()).await;
        assert_eq!(*control.calls.lock().unwrap(), [(node_id("zk1"), action)]);
        assert_eq!(bench.row(ID).await.0, OperationStatus::Done, "{action:?}");
        let what = bench.ledger.find(ID).unwrap().what;
        assert_eq!(what.ends_with("it runs and does not serve yet"), action.brings_back(), "{action:?}: {what}");
        let mut told = Vec::new();
        while let Ok(event) = bench.heard.try_recv() {
            match event {
                Event::Operation(row) => told.push((row.kind.word(), row.status)),
                Event::Hosts(views) => {
                    assert!(
                        views.iter().all(|(_, view)| view.as_ref().is_some_and(|it| it.state == HostState::Paused))
                    );
                }
                other => panic!("{other:?}"),
            }
        }
        let word = action.word();
        assert_eq!(told, [(word, OperationStatus::Started), (word, OperationStatus::Done)]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_action_that_failed_is_a_failed_row_and_one_that_was_refused_an_aborted_one() {
    let (action, node) = (ServerAction::Stop, node_id("zk1"));
    let failed = ControlError::Failed { action, node: node.clone(), why: "it ended at once".into() };
    let already = ControlError::AlreadySo { action, node: node.clone(), what: "zk1 is stopped".into() };
    for (error, status) in [(failed, OperationStatus::Failed), (already, OperationStatus::Aborted)] {
        let (bench, words) = (Bench::new().await, error.to_string());
        let control = Control { fails: Mutex::new(Some(error)), ..Control::default() };
        server(&bench.ctx, &control, ID, &node, action, "console root".into()).await;
        assert_eq!((bench.row(ID).await, control.calls.lock().unwrap().len()), ((status, words), 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_was_lost_is_read_back() {
    for fate in [RequestFate::AnswerLost, RequestFate::Lost] {
        let bench = Bench::new().await;
        bench.befall(&[fate]);
        weight(&bench.ctx, ID, bench.order(), 250).await;
        assert_eq!(bench.row(ID).await, (OperationStatus::Done, String::new()), "{fate:?}");
        let (record, version) = bench.registry.read_node(&node_id("zk1")).await.unwrap().unwrap();
        assert_eq!((record.weight, version), (250, bench.change.version + 1), "written once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_by_somebody_else_is_not_overwritten() {
    let bench = Bench::new().await;
    let theirs = NodeRecord { weight: 300, ..bench.change.record.clone() };
    bench.registry.write_node(&bench.change.node, &theirs, bench.change.version).await.unwrap();
    bench.befall(&[RequestFate::Lost]);
    weight(&bench.ctx, ID, bench.order(), 250).await;
    let (status, why) = bench.row(ID).await;
    assert!(status == OperationStatus::Aborted && why.contains("changed by somebody else"), "{why}");
    assert_eq!(bench.weight().await, 300);
}

/// A change of the scheduler's threshold, on what was read under `version`.
fn to_threshold(value: Option<u64>, shared: &SharedSettings, version: i32) -> SettingChange {
    SettingChange {
        setting: Setting::Threshold,
        value,
        why: Some("load test".into()),
        shared: shared.clone(),
        version,
        told: "5 to 9".into(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_setting_is_written_with_who_and_why_and_its_row_tells() {
    let bench = Bench::new().await;
    let none = SharedSettings::default();
    bench.befall(&[RequestFate::AnswerLost]);
    set(&bench.ctx, ID, to_threshold(Some(9), &none, 0), "console root".into()).await;
    let found = bench.registry.settings().await.unwrap();
    let one = found.shared.get(Setting::Threshold).unwrap();
    assert_eq!((one.value, one.by.as_str(), one.operation), (9, "console root", ID));
    assert_eq!(bench.row(ID).await, (OperationStatus::Done, "load test".to_owned()));
    assert_eq!(bench.ledger.find(ID).unwrap().what, "scheduler.threshold: 5 to 9");
    let other = OperationId::new(8);
    set(&bench.ctx, other, to_threshold(Some(3), &none, 0), "api".into()).await;
    let (status, why) = bench.row(other).await;
    assert_eq!((status, bench.registry.settings().await.unwrap()), (OperationStatus::Aborted, found.clone()), "{why}");
    assert!(why.contains("somebody else") && why.contains("scheduler.threshold"), "{why}");
    let lift = OperationId::new(9);
    set(&bench.ctx, lift, to_threshold(None, &found.shared, found.version), "api".into()).await;
    assert_eq!(
        (bench.row(lift).await.0, bench.registry.settings().await.unwrap().shared),
        (OperationStatus::Done, none)
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_sent_waits_for_the_next_session() {
    let bench = Bench::new().await;
    bench.befall(&[RequestFate::AnswerLost]);
    let session = async {
        tokio::time::sleep(SETTLE_PAUSE / 2).await;
        bench.publish.send_replace(None);
        tokio::time::sleep(5 * SETTLE_PAUSE).await;
        bench.publish.send_replace(Some(bench.registry.clone()));
    };
    tokio::join!(weight(&bench.ctx, ID, bench.order(), 250), session);
    assert_eq!(bench.row(ID).await.0, OperationStatus::Done);
    bench.publish.send_replace(None);
    weight(&bench.ctx, OperationId::new(8), bench.order(), 400).await;
    assert_eq!(bench.row(OperationId::new(8)).await.0, OperationStatus::Failed, "it was never sent");
    assert_eq!(bench.weight().await, 250);
}

fn told(state: ServerState, seen: Timestamp) -> Arc<Snapshot> {
    let snapshot = fixtures::snapshot();
    let mut servers = snapshot.servers.to_vec();
    (servers[0].verdict.state, servers[0].seen) = (state, Some(seen));
    Arc::new(Snapshot { servers: servers.into(), ..snapshot })
}

#[tokio::test(start_paused = true)]
async fn a_server_is_back_when_it_has_answered_since_and_serves() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ctx, _clerk) = context(folder.path(), &[], mpsc::channel(1).0, watch::channel(None).1);
    let earlier = Timestamp(clock::now().0 - 1);
    let (snapshots, heard) = watch::channel(told(ServerState::Up, earlier));
    ctx.snapshots = heard;
    let node = snapshots.borrow().servers[0].node.clone();
    let later = Timestamp(clock::now().0 + 60_000);
    for (state, seen, expected) in [
        (ServerState::Up, earlier, false),
        (ServerState::Starting, later, false),
        (ServerState::NotServing, later, false),
        (ServerState::Up, later, true),
        (ServerState::Degraded, later, true),
    ] {
        snapshots.send_replace(told(state, seen));
        assert_eq!(serves(&ctx, &node).await, expected, "{state:?}");
    }
}
