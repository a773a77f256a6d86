//! Logs: one query over the events of the servers and of zkdeck itself, wherever they are kept.
//!
//! `query` is what is asked, `typing` the line in which it is typed, and `past` what was typed before. `window` holds the
//! pages, with the holes between them, `rows` makes rows of them, and `list` knows which is selected and seen. `ways` (each
//! a `way`) and `around` go through them, by what they say and by time. `draw`, `chart`, `head` and `lines` draw; `detail`,
//! `parts`, `container` and `saved` lie over the list. `answers` asks, and takes in the answers that are `pending`.

mod answers;
mod around;
mod chart;
mod container;
mod detail;
mod draw;
mod head;
mod lines;
mod list;
mod parts;
mod past;
mod pending;
mod query;
mod rows;
mod saved;
#[cfg(test)]
mod tests;
mod typing;
mod way;
mod ways;
mod window;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::container::Printed;
use self::detail::LogDetail;
use self::lines::LogColumns;
use self::list::EventList;
use self::past::Typing;
use self::pending::{Aim, Going, PendingAnswers};
use self::query::Query;
use self::rows::LogRow;
use self::saved::Saved;
use self::way::LogWay;
use crate::console::action::Action;
use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::console::input::{Key, Mouse, MouseAct};
use crate::console::jump::JumpTo;
use crate::console::keymap::table::entry_of;
use crate::console::line::Line;
use crate::console::order::{ExportList, Outside, Work};
use crate::console::pane::Pane;
use crate::console::past_lines::PastLines;
use crate::console::place::{KeptLines, LineChange};
use crate::console::rewind::RowMoment;
use crate::console::view::View;
use crate::console::widgets::list::Cursor;
use crate::domain::explain::Topic;
use crate::domain::ids::Timestamp;
use crate::domain::incident::Incident;
use crate::domain::log::{
    Answered, CONTEXT_MAX, ContextAsk, FollowMark, Histogram, Hits, LogContext, LogEvent, LogSearch, Matcher,
    ParseError,
};
use crate::domain::snapshot::{Level, Snapshot};

const ACTIONS: &[Action] = &[
    Action::Filter,
    Action::Open,
    Action::NextProblem,
    Action::ShorterRange,
    Action::LevelFilter,
    Action::SourceFilter,
    Action::TimeRange,
    Action::Follow,
    Action::HistoryThen,
    Action::ConsoleThen,
    Action::Context,
    Action::ContainerLog,
    Action::NextMatch,
    Action::PreviousMatch,
    Action::PreviousProblem,
    Action::NextMinute,
    Action::PreviousMinute,
    Action::NextServer,
    Action::PreviousServer,
    Action::LongerRange,
    Action::Left,
    Action::Right,
    Action::Newest,
    Action::Folding,
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
    typing: Option<Typing>,
    past: PastLines,
    mistake: Option<ParseError>,
    list: EventList,
    nodes: Vec<String>,
    answered: Answered,
    hits: Option<Hits>,
    histogram: Option<Histogram>,
    incidents: Vec<Incident>,
    /// The time that they were asked for.
    incidents_of: Option<(Timestamp, Timestamp)>,
    problem: Option<String>,
    /// As the console has told it.
    area: Rect,
    /// Events that have come while another one than the newest is looked at.
    below: u64,
    wrap: bool,
    shown: LogColumns,
    detail: Option<LogDetail>,
    context: Option<Neighbours>,
    printed: Option<Printed>,
    saved: Saved,
    marks: Matcher,
    mark: Option<FollowMark>,
    pending: PendingAnswers,
    /// What a way from another pane has shown; Esc does not go further back here.
    visited: Option<Query>,
    /// A moment to be selected, and a way to be gone on, once events have come.
    aim: Option<Aim>,
    way: Option<LogWay>,
    /// What is shown does not answer the question any more.
    changed: bool,
    loaded: bool,
    refreshed: Option<Timestamp>,
    counted: Option<Timestamp>,
    failed: Timestamp,
    /// The moment that is over and is shown; `None` is now.
    as_of: Option<Timestamp>,
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
            typing: None,
            past: PastLines::new(KeptLines::PastSearches),
            mistake: None,
            list: EventList::default(),
            nodes: Vec::new(),
            answered: Answered::default(),
            hits: None,
            histogram: None,
            incidents: Vec::new(),
            incidents_of: None,
            problem: None,
            area: Rect::ZERO,
            below: 0,
            wrap: false,
            shown: LogColumns::default(),
            detail: None,
            context: None,
            printed: None,
            saved: Saved::default(),
            mark: None,
            pending: PendingAnswers::default(),
            visited: None,
            aim: None,
            way: None,
            changed: true,
            loaded: false,
            refreshed: None,
            counted: None,
            failed: Timestamp(0),
            as_of: None,
        }
    }
}

