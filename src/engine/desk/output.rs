//! What a server's container has written.

use super::{Answers, Desk};
use crate::domain::ask::{OutputAsk, Unanswered};
use crate::domain::server::Output;

impl Answers<OutputAsk> for Desk {
    async fn answer(&self, ask: OutputAsk) -> Result<Output, Unanswered> {
        self.control.output(&ask.node, ask.lines).await.map_err(|error| Unanswered::Failed(error.to_string()))
    }
}
