//! Ends what was begun and not ended: rolls committed attempts forward, aborts prepared ones.
//!
//! Only intents of instances that are gone are touched, and own ones whose last step failed. Should
//! an instance that is thought gone still live, its commit finds its intent aborted and fails.

use std::collections::BTreeSet;

use crate::adapters::zookeeper::registry::{Decided, Registry};
use crate::domain::ids::{AttemptId, InstanceId, Millis};
use crate::domain::migration::{Intent, IntentKind, IntentState};
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::snapshot::{Level, Snapshot};
use crate::engine::clock;
use crate::engine::context::Context;

/// An own intent that is older than this and on no move has lost its job.
const OWN_AGE: Millis = Millis(60_000);

/// Looks at every intent once.
///
/// # Errors
/// What could not be ended, in words; it is tried again at the next turn.
pub async fn run(ctx: &Context, snapshot: &Snapshot) -> Result<(), String> {
    let Some(registry) = ctx.registry() else { return Ok(()) };
    let found = registry.intents().await.map_err(|error| format!("reading the intents: {error}"))?;
    if let Some(first) = found.unreadable.first() {
        return Err(format!("{} intents cannot be read and are left alone: {first}", found.unreadable.len()));
    }
    let alive: BTreeSet<InstanceId> = snapshot.instances.iter().map(|info| info.id).collect();
    let moving: BTreeSet<AttemptId> = snapshot.moves.iter().map(|view| view.attempt).collect();
    let mut ended = 0_u64;
    let mut problem = None;
    for (attempt, intent, _) in found.intents {
        if !is_left(ctx, &alive, &moving, attempt, &intent) {
            continue;
        }
        match end(ctx, &registry, attempt, &intent).await {
            Ok(()) => ended += 1,
            Err(error) => _ = problem.get_or_insert(format!("recovering attempt {attempt}: {error}")),
        }
    }
    if ended > 0 {
        ctx.notice(Level::Info, format!("recovery ended {ended} attempts that were left half done")).await;
    }
    problem.map_or(Ok(()), Err)
}

fn is_left(
    ctx: &Context,
    alive: &BTreeSet<InstanceId>,
    moving: &BTreeSet<AttemptId>,
    attempt: AttemptId,
    intent: &Intent,
) -> bool {
    if intent.instance != ctx.me.id {
        return !alive.contains(&intent.instance);
    }
    let old = clock::now().since(intent.created_ms) > OWN_AGE;
    old && intent.state != IntentState::Prepared && !moving.contains(&attempt)
}

async fn end(ctx: &Context, registry: &Registry, attempt: AttemptId, intent: &Intent) -> Result<(), String> {
    let state = match intent.state {
        IntentState::Prepared => match registry.abort(attempt).await {
            Decided::Aborted => IntentState::Aborted,
            Decided::Committed => IntentState::Committed,
            Decided::Gone => return Ok(()),
            Decided::Undecided => return Err("the session ended before it was decided".into()),
        },
        decided => decided,
    };
    if state == IntentState::Committed {
        collect(ctx, intent).await?;
    } else if let Some(dst) = &intent.dst {
        let discarded = ctx.blobs.discard(dst, intent.file, attempt).await;
        discarded.map_err(|error| error.to_string())?;
    }
    ctx.record(row(ctx, attempt, intent, state)).await;
    registry.delete_intent(attempt).await.map_err(|error| error.to_string())
}

/// The bytes that the commit has replaced.
async fn collect(ctx: &Context, intent: &Intent) -> Result<(), String> {
    let (Some(src), Some(blob)) = (&intent.src, intent.blob_src) else { return Ok(()) };
    ctx.blobs.trash(src, intent.file, blob).await.map_err(|error| error.to_string())
}

fn row(ctx: &Context, attempt: AttemptId, intent: &Intent, state: IntentState) -> Operation {
    let (kind, word) = match intent.kind {
        IntentKind::Upload => (OperationKind::Upload, "upload"),
        IntentKind::Move => (OperationKind::Migration, "move"),
        IntentKind::Delete => (OperationKind::Delete, "delete"),
    };
    let (status, why) = match state {
        IntentState::Committed => (OperationStatus::Done, format!("{word} rolled forward by the recovery")),
        _ => (OperationStatus::Aborted, format!("{word} given up by the recovery: its instance is gone")),
    };
    let what = intent.size.map_or_else(|| intent.name.clone(), |size| format!("{}, {size}", intent.name));
    Operation {
        id: attempt.into(),
        kind,
        status,
        started: intent.created_ms,
        finished: Some(clock::now()),
        what,
        file: Some(intent.file),
        source: intent.src.clone(),
        target: intent.dst.clone(),
        bytes: intent.size,
        why: Some(why),
        by: intent.by.clone(),
        instance: ctx.me.name(),
        steps: Vec::new(),
        files: Vec::new(),
        run: None,
    }
}
