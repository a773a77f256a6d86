//! Text from outside is made harmless here before it reaches a cell: nothing that it holds can move
//! the cursor, reverse the reading order or hide.

use std::borrow::Cow;
use std::fmt::Write as _;

use ratatui::buffer::CellWidth as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// Makes control, bidi, zero-width, variation and tag characters visible: `ESC` becomes `^[`,
/// U+202E becomes `<202E>`, a tab becomes a space. Everything else stays as it is.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            '\0'..='\x1f' | '\x7f' => {
                out.push('^');
                out.push(char::from((c as u8) ^ 0x40));
            }
            c if is_harmless(c) => out.push(c),
            c => _ = write!(out, "<{:04X}>", u32::from(c)),
        }
    }
    Cow::Owned(out)
}

/// Characters that a terminal prints and that take a place of their own or build on the one before.
fn is_harmless(c: char) -> bool {
    match u32::from(c) {
        0x20..=0x7e => true,
        // Controls of both sets.
        0x00..=0x1f | 0x7f..=0x9f => false,
        // Soft hyphen, Arabic letter mark, Hangul and Khmer fillers, Mongolian separators.
        0xad | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x3164 | 0xffa0 => false,
        // Zero-width, bidi marks and embeddings, line separators, isolates, invisible operators.
        0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f => false,
        // Variation selectors make the width doubtful; the byte order mark and fillers hide.
        0xfe00..=0xfe0f | 0xfeff | 0xfff0..=0xfffb => false,
        // Shorthand and musical format controls, tags, variation selectors supplement.
        0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff => false,
        _ => true,
    }
}

/// Cuts `text` to at most `width` columns, with `…` as its last column when something was cut.
#[must_use]
pub fn fit(text: &str, width: usize) -> String {
    fit_with(text, width, "…")
}

/// [`fit`] with an ellipsis of the caller's, one column wide.
#[must_use]
pub fn fit_with(text: &str, width: usize, ellipsis: &str) -> String {
    if self::width(text) <= width {
        return text.to_owned();
    }
    if width == 0 {
        return String::new();
    }
    let mut used = 0;
    let mut out = String::new();
    for piece in text.graphemes(true) {
        let columns = self::width(piece);
        if used + columns > width - 1 {
            break;
        }
        used += columns;
        out.push_str(piece);
    }
    out.push_str(ellipsis);
    out
}

/// Columns that the text takes on screen: those of what people see as one character, one after the other, as they are
/// drawn.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.bytes().filter(|b| !b.is_ascii_control()).count();
    }
    let drawn = text.graphemes(true).filter(|piece| !piece.contains(char::is_control));
    drawn.map(|piece| usize::from(piece.cell_width())).sum()
}

