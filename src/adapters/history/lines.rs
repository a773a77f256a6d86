//! One JSON line for each operation that ends, in `operations.<date>.ndjson`: what Filebeat ships.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::rows;
use crate::adapters::{clock, owner};
use crate::domain::cause::Cause;
use crate::domain::ids::{Bytes, OperationId, Timestamp};
use crate::domain::log::instant;
use crate::domain::operation::{Operation, OperationKind, OperationStatus};

/// Bytes at the end of a file in which its last line is looked for.
const TAIL: u64 = 64 << 10;

/// What [`read_back`] needs of a line.
#[derive(Deserialize)]
struct LineRow {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    operation_id: String,
    operation: String,
    status: String,
    file_id: Option<String>,
    source: Option<String>,
    target: Option<String>,
    bytes: Option<u64>,
    duration_ms: Option<u64>,
    reason: Option<String>,
    cause: Option<String>,
    instance: String,
    /// Older lines have it in their message only.
    what: Option<String>,
    message: String,
}

/// Every operation that the lines in `folder` tell of, oldest first. Lines that are cut or not ours are
/// passed over.
pub(super) fn read_back(folder: &Path) -> Vec<Operation> {
    let texts = files(folder).into_iter().filter_map(|path| std::fs::read(path).ok());
    texts.flat_map(|text| text.split(|byte| *byte == b'\n').filter_map(parse).collect::<Vec<_>>()).collect()
}

/// The operation that the last line of the newest day tells of; no line is written before its row is.
pub(super) fn newest(folder: &Path) -> Option<OperationId> {
    let mut file = File::open(files(folder).pop()?).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).ok()?;
    tail.rsplit(|byte| *byte == b'\n').find_map(parse).map(|operation| operation.id)
}

/// The files of lines, oldest first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_lines(path)).collect();
    files.sort();
    files
}

/// Whether there are lines to read back.
pub(super) fn any(folder: &Path) -> bool {
    let mut entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.any(|entry| is_lines(&entry.path()) && entry.metadata().is_ok_and(|meta| meta.len() > 0))
}

fn is_lines(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.starts_with("operations.") && name.ends_with(".ndjson"))
}

fn parse(line: &[u8]) -> Option<Operation> {
    let told: LineRow = serde_json::from_slice(line).ok()?;
    let finished = Timestamp(u64::try_from(told.timestamp.parse::<jiff::Timestamp>().ok()?.as_millisecond()).ok()?);
    let lead = format!("{} {}: ", told.operation, told.status);
    let what = told.what.unwrap_or_else(|| told.message.strip_prefix(&lead).unwrap_or(&told.message).to_owned());
    let (id, kind) = (told.operation_id.parse().ok()?, OperationKind::from_word(&told.operation)?);
    let started = Timestamp(finished.0.saturating_sub(told.duration_ms.unwrap_or(0)));
    Some(Operation {
        status: OperationStatus::from_word(&told.status)?,
        finished: Some(finished),
        file: told.file_id.and_then(|text| text.parse().ok()),
        source: told.source.and_then(|text| text.parse().ok()),
        target: told.target.and_then(|text| text.parse().ok()),
        bytes: told.bytes.map(Bytes),
        why: told.reason,
        cause: told.cause.as_deref().and_then(Cause::from_word),
        ..Operation::begun(id, kind, started, what, "operations.ndjson".into(), told.instance)
    })
}

#[derive(Serialize)]
struct RowLine<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    operation_id: String,
    operation: &'static str,
    status: &'static str,
    file_id: Option<String>,
    source: Option<&'a str>,
    target: Option<&'a str>,
    bytes: Option<u64>,
    duration_ms: Option<u64>,
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    instance: &'a str,
    what: &'a str,
    message: String,
}

/// The number of the row up to which every final one has its line.
pub(super) const MARK: &str = "CREATE TABLE IF NOT EXISTS lines_made (only INTEGER PRIMARY KEY CHECK (only = 1), \
                               seq INTEGER NOT NULL) STRICT";

/// What a file that was just made says: its rows are all to come. One of an older version says nothing.
pub(super) const NO_LINES_YET: &str = "INSERT OR IGNORE INTO lines_made (only, seq) VALUES (1, 0)";

/// Why lines cannot be appended, with the next step.
#[derive(Debug, thiserror::Error)]
#[error(
    "the lines of operations cannot be written in {folder}: {source}; nothing is shipped, and history could be restored \
     from its hourly backup only; {next}, and the missing lines are written automatically",
    folder = folder.display(), next = next(source)
)]
pub(super) struct LinesError {
    folder: PathBuf,
    source: io::Error,
}

