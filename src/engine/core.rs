//! The one task that owns the state.
//!
//! Architecture invariant: the core awaits nothing but its own receivers. Loops and jobs may wait
//! for the core, so bounded queues cannot deadlock.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::clock;
use super::context::{Inquiry, PlanAnswer};
use super::dispatch::Dispatch;
use super::handle::EngineRequest;
use crate::adapters::faults;
use crate::adapters::zookeeper::registry::Fence;
use crate::domain::command::Rejected;
use crate::domain::event::Event;
use crate::domain::ids::NodeId;
use crate::domain::planner::Plan;
use crate::domain::snapshot::{Level, Readiness, Snapshot};
use crate::domain::state::State;

/// Events that may wait for the core.
pub(super) const EVENTS_MAX: usize = 1024;
/// Questions that may wait for the core.
pub(super) const INQUIRIES_MAX: usize = 64;
/// Shortest time between two snapshots: ten a second.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);
/// Events folded in before the core looks at requests again.
const EVENTS_AT_ONCE: usize = 256;

pub(super) struct Core {
    pub(super) state: State,
    pub(super) requests: mpsc::Receiver<EngineRequest>,
    pub(super) inquiries: mpsc::Receiver<Inquiry>,
    pub(super) events: mpsc::Receiver<Event>,
    pub(super) snapshots: watch::Sender<Arc<Snapshot>>,
    pub(super) dispatch: Dispatch,
    /// Ends the core, after all loops and jobs have ended.
    pub(super) end: CancellationToken,
}

impl Core {
    pub(super) async fn run(mut self) {
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut published = Instant::now();
        let mut dirty = true;
        let mut batch = Vec::with_capacity(EVENTS_AT_ONCE);
        loop {
            tokio::select! {
                biased;
                () = self.end.cancelled() => break,
                () = sleep_until(published + PUBLISH_EVERY), if dirty => {
                    self.publish();
                    published = Instant::now();
                    dirty = false;
                }
                Some(request) = self.requests.recv() => {
                    dirty |= self.catch_up();
                    if let EngineRequest::Current { reply } = request {
                        if dirty {
                            self.publish();
                            published = Instant::now();
                            dirty = false;
                        }
                        _ = reply.send(self.snapshots.borrow().clone());
                    } else {
                        dirty |= self.dispatch.request(&mut self.state, request);
                    }
                }
                Some(ask) = self.inquiries.recv() => {
                    dirty |= self.catch_up();
                    self.answer(ask);
                }
                count = self.events.recv_many(&mut batch, EVENTS_AT_ONCE) => {
                    let now = clock::now();
                    batch.drain(..).for_each(|event| self.state.apply(event, now));
                    dirty |= count > 0;
                }
                _ = seconds.tick() => {
                    self.state.apply(Event::Tick, clock::now());
                    dirty = true;
                }
            }
        }
        self.publish();
    }

    /// Folds in what was told before the question: who asks knows it and counts on it. Whether there was
    /// anything.
    fn catch_up(&mut self) -> bool {
        let now = clock::now();
        let mut any = false;
        for _ in 0..EVENTS_MAX {
            let Ok(event) = self.events.try_recv() else { break };
            self.state.apply(event, now);
            any = true;
        }
        any
    }

    fn publish(&mut self) {
        self.dispatch.ctx.blobs.keep_free(self.state.scheduling().reserve());
        let mut snapshot = self.state.snapshot(clock::now());
        if faults::broken("always-ready") {
            snapshot.readiness = Readiness::Ready;
        }
        let snapshot = Arc::new(snapshot);
        let before = self.snapshots.send_replace(Arc::clone(&snapshot));
        log_notices(&before, &snapshot);
    }

    /// Who asked may have gone meanwhile; then nobody needs the answer.
    fn answer(&self, inquiry: Inquiry) {
        match inquiry {
            Inquiry::Plan { reply } => _ = reply.send(self.plan()),
            Inquiry::Preview { reply } => _ = reply.send(self.preview()),
            Inquiry::Fence { nodes, reply } => _ = reply.send(self.fence(&nodes)),
            Inquiry::Emptiest { size, reply } => _ = reply.send(self.state.emptiest(Some(size))),
            Inquiry::Drains { reply } => _ = reply.send(self.state.draining()),
        }
    }

    fn plan(&self) -> PlanAnswer {
        let cannot = self.state.cannot_plan();
        let plan = cannot.is_none().then(|| self.state.plan(clock::now()));
        let moves = plan.iter().flat_map(|plan| &plan.moves);
        let entries = moves.filter_map(|planned| self.state.files().get(planned.file).cloned()).collect();
        let leadership = self.state.leadership();
        let epoch = leadership.epoch.filter(|_| leadership.leads);
        PlanAnswer {
            cannot,
            plan,
            entries,
            fence: Fence { epoch, ..self.fence(&self.state.node_ids()) },
            max_difference: self.state.spread().unwrap_or_default(),
            threshold: self.state.trigger(),
            paused: self.state.scheduler_paused(),
        }
    }

    fn preview(&self) -> Result<Plan, Rejected> {
        self.state.check_plan()?;
        Ok(self.state.plan(clock::now()))
    }

    fn fence(&self, nodes: &[NodeId]) -> Fence {
        let version = |node: &NodeId| self.state.record(node).map(|(_, version)| (node.clone(), *version));
        Fence { epoch: None, nodes: nodes.iter().filter_map(version).collect() }
    }
}

