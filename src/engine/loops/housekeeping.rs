//! Empties the trash, and lets the leader finish what instances that are gone have left.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::engine::clock;
use crate::engine::context::Context;
use crate::engine::driver::Loop;
use crate::engine::files::recovery;

const PERIOD: Duration = Duration::from_secs(1);
/// Left intents and trash are looked at this often; at once after taking the lead.
const EVERY_TURNS: u64 = 15;

pub struct Housekeeping {
    ctx: Context,
    timer: Interval,
    turns: u64,
    led: bool,
}

impl Housekeeping {
    #[must_use]
    pub fn new(ctx: Context) -> Self {
        let mut timer = interval(PERIOD);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ctx, timer, turns: 0, led: false }
    }
}

#[async_trait]
impl Loop for Housekeeping {
    fn name(&self) -> &'static str {
        "housekeeping"
    }

    async fn wait(&mut self) {
        _ = self.timer.tick().await;
    }

    async fn turn(&mut self) -> Result<(), String> {
        let snapshot = self.ctx.snapshot();
        let leads = snapshot.leadership.leads;
        let took_the_lead = leads && !self.led;
        self.led = leads;
        let due = self.turns.is_multiple_of(EVERY_TURNS);
        self.turns += 1;
        if due {
            self.ctx.blobs.empty_trash(clock::now()).await.map_err(|error| format!("emptying the trash: {error}"))?;
        }
        if leads && (due || took_the_lead) {
            recovery::run(&self.ctx, &snapshot).await?;
        }
        Ok(())
    }
}
