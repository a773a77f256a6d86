//! What a front may see: one immutable picture of everything, cheap to clone.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::alert::{Alert, AlertCode};
use super::command::Rejected;
use super::ensemble::{EnsembleState, EnsembleView};
use super::file_table::FileTable;
use super::ids::{AttemptId, Epoch, FileId, InstanceId, Millis, NodeId, OperationId, Timestamp};
use super::incident::Incident;
pub use super::level::Level;
use super::node::{MoveView, NodeView};
use super::operation::Operation;
use super::past::PastView;
use super::scheduler::SchedulerView;
use super::server::{ServerState, ServerView};
pub use super::session::SessionState;
use super::setting::{SchedulerSettings, SettingView};
pub use super::store::StoreView;
use super::word::Word;

/// Operations that a snapshot carries, newest first; older ones are asked for by page.
pub const OPERATIONS_KEPT: usize = 500;
/// Notices that a snapshot carries, newest last.
pub const NOTICES_KEPT: usize = 200;

/// The whole picture at one moment. For another process without its files, which are told in parts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    pub taken_at: Timestamp,
    /// Of a moment that is over, and how much of it is known; `None` in what the core publishes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<PastView>,
    /// Grows with each snapshot that is published.
    pub revision: u64,
    pub instance: InstanceView,
    /// Every setting in force, and where it comes from.
    pub settings: Arc<[SettingView]>,
    pub session: SessionView,
    pub leadership: LeadershipView,
    pub instances: Arc<[InstanceInfo]>,
    pub ensemble: EnsembleView,
    /// One for each node, in the order of the configuration.
    pub servers: Arc<[ServerView]>,
    pub nodes: Arc<[NodeView]>,
    #[serde(skip)]
    pub files: FileTable,
    /// Whether all records have been read since the last connection.
    pub files_complete: bool,
    /// When `files` was last all there was; `None` before the records were read for the first time.
    pub files_read: Option<Timestamp>,
    /// How far the reading of the records is, while they are read for the first time.
    pub reading: Option<Reading>,
    /// Records that cannot be used, with the reason: never moved, never overwritten.
    pub unreadable: Arc<[String]>,
    pub moves: Arc<[MoveView]>,
    pub scheduler: SchedulerView,
    pub workload: WorkloadView,
    /// Newest first, at most [`OPERATIONS_KEPT`].
    pub operations: Arc<[Arc<Operation>]>,
    pub operations_total: u64,
    pub history: HistoryView,
    pub control: ControlView,
    pub loops: Arc<[LoopView]>,
    pub canary: CanaryView,
    /// Oldest first, at most [`NOTICES_KEPT`].
    pub notices: Arc<[Arc<Notice>]>,
    /// Newest first, at most [`INCIDENTS_KEPT`](super::incident::INCIDENTS_KEPT).
    pub incidents: Arc<[Arc<Incident>]>,
    /// Of the process that has `/metrics`.
    #[serde(skip)]
    pub counters: Counters,
    pub scrub: ScrubView,
    /// Files whose bytes are not those of their records, as far as anybody has found.
    pub damaged: Arc<[Damage]>,
    /// What wants a person, the most urgent first.
    pub alerts: Arc<[Alert]>,
    pub readiness: Readiness,
}

impl Snapshot {
    #[must_use]
    pub fn node(&self, id: &NodeId) -> Option<&NodeView> {
        self.nodes.iter().find(|node| node.id == *id)
    }

    #[must_use]
    pub fn server(&self, id: &NodeId) -> Option<&ServerView> {
        self.servers.iter().find(|server| server.node == *id)
    }

    #[must_use]
    pub fn operation(&self, id: OperationId) -> Option<&Arc<Operation>> {
        self.operations.iter().find(|operation| operation.id == id)
    }

    /// Whether this instance may touch the bytes in its folder now, which is the ensemble's and a server answers: what
    /// every work on bytes begins with that nobody asked for by a command. A command is judged with its reasons.
    #[must_use]
    pub fn may_touch_bytes(&self) -> bool {
        !self.instance.read_only && self.session.state == SessionState::Connected && self.session.store.is_ours()
    }

