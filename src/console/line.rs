//! One line of text that is being typed: value and cursor, with the keys that shells have. It is edited by what people
//! see as one character, which may be several of Unicode's.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use unicode_segmentation::UnicodeSegmentation as _;

use super::input::{Key, KeyCode};
use super::sanitise;
use super::theme::Styles;
use crate::domain::number::grouped;

/// Most characters of one line; more are not taken.
pub const LINE_MAX: usize = 1024;

/// A line and the place where the next character goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    text: String,
    /// Bytes before the cursor, which never stands inside a character.
    cursor: usize,
    /// The text was here before anybody typed: the first character takes its place.
    preset: bool,
    /// What Ctrl-W, Ctrl-U, Ctrl-K and their like have taken last.
    cut: String,
    lost: LeftOut,
}

/// What of the last text that was put in is not in the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct LeftOut {
    /// Characters beyond [`LINE_MAX`].
    beyond: usize,
    controls: usize,
}

impl LeftOut {
    /// Words for it; none when nothing was lost.
    fn words(self) -> Option<String> {
        let beyond = (self.beyond > 0)
            .then(|| format!("{} left out, {} is the most", grouped(self.beyond as u64), grouped(LINE_MAX as u64)));
        let controls = (self.controls > 0).then(|| match self.controls {
            1 => "1 control character left out".to_owned(),
            n => format!("{} control characters left out", grouped(n as u64)),
        });
        let words: Vec<String> = beyond.into_iter().chain(controls).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

impl Line {
    /// A line that holds `text`, cursor at its end, to be typed on.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut line = Self::default();
        line.insert(text);
        line
    }

    /// A line that holds `text` as a proposal: what is typed takes its place, and an editing key keeps it.
    #[must_use]
    pub fn preset(text: &str) -> Self {
        let line = Self::new(text);
        Self { preset: !line.is_empty(), ..line }
    }

    #[must_use]
    pub fn text(&self) -> String {
        self.text.clone()
    }

    /// What stands before the cursor.
    #[must_use]
    pub fn before(&self) -> &str {
        &self.text[..self.cursor]
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What was proposed is taken.
    pub const fn keep(&mut self) {
        self.preset = false;
    }

    /// Puts text in at the cursor, each line end and tab as a blank, other controls left out: a paste is never a key.
    pub fn insert(&mut self, text: &str) {
        if std::mem::take(&mut self.preset) {
            (self.text, self.cursor) = (String::new(), 0);
        }
        self.lost = LeftOut::default();
        let mut room = LINE_MAX.saturating_sub(self.text.chars().count());
        let mut taken = String::new();
        // `\r\n` is one character here.
        for piece in text.graphemes(true) {
            let piece =
                if matches!(piece, "\r\n" | "\r" | "\n" | "\t" | "\u{2028}" | "\u{2029}") { " " } else { piece };
            let characters = piece.chars().count();
            if piece.chars().any(char::is_control) {
                self.lost.controls += characters;
            } else if characters <= room && self.lost.beyond == 0 {
                room -= characters;
                taken.push_str(piece);
            } else {
                self.lost.beyond += characters;
            }
        }
        self.text.insert_str(self.cursor, &taken);
        self.cursor += taken.len();
        // It may have become one character with what follows it.
        if self.boundaries().all(|at| at != self.cursor) {
            self.cursor = self.after(self.cursor);
        }
    }

    /// Edits; `false` when the key is not an editing key.
    pub fn key(&mut self, key: Key) -> bool {
        let Some(edit) = Edit::of(key) else { return false };
        if let Edit::Type(c) = edit {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        (self.preset, self.lost) = (false, LeftOut::default());
        let at = self.cursor;
        match edit {
            Edit::Type(_) => {}
            Edit::Go(to) => self.cursor = self.place(to),
            Edit::Delete(to) => _ = self.take(at, to),
            Edit::Cut(to) => self.cut = self.take(at, to),
            Edit::PutBack => self.insert(&self.cut.clone()),
        }
        true
    }

    /// Takes out what lies between the cursor and another place.
    fn take(&mut self, at: usize, to: CursorPlace) -> String {
        let other = self.place(to);
        self.cursor = at.min(other);
        self.text.drain(at.min(other)..at.max(other)).collect()
    }

    /// Where characters begin, and the end.
    fn boundaries(&self) -> impl Iterator<Item = usize> + '_ {
        self.text.grapheme_indices(true).map(|(at, _)| at).chain([self.text.len()])
    }

    fn after(&self, at: usize) -> usize {
        self.boundaries().find(|next| *next > at).unwrap_or(self.text.len())
    }

    fn place(&self, place: CursorPlace) -> usize {
        let (before, after) = self.text.split_at(self.cursor);
        let word = |c: char| c.is_alphanumeric();
        match place {
            CursorPlace::Start => 0,
            CursorPlace::End => self.text.len(),
            CursorPlace::Before => self.boundaries().take_while(|at| *at < self.cursor).last().unwrap_or(0),
            CursorPlace::After => self.after(self.cursor),
            CursorPlace::WordBefore => before.trim_end_matches(|c| !word(c)).trim_end_matches(word_part).len(),
            CursorPlace::WordAfter => {
                let rest = after.trim_start_matches(|c| !word(c)).trim_start_matches(word_part);
                self.text.len() - rest.len()
            }
            CursorPlace::BlankBefore => before.trim_end_matches(' ').trim_end_matches(|c| c != ' ').len(),
        }
    }

    /// Paints the line into the first row of `area`, the cursor as a reversed cell always in sight; what was left out
    /// of it is said at its end.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer, styles: &Styles) {
        if area.width == 0 || area.height == 0 {
            return;
        }
        let area = self.draw_lost(area, buffer, styles);
        let width = usize::from(area.width);
        let style = if self.preset { styles.selected } else { styles.text };
        let before = sanitise::clean(&self.text[..self.cursor]);
        let under = self.text[self.cursor..].graphemes(true).next().unwrap_or(" ");
        let after = &self.text[(self.cursor + under.len()).min(self.text.len())..];
        let under = sanitise::clean(under);
        let shown = last_columns(&before, width.saturating_sub(sanitise::width(&under).max(1)));
        let (x, _) = buffer.set_stringn(area.x, area.y, shown, width, style);
        let left = |x: u16| usize::from(area.right().saturating_sub(x));
        let (x, _) = buffer.set_stringn(x, area.y, &under, left(x), styles.text.add_modifier(Modifier::REVERSED));
        if x < area.right() {
            buffer.set_stringn(x, area.y, sanitise::clean(after), left(x), style);
        }
    }

    /// Says at the end of the row what is not in the line; gives the rest of the row.
    fn draw_lost(&self, area: Rect, buffer: &mut Buffer, styles: &Styles) -> Rect {
        let Some(words) = self.lost.words() else { return area };
        let words = sanitise::fit(&words, usize::from(area.width / 4 * 3));
        let width = sanitise::width(&words) as u16;
        buffer.set_string(area.right() - width, area.y, &words, styles.warning);
        Rect { width: area.width.saturating_sub(width + 1), ..area }
    }
}

/// A letter or digit, or a mark on one: part of a word once it has begun.
fn word_part(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && sanitise::width(c.encode_utf8(&mut [0; 4])) == 0)
}

