//! The one state that the core owns: events are folded in, snapshots are taken out.
//!
//! `fold` applies events (`records` those of files' records, `stores` those of disks, bytes and history), `nodes` answers what a node can do, `policy` makes the planner's input,
//! `check` judges commands, `alerts` says what is sick, `view` makes snapshots. Every method gets the time from its caller.

mod alerts;
mod check;
mod drain;
mod drain_track;
mod entry;
mod fold;
mod incident_log;
mod incidents;
mod nodes;
mod own;
mod policy;
mod ready;
mod records;
mod set;
mod settings;
mod stores;
mod view;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub use self::check::CheckedCommand;
use self::entry::Nodes;
use self::incident_log::IncidentLog;
use self::own::OwnWrites;
pub use self::set::SettingChange;
pub use self::settings::{ServerSetting, Settings};
use super::alert::AlertCode;
use super::ensemble::EnsembleView;
use super::file_table::FileTable;
use super::ids::{AttemptId, FileId, Millis, NodeId, OperationId, Timestamp, Zxid};
use super::node::{MoveView, NodeRecord};
use super::operation::Operation;
use super::placement::Placement;
use super::scheduler::SchedulerView;
use super::setting::{InForce, SettingView, SharedSettings};
use super::snapshot::{
    CanaryView, ControlView, Counters, Damage, HistoryView, InstanceInfo, InstanceView, LeadershipView, LocalView,
    LoopName, LoopView, Notice, Reading, ScrubView, SessionView, WorkloadView,
};

/// How long a node without room is left alone when its free space does not grow: it may lack something
/// that free space does not show, such as inodes or a quota.
const FULL_REST: Millis = Millis(30_000);

/// Everything that is known, at one moment.
pub struct State {
    settings: Settings,
    instance: InstanceView,
    session: SessionView,
    leadership: LeadershipView,
    instances: Arc<[InstanceInfo]>,
    nodes: Nodes,
    /// The newest transaction that the leader was seen to have.
    leader_zxid: Option<Zxid>,
    ensemble: EnsembleView,
    /// There has been a quorum since the start.
    had_quorum: bool,
    /// All servers have served at the same time.
    was_whole: bool,
    /// Commands have been taken, or could have been, since the start.
    was_ready: bool,
    own: OwnWrites,
    /// Of the scheduler's switch, in this session.
    paused_version: Option<i32>,
    /// What was set at run time, as last read; and its version in this session.
    shared: SharedSettings,
    shared_version: Option<i32>,
    /// The scheduler's settings that come of it.
    in_force: InForce,
    settings_view: Option<Arc<[SettingView]>>,
    /// Files whose bytes are not those of their record: by which blob, and what is wrong.
    damaged: BTreeMap<FileId, (AttemptId, String)>,
    /// Those of them that the leader's scrub has told of.
    reported: BTreeSet<FileId>,
    damaged_view: Option<Arc<[Damage]>>,
    scrub: ScrubView,
    placement: Placement,
    files: FileTable,
    files_complete: bool,
    /// When the records ceased to be complete: what is shown is from then.
    files_read: Option<Timestamp>,
    /// How far the reading of the records is.
    reading: Option<Reading>,
    unreadable: BTreeMap<String, String>,
    moves: BTreeMap<AttemptId, MoveView>,
    scheduler: SchedulerView,
    workload: WorkloadView,
    operations: VecDeque<Arc<Operation>>,
    operations_view: Option<Arc<[Arc<Operation>]>>,
    operations_total: u64,
    /// Operations that somebody asked this process for, until they end.
    awaited: BTreeSet<OperationId>,
    history: HistoryView,
    control: ControlView,
    loops: BTreeMap<LoopName, LoopView>,
    canary: CanaryView,
    /// When the last write of the canary went through.
    written: Option<Timestamp>,
    /// Since when no server is seen to lead.
    leaderless: Option<Timestamp>,
    notices: VecDeque<Arc<Notice>>,
    notices_view: Option<Arc<[Arc<Notice>]>>,
    notices_made: u64,
    incidents: IncidentLog,
    /// Alerts that were told when they appeared: code and short words.
    alerts_told: BTreeSet<(AlertCode, String)>,
    counters: Counters,
    revision: u64,
}

impl State {
    /// The state before anything has been seen.
    #[must_use]
    pub fn new(settings: Settings, instance: InstanceView, now: Timestamp) -> Self {
        let mut nodes = Nodes::new(&settings.servers, now);
        let mut scheduler = SchedulerView::default();
        scheduler.go_by(&settings.scheduler);
        let workload = WorkloadView {
            off: settings.workload_off,
            interval: settings.workload_interval,
            extra_clients: settings.workload_clients,
            ..WorkloadView::default()
        };
        let voters = settings.servers.len();
        let in_force = SharedSettings::default().over(settings.scheduler);
        if instance.local == Some(LocalView::Owner) {
            nodes.iter_mut().for_each(|entry| entry.tracker.started(instance.started));
        }
        Self {
            settings,
            instance,
            session: SessionView::connecting(now),
            leadership: LeadershipView::default(),
            instances: Arc::from([]),
            nodes,
            leader_zxid: None,
            ensemble: EnsembleView::unknown(voters, now),
            had_quorum: false,
            was_whole: false,
            was_ready: false,
            own: OwnWrites::default(),
            paused_version: None,
            shared: SharedSettings::default(),
            shared_version: None,
            in_force,
            settings_view: None,
            damaged: BTreeMap::new(),
            reported: BTreeSet::new(),
            damaged_view: None,
            scrub: ScrubView::default(),
            placement: Placement::default(),
            files: FileTable::default(),
            files_complete: false,
            files_read: None,
            reading: None,
            unreadable: BTreeMap::new(),
            moves: BTreeMap::new(),
            scheduler,
            workload,
            operations: VecDeque::new(),
            operations_view: None,
            operations_total: 0,
            awaited: BTreeSet::new(),
            history: HistoryView::default(),
            control: ControlView::Off("not known yet".into()),
            loops: BTreeMap::new(),
            canary: CanaryView::default(),
            written: None,
            leaderless: None,
            notices: VecDeque::new(),
            notices_view: None,
            notices_made: 0,
            incidents: IncidentLog::default(),
            alerts_told: BTreeSet::new(),
            counters: Counters::default(),
            revision: 0,
        }
    }

    /// The record of a node with the version under which it was read.
    #[must_use]
    pub fn record(&self, node: &NodeId) -> Option<&(NodeRecord, i32)> {
        self.nodes.record(node)
    }

    #[must_use]
    pub const fn files(&self) -> &FileTable {
        &self.files
    }

    #[must_use]
    pub const fn leadership(&self) -> &LeadershipView {
        &self.leadership
    }

    #[must_use]
    pub const fn placement(&self) -> &Placement {
        &self.placement
    }

    #[must_use]
    pub const fn interval(&self) -> Millis {
        self.in_force.settings.interval()
    }

    #[must_use]
    pub const fn trigger(&self) -> u64 {
        self.in_force.settings.threshold
    }

    #[must_use]
    pub const fn scheduler_paused(&self) -> bool {
        self.scheduler.paused
    }

    /// The nodes of the settings, in their order.
    #[must_use]
    pub fn node_ids(&self) -> Vec<NodeId> {
        self.settings.servers.iter().map(|server| server.node.clone()).collect()
    }
}