    /// Whether the records were read since the start: what they tell is known, though it may be from before.
    #[must_use]
    pub const fn ever_read(&self) -> bool {
        self.files_complete || self.files_read.is_some()
    }

    /// Why nothing large may begin: a server may run out of memory.
    #[must_use]
    pub fn short_of_heap(&self) -> Option<String> {
        super::health::short_of_heap(self.servers.iter()).map(|(_, text)| text)
    }

    /// The moment that is over of which it is; `None` of now.
    #[must_use]
    pub fn as_of(&self) -> Option<Timestamp> {
        self.past.as_ref().map(|_| self.taken_at)
    }

    /// Since when something is so, as far as it is known: of a past moment only what began before it is.
    #[must_use]
    pub fn known_since(&self, since: Timestamp) -> Option<Timestamp> {
        Some(since).filter(|since| self.past.is_none() || *since < self.taken_at)
    }

    /// How many files there are: of a past moment the nodes' counts tell it, and its list was not kept.
    #[must_use]
    pub fn file_count(&self) -> u64 {
        match self.past {
            Some(_) => self.nodes.iter().map(|node| node.files).sum(),
            None => self.files.len() as u64,
        }
    }

    #[must_use]
    pub fn node_ids(&self) -> Vec<NodeId> {
        self.nodes.iter().map(|node| node.id.clone()).collect()
    }
}

/// This process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceView {
    pub id: InstanceId,
    pub host: String,
    pub pid: u32,
    pub user: String,
    pub version: Word,
    pub started: Timestamp,
    pub read_only: bool,
    /// Label of the ensemble, from the settings: `demo`.
    pub label: String,
    /// Address of the REST interface, or why there is none.
    pub api: ApiView,
    /// `--local`: whether this process owns the three servers or is attached to them.
    pub local: Option<LocalView>,
    pub seat: InstanceSeat,
}

impl InstanceView {
    /// As the others see it.
    #[must_use]
    pub fn info(&self) -> InstanceInfo {
        InstanceInfo {
            id: self.id,
            host: self.host.clone(),
            pid: self.pid,
            since_ms: self.started,
            scheduler: None,
            seat: Some(self.seat.clone()),
        }
    }

    /// As [`InstanceInfo::name`].
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}", self.host, self.pid)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "detail")]
pub enum ApiView {
    /// `--no-api`.
    Off,
    On(String),
    /// The address is taken or may not be used: the cause in words.
    Unavailable(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocalView {
    Owner,
    Attached,
}

/// An instance as the others see it: `/demo/instances/<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceInfo {
    pub id: InstanceId,
    pub host: String,
    pub pid: u32,
    pub since_ms: Timestamp,
    /// What its scheduler goes by when it leads, as its own sources say; older programs do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<SchedulerSettings>,
    /// Who runs it, and where; older programs do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<InstanceSeat>,
}

/// Who runs an instance, and where, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSeat {
    /// `alice as root from 10.0.0.7`.
    pub person: String,
    /// The folder that it was started in.
    pub folder: String,
    pub front: FrontKind,
    pub read_only: bool,
}

/// What an instance shows itself by; a daemon is what stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontKind {
    Console,
    Daemon,
}

impl FrontKind {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Daemon => "daemon",
        }
    }
}

impl InstanceInfo {
    /// `host-b:4711`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}", self.host, self.pid)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    pub state: SessionState,
    pub since: Timestamp,
    /// Why there is no session, in words.
    pub cause: Option<String>,
    /// This folder's store and the ensemble's are the same, or why they are not.
    pub store: StoreView,
}

impl SessionView {
    /// Before the first connection.
    #[must_use]
    pub const fn connecting(since: Timestamp) -> Self {
        Self { state: SessionState::Connecting, since, cause: None, store: StoreView::Unknown }
    }
}

/// Records read so far, of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub read: u64,
    pub total: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadershipView {
    /// This instance leads.
    pub leads: bool,
    /// Who leads, when somebody does and it is known.
    pub leader: Option<InstanceInfo>,
    /// Fencing epoch, when it has been read.
    pub epoch: Option<Epoch>,
}

