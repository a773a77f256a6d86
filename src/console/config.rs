//! Settings of a console, wherever it is shown.

use super::keymap::Rebinding;

/// How a console listens, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleConfig {
    /// Name of an action to its keys; an empty list unbinds it.
    pub keys: Rebinding,
    /// Whether clicks and the wheel come to the console at its start.
    pub mouse: bool,
    /// What changes things is hidden and refused.
    pub read_only: bool,
    /// Whether servers may be controlled from here; without it no key is bound to that.
    pub controls: bool,
    /// The engine is another process's, which goes on when the console is left.
    pub attached: bool,
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self { keys: Rebinding::new(), mouse: true, read_only: false, controls: true, attached: false }
    }
}
