//! The two lines below: the last message, and the keys that are most useful here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::toasts::{Message, style};
use super::{Pieces, paint, width_of};
use crate::console::action::Action;
use crate::console::keymap::table::{KeyEntry, TABLE, entry_of};
use crate::console::keymap::{Keymap, lacks, needs};
use crate::console::view::View;
use crate::console::{sanitise, time};
use crate::domain::snapshot::Level;

/// What the footer shows.
pub struct Footer<'a> {
    pub view: &'a View<'a>,
    pub keymap: &'a Keymap,
    /// Actions of the pane that make sense now, most useful first, each in a word or two.
    pub actions: &'a [(Action, &'static str)],
    /// Keys of what lies over the pane: it has them all.
    pub over: Option<Vec<(String, &'static str)>>,
    pub last: Option<&'a Message>,
    /// Messages that are to be read now: they stand where the last one does, and above it.
    pub toasts: &'a [Pieces],
    pub read_only: bool,
    /// The row in hand can be asked about: the key of help does that first.
    pub explains: bool,
}

/// Shown at the end in every pane.
const ALWAYS: [Action; 3] = [Action::Palette, Action::Help, Action::Quit];
/// Below this many columns the pane keeps its four most useful keys, and those at the end go without words.
const NARROW: u16 = 100;

impl Footer<'_> {
    /// Paints the messages, and the keys into the last row of `area`.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        let Some(last) = area.bottom().checked_sub(1).filter(|_| area.height > 0) else { return };
        if area.height > 1 && self.toasts.is_empty() {
            self.draw_message(area, buffer);
        }
        for (line, y) in self.toasts.iter().zip(area.y..last) {
            paint(line, area.x, y, area.right(), buffer);
        }
        paint(&self.keys(area.width), area.x, last, area.right(), buffer);
    }

    fn draw_message(&self, area: Rect, buffer: &mut Buffer) {
        let styles = self.view.styles;
        let failing = self.view.snapshot.loops.iter().find_map(|l| l.problem.as_deref().map(|p| (l.name.word(), p)));
        let (head, text, tone) = match (self.last, failing) {
            (last, Some((name, problem))) if last.is_none_or(|m| m.level < Level::Error) => {
                (format!(" {} {name} loop: ", styles.glyphs.risk), problem.to_owned(), styles.bad)
            }
            (Some(message), _) => {
                (format!(" {} ", time::of_day(message.at)), message.text.clone(), style(message.level, styles))
            }
            (None, _) => return,
        };
        let tail = self.keymap.key(Action::Events).map(|key| format!(" ({key}: all events)")).unwrap_or_default();
        let room = usize::from(area.width).saturating_sub(sanitise::width(&head) + sanitise::width(&tail) + 1);
        let text = sanitise::fit_with(&sanitise::clean(&text), room, styles.glyphs.ellipsis);
        let tone = if tone == styles.dim { styles.text } else { tone };
        let pieces = vec![(head, styles.dim), (text, tone), (tail, styles.dim)];
        paint(&pieces, area.x, area.y, area.right(), buffer);
    }

    fn keys(&self, width: u16) -> Pieces {
        if let Some(over) = &self.over {
            return over.iter().flat_map(|(key, label)| self.pair(key, label)).collect();
        }
        let narrow = width < NARROW;
        let word = |action| match action {
            _ if narrow => "",
            Action::Help if self.explains => "why",
            _ => entry_of(action).map_or("", |entry| entry.label),
        };
        let end: Pieces = ALWAYS.iter().filter_map(|action| self.hint(*action, word(*action))).flatten().collect();
        let mut pieces = Pieces::new();
        let own = self.actions.iter().filter(|(action, label)| !ALWAYS.contains(action) && !label.is_empty());
        let own = own.filter(|(action, _)| available(*action, self.read_only, self.view));
        let own = own.filter_map(|(action, label)| self.hint(*action, label));
        for hint in own.take(if narrow { 4 } else { usize::MAX }) {
            if width_of(&pieces) + width_of(&hint) + width_of(&end) < usize::from(width) {
                pieces.extend(hint);
            }
        }
        pieces.extend(end);
        pieces
    }

    /// ` d drain `; nothing for an action without a key.
    fn hint(&self, action: Action, label: &str) -> Option<Pieces> {
        Some(self.pair(&self.keymap.key(action)?, label))
    }

    fn pair(&self, key: &str, label: &str) -> Pieces {
        let styles = self.view.styles;
        let words = if label.is_empty() { String::new() } else { format!(" {label} ") };
        vec![(format!(" {key}"), styles.key), (words, styles.text)]
    }
}

/// Whether the action can be asked for here: what cannot be done is not offered.
#[must_use]
pub fn available(action: Action, read_only: bool, view: &View<'_>) -> bool {
    lacks(needs(action), read_only, view.snapshot).is_none()
}

/// The table without what cannot be asked for here.
pub fn offered<'a>(read_only: bool, view: &'a View<'a>) -> impl Iterator<Item = &'static KeyEntry> + 'a {
    TABLE.iter().filter(move |entry| !entry.help.is_empty() && available(entry.action, read_only, view))
}
