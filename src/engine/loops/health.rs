//! Probes every server each second, so many at once. Some that hang do not delay the others.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::adapters::probe::{Probe, Target};
use crate::domain::event::Event;
use crate::domain::health::LOOK_EVERY;
use crate::domain::ids::NodeId;
use crate::domain::server::Sample;
use crate::domain::snapshot::LoopName;
use crate::engine::clock;
use crate::engine::context::Context;
use crate::engine::driver::Loop;

const PERIOD: Duration = Duration::from_millis(LOOK_EVERY.0);
/// Probes at once: each has connections open.
const PROBES_MAX: usize = 64;

pub struct HealthLoop {
    ctx: Context,
    prober: Arc<dyn Probe>,
    targets: Vec<Target>,
    timer: Interval,
    due: bool,
    running: FuturesUnordered<BoxFuture<'static, Sample>>,
    /// Due, and not begun yet.
    waiting: VecDeque<Target>,
    /// Those that wait or are probed.
    busy: BTreeSet<NodeId>,
    done: Vec<Sample>,
}

impl HealthLoop {
    #[must_use]
    pub fn new(ctx: Context, prober: Arc<dyn Probe>, targets: Vec<Target>) -> Self {
        let mut timer = interval(PERIOD);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ctx,
            prober,
            targets,
            timer,
            due: false,
            running: FuturesUnordered::new(),
            waiting: VecDeque::new(),
            busy: BTreeSet::new(),
            done: Vec::new(),
        }
    }

    fn begin(&mut self) {
        while self.running.len() < PROBES_MAX
            && let Some(target) = self.waiting.pop_front()
        {
            let prober = Arc::clone(&self.prober);
            self.running.push(Box::pin(async move { prober.sample(&target, clock::now).await }));
        }
    }
}

#[async_trait]
impl Loop for HealthLoop {
    fn name(&self) -> LoopName {
        LoopName::Health
    }

    async fn wait(&mut self) {
        tokio::select! {
            biased;
            _ = self.timer.tick() => self.due = true,
            Some(sample) = self.running.next() => self.done.push(sample),
        }
    }

    async fn turn(&mut self) -> Result<(), String> {
        for sample in self.done.drain(..) {
            self.busy.remove(&sample.node);
            self.ctx.emit(Event::Probed(Box::new(sample))).await;
        }
        if std::mem::take(&mut self.due) {
            let free = self.targets.iter().filter(|target| self.busy.insert(target.node.clone()));
            self.waiting.extend(free.cloned());
        }
        self.begin();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::{mpsc, watch};
    use tokio::time::Instant;

    use super::*;
    use crate::domain::fixtures;
    use crate::domain::ids::Timestamp;
    use crate::domain::server::Srvr;
    use crate::engine::context::testing::context;

    /// Answers after a tenth of a second, but for one server that hangs.
    #[derive(Default)]
    struct Slow {
        now: AtomicUsize,
        most: AtomicUsize,
        hangs: AtomicUsize,
    }

    #[async_trait]
    impl Probe for Slow {
        async fn sample(&self, target: &Target, now: fn() -> Timestamp) -> Sample {
            let at_once = self.now.fetch_add(1, Ordering::Relaxed) + 1;
            self.most.fetch_max(at_once, Ordering::Relaxed);
            let hangs = target.node.as_str() == "zk7";
            self.hangs.fetch_add(usize::from(hangs), Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(if hangs { 60_000 } else { 100 })).await;
            self.now.fetch_sub(1, Ordering::Relaxed);
            fixtures::sample(target.node.clone(), Srvr::default(), now())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn hundreds_are_probed_each_second_few_at_once_and_one_that_hangs_delays_none() {
        let folder = tempfile::tempdir().unwrap();
        let (events, mut heard) = mpsc::channel(4096);
        let (ctx, _clerk) = context(folder.path(), &[], events, watch::channel(None).1);
        let target = |at: usize| {
            let node = fixtures::node_id(&format!("zk{at}"));
            Target { client: format!("{node}:2181"), node, metrics: None }
        };
        let prober = Arc::new(Slow::default());
        let mut health = HealthLoop::new(ctx, Arc::clone(&prober) as Arc<dyn Probe>, (0..500).map(target).collect());
        let (begun, mut seen) = (Instant::now(), std::collections::BTreeMap::<NodeId, u32>::new());
        while begun.elapsed() < Duration::from_millis(5_900) {
            health.wait().await;
            health.turn().await.unwrap();
            while let Ok(event) = heard.try_recv() {
                let Event::Probed(sample) = event else { panic!("{event:?}") };
                *seen.entry(sample.node).or_default() += 1;
            }
        }
        assert_eq!(prober.most.load(Ordering::Relaxed), PROBES_MAX);
        assert_eq!(seen.len(), 499, "all but the one that hangs");
        assert_eq!(prober.hangs.load(Ordering::Relaxed), 1, "which is asked once");
        assert!(seen.values().all(|count| (5..=6).contains(count)), "{seen:?}");
    }
}
