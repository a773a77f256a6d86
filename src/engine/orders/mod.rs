//! Orders that change a node, a server or the scheduler: one small job each, one row of history each.

use std::time::Duration;

use tokio::time::timeout;

use super::clock;
use super::context::Context;
use super::files::failure::zk_fault;
use crate::adapters::control::ServerControl;
use crate::adapters::zookeeper::error::{Refusal, ZkError};
use crate::adapters::zookeeper::registry::Registry;
use crate::domain::cause::{Cause, Fault};
use crate::domain::command::ServerAction;
use crate::domain::event::Event;
use crate::domain::ids::{NodeId, OperationId, Timestamp};
use crate::domain::node::{NodeRecord, NodeState};
use crate::domain::number::{count, grouped};
use crate::domain::operation::{Operation, OperationKind, OperationStatus, OperationStep};
use crate::domain::scheduler::{Decision, Run};
use crate::domain::setting::{SharedSetting, SharedSettings};
use crate::domain::state::SettingChange;

#[cfg(test)]
mod tests;

/// Pause between two tries of a write whose outcome is not known.
const SETTLE_PAUSE: Duration = Duration::from_millis(200);

/// Longest wait until a server that was started serves. On a busy machine one takes 3 to 8 s.
const SERVES_LIMIT: Duration = Duration::from_secs(20);

/// A change of a node's record, with the version that it was decided on.
pub(super) struct NodeChange {
    pub(super) node: NodeId,
    pub(super) record: NodeRecord,
    pub(super) version: i32,
    pub(super) by: String,
}

/// A row that is begun and ended by one job.
pub(super) struct OperationRow<'a> {
    pub(super) ctx: &'a Context,
    pub(super) id: OperationId,
    pub(super) kind: OperationKind,
    pub(super) what: String,
    pub(super) source: Option<NodeId>,
    pub(super) target: Option<NodeId>,
    pub(super) by: String,
    /// The reason that was given for it.
    pub(super) reason: Option<String>,
    pub(super) started: Timestamp,
}

impl<'a> OperationRow<'a> {
    /// Of what begins now, on no node, with no reason given.
    pub(super) fn begun(ctx: &'a Context, id: OperationId, kind: OperationKind, what: String, by: String) -> Self {
        Self { ctx, id, kind, what, source: None, target: None, by, reason: None, started: clock::now() }
    }

    async fn write(&self, status: OperationStatus, fault: Option<Fault>) {
        self.ctx.record(self.operation(status, fault)).await;
    }

    pub(super) fn operation(&self, status: OperationStatus, fault: Option<Fault>) -> Operation {
        let (cause, why) = fault.map(|Fault { cause, why }| (cause, why)).unzip();
        let (what, by, instance) = (self.what.clone(), self.by.clone(), self.ctx.me.name());
        Operation {
            status,
            finished: status.is_final().then(clock::now),
            source: self.source.clone(),
            target: self.target.clone(),
            why: why.or_else(|| self.reason.clone()),
            cause,
            ..Operation::begun(self.id, self.kind, self.started, what, by, instance)
        }
    }

    /// Tells that what was asked for is in force, and goes on without this job.
    async fn go_on(&self, step: &str) {
        let at = clock::now();
        let step = OperationStep { name: step.to_owned(), at, took: at.since(self.started) };
        self.ctx.record(Operation { steps: vec![step], ..self.operation(OperationStatus::Started, None) }).await;
    }

    /// `None` leaves the row open: the program ends before the outcome is known.
    async fn end(&self, result: Option<Result<(), Fault>>) {
        match result {
            Some(Ok(())) => self.write(OperationStatus::Done, None).await,
            Some(Err(fault)) if fault.cause.is_refusal() => {
                self.write(OperationStatus::Aborted, Some(fault)).await;
            }
            Some(Err(fault)) => self.write(OperationStatus::Failed, Some(fault)).await,
            None => tracing::warn!(operation = %self.id, "left to the recovery: the program ends"),
        }
    }
}

