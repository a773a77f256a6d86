//! Small values for the tests of all layers.

use std::sync::Arc;

use super::ensemble::{EnsembleState, EnsembleView, Quorum};
use super::file::{FileEntry, FileRecord, Hash};
use super::file_table::FileTable;
use super::ids::{AttemptId, Bytes, Epoch, FileId, InstanceId, Millis, NodeId, OperationId, Timestamp, Zxid};
use super::migration::{Intent, Maker};
use super::node::{NodeCondition, NodeView, WEIGHT_DEFAULT};
use super::operation::{Operation, OperationKind, OperationStatus};
use super::scheduler::SchedulerView;
use super::server::{HostState, HostView, QuorumTiming, Reach, Role, Sample, ServerState, ServerView, Srvr, Verdict};
use super::setting::{Configured, Origin, SchedulerSettings, Setting, SettingView, SharedSetting, SharedSettings};
use super::snapshot::{
    ApiView, CanaryView, ControlView, Counters, FrontKind, HistoryView, InstanceInfo, InstanceSeat, InstanceView,
    LeadershipView, LocalView, Readiness, ScrubView, SessionState, SessionView, Snapshot, StoreView, WorkloadView,
};

/// 2026-11-23 14:02:11 UTC.
pub const NOW: Timestamp = Timestamp(1_795_442_531_000);

/// Those of `default.toml`.
pub const fn scheduler_settings() -> SchedulerSettings {
    SchedulerSettings { interval_s: 15, threshold: 5, settle: 1, cool_down_s: 30, reserve_mib: 4, parallel: 8 }
}

/// The scheduler's, as `default.toml` has them.
pub fn configured() -> Vec<Configured> {
    let values = scheduler_settings();
    let one = |setting: &Setting| Configured {
        name: setting.name().to_owned(),
        value: values.get(*setting).to_string(),
        origin: Origin::Default,
    };
    Setting::ALL.iter().map(one).collect()
}

/// A threshold that an operation has set.
pub fn shared_setting(operation: OperationId) -> SharedSettings {
    let one = SharedSetting { value: 9, by: "test".into(), at: NOW, operation, why: None };
    SharedSettings::default().with(Setting::Threshold, Some(one))
}

fn settings() -> Arc<[SettingView]> {
    let view = |(setting, Configured { name, value, origin }): (&Setting, _)| SettingView {
        name,
        value,
        origin,
        setting: Some(*setting),
        configured: None,
    };
    Setting::ALL.iter().zip(configured()).map(view).collect()
}

pub fn node_id(name: &str) -> NodeId {
    match NodeId::new(name) {
        Ok(id) => id,
        Err(error) => unreachable!("{error}"),
    }
}

pub fn file(id: u128, owner: &str) -> FileEntry {
    FileEntry {
        id: FileId::new(id),
        version: 0,
        record: FileRecord {
            v: 1,
            name: format!("report-{id:04}.bin"),
            owner: node_id(owner),
            blob: AttemptId::new(id),
            size: Bytes(128 * 1024),
            blake3: Hash([0; 32]),
            generation: 1,
            created_ms: Timestamp(NOW.0 - 240_000),
            updated_ms: Timestamp(NOW.0 - 240_000),
        },
    }
}

/// Who makes the attempts of a test.
pub fn maker() -> Maker<'static> {
    Maker { instance: InstanceId::new(1), by: "test", at: NOW }
}

/// The intent of the upload that makes a file's record.
pub fn upload_of(entry: &FileEntry) -> Intent {
    let record = &entry.record;
    Intent::upload(record.blob, entry.id, &record.name, &record.owner, maker())
}

pub fn server(name: &str, port: u16, role: Role) -> ServerView {
    ServerView {
        node: node_id(name),
        address: format!("127.0.0.1:{port}"),
        verdict: Verdict { state: ServerState::Up, cause: None, rule: None, since: Timestamp(NOW.0 - 60_000) },
        role: Some(role),
        version: Some("3.9.4".into()),
        zxid: Some(Zxid(0x7_0000_0f1c)),
        behind: Some(0),
        latency_ms: Some(0.4),
        reply_ms: Some(1.2),
        outstanding: Some(0),
        connections: Some(12),
        znodes: Some(1204),
        watches: Some(40),
        fsync_ms: Some(2.1),
        uptime: Some(Millis(11_520_000)),
        in_role: Some(Millis(11_520_000)),
        fd_open: Some(74),
        fd_max: Some(1_048_576),
        heap_used: Some(41 << 20),
        heap_max: Some(128 << 20),
        short_of_heap: false,
        requests_per_s: Some(61.0),
        reads_per_s: Some(48.0),
        writes_per_s: Some(13.0),
        read_p50_ms: Some(0.4),
        read_p99_ms: Some(1.1),
        update_p50_ms: Some(1.2),
        update_p99_ms: Some(6.0),
        worse_p50_ms: None,
        worse_p99_ms: None,
        elections: Some(0),
        election_ms: Some(235.0),
        timing: Some(QuorumTiming { tick: Millis(2_000), sync_limit: 5 }),
        metrics_source: Some(super::server::MetricsSource::Prometheus),
        metrics_at: Some(format!("http://127.0.0.1:{}/metrics", port + 4820)),
        metrics_missing: None,
        all_metrics: Arc::from([("znode_count".to_owned(), 1204.0), ("watch_count".to_owned(), 40.0)]),
        host: None,
        seen: Some(Timestamp(NOW.0 - 400)),
    }
}

/// A host that runs.
pub fn host(name: &str) -> HostView {
    HostView { state: HostState::Running, name: name.into(), detail: None, container: None }
}

