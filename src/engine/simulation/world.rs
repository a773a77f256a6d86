//! One world: an ensemble, a store, a history, and the processes in it, from a seed to a verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::moment::{self, Moment};
use super::process::{self, Running};
use super::rng::Rng;
use super::sabotage::Sabotage;
use super::sky::{Fault, Pid, Sky, store_root};
use super::truth::Truth;
use super::{calm, past, stranger, work};
use crate::adapters::blobs::disk::fake::Volume;
use crate::adapters::history::testing::Ledger;
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::coord::{Coord, Mode};
use crate::adapters::zookeeper::fake::{Calm, FakeCoord, FakeEnsemble};
use crate::adapters::zookeeper::layout::Layout;
use crate::adapters::zookeeper::registry::Registry;
use crate::domain::file::{FileEntry, blob_name};
use crate::domain::fixtures::{self, node_id};
use crate::domain::ids::{AttemptId, FileId, NodeId};
use crate::domain::invariants::{Invariant, Violation, check};
use crate::domain::snapshot::Snapshot;
use crate::engine::clock;

pub(super) const ROOT: &str = "/demo";
/// How often the world sees to deaths, restarts and mishaps.
const TICK: Duration = Duration::from_millis(50);
/// How long a world is troubled at most, and how long it may take to come to rest.
const TROUBLE_MAX: Duration = Duration::from_secs(30);
pub(super) const REST_MAX: Duration = Duration::from_secs(600);
/// Process that no fault befalls: it makes the first files and looks at the end.
pub(super) const WITNESS: Pid = 0;

pub(super) struct World {
    pub(super) sky: Arc<Sky>,
    pub(super) truth: Arc<Truth>,
    pub(super) ensemble: FakeEnsemble,
    pub(super) volume: Volume,
    pub(super) ledger: Ledger,
    pub(super) nodes: Vec<NodeId>,
    pub(super) sabotage: Option<Sabotage>,
    /// An ensemble without anything.
    pub(super) blank: FakeEnsemble,
    files: Mutex<Vec<FileId>>,
}

/// What all worlds of a thread begin with.
pub(super) struct Template {
    ensemble: FakeEnsemble,
    /// What a process sees that has seen nothing.
    snapshot: Arc<Snapshot>,
}

/// What came of a world.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) violations: Vec<String>,
    pub(super) fired: BTreeMap<Fault, u64>,
    pub(super) commits: u64,
    /// The same for the same seed.
    pub(super) steps: u64,
    /// Unreferenced bytes that the scrub had to put away.
    pub(super) quarantined: u64,
}

impl Template {
    pub(super) async fn new() -> Self {
        let ensemble = FakeEnsemble::calm();
        let coord: Arc<dyn Coord> = Arc::new(ensemble.connect(ROOT));
        let config = ZkConfig { root: ROOT.into(), ..ZkConfig::default() };
        let layout = layout();
        for (path, data) in [(ROOT.to_owned(), ""), (format!("{ROOT}/control"), ""), (layout.recorded(), "1")] {
            coord.create(&path, data.as_bytes(), Mode::Persistent).await.unwrap();
        }
        let registry = Registry::open(coord, &config).await.unwrap();
        for node in nodes() {
            registry.ensure_node(&node).await.unwrap();
        }
        Self { ensemble, snapshot: Arc::new(fixtures::snapshot()) }
    }
}

/// Few buckets: each is listed whenever the records are read.
pub(super) fn layout() -> Layout {
    Layout::new(ROOT, 1)
}

fn nodes() -> Vec<NodeId> {
    ["zk1", "zk2", "zk3"].map(node_id).to_vec()
}

impl World {
    /// The records, whatever befalls the processes.
    pub(super) fn registry(&self) -> Registry {
        Registry::over(Arc::new(self.ensemble.connect(ROOT)), layout())
    }

    pub(super) fn any_file(&self) -> Option<FileId> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        self.sky.draw(|rng| rng.pick(&files).copied())
    }

    pub(super) fn new_file(&self) -> FileId {
        let id = clock::new_file();
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        id
    }
}

