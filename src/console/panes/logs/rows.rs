//! Rows of the list: events, repeats of one event folded into a row, and what is not loaded.

use std::collections::HashSet;

use super::window::EventWindow;
use crate::domain::log::{EventId, LogEvent};

/// So much of a message is held against another.
const COMPARED_MAX: usize = 4096;
/// Letters of `a-f` that are an id without a digit among them.
const HEX_MIN: usize = 8;

/// One row. Events are told by their place among those that are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogRow {
    Event(usize),
    /// Events that say the same; where it is `open` a row of each follows.
    Fold {
        from: usize,
        to: usize,
        open: bool,
    },
    /// What is not held before this event.
    Hole(usize),
}

impl LogRow {
    /// The event that the row stands for: of repeats the newest.
    pub(super) const fn event(self) -> Option<usize> {
        match self {
            Self::Event(at) | Self::Fold { to: at, .. } => Some(at),
            Self::Hole(_) => None,
        }
    }
}

/// The rows of what is held. A fold of which one event is `unfolded` is open.
pub(super) fn rows(window: &EventWindow, folds: bool, unfolded: &HashSet<EventId>) -> Vec<LogRow> {
    let events = &window.events;
    let holes = window.holes();
    let mut rows = Vec::with_capacity(events.len() + holes.len());
    let mut holes = holes.into_iter().peekable();
    let mut from = 0;
    while from < events.len() {
        if holes.next_if_eq(&from).is_some() {
            rows.push(LogRow::Hole(from));
        }
        let end = holes.peek().map_or(events.len(), |hole| *hole);
        let alike = |at: &usize| folds && is_repeat(&events[*at - 1], &events[*at]);
        let to = (from + 1..end).take_while(alike).last().unwrap_or(from);
        if to == from {
            rows.push(LogRow::Event(from));
        } else {
            let open = events[from..=to].iter().any(|event| unfolded.contains(&event.id));
            rows.push(LogRow::Fold { from, to, open });
            rows.extend((from..=to).filter(|_| open).map(LogRow::Event));
        }
        from = to + 1;
    }
    rows.extend(holes.map(LogRow::Hole));
    rows
}

/// Whether the second event says what the first one does, but for numbers and ids.
fn is_repeat(one: &LogEvent, other: &LogEvent) -> bool {
    let same = |one: &str, other: &str| pieces(one).eq(pieces(other));
    one.node == other.node
        && one.level == other.level
        && same(said(one), said(other))
        && one.fields.len() == other.fields.len()
        && one.fields.iter().zip(&other.fields).all(|(one, other)| one.0 == other.0 && same(one.1, other.1))
}

/// The message with its further lines, as far as it is compared.
fn said(event: &LogEvent) -> &str {
    let body = event.text.get(event.message_at..).unwrap_or(&event.text);
    &body[..body.floor_char_boundary(COMPARED_MAX)]
}

/// The words of a text and what is between them; a number or an id is `#`.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let of_word = |c: char| c.is_ascii_alphanumeric();
        let len = if of_word(first) { rest.find(|c| !of_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (piece, behind) = rest.split_at(len);
        rest = behind;
        Some(if varies(piece) { "#" } else { piece })
    })
}

fn varies(word: &str) -> bool {
    let hex = word.bytes().all(|b| b.is_ascii_hexdigit());
    word.starts_with(|c: char| c.is_ascii_digit())
        || (hex && (word.len() >= HEX_MIN || word.bytes().any(|b| b.is_ascii_digit())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Timestamp;
    use crate::domain::log::{LogLevel, LogPage};

    fn event(id: usize, text: &str) -> LogEvent {
        let time = Some(Timestamp(id as u64 * 1000));
        LogEvent { id: EventId::Document(id.to_string()), time, text: text.into(), ..LogEvent::default() }
    }

    fn window(texts: &[&str]) -> EventWindow {
        let events = texts.iter().enumerate().map(|(id, text)| event(id, text)).collect();
        EventWindow::of(&LogPage { events, ..LogPage::default() })
    }

    #[test]
    fn numbers_and_ids_do_not_tell_events_apart() {
        for (one, other, same) in [
            ("took 12 ms", "took 7 ms", true),
            ("session 0x100a got", "session 0xffff got", true),
            ("file 0192f7c4-11aa-7b0e is", "file 0192f7c5-98aa-cafe is", false),
            ("file 0192f7c4-11aa-7b0e is", "file 0192f7c5-98aa-7b1e is", true),
            ("digest deadbeef", "digest 12345678", true),
            ("zk1 is away", "zk2 is away", false),
            ("to 3 at zk3/10.0.0.3:3888", "to 3 at zk3/10.0.0.3:3889", true),
            ("face it", "fade it", false),
            ("a", "b", false),
            ("", "", true),
            ("é 1", "é 2", true),
        ] {
            assert_eq!(is_repeat(&event(0, one), &event(1, other)), same, "{one} {other}");
        }
        let worse = LogEvent { level: Some(LogLevel::Error), ..event(1, "a") };
        let elsewhere = LogEvent { node: "zk2".into(), ..event(1, "a") };
        let mut named = event(1, "a");
        named.fields.insert("node".into(), "zk1".into());
        for other in [worse, elsewhere, named] {
            assert!(!is_repeat(&event(0, "a"), &other));
        }
    }

    #[test]
    fn repeats_that_follow_each_other_are_one_row_until_they_are_unfolded() {
        let window = window(&["a", "took 1 ms", "took 2 ms", "took 3 ms", "a"]);
        let none = HashSet::new();
        let fold = |open| LogRow::Fold { from: 1, to: 3, open };
        assert_eq!(rows(&window, true, &none), [LogRow::Event(0), fold(false), LogRow::Event(4)]);
        assert_eq!(fold(false).event(), Some(3), "the newest");
        assert_eq!(rows(&window, false, &none), (0..5).map(LogRow::Event).collect::<Vec<_>>());
        let unfolded = HashSet::from([window.events[2].id.clone()]);
        let open = rows(&window, true, &unfolded);
        assert_eq!(open[1..5], [fold(true), LogRow::Event(1), LogRow::Event(2), LogRow::Event(3)]);
    }

    #[test]
    fn a_hole_is_a_row_and_nothing_folds_over_it() {
        let mut window = window(&["a", "a"]);
        window.follow(&[event(9, "a"), event(10, "a")], 7, false);
        let fold = |from, to| LogRow::Fold { from, to, open: false };
        assert_eq!(rows(&window, true, &HashSet::new()), [fold(0, 1), LogRow::Hole(2), fold(2, 3)]);
    }
}
