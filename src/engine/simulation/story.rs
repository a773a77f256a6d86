//! What happens in a world, in its order: troubles, then calm.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::process::{self, Running};
use super::rng::Rng;
use super::sky::{Pid, SkyFault};
use super::truth::store_root;
use super::world::{REST_MAX, TICK, WITNESS, World, until};
use super::{moment, stranger, work};
use crate::adapters::zookeeper::fake::{Calm, FakeCoord, FakeEnsemble};
use crate::domain::file::{FileEntry, blob_name};
use crate::domain::ids::AttemptId;
use crate::domain::snapshot::Snapshot;

/// How long a world is troubled at most.
const TROUBLE_MAX: Duration = Duration::from_secs(30);

/// Something that happens at a time.
enum StoryEvent {
    Mishap,
    Restart {
        jobs: usize,
    },
    /// The servers end the session of a process that died.
    Forget(Arc<FakeCoord>),
    Reconnect(Arc<FakeCoord>),
    /// A zkdeck of another ensemble comes to the folder.
    Visit,
    /// The servers' disks are copied.
    Save,
}

pub(super) struct Story<'a> {
    pub(super) world: &'a Arc<World>,
    rng: Rng,
    on: BTreeSet<SkyFault>,
    pub(super) snapshot: &'a Arc<Snapshot>,
    pub(super) running: Vec<Running>,
    next_pid: Pid,
    plan: Vec<(Instant, StoryEvent)>,
    /// Blobs that are damaged: they may be served and moved by nobody, and nothing else may be.
    pub(super) flipped: BTreeSet<AttemptId>,
    /// The servers as they were once, with the records of that time.
    pub(super) saved: Option<(FakeEnsemble, Vec<FileEntry>)>,
    /// Whether a process was taken for dead and went on: only such a one may leave bytes that nobody
    /// speaks of, since it writes after the recovery has seen to its attempt.
    pub(super) haunted: bool,
}

impl<'a> Story<'a> {
    pub(super) fn new(world: &'a Arc<World>, rng: Rng, on: BTreeSet<SkyFault>, snapshot: &'a Arc<Snapshot>) -> Self {
        Self {
            world,
            rng,
            on,
            snapshot,
            running: Vec::new(),
            next_pid: WITNESS + 1,
            plan: Vec::new(),
            flipped: BTreeSet::new(),
            saved: None,
            haunted: false,
        }
    }

    pub(super) fn plan_later(&mut self, rng: &mut Rng) {
        for (fault, event) in [(SkyFault::Stranger, StoryEvent::Visit), (SkyFault::OldSnapshot, StoryEvent::Save)] {
            if self.on.contains(&fault) {
                self.plan.push((Instant::now() + rng.millis(6_000), event));
            }
        }
    }

    /// Whoever lives dies, and the servers know it.
    pub(super) fn end_all(&mut self) {
        for one in std::mem::take(&mut self.running) {
            self.world.sky.kill(one.process.pid);
            one.end();
            one.process.session().iter().for_each(|coord| self.world.ensemble.forget(coord));
        }
    }

    pub(super) fn begin(&mut self, jobs: usize) {
        let pid = self.next_pid;
        self.next_pid += 1;
        let mut running = process::start(self.world, pid, jobs);
        work::employ(self.world, &mut running);
        self.running.push(running);
    }

    fn later(&mut self, millis: u64, event: StoryEvent) {
        let at = Instant::now() + self.rng.millis(millis);
        self.plan.push((at, event));
    }

    /// Until the jobs are done.
    pub(super) async fn troubles(&mut self) {
        self.world.sky.set_calm(false);
        for _ in 0..2 + self.rng.below(2) {
            let jobs = 4 + self.rng.below(5) as usize;
            self.begin(jobs);
        }
        for _ in 0..self.rng.below(5) {
            self.later(5_000, StoryEvent::Mishap);
        }
        let end = Instant::now() + TROUBLE_MAX;
        while Instant::now() < end && !(self.plan.is_empty() && self.all_idle()) {
            sleep(TICK).await;
            self.tick();
        }
    }

    fn all_idle(&self) -> bool {
        self.running.iter().all(|one| one.process.is_idle())
    }

    fn tick(&mut self) {
        for pid in self.world.sky.take_died() {
            self.bury(pid);
        }
        let now = Instant::now();
        while let Some(at) = self.plan.iter().position(|(due, _)| *due <= now) {
            match self.plan.remove(at).1 {
                StoryEvent::Mishap => self.mishap(),
                StoryEvent::Restart { jobs } => self.begin(jobs),
                StoryEvent::Forget(coord) => self.world.ensemble.forget(&coord),
                StoryEvent::Reconnect(coord) => self.world.ensemble.reconnect(&coord),
                StoryEvent::Visit => {
                    self.world.sky.fire(SkyFault::Stranger);
                    process::spawn(stranger::visit(Arc::clone(self.world), Arc::clone(self.snapshot)));
                }
                StoryEvent::Save => {
                    let copy = self.world.ensemble.copy(Arc::new(Calm));
                    self.saved = Some((copy, self.world.truth.files()));
                }
            }
        }
    }