/// Places that the cursor can go to.
#[derive(Clone, Copy, Debug)]
enum CursorPlace {
    Start,
    End,
    /// One character back,
    Before,
    /// and on.
    After,
    /// Letters and digits are a word,
    WordBefore,
    WordAfter,
    /// and for Ctrl-W all that is not blank.
    BlankBefore,
}

/// What a key does to a line.
#[derive(Clone, Copy, Debug)]
enum Edit {
    Type(char),
    Go(CursorPlace),
    Delete(CursorPlace),
    /// As above, and Ctrl-Y puts it back.
    Cut(CursorPlace),
    PutBack,
}

impl Edit {
    fn of(key: Key) -> Option<Self> {
        use CursorPlace::{After, Before, BlankBefore, End, Start, WordAfter, WordBefore};
        let by_word = key.control || key.alt;
        Some(match (key.code, key.control, key.alt) {
            (KeyCode::Char(c), false, false) => Self::Type(c),
            (KeyCode::Char('a'), true, false) | (KeyCode::Home, ..) => Self::Go(Start),
            (KeyCode::Char('e'), true, false) | (KeyCode::End, ..) => Self::Go(End),
            (KeyCode::Char('b'), true, false) => Self::Go(Before),
            (KeyCode::Char('f'), true, false) => Self::Go(After),
            (KeyCode::Char('b'), false, true) => Self::Go(WordBefore),
            (KeyCode::Char('f'), false, true) => Self::Go(WordAfter),
            (KeyCode::Left, ..) => Self::Go(if by_word { WordBefore } else { Before }),
            (KeyCode::Right, ..) => Self::Go(if by_word { WordAfter } else { After }),
            (KeyCode::Char('u'), true, false) => Self::Cut(Start),
            (KeyCode::Char('k'), true, false) => Self::Cut(End),
            (KeyCode::Char('w'), true, false) => Self::Cut(BlankBefore),
            (KeyCode::Char('d'), false, true) => Self::Cut(WordAfter),
            (KeyCode::Delete, ..) if by_word => Self::Cut(WordAfter),
            (KeyCode::Backspace, ..) if by_word => Self::Cut(WordBefore),
            (KeyCode::Char('h'), false, true) | (KeyCode::Char('h'), true, true) => Self::Cut(WordBefore),
            (KeyCode::Char('h'), true, false) | (KeyCode::Backspace, ..) => Self::Delete(Before),
            (KeyCode::Char('d'), true, false) | (KeyCode::Delete, ..) => Self::Delete(After),
            (KeyCode::Char('y'), true, false) => Self::PutBack,
            _ => return None,
        })
    }
}

