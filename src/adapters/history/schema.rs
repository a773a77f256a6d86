//! Makes, checks and mends the file.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::adapters::faults;

use super::config::{BUSY, HistoryConfig};
use super::error::HistoryError;
use super::{backup, lines, rows};
use crate::adapters::{clock, owner, sqlite};
use crate::domain::number;

/// Layout that this program writes, in `PRAGMA user_version`.
pub(super) const LAYOUT: i64 = 4;

/// Step from each layout to the next.
const STEPS: [&str; LAYOUT as usize] = [
    "
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
",
    "CREATE INDEX operations_open ON operations (id) WHERE finished_ms IS NULL;",
    "ALTER TABLE operations ADD COLUMN cause TEXT;",
    "
    CREATE TABLE incidents (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        node TEXT,
        what TEXT NOT NULL,
        began_ms INTEGER NOT NULL,
        ended_ms INTEGER,
        cause TEXT,
        begun_by TEXT,
        ended_by TEXT,
        instance TEXT NOT NULL
    ) STRICT;
    CREATE INDEX incidents_began ON incidents (began_ms, id);
",
];

/// Largest file that is looked through when it is opened.
const CHECKED_MAX: u64 = 256 << 20;

/// What there is to make a file again from that is not there.
#[must_use]
pub fn can_be_restored(config: &HistoryConfig) -> bool {
    backup::any(&config.path) || lines::any(&config.ndjson_dir)
}

/// Opens the file for writing. A corrupt one is mended, one that was removed is made again from what is
/// left of it, and the note says so. Where there was never one, nothing is said.
pub(super) fn open(config: &HistoryConfig) -> Result<(Connection, Option<String>), HistoryError> {
    let path = &config.path;
    if let Some(folder) = path.parent() {
        owner::make_folder(folder).map_err(|source| HistoryError::Io {
            path: folder.to_owned(),
            action: "make the folder",
            source,
        })?;
    }
    // SQLite takes an empty file for a new one; it never leaves one behind.
    let lost = match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() && meta.len() == 0 => Some("was empty"),
        Ok(_) => None,
        Err(_) => Some("was missing"),
    };
    if let Some(cause) = lost.filter(|_| can_be_restored(config)) {
        return mend(config, cause).map(|(connection, note)| (connection, Some(note)));
    }
    match prepare(path) {
        Ok(connection) if is_large(path) => catch_up(connection, config),
        Ok(connection) => match check(&connection) {
            Ok(()) => catch_up(connection, config),
            Err(cause) => {
                drop(connection);
                mend(config, &format!("was corrupt ({cause})")).map(|(connection, note)| (connection, Some(note)))
            }
        },
        Err(HistoryError::Sqlite { source, .. }) if is_corrupt(&source) => {
            mend(config, &format!("was corrupt ({source})")).map(|(connection, note)| (connection, Some(note)))
        }
        Err(error) => Err(error),
    }
}

/// Adds what a file lacks that is older than its lines: a copy of before was put in its place.
fn catch_up(mut connection: Connection, config: &HistoryConfig) -> Result<(Connection, Option<String>), HistoryError> {
    let known = |id| rows::is_known(&connection, id);
    if lines::newest(&config.ndjson_dir).is_none_or(|id| known(id).unwrap_or(true)) {
        return Ok((connection, None));
    }
    let made = replay(&mut connection, config)?;
    let note = format!(
        "history {} lacked {}, as an older copy does; they came from operations.ndjson",
        config.path.display(),
        number::count(made as u64, "row")
    );
    Ok((connection, Some(note)))
}

/// Adds the rows that the lines of `operations.ndjson` tell of and the file lacks; how many.
pub(super) fn replay(connection: &mut Connection, config: &HistoryConfig) -> Result<usize, HistoryError> {
    let failed = failed(&config.path, "make its rows again");
    let rows = lines::read_back(&config.ndjson_dir);
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(&failed)?;
    let mut made = 0_usize;
    for (seq, row) in (rows::last_seq(&transaction).map_err(&failed)? + 1..).zip(&rows) {
        made += usize::from(rows::upsert(&transaction, row, seq).map_err(&failed)?);
    }
    transaction.commit().map_err(&failed)?;
    Ok(made)
}

