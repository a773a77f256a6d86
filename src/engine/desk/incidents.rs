//! Questions about incidents.

use super::{Answers, Desk};
use crate::domain::ask::Unanswered;
use crate::domain::incident::{INCIDENTS_PAGE_MAX, IncidentsAsk, IncidentsPage};

impl Answers<IncidentsAsk> for Desk {
    async fn answer(&self, ask: IncidentsAsk) -> Result<IncidentsPage, Unanswered> {
        let limit = ask.limit.clamp(1, INCIDENTS_PAGE_MAX);
        Ok(self.ctx.history.incidents(IncidentsAsk { limit, ..ask }).await?)
    }
}
