//! What a person does at the console, whatever stands between: keys, clicks, pasted text.

use serde::{Deserialize, Serialize};

/// One thing that a person did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    Key(Key),
    Paste(String),
    Mouse(Mouse),
}

/// A key that was pressed, with what was held. Shift is part of a character (`P`), and of Tab (`BackTab`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    pub code: KeyCode,
    pub control: bool,
    pub alt: bool,
}

/// Which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyCode {
    Char(char),
    /// `F(1)` is F1.
    F(u8),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

impl Key {
    /// A key with nothing held.
    #[must_use]
    pub const fn plain(code: KeyCode) -> Self {
        Self { code, control: false, alt: false }
    }

    /// Ctrl with this letter.
    #[must_use]
    pub const fn control(letter: char) -> Self {
        Self { code: KeyCode::Char(letter), control: true, alt: false }
    }
}

/// What the mouse did, and where: columns and rows from the upper left, which is 0, 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mouse {
    pub does: MouseAct,
    pub column: u16,
    pub row: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MouseAct {
    /// A button went down.
    Press,
    WheelUp,
    WheelDown,
}
