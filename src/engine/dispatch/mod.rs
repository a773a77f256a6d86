//! Turns requests into work: judges them against the state and hands them to a loop or a job.

use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

use super::clock;
use super::context::Context;
use super::files::download::{self, Known};
use super::files::{delete, moves, stress, upload};
use super::handle::{ByteSource, Download, EngineRequest, Upload};
use super::loops::scheduler::SchedulerPort;
use super::loops::workload::WorkloadPort;
use super::operations::RowSender;
use super::orders;
use crate::adapters::control::ServerControl;
use crate::domain::command::{Accepted, Actor, Command, Rejected, Stress};
use crate::domain::event::Event;
use crate::domain::file::FileEntry;
use crate::domain::ids::{FileId, NodeId};
use crate::domain::number::count;
use crate::domain::scheduler::MoveReason;
use crate::domain::state::{CheckedCommand, State};

#[cfg(test)]
pub(super) mod tests;

/// Jobs that fronts may have under way at once.
const JOBS_MAX: usize = 64;

type AnswerSender<T, E> = oneshot::Sender<Result<T, E>>;

pub(super) struct Dispatch {
    pub(super) ctx: Context,
    pub(super) scheduler: SchedulerPort,
    pub(super) workload: WorkloadPort,
    pub(super) control: Arc<dyn ServerControl>,
    slots: Arc<Semaphore>,
}

impl Dispatch {
    pub(super) fn new(
        ctx: Context,
        scheduler: SchedulerPort,
        workload: WorkloadPort,
        control: Arc<dyn ServerControl>,
    ) -> Self {
        Self { ctx, scheduler, workload, control, slots: Arc::new(Semaphore::new(JOBS_MAX)) }
    }

    /// Answers a request or hands it on. Whether the state may have changed.
    pub(super) fn request(&self, state: &mut State, request: EngineRequest) -> bool {
        let changes = matches!(request, EngineRequest::Command { .. } | EngineRequest::Api(_));
        match request {
            EngineRequest::Command { command, actor, rows, reply } => {
                let answer = self.command(state, &command, &actor);
                _ = reply.send(self.followed(state, rows, answer));
            }
            EngineRequest::Upload { upload, bytes, actor, rows, reply } => {
                let answer = self.upload(state, upload, bytes, &actor);
                _ = reply.send(self.followed(state, rows, answer));
            }
            EngineRequest::Download { file, reply } => match self.unless_ending(|| state.check_download(file)) {
                Ok(entry) => self.download(Known::Entry(entry), reply),
                Err(Rejected::UnknownFile { given }) => self.download(Known::Not(given), reply),
                Err(rejected) => _ = reply.send(Err(rejected)),
            },
            EngineRequest::File { file, reply } => match self.unless_ending(|| state.entry(file)) {
                Err(Rejected::UnknownFile { given }) => self.look_up(given, reply),
                known => _ = reply.send(known),
            },
            // The core answers it itself.
            EngineRequest::Current { .. } => {}
            EngineRequest::CatchUp { reply } => self.catch_up(reply),
            EngineRequest::Api(view) => state.apply(Event::Api(view), clock::now()),
        }
        changes
    }

    fn catch_up(&self, reply: oneshot::Sender<()>) {
        let ctx = self.ctx.clone();
        self.ctx.driver.job("catch-up", async move {
            ctx.catch_up().await;
            _ = reply.send(());
        });
    }

    /// Notes an accepted operation as one that somebody asked for, and sends its rows to who waits for it.
    fn followed(
        &self,
        state: &mut State,
        rows: Option<RowSender>,
        answer: Result<Accepted, Rejected>,
    ) -> Result<Accepted, Rejected> {
        if let Ok(Accepted { operation: Some(id), .. }) = &answer {
            state.asked_for(*id);
            rows.into_iter().for_each(|rows| self.ctx.operations.watch(*id, rows));
        }
        answer
    }

