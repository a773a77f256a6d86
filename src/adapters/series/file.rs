//! Blocks of series as rows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};

use super::error::SeriesError;
use crate::adapters::file_mark::FileMark;
use crate::adapters::{owner, sqlite};
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::series::{SeriesBuffer, SeriesChunk, SeriesKey, Tier};

/// Layout that this program writes, in `PRAGMA user_version`.
const LAYOUT: i64 = 1;
/// How long SQLite waits for another process's lock.
const BUSY: Duration = Duration::from_secs(1);
/// Blocks come in the order of time, so that each is written beside the last one.
const SCHEMA: &str = "
    CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE chunks (
        tier INTEGER NOT NULL,
        start_ms INTEGER NOT NULL,
        series INTEGER NOT NULL REFERENCES series (id),
        points BLOB NOT NULL,
        PRIMARY KEY (tier, start_ms, series)
    ) STRICT, WITHOUT ROWID;
";

/// The file, opened when it is needed.
pub(super) struct SeriesFile {
    path: PathBuf,
    open: Option<(Connection, Option<FileMark>)>,
}

impl SeriesFile {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    /// Writes all that waits, and lets go of what is older than it is kept.
    pub(super) fn write(&mut self, buffer: &SeriesBuffer, now: Timestamp) -> Result<(), SeriesError> {
        let written = self
            .connection()
            .and_then(|connection| put(connection, buffer, now).map_err(|source| (source, "write them")));
        written.map_err(|(source, action)| self.failed(source, action))
    }

    /// The blocks of one series that touch a span of time, oldest first. A file that is not there has none.
    pub(super) fn read(
        &mut self,
        key: &SeriesKey,
        tier: Tier,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<SeriesChunk>, SeriesError> {
        if self.open.is_none() && !self.path.exists() {
            return Ok(Vec::new());
        }
        let read = self
            .connection()
            .and_then(|connection| get(connection, key, tier, from, until).map_err(|source| (source, "read them")));
        read.map_err(|(source, action)| self.failed(source, action))
    }

    /// When the first value of the oldest blocks was measured.
    pub(super) fn earliest(&mut self, tier: Tier) -> Result<Option<Timestamp>, SeriesError> {
        if self.open.is_none() && !self.path.exists() {
            return Ok(None);
        }
        let read =
            self.connection().and_then(|connection| first(connection, tier).map_err(|source| (source, "read them")));
        read.map_err(|(source, action)| self.failed(source, action))
    }

    /// The file that has the name now.
    fn connection(&mut self) -> Result<&mut Connection, (FileFault, &'static str)> {
        let now = FileMark::of(&self.path);
        let open = self.open.take().filter(|(_, mark)| now.is_some() && *mark == now);
        let open = match open {
            Some(open) => open,
            None => (prepare(&self.path)?, FileMark::of(&self.path)),
        };
        Ok(&mut self.open.insert(open).0)
    }

    /// A file that is corrupt is set aside: the next one begins anew.
    fn failed(&mut self, fault: FileFault, action: &'static str) -> SeriesError {
        let path = self.path.clone();
        match fault {
            FileFault::Sqlite(source) => {
                if matches!(source.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) {
                    self.open = None;
                    set_aside(&path);
                }
                SeriesError::Sqlite { path, action, source }
            }
            FileFault::Io(source) => SeriesError::Io { path, action, source },
            FileFault::Newer(found) => SeriesError::Newer { path, found, known: LAYOUT },
        }
    }
}

/// What went wrong, before it is said of which file.
enum FileFault {
    Sqlite(rusqlite::Error),
    Io(std::io::Error),
    Newer(i64),
}

impl From<rusqlite::Error> for FileFault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn set_aside(path: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let named = |more: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            name.push(more);
            PathBuf::from(name)
        };
        // What cannot be renamed is found corrupt again, and said again.
        _ = std::fs::rename(named(""), named(".corrupt"));
    }
}

fn prepare(path: &Path) -> Result<Connection, (FileFault, &'static str)> {
    const OPEN: &str = "open them";
    if let Some(folder) = path.parent() {
        owner::make_folder(folder).map_err(|source| (FileFault::Io(source), "make their folder"))?;
    }
    let connection = Connection::open(path).map_err(|source| (source.into(), OPEN))?;
    owner::follow(path).map_err(|source| (FileFault::Io(source), "give them to the folder's owner"))?;
    set_up(connection).map_err(|fault| (fault, OPEN))
}

