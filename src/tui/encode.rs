//! Cells to bytes: the least that makes the terminal show what changed.

use std::io::Write as _;

use unicode_width::UnicodeWidthChar as _;

use crate::console::picture::{Attributes, Cell, Colour, Look, Picture};

/// Appends to `out` what turns the picture `before` into `after`; nothing when they are equal. Both have the same size.
///
/// Ratatui's own diff leaves what is left of a wide character that is overwritten to the terminal, which fills it with
/// the look of the character written last: a stray reversed cell. And terminals disagree on the columns of what is more
/// than one character of Unicode's: whatever such a one may have covered is written anew, before and after it.
pub fn changes(before: &Picture, after: &Picture, out: &mut Vec<u8>) {
    // `CSI m` has left the terminal without a look.
    let mut pen = Pen { look: Look::default(), at: None, row: None };
    for y in 0..after.size().rows {
        let (old, new) = (before.row(y), after.row(y));
        if old != new {
            change_row(old, new, y, &mut pen, out);
        }
    }
    if pen.look != Look::default() {
        out.extend_from_slice(b"\x1b[m");
    }
}

fn change_row(old: &[Cell], new: &[Cell], y: u16, pen: &mut Pen, out: &mut Vec<u8>) {
    let mut stale = vec![false; new.len()];
    let same = {
        let (was, is) = (shown(old), shown(new));
        (0..new.len()).map(|x| was[x] && is[x] && looks_same(&old[x], &new[x])).collect::<Vec<bool>>()
    };
    let mut x = 0;
    while let Some(cell) = old.get(x) {
        if !same[x] {
            mark(&mut stale, x, extent(cell));
        }
        x += usize::from(cell.columns());
    }
    let mut x = 0;
    while let Some(cell) = new.get(x) {
        let end = (x + usize::from(cell.columns())).min(new.len());
        if same[x] && !stale[x..end].contains(&true) {
            x = end;
            continue;
        }
        let blank = new[x..].iter().take_while(|cell| is_blank(cell)).count();
        if let Some(erased) = pen.erase((x, y), blank, &stale, out) {
            x += erased;
            continue;
        }
        pen.go((x as u16, y), new, out);
        pen.write(cell, new.len() - x, out);
        mark(&mut stale, x, extent(cell));
        x = end;
    }
}

/// Which cells are shown: those that no wide character left of them covers.
fn shown(row: &[Cell]) -> Vec<bool> {
    let (mut shown, mut x) = (vec![false; row.len()], 0);
    while let Some(cell) = row.get(x) {
        shown[x] = true;
        x += usize::from(cell.columns());
    }
    shown
}

fn mark(stale: &mut [bool], x: usize, columns: usize) {
    let end = (x + columns).min(stale.len());
    stale[x..end].fill(true);
}

/// Columns that a terminal may give to the text: all together, or each character its own.
fn extent(cell: &Cell) -> usize {
    let apart: usize = cell.text.chars().map(|c| c.width().unwrap_or(0)).sum();
    apart.max(usize::from(cell.columns()))
}

/// Whether nobody can see a difference: a blank shows its background only.
fn looks_same(a: &Cell, b: &Cell) -> bool {
    a == b || (is_invisible(a) && is_invisible(b) && a.look.background == b.look.background)
}

/// A blank of which no foreground is seen.
fn is_invisible(cell: &Cell) -> bool {
    cell.text == " " && !shows_blanks(cell.look)
}

/// Whether the foreground of a blank would be seen.
fn shows_blanks(look: Look) -> bool {
    const SEEN: [Attributes; 3] = [Attributes::REVERSED, Attributes::UNDERLINED, Attributes::CROSSED_OUT];
    SEEN.iter().any(|seen| look.attributes.contains(*seen))
}

/// What erasing leaves.
fn is_blank(cell: &Cell) -> bool {
    is_invisible(cell) && cell.look.background == Colour::Unset
}

/// Most cells between two that changed which are written anew instead of passed over: as many bytes.
const GAP_MAX: u16 = 3;
/// Blanks from which on erasing them is less than writing them: to the end of the row, and in its middle.
const ERASE_END: usize = 4;
const ERASE: usize = 10;

/// Where the terminal writes next, as far as that is known, and how it looks.
struct Pen {
    look: Look,
    at: Option<(u16, u16)>,
    row: Option<u16>,
}

