//! What a pane wants done.

use super::action::Action;
use super::fetch::Fetch;
use super::jump::Jump;
use super::order::{Outside, Work};
use crate::domain::ask::Ask;
use crate::domain::command::{Command, ServerAction};
use crate::domain::ids::{NodeId, Timestamp};
use crate::domain::snapshot::Level;
use crate::engine::handle::{Put, Question};

/// A pane itself touches nothing outside.
#[derive(Debug)]
pub enum Effect {
    /// Asks first; the commands go out when the operator agrees.
    Confirm(Confirm),
    /// Asks for one line of text; `Pane::answered` gets it.
    Prompt(Prompt),
    Toast {
        level: Level,
        text: String,
    },
    /// Goes to what belongs to the row in hand.
    Go(Jump),
    /// Shows the whole console at a moment; `None` is now.
    At(Option<Timestamp>),
    Work(Work),
    Outside(Outside),
}

/// Asks the engine.
impl<A: Ask> From<Fetch<A>> for Effect
where
    Question: From<Put<A>>,
{
    fn from(fetch: Fetch<A>) -> Self {
        Self::Work(Work::Fetch(Box::new(fetch)))
    }
}

/// An act whose consequence may change while it is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Server(NodeId, ServerAction),
    Drain(NodeId),
}

/// A question with a safe default: the consequence in words before anything happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// `Pause zk3`
    pub title: String,
    /// What will happen, in sentences.
    pub lines: Vec<String>,
    /// `keep it running`
    pub no: String,
    /// `pause zk3`
    pub yes: String,
    /// Set when the quorum is at stake: this text has to be typed, `y` does nothing.
    pub type_text: Option<String>,
    /// What it asks about, when the text is told anew whenever the consequence changes.
    pub about: Option<About>,
    /// Sent in order when the operator agrees.
    pub commands: Vec<Command>,
}

/// A line to be typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What the line is for: who gets it carries this on.
    pub action: Action,
    pub title: String,
    pub hint: String,
    /// What is proposed: typing takes its place.
    pub value: String,
    pub completes: Completes,
}

impl Prompt {
    /// Asks for the file that a list is written to; `name` is proposed.
    #[must_use]
    pub fn export(title: String, name: &str) -> Self {
        Self {
            action: Action::Export,
            title,
            hint: "a new file: .ndjson, .csv or .txt; times in it are UTC".into(),
            value: name.into(),
            completes: Completes::Path,
        }
    }
}

/// What Tab completes in a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Completes {
    #[default]
    Nothing,
    /// A path at the place where the console is used.
    Path,
    /// One of these.
    Words(Vec<String>),
}
