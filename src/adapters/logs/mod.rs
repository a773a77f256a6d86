//! The log files under `logs/`, searched where they lie.
//!
//! `files` finds them and reads them backwards, `parse` makes events of their lines. Whatever writes
//! there (the servers, zkdeck itself) is read by the same rules.

mod files;
mod parse;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::log::{LOG_PAGE_MAX, LogLine, LogPage, LogQuery};

/// Longest search.
const LIMIT: Duration = Duration::from_secs(5);
/// Bytes that one search reads at most, newest first.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    #[error("cannot list the log folder {folder}: {source}; check that it is there and may be read", folder = folder.display())]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("searching the logs took over {} s; narrow it down by source or level", LIMIT.as_secs())]
    Late,
    #[error("searching the logs failed inside: {0}")]
    Inside(String),
}

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct LocalLogs {
    folder: Arc<Path>,
}

impl LocalLogs {
    /// `folder` has one sub-folder for each source.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder: folder.into() }
    }

    /// The newest events that match, oldest first.
    ///
    /// # Errors
    /// [`LogsError`]; a single file that cannot be read is a problem of the page.
    pub async fn search(&self, query: LogQuery) -> Result<LogPage, LogsError> {
        let folder = Arc::clone(&self.folder);
        let search = tokio::task::spawn_blocking(move || search(&folder, &query));
        match tokio::time::timeout(LIMIT, search).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(LogsError::Inside(error.to_string())),
            Err(_) => Err(LogsError::Late),
        }
    }
}

fn search(folder: &Path, query: &LogQuery) -> Result<LogPage, LogsError> {
    let limit = query.limit.clamp(1, LOG_PAGE_MAX);
    let needle = query.text.to_lowercase();
    let mut page = LogPage::default();
    let sources = files::sources(folder)?;
    let (mut read, mut count) = (0, 0);
    let mut found: Vec<LogLine> = Vec::new();
    for source in sources {
        let wanted = query.source.as_ref().is_none_or(|name| *name == source.name);
        page.sources.push(source.name.clone());
        if !wanted {
            continue;
        }
        let mut of_source = 0;
        for file in source.files {
            if of_source > limit || read > BYTES_MAX {
                page.truncated = true;
                break;
            }
            count += 1;
            let keep = |line: &LogLine| matches(line, &needle, query);
            match files::newest(&file, &source.name, limit + 1 - of_source, BYTES_MAX.saturating_sub(read), keep) {
                Ok(tail) => {
                    read += tail.bytes;
                    of_source += tail.lines.len();
                    page.truncated |= tail.cut;
                    found.extend(tail.lines);
                }
                Err(error) => page.problems.push(format!("{}: {error}", file.display())),
            }
        }
    }
    found.sort_by(|a, b| a.time.cmp(&b.time));
    if found.len() > limit {
        page.truncated = true;
        found.drain(..found.len() - limit);
    }
    let bytes = crate::domain::ids::Bytes(read);
    page.searched = format!("local files, {count} files, {bytes}");
    page.lines = found;
    Ok(page)
}

fn matches(line: &LogLine, needle: &str, query: &LogQuery) -> bool {
    if query.level.is_some_and(|least| line.level.is_none_or(|level| level < least)) {
        return false;
    }
    let holds = |text: &str| text.to_lowercase().contains(needle);
    needle.is_empty()
        || holds(&line.message)
        || line.origin.as_deref().is_some_and(holds)
        || line.more.iter().any(|more| holds(more))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::LogLevel;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    async fn ask(folder: &Path, query: LogQuery) -> LogPage {
        LocalLogs::new(folder.to_owned()).search(LogQuery { limit: query.limit.max(1), ..query }).await.unwrap()
    }

    const ZK1: &str = "2026-11-23 14:01:58,112 [myid:1] - WARN  [SyncThread:2:FileTxnLog@1] - fsync took 1312 ms\n\
                       2026-11-23 14:02:00,020 [myid:1] - ERROR [LearnerHandler-/127.0.0.1:1:LearnerHandler@7] - boom\n\
                       java.net.SocketTimeoutException: Read timed out\n\tat a.b.C(D.java:7)\n";
    const OWN: &str = "{\"timestamp\":\"2026-11-23T14:01:59.000000Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"connected\"},\"target\":\"zkdeck::adapters\"}\n";

    #[tokio::test]
    async fn events_of_all_files_come_in_the_order_of_their_times() {
        let folder = folder(&[("zk1/zookeeper.log", ZK1), ("backend/zkdeck.2026-11-23.log", OWN)]);
        let page = ask(folder.path(), LogQuery { limit: 10, ..LogQuery::default() }).await;
        let told: Vec<_> = page.lines.iter().map(|l| (l.source.as_str(), l.message.as_str(), l.more.len())).collect();
        assert_eq!(told, [("zk1", "fsync took 1312 ms", 0), ("backend", "connected", 0), ("zk1", "boom", 2)]);
        assert_eq!((page.sources, page.truncated), (vec!["backend".to_owned(), "zk1".to_owned()], false));
    }

    #[tokio::test]
    async fn filters_hold_for_continuation_lines_too() {
        let folder = folder(&[("zk1/zookeeper.log", ZK1), ("backend/zkdeck.2026-11-23.log", OWN)]);
        let count = async |query: LogQuery| ask(folder.path(), LogQuery { limit: 10, ..query }).await.lines.len();
        assert_eq!(count(LogQuery { text: "sockettimeout".into(), ..LogQuery::default() }).await, 1);
        assert_eq!(count(LogQuery { level: Some(LogLevel::Warn), ..LogQuery::default() }).await, 2);
        assert_eq!(count(LogQuery { source: Some("backend".into()), ..LogQuery::default() }).await, 1);
        assert_eq!(count(LogQuery { text: "nowhere".into(), ..LogQuery::default() }).await, 0);
    }

    #[tokio::test]
    async fn the_newest_are_kept_and_the_rest_is_said() {
        let line = |n: u32| format!("2026-11-23 14:00:{:02},000 [myid:1] - INFO  [main:A@1] - line {n}\n", n % 60);
        let text: String = (0..50).map(line).collect();
        let folder = folder(&[("zk1/a.log", &text)]);
        let page = ask(folder.path(), LogQuery { limit: 3, ..LogQuery::default() }).await;
        let told: Vec<_> = page.lines.iter().map(|line| line.message.as_str()).collect();
        assert_eq!((told, page.truncated), (vec!["line 47", "line 48", "line 49"], true));
    }

    #[tokio::test]
    async fn a_missing_folder_is_said() {
        let logs = LocalLogs::new("/nonexistent/logs".into());
        let error = logs.search(LogQuery::default()).await.unwrap_err().to_string();
        assert!(error.contains("/nonexistent/logs"), "{error}");
    }
}
