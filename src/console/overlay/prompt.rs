//! One line to be typed, with a title and a hint.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::outcome::{OverlayOutcome, PromptOwner};
use crate::console::effect::Prompt;
use crate::console::frame::popup;
use crate::console::input::{Key, KeyCode};
use crate::console::line::Line;
use crate::console::sanitise;
use crate::console::theme::Styles;

const WIDTH: u16 = 73;

/// The question, who wants to know, and what has been typed.
#[derive(Clone, Debug)]
pub struct PromptBox {
    pub owner: PromptOwner,
    prompt: Prompt,
    pub(super) line: Line,
}

impl PromptBox {
    #[must_use]
    pub fn new(owner: PromptOwner, prompt: Prompt) -> Self {
        Self { owner, line: Line::preset(&prompt.value), prompt }
    }

    /// Enter answers, Esc gives up.
    pub fn key(&mut self, key: Key) -> OverlayOutcome {
        match key.code {
            KeyCode::Esc => OverlayOutcome::Closed,
            KeyCode::Enter => {
                OverlayOutcome::Answered { owner: self.owner, action: self.prompt.action, text: self.line.text() }
            }
            _ => {
                self.line.key(key);
                OverlayOutcome::Stays
            }
        }
    }

    /// Paints the box in the middle of `area`.
    pub fn draw(&self, area: Rect, styles: &Styles, buffer: &mut Buffer) {
        let place = popup::centred(area, WIDTH, 4);
        let inside = popup::framed(place, &self.prompt.title, styles.accent, styles, buffer);
        if inside.height < 2 {
            return;
        }
        let hint = sanitise::clean(&self.prompt.hint);
        buffer.set_stringn(inside.x, inside.y, hint, usize::from(inside.width), styles.dim);
        let (x, _) = buffer.set_stringn(inside.x, inside.y + 1, "> ", usize::from(inside.width), styles.key);
        let line = Rect::new(x, inside.y + 1, inside.right().saturating_sub(x), 1);
        self.line.draw(line, buffer, styles);
    }
}
