//! What the pane asks for when, and what it does with the answers.

use std::time::Duration;

use super::container::Printed;
use super::pending::Going;
use super::window::EventWindow;
use super::{LogsPane, Neighbours};
use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::console::place::SavedSearches;
use crate::console::widgets::list::Cursor;
use crate::domain::ids::Timestamp;
use crate::domain::log::{FollowAsk, Followed, HistogramAsk, LogPage, PageAsk, PageWay};
use crate::domain::snapshot::{Level, Snapshot};

/// Events of one page.
const PAGE: usize = 500;
/// The first events are waited for so long.
const SOON: Duration = Duration::from_millis(20);
/// Bars that are asked for: more than any screen has columns would not be seen.
const BARS: usize = 200;
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
            effects.push(self.saved.ask(SavedSearches::Read));
        }
        let retry = self.problem.is_some() && now.since(self.failed).0 >= RETRY_MS;
        if self.changed || (retry && !self.pending.page.is_open()) {
            effects.extend(self.newest());
        }
        let stale = self.counted.is_none_or(|at| self.live() && now.since(at).0 >= COUNT_MS);
        if stale && !self.pending.histogram.is_open() && self.problem.is_none() {
            self.counted = Some(now);
            let search = self.query.search.clone();
            effects.push(self.pending.histogram.put(HistogramAsk { search, bars: BARS }).into());
        }
        effects.extend(self.follow_on(now));
        effects.extend(self.printed.as_mut().and_then(|printed| printed.due(now)));
        effects
    }

    /// Whether new events belong at the end of what is shown.
    fn live(&self) -> bool {
        self.window.newer().is_none() && self.query.search.to.is_none()
    }

    fn follow_on(&mut self, now: Timestamp) -> Option<Effect> {
        let rest = now.since(self.failed).0 < RETRY_MS && self.problem.is_some();
        let begins_anew = self.pending.page.is_open() && self.pending.going == Going::Newest;
        if self.pending.follow.is_open() || begins_anew || self.changed || rest || !self.live() {
            return None;
        }
        let mark = self.mark.clone()?;
        let search = self.query.search.clone();
        Some(self.pending.follow.put(FollowAsk { search, mark: Some(mark), wait: WAIT, limit: PAGE }).into())
    }

    pub(super) fn newest(&mut self) -> Vec<Effect> {
        (self.pending.going, self.changed, self.counted) = (Going::Newest, false, None);
        // What is on its way may be of another search.
        (self.pending.histogram, self.pending.follow) = (Asked::default(), Asked::default());
        let search = self.query.search.clone();
        vec![self.pending.page.put(PageAsk { search, limit: PAGE, soon: Some(SOON), ..PageAsk::default() }).into()]
    }

    pub(super) fn page(&mut self, going: Going) -> Vec<Effect> {
        let (cursor, way) = match going {
            Going::Newer => (self.window.newer(), PageWay::Newer),
            _ => (self.window.older(), PageWay::Older),
        };
        let Some(cursor) = cursor.cloned().filter(|_| !self.pending.page.is_open() && !self.changed) else {
            return Vec::new();
        };
        self.pending.going = going;
        let search = self.query.search.clone();
        let ask = PageAsk { search, cursor: Some(cursor), way, limit: PAGE, ..PageAsk::default() };
        vec![self.pending.page.put(ask).into()]
    }

    /// Takes in what has come.
    pub(super) fn take_in(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let now = snapshot.taken_at;
        let mut effects = self.saved.take_answers();
        match self.pending.page.take() {
            Some(Ok(page)) => {
                effects.extend(self.got_page(&page));
                if page.unfinished && !self.changed {
                    effects.extend(self.page(Going::Older));
                }
            }
            Some(Err(why)) => self.got_failure(why, now),
            None => {}
        }
        match self.pending.histogram.take() {
            Some(Ok(histogram)) => (self.hits, self.histogram) = (Some(histogram.hits), Some(histogram)),
            Some(Err(why)) => self.got_failure(why, now),
            None => {}
        }
        match self.pending.follow.take() {
            Some(Ok(news)) => self.got_news(&news),
            Some(Err(why)) => self.got_failure(why, now),
            None => {}
        }
        match self.pending.context.take() {
            Some(Ok(found)) => {
                let (cursor, reach) = (Cursor { at: found.at }, self.pending.reach);
                self.context = Some(Neighbours { found, cursor, reach });
            }
            Some(Err(text)) => effects.push(Effect::Toast { level: Level::Warning, text }),
            None => {}
        }
        self.printed.iter_mut().for_each(Printed::take_answer);
        effects.extend(self.due(snapshot));
        effects
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
                let selected = self.window.events.get(self.cursor.at).map(|event| event.id.clone());
                self.window = EventWindow::of(page);
                let last = page.events.len().saturating_sub(1);
                let kept = selected.and_then(|id| page.events.iter().rposition(|event| event.id == id));
                self.cursor.at = if self.follow { last } else { kept.unwrap_or(last) };
                (self.mark, self.pending.follow, self.below) = (page.mark.clone(), Asked::default(), 0);
            }
            Going::Older => self.cursor.at += self.window.before(page),
            Going::Newer => self.cursor.at = self.cursor.at.saturating_sub(self.window.behind(page)),
        }
        told
    }

    fn got_news(&mut self, news: &Followed) {
        if !self.live() || self.changed {
            return;
        }
        self.problem = None;
        self.mark = Some(news.mark.clone());
        if news.answered.source != self.answered.source || news.left_out > 0 {
            // Another back end answers now, or too much came at once: the page is read anew.
            self.changed = self.follow;
        }
        let new = self.window.follow(&news.events);
        if self.follow {
            self.cursor.at = self.window.events.len().saturating_sub(1);
            self.changed |= self.window.is_full();
        } else {
            self.below += new;
        }
    }

    /// The last result stays, with the reason above it.
    fn got_failure(&mut self, why: String, now: Timestamp) {
        (self.problem, self.failed) = (Some(why), now);
    }
}