    fn bury(&mut self, pid: Pid) {
        let Some(at) = self.running.iter().position(|one| one.process.pid == pid) else { return };
        let dead = self.running.remove(at);
        dead.end();
        if let Some(coord) = dead.process.session() {
            self.later(6_000, StoryEvent::Forget(coord));
        }
        let jobs = dead.process.jobs.load(Ordering::Relaxed);
        self.later(3_000, StoryEvent::Restart { jobs });
    }

    fn mishap(&mut self) {
        const MISHAPS: [SkyFault; 6] = [
            SkyFault::Kill,
            SkyFault::PowerLoss,
            SkyFault::Expiry,
            SkyFault::ThoughtDead,
            SkyFault::Disconnect,
            SkyFault::BitFlip,
        ];
        let possible: Vec<SkyFault> = MISHAPS.into_iter().filter(|fault| self.on.contains(fault)).collect();
        let whom = self.rng.below(self.running.len().max(1) as u64) as usize;
        let (Some(fault), Some(one)) = (self.rng.pick(&possible).copied(), self.running.get(whom)) else { return };
        let (sky, ensemble) = (Arc::clone(&self.world.sky), self.world.ensemble.clone());
        let (pid, session) = (one.process.pid, one.process.session());
        match (fault, session) {
            (SkyFault::Kill, _) => sky.doom(pid, self.rng.below(60)),
            (SkyFault::PowerLoss, _) => self.lose_power(),
            (SkyFault::BitFlip, _) => self.flip_a_bit(),
            (SkyFault::Expiry, Some(coord)) => {
                sky.fire(fault);
                self.haunted = true;
                ensemble.expire(&coord);
            }
            (SkyFault::ThoughtDead, Some(coord)) => {
                sky.fire(fault);
                self.haunted = true;
                ensemble.forget(&coord);
            }
            (SkyFault::Disconnect, Some(coord)) => {
                sky.fire(fault);
                ensemble.disconnect(&coord);
                self.later(4_000, StoryEvent::Reconnect(coord));
            }
            _ => {}
        }
    }

    fn flip_a_bit(&mut self) {
        let files = self.world.truth.files();
        let Some(entry) = self.rng.pick(&files) else { return };
        let record = &entry.record;
        let path = store_root().join(record.owner.as_str()).join(blob_name(entry.id, record.blob));
        // The same bit twice is no damage.
        if !self.flipped.contains(&record.blob) && self.world.volume.flip(&path) {
            self.world.sky.fire(SkyFault::BitFlip);
            self.flipped.insert(record.blob);
            self.world.truth.may_give_way(self.flipped.clone());
        }
    }

    fn lose_power(&mut self) {
        self.world.sky.fire(SkyFault::PowerLoss);
        let pids: Vec<Pid> = self.running.iter().map(|one| one.process.pid).collect();
        for pid in pids {
            self.world.sky.kill(pid);
            self.bury(pid);
        }
        let rng = &mut self.rng;
        self.world.volume.lose_power(|| rng.chance(500));
    }

    /// Calm: everything that is under way comes to its end, and the recovery sees to the rest. Whether
    /// it all did.
    pub(super) async fn rest(&mut self) -> Result<(), String> {
        let sky = Arc::clone(&self.world.sky);
        sky.set_calm(true);
        for (_, event) in std::mem::take(&mut self.plan) {
            match event {
                StoryEvent::Forget(coord) => self.world.ensemble.forget(&coord),
                StoryEvent::Reconnect(coord) => self.world.ensemble.reconnect(&coord),
                StoryEvent::Mishap | StoryEvent::Restart { .. } | StoryEvent::Visit | StoryEvent::Save => {}
            }
        }
        sky.take_died().into_iter().for_each(|pid| self.bury(pid));
        for (_, event) in std::mem::take(&mut self.plan) {
            if let StoryEvent::Forget(coord) = event {
                self.world.ensemble.forget(&coord);
            }
        }
        if !until(REST_MAX, || self.all_idle()).await {
            let busy = self.running.iter().filter(|one| !one.process.is_idle()).map(|one| one.process.pid);
            return Err(format!("the workers of {:?} are at their jobs still", busy.collect::<Vec<_>>()));
        }
        self.world.ensemble.settle();
        if self.rng.chance(500) {
            self.end_all();
            self.begin(0);
        }
        self.recover().await
    }

    /// Until no intent is left, by the processes' own recovery.
    async fn recover(&self) -> Result<(), String> {
        let ready = || self.running.iter().all(|one| one.process.is_up());
        if !until(REST_MAX, ready).await {
            let down = self.running.iter().filter(|one| !one.process.is_up());
            let told = |one: &Running| (one.process.pid, one.process.handle.snapshot().session.clone());
            return Err(format!("not up: {:?}", down.map(told).collect::<Vec<_>>()));
        }
        let end = Instant::now() + REST_MAX;
        while !moment::intents(&self.world.ensemble).await.is_empty() {
            if Instant::now() > end {
                let who = |one: &Running| (one.process.pid, one.process.handle.snapshot().leadership.clone());
                let who: Vec<_> = self.running.iter().map(who).collect();
                return Err(format!("intents {:?} are left; {who:?}", moment::intents(&self.world.ensemble).await));
            }
            sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    }
}
