//! What a run of the scheduler would do.

use super::{Answers, Desk};
use crate::domain::ask::PlanAsk;
use crate::domain::command::Rejected;
use crate::domain::planner::Plan;

impl Answers<PlanAsk> for Desk {
    async fn answer(&self, _: PlanAsk) -> Result<Plan, Rejected> {
        self.ctx.preview().await
    }
}
