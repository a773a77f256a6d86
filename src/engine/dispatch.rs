//! Turns requests into work: judges them against the state and hands them to a loop or a job.

use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

use super::clock;
use super::context::Context;
use super::files::download::{self, Known};
use super::files::{delete, moves, stress, upload};
use super::handle::{ByteSource, Download, Request, Upload};
use super::loops::scheduler::SchedulerPort;
use super::loops::workload::WorkloadPort;
use super::operations::RowSender;
use super::orders;
use crate::adapters::control::ServerControl;
use crate::domain::command::{Accepted, Actor, Command, Rejected, Stress};
use crate::domain::event::Event;
use crate::domain::file::FileEntry;
use crate::domain::ids::{FileId, NodeId};
use crate::domain::number::count;
use crate::domain::scheduler::MoveReason;
use crate::domain::state::{Order, State};

/// Jobs that fronts may have under way at once.
const JOBS_MAX: usize = 64;

type Answer<T, E> = oneshot::Sender<Result<T, E>>;

pub(super) struct Dispatch {
    pub(super) ctx: Context,
    pub(super) scheduler: SchedulerPort,
    pub(super) workload: WorkloadPort,
    pub(super) control: Arc<dyn ServerControl>,
    slots: Arc<Semaphore>,
}

impl Dispatch {
    pub(super) fn new(
        ctx: Context,
        scheduler: SchedulerPort,
        workload: WorkloadPort,
        control: Arc<dyn ServerControl>,
    ) -> Self {
        Self { ctx, scheduler, workload, control, slots: Arc::new(Semaphore::new(JOBS_MAX)) }
    }

    /// Answers a request or hands it on. Whether the state may have changed.
    pub(super) fn request(&self, state: &mut State, request: Request) -> bool {
        let changes = matches!(request, Request::Command { .. } | Request::Api(_));
        match request {
            Request::Command { command, actor, rows, reply } => {
                _ = reply.send(self.followed(rows, self.command(state, &command, &actor)));
            }
            Request::Upload { upload, bytes, actor, rows, reply } => {
                _ = reply.send(self.followed(rows, self.upload(state, upload, bytes, &actor)));
            }
            Request::Download { file, reply } => match self.unless_ending(|| state.check_download(file)) {
                Ok(entry) => self.download(Known::Entry(entry), reply),
                Err(Rejected::UnknownFile { given }) => self.download(Known::Not(given), reply),
                Err(rejected) => _ = reply.send(Err(rejected)),
            },
            Request::File { file, reply } => match self.unless_ending(|| state.entry(file)) {
                Err(Rejected::UnknownFile { given }) => self.look_up(given, reply),
                known => _ = reply.send(known),
            },
            // The core answers it itself.
            Request::Current { .. } => {}
            Request::CatchUp { reply } => self.catch_up(reply),
            Request::Api(view) => state.apply(Event::Api(view), clock::now()),
        }
        changes
    }

    fn catch_up(&self, reply: oneshot::Sender<()>) {
        let ctx = self.ctx.clone();
        self.ctx.driver.job("catch-up", async move {
            ctx.catch_up().await;
            _ = reply.send(());
        });
    }

    /// Sends the rows of an accepted operation to who waits for it.
    fn followed(&self, rows: Option<RowSender>, answer: Result<Accepted, Rejected>) -> Result<Accepted, Rejected> {
        if let (Some(rows), Ok(Accepted { operation: Some(id), .. })) = (rows, &answer) {
            self.ctx.operations.watch(*id, rows);
        }
        answer
    }