fn next(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on its disk".to_owned(),
        ErrorKind::PermissionDenied => {
            format!("give the folder and its files to uid {} (chown)", rustix::process::geteuid().as_raw())
        }
        ErrorKind::ReadOnlyFilesystem => "mount its disk writable".to_owned(),
        _ => "check the folder, or choose another by --logs".to_owned(),
    }
}

/// Which line a row wants: the day's file, and by id the status that it has to tell.
type Owed = BTreeMap<String, HashMap<String, String>>;

/// What tells whether a line is a row's.
#[derive(Deserialize)]
struct LineMarks {
    operation_id: String,
    status: String,
}

/// Appends lines to the file of the day on which the operation ended, in UTC.
pub(super) struct RowLines {
    folder: PathBuf,
}

impl RowLines {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// One write a file: several processes may append to it at the same time.
    pub(super) fn append(&self, operations: &[&Operation]) -> Result<(), LinesError> {
        let mut left = operations;
        while let Some(first) = left.first() {
            let day = date(end(first));
            let count = left.iter().take_while(|operation| date(end(operation)) == day).count();
            let (now, later) = left.split_at(count);
            self.write(&day, now).map_err(|source| self.failed(source))?;
            left = later;
        }
        Ok(())
    }

    /// Appends the lines of final rows that have none: a process that is killed between its commit and its
    /// lines leaves such rows, and so does a folder that could not be written. How many were missing.
    pub(super) fn make_good(&self, connection: &Connection) -> Result<usize, LinesError> {
        self.check().map_err(|source| self.failed(source))?;
        let (first, top, owed) = match owed(connection) {
            Ok(found) => found,
            // The writer meets the same, and tells of it.
            Err(error) => {
                tracing::debug!("the rows that want lines cannot be read: {error}");
                return Ok(0);
            }
        };
        let mut made = 0;
        for (day, mut rows) in owed {
            // Files of long ago may have been removed on purpose, before there was a mark.
            if first && !self.path(&day).exists() {
                continue;
            }
            self.strike_out(&day, &mut rows).map_err(|source| self.failed(source))?;
            let mut missing: Vec<Operation> = rows.keys().filter_map(|id| one(connection, id)).collect();
            missing.sort_by_key(|row| (end(row), row.id));
            self.append(&missing.iter().collect::<Vec<_>>())?;
            made += missing.len();
            // The mark says that they outlive a loss of power.
            self.sync(&day).map_err(|source| self.failed(source))?;
        }
        let sql = "INSERT OR REPLACE INTO lines_made (only, seq) VALUES (1, ?1)";
        if let Err(error) = connection.execute(sql, [top]) {
            tracing::debug!("the mark of the lines is not set, they are looked through again: {error}");
        }
        Ok(made)
    }

    /// Takes away the rows of a day whose lines are there.
    fn strike_out(&self, day: &str, rows: &mut HashMap<String, String>) -> io::Result<()> {
        let file = match File::open(self.path(day)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        for line in BufReader::new(file).split(b'\n') {
            let Ok(seen) = serde_json::from_slice::<LineMarks>(&line?) else { continue };
            if rows.get(&seen.operation_id) == Some(&seen.status) {
                rows.remove(&seen.operation_id);
            }
        }
        Ok(())
    }

    fn sync(&self, day: &str) -> io::Result<()> {
        match File::open(self.path(day)) {
            // Each of its rows is one that this version cannot read.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            file => file?.sync_data(),
        }
    }

    /// Whether a line could be appended now.
    fn check(&self) -> io::Result<()> {
        use rustix::fs::{Access, access};
        owner::make_folder(&self.folder)?;
        access(&self.folder, Access::WRITE_OK | Access::EXEC_OK)?;
        let today = self.path(&date(clock::now()));
        match access(&today, Access::WRITE_OK) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, day: &str, operations: &[&Operation]) -> io::Result<()> {
        let mut text = Vec::new();
        owner::make_folder(&self.folder)?;
        let path = self.path(day);
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(&path)?;
        owner::follow(&path)?;
        if is_torn(&file)? {
            text.push(b'\n');
        }
        for operation in operations {
            serde_json::to_writer(&mut text, &line(operation))?;
            text.push(b'\n');
        }
        file.write_all(&text)
    }

    fn path(&self, day: &str) -> PathBuf {
        self.folder.join(format!("operations.{day}.ndjson"))
    }

    fn failed(&self, source: io::Error) -> LinesError {
        LinesError { folder: self.folder.clone(), source }
    }
}

/// Whether the last line has no end: a process died, or the disk was full, while it was written.
fn is_torn(file: &File) -> io::Result<bool> {
    let mut last = [b'\n'];
    match file.metadata()?.len() {
        0 => {}
        length => _ = file.read_at(&mut last, length - 1)?,
    }
    Ok(last != [b'\n'])
}

/// Whether there is no mark yet, the number of the newest row, and the final rows beyond the mark.
fn owed(connection: &Connection) -> rusqlite::Result<(bool, i64, Owed)> {
    let mark: Option<i64> = connection.query_row("SELECT seq FROM lines_made", [], |row| row.get(0)).optional()?;
    let top: i64 = connection.query_row("SELECT coalesce(max(seq), 0) FROM operations", [], |row| row.get(0))?;
    let sql = "SELECT id, status, finished_ms FROM operations WHERE finished_ms IS NOT NULL AND seq > ?1 AND seq <= ?2";
    let mut statement = connection.prepare(sql)?;
    let mut found = statement.query([mark.unwrap_or(0), top])?;
    let mut owed = Owed::new();
    while let Some(row) = found.next()? {
        let day = date(Timestamp(u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0)));
        owed.entry(day).or_default().insert(row.get(0)?, row.get(1)?);
    }
    Ok((mark.is_none(), top, owed))
}

