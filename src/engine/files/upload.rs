//! An upload: intent, bytes, publish, commit with the record's creation. The answer comes after the
//! commit.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::Failure;
use super::moves::tell_write;
use super::steps::Steps;
use super::underway::Claim;
use crate::adapters::blobs::Written;
use crate::adapters::faults;
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::registry::{Decided, Fence, Registry};
use crate::domain::event::Event;
use crate::domain::file::{FileEntry, FileRecord};
use crate::domain::ids::{AttemptId, Bytes, FileId, NodeId, Timestamp};
use crate::domain::migration::{Intent, IntentKind, IntentState};
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::engine::clock;
use crate::engine::context::Context;
use crate::engine::handle::ByteSource;

/// Where the bytes come from.
pub enum Source {
    Stream {
        bytes: ByteSource,
        size_hint: Option<u64>,
    },
    /// Made by the program; the seed makes each file different.
    Generated {
        size: Bytes,
        seed: u64,
    },
}

/// One upload that is wanted. Its attempt is also its row of history.
pub struct UploadOrder {
    pub attempt: AttemptId,
    pub file: FileId,
    pub name: String,
    pub node: NodeId,
    pub source: Source,
    pub by: String,
    pub why: String,
}

struct Upload<'a> {
    ctx: &'a Context,
    attempt: AttemptId,
    file: FileId,
    name: String,
    node: NodeId,
    by: String,
    why: String,
    started: Timestamp,
    steps: Steps,
    _claim: Claim,
}

/// Takes one file in and returns it; its row of history says the same.
///
/// # Errors
/// [`Failure`]: no record was made, and the attempt's own bytes are removed.
pub async fn run(ctx: &Context, order: UploadOrder, fence: &Fence) -> Result<FileEntry, Failure> {
    let started = clock::now();
    let UploadOrder { attempt, file, name, node, source, by, why } = order;
    let (steps, claim) = (Steps::begin(started), ctx.underway.begin(attempt));
    let mut upload = Upload { ctx, attempt, file, name, node, by, why, started, steps, _claim: claim };
    ctx.record(upload.operation(OperationStatus::Started, None, None)).await;
    let result = upload.make(source, fence).await;
    match &result {
        Ok(entry) => {
            ctx.emit(Event::FileChanged(Box::new(entry.clone()))).await;
            ctx.record(upload.operation(OperationStatus::Done, Some(entry.record.size), None)).await;
            upload.close().await;
        }
        Err(failure) if failure.is_decided() => {
            ctx.record(upload.operation(OperationStatus::Failed, None, Some(failure))).await;
        }
        Err(failure) => tracing::warn!(%attempt, "left to the recovery: {failure}"),
    }
    result
}

