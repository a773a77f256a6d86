//! The logs: local files, or Elasticsearch.
//!
//! `record` makes events of lines, `local` searches the files under `logs/`.

mod local;
mod record;

use std::path::PathBuf;

pub use self::local::LocalLogs;

use crate::domain::ids::Timestamp;
use crate::domain::log::{LogAnswer, LogAsk, LogFail};

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
}

impl Logs {
    #[must_use]
    pub const fn new(local: LocalLogs) -> Self {
        Self { local }
    }

    /// Answers by the back end that is there. `now` is what spans such as `since:15m` count from.
    ///
    /// # Errors
    /// [`LogFail`] when no back end can answer, or the question is wrong.
    pub async fn answer(&self, ask: LogAsk, now: Timestamp) -> Result<LogAnswer, LogFail> {
        Ok(self.by_files(ask, now).await?)
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
