//! What comes from the terminal.

use crate::console::input::Input;

/// One thing that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// What a person did.
    Input(Input),
    /// What the terminal itself answered.
    Reply(Reply),
}

/// Answers that are waited for; all others are swallowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To `CSI 5 n`: all before it was taken in.
    TakenIn,
    /// To `CSI ? u`: it has the keyboard protocol of kitty.
    Keyboard,
    /// To `OSC 11 ; ?`: what is written on.
    Background { light: bool },
}

impl From<Reply> for Received {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}
