//! Questions about operations.

use std::sync::Arc;

use super::{Answers, Desk};
use crate::adapters::history::HistoryError;
use crate::domain::ask::{OperationAsk, Unanswered};
use crate::domain::operation::{HistoryPage, HistoryQuery, Operation};

impl From<HistoryError> for Unanswered {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::NoSuchRow { before } => Self::NoSuchRow(before),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl Answers<HistoryQuery> for Desk {
    async fn answer(&self, query: HistoryQuery) -> Result<HistoryPage, Unanswered> {
        Ok(self.ctx.history.query(query).await?)
    }
}

impl Answers<OperationAsk> for Desk {
    async fn answer(&self, ask: OperationAsk) -> Result<Option<Arc<Operation>>, Unanswered> {
        Ok(self.ctx.operation(ask.0).await?)
    }
}
