//! Copies of the file, one an hour, in `backups/` beside it.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::config::BUSY;
use super::error::HistoryError;
use crate::adapters::{clock, owner};

/// Age of the newest copy at which the next one is due.
const EVERY_MS: u64 = 3_600_000;
/// Copies that are kept; the oldest go first.
const KEEP: usize = 7;

/// Makes a copy when the newest is an hour old or there is none.
pub(super) fn make_if_due(path: &Path) -> Result<Option<PathBuf>, HistoryError> {
    let now = clock::now().0;
    let newest = all(path).last().map(|(at, _)| *at);
    if newest.is_some_and(|at| at <= now && now - at < EVERY_MS) {
        return Ok(None);
    }
    make(path, now).map(Some)
}

/// Writes the copy under another name first: a half one is never taken for whole.
fn make(path: &Path, now: u64) -> Result<PathBuf, HistoryError> {
    let target = folder(path).join(format!("{}.{now}", file_name(path)));
    let io = |action| move |source| HistoryError::Io { path: path.to_owned(), action, source };
    let failed = |source| HistoryError::Sqlite { path: path.to_owned(), action: "back it up", source };
    owner::make_folder(&folder(path)).map_err(io("make the folder of its backups"))?;
    let part = target.with_extension(format!("{now}.part"));
    if part.exists() {
        fs::remove_file(&part).map_err(io("remove half a backup"))?;
    }
    let source = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    source.busy_timeout(BUSY).map_err(failed)?;
    source.execute("VACUUM INTO ?1", [part.to_string_lossy()]).map_err(failed)?;
    drop(source);
    owner::follow(&part).map_err(io("give its backup to the folder's owner"))?;
    fs::File::open(&part).and_then(|file| file.sync_all()).map_err(io("sync its backup"))?;
    fs::rename(&part, &target).map_err(io("name its backup"))?;
    let copies = all(path);
    for (_, old) in copies.iter().take(copies.len().saturating_sub(KEEP)) {
        fs::remove_file(old).map_err(io("remove an old backup"))?;
    }
    Ok(target)
}

/// Puts the newest copy that is whole in the file's place; which one, or `None` when there is none.
pub(super) fn restore(path: &Path) -> Result<Option<PathBuf>, HistoryError> {
    let io = |source| HistoryError::Io { path: path.to_owned(), action: "restore a backup", source };
    for (_, copy) in all(path).into_iter().rev() {
        if !is_whole(&copy) {
            continue;
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".restore");
        fs::copy(&copy, &part).map_err(io)?;
        owner::follow(Path::new(&part)).map_err(io)?;
        fs::File::open(&part).and_then(|file| file.sync_all()).map_err(io)?;
        fs::rename(&part, path).map_err(io)?;
        return Ok(Some(copy));
    }
    Ok(None)
}

/// Whether there is a copy, good or not.
pub(super) fn any(path: &Path) -> bool {
    !all(path).is_empty()
}

/// The first thing that SQLite finds wrong in a file, in its words; `None` when all is well.
pub(super) fn quick_check(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let word: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((word != "ok").then_some(word))
}

/// Whether SQLite finds nothing wrong with a file.
pub(super) fn is_whole(path: &Path) -> bool {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    connection.and_then(|connection| quick_check(&connection)).is_ok_and(|problem| problem.is_none())
}

/// Copies with the time of each, oldest first.
fn all(path: &Path) -> Vec<(u64, PathBuf)> {
    let prefix = format!("{}.", file_name(path));
    let entries = fs::read_dir(folder(path)).into_iter().flatten().flatten();
    let mut copies: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some((name.strip_prefix(&prefix)?.parse().ok()?, entry.path()))
        })
        .collect();
    copies.sort();
    copies
}

fn folder(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new(".")).join("backups")
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(folder: &Path) -> PathBuf {
        let path = folder.join("zkdeck.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE a (b); INSERT INTO a VALUES (1)").unwrap();
        path
    }

    #[test]
    fn one_an_hour_and_seven_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = database(folder.path());
        assert!(make_if_due(&path).unwrap().is_some());
        assert_eq!(make_if_due(&path).unwrap(), None, "the newest is not an hour old");
        for hour in 1..=9 {
            make(&path, clock::now().0 + hour * EVERY_MS).unwrap();
        }
        let copies = all(&path);
        assert_eq!(copies.len(), KEEP);
        assert!(copies.iter().all(|(_, copy)| is_whole(copy)));
        assert!(make_if_due(&path).unwrap().is_some(), "a copy of tomorrow, from a clock that was wrong, blocks none");
    }

    #[test]
    fn what_root_makes_belongs_to_the_folders_owner() {
        use std::os::unix::fs::{MetadataExt, chown};
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: a backup that root makes: only root can make what is another's");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = database(folder.path());
        chown(folder.path(), Some(4711), Some(4712)).unwrap();
        let copy = make(&path, 1_000).unwrap();
        restore(&path).unwrap();
        for path in [copy.parent().unwrap(), &copy, &path] {
            assert_eq!(fs::metadata(path).unwrap().uid(), 4711, "{}", path.display());
        }
    }

    #[test]
    fn the_newest_whole_copy_is_restored() {
        let folder = tempfile::tempdir().unwrap();
        let path = database(folder.path());
        assert_eq!(restore(&path).unwrap(), None);
        make(&path, 500).unwrap();
        Connection::open(&path).unwrap().execute("UPDATE a SET b = 2", []).unwrap();
        let good = make(&path, 1_000).unwrap();
        let bad = make(&path, 2_000).unwrap();
        fs::write(bad, b"no database, and long enough to be looked at as one".repeat(50)).unwrap();
        fs::write(&path, b"").unwrap();
        assert_eq!(restore(&path).unwrap(), Some(good));
        let rows: i64 = Connection::open(&path).unwrap().query_row("SELECT b FROM a", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 2);
    }
}
