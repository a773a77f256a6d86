//! What was being done: moves, runs of the scheduler, the workload.

use std::sync::Arc;

use super::kept::HistoryThen;
use crate::domain::ids::{AttemptId, Bytes, Millis, NodeId, Timestamp};
use crate::domain::migration::{Status, Step};
use crate::domain::node::{MoveView, NodeView};
use crate::domain::operation::{Operation, OperationKind};
use crate::domain::planner::{self, Counted};
use crate::domain::scheduler::{MoveReason, NotChosen, RUNS_KEPT, Run, RunProgress, SchedulerView};
use crate::domain::snapshot::{Snapshot, WorkloadView};

/// Steps of a move, each with how the move stands after it.
const STANDS: [(Step, Status); 6] = [
    (Step::Intent, Status::Prepared),
    (Step::Copy, Status::Copied),
    (Step::Verify, Status::Verified),
    (Step::Publish, Status::Published),
    (Step::Commit, Status::Committed),
    (Step::Collect, Status::Collected),
];

/// The moves that went on.
pub(super) fn moves(under_way: &[Operation], at: Timestamp) -> Vec<MoveView> {
    let rows = under_way.iter().filter(|row| row.kind == OperationKind::Migration && row.goes_on_at(at));
    rows.filter_map(|row| row.clone().as_of(at)).filter_map(of_row).collect()
}

fn of_row(row: Operation) -> Option<MoveView> {
    let name = row.file_name()?.to_owned();
    let stands = |(step, _): &&(Step, Status)| row.steps.iter().any(|done| done.name == step.word());
    let status = STANDS.iter().rev().find(stands).map_or(Status::Planned, |(_, status)| *status);
    let code = row.why.as_deref().and_then(|why| why.split(':').next());
    let reason = MoveReason::ALL.iter().find(|reason| Some(reason.word()) == code);
    let size = row.bytes.unwrap_or_default();
    Some(MoveView {
        attempt: AttemptId::new(row.id.bits()),
        file: row.file?,
        name,
        src: row.source?,
        dst: row.target?,
        size,
        copied: if status == Status::Planned || status == Status::Prepared { Bytes(0) } else { size },
        status,
        reason: reason.copied().unwrap_or(MoveReason::Manual),
        started: row.started,
    })
}

/// The scheduler as history tells of it: runs that the timer found nothing to do in are not all written down.
pub(super) struct RunsThen {
    pub(super) view: SchedulerView,
}

impl RunsThen {
    pub(super) fn of(history: &HistoryThen, present: &Snapshot, at: Timestamp) -> Self {
        let ended = history.runs.iter().filter(|row| row.finished.is_some_and(|end| end <= at));
        let recent: Vec<Arc<Run>> = ended.filter_map(|row| row.run.clone()).map(Arc::new).take(RUNS_KEPT).collect();
        let paused = history.switch.as_ref().is_some_and(|row| row.kind == OperationKind::SchedulerPause);
        let last_run = recent.first().cloned();
        let view = SchedulerView {
            paused,
            interval: Millis(0),
            trigger: last_run.as_ref().map_or(0, |run| run.threshold),
            settle: 0,
            cool_down: Millis(0),
            reserve: Bytes(0),
            parallel: 0,
            next_run: None,
            running: running(history, present, at),
            last_run,
            recent: recent.into(),
            max_difference: None,
        };
        Self { view }
    }

    /// Why the last run did not use the node as a target.
    pub(super) fn not_chosen(&self, node: &NodeId) -> Option<NotChosen> {
        let run = self.view.last_run.as_ref()?;
        run.nodes.iter().find(|target| target.node == *node)?.not_chosen
    }

    pub(super) fn spread(&mut self, nodes: &[NodeView], known: bool) {
        let counted: Vec<Counted> = nodes.iter().map(Counted::of).collect();
        self.view.max_difference = known.then(|| planner::spread(&counted));
    }
}

/// The run that went on. Its plan is told by its end, or now while it goes on still.
fn running(history: &HistoryThen, present: &Snapshot, at: Timestamp) -> Option<RunProgress> {
    let row = history.under_way.iter().find(|row| row.kind == OperationKind::Scheduler && row.goes_on_at(at))?;
    let still = present.scheduler.running.as_ref().filter(|run| run.id == row.id);
    let planned = row.run.as_ref().map(|run| run.moves_planned).or(still.map(|run| run.moves_planned))?;
    let ended = &history.run_moves;
    Some(RunProgress {
        id: row.id,
        since: row.started,
        moves_planned: planned,
        moves_done: ended.done,
        moves_failed: ended.failed,
        moves_skipped: ended.skipped,
    })
}

pub(super) fn workload(history: &HistoryThen, present: &Snapshot, at: Timestamp) -> WorkloadView {
    let running = history.under_way.iter().any(|row| row.kind == OperationKind::Workload && row.goes_on_at(at));
    WorkloadView {
        off: None,
        interval: present.workload.interval,
        extra_clients: 0,
        extra_connected: 0,
        next_run: None,
        running,
        last: history.workload.as_ref().map(|row| row.what.clone()),
        runs: 0,
        failures: 0,
    }
}
