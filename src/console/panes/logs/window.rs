//! The events that the pane holds: some pages, one behind the other, oldest first, and where between them others are not
//! held.

use std::collections::{HashSet, VecDeque};

use crate::domain::ids::{Millis, Timestamp};
use crate::domain::log::{EventId, Expr, LogCursor, LogEvent, LogPage, LogSearch, Moment, Side};

/// Events that are held; pages at the far end go when there are more.
const EVENTS_MAX: usize = 4000;
/// An event that comes again is among so many before it.
const AGAIN_MAX: usize = 200;

/// A page: how many events, and where it goes on.
#[derive(Clone, Debug, Default)]
struct Part {
    len: usize,
    older: Option<LogCursor>,
    newer: Option<LogCursor>,
    /// What is not held before its first event.
    hole: Option<Hole>,
}

/// Events that match and are not held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Hole {
    count: u64,
    /// The newest of them, where nothing is held behind them.
    until: Option<Timestamp>,
    /// Where the next page of them begins, once one has come.
    next: Option<LogCursor>,
}

/// A hole as it is told: how many events, and between which times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) count: u64,
    pub(super) from: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct EventWindow {
    pub(super) events: Vec<LogEvent>,
    parts: VecDeque<Part>,
    /// What is not held behind the last event.
    tail: Option<Hole>,
}

impl EventWindow {
    pub(super) fn of(page: &LogPage) -> Self {
        Self { events: sorted(&page.events), parts: VecDeque::from([Part::of(page)]), tail: None }
    }

    /// Where older events go on; `None` at the beginning.
    pub(super) fn older(&self) -> Option<&LogCursor> {
        self.parts.front()?.older.as_ref()
    }

    /// Where newer events go on; `None` at the end.
    pub(super) fn newer(&self) -> Option<&LogCursor> {
        self.parts.back()?.newer.as_ref()
    }

    /// Whether the newest event of all is not held.
    pub(super) fn ends_early(&self) -> bool {
        self.newer().is_some() || self.tail.is_some()
    }

    /// The holes, each by the event that it is before; the one behind the last event by how many there are.
    pub(super) fn holes(&self) -> Vec<usize> {
        let mut at = 0;
        let mut holes = Vec::new();
        for part in &self.parts {
            holes.extend(part.hole.as_ref().map(|_| at));
            at += part.len;
        }
        holes.extend(self.tail.as_ref().map(|_| at));
        holes
    }

    /// The part whose hole is before this event; the number of parts for what is behind the last.
    fn part_at(&self, at: usize) -> Option<usize> {
        let mut start = 0;
        for (number, part) in self.parts.iter().enumerate() {
            if start == at && part.hole.is_some() {
                return Some(number);
            }
            start += part.len;
        }
        (start == at && self.tail.is_some()).then_some(self.parts.len())
    }

    fn hole(&self, part: usize) -> Option<&Hole> {
        self.parts.get(part).map_or(self.tail.as_ref(), |part| part.hole.as_ref())
    }

    /// The hole before this event.
    pub(super) fn gap(&self, at: usize) -> Option<Gap> {
        let hole = self.hole(self.part_at(at)?)?;
        let from = at.checked_sub(1).and_then(|before| self.events.get(before)?.time);
        let until = self.events.get(at).map_or(hole.until, |behind| behind.time);
        Some(Gap { count: hole.count, from, until })
    }

    /// What finds the events of a hole, and where they go on.
    pub(super) fn search_of(&self, at: usize, search: &LogSearch) -> Option<(LogSearch, Option<LogCursor>)> {
        let next = self.hole(self.part_at(at)?)?.next.clone();
        let time = |side, at| Expr::Time(side, Moment::At(at));
        let before = at.checked_sub(1).and_then(|before| self.events.get(before)?.time);
        let behind = self.events.get(at).and_then(|event| event.time);
        // Events of the same millisecond may be in it.
        let behind = behind.map(|at| time(Side::Until, at.plus(Millis(1))));
        let typed = Some(search.expr.clone()).filter(|expr| *expr != Expr::All);
        let parts = [typed, before.map(|at| time(Side::Since, at)), behind];
        Some((LogSearch { expr: Expr::and(parts.into_iter().flatten().collect()), ..search.clone() }, next))
    }

