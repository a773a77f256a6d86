//! Rows of a long text that fit on the screen.

use std::cell::Cell;

use crate::console::action::Action;

/// Keys of a list that lies over a pane.
pub(super) const LIST_KEYS: [Action; 9] = [
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::Top,
    Action::Bottom,
    Action::Open,
    Action::Filter,
    Action::Copy,
];

/// The first row that is shown; drawing cuts it to what there is, so that the next key moves what is seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scroll(Cell<usize>);

impl Scroll {
    /// Moves by an action, a page by `height` rows; whether it was one.
    pub(super) fn act(&self, action: Action, height: usize) -> bool {
        let (first, page) = (self.0.get(), height.max(1));
        self.0.set(match action {
            Action::Up => first.saturating_sub(1),
            Action::Down => first.saturating_add(1),
            Action::PageUp => first.saturating_sub(page),
            Action::PageDown => first.saturating_add(page),
            Action::Top => 0,
            Action::Bottom => usize::MAX,
            _ => return false,
        });
        true
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