impl Pen {
    /// Erases blanks where that is less than to write them; how many.
    fn erase(&mut self, (x, y): (usize, u16), blank: usize, stale: &[bool], out: &mut Vec<u8>) -> Option<usize> {
        let changed = stale[x..x + blank].iter().filter(|stale| **stale).count();
        let to_end = x + blank == stale.len();
        if changed < if to_end { ERASE_END } else { ERASE } {
            return None;
        }
        // What is erased gets the background that is in use.
        self.put_on(Look::default(), out);
        self.go((x as u16, y), &[], out);
        if to_end {
            out.extend_from_slice(b"\x1b[K");
        } else {
            push(out, format_args!("\x1b[{blank}X"));
        }
        Some(blank)
    }

    /// Goes where the next cell is to be written; the cells of `row` between are as they should be.
    fn go(&mut self, (x, y): (u16, u16), row: &[Cell], out: &mut Vec<u8>) {
        let from = self.at.filter(|(_, row)| *row == y).map(|(column, _)| column);
        match (from, self.row) {
            (Some(from), _) if from == x => {}
            (Some(from), _)
                if from < x
                    && x - from <= GAP_MAX
                    && self.writes(&row[usize::from(from).min(row.len())..], x - from) =>
            {
                for cell in &row[usize::from(from)..usize::from(x)] {
                    out.extend_from_slice(cell.text.as_bytes());
                }
            }
            (Some(from), _) if from < x && x - from < 10 => push(out, format_args!("\x1b[{}C", x - from)),
            (_, Some(row)) if row == y && x == 0 => out.push(b'\r'),
            (_, Some(row)) if row == y => push(out, format_args!("\x1b[{}G", x + 1)),
            (_, Some(row)) if row + 1 == y && x == 0 => out.extend_from_slice(b"\r\n"),
            _ if x == 0 => push(out, format_args!("\x1b[{}H", y + 1)),
            _ => push(out, format_args!("\x1b[{};{}H", y + 1, x + 1)),
        }
        (self.at, self.row) = (Some((x, y)), Some(y));
    }

    /// Whether the first cells of `row` are plain and look as what is written now.
    fn writes(&self, row: &[Cell], count: u16) -> bool {
        let cells = row.get(..usize::from(count));
        cells.is_some_and(|cells| cells.iter().all(|cell| is_narrow(cell) && self.shows(cell)))
    }

    /// Whether the cell needs no other look than there is.
    fn shows(&self, cell: &Cell) -> bool {
        let unseen = is_invisible(cell) && !shows_blanks(self.look) && cell.look.background == self.look.background;
        unseen || cell.look == self.look
    }

    /// Writes a cell where the pen is, with `room` columns up to the end of the row.
    fn write(&mut self, cell: &Cell, room: usize, out: &mut Vec<u8>) {
        if !self.shows(cell) {
            self.put_on(cell.look, out);
        }
        let Some((x, y)) = self.at else { return };
        if is_narrow(cell) {
            out.extend_from_slice(cell.text.as_bytes());
            // Behind the last column terminals stand in two ways.
            self.at = (room > 1).then_some((x + 1, y));
            return;
        }
        let columns = usize::from(cell.columns());
        if cell.text.chars().nth(1).is_some() {
            // A terminal that gives it fewer columns than we leaves the others as they were.
            out.extend(std::iter::repeat_n(b' ', columns.min(room)));
            push(out, format_args!("\x1b[{}G", x + 1));
        }
        // One that gives it more must not be led beyond the row.
        if extent(cell) <= room {
            out.extend_from_slice(cell.text.as_bytes());
        } else if let Some(first) = cell.text.chars().next().filter(|c| c.width().is_some_and(|width| width <= room)) {
            out.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
        }
        // Terminals disagree on the width of what is not one plain character: say again where we are.
        self.at = None;
    }

    fn put_on(&mut self, look: Look, out: &mut Vec<u8>) {
        if look != self.look {
            select(out, self.look, look);
            self.look = look;
        }
    }
}

fn is_narrow(cell: &Cell) -> bool {
    let mut chars = cell.text.chars();
    let first = chars.next();
    chars.next().is_none() && first.is_some_and(|c| c.width() == Some(1))
}

/// Attributes with the code that sets each and the code that ends it.
const CODES: [(Attributes, u8, u8); 6] = [
    (Attributes::BOLD, 1, 22),
    (Attributes::DIM, 2, 22),
    (Attributes::ITALIC, 3, 23),
    (Attributes::UNDERLINED, 4, 24),
    (Attributes::REVERSED, 7, 27),
    (Attributes::CROSSED_OUT, 9, 29),
];

