//! Lines of the log files as the Logs pane and REST ask for and get them.

use serde::Serialize;

use super::level::LogLevel;

/// What is wanted of the logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Substring, letter case ignored; empty takes every line.
    pub text: String,
    /// `None` takes every source; else a folder of `logs/`: `zk1`, `backend`.
    pub source: Option<String>,
    /// Only this level and worse.
    pub level: Option<LogLevel>,
    pub limit: usize,
}

/// Most lines of one answer.
pub const LOG_PAGE_MAX: usize = 2000;

/// One event of a log: its first line and how many lines continue it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// Time as the line tells it, `2026-11-23T14:01:58.112`; sorts as text. `None` when it tells none.
    pub time: Option<String>,
    /// Folder of `logs/` that it came from.
    pub source: String,
    pub level: Option<LogLevel>,
    /// Thread or module.
    pub origin: Option<String>,
    pub message: String,
    /// Lines of a stack trace or another continuation, without the first line.
    pub more: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogPage {
    /// Oldest first; the newest that match.
    pub lines: Vec<LogLine>,
    /// Whether older lines matched that are not in `lines`.
    pub truncated: bool,
    /// What was searched, in words: `local files, 6 files, 1.2 MiB`.
    pub searched: String,
    /// Folders that hold log files, for the source filter.
    pub sources: Vec<String>,
    /// Files that could not be read, with the cause.
    pub problems: Vec<String>,
}
