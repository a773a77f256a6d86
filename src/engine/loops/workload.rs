//! The sample traffic: reads, writes and a few files, so that there is something to see.
//!
//! It puts files on the node furthest under its share and removes its oldest from the one furthest
//! over it, so that it keeps the counts level and the number of its files bounded.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::adapters::zookeeper::coord::{Connect, Coord, LinkState};
use crate::domain::cause::Fault;
use crate::domain::command::{Accepted, Automatic, Rejected};
use crate::domain::event::Event;
use crate::domain::file::FileEntry;
use crate::domain::ids::{Bytes, Millis, OperationId, Timestamp};
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::planner::{Counted, share};
use crate::domain::snapshot::{LoopName, Snapshot, WorkloadOff, WorkloadView};
use crate::engine::clock::{self, Alarm};
use crate::engine::context::Context;
use crate::engine::driver::Loop;
use crate::engine::files::delete;
use crate::engine::files::failure::{Failure, zk_fault};
use crate::engine::files::upload::{self, Source, UploadOrder};
use crate::engine::orders::OperationRow;

/// Names of the workload's files begin with this.
const PREFIX: &str = "workload-";
/// Files that the workload keeps at most.
const FILES_KEPT: usize = 24;
const READS: usize = 12;
const WRITES: usize = 6;
const WAITING_MAX: usize = 4;
/// The jitter is at most this part of the interval.
const JITTER_PART: u64 = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadConfig {
    /// Why it does not run on its timer.
    pub off: Option<WorkloadOff>,
    pub interval: Millis,
    /// Sessions that are held open beside the console's own.
    pub extra_clients: usize,
}

struct WorkloadRequest {
    id: OperationId,
    by: String,
    at: Timestamp,
}

/// Asks for a run by hand.
#[derive(Clone)]
pub struct WorkloadPort(mpsc::Sender<WorkloadRequest>);

impl WorkloadPort {
    /// Whoever is told the operation finds its row, which is there from the beginning.
    ///
    /// # Errors
    /// [`Rejected::Busy`] when enough runs wait, [`Rejected::ShuttingDown`].
    pub fn run(&self, ctx: &Context, by: String) -> Result<Accepted, Rejected> {
        let place = self.0.clone().try_reserve_owned().map_err(|error| match error {
            TrySendError::Full(_) => Rejected::Busy { what: "workload runs that wait".into(), limit: WAITING_MAX },
            TrySendError::Closed(_) => Rejected::ShuttingDown,
        })?;
        let id = clock::new_operation();
        let request = WorkloadRequest { id, by, at: clock::now() };
        let begun = row(ctx, &request, OperationStatus::Started, "sample traffic".into(), None);
        ctx.operations.put(&Arc::new(begun.clone()));
        let recorded = ctx.clone();
        ctx.driver.job("workload-run", async move {
            recorded.record(begun).await;
            place.send(request);
        });
        Ok(Accepted { operation: Some(id), message: "running the workload".into() })
    }
}

pub struct WorkloadLoop {
    ctx: Context,
    servers: Arc<dyn Connect>,
    config: WorkloadConfig,
    seconds: Interval,
    runs: mpsc::Receiver<WorkloadRequest>,
    asked: Option<WorkloadRequest>,
    view: WorkloadView,
    told: WorkloadView,
    clients: Vec<Arc<dyn Coord>>,
    next_connect: Instant,
    next_run: Option<Alarm>,
}

impl WorkloadLoop {
    #[must_use]
    pub fn new(ctx: Context, servers: Arc<dyn Connect>, config: WorkloadConfig) -> (Self, WorkloadPort) {
        let (runs_tx, runs) = mpsc::channel(WAITING_MAX);
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let view = WorkloadView {
            off: config.off,
            interval: config.interval,
            extra_clients: config.extra_clients,
            ..WorkloadView::default()
        };
        let next_connect = Instant::now();
        let told = view.clone();
        let clients = Vec::new();
        let (asked, next_run) = (None, None);
        let workload = Self { ctx, servers, config, seconds, runs, asked, view, told, clients, next_connect, next_run };
        (workload, WorkloadPort(runs_tx))
    }

