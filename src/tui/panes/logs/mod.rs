//! Logs: the newest lines of the servers and of zkdeck itself, narrowed by text, level and source.

mod detail;
mod lines;

use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::detail::Detail;
use crate::domain::ids::Timestamp;
use crate::domain::log::{LogLevel, LogLine, LogPage, LogQuery};
use crate::domain::snapshot::Snapshot;
use crate::tui::pane::{Action, Effect, Fetched, Pane, View};
use crate::tui::widgets::filter::Filter;
use crate::tui::widgets::list::Cursor;
use crate::tui::widgets::paint;

const ACTIONS: &[Action] = &[
    Action::Filter,
    Action::LevelFilter,
    Action::SourceFilter,
    Action::Follow,
    Action::Open,
    Action::Wrap,
    Action::Copy,
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::Top,
    Action::Bottom,
];

/// Lines that the pane holds.
const LINES_MAX: usize = 1000;
/// While following, the newest lines are asked for this often.
const STEP_MS: u64 = 1000;

/// The fourth tab.
#[derive(Debug)]
pub(super) struct Logs {
    filter: Filter,
    level: Option<LogLevel>,
    source: Option<String>,
    page: Option<Result<Arc<LogPage>, String>>,
    cursor: Cursor,
    follow: bool,
    wrap: bool,
    open: Option<Detail>,
    /// An answer is on its way.
    pending: bool,
    /// What is shown does not answer the question any more.
    changed: bool,
    asked: Timestamp,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            level: None,
            source: None,
            page: None,
            cursor: Cursor::default(),
            follow: true,
            wrap: false,
            open: None,
            pending: false,
            changed: true,
            asked: Timestamp(0),
        }
    }
}

impl Logs {
    fn lines(&self) -> &[LogLine] {
        match &self.page {
            Some(Ok(page)) => &page.lines,
            _ => &[],
        }
    }

    fn ask(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        self.changed = true;
        self.refresh(snapshot)
    }

    /// The next worse level, then all again.
    fn next_level(&mut self) {
        self.level = match self.level {
            None => Some(LogLevel::Info),
            Some(LogLevel::Info) => Some(LogLevel::Warn),
            Some(LogLevel::Warn) => Some(LogLevel::Error),
            Some(_) => None,
        };
    }

    fn next_source(&mut self) {
        let Some(Ok(page)) = &self.page else { return };
        let at = self.source.as_ref().map_or(0, |source| {
            page.sources.iter().position(|own| own == source).map_or(page.sources.len(), |at| at + 1)
        });
        self.source = page.sources.get(at).cloned();
    }

    fn back(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        if self.open.take().is_some() {
            return Vec::new();
        }
        let narrowed = !self.filter.is_empty() || self.level.is_some() || self.source.is_some();
        if narrowed {
            self.filter.clear();
            (self.level, self.source) = (None, None);
            return self.ask(snapshot);
        }
        Vec::new()
    }
}