    /// Takes in a page of the events of a hole; how many came, and how many went at the beginning.
    pub(super) fn fill(&mut self, at: usize, page: &LogPage) -> (usize, usize) {
        let Some(part) = self.part_at(at) else { return (0, 0) };
        let near = at.saturating_sub(page.events.len() + AGAIN_MAX)..self.events.len().min(at + AGAIN_MAX);
        let known: HashSet<&EventId> = self.events[near].iter().map(|event| &event.id).collect();
        let new: Vec<LogEvent> = page.events.iter().filter(|event| !known.contains(&event.id)).cloned().collect();
        let (len, new) = (new.len(), sorted(&new));
        self.events.splice(at..at, new);
        let hole = if part < self.parts.len() { self.parts[part].hole.take() } else { self.tail.take() };
        let first = hole.as_ref().is_none_or(|hole| hole.next.is_none());
        let rest = hole.filter(|_| page.newer.is_some()).map(|hole| Hole {
            count: hole.count.saturating_sub(len as u64).max(1),
            next: page.newer.clone(),
            ..hole
        });
        if part < self.parts.len() {
            self.parts[part].hole = rest;
        } else {
            self.tail = rest;
        }
        match part.checked_sub(1).and_then(|before| self.parts.get_mut(before)).filter(|_| first) {
            // Its first page has no way back of its own.
            Some(before) => before.len += len,
            None => self.parts.insert(part, Part { len, ..Part::of(page) }),
        }
        (len, self.shorten_front(at))
    }

    /// Lets the oldest pages before this event go while there are too many.
    fn shorten_front(&mut self, before: usize) -> usize {
        let mut gone = 0;
        while self.events.len() - gone > EVENTS_MAX {
            let goes_on = self.parts.get(1).is_some_and(|next| next.hole.is_none() && next.older.is_some());
            let Some(len) = self.parts.front().map(|part| part.len).filter(|len| goes_on && gone + len < before) else {
                break;
            };
            self.parts.pop_front();
            gone += len;
        }
        self.events.drain(..gone);
        gone
    }

    /// Puts an older page before; how many events that shifts.
    pub(super) fn before(&mut self, page: &LogPage) -> usize {
        self.parts.push_front(Part::of(page));
        self.events.splice(0..0, sorted(&page.events));
        while self.events.len() > EVENTS_MAX && self.parts.len() > 1 {
            let Some(part) = self.parts.pop_back() else { break };
            let until = self.events.last().and_then(|event| event.time);
            self.events.truncate(self.events.len() - part.len);
            let tail = self.tail.take();
            if self.newer().is_none() {
                let of = |hole: &Option<Hole>| hole.as_ref().map_or(0, |hole| hole.count);
                let count = part.len as u64 + of(&part.hole) + of(&tail);
                let until = tail.and_then(|tail| tail.until).or(until);
                self.tail = Some(Hole { count, until, next: None });
            }
        }
        page.events.len()
    }

    /// Puts a newer page behind; how many events go at the beginning.
    pub(super) fn behind(&mut self, page: &LogPage) -> usize {
        self.parts.push_back(Part::of(page));
        self.events.extend(sorted(&page.events));
        self.shorten_front(usize::MAX)
    }

