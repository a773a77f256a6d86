//! What keys lead to while an overlay has them.

use crate::console::action::Action;
use crate::domain::command::Command;

/// What a key has done to the overlay.
#[derive(Debug, PartialEq, Eq)]
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
    /// The place is to be asked what could follow this path; the overlay stays.
    Asks(String),
    /// A palette command, as typed.
    Typed(String),
    /// Text for the clipboard; the overlay stays.
    Copied(String),
}

/// Who asked for a line of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptOwner {
    Frame,
    Pane(usize),
}
