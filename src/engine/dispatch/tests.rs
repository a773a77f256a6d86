//! Requests on a state that works, a fake control and a fake ensemble: what is taken, what is refused, what is looked up.

use std::path::Path;

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc, watch};

use super::*;
use crate::adapters::control::ControlError;
use crate::adapters::history::testing::Ledger;
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::fake::{FakeEnsemble, FakeServers};
use crate::adapters::zookeeper::registry::{Fence, Registry};
use crate::domain::command::{Confirmed, ServerAction};
use crate::domain::fixtures::{NOW, file, node_id};
use crate::domain::ids::{Millis, OperationId};
use crate::domain::node::{NodeRecord, NodeState};
use crate::domain::operation::OperationStatus;
use crate::domain::server::HostView;
use crate::domain::snapshot::ControlView;
use crate::domain::state::testing;
use crate::engine::context::testing::context;
use crate::engine::loops::scheduler::SchedulerLoop;
use crate::engine::loops::workload::{WorkloadConfig, WorkloadLoop};

/// An action takes until it is let go.
#[derive(Default)]
struct Slow(Notify);

#[async_trait]
impl ServerControl for Slow {
    fn kind(&self) -> ControlView {
        ControlView::Process
    }

    async fn hosts(&self) -> Vec<(NodeId, Option<HostView>)> {
        Vec::new()
    }

    async fn act(&self, _: &NodeId, _: ServerAction) -> Result<(), ControlError> {
        self.0.notified().await;
        Ok(())
    }
}

/// A dispatch, and all around it.
pub(in crate::engine) struct Bench {
    pub(in crate::engine) state: State,
    pub(in crate::engine) dispatch: Dispatch,
    pub(in crate::engine) registry: Registry,
    pub(in crate::engine) heard: mpsc::Receiver<Event>,
    ledger: Ledger,
    slow: Arc<Slow>,
    /// The ports of loops that do not run.
    _loops: (SchedulerLoop, WorkloadLoop),
    _folder: TempDir,
}

impl Bench {
    /// Three nodes with so many files, a session, and nothing under way.
    pub(in crate::engine) async fn new(counts: [u64; 3]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (ensemble, config) = (FakeEnsemble::calm(), ZkConfig::default());
        let registry = Registry::open(Arc::new(ensemble.connect(&config.root)), &config).await.unwrap();
        let (events, heard) = mpsc::channel(1024);
        let link = watch::channel(Some(registry.clone())).1;
        let nodes = testing::NODES.map(node_id);
        let (ctx, clerk) = context(Path::new(folder.path()), &nodes, events, link);
        let ledger = clerk.ledger();
        ctx.driver.job("clerk", clerk.work(false, async || {}));
        let (scheduler, scheduler_port) = SchedulerLoop::new(ctx.clone());
        let workload = WorkloadConfig { off: None, interval: Millis(60_000), extra_clients: 0 };
        let (workload, workload_port) =
            WorkloadLoop::new(ctx.clone(), Arc::new(FakeServers { ensemble, config }), workload);
        let slow = Arc::new(Slow::default());
        let dispatch = Dispatch::new(ctx, scheduler_port, workload_port, Arc::clone(&slow) as Arc<dyn ServerControl>);
        let mut state = testing::state(counts);
        state.apply(Event::Control(ControlView::Process), NOW);
        Self { state, dispatch, registry, heard, ledger, slow, _loops: (scheduler, workload), _folder: folder }
    }

    async fn send(&mut self, command: Command) -> Result<Accepted, Rejected> {
        let (reply, answer) = oneshot::channel();
        let actor = Actor("console root".into());
        let request = EngineRequest::Command { command, actor, rows: None, reply };
        assert!(self.dispatch.request(&mut self.state, request), "the state may have changed");
        answer.await.unwrap()
    }

    async fn pause(&mut self) -> Result<Accepted, Rejected> {
        let (node, action) = (node_id("zk1"), ServerAction::Pause);
        self.send(Command::Server { node, action, confirmed: Confirmed::Named }).await
    }

