//! History by days: what was done and what happened by itself, newest first, each with its outcome and whose it was.
//!
//! `rows` holds operations, `incidents` incidents, `lines` makes the list of both; `table` draws it, `detail` one of them.

mod detail;
mod incidents;
mod lines;
mod rows;
mod table;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::incidents::IncidentRows;
use self::lines::{HistoryLine, LineId, Unfolded, lines};
use self::rows::OperationRows;
use crate::console::action::Action;
use crate::console::effect::{Effect, Prompt};
use crate::console::input::{Key, Mouse, MouseAct};
use crate::console::jump::{Focus, Jump, JumpTo};
use crate::console::keymap::table::entry_of;
use crate::console::order::{ExportList, HistoryChoice, Outside, Work};
use crate::console::pane::Pane;
use crate::console::rewind::RowMoment;
use crate::console::view::View;
use crate::console::widgets::filter::Filter;
use crate::console::widgets::list::Cursor;
use crate::domain::explain::Topic;
use crate::domain::filter::HISTORY;
use crate::domain::ids::{Millis, NodeId, Timestamp};
use crate::domain::incident::Incident;
use crate::domain::log::instant;
use crate::domain::operation::{Operation, OperationStatus};
use crate::domain::snapshot::{Level, Snapshot};

const ACTIONS: &[Action] = &[
    Action::Open,
    Action::Filter,
    Action::IncidentsOnly,
    Action::LogsThen,
    Action::ConsoleThen,
    Action::Follow,
    Action::Copy,
    Action::Export,
    Action::Right,
    Action::Left,
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::Top,
    Action::Bottom,
];

/// What came so soon after the moment that one came for is shown too.
const AFTER: Millis = Millis(120_000);

/// The third tab.
#[derive(Debug)]
pub(super) struct HistoryPane {
    cursor: Cursor,
    /// Stay at the newest row.
    follow: bool,
    filter: Filter,
    rows: OperationRows,
    incidents: IncidentRows,
    /// Only incidents are shown.
    only: bool,
    lines: Vec<HistoryLine>,
    unfolded: Unfolded,
    open: Option<LineId>,
    /// Rows of the list that are seen.
    page: usize,
}

impl Default for HistoryPane {
    fn default() -> Self {
        Self {
            cursor: Cursor::default(),
            follow: true,
            filter: Filter::default(),
            rows: OperationRows::default(),
            incidents: IncidentRows::default(),
            only: false,
            lines: Vec::new(),
            unfolded: Unfolded::default(),
            open: None,
            page: 0,
        }
    }
}

/// What a line is about.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    Operation(&'a Operation),
    Incident(&'a Incident),
}

impl Entry<'_> {
    fn node(&self) -> Option<NodeId> {
        match self {
            Self::Operation(operation) => operation.target.clone().or_else(|| operation.source.clone()),
            Self::Incident(incident) => incident.what.node().cloned(),
        }
    }

    const fn at(&self) -> Timestamp {
        match self {
            Self::Operation(operation) => operation.started,
            Self::Incident(incident) => incident.began,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Operation(operation) => format!("{} {}", operation.kind.word(), operation.what),
            Self::Incident(incident) => incident.what.to_string(),
        }
    }
}

impl HistoryPane {
    fn entry(&self, id: LineId) -> Option<Entry<'_>> {
        match id {
            LineId::Operation(id) => self.rows.by_id(id).map(Entry::Operation),
            LineId::Incident(id) => self.incidents.by_id(id).map(Entry::Incident),
        }
    }

    fn selected(&self) -> Option<LineId> {
        self.lines.get(self.cursor.at).and_then(HistoryLine::id)
    }

    /// Makes the list anew; the row in hand stays in hand, or the newest one is.
    fn relist(&mut self, selected: Option<LineId>) {
        let operations = if self.only { Vec::new() } else { self.rows.shown() };
        let bound = if self.only { Timestamp(0) } else { self.rows.bound() };
        self.lines = lines(&operations, &self.incidents.since(bound), &self.unfolded);
        let kept = selected.filter(|_| !self.follow);
        let kept = kept.and_then(|id| self.lines.iter().position(|line| line.id() == Some(id)));
        self.cursor.at = kept.unwrap_or(if self.follow { 0 } else { self.cursor.at });
        self.off_heading(true);
    }

    /// A heading is never in hand: the next row is, or the one before.
    fn off_heading(&mut self, down: bool) {
        self.cursor.at = self.cursor.at.min(self.lines.len().saturating_sub(1));
        let heading = |at: usize| self.lines.get(at).is_some_and(|line| line.id().is_none());
        if heading(self.cursor.at) {
            self.cursor.at = if down || self.cursor.at == 0 { self.cursor.at + 1 } else { self.cursor.at - 1 };
        }
    }

    fn refilter(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        // What is no query leaves the last one in force.
        let Some(expr) = self.filter.read(&HISTORY, snapshot.taken_at) else { return Vec::new() };
        let selected = self.selected();
        self.rows.filter(expr.clone());
        self.incidents.filter(expr);
        self.relist(selected);
        self.refresh(snapshot)
    }

    /// Shows what is folded into the row in hand, or folds it again.
    fn unfold(&mut self, open: bool) {
        let id = match self.lines.get(self.cursor.at) {
            Some(HistoryLine::Quiet { id, .. }) => *id,
            Some(HistoryLine::Run { id, .. }) if self.unfolded.has(*id) != open => *id,
            _ => return,
        };
        let selected = self.selected();
        self.follow = false;
        self.unfolded.toggle(id);
        self.relist(selected);
    }

    fn open(&mut self) {
        match self.lines.get(self.cursor.at) {
            Some(HistoryLine::Quiet { .. }) => self.unfold(true),
            Some(line) => self.open = line.id(),
            None => {}
        }
    }

    /// What is shown in full, or the selected one.
    fn in_hand(&self) -> Option<Entry<'_>> {
        self.entry(self.open.or_else(|| self.selected())?)
    }

    fn logs_then(&self) -> Option<Effect> {
        let entry = self.in_hand()?;
        let focus = Focus { node: entry.node(), at: Some(entry.at()), query: None };
        Some(Effect::Go(Jump::around(entry.name(), JumpTo::Logs, focus)))
    }
}

