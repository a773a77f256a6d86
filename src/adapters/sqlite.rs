//! What SQLite takes stays small: its pages in memory, and the log beside a file. Left to itself the log grows to four
//! megabytes before it is gone through, and keeps the most that it ever was.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

/// Pages after which the log is gone through: half a megabyte of it.
const PAGES: u32 = 128;
/// Bytes that the log keeps when it begins anew.
pub const KEPT: u32 = 512 << 10;
/// A log that is larger is emptied when nobody reads from it; somebody who reads for long is told of beyond eight times that.
pub const LARGE: u64 = 2 * KEPT as u64;
const ALARM: u64 = 8 * KEPT as u64;

/// Pages that a connection holds in memory, in KiB: a quarter of SQLite's own default. The system holds the file anyhow.
const CACHE_KIB: i32 = 512;

/// Sets the bound of what a connection holds in memory.
///
/// # Errors
/// That of SQLite.
pub fn hold_little(connection: &Connection) -> rusqlite::Result<()> {
    // Negative: KiB, not pages. https://sqlite.org/pragma.html#pragma_cache_size
    connection.pragma_update(None, "cache_size", -CACHE_KIB)
}

/// Sets the bounds of a connection that writes.
///
/// # Errors
/// That of SQLite.
pub fn bound(connection: &Connection) -> rusqlite::Result<()> {
    hold_little(connection)?;
    connection.pragma_update(None, "wal_autocheckpoint", PAGES)?;
    connection.pragma_update(None, "journal_size_limit", KEPT)
}

/// The log beside one file, looked at after writes.
#[derive(Debug)]
pub struct WalWatch {
    file: PathBuf,
    log: PathBuf,
    /// How long the connection waits for others otherwise.
    busy: Duration,
    /// It was told that the log is large.
    told: bool,
}

impl WalWatch {
    #[must_use]
    pub fn of(file: &Path, busy: Duration) -> Self {
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        Self { file: file.to_owned(), log: log.into(), busy, told: false }
    }

    /// Empties a log that has become large, unless somebody reads from it; what is to be said when that lets it grow on.
    pub fn look(&mut self, connection: &Connection) -> Option<String> {
        if self.size() <= LARGE {
            self.told = false;
            return None;
        }
        // Without waiting: a reader keeps it as it is, and rows come first. What fails is tried after the next write.
        _ = connection.busy_timeout(Duration::ZERO);
        _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        _ = connection.busy_timeout(self.busy);
        let size = self.size();
        let tell = size > ALARM && !std::mem::replace(&mut self.told, size > ALARM);
        tell.then(|| {
            let (log, file) = (self.log.display(), self.file.display());
            format!(
                "{log} has grown to {} MiB: another process reads {file} for long and keeps it; it shrinks when that ends \
                 (fuser {file} names it)",
                size >> 20
            )
        })
    }

    fn size(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |meta| meta.len())
    }
}