    async fn tell(&mut self) {
        if self.view != self.told {
            self.told = self.view.clone();
            self.ctx.emit(Event::Workload(self.view.clone())).await;
        }
    }

    /// The interval with a random part, so that instances and scrapers do not fall into step.
    fn next(&self) -> Alarm {
        let span = (self.config.interval.0 / JITTER_PART).max(1);
        let random = clock::new_operation().bits() as u64;
        Alarm::after(Millis(self.config.interval.0.saturating_add(random % span)))
    }

    /// Keeps the time of the next run; whether one is due.
    fn due(&mut self, leads: bool) -> bool {
        let due = self.next_run.is_some_and(|at| at.is_due());
        self.next_run = match self.next_run {
            _ if !leads || self.config.off.is_some() => None,
            Some(at) if !due => Some(at.corrected(clock::now())),
            _ => Some(self.next()),
        };
        self.view.next_run = self.next_run.map(|at| at.shown());
        due && self.next_run.is_some()
    }

    /// Holds the extra sessions open: one more each time, none while there is no ensemble.
    async fn hold_clients(&mut self, leads: bool) {
        if !leads || self.config.off.is_some() {
            for client in self.clients.drain(..) {
                client.close().await;
            }
        }
        self.clients.retain(|client| !matches!(client.state(), LinkState::Ended(_)));
        let wanted = leads && self.config.off.is_none() && self.clients.len() < self.config.extra_clients;
        if wanted && self.next_connect <= Instant::now() {
            self.next_connect = Instant::now() + Duration::from_secs(1);
            match self.servers.connect().await {
                Ok(client) => self.clients.push(client),
                Err(error) => tracing::warn!("an extra client of the workload: {error}"),
            }
        }
        let connected = self.clients.iter().filter(|client| client.state() == LinkState::Connected);
        self.view.extra_connected = connected.count();
    }

    async fn run(&mut self, request: WorkloadRequest) -> Result<(), String> {
        self.view.running = true;
        self.tell().await;
        let result = traffic(&self.ctx, request.id, clock::now()).await;
        self.view.running = false;
        self.view.runs += 1;
        let (status, what, fault) = match &result {
            Ok(what) => (OperationStatus::Done, what.clone(), None),
            Err(fault) => (OperationStatus::Failed, "sample traffic".into(), Some(fault.clone())),
        };
        self.view.failures += u64::from(result.is_err());
        self.view.last = Some(what.clone());
        self.ctx.record(row(&self.ctx, &request, status, what, fault)).await;
        self.tell().await;
        result.map(drop).map_err(|fault| fault.why)
    }
}

fn row(
    ctx: &Context,
    request: &WorkloadRequest,
    status: OperationStatus,
    what: String,
    fault: Option<Fault>,
) -> Operation {
    let (kind, by) = (OperationKind::Workload, request.by.clone());
    OperationRow { started: request.at, ..OperationRow::begun(ctx, request.id, kind, what, by) }
        .operation(status, fault)
}

/// One run: reads and writes of records, one file in, old ones out. Returns what it did in words.
async fn traffic(ctx: &Context, id: OperationId, started: Timestamp) -> Result<String, Fault> {
    let registry = ctx.registry().ok_or_else(|| Fault::from(&Failure::NoSession))?;
    let snapshot = ctx.snapshot();
    let mut reads = 0;
    for entry in snapshot.files.iter().take(READS) {
        registry.read_file(entry.id).await.map_err(|error| zk_fault(&error))?;
        reads += 1;
    }
    for _ in 0..WRITES {
        registry.canary().await.map_err(|error| zk_fault(&error))?;
    }
    put(ctx, id).await?;
    let removed = trim(ctx, &snapshot).await?;
    let took = clock::now().since(started);
    Ok(format!("{reads} reads, {WRITES} writes, 1 file in, {removed} out, {took}"))
}