impl Pane for HistoryPane {
    fn title(&self) -> &'static str {
        "History"
    }

    fn actions(&self) -> &'static [Action] {
        ACTIONS
    }

    fn label(&self, action: Action, _: &Snapshot) -> Option<&'static str> {
        match action {
            Action::Open | Action::Copy | Action::LogsThen | Action::ConsoleThen if self.selected().is_none() => None,
            Action::IncidentsOnly if self.only => Some("all"),
            Action::Right if matches!(self.lines.get(self.cursor.at), Some(HistoryLine::Run { open: false, .. })) => {
                Some("unfold")
            }
            Action::Left if matches!(self.lines.get(self.cursor.at), Some(HistoryLine::Run { open: true, .. })) => {
                Some("fold")
            }
            _ => entry_of(action).map(|entry| entry.label),
        }
    }

    fn topics(&self, _: &Snapshot) -> Vec<Topic> {
        let Some(entry) = self.in_hand() else { return Vec::new() };
        match entry {
            Entry::Operation(row) => {
                let run = row.run.as_ref().map(|run| Topic::Run(Box::new(run.clone())));
                std::iter::once(Topic::Operation(Box::new(row.clone()))).chain(run).collect()
            }
            Entry::Incident(incident) => vec![Topic::Incident(Box::new(incident.clone()))],
        }
    }

    fn urgent(&self, _: &Snapshot) -> Vec<Action> {
        let folds = match self.lines.get(self.cursor.at) {
            Some(HistoryLine::Run { open: false, .. }) => Some(Action::Right),
            Some(HistoryLine::Run { open: true, .. }) => Some(Action::Left),
            _ => None,
        };
        let amiss = self.in_hand().is_some_and(|entry| match entry {
            Entry::Operation(row) => matches!(row.status, OperationStatus::Failed | OperationStatus::Aborted),
            Entry::Incident(incident) => incident.ended.is_none(),
        });
        let causes = amiss.then_some([Action::Open, Action::LogsThen, Action::ConsoleThen]);
        folds.into_iter().chain(causes.into_iter().flatten()).collect()
    }

    fn is_deep(&self) -> bool {
        self.open.is_some()
    }

    fn moment(&self, _: &Snapshot) -> Option<RowMoment> {
        match self.entry(self.open.or_else(|| self.selected())?)? {
            Entry::Operation(operation) => Some(RowMoment::of(operation.started)),
            Entry::Incident(incident) => Some(RowMoment { at: incident.began, lasts: Some(incident.ended) }),
        }
    }

    fn rewind(&mut self, snapshot: &Snapshot) {
        self.rows.rewind(snapshot.as_of());
        self.incidents.rewind(snapshot.as_of());
        // What is relative in the filter is so to the moment.
        if let Some(expr) = self.filter.read(&HISTORY, snapshot.taken_at) {
            self.rows.filter(expr.clone());
            self.incidents.filter(expr);
        }
        (self.open, self.follow) = (None, true);
        self.relist(None);
    }

    fn visit(&mut self, to: &JumpTo, snapshot: &Snapshot) -> Option<Vec<Effect>> {
        let JumpTo::History(around) = to else { return None };
        let node = around.node.as_ref().map(|node| format!("node:{node}"));
        let until = around.at.map(|at| format!("until:{}", instant(at.plus(AFTER))));
        let words: Vec<String> = [node, until, around.query.clone()].into_iter().flatten().collect();
        self.filter.set(&words.join(" "));
        (self.open, self.only, self.follow) = (None, false, true);
        Some(self.refilter(snapshot))
    }

    fn act(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
        if action == Action::Back {
            if self.open.take().is_none() && !self.filter.is_empty() {
                self.filter.clear();
                return self.refilter(snapshot);
            }
            return Vec::new();
        }
        if self.open.is_none() && self.cursor.act_in(action, self.lines.len(), self.page) {
            self.off_heading(!matches!(action, Action::Up | Action::PageUp | Action::Top));
            self.follow = self.cursor.at <= 1;
            return self.refresh(snapshot);
        }
        match action {
            Action::Open => self.open(),
            Action::Right => self.unfold(true),
            Action::Left => self.unfold(false),
            Action::Filter => {
                // It is drawn below the list.
                self.open = None;
                self.filter.open();
            }
            Action::IncidentsOnly => {
                self.only = !self.only;
                self.relist(self.selected());
            }
            Action::LogsThen => return self.logs_then().into_iter().collect(),
            Action::Follow => {
                self.follow = !self.follow;
                self.relist(self.selected());
            }
            Action::Copy => return self.copy(),
            Action::Export => return vec![self.export()],
            _ => {}
        }
        Vec::new()
    }

    fn answered(&mut self, action: Action, text: &str, _: &Snapshot) -> Vec<Effect> {
        if action != Action::Export || text.trim().is_empty() {
            return Vec::new();
        }
        let operations = (!self.only).then(|| self.rows.query());
        let list = ExportList::History(Box::new(HistoryChoice { operations, incidents: self.incidents.ask() }));
        vec![Effect::Work(Work::Export { list, path: text.to_owned() })]
    }

    fn resize(&mut self, area: Rect) {
        self.page = usize::from(area.height.saturating_sub(2));
    }

    fn takes_text(&self) -> bool {
        self.filter.is_open()
    }

    fn text_key(&mut self, key: Key, snapshot: &Snapshot) -> Vec<Effect> {
        if self.filter.key(key) { self.refilter(snapshot) } else { Vec::new() }
    }

    fn paste(&mut self, text: &str, snapshot: &Snapshot) -> Vec<Effect> {
        if self.filter.paste(text) { self.refilter(snapshot) } else { Vec::new() }
    }

    fn take_answers(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let selected = self.selected();
        let (rows, incidents) = (self.rows.take_answer(), self.incidents.take_answer());
        if !rows && !incidents {
            return Vec::new();
        }
        self.incidents.take(snapshot);
        self.relist(selected);
        self.refresh(snapshot)
    }

    fn refresh(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let selected = self.selected();
        let (rows, incidents) = (self.rows.take(&snapshot.operations), self.incidents.take(snapshot));
        if rows || incidents {
            self.relist(selected);
        }
        let left = self.lines.len().saturating_sub(self.cursor.at);
        let at = self.rows.len().saturating_sub(left);
        let page = self.rows.next_page(at, snapshot.taken_at);
        page.into_iter().chain(self.incidents.due(snapshot.taken_at)).collect()
    }

    fn mouse(&mut self, event: Mouse, area: Rect, snapshot: &Snapshot) -> Vec<Effect> {
        match event.does {
            MouseAct::WheelUp => self.act(Action::Up, snapshot),
            MouseAct::WheelDown => self.act(Action::Down, snapshot),
            MouseAct::Press if self.open.is_none() => {
                let first = self.cursor.first(usize::from(area.height.saturating_sub(2)));
                let at = event.row.checked_sub(1).map(|row| usize::from(row) + first);
                if let Some(at) = at.filter(|at| *at < self.lines.len()) {
                    self.cursor.at = at;
                    self.off_heading(true);
                    self.follow = self.cursor.at <= 1;
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        match self.open.and_then(|id| self.entry(id)) {
            Some(Entry::Operation(operation)) => detail::draw(operation, area, buffer, view),
            Some(Entry::Incident(incident)) => detail::draw_incident(incident, area, buffer, view),
            None => self.scene().draw(area, buffer, view),
        }
    }
}

impl HistoryPane {
    fn scene(&self) -> table::HistoryScene<'_> {
        table::HistoryScene {
            cursor: self.cursor,
            filter: &self.filter,
            rows: &self.rows,
            incidents: &self.incidents,
            lines: &self.lines,
            follow: self.follow,
            only: self.only,
        }
    }

    fn export(&self) -> Effect {
        let what = if self.only { "incidents" } else { "operations and incidents" };
        let filter = if self.filter.is_empty() { "" } else { " that match" };
        Effect::Prompt(Prompt::export(format!("Export all {what}{filter}"), "history.ndjson"))
    }

    fn copy(&self) -> Vec<Effect> {
        let text = match self.in_hand() {
            Some(Entry::Operation(operation)) => serde_json::to_string(operation),
            Some(Entry::Incident(incident)) => serde_json::to_string(incident),
            None => return Vec::new(),
        };
        match text {
            Ok(text) => vec![Effect::Outside(Outside::Copy(text))],
            Err(why) => vec![Effect::Toast { level: Level::Error, text: format!("copy failed: {why}") }],
        }
    }
}
