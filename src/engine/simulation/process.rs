//! One simulated zkdeck process: a session that is kept, the election, the recovery, and workers. The
//! jobs on files are the engine's own; what the loops around them do is done here in short.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::sabotage::{Saboteur, SpoiltDisk};
use super::sky::{Fault, Pid, store_root};
use super::work;
use super::world::{ROOT, WITNESS, World};
use crate::adapters::blobs::disk::Disk;
use crate::adapters::blobs::disk::fake::Trouble;
use crate::adapters::blobs::{BlobConfig, BlobStore};
use crate::adapters::history::History;
use crate::adapters::history::testing::Clerk;
use crate::adapters::zookeeper::coord::{Change, Coord, LinkState};
use crate::adapters::zookeeper::election::Membership;
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::fake::FakeCoord;
use crate::adapters::zookeeper::registry::{Fence, Registry};
use crate::domain::event::Event;
use crate::domain::ids::{Epoch, InstanceId, Timestamp};
use crate::domain::snapshot::{InstanceInfo, Snapshot};
use crate::engine::context::{Context, Marks};
use crate::engine::driver::Driver;
use crate::engine::files::recovery;
use crate::engine::files::underway::Underway;
use crate::engine::operations::Operations;

/// What the parts of a process know of each other.
#[derive(Default)]
pub(super) struct Mind {
    /// The epoch under which it believes to lead.
    pub(super) leads: Option<Epoch>,
    /// The versions of the nodes that may be targets, as they were seen last.
    pub(super) fence: Fence,
}

pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) ctx: Context,
    pub(super) mind: Mutex<Mind>,
    /// The session, for those who end it.
    coord: Mutex<Option<Arc<FakeCoord>>>,
    /// Jobs that the workers have still to do.
    pub(super) jobs: AtomicUsize,
    /// Workers that have not come to their end.
    pub(super) working: AtomicUsize,
    publish: watch::Sender<Option<Registry>>,
}

/// A process and its tasks; it dies when they are ended.
pub(super) struct Running {
    pub(super) process: Arc<Process>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    pub(super) fn end(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

#[expect(clippy::disallowed_methods, reason = "the simulated processes end with their world")]
pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}

/// What the jobs of a process work with, and what drains its events.
pub(super) fn context(
    pid: Pid,
    blobs: BlobStore,
    history: History,
    link: watch::Receiver<Option<Registry>>,
    snapshot: &Arc<Snapshot>,
) -> (Context, mpsc::Receiver<Event>) {
    let (events, events_rx) = mpsc::channel(1024);
    let (asks, _) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let info = InstanceInfo { id: InstanceId::new(u128::from(pid)), host: "sim".into(), pid, since_ms: Timestamp(0) };
    let ctx = Context {
        driver: Driver::new(events.clone(), stop.clone()),
        events,
        asks,
        catch_ups: mpsc::channel(1).0,
        marks: Marks::default(),
        link,
        snapshots: watch::channel(Arc::clone(snapshot)).1,
        blobs,
        operations: Operations::default(),
        history,
        me: info,
        underway: Underway::default(),
        stop,
    };
    (ctx, events_rx)
}

/// Starts a process whose workers do `jobs` together.
pub(super) fn start(world: &Arc<World>, pid: Pid, jobs: usize, snapshot: &Arc<Snapshot>) -> Running {
    let (publish, link) = watch::channel(None);
    let (history, clerk) = world.ledger.open();
    let (ctx, mut events_rx) = context(pid, store(world, pid), history, link, snapshot);
    let process = Arc::new(Process {
        pid,
        ctx,
        mind: Mutex::default(),
        coord: Mutex::default(),
        jobs: AtomicUsize::new(jobs),
        working: AtomicUsize::new(WORKERS),
        publish,
    });
    let mut tasks = vec![
        spawn(async move { while events_rx.recv().await.is_some() {} }),
        spawn(keep_books(Arc::clone(world), pid, clerk)),
        spawn(keep_session(Arc::clone(world), Arc::clone(&process))),
        spawn(keep_house(Arc::clone(world), Arc::clone(&process))),
    ];
    for _ in 0..WORKERS {
        tasks.push(spawn(work::work(Arc::clone(world), Arc::clone(&process))));
    }
    Running { process, tasks }
}

const WORKERS: usize = 2;

/// The store as the process sees it.
pub(super) fn store(world: &World, pid: Pid) -> BlobStore {
    let trouble = world.sky.disk_of(pid, &world.truth);
    let fake = world.volume.disk(Arc::clone(&trouble) as Arc<dyn Trouble>, Duration::from_millis(3));
    let disk: Arc<dyn Disk> = match world.sabotage {
        Some(rule) => Arc::new(SpoiltDisk { disk: fake, rule }),
        None => Arc::new(fake),
    };
    let opened = BlobStore::open_on(disk, BlobConfig::new(store_root()), &world.nodes);
    let store = opened.unwrap_or_else(|error| panic!("the simulated store: {error}")).with_id();
    // Whoever only looks at the end is no user.
    if pid != WITNESS {
        let announced = store.announce_now(InstanceId::new(u128::from(pid)), "the ensemble");
        announced.unwrap_or_else(|error| panic!("the simulated store: {error}"));
    }
    trouble.arm();
    store
}

async fn keep_books(world: Arc<World>, pid: Pid, clerk: Clerk) {
    let lies = world.sabotage == Some(super::sabotage::Sabotage::RowsLater);
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

/// Connects, joins the election, looks who leads, follows the link; for ever.
async fn keep_session(world: Arc<World>, process: Arc<Process>) {
    loop {
        sleep(world.sky.draw(|rng| rng.millis(300))).await;
        let coord = Arc::new(world.ensemble.connect(ROOT));
        world.sky.owns(process.pid, coord.session());
        *process.coord.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&coord));
        let seen: Arc<dyn Coord> = match world.sabotage {
            Some(rule) => {
                let trouble = world.sky.disk_of(process.pid, &world.truth);
                trouble.arm();
                let disk = world.volume.disk(trouble, Duration::ZERO);
                Arc::new(Saboteur { coord: Arc::clone(&coord), rule, disk })
            }
            None => coord,
        };
        follow(&world, &process, Registry::over(seen, ROOT)).await;
        _ = process.publish.send_replace(None);
        process.mind.lock().unwrap_or_else(PoisonError::into_inner).leads = None;
    }
}

