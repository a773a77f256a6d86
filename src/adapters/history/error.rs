//! What keeps history from being written or read, with the next step.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::ids::OperationId;

/// Longest wait for an answer.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// What to do about an error of SQLite.
fn next_step(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            "another process holds it locked: end that process (fuser tells which), or wait for it"
        }
        _ => "check the disk and the file's owner",
    }
}

/// Why history cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("history {path}: {action}: {source}; {next}", path = path.display(), next = next_step(source))]
    Sqlite { path: PathBuf, action: &'static str, source: rusqlite::Error },
    #[error("history {path}: {action}: {source}; check the disk and the folder's owner", path = path.display())]
    Io { path: PathBuf, action: &'static str, source: std::io::Error },
    #[error(
        "history {path} would lie on {kind}, where SQLite's locks may not hold and it gets corrupt; choose a folder \
         on a local disk by --data, or set paths.any_filesystem = true if you know better",
        path = path.display()
    )]
    Filesystem { path: PathBuf, kind: &'static str },
    #[error("history {path} has layout {found}, and this zkdeck knows {known}; use a newer zkdeck", path = path.display())]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("history {path} is not read: {why}", path = path.display())]
    Unread { path: PathBuf, why: Unread },
    #[error("there is no operation {before} to go on from")]
    NoSuchRow { before: OperationId },
    #[error("history gave no answer within {} s; its disk may hang", ANSWER_LIMIT.as_secs())]
    Late,
    #[error("history is closed: zkdeck is ending")]
    Closed,
}

/// Why a file cannot be looked into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    #[error("it may not be read by uid {uid}")]
    Denied { uid: u32 },
    #[error("another process holds it locked")]
    Locked,
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error("it has layout {found}, and this zkdeck knows {known}")]
    Newer { found: i64, known: i64 },
    /// Only a writer can make the index that is missing.
    #[error("its newest rows are in {wal}, whose index {shm} is missing")]
    NoIndex { wal: String, shm: String },
    #[error("{0}")]
    Other(String),
}
