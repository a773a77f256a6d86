//! An upload, by the steps of `docs/migration.md` ([`Step`]): *begun*, *intent*, *copy*, *publish*, *commit* with the
//! record's creation, *row*, *close*. The answer comes after the commit.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::fenced::Fenced;
use super::learned::{CommitKnown, tell_record};
use super::moves::tell_write;
use super::steps::Steps;
use super::underway::Claim;
use super::{Changed, Failure, rows};
use crate::adapters::blobs::{BlobError, Written};
use crate::adapters::zookeeper::registry::{Decided, Fence, Registry};
use crate::domain::command::Rejected;
use crate::domain::event::Event;
use crate::domain::file::{FileEntry, FileRecord};
use crate::domain::ids::{AttemptId, Bytes, FileId, NodeId, Timestamp};
use crate::domain::migration::{Intent, Maker, Step};
use crate::domain::operation::{Operation, OperationStatus};
use crate::engine::clock;
use crate::engine::context::Context;
use crate::engine::handle::ByteSource;

/// Where the bytes come from.
pub enum Source {
    Stream {
        bytes: ByteSource,
        size_hint: Option<u64>,
        /// Most bytes that are taken.
        limit: Option<u64>,
    },
    /// Made by the program; the seed makes each file different.
    Generated { size: Bytes, seed: u64 },
}

/// One upload that is wanted. Its attempt is also its row of history.
pub struct UploadOrder {
    pub attempt: AttemptId,
    pub file: FileId,
    pub name: String,
    pub node: NodeId,
    /// The sender named the node: no other one will do.
    pub pinned: bool,
    pub source: Source,
    pub by: String,
    pub why: String,
}

struct UploadJob<'a> {
    ctx: &'a Context,
    attempt: AttemptId,
    file: FileId,
    name: String,
    node: NodeId,
    pinned: bool,
    /// As far as it is known before the bytes have come.
    expected: Bytes,
    /// Where the bytes were written first, when another node took the file.
    first: Option<NodeId>,
    by: String,
    why: String,
    started: Timestamp,
    steps: Steps,
    known: CommitKnown,
    _claim: Claim,
}

/// Takes one file in and returns it; its row of history says the same.
///
/// # Errors
/// [`Failure`]: no record was made, and the attempt's own bytes are removed.
pub async fn run(ctx: &Context, order: UploadOrder, fence: &Fence) -> Result<FileEntry, Failure> {
    let started = clock::now();
    let UploadOrder { attempt, file, name, node, pinned, source, by, why } = order;
    let expected = match source {
        Source::Generated { size, .. } => size,
        Source::Stream { size_hint, .. } => Bytes(size_hint.unwrap_or_default()),
    };
    let (steps, claim) = (Steps::begin(started), ctx.underway.begin(attempt));
    let mut upload = UploadJob {
        ctx,
        attempt,
        file,
        name,
        node,
        pinned,
        expected,
        first: None,
        by,
        why,
        started,
        steps,
        known: CommitKnown::Answered,
        _claim: claim,
    };
    ctx.record(upload.operation(OperationStatus::Started, None, None)).await;
    let result = upload.make(source, fence).await;
    match &result {
        Ok(entry) => {
            tell_record(ctx, entry.clone(), upload.known).await;
            ctx.record(upload.operation(OperationStatus::Done, Some(entry.record.size), None)).await;
            upload.close().await;
        }
        Err(failure) if failure.is_decided() => {
            let status = if failure.is_abort() { OperationStatus::Aborted } else { OperationStatus::Failed };
            ctx.record(upload.operation(status, None, Some(failure))).await;
        }
        Err(failure) => tracing::warn!(%attempt, "left to the recovery: {failure}"),
    }
    result
}

