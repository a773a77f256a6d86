//! The logs: Elasticsearch or OpenSearch when there is one, else the files under `logs/`.
//!
//! `elastic` and `local` answer the same questions by the same query; `record` makes events of
//! lines. When the server fails, the files answer and say why; it is tried again by itself.

mod elastic;
mod local;
mod record;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub(in crate::adapters) use self::elastic::reason;
pub use self::elastic::{Auth, Elastic, ElasticConfig, ElasticError, Hidden};
pub use self::local::LocalLogs;
use crate::domain::ids::Timestamp;
use crate::domain::log::{Answered, FollowMark, Followed, LogAnswer, LogAsk, LogFail, LogLevel};

/// A server that failed is left alone for so long.
const REST: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    #[error("cannot list the log folder {folder}: {source}; check that it is there and may be read", folder = folder.display())]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("cannot read logs/{file}: {source}; search again, it may have been rotated away")]
    File { file: String, source: std::io::Error },
    #[error("logs/{file} is not there any more; search again")]
    Gone { file: String },
    #[error("cursor {given:?} is none of this search; ask for the first page again")]
    Cursor { given: String },
    #[error(transparent)]
    Elastic(#[from] ElasticError),
    #[error("searching the logs failed inside: {0}")]
    Inside(String),
}

impl From<LogsError> for LogFail {
    fn from(error: LogsError) -> Self {
        match error {
            LogsError::Cursor { .. } | LogsError::Gone { .. } => Self::Question(error.to_string()),
            _ => Self::Answer(error.to_string()),
        }
    }
}

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
    pub async fn answer(&self, ask: LogAsk, now: Timestamp) -> Result<LogAnswer, LogFail> {
        let Some(elastic) = &self.elastic else { return Ok(self.by_files(ask, now).await?) };
        if of_files(&ask) {
            // A page or context of files goes on in files; a follower is told when the server is back.
            if !matches!(ask, LogAsk::Follow(_)) || self.why_resting().is_some() {
                return Ok(self.by_files(ask, now).await?);
            }
            let mark = FollowMark::Index { until: now, seen: Default::default() };
            let answered = Answered { by: "the server that is back".into(), ..Answered::default() };
            return Ok(LogAnswer::Follow(Followed { events: Vec::new(), mark, left_out: 0, answered }));
        }
        let why = match self.why_resting() {
            Some(why) => why,
            None => match by_server(elastic, ask.clone(), now).await {
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
        if of_server(&ask) {
            return Err(LogFail::Answer(why));
        }
        let answer = self.by_files(ask, now).await.map_err(|error| LogFail::Answer(format!("{why}; and {error}")))?;
        Ok(told(answer, &format!("local files instead: {why}")))
    }

    fn why_resting(&self) -> Option<String> {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.as_ref().filter(|(until, _)| Instant::now() < *until).map(|(_, why)| why.clone())
    }

    fn rest(&self, why: Option<String>) {
        *self.resting.lock().unwrap_or_else(PoisonError::into_inner) = why.map(|why| (Instant::now() + REST, why));
    }

    async fn by_files(&self, ask: LogAsk, now: Timestamp) -> Result<LogAnswer, LogsError> {
        let local = &self.local;
        Ok(match ask {
            LogAsk::Page(ask) => LogAnswer::Page(local.page(ask, now).await?),
            LogAsk::Histogram(ask) => LogAnswer::Histogram(local.histogram(ask, now).await?),
            LogAsk::Context(ask) => LogAnswer::Context(local.context(ask).await?),
            LogAsk::Follow(ask) => LogAnswer::Follow(local.follow(ask, now).await?),
        })
    }
}

async fn by_server(elastic: &Elastic, ask: LogAsk, now: Timestamp) -> Result<LogAnswer, LogsError> {
    Ok(match ask {
        LogAsk::Page(ask) => LogAnswer::Page(elastic.page(ask, now).await?),
        LogAsk::Histogram(ask) => LogAnswer::Histogram(elastic.histogram(ask, now).await?),
        LogAsk::Context(ask) => LogAnswer::Context(elastic.context(ask).await?),
        LogAsk::Follow(ask) => LogAnswer::Follow(elastic.follow(ask, now).await?),
    })
}

/// Whether the question goes on from an answer of the files.
fn of_files(ask: &LogAsk) -> bool {
    match ask {
        LogAsk::Page(ask) => ask.cursor.as_ref().is_some_and(|cursor| cursor.0.starts_with("l.")),
        LogAsk::Context(ask) => ask.id.contains('@'),
        LogAsk::Follow(ask) => matches!(ask.mark, Some(FollowMark::Files(_))),
        LogAsk::Histogram(_) => false,
    }
}

/// Whether the question goes on from an answer of the server, which the files cannot know.
fn of_server(ask: &LogAsk) -> bool {
    match ask {
        LogAsk::Page(ask) => ask.cursor.is_some(),
        LogAsk::Context(_) => true,
        LogAsk::Follow(ask) => ask.mark.is_some(),
        LogAsk::Histogram(_) => false,
    }
}

fn told(mut answer: LogAnswer, why: &str) -> LogAnswer {
    let answered = match &mut answer {
        LogAnswer::Page(page) => &mut page.answered,
        LogAnswer::Histogram(histogram) => &mut histogram.answered,
        LogAnswer::Context(context) => &mut context.answered,
        LogAnswer::Follow(followed) => &mut followed.answered,
    };
    answered.fallback = Some(why.to_owned());
    answer
}

/// What a single line says, when it has the form of ZooKeeper's log: its level, thread, and where in it
/// the message begins.
pub(super) fn head(line: &str) -> (Option<LogLevel>, Option<String>, usize) {
    let head = record::Head::read(line.as_bytes());
    (head.level, head.thread().map(str::to_owned), head.message_at)
}