/// Pauses, resumes, stops, starts or restarts a server.
pub(super) async fn server(
    ctx: &Context,
    control: &dyn ServerControl,
    id: OperationId,
    node: &NodeId,
    action: ServerAction,
    by: String,
) {
    let kind = match action {
        ServerAction::Pause => OperationKind::Pause,
        ServerAction::Resume => OperationKind::Resume,
        ServerAction::Stop => OperationKind::Stop,
        ServerAction::Start => OperationKind::Start,
        ServerAction::Restart => OperationKind::Restart,
    };
    let what = format!("server {node}");
    let mut row = OperationRow { target: Some(node.clone()), ..OperationRow::begun(ctx, id, kind, what, by) };
    row.write(OperationStatus::Started, None).await;
    let result = control.act(node, action).await.map_err(Fault::from);
    ctx.emit(Event::Hosts(control.hosts().await)).await;
    if result.is_ok() && action.brings_back() && !serves(ctx, node).await {
        row.what = format!("server {node}: it runs and does not serve yet");
    }
    row.end(Some(result)).await;
}

/// Waits until a server that was just started answers and serves; whether it did.
async fn serves(ctx: &Context, node: &NodeId) -> bool {
    let acted = clock::now();
    let mut snapshots = ctx.snapshots.clone();
    let served = snapshots.wait_for(|snapshot| {
        let server = snapshot.servers.iter().find(|server| server.node == *node);
        server.is_some_and(|server| server.verdict.state.serves() && server.seen.is_some_and(|seen| seen >= acted))
    });
    matches!(ctx.stop.run_until_cancelled(timeout(SERVES_LIMIT, served)).await, Some(Ok(Ok(_))))
}

/// Pauses or resumes the scheduler of every instance.
pub(super) async fn pause_scheduler(ctx: &Context, id: OperationId, paused: bool, by: String) {
    let (kind, what) = match paused {
        true => (OperationKind::SchedulerPause, "scheduler pause"),
        false => (OperationKind::SchedulerResume, "scheduler resume"),
    };
    let row = OperationRow::begun(ctx, id, kind, what.into(), by);
    row.write(OperationStatus::Started, None).await;
    let result = settled(ctx, SettledWrite::Switch { paused }).await;
    if let Some(Ok(version)) = result {
        ctx.emit(Event::SchedulerPaused { paused, version }).await;
    }
    row.end(result.map(|result| result.map(drop).map_err(|error| zk_fault(&error)))).await;
}

/// A write that is harmless to repeat: it sets a whole, or demands the version that it was decided on.
enum SettledWrite<'a> {
    Switch { paused: bool },
    Node { node: &'a NodeId, record: &'a NodeRecord, version: i32 },
    Settings { shared: &'a SharedSettings, version: i32 },
}

impl SettledWrite<'_> {
    /// The version that it leaves. A refusal may be the echo of a try whose answer was lost: then what is there is
    /// what was to be written.
    async fn send(&self, registry: &Registry) -> Result<i32, ZkError> {
        let written = match self {
            Self::Switch { paused } => return registry.pause_scheduler(*paused).await,
            Self::Node { node, record, version } => registry.write_node(node, record, *version).await,
            Self::Settings { shared, version } => registry.write_settings(shared, *version).await,
        };
        let refused = match written {
            Err(error) if error.refusal() == Some(Refusal::BadVersion) => error,
            other => return other,
        };
        match self.found(registry).await {
            Ok(Some(version)) => Ok(version),
            Ok(None) | Err(ZkError::Unreadable { .. }) => Err(refused),
            // As unknown as a lost answer.
            Err(cause) => {
                let ZkError::Refused { path, .. } = refused else { return Err(refused) };
                Err(ZkError::Unknown { operation: "read", path, cause: cause.to_string() })
            }
        }
    }

    /// The version under which what was to be written is there.
    async fn found(&self, registry: &Registry) -> Result<Option<i32>, ZkError> {
        let found = match self {
            Self::Switch { .. } => None,
            Self::Node { node, record, .. } => {
                registry.read_node(node).await?.filter(|(found, _)| found == *record).map(|(_, version)| version)
            }
            Self::Settings { shared, .. } => {
                let found = registry.settings().await?;
                (found.shared == **shared).then_some(found.version)
            }
        };
        Ok(found)
    }
}