impl LogsPane {
    /// The events that lie over the list, when any do, and which is selected.
    fn over(&self) -> Option<(&[LogEvent], usize)> {
        match (&self.printed, &self.context) {
            (Some(printed), _) => Some((&printed.events, printed.cursor.at)),
            (None, Some(near)) => Some((&near.found.events, near.cursor.at)),
            (None, None) => None,
        }
    }

    fn selected(&self) -> Option<&LogEvent> {
        let listed = || match self.over() {
            Some((events, at)) => events.get(at),
            None => self.list.event(self.list.cursor.at),
        };
        self.detail.as_ref().and_then(|detail| detail.event.as_ref()).or_else(listed)
    }

    /// What is asked: in the past nothing after the moment that is shown.
    fn search(&self) -> LogSearch {
        let search = &self.query.search;
        self.as_of.map_or_else(|| search.clone(), |at| search.as_of(at))
    }

    fn ask(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        self.marks = self.query.marks();
        (self.changed, self.context, self.printed, self.detail) = (true, None, None, None);
        self.way = None;
        self.pending.context = Asked::default();
        self.refresh(snapshot)
    }

    /// Closes what lies over the list; whether anything did.
    fn close_all(&mut self) -> bool {
        self.pending.context = Asked::default();
        self.detail.take().is_some()
            || std::mem::take(&mut self.saved.open)
            || self.printed.take().is_some()
            || self.context.take().is_some()
    }

    /// Whether the search is narrower than the one that Esc goes back to.
    fn is_narrowed(&self) -> bool {
        self.visited.as_ref().map_or_else(|| self.query.is_narrowed(), |visited| *visited != self.query)
    }

    fn back(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        if self.close_all() {
            return Vec::new();
        }
        let narrowed = self.is_narrowed();
        let visited = self.visited.take_if(|_| !narrowed);
        if !narrowed && visited.is_none() {
            return Vec::new();
        }
        self.query = self.visited.clone().unwrap_or_default();
        (self.line, self.aim) = (Line::new(&self.query.text), None);
        self.ask(snapshot)
    }

    /// Rows of the list that are seen.
    fn page_rows(&self) -> usize {
        usize::from(self.pieces(self.area).list.height)
    }

    /// Moves in the list; asks for the next page near its ends.
    fn moved(&mut self, action: Action) -> Option<Vec<Effect>> {
        let page = self.page_rows();
        if let Some(near) = &mut self.context {
            return near.cursor.act_in(action, near.found.events.len(), page).then(Vec::new);
        }
        let list = &mut self.list;
        if action == Action::Bottom && list.window.ends_early() {
            (list.follow, self.changed) = (true, true);
            return Some(self.newest());
        }
        let len = list.rows.len();
        if !list.cursor.act_in(action, len, page) {
            return None;
        }
        list.follow = list.cursor.at + 1 >= len && !list.window.ends_early();
        if list.follow {
            self.below = 0;
        }
        let (at, up) = (list.cursor.at, matches!(action, Action::Up | Action::PageUp | Action::Top));
        Some(match () {
            () if up && at < NEAR => self.page(Going::Older),
            () if !up && at + NEAR >= len => self.page(Going::Newer),
            () => Vec::new(),
        })
    }

    /// Enter: what is not loaded is, repeats unfold, an event is shown whole.
    fn open(&mut self) -> Vec<Effect> {
        if self.over().is_none() && self.detail.is_none() {
            match self.list.selected() {
                Some(LogRow::Hole(at)) => {
                    self.list.follow = false;
                    return self.load(at);
                }
                Some(LogRow::Fold { .. }) => {
                    self.list.turn_fold();
                    return Vec::new();
                }
                _ => {}
            }
        }
        self.detail = self.selected().cloned().map(LogDetail::of_event);
        Vec::new()
    }

    /// What Enter does to the row in hand.
    fn opens(&self) -> Option<&'static str> {
        if self.saved.open {
            return Some("search");
        }
        if self.detail.is_some() {
            return None;
        }
        match self.list.selected().filter(|_| self.over().is_none()) {
            Some(LogRow::Hole(_)) => Some("load"),
            Some(LogRow::Fold { open: false, .. }) => Some("unfold"),
            Some(LogRow::Fold { open: true, .. }) => Some("fold"),
            _ => self.selected().map(|_| "details"),
        }
    }

    /// The first row that is seen follows the selected one.
    fn settle(&mut self) {
        let area = self.pieces(self.area).list;
        if area.height > 0 {
            self.list.first = self.scene().first(usize::from(area.width), usize::from(area.height));
        }
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
                if let Err(error) = self.query.set(&query, snapshot.taken_at) {
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
                chosen.map(|search| self.saved.ask(LineChange::Remove(search))).into_iter().collect()
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
        self.aim = None;
        Some(self.ask(snapshot))
    }
}