impl Upload<'_> {
    async fn make(&mut self, source: Source, fence: &Fence) -> Result<FileEntry, Failure> {
        let registry = self.ctx.registry().ok_or(Failure::NoSession)?;
        let intent = self.intent();
        let prepared = [(self.attempt, intent.clone())];
        let mut made = registry.prepare(&prepared, fence).await;
        if faults::twice("upload.intent") {
            made = registry.prepare(&prepared, fence).await;
        }
        if let Err(error) = made {
            if !error.definitely_not_applied() {
                registry.abort_unprepared(self.attempt, &intent).await;
            }
            return Err(changed(error));
        }
        self.steps.ended("intent");
        faults::at("upload.intent");
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

    /// Steps 3 to 5.
    async fn write(&mut self, source: Source) -> Result<Written, Failure> {
        let progress = Arc::new(AtomicU64::new(0));
        let blobs = &self.ctx.blobs;
        let written = match source {
            Source::Stream { bytes, size_hint } => {
                blobs.receive(&self.node, self.attempt, bytes, size_hint, None, progress).await
            }
            Source::Generated { size, seed } => blobs.generate(&self.node, self.attempt, size, seed, progress).await,
        };
        faults::at("upload.copy");
        tell_write(self.ctx, &self.node, written.as_ref().err()).await;
        let written = written?;
        self.steps.ended("copy");
        let mut published = blobs.publish(&self.node, self.file, self.attempt).await;
        if faults::twice("upload.publish") {
            published = blobs.publish(&self.node, self.file, self.attempt).await;
        }
        if let Err(error) = &published {
            tell_write(self.ctx, &self.node, Some(error)).await;
        }
        published?;
        self.steps.ended("publish");
        faults::at("upload.publish");
        Ok(written)
    }

    async fn commit(
        &mut self,
        registry: &Registry,
        intent: Intent,
        written: Written,
        fence: &Fence,
    ) -> Result<FileEntry, Failure> {
        let content = (written.size, written.blake3);
        let record = FileRecord::first(self.name.clone(), self.node.clone(), self.attempt, content, clock::now());
        let mut result = registry.commit_upload(self.attempt, &intent, self.file, &record, fence).await;
        if faults::twice("upload.commit") {
            result = registry.commit_upload(self.attempt, &intent, self.file, &record, fence).await;
        }
        if let Err(error) = result {
            if faults::broken("unknown-is-refused") {
                _ = self.ctx.blobs.discard(&self.node, self.file, self.attempt).await;
                return Err(changed(error));
            }
            match registry.settle(self.attempt, self.file).await {
                Decided::Committed => {}
                // No byte is touched before it is decided; the recovery does both.
                Decided::Undecided | Decided::Gone => return Err(Failure::Left),
                Decided::Aborted => {
                    self.discard(registry).await;
                    return Err(changed(error));
                }
            }
        }
        self.steps.ended("commit");
        faults::at("upload.commit");
        Ok(FileEntry { id: self.file, version: 0, record })
    }

    /// The intent goes when the row is on disk; until then the recovery can make the row again.
    async fn close(&self) {
        if self.ctx.rows_on_disk().await
            && let Some(registry) = self.ctx.registry()
        {
            faults::at("upload.row");
            self.drop_intent(&registry).await;
            faults::at("upload.intent-deleted");
        }
    }

    /// Only after the intent is aborted.
    async fn discard(&self, registry: &Registry) {
        match self.ctx.blobs.discard(&self.node, self.file, self.attempt).await {
            Ok(()) => self.drop_intent(registry).await,
            Err(error) => {
                tracing::warn!(attempt = %self.attempt, "bytes of an aborted upload stay for the recovery: {error}");
            }
        }
    }

    async fn drop_intent(&self, registry: &Registry) {
        if let Err(error) = registry.delete_intent(self.attempt).await {
            tracing::warn!(attempt = %self.attempt, "the intent stays for the recovery: {error}");
        }
    }

    fn intent(&self) -> Intent {
        Intent {
            v: 1,
            state: IntentState::Prepared,
            kind: IntentKind::Upload,
            file: self.file,
            name: self.name.clone(),
            src: None,
            dst: Some(self.node.clone()),
            blob_src: None,
            blob_dst: Some(self.attempt),
            size: None,
            blake3: None,
            instance: self.ctx.me.id,
            reason: None,
            by: self.by.clone(),
            created_ms: self.started,
        }
    }

    fn operation(&self, status: OperationStatus, size: Option<Bytes>, failure: Option<&Failure>) -> Operation {
        let what = size.map_or_else(|| self.name.clone(), |size| format!("{}, {size}", self.name));
        Operation {
            id: self.attempt.into(),
            kind: OperationKind::Upload,
            status,
            started: self.started,
            finished: status.is_final().then(clock::now),
            what,
            file: Some(self.file),
            source: None,
            target: Some(self.node.clone()),
            bytes: size,
            why: Some(failure.map_or_else(|| self.why.clone(), ToString::to_string)),
            by: self.by.clone(),
            instance: self.ctx.me.name(),
            steps: self.steps.clone().into_vec(),
            files: Vec::new(),
            run: None,
        }
    }
}

fn changed(error: ZkError) -> Failure {
    match error {
        ZkError::Refused { .. } => Failure::Changed { what: "node".into(), why: error.to_string() },
        other => other.into(),
    }
}
