//! What overlays are drawn from.

use crate::console::action::Action;
use crate::console::frame::toasts::Message;
use crate::console::keymap::Keymap;
use crate::console::view::View;

/// All of it.
pub struct OverlayScene<'a> {
    pub view: &'a View<'a>,
    pub keymap: &'a Keymap,
    /// Title and actions of the pane below.
    pub title: &'static str,
    pub actions: &'a [Action],
    pub messages: &'a [Message],
    pub read_only: bool,
}
