//! A look at the file that changes nothing: no layout is brought up to date, and no file is made beside it.

use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::Unread;
use super::writer::rest;
use super::{backup, rows, schema};
use crate::domain::ids::Timestamp;

/// Another process may be writing.
const BUSY: Duration = Duration::from_secs(2);
/// Between two looks at who holds the right to write.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The byte of the index `-shm` that a writer locks: `WAL_WRITE_LOCK` at `UNIX_SHM_BASE`, <https://sqlite.org/walformat.html>.
const WRITE_LOCK: u64 = 120;

/// What [`examine`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryReport {
    pub rows: i64,
    /// Of the file and of the log beside it.
    pub bytes: u64,
    /// What SQLite's quick check complains of.
    pub problem: Option<String>,
    /// The process that has held the right to write all the while, without writing; 0 when it is hidden.
    pub held_by: Option<u32>,
}

/// Blocks for as long as SQLite takes to look through the file.
///
/// # Errors
/// [`Unread`]: why it cannot be looked into.
pub fn examine(path: &Path) -> Result<HistoryReport, Unread> {
    let connection = open(path)?;
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| why(&error));
    // A file that was just made has no table yet.
    let made = number("SELECT count(*) FROM sqlite_master WHERE name = 'operations'")? > 0;
    let rows = if made { number("SELECT count(*) FROM operations")? } else { 0 };
    let problem = backup::quick_check(&connection).map_err(|error| why(&error))?;
    let logged = std::fs::metadata(beside(path, "-wal")).map_or(0, |meta| meta.len());
    let bytes = std::fs::metadata(path).map_err(|error| denied_or(&error))?.len() + logged;
    Ok(HistoryReport { rows, bytes, problem, held_by: held_by(path, BUSY) })
}

/// How many operations ended before `at`.
///
/// # Errors
/// [`Unread`].
pub fn rows_before(path: &Path, at: Timestamp) -> Result<i64, Unread> {
    let sql = "SELECT count(*) FROM operations WHERE finished_ms < ?1";
    let at = i64::try_from(at.0).unwrap_or(i64::MAX);
    open(path)?.query_row(sql, [at], |row| row.get(0)).map_err(|error| why(&error))
}

/// Opens the file to read its rows. Without a log beside it nobody writes it, and it is read as it is;
/// with one, its index is read as it is, and made in memory where it is not valid.
pub(super) fn open(path: &Path) -> Result<Connection, Unread> {
    let (wal, shm) = (beside(path, "-wal"), beside(path, "-shm"));
    readable(path)?;
    if is_locked(path) {
        return Err(Unread::Locked);
    }
    let how = match std::fs::metadata(&wal) {
        Ok(_) if shm.exists() => readable(&wal).and_then(|()| readable(&shm)).map(|()| "readonly_shm=1")?,
        Ok(meta) if meta.len() > 0 => {
            let shown = |path: &Path| path.display().to_string();
            return Err(Unread::NoIndex { wal: shown(&wal), shm: shown(&shm) });
        }
        Ok(_) => "immutable=1",
        Err(error) if error.kind() == ErrorKind::NotFound => "immutable=1",
        Err(error) => return Err(denied_or(&error)),
    };
    let address = format!("file:{}?mode=ro&{how}", escaped(path));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(address, flags).map_err(|error| why(&error))?;
    connection.busy_timeout(BUSY).map_err(|error| why(&error))?;
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|error| why(&error))?;
    if found > schema::LAYOUT {
        return Err(Unread::Newer { found, known: schema::LAYOUT });
    }
    stand_in(&connection).map_err(|error| why(&error))?;
    Ok(connection)
}

/// Shows a table of an older layout with the columns that it lacks, all empty.
fn stand_in(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info('operations')")?;
    let there = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let lacking = rows::COLUMNS.split(", ").filter(|column| !there.iter().any(|one| one == column));
    let lacking: String = lacking.map(|column| format!(", NULL AS {column}")).collect();
    if there.is_empty() || lacking.is_empty() {
        return Ok(());
    }
    connection.execute_batch(&format!("CREATE TEMP VIEW operations AS SELECT *{lacking} FROM main.operations"))
}

