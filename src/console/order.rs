//! What the console wants done around it: work with the engine, and what only the one who shows it can do.

use super::fetch::{Fetch, Fetching};
use super::own::GlyphSet;
use super::place::{CompletionAsk, KeptLinesAsk, SavedSetting};
use crate::domain::command::Command;
use crate::domain::file_list::FileChoice;
use crate::domain::ids::{FileId, NodeId};
use crate::domain::incident::IncidentsAsk;
use crate::domain::log::LogSearch;
use crate::domain::operation::HistoryQuery;

/// What a key, a click, a snapshot or an answer leads to.
#[derive(Debug, PartialEq)]
pub enum Order {
    Work(Work),
    Outside(Outside),
}

/// What takes time: done beside the console, with an answer that comes back to it.
#[derive(Debug, PartialEq)]
pub enum Work {
    /// Sends a command to the engine; refusals come back as toasts.
    Send(Command),
    /// Sent one after the other, told in one message.
    Batch(Vec<Command>),
    /// Asks the engine; the answer comes to the place that the one who asks has for it.
    Fetch(Box<dyn Fetching>),
    /// Writes all rows of a list to a new file; its ending tells the format.
    Export { list: ExportList, path: String },
    /// Reads or changes saved searches, or lines that were typed before.
    Lines(Fetch<KeptLinesAsk>),
    /// Reads a local file and uploads it. Where its last word may be a node, `to` is the path without it, and that node:
    /// they are meant if there is no such file.
    Upload { path: String, to: Option<(String, NodeId)> },
    /// What could follow a path that is typed.
    Complete(Fetch<CompletionAsk>),
    /// Writes settings into `zkdeck.toml`.
    SaveSettings(Vec<SavedSetting>),
    /// Writes a file's bytes to a local path.
    Download { file: FileId, path: String },
}

/// A list that can be written to a file.
#[derive(Clone, Debug, PartialEq)]
pub enum ExportList {
    Logs(LogSearch),
    History(Box<HistoryChoice>),
    Files(FileChoice),
}

/// Which rows of history.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryChoice {
    /// `None`: no operations.
    pub operations: Option<HistoryQuery>,
    pub incidents: IncidentsAsk,
}

/// What is done by whatever shows the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    Quit,
    /// Stop the process as Ctrl-Z does.
    Suspend,
    /// Paint everything anew.
    Redraw,
    Mouse(bool),
    /// Another theme, from now on.
    Theme(String),
    /// What is drawn with, from now on.
    Glyphs(GlyphSet),
    /// How a theme looks, until another order about themes comes; `None`: the chosen one again.
    TryTheme(Option<String>),
    /// What themes there are is wanted: they come by `Console::set_themes`.
    ListThemes,
    /// Puts text on the clipboard of the one who looks.
    Copy(String),
}
