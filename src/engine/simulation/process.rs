//! One simulated zkdeck process: the engine as it is, over fakes, and workers beside it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::sabotage::{Sabotage, Saboteur, SpoiltDisk};
use super::sky::{Eyes, Pid};
use super::truth::store_root;
use super::world::{ROOT, World};
use crate::adapters::blobs::disk::Disk;
use crate::adapters::blobs::disk::fake::Trouble;
use crate::adapters::blobs::{BlobConfig, BlobStore};
use crate::adapters::control::off::Off;
use crate::adapters::history::testing::Clerk;
use crate::adapters::logs::{LocalLogs, Logs};
use crate::adapters::probe::{Probe, Target};
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::coord::{Connect, Coord};
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::fake::FakeCoord;
use crate::domain::connection::Connection;
use crate::domain::fixtures;
use crate::domain::ids::{InstanceId, Millis, NodeId, Timestamp, Zxid};
use crate::domain::server::{Role, Sample, Srvr};
use crate::domain::setting::SchedulerSettings;
use crate::domain::snapshot::{InstanceInfo, WorkloadOff};
use crate::domain::state::{ServerSetting, Settings};
use crate::engine::clock;
use crate::engine::context::Context;
use crate::engine::handle::Handle;
use crate::engine::loops::scrub::ScrubConfig;
use crate::engine::loops::workload::WorkloadConfig;
use crate::engine::start::{self, Engine, Parts};

/// The spread from which on a run moves files.
pub(super) const TRIGGER: u64 = 3;

pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) ctx: Context,
    pub(super) handle: Handle,
    servers: Arc<ProcessServers>,
    /// Jobs that the workers have still to do.
    pub(super) jobs: AtomicUsize,
    /// Workers that have not come to their end.
    pub(super) working: AtomicUsize,
}

/// A process and its tasks; it dies when they are ended.
pub(super) struct Running {
    pub(super) process: Arc<Process>,
    engine: Engine,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// A task that dies with the process.
    pub(super) fn add(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(spawn(task));
    }

    /// Ends it in order, as SIGTERM does; what did not end in time.
    pub(super) async fn finish(self) -> Vec<String> {
        self.engine.end().await
    }

