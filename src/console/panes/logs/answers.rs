//! What the pane asks for when, and what it does with the answers.

use std::time::Duration;

use super::container::Printed;
use super::pending::Going;
use super::{LogsPane, Neighbours, chart};
use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::console::place::LineChange;
use crate::console::widgets::list::Cursor;
use crate::domain::ids::Timestamp;
use crate::domain::incident::{INCIDENTS_PAGE_MAX, IncidentsAsk};
use crate::domain::log::{FollowAsk, Followed, HistogramAsk, LogEvent, LogPage, PageAsk, PageWay};
use crate::domain::snapshot::{Level, Snapshot};

/// Events of one page.
const PAGE: usize = 500;
/// The first events are waited for so long.
const SOON: Duration = Duration::from_millis(20);
/// A follower waits so long for an event before it says that there is none.
const WAIT: Duration = Duration::from_secs(2);
/// The strip is counted anew this often while new events come.
const COUNT_MS: u64 = 5_000;
/// After a failure, it is asked again so much later.
const RETRY_MS: u64 = 5_000;
/// Nobody has looked at the pane for so long: it asks nothing until it is shown again.
const HIDDEN_MS: u64 = 3_000;

impl LogsPane {
    /// What is to be asked now; nothing while nobody looks at the pane.
    pub(super) fn due(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let now = snapshot.taken_at;
        let mut effects = Vec::new();
        if self.refreshed.is_none_or(|at| now.since(at).0 >= HIDDEN_MS) {
            return effects;
        }
        if !self.loaded {
            self.loaded = true;
            effects.extend([self.saved.ask(LineChange::Read), Effect::Work(self.past.read())]);
        }
        let retry = self.problem.is_some() && now.since(self.failed).0 >= RETRY_MS;
        if self.changed || (retry && !self.pending.page.is_open()) {
            effects.extend(self.newest());
        }
        effects.extend(self.count(now));
        effects.extend(self.follow_on(now));
        effects.extend(self.printed.as_mut().and_then(|printed| printed.due(now)));
        effects
    }

    /// The events are counted, and the incidents of that time asked for.
    fn count(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        let stale = self.counted.is_none_or(|at| self.live() && now.since(at).0 >= COUNT_MS);
        if stale && !self.pending.histogram.is_open() && self.problem.is_none() {
            self.counted = Some(now);
            let (search, bars) = (self.search(), chart::bars_of(self.area.width));
            effects.push(self.pending.histogram.put(HistogramAsk { search, bars, by_node: true }).into());
        }
        let span = self.counted_span().filter(|span| self.incidents_of != Some(*span));
        if let Some((from, until)) = span.filter(|_| !self.pending.incidents.is_open()) {
            self.incidents_of = Some((from, until));
            let ask = IncidentsAsk {
                from: Some(from),
                until: Some(until),
                limit: INCIDENTS_PAGE_MAX,
                as_of: self.as_of,
                ..IncidentsAsk::default()
            };
            effects.push(self.pending.incidents.put(ask).into());
        }
        effects
    }

    /// Whether new events belong at the end of what is shown.
    pub(super) fn live(&self) -> bool {
        self.as_of.is_none() && self.list.window.newer().is_none() && self.query.search.to.is_none()
    }

    fn follow_on(&mut self, now: Timestamp) -> Option<Effect> {
        let rest = now.since(self.failed).0 < RETRY_MS && self.problem.is_some();
        let begins_anew = self.pending.page.is_open() && self.pending.going == Going::Newest;
        if self.pending.follow.is_open() || begins_anew || self.changed || rest || !self.live() {
            return None;
        }
        let mark = self.mark.clone()?;
        let search = self.search();
        Some(self.pending.follow.put(FollowAsk { search, mark: Some(mark), wait: WAIT, limit: PAGE }).into())
    }

    pub(super) fn newest(&mut self) -> Vec<Effect> {
        (self.pending.going, self.changed, self.counted) = (Going::Newest, false, None);
        // What is on its way may be of another search.
        (self.pending.histogram, self.pending.follow) = (Asked::default(), Asked::default());
        let search = self.search();
        vec![self.pending.page.put(PageAsk { search, limit: PAGE, soon: Some(SOON), ..PageAsk::default() }).into()]
    }

    pub(super) fn page(&mut self, going: Going) -> Vec<Effect> {
        let window = &self.list.window;
        let (cursor, way) = match going {
            Going::Newer => (window.newer(), PageWay::Newer),
            _ => (window.older(), PageWay::Older),
        };
        let Some(cursor) = cursor.cloned().filter(|_| !self.pending.page.is_open() && !self.changed) else {
            return Vec::new();
        };
        self.pending.going = going;
        let search = self.search();
        let ask = PageAsk { search, cursor: Some(cursor), way, limit: PAGE, ..PageAsk::default() };
        vec![self.pending.page.put(ask).into()]
    }

