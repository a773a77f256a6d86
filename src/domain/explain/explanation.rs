//! The answer to what a word means.

use serde::Serialize;

use crate::domain::command::Command;
use crate::domain::ids::Timestamp;

/// What a word on the screen means and what it rests on now. A part that is not known, or has no place there, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What it is said of: `server zk3`.
    pub of: String,
    /// As it stands on the screen.
    pub word: String,
    pub meaning: String,
    /// What makes it so.
    pub rule: Option<String>,
    /// From where on the rule holds.
    pub bound: Option<String>,
    /// What was measured or seen, held against the bound.
    pub measured: Option<String>,
    /// Where that comes from.
    pub source: Option<String>,
    #[serde(rename = "since_ms")]
    pub since: Option<Timestamp>,
    pub todo: Option<String>,
    /// The command that does it, when there is one.
    #[serde(skip)]
    pub remedy: Option<Command>,
    /// What else belongs to it.
    pub facts: Vec<Fact>,
}

/// Servers or nodes that one explanation names.
pub(super) const NAMED_MAX: usize = 12;

/// A name and its value, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    pub name: String,
    pub value: String,
}

impl Fact {
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl Explanation {
    /// What a word means by itself: its meaning, what makes it so, and what to do about it.
    pub(super) fn means(word: &str, [meaning, rule, todo]: [&str; 3]) -> Self {
        let text = str::to_owned;
        let part = |part: &str| (!part.is_empty()).then(|| text(part));
        Self { word: text(word), meaning: text(meaning), rule: part(rule), todo: part(todo), ..Self::default() }
    }

    /// The same with its bound.
    pub(super) fn within(self, bound: impl Into<String>) -> Self {
        Self { bound: Some(bound.into()), ..self }
    }

    /// The same as it is said of something.
    pub(super) fn said_of(self, of: impl Into<String>) -> Self {
        Self { of: of.into(), ..self }
    }

    /// Whether it tells of a state: what is only listed has no rule.
    #[must_use]
    pub const fn has_rule(&self) -> bool {
        self.rule.is_some() || self.bound.is_some() || self.todo.is_some() || self.measured.is_some()
    }
}
