//! One JSON line for each operation that ends, in `operations.<date>.ndjson`: what Filebeat ships.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::adapters::owner;
use crate::domain::cause::Cause;
use crate::domain::ids::{Bytes, Timestamp};
use crate::domain::operation::{Operation, OperationKind, OperationStatus};

/// What [`read_back`] needs of a line.
#[derive(Deserialize)]
struct Told {
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
    message: String,
}

/// Every operation that the lines in `folder` tell of, oldest first. Lines that are cut or not ours are
/// passed over.
pub(super) fn read_back(folder: &Path) -> Vec<Operation> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_lines(path)).collect();
    files.sort();
    let texts = files.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    texts.flat_map(|text| text.lines().filter_map(told).collect::<Vec<_>>()).collect()
}

fn is_lines(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.starts_with("operations.") && name.ends_with(".ndjson"))
}

fn told(line: &str) -> Option<Operation> {
    let told: Told = serde_json::from_str(line).ok()?;
    let finished = Timestamp(u64::try_from(told.timestamp.parse::<jiff::Timestamp>().ok()?.as_millisecond()).ok()?);
    let what = told.message.split_once(": ").map_or(told.message.as_str(), |(_, what)| what);
    Some(Operation {
        id: told.operation_id.parse().ok()?,
        kind: OperationKind::from_word(&told.operation)?,
        status: OperationStatus::from_word(&told.status)?,
        started: Timestamp(finished.0.saturating_sub(told.duration_ms.unwrap_or(0))),
        finished: Some(finished),
        what: what.to_owned(),
        file: told.file_id.and_then(|text| text.parse().ok()),
        source: told.source.and_then(|text| text.parse().ok()),
        target: told.target.and_then(|text| text.parse().ok()),
        bytes: told.bytes.map(Bytes),
        why: told.reason,
        cause: told.cause.as_deref().and_then(Cause::from_word),
        by: "operations.ndjson".into(),
        instance: told.instance,
        steps: Vec::new(),
        files: Vec::new(),
        run: None,
    })
}

#[derive(Serialize)]
struct Line<'a> {
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
    message: String,
}

/// Appends lines to the file of the day on which the operation ended, in UTC.
pub(super) struct Lines {
    folder: PathBuf,
}

impl Lines {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// One write a file: several processes may append to it at the same time.
    pub(super) fn append(&self, operations: &[&Operation]) -> std::io::Result<()> {
        let mut left = operations;
        while let Some(first) = left.first() {
            let day = date(end(first));
            let count = left.iter().take_while(|operation| date(end(operation)) == day).count();
            let (now, later) = left.split_at(count);
            self.write(&day, now)?;
            left = later;
        }
        Ok(())
    }

    fn write(&self, day: &str, operations: &[&Operation]) -> std::io::Result<()> {
        let mut text = Vec::new();
        for operation in operations {
            serde_json::to_writer(&mut text, &line(operation))?;
            text.push(b'\n');
        }
        owner::make_folder(&self.folder)?;
        let path = self.folder.join(format!("operations.{day}.ndjson"));
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        owner::follow(&path)?;
        file.write_all(&text)
    }
}

fn end(operation: &Operation) -> Timestamp {
    operation.finished.unwrap_or(operation.started)
}

fn line(operation: &Operation) -> Line<'_> {
    let (kind, status) = (operation.kind.word(), operation.status.word());
    Line {
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
        message: format!("{kind} {status}: {}", operation.what),
    }
}

/// `2026-11-23T14:02:11.041Z`.
fn instant(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(i64::try_from(at.0).unwrap_or(i64::MAX)).unwrap_or(jiff::Timestamp::MAX);
    format!("{at:.3}")
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
        let done = operation(414, OperationKind::Migration, OperationStatus::Done);
        let mut next_day = done.clone();
        next_day.finished = Some(NOW.plus(Millis::from_secs(86_400)));
        Lines::new(folder.path().to_owned()).append(&[&done, &next_day]).unwrap();
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
}
