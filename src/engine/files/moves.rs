//! Moves in batches: one `multi` for the intents, bytes in parallel, one folder sync a node, one
//! `multi` for the commits. A batch that is refused whole is tried move by move, so that one stale
//! file does not hold up the others.
//!
//! The functions below are the steps of `docs/migration.md`, in its order and by its words ([`Step`]).

use futures_util::StreamExt;
use futures_util::stream;

use super::fenced::{Fenced, Refused};
use super::learned::{CommitKnown, tell_record};
pub use super::moving::MoveOrder;
use super::moving::Moving;
use super::{Changed, Failure};
use crate::adapters::blobs::BlobError;
use crate::adapters::zookeeper::registry::{Decided, Fence, MoveCommit, ReadFile, Registry};
use crate::domain::cause::Fault;
use crate::domain::event::Event;
use crate::domain::file::FileEntry;
use crate::domain::ids::NodeId;
use crate::domain::migration::Step;
use crate::engine::context::Context;

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchOutcome {
    pub done: u64,
    pub failed: u64,
    /// Moves of files that were deleted or changed before, and to nodes that were drained.
    pub skipped: u64,
    pub bytes: u64,
    /// Why the first one failed, when something failed.
    pub fault: Option<Fault>,
    /// Why the first one was skipped.
    pub skip: Option<String>,
}

impl BatchOutcome {
    /// Adds what another batch did.
    pub fn add(&mut self, other: Self) {
        self.done += other.done;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.skip = self.skip.take().or(other.skip);
        self.bytes += other.bytes;
        self.fault = self.fault.take().or(other.fault);
    }

    fn failed(&mut self, failure: &Failure) {
        if failure.is_skip() {
            self.skipped += 1;
            self.skip.get_or_insert_with(|| failure.to_string());
            return;
        }
        self.failed += 1;
        self.fault.get_or_insert_with(|| failure.into());
    }
}

/// Makes the moves of one batch, at most [`super::BATCH`]. Each ends in a row of history.
pub async fn run(ctx: &Context, orders: Vec<MoveOrder>, fence: &Fence) -> BatchOutcome {
    let mut outcome = BatchOutcome::default();
    let moving: Vec<_> = orders.into_iter().map(|order| Moving::new(ctx, order)).collect();
    for one in &moving {
        one.begin(ctx).await;
    }
    let Some(registry) = ctx.registry() else {
        end_all(ctx, moving, &Failure::NoSession, &mut outcome).await;
        return outcome;
    };
    let mut fence = fence.clone();
    let prepared = prepare(ctx, &registry, moving, &mut fence, &mut outcome).await;
    let copied = copy(ctx, &registry, prepared, &mut outcome).await;
    let published = publish(ctx, &registry, copied, &mut outcome).await;
    let committed = commit(ctx, &registry, published, &mut fence, &mut outcome).await;
    collect(ctx, &registry, committed).await;
    outcome
}

async fn end_all(ctx: &Context, moving: Vec<Moving>, failure: &Failure, outcome: &mut BatchOutcome) {
    for one in moving {
        outcome.failed(failure);
        drop(one.end(ctx, Some(failure)).await);
    }
}

/// *Intent*: writes them all at once. Moves to a node that was drained meanwhile end here, and the others go on.
async fn prepare(
    ctx: &Context,
    registry: &Registry,
    mut moving: Vec<Moving>,
    fence: &mut Fence,
    outcome: &mut BatchOutcome,
) -> Vec<Moving> {
    while !moving.is_empty() {
        let intents: Vec<_> = moving.iter().map(|one| (one.attempt(), one.intent.clone())).collect();
        let mut fenced = Fenced::new(ctx, registry, fence);
        let made = loop {
            let tried = registry.prepare(&intents, fenced.fence).await;
            if let Some(ended) = fenced.ended(tried).await {
                break ended;
            }
        };
        let Err(refused) = made else {
            for one in &mut moving {
                one.step(ctx, Step::Intent).await;
            }
            return moving;
        };
        if refused.open {
            for (attempt, intent) in &intents {
                registry.abort_unprepared(*attempt, intent).await;
            }
        }
        let (ended, left): (Vec<_>, Vec<_>) = match &refused.failure {
            Failure::Refuses { node, .. } => moving.into_iter().partition(|one| one.order.dst == *node),
            _ => (moving, Vec::new()),
        };
        end_all(ctx, ended, &refused.failure, outcome).await;
        moving = left;
    }
    moving
}