impl LogsPane {
    fn act_on(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
        if self.saved.open {
            return self.act_saved(action, snapshot);
        }
        if self.detail.as_mut().is_some_and(|detail| detail.act(action)) {
            return Vec::new();
        }
        if self.printed.as_mut().is_some_and(|printed| printed.act(action)) {
            return Vec::new();
        }
        if let Some(way) = LogWay::of(action) {
            return self.go_way(way);
        }
        let over = self.over().is_some() || self.detail.is_some();
        if over && matches!(action, Action::ShorterRange | Action::LongerRange | Action::Left | Action::Right) {
            let text = "the time is that of the search: leave this by Esc first".into();
            return vec![Effect::Toast { level: Level::Info, text }];
        }
        let done = self.moved(action).or_else(|| self.act_filters(action, snapshot));
        done.or_else(|| self.in_time(action, snapshot)).unwrap_or_else(|| self.act_here(action, snapshot))
    }

    fn act_here(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
        match action {
            Action::Filter => self.begin_typing(),
            Action::Wrap => self.wrap = !self.wrap,
            Action::LogColumns => self.shown = self.shown.next(),
            Action::Folding => self.list.turn_folding(),
            Action::Follow if self.list.follow => self.list.follow = false,
            Action::Follow => return self.moved(Action::Bottom).unwrap_or_default(),
            Action::Open => return self.open(),
            Action::ContainerLog => return self.next_container(snapshot),
            Action::Context | Action::Export if self.printed.is_some() => {
                let text = "context and export are of the search: leave the container's log by Esc first".into();
                return vec![Effect::Toast { level: Level::Info, text }];
            }
            Action::Context => return self.neighbours(),
            Action::HistoryThen => return self.history_then(snapshot).into_iter().collect(),
            Action::Copy => {
                let copied = self.selected().map(lines::plain);
                return copied.map(|text| Effect::Outside(Outside::Copy(text))).into_iter().collect();
            }
            Action::CopyQuery => return self.copy_query(),
            Action::Searches => self.saved.open = true,
            Action::SaveSearch if self.query.is_narrowed() => {
                return vec![self.saved.ask(LineChange::Add(self.query.whole(snapshot.taken_at)))];
            }
            Action::TypeRange | Action::Export => return vec![self.prompt(action, snapshot.taken_at)],
            _ => {}
        }
        Vec::new()
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
        self.way = None;
        let effects = self.act_on(action, snapshot);
        self.settle();
        effects
    }

    fn answered(&mut self, action: Action, text: &str, snapshot: &Snapshot) -> Vec<Effect> {
        if action == Action::Export {
            let list = ExportList::Logs(self.search());
            return vec![Effect::Work(Work::Export { list, path: text.to_owned() })];
        }
        match self.query.set_span(text, snapshot.taken_at) {
            Ok(()) => {
                self.aim = None;
                self.ask(snapshot)
            }
            Err(text) => vec![Effect::Toast { level: Level::Warning, text }],
        }
    }

    fn label(&self, action: Action, _: &Snapshot) -> Option<&'static str> {
        match action {
            Action::Open => self.opens(),
            Action::HistoryThen | Action::ConsoleThen | Action::Copy | Action::Context if self.selected().is_none() => {
                None
            }
            Action::Follow if self.as_of.is_some() => None,
            Action::NextMatch if self.query.is_everything() => None,
            Action::ShorterRange => Some("zoom"),
            _ => entry_of(action).map(|entry| entry.label),
        }
    }

    fn topics(&self, _: &Snapshot) -> Vec<Topic> {
        self.taken_apart().into_iter().collect()
    }

    fn is_deep(&self) -> bool {
        self.detail.is_some() || self.saved.open || self.over().is_some() || self.is_narrowed()
    }

    fn visit(&mut self, to: &JumpTo, snapshot: &Snapshot) -> Option<Vec<Effect>> {
        let JumpTo::Logs(around) = to else { return None };
        Some(self.visit_around(around, snapshot))
    }

    fn moment(&self, _: &Snapshot) -> Option<RowMoment> {
        self.selected()?.time.map(RowMoment::of)
    }

    fn rewind(&mut self, snapshot: &Snapshot) {
        self.as_of = snapshot.as_of();
        self.close_all();
        (self.changed, self.list.follow, self.below) = (true, true, 0);
        (self.aim, self.way, self.refreshed, self.incidents_of, self.histogram) = (None, None, None, None, None);
    }

    fn resize(&mut self, area: Rect) {
        self.area = area;
        self.settle();
    }

    fn takes_text(&self) -> bool {
        self.typing.is_some()
    }

    fn text_key(&mut self, key: Key, snapshot: &Snapshot) -> Vec<Effect> {
        self.type_key(key, snapshot)
    }

    fn paste(&mut self, text: &str, snapshot: &Snapshot) -> Vec<Effect> {
        self.line.insert(text);
        self.typed(snapshot)
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
