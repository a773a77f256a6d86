//! The program's own log: JSON lines in `logs/backend/zkdeck.<date>.log`, rotated daily, bounded.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

use crate::adapters::owner;

/// Days of log files that are kept.
const FILES_MAX: usize = 14;

/// Starts logging into `folder`. Dropping the guard writes out what is left.
pub(super) fn start(folder: &Path) -> anyhow::Result<WorkerGuard> {
    owner::make_folder(folder).with_context(|| format!("cannot make the log folder {}", folder.display()))?;
    let files = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("zkdeck")
        .filename_suffix("log")
        .max_log_files(FILES_MAX)
        .build(folder)
        .with_context(|| format!("cannot write the log in {}", folder.display()))?;
    let (writer, guard) =
        tracing_appender::non_blocking(Files { files, folder: folder.to_owned(), day: String::new() });
    let filter = EnvFilter::try_from_env("ZKDECK_LOG").unwrap_or_else(|_| EnvFilter::new("info,zookeeper_client=warn"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(writer).init();
    Ok(guard)
}

/// The files of the days. Each new one goes to the folder's owner: see [`owner`].
struct Files {
    files: RollingFileAppender,
    folder: PathBuf,
    /// Day of the file that was looked at last.
    day: String,
}

impl Write for Files {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let written = self.files.write(text)?;
        let day = jiff::Timestamp::now().to_string().chars().take(10).collect();
        if self.day != day {
            // At worst another process cannot write into it, and says so.
            _ = owner::follow(&self.folder.join(format!("zkdeck.{day}.log")));
            self.day = day;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.files.flush()
    }
}