/// *Copy* and *verify*, some at a time; what fails ends here.
async fn copy(ctx: &Context, registry: &Registry, moving: Vec<Moving>, outcome: &mut BatchOutcome) -> Vec<Moving> {
    let at_once = usize::try_from(ctx.snapshot().scheduler.parallel).unwrap_or(usize::MAX).max(1);
    let mut copies = stream::iter(moving.into_iter().map(|one| copy_one(ctx, one))).buffered(at_once);
    let mut copied = Vec::new();
    while let Some((mut one, result)) = copies.next().await {
        match result {
            Ok(()) => {
                one.step(ctx, Step::Copy).await;
                one.step(ctx, Step::Verify).await;
                copied.push(one);
            }
            Err(failure) => {
                let failure = meanwhile(ctx, registry, &one, failure).await;
                give_up(ctx, registry, one, failure, outcome).await;
            }
        }
    }
    copied
}

/// Bytes that are not there, or not as they were, may be those of a file that was deleted or moved since it
/// was planned: its record tells. Only where that is as it was the bytes are told as damaged.
async fn meanwhile(ctx: &Context, registry: &Registry, one: &Moving, failure: Failure) -> Failure {
    let Failure::Blob(error) = &failure else { return failure };
    if !error.is_damaged() && !error.is_missing() {
        return failure;
    }
    let known = &one.order.entry;
    match registry.read_file(known.id).await {
        Ok(ReadFile::Gone) => Failure::Changed(Changed::FileGone),
        Ok(ReadFile::Entry(found)) if found.record.blob != known.record.blob => Failure::Changed(Changed::File),
        Ok(_) | Err(_) => {
            let (file, blob, problem) = (known.id, known.record.blob, Some(error.to_string()));
            ctx.emit(Event::BytesChecked { file, blob, problem }).await;
            failure
        }
    }
}

/// *Copy* and *verify* of one: the bytes in the target's `.tmp`, synced, with the record's size and hash. Without a
/// session no copy begins.
async fn copy_one(ctx: &Context, one: Moving) -> (Moving, Result<(), Failure>) {
    if ctx.registry().is_none() {
        return (one, Err(Failure::NoSession));
    }
    let record = &one.order.entry.record;
    let (file, from, to) = (one.order.entry.id, (&record.owner, record.blob), &one.order.dst);
    let result = ctx.blobs.copy(file, from, to, one.attempt(), record.size, one.copied.clone()).await;
    tell_write(ctx, to, result.as_ref().err()).await;
    let checked = result.and_then(|written| {
        if written.size == record.size && written.blake3 == record.blake3 {
            Ok(())
        } else {
            Err(BlobError::damaged(&record.owner, file, record.blob, record.blake3, written.blake3))
        }
    });
    (one, checked.map_err(Failure::from))
}

/// *Abort*, and only then the attempt's own bytes are removed. A commit that had come through goes forward.
async fn give_up(ctx: &Context, registry: &Registry, one: Moving, failure: Failure, outcome: &mut BatchOutcome) {
    match registry.settle(one.attempt(), one.order.entry.id).await {
        Decided::Committed => finish(ctx, registry, vec![one], outcome).await,
        Decided::Aborted => {
            let (node, file, attempt) = (one.order.dst.clone(), one.order.entry.id, one.attempt());
            let discarded = ctx.blobs.discard(&node, file, attempt).await;
            outcome.failed(&failure);
            let _claim = one.end(ctx, Some(&failure)).await;
            if let Err(error) = discarded {
                tracing::warn!(%attempt, "bytes of an aborted attempt stay for the recovery: {error}");
            } else if let Err(error) = registry.delete_intent(attempt).await {
                tracing::warn!(%attempt, "the intent stays for the recovery: {error}");
            }
        }
        Decided::Gone | Decided::Undecided => leave(ctx, one, &failure, outcome).await,
    }
}

/// The session ended before the attempt was decided, or somebody else has ended it: no byte is touched,
/// the recovery decides. The row stays open, for it may yet be a success.
async fn leave(ctx: &Context, one: Moving, failure: &Failure, outcome: &mut BatchOutcome) {
    tracing::warn!(attempt = %one.attempt(), "left to the recovery: {failure}");
    outcome.failed(failure);
    one.leave(ctx).await;
}

/// Tells how a write to a node's disk went. Trouble that is not the disk's says nothing of it.
pub async fn tell_write(ctx: &Context, node: &NodeId, error: Option<&BlobError>) {
    let problem = match error {
        Some(error) => match error.target_trouble() {
            Some(trouble) => Some(trouble),
            None => return,
        },
        None => None,
    };
    ctx.emit(Event::Written { node: node.clone(), problem }).await;
}

/// *Publish*: the drafts get their final names, and each folder is synced once.
async fn publish(ctx: &Context, registry: &Registry, moving: Vec<Moving>, outcome: &mut BatchOutcome) -> Vec<Moving> {
    let names: Vec<_> = moving.iter().map(|m| (m.order.dst.clone(), m.order.entry.id, m.attempt())).collect();
    let results = ctx.blobs.publish_many(&names).await;
    let mut published = Vec::new();
    for (mut one, result) in moving.into_iter().zip(results) {
        match result {
            Ok(()) => {
                one.step(ctx, Step::Publish).await;
                published.push(one);
            }
            Err(error) => {
                tell_write(ctx, &one.order.dst, Some(&error)).await;
                give_up(ctx, registry, one, error.into(), outcome).await;
            }
        }
    }
    published
}