/// What the screen tells is told by the log too, for who has no screen.
fn log_notices(before: &Snapshot, after: &Snapshot) {
    if Arc::ptr_eq(&before.notices, &after.notices) {
        return;
    }
    let last = before.notices.last().map_or(0, |notice| notice.number);
    for notice in after.notices.iter().filter(|notice| notice.number > last) {
        match notice.level {
            Level::Info => tracing::info!("{}", notice.text),
            Level::Warning => tracing::warn!("{}", notice.text),
            Level::Error => tracing::error!("{}", notice.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::domain::event::{Learned, Mark};
    use crate::domain::fixtures::{file, node_id};
    use crate::domain::ids::FileId;
    use crate::domain::node::NodeRecord;
    use crate::engine::dispatch::tests::Bench;

    /// A core at work, and the ways to it.
    struct Heart {
        requests: mpsc::Sender<EngineRequest>,
        inquiries: mpsc::Sender<Inquiry>,
        events: mpsc::Sender<Event>,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        end: CancellationToken,
        core: Option<Core>,
        driver: crate::engine::driver::Driver,
    }

    impl Heart {
        async fn new() -> Self {
            let Bench { state, dispatch, .. } = Bench::new([1, 0, 0]).await;
            let (requests, requests_rx) = mpsc::channel(8);
            let (inquiries, inquiries_rx) = mpsc::channel(8);
            let (events, events_rx) = mpsc::channel(EVENTS_MAX);
            let (snapshots_tx, snapshots) = watch::channel(Arc::new(crate::domain::fixtures::snapshot()));
            let (end, driver) = (CancellationToken::new(), dispatch.ctx.driver.clone());
            let core = Some(Core {
                state,
                requests: requests_rx,
                inquiries: inquiries_rx,
                events: events_rx,
                snapshots: snapshots_tx,
                dispatch,
                end: end.clone(),
            });
            Self { requests, inquiries, events, snapshots, end, core, driver }
        }

        /// Begins when all that waits is there: what comes first is the core's choice.
        fn begin(&mut self) {
            let core = self.core.take().expect("it has not begun");
            self.driver.job("core", core.run());
        }

        async fn tell(&self, event: Event) {
            self.events.send(event).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_told_before_a_request_is_known_to_it() {
        let mut heart = Heart::new().await;
        let entry = file(99, "zk2");
        let (reply, answer) = oneshot::channel();
        let read = Learned::Read(Mark(0));
        heart.tell(Event::FileChanged { entry: Box::new(entry.clone()), learned: read }).await;
        heart.requests.send(EngineRequest::File { file: entry.id, reply }).await.unwrap();
        heart.begin();
        // The ensemble has no such record: only the event can tell of it.
        assert_eq!(answer.await.unwrap().unwrap().record, entry.record);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_told_before_a_question_is_known_to_it() {
        let mut heart = Heart::new().await;
        let (reply, answer) = oneshot::channel();
        let node = node_id("zk1");
        heart.tell(Event::Node { node: node.clone(), record: NodeRecord::default(), version: 41 }).await;
        heart.inquiries.send(Inquiry::Fence { nodes: vec![node.clone()], reply }).await.unwrap();
        heart.begin();
        assert_eq!(answer.await.unwrap().nodes, [(node, 41)]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_current_picture_has_all_that_was_told() {
        let mut heart = Heart::new().await;
        heart.begin();
        for text in ["first", "second"] {
            let (reply, answer) = oneshot::channel();
            heart.tell(Event::Notice { level: Level::Info, text: text.to_owned() }).await;
            heart.requests.send(EngineRequest::Current { reply }).await.unwrap();
            let picture = answer.await.unwrap();
            assert_eq!(picture.notices.last().map(|notice| notice.text.as_str()), Some(text));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ten_pictures_a_second_are_published_at_most_and_none_for_a_question() {
        let mut heart = Heart::new().await;
        heart.begin();
        tokio::time::sleep(10 * PUBLISH_EVERY).await;
        let first = heart.snapshots.borrow().revision;
        for number in 0..500 {
            let text = number.to_string();
            heart.tell(Event::Notice { level: Level::Info, text }).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let told = heart.snapshots.borrow().revision;
        assert!((5..=12).contains(&(told - first)), "{first} to {told} in a second");
        tokio::time::sleep(Duration::from_millis(2_200)).await;
        let quiet = heart.snapshots.borrow().revision;
        for _ in 0..50 {
            let (reply, answer) = oneshot::channel();
            heart.inquiries.send(Inquiry::Drains { reply }).await.unwrap();
            assert_eq!(answer.await.unwrap().len(), 0);
            let (reply, answer) = oneshot::channel();
            heart.requests.send(EngineRequest::File { file: FileId::new(0), reply }).await.unwrap();
            assert!(answer.await.unwrap().is_ok());
        }
        assert_eq!(heart.snapshots.borrow().revision, quiet, "no time passed, and nothing has happened");
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_picture_is_published_at_the_end() {
        let mut heart = Heart::new().await;
        heart.tell(Event::Notice { level: Level::Info, text: "over".into() }).await;
        heart.begin();
        let (reply, answer) = oneshot::channel();
        heart.inquiries.send(Inquiry::Drains { reply }).await.unwrap();
        answer.await.unwrap();
        heart.end.cancel();
        heart.snapshots.changed().await.unwrap();
        let last = heart.snapshots.borrow().clone();
        assert_eq!(last.notices.last().map(|notice| notice.text.as_str()), Some("over"));
    }
}
