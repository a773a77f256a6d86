//! The terminal front: draws snapshots, sends commands.
//!
//! `run` owns the loop; `ui` is the console as a value, testable without a terminal; `pane` is the
//! contract with the tabs in `panes`; `frame` and `overlay` stand around and over them; `keymap` is
//! the table from which keys, help, footer, palette and README come; `terminal`, `leave`,
//! `signals`, `watchdog`, `input`, `output`, `screen` and `encode` are the way to and from the
//! terminal; `theme` turns files into styles; `jobs` does what takes time.

pub mod ask;
pub mod clipboard;
pub mod commands;
pub mod config;
pub mod encode;
pub mod exit;
pub mod fetch;
pub mod frame;
pub mod input;
pub mod jobs;
pub mod keymap;
pub mod leave;
pub mod line;
pub mod output;
pub mod overlay;
pub mod pane;
pub mod panes;
pub mod run;
pub mod sanitise;
pub mod screen;
pub mod signals;
pub mod terminal;
pub mod theme;
pub mod time;
pub mod ui;
pub mod watchdog;
pub mod widgets;

#[cfg(test)]
mod tests;

pub use config::TuiConfig;
pub use exit::{Exit, TuiError};
pub use run::run;
