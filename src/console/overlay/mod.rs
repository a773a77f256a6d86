//! What may lie over a pane: one at a time, and it has the keys.

pub mod confirm;
pub mod events;
pub mod help;
pub mod palette;
pub mod prompt;

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::confirm::ConfirmBox;
use self::palette::Palette;
use self::prompt::PromptBox;
use super::action::Action;
use super::frame::toasts::Message;
use super::keymap::Keymap;
use super::view::View;
use crate::console::input::{Key, KeyCode};
use crate::domain::command::Command;

/// The overlay that is open.
#[derive(Clone, Debug)]
pub enum Overlay {
    Help(Scroll),
    Events(Scroll),
    Palette(Palette),
    Confirm(ConfirmBox),
    Prompt(PromptBox),
}

/// What a key has done to the overlay.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Stays,
    Closed,
    /// The operator agreed to these.
    Agreed(Vec<Command>),
    /// The operator leaves the console.
    Left,
    Answered {
        owner: Owner,
        id: &'static str,
        text: String,
    },
    /// A palette command, as typed.
    Typed(String),
}

/// Who asked for a line of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Frame,
    Pane(usize),
}

/// All that overlays are drawn from.
pub struct Scene<'a> {
    pub view: &'a View<'a>,
    pub keymap: &'a Keymap,
    /// Title and actions of the pane below.
    pub title: &'static str,
    pub actions: &'a [Action],
    pub messages: &'a [Message],
    pub read_only: bool,
}

impl Overlay {
    /// One key; the overlay has them all.
    pub fn key(&mut self, key: Key, keymap: &Keymap) -> Outcome {
        match self {
            Self::Help(scroll) => scroll.key(key, keymap, Action::Help),
            Self::Events(scroll) => scroll.key(key, keymap, Action::Events),
            Self::Palette(palette) => palette.key(key),
            Self::Confirm(confirm) => confirm.key(key),
            Self::Prompt(prompt) => prompt.key(key),
        }
    }

    /// Pasted text goes where text is typed, and is never an answer by itself.
    pub fn paste(&mut self, text: &str) {
        match self {
            Self::Palette(palette) => palette.paste(text),
            Self::Prompt(prompt) => prompt.line.insert(text),
            Self::Confirm(_) | Self::Help(_) | Self::Events(_) => {}
        }
    }

    /// Paints the overlay over `area`.
    pub fn draw(&self, area: Rect, scene: &Scene<'_>, buffer: &mut Buffer) {
        match self {
            Self::Help(scroll) => help::draw(scroll, area, scene, buffer),
            Self::Events(scroll) => events::draw(scroll, area, scene, buffer),
            Self::Palette(palette) => palette.draw(area, scene, buffer),
            Self::Confirm(confirm) => confirm.draw(area, scene.view.styles, buffer),
            Self::Prompt(prompt) => prompt.draw(area, scene.view.styles, buffer),
        }
    }
}

/// The first row that is shown; drawing cuts it to what there is, so that the next key moves what is seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scroll(Cell<usize>);

/// Rows that a page key goes.
const PAGE: usize = 10;

impl Scroll {
    fn key(&self, key: Key, keymap: &Keymap, opener: Action) -> Outcome {
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
            Some(Action::Back | Action::Quit) => return Outcome::Closed,
            Some(action) if action == opener => return Outcome::Closed,
            _ if key.code == KeyCode::Esc => return Outcome::Closed,
            _ => {}
        }
        Outcome::Stays
    }

    /// The rows of `count` that a window of `height` shows.
    fn window(&self, count: usize, height: usize) -> std::ops::Range<usize> {
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
