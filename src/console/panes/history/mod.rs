//! History: every operation, newest first, with its outcome and its reason.

mod detail;
mod rows;
mod table;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::rows::OperationRows;
use crate::console::action::Action;
use crate::console::effect::Effect;
use crate::console::input::{Key, Mouse, MouseAct};
use crate::console::keymap::table::entry_of;
use crate::console::order::Outside;
use crate::console::pane::Pane;
use crate::console::view::View;
use crate::console::widgets::filter::Filter;
use crate::console::widgets::list::Cursor;
use crate::console::widgets::paint;
use crate::domain::ids::OperationId;
use crate::domain::operation::Operation;
use crate::domain::snapshot::{Level, Snapshot};

const ACTIONS: &[Action] = &[
    Action::Open,
    Action::Filter,
    Action::Follow,
    Action::Copy,
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::Top,
    Action::Bottom,
];

/// The third tab.
#[derive(Debug)]
pub(super) struct HistoryPane {
    cursor: Cursor,
    /// Stay at the newest row.
    follow: bool,
    filter: Filter,
    rows: OperationRows,
    open: Option<OperationId>,
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
            open: None,
            page: 0,
        }
    }
}

impl HistoryPane {
    fn selected(&self) -> Option<&Operation> {
        self.rows.get(self.cursor.at)
    }

    /// Keeps the cursor on its row, or at the newest one.
    fn settle(&mut self, selected: Option<OperationId>) {
        let at = if self.follow { None } else { selected.and_then(|id| self.rows.position(id)) };
        self.cursor.at = at.unwrap_or(0);
    }

    fn refilter(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let selected = self.selected().map(|operation| operation.id);
        self.rows.filter(&self.filter.text());
        self.settle(selected);
        self.refresh(snapshot)
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
        let none = matches!(action, Action::Open | Action::Copy) && self.selected().is_none();
        entry_of(action).map(|entry| entry.label).filter(|_| !none)
    }

    fn act(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
        if action == Action::Back {
            if self.open.take().is_none() && !self.filter.is_empty() {
                self.filter.clear();
                return self.refilter(snapshot);
            }
            return Vec::new();
        }
        if self.open.is_none() && self.cursor.act_in(action, self.rows.len(), self.page) {
            self.follow = self.cursor.at == 0;
            return self.refresh(snapshot);
        }
        match action {
            Action::Open => self.open = self.selected().map(|operation| operation.id),
            Action::Filter => {
                // It is drawn below the list.
                self.open = None;
                self.filter.open();
            }
            Action::Follow => {
                self.follow = !self.follow;
                self.settle(self.selected().map(|operation| operation.id));
            }
            Action::Copy => return self.copy(),
            _ => {}
        }
        Vec::new()
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
        let selected = self.selected().map(|operation| operation.id);
        if !self.rows.take_answer() {
            return Vec::new();
        }
        self.settle(selected);
        self.refresh(snapshot)
    }

    fn refresh(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        let selected = self.selected().map(|operation| operation.id);
        if self.rows.take(&snapshot.operations) {
            self.settle(selected);
        }
        self.rows.next_page(self.cursor.at, snapshot.taken_at).into_iter().collect()
    }

    fn mouse(&mut self, event: Mouse, area: Rect, snapshot: &Snapshot) -> Vec<Effect> {
        match event.does {
            MouseAct::WheelUp => self.act(Action::Up, snapshot),
            MouseAct::WheelDown => self.act(Action::Down, snapshot),
            MouseAct::Press if self.open.is_none() => {
                let first = self.cursor.first(usize::from(area.height.saturating_sub(2)));
                let at = event.row.checked_sub(1).map(|row| usize::from(row) + first);
                if let Some(at) = at.filter(|at| *at < self.rows.len()) {
                    self.cursor.at = at;
                    self.follow = at == 0;
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        if let Some(operation) = self.open.and_then(|id| self.rows.by_id(id)) {
            detail::draw(operation, area, buffer, view);
            return;
        }
        let scene =
            table::HistoryScene { cursor: self.cursor, filter: &self.filter, rows: &self.rows, follow: self.follow };
        scene.draw(paint::below(area, 0), buffer, view);
    }
}

impl HistoryPane {
    fn copy(&self) -> Vec<Effect> {
        let Some(operation) = self.selected() else { return Vec::new() };
        match serde_json::to_string(operation) {
            Ok(text) => vec![Effect::Outside(Outside::Copy(text))],
            Err(why) => vec![Effect::Toast { level: Level::Error, text: format!("copy failed: {why}") }],
        }
    }
}
