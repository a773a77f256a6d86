//! The program's own log: JSON lines in `logs/backend/zkdeck.<date>.log`, rotated daily, bounded.

use std::path::Path;

use anyhow::Context;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

/// Days of log files that are kept.
const FILES_MAX: usize = 14;

/// Starts logging into `folder`. Dropping the guard writes out what is left.
pub(super) fn start(folder: &Path) -> anyhow::Result<WorkerGuard> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the log folder {}", folder.display()))?;
    let files = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("zkdeck")
        .filename_suffix("log")
        .max_log_files(FILES_MAX)
        .build(folder)
        .with_context(|| format!("cannot write the log in {}", folder.display()))?;
    let (writer, guard) = tracing_appender::non_blocking(files);
    let filter = EnvFilter::try_from_env("ZKDECK_LOG").unwrap_or_else(|_| EnvFilter::new("info,zookeeper_client=warn"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(writer).init();
    Ok(guard)
}
