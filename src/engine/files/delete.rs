//! A delete, by the steps of `docs/migration.md` ([`Step`]): *begun*, *intent*, *commit* with the record's deletion,
//! *collect*, *row*, *close*.

use std::sync::Arc;

use super::steps::Steps;
use super::{Failure, rows};
use crate::adapters::zookeeper::registry::{Decided, Fence, Registry};
use crate::domain::event::Event;
use crate::domain::file::FileEntry;
use crate::domain::ids::AttemptId;
use crate::domain::migration::{Intent, Maker, Step};
use crate::domain::operation::{Operation, OperationStatus};
use crate::engine::clock;
use crate::engine::context::Context;

/// Deletes one file. The attempt is also the row of history.
///
/// # Errors
/// [`Failure`]: the file is as it was.
pub async fn run(ctx: &Context, attempt: AttemptId, entry: &Arc<FileEntry>, by: &str) -> Result<(), Failure> {
    let _claim = ctx.underway.begin(attempt);
    let started = clock::now();
    let mut steps = Steps::begin(started);
    let intent = Intent::delete(entry.id, &entry.record, Maker { instance: ctx.me.id, by, at: started });
    let row = |status, steps: &Steps, failure: Option<&Failure>| Operation {
        why: failure.map(ToString::to_string),
        cause: failure.map(Failure::cause),
        steps: steps.clone().into_vec(),
        ..rows::of(&ctx.me, attempt, &intent, status)
    };
    ctx.record(row(OperationStatus::Started, &steps, None)).await;
    let result = make(ctx, attempt, entry, &intent, &mut steps).await;
    let status = match &result {
        Ok(_) => OperationStatus::Done,
        Err(failure) if failure.is_abort() => OperationStatus::Aborted,
        Err(failure) if failure.is_decided() => OperationStatus::Failed,
        // It may yet be a success: the recovery closes the row.
        Err(_) => return result.map(drop),
    };
    ctx.record(row(status, &steps, result.as_ref().err())).await;
    // *Close*: the intent goes when nothing is left to do, and the row is on disk.
    if matches!(result, Ok(Collected::Whole))
        && ctx.rows_on_disk().await
        && let Some(registry) = ctx.registry()
    {
        drop_intent(&registry, attempt).await;
    }
    result.map(drop)
}

/// Whether the bytes of a committed delete are in the trash.
enum Collected {
    Whole,
    /// Their disk refused; the recovery does it.
    Left,
}

async fn drop_intent(registry: &Registry, attempt: AttemptId) {
    if let Err(error) = registry.delete_intent(attempt).await {
        tracing::warn!(%attempt, "the intent stays for the recovery: {error}");
    }
}

async fn make(
    ctx: &Context,
    attempt: AttemptId,
    entry: &Arc<FileEntry>,
    intent: &Intent,
    steps: &mut Steps,
) -> Result<Collected, Failure> {
    let registry = ctx.registry().ok_or(Failure::NoSession)?;
    let record = &entry.record;
    let fence = Fence::default();
    if let Err(error) = registry.prepare(&[(attempt, intent.clone())], &fence).await {
        if !error.definitely_not_applied() {
            registry.abort_unprepared(attempt, intent).await;
        }
        return Err(error.into());
    }
    steps.ended(Step::Intent);
    if let Err(error) = registry.commit_delete(attempt, intent, entry, &fence).await {
        match registry.abort(attempt).await {
            Decided::Committed => {}
            Decided::Undecided | Decided::Gone => return Err(Failure::Left),
            Decided::Aborted => {
                drop_intent(&registry, attempt).await;
                return Err(Failure::of(error, registry.layout()));
            }
        }
    }
    steps.ended(Step::Commit);
    ctx.emit(Event::FileRemoved { file: entry.id, learned: ctx.marks.written() }).await;
    match ctx.blobs.trash(&record.owner, entry.id, record.blob).await {
        Ok(()) => {
            steps.ended(Step::Collect);
            Ok(Collected::Whole)
        }
        Err(error) => {
            tracing::warn!(%attempt, "the bytes stay for the recovery: {error}");
            Ok(Collected::Left)
        }
    }
}