/// Makes a write until its outcome is known: after an unknown one it is made again, on the next session
/// when it has to be. `None` when the program ends first.
async fn settled(ctx: &Context, write: SettledWrite<'_>) -> Option<Result<i32, ZkError>> {
    let mut sent = false;
    loop {
        match ctx.registry() {
            Some(registry) => match write.send(&registry).await {
                Err(ZkError::Unknown { .. }) => sent = true,
                Err(ZkError::Disconnected | ZkError::Ended { .. }) if sent => {}
                decided => return Some(decided),
            },
            None if sent => {}
            None => return Some(Err(ZkError::Disconnected)),
        }
        tokio::select! {
            biased;
            () = ctx.stop.cancelled() => return None,
            () = tokio::time::sleep(SETTLE_PAUSE) => {}
        }
    }
}

/// Begins a drain. Its row ends when the leader sees the node empty.
pub(super) async fn drain(ctx: &Context, id: OperationId, change: NodeChange, files: u64) {
    let now = clock::now();
    let row = drain_row(ctx, id, &change.node, files, change.by.clone(), now);
    row.write(OperationStatus::Started, None).await;
    let state = NodeState::Draining { since_ms: now, files_at_start: files, operation: id };
    let record = NodeRecord { state, ..change.record.clone() };
    match write(ctx, &change, record).await {
        Some(Ok(())) if files == 0 => row.end(Some(Ok(()))).await,
        Some(Ok(())) => row.go_on("begun").await,
        decided => row.end(decided).await,
    }
}

fn drain_row<'a>(
    ctx: &'a Context,
    id: OperationId,
    node: &NodeId,
    files: u64,
    by: String,
    started: Timestamp,
) -> OperationRow<'a> {
    let what = format!("{} of {node}", count(files, "file"));
    OperationRow { source: Some(node.clone()), started, ..OperationRow::begun(ctx, id, OperationKind::Drain, what, by) }
}

/// Ends the row of a drain that has emptied its node. Who asked is kept by history.
pub(super) async fn drained(ctx: &Context, node: &NodeId, record: &NodeRecord) {
    let NodeState::Draining { since_ms, files_at_start, operation } = record.state else { return };
    let known = ctx.history.get(operation).await.ok().flatten();
    if known.as_ref().is_some_and(|row| row.status.is_final()) {
        return;
    }
    let by = known.map_or_else(|| "unknown".to_owned(), |row| row.by);
    drain_row(ctx, operation, node, files_at_start, by, since_ms).write(OperationStatus::Done, None).await;
}

/// Lifts a drain, and ends its row: done when nothing was left, else aborted.
pub(super) async fn undrain(ctx: &Context, id: OperationId, change: NodeChange, left: u64) {
    let what = change.node.to_string();
    let target = Some(change.node.clone());
    let by = change.by.clone();
    let row = OperationRow { target, ..OperationRow::begun(ctx, id, OperationKind::Undrain, what, by) };
    row.write(OperationStatus::Started, None).await;
    let record = NodeRecord { state: NodeState::Active, ..change.record.clone() };
    let result = write(ctx, &change, record).await;
    if let Some(Ok(())) = &result {
        if left == 0 {
            drained(ctx, &change.node, &change.record).await;
        } else {
            lifted(ctx, &change, left).await;
        }
    }
    row.end(result).await;
}

/// Ends the row of a drain that was lifted before its node was empty.
async fn lifted(ctx: &Context, change: &NodeChange, left: u64) {
    let NodeState::Draining { since_ms, files_at_start, operation } = change.record.state else { return };
    let known = ctx.history.get(operation).await.ok().flatten();
    let by = known.map_or_else(|| change.by.clone(), |row| row.by);
    let why = format!("undrained by {} with {} left", change.by, count(left, "file"));
    let drain = drain_row(ctx, operation, &change.node, files_at_start, by, since_ms);
    drain.write(OperationStatus::Aborted, Some(Fault::new(Cause::Stopped, why))).await;
}

/// Changes a node's share of the files.
pub(super) async fn weight(ctx: &Context, id: OperationId, change: NodeChange, weight: u32) {
    let what = format!("{}: {} to {weight}", change.node, change.record.weight);
    let target = Some(change.node.clone());
    let by = change.by.clone();
    let row = OperationRow { target, ..OperationRow::begun(ctx, id, OperationKind::Weight, what, by) };
    row.write(OperationStatus::Started, None).await;
    let record = NodeRecord { weight, ..change.record.clone() };
    let result = write(ctx, &change, record).await;
    row.end(result).await;
}