    /// Asks for what is not held before this event, oldest first.
    pub(super) fn load(&mut self, at: usize) -> Vec<Effect> {
        let found = self.list.window.search_of(at, &self.search());
        let Some((search, cursor)) = found.filter(|_| !self.pending.page.is_open() && !self.changed) else {
            return Vec::new();
        };
        self.pending.going = Going::Hole(at);
        let ask = PageAsk { search, cursor, way: PageWay::Newer, limit: PAGE, ..PageAsk::default() };
        vec![self.pending.page.put(ask).into()]
    }

    /// Takes in what has come.
    pub(super) fn take_in(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let now = snapshot.taken_at;
        let mut effects = self.saved.take_answers();
        effects.extend(self.past.take_answer().map(|text| Effect::Toast { level: Level::Warning, text }));
        match self.pending.page.take() {
            Some(Ok(page)) => {
                effects.extend(self.got_page(&page));
                effects.extend(self.go_on(&page, snapshot));
            }
            Some(Err(why)) => {
                self.got_failure(why, now);
                effects.extend(self.go_on_typing(snapshot));
            }
            None => {}
        }
        match self.pending.histogram.take() {
            Some(Ok(histogram)) => {
                // What it says of the size and the time is of now.
                if !histogram.answered.by.is_empty() {
                    (self.answered.by, self.answered.took) = (histogram.answered.by.clone(), histogram.answered.took);
                }
                (self.hits, self.histogram) = (Some(histogram.hits), Some(histogram));
            }
            Some(Err(why)) => self.got_failure(why, now),
            None => {}
        }
        if let Some(Ok(page)) = self.pending.incidents.take() {
            self.incidents = page.incidents;
        }
        match self.pending.follow.take() {
            Some(Ok(news)) => self.got_news(&news),
            Some(Err(why)) => self.got_failure(why, now),
            None => {}
        }
        match self.pending.context.take() {
            Some(Ok(mut found)) => {
                // Of the lines behind it those that had come by the moment that is shown.
                let later = |event: &LogEvent| event.time.zip(self.as_of).is_some_and(|(time, at)| time > at);
                let end = found.events.iter().skip(found.at + 1).position(later);
                found.events.truncate(end.map_or(usize::MAX, |end| found.at + 1 + end));
                let (cursor, reach) = (Cursor { at: found.at }, self.pending.reach);
                self.context = Some(Neighbours { found, cursor, reach });
            }
            Some(Err(text)) => effects.push(Effect::Toast { level: Level::Warning, text }),
            None => {}
        }
        self.printed.iter_mut().for_each(Printed::take_answer);
        self.settle();
        effects.extend(self.due(snapshot));
        effects
    }

    /// What a page leads to: what was typed meanwhile, the rest of it, a moment that is looked for, a way under way.
    fn go_on(&mut self, page: &LogPage, snapshot: &Snapshot) -> Vec<Effect> {
        let typed = self.go_on_typing(snapshot);
        if !typed.is_empty() || self.changed {
            return typed;
        }
        let empty = page.events.is_empty() && self.list.rows.is_empty() && !page.unfinished;
        if self.aimed(empty) {
            return self.ask(snapshot);
        }
        if page.unfinished || self.take_aim() {
            return self.page(Going::Older);
        }
        self.way.take().map(|way| self.go_way(way)).unwrap_or_default()
    }

    /// Says in full when another back end has to answer and when the first one does again: the last
    /// line has no room for it on a small screen.
    fn got_page(&mut self, page: &LogPage) -> Option<Effect> {
        if self.changed {
            return None;
        }
        let told = match (&self.answered.fallback, &page.answered.fallback) {
            (None, Some(why)) => Some(Effect::Toast { level: Level::Warning, text: why.clone() }),
            (Some(_), None) => {
                let text = format!("{} answers again", page.answered.by);
                Some(Effect::Toast { level: Level::Info, text })
            }
            _ => None,
        };
        (self.problem, self.answered) = (None, page.answered.clone());
        self.nodes.clone_from(&page.nodes);
        match self.pending.going {
            Going::Newest => {
                self.list.renew(page);
                (self.mark, self.pending.follow, self.below) = (page.mark.clone(), Asked::default(), 0);
            }
            Going::Older => _ = self.list.change(|window| window.before(page)),
            Going::Newer => _ = self.list.change(|window| window.behind(page)),
            Going::Hole(at) => _ = self.list.change(|window| window.fill(at, page)),
        }
        told
    }

    fn got_news(&mut self, news: &Followed) {
        if !self.live() || self.changed {
            return;
        }
        self.problem = None;
        self.mark = Some(news.mark.clone());
        let follow = self.list.follow;
        if news.answered.source != self.answered.source || news.left_out > 0 {
            // Another back end answers now, or too much came at once: the page is read anew.
            self.changed = follow;
        }
        let new = self.list.change(|window| window.follow(&news.events, news.left_out, follow));
        if follow {
            self.changed |= self.list.window.is_full();
        } else {
            self.below += new;
        }
    }

    /// The last result stays, with the reason above it.
    fn got_failure(&mut self, why: String, now: Timestamp) {
        (self.problem, self.failed) = (Some(why), now);
    }
}