    /// Runs a job in one of the slots, or refuses.
    fn job(&self, name: &'static str, job: impl Future<Output = ()> + Send + 'static) -> Result<(), Rejected> {
        if self.ctx.stop.is_cancelled() {
            return Err(Rejected::ShuttingDown);
        }
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            return Err(Rejected::Busy { what: "operations under way".into(), limit: JOBS_MAX });
        };
        self.ctx.driver.job(name, async move {
            job.await;
            drop(slot);
        });
        Ok(())
    }

    fn command(&self, state: &mut State, command: &Command, actor: &Actor) -> Result<Accepted, Rejected> {
        let order = state.check(command)?;
        let (ctx, by) = (self.ctx.clone(), actor.0.clone());
        match order {
            Order::StopRun => {
                self.scheduler.stop_run();
                Ok(Accepted { operation: None, message: stopping(state) })
            }
            Order::Stress(wanted) => self.stress(wanted, by),
            Order::RunScheduler => self.run_scheduler(by),
            Order::RunWorkload => self.workload.run(&ctx, by),
            Order::Migrate { entry, target } => self.migrate(entry, target, by),
            Order::Delete { entry } => self.delete(entry, by),
            Order::Server { node, action } => {
                let id = clock::new_operation();
                let message = format!("{} of {node} begun", action.word());
                let control = Arc::clone(&self.control);
                self.job("server", async move { orders::server(&ctx, &*control, id, &node, action, by).await })?;
                Ok(Accepted { operation: Some(id), message })
            }
            Order::PauseScheduler(paused) => {
                let id = clock::new_operation();
                self.job("scheduler-pause", async move { orders::pause_scheduler(&ctx, id, paused, by).await })?;
                let message = if paused { "pause of the scheduler begun" } else { "resume of the scheduler begun" };
                Ok(Accepted { operation: Some(id), message: message.into() })
            }
            Order::Drain { node, record, version, files } => {
                let id = clock::new_operation();
                let message = format!("drain of {node} begun: {} to move", count(files, "file"));
                let change = orders::NodeChange { node, record, version, by };
                self.job("drain", async move { orders::drain(&ctx, id, change, files).await })?;
                Ok(Accepted { operation: Some(id), message })
            }
            Order::Undrain { node, record, version } => {
                let id = clock::new_operation();
                let message = format!("undrain of {node} begun");
                let left = state.placement().count(&node);
                let change = orders::NodeChange { node, record, version, by };
                self.job("undrain", async move { orders::undrain(&ctx, id, change, left).await })?;
                Ok(Accepted { operation: Some(id), message })
            }
            Order::Weight { node, record, version, weight } => {
                let id = clock::new_operation();
                let message = format!("change of {node}'s weight from {} to {weight} begun", record.weight);
                let change = orders::NodeChange { node, record, version, by };
                self.job("weight", async move { orders::weight(&ctx, id, change, weight).await })?;
                Ok(Accepted { operation: Some(id), message })
            }
        }
    }

    fn stress(&self, wanted: Stress, by: String) -> Result<Accepted, Rejected> {
        let (ctx, id, scheduler) = (self.ctx.clone(), clock::new_operation(), self.scheduler.clone());
        let message = format!("stress of {} begun: {} of {}", wanted.node, count(wanted.files, "file"), wanted.size);
        self.job("stress", async move { stress::run(&ctx, id, &wanted, &by, &scheduler).await })?;
        Ok(Accepted { operation: Some(id), message })
    }

    fn run_scheduler(&self, by: String) -> Result<Accepted, Rejected> {
        let (ctx, id, scheduler) = (self.ctx.clone(), clock::new_operation(), self.scheduler.clone());
        self.job("run", async move { scheduler.run_as(&ctx, id, &by).await })?;
        Ok(Accepted { operation: Some(id), message: "run of the scheduler begun".into() })
    }

    fn migrate(&self, entry: Arc<FileEntry>, dst: NodeId, by: String) -> Result<Accepted, Rejected> {
        let (ctx, attempt) = (self.ctx.clone(), clock::new_attempt());
        let message = format!("move of {} from {} to {dst} begun", entry.record.name, entry.record.owner);
        let why = format!("manual, by {by}");
        let order = moves::MoveOrder { attempt, entry, dst, reason: MoveReason::Manual, why, by };
        self.job("migrate", async move {
            if let Some(fence) = ctx.fence(vec![order.dst.clone()]).await {
                moves::run(&ctx, vec![order], &fence).await;
            }
        })?;
        Ok(Accepted { operation: Some(attempt.into()), message })
    }

    fn delete(&self, entry: Arc<FileEntry>, by: String) -> Result<Accepted, Rejected> {
        let (ctx, attempt) = (self.ctx.clone(), clock::new_attempt());
        let message = format!("delete of {} at {} begun", entry.record.name, entry.record.owner);
        self.job("delete", async move {
            if let Err(failure) = delete::run(&ctx, attempt, &entry, &by).await {
                tracing::warn!(%attempt, "delete: {failure}");
            }
        })?;
        Ok(Accepted { operation: Some(attempt.into()), message })
    }

    fn upload(&self, state: &State, wanted: Upload, bytes: ByteSource, by: &Actor) -> Result<Accepted, Rejected> {
        let node = state.check_upload(&wanted.name, wanted.node.as_ref(), wanted.size_hint)?;
        let (ctx, attempt) = (self.ctx.clone(), clock::new_attempt());
        let message = format!("upload of {} to {node} begun", wanted.name);
        let order = upload::UploadOrder {
            attempt,
            file: clock::new_file(),
            name: wanted.name,
            pinned: wanted.node.is_some(),
            node,
            source: upload::Source::Stream { bytes, size_hint: wanted.size_hint, limit: wanted.limit },
            by: by.0.clone(),
            why: format!("by {by}"),
        };
        self.job("upload", async move {
            let Some(fence) = ctx.fence(vec![order.node.clone()]).await else { return };
            if let Err(failure) = upload::run(&ctx, order, &fence).await {
                tracing::warn!(%attempt, "upload: {failure}");
            }
        })?;
        Ok(Accepted { operation: Some(attempt.into()), message })
    }

    fn unless_ending<T>(&self, find: impl FnOnce() -> Result<T, Rejected>) -> Result<T, Rejected> {
        if self.ctx.stop.is_cancelled() { Err(Rejected::ShuttingDown) } else { find() }
    }

    fn download(&self, known: Known, reply: Answer<Download, Rejected>) {
        let ctx = self.ctx.clone();
        self.ctx.driver.job("download", async move { _ = reply.send(download::run(&ctx, known).await) });
    }

    fn look_up(&self, file: FileId, reply: Answer<Arc<FileEntry>, Rejected>) {
        let ctx = self.ctx.clone();
        self.ctx.driver.job("file", async move { _ = reply.send(download::find(&ctx, file).await) });
    }
}