/// `None` for a row that this version cannot read.
fn one(connection: &Connection, id: &str) -> Option<Operation> {
    let sql = format!("SELECT {} FROM operations WHERE id = ?1", rows::COLUMNS);
    connection.prepare_cached(&sql).and_then(|mut statement| statement.query_row([id], rows::read)).ok()
}

fn end(operation: &Operation) -> Timestamp {
    operation.finished.unwrap_or(operation.started)
}

fn line(operation: &Operation) -> RowLine<'_> {
    let (kind, status) = (operation.kind.word(), operation.status.word());
    RowLine {
        timestamp: instant(end(operation)),
        operation_id: operation.id.to_string(),
        operation: kind,
        status,
        file_id: operation.file.map(|file| file.to_string()),
        source: operation.source.as_ref().map(|node| node.as_str()),
        target: operation.target.as_ref().map(|node| node.as_str()),
        bytes: operation.bytes.map(|bytes| bytes.0),
        duration_ms: operation.took().map(|took| took.0),
        reason: operation.why.as_deref(),
        cause: operation.cause.map(Cause::word),
        instance: &operation.instance,
        what: &operation.what,
        message: operation.message(),
    }
}

/// `2026-11-23`.
fn date(at: Timestamp) -> String {
    instant(at).chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{NOW, operation};
    use crate::domain::ids::Millis;
    use crate::domain::operation::{OperationKind, OperationStatus};

    #[test]
    fn a_line_has_the_fields_that_are_searched() {
        let folder = tempfile::tempdir().unwrap();
        let mut done = operation(414, OperationKind::Migration, OperationStatus::Done);
        done.what = "5: a file, 128 KiB".into();
        let mut next_day = done.clone();
        next_day.finished = Some(NOW.plus(Millis::from_secs(86_400)));
        RowLines::new(folder.path().to_owned()).append(&[&done, &next_day]).unwrap();
        let text = std::fs::read_to_string(folder.path().join("operations.2026-11-23.ndjson")).unwrap();
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line["@timestamp"], "2026-11-23T14:02:10.041Z");
        assert_eq!(
            (&line["operation"], &line["status"], &line["duration_ms"]),
            (&"migration".into(), &"done".into(), &41.into())
        );
        assert_eq!((&line["source"], &line["target"]), (&"zk1".into(), &"zk3".into()));
        assert!(folder.path().join("operations.2026-11-24.ndjson").exists());
        std::fs::write(folder.path().join("operations.2026-11-25.ndjson"), "{\"cut\": tr").unwrap();
        let by = || "operations.ndjson".to_owned();
        assert_eq!(read_back(folder.path()), [Operation { by: by(), ..done }, Operation { by: by(), ..next_day }]);
    }

    /// As lines were until each had `what` of its own.
    #[test]
    fn an_older_line_tells_what_its_message_does() {
        for name in ["a", "5: a, file", "upload done: a"] {
            let what = Operation::what_of_file(name, Some(Bytes(1024)));
            let row = Operation {
                what,
                bytes: Some(Bytes(1024)),
                ..operation(1, OperationKind::Upload, OperationStatus::Done)
            };
            let mut older = serde_json::to_value(line(&row)).unwrap();
            older.as_object_mut().unwrap().remove("what");
            let read = parse(older.to_string().as_bytes()).unwrap();
            assert_eq!((read.what.as_str(), read.file_name()), (row.what.as_str(), Some(name)));
        }
        let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store-0.1.0/logs/backend");
        let rows = read_back(&store);
        assert!(!rows.is_empty());
        for row in rows {
            assert!(!row.what.contains(&format!("{} {}", row.kind.word(), row.status.word())), "{}", row.what);
        }
    }
}
