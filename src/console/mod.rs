//! The console as a value: what a person does comes in, pictures and orders go out. It knows no terminal, no socket and no
//! file of the host: whatever shows it brings those.
//!
//! `state` is the whole of it, with what an action does and how it is drawn; `session` is a console at work with an
//! engine at a `place`. `pane` is the contract with the tabs in `panes`: an `action` in, an `effect` out, and a picture from
//! a `view`; `frame` and `overlay` stand around and over them; `keymap` is the table from which keys, help, footer, palette
//! and README come; `jump` leads from one pane to another, `rewind` to a moment that is over; `input` is what a person does, `picture` what is shown, `order` what the console wants done; `jobs`
//! does what takes time; `commands` reads what is typed after `:`, `suggest` proposes it; `theme` turns a theme's text into styles.

pub mod action;
mod away;
pub mod commands;
pub mod config;
pub mod confirms;
pub mod effect;
pub mod fetch;
pub mod frame;
pub mod input;
pub mod jobs;
pub mod jump;
pub mod keymap;
pub mod line;
pub mod order;
pub mod overlay;
pub mod own;
pub mod pane;
pub mod panes;
pub mod past_lines;
pub mod paths;
pub mod picture;
pub mod place;
pub mod rewind;
pub mod sanitise;
pub mod session;
pub mod settings;
pub mod state;
pub mod suggest;
pub mod theme;
pub mod time;
pub mod typed;
pub mod typed_file;
pub mod view;
pub mod widgets;

pub use config::ConsoleConfig;
pub use session::ConsoleSession;
pub use state::Console;
