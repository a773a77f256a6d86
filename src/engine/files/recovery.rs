//! Ends what was begun and not ended: rolls committed attempts forward, aborts prepared ones, closes
//! rows that nobody writes any more.
//!
//! Each instance ends its own attempts that no job works on; the leader also those of instances that
//! are gone. Should an instance that is thought gone still live, its commit finds its intent aborted
//! and fails, and an intent that it finds ended makes it touch no bytes.

use std::collections::BTreeSet;

use super::{rows, taken_back};
use crate::adapters::zookeeper::election;
use crate::adapters::zookeeper::registry::{Decided, Registry};
use crate::domain::cause::Cause;
use crate::domain::ids::{AttemptId, InstanceId, Millis};
use crate::domain::migration::{Intent, IntentKind, IntentState};
use crate::domain::number::count;
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::snapshot::{InstanceInfo, Level};
use crate::engine::clock;
use crate::engine::context::Context;

/// So long after its row a drain is in its node's record, if its instance lives.
const DRAIN_BEGUN: Millis = Millis::from_secs(60);

/// Looks at every intent once. `leads`: also at those of instances that are gone.
///
/// # Errors
/// What could not be ended, in words; it is tried again at the next turn.
pub async fn run(ctx: &Context, leads: bool) -> Result<(), String> {
    let Some(registry) = ctx.registry() else { return Ok(()) };
    let found = registry.intents().await.map_err(|error| format!("reading the intents: {error}"))?;
    // Read after the intents: whoever wrote one of them had registered before.
    let alive = election::instances(&registry).await.map_err(|error| format!("reading the instances: {error}"))?;
    let ids: BTreeSet<InstanceId> = alive.iter().map(|info| info.id).collect();
    let mut problem = None;
    let mut ended = Vec::new();
    for (attempt, intent, _) in &found.intents {
        let gone = leads && intent.instance != ctx.me.id && !ids.contains(&intent.instance);
        let own = intent.instance == ctx.me.id && !ctx.underway.has(*attempt);
        if !gone && !own {
            continue;
        }
        match end(ctx, &registry, *attempt, intent).await {
            Ok(()) => ended.push(*attempt),
            Err(error) => _ = problem.get_or_insert(format!("recovering attempt {attempt}: {error}")),
        }
    }
    if !ended.is_empty() {
        close(ctx, &registry, &ended).await?;
    }
    if leads && problem.is_none() && found.unreadable.is_empty() {
        let open = found.intents.iter().map(|(attempt, ..)| *attempt).collect();
        close_rows(ctx, &registry, &alive, &open).await?;
    }
    if let Some(first) = found.unreadable.first() {
        let count = found.unreadable.len();
        _ = problem.get_or_insert(format!("{count} intents cannot be read and are left alone: {first}"));
    }
    problem.map_or(Ok(()), Err)
}

/// Decides one attempt, sees to its bytes (*collect*, or *abort* and their removal) and writes its row.
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
    } else {
        // An upload that was handed to another node has bytes of its own at both.
        let first = intent.src.as_ref().filter(|_| intent.kind == IntentKind::Upload);
        for node in [intent.dst.as_ref(), first].into_iter().flatten() {
            taken_back::remove(ctx, node, intent.file, attempt).await?;
        }
    }
    ctx.record(row(ctx, attempt, intent, state)).await;
    Ok(())
}

/// *Row* and *close*: deletes the intents once their rows are on disk.
async fn close(ctx: &Context, registry: &Registry, ended: &[AttemptId]) -> Result<(), String> {
    if !ctx.rows_on_disk().await {
        return Err(format!("{} to be told once history can be written", count(ended.len() as u64, "ended attempt")));
    }
    registry.delete_intents(ended).await.map_err(|error| format!("deleting ended intents: {error}"))?;
    ctx.notice(Level::Info, format!("recovery ended {}, left half done", count(ended.len() as u64, "attempt"))).await;
    Ok(())
}

/// The bytes that the commit has replaced. Those of an upload that was handed to another node are a copy
/// under the name that the record has: they do not go to the trash, where it would keep them.
async fn collect(ctx: &Context, intent: &Intent) -> Result<(), String> {
    let (Some(src), Some(blob)) = (&intent.src, intent.blob_src) else { return Ok(()) };
    let collected = match intent.kind {
        IntentKind::Upload => ctx.blobs.discard(src, intent.file, blob).await,
        IntentKind::Move | IntentKind::Delete => ctx.blobs.trash(src, intent.file, blob).await,
    };
    collected.map_err(|error| error.to_string())
}

/// Closes rows that instances which are gone have left open, and that no intent speaks of: what they
/// were about never began, or ended without its last row. Each kind is closed by what the ensemble says.
async fn close_rows(
    ctx: &Context,
    registry: &Registry,
    alive: &[InstanceInfo],
    open: &BTreeSet<AttemptId>,
) -> Result<(), String> {
    // A process may have the name that another one had before it began.
    let lives = |row: &Operation| alive.iter().any(|info| info.name() == row.instance && info.since_ms <= row.started);
    let rows = ctx.history.open_rows().await.map_err(|error| error.to_string())?;
    for row in rows {
        // A drain lives in its node's record: whoever lifted it may be gone, and who began it live.
        let begun = row.kind == OperationKind::Drain && clock::now().since(row.started) >= DRAIN_BEGUN;
        if (lives(&row) && !begun) || open.contains(&AttemptId::from(row.id)) {
            continue;
        }
        let end = rows::end_of(registry, &row).await.map_err(|error| error.settled())?;
        let Some(rows::End { status, cause, why }) = end else { continue };
        let finished = Some(clock::now());
        ctx.record(Operation { status, cause, why: Some(why.into()), finished, ..row }).await;
    }
    Ok(())
}

fn row(ctx: &Context, attempt: AttemptId, intent: &Intent, state: IntentState) -> Operation {
    let word = match intent.kind {
        IntentKind::Upload => "upload",
        IntentKind::Move => "move",
        IntentKind::Delete => "delete",
    };
    let (status, cause, why) = match state {
        IntentState::Committed => (OperationStatus::Done, None, format!("{word} rolled forward by the recovery")),
        _ => {
            let why = format!("the {word} was taken back by the recovery: it was not committed when its session ended");
            (OperationStatus::Aborted, Some(Cause::Interrupted), why)
        }
    };
    Operation { cause, why: Some(why), ..rows::of(&ctx.me, attempt, intent, status) }
}