impl UploadJob<'_> {
    async fn make(&mut self, source: Source, fence: &Fence) -> Result<FileEntry, Failure> {
        let registry = self.ctx.registry().ok_or(Failure::NoSession)?;
        let mut fence = fence.clone();
        let intent = self.prepare(&registry, &mut fence).await?;
        self.steps.ended(Step::Intent);
        match self.write(source).await {
            Ok(written) => self.commit(&registry, intent, written, fence).await,
            // No commit was sent, so it is aborted whoever does it; until then its bytes stay.
            Err(failure) => {
                if registry.abort(self.attempt).await == Decided::Aborted {
                    self.discard(&registry).await;
                }
                Err(failure)
            }
        }
    }

    /// *Intent*: for another node, when the one that was chosen was drained meanwhile.
    async fn prepare(&mut self, registry: &Registry, fence: &mut Fence) -> Result<Intent, Failure> {
        loop {
            let intent = self.intent();
            let prepared = [(self.attempt, intent.clone())];
            let mut fenced = Fenced::new(self.ctx, registry, fence);
            let made = loop {
                let tried = registry.prepare(&prepared, fenced.fence).await;
                if let Some(ended) = fenced.ended(tried).await {
                    break ended;
                }
            };
            let Err(refused) = made else { return Ok(intent) };
            if refused.open {
                registry.abort_unprepared(self.attempt, &intent).await;
            }
            if self.pinned || !matches!(refused.failure, Failure::Refuses { .. }) {
                return Err(refused.failure);
            }
            let next = self.other_node(registry, self.expected).await?;
            self.node = next.0;
            *fence = next.1;
        }
    }

    /// *Copy* and *publish*.
    async fn write(&mut self, source: Source) -> Result<Written, Failure> {
        let progress = Arc::new(AtomicU64::new(0));
        let blobs = &self.ctx.blobs;
        let written = match source {
            Source::Stream { bytes, size_hint, limit } => {
                blobs.receive(&self.node, self.attempt, bytes, size_hint, limit, progress).await
            }
            Source::Generated { size, seed } => blobs.generate(&self.node, self.attempt, size, seed, progress).await,
        };
        tell_write(self.ctx, &self.node, written.as_ref().err()).await;
        let written = written?;
        self.steps.ended(Step::Copy);
        let published = blobs.publish(&self.node, self.file, self.attempt).await;
        if let Err(error) = &published {
            tell_write(self.ctx, &self.node, Some(error)).await;
        }
        published?;
        self.steps.ended(Step::Publish);
        Ok(written)
    }

    /// *Commit*. When the node was drained meanwhile, another one takes the file, unless the sender named this one.
    async fn commit(
        &mut self,
        registry: &Registry,
        mut intent: Intent,
        written: Written,
        mut fence: Fence,
    ) -> Result<FileEntry, Failure> {
        let mut version = 0;
        loop {
            let content = (written.size, written.blake3);
            let record = FileRecord::first(self.name.clone(), self.node.clone(), self.attempt, content, clock::now());
            let (attempt, file, known) = (self.attempt, self.file, (&intent, version));
            let mut fenced = Fenced::new(self.ctx, registry, &mut fence);
            let made = loop {
                let tried = registry.commit_upload(attempt, known, file, &record, fenced.fence).await;
                if let Some(ended) = fenced.ended(tried).await {
                    break ended;
                }
            };
            let Err(refused) = made else { return Ok(self.committed(record)) };
            if self.pinned || self.first.is_some() || !matches!(refused.failure, Failure::Refuses { .. }) {
                return self.settle(registry, record, refused.failure).await;
            }
            fence = match self.redirect(registry, &mut intent, &mut version, written).await {
                Ok(fence) => fence,
                Err(failure) => return self.settle(registry, record, failure).await,
            };
        }
    }

    fn committed(&mut self, record: FileRecord) -> FileEntry {
        self.steps.ended(Step::Commit);
        FileEntry { id: self.file, version: 0, record }
    }

    /// After a commit that failed: how was the attempt decided?
    async fn settle(
        &mut self,
        registry: &Registry,
        record: FileRecord,
        failure: Failure,
    ) -> Result<FileEntry, Failure> {
        match registry.settle(self.attempt, self.file).await {
            Decided::Committed => {
                self.known = CommitKnown::Settled;
                Ok(self.committed(record))
            }
            // No byte is touched before it is decided; the recovery does both.
            Decided::Undecided | Decided::Gone => Err(Failure::Left),
            Decided::Aborted => {
                self.discard(registry).await;
                Err(failure)
            }
        }
    }

    /// The emptiest node that takes a file of this size, and the fence for it.
    async fn other_node(&self, registry: &Registry, size: Bytes) -> Result<(NodeId, Fence), Failure> {
        let refuses = |why: String| Failure::Refuses { node: self.node.clone(), why };
        let nowhere = |rejected: Rejected| Failure::Nowhere { node: self.node.clone(), fault: rejected.into() };
        let next = self.ctx.emptiest(size).await.map_err(nowhere)?;
        let Some((record, version)) = registry.read_node(&next).await? else {
            return Err(Failure::Changed(Changed::Node));
        };
        let drains = record.state.is_draining();
        self.ctx.emit(Event::Node { node: next.clone(), record, version }).await;
        if next == self.node || drains {
            return Err(refuses(format!("it was drained meanwhile, and so was {next}; try again")));
        }
        let fence = Fence { epoch: None, nodes: vec![(next.clone(), version)] };
        Ok((next, fence))
    }

    /// *Redirect*: hands the file to another node. The intent names both, then the bytes are copied and published
    /// there under the attempt's name.
    async fn redirect(
        &mut self,
        registry: &Registry,
        intent: &mut Intent,
        version: &mut i32,
        written: Written,
    ) -> Result<Fence, Failure> {
        let (next, fence) = self.other_node(registry, written.size).await?;
        intent.src = Some(self.node.clone());
        intent.blob_src = Some(self.attempt);
        intent.dst = Some(next.clone());
        *version = registry.redirect(self.attempt, intent, *version).await?;
        let first = std::mem::replace(&mut self.node, next);
        let (from, copied) = ((&first, self.attempt), Arc::new(AtomicU64::new(0)));
        let copy = self.ctx.blobs.copy(self.file, from, &self.node, self.attempt, written.size, copied).await;
        self.first = Some(first);
        tell_write(self.ctx, &self.node, copy.as_ref().err()).await;
        if copy? != written {
            return Err(BlobError::Invalid("the bytes changed on their way to another node".into()).into());
        }
        self.ctx.blobs.publish(&self.node, self.file, self.attempt).await?;
        self.steps.ended(Step::Redirect);
        Ok(fence)
    }

    /// *Row* and *close*: the intent goes when nothing is left to do and the row is on disk; until then the recovery can make
    /// the row again.
    async fn close(&self) {
        if let Some(first) = &self.first
            && let Err(error) = self.ctx.blobs.discard(first, self.file, self.attempt).await
        {
            tracing::warn!(attempt = %self.attempt, "the bytes at {first} stay for the recovery: {error}");
            return;
        }
        if self.ctx.rows_on_disk().await
            && let Some(registry) = self.ctx.registry()
        {
            self.drop_intent(&registry).await;
        }
    }

    /// Only after the intent is aborted.
    async fn discard(&self, registry: &Registry) {
        for node in [Some(&self.node), self.first.as_ref()].into_iter().flatten() {
            if let Err(error) = self.ctx.blobs.discard(node, self.file, self.attempt).await {
                tracing::warn!(attempt = %self.attempt, "bytes of an aborted upload stay for the recovery: {error}");
                return;
            }
        }
        self.drop_intent(registry).await;
    }

    async fn drop_intent(&self, registry: &Registry) {
        if let Err(error) = registry.delete_intent(self.attempt).await {
            tracing::warn!(attempt = %self.attempt, "the intent stays for the recovery: {error}");
        }
    }

    fn intent(&self) -> Intent {
        let maker = Maker { instance: self.ctx.me.id, by: &self.by, at: self.started };
        Intent::upload(self.attempt, self.file, &self.name, &self.node, maker)
    }

    fn operation(&self, status: OperationStatus, size: Option<Bytes>, failure: Option<&Failure>) -> Operation {
        let intent = Intent { size, ..self.intent() };
        Operation {
            why: Some(failure.map_or_else(|| self.why.clone(), ToString::to_string)),
            cause: failure.map(Failure::cause),
            steps: self.steps.clone().into_vec(),
            ..rows::of(&self.ctx.me, self.attempt, &intent, status)
        }
    }
}
