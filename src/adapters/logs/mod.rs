//! The logs: Elasticsearch or OpenSearch when there is one, else the files under `logs/`.
//!
//! `elastic` and `local` answer the same questions by the same query; `record` makes events of
//! lines. When the server fails, the files answer and say why; it is tried again by itself.

mod ask;
mod elastic;
mod error;
mod local;
mod record;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use self::ask::LogAsk;
pub(in crate::adapters) use self::elastic::reason;
pub use self::elastic::{Auth, Elastic, ElasticConfig, ElasticError, ElasticSecret};
pub use self::error::LogsError;
pub use self::local::LocalLogs;
use crate::domain::ids::Timestamp;
use crate::domain::log::{LogFail, LogLevel};

/// A server that failed is left alone for so long.
const REST: Duration = Duration::from_secs(10);

/// Answers questions about the logs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Logs {
    local: LocalLogs,
    elastic: Option<Elastic>,
    /// Why the server is left alone, and until when.
    resting: Arc<Mutex<Option<(Instant, String)>>>,
}

impl Logs {
    #[must_use]
    pub fn new(local: LocalLogs, elastic: Option<Elastic>) -> Self {
        Self { local, elastic, resting: Arc::default() }
    }

    /// Answers by the back end that is there. `now` is what spans such as `since:15m` count from.
    ///
    /// # Errors
    /// [`LogFail`] when no back end can answer, or the question is wrong.
    pub async fn answer<A: LogAsk>(&self, ask: A, now: Timestamp) -> Result<A::Answer, LogFail> {
        let Some(elastic) = &self.elastic else { return Ok(ask.by_files(&self.local, now).await?) };
        if ask.is_of_files() {
            let back = if self.why_resting().is_some() { None } else { A::when_the_server_is_back(now) };
            return match back {
                Some(answer) => Ok(answer),
                None => Ok(ask.by_files(&self.local, now).await?),
            };
        }
        let why = match self.why_resting() {
            Some(why) => why,
            None => match ask.clone().by_server(elastic, now).await {
                Ok(answer) => {
                    self.rest(None);
                    return Ok(answer);
                }
                Err(LogsError::Elastic(error)) if !error.is_of_question() => {
                    let why = error.to_string();
                    self.rest(Some(why.clone()));
                    why
                }
                Err(error) => return Err(error.into()),
            },
        };
        if ask.is_of_server() {
            return Err(LogFail::Answer(why));
        }
        let answer = ask.by_files(&self.local, now).await;
        let mut answer = answer.map_err(|error| LogFail::Answer(format!("{why}; and {error}")))?;
        A::answered(&mut answer).fallback = Some(format!("local files instead: {why}"));
        Ok(answer)
    }

    fn why_resting(&self) -> Option<String> {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.as_ref().filter(|(until, _)| Instant::now() < *until).map(|(_, why)| why.clone())
    }

    fn rest(&self, why: Option<String>) {
        *self.resting.lock().unwrap_or_else(PoisonError::into_inner) = why.map(|why| (Instant::now() + REST, why));
    }
}

/// What a single line says, when it has the form of ZooKeeper's log: its level, thread, and where in it
/// the message begins.
pub(super) fn head(line: &str) -> (Option<LogLevel>, Option<String>, usize) {
    let head = record::Head::read(line.as_bytes());
    (head.level, head.thread().map(str::to_owned), head.message_at)
}
