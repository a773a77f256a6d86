//! The scheduler: asks for a plan on time, on request and when a drain begins, and carries it out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::super::context::PlanAnswer;
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::registry::{Fence, RunAnswer};
use crate::domain::cause::{Cause, Fault};
use crate::domain::command::{Automatic, LARGE_RUN};
use crate::domain::event::Event;
use crate::domain::ids::{Bytes, Millis, OperationId, Timestamp};
use crate::domain::number::count;
use crate::domain::operation::OperationStatus;
use crate::domain::planner::{Plan, PlannedMove};
use crate::domain::scheduler::{Decision, Run};
use crate::domain::snapshot::{LeadershipView, LoopName, Snapshot};
use crate::engine::context::Context;
use crate::engine::driver::Loop;
use crate::engine::files::BATCH;
use crate::engine::files::moves::{self, BatchOutcome, MoveOrder};
use crate::engine::{clock, orders};

#[cfg(test)]
mod tests;

/// Runs that may wait for the one in progress.
const WAITING_MAX: usize = 16;
/// Bytes of one batch of moves.
const BATCH_BYTES: u64 = 64 * 1024 * 1024;
/// How long a standby waits for a leader to take its request on.
const TAKE_LIMIT: Duration = Duration::from_secs(60);
const ANSWER_POLL: Duration = Duration::from_millis(100);
/// How long a drain with files left waits for the next try.
const DRAIN_EVERY: Duration = Duration::from_secs(10);
/// The time of the next run is told anew when it is off by more.
const TOLD_WITHIN_MS: u64 = 500;

struct RunRequest {
    id: OperationId,
    by: String,
    reply: oneshot::Sender<Result<Arc<Run>, Fault>>,
}

/// How the rest of the engine reaches the scheduler. Cheap to clone.
#[derive(Clone)]
pub struct SchedulerPort {
    runs: mpsc::Sender<RunRequest>,
    poke: Arc<Notify>,
    stop_run: Arc<AtomicBool>,
}

impl SchedulerPort {
    /// Something changed that may want a run: a drain, or a request of another instance.
    pub fn poke(&self) {
        self.poke.notify_one();
    }

    /// Ends the run in progress after its batch.
    pub fn stop_run(&self) {
        self.stop_run.store(true, Ordering::Relaxed);
    }

    /// Runs the scheduler, here or at the leader, and returns what it did.
    ///
    /// # Errors
    /// Why no run came about.
    pub async fn run(&self, ctx: &Context, by: &str) -> Result<Arc<Run>, Fault> {
        self.ask(ctx, clock::new_operation(), by).await
    }

    /// Runs the scheduler as the operation `id`, whose row is there from the beginning and tells the outcome.
    pub async fn run_as(&self, ctx: &Context, id: OperationId, by: &str) {
        let at = clock::now();
        ctx.record(orders::asked_run_row(ctx, id, at, by, None)).await;
        let row = match self.ask(ctx, id, by).await {
            Ok(run) => orders::run_row(ctx, &run, status_of(&run, true)),
            Err(fault) => orders::asked_run_row(ctx, id, at, by, Some(fault)),
        };
        ctx.record(row).await;
    }

    async fn ask(&self, ctx: &Context, id: OperationId, by: &str) -> Result<Arc<Run>, Fault> {
        if !ctx.snapshot().leadership.leads {
            return forward(ctx, id, by).await;
        }
        let (reply, answer) = oneshot::channel();
        let request = RunRequest { id, by: by.to_owned(), reply };
        self.runs.send(request).await.map_err(|_| Fault::ending())?;
        answer.await.unwrap_or_else(|_| Err(Fault::ending()))
    }
}