impl Pane for Logs {
    fn title(&self) -> &'static str {
        "Logs"
    }

    fn actions(&self) -> &'static [Action] {
        ACTIONS
    }

    fn act(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
        if action == Action::Back {
            return self.back(snapshot);
        }
        if let Some(open) = &mut self.open
            && open.act(action)
        {
            return Vec::new();
        }
        let len = self.lines().len();
        if self.cursor.act(action, len) {
            self.follow = self.cursor.at + 1 >= len;
            return Vec::new();
        }
        match action {
            Action::Filter => self.filter.open(),
            Action::Wrap => self.wrap = !self.wrap,
            Action::Follow => {
                self.follow = !self.follow;
                if self.follow {
                    self.cursor.at = len.saturating_sub(1);
                }
            }
            Action::Open => self.open = self.lines().get(self.cursor.at).cloned().map(Detail::new),
            Action::Copy => {
                return self
                    .lines()
                    .get(self.cursor.at)
                    .map(|line| Effect::Copy(lines::plain(line)))
                    .into_iter()
                    .collect();
            }
            Action::LevelFilter => {
                self.next_level();
                return self.ask(snapshot);
            }
            Action::SourceFilter => {
                self.next_source();
                return self.ask(snapshot);
            }
            _ => {}
        }
        Vec::new()
    }

    fn takes_text(&self) -> bool {
        self.filter.is_open()
    }

    fn text_key(&mut self, key: KeyEvent, snapshot: &Snapshot) -> Vec<Effect> {
        if self.filter.key(key) { self.ask(snapshot) } else { Vec::new() }
    }

    fn fetched(&mut self, what: Fetched, snapshot: &Snapshot) -> Vec<Effect> {
        let Fetched::Logs(page) = what else { return Vec::new() };
        self.pending = false;
        let selected = self.lines().get(self.cursor.at).cloned();
        self.page = Some(page);
        let lines = self.lines();
        let last = lines.len().saturating_sub(1);
        let kept = selected.filter(|_| !self.follow).and_then(|line| lines.iter().rposition(|own| *own == line));
        self.cursor.at = kept.unwrap_or(if self.follow { last } else { self.cursor.at.min(last) });
        self.refresh(snapshot)
    }

    fn refresh(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let due = self.follow && snapshot.taken_at.since(self.asked).0 >= STEP_MS;
        if self.pending || !(self.changed || due) {
            return Vec::new();
        }
        (self.pending, self.changed, self.asked) = (true, false, snapshot.taken_at);
        vec![Effect::FetchLogs(LogQuery {
            text: self.filter.text(),
            source: self.source.clone(),
            level: self.level,
            limit: LINES_MAX,
        })]
    }

    fn mouse(&mut self, event: MouseEvent, _: Rect, snapshot: &Snapshot) -> Vec<Effect> {
        match event.kind {
            MouseEventKind::ScrollUp => self.act(Action::Up, snapshot),
            MouseEventKind::ScrollDown => self.act(Action::Down, snapshot),
            _ => Vec::new(),
        }
    }

    fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        if let Some(open) = &self.open {
            open.draw(area, buffer, view);
            return;
        }
        self.filter.draw(area, buffer, "search /", &self.asked_for(), view.styles);
        let list = Rect { height: area.height.saturating_sub(2), ..paint::below(area, 1) };
        match &self.page {
            None => paint::text(list, buffer, 1, "  Reading the logs.", view.styles.dim),
            Some(Err(why)) => {
                let text = format!("  {}", crate::tui::sanitise::clean(why));
                paint::text(list, buffer, 1, &text, view.styles.bad);
            }
            Some(Ok(page)) if page.lines.is_empty() => {
                let text = format!("  No line matches in {}. Esc shows all again.", page.searched);
                paint::text(list, buffer, 1, &text, view.styles.dim);
            }
            Some(Ok(page)) => {
                let scene = lines::Scene { cursor: self.cursor, wrap: self.wrap, found: &self.filter.text() };
                scene.draw(&page.lines, list, buffer, view);
            }
        }
        if area.height > 1 {
            self.last_line(paint::below(area, area.height - 1), buffer, view);
        }
    }
}

impl Logs {
    /// What narrows the lines, and where they were searched.
    fn asked_for(&self) -> String {
        let level = self.level.map_or_else(|| "all levels".to_owned(), |level| format!("{} and worse", level.word()));
        let source = self.source.as_deref().unwrap_or("all sources");
        let searched = match &self.page {
            Some(Ok(page)) => format!("   {}", page.searched),
            _ => String::new(),
        };
        format!("{level}, {source}{searched}")
    }

    fn last_line(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        let Some(Ok(page)) = &self.page else { return };
        let below = page.lines.len().saturating_sub(self.cursor.at + 1);
        let place = if self.follow { " following".to_owned() } else { format!(" {below} below (G)") };
        paint::text(area, buffer, 0, &place, view.styles.dim);
        let more = if page.truncated { ", older ones match too" } else { "" };
        if let Some(problem) = page.problems.first() {
            let text = crate::tui::sanitise::fit(problem, usize::from(area.width) / 2);
            paint::right(area, buffer, 0, &text, view.styles.warning);
        } else {
            let text = format!("{} newest lines{more}", page.lines.len());
            paint::right(area, buffer, 0, &text, view.styles.dim);
        }
    }
}
