//! The ledger: every request with what came of it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use serde_json::Value;

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The name is used once in a book.
    Upload {
        name: String,
        blake3: String,
    },
    Download {
        file: String,
        blake3: String,
    },
    Delete {
        file: String,
    },
    Migrate {
        file: String,
        node: &'static str,
    },
    Drain {
        node: &'static str,
    },
    Undrain {
        node: &'static str,
    },
    /// The weight is used once in a book.
    Weight {
        node: &'static str,
        weight: u64,
    },
    Stress {
        node: &'static str,
    },
    Run,
}

impl Asked {
    /// Whether nothing but reading was asked for.
    pub const fn reads(&self) -> bool {
        matches!(self, Self::Download { .. })
    }
}

/// An answer as it came over the wire.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    /// What came before the connection was closed.
    pub body: Vec<u8>,
    /// As long as its head had said.
    pub whole: bool,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

#[derive(Clone, Debug)]
pub enum Came {
    Answer(Answer),
    /// The connection ended without an answer: anything may have happened.
    Nothing(String),
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub asked: Asked,
    pub sent: Instant,
    pub ended: Instant,
    pub came: Came,
}

impl Entry {
    pub const fn answer(&self) -> Option<&Answer> {
        match &self.came {
            Came::Answer(answer) => Some(answer),
            Came::Nothing(_) => None,
        }
    }

    pub fn status(&self) -> Option<u16> {
        self.answer().map(|answer| answer.status)
    }

    /// The operation that the answer names, in its body or in its error.
    pub fn operation(&self) -> Option<String> {
        let body = self.answer()?.json();
        let id = body["operation"].as_str().or_else(|| body["error"]["operation"].as_str());
        // A run answers with itself.
        let run = || if self.asked == Asked::Run && body["decision"].is_string() { body["id"].as_str() } else { None };
        id.or_else(run).map(str::to_owned)
    }

    /// The answer says that it was done.
    pub fn is_done(&self) -> bool {
        matches!(self.status(), Some(200 | 201))
    }

    /// The answer says that this request has changed nothing and will change nothing.
    pub fn is_refused(&self) -> bool {
        let Some(answer) = self.answer() else { return false };
        let unknown = matches!(answer.status, 202 | 504) || answer.json()["error"]["code"] == "outcome-unknown";
        !answer.is_success() && !unknown
    }

    /// One line for a failure.
    pub fn line(&self) -> String {
        let took = self.ended.duration_since(self.sent);
        match &self.came {
            Came::Nothing(why) => format!("{:?}: no answer ({why}) after {took:?}", self.asked),
            Came::Answer(answer) if self.asked.reads() => {
                format!("{:?}: {} with {} bytes after {took:?}", self.asked, answer.status, answer.body.len())
            }
            Came::Answer(answer) => {
                let body = String::from_utf8_lossy(&answer.body);
                format!("{:?}: {} {} after {took:?}", self.asked, answer.status, body.trim())
            }
        }
    }
}

/// Every entry, in the order of their ends.
#[derive(Default)]
pub struct Book(Mutex<Vec<Entry>>);

impl Book {
    pub fn note(&self, entry: Entry) {
        self.0.lock().unwrap().push(entry);
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap().clone()
    }

    /// Requests that got an answer.
    pub fn answers(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|entry| entry.answer().is_some()).count()
    }

    /// Files that an answer has named, with their hashes, that nobody has asked to delete.
    pub fn files(&self) -> Vec<(String, String)> {
        let entries = self.0.lock().unwrap();
        let deleted: std::collections::BTreeSet<_> = entries
            .iter()
            .filter_map(|entry| if let Asked::Delete { file } = &entry.asked { Some(file.clone()) } else { None })
            .collect();
        let made = entries.iter().filter_map(|entry| match &entry.asked {
            Asked::Upload { blake3, .. } if entry.is_done() => {
                Some((entry.answer()?.json()["id"].as_str()?.to_owned(), blake3.clone()))
            }
            _ => None,
        });
        made.filter(|(id, _)| !deleted.contains(id)).collect()
    }
}