/// Why the sample workload does not run on its timer. By hand it runs all the same, unless nothing may
/// be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadOff {
    ReadOnly,
    /// The setting says so.
    Disabled,
    /// The setting leaves it to the program, and the ensemble is somebody's own.
    NotLocal,
}

impl WorkloadOff {
    /// The reason and how to turn it on, for a line.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::ReadOnly => "off: --read-only",
            Self::Disabled => "off: workload.enabled is false; true turns it on",
            Self::NotLocal => "off: not started with --local; workload.enabled = true turns it on",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadView {
    /// Why it does not run on its timer; `None` when it does.
    pub off: Option<WorkloadOff>,
    pub interval: Millis,
    pub extra_clients: usize,
    pub extra_connected: usize,
    pub next_run: Option<Timestamp>,
    pub running: bool,
    /// `12 reads, 6 writes, 1 file, 14 ms`.
    pub last: Option<String>,
    pub runs: u64,
    pub failures: u64,
}

/// Whether commands are taken at this moment, by the very checks that judge them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "missing")]
pub enum Readiness {
    Ready,
    /// Just started and not ready for the first time yet: what is still missing, in words.
    Starting(Vec<String>),
    /// What is missing, in words, with the next step.
    NotReady(Vec<String>),
}

impl Readiness {
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Starting(_) => "starting",
            Self::NotReady(_) => "not-ready",
        }
    }

    /// What is missing; empty when it is ready.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        match self {
            Self::Ready => &[],
            Self::Starting(missing) | Self::NotReady(missing) => missing,
        }
    }
}

/// What the scrub has seen: every record's bytes by size every few minutes, by hash in a rolling day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrubView {
    /// When every size was looked at last; `None` before the first time.
    pub sizes_at: Option<Timestamp>,
    /// Begin of the session whose records every size was held against.
    pub session: Option<Timestamp>,
    /// Files whose hash was read since the start.
    pub hashed: u64,
    /// Files of which this round of hashes has seen so many.
    pub round_done: u64,
    pub round_of: u64,
    /// Files that lie in quarantine.
    pub quarantined: u64,
    /// What could not be looked at.
    pub troubles: Vec<ScrubTrouble>,
}

impl ScrubView {
    /// What keeps a node's files from being judged, or with `None` those of the whole set of folders.
    #[must_use]
    pub fn trouble(&self, node: Option<&NodeId>) -> Option<&ScrubTrouble> {
        self.troubles.iter().find(|trouble| trouble.node.as_ref() == node)
    }

    /// Whether the node's files are out of sight: its folder is in trouble, or that of all nodes.
    #[must_use]
    pub fn hides(&self, node: &NodeId) -> bool {
        self.trouble(None).or_else(|| self.trouble(Some(node))).is_some()
    }
}

/// A part of the store that the scrub could not judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrubTrouble {
    /// `None` for the whole set of folders.
    pub node: Option<NodeId>,
    pub cause: String,
}

/// A file whose bytes are not those of its record, or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    pub file: FileId,
    pub blob: AttemptId,
    pub cause: String,
}

/// Damaged files that a [`ScrubReport`] names at most.
pub const REPORTED_MAX: usize = 500;

/// What the leader's scrub tells the other instances, and what they have found beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrubReport {
    pub v: u8,
    pub quarantined: u64,
    pub troubles: Vec<ScrubTrouble>,
    /// At most [`REPORTED_MAX`].
    pub damaged: Vec<Damage>,
}

impl ScrubReport {
    /// That nothing was found.
    #[must_use]
    pub const fn empty() -> Self {
        Self { v: 1, quarantined: 0, troubles: Vec::new(), damaged: Vec::new() }
    }
}

/// Rows that may wait to be written before new moves, uploads and deletes are refused: what is done
/// shall be told.
pub const HISTORY_QUEUE_STOP: usize = 1_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryView {
    pub path: String,
    /// Rows waiting to be written.
    pub queued: usize,
    /// Why history cannot be written, in words.
    pub problem: Option<String>,
    /// Why the lines cannot be written that history is restored from and that Filebeat ships, in words.
    pub lines_problem: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "cause")]
pub enum ControlView {
    /// Children of `--local`.
    Process,
    Docker,
    /// Servers cannot be controlled: the reason in words.
    Off(String),
}