fn set_up(mut connection: Connection) -> Result<Connection, FileFault> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    sqlite::bound(&connection)?;
    // A crash of the machine may cost the last blocks, never the file.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > LAYOUT {
        return Err(FileFault::Newer(found));
    }
    if found == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", LAYOUT)?;
    }
    transaction.commit()?;
    Ok(connection)
}

/// What a tier is in the file.
const fn number(tier: Tier) -> i64 {
    match tier {
        Tier::Second => 0,
        Tier::TenSeconds => 1,
        Tier::Minute => 2,
    }
}

/// SQLite's numbers are signed; what does not fit is cut to the largest.
fn whole(at: Timestamp) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

fn put(connection: &mut Connection, buffer: &SeriesBuffer, now: Timestamp) -> Result<(), FileFault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (key, chunk) in buffer.waiting() {
        let series = id(&transaction, key)?;
        let (tier, start) = (number(chunk.tier), whole(chunk.start));
        let sql = "SELECT points FROM chunks WHERE tier = ?1 AND start_ms = ?2 AND series = ?3";
        let stored: Option<Vec<u8>> =
            transaction.prepare_cached(sql)?.query_row(params![tier, start, series], |row| row.get(0)).optional()?;
        let mut chunk = chunk.clone();
        if let Some(stored) = stored.and_then(|bytes| SeriesChunk::read(chunk.tier, chunk.start, &bytes)) {
            chunk.fill_from(&stored);
        }
        let sql = "INSERT OR REPLACE INTO chunks (tier, start_ms, series, points) VALUES (?1, ?2, ?3, ?4)";
        transaction.prepare_cached(sql)?.execute(params![tier, start, series, chunk.bytes()])?;
    }
    for tier in Tier::ALL {
        let kept = Millis(tier.kept().0 + SeriesChunk::span(tier).0);
        let before = whole(Timestamp(now.0.saturating_sub(kept.0)));
        let sql = "DELETE FROM chunks WHERE tier = ?1 AND start_ms < ?2";
        transaction.prepare_cached(sql)?.execute(params![number(tier), before])?;
    }
    transaction.commit()?;
    Ok(())
}

/// The number of a series, which it gets with its first block.
fn id(connection: &Connection, key: &SeriesKey) -> rusqlite::Result<i64> {
    let name = key.to_string();
    if let Some(known) = known(connection, &name)? {
        return Ok(known);
    }
    connection.prepare_cached("INSERT INTO series (name) VALUES (?1)")?.execute([&name])?;
    Ok(connection.last_insert_rowid())
}

fn known(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    connection.prepare_cached("SELECT id FROM series WHERE name = ?1")?.query_row([name], |row| row.get(0)).optional()
}

fn first(connection: &Connection, tier: Tier) -> Result<Option<Timestamp>, FileFault> {
    let sql = "SELECT start_ms, points FROM chunks WHERE tier = ?1 AND start_ms = \
               (SELECT min(start_ms) FROM chunks WHERE tier = ?1)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([number(tier)])?;
    let mut first: Option<Timestamp> = None;
    while let Some(row) = rows.next()? {
        let (start, points): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let chunk = SeriesChunk::read(tier, Timestamp(u64::try_from(start).unwrap_or(0)), &points);
        let of_chunk = chunk.as_ref().and_then(|chunk| chunk.values().next()).map(|(at, _)| at);
        first = first.into_iter().chain(of_chunk).min();
    }
    Ok(first)
}

fn get(
    connection: &Connection,
    key: &SeriesKey,
    tier: Tier,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<SeriesChunk>, FileFault> {
    let Some(series) = known(connection, &key.to_string())? else { return Ok(Vec::new()) };
    let sql = "SELECT points FROM chunks WHERE tier = ?1 AND start_ms = ?2 AND series = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let (mut start, mut found) = (SeriesChunk::start_of(tier, from), Vec::new());
    // Each by its whole key: the blocks of all series lie between two of one.
    while start < until {
        let stored: Option<Vec<u8>> =
            statement.query_row(params![number(tier), whole(start), series], |row| row.get(0)).optional()?;
        found.extend(stored.and_then(|bytes| SeriesChunk::read(tier, start, &bytes)));
        start = start.plus(SeriesChunk::span(tier));
    }
    Ok(found)
}