/// Until the session has ended.
async fn follow(world: &World, process: &Process, registry: Registry) {
    let mut member = None;
    loop {
        while let Some(change) = registry.coord().next_change().now_or_never() {
            if matches!(change, Change::Link(LinkState::Ended(_))) {
                return;
            }
        }
        let connected = registry.coord().state() == LinkState::Connected;
        let told = process.publish.borrow().is_some();
        if !connected && told {
            _ = process.publish.send_replace(None);
        }
        if connected {
            // What fails is tried again at the next turn.
            _ = stand(world, process, &registry, &mut member).await;
            if member.is_some() && process.publish.borrow().is_none() {
                _ = process.publish.send_replace(Some(registry.clone()));
            }
        }
        sleep(world.sky.draw(|rng| rng.millis(400)) + Duration::from_millis(50)).await;
    }
}

async fn stand(
    world: &World,
    process: &Process,
    registry: &Registry,
    member: &mut Option<Membership>,
) -> Result<(), ZkError> {
    let joined = match member {
        Some(joined) => joined,
        None => member.insert(Membership::join(registry, &process.ctx.me, true).await?),
    };
    let leads = joined.standing().await?.leads;
    let known = process.mind.lock().unwrap_or_else(PoisonError::into_inner).leads;
    let epoch = match (leads, known) {
        (true, None) => Some(registry.bump_epoch().await?),
        (true, Some(known)) if registry.epoch().await? != Some(known) => Some(registry.bump_epoch().await?),
        (false, Some(known)) if world.sky.is_on(Fault::TwoLeaders) => {
            world.sky.fire(Fault::TwoLeaders);
            Some(known)
        }
        (true, known) => known,
        (false, _) => None,
    };
    let mut nodes = Vec::with_capacity(world.nodes.len());
    for node in &world.nodes {
        // A node that drains is no target, at whatever version.
        let active = registry.read_node(node).await?.filter(|(record, _)| !record.state.is_draining());
        nodes.extend(active.map(|(_, version)| (node.clone(), version)));
    }
    let mut mind = process.mind.lock().unwrap_or_else(PoisonError::into_inner);
    mind.leads = epoch;
    mind.fence = Fence { epoch: None, nodes };
    Ok(())
}

/// What the housekeeping loop does for files.
async fn keep_house(world: Arc<World>, process: Arc<Process>) {
    loop {
        let pause = world.sky.draw(|rng| rng.millis(1500)) + Duration::from_millis(500);
        sleep(pause).await;
        let leads = process.mind.lock().unwrap_or_else(PoisonError::into_inner).leads.is_some();
        // What cannot be ended now is tried again.
        _ = recovery::run(&process.ctx, leads).await;
    }
}

impl Process {
    pub(super) fn session(&self) -> Option<Arc<FakeCoord>> {
        self.coord.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.working.load(Ordering::Relaxed) == 0
    }
}