impl ControlView {
    /// # Errors
    /// [`Rejected::ControlOff`] for whoever is to act on a server.
    pub fn check(&self) -> Result<(), Rejected> {
        match self {
            Self::Process | Self::Docker => Ok(()),
            Self::Off(cause) => Err(Rejected::ControlOff { cause: cause.clone() }),
        }
    }
}

/// The loops of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum LoopName {
    Canary,
    Health,
    History,
    Hosts,
    Housekeeping,
    Incidents,
    Scheduler,
    Scrub,
    Series,
    Session,
    Workload,
}

impl LoopName {
    /// One word, a metric label.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.into_str()
    }

    /// Whether commands are not carried out without it.
    #[must_use]
    pub const fn carries_out(self) -> bool {
        matches!(self, Self::Session | Self::Scheduler)
    }
}

/// One engine loop and what it did last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopView {
    pub name: LoopName,
    pub turns: u64,
    pub last_turn: Option<Timestamp>,
    pub took: Option<Millis>,
    /// The last error or panic; `None` when the last turn was good.
    pub problem: Option<String>,
    /// The last turn ended in a panic: the loop waits for its next start.
    pub panicked: bool,
    pub restarts: u64,
}

/// The canary writes so often, and a write that takes longer than this is late.
pub const CANARY_EVERY: Millis = Millis(5_000);
pub const CANARY_WITHIN: Millis = Millis(3_000);
/// A write that has not gone through after this waits.
pub const CANARY_WAITS: Millis = Millis(1_000);

/// The end-to-end probe: one CAS write, timed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CanaryView {
    pub last_ms: Option<f64>,
    pub problem: Option<String>,
    /// Since when none has gone through; `None` while they do.
    #[serde(default)]
    pub waits: Option<Timestamp>,
}

impl CanaryView {
    /// Whether the last value is that of now.
    #[must_use]
    pub const fn goes_through(&self) -> bool {
        self.problem.is_none() && self.waits.is_none()
    }
}

/// Something that the operator should know; shown as a toast and kept in the events list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Grows by one each.
    pub number: u64,
    pub at: Timestamp,
    pub level: Level,
    pub text: String,
    /// `None` when it tells of what happened, which stays true.
    pub standing: Option<Standing>,
}

/// What a notice says that can cease to be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Ensemble(EnsembleState),
    Session(SessionState),
    Alert(AlertCode),
    Damaged(FileId),
    /// A server that ended by itself at this moment and does not run yet.
    Ended(NodeId, Timestamp),
}

impl Standing {
    /// Whether it is so still.
    #[must_use]
    pub fn holds(&self, snapshot: &Snapshot) -> bool {
        match self {
            Self::Ensemble(state) => snapshot.ensemble.state == *state,
            Self::Session(state) => snapshot.session.state == *state,
            Self::Alert(code) => snapshot.alerts.iter().any(|alert| alert.code == *code),
            Self::Damaged(file) => snapshot.damaged.iter().any(|damage| damage.file == *file),
            Self::Ended(node, at) => snapshot.server(node).is_some_and(|server| {
                let verdict = &server.verdict;
                verdict.since <= *at || !(verdict.state.serves() || verdict.state == ServerState::Starting)
            }),
        }
    }
}

/// Totals since the start of the process, for `/metrics`. Each map's key is a bounded label.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Counters {
    /// Moves finished, by status and reason: `("done", "over-trigger")`.
    pub moves: std::collections::BTreeMap<(&'static str, &'static str), u64>,
    pub moves_planned: u64,
    pub moves_least: u64,
    pub moved_bytes: u64,
    /// Scheduler runs by decision.
    pub decisions: std::collections::BTreeMap<&'static str, u64>,
    /// Operations finished, by kind and status.
    pub operations: std::collections::BTreeMap<(&'static str, &'static str), u64>,
    /// Moves that took at most the bound, cumulative, by the bounds of [`MOVE_SECONDS`]; last is all.
    pub move_seconds: [u64; MOVE_SECONDS.len() + 1],
    pub move_seconds_sum: f64,
}

/// Upper bounds of the move duration histogram, in seconds.
pub const MOVE_SECONDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
