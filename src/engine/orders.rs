//! Orders that change a node, a server or the scheduler: one small job each, one row of history each.

use super::clock;
use super::context::Context;
use crate::adapters::control::ServerControl;
use crate::adapters::zookeeper::error::ZkError;
use crate::domain::command::ServerAction;
use crate::domain::event::Event;
use crate::domain::ids::{NodeId, OperationId, Timestamp};
use crate::domain::node::{NodeRecord, NodeState};
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::scheduler::Decision;

const NO_SESSION: &str = "no session with the ensemble; try again when the header says connected";

/// A change of a node's record, with the version that it was decided on.
pub(super) struct NodeChange {
    pub(super) node: NodeId,
    pub(super) record: NodeRecord,
    pub(super) version: i32,
    pub(super) by: String,
}

/// A row that is begun and ended by one job.
struct Row<'a> {
    ctx: &'a Context,
    id: OperationId,
    kind: OperationKind,
    what: String,
    source: Option<NodeId>,
    target: Option<NodeId>,
    by: String,
    started: Timestamp,
}

impl Row<'_> {
    async fn write(&self, status: OperationStatus, why: Option<String>) {
        let operation = Operation {
            id: self.id,
            kind: self.kind,
            status,
            started: self.started,
            finished: status.is_final().then(clock::now),
            what: self.what.clone(),
            file: None,
            source: self.source.clone(),
            target: self.target.clone(),
            bytes: None,
            why,
            by: self.by.clone(),
            instance: self.ctx.me.name(),
            steps: Vec::new(),
            files: Vec::new(),
            run: None,
        };
        self.ctx.record(operation).await;
    }

    async fn end(&self, result: Result<(), String>) {
        match result {
            Ok(()) => self.write(OperationStatus::Done, None).await,
            Err(why) => self.write(OperationStatus::Failed, Some(why)).await,
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
    let row = Row { ctx, id, kind, what, source: None, target: Some(node.clone()), by, started: clock::now() };
    row.write(OperationStatus::Started, None).await;
    let result = control.act(node, action).await.map_err(|error| error.to_string());
    for (node, view) in control.hosts().await {
        ctx.emit(Event::Host { node, view }).await;
    }
    row.end(result).await;
}

/// Pauses or resumes the scheduler of every instance.
pub(super) async fn pause_scheduler(ctx: &Context, id: OperationId, paused: bool, by: String) {
    let (kind, what) = match paused {
        true => (OperationKind::SchedulerPause, "scheduler pause"),
        false => (OperationKind::SchedulerResume, "scheduler resume"),
    };
    let row = Row { ctx, id, kind, what: what.into(), source: None, target: None, by, started: clock::now() };
    let result = match ctx.registry() {
        Some(registry) => registry.pause_scheduler(paused).await.map_err(|error| error.to_string()),
        None => Err(NO_SESSION.to_owned()),
    };
    if result.is_ok() {
        ctx.emit(Event::SchedulerPaused(paused)).await;
    }
    row.end(result).await;
}

/// Begins a drain. Its row ends when the leader sees the node empty.
pub(super) async fn drain(ctx: &Context, id: OperationId, change: NodeChange, files: u64) {
    let now = clock::now();
    let row = drain_row(ctx, id, &change.node, files, change.by.clone(), now);
    row.write(OperationStatus::Started, None).await;
    let state = NodeState::Draining { since_ms: now, files_at_start: files, operation: id };
    let record = NodeRecord { state, ..change.record.clone() };
    if let Err(why) = write(ctx, &change, record).await {
        row.write(OperationStatus::Failed, Some(why)).await;
    }
}

fn drain_row<'a>(
    ctx: &'a Context,
    id: OperationId,
    node: &NodeId,
    files: u64,
    by: String,
    started: Timestamp,
) -> Row<'a> {
    let what = format!("{files} files of {node}");
    Row { ctx, id, kind: OperationKind::Drain, what, source: Some(node.clone()), target: None, by, started }
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

