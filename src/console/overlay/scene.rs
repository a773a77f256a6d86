//! What overlays are drawn from, and what their keys go by.

use crate::console::action::Action;
use crate::console::frame::toasts::Message;
use crate::console::keymap::Keymap;
use crate::console::own::OwnSettings;
use crate::console::theme::file::ThemeEntry;
use crate::console::view::View;

/// All of it.
pub struct OverlayScene<'a> {
    pub view: &'a View<'a>,
    pub keymap: &'a Keymap,
    /// Titles of the panes.
    pub titles: &'a [&'static str],
    /// Title and actions of the pane below.
    pub title: &'static str,
    pub actions: &'a [Action],
    /// Newest first; only while the events list is open.
    pub messages: &'a [Message],
    pub read_only: bool,
    /// Settings that were changed in this console.
    pub own: &'a OwnSettings,
    /// The themes that there are.
    pub themes: &'a [ThemeEntry],
    /// Commands that were typed before, newest first.
    pub past: &'a [String],
    /// Rows that an overlay over the whole pane has.
    pub height: usize,
}
