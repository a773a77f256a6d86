//! The language of the logs over other lists: operations, incidents and files.

use super::file::FileEntry;
use super::ids::Timestamp;
use super::incident::{Incident, IncidentKind};
use super::log::{Field, LogLevel, NumberField, Subject, Vocabulary};
use super::operation::Operation;
use super::snapshot::Level;

/// What operations and incidents are narrowed by.
pub const HISTORY: Vocabulary = Vocabulary {
    fields: &[
        ("kind", Field::Operation),
        ("operation", Field::Operation),
        ("status", Field::Status),
        ("node", Field::Node),
        ("source", Field::Source),
        ("target", Field::Target),
        ("by", Field::By),
        ("reason", Field::Reason),
        ("file", Field::File),
        ("file_id", Field::FileId),
        ("id", Field::OperationId),
        ("instance", Field::Instance),
    ],
    numbers: &NumberField::ALL,
    logs: false,
};

/// What files are narrowed by; `since` and `until` go by when they were made.
pub const FILES: Vocabulary = Vocabulary {
    fields: &[("name", Field::File), ("node", Field::Node), ("id", Field::FileId)],
    numbers: &[NumberField::Bytes],
    logs: false,
};

impl Subject for Operation {
    fn time(&self) -> Option<Timestamp> {
        Some(self.started)
    }

    fn level(&self) -> Option<LogLevel> {
        None
    }

    fn value(&self, field: &Field) -> Option<&str> {
        match field {
            Field::Operation => Some(self.kind.word()),
            Field::Status => Some(self.status.word()),
            Field::Source => self.source.as_ref().map(|node| node.as_str()),
            Field::Target => self.target.as_ref().map(|node| node.as_str()),
            Field::By => Some(&self.by),
            // The code alone; a sentence is looked through by words.
            Field::Reason => self.why.as_deref().map(|why| why.split(':').next().unwrap_or(why)),
            Field::File => self.file_name(),
            Field::Instance => Some(&self.instance),
            _ => None,
        }
    }

    fn any_value(&self, field: &Field, found: &mut dyn FnMut(&str) -> bool) -> bool {
        match field {
            Field::Node => [&self.source, &self.target].into_iter().flatten().any(|node| found(node.as_str())),
            Field::OperationId => found(&self.id.to_string()),
            Field::FileId => self.file.is_some_and(|file| found(&file.to_string())),
            // `by:root` means whoever is called so, wherever he sat.
            Field::By => found(&self.by) || self.by.split(' ').any(found),
            other => self.value(other).is_some_and(found),
        }
    }

    fn number(&self, field: NumberField) -> Option<u64> {
        match field {
            NumberField::Bytes => self.bytes.map(|bytes| bytes.0),
            NumberField::DurationMs => self.took().map(|took| took.0),
        }
    }

    fn any_text(&self, found: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let why = self.why.as_deref().unwrap_or_default();
        [self.what.as_str(), why, self.by.as_str(), self.kind.word()].iter().any(|text| found(text.as_bytes()))
    }
}

/// Whether an incident goes on: a word in filters.
const fn status(incident: &Incident) -> &'static str {
    if incident.ended.is_some() { "over" } else { "open" }
}

impl Subject for Incident {
    fn time(&self) -> Option<Timestamp> {
        Some(self.began)
    }

    fn level(&self) -> Option<LogLevel> {
        Some(match self.what.level() {
            Level::Info => LogLevel::Info,
            Level::Warning => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        })
    }

    fn value(&self, field: &Field) -> Option<&str> {
        match field {
            Field::Operation => Some(IncidentKind::word(self.what.kind())),
            Field::Status => Some(status(self)),
            Field::Node | Field::Target => self.what.node().map(|node| node.as_str()),
            Field::Reason => self.cause.as_deref(),
            Field::Instance => Some(&self.instance),
            _ => None,
        }
    }

    fn any_value(&self, field: &Field, found: &mut dyn FnMut(&str) -> bool) -> bool {
        match field {
            Field::Operation => found("incident") || found(self.what.kind().word()),
            Field::OperationId => found(&self.id.to_string()),
            Field::By => {
                let by = [&self.begun_by, &self.ended_by].into_iter().flatten();
                by.flat_map(|by| by.split([' ', ','])).any(found)
            }
            other => self.value(other).is_some_and(found),
        }
    }

    fn number(&self, field: NumberField) -> Option<u64> {
        match field {
            NumberField::Bytes => None,
            NumberField::DurationMs => self.took().map(|took| took.0),
        }
    }

