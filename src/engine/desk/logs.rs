//! Questions about the logs.

use super::{Answers, Desk};
use crate::adapters::logs::LogAsk;
use crate::domain::log::LogFail;
use crate::engine::clock;

impl<A: LogAsk> Answers<A> for Desk {
    async fn answer(&self, ask: A) -> Result<A::Answer, LogFail> {
        self.logs.answer(ask, clock::now()).await
    }
}
