//! Lines of the log files as the Logs pane and REST ask for and get them.

use serde::Serialize;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    pub const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }

    /// Reads a level's word in any case; `FATAL` counts as error.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let upper = word.to_ascii_uppercase();
        match upper.as_str() {
            "FATAL" => Some(Self::Error),
            "WARNING" => Some(Self::Warn),
            _ => Self::ALL.into_iter().find(|level| level.word() == upper),
        }
    }
}

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