async fn put(ctx: &Context, id: OperationId) -> Result<(), Fault> {
    let seed = id.bits() as u64;
    let size = Bytes((4 + seed % 60) * 1024);
    let node = ctx.emptiest(size).await.map_err(Fault::from)?;
    let fence = ctx.fence(vec![node.clone()]).await.ok_or_else(Fault::ending)?;
    let tag = format!("{:032x}", id.bits());
    let order = UploadOrder {
        attempt: clock::new_attempt(),
        file: clock::new_file(),
        name: format!("{PREFIX}{}.bin", &tag[20..]),
        node,
        pinned: false,
        source: Source::Generated { size, seed },
        by: Automatic::Workload.word().into(),
        why: "workload".into(),
    };
    upload::run(ctx, order, &fence).await.map(drop).map_err(|failure| Fault::from(&failure))
}

/// Removes the oldest of the workload's files while there are too many, each from the node furthest
/// over its share that has one.
async fn trim(ctx: &Context, snapshot: &Snapshot) -> Result<usize, Fault> {
    let mut own: Vec<Arc<FileEntry>> =
        snapshot.files.iter().filter(|entry| entry.record.name.starts_with(PREFIX)).cloned().collect();
    let excess = (own.len() + 1).saturating_sub(FILES_KEPT);
    if excess == 0 {
        return Ok(0);
    }
    // The bytes of those out of sight would come back.
    own.retain(|entry| !snapshot.scrub.hides(&entry.record.owner));
    own.sort_by_key(|entry| entry.record.created_ms);
    let mut counted: Vec<Counted> = snapshot.nodes.iter().map(Counted::of).collect();
    let mut removed = 0;
    for _ in 0..excess {
        let Some((node, at)) = oldest_of_fullest(&own, snapshot, &counted) else { break };
        let entry = own.remove(at);
        let moving = snapshot.moves.iter().any(|view| view.file == entry.id);
        if moving || delete::run(ctx, clock::new_attempt(), &entry, Automatic::Workload.word()).await.is_err() {
            continue;
        }
        removed += 1;
        counted[node].count = counted[node].count.saturating_sub(1);
    }
    Ok(removed)
}

/// Position of the node, and of the first of its files in `own`.
fn oldest_of_fullest(own: &[Arc<FileEntry>], snapshot: &Snapshot, counted: &[Counted]) -> Option<(usize, usize)> {
    let first = |node: usize| own.iter().position(|entry| entry.record.owner == snapshot.nodes[node].id);
    let node = share::fullest(counted, |node| first(node).is_some())?;
    Some((node, first(node)?))
}

#[async_trait]
impl Loop for WorkloadLoop {
    fn name(&self) -> LoopName {
        LoopName::Workload
    }

    async fn wait(&mut self) {
        tokio::select! {
            biased;
            Some(request) = self.runs.recv() => self.asked = Some(request),
            _ = self.seconds.tick() => {}
        }
    }

    async fn turn(&mut self) -> Result<(), String> {
        if let Some(request) = self.asked.take() {
            return self.run(request).await;
        }
        let snapshot = self.ctx.snapshot();
        let leads = snapshot.leadership.leads;
        let due = self.due(leads);
        self.hold_clients(leads).await;
        self.tell().await;
        if due && snapshot.files_complete {
            let request =
                WorkloadRequest { id: clock::new_operation(), by: Automatic::Timer.word().into(), at: clock::now() };
            return self.run(request).await;
        }
        Ok(())
    }

