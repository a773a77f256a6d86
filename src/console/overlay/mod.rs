//! What may lie over a pane: one at a time, and it has the keys.

pub mod confirm;
pub mod events;
pub mod help;
pub mod outcome;
pub mod palette;
pub mod prompt;
pub mod scene;
pub mod scroll;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::confirm::ConfirmBox;
use self::outcome::OverlayOutcome;
use self::palette::Palette;
use self::prompt::PromptBox;
use self::scene::OverlayScene;
use self::scroll::Scroll;
use super::action::Action;
use super::input::Key;
use super::keymap::Keymap;

/// The overlay that is open.
#[derive(Debug)]
pub enum Overlay {
    Help(Scroll),
    Events(Scroll),
    Palette(Palette),
    Confirm(ConfirmBox),
    Prompt(PromptBox),
}

impl Overlay {
    /// One key; the overlay has them all.
    pub fn key(&mut self, key: Key, keymap: &Keymap) -> OverlayOutcome {
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
            Self::Prompt(prompt) => prompt.paste(text),
            Self::Confirm(_) | Self::Help(_) | Self::Events(_) => {}
        }
    }

    /// Some answer has come: maybe one that the overlay waits for.
    pub fn take_answers(&mut self) {
        if let Self::Prompt(prompt) = self {
            prompt.take_answers();
        }
    }

    /// Paints the overlay over `area`.
    pub fn draw(&self, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) {
        match self {
            Self::Help(scroll) => help::draw(scroll, area, scene, buffer),
            Self::Events(scroll) => events::draw(scroll, area, scene, buffer),
            Self::Palette(palette) => palette.draw(area, scene, buffer),
            Self::Confirm(confirm) => confirm.draw(area, scene.view.styles, buffer),
            Self::Prompt(prompt) => prompt.draw(area, scene.view.styles, buffer),
        }
    }
}
