//! Cells to bytes: the least that makes the terminal show what changed.

use std::io::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// Look of a cell. `Default` is what the terminal does after `CSI m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Look = Look { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

/// Appends to `out` what turns the picture `before` into `after`; nothing when they are equal. Both
/// have the same area.
///
/// Ratatui's own diff leaves the right half of a wide character that is overwritten to the terminal,
/// which fills it with the look of the character written last: a stray reversed cell.
pub fn changes(before: &Buffer, after: &Buffer, out: &mut Vec<u8>) {
    let mut pen = Pen { look: PLAIN, at: None };
    for y in after.area.top()..after.area.bottom() {
        let mut x = after.area.left();
        while x < after.area.right() {
            let cell = &after[(x, y)];
            // A cell of its own now, and so far the right half of a wide character.
            let halved = x > after.area.left() && columns(&before[(x - 1, y)]) > 1;
            if halved || before[(x, y)] != *cell {
                pen.write(x, y, cell, out);
                if x + 1 == after.area.right() {
                    pen.at = None;
                }
            }
            x += columns(cell);
        }
    }
    if pen.look != PLAIN {
        out.extend_from_slice(b"\x1b[m");
    }
}

/// Columns that the cell's text takes, at least one.
fn columns(cell: &Cell) -> u16 {
    unicode_width::UnicodeWidthStr::width(cell.symbol()).max(1) as u16
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
        let wanted = Look { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
        if wanted != self.look {
            select(out, wanted);
            self.look = wanted;
        }
        out.extend_from_slice(cell.symbol().as_bytes());
        // Terminals disagree on the width of what is not one plain character: say again where we are.
        self.at = is_narrow(cell).then_some((x + 1, y));
    }
}

fn is_narrow(cell: &Cell) -> bool {
    let mut chars = cell.symbol().chars();
    let first = chars.next();
    chars.next().is_none() && first.is_some_and(|c| unicode_width::UnicodeWidthChar::width(c) == Some(1))
}

fn select(out: &mut Vec<u8>, look: Look) {
    const CODES: [(Modifier, &str); 6] = [
        (Modifier::BOLD, ";1"),
        (Modifier::DIM, ";2"),
        (Modifier::ITALIC, ";3"),
        (Modifier::UNDERLINED, ";4"),
        (Modifier::REVERSED, ";7"),
        (Modifier::CROSSED_OUT, ";9"),
    ];
    out.extend_from_slice(b"\x1b[0");
    for (modifier, code) in CODES {
        if look.modifier.contains(modifier) {
            out.extend_from_slice(code.as_bytes());
        }
    }
    colour(out, look.fg, 30);
    colour(out, look.bg, 40);
    out.push(b'm');
}

/// `base` is 30 for the foreground and 40 for the background (ECMA-48, 8.3.117).
fn colour(out: &mut Vec<u8>, colour: Color, base: u8) {
    let dark = |n: u8| base + n;
    let bright = |n: u8| base + 60 + n;
    let code = match colour {
        Color::Reset => return,
        Color::Black => dark(0),
        Color::Red => dark(1),
        Color::Green => dark(2),
        Color::Yellow => dark(3),
        Color::Blue => dark(4),
        Color::Magenta => dark(5),
        Color::Cyan => dark(6),
        Color::Gray => dark(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(n) => return push(out, format_args!(";{};5;{n}", base + 8)),
        Color::Rgb(r, g, b) => return push(out, format_args!(";{};2;{r};{g};{b}", base + 8)),
    };
    push(out, format_args!(";{code}"));
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    const AREA: Rect = Rect { x: 0, y: 0, width: 20, height: 4 };

    fn picture(strokes: &[(u16, u16, &str, Style)]) -> Buffer {
        let mut buffer = Buffer::empty(AREA);
        for (x, y, text, style) in strokes {
            buffer.set_stringn(*x, *y, text, usize::from(AREA.width - x), *style);
        }
        buffer
    }

    fn check(terminal: &vt100::Parser, wanted: &Buffer) -> Result<(), TestCaseError> {
        for y in 0..AREA.height {
            for x in 0..AREA.width {
                let seen = terminal.screen().cell(y, x).expect("inside");
                let cell = &wanted[(x, y)];
                if seen.is_wide_continuation() {
                    continue;
                }
                let text = if seen.contents().is_empty() { " " } else { seen.contents() };
                prop_assert_eq!(text, cell.symbol(), "at {},{}", x, y);
                prop_assert_eq!(seen.inverse(), cell.modifier.contains(Modifier::REVERSED));
                prop_assert_eq!(seen.bold(), cell.modifier.contains(Modifier::BOLD));
                let fg = match cell.fg {
                    Color::Red => vt100::Color::Idx(1),
                    Color::LightBlue => vt100::Color::Idx(12),
                    Color::Indexed(n) => vt100::Color::Idx(n),
                    Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
                    _ => vt100::Color::Default,
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
        prop::collection::vec((0..AREA.width, 0..AREA.height, text, style()), 0..6)
    }

    /// Both pictures one after the other in one terminal.
    fn check_both(first: &Buffer, second: &Buffer) -> Result<(), TestCaseError> {
        let cells = |n| std::num::NonZeroU16::new(n).expect("not 0");
        let mut terminal = vt100::Parser::new(cells(AREA.height), cells(AREA.width), 0);
        let mut bytes = Vec::new();
        changes(&Buffer::empty(AREA), first, &mut bytes);
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
