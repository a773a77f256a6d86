//! The rows of attempts, and how one ends that nobody writes any more: by what the ensemble says of what it was about.

use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::registry::{ReadFile, Registry};
use crate::domain::cause::Cause;
use crate::domain::ids::AttemptId;
use crate::domain::migration::{Intent, IntentKind};
use crate::domain::node::NodeState;
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::snapshot::InstanceInfo;
use crate::engine::clock;

/// The row of an attempt as its intent tells of it, without steps and reasons.
pub(super) fn of(me: &InstanceInfo, attempt: AttemptId, intent: &Intent, status: OperationStatus) -> Operation {
    let kind = match intent.kind {
        IntentKind::Upload => OperationKind::Upload,
        IntentKind::Move => OperationKind::Migration,
        IntentKind::Delete => OperationKind::Delete,
    };
    let what = Operation::what_of_file(&intent.name, intent.size);
    Operation {
        status,
        finished: status.is_final().then(clock::now),
        file: Some(intent.file),
        // An upload comes from nowhere, also one that was handed to another node.
        source: intent.src.clone().filter(|_| intent.kind != IntentKind::Upload),
        target: intent.dst.clone(),
        bytes: intent.size,
        ..Operation::begun(attempt.into(), kind, intent.created_ms, what, intent.by.clone(), me.name())
    }
}

/// The end of a row whose process is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) status: OperationStatus,
    pub(super) cause: Option<Cause>,
    pub(super) why: &'static str,
}

impl End {
    const fn done(why: &'static str) -> Self {
        Self { status: OperationStatus::Done, cause: None, why }
    }

    /// It changed nothing.
    const fn aborted(why: &'static str) -> Self {
        Self { status: OperationStatus::Aborted, cause: Some(Cause::Interrupted), why }
    }

    /// What it did until then stays.
    const fn failed(why: &'static str) -> Self {
        Self { status: OperationStatus::Failed, cause: Some(Cause::Interrupted), why }
    }
}

/// How the row of a process that is gone, and that no intent speaks of, has ended; `None` for one that
/// goes on without the process.
///
/// # Errors
/// [`ZkError`] when the ensemble does not tell.
pub(super) async fn end_of(registry: &Registry, row: &Operation) -> Result<Option<End>, ZkError> {
    Ok(match row.kind {
        OperationKind::Upload | OperationKind::Migration | OperationKind::Delete => Some(file(registry, row).await?),
        OperationKind::Drain => drain(registry, row).await?,
        OperationKind::Undrain => Some(undrain(registry, row).await?),
        OperationKind::SchedulerPause => Some(switch(registry, true).await?),
        OperationKind::SchedulerResume => Some(switch(registry, false).await?),
        OperationKind::Setting => Some(setting(registry, row).await?),
        OperationKind::Weight => {
            Some(End::failed("its instance ended before it told the outcome; the node's weight is shown as it is now"))
        }
        OperationKind::Pause
        | OperationKind::Resume
        | OperationKind::Stop
        | OperationKind::Start
        | OperationKind::Restart => {
            Some(End::failed("its instance ended before it told the outcome; the server's state is shown as it is now"))
        }
        OperationKind::Stress => Some(End::failed("its instance ended before all files were made; those made stay")),
        OperationKind::Scheduler => Some(End::failed("its instance ended during the run; moves that were made stay")),
        OperationKind::Workload => Some(End::failed("its instance ended during the run")),
    })
}

/// Without an intent, an attempt was committed and its row lost, or it never began.
async fn file(registry: &Registry, row: &Operation) -> Result<End, ZkError> {
    let never = End::aborted("its instance ended before it began");
    let Some(file) = row.file else { return Ok(never) };
    let found = registry.find_file(file).await?;
    Ok(match (row.kind, found) {
        (OperationKind::Delete, ReadFile::Gone) => End::done("the file is gone; the row was closed by the recovery"),
        (_, ReadFile::Entry(entry)) if entry.record.blob == AttemptId::from(row.id) => {
            End::done("its bytes are the file's; the row was closed by the recovery")
        }
        _ => never,
    })
}

/// What was set has the id of the operation that set it.
async fn setting(registry: &Registry, row: &Operation) -> Result<End, ZkError> {
    let found = registry.settings().await?;
    let is_set = found.shared.set.values().any(|one| one.operation == row.id);
    Ok(if is_set {
        End::done("the setting holds; the row was closed by the recovery")
    } else {
        End::failed("its instance ended before it told the outcome; the settings are shown as they are now")
    })
}

/// A drain lives in its node's record, and the leader ends it there.
async fn drain(registry: &Registry, row: &Operation) -> Result<Option<End>, ZkError> {
    let record = match &row.source {
        Some(node) => registry.read_node(node).await?,
        None => None,
    };
    let goes_on = record.is_some_and(|(record, _)| match record.state {
        NodeState::Draining { operation, .. } => operation == row.id,
        NodeState::Active => false,
    });
    Ok((!goes_on).then_some(End::aborted("its instance ended before the drain began, or the drain was lifted")))
}

async fn undrain(registry: &Registry, row: &Operation) -> Result<End, ZkError> {
    let record = match &row.target {
        Some(node) => registry.read_node(node).await?,
        None => None,
    };
    Ok(match record {
        Some((record, _)) if !record.state.is_draining() => {
            End::done("the node takes files; the row was closed by the recovery")
        }
        _ => End::aborted("its instance ended before the drain was lifted"),
    })
}

async fn switch(registry: &Registry, paused: bool) -> Result<End, ZkError> {
    let (found, _) = registry.scheduler_paused().await?;
    Ok(if found == paused {
        End::done("the scheduler is as was asked; the row was closed by the recovery")
    } else {
        End::aborted("its instance ended before the scheduler was switched")
    })
}
