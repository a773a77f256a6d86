//! Keeps what each second of the picture is worth.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::adapters::series::SeriesStore;
use crate::domain::series::Sampler;
use crate::domain::snapshot::LoopName;
use crate::engine::context::Context;
use crate::engine::driver::Loop;

const PERIOD: Duration = Duration::from_secs(1);

pub struct SeriesLoop {
    ctx: Context,
    timer: Interval,
    store: SeriesStore,
    sampler: Sampler,
}

impl SeriesLoop {
    #[must_use]
    pub fn new(ctx: Context, store: SeriesStore) -> Self {
        let mut timer = interval(PERIOD);
        timer.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self { ctx, timer, store, sampler: Sampler::default() }
    }
}

#[async_trait]
impl Loop for SeriesLoop {
    fn name(&self) -> LoopName {
        LoopName::Series
    }

    async fn wait(&mut self) {
        _ = self.timer.tick().await;
    }

    async fn turn(&mut self) -> Result<(), String> {
        let snapshot = self.ctx.snapshots.borrow().clone();
        self.store.put(self.sampler.sample(&snapshot));
        self.store.problem().map_or(Ok(()), Err)
    }
}