/// Asks the leading instance by a znode and waits for its answer: as long as the run takes once it has
/// begun, [`TAKE_LIMIT`] until then. A request that nobody took is withdrawn before it is told so.
async fn forward(ctx: &Context, id: OperationId, by: &str) -> Result<Arc<Run>, Fault> {
    let until = Instant::now() + TAKE_LIMIT;
    loop {
        match asked(ctx, id, by, Instant::now() >= until).await {
            Ok(Some(answer)) => return answer,
            Ok(None) => {}
            Err(error) => tracing::debug!(operation = %id, "the run's answer is looked for again: {error}"),
        }
        tokio::select! {
            biased;
            () = ctx.stop.cancelled() => return Err(Fault::ending()),
            () = tokio::time::sleep(ANSWER_POLL) => {}
        }
    }
}

/// One look at the request: made when it is not there, as at first and after an expired session; `None`
/// while there is no answer yet.
async fn asked(
    ctx: &Context,
    id: OperationId,
    by: &str,
    late: bool,
) -> Result<Option<Result<Arc<Run>, Fault>>, ZkError> {
    let no_leader = || {
        let why = format!("no leading instance has taken the run on within {} s; try again", TAKE_LIMIT.as_secs());
        Some(Err(Fault::new(Cause::Unavailable, why)))
    };
    let Some(registry) = ctx.registry() else { return Ok(None) };
    match registry.run_answer(id).await? {
        RunAnswer::Done(run) => {
            if let Err(error) = registry.drop_run(id).await {
                tracing::warn!(operation = %id, "the request of a run stays until this session ends: {error}");
            }
            Ok(Some(Ok(Arc::new(*run))))
        }
        RunAnswer::Missing if late => Ok(no_leader()),
        RunAnswer::Missing => registry.request_run(id, by).await.map(|()| None),
        RunAnswer::Waiting { version } if late => {
            Ok(registry.withdraw_run(id, version).await?.then(no_leader).flatten())
        }
        RunAnswer::Waiting { .. } | RunAnswer::Taken => Ok(None),
    }
}

/// `asked`: somebody waits for a run, and one that could not be planned is no answer to that.
const fn status_of(run: &Run, asked: bool) -> OperationStatus {
    match run.decision {
        decision if asked && decision.lacks_data() => OperationStatus::Failed,
        Decision::Ran if run.moves_failed > 0 => OperationStatus::Failed,
        Decision::Ran => OperationStatus::Done,
        Decision::Stopped => OperationStatus::Aborted,
        _ => OperationStatus::None,
    }
}

pub struct SchedulerLoop {
    ctx: Context,
    seconds: Interval,
    runs: mpsc::Receiver<RunRequest>,
    waiting: VecDeque<RunRequest>,
    poke: Arc<Notify>,
    poked: bool,
    stop_run: Arc<AtomicBool>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Whether this instance led at the last turn, and whether another one was seen to lead before.
    led: bool,
    stood_by: bool,
    /// When the timer's next run is due; `None` while standing by or paused.
    next: Option<Instant>,
    /// When a drain that has files left is gone on with although nothing poked: it may have lost its leader,
    /// or its last moves failed.
    drain_due: Instant,
    /// What was told of it, as a time of day.
    told: Option<Timestamp>,
    /// Decision and spread of the last row: the timer writes a new one only when they change.
    noted: Option<(Decision, u64)>,
    /// Drains whose rows have been ended.
    ended: BTreeSet<OperationId>,
}

impl SchedulerLoop {
    #[must_use]
    pub fn new(ctx: Context) -> (Self, SchedulerPort) {
        let (runs_tx, runs) = mpsc::channel(WAITING_MAX);
        let (poke, stop_run) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let port = SchedulerPort { runs: runs_tx, poke: Arc::clone(&poke), stop_run: Arc::clone(&stop_run) };
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let scheduler = Self {
            seconds,
            runs,
            waiting: VecDeque::new(),
            poke,
            poked: false,
            stop_run,
            snapshots: ctx.snapshots.clone(),
            led: false,
            stood_by: false,
            next: None,
            drain_due: Instant::now() + DRAIN_EVERY,
            told: None,
            noted: None,
            ended: BTreeSet::new(),
            ctx,
        };
        (scheduler, port)
    }

