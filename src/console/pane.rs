//! What a pane is: keys in, effects out, and a picture drawn from `&self`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::action::Action;
use super::effect::Effect;
use super::input::{Key, KeyCode, Mouse};
use super::jump::JumpTo;
use super::keymap::table::entry_of;
use super::line::LINE_MAX;
use super::rewind::RowMoment;
use super::view::View;
use crate::domain::explain::Topic;
use crate::domain::snapshot::Snapshot;

/// One tab.
pub trait Pane: Send {
    /// `Health`.
    fn title(&self) -> &'static str;
    /// The actions that the pane handles itself, most useful first: footer and help come from it.
    fn actions(&self) -> &'static [Action];
    /// What the action does to the row in hand as it is now, for the footer; `None` when it makes no sense now.
    fn label(&self, action: Action, _snapshot: &Snapshot) -> Option<&'static str> {
        entry_of(action).map(|entry| entry.label)
    }
    /// An action whose key was pressed. Actions that the pane does not know give nothing.
    fn act(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect>;
    /// What can be asked about the row in hand, the row itself first; nothing where there is no row.
    fn topics(&self, _snapshot: &Snapshot) -> Vec<Topic> {
        Vec::new()
    }
    /// The actions that matter most for the row in hand as it is now, above all those that mend it: they stand first.
    fn urgent(&self, _snapshot: &Snapshot) -> Vec<Action> {
        Vec::new()
    }
    /// Whether Back closes something inside the pane, or narrows it less.
    fn is_deep(&self) -> bool {
        false
    }
    /// Shows what a way from another pane leads to; `None` when it does not lead here.
    fn visit(&mut self, _to: &JumpTo, _snapshot: &Snapshot) -> Option<Vec<Effect>> {
        None
    }
    /// Whether keys are text now (a filter or a form field is open).
    fn takes_text(&self) -> bool {
        false
    }
    /// A key while [`Pane::takes_text`] holds; Esc and Enter too.
    fn text_key(&mut self, _key: Key, _snapshot: &Snapshot) -> Vec<Effect> {
        Vec::new()
    }
    /// Pasted text while [`Pane::takes_text`] holds: never a key that does more than write.
    fn paste(&mut self, text: &str, snapshot: &Snapshot) -> Vec<Effect> {
        let text = text.chars().map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c });
        let typed = text.filter(|c| !c.is_control()).take(LINE_MAX);
        typed.flat_map(|c| self.text_key(Key::plain(KeyCode::Char(c)), snapshot)).collect()
    }
    /// The line that an [`Effect::Prompt`] of this pane asked for, with the action that it is for.
    fn answered(&mut self, _action: Action, _text: &str, _snapshot: &Snapshot) -> Vec<Effect> {
        Vec::new()
    }
    /// Some answer has come: maybe one that this pane waits for.
    fn take_answers(&mut self, _snapshot: &Snapshot) -> Vec<Effect> {
        Vec::new()
    }
    /// The area that the pane has from now on: page keys move by what of a list it shows.
    fn resize(&mut self, _area: Rect) {}
    /// A click or a wheel turn inside the pane's area; `row` and `column` are relative to it.
    fn mouse(&mut self, _event: Mouse, _area: Rect, _snapshot: &Snapshot) -> Vec<Effect> {
        Vec::new()
    }
    /// A new snapshot or a second has passed while the pane is shown; the first time it is what the pane begins by asking.
    fn refresh(&mut self, _snapshot: &Snapshot) -> Vec<Effect> {
        Vec::new()
    }
    /// The moment of the row in hand, and the span of time of an incident.
    fn moment(&self, _snapshot: &Snapshot) -> Option<RowMoment> {
        None
    }
    /// Another moment is shown from now on: what was asked and held of the one before is let go.
    fn rewind(&mut self, _snapshot: &Snapshot) {}
    /// Paints the pane. Must not panic for any area, 0x0 included.
    fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>);
}