/// Breaks text at spaces, and a word that is wider than a line where the line ends, into at most `lines`
/// lines of `width` columns; the last one ends with `…` when something was cut.
#[must_use]
pub fn wrap(text: &str, width: usize, lines: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace().flat_map(|word| fold(word, width, usize::MAX)) {
        let gap = usize::from(!line.is_empty());
        if !line.is_empty() && self::width(&line) + gap + self::width(&word) > width {
            out.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        out.push(line);
    }
    if out.len() > lines && lines > 0 {
        let rest = out.split_off(lines - 1).join(" ");
        out.push(rest);
    }
    out.truncate(lines);
    out.iter().map(|line| fit(line, width)).collect()
}

/// Breaks text into at most `rows` rows of `width` columns, wherever that is: no character is left out
/// before the last row, and none is moved.
#[must_use]
pub fn fold(text: &str, width: usize, rows: usize) -> Vec<String> {
    let (mut out, mut row, mut used) = (Vec::new(), String::new(), 0);
    for piece in clean(text).graphemes(true) {
        let columns = self::width(piece);
        if used + columns > width && !row.is_empty() {
            out.push(std::mem::take(&mut row));
            used = 0;
        }
        row.push_str(piece);
        used += columns;
    }
    out.push(row);
    out.truncate(rows);
    out
}

/// A file's name made fit for a folder: it is metadata and may be `../../etc/passwd`. All that can be a name stays as it
/// is, but for a `~` at its beginning, which a shell would take for a home.
#[must_use]
pub fn file_name(name: &str) -> String {
    let plain = name.replace(['/', '\0'], "_");
    match plain.as_str() {
        "" => "file".into(),
        "." | ".." => plain.replace('.', "_"),
        name => name.strip_prefix('~').map_or(plain.clone(), |rest| format!("_{rest}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_text_becomes_visible() {
        let cases = [
            ("plain naïve 文 ●", "plain naïve 文 ●"),
            ("\x1b]52;c;eA==\x07", "^[]52;c;eA==^G"),
            ("a\rb\nc\td\x7f", "a^Mb^Jc d^?"),
            ("\u{9b}31m", "<009B>31m"),
            ("exe.\u{202e}gpj", "exe.<202E>gpj"),
            ("a\u{200b}b\u{feff}", "a<200B>b<FEFF>"),
            ("\u{e0041}\u{e007f}", "<E0041><E007F>"),
            ("\u{2066}x\u{2069}", "<2066>x<2069>"),
        ];
        for (given, shown) in cases {
            assert_eq!(clean(given), shown);
        }
        assert!(matches!(clean("plain"), Cow::Borrowed(_)), "harmless text is not copied");
    }

    /// By Unicode's tables and not by those above: controls, formats, fillers, separators of lines, selectors, tags.
    #[test]
    fn what_hides_or_turns_text_is_shown_by_its_number() {
        let single = [0xad, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x3164, 0xfeff, 0xffa0];
        let ranges = [
            (0x80, 0x9f),
            (0x180b, 0x180f),
            (0x200b, 0x200f),
            (0x2028, 0x202e),
            (0x2060, 0x206f),
            (0xfe00, 0xfe0f),
            (0xfff0, 0xfffb),
            (0x1bca0, 0x1bca3),
            (0x1d173, 0x1d17a),
            (0xe0000, 0xe0fff),
        ];
        let ranges = ranges.into_iter().flat_map(|(first, last)| first..=last);
        for number in single.into_iter().chain(ranges) {
            let shown = clean(&char::from_u32(number).unwrap().to_string()).into_owned();
            assert_eq!(shown, format!("<{number:04X}>"));
        }
        for harmless in ["\u{ac}", "\u{ae}", "\u{61b}", "\u{2010}", "\u{2027}", "\u{202f}", "\u{2070}", "\u{fffd}"] {
            assert_eq!(clean(harmless), harmless);
        }
    }

    #[test]
    fn cutting_counts_columns() {
        for (text, width, cut) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("文字字", 4, "文…"),
            ("文字", 1, "…"),
            ("ab", 0, ""),
            ("", 0, ""),
            ("👍🏽👍🏽", 4, "👍🏽👍🏽"),
            ("👍🏽👍🏽", 3, "👍🏽…"),
            ("क्षिक्षि", 5, "क्षि…"),
        ] {
            assert_eq!(fit(text, width), cut, "{text} to {width}");
        }
    }

    #[test]
    fn folding_leaves_nothing_out() {
        assert_eq!(fold("ab  cdefg文h", 4, 9), ["ab  ", "cdef", "g文h"]);
        assert_eq!(fold("abc文", 4, 9), ["abc", "文"]);
        assert_eq!(fold("abcdefghij", 4, 2), ["abcd", "efgh"]);
        assert_eq!((fold("", 4, 9), fold("\x1b[2J", 9, 9)), (vec![String::new()], vec!["^[[2J".to_owned()]));
    }

    #[test]
    fn wrapping_keeps_words_and_marks_what_is_cut() {
        assert_eq!(wrap("one two three", 7, 3), ["one two", "three"]);
        assert_eq!(wrap("one two three four", 7, 2), ["one two", "three …"]);
        assert_eq!(wrap("", 7, 2), Vec::<String>::new());
        assert_eq!(wrap("a path/of/a/folder x", 7, 9), ["a", "path/of", "/a/fold", "er x"]);
        assert_eq!(wrap("abcdefghij", 4, 2), ["abcd", "efg…"]);
    }

    proptest! {
        #[test]
        fn nothing_dangerous_survives(text in "\\PC*|.*") {
            let cleaned = clean(&text).into_owned();
            prop_assert!(cleaned.chars().all(is_harmless));
            prop_assert_eq!(clean(&cleaned), cleaned.as_str());
        }

        #[test]
        fn a_cut_never_overflows(text in ".*", columns in 0usize..40) {
            prop_assert!(width(&fit(&clean(&text), columns)) <= columns);
        }
    }

    #[test]
    fn names_of_files_are_no_paths_and_stay_as_they_are_otherwise() {
        for (name, safe) in [
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("/tmp/x", "_tmp_x"),
            ("~/.ssh_authorized", "__.ssh_authorized"),
            ("~root", "_root"),
            ("..", "__"),
            (".", "_"),
            ("", "file"),
            ("a\0b", "a_b"),
            (" ", " "),
            (".gitignore", ".gitignore"),
            ("...", "..."),
            ("a~", "a~"),
            ("می\u{200c}خواهم.txt", "می\u{200c}خواهم.txt"),
            ("a\x1bb", "a\x1bb"),
        ] {
            assert_eq!(file_name(name), safe, "{name:?}");
        }
    }
}
