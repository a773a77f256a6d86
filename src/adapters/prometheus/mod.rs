//! Series out of a Prometheus that scrapes the servers and zkdeck: it has measured while zkdeck did not run, and keeps
//! longer. One question for all names; the answer to the same question is kept, for a chart asks every few seconds.

mod client;
mod config;
mod query;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use self::client::PrometheusClient;
pub use self::client::PrometheusError;
pub use self::config::PrometheusConfig;
use self::query::{RangeAxis, query};
use crate::domain::series::{SeriesLine, SeriesName, SeriesPage};

/// Answers that are remembered: charts, strips, and those of some callers of REST.
const REMEMBERED_MAX: usize = 8;
/// After a failure it is let alone for so long.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// A Prometheus. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PrometheusSeries {
    client: PrometheusClient,
    config: Arc<PrometheusConfig>,
    remembered: Arc<Mutex<Vec<Remembered>>>,
}

#[derive(Debug)]
struct Remembered {
    question: String,
    answer: Result<Vec<SeriesLine>, PrometheusError>,
    at: Instant,
}

impl PrometheusSeries {
    /// # Errors
    /// [`PrometheusError`] when no client for the address can be made.
    pub fn new(config: PrometheusConfig) -> Result<Self, PrometheusError> {
        Ok(Self { client: PrometheusClient::new(&config.url)?, config: Arc::new(config), remembered: Arc::default() })
    }

    /// The values of these names on the axis of `page`, of every node that is known.
    ///
    /// # Errors
    /// [`PrometheusError`].
    pub async fn values(&self, names: &[SeriesName], page: &SeriesPage) -> Result<Vec<SeriesLine>, PrometheusError> {
        let axis = RangeAxis { step: page.step, from: page.from, points: page.len() };
        let Some(question) = query(names, axis, &self.config) else { return Ok(Vec::new()) };
        let body = question.body();
        if let Some(known) = self.known(&body) {
            return known;
        }
        let answer = self.client.ask(&body).await.map(|found| question.lines(&found, &self.config.nodes));
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.retain(|one| one.question != body);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.remove(0);
        }
        remembered.push(Remembered { question: body, answer: answer.clone(), at: Instant::now() });
        answer
    }

    /// The answer from before: the same question is asked again when another scrape may have come, and nothing at all for
    /// a while after it has failed.
    fn known(&self, body: &str) -> Option<Result<Vec<SeriesLine>, PrometheusError>> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = remembered.last().filter(|last| last.answer.is_err() && last.at.elapsed() < AGAIN_AFTER);
        let fresh = Duration::from_millis(self.config.scrape_interval.0);
        let same = remembered.iter().find(|one| one.question == body && one.answer.is_ok() && one.at.elapsed() < fresh);
        failed.or(same).map(|one| one.answer.clone())
    }
}

#[cfg(test)]
mod tests;
