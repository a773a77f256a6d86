//! One timed write every five seconds: proves the ensemble end to end.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::adapters::zookeeper::registry::Registry;
use crate::domain::event::Event;
use crate::domain::snapshot::{CANARY_EVERY, CANARY_WAITS, CANARY_WITHIN, LoopName};
use crate::engine::context::Context;
use crate::engine::driver::Loop;

const PERIOD: Duration = Duration::from_millis(CANARY_EVERY.0);
/// What the screen calls late. The write itself is not given up.
const LIMIT: Duration = Duration::from_millis(CANARY_WITHIN.0);

/// What the screen says that it waits from here on.
const WAITS: Duration = Duration::from_millis(CANARY_WAITS.0);

pub struct CanaryLoop {
    ctx: Context,
    timer: Interval,
    link: watch::Receiver<Option<Registry>>,
}

impl CanaryLoop {
    #[must_use]
    pub fn new(ctx: Context) -> Self {
        let mut timer = interval(PERIOD);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let link = ctx.link.clone();
        Self { ctx, timer, link }
    }
}

#[async_trait]
impl Loop for CanaryLoop {
    fn name(&self) -> LoopName {
        LoopName::Canary
    }

    async fn wait(&mut self) {
        tokio::select! {
            biased;
            _ = self.timer.tick() => {}
            // At once with a new session: what was told without one is no longer so.
            Ok(()) = self.link.changed() => {}
        }
    }

    async fn turn(&mut self) -> Result<(), String> {
        let Some(registry) = self.ctx.registry() else {
            self.ctx.emit(Event::Canary { took_ms: None, problem: Some("no session".into()) }).await;
            return Ok(());
        };
        let begun = Instant::now();
        let write = tokio::time::timeout(LIMIT, registry.canary());
        tokio::pin!(write);
        let done = tokio::select! {
            biased;
            done = &mut write => done,
            () = tokio::time::sleep(WAITS) => {
                self.ctx.emit(Event::CanaryWaits).await;
                write.await
            }
        };
        let problem = match done {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("the canary write took over {} s", LIMIT.as_secs())),
        };
        let took_ms = problem.is_none().then(|| begun.elapsed().as_secs_f64() * 1000.0);
        self.ctx.emit(Event::Canary { took_ms, problem }).await;
        Ok(())
    }
}
