//! A look at the file that changes nothing: whether it is whole, and how much it holds.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// Another process may be writing.
const BUSY: Duration = Duration::from_secs(2);

/// What [`examine`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    pub rows: i64,
    pub bytes: u64,
    /// What SQLite's quick check complains of.
    pub problem: Option<String>,
}

/// Blocks for as long as SQLite takes to look through the file.
///
/// # Errors
/// Why it cannot be read, in words.
pub fn examine(path: &Path) -> Result<Examined, String> {
    let look = || -> rusqlite::Result<(i64, String)> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY)?;
        let rows = connection.query_row("SELECT count(*) FROM operations", [], |row| row.get(0))?;
        Ok((rows, connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?))
    };
    let (rows, said) = look().map_err(|error| error.to_string())?;
    let bytes = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    Ok(Examined { rows, bytes, problem: (said != "ok").then_some(said) })
}
