//! Logs: one query over the events of the servers and of zkdeck itself, wherever they are kept.
//!
//! `query` is what is asked, `window` the pages that are held, `draw`, `head` and `lines` draw them;
//! `detail`, `container` and `saved` lie over the list. `answers` asks, and takes in the answers that are `pending`.

mod answers;
mod container;
mod detail;
mod draw;
mod head;
mod lines;
mod pending;
mod query;
mod saved;
#[cfg(test)]
mod tests;
mod window;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::container::Printed;
use self::detail::LogDetail;
use self::lines::LogColumns;
use self::pending::{Going, PendingAnswers};
use self::query::Query;
use self::saved::Saved;
use self::window::EventWindow;
use crate::console::action::Action;
use crate::console::effect::{Completes, Effect, Prompt};
use crate::console::fetch::Asked;
use crate::console::input::{Key, KeyCode, Mouse, MouseAct};
use crate::console::line::Line;
use crate::console::order::{Outside, Work};
use crate::console::pane::Pane;
use crate::console::place::SavedSearches;
use crate::console::view::View;
use crate::console::widgets::list::Cursor;
use crate::domain::ids::Timestamp;
use crate::domain::log::{
    Answered, CONTEXT_MAX, ContextAsk, FollowMark, Histogram, Hits, LogContext, LogEvent, Matcher, ParseError, parse,
};
use crate::domain::snapshot::{Level, Snapshot};

const ACTIONS: &[Action] = &[
    Action::Filter,
    Action::LevelFilter,
    Action::SourceFilter,
    Action::TimeRange,
    Action::Follow,
    Action::Context,
    Action::ContainerLog,
    Action::Open,
    Action::NextMatch,
    Action::PreviousMatch,
    Action::Wrap,
    Action::Export,
    Action::Searches,
    Action::SaveSearch,
    Action::RemoveSearch,
    Action::TypeRange,
    Action::LogColumns,
    Action::Copy,
    Action::CopyQuery,
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::Top,
    Action::Bottom,
];

/// Neighbours on each side that are asked for first; each further time twice as many.
const CONTEXT_FIRST: usize = 20;
/// So near to an end of what is held, the next page is asked for.
const NEAR: usize = 20;

/// The fourth tab.
#[derive(Debug)]
pub(super) struct LogsPane {
    query: Query,
    line: Line,
    editing: bool,
    mistake: Option<ParseError>,
    window: EventWindow,
    nodes: Vec<String>,
    answered: Answered,
    hits: Option<Hits>,
    histogram: Option<Histogram>,
    problem: Option<String>,
    cursor: Cursor,
    /// Rows of the list that are seen.
    page: usize,
    follow: bool,
    below: usize,
    wrap: bool,
    shown: LogColumns,
    detail: Option<LogDetail>,
    context: Option<Neighbours>,
    printed: Option<Printed>,
    saved: Saved,
    marks: Matcher,
    mark: Option<FollowMark>,
    pending: PendingAnswers,
    /// What is shown does not answer the question any more.
    changed: bool,
    loaded: bool,
    refreshed: Option<Timestamp>,
    counted: Option<Timestamp>,
    failed: Timestamp,
}

/// An event among its neighbours.
#[derive(Debug)]
struct Neighbours {
    found: LogContext,
    cursor: Cursor,
    reach: usize,
}

impl Default for LogsPane {
    fn default() -> Self {
        let query = Query::default();
        Self {
            marks: query.marks(),
            query,
            line: Line::default(),
            editing: false,
            mistake: None,
            window: EventWindow::default(),
            nodes: Vec::new(),
            answered: Answered::default(),
            hits: None,
            histogram: None,
            problem: None,
            cursor: Cursor::default(),
            page: 0,
            follow: true,
            below: 0,
            wrap: false,
            shown: LogColumns::default(),
            detail: None,
            context: None,
            printed: None,
            saved: Saved::default(),
            mark: None,
            pending: PendingAnswers::default(),
            changed: true,
            loaded: false,
            refreshed: None,
            counted: None,
            failed: Timestamp(0),
        }
    }
}

impl LogsPane {
    /// The events that are shown and which is selected.
    fn list(&self) -> (&[LogEvent], usize) {
        match (&self.printed, &self.context) {
            (Some(printed), _) => (&printed.events, printed.cursor.at),
            (None, Some(near)) => (&near.found.events, near.cursor.at),
            (None, None) => (&self.window.events, self.cursor.at),
        }
    }

    fn selected(&self) -> Option<&LogEvent> {
        let (events, at) = self.list();
        self.detail.as_ref().and_then(|detail| detail.event.as_ref()).or_else(|| events.get(at))
    }

    fn ask(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        self.marks = self.query.marks();
        (self.changed, self.context, self.printed, self.detail) = (true, None, None, None);
        self.pending.context = Asked::default();
        self.refresh(snapshot)
    }