/// What comes after a run that is stopped.
fn stopping(state: &State) -> String {
    let next = if state.scheduler_paused() {
        "the scheduler is paused, so no other begins automatically".to_owned()
    } else {
        format!("the timer begins the next one {} later; pause the scheduler to prevent that", state.interval())
    };
    format!("the run ends after the moves under way; {next}")
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use crate::adapters::control::off::Off;
    use crate::domain::fixtures::{NOW, node_id, snapshot};
    use crate::domain::ids::{Bytes, Millis};
    use crate::domain::state::{ServerSetting, Settings};
    use crate::engine::loops::scheduler::Scheduler;

    /// Its scheduler and its workload do nothing.
    pub(in crate::engine) fn dispatch(ctx: &Context) -> Dispatch {
        let (_, scheduler) = Scheduler::new(ctx.clone(), Millis::from_secs(15));
        Dispatch::new(ctx.clone(), scheduler, WorkloadPort::closed(), Arc::new(Off::new("there are no servers")))
    }

    /// Of three servers, and nothing has happened yet.
    pub(in crate::engine) fn state() -> State {
        let server = |name| ServerSetting { node: node_id(name), address: format!("{name}:2181") };
        let settings = Settings {
            servers: ["zk1", "zk2", "zk3"].map(server).into(),
            trigger: 5,
            settle: 1,
            interval: Millis::from_secs(15),
            cool_down: Millis::from_secs(30),
            reserve: Bytes(0),
            workload_off: None,
            workload_interval: Millis::from_secs(20),
            workload_clients: 0,
        };
        State::new(settings, snapshot().instance, NOW)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::adapters::zookeeper::config::ZkConfig;
    use crate::adapters::zookeeper::coord::{Coord, Mode};
    use crate::adapters::zookeeper::fake::FakeEnsemble;
    use crate::adapters::zookeeper::registry::Registry;
    use crate::domain::event::Mark;
    use crate::domain::fixtures::{self, NOW, file, node_id};
    use crate::domain::ids::OperationId;
    use crate::domain::node::{NodeRecord, NodeState};
    use crate::domain::operation::{Operation, OperationStatus};
    use crate::domain::server::{Role, Srvr};
    use crate::domain::snapshot::{SessionState, StoreView};
    use crate::engine::context::testing::context;

    /// zk1 drains for operation 5.
    fn draining() -> NodeRecord {
        let state = NodeState::Draining { since_ms: NOW, files_at_start: 1, operation: OperationId::new(5) };
        NodeRecord { state, ..NodeRecord::default() }
    }

    /// An ensemble with file 1 at zk1, which drains.
    async fn ensemble() -> Registry {
        let config = ZkConfig::default();
        let coord = Arc::new(FakeEnsemble::calm().connect(&config.root));
        let registry = Registry::open(Arc::clone(&coord) as Arc<dyn Coord>, &config).await.unwrap();
        let entry = file(1, "zk1");
        let data = serde_json::to_vec(&entry.record).unwrap();
        coord.create(&registry.layout().file(entry.id), &data, Mode::Persistent).await.unwrap();
        let (_, version) = registry.ensure_node(&node_id("zk1")).await.unwrap();
        registry.write_node(&node_id("zk1"), &draining(), version).await.unwrap();
        registry
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_jobs_go_on_at_once_and_none_begins_after_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let (ctx, _clerk) = context(folder.path(), &[], mpsc::channel(1).0, watch::channel(None).1);
        let (dispatch, (go, gone)) = (testing::dispatch(&ctx), watch::channel(false));
        let job = || {
            let mut gone = gone.clone();
            dispatch.job("test", async move { _ = gone.wait_for(|gone| *gone).await })
        };
        for _ in 0..JOBS_MAX {
            job().unwrap();
        }
        // All have begun.
        for _ in 0..JOBS_MAX {
            tokio::task::yield_now().await;
        }
        assert!(matches!(job(), Err(Rejected::Busy { limit: JOBS_MAX, .. })));
        go.send_replace(true);
        while dispatch.slots.available_permits() < JOBS_MAX {
            tokio::task::yield_now().await;
        }
        job().unwrap();
        ctx.stop.cancel();
        assert!(matches!(job(), Err(Rejected::ShuttingDown)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_not_known_here_is_looked_for_in_the_ensemble() {
        let folder = tempfile::tempdir().unwrap();
        let link = watch::channel(Some(ensemble().await)).1;
        let (ctx, _clerk) = context(folder.path(), &[], mpsc::channel(8).0, link);
        let dispatch = testing::dispatch(&ctx);
        let find = async |file| {
            let (reply, answer) = oneshot::channel();
            dispatch.request(&mut testing::state(), Request::File { file, reply });
            answer.await.unwrap().map(|entry| entry.id)
        };
        assert!(find(FileId::new(1)).await.is_ok_and(|id| id == FileId::new(1)));
        assert!(matches!(find(FileId::new(2)).await, Err(Rejected::UnknownFile { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_that_is_lifted_before_its_node_is_empty_is_not_done() {
        for (files, status) in [(1, OperationStatus::Aborted), (0, OperationStatus::Done)] {
            let folder = tempfile::tempdir().unwrap();
            let (events, _heard) = mpsc::channel(64);
            let (ctx, clerk) = context(folder.path(), &[], events, watch::channel(Some(ensemble().await)).1);
            ctx.driver.job("clerk", clerk.work(false, async || {}));
            let mut state = testing::state();
            let mut tell = |event| state.apply(event, NOW);
            tell(Event::Session { state: SessionState::Connected, cause: None });
            tell(Event::Store(StoreView::Ours { id: "s".into() }));
            for (node, role) in [("zk1", Role::Follower), ("zk2", Role::Follower), ("zk3", Role::Leader)] {
                let srvr = Srvr { role: Some(role), ..Srvr::default() };
                tell(Event::Probed(Box::new(fixtures::sample(node_id(node), srvr, NOW))));
            }
            tell(Event::Node { node: node_id("zk1"), record: draining(), version: 1 });
            let entries = (0..files).map(|id| file(id, "zk1")).collect();
            tell(Event::FilesLoaded { entries, unreadable: Vec::new(), since: Mark(0) });
            let (undrain, by) = (Command::Undrain { node: node_id("zk1") }, Actor("test".into()));
            let (told, mut rows) = watch::channel(None);
            ctx.operations.watch(OperationId::new(5), told);
            testing::dispatch(&ctx).command(&mut state, &undrain, &by).unwrap();
            let ended = |row: &Option<Arc<Operation>>| row.as_ref().is_some_and(|row| row.status.is_final());
            let drain = rows.wait_for(ended).await.unwrap().clone();
            assert_eq!(drain.map(|row| row.status), Some(status), "{files} files");
        }
    }
}
