//! One event of a log, wherever it was found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ast::{Field, NumberField};
use super::level::LogLevel;
use super::source::{Dataset, EventId};
use crate::domain::ids::Timestamp;

/// One event: its first line and the lines that continue it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEvent {
    /// The same event has the same id in every answer of one back end.
    pub id: EventId,
    /// In milliseconds since 1970, UTC. `None` when neither the line nor one before it tells a time.
    pub time: Option<Timestamp>,
    /// The time as a JSON line has written it, with its zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<String>,
    /// Folder of `logs/` that it came from: `zk1`, `backend`.
    pub node: String,
    /// What wrote it; `None` when the server does not tell.
    pub dataset: Option<Dataset>,
    pub level: Option<LogLevel>,
    pub thread: Option<String>,
    pub logger: Option<String>,
    /// All of it as written, or the message of a JSON line.
    pub text: String,
    /// Where in `text` thread and logger begin: words are looked for from here on, thread and message apart.
    pub origin_at: usize,
    /// Where in `text` the message begins, behind time, level and thread.
    pub message_at: usize,
    /// The other texts of a JSON line; words are looked for in them too.
    pub fields: BTreeMap<String, String>,
    pub numbers: BTreeMap<String, u64>,
    /// File, relative to the log folder.
    pub file: String,
    /// Where the event begins in the file, in bytes.
    pub offset: u64,
    /// Bytes in the file up to the next event; 0 when it is not known.
    pub len: u64,
}

impl LogEvent {
    /// First line of the message.
    #[must_use]
    pub fn message(&self) -> &str {
        self.body().lines().next().unwrap_or_default()
    }

    /// The lines that continue it: a stack trace.
    pub fn more(&self) -> impl Iterator<Item = &str> {
        self.body().lines().skip(1)
    }

    fn body(&self) -> &str {
        self.text.get(self.message_at..).unwrap_or(&self.text)
    }

    /// A field of a JSON line.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

/// What a query is held against; the scan of files has a cheaper one than [`LogEvent`].
pub trait Subject {
    fn time(&self) -> Option<Timestamp>;
    fn level(&self) -> Option<LogLevel>;
    /// The value of a field, as text.
    fn value(&self, field: &Field) -> Option<&str>;
    /// Whether `found` holds for one of the values of a field.
    fn any_value(&self, field: &Field, found: &mut dyn FnMut(&str) -> bool) -> bool {
        self.value(field).is_some_and(found)
    }
    fn number(&self, field: NumberField) -> Option<u64>;
    /// Whether `found` holds for one of the texts that words are looked for in.
    fn any_text(&self, found: &mut dyn FnMut(&[u8]) -> bool) -> bool;
}

impl Subject for LogEvent {
    fn time(&self) -> Option<Timestamp> {
        self.time
    }

    fn level(&self) -> Option<LogLevel> {
        self.level
    }

    fn value(&self, field: &Field) -> Option<&str> {
        match field {
            Field::Node => Some(&self.node),
            Field::Dataset => self.dataset.map(Dataset::word),
            Field::Thread => self.thread.as_deref(),
            Field::Logger => self.logger.as_deref(),
            Field::File => Some(&self.file),
            Field::Operation => self.field("operation"),
            Field::OperationId => self.field("operation_id"),
            Field::FileId => self.field("file_id"),
            Field::Status => self.field("status"),
            Field::Source => self.field("source"),
            Field::Target => self.field("target"),
            Field::Reason => self.field("reason"),
            Field::Instance => self.field("instance"),
            Field::By => self.field("by"),
            Field::Other(name) => self.field(name),
        }
    }

    fn number(&self, field: NumberField) -> Option<u64> {
        self.numbers.get(field.name()).copied()
    }

    fn any_text(&self, found: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let origin = self.text.get(self.origin_at..self.message_at).unwrap_or_default();
        found(self.body().as_bytes())
            || found(origin.as_bytes())
            || self.fields.values().any(|value| found(value.as_bytes()))
    }
}