/// Asked by name: to open and close a file takes away the locks that this process has on it.
fn readable(path: &Path) -> Result<(), Unread> {
    use rustix::fs::{Access, access};
    access(path, Access::READ_OK).map_err(|error| denied_or(&error.into()))
}

/// Whether some process keeps all others out: SQLite would wait for it, or read what it is just writing.
fn is_locked(path: &Path) -> bool {
    !write_locks(path).is_empty()
}

/// Who holds the right to write for as long as `limit`, and writes nothing.
fn held_by(path: &Path, limit: Duration) -> Option<u32> {
    let (wal, shm) = (beside(path, "-wal"), beside(path, "-shm"));
    let holder = || write_locks(&shm).into_iter().find(|lock| lock.bytes.contains(&WRITE_LOCK)).map(|lock| lock.pid);
    let written = || std::fs::metadata(&wal).and_then(|meta| Ok((meta.len(), meta.modified()?))).ok();
    let (first, since, before) = (holder()?, Instant::now(), written());
    while since.elapsed() < limit {
        rest(LOOK_AGAIN);
        if holder() != Some(first) || written() != before {
            return None;
        }
    }
    Some(first)
}

/// A lock on bytes of a file that lets no other in.
struct ByteLock {
    /// 0 when the process is hidden from this one.
    pid: u32,
    bytes: RangeInclusive<u64>,
}

/// The locks of one file that the kernel tells of.
fn write_locks(path: &Path) -> Vec<ByteLock> {
    use std::os::unix::fs::MetadataExt;
    let (Ok(meta), Ok(locks)) = (std::fs::metadata(path), std::fs::read_to_string("/proc/locks")) else {
        return Vec::new();
    };
    let (major, minor) = (rustix::fs::major(meta.dev()), rustix::fs::minor(meta.dev()));
    let file = format!("{major:02x}:{minor:02x}:{}", meta.ino());
    let lock = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [.., "WRITE", pid, of, first, last] = fields[..] else { return None };
        let bytes = first.parse().ok()?..=last.parse().unwrap_or(u64::MAX);
        (of == file).then(|| ByteLock { pid: pid.parse().unwrap_or_default(), bytes })
    };
    locks.lines().filter_map(lock).collect()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A path in an address of SQLite's.
fn escaped(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');
    percent_encode(path.as_os_str().as_bytes(), ESCAPED).to_string()
}

fn denied_or(error: &std::io::Error) -> Unread {
    match error.kind() {
        ErrorKind::PermissionDenied => Unread::Denied { uid: rustix::process::geteuid().as_raw() },
        _ => Unread::Other(error.to_string()),
    }
}