    async fn finish(&mut self) {
        self.runs.close();
        // One that never began; its place is given back when its row has been written.
        while let Some(request) = match self.asked.take() {
            Some(asked) => Some(asked),
            None => self.runs.recv().await,
        } {
            let ended =
                row(&self.ctx, &request, OperationStatus::Failed, "sample traffic".into(), Some(Fault::ending()));
            self.ctx.record(ended).await;
        }
        for client in self.clients.drain(..) {
            client.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;
    use crate::adapters::zookeeper::ZkConfig;
    use crate::adapters::zookeeper::real::RealServers;
    use crate::domain::fixtures::{self, NOW, node_id};
    use crate::domain::snapshot::ScrubTrouble;
    use crate::engine::context::testing::context;

    #[tokio::test]
    async fn the_workload_deletes_no_file_whose_disk_is_not_mounted() {
        let folder = tempfile::tempdir().unwrap();
        let (events, mut heard) = mpsc::channel(256);
        let (ctx, _clerk) = context(folder.path(), &[node_id("zk1")], events, watch::channel(None).1);
        let mut snapshot = fixtures::snapshot();
        for id in 0..=FILES_KEPT as u128 {
            let mut entry = fixtures::file(9_000 + id, "zk1");
            entry.record.name = format!("{PREFIX}{id}");
            snapshot.files.insert(Arc::new(entry));
        }
        let tried = async |snapshot: &Snapshot, heard: &mut mpsc::Receiver<Event>| {
            trim(&ctx, snapshot).await.unwrap();
            std::iter::from_fn(|| heard.try_recv().ok()).filter(|event| matches!(event, Event::Operation(_))).count()
        };
        assert!(tried(&snapshot, &mut heard).await > 0, "without a session they fail, and are tried");
        snapshot.scrub.troubles = vec![ScrubTrouble { node: Some(node_id("zk1")), cause: "is it mounted?".into() }];
        assert_eq!(tried(&snapshot, &mut heard).await, 0);
    }

    fn workload(ctx: &Context) -> (WorkloadLoop, WorkloadPort) {
        let config = WorkloadConfig { off: None, interval: Millis::from_secs(60), extra_clients: 0 };
        WorkloadLoop::new(ctx.clone(), Arc::new(RealServers(ZkConfig::default())), config)
    }

    #[tokio::test]
    async fn a_run_of_the_workload_that_was_asked_for_has_its_row_from_the_beginning_and_one_end() {
        for ends in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let (events, mut heard) = mpsc::channel(256);
            let (ctx, clerk) = context(folder.path(), &[], events, watch::channel(None).1);
            ctx.driver.job("clerk", clerk.work(false, async || {}));
            let (mut workload, port) = workload(&ctx);
            let id = port.run(&ctx, "a person".into()).unwrap().operation.unwrap();
            let begun = ctx.operations.find(id).unwrap();
            assert_eq!((begun.status, begun.finished), (OperationStatus::Started, None));
            if ends {
                workload.finish().await;
                assert_eq!(port.run(&ctx, "late".into()), Err(Rejected::ShuttingDown));
            } else {
                workload.wait().await;
                while workload.asked.is_none() {
                    workload.wait().await;
                }
                // There is no session.
                assert!(workload.turn().await.is_err());
            }
            let ended = ctx.operations.find(id).unwrap();
            assert_eq!((ended.status, ended.started), (OperationStatus::Failed, begun.started));
            let mut rows = Vec::new();
            while let Ok(event) = heard.try_recv() {
                if let Event::Operation(row) = event {
                    rows.push((row.id, row.status));
                }
            }
            assert_eq!(rows, [(id, OperationStatus::Started), (id, OperationStatus::Failed)]);
        }
    }

    #[tokio::test]
    async fn the_timers_own_run_has_one_row() {
        let folder = tempfile::tempdir().unwrap();
        let (events, mut heard) = mpsc::channel(256);
        let (ctx, clerk) = context(folder.path(), &[], events, watch::channel(None).1);
        ctx.driver.job("clerk", clerk.work(false, async || {}));
        let (mut workload, _port) = workload(&ctx);
        _ = workload
            .run(WorkloadRequest { id: clock::new_operation(), by: Automatic::Timer.word().into(), at: NOW })
            .await;
        let rows = std::iter::from_fn(|| heard.try_recv().ok()).filter(|event| matches!(event, Event::Operation(_)));
        assert_eq!(rows.count(), 1);
    }
}
