//! The question before an act: what will happen, and a safe default.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::outcome::OverlayOutcome;
use crate::console::confirms;
use crate::console::effect::Confirm;
use crate::console::frame::popup;
use crate::console::input::{Key, KeyCode};
use crate::console::line::Line;
use crate::console::sanitise;
use crate::console::theme::Styles;
use crate::domain::snapshot::Snapshot;

/// Columns of the box, at most.
const WIDTH: u16 = 73;

/// A question and, when a text has to be typed, what has been typed so far.
#[derive(Clone, Debug)]
pub struct ConfirmBox {
    confirm: Confirm,
    typed: Line,
    /// Agreeing leaves the console.
    leaves: bool,
}

impl ConfirmBox {
    #[must_use]
    pub fn new(confirm: Confirm) -> Self {
        Self { confirm, typed: Line::default(), leaves: false }
    }

    /// Asks whether the console is to be left.
    #[must_use]
    pub fn leaving(confirm: Confirm) -> Self {
        Self { leaves: true, ..Self::new(confirm) }
    }

    /// Whether a text has to be typed to agree.
    #[must_use]
    pub const fn asks_for_text(&self) -> bool {
        self.confirm.type_text.is_some()
    }

    /// Tells the consequence as it is now. What was typed under another one is forgotten.
    ///
    /// # Errors
    /// Why there is nothing to ask any more.
    pub fn refresh(&mut self, snapshot: &Snapshot) -> Result<(), String> {
        let Some(about) = &self.confirm.about else { return Ok(()) };
        let now = confirms::anew(about, snapshot)?;
        if now != self.confirm {
            *self = Self::new(now);
        }
        Ok(())
    }

    /// `y` agrees, or Enter after the text has been typed. `n`, Esc and a bare Enter do not.
    pub fn key(&mut self, key: Key) -> OverlayOutcome {
        let Some(text) = &self.confirm.type_text else {
            return match key.code {
                KeyCode::Char('y' | 'Y') if !key.control && !key.alt => {
                    if self.leaves {
                        OverlayOutcome::Left
                    } else {
                        OverlayOutcome::Agreed(self.confirm.commands.clone())
                    }
                }
                KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc | KeyCode::Enter => OverlayOutcome::Closed,
                _ => OverlayOutcome::Stays,
            };
        };
        match key.code {
            KeyCode::Esc => OverlayOutcome::Closed,
            KeyCode::Enter if self.typed.text() == *text => OverlayOutcome::Agreed(self.confirm.commands.clone()),
            KeyCode::Enter if self.typed.is_empty() => OverlayOutcome::Closed,
            _ => {
                self.typed.key(key);
                OverlayOutcome::Stays
            }
        }
    }

    /// Paints the box in the middle of `area`.
    pub fn draw(&self, area: Rect, styles: &Styles, buffer: &mut Buffer) {
        let width = WIDTH.min(area.width);
        let room = usize::from(width.saturating_sub(4));
        let lines: Vec<String> =
            self.confirm.lines.iter().flat_map(|line| sanitise::wrap(&sanitise::clean(line), room, 4)).collect();
        let question = self.question(room);
        let place = popup::centred(area, width, (lines.len() + question.len()) as u16 + 3);
        let at_stake = self.confirm.type_text.is_some();
        let border = if at_stake { styles.bad } else { styles.warning };
        let inside = popup::framed(place, &self.confirm.title, border, styles, buffer);
        if inside.height == 0 {
            return;
        }
        let last = inside.bottom() - 1;
        let first = last.saturating_sub(question.len() as u16).max(inside.top());
        for (line, y) in lines.iter().zip(inside.top()..first) {
            buffer.set_stringn(inside.x, y, line, room, styles.text);
        }
        for (line, y) in question.iter().zip(first..last) {
            buffer.set_stringn(inside.x, y, line, room, styles.bad);
        }
        self.draw_answers(Rect { y: last, height: 1, ..inside }, styles, buffer);
    }

    /// What is to be typed, above the line for it: a long name leaves that its room.
    fn question(&self, room: usize) -> Vec<String> {
        let Some(text) = &self.confirm.type_text else { return Vec::new() };
        let question = format!("type {} to {}, Esc to {}:", text, self.confirm.yes, self.confirm.no);
        sanitise::wrap(&sanitise::clean(&question), room, 4)
    }

    fn draw_answers(&self, area: Rect, styles: &Styles, buffer: &mut Buffer) {
        let room = usize::from(area.width);
        if self.confirm.type_text.is_some() {
            let (x, _) = buffer.set_stringn(area.x, area.y, "> ", room, styles.key);
            let left = Rect { x, width: area.right().saturating_sub(x), ..area };
            self.typed.draw(left, buffer, styles);
            return;
        }
        let (no, yes) = (format!("{}      ", self.confirm.no), self.confirm.yes.clone());
        let pieces =
            vec![("n ".to_owned(), styles.key), (no, styles.text), ("y ".to_owned(), styles.key), (yes, styles.text)];
        let wide = crate::console::frame::width_of(&pieces).min(room) as u16;
        crate::console::frame::paint(&pieces, area.right() - wide, area.y, area.right(), buffer);
    }
}
