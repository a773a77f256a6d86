//! What befalls the processes of a world: the fate of each request and of each use of a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rustix::io::Errno;

use super::rng::Rng;
use super::truth::Truth;
use crate::adapters::blobs::disk::fake::{DiskOperation, Trouble};
use crate::adapters::zookeeper::coord::{Change, Coord, LinkState, Mode, Op, Versioned};
use crate::adapters::zookeeper::error::{Refusal, ZkError};
use crate::adapters::zookeeper::fake::{FakeRequest, RequestFate, Weather};
use crate::domain::ids::InstanceId;

/// A process, counted from 1; a restart is a new one.
pub(super) type Pid = u32;

/// The classes of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum SkyFault {
    /// `kill -9` before a random request or use of the disk.
    Kill,
    /// All processes die, and what was not synced may be lost.
    PowerLoss,
    Expiry,
    /// The servers end a session whose client goes on working.
    ThoughtDead,
    Disconnect,
    RequestLost,
    AnswerLost,
    /// Carried out up to 20 s after the client gave up.
    Late,
    Throttled,
    LaggingRead,
    /// A leader that was replaced goes on with its epoch.
    TwoLeaders,
    DiskError,
    DiskFull,
    /// A node is drained or taken back while moves are under way.
    Drain,
    /// A bit of a file's bytes flips at its owner.
    BitFlip,
    /// A zkdeck of another ensemble comes to the same folder.
    Stranger,
    /// The servers come back with an older state.
    OldSnapshot,
}

impl SkyFault {
    /// Drawn apart from the others.
    pub(super) const LATER: [Self; 2] = [Self::Stranger, Self::OldSnapshot];

    pub(super) const ALL: [Self; 15] = [
        Self::Kill,
        Self::PowerLoss,
        Self::Expiry,
        Self::ThoughtDead,
        Self::Disconnect,
        Self::RequestLost,
        Self::AnswerLost,
        Self::Late,
        Self::Throttled,
        Self::LaggingRead,
        Self::TwoLeaders,
        Self::DiskError,
        Self::DiskFull,
        Self::Drain,
        Self::BitFlip,
    ];
}

pub(super) struct Sky(Mutex<SkyState>);

struct SkyState {
    rng: Rng,
    on: BTreeSet<SkyFault>,
    calm: bool,
    fired: BTreeMap<SkyFault, u64>,
    owners: BTreeMap<u64, Pid>,
    /// Uses of ZooKeeper and the disk after which a process dies.
    doomed: BTreeMap<Pid, u64>,
    dead: BTreeSet<Pid>,
    /// Deaths that the world has not seen to yet.
    died: Vec<Pid>,
    steps: u64,
}

impl Sky {
    pub(super) fn new(seed: u64, on: BTreeSet<SkyFault>) -> Self {
        Self(Mutex::new(SkyState {
            rng: Rng::new(seed ^ 0x5ca1_ab1e),
            on,
            calm: true,
            fired: BTreeMap::new(),
            owners: BTreeMap::new(),
            doomed: BTreeMap::new(),
            dead: BTreeSet::new(),
            died: Vec::new(),
            steps: 0,
        }))
    }

    fn state(&self) -> MutexGuard<'_, SkyState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws with the world's own numbers.
    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.state().rng)
    }

    pub(super) fn set_calm(&self, calm: bool) {
        let mut state = self.state();
        state.calm = calm;
        state.doomed.clear();
    }

    pub(super) fn is_on(&self, fault: SkyFault) -> bool {
        let state = self.state();
        !state.calm && state.on.contains(&fault)
    }

    pub(super) fn fire(&self, fault: SkyFault) {
        self.state().fire(fault);
    }

    pub(super) fn fired(&self) -> BTreeMap<SkyFault, u64> {
        self.state().fired.clone()
    }

    /// How often anything was asked: the same for the same seed.
    pub(super) fn steps(&self) -> u64 {
        self.state().steps
    }

    pub(super) fn owns(&self, pid: Pid, session: u64) {
        self.state().owners.insert(session, pid);
    }

    /// The process will die after so many steps.
    pub(super) fn doom(&self, pid: Pid, steps: u64) {
        self.state().doomed.insert(pid, steps);
    }

    pub(super) fn kill(&self, pid: Pid) {
        let mut state = self.state();
        state.doomed.remove(&pid);
        state.dead.insert(pid);
    }

    pub(super) fn is_dead(&self, pid: Pid) -> bool {
        self.state().dead.contains(&pid)
    }

    pub(super) fn take_died(&self) -> Vec<Pid> {
        std::mem::take(&mut self.state().died)
    }

    /// One process's troubles with the disk.
    pub(super) fn disk_of(self: &Arc<Self>, pid: Pid, truth: &Arc<Truth>) -> Arc<DiskSky> {
        Arc::new(DiskSky { sky: Arc::clone(self), truth: Arc::clone(truth), pid, armed: AtomicBool::new(false) })
    }
}

impl SkyState {
    fn fire(&mut self, fault: SkyFault) {
        *self.fired.entry(fault).or_default() += 1;
    }

    /// Whether the fault is on and strikes now.
    fn strikes(&mut self, fault: SkyFault, per_mille: u64) -> bool {
        let strikes = !self.calm && self.on.contains(&fault) && self.rng.chance(per_mille);
        if strikes {
            self.fire(fault);
        }
        strikes
    }

    /// A step of a process: whether it is dead, and whether it has just died.
    fn step(&mut self, pid: Pid) -> Option<bool> {
        self.steps += 1;
        if self.dead.contains(&pid) {
            return Some(false);
        }
        let left = self.doomed.get_mut(&pid)?;
        if *left > 0 {
            *left -= 1;
            return None;
        }
        self.doomed.remove(&pid);
        self.dead.insert(pid);
        self.died.push(pid);
        self.fire(SkyFault::Kill);
        Some(true)
    }
}