/// From one look to the next, by what differs or from nothing, whichever is shorter.
fn select(out: &mut Vec<u8>, from: Look, to: Look) {
    let (mut step, mut anew) = (Vec::new(), vec![b';']);
    let ends = |off: u8| CODES.iter().any(|(attribute, _, end)| *end == off && lost(from, to, *attribute));
    for off in [22, 23, 24, 27, 29].into_iter().filter(|off| ends(*off)) {
        push(&mut step, format_args!(";{off}"));
    }
    for (attribute, on, off) in CODES.into_iter().filter(|(attribute, ..)| to.attributes.contains(*attribute)) {
        _ = write!(anew, ";{on}");
        if !from.attributes.contains(attribute) || ends(off) {
            _ = write!(step, ";{on}");
        }
    }
    if from.foreground != to.foreground {
        colour(&mut step, to.foreground, 30);
    }
    if from.background != to.background {
        colour(&mut step, to.background, 40);
    }
    for (of, base) in [(to.foreground, 30), (to.background, 40)] {
        if of != Colour::Unset {
            colour(&mut anew, of, base);
        }
    }
    let codes = if anew.len() < step.len() { &anew } else { &step };
    out.extend_from_slice(b"\x1b[");
    out.extend_from_slice(codes.get(1..).unwrap_or_default());
    out.push(b'm');
}

fn lost(from: Look, to: Look, attribute: Attributes) -> bool {
    from.attributes.contains(attribute) && !to.attributes.contains(attribute)
}