fn why(error: &rusqlite::Error) -> Unread {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Unread::Locked,
        Some(ErrorCode::PermissionDenied) => Unread::Denied { uid: rustix::process::geteuid().as_raw() },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Unread::Damaged(error.to_string()),
        _ => Unread::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::SystemTime;

    use super::super::{History, HistoryConfig};
    use super::*;
    use crate::domain::fixtures::operation;
    use crate::domain::operation::{OperationKind, OperationStatus};

    fn config(folder: &Path) -> HistoryConfig {
        let path = folder.join("a ?#%41 b").join("zkdeck.db");
        HistoryConfig { path, ndjson_dir: folder.join("logs"), any_filesystem: true }
    }

    fn tree(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
        let mut found = BTreeMap::new();
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let meta = std::fs::metadata(&path).unwrap();
            if meta.is_dir() {
                found.extend(tree(&path));
            }
            found.insert(path, (meta.len(), meta.modified().unwrap()));
        }
        found
    }

    /// A file with one row, and beside it the log that a process which was killed leaves.
    async fn killed(folder: &Path) -> HistoryConfig {
        let (live, config) = (tempfile::tempdir().unwrap(), config(folder));
        let history = History::open(self::config(live.path())).unwrap();
        history.record(operation(1, OperationKind::Upload, OperationStatus::Done)).await.unwrap();
        assert!(history.flush().await.unwrap());
        std::fs::create_dir_all(config.path.parent().unwrap()).unwrap();
        for ending in ["", "-wal", "-shm"] {
            std::fs::copy(beside(&self::config(live.path()).path, ending), beside(&config.path, ending)).unwrap();
        }
        config
    }

    async fn rows_of(config: &HistoryConfig) -> u64 {
        let history = History::look(&config.path).unwrap();
        let total = history.newest(5).await.unwrap().1;
        let refused = history.record(operation(9, OperationKind::Upload, OperationStatus::Done)).await;
        assert!(refused.is_err(), "a look cannot write");
        history.close().await;
        total
    }

    #[tokio::test]
    async fn a_look_changes_nothing_whatever_state_the_file_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let config = killed(folder.path()).await;
        let before = tree(folder.path());
        assert_eq!(examine(&config.path).map(|found| (found.rows, found.problem)), Ok((1, None)));
        assert_eq!(rows_of(&config).await, 1, "what the log beside it holds is seen");
        assert_eq!(tree(folder.path()), before, "after a kill");

        let history = History::open(config.clone()).unwrap();
        history.close().await;
        drop(history);
        let before = tree(folder.path());
        assert_eq!(examine(&config.path).map(|found| found.rows), Ok(1));
        assert_eq!(rows_of(&config).await, 1);
        assert_eq!(tree(folder.path()), before, "after a clean end");
    }

    #[tokio::test]
    async fn a_file_that_is_in_use_is_read_beside_its_writer() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let history = History::open(config.clone()).unwrap();
        for id in 1..=2 {
            history.record(operation(id, OperationKind::Upload, OperationStatus::Done)).await.unwrap();
            assert!(history.flush().await.unwrap());
            assert_eq!(examine(&config.path).map(|found| found.rows), Ok(i64::try_from(id).unwrap()));
        }
        let on_disk = ["", "-wal"].map(|end| std::fs::metadata(beside(&config.path, end)).unwrap().len());
        assert_eq!(examine(&config.path).map(|found| found.bytes), Ok(on_disk.iter().sum()));
    }

    #[tokio::test]
    async fn who_holds_the_right_to_write_and_does_not_write_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let history = History::open(config.clone()).unwrap();
        history.record(operation(1, OperationKind::Upload, OperationStatus::Done)).await.unwrap();
        assert!(history.flush().await.unwrap());
        assert_eq!(held_by(&config.path, Duration::ZERO), None);
        let holder = Connection::open(&config.path).unwrap();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(held_by(&config.path, Duration::ZERO), Some(std::process::id()));
        holder.execute_batch("COMMIT").unwrap();
        assert_eq!(held_by(&config.path, Duration::ZERO), None);
    }

    #[test]
    fn each_cause_is_told_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zkdeck.db");
        assert!(matches!(examine(&path), Err(Unread::Other(cause)) if cause.contains("No such file")));
        std::fs::write(&path, "").unwrap();
        assert_eq!(examine(&path).map(|found| found.rows), Ok(0), "it was just made");
        std::fs::write(&path, "SQLite format 3\0 and then nothing that makes sense").unwrap();
        assert!(matches!(examine(&path), Err(Unread::Damaged(_))));
        std::fs::remove_file(&path).unwrap();
        let holder = Connection::open(&path).unwrap();
        holder.execute_batch("CREATE TABLE operations (id); BEGIN EXCLUSIVE").unwrap();
        assert_eq!(examine(&path), Err(Unread::Locked));
        holder.execute_batch("COMMIT; PRAGMA user_version = 99").unwrap();
        assert_eq!(examine(&path), Err(Unread::Newer { found: 99, known: schema::LAYOUT }));
        let denied = std::io::Error::from(ErrorKind::PermissionDenied);
        assert!(matches!(denied_or(&denied), Unread::Denied { .. }));
        std::fs::write(beside(&path, "-wal"), "rows").unwrap();
        assert!(matches!(examine(&path), Err(Unread::NoIndex { .. })));
    }

    #[test]
    fn a_table_of_an_older_layout_shows_what_it_lacks_as_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zkdeck.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE operations (id, kind); INSERT INTO operations VALUES (1, 2)")
            .unwrap();
        let sql = format!("SELECT {} FROM operations", rows::COLUMNS);
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, Option<String>>(14)?));
        assert_eq!(open(&path).unwrap().query_row(&sql, [], read), Ok((1, None)));
    }
}