/// Changes a setting for all instances.
pub(super) async fn set(ctx: &Context, id: OperationId, change: SettingChange, by: String) {
    let SettingChange { setting, value, why, shared, version, told } = change;
    let (what, at) = (format!("{setting}: {told}"), clock::now());
    let one = value.map(|value| SharedSetting { value, by: by.clone(), at, operation: id, why: why.clone() });
    let kind = OperationKind::Setting;
    let row = OperationRow { reason: why, started: at, ..OperationRow::begun(ctx, id, kind, what, by) };
    row.write(OperationStatus::Started, None).await;
    let shared = shared.with(setting, one);
    let result = match settled(ctx, SettledWrite::Settings { shared: &shared, version }).await {
        Some(Ok(version)) => {
            ctx.emit(Event::Settings { shared, version, problem: None }).await;
            Some(Ok(()))
        }
        Some(Err(error)) => {
            let changed = format!("settings were changed by somebody else meanwhile; look at {setting} again");
            Some(Err(not_written(&error, changed)))
        }
        None => None,
    };
    row.end(result).await;
}

/// Why a write at a version was not made; `changed` is said when somebody else had written meanwhile.
fn not_written(error: &ZkError, changed: String) -> Fault {
    match error.refusal() {
        Some(Refusal::BadVersion) => Fault::new(Cause::Changed, changed),
        _ => zk_fault(error),
    }
}

/// Writes the record at the version that the operator saw. `None` when the program ends first.
async fn write(ctx: &Context, change: &NodeChange, record: NodeRecord) -> Option<Result<(), Fault>> {
    let node = &change.node;
    let version = match settled(ctx, SettledWrite::Node { node, record: &record, version: change.version }).await? {
        Ok(version) => version,
        Err(error) => {
            let changed = format!("{node} was changed by somebody else meanwhile; look at it again");
            return Some(Err(not_written(&error, changed)));
        }
    };
    ctx.emit(Event::Node { node: node.clone(), record, version }).await;
    Some(Ok(()))
}

/// The row of a scheduler run.
pub(super) fn run_row(ctx: &Context, run: &Run, status: OperationStatus) -> Operation {
    let what = match run.decision {
        Decision::Ran | Decision::Stopped => format!("{} of {}", run.moves_done, count(run.moves_planned, "move")),
        decision if decision.lacks_data() => "no plan".to_owned(),
        _ => format!("spread {}, threshold {}", grouped(run.max_difference), grouped(run.threshold)),
    };
    let decision = if run.decision.lacks_data() { run.decision.sentence() } else { run.decision.word() };
    let why = run.note.as_ref().map_or_else(|| decision.to_owned(), |note| format!("{decision}: {note}"));
    let (by, instance) = (run.by.clone(), ctx.me.name());
    Operation {
        status,
        finished: status.is_final().then(clock::now),
        bytes: Some(run.bytes),
        why: Some(why),
        cause: run_cause(run, status),
        run: Some(run.clone()),
        ..Operation::begun(run.id, OperationKind::Scheduler, run.at, what, by, instance)
    }
}

/// Why a run ended without being done.
fn run_cause(run: &Run, status: OperationStatus) -> Option<Cause> {
    match status {
        OperationStatus::Started | OperationStatus::Done | OperationStatus::None => None,
        OperationStatus::Aborted => Some(run.cause.unwrap_or(Cause::Stopped)),
        OperationStatus::Failed if run.decision.lacks_data() => Some(Cause::Unavailable),
        OperationStatus::Failed => Some(run.cause.unwrap_or(Cause::Internal)),
    }
}

/// The row of a run that has been asked for, or that did not come about: why not.
pub(super) fn asked_run_row(
    ctx: &Context,
    id: OperationId,
    at: Timestamp,
    by: &str,
    failed: Option<Fault>,
) -> Operation {
    let status = if failed.is_some() { OperationStatus::Failed } else { OperationStatus::Started };
    let (kind, what, by) = (OperationKind::Scheduler, "run".to_owned(), by.to_owned());
    OperationRow { started: at, ..OperationRow::begun(ctx, id, kind, what, by) }.operation(status, failed)
}