    /// Runs a job in one of the slots, or refuses.
    fn job(&self, name: &'static str, job: impl Future<Output = ()> + Send + 'static) -> Result<(), Rejected> {
        if self.ctx.stop.is_cancelled() {
            return Err(Rejected::ShuttingDown);
        }
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            return Err(Rejected::Busy { what: "operations under way".into(), limit: JOBS_MAX });
        };
        self.ctx.driver.job(name, async move {
            job.await;
            drop(slot);
        });
        Ok(())
    }

    fn command(&self, state: &mut State, command: &Command, actor: &Actor) -> Result<Accepted, Rejected> {
        let order = state.check(command)?;
        let (ctx, by) = (self.ctx.clone(), actor.0.clone());
        match order {
            CheckedCommand::StopRun => {
                self.scheduler.stop_run();
                Ok(Accepted { operation: None, message: stopping(state) })
            }
            CheckedCommand::Stress(wanted) => self.stress(wanted, by),
            CheckedCommand::RunScheduler => self.run_scheduler(by),
            CheckedCommand::RunWorkload => self.workload.run(&ctx, by),
            CheckedCommand::Migrate { entry, target } => self.migrate(entry, target, by),
            CheckedCommand::Delete { entry } => self.delete(entry, by),
            CheckedCommand::Server { node, action } => {
                let id = clock::new_operation();
                let message = format!("{} of {node} begun", action.word());
                let control = Arc::clone(&self.control);
                self.job("server", async move { orders::server(&ctx, &*control, id, &node, action, by).await })?;
                Ok(Accepted { operation: Some(id), message })
            }
            CheckedCommand::PauseScheduler(paused) => {
                let id = clock::new_operation();
                self.job("scheduler-pause", async move { orders::pause_scheduler(&ctx, id, paused, by).await })?;
                let message = if paused { "pause of the scheduler begun" } else { "resume of the scheduler begun" };
                Ok(Accepted { operation: Some(id), message: message.into() })
            }
            CheckedCommand::Set(change) => {
                let id = clock::new_operation();
                let message = format!("change of {} begun: {}", change.setting, change.told);
                self.job("set", async move { orders::set(&ctx, id, change, by).await })?;
                Ok(Accepted { operation: Some(id), message })
            }
            CheckedCommand::Drain { node, record, version, files } => {
                let id = clock::new_operation();
                let message = format!("drain of {node} begun: {} to move", count(files, "file"));
                let change = orders::NodeChange { node, record, version, by };
                self.job("drain", async move { orders::drain(&ctx, id, change, files).await })?;
                Ok(Accepted { operation: Some(id), message })
            }
            CheckedCommand::Undrain { node, record, version } => {
                let id = clock::new_operation();
                let message = format!("undrain of {node} begun");
                let left = state.placement().count(&node);
                let change = orders::NodeChange { node, record, version, by };
                self.job("undrain", async move { orders::undrain(&ctx, id, change, left).await })?;
                Ok(Accepted { operation: Some(id), message })
            }
            CheckedCommand::Weight { node, record, version, weight } => {
                let id = clock::new_operation();
                let message = format!("change of {node}'s weight from {} to {weight} begun", record.weight);
                let change = orders::NodeChange { node, record, version, by };
                self.job("weight", async move { orders::weight(&ctx, id, change, weight).await })?;
                Ok(Accepted { operation: Some(id), message })
            }
        }
    }

    fn stress(&self, wanted: Stress, by: String) -> Result<Accepted, Rejected> {
        let (ctx, id, scheduler) = (self.ctx.clone(), clock::new_operation(), self.scheduler.clone());
        let message = format!("stress of {} begun: {} of {}", wanted.node, count(wanted.files, "file"), wanted.size);
        self.job("stress", async move { stress::run(&ctx, id, &wanted, &by, &scheduler).await })?;
        Ok(Accepted { operation: Some(id), message })
    }

    fn run_scheduler(&self, by: String) -> Result<Accepted, Rejected> {
        let (ctx, id, scheduler) = (self.ctx.clone(), clock::new_operation(), self.scheduler.clone());
        self.job("run", async move { scheduler.run_as(&ctx, id, &by).await })?;
        Ok(Accepted { operation: Some(id), message: "run of the scheduler begun".into() })
    }

    fn migrate(&self, entry: Arc<FileEntry>, dst: NodeId, by: String) -> Result<Accepted, Rejected> {
        let (ctx, attempt) = (self.ctx.clone(), clock::new_attempt());
        let message = format!("move of {} from {} to {dst} begun", entry.record.name, entry.record.owner);
        let why = format!("manual, by {by}");
        let order = moves::MoveOrder { attempt, entry, dst, reason: MoveReason::Manual, why, by };
        self.job("migrate", async move {
            if let Some(fence) = ctx.fence(vec![order.dst.clone()]).await {
                moves::run(&ctx, vec![order], &fence).await;
            }
        })?;
        Ok(Accepted { operation: Some(attempt.into()), message })
    }

    fn delete(&self, entry: Arc<FileEntry>, by: String) -> Result<Accepted, Rejected> {
        let (ctx, attempt) = (self.ctx.clone(), clock::new_attempt());
        let message = format!("delete of {} at {} begun", entry.record.name, entry.record.owner);
        self.job("delete", async move {
            if let Err(failure) = delete::run(&ctx, attempt, &entry, &by).await {
                tracing::warn!(%attempt, "delete: {failure}");
            }
        })?;
        Ok(Accepted { operation: Some(attempt.into()), message })
    }

    fn upload(&self, state: &State, wanted: Upload, bytes: ByteSource, by: &Actor) -> Result<Accepted, Rejected> {
        let node = state.check_upload(&wanted.name, wanted.node.as_ref(), wanted.size_hint)?;
        let (ctx, attempt) = (self.ctx.clone(), clock::new_attempt());
        let message = format!("upload of {} to {node} begun", wanted.name);
        let order = upload::UploadOrder {
            attempt,
            file: clock::new_file(),
            name: wanted.name,
            pinned: wanted.node.is_some(),
            node,
            source: upload::Source::Stream { bytes, size_hint: wanted.size_hint, limit: wanted.limit },
            by: by.0.clone(),
            why: format!("by {by}"),
        };
        self.job("upload", async move {
            let Some(fence) = ctx.fence(vec![order.node.clone()]).await else { return };
            if let Err(failure) = upload::run(&ctx, order, &fence).await {
                tracing::warn!(%attempt, "upload: {failure}");
            }
        })?;
        Ok(Accepted { operation: Some(attempt.into()), message })
    }

    fn unless_ending<T>(&self, find: impl FnOnce() -> Result<T, Rejected>) -> Result<T, Rejected> {
        if self.ctx.stop.is_cancelled() { Err(Rejected::ShuttingDown) } else { find() }
    }

    fn download(&self, known: Known, reply: AnswerSender<Download, Rejected>) {
        let ctx = self.ctx.clone();
        self.ctx.driver.job("download", async move { _ = reply.send(download::run(&ctx, known).await) });
    }

    fn look_up(&self, file: FileId, reply: AnswerSender<Arc<FileEntry>, Rejected>) {
        let ctx = self.ctx.clone();
        self.ctx.driver.job("file", async move { _ = reply.send(download::find(&ctx, file).await) });
    }
}

/// What comes after a run that is stopped.
fn stopping(state: &State) -> String {
    let next = if state.scheduler_paused() {
        "the scheduler is paused, so no other begins automatically".to_owned()
    } else {
        format!("the timer begins the next one {} later; pause the scheduler to prevent that", state.interval())
    };
    format!("the run ends after the moves under way; {next}")
}
