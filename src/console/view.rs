//! What drawing may look at.

use super::action::Action;
use super::keymap::{Keymap, lacks, needs};
use super::theme::Styles;
use crate::domain::ids::Timestamp;
use crate::domain::snapshot::Snapshot;

/// All of it.
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
