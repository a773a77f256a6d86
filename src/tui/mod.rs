//! The terminal front: draws snapshots, sends commands.

pub mod clipboard;
pub mod encode;
pub mod exit;
pub mod input;
pub mod leave;
pub mod output;
pub mod screen;
pub mod signals;
pub mod terminal;
pub mod watchdog;
pub mod config;
pub mod keymap;
pub mod line;
pub mod pane;
pub mod panes;
pub mod sanitise;
pub mod theme;
pub mod time;
pub mod widgets;
