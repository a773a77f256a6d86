//! The list of the search: what is held, its rows, which is selected, and which is the first that is seen.

use std::collections::HashSet;

use super::rows::{LogRow, rows};
use super::window::EventWindow;
use crate::console::widgets::list::Cursor;
use crate::domain::ids::Timestamp;
use crate::domain::log::{EventId, LogEvent, LogPage};

/// What a row is known by when rows come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Anchor {
    /// The event, and whether it is the head of repeats.
    Event(EventId, bool),
    /// A hole, by the event that is before it.
    Behind(Option<EventId>),
}

#[derive(Debug)]
pub(super) struct EventList {
    pub(super) window: EventWindow,
    pub(super) rows: Vec<LogRow>,
    /// Of the rows.
    pub(super) cursor: Cursor,
    /// The first row that is seen.
    pub(super) first: usize,
    /// Whether the newest row stays selected.
    pub(super) follow: bool,
    pub(super) folds: bool,
    unfolded: HashSet<EventId>,
}

impl Default for EventList {
    fn default() -> Self {
        Self {
            window: EventWindow::default(),
            rows: Vec::new(),
            cursor: Cursor::default(),
            first: 0,
            follow: true,
            folds: true,
            unfolded: HashSet::new(),
        }
    }
}

impl EventList {
    pub(super) fn selected(&self) -> Option<LogRow> {
        self.rows.get(self.cursor.at).copied()
    }

    pub(super) fn event(&self, row: usize) -> Option<&LogEvent> {
        self.window.events.get(self.rows.get(row)?.event()?)
    }

    fn anchor(&self) -> Option<Anchor> {
        let id = |at: usize| self.window.events.get(at).map(|event| event.id.clone());
        Some(match self.selected()? {
            LogRow::Event(at) => Anchor::Event(id(at)?, false),
            LogRow::Fold { to, .. } => Anchor::Event(id(to)?, true),
            LogRow::Hole(at) => Anchor::Behind(at.checked_sub(1).and_then(id)),
        })
    }

    /// The row of an anchor: of an event that went into a fold, the fold.
    fn row_of(&self, anchor: &Anchor) -> Option<usize> {
        let at_id = |id: &EventId| self.window.events.iter().rposition(|event| event.id == *id);
        match anchor {
            Anchor::Event(id, head) => {
                let event = at_id(id)?;
                let is = |row: &LogRow| match *row {
                    LogRow::Event(at) => at == event && !head,
                    LogRow::Fold { from, to, open } => (from..=to).contains(&event) && (*head || !open),
                    LogRow::Hole(_) => false,
                };
                let own = |row: &LogRow| row.event() == Some(event);
                self.rows.iter().position(is).or_else(|| self.rows.iter().position(own))
            }
            Anchor::Behind(before) => {
                let behind = before.as_ref().and_then(at_id).map_or(0, |at| at + 1);
                let is = |row: &LogRow| matches!(*row, LogRow::Hole(at) if at == behind);
                let next = |row: &LogRow| row.event().is_some_and(|at| at >= behind);
                self.rows.iter().position(is).or_else(|| self.rows.iter().position(next))
            }
        }
    }

    /// Changes what is held; the selected row stays selected, and where it is seen.
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut EventWindow) -> T) -> T {
        let (anchor, place) = (self.anchor(), self.cursor.at.saturating_sub(self.first));
        let done = change(&mut self.window);
        self.rows = rows(&self.window, self.folds, &self.unfolded);
        let last = self.rows.len().saturating_sub(1);
        let kept = anchor.filter(|_| !self.follow).and_then(|anchor| self.row_of(&anchor));
        self.cursor.at = if self.follow { last } else { kept.unwrap_or(self.cursor.at).min(last) };
        self.first = self.cursor.at.saturating_sub(place);
        done
    }

    /// Another page altogether. What is selected stays, if it is in it; else the newest is, and followed.
    pub(super) fn renew(&mut self, page: &LogPage) {
        let anchor = self.anchor().filter(|_| !self.follow);
        let place = self.cursor.at.saturating_sub(self.first);
        self.window = EventWindow::of(page);
        self.rows = rows(&self.window, self.folds, &self.unfolded);
        let last = self.rows.len().saturating_sub(1);
        let kept = anchor.and_then(|anchor| self.row_of(&anchor));
        (self.follow, self.cursor.at) = (kept.is_none(), kept.unwrap_or(last));
        self.first = self.cursor.at.saturating_sub(place);
        let held = |id: &EventId| self.window.events.iter().any(|event| event.id == *id);
        self.unfolded.retain(held);
    }

    /// Unfolds or folds the repeats in hand; whether there are any.
    pub(super) fn turn_fold(&mut self) -> bool {
        let Some(LogRow::Fold { from, to, open }) = self.selected() else { return false };
        for event in &self.window.events[from..=to] {
            if open {
                self.unfolded.remove(&event.id);
            }
        }
        if !open {
            self.unfolded.extend(self.window.events.get(to).map(|event| event.id.clone()));
        }
        self.follow = false;
        self.change(|_| ());
        true
    }

    /// Folds all repeats or none.
    pub(super) fn turn_folding(&mut self) {
        self.folds = !self.folds;
        self.unfolded.clear();
        self.change(|_| ());
    }

    /// Selects a row that somebody went to.
    pub(super) fn select(&mut self, row: usize) {
        self.cursor.at = row.min(self.rows.len().saturating_sub(1));
        self.follow = false;
    }

    /// Selects the first event at or after a moment, else the newest.
    pub(super) fn select_at(&mut self, at: Timestamp) {
        let reached = |row: &LogRow| {
            let event = match *row {
                LogRow::Event(at) | LogRow::Fold { to: at, .. } => self.window.events.get(at),
                LogRow::Hole(_) => None,
            };
            event.and_then(|event| event.time).is_some_and(|time| time >= at)
        };
        let row = self.rows.iter().position(reached).unwrap_or(self.rows.len().saturating_sub(1));
        self.select(row);
    }

    /// The time of the selected event, or of the one next to a hole.
    pub(super) fn moment(&self) -> Option<Timestamp> {
        let event = match self.selected()? {
            LogRow::Hole(at) => at.checked_sub(1),
            row => row.event(),
        };
        self.window.events.get(event?)?.time
    }
}