    fn back(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        self.pending.context = Asked::default();
        let closed = self.detail.take().is_some()
            || std::mem::take(&mut self.saved.open)
            || self.printed.take().is_some()
            || self.context.take().is_some();
        if closed || !self.query.is_narrowed() {
            return Vec::new();
        }
        self.query.clear();
        self.line = Line::default();
        self.ask(snapshot)
    }

    /// Moves in the list; asks for the next page near its ends.
    fn moved(&mut self, action: Action) -> Option<Vec<Effect>> {
        if let Some(near) = &mut self.context {
            return near.cursor.act_in(action, near.found.events.len(), self.page).then(Vec::new);
        }
        let len = self.window.events.len();
        if action == Action::Bottom && self.window.newer().is_some() {
            (self.follow, self.changed) = (true, true);
            return Some(self.newest());
        }
        if !self.cursor.act_in(action, len, self.page) {
            return None;
        }
        self.follow = self.cursor.at + 1 >= len && self.window.newer().is_none();
        if self.follow {
            self.below = 0;
        }
        let up = matches!(action, Action::Up | Action::PageUp | Action::Top);
        Some(match () {
            () if up && self.cursor.at < NEAR => self.page(Going::Older),
            () if !up && self.cursor.at + NEAR >= len => self.page(Going::Newer),
            () => Vec::new(),
        })
    }

    /// Goes to the next event that the query takes, or in which it marks something.
    fn next_match(&mut self, forward: bool) -> Vec<Effect> {
        let (events, at) = self.list();
        let marked = |event: &LogEvent| {
            !self.query.is_everything() && (self.marks.matches(event) || !self.marks.marks(&event.text).is_empty())
        };
        let found = if forward {
            (at + 1..events.len()).find(|at| marked(&events[*at]))
        } else {
            (0..at.min(events.len())).rev().find(|at| marked(&events[*at]))
        };
        let Some(found) = found else {
            let text = match (self.query.is_everything(), forward) {
                (true, _) => "type a query with / first: n and N go through what it finds",
                (false, true) => "no further match below",
                (false, false) => "no further match above",
            };
            return vec![Effect::Toast { level: Level::Info, text: text.into() }];
        };
        match (&mut self.printed, &mut self.context) {
            (Some(printed), _) => (printed.cursor.at, printed.follow) = (found, false),
            (None, Some(near)) => near.cursor.at = found,
            (None, None) => {
                self.cursor.at = found;
                self.follow = false;
            }
        }
        Vec::new()
    }

    fn neighbours(&mut self) -> Vec<Effect> {
        let reach = self.context.as_ref().map_or(CONTEXT_FIRST, |near| (near.reach * 2).min(CONTEXT_MAX));
        let event = match &self.context {
            Some(near) => near.found.events.get(near.found.at),
            None => self.selected(),
        };
        let Some(event) = event else { return Vec::new() };
        let (id, file, offset) = (event.id.clone(), event.file.clone(), event.offset);
        self.pending.reach = reach;
        vec![self.pending.context.put(ContextAsk { id, file, offset, before: reach, after: reach }).into()]
    }

    fn next_container(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let searched = self.query.search.node.as_deref();
        let looked_at = searched.or_else(|| self.selected().map(|event| event.node.as_str()));
        match Printed::next(self.printed.as_ref(), looked_at, snapshot) {
            Ok((printed, effect)) => {
                (self.printed, self.context, self.detail) = (Some(printed), None, None);
                self.pending.context = Asked::default();
                vec![effect]
            }
            Err(text) => vec![Effect::Toast { level: Level::Info, text }],
        }
    }

    /// Shows the query and copies it: not every terminal takes a copy.
    fn copy_query(&mut self) -> Vec<Effect> {
        vec![match self.answered.curl.clone() {
            Some(curl) => {
                self.detail = Some(LogDetail::of_query(&curl, &self.answered.by));
                Effect::Outside(Outside::Copy(curl))
            }
            None => Effect::Toast {
                level: Level::Info,
                text: "this answer comes from local files: there is no query to Elasticsearch to copy".into(),
            },
        }]
    }