pub fn node(name: &str, files: u64) -> NodeView {
    NodeView {
        id: node_id(name),
        files,
        bytes: Bytes(files * 128 * 1024),
        weight: WEIGHT_DEFAULT,
        condition: NodeCondition::Active,
        drain: None,
        in_flight_in: 0,
        in_flight_out: 0,
        target: Some((33, 34)),
        not_chosen: None,
        free: Some(Bytes(50 << 30)),
        trouble: None,
    }
}

pub fn operation(id: u128, kind: OperationKind, status: OperationStatus) -> Operation {
    Operation {
        id: OperationId::new(id),
        kind,
        status,
        started: Timestamp(NOW.0 - 1000),
        finished: status.is_final().then_some(Timestamp(NOW.0 - 959)),
        what: format!("report-{id:04}.bin, 128 KiB"),
        file: Some(FileId::new(id)),
        source: Some(node_id("zk1")),
        target: Some(node_id("zk3")),
        bytes: Some(Bytes(128 * 1024)),
        why: Some("over-trigger: 41 > 33 + 5".into()),
        cause: None,
        by: "scheduler".into(),
        instance: "host-a:4711".into(),
        steps: Vec::new(),
        files: Vec::new(),
        run: None,
    }
}

/// A look at a server that answered, and told no metrics.
pub fn sample(node: NodeId, srvr: Srvr, at: Timestamp) -> Sample {
    Sample {
        node,
        taken_at: at,
        reach: Reach::Answered,
        reply_ms: Some(1.0),
        srvr: Some(srvr),
        metrics: None,
        metrics_source: None,
        metrics_at: None,
        metrics_missing: None,
        timing: None,
    }
}

pub fn seat() -> InstanceSeat {
    InstanceSeat { person: "root".into(), folder: "/srv/zk".into(), front: FrontKind::Console, read_only: false }
}

pub fn instance_view(info: &InstanceInfo) -> InstanceView {
    InstanceView {
        id: info.id,
        host: info.host.clone(),
        pid: info.pid,
        user: "root".into(),
        version: "0.1.0".into(),
        started: info.since_ms,
        read_only: false,
        label: "demo".into(),
        api: ApiView::On("127.0.0.1:8080".into()),
        local: Some(LocalView::Owner),
        seat: seat(),
    }
}

fn healthy() -> EnsembleView {
    EnsembleView {
        state: EnsembleState::Healthy,
        quorum: Quorum { voters: 3, serving: 3 },
        leader: Some(node_id("zk3")),
        epoch: Some(7),
        cause: None,
        since: Timestamp(NOW.0 - 60_000),
    }
}

/// Three servers up, 100 files in balance, this instance leads: the pictures of the screens sheet.
pub fn snapshot() -> Snapshot {
    let instance = InstanceInfo {
        id: InstanceId::new(1),
        host: "host-a".into(),
        pid: 4711,
        since_ms: Timestamp(NOW.0 - 60_000),
        scheduler: None,
        seat: None,
    };
    let mut files = FileTable::default();
    for i in 0..100u128 {
        files.insert(Arc::new(file(400 + i, ["zk1", "zk2", "zk3"][(i % 3) as usize])));
    }
    Snapshot {
        taken_at: NOW,
        past: None,
        revision: 1,
        instance: instance_view(&instance),
        settings: settings(),
        session: SessionView {
            state: SessionState::Connected,
            since: Timestamp(NOW.0 - 59_000),
            cause: None,
            store: StoreView::Ours { id: "0192f7aa".into() },
        },
        leadership: LeadershipView { leads: true, leader: Some(instance.clone()), epoch: Some(Epoch(3)) },
        instances: Arc::from([instance]),
        ensemble: healthy(),
        servers: Arc::from([
            server("zk1", 2181, Role::Follower),
            server("zk2", 2182, Role::Follower),
            server("zk3", 2183, Role::Leader),
        ]),
        nodes: Arc::from([node("zk1", 34), node("zk2", 33), node("zk3", 33)]),
        files,
        files_complete: true,
        files_read: Some(NOW),
        readiness: Readiness::Ready,
        reading: None,
        unreadable: Arc::from([]),
        moves: Arc::from([]),
        scheduler: SchedulerView {
            paused: false,
            interval: Millis(15_000),
            trigger: 5,
            settle: 1,
            cool_down: Millis(30_000),
            reserve: Bytes(4 << 20),
            next_run: Some(Timestamp(NOW.0 + 9_000)),
            max_difference: Some(1),
            ..SchedulerView::default()
        },
        workload: WorkloadView { interval: Millis(20_000), ..WorkloadView::default() },
        operations: Arc::from([
            Arc::new(operation(414, OperationKind::Migration, OperationStatus::Done)),
            Arc::new(operation(7, OperationKind::Migration, OperationStatus::Failed)),
        ]),
        operations_total: 412,
        history: HistoryView { path: "data/zkdeck.db".into(), queued: 0, problem: None, lines_problem: None },
        control: ControlView::Process,
        loops: Arc::from([]),
        canary: CanaryView { last_ms: Some(3.2), ..CanaryView::default() },
        notices: Arc::from([]),
        incidents: Arc::from([]),
        counters: Counters::default(),
        scrub: ScrubView::default(),
        damaged: Arc::from([]),
        alerts: Arc::from([]),
    }
}

/// A snapshot whose files are called so, in this order.
pub fn snapshot_of_files(names: &[&str]) -> Snapshot {
    let mut snapshot = snapshot();
    snapshot.files = FileTable::default();
    for (id, name) in (1..).zip(names) {
        let mut entry = file(id, "zk1");
        (*name).clone_into(&mut entry.record.name);
        snapshot.files.insert(Arc::new(entry));
    }
    snapshot
}
