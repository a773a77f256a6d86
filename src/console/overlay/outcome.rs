//! What keys lead to while an overlay has them.

use crate::console::action::Action;
use crate::console::fetch::Fetch;
use crate::console::place::CompletionAsk;
use crate::domain::command::Command;

/// What a key has done to the overlay.
#[derive(Debug, PartialEq)]
pub enum OverlayOutcome {
    Stays,
    Closed,
    /// The operator agreed to these.
    Agreed(Vec<Command>),
    /// The operator leaves the console.
    Left,
    Answered {
        owner: PromptOwner,
        action: Action,
        text: String,
    },
    /// What could follow a path is to be asked of the place.
    Asks(Fetch<CompletionAsk>),
    /// A palette command, as typed.
    Typed(String),
}

/// Who asked for a line of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptOwner {
    Frame,
    Pane(usize),
}
