//! Who answers questions about the logs, what wrote an event, and what only one of them can go on from.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// Where the events of an answer were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogSource {
    #[default]
    Files,
    /// Elasticsearch or OpenSearch.
    Server,
}

/// What wrote an event: the value of the field `dataset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Dataset {
    Zookeeper,
    Backend,
    Operations,
    Docker,
}

impl Dataset {
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.into_str()
    }
}

/// A place between two events of one answer; only who gave that answer can read it. Its text is stable, and says no
/// more to anybody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogCursor(String);

impl LogCursor {
    /// The cursor of a place that only `source` can read.
    #[must_use]
    pub fn new(source: LogSource, place: impl fmt::Display) -> Self {
        Self(format!("{}{place}", Self::mark(source)))
    }

    /// A cursor as somebody gave it; whoever reads it finds out whether it is one.
    #[must_use]
    pub const fn given(text: String) -> Self {
        Self(text)
    }

    /// The place; `None` when it is not of `source`.
    #[must_use]
    pub fn place(&self, source: LogSource) -> Option<&str> {
        self.0.strip_prefix(Self::mark(source))
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    const fn mark(source: LogSource) -> &'static str {
        match source {
            LogSource::Files => "l.",
            LogSource::Server => "e.",
        }
    }
}

/// Tells one event apart from all others of its source. Written as one text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum EventId {
    /// An event of a file, by what tells the file apart and where the event begins in it, in bytes.
    Line { file: String, offset: u64 },
    /// The server's own name of it; empty when it has none.
    Document(String),
}

impl Default for EventId {
    fn default() -> Self {
        Self::Document(String::new())
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, offset } => write!(f, "{file}@{offset}"),
            Self::Document(name) => f.write_str(name),
        }
    }
}

impl FromStr for EventId {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let line = text.rsplit_once('@').and_then(|(file, offset)| {
            let offset = offset.parse().ok()?;
            Some(Self::Line { file: file.to_owned(), offset })
        });
        Ok(line.unwrap_or_else(|| Self::Document(text.to_owned())))
    }
}

impl From<String> for EventId {
    fn from(text: String) -> Self {
        text.parse().unwrap_or_default()
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_who_knows_it_and_comes_back_from_its_text() {
        let line = EventId::Line { file: "2a:7f".into(), offset: 7 };
        assert_eq!((line.to_string().as_str(), EventId::from("2a:7f@7".to_owned())), ("2a:7f@7", line));
        for name in ["", "AZx_1-k", "a@b"] {
            assert_eq!(EventId::from(name.to_owned()), EventId::Document(name.into()));
        }
    }

    #[test]
    fn a_cursor_is_read_by_who_gave_it() {
        let cursor = LogCursor::new(LogSource::Files, "1.2");
        assert_eq!((cursor.place(LogSource::Files), cursor.place(LogSource::Server)), (Some("1.2"), None));
        let foreign = LogCursor::given("x".into());
        assert_eq!((foreign.place(LogSource::Files), foreign.place(LogSource::Server)), (None, None));
        assert_eq!(serde_json::to_string(&cursor).unwrap(), r#""l.1.2""#);
    }
}
