//! What a pane is: keys in, effects out, and a picture drawn from `&self`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::input::{Key, Mouse};
use super::keymap::{Keymap, lacks, needs};
use super::order::{Outside, Work};
use super::theme::Styles;
use crate::domain::command::{Command, ServerAction};
use crate::domain::ids::{NodeId, Timestamp};
use crate::domain::snapshot::{Level, Snapshot};

/// What an operator can do; the keymap binds keys to these, help and footer are made from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    // Everywhere.
    Quit,
    Help,
    Palette,
    Events,
    NextPane,
    PreviousPane,
    Pane(u8),
    Back,
    Redraw,
    ToggleMouse,
    // Lists.
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Open,
    Mark,
    Sort,
    SortReverse,
    Filter,
    NextMatch,
    PreviousMatch,
    Copy,
    Follow,
    Left,
    Right,
    // The ensemble.
    Drain,
    Pause,
    StopServer,
    RestartServer,
    Stress,
    RunScheduler,
    PauseScheduler,
    Preview,
    StopRun,
    RunWorkload,
    // Files.
    Upload,
    Download,
    Migrate,
    Delete,
    // Logs.
    LevelFilter,
    SourceFilter,
    TimeRange,
    TypeRange,
    Context,
    ContainerLog,
    Wrap,
    LogColumns,
    Export,
    CopyEvent,
    CopyQuery,
    Searches,
    SaveSearch,
}

/// What a pane wants done. A pane itself touches nothing outside.
#[derive(Debug)]
pub enum Effect {
    /// Asks first; the commands go out when the operator agrees.
    Confirm(Confirm),
    /// Asks for one line of text; `Pane::answered` gets it.
    Prompt(Prompt),
    Toast {
        level: Level,
        text: String,
    },
    Work(Work),
    Outside(Outside),
}

/// An act whose consequence may change while it is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Server(NodeId, ServerAction),
    Drain(NodeId),
}

/// A question with a safe default: the consequence in words before anything happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// `Pause zk3`
    pub title: String,
    /// What will happen, in sentences.
    pub lines: Vec<String>,
    /// `keep it running`
    pub no: String,
    /// `pause zk3`
    pub yes: String,
    /// Set when the quorum is at stake: this text has to be typed, `y` does nothing.
    pub type_text: Option<String>,
    /// What it asks about, when the text is told anew whenever the consequence changes.
    pub about: Option<About>,
    /// Sent in order when the operator agrees.
    pub commands: Vec<Command>,
}

/// A line to be typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Tells the pane which question this is.
    pub id: &'static str,
    pub title: String,
    pub hint: String,
    pub value: String,
}

/// All that drawing may look at.
pub struct View<'a> {
    pub snapshot: &'a Snapshot,
    /// Now, for ages; read once per frame by the loop.
    pub now: Timestamp,
    pub styles: &'a Styles,
    pub keymap: &'a Keymap,
    /// Nothing may be changed from this console.
    pub read_only: bool,
}

impl View<'_> {
    /// Whether the action can be asked for here: what cannot be done is not offered.
    #[must_use]
    pub fn offers(&self, action: Action) -> bool {
        lacks(needs(action), self.read_only, self.snapshot).is_none()
    }

    /// The key of an action that can be asked for here.
    #[must_use]
    pub fn key(&self, action: Action) -> Option<String> {
        self.keymap.key(action).filter(|_| self.offers(action))
    }

    /// `d lifts it`: the key of an action that can be asked for here, and what it does.
    #[must_use]
    pub fn hint(&self, action: Action, does: &str) -> Option<String> {
        self.key(action).map(|key| format!("{key} {does}"))
    }
}

/// One tab.
pub trait Pane: Send {
    /// `Health`.
    fn title(&self) -> &'static str;
    /// The actions that the pane handles itself, most useful first: footer and help come from it.
    fn actions(&self) -> &'static [Action];
    /// An action whose key was pressed. Actions that the pane does not know give nothing.
    fn act(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect>;
    /// Whether keys are text now (a filter or a form field is open).
    fn takes_text(&self) -> bool {
        false
    }
    /// A key while [`Pane::takes_text`] holds; Esc and Enter too.
    fn text_key(&mut self, _key: Key, _snapshot: &Snapshot) -> Vec<Effect> {
        Vec::new()
    }
    /// The answer to an [`Effect::Prompt`].
    fn answered(&mut self, _id: &'static str, _text: &str, _snapshot: &Snapshot) -> Vec<Effect> {
        Vec::new()
    }
    /// Some answer has come: maybe one that this pane waits for.
    fn take_answers(&mut self, _snapshot: &Snapshot) -> Vec<Effect> {
        Vec::new()
    }
    /// A click or a wheel turn inside the pane's area; `row` and `column` are relative to it.
    fn mouse(&mut self, _event: Mouse, _area: Rect, _snapshot: &Snapshot) -> Vec<Effect> {
        Vec::new()
    }
    /// A new snapshot or a second has passed while the pane is shown. `shown_for_the_first_time` fetches go here.
    fn refresh(&mut self, _snapshot: &Snapshot) -> Vec<Effect> {
        Vec::new()
    }
    /// Paints the pane. Must not panic for any area, 0x0 included.
    fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>);
}
