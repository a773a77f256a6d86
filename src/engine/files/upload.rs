//! An upload: intent, bytes, publish, commit with the record's creation. The answer comes after the
//! commit.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::Failure;
use super::steps::Steps;
use crate::adapters::blobs::Written;
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::registry::{Decided, Fence, Registry};
use crate::domain::event::Event;
use crate::domain::file::{FileEntry, FileRecord, RECORD_VERSION};
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
}

/// Takes one file in and returns it; its row of history says the same.
///
/// # Errors
/// [`Failure`]: no record was made, and the attempt's own bytes are removed.
pub async fn run(ctx: &Context, order: UploadOrder, fence: &Fence) -> Result<FileEntry, Failure> {
    let started = clock::now();
    let UploadOrder { attempt, file, name, node, source, by, why } = order;
    let mut upload = Upload { ctx, attempt, file, name, node, by, why, started, steps: Steps::begin(started) };
    ctx.record(upload.operation(OperationStatus::Started, None, None)).await;
    let result = upload.make(source, fence).await;
    let operation = match &result {
        Ok(entry) => upload.operation(OperationStatus::Done, Some(entry.record.size), None),
        Err(failure) => upload.operation(OperationStatus::Failed, None, Some(failure)),
    };
    if let Ok(entry) = &result {
        ctx.emit(Event::FileChanged(Box::new(entry.clone()))).await;
    }
    ctx.record(operation).await;
    result
}

impl Upload<'_> {
    async fn make(&mut self, source: Source, fence: &Fence) -> Result<FileEntry, Failure> {
        let registry = self.ctx.registry().ok_or(Failure::NoSession)?;
        let intent = self.intent();
        if let Err(error) = registry.prepare(&[(self.attempt, intent.clone())], fence).await {
            if !error.definitely_not_applied() {
                registry.abort_unprepared(self.attempt, &intent).await;
            }
            return Err(changed(error));
        }
        self.steps.ended("intent");
        match self.write(source).await {
            Ok(written) => self.commit(&registry, intent, written, fence).await,
            Err(failure) => {
                if registry.abort(self.attempt).await != Decided::Undecided {
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
        let error = written.as_ref().err().filter(|error| error.blames_target()).map(ToString::to_string);
        self.ctx.emit(Event::Written { node: self.node.clone(), error }).await;
        let written = written?;
        self.steps.ended("copy");
        self.ctx.blobs.publish(&self.node, self.file, self.attempt).await?;
        self.steps.ended("publish");
        Ok(written)
    }

    async fn commit(
        &mut self,
        registry: &Registry,
        intent: Intent,
        written: Written,
        fence: &Fence,
    ) -> Result<FileEntry, Failure> {
        let now = clock::now();
        let record = FileRecord {
            v: RECORD_VERSION,
            name: self.name.clone(),
            owner: self.node.clone(),
            blob: self.attempt,
            size: written.size,
            blake3: written.blake3,
            generation: 1,
            created_ms: now,
            updated_ms: now,
        };
        if let Err(error) = registry.commit_upload(self.attempt, &intent, self.file, &record, fence).await {
            match registry.abort(self.attempt).await {
                Decided::Committed => {}
                // No byte is touched before it is decided; the recovery does both.
                Decided::Undecided => return Err(changed(error)),
                Decided::Aborted | Decided::Gone => {
                    self.discard(registry).await;
                    return Err(changed(error));
                }
            }
        }
        self.steps.ended("commit");
        self.drop_intent(registry).await;
        Ok(FileEntry { id: self.file, version: 0, record })
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
