//! How the console ends, and why it cannot begin.

use crate::console::keymap::KeymapError;

/// Why the console has ended. The terminal is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// `q`, Ctrl-C or `:quit`.
    Quit,
    /// SIGINT from outside.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// SIGHUP.
    HungUp,
    /// The terminal has vanished without a signal.
    TerminalGone,
    /// The engine was asked to end by somebody else.
    EngineEnded,
}

impl Exit {
    /// Status of the process: 0 when somebody asked for the end in the console or of the engine,
    /// 128 + n when signal n did, as shells and service managers expect. A vanished terminal counts
    /// as the SIGHUP that should have come.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Quit | Self::EngineEnded => 0,
            Self::HungUp | Self::TerminalGone => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// What does its work without a terminal.
const WITHOUT: &str = "zkdeck --daemon with its REST, or a command that prints: zkdeck logs, zkdeck doctor";

/// Why the console cannot run, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    #[error(transparent)]
    Keymap(#[from] KeymapError),
    #[error(
        "the console needs a terminal on standard input and output; run it at one (over SSH: ssh -t HOST zkdeck), or use \
         {WITHOUT}"
    )]
    NoTerminal,
    #[error(
        "{cause}: the console cannot be drawn on it; set TERM to what the terminal is (xterm-256color suits most), or use \
         {WITHOUT}"
    )]
    NotDrawable { cause: String },
    #[error("cannot {what}: {source}")]
    Terminal { what: &'static str, source: std::io::Error },
    #[error("the console failed inside: {0}; backend/ in the log folder tells more")]
    Panicked(String),
}
