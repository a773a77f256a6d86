//! A long text over the pane, in sections, which scrolls and is narrowed down.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::outcome::OverlayOutcome;
use super::scene::OverlayScene;
use super::scroll::{LIST_KEYS, Scroll};
use crate::console::action::Action;
use crate::console::frame::{Pieces, paint};
use crate::console::input::{Key, KeyCode};
use crate::console::theme::Styles;
use crate::console::widgets::filter::Filter;

/// How far it is scrolled, and what of it is looked for.
#[derive(Clone, Debug, Default)]
pub(super) struct FilteredText {
    scroll: Scroll,
    filter: Filter,
}

impl FilteredText {
    /// Scrolls, narrows down, closes; `own` closes it too: the key that opened it.
    pub(super) fn key(&mut self, key: Key, scene: &OverlayScene<'_>, own: Option<Action>) -> OverlayOutcome {
        if self.filter.is_open() {
            if self.filter.key(key) {
                self.scroll = Scroll::default();
            }
            return OverlayOutcome::Stays;
        }
        match scene.keymap.action(key, &LIST_KEYS) {
            Some(Action::Filter) => self.filter.open(),
            Some(Action::Back) if !self.filter.is_empty() => self.filter.clear(),
            Some(Action::Back | Action::Quit) => return OverlayOutcome::Closed,
            Some(action) if own == Some(action) => return OverlayOutcome::Closed,
            Some(action) => _ = self.scroll.act(action, scene.height),
            None if key.code == KeyCode::Esc => return OverlayOutcome::Closed,
            None => {}
        }
        OverlayOutcome::Stays
    }

    pub(super) fn paste(&mut self, text: &str) {
        if self.filter.is_open() && self.filter.paste(text) {
            self.scroll = Scroll::default();
        }
    }

    /// What is looked for, in small letters.
    pub(super) fn wanted(&self) -> String {
        self.filter.text().to_lowercase()
    }

    /// Paints the lines that the filter has left, else `none`, and below them the filter.
    pub(super) fn draw(&self, mut lines: Vec<Pieces>, none: &str, inside: Rect, buffer: &mut Buffer, styles: &Styles) {
        let list = self.filter.draw_below(inside, buffer, styles);
        if lines.is_empty() {
            lines.push(vec![(none.to_owned(), styles.dim)]);
        }
        let rows = self.scroll.window(lines.len(), usize::from(list.height));
        for (line, y) in lines[rows].iter().zip(list.top()..) {
            paint(line, list.x, y, list.right(), buffer);
        }
    }
}

/// Whether `wanted`, in small letters, stands in the row.
pub(super) fn holds(row: &Pieces, wanted: &str) -> bool {
    let text: String = row.iter().map(|(text, _)| text.as_str()).collect();
    text.to_lowercase().contains(wanted)
}

/// Rows below their heading, apart from what stands above; no heading without rows.
pub(super) fn section(heading: &str, rows: Vec<Pieces>, styles: &Styles, out: &mut Vec<Pieces>) {
    if !rows.is_empty() {
        if !out.is_empty() {
            out.push(Pieces::new());
        }
        out.push(vec![(heading.to_owned(), styles.heading)]);
        out.extend(rows);
    }
}
