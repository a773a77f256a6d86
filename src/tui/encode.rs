//! Cells to bytes: the least that makes the terminal show what changed.

use std::io::Write as _;

use crate::console::picture::{Attributes, Cell, Colour, Look, Picture};

/// Appends to `out` what turns the picture `before` into `after`; nothing when they are equal. Both have the same size.
///
/// Ratatui's own diff leaves the right half of a wide character that is overwritten to the terminal,
/// which fills it with the look of the character written last: a stray reversed cell.
pub fn changes(before: &Picture, after: &Picture, out: &mut Vec<u8>) {
    // `CSI m` has left the terminal without a look.
    let mut pen = Pen { look: Look::default(), at: None };
    for y in 0..after.size().rows {
        let (old, new) = (before.row(y), after.row(y));
        let mut x = 0;
        while let Some(cell) = new.get(x) {
            // A cell of its own now, and so far the right half of a wide character.
            let halved = x > 0 && old.get(x - 1).is_some_and(|left| left.columns() > 1);
            if halved || old.get(x) != Some(cell) {
                pen.write(x as u16, y, cell, out);
                if x + 1 == new.len() {
                    pen.at = None;
                }
            }
            x += usize::from(cell.columns());
        }
    }
    if pen.look != Look::default() {
        out.extend_from_slice(b"\x1b[m");
    }
}

/// Where the terminal writes next, when that is known, and how it looks.
struct Pen {
    look: Look,
    at: Option<(u16, u16)>,
}

impl Pen {
    fn write(&mut self, x: u16, y: u16, cell: &Cell, out: &mut Vec<u8>) {
        if self.at != Some((x, y)) {
            push(out, format_args!("\x1b[{};{}H", y + 1, x + 1));
        }
        if cell.look != self.look {
            select(out, cell.look);
            self.look = cell.look;
        }
        out.extend_from_slice(cell.text.as_bytes());
        // Terminals disagree on the width of what is not one plain character: say again where we are.
        self.at = is_narrow(cell).then_some((x + 1, y));
    }
}

fn is_narrow(cell: &Cell) -> bool {
    let mut chars = cell.text.chars();
    let first = chars.next();
    chars.next().is_none() && first.is_some_and(|c| unicode_width::UnicodeWidthChar::width(c) == Some(1))
}

fn select(out: &mut Vec<u8>, look: Look) {
    const CODES: [(Attributes, &str); 6] = [
        (Attributes::BOLD, ";1"),
        (Attributes::DIM, ";2"),
        (Attributes::ITALIC, ";3"),
        (Attributes::UNDERLINED, ";4"),
        (Attributes::REVERSED, ";7"),
        (Attributes::CROSSED_OUT, ";9"),
    ];
    out.extend_from_slice(b"\x1b[0");
    for (attribute, code) in CODES {
        if look.attributes.contains(attribute) {
            out.extend_from_slice(code.as_bytes());
        }
    }
    colour(out, look.foreground, 30);
    colour(out, look.background, 40);
    out.push(b'm');
}

/// `base` is 30 for the foreground and 40 for the background (ECMA-48, 8.3.117).
fn colour(out: &mut Vec<u8>, colour: Colour, base: u8) {
    match colour {
        Colour::Unset => {}
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

    const SIZE: Size = Size { columns: 20, rows: 4 };

    fn picture(strokes: &[(u16, u16, &str, Style)]) -> Picture {
        let mut picture = Picture::default();
        Easel::default().draw(SIZE, &mut picture, |_, buffer| {
            for (x, y, text, style) in strokes {
                buffer.set_stringn(*x, *y, text, usize::from(SIZE.columns - x), *style);
            }
        });
        picture
    }

    fn check(terminal: &vt100::Parser, wanted: &Picture) -> Result<(), TestCaseError> {
        for y in 0..SIZE.rows {
            for x in 0..SIZE.columns {
                let seen = terminal.screen().cell(y, x).expect("inside");
                let cell = wanted.cell(x, y).expect("inside");
                if seen.is_wide_continuation() {
                    continue;
                }
                let text = if seen.contents().is_empty() { " " } else { seen.contents() };
                prop_assert_eq!(text, cell.text.as_str(), "at {},{}", x, y);
                prop_assert_eq!(seen.inverse(), cell.look.attributes.contains(Attributes::REVERSED));
                prop_assert_eq!(seen.bold(), cell.look.attributes.contains(Attributes::BOLD));
                let fg = match cell.look.foreground {
                    Colour::Unset => vt100::Color::Default,
                    Colour::Palette(n) => vt100::Color::Idx(n),
                    Colour::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
                };
                prop_assert_eq!(seen.fgcolor(), fg, "colour at {},{}", x, y);
            }
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
        let modifier =
            prop_oneof![Just(Modifier::empty()), Just(Modifier::REVERSED), Just(Modifier::BOLD | Modifier::REVERSED)];
        (colour, modifier).prop_map(|(fg, add)| Style::new().fg(fg).add_modifier(add))
    }

    fn strokes() -> impl Strategy<Value = Vec<(u16, u16, &'static str, Style)>> {
        let text = prop_oneof![Just("zk1 up"), Just("●▁▂█"), Just("文字 x"), Just("   ")];
        prop::collection::vec((0..SIZE.columns, 0..SIZE.rows, text, style()), 0..6)
    }

    /// Both pictures one after the other in one terminal.
    fn check_both(first: &Picture, second: &Picture) -> Result<(), TestCaseError> {
        let cells = |n| std::num::NonZeroU16::new(n).expect("not 0");
        let mut terminal = vt100::Parser::new(cells(SIZE.rows), cells(SIZE.columns), 0);
        let mut bytes = Vec::new();
        changes(&Picture::new(SIZE), first, &mut bytes);
        terminal.process(&bytes);
        check(&terminal, first)?;
        bytes.clear();
        changes(first, second, &mut bytes);
        terminal.process(&bytes);
        check(&terminal, second)
    }

    proptest! {
        #[test]
        fn a_terminal_shows_every_picture_after_every_other(first in strokes(), second in strokes()) {
            check_both(&picture(&first), &picture(&second))?;
        }
    }

    #[test]
    fn the_right_half_of_what_is_covered_itself_is_written_anew() {
        let first = picture(&[(11, 2, "文字 x", Style::new())]);
        let second = picture(&[(8, 2, "文字 x", Style::new().red()), (11, 2, "文字 x", Style::new())]);
        check_both(&first, &second).unwrap();
    }

    #[test]
    fn equal_pictures_cost_nothing_and_one_cell_costs_little() {
        let (before, mut out) = (picture(&[(0, 0, "next in 9s", Style::new())]), Vec::new());
        changes(&before, &before, &mut out);
        assert_eq!(out, b"");
        changes(&before, &picture(&[(0, 0, "next in 8s", Style::new())]), &mut out);
        assert_eq!(out, b"\x1b[1;9H8");
    }
}
