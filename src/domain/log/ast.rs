//! A query as a tree, the one form that both back ends search by.

use serde::{Deserialize, Serialize};

use super::level::LogLevel;
use super::moment::Moment;
use crate::domain::ids::Timestamp;

/// What an event has to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expr {
    /// Anything.
    #[default]
    All,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// Somewhere in the event's text.
    Text(Pattern),
    Field(Field, Pattern),
    Level(Cmp, LogLevel),
    Number(NumberField, Cmp, u64),
    Time(Side, Moment),
}

impl Expr {
    /// All of `parts`; groups of the same kind are one.
    #[must_use]
    pub fn and(parts: Vec<Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| if let Self::And(inner) = part { inner } else { vec![part] });
        Self::one_of(flat.collect(), Self::And)
    }

    /// Any of `parts`; groups of the same kind are one.
    #[must_use]
    pub fn or(parts: Vec<Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| if let Self::Or(inner) = part { inner } else { vec![part] });
        Self::one_of(flat.collect(), Self::Or)
    }

    fn one_of(mut parts: Vec<Self>, many: fn(Vec<Self>) -> Self) -> Self {
        match (parts.len(), parts.pop()) {
            (_, None) => Self::All,
            (1, Some(only)) => only,
            (_, Some(last)) => {
                parts.push(last);
                many(parts)
            }
        }
    }

    /// With every moment as the instant that it means at `now`.
    #[must_use]
    pub fn resolved(&self, now: Timestamp) -> Self {
        let all = |parts: &[Self]| parts.iter().map(|part| part.resolved(now)).collect();
        match self {
            Self::And(parts) => Self::And(all(parts)),
            Self::Or(parts) => Self::Or(all(parts)),
            Self::Not(inner) => Self::Not(Box::new(inner.resolved(now))),
            Self::Time(side, moment) => Self::Time(*side, Moment::At(moment.resolve(now))),
            other => other.clone(),
        }
    }

    /// The parts that must all hold.
    #[must_use]
    pub fn conjuncts(&self) -> &[Self] {
        match self {
            Self::All => &[],
            Self::And(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }
}

/// A text to look for. Letter case counts in regexes only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pattern {
    /// As typed; `*` stands for any characters of a word.
    Word(String),
    /// In quotes: nothing in it is special.
    Phrase(String),
    /// Between slashes; a slash inside is written `\/`.
    Regex(String),
}

/// A part of an event that has one short value. Patterns mean the whole value, regexes a part.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Field {
    Node,
    Dataset,
    Thread,
    Logger,
    File,
    Operation,
    OperationId,
    FileId,
    Status,
    Source,
    Target,
    Reason,
    Instance,
    /// Who asked for it.
    By,
    /// Any other that a JSON line has: `fields.attempt`.
    Other(String),
}

/// Names as typed; the first of a field is the one that is printed.
pub(super) const FIELDS: &[(&str, Field)] = &[
    ("node", Field::Node),
    ("dataset", Field::Dataset),
    ("thread", Field::Thread),
    ("origin", Field::Thread),
    ("logger", Field::Logger),
    ("file", Field::File),
    ("operation", Field::Operation),
    ("operation_id", Field::OperationId),
    ("file_id", Field::FileId),
    ("status", Field::Status),
    ("source", Field::Source),
    ("target", Field::Target),
    ("reason", Field::Reason),
    ("instance", Field::Instance),
    ("by", Field::By),
];

impl Field {
    /// The name in a query: `operation_id`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Other(name) => format!("fields.{name}"),
            known => FIELDS.iter().find(|(_, field)| field == known).map_or("", |(name, _)| name).to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NumberField {
    Bytes,
    DurationMs,
}

impl NumberField {
    pub const ALL: [Self; 2] = [Self::Bytes, Self::DurationMs];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::DurationMs => "duration_ms",
        }
    }
}

/// The beginning or the end of a span of time; the beginning belongs to it, the end does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    Since,
    Until,
}

impl Side {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Since => "since",
            Self::Until => "until",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cmp {
    Equal,
    AtLeast,
    Above,
    AtMost,
    Below,
}

impl Cmp {
    /// As typed; the longer ones first, as they are looked for.
    pub const ALL: [Self; 5] = [Self::AtLeast, Self::AtMost, Self::Above, Self::Below, Self::Equal];

    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Equal => ":",
            Self::AtLeast => ">=",
            Self::Above => ">",
            Self::AtMost => "<=",
            Self::Below => "<",
        }
    }

    #[must_use]
    pub fn holds<T: Ord>(self, value: &T, bound: &T) -> bool {
        match self {
            Self::Equal => value == bound,
            Self::AtLeast => value >= bound,
            Self::Above => value > bound,
            Self::AtMost => value <= bound,
            Self::Below => value < bound,
        }
    }
}