    /// Takes in events that were written by now, of which `left_out` more are not given; one that is known is replaced.
    /// Where the newest one is not `followed`, no more are held than there is room for. How many are new.
    pub(super) fn follow(&mut self, events: &[LogEvent], left_out: u64, followed: bool) -> u64 {
        let mut new = Vec::new();
        for event in events {
            // What grew is near the end.
            let from = self.events.len().saturating_sub(AGAIN_MAX);
            match self.events[from..].iter_mut().find(|own| own.id == event.id) {
                Some(own) => own.clone_from(event),
                None => new.push(event.clone()),
            }
        }
        let count = new.len() as u64 + left_out;
        if count == 0 {
            return 0;
        }
        if self.tail.is_some() || (!followed && self.events.len() + new.len() > EVENTS_MAX) {
            let tail = self.tail.get_or_insert_with(Hole::default);
            tail.count += count;
            tail.until = tail.until.max(new.iter().filter_map(|event| event.time).max());
            return count;
        }
        if left_out > 0 || self.parts.is_empty() {
            let hole = (left_out > 0).then(|| Hole { count: left_out, ..Hole::default() });
            self.parts.push_back(Part { hole, ..Part::default() });
        }
        self.append(new);
        count
    }

    /// Puts events into the last part, each where its time belongs.
    fn append(&mut self, new: Vec<LogEvent>) {
        let Some(part) = self.parts.back_mut() else { return };
        let start = self.events.len() - part.len;
        part.len += new.len();
        for event in new {
            let later = |own: &&LogEvent| event.time.is_some() && own.time > event.time;
            let behind = self.events[start..].iter().rev().take_while(later).count();
            self.events.insert(self.events.len() - behind, event);
        }
    }

    /// Too many came while following: the newest page is to be asked for again.
    pub(super) const fn is_full(&self) -> bool {
        self.events.len() > EVENTS_MAX
    }
}

/// The events by the time that is shown; one without a time stays behind the one before it.
fn sorted(events: &[LogEvent]) -> Vec<LogEvent> {
    let mut last = None;
    let times = events.iter().map(|event| {
        last = event.time.or(last);
        last
    });
    let mut all: Vec<(Option<Timestamp>, &LogEvent)> = times.zip(events).collect();
    all.sort_by_key(|(time, _)| *time);
    all.into_iter().map(|(_, event)| event.clone()).collect()
}

