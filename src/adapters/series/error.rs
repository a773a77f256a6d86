//! What keeps series from being answered or written.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::series::NoAxis;

/// Longest wait for an answer.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    #[error(transparent)]
    Refused(#[from] NoAxis),
    #[error("series {path}: {action}: {source}; check the disk and the file's owner", path = path.display())]
    Sqlite { path: PathBuf, action: &'static str, source: rusqlite::Error },
    #[error("series {path}: {action}: {source}; check the disk and the file's owner", path = path.display())]
    Io { path: PathBuf, action: &'static str, source: std::io::Error },
    #[error("series {path} has layout {found}, and this zkdeck knows {known}; use a newer zkdeck", path = path.display())]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("the series gave no answer within {} s; their disk may hang", ANSWER_LIMIT.as_secs())]
    Late,
    #[error("the series are closed: zkdeck is ending")]
    Closed,
}
