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
use self::events::EventsList;
use self::help::HelpList;
use self::outcome::OverlayOutcome;
use self::palette::Palette;
use self::prompt::PromptBox;
use self::scene::OverlayScene;
use super::input::Key;

/// The overlay that is open.
#[derive(Clone, Debug)]
pub enum Overlay {
    Help(HelpList),
    Events(EventsList),
    Palette(Palette),
    Confirm(ConfirmBox),
    Prompt(PromptBox),
}

impl Overlay {
    /// One key; the overlay has them all.
    pub fn key(&mut self, key: Key, scene: &OverlayScene<'_>) -> OverlayOutcome {
        match self {
            Self::Help(help) => help.key(key, scene),
            Self::Events(events) => events.key(key, scene),
            Self::Palette(palette) => palette.key(key, scene),
            Self::Confirm(confirm) => confirm.key(key),
            Self::Prompt(prompt) => prompt.key(key),
        }
    }

    /// Pasted text goes where text is typed, and is never an answer by itself.
    pub fn paste(&mut self, text: &str) {
        match self {
            Self::Palette(palette) => palette.paste(text),
            Self::Prompt(prompt) => prompt.line.insert(text),
            Self::Help(help) => help.paste(text),
            Self::Events(events) => events.paste(text),
            Self::Confirm(_) => {}
        }
    }

    /// Paints the overlay over `area`.
    pub fn draw(&self, area: Rect, scene: &OverlayScene<'_>, buffer: &mut Buffer) {
        match self {
            Self::Help(help) => help.draw(area, scene, buffer),
            Self::Events(events) => events.draw(area, scene, buffer),
            Self::Palette(palette) => palette.draw(area, scene, buffer),
            Self::Confirm(confirm) => confirm.draw(area, scene.view.styles, buffer),
            Self::Prompt(prompt) => prompt.draw(area, scene.view.styles, buffer),
        }
    }
}