impl Weather for Sky {
    fn fate(&self, request: FakeRequest<'_>) -> RequestFate {
        let mut state = self.state();
        let pid = state.owners.get(&request.session).copied().unwrap_or_default();
        if let Some(now) = state.step(pid) {
            let applied = now && state.rng.chance(500);
            return RequestFate::Hangs { applied };
        }
        if state.strikes(SkyFault::RequestLost, 20) {
            return RequestFate::Lost;
        }
        if !request.write {
            return RequestFate::Served;
        }
        // A leader's epoch and the ephemerals of an election are no files: only the protocol's own
        // writes are delayed, since those are what a late arrival could spoil.
        let late = request.operation == "multi" || request.path.contains("/migrations/");
        if late && state.strikes(SkyFault::Late, 40) {
            let after = state.rng.millis(20_000);
            return RequestFate::Late(after);
        }
        if state.strikes(SkyFault::AnswerLost, 40) {
            return RequestFate::AnswerLost;
        }
        if state.strikes(SkyFault::Throttled, 10) {
            return RequestFate::Refused(Refusal::Throttled);
        }
        RequestFate::Served
    }

    fn travel(&self) -> Duration {
        let mut state = self.state();
        if state.calm { Duration::ZERO } else { state.rng.millis(12) }
    }

    fn lag(&self, _: u64, unseen: u64) -> u64 {
        let mut state = self.state();
        if unseen > 0 && state.strikes(SkyFault::LaggingRead, 300) { state.rng.below(unseen) + 1 } else { 0 }
    }
}

/// A session as its process sees it: it may go on seeing itself first among the candidates when another leads by now.
pub(super) struct Eyes {
    coord: Arc<dyn Coord>,
    sky: Arc<Sky>,
    me: String,
    /// The candidates as they were when it led.
    led: Mutex<Option<Vec<String>>>,
}

impl Eyes {
    pub(super) fn new(coord: Arc<dyn Coord>, sky: Arc<Sky>, me: InstanceId) -> Self {
        Self { coord, sky, me: me.to_string(), led: Mutex::default() }
    }

    fn leads(&self, candidates: &[String]) -> bool {
        let sequence = |name: &&String| name.rsplit('-').next().and_then(|digits| digits.parse::<u64>().ok());
        candidates.iter().min_by_key(sequence).is_some_and(|first| first.starts_with(&self.me))
    }
}

#[async_trait]
impl Coord for Eyes {
    async fn get(&self, path: &str) -> Result<Option<Versioned>, ZkError> {
        self.coord.get(path).await
    }

    async fn children(&self, path: &str) -> Result<Option<Vec<String>>, ZkError> {
        let found = self.coord.children(path).await?;
        let (true, Some(candidates)) = (path.ends_with("/leader"), &found) else { return Ok(found) };
        let mut led = self.led.lock().unwrap_or_else(PoisonError::into_inner);
        if self.leads(candidates) {
            *led = Some(candidates.clone());
        } else if led.is_some() && self.sky.is_on(SkyFault::TwoLeaders) {
            self.sky.fire(SkyFault::TwoLeaders);
            return Ok(led.clone());
        }
        Ok(found)
    }

    async fn create(&self, path: &str, data: &[u8], mode: Mode) -> Result<String, ZkError> {
        self.coord.create(path, data, mode).await
    }

    async fn set(&self, path: &str, data: &[u8], version: Option<i32>) -> Result<i32, ZkError> {
        self.coord.set(path, data, version).await
    }

    async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), ZkError> {
        self.coord.delete(path, version).await
    }

    async fn multi(&self, ops: Vec<Op>) -> Result<(), ZkError> {
        self.coord.multi(ops).await
    }

    async fn get_many(&self, paths: Vec<String>) -> Result<Vec<Option<Versioned>>, ZkError> {
        self.coord.get_many(paths).await
    }

    fn state(&self) -> LinkState {
        self.coord.state()
    }

    async fn next_change(&self) -> Change {
        self.coord.next_change().await
    }

    async fn close(&self) {
        self.coord.close().await;
    }
}

/// The disk as one process meets it.
pub(super) struct DiskSky {
    sky: Arc<Sky>,
    truth: Arc<Truth>,
    pid: Pid,
    /// Not before the store is open.
    armed: AtomicBool,
}

impl DiskSky {
    pub(super) fn arm(&self) {
        self.armed.store(true, Ordering::Relaxed);
    }
}

impl Trouble for DiskSky {
    fn strikes(&self, operation: DiskOperation, path: &Path) -> Option<Errno> {
        if !self.armed.load(Ordering::Relaxed) {
            return None;
        }
        let mut state = self.sky.state();
        if state.step(self.pid).is_some() {
            return Some(Errno::IO);
        }
        if operation != DiskOperation::Look && state.strikes(SkyFault::DiskError, 8) {
            return Some(Errno::IO);
        }
        if matches!(operation, DiskOperation::Create | DiskOperation::Write) && state.strikes(SkyFault::DiskFull, 15) {
            return Some(Errno::NOSPC);
        }
        drop(state);
        if matches!(operation, DiskOperation::Remove | DiskOperation::Rename) {
            self.truth.removing(path);
        }
        None
    }
}

/// A disk on which nothing goes wrong.
pub(super) struct SoundDisk;

impl Trouble for SoundDisk {
    fn strikes(&self, _: DiskOperation, _: &Path) -> Option<Errno> {
        None
    }
}