    /// Keeps the time of the next run in step with leadership and pause. Goes by a clock that nobody
    /// sets; the time of day is told, and told anew when it was set.
    async fn timer(&mut self, leadership: &LeadershipView, paused: bool) -> bool {
        let leads = leadership.leads;
        self.led = leads;
        let took_over = leads && std::mem::take(&mut self.stood_by);
        self.stood_by |= !leads && leadership.leader.is_some();
        let now = Instant::now();
        let (next, due) = next_run(self.next, leads && !paused, took_over, now, self.period());
        self.next = next;
        let shown = next.map(|at| clock::now().plus(Millis(at.saturating_duration_since(now).as_millis() as u64)));
        let same = match (shown, self.told) {
            (Some(shown), Some(told)) => shown.0.abs_diff(told.0) <= TOLD_WITHIN_MS,
            (shown, told) => shown == told,
        };
        if !same {
            self.told = shown;
            self.ctx.emit(Event::SchedulerNext(shown)).await;
        }
        due
    }

    /// Time between two runs, which may be another one at any time.
    fn period(&self) -> Duration {
        Duration::from_millis(self.ctx.snapshot().scheduler.interval.0)
    }

    /// Runs asked for by other instances.
    async fn remote(&mut self) -> Result<(), String> {
        let Some(registry) = self.ctx.registry() else { return Ok(()) };
        for (id, by, version) in registry.run_requests().await.map_err(|error| error.to_string())? {
            match registry.take_run(id, version).await {
                Ok(true) => {}
                // Withdrawn meanwhile.
                Ok(false) => continue,
                Err(error) => return Err(format!("taking on the run that {by} asked for: {error}")),
            }
            let run = self.execute(id, &by, true).await;
            let answer = registry.answer_run(id, &run).await;
            answer.map_err(|error| format!("answering the run that {by} asked for: {error}"))?;
        }
        Ok(())
    }

    /// A drain that has files left and nothing under way wants a run now, and every [`DRAIN_EVERY`].
    async fn drains(&mut self) {
        let draining = self.ctx.drains().await;
        let due = self.poked || self.drain_due <= Instant::now();
        if draining.iter().any(|(_, _, left)| *left > 0) && due {
            self.drain_due = Instant::now() + DRAIN_EVERY;
            self.execute(clock::new_operation(), Automatic::Drain.word(), false).await;
        }
        for (node, record, left) in self.ctx.drains().await {
            let crate::domain::node::NodeState::Draining { operation, .. } = record.state else { continue };
            if left == 0 && self.ended.insert(operation) {
                orders::drained(&self.ctx, &node, &record).await;
            }
        }
    }

    async fn execute(&mut self, id: OperationId, by: &str, asked: bool) -> Arc<Run> {
        self.stop_run.store(false, Ordering::Relaxed);
        let at = clock::now();
        if asked {
            // Who asks counts on what was answered before, by whichever instance.
            self.ctx.catch_up().await;
        }
        let Some(answer) = self.ctx.plan().await else {
            return Arc::new(Run { cause: Some(Cause::Ending), ..Run::new(id, at, by, Decision::Stopped) });
        };
        let run = self.carry_out(id, at, by, asked, answer).await;
        let run = Arc::new(Run { took: clock::now().since(at), ..run });
        let outcome = (run.decision, run.max_difference);
        if asked || run.moves_planned > 0 || self.noted != Some(outcome) {
            self.noted = Some(outcome);
            self.ctx.record(orders::run_row(&self.ctx, &run, status_of(&run, asked))).await;
        }
        self.ctx.emit(Event::RunEnded(Arc::clone(&run))).await;
        if run.decision == Decision::Stopped && self.next.is_some() {
            // Who stops a run has an interval to pause the scheduler in.
            let later = Instant::now() + self.period();
            (self.next, self.drain_due) = (Some(later), later.max(self.drain_due));
        }
        self.tell_others(&run).await;
        run
    }