/// The first row to be seen among `height`, so that the selected one is: it moves no further than it must, and no row is
/// left empty. `tall` says of how many lines a row is.
pub(super) fn first_seen(
    first: usize,
    selected: usize,
    len: usize,
    height: usize,
    tall: impl Fn(usize) -> usize,
) -> usize {
    let back_from = |last: usize| {
        let (mut at, mut used) = (last, tall(last));
        while at > 0 {
            let more = tall(at - 1);
            if used + more > height {
                break;
            }
            (at, used) = (at - 1, used + more);
        }
        at
    };
    let Some(last) = len.checked_sub(1) else { return 0 };
    let selected = selected.min(last);
    first.min(selected).max(back_from(selected)).min(back_from(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: usize, text: &str) -> LogEvent {
        let time = Some(Timestamp(id as u64 * 1000));
        LogEvent { id: EventId::Document(id.to_string()), time, text: text.into(), ..LogEvent::default() }
    }

    fn list(texts: &[&str]) -> EventList {
        let events = texts.iter().enumerate().map(|(id, text)| event(id + 10, text)).collect();
        let mut list = EventList::default();
        list.renew(&LogPage { events, ..LogPage::default() });
        list
    }

    #[test]
    fn the_first_row_moves_no_further_than_it_must() {
        let seen = |first, selected| first_seen(first, selected, 100, 10, |_| 1);
        assert_eq!([seen(50, 55), seen(50, 59), seen(50, 60), seen(50, 49)], [50, 50, 51, 49]);
        assert_eq!([seen(0, 99), seen(95, 99), seen(99, 99), seen(7, 500)], [90, 90, 90, 90]);
        assert_eq!([first_seen(3, 0, 0, 10, |_| 1), first_seen(3, 2, 4, 10, |_| 1)], [0, 0]);
        // Rows of three lines.
        assert_eq!([first_seen(0, 5, 9, 10, |_| 3), first_seen(5, 5, 9, 10, |_| 3)], [3, 5]);
        assert_eq!(first_seen(2, 4, 9, 2, |_| 3), 4, "one that is taller than the list");
        assert_eq!(first_seen(2, 4, 9, 0, |_| 1), 4);
    }

    #[test]
    fn the_selected_row_stays_where_it_is_seen_when_rows_come_before_it() {
        let mut list = list(&["a", "b", "c", "d"]);
        (list.first, list.follow) = (1, false);
        list.cursor.at = 2;
        let older = LogPage { events: (0..5).map(|id| event(id, &"x".repeat(id + 1))).collect(), ..LogPage::default() };
        list.change(|window| window.before(&older));
        assert_eq!((list.cursor.at, list.first), (7, 6));
        assert_eq!(list.event(7).map(|event| event.text.as_str()), Some("c"));
        list.change(|window| window.follow(&[event(90, "e")], 0, false));
        assert_eq!((list.cursor.at, list.rows.len()), (7, 10));
        list.follow = true;
        list.change(|window| window.follow(&[event(91, "f")], 0, true));
        assert_eq!(list.cursor.at, 10);
    }

    #[test]
    fn repeats_are_unfolded_and_folded_in_their_place() {
        let mut list = list(&["a", "took 1 ms", "took 2 ms", "b"]);
        assert!(!list.turn_fold(), "b is alone");
        list.select(1);
        assert!(list.turn_fold());
        assert_eq!((list.rows.len(), list.cursor.at), (5, 1));
        // What repeats it further is among those that are shown.
        list.select(3);
        assert_eq!(list.event(3).map(|event| event.text.as_str()), Some("took 2 ms"));
        list.select(1);
        assert!(list.turn_fold());
        assert_eq!((list.rows.len(), list.cursor.at), (3, 1));
        list.turn_folding();
        assert_eq!((list.rows.len(), list.cursor.at), (4, 2), "the newest of them stays selected");
    }

    #[test]
    fn a_hole_that_is_loaded_gives_way_to_its_first_event() {
        let mut list = list(&["a"]);
        list.follow = false;
        list.change(|window| window.follow(&[event(20, "z")], 3, false));
        list.select(1);
        assert_eq!((list.selected(), list.moment()), (Some(LogRow::Hole(1)), Some(Timestamp(10_000))));
        let events = [("b", 11), ("c", 12), ("d", 13)].map(|(text, id)| event(id, text)).to_vec();
        list.change(|window| window.fill(1, &LogPage { events, ..LogPage::default() }));
        assert_eq!((list.rows.len(), list.event(1).map(|event| event.text.as_str())), (5, Some("b")));
        list.select_at(Timestamp(12_500));
        assert_eq!(list.moment(), Some(Timestamp(13_000)));
        list.select_at(Timestamp(99_000));
        assert_eq!(list.moment(), Some(Timestamp(20_000)));
    }
}