/// Lifts a drain. A drain that had not ended is aborted.
pub(super) async fn undrain(ctx: &Context, id: OperationId, change: NodeChange, left: u64) {
    let what = format!("drain of {}", change.node);
    let target = Some(change.node.clone());
    let by = change.by.clone();
    let row = Row { ctx, id, kind: OperationKind::Undrain, what, source: None, target, by, started: clock::now() };
    let record = NodeRecord { state: NodeState::Active, ..change.record.clone() };
    let result = write(ctx, &change, record).await;
    if let (Ok(()), NodeState::Draining { since_ms, files_at_start, operation }) = (&result, &change.record.state)
        && left > 0
    {
        let why = format!("undrained by {} with {left} files left", change.by);
        let drain = drain_row(ctx, *operation, &change.node, *files_at_start, change.by.clone(), *since_ms);
        drain.write(OperationStatus::Aborted, Some(why)).await;
    }
    row.end(result).await;
}

/// Changes a node's share of the files.
pub(super) async fn weight(ctx: &Context, id: OperationId, change: NodeChange, weight: u32) {
    let what = format!("weight of {}: {} to {weight}", change.node, change.record.weight);
    let target = Some(change.node.clone());
    let by = change.by.clone();
    let row = Row { ctx, id, kind: OperationKind::Weight, what, source: None, target, by, started: clock::now() };
    let record = NodeRecord { weight, ..change.record.clone() };
    let result = write(ctx, &change, record).await;
    row.end(result).await;
}

/// Writes the record at the version that the operator saw. After an unknown outcome the record is
/// read: it tells.
async fn write(ctx: &Context, change: &NodeChange, record: NodeRecord) -> Result<(), String> {
    let registry = ctx.registry().ok_or(NO_SESSION)?;
    let node = &change.node;
    let version = match registry.write_node(node, &record, change.version).await {
        Ok(version) => version,
        Err(ZkError::Refused { .. }) => {
            return Err(format!("{node} was changed by somebody else meanwhile; look at it again"));
        }
        Err(error) if error.definitely_not_applied() => return Err(error.to_string()),
        Err(error) => match registry.read_node(node).await {
            Ok(Some((found, version))) if found == record => version,
            _ => return Err(error.to_string()),
        },
    };
    ctx.emit(Event::Node { node: node.clone(), record, version }).await;
    Ok(())
}

/// The row of a scheduler run.
pub(super) fn run_row(ctx: &Context, run: &crate::domain::scheduler::Run, status: OperationStatus) -> Operation {
    let what = match run.decision {
        Decision::Ran | Decision::Stopped => format!("{} of {} moves", run.moves_done, run.moves_planned),
        _ => format!("spread {}, trigger {}", run.max_difference, run.threshold),
    };
    let why = run.note.as_ref().map_or_else(|| run.decision.to_string(), |note| format!("{}: {note}", run.decision));
    Operation {
        id: run.id,
        kind: OperationKind::Scheduler,
        status,
        started: run.at,
        finished: status.is_final().then(clock::now),
        what,
        file: None,
        source: None,
        target: None,
        bytes: Some(run.bytes),
        why: Some(why),
        by: run.by.clone(),
        instance: ctx.me.name(),
        steps: Vec::new(),
        files: Vec::new(),
        run: Some(run.clone()),
    }
}

/// The row of a run that did not come about.
pub(super) fn failed_run_row(ctx: &Context, id: OperationId, at: Timestamp, by: &str, why: String) -> Operation {
    Operation {
        id,
        kind: OperationKind::Scheduler,
        status: OperationStatus::Failed,
        started: at,
        finished: Some(clock::now()),
        what: "run".into(),
        file: None,
        source: None,
        target: None,
        bytes: None,
        why: Some(why),
        by: by.to_owned(),
        instance: ctx.me.name(),
        steps: Vec::new(),
        files: Vec::new(),
        run: None,
    }
}