    async fn tell_others(&self, run: &Run) {
        let Some(registry) = self.ctx.registry() else { return };
        if let Err(error) = registry.write_last_run(run).await {
            tracing::warn!("other instances do not see this run: {error}");
        }
    }

    async fn carry_out(&self, id: OperationId, at: Timestamp, by: &str, asked: bool, answer: PlanAnswer) -> Run {
        let mut run =
            Run { store: self.ctx.snapshot().session.store.id(), ..Run::new(id, at, by, Decision::NotLeader) };
        run.max_difference = answer.max_difference;
        run.threshold = answer.threshold;
        if answer.fence.epoch.is_none() {
            return run;
        }
        if answer.paused && !asked {
            return Run { decision: Decision::Paused, ..run };
        }
        let Some(plan) = answer.plan else {
            return Run { decision: answer.cannot.unwrap_or(Decision::IncompleteData), ..run };
        };
        run.nodes.clone_from(&plan.nodes);
        run.note.clone_from(&plan.note);
        run.decision = plan.decision;
        if plan.moves.is_empty() {
            return run;
        }
        if let Some(why) = self.short_of_heap(plan.moves.len()) {
            return Run { decision: Decision::Stopped, note: Some(why), cause: Some(Cause::Unavailable), ..run };
        }
        run.moves_planned = plan.moves.len() as u64;
        run.moves_least = plan.lower_bound;
        self.ctx.record(orders::run_row(&self.ctx, &run, OperationStatus::Started)).await;
        self.ctx.emit(Event::RunStarted { id, planned: run.moves_planned }).await;
        let entries = answer.entries.into_iter().map(|entry| (entry.id, entry)).collect::<BTreeMap<_, _>>();
        let orders = orders_of(&plan, by, |planned| entries.get(&planned.file).cloned());
        let (outcome, cut) = self.batches(id, orders, &answer.fence).await;
        run.moves_done = outcome.done;
        run.moves_failed = outcome.failed;
        run.moves_skipped = outcome.skipped;
        run.bytes = Bytes(outcome.bytes);
        run.decision = if cut.is_some() { Decision::Stopped } else { Decision::Ran };
        run.cause = cut.as_ref().or(outcome.fault.as_ref()).map(|fault| fault.cause);
        let cut = cut.filter(|fault| fault.cause != Cause::Stopped).map(|fault| fault.why);
        let failed = outcome
            .fault
            .map(|fault| format!("{} failed, the first because: {}", count(outcome.failed, "move"), fault.why));
        let skipped = outcome.skip.map(|why| format!("{} skipped: {why}", count(outcome.skipped, "move")));
        run.note = cut.or(failed).or(skipped).or(run.note);
        run
    }

    /// Why no batch may begin now, with so many moves left.
    fn may_not_go_on(&self, left: usize) -> Option<String> {
        self.ctx.must_wait().map(str::to_owned).or_else(|| self.short_of_heap(left))
    }

    /// Many moves need memory of the servers, which end without it. A few may go on.
    fn short_of_heap(&self, moves: usize) -> Option<String> {
        self.ctx.snapshot().short_of_heap().filter(|_| moves as u64 > LARGE_RUN)
    }

    /// What came of the orders, and why not all of them were begun.
    async fn batches(&self, id: OperationId, orders: Vec<MoveOrder>, fence: &Fence) -> (BatchOutcome, Option<Fault>) {
        let mut total = BatchOutcome::default();
        let mut left = VecDeque::from(orders);
        while !left.is_empty() {
            if self.ctx.stop.is_cancelled() {
                return (total, Some(Fault::ending()));
            }
            if self.stop_run.load(Ordering::Relaxed) {
                return (total, Some(Fault::new(Cause::Stopped, "an operator stopped it")));
            }
            if let Some(why) = self.may_not_go_on(left.len()) {
                return (total, Some(Fault::new(Cause::Unavailable, why)));
            }
            total.add(moves::run(&self.ctx, batch(&mut left), fence).await);
            self.ctx
                .emit(Event::RunProgress { id, done: total.done, failed: total.failed, skipped: total.skipped })
                .await;
        }
        (total, None)
    }
}

