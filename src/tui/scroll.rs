//! A list that moves by a row or a few: the terminal moves it, and only what is new is written.

use std::io::Write as _;

use crate::console::picture::Picture;

/// Rows that a list moves by at most: a wheel's turn is three.
const BY_MAX: usize = 3;
/// Rows that are saved at least: moving costs some twenty bytes.
const SAVED_MIN: usize = 3;
/// Rows in a row that may differ within what moves, such as those of a cursor that stays where it is.
const APART_MAX: usize = 2;

/// Rows that move together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Move {
    /// The first row of what moves, and the one behind the last.
    top: usize,
    bottom: usize,
    by: usize,
    up: bool,
}

/// Where it saves bytes, lets the terminal move rows of the picture that it shows: `before` is what it shows then. It has
/// no look, as after `CSI m`.
pub(super) fn scroll(before: &mut Picture, after: &Picture, out: &mut Vec<u8>) {
    let Some(found) = find(before, after) else { return };
    let Move { top, bottom, by, up } = found;
    let (top, bottom) = (top as u16, bottom as u16);
    // Setting margins takes the cursor home. A line feed at the lower one moves all between them up, `ESC M` at the
    // upper one moves it down; not every terminal has the sequences that move by a number.
    _ = write!(out, "\x1b[{};{bottom}r", top + 1);
    if up {
        _ = write!(out, "\x1b[{bottom}H");
        out.extend(std::iter::repeat_n(b'\n', by));
    } else {
        _ = write!(out, "\x1b[{}H", top + 1);
        out.extend(std::iter::repeat_n(*b"\x1bM", by).flatten());
    }
    out.extend_from_slice(b"\x1b[r");
    before.scroll(top, bottom, by as u16, up);
}

fn find(before: &Picture, after: &Picture) -> Option<Move> {
    let rows = usize::from(after.size().rows);
    let differing = (0..rows).filter(|y| row(before, *y) != row(after, *y)).count();
    if differing <= SAVED_MIN {
        return None;
    }
    let ways = (1..=BY_MAX).flat_map(|by| [(by, true), (by, false)]);
    let found = ways.filter_map(|(by, up)| longest(before, after, by, up));
    found.max_by_key(|(saved, _)| *saved).filter(|(saved, _)| *saved >= SAVED_MIN).map(|(_, found)| found)
}

fn row(picture: &Picture, y: usize) -> &[crate::console::picture::Cell] {
    picture.row(y as u16)
}

/// The move in this way that saves most, and how many rows it saves.
fn longest(before: &Picture, after: &Picture, by: usize, up: bool) -> Option<(usize, Move)> {
    let rows = usize::from(after.size().rows);
    let from = |y: usize| if up { Some(y + by).filter(|y| *y < rows) } else { y.checked_sub(by) };
    let moved = |y: usize| from(y).is_some_and(|from| row(before, from) == row(after, y));
    let stays = |y: usize| row(before, y) == row(after, y);
    let (mut best, mut run) = (None::<(usize, Move)>, None::<(usize, usize)>);
    for y in 0..=rows {
        let (first, last) = match run {
            _ if y < rows && moved(y) => {
                run = Some((run.map_or(y, |(first, _)| first), y));
                continue;
            }
            Some((first, last)) if y < rows && y - last <= APART_MAX => (first, last),
            Some(whole) => {
                run = None;
                whole
            }
            None => continue,
        };
        let (top, bottom) = if up { (first, last + 1 + by) } else { (first - by, last + 1) };
        let gained = (first..=last).filter(|y| moved(*y) && !stays(*y)).count();
        let spoilt = (top..bottom).filter(|y| stays(*y) && !(moved(*y) && (first..=last).contains(y))).count();
        let saved = gained.saturating_sub(spoilt);
        if best.is_none_or(|(most, _)| saved > most) {
            best = Some((saved, Move { top, bottom, by, up }));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;
    use crate::console::picture::{Easel, Size};

    fn picture(rows: &[&str]) -> Picture {
        let mut picture = Picture::default();
        Easel::default().draw(Size { columns: 8, rows: rows.len() as u16 }, &mut picture, |_, buffer| {
            for (row, y) in rows.iter().zip(0..) {
                buffer.set_string(0, y, row, Style::new());
            }
        });
        picture
    }

    fn scrolled(before: &[&str], after: &[&str]) -> (String, Picture) {
        let (mut shown, mut out) = (picture(before), Vec::new());
        scroll(&mut shown, &picture(after), &mut out);
        (String::from_utf8(out).expect("ascii").replace('\x1b', "^"), shown)
    }

    #[test]
    fn rows_that_move_are_moved_by_the_terminal() {
        let before = ["head", "a", "b", "c", "d", "e", "foot"];
        let (bytes, shown) = scrolled(&before, &["head", "b", "c", "d", "e", "f", "foot"]);
        assert_eq!((bytes.as_str(), shown), ("^[2;6r^[6H\n^[r", picture(&["head", "b", "c", "d", "e", "", "foot"])));
        let (bytes, shown) = scrolled(&before, &["head", "y", "z", "a", "b", "c", "foot"]);
        assert_eq!((bytes.as_str(), shown), ("^[2;6r^[2H^M^M^[r", picture(&["head", "", "", "a", "b", "c", "foot"])));
    }

    #[test]
    fn a_cursor_that_stays_where_it_is_does_not_hinder() {
        let before = ["a", "b", "> c", "d", "e", "f", "g"];
        let (bytes, _) = scrolled(&before, &["b", "c", "> d", "e", "f", "g", "h"]);
        assert_eq!(bytes, "^[1;7r^[7H\n^[r");
    }

    #[test]
    fn what_does_not_pay_is_left_alone() {
        let before = ["a", "b", "c", "d", "e", "f", "g"];
        for after in [
            ["a", "b", "c", "d", "e", "f", "g"],
            ["b", "c", "c", "d", "e", "f", "g"],
            ["q", "r", "s", "t", "u", "v", "w"],
            ["", "", "", "", "", "", ""],
        ] {
            assert_eq!(scrolled(&before, &after).0, "", "{after:?}");
        }
        assert_eq!(scrolled(&["", "", "", "", "x"], &["", "", "", "", ""]).0, "");
        assert_eq!(scrolled(&[], &[]).0, "");
    }
}
