//! The events that the pane holds: some pages, one behind the other, oldest first.

use std::collections::VecDeque;

use crate::domain::log::{LogCursor, LogEvent, LogPage};

/// Events that are held; pages at the far end go when there are more.
const EVENTS_MAX: usize = 4000;

/// A page: how many events, and where it goes on.
#[derive(Clone, Debug, Default)]
struct Part {
    len: usize,
    older: Option<LogCursor>,
    newer: Option<LogCursor>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct EventWindow {
    pub(super) events: Vec<LogEvent>,
    parts: VecDeque<Part>,
}

impl EventWindow {
    pub(super) fn of(page: &LogPage) -> Self {
        Self { events: page.events.clone(), parts: VecDeque::from([Part::of(page)]) }
    }

    /// Where older events go on; `None` at the beginning.
    pub(super) fn older(&self) -> Option<&LogCursor> {
        self.parts.front()?.older.as_ref()
    }

    /// Where newer events go on; `None` at the end.
    pub(super) fn newer(&self) -> Option<&LogCursor> {
        self.parts.back()?.newer.as_ref()
    }

    /// Puts an older page before; how many events that shifts.
    pub(super) fn before(&mut self, page: &LogPage) -> usize {
        self.parts.push_front(Part::of(page));
        self.events.splice(0..0, page.events.iter().cloned());
        while self.events.len() > EVENTS_MAX && self.parts.len() > 1 {
            let Some(part) = self.parts.pop_back() else { break };
            self.events.truncate(self.events.len() - part.len);
        }
        page.events.len()
    }

    /// Puts a newer page behind; how many events go at the beginning.
    pub(super) fn behind(&mut self, page: &LogPage) -> usize {
        self.parts.push_back(Part::of(page));
        self.events.extend(page.events.iter().cloned());
        let mut gone = 0;
        while self.events.len() > EVENTS_MAX && self.parts.len() > 1 {
            let Some(part) = self.parts.pop_front() else { break };
            self.events.drain(..part.len);
            gone += part.len;
        }
        gone
    }

    /// Takes in events that were written by now; one that is known is replaced. How many are new.
    pub(super) fn follow(&mut self, events: &[LogEvent]) -> usize {
        let known = self.events.len();
        for event in events {
            // What grew is near the end.
            let from = known.saturating_sub(200);
            match self.events[from..].iter_mut().find(|own| own.id == event.id) {
                Some(own) => own.clone_from(event),
                None => self.events.push(event.clone()),
            }
        }
        let new = self.events.len() - known;
        if let Some(part) = self.parts.back_mut() {
            part.len += new;
        }
        new
    }

    /// Too many came while following: the newest page is to be asked for again.
    pub(super) const fn is_full(&self) -> bool {
        self.events.len() > EVENTS_MAX
    }
}

impl Part {
    fn of(page: &LogPage) -> Self {
        Self { len: page.events.len(), older: page.older.clone(), newer: page.newer.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::EventId;

    fn page(ids: std::ops::Range<usize>, older: bool, newer: bool) -> LogPage {
        let events =
            ids.clone().map(|id| LogEvent { id: EventId::Document(id.to_string()), ..LogEvent::default() }).collect();
        let cursor = |there: bool, at: usize| there.then(|| LogCursor::given(at.to_string()));
        LogPage { events, older: cursor(older, ids.start), newer: cursor(newer, ids.end), ..LogPage::default() }
    }

    fn ends(window: &EventWindow) -> (&str, &str, Option<&str>, Option<&str>) {
        let id = |event: Option<&LogEvent>| event.map_or(String::new(), |event| event.id.to_string()).leak() as &str;
        let at = |cursor: Option<&LogCursor>| cursor.map(|cursor| cursor.text().to_owned().leak() as &str);
        (id(window.events.first()), id(window.events.last()), at(window.older()), at(window.newer()))
    }

    #[test]
    fn pages_come_and_go_without_a_gap() {
        let mut window = EventWindow::of(&page(9000..10_000, true, false));
        for n in (4..9).rev() {
            assert_eq!(window.before(&page(n * 1000..(n + 1) * 1000, true, true)), 1000);
        }
        assert_eq!(ends(&window), ("4000", "7999", Some("4000"), Some("8000")));
        assert_eq!(window.behind(&page(8000..9000, true, true)), 1000);
        assert_eq!(ends(&window), ("5000", "8999", Some("5000"), Some("9000")));
    }

    #[test]
    fn what_grew_is_replaced() {
        let mut window = EventWindow::of(&page(0..3, false, false));
        let grown = LogEvent { id: EventId::Document("2".into()), text: "more".into(), ..LogEvent::default() };
        let new = LogEvent { id: EventId::Document("3".into()), ..LogEvent::default() };
        assert_eq!(window.follow(&[grown, new]), 1);
        assert_eq!((window.events.len(), window.events[2].text.as_str()), (4, "more"));
    }
}