/// The end of `text` that fits into `width` columns.
fn last_columns(text: &str, width: usize) -> &str {
    let (mut start, mut left) = (text.len(), width);
    for (at, piece) in text.grapheme_indices(true).rev() {
        match left.checked_sub(sanitise::width(piece)) {
            Some(rest) => (start, left) = (at, rest),
            None => break,
        }
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

    fn typed(mut line: Line, keys: &str) -> String {
        press(&mut line, keys);
        line.text()
    }

    #[test]
    fn editing_keys_are_those_of_shells() {
        let cases = [
            ("a b c", "abc"),
            ("a b Left c", "acb"),
            ("a b Home c End d", "cabd"),
            ("a b Ctrl-a c Ctrl-e d", "cabd"),
            ("a b Ctrl-b c Ctrl-f d", "acbd"),
            ("a b Space c d Ctrl-w", "ab "),
            ("a b Space c / d Ctrl-w", "ab "),
            ("a b c Left Ctrl-u", "c"),
            ("a b c Left Left Ctrl-k", "a"),
            ("a Backspace Backspace b", "b"),
            ("a Ctrl-h Ctrl-h b", "b"),
            ("a b Left Delete Delete", "a"),
            ("a b Left Ctrl-d Ctrl-d", "a"),
            ("a Left Left Right Right Right b", "ab"),
            ("a b / c d Alt-Backspace", "ab/"),
            ("a b / c d Ctrl-Backspace x", "ab/x"),
            ("a b / c d Alt-b x", "ab/xcd"),
            ("a b / c d Ctrl-Left Ctrl-Left x", "xab/cd"),
            ("a b / c d Home Alt-f x", "abx/cd"),
            ("a b / c d Home Ctrl-Right Ctrl-Right x", "ab/cdx"),
            ("a b / c d Home Alt-d x", "x/cd"),
            ("a b / c d Alt-Left Alt-Right x", "ab/cdx"),
            ("a b Space c d Ctrl-w Home Ctrl-y", "cdab "),
            ("a b Alt-x Ctrl-x F5", "ab"),
        ];
        for (keys, text) in cases {
            assert_eq!(typed(Line::default(), keys), text, "{keys}");
        }
    }

    #[test]
    fn what_people_see_as_one_character_is_one() {
        // An accent of its own, a family, a flag, a syllable of Devanagari, a colour of skin, a keycap.
        for one in ["e\u{301}", "👩\u{200d}👩\u{200d}👧", "🇩🇪", "क्षि", "👍🏽", "1\u{fe0f}\u{20e3}", "文"]
        {
            let line = Line::new(&format!("a{one}b"));
            assert_eq!(typed(line.clone(), "Left Backspace"), "ab", "{one}");
            assert_eq!(typed(line.clone(), "Home Right Delete"), "ab", "{one}");
            assert_eq!(typed(line.clone(), "Home Right Right x"), format!("a{one}xb"));
            assert_eq!(typed(line, "Left Left x"), format!("ax{one}b"));
        }
        let mut line = Line::new("\u{301}");
        press(&mut line, "Home e");
        assert_eq!(
            (line.text().as_str(), line.before()),
            ("e\u{301}", "e\u{301}"),
            "it is not left inside a character"
        );
    }

    #[test]
    fn a_preset_value_is_replaced_by_what_is_typed_and_kept_by_what_edits() {
        for (keys, text) in [
            ("z k 2", "zk2"),
            ("Backspace 2", "zk2"),
            ("Left x", "zkx1"),
            ("End x", "zk1x"),
            ("Ctrl-e x", "zk1x"),
            ("Ctrl-u x", "x"),
            ("F5", "zk1"),
        ] {
            assert_eq!(typed(Line::preset("zk1"), keys), text, "{keys}");
        }
        let mut line = Line::preset("zk1");
        line.insert("zk2\n");
        assert_eq!(line.text(), "zk2 ");
        assert_eq!(typed(Line::preset(""), "a b"), "ab");
    }

    fn drawn(line: &Line, width: u16) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        line.draw(buffer.area, &mut buffer, &Styles::plain());
        buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn a_paste_is_text_and_bounded_and_says_what_it_left_out() {
        let mut line = Line::new("x");
        line.insert("a\r\nb\nc\rd\te\x1b[31m\x07");
        assert_eq!(line.text(), "xa b c d e[31m");
        assert!(drawn(&line, 60).ends_with(" 2 control characters left out"), "{}", drawn(&line, 60));
        press(&mut line, "Ctrl-u");
        assert!(!drawn(&line, 60).contains("left out"), "it was read");
        line.insert(&"y".repeat(5000));
        assert_eq!(line.text().chars().count(), LINE_MAX);
        assert!(drawn(&line, 60).ends_with("y  3,976 left out, 1,024 is the most"), "{}", drawn(&line, 60));
        press(&mut line, "z");
        assert!(drawn(&line, 60).ends_with(" 1 left out, 1,024 is the most"), "{}", drawn(&line, 60));
        let mut line = Line::new(&"y".repeat(LINE_MAX - 1));
        line.insert("e\u{301}z");
        assert!(line.text().ends_with("yy"), "a character is not taken in part, nor what follows it");
    }

    #[test]
    fn the_cursor_stays_in_sight() {
        let area = Rect::new(0, 0, 5, 1);
        for (text, shown) in [("abc", "abc  "), ("abcdefgh", "efgh "), ("", "     "), ("ab文字", "文 字  ")] {
            let mut buffer = Buffer::empty(area);
            Line::new(text).draw(area, &mut buffer, &Styles::plain());
            assert_eq!(drawn(&Line::new(text), 5), shown);
            let at = sanitise::width(text).min(4) as u16;
            assert!(buffer[(at, 0)].modifier.contains(Modifier::REVERSED), "{text}");
        }
    }
}
