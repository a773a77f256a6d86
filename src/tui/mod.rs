//! A terminal around the console.
//!
//! `run` owns the loop, `pace` when it draws; `terminal`, `leave`, `signals`, `watchdog`, `input`, `output`, `screen`, `scroll` and `encode` are the way
//! to and from the terminal, `environment` and `terminfo` what is known of it; `themes` are theme files that may change, `place` the
//! files of this host, `clipboard` the terminal's own.

pub mod clipboard;
pub mod config;
pub mod encode;
mod environment;
pub mod exit;
pub mod input;
pub mod leave;
pub mod output;
mod pace;
pub mod place;
pub mod run;
pub mod screen;
mod scroll;
pub mod signals;
pub mod terminal;
mod terminfo;
pub mod themes;
pub mod watchdog;

#[cfg(test)]
mod tests;

pub use config::TuiConfig;
pub use exit::{Exit, TuiError};
pub use run::run;
pub use terminal::check;
