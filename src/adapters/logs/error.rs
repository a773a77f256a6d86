//! What keeps the logs from being searched, with the next step.

use std::path::PathBuf;

use super::elastic::wire::ElasticError;
use crate::domain::log::LogFail;

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
