//! One move under way: what it is, where it stands, and how it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::steps::Steps;
use super::underway::Claim;
use super::{Failure, rows};
use crate::domain::event::Event;
use crate::domain::file::{FileEntry, FileRecord};
use crate::domain::ids::{AttemptId, Bytes, NodeId, Timestamp};
use crate::domain::migration::{self, Intent, Maker, Status, Step};
use crate::domain::node::MoveView;
use crate::domain::operation::{Operation, OperationStatus};
use crate::domain::scheduler::MoveReason;
use crate::engine::clock;
use crate::engine::context::Context;

/// One move that is wanted.
#[derive(Clone, Debug)]
pub struct MoveOrder {
    pub attempt: AttemptId,
    pub entry: Arc<FileEntry>,
    pub dst: NodeId,
    pub reason: MoveReason,
    /// The reason in words with its numbers: `over-trigger: 41 > 36`.
    pub why: String,
    pub by: String,
}

pub(super) struct Moving {
    pub(super) order: MoveOrder,
    pub(super) intent: Intent,
    pub(super) copied: Arc<AtomicU64>,
    started: Timestamp,
    status: Status,
    steps: Steps,
    claim: Claim,
}

impl Moving {
    pub(super) fn new(ctx: &Context, order: MoveOrder) -> Self {
        let started = clock::now();
        let copied = Arc::new(AtomicU64::new(0));
        let claim = ctx.underway.begin(order.attempt);
        let maker = Maker { instance: ctx.me.id, by: &order.by, at: started };
        let moved = (order.entry.id, &order.entry.record);
        let intent = Intent::of_move(order.attempt, moved, &order.dst, order.reason, maker);
        Self { order, intent, copied, started, status: Status::Planned, steps: Steps::begin(started), claim }
    }

    pub(super) fn attempt(&self) -> AttemptId {
        self.order.attempt
    }

    pub(super) fn src(&self) -> &NodeId {
        &self.order.entry.record.owner
    }

    pub(super) fn size(&self) -> Bytes {
        self.order.entry.record.size
    }

    /// The record that the commit writes.
    pub(super) fn record_after(&self) -> FileRecord {
        self.order.entry.record.moved(self.order.dst.clone(), self.order.attempt, clock::now())
    }

    pub(super) fn view(&self) -> MoveView {
        MoveView {
            attempt: self.order.attempt,
            file: self.order.entry.id,
            name: self.order.entry.record.name.clone(),
            src: self.src().clone(),
            dst: self.order.dst.clone(),
            size: self.size(),
            copied: Bytes(self.copied.load(Ordering::Relaxed)),
            status: self.status,
            reason: self.order.reason,
            started: self.started,
        }
    }

    pub(super) async fn begin(&self, ctx: &Context) {
        ctx.emit(Event::MoveStarted(Box::new(self.view()))).await;
        ctx.record(self.operation(ctx, OperationStatus::Started, None)).await;
    }

    /// Notes a step; one that the status machine forbids is a defect and is logged, not acted on.
    pub(super) async fn step(&mut self, ctx: &Context, step: Step) {
        match migration::next(self.status, step) {
            Ok(status) => self.status = status,
            Err(illegal) => tracing::error!(attempt = %self.order.attempt, "{illegal}"),
        }
        self.steps.ended(step);
        let copied = Bytes(self.copied.load(Ordering::Relaxed));
        ctx.emit(Event::MoveProgress { attempt: self.order.attempt, status: self.status, copied }).await;
    }

    /// Writes the row of history and tells the core; `failure` is `None` when the move was made. The
    /// intent may go once the row is on disk, and the claim after that.
    pub(super) async fn end(mut self, ctx: &Context, failure: Option<&Failure>) -> Claim {
        let status = match failure {
            None => OperationStatus::Done,
            Some(failure) if failure.is_abort() => OperationStatus::Aborted,
            Some(_) => OperationStatus::Failed,
        };
        if failure.is_some() {
            self.step(ctx, Step::Abort).await;
        }
        let operation = self.operation(ctx, status, failure);
        let took = operation.took().unwrap_or_default();
        ctx.record(operation).await;
        ctx.emit(Event::MoveEnded { attempt: self.order.attempt, status, took }).await;
        self.claim
    }

    /// The attempt is decided by the recovery, which writes the row; it is no longer under way here.
    pub(super) async fn leave(self, ctx: &Context) {
        let (status, took) = (OperationStatus::Failed, clock::now().since(self.started));
        ctx.emit(Event::MoveEnded { attempt: self.order.attempt, status, took }).await;
    }

    fn operation(&self, ctx: &Context, status: OperationStatus, failure: Option<&Failure>) -> Operation {
        Operation {
            why: Some(failure.map_or_else(|| self.order.why.clone(), ToString::to_string)),
            cause: failure.map(Failure::cause),
            steps: self.steps.clone().into_vec(),
            ..rows::of(&ctx.me, self.attempt(), &self.intent, status)
        }
    }
}