/// Resolves when this instance takes or loses the lead.
async fn lead_changes(snapshots: &mut watch::Receiver<Arc<Snapshot>>, led: bool) {
    while snapshots.changed().await.is_ok() {
        if snapshots.borrow_and_update().leadership.leads != led {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// The time of the timer's next run, and whether one is due now. Who takes over from another leader
/// goes on at once; who finds nobody leading waits an interval, until the servers are known.
fn next_run(
    next: Option<Instant>,
    on: bool,
    took_over: bool,
    now: Instant,
    period: Duration,
) -> (Option<Instant>, bool) {
    match next {
        _ if !on => (None, false),
        // The interval may have become a shorter one.
        Some(at) if at > now => (Some(at.min(now + period)), false),
        None if !took_over => (Some(now + period), false),
        _ => (Some(now + period), true),
    }
}

/// Takes moves off the front: at least one, at most [`BATCH`] and [`BATCH_BYTES`].
fn batch(left: &mut VecDeque<MoveOrder>) -> Vec<MoveOrder> {
    let mut taken = Vec::new();
    let mut bytes = 0;
    while let Some(order) = left.front() {
        bytes += order.entry.record.size.0;
        if taken.len() >= BATCH || (!taken.is_empty() && bytes > BATCH_BYTES) {
            break;
        }
        taken.extend(left.pop_front());
    }
    taken
}

fn orders_of(
    plan: &Plan,
    by: &str,
    entry: impl Fn(&PlannedMove) -> Option<Arc<crate::domain::file::FileEntry>>,
) -> Vec<MoveOrder> {
    let order = |planned: &PlannedMove| {
        let (from, to) = (planned.src_before, planned.dst_before);
        let why = format!(
            "{}: {} {from} to {}, {} {to} to {}",
            planned.reason,
            planned.src,
            from.saturating_sub(1),
            planned.dst,
            to + 1
        );
        Some(MoveOrder {
            attempt: clock::new_attempt(),
            entry: entry(planned)?,
            dst: planned.dst.clone(),
            reason: planned.reason,
            why,
            by: by.to_owned(),
        })
    };
    plan.moves.iter().filter_map(order).collect()
}

#[async_trait]
impl Loop for SchedulerLoop {
    fn name(&self) -> LoopName {
        LoopName::Scheduler
    }

    async fn wait(&mut self) {
        tokio::select! {
            biased;
            Some(request) = self.runs.recv() => self.waiting.push_back(request),
            () = self.poke.notified() => self.poked = true,
            _ = self.seconds.tick() => {}
            () = lead_changes(&mut self.snapshots, self.led) => {}
        }
    }

    async fn turn(&mut self) -> Result<(), String> {
        while let Some(request) = self.waiting.pop_front() {
            let run = self.execute(request.id, &request.by, true).await;
            _ = request.reply.send(Ok(run));
        }
        let snapshot = self.ctx.snapshot();
        // A poke may have come before the snapshot that says so.
        self.poked |= snapshot.leadership.leads && !self.led;
        let due = self.timer(&snapshot.leadership, snapshot.scheduler.paused).await;
        if !snapshot.leadership.leads {
            self.poked = false;
            return Ok(());
        }
        if self.poked {
            self.remote().await?;
        }
        self.drains().await;
        self.poked = false;
        if due {
            self.execute(clock::new_operation(), Automatic::Timer.word(), false).await;
        }
        Ok(())
    }
}