/// Lives through the world of a seed. `only`: the faults that may befall it; all when empty.
pub(super) async fn run(seed: u64, only: &[Fault], sabotage: Option<Sabotage>, template: &Template) -> Verdict {
    clock::simulated::begin();
    let mut rng = Rng::new(seed);
    // Those that came later are drawn apart, so that a seed makes the world that it has made before.
    let mut later = Rng::new(!seed);
    let on: BTreeSet<Fault> = match only {
        [] => {
            let first: Vec<_> = Fault::ALL.into_iter().filter(|_| rng.chance(400)).collect();
            first.into_iter().chain(Fault::LATER.into_iter().filter(|_| later.chance(400))).collect()
        }
        only => only.iter().copied().collect(),
    };
    let sky = Arc::new(Sky::new(seed, on.clone()));
    let truth = Arc::new(Truth::new(layout()));
    let weather: Arc<Sky> = Arc::clone(&sky);
    let ensemble = template.ensemble.copy(weather);
    let judge = Arc::clone(&truth);
    ensemble.observe(Box::new(move |effects| judge.applied(effects)));
    let world = Arc::new(World {
        sky,
        truth,
        ensemble,
        volume: Volume::default(),
        ledger: Ledger::default(),
        nodes: nodes(),
        sabotage,
        blank: template.ensemble.clone(),
        files: Mutex::default(),
    });
    let witness = process::start(&world, WITNESS, 0);
    until(REST_MAX, || witness.process.is_up()).await;
    for _ in 0..3 {
        if let Some(registry) = witness.process.ctx.registry() {
            _ = work::upload_one(&world, &witness.process, &registry).await;
        }
    }
    witness.end();
    // Otherwise it would lead for ever.
    witness.process.session().iter().for_each(|coord| world.ensemble.forget(coord));
    drop(witness);
    let mut story = Story::new(&world, rng, on, &template.snapshot);
    story.plan_later(&mut later);
    story.troubles().await;
    let rested = story.rest().await;
    let mut verdict = story.judge().await;
    if let Err(what) = rested {
        verdict.violations.push(format!("no rest in 10 minutes of calm: {what}"));
    }
    if verdict.violations.is_empty() {
        verdict.violations = calm::judge(&story, seed).await;
    }
    if verdict.violations.is_empty() {
        verdict.violations = past::go_back(&mut story).await;
        verdict.fired = world.sky.fired();
    }
    story.running.iter().for_each(Running::end);
    verdict
}

pub(super) async fn until(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    while !holds() {
        if Instant::now() > end {
            return false;
        }
        sleep(TICK).await;
    }
    true
}

/// Something that happens at a time.
enum Event {
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
    on: BTreeSet<Fault>,
    pub(super) snapshot: &'a Arc<Snapshot>,
    pub(super) running: Vec<Running>,
    next_pid: Pid,
    plan: Vec<(Instant, Event)>,
    /// Blobs that are damaged: they may be served and moved by nobody, and nothing else may be.
    pub(super) flipped: BTreeSet<AttemptId>,
    /// The servers as they were once, with the records of that time.
    pub(super) saved: Option<(FakeEnsemble, Vec<FileEntry>)>,
    /// Whether a process was taken for dead and went on: only such a one may leave bytes that nobody
    /// speaks of, since it writes after the recovery has seen to its attempt.
    haunted: bool,
}

