//! What the pane asks for when, and what it does with the answers.

use std::time::Duration;

use super::window::Window;
use super::{Logs, Neighbours};
use crate::domain::ids::Timestamp;
use crate::domain::log::{FollowAsk, Followed, HistogramAsk, LogAnswer, LogAsk, LogPage, PageAsk, Way};
use crate::domain::snapshot::{Level, Snapshot};
use crate::tui::pane::{Effect, Fetched, LogKind, SavedSearches};
use crate::tui::widgets::list::Cursor;

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
/// Nobody has looked at the pane for so long: it stops following until it is shown again.
const HIDDEN_MS: u64 = 3_000;

/// Which page was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Going {
    #[default]
    Newest,
    Older,
    Newer,
}

/// Answers that are on their way.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) page: bool,
    going: Going,
    histogram: bool,
    follow: bool,
    pub(super) reach: usize,
}

impl Logs {
    /// What is to be asked now.
    pub(super) fn due(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let now = snapshot.taken_at;
        let mut effects = Vec::new();
        if !self.loaded {
            self.loaded = true;
            effects.push(Effect::Searches(SavedSearches::Read));
        }
        let retry = self.problem.is_some() && now.since(self.failed).0 >= RETRY_MS;
        if (self.changed || retry) && !self.pending.page {
            effects.extend(self.newest());
        }
        let stale = self.counted == Timestamp(0) || (self.live() && now.since(self.counted).0 >= COUNT_MS);
        if stale && !self.pending.histogram && self.problem.is_none() {
            (self.pending.histogram, self.counted) = (true, now);
            let search = self.query.search.clone();
            effects.push(Effect::FetchLogs(LogAsk::Histogram(HistogramAsk { search, bars: BARS })));
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
        let seen = now.since(self.refreshed).0 < HIDDEN_MS;
        let rest = now.since(self.failed).0 < RETRY_MS && self.problem.is_some();
        if self.pending.follow || self.changed || !seen || rest || !self.live() {
            return None;
        }
        let mark = self.mark.clone()?;
        self.pending.follow = true;
        let search = self.query.search.clone();
        Some(Effect::FetchLogs(LogAsk::Follow(FollowAsk { search, mark: Some(mark), wait: WAIT, limit: PAGE })))
    }

    pub(super) fn newest(&mut self) -> Vec<Effect> {
        if self.pending.page {
            return Vec::new();
        }
        (self.pending.page, self.pending.going, self.changed, self.counted) =
            (true, Going::Newest, false, Timestamp(0));
        let search = self.query.search.clone();
        vec![Effect::FetchLogs(LogAsk::Page(PageAsk { search, limit: PAGE, soon: Some(SOON), ..PageAsk::default() }))]
    }

    pub(super) fn page(&mut self, going: Going) -> Vec<Effect> {
        let (cursor, way) = match going {
            Going::Newer => (self.window.newer(), Way::Newer),
            _ => (self.window.older(), Way::Older),
        };
        let Some(cursor) = cursor.cloned().filter(|_| !self.pending.page && !self.changed) else { return Vec::new() };
        (self.pending.page, self.pending.going) = (true, going);
        let search = self.query.search.clone();
        let ask = PageAsk { search, cursor: Some(cursor), way, limit: PAGE, ..PageAsk::default() };
        vec![Effect::FetchLogs(LogAsk::Page(ask))]
    }

    pub(super) fn take_in(&mut self, what: Fetched, snapshot: &Snapshot) -> Vec<Effect> {
        match what {
            Fetched::Logs(kind, Ok(answer)) => match (kind, &*answer) {
                (LogKind::Page, LogAnswer::Page(page)) => {
                    let mut effects: Vec<Effect> = self.got_page(page).into_iter().collect();
                    if page.unfinished && !self.changed {
                        effects.extend(self.page(Going::Older));
                    }
                    effects.extend(self.due(snapshot));
                    return effects;
                }
                (LogKind::Histogram, LogAnswer::Histogram(histogram)) => {
                    self.pending.histogram = false;
                    self.hits = Some(histogram.hits);
                    self.histogram = Some(histogram.clone());
                }
                (LogKind::Follow, LogAnswer::Follow(news)) => self.got_news(news),
                (LogKind::Context, LogAnswer::Context(found)) => {
                    let (cursor, reach) = (Cursor { at: found.at }, self.pending.reach);
                    self.context = Some(Neighbours { found: found.clone(), cursor, reach });
                }
                _ => {}
            },
            Fetched::Logs(LogKind::Context, Err(text)) => return vec![Effect::Toast { level: Level::Warning, text }],
            Fetched::Logs(kind, Err(why)) => self.got_failure(kind, why, snapshot.taken_at),
            Fetched::Searches(asked, Ok(list)) => {
                if let Some(text) = self.saved.take(&asked, list) {
                    return vec![Effect::Toast { level: Level::Info, text }];
                }
            }
            Fetched::Searches(_, Err(text)) => return vec![Effect::Toast { level: Level::Warning, text }],
            Fetched::Output(output) => {
                if let Some(printed) = &mut self.printed {
                    printed.take(output);
                }
            }
            Fetched::History(_) => {}
        }
        self.due(snapshot)
    }

    /// Says in full when another back end has to answer and when the first one does again: the last
    /// line has no room for it on a small screen.
    fn got_page(&mut self, page: &LogPage) -> Option<Effect> {
        self.pending.page = false;
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
                self.window = Window::of(page);
                let last = page.events.len().saturating_sub(1);
                let kept = selected.and_then(|id| page.events.iter().rposition(|event| event.id == id));
                self.cursor.at = if self.follow { last } else { kept.unwrap_or(last) };
                (self.mark, self.pending.follow, self.below) = (page.mark.clone(), false, 0);
            }
            Going::Older => self.cursor.at += self.window.before(page),
            Going::Newer => self.cursor.at = self.cursor.at.saturating_sub(self.window.behind(page)),
        }
        told
    }

    fn got_news(&mut self, news: &Followed) {
        self.pending.follow = false;
        if !self.live() || self.changed {
            return;
        }
        self.problem = None;
        self.mark = Some(news.mark.clone());
        if news.answered.by != self.answered.by.split(',').next().unwrap_or_default() || news.left_out > 0 {
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
    fn got_failure(&mut self, kind: LogKind, why: String, now: Timestamp) {
        match kind {
            LogKind::Page => self.pending.page = false,
            LogKind::Histogram => self.pending.histogram = false,
            _ => self.pending.follow = false,
        }
        (self.problem, self.failed) = (Some(why), now);
    }
}
