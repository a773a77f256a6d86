//! Makes, checks and mends the file.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::HistoryError;
use crate::adapters::owner;

/// Layout that this program writes, in `PRAGMA user_version`.
const LAYOUT: i64 = 1;
/// How long SQLite itself waits for another process's lock.
const BUSY: Duration = Duration::from_secs(5);

/// Step from each layout to the next.
const STEPS: [&str; LAYOUT as usize] = ["
    CREATE TABLE operations (
        id TEXT PRIMARY KEY,
        seq INTEGER NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        status TEXT NOT NULL,
        started_ms INTEGER NOT NULL,
        finished_ms INTEGER,
        what TEXT NOT NULL,
        file TEXT,
        source TEXT,
        target TEXT,
        bytes INTEGER,
        why TEXT,
        by TEXT NOT NULL,
        instance TEXT NOT NULL,
        run TEXT,
        files TEXT NOT NULL
    ) STRICT;
    CREATE INDEX operations_started ON operations (started_ms, id);
    CREATE INDEX operations_file ON operations (file);
    CREATE TABLE operation_steps (
        operation TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        took_ms INTEGER NOT NULL,
        PRIMARY KEY (operation, position)
    ) STRICT, WITHOUT ROWID;
"];

/// Opens the file for writing. A corrupt one is set aside, and the note says so.
pub(super) fn open(path: &Path) -> Result<(Connection, Option<String>), HistoryError> {
    if let Some(folder) = path.parent() {
        owner::make_folder(folder).map_err(|source| HistoryError::Io {
            path: folder.to_owned(),
            action: "make the folder",
            source,
        })?;
    }
    match prepare(path) {
        Err(HistoryError::Sqlite { source, .. }) if is_corrupt(&source) => {
            let aside = set_aside(path)?;
            let note = format!(
                "history {} was corrupt ({source}); it is kept as {} and a new one has begun",
                path.display(),
                aside.display()
            );
            Ok((prepare(path)?, Some(note)))
        }
        other => other.map(|connection| (connection, None)),
    }
}

/// Opens the file for reading only.
pub(super) fn open_reader(path: &Path) -> Result<Connection, HistoryError> {
    let failed = failed(path, "open it for reading");
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(&failed)?;
    connection.busy_timeout(BUSY).map_err(&failed)?;
    Ok(connection)
}

pub(super) fn is_corrupt(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn failed(path: &Path, action: &'static str) -> impl Fn(rusqlite::Error) -> HistoryError {
    let path = path.to_owned();
    move |source| HistoryError::Sqlite { path: path.clone(), action, source }
}

fn prepare(path: &Path) -> Result<Connection, HistoryError> {
    let failed = failed(path, "open it");
    let mut connection = Connection::open(path).map_err(&failed)?;
    // SQLite itself gives the files beside it to the owner of this one.
    owner::follow(path).map_err(|source| HistoryError::Io {
        path: path.to_owned(),
        action: "give it to the folder's owner",
        source,
    })?;
    connection.busy_timeout(BUSY).map_err(&failed)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(&failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(&failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(&failed)?;
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(&failed)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(&failed)?;
    if found > LAYOUT {
        return Err(HistoryError::Newer { path: path.to_owned(), found, known: LAYOUT });
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step).map_err(&failed)?;
    }
    transaction.pragma_update(None, "user_version", LAYOUT).map_err(&failed)?;
    transaction.commit().map_err(&failed)?;
    Ok(connection)
}

/// Renames the file and its companions; nothing is deleted.
fn set_aside(path: &Path) -> Result<PathBuf, HistoryError> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let named = |file: &Path| {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".corrupt-{}", since.as_millis()));
        PathBuf::from(name)
    };
    for ending in ["-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let file = PathBuf::from(name);
        match std::fs::rename(&file, named(&file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(HistoryError::Io { path: file, action: "set the corrupt file aside", source: error });
            }
            _ => {}
        }
    }
    Ok(named(path))
}
