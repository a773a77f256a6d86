//! One line of text that is being typed: value and cursor, with the keys that shells have.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::input::{Key, KeyCode};
use super::sanitise;
use super::theme::Styles;

/// Most characters of one line; more are not taken.
pub const LINE_MAX: usize = 1024;

/// A line and the place where the next character goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    chars: Vec<char>,
    cursor: usize,
}

impl Line {
    /// A line that holds `text`, cursor at its end.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().filter(|c| !c.is_control()).take(LINE_MAX).collect();
        Self { cursor: chars.len(), chars }
    }

    #[must_use]
    pub fn text(&self) -> String {
        self.chars.iter().collect()
    }

    /// What stands before the cursor.
    #[must_use]
    pub fn before(&self) -> String {
        self.chars[..self.cursor].iter().collect()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.chars.is_empty()
    }

    /// Puts text in at the cursor, controls left out: a paste is never a key.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars().filter(|c| !c.is_control()) {
            if self.chars.len() < LINE_MAX {
                self.chars.insert(self.cursor, c);
                self.cursor += 1;
            }
        }
    }

    /// Edits; `false` when the key is not an editing key.
    pub fn key(&mut self, key: Key) -> bool {
        match (key.code, key.control) {
            (KeyCode::Char('a'), true) | (KeyCode::Home, _) => self.cursor = 0,
            (KeyCode::Char('e'), true) | (KeyCode::End, _) => self.cursor = self.chars.len(),
            (KeyCode::Char('u'), true) => {
                self.chars.drain(..self.cursor);
                self.cursor = 0;
            }
            (KeyCode::Char('k'), true) => self.chars.truncate(self.cursor),
            (KeyCode::Char('w'), true) => self.delete_word(),
            (KeyCode::Char('h'), true) | (KeyCode::Backspace, _) if self.cursor > 0 => {
                self.cursor -= 1;
                self.chars.remove(self.cursor);
            }
            (KeyCode::Backspace, _) => {}
            (KeyCode::Delete, _) if self.cursor < self.chars.len() => _ = self.chars.remove(self.cursor),
            (KeyCode::Left, _) => self.cursor = self.cursor.saturating_sub(1),
            (KeyCode::Right, _) => self.cursor = (self.cursor + 1).min(self.chars.len()),
            (KeyCode::Char(c), false) if !key.alt => {
                self.insert(c.encode_utf8(&mut [0; 4]));
            }
            _ => return false,
        }
        true
    }

    fn delete_word(&mut self) {
        let mut start = self.cursor;
        while start > 0 && self.chars[start - 1] == ' ' {
            start -= 1;
        }
        while start > 0 && self.chars[start - 1] != ' ' {
            start -= 1;
        }
        self.chars.drain(start..self.cursor);
        self.cursor = start;
    }

    /// Paints the line into the first row of `area`, the cursor as a reversed cell always in sight.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer, styles: &Styles) {
        let width = usize::from(area.width);
        if width == 0 || area.height == 0 {
            return;
        }
        let before: String = self.chars[..self.cursor].iter().collect();
        let before = sanitise::clean(&before).into_owned();
        let shown = last_columns(&before, width.saturating_sub(1));
        let mut x = area.x;
        buffer.set_stringn(x, area.y, shown, width, styles.text);
        x += sanitise::width(shown) as u16;
        let under = self.chars.get(self.cursor).copied().unwrap_or(' ');
        let under = sanitise::clean(under.encode_utf8(&mut [0; 4])).into_owned();
        let left = usize::from(area.right().saturating_sub(x));
        buffer.set_stringn(x, area.y, &under, left, styles.text.add_modifier(Modifier::REVERSED));
        x += sanitise::width(&under) as u16;
        if x < area.right() && self.cursor < self.chars.len() {
            let after: String = self.chars[self.cursor + 1..].iter().collect();
            let left = usize::from(area.right() - x);
            buffer.set_stringn(x, area.y, sanitise::clean(&after), left, styles.text);
        }
    }
}

/// The end of `text` that fits into `width` columns.
fn last_columns(text: &str, width: usize) -> &str {
    let mut start = 0;
    while sanitise::width(&text[start..]) > width {
        start += text[start..].chars().next().map_or(1, char::len_utf8);
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(line: &mut Line, keys: &str) {
        for key in crate::console::keymap::notation::parse_keys(keys) {
            line.key(key);
        }
    }

    #[test]
    fn editing_keys_are_those_of_shells() {
        let cases = [
            ("a b c", "abc"),
            ("a b Left c", "acb"),
            ("a b Home c End d", "cabd"),
            ("a b Space c d Ctrl-w", "ab "),
            ("a b c Left Ctrl-u", "c"),
            ("a b c Left Left Ctrl-k", "a"),
            ("a Backspace Backspace b", "b"),
            ("a b Left Delete Delete", "a"),
            ("a Left Left Right Right Right b", "ab"),
        ];
        for (keys, text) in cases {
            let mut line = Line::default();
            press(&mut line, keys);
            assert_eq!(line.text(), text, "{keys}");
        }
    }

    #[test]
    fn a_paste_is_text_and_bounded() {
        let mut line = Line::new("x");
        line.insert("a\nb\x1b");
        assert_eq!(line.text(), "xab");
        line.insert(&"y".repeat(5000));
        assert_eq!(line.text().chars().count(), LINE_MAX);
    }

    #[test]
    fn the_cursor_stays_in_sight() {
        let area = Rect::new(0, 0, 5, 1);
        for (text, shown) in [("abc", "abc  "), ("abcdefgh", "efgh "), ("", "     ")] {
            let mut buffer = Buffer::empty(area);
            Line::new(text).draw(area, &mut buffer, &Styles::plain());
            let row: String = buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect();
            assert_eq!(row, shown);
            let at = text.len().min(4) as u16;
            assert!(buffer[(at, 0)].modifier.contains(Modifier::REVERSED), "{text}");
        }
    }
}