impl<'a> Story<'a> {
    fn new(world: &'a Arc<World>, rng: Rng, on: BTreeSet<Fault>, snapshot: &'a Arc<Snapshot>) -> Self {
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

    fn plan_later(&mut self, rng: &mut Rng) {
        for (fault, event) in [(Fault::Stranger, Event::Visit), (Fault::OldSnapshot, Event::Save)] {
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
        self.running.push(process::start(self.world, pid, jobs));
    }

    fn later(&mut self, millis: u64, event: Event) {
        let at = Instant::now() + self.rng.millis(millis);
        self.plan.push((at, event));
    }

    /// Until the jobs are done.
    async fn troubles(&mut self) {
        self.world.sky.set_calm(false);
        for _ in 0..2 + self.rng.below(2) {
            let jobs = 4 + self.rng.below(5) as usize;
            self.begin(jobs);
        }
        for _ in 0..self.rng.below(5) {
            self.later(5_000, Event::Mishap);
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
                Event::Mishap => self.mishap(),
                Event::Restart { jobs } => self.begin(jobs),
                Event::Forget(coord) => self.world.ensemble.forget(&coord),
                Event::Reconnect(coord) => self.world.ensemble.reconnect(&coord),
                Event::Visit => {
                    self.world.sky.fire(Fault::Stranger);
                    process::spawn(stranger::visit(Arc::clone(self.world), Arc::clone(self.snapshot)));
                }
                Event::Save => {
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
            self.later(6_000, Event::Forget(coord));
        }
        let jobs = dead.process.jobs.load(Ordering::Relaxed);
        self.later(3_000, Event::Restart { jobs });
    }

    fn mishap(&mut self) {
        const MISHAPS: [Fault; 6] =
            [Fault::Kill, Fault::PowerLoss, Fault::Expiry, Fault::ThoughtDead, Fault::Disconnect, Fault::BitFlip];
        let possible: Vec<Fault> = MISHAPS.into_iter().filter(|fault| self.on.contains(fault)).collect();
        let whom = self.rng.below(self.running.len().max(1) as u64) as usize;
        let (Some(fault), Some(one)) = (self.rng.pick(&possible).copied(), self.running.get(whom)) else { return };
        let (sky, ensemble) = (Arc::clone(&self.world.sky), self.world.ensemble.clone());
        let (pid, session) = (one.process.pid, one.process.session());
        match (fault, session) {
            (Fault::Kill, _) => sky.doom(pid, self.rng.below(60)),
            (Fault::PowerLoss, _) => self.lose_power(),
            (Fault::BitFlip, _) => self.flip_a_bit(),
            (Fault::Expiry, Some(coord)) => {
                sky.fire(fault);
                self.haunted = true;
                ensemble.expire(&coord);
            }
            (Fault::ThoughtDead, Some(coord)) => {
                sky.fire(fault);
                self.haunted = true;
                ensemble.forget(&coord);
            }
            (Fault::Disconnect, Some(coord)) => {
                sky.fire(fault);
                ensemble.disconnect(&coord);
                self.later(4_000, Event::Reconnect(coord));
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
            self.world.sky.fire(Fault::BitFlip);
            self.flipped.insert(record.blob);
            self.world.truth.may_give_way(self.flipped.clone());
        }
    }

    fn lose_power(&mut self) {
        self.world.sky.fire(Fault::PowerLoss);
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
    async fn rest(&mut self) -> Result<(), String> {
        let sky = Arc::clone(&self.world.sky);
        sky.set_calm(true);
        for (_, event) in std::mem::take(&mut self.plan) {
            match event {
                Event::Forget(coord) => self.world.ensemble.forget(&coord),
                Event::Reconnect(coord) => self.world.ensemble.reconnect(&coord),
                Event::Mishap | Event::Restart { .. } | Event::Visit | Event::Save => {}
            }
        }
        sky.take_died().into_iter().for_each(|pid| self.bury(pid));
        for (_, event) in std::mem::take(&mut self.plan) {
            if let Event::Forget(coord) = event {
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

    async fn judge(&self) -> Verdict {
        let (world, sky) = (self.world, &self.world.sky);
        let mut violations = world.truth.violations();
        let moment = Moment::now(world);
        for entry in &moment.files {
            let flipped = self.flipped.contains(&entry.record.blob);
            let (id, generation) = (entry.id, entry.record.generation);
            match moment.blobs.check(entry).await {
                // The scrub may have brought whole ones back.
                Ok(_) if flipped && !moment.is_whole(entry) => {
                    violations.push(format!("I3 file {id} of generation {generation}: served flipped"));
                }
                Err(error) if !flipped => violations.push(format!("I1 file {id} of generation {generation}: {error}")),
                _ => {}
            }
        }
        let mut quarantined = 0;
        // With reused names the disk says nothing of attempts.
        if world.sabotage != Some(Sabotage::NameReused) {
            let mut found = check(&moment.picture().await);
            let flipped = |one: &Violation| one.attempt.is_some_and(|attempt| self.flipped.contains(&attempt));
            // They are in quarantine until whole ones are brought back: `calm` judges that.
            found.retain(|one| !matches!(one.invariant, Invariant::I1 | Invariant::I3) || !flipped(one));
            if self.haunted {
                let orphans: Vec<Violation> = found.extract_if(.., |one| one.invariant == Invariant::I7).collect();
                quarantined = orphans.len() as u64;
            }
            violations.extend(found.iter().map(ToString::to_string));
        }
        Verdict { violations, fired: sky.fired(), commits: world.truth.commits(), steps: sky.steps(), quarantined }
    }
}