    /// The row of an operation once it has ended.
    async fn ended(&self, id: OperationId) -> (OperationStatus, String) {
        loop {
            if let Some(row) = self.ledger.find(id).filter(|row| row.status.is_final()) {
                return (row.status, row.why.unwrap_or_default());
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

/// Makes the record of a file, as an upload of another process does.
pub(in crate::engine) async fn recorded(registry: &Registry, id: u128) -> FileEntry {
    let mut fence = Fence { epoch: None, nodes: Vec::new() };
    fence.nodes.push((node_id("zk1"), registry.ensure_node(&node_id("zk1")).await.unwrap().1));
    let entry = file(id, "zk1");
    registry.uploaded(&entry, &fence).await;
    entry
}

#[tokio::test(start_paused = true)]
async fn so_many_jobs_run_at_once_and_the_next_is_refused_until_one_ends() {
    let mut bench = Bench::new([0, 0, 0]).await;
    let mut ids = Vec::new();
    for _ in 0..JOBS_MAX {
        ids.extend(bench.pause().await.unwrap().operation);
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let busy = Rejected::Busy { what: "operations under way".into(), limit: JOBS_MAX };
    assert_eq!(bench.pause().await, Err(busy.clone()));
    bench.slow.0.notify_one();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let ended = |id: &&OperationId| bench.ledger.find(**id).is_some_and(|row| row.status == OperationStatus::Done);
    assert_eq!(ids.iter().filter(ended).count(), 1);
    assert!(bench.pause().await.is_ok(), "one place is free");
    assert_eq!(bench.pause().await, Err(busy), "and no second");
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_once_the_program_ends() {
    let mut bench = Bench::new([1, 0, 0]).await;
    bench.dispatch.ctx.stop.cancel();
    assert_eq!(bench.pause().await, Err(Rejected::ShuttingDown));
    let (reply, answer) = oneshot::channel();
    bench.dispatch.request(&mut bench.state, EngineRequest::Download { file: FileId::new(0), reply });
    assert_eq!(answer.await.unwrap().map(drop), Err(Rejected::ShuttingDown));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_known_here_is_looked_up_in_the_ensemble() {
    let mut bench = Bench::new([0, 0, 0]).await;
    let entry = recorded(&bench.registry, 5).await;
    for (file, known) in [(entry.id, true), (FileId::new(6), false)] {
        let (reply, answer) = oneshot::channel();
        let changes = bench.dispatch.request(&mut bench.state, EngineRequest::File { file, reply });
        assert!(!changes, "a question changes nothing");
        match answer.await.unwrap() {
            Ok(found) => assert!(known && found.record == entry.record),
            Err(refused) => assert!(!known && refused == Rejected::UnknownFile { given: file }, "{refused}"),
        }
    }
}

/// Its row would say that the node is empty.
#[tokio::test(start_paused = true)]
async fn a_drain_that_is_lifted_too_early_is_an_aborted_one() {
    for (files, status) in [(3, OperationStatus::Aborted), (0, OperationStatus::Done)] {
        let mut bench = Bench::new([files, 0, 0]).await;
        let (node, operation) = (node_id("zk1"), OperationId::new(4));
        let state = NodeState::Draining { since_ms: NOW, files_at_start: 3, operation };
        let (record, version) = bench.registry.ensure_node(&node).await.unwrap();
        let record = NodeRecord { state, ..record };
        let version = bench.registry.write_node(&node, &record, version).await.unwrap();
        bench.state.apply(Event::Node { node: node.clone(), record, version }, NOW);
        let undrain = bench.send(Command::Undrain { node }).await.unwrap();
        assert_eq!(bench.ended(undrain.operation.unwrap()).await.0, OperationStatus::Done);
        let (ended, why) = bench.ended(operation).await;
        assert_eq!((ended, why.contains("with 3 files left")), (status, files > 0), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_what_was_asked_for_is_told_by_name() {
    let mut bench = Bench::new([1, 0, 0]).await;
    let accepted = bench.send(Command::Delete { file: FileId::new(0) }).await.unwrap();
    let id = accepted.operation.unwrap();
    // There is no such record in the ensemble.
    bench.ended(id).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let before = bench.state.snapshot(NOW).notices.len();
    while let Ok(event) = bench.heard.try_recv() {
        bench.state.apply(event, NOW);
    }
    let after = bench.state.snapshot(NOW);
    let told: Vec<_> = after.notices.iter().skip(before).map(|notice| notice.text.as_str()).collect();
    assert!(told.iter().any(|text| text.starts_with("delete ")), "{told:?}");
}