/// `base` is 30 for the foreground and 40 for the background (ECMA-48, 8.3.117).
fn colour(out: &mut Vec<u8>, colour: Colour, base: u8) {
    match colour {
        Colour::Unset => push(out, format_args!(";{}", base + 9)),
        Colour::Palette(n @ 0..8) => push(out, format_args!(";{}", base + n)),
        // The bright ones are no part of the standard; every terminal with sixteen colours has them so.
        Colour::Palette(n @ 8..16) => push(out, format_args!(";{}", base + 60 + n - 8)),
        Colour::Palette(n) => push(out, format_args!(";{};5;{n}", base + 8)),
        Colour::Rgb(r, g, b) => push(out, format_args!(";{};2;{r};{g};{b}", base + 8)),
    }
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::{Color, Modifier, Style};

    use super::*;
    use crate::console::picture::{Easel, Size};

    const SIZE: Size = Size { columns: 20, rows: 7 };

    fn picture(strokes: &[(u16, u16, &str, Style)]) -> Picture {
        let mut picture = Picture::default();
        Easel::default().draw(SIZE, &mut picture, |_, buffer| {
            for (x, y, text, style) in strokes {
                buffer.set_stringn(*x, *y, text, usize::from(SIZE.columns - x), *style);
            }
        });
        picture
    }

    /// Terminals do not agree on what these cells show.
    fn is_doubtful(cell: &Cell) -> bool {
        cell.text.chars().nth(1).is_some()
    }

    fn check(terminal: &vt100::Parser, wanted: &Picture) -> Result<(), TestCaseError> {
        for y in 0..SIZE.rows {
            let mut x = 0;
            while let Some(cell) = wanted.cell(x, y) {
                let seen = terminal.screen().cell(y, x).expect("inside");
                let text = if seen.contents().is_empty() { " " } else { seen.contents() };
                if is_doubtful(cell) {
                    let first = cell.text.chars().next().expect("text");
                    let whole = usize::from(x) + extent(cell) <= usize::from(SIZE.columns);
                    prop_assert!(text.starts_with(first) || !whole, "{:?} at {},{}: {:?}", cell.text, x, y, text);
                } else {
                    prop_assert_eq!(text, cell.text.as_str(), "at {},{}", x, y);
                    check_look(seen, cell)?;
                }
                x += cell.columns();
            }
        }
        Ok(())
    }

    fn check_look(seen: &vt100::Cell, cell: &Cell) -> Result<(), TestCaseError> {
        let colour = |colour| match colour {
            Colour::Unset => vt100::Color::Default,
            Colour::Palette(n) => vt100::Color::Idx(n),
            Colour::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
        };
        let has = |attribute| cell.look.attributes.contains(attribute);
        prop_assert_eq!(seen.inverse(), has(Attributes::REVERSED));
        prop_assert_eq!(seen.underline(), has(Attributes::UNDERLINED));
        prop_assert_eq!(seen.bgcolor(), colour(cell.look.background));
        if !is_invisible(cell) {
            prop_assert_eq!(seen.bold(), has(Attributes::BOLD));
            prop_assert_eq!(seen.italic(), has(Attributes::ITALIC));
            prop_assert_eq!(seen.fgcolor(), colour(cell.look.foreground));
        }
        Ok(())
    }

    fn style() -> impl Strategy<Value = Style> {
        let colour = prop_oneof![
            Just(Color::Reset),
            Just(Color::Red),
            Just(Color::LightBlue),
            Just(Color::Indexed(75)),
            Just(Color::Rgb(1, 2, 3))
        ];
        let modifier = prop_oneof![
            Just(Modifier::empty()),
            Just(Modifier::REVERSED),
            Just(Modifier::BOLD | Modifier::REVERSED),
            Just(Modifier::BOLD),
            Just(Modifier::UNDERLINED),
            Just(Modifier::ITALIC),
        ];
        let ground = prop_oneof![4 => Just(Color::Reset), 1 => Just(Color::Blue), 1 => Just(Color::Rgb(9, 8, 7))];
        (colour, ground, modifier).prop_map(|(fg, bg, add)| Style::new().fg(fg).bg(bg).add_modifier(add))
    }

    /// Plain, wide, three columns, combining, joined, coloured, flags, halfwidth marks, blanks.
    const TEXTS: [&str; 12] = [
        "zk1 up",
        "●▁▂█",
        "文字 x",
        "   ",
        "                    ",
        "क्षिक्षि x",
        "e\u{301}a\u{308} o",
        "👩\u{200d}👩\u{200d}👧 x",
        "👍🏽👍🏽",
        "🇩🇪🇫🇷 x",
        "ｶﾞｷﾞ x",
        "لا ห้อง",
    ];

    fn strokes() -> impl Strategy<Value = Vec<(u16, u16, &'static str, Style)>> {
        prop::collection::vec((0..SIZE.columns, 0..SIZE.rows, prop::sample::select(&TEXTS[..]), style()), 0..6)
    }

    /// All pictures one after the other in one terminal, as the screen sends them.
    fn check_all(pictures: &[Picture]) -> Result<(), TestCaseError> {
        let cells = |n| std::num::NonZeroU16::new(n).expect("not 0");
        let mut terminal = vt100::Parser::new(cells(SIZE.rows), cells(SIZE.columns), 0);
        let mut shown = Picture::new(SIZE);
        for next in pictures {
            let mut bytes = Vec::new();
            crate::tui::scroll::scroll(&mut shown, next, &mut bytes);
            changes(&shown, next, &mut bytes);
            terminal.process(&bytes);
            check(&terminal, next)?;
            shown = next.clone();
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn a_terminal_shows_every_picture_after_every_other(all in prop::collection::vec(strokes(), 1..5)) {
            check_all(&all.iter().map(|strokes| picture(strokes)).collect::<Vec<_>>())?;
        }

        /// Lists of which rows move, with what stays around them.
        #[test]
        fn a_terminal_shows_rows_that_move(firsts in prop::collection::vec(0..TEXTS.len(), 1..8), head in any::<bool>()) {
            let list = |first: usize| {
                let top = u16::from(head);
                let rows = (top..SIZE.rows).map(|y| (0, y, TEXTS[(first + usize::from(y)) % TEXTS.len()], Style::new()));
                picture(&rows.collect::<Vec<_>>())
            };
            check_all(&firsts.into_iter().map(list).collect::<Vec<_>>())?;
        }
    }

    #[test]
    fn all_columns_of_what_was_covered_are_written_anew() {
        for (text, at) in [("文字 x", 11), ("क्षि", 3), ("👍🏽", 5), ("👩\u{200d}👩\u{200d}👧", 0), ("🇩🇪", 17)]
        {
            let wide = picture(&[(at, 2, text, Style::new())]);
            let plain = picture(&[(0, 2, "abcdefghijklmnopqrst", Style::new())]);
            let moved =
                picture(&[(at.saturating_sub(1), 2, text, Style::new().red()), (at + 2, 2, text, Style::new())]);
            check_all(&[plain.clone(), wide.clone(), plain, wide, Picture::new(SIZE), moved]).unwrap();
        }
    }

    #[test]
    fn equal_pictures_cost_nothing_and_one_cell_costs_little() {
        let (before, mut out) = (picture(&[(0, 0, "next in 9s", Style::new())]), Vec::new());
        changes(&before, &before, &mut out);
        assert_eq!(out, b"");
        changes(&before, &picture(&[(0, 0, "next in 8s", Style::new())]), &mut out);
        assert_eq!(out, b"\x1b[1;9H8");
        let before = picture(&[(0, 0, "a long line of text", Style::new().red()), (0, 1, "x", Style::new())]);
        let after = picture(&[(0, 0, "a", Style::new().red()), (0, 1, "y", Style::new().bold().red())]);
        out.clear();
        changes(&before, &after, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), "\x1b[1;3H\x1b[K\r\n\x1b[1;31my\x1b[m");
    }
}
