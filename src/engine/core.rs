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
use super::handle::Request;
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
    pub(super) requests: mpsc::Receiver<Request>,
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
                    if let Request::Current { reply } = request {
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

    /// Folds in what was told before the question: who inquiries knows it and counts on it. Whether there was
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

    use super::super::context::testing::context;
    use super::super::dispatch::testing;
    use super::*;
    use crate::domain::fixtures::{node_id, snapshot};
    use crate::domain::node::NodeRecord;
    use crate::domain::snapshot::SessionState;

    /// Whatever was told before is known to who asks after it.
    #[tokio::test(start_paused = true)]
    async fn requests_and_questions_see_what_was_told_before_them() {
        let folder = tempfile::tempdir().unwrap();
        let (tell, events) = mpsc::channel(8);
        let (ask, requests) = mpsc::channel(8);
        let (inquire, inquiries) = mpsc::channel(8);
        let (ctx, _clerk) = context(folder.path(), &[], tell.clone(), watch::channel(None).1);
        let (snapshots, _seen) = watch::channel(Arc::new(snapshot()));
        let (state, dispatch, end) = (testing::state(), testing::dispatch(&ctx), CancellationToken::new());
        let core = Core { state, requests, inquiries, events, snapshots, dispatch, end: end.clone() };
        let asked = async {
            for version in 1..=3 {
                // Both are there before the core looks.
                tell.send(Event::Node { node: node_id("zk1"), record: NodeRecord::default(), version }).await.unwrap();
                let (reply, fence) = oneshot::channel();
                inquire.send(Inquiry::Fence { nodes: vec![node_id("zk1")], reply }).await.unwrap();
                assert_eq!(fence.await.unwrap().nodes, [(node_id("zk1"), version)]);
            }
            for state in [SessionState::Connected, SessionState::Disconnected, SessionState::Connected] {
                tell.send(Event::Session { state, cause: None }).await.unwrap();
                let (reply, picture) = oneshot::channel();
                ask.send(Request::Current { reply }).await.unwrap();
                assert_eq!(picture.await.unwrap().session.state, state);
            }
            end.cancel();
        };
        tokio::join!(core.run(), asked);
    }
}