    fn act_saved(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
        let len = self.saved.list.len();
        if self.saved.cursor.act(action, len) {
            return Vec::new();
        }
        match action {
            Action::Open => {
                let Some(query) = self.saved.list.get(self.saved.cursor.at).cloned() else { return Vec::new() };
                self.saved.open = false;
                self.query.clear();
                if let Err(error) = self.query.set(&query) {
                    return vec![Effect::Toast {
                        level: Level::Warning,
                        text: format!("saved search {query}: {error}"),
                    }];
                }
                self.line = Line::new(&query);
                self.ask(snapshot)
            }
            Action::RemoveSearch => {
                let chosen = self.saved.list.get(self.saved.cursor.at).cloned();
                chosen.map(|search| self.saved.ask(SavedSearches::Remove(search))).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn act_filters(&mut self, action: Action, snapshot: &Snapshot) -> Option<Vec<Effect>> {
        match action {
            Action::LevelFilter => self.query.next_level(),
            Action::SourceFilter => self.query.next_node(&self.nodes),
            Action::TimeRange => self.query.next_span(),
            _ => return None,
        }
        Some(self.ask(snapshot))
    }
}

impl Pane for LogsPane {
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
        if self.saved.open {
            return self.act_saved(action, snapshot);
        }
        if self.detail.as_mut().is_some_and(|detail| detail.act(action)) {
            return Vec::new();
        }
        if self.printed.as_mut().is_some_and(|printed| printed.act(action)) {
            return Vec::new();
        }
        if let Some(effects) = self.moved(action).or_else(|| self.act_filters(action, snapshot)) {
            return effects;
        }
        match action {
            Action::Filter => (self.editing, self.line) = (true, Line::new(&self.query.text)),
            Action::Wrap => self.wrap = !self.wrap,
            Action::LogColumns => self.shown = self.shown.next(),
            Action::Follow if self.follow => self.follow = false,
            Action::Follow => return self.moved(Action::Bottom).unwrap_or_default(),
            Action::Open => self.detail = self.selected().cloned().map(LogDetail::of_event),
            Action::NextMatch => return self.next_match(true),
            Action::PreviousMatch => return self.next_match(false),
            Action::ContainerLog => return self.next_container(snapshot),
            Action::Context | Action::Export if self.printed.is_some() => {
                let text = "context and export are of the search: leave the container's log by Esc first".into();
                return vec![Effect::Toast { level: Level::Info, text }];
            }
            Action::Context => return self.neighbours(),
            Action::Copy => {
                return self
                    .selected()
                    .map(|event| Effect::Outside(Outside::Copy(lines::plain(event))))
                    .into_iter()
                    .collect();
            }
            Action::CopyQuery => return self.copy_query(),
            Action::Searches => self.saved.open = true,
            Action::SaveSearch if self.query.is_narrowed() => {
                return vec![self.saved.ask(SavedSearches::Add(self.query.whole()))];
            }
            Action::TypeRange => {
                return vec![Effect::Prompt(Prompt {
                    action,
                    title: "Span of time (UTC)".into(),
                    hint: "beginning and end: 2h, 14:00 14:30, 2026-11-23T14:00; empty: all".into(),
                    value: String::new(),
                    completes: Completes::Nothing,
                })];
            }
            Action::Export => {
                return vec![Effect::Prompt(Prompt {
                    action,
                    title: "Export all events that match".into(),
                    hint: "a new file: .ndjson, .csv or .txt".into(),
                    value: "logs.ndjson".into(),
                    completes: Completes::Path,
                })];
            }
            _ => {}
        }
        Vec::new()
    }

    fn answered(&mut self, action: Action, text: &str, snapshot: &Snapshot) -> Vec<Effect> {
        if action == Action::Export {
            return vec![Effect::Work(Work::ExportLogs { search: self.query.search.clone(), path: text.to_owned() })];
        }
        match self.query.set_span(text) {
            Ok(()) => self.ask(snapshot),
            Err(text) => vec![Effect::Toast { level: Level::Warning, text }],
        }
    }

    fn resize(&mut self, area: Rect) {
        self.page = usize::from(area.height.saturating_sub(3));
    }

    fn takes_text(&self) -> bool {
        self.editing
    }

    fn text_key(&mut self, key: Key, snapshot: &Snapshot) -> Vec<Effect> {
        match key.code {
            KeyCode::Esc => (self.editing, self.mistake, self.line) = (false, None, Line::new(&self.query.text)),
            KeyCode::Enter => match self.query.set(&self.line.text()) {
                Ok(()) => {
                    (self.editing, self.mistake) = (false, None);
                    return self.ask(snapshot);
                }
                Err(error) => self.mistake = Some(error),
            },
            _ => {
                self.line.key(key);
                self.mistake = parse(&self.line.text()).err();
            }
        }
        Vec::new()
    }

    fn paste(&mut self, text: &str, _: &Snapshot) -> Vec<Effect> {
        self.line.insert(text);
        self.mistake = parse(&self.line.text()).err();
        Vec::new()
    }

    fn take_answers(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        self.take_in(snapshot)
    }

    fn refresh(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        self.refreshed = Some(snapshot.taken_at);
        self.due(snapshot)
    }

    fn mouse(&mut self, event: Mouse, _: Rect, snapshot: &Snapshot) -> Vec<Effect> {
        match event.does {
            MouseAct::WheelUp => self.act(Action::Up, snapshot),
            MouseAct::WheelDown => self.act(Action::Down, snapshot),
            _ => Vec::new(),
        }
    }

    fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        self.draw_all(area, buffer, view);
    }
}