fn commit_of(one: &Moving) -> MoveCommit {
    MoveCommit {
        attempt: one.attempt(),
        intent: one.intent.clone(),
        entry: one.order.entry.as_ref().clone(),
        record: one.record_after(),
    }
}

/// *Commit* for the whole batch; what it refuses is tried one by one.
async fn commit(
    ctx: &Context,
    registry: &Registry,
    moving: Vec<Moving>,
    fence: &mut Fence,
    outcome: &mut BatchOutcome,
) -> Vec<Moving> {
    if moving.is_empty() {
        return moving;
    }
    let commits: Vec<_> = moving.iter().map(commit_of).collect();
    if make(ctx, registry, &commits, fence).await.is_ok() {
        let committed = moving.into_iter().zip(commits).map(|(one, commit)| (one, commit, CommitKnown::Answered));
        return report_committed(ctx, committed.collect(), outcome).await;
    }
    let mut committed = Vec::new();
    for (one, commit) in moving.into_iter().zip(commits) {
        match make(ctx, registry, std::slice::from_ref(&commit), fence).await {
            Ok(()) => committed.push((one, commit, CommitKnown::Answered)),
            // Also the refusal of a retry may be the echo of a success whose reply was lost.
            Err(refused) => match registry.settle(one.attempt(), one.order.entry.id).await {
                Decided::Committed => committed.push((one, commit, CommitKnown::Settled)),
                Decided::Aborted => {
                    give_up(ctx, registry, one, refused.failure, outcome).await;
                }
                Decided::Gone | Decided::Undecided => leave(ctx, one, &refused.failure, outcome).await,
            },
        }
    }
    report_committed(ctx, committed, outcome).await
}

async fn make(ctx: &Context, registry: &Registry, commits: &[MoveCommit], fence: &mut Fence) -> Result<(), Refused> {
    let mut fenced = Fenced::new(ctx, registry, fence);
    loop {
        let tried = registry.commit_moves(commits, fenced.fence).await;
        if let Some(ended) = fenced.ended(tried).await {
            return ended;
        }
    }
}

/// What follows a commit at once: the record as it is now.
async fn report_committed(
    ctx: &Context,
    committed: Vec<(Moving, MoveCommit, CommitKnown)>,
    outcome: &mut BatchOutcome,
) -> Vec<Moving> {
    let mut moving = Vec::with_capacity(committed.len());
    for (mut one, commit, known) in committed {
        let entry = FileEntry { id: commit.entry.id, version: commit.entry.version + 1, record: commit.record };
        tell_record(ctx, entry, known).await;
        one.step(ctx, Step::Commit).await;
        outcome.done += 1;
        outcome.bytes += one.size().0;
        moving.push(one);
    }
    moving
}

async fn finish(ctx: &Context, registry: &Registry, moving: Vec<Moving>, outcome: &mut BatchOutcome) {
    let committed = moving.into_iter().map(|one| {
        let commit = commit_of(&one);
        (one, commit, CommitKnown::Settled)
    });
    let committed = report_committed(ctx, committed.collect(), outcome).await;
    collect(ctx, registry, committed).await;
}

/// *Collect*, *row* and *close*: the source's bytes to the trash, the rows on disk, then the intents. What fails here is
/// the recovery's: an intent stays as long as anything is left to do, its row included.
async fn collect(ctx: &Context, registry: &Registry, committed: Vec<Moving>) {
    let trashed = collect_sources(ctx, &committed).await;
    let (mut finished, mut claims) = (Vec::with_capacity(committed.len()), Vec::with_capacity(committed.len()));
    for (mut one, trashed) in committed.into_iter().zip(trashed) {
        if trashed {
            finished.push(one.attempt());
            one.step(ctx, Step::Collect).await;
        }
        claims.push(one.end(ctx, None).await);
    }
    if !finished.is_empty()
        && ctx.rows_on_disk().await
        && let Err(error) = registry.delete_intents(&finished).await
    {
        tracing::warn!("{} intents stay for the recovery: {error}", finished.len());
    }
}

/// Whether each source's bytes are in the trash.
async fn collect_sources(ctx: &Context, moving: &[Moving]) -> Vec<bool> {
    let source = |one: &Moving| (one.src().clone(), one.order.entry.id, one.order.entry.record.blob);
    let sources: Vec<_> = moving.iter().map(source).collect();
    let results = ctx.blobs.trash_many(&sources).await;
    for (one, result) in moving.iter().zip(&results) {
        if let Err(error) = result {
            tracing::warn!(attempt = %one.attempt(), "the source's bytes stay for the recovery: {error}");
        }
    }
    results.iter().map(Result::is_ok).collect()
}
