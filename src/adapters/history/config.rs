//! Where history lies.

use std::path::PathBuf;
use std::time::Duration;

/// How long SQLite itself waits for another process's lock.
pub(super) const BUSY: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryConfig {
    /// `data/zkdeck.db`.
    pub path: PathBuf,
    /// Folder of `operations.<date>.ndjson`.
    pub ndjson_dir: PathBuf,
    /// Takes a file system on which SQLite's locks may not hold.
    pub any_filesystem: bool,
}