/// Sets what is there aside, puts the newest good backup in its place, and adds the rows that the lines
/// of `operations.ndjson` tell of. The note says what was done.
pub(super) fn mend(config: &HistoryConfig, cause: &str) -> Result<(Connection, String), HistoryError> {
    let path = &config.path;
    let aside = set_aside(path)?;
    let lost = faults::broken("no-restore");
    let restored = if lost { None } else { backup::restore(path)? };
    let mut connection = prepare(path)?;
    let made = if lost { 0 } else { replay(&mut connection, config)? };
    let kept = aside.map_or_else(String::new, |aside| format!(" and is kept as {}", aside.display()));
    let from = restored.map_or_else(
        || "there was no good backup, so a new one has begun".to_owned(),
        |copy| format!("its backup {} is restored", copy.display()),
    );
    let rows = number::count(made as u64, "row");
    let note = format!("history {} {cause}{kept}; {from}, and {rows} came from operations.ndjson", path.display());
    Ok((connection, note))
}

fn is_large(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.len() > CHECKED_MAX)
}

/// The first thing that is wrong inside, in SQLite's words.
fn check(connection: &Connection) -> Result<(), String> {
    match backup::quick_check(connection) {
        Ok(None) => Ok(()),
        Ok(Some(problem)) => Err(problem.trim().replace('\n', ", ")),
        Err(error) if is_corrupt(&error) => Err(error.to_string()),
        // It could not be looked at now, which says nothing of what is inside.
        Err(_) => Ok(()),
    }
}

/// Opens the file for reading only.
pub(super) fn open_reader(path: &Path) -> Result<Connection, HistoryError> {
    let failed = failed(path, "open it for reading");
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(&failed)?;
    connection.busy_timeout(BUSY).map_err(&failed)?;
    sqlite::hold_little(&connection).map_err(&failed)?;
    Ok(connection)
}

/// A history without rows that no file holds.
pub(super) fn empty(path: &Path) -> Result<Connection, HistoryError> {
    let made = Connection::open_in_memory().and_then(|connection| {
        STEPS.iter().try_for_each(|step| connection.execute_batch(step))?;
        Ok(connection)
    });
    made.map_err(failed(path, "do without it"))
}

pub(super) fn is_corrupt(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn failed(path: &Path, action: &'static str) -> impl Fn(rusqlite::Error) -> HistoryError {
    let path = path.to_owned();
    move |source| HistoryError::Sqlite { path: path.clone(), action, source }
}

pub(super) fn prepare(path: &Path) -> Result<Connection, HistoryError> {
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
    sqlite::bound(&connection).map_err(&failed)?;
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
    // Beside the layout: older versions need not know it.
    transaction.execute_batch(lines::MARK).map_err(&failed)?;
    if found == 0 {
        transaction.execute_batch(lines::NO_LINES_YET).map_err(&failed)?;
    }
    transaction.pragma_update(None, "user_version", LAYOUT).map_err(&failed)?;
    transaction.commit().map_err(&failed)?;
    Ok(connection)
}

/// Renames the file and its companions; nothing is deleted. Its new name, when there was a file.
fn set_aside(path: &Path) -> Result<Option<PathBuf>, HistoryError> {
    let now = clock::now();
    let named = |file: &Path| {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".corrupt-{}", now.0));
        PathBuf::from(name)
    };
    let mut aside = None;
    for ending in ["-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let file = PathBuf::from(name);
        match std::fs::rename(&file, named(&file)) {
            Ok(()) if ending.is_empty() => aside = Some(named(&file)),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(HistoryError::Io { path: file, action: "set the corrupt file aside", source: error });
            }
            _ => {}
        }
    }
    Ok(aside)
}