    fn any_text(&self, found: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let told = [&self.cause, &self.begun_by, &self.ended_by].into_iter().flatten().map(String::as_str);
        found(self.what.to_string().as_bytes()) || told.into_iter().any(|text| found(text.as_bytes()))
    }
}

impl Subject for FileEntry {
    fn time(&self) -> Option<Timestamp> {
        Some(self.record.created_ms)
    }

    fn level(&self) -> Option<LogLevel> {
        None
    }

    fn value(&self, field: &Field) -> Option<&str> {
        match field {
            Field::File => Some(&self.record.name),
            Field::Node => Some(self.record.owner.as_str()),
            _ => None,
        }
    }

    fn any_value(&self, field: &Field, found: &mut dyn FnMut(&str) -> bool) -> bool {
        match field {
            Field::FileId => found(&self.id.to_string()),
            other => self.value(other).is_some_and(found),
        }
    }

    fn number(&self, field: NumberField) -> Option<u64> {
        (field == NumberField::Bytes).then_some(self.record.size.0)
    }

    fn any_text(&self, found: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        found(self.record.name.as_bytes()) || found(self.id.to_string().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{self, NOW, node_id};
    use crate::domain::ids::{FileId, IncidentId, Millis};
    use crate::domain::incident::IncidentWhat;
    use crate::domain::log::{Matcher, parse_in};
    use crate::domain::operation::{OperationKind, OperationStatus};
    use crate::domain::server::ServerState;

    fn takes(query: &str, words: &'static Vocabulary, subject: &impl Subject) -> bool {
        Matcher::of_list(&parse_in(query, words).expect(query), NOW).matches(subject)
    }

    #[test]
    fn operations_are_narrowed_by_what_they_are() {
        let mut row = fixtures::operation(414, OperationKind::Migration, OperationStatus::Failed);
        row.by = "console root".into();
        for (query, taken) in [
            ("", true),
            ("kind:migration status:failed", true),
            (&format!("file_id:{}", FileId::new(414)), true),
            (&format!("file_id:{}", FileId::new(41)), false),
            ("kind:upload", false),
            ("node:zk1", true),
            ("node:zk3", true),
            ("node:zk2", false),
            ("source:zk3", false),
            ("by:root", true),
            ("by:roo", false),
            ("reason:over-trigger", true),
            ("port-04", true),
            ("REPORT", true),
            ("rep*bin", true),
            ("-report", false),
            ("since:1m", true),
            ("since:yesterday", true),
            ("until:yesterday", false),
            ("since:2026-11-24", false),
            ("duration_ms<=41 bytes>=128KiB", true),
            ("kind:(upload OR migration)", true),
        ] {
            assert_eq!(takes(query, &HISTORY, &row), taken, "{query}");
        }
    }

    #[test]
    fn incidents_and_files_are_narrowed_by_the_same_language() {
        let incident = Incident {
            id: IncidentId::new(1),
            what: IncidentWhat::Server { node: node_id("zk2"), state: ServerState::Frozen },
            began: Timestamp(NOW.0 - 60_000),
            ended: Some(NOW),
            cause: Some("its container is paused".into()),
            begun_by: Some("pause zk2, console root".into()),
            ended_by: None,
            instance: "a:1".into(),
        };
        for (query, taken) in [
            ("kind:incident", true),
            ("kind:server node:zk2 status:over", true),
            ("status:open", false),
            ("by:root frozen", true),
            ("container", true),
            ("duration_ms>1000", true),
            ("kind:migration", false),
        ] {
            assert_eq!(takes(query, &HISTORY, &incident), taken, "{query}");
        }
        let file = fixtures::file(412, "zk2");
        let day = Millis(86_400_000).0;
        assert!(takes("0412 node:zk2 bytes<=128KiB", &FILES, &file) && !takes("node:zk", &FILES, &file));
        assert!(takes(&format!("until:{}d", NOW.0 / day), &FILES, &file) || takes("since:20000d", &FILES, &file));
    }

    #[test]
    fn a_field_that_a_list_does_not_have_is_an_error_that_names_those_it_has() {
        let wrong = |text: &str, words| parse_in(text, words).expect_err(text).to_string();
        assert!(wrong("since:tomorrow", &HISTORY).contains("expected a time"));
        assert!(
            wrong("thread:x", &HISTORY).contains("unknown field thread; expected one of bytes, duration_ms, since")
        );
        assert!(wrong("stauts:failed", &HISTORY).contains("expected status:value"));
        assert!(wrong("level:warn", &FILES).contains("unknown field level"));
        assert!(wrong("owner:zk1", &FILES).contains("name, node, id"));
    }
}
