//! Everything that happened. Loops and adapters report events; the core folds them into the state.

use std::sync::Arc;

use super::file::FileEntry;
use super::ids::{AttemptId, Bytes, Epoch, FileId, Millis, NodeId, OperationId, Timestamp};
use super::incident::Incident;
use super::migration::Status;
use super::node::{MoveView, NodeRecord, WriteTrouble};
use super::operation::{Operation, OperationStatus};
use super::scheduler::Run;
use super::server::{HostView, Sample};
use super::setting::SharedSettings;
use super::snapshot::{
    ApiView, ControlView, HistoryView, InstanceInfo, LeadershipView, Level, LocalView, LoopView, Reading, ScrubReport,
    ScrubView, SessionState, StoreView, WorkloadView,
};

/// A place in the order in which this process wrote records and began to read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub u64);

/// How a change of a record was learned. A read that began before a write of this process had ended may not
/// have seen it, whenever its answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// This process wrote it: the mark made after the commit.
    Written(Mark),
    /// It was read: the mark before the read began.
    Read(Mark),
}

#[derive(Clone, Debug)]
pub enum Event {
    Session {
        state: SessionState,
        cause: Option<String>,
    },
    Store(StoreView),
    Leadership(LeadershipView),
    Epoch(Epoch),
    Instances(Vec<InstanceInfo>),
    /// How many records have been read since the reading began.
    Reading(Reading),
    /// All records, read anew; replaces what was known.
    FilesLoaded {
        entries: Vec<FileEntry>,
        unreadable: Vec<String>,
        since: Mark,
    },
    FileChanged {
        entry: Box<FileEntry>,
        learned: Learned,
    },
    FileRemoved {
        file: FileId,
        learned: Learned,
    },
    /// A record that cannot be parsed.
    FileUnreadable {
        path: String,
        cause: String,
    },
    Node {
        node: NodeId,
        record: NodeRecord,
        version: i32,
    },
    Probed(Box<Sample>),
    /// What the process table or the container engine says of these servers.
    Hosts(Vec<(NodeId, Option<HostView>)>),
    DiskFree {
        node: NodeId,
        free: Option<Bytes>,
    },
    Control(ControlView),
    Local(LocalView),
    Api(ApiView),
    MoveStarted(Box<MoveView>),
    MoveProgress {
        attempt: AttemptId,
        status: Status,
        copied: Bytes,
    },
    MoveEnded {
        attempt: AttemptId,
        status: OperationStatus,
        took: Millis,
    },
    /// A write to a node's folder ended; `problem` when the node's disk is to blame.
    Written {
        node: NodeId,
        problem: Option<WriteTrouble>,
    },
    /// The bytes of a file were held against its record; `problem` when they are not the record's.
    BytesChecked {
        file: FileId,
        blob: AttemptId,
        problem: Option<String>,
    },
    /// How far the scrub is.
    Scrub(ScrubView),
    /// What the leader's scrub told the others.
    ScrubReport(Box<ScrubReport>),
    Operation(Box<Operation>),
    /// Rows of history as the store gave them at the start or after another process wrote.
    HistoryLoaded {
        newest: Vec<Operation>,
        total: u64,
    },
    History(HistoryView),
    /// Incidents of before this process, as history has them.
    IncidentsLoaded(Vec<Incident>),
    /// The switch, and the version of its record.
    SchedulerPaused {
        paused: bool,
        version: i32,
    },
    /// What was set at run time, and the version of its record.
    Settings {
        shared: SharedSettings,
        version: i32,
        /// Why what is there cannot be used, in words.
        problem: Option<String>,
    },
    SchedulerNext(Option<Timestamp>),
    RunStarted {
        id: OperationId,
        planned: u64,
    },
    RunProgress {
        id: OperationId,
        done: u64,
        failed: u64,
        skipped: u64,
    },
    RunEnded(Arc<Run>),
    Workload(WorkloadView),
    Canary {
        took_ms: Option<f64>,
        problem: Option<String>,
    },
    /// A canary write has not gone through for [`CANARY_WAITS`](super::snapshot::CANARY_WAITS).
    CanaryWaits,
    Loop(LoopView),
    Notice {
        level: Level,
        text: String,
    },
    /// A server has ended by itself, or could not be started again.
    ServerEnded {
        node: NodeId,
        level: Level,
        text: String,
    },
    /// Time passed; ages and flap control move on.
    Tick,
}
