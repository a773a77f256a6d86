//! Questions about what was measured.

use super::{Answers, Desk};
use crate::adapters::clock;
use crate::domain::ask::Unanswered;
use crate::domain::series::{PrometheusPart, SeriesAsk, SeriesPage};

impl Answers<SeriesAsk> for Desk {
    async fn answer(&self, ask: SeriesAsk) -> Result<SeriesPage, Unanswered> {
        let none = || Unanswered::Failed("no series are kept here".into());
        let store = self.series.as_ref().ok_or_else(none)?;
        let mut page = store.ask(ask).await.map_err(|error| Unanswered::Failed(error.to_string()))?;
        let Some(prometheus) = &self.prometheus else { return Ok(page) };
        let names = page.open_names(clock::now());
        if !names.is_empty() {
            match prometheus.values(&names, &page).await {
                Ok(lines) => page.fill(&lines),
                Err(error) => page.prometheus = PrometheusPart::Failed { why: error.to_string() },
            }
        }
        Ok(page)
    }
}
