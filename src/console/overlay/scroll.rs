//! Rows of a long text that fit on the screen.

use std::cell::Cell;

use super::outcome::OverlayOutcome;
use crate::console::action::Action;
use crate::console::input::{Key, KeyCode};
use crate::console::keymap::Keymap;

/// The first row that is shown; drawing cuts it to what there is, so that the next key moves what is seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scroll(Cell<usize>);

/// Rows that a page key goes.
const PAGE: usize = 10;

impl Scroll {
    pub(super) fn key(&self, key: Key, keymap: &Keymap, opener: Action) -> OverlayOutcome {
        const MOVES: [Action; 6] =
            [Action::Up, Action::Down, Action::PageUp, Action::PageDown, Action::Top, Action::Bottom];
        let first = self.0.get();
        match keymap.action(key, &MOVES) {
            Some(Action::Up) => self.0.set(first.saturating_sub(1)),
            Some(Action::Down) => self.0.set(first.saturating_add(1)),
            Some(Action::PageUp) => self.0.set(first.saturating_sub(PAGE)),
            Some(Action::PageDown) => self.0.set(first.saturating_add(PAGE)),
            Some(Action::Top) => self.0.set(0),
            Some(Action::Bottom) => self.0.set(usize::MAX),
            Some(Action::Back | Action::Quit) => return OverlayOutcome::Closed,
            Some(action) if action == opener => return OverlayOutcome::Closed,
            _ if key.code == KeyCode::Esc => return OverlayOutcome::Closed,
            _ => {}
        }
        OverlayOutcome::Stays
    }

    /// The rows of `count` that a window of `height` shows.
    pub(super) fn window(&self, count: usize, height: usize) -> std::ops::Range<usize> {
        let rows = window(self.0.get(), count, height);
        self.0.set(rows.start);
        rows
    }
}

/// The rows of `count` that a window of `height` shows when asked for `first`.
#[must_use]
pub fn window(first: usize, count: usize, height: usize) -> std::ops::Range<usize> {
    let first = first.min(count.saturating_sub(height));
    first..count.min(first + height)
}
