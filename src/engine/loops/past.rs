//! Follows the rows of history that other processes on the same folder write.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::adapters::history::{HistoryCursor, RowsSince};
use crate::domain::event::Event;
use crate::domain::snapshot::{HistoryView, Level, LoopName, OPERATIONS_KEPT};
use crate::engine::context::Context;
use crate::engine::driver::Loop;

const PERIOD: Duration = Duration::from_secs(1);

pub struct PastLoop {
    ctx: Context,
    timer: Interval,
    /// Where the last look ended; `None` before the first.
    cursor: Option<HistoryCursor>,
    shown: HistoryView,
}

impl PastLoop {
    #[must_use]
    pub fn new(ctx: Context) -> Self {
        let mut timer = interval(PERIOD);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ctx, timer, cursor: None, shown: HistoryView::default() }
    }

    async fn first(&mut self) -> Result<HistoryCursor, String> {
        let cursor = self.ctx.history.cursor().await.map_err(|error| error.to_string())?;
        let (newest, total) = self.ctx.history.newest(OPERATIONS_KEPT).await.map_err(|error| error.to_string())?;
        self.ctx.emit(Event::HistoryLoaded { newest, total }).await;
        Ok(cursor)
    }
}

#[async_trait]
impl Loop for PastLoop {
    fn name(&self) -> LoopName {
        LoopName::History
    }

    async fn wait(&mut self) {
        _ = self.timer.tick().await;
    }

    async fn turn(&mut self) -> Result<(), String> {
        let view = self.ctx.history.view();
        if view != self.shown {
            self.shown = view.clone();
            self.ctx.emit(Event::History(view)).await;
        }
        for note in self.ctx.history.take_notes() {
            self.ctx.notice(Level::Warning, note).await;
        }
        let Some(cursor) = self.cursor else {
            self.cursor = Some(self.first().await?);
            return Ok(());
        };
        let rows = match self.ctx.history.changed_since(cursor).await.map_err(|error| error.to_string())? {
            RowsSince::Rows(rows, next) => {
                self.cursor = Some(next);
                rows
            }
            RowsSince::OtherFile => {
                self.cursor = None;
                return Ok(());
            }
        };
        let me = self.ctx.me.name();
        for row in rows.into_iter().filter(|row| row.instance != me) {
            if row.status.is_final() && self.ctx.operations.goes_on(row.id) {
                // Looked up whole, with its steps, and handed to whoever waits for it.
                self.ctx.operation(row.id).await.map_err(|error| error.to_string())?;
            }
            self.ctx.emit(Event::Operation(Box::new(row))).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::domain::fixtures::operation;
    use crate::domain::operation::{Operation, OperationKind, OperationStatus};
    use crate::engine::context::testing::context;

    #[tokio::test(start_paused = true)]
    async fn rows_of_other_processes_are_told_and_those_of_this_one_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let (events, mut heard) = mpsc::channel(64);
        let (ctx, clerk) = context(folder.path(), &[], events, watch::channel(None).1);
        ctx.driver.job("clerk", clerk.work(false, async || {}));
        let mut past = PastLoop::new(ctx.clone());
        past.turn().await.unwrap();
        for (id, instance) in [(1, ctx.me.name()), (2, "other:1".into())] {
            let row = operation(id, OperationKind::Weight, OperationStatus::Done);
            ctx.history.record(Operation { instance, ..row }).await.unwrap();
        }
        assert!(ctx.history.flush().await.unwrap());
        past.turn().await.unwrap();
        let mut told = Vec::new();
        while let Ok(event) = heard.try_recv() {
            if let Event::Operation(row) = event {
                told.push(row.id.bits());
            }
        }
        assert_eq!(told, [2]);
    }
}
