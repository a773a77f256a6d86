//! Probes every server each second. One that hangs does not delay the others.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::adapters::probe::{Probe, Target};
use crate::domain::event::Event;
use crate::domain::ids::NodeId;
use crate::domain::server::Sample;
use crate::engine::clock;
use crate::engine::context::Context;
use crate::engine::driver::Loop;

const PERIOD: Duration = Duration::from_secs(1);

pub struct Health {
    ctx: Context,
    prober: Arc<dyn Probe>,
    targets: Vec<Target>,
    timer: Interval,
    due: bool,
    running: FuturesUnordered<BoxFuture<'static, Sample>>,
    busy: Vec<NodeId>,
    done: Vec<Sample>,
}

impl Health {
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
            busy: Vec::new(),
            done: Vec::new(),
        }
    }

    fn begin(&mut self) {
        for target in &self.targets {
            if self.busy.contains(&target.node) {
                continue;
            }
            self.busy.push(target.node.clone());
            let (prober, target) = (Arc::clone(&self.prober), target.clone());
            self.running.push(Box::pin(async move { prober.sample(&target, clock::now).await }));
        }
    }
}

#[async_trait]
impl Loop for Health {
    fn name(&self) -> &'static str {
        "health"
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
            self.busy.retain(|node| *node != sample.node);
            self.ctx.emit(Event::Probed(Box::new(sample))).await;
        }
        if std::mem::take(&mut self.due) {
            self.begin();
        }
        Ok(())
    }
}