    pub(super) fn end(&self) {
        self.engine.kill();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

#[expect(clippy::disallowed_methods, reason = "the simulated processes end with their world")]
pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}

/// Starts a process without workers; once it has some they do `jobs` together.
pub(super) fn start(world: &Arc<World>, pid: Pid, jobs: usize) -> Running {
    let servers = Arc::new(ProcessServers {
        world: Arc::clone(world),
        pid,
        config: ZkConfig { root: ROOT.into(), hosts: vec!["the ensemble".into()], ..ZkConfig::default() },
        session: Mutex::default(),
    });
    let (history, clerk) = world.ledger.open();
    let me = InstanceInfo {
        id: InstanceId::new(u128::from(pid)),
        host: "sim".into(),
        pid,
        since_ms: clock::now(),
        scheduler: None,
        seat: None,
    };
    let target = |node: &NodeId| Target { node: node.clone(), client: format!("{node}:2181"), metrics: None };
    let (handle, engine) = start::start(Parts {
        settings: settings(&world.nodes),
        servers: Arc::clone(&servers) as Arc<dyn Connect>,
        prober: Arc::new(FakeProber),
        targets: world.nodes.iter().map(target).collect(),
        blobs: store(world, pid),
        history,
        series: None,
        prometheus: None,
        logs: Logs::new(LocalLogs::new(PathBuf::from("/logs")), None),
        control: Arc::new(Off::new("they are simulated")),
        local: None,
        workload: WorkloadConfig { off: Some(WorkloadOff::Disabled), interval: Millis(20_000), extra_clients: 0 },
        scrub: ScrubConfig { sizes: Duration::from_secs(4), hashes: Duration::from_secs(20) },
        instance: fixtures::instance_view(&me),
        notes: Vec::new(),
    });
    let process = Arc::new(Process {
        pid,
        ctx: engine.context().clone(),
        handle,
        servers,
        jobs: AtomicUsize::new(jobs),
        working: AtomicUsize::new(0),
    });
    let tasks = vec![spawn(keep_books(Arc::clone(world), pid, clerk))];
    Running { process, engine, tasks }
}

/// Runs are due soon, and move for little.
fn settings(nodes: &[NodeId]) -> Settings {
    let server = |node: &NodeId| ServerSetting { node: node.clone(), address: format!("{node}:2181") };
    Settings {
        servers: nodes.iter().map(server).collect(),
        scheduler: SchedulerSettings {
            interval_s: 4,
            threshold: TRIGGER,
            settle: 1,
            cool_down_s: 0,
            reserve_mib: 0,
            parallel: 8,
        },
        configured: Vec::new(),
        workload_off: Some(WorkloadOff::Disabled),
        workload_interval: Millis(20_000),
        workload_clients: 0,
    }
}

/// The disk as the process sees it.
fn disk(world: &World, pid: Pid) -> (Arc<dyn Disk>, Arc<super::sky::DiskSky>) {
    let trouble = world.sky.disk_of(pid, &world.truth);
    let fake = world.volume.disk(Arc::clone(&trouble) as Arc<dyn Trouble>, Duration::from_millis(3));
    let disk: Arc<dyn Disk> = match world.sabotage {
        Some(rule) => Arc::new(SpoiltDisk { disk: fake, rule }),
        None => Arc::new(fake),
    };
    (disk, trouble)
}

/// The store as the process sees it.
pub(super) fn store(world: &World, pid: Pid) -> BlobStore {
    let (disk, trouble) = disk(world, pid);
    let opened = BlobStore::open_on(disk, BlobConfig::new(store_root()), &world.nodes);
    let store = opened.unwrap_or_else(|error| panic!("the simulated store: {error}"));
    trouble.arm();
    store
}

async fn keep_books(world: Arc<World>, pid: Pid, clerk: Clerk) {
    let lies = world.sabotage == Some(Sabotage::RowsLater);
    clerk
        .work(lies, || async {
            sleep(world.sky.draw(|rng| rng.millis(if lies { 400 } else { 8 }))).await;
            // What a dead process had queued is lost with it.
            if world.sky.is_dead(pid) {
                std::future::pending::<()>().await;
            }
        })
        .await;
}

/// The way of one process to the servers.
struct ProcessServers {
    world: Arc<World>,
    pid: Pid,
    config: ZkConfig,
    /// The session, for those who end it.
    session: Mutex<Option<Arc<FakeCoord>>>,
}

#[async_trait]
impl Connect for ProcessServers {
    fn config(&self) -> &ZkConfig {
        &self.config
    }

    async fn connect(&self) -> Result<Arc<dyn Coord>, ZkError> {
        let world = &self.world;
        sleep(world.sky.draw(|rng| rng.millis(300))).await;
        let coord = Arc::new(world.ensemble.connect(ROOT));
        world.sky.owns(self.pid, coord.session());
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&coord));
        let me = InstanceId::new(u128::from(self.pid));
        let seen: Arc<dyn Coord> = match world.sabotage {
            Some(rule) => {
                let trouble = world.sky.disk_of(self.pid, &world.truth);
                trouble.arm();
                Arc::new(Saboteur { coord, rule, disk: world.volume.disk(trouble, Duration::ZERO), me })
            }
            None => coord,
        };
        Ok(Arc::new(Eyes::new(seen, Arc::clone(&world.sky), me)))
    }
}

/// Servers that serve, of which the first leads.
struct FakeProber;

#[async_trait]
impl Probe for FakeProber {
    async fn sample(&self, target: &Target, now: fn() -> Timestamp) -> Sample {
        let role = if target.node.as_str() == "zk1" { Role::Leader } else { Role::Follower };
        let srvr = Srvr { role: Some(role), zxid: Some(Zxid(1 << 32)), ..Srvr::default() };
        fixtures::sample(target.node.clone(), srvr, now())
    }

    async fn connections(&self, _: &Target) -> Result<Vec<Connection>, String> {
        Ok(Vec::new())
    }
}

impl Process {
    pub(super) fn session(&self) -> Option<Arc<FakeCoord>> {
        self.servers.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether files can be worked on.
    pub(super) fn is_up(&self) -> bool {
        let snapshot = self.handle.snapshot();
        self.ctx.registry().is_some() && snapshot.files_complete && snapshot.session.store.check().is_ok()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.working.load(Ordering::Relaxed) == 0
    }
}
