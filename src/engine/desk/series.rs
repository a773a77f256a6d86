//! Questions about what was measured.

use super::{Answers, Desk};
use crate::domain::ask::Unanswered;
use crate::domain::series::{SeriesAsk, SeriesPage};

impl Answers<SeriesAsk> for Desk {
    async fn answer(&self, ask: SeriesAsk) -> Result<SeriesPage, Unanswered> {
        let none = || Unanswered::Failed("no series are kept here".into());
        let store = self.series.as_ref().ok_or_else(none)?;
        store.ask(ask).await.map_err(|error| Unanswered::Failed(error.to_string()))
    }
}