impl Part {
    fn of(page: &LogPage) -> Self {
        Self { len: page.events.len(), older: page.older.clone(), newer: page.newer.clone(), hole: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: usize) -> LogEvent {
        let time = Some(Timestamp(1_000_000 + id as u64 * 10));
        LogEvent { id: EventId::Document(id.to_string()), time, ..LogEvent::default() }
    }

    fn page(ids: std::ops::Range<usize>, older: bool, newer: bool) -> LogPage {
        let events = ids.clone().map(event).collect();
        let cursor = |there: bool, at: usize| there.then(|| LogCursor::given(at.to_string()));
        LogPage { events, older: cursor(older, ids.start), newer: cursor(newer, ids.end), ..LogPage::default() }
    }

    fn events(ids: std::ops::Range<usize>) -> Vec<LogEvent> {
        ids.map(event).collect()
    }

    fn ids(window: &EventWindow) -> Vec<usize> {
        window.events.iter().map(|event| event.id.to_string().parse().expect("number")).collect()
    }

    fn ends(window: &EventWindow) -> (&str, &str, Option<&str>, Option<&str>) {
        let id = |event: Option<&LogEvent>| event.map_or(String::new(), |event| event.id.to_string()).leak() as &str;
        let at = |cursor: Option<&LogCursor>| cursor.map(|cursor| cursor.text().to_owned().leak() as &str);
        (id(window.events.first()), id(window.events.last()), at(window.older()), at(window.newer()))
    }

    /// Two events that follow each other by their ids, or a hole of as many as there are between.
    fn check(window: &EventWindow) {
        let ids = ids(window);
        for at in 1..ids.len() {
            let between = (ids[at] - ids[at - 1] - 1) as u64;
            let told = window.gap(at).map_or(0, |gap| gap.count);
            assert_eq!(told, between, "between {} and {}", ids[at - 1], ids[at]);
        }
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
    fn what_grew_is_replaced_and_what_comes_late_is_put_where_its_time_belongs() {
        let mut window = EventWindow::of(&page(0..3, false, false));
        let grown = LogEvent { text: "more".into(), ..event(2) };
        assert_eq!(window.follow(&[grown, event(5), event(4), event(3)], 0, true), 3);
        assert_eq!((ids(&window), window.events[2].text.as_str()), (vec![0, 1, 2, 3, 4, 5], "more"));
        let mut untimed = events(0..4);
        untimed.swap(0, 3);
        untimed[1].time = None;
        let page = LogPage { events: untimed, ..LogPage::default() };
        assert_eq!(ids(&EventWindow::of(&page)), [0, 2, 3, 1], "it stays behind the one before it");
    }

    #[test]
    fn what_is_left_out_is_a_hole_until_it_is_loaded() {
        let mut window = EventWindow::of(&page(0..500, false, false));
        assert_eq!(window.follow(&events(4081..4581), 3581, false), 4081);
        check(&window);
        let gap = window.gap(500).expect("a hole");
        assert_eq!((gap.count, gap.from, gap.until), (3581, event(499).time, event(4081).time));
        assert_eq!((window.holes(), window.gap(499), window.ends_early()), (vec![500], None, false));
        let all = LogSearch::default();
        let (search, next) = window.search_of(500, &all).expect("a hole");
        assert_eq!((search.expr.conjuncts().len(), next), (2, None), "since and until");
        // The events around it are found again.
        assert_eq!(window.fill(500, &page(499..999, false, true)), (499, 0));
        check(&window);
        assert_eq!(window.search_of(999, &all).expect("a hole").1, Some(LogCursor::given("999".into())));
        for start in (999..3999).step_by(500) {
            let at = window.holes()[0];
            window.fill(at, &page(start..start + 500, true, true));
            check(&window);
        }
        let at = window.holes()[0];
        let (came, gone) = window.fill(at, &page(3999..4082, true, false));
        assert_eq!((came, gone > 0, window.holes()), (82, false, vec![]));
        check(&window);
        assert!(window.events.len() <= EVENTS_MAX && window.older().is_some());
    }

    #[test]
    fn what_has_no_room_is_a_hole_at_the_end() {
        let mut window = EventWindow::of(&page(0..3900, false, false));
        assert_eq!(window.follow(&events(3900..4100), 0, false), 200);
        assert_eq!(window.follow(&events(4100..4110), 90, false), 100);
        let gap = window.gap(3900).expect("a hole");
        assert_eq!((gap.count, gap.from, gap.until), (300, event(3899).time, event(4109).time));
        assert!(window.ends_early() && window.events.len() == 3900);
        window.fill(3900, &page(3899..4200, false, false));
        assert_eq!((window.events.len(), window.holes(), window.ends_early()), (4200, vec![], false));
        check(&window);
        assert_eq!(window.follow(&events(4200..4201), 0, true), 1, "who follows sees it");
    }

    #[test]
    fn pages_that_go_at_the_end_leave_a_hole_where_nothing_leads_to_them() {
        let mut window = EventWindow::of(&page(5000..5500, true, false));
        window.follow(&events(5600..5700), 100, false);
        for n in (0..4).rev() {
            window.before(&page(1000 + n * 1000..2000 + n * 1000, true, true));
        }
        check(&window);
        assert_eq!((ids(&window).len(), window.newer().is_some(), window.holes()), (4000, true, vec![]));
        let mut window = EventWindow::of(&page(5000..5500, true, false));
        window.follow(&events(5600..5700), 100, false);
        window.before(&page(1500..5000, true, true));
        assert_eq!((window.holes(), window.gap(4000).map(|gap| gap.count)), (vec![4000], Some(200)));
    }
}
