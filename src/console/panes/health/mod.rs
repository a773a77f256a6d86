//! Health: a dashboard. Every server with its verdict, what was measured over time, how each server was meanwhile, and one
//! of them in detail.

mod charts;
mod connections;
mod dashboard;
mod detail;
mod full;
mod order;
mod subjects;
mod table;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::charts::Charts;
use self::dashboard::DashboardLayout;
use self::full::Full;
use self::order::{ServerOrder, row_of};
use crate::console::action::Action;
use crate::console::confirms;
use crate::console::effect::Effect;
use crate::console::input::{Key, Mouse, MouseAct};
use crate::console::jump::{Focus, Jump, JumpTo};
use crate::console::order::Outside;
use crate::console::pane::Pane;
use crate::console::rewind::RowMoment;
use crate::console::view::View;
use crate::console::widgets::list::Cursor;
use crate::domain::explain::Topic;
use crate::domain::ids::{NodeId, Timestamp};
use crate::domain::server::{ServerState, ServerView};
use crate::domain::snapshot::Snapshot;

const ACTIONS: &[Action] = &[
    Action::Drain,
    Action::Pause,
    Action::StopServer,
    Action::RestartServer,
    Action::Open,
    Action::Copy,
    Action::Sort,
    Action::SortReverse,
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::Top,
    Action::Bottom,
    Action::Left,
    Action::Right,
    Action::ShorterRange,
    Action::LongerRange,
    Action::Newest,
    Action::Filter,
    Action::LogsThen,
    Action::HistoryThen,
    Action::ConsoleThen,
];

/// The first tab.
#[derive(Debug, Default)]
pub(super) struct HealthPane {
    cursor: Cursor,
    order: ServerOrder,
    /// The server in hand, which stays so when the order changes.
    held: Option<NodeId>,
    charts: Charts,
    /// As the console has told it.
    area: Rect,
    /// The server that fills the pane, when one does.
    full: Option<Full>,
}

impl HealthPane {
    fn selected<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a ServerView> {
        snapshot.servers.get(self.place(snapshot))
    }
}

impl HealthPane {
    /// The place in the picture of the server in hand.
    fn place(&self, snapshot: &Snapshot) -> usize {
        let held = self.held.as_ref().and_then(|held| snapshot.servers.iter().position(|one| one.node == *held));
        held.unwrap_or_else(|| {
            let places = self.order.places(snapshot);
            places.get(self.cursor.at.min(places.len().saturating_sub(1))).copied().unwrap_or_default()
        })
    }

    /// Takes the server of this row in hand.
    fn hold(&mut self, row: usize, snapshot: &Snapshot) {
        let place = self.order.places(snapshot).get(row).copied();
        self.held = place.and_then(|at| snapshot.servers.get(at)).map(|server| server.node.clone());
        self.cursor.at = row;
    }

    /// Moves up or down from where the server in hand is now; whether the action does that.
    fn moves(&mut self, action: Action, snapshot: &Snapshot) -> bool {
        let row = self.held.as_ref().and_then(|held| row_of(held, self.order, snapshot));
        self.cursor.at = row.unwrap_or(self.cursor.at);
        let moved = self.cursor.act(action, snapshot.servers.len());
        if moved {
            self.hold(self.cursor.at, snapshot);
        }
        moved
    }

    /// Sorts the servers anew; the one in hand stays in hand.
    fn sort(&mut self, order: ServerOrder, snapshot: &Snapshot) {
        self.held = self.selected(snapshot).map(|server| server.node.clone());
        self.order = order;
    }

    fn pieces(&self, area: Rect, snapshot: &Snapshot) -> DashboardLayout {
        let rows = table::rows(self.order, snapshot, area.width).len() as u16 + 1;
        DashboardLayout::of(area, rows, snapshot.servers.len() as u16)
    }

    /// To what is told of a server around the moment that is shown, or that its state began.
    fn link(server: &ServerView, to: fn(Focus) -> JumpTo, at: Option<Timestamp>) -> Jump {
        let began = (server.verdict.state != ServerState::Up).then_some(server.verdict.since);
        let focus = Focus { node: Some(server.node.clone()), at: at.or(began), query: None };
        Jump::around(&server.node, to, focus)
    }

    /// Moves in time, or shows more or less of it; `None` when the action does neither.
    fn in_time(&mut self, action: Action, snapshot: &Snapshot) -> Option<Vec<Effect>> {
        let columns = self.pieces(self.area, snapshot).columns();
        let by = match action {
            Action::Left => -1,
            Action::Right => 1,
            Action::ShorterRange => {
                self.charts.reach(self.charts.reach.shorter(), snapshot);
                return Some(self.refresh(snapshot));
            }
            Action::LongerRange => {
                self.charts.reach(self.charts.reach.longer(), snapshot);
                return Some(self.refresh(snapshot));
            }
            Action::Newest => return Some(vec![Effect::At(None)]),
            _ => return None,
        };
        let is_now = snapshot.past.is_none();
        match self.charts.beside(by, columns, snapshot) {
            None if is_now => Some(Vec::new()),
            at => Some(vec![Effect::At(at)]),
        }
    }
}

impl Pane for HealthPane {
    fn title(&self) -> &'static str {
        "Health"
    }

    fn actions(&self) -> &'static [Action] {
        ACTIONS
    }

    fn label(&self, action: Action, snapshot: &Snapshot) -> Option<&'static str> {
        // The filter is of the metrics, and a server that fills the pane cannot be opened again.
        let here = match action {
            Action::Open => self.full.is_none(),
            Action::Filter => self.full.is_some(),
            // Three are seen at a glance.
            Action::Sort => self.full.is_none() && snapshot.servers.len() > 3,
            Action::ConsoleThen => self.moment(snapshot).is_some(),
            _ => true,
        };
        confirms::label(snapshot, self.selected(snapshot)?, action).filter(|_| here)
    }

    fn act(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
        if let Some(full) = &mut self.full {
            if action == Action::Back {
                if !full.back() {
                    self.full = None;
                }
                return Vec::new();
            }
            if full.act(action) {
                // Another list may have something to ask.
                return full.refresh(snapshot);
            }
        }
        if self.moves(action, snapshot) {
            return Vec::new();
        }
        if self.full.is_none()
            && let Some(effects) = self.in_time(action, snapshot)
        {
            return effects;
        }
        let Some(server) = self.selected(snapshot) else { return Vec::new() };
        match action {
            Action::Sort | Action::SortReverse if self.full.is_none() => {
                let reverse = action == Action::SortReverse;
                let shown = table::shown(snapshot, self.area.width);
                self.sort(if reverse { self.order.reversed() } else { self.order.next(&shown) }, snapshot);
                Vec::new()
            }
            Action::Drain => vec![confirms::drain(snapshot, &server.node)],
            Action::Pause => vec![confirms::pause_or_start(snapshot, &server.node)],
            Action::StopServer => vec![confirms::stop_or_start(snapshot, &server.node)],
            Action::RestartServer => vec![confirms::restart(snapshot, &server.node)],
            Action::LogsThen => vec![Effect::Go(Self::link(server, JumpTo::Logs, snapshot.as_of()))],
            Action::HistoryThen => vec![Effect::Go(Self::link(server, JumpTo::History, snapshot.as_of()))],
            Action::Copy => vec![Effect::Outside(Outside::Copy(server.address.clone()))],
            Action::Open if self.full.is_none() => {
                self.full = Some(Full::new(server.node.clone()));
                self.refresh(snapshot)
            }
            _ => Vec::new(),
        }
    }

    fn topics(&self, snapshot: &Snapshot) -> Vec<Topic> {
        let Some(server) = self.selected(snapshot) else { return Vec::new() };
        let metric = self.full.as_ref().and_then(|full| full.metric(snapshot));
        let metric = metric.map(|name| Topic::Metric(server.node.clone(), name));
        let mut both = [Topic::Server(server.node.clone()), Topic::Node(server.node.clone())];
        // A server that is well is no answer to why its node is not.
        if !both[0].is_amiss(snapshot) && both[1].is_amiss(snapshot) {
            both.reverse();
        }
        metric.into_iter().chain(both).collect()
    }

    fn urgent(&self, snapshot: &Snapshot) -> Vec<Action> {
        self.selected(snapshot).map(|server| confirms::mends(snapshot, server)).unwrap_or_default()
    }

    fn is_deep(&self) -> bool {
        self.full.is_some()
    }

    fn visit(&mut self, to: &JumpTo, snapshot: &Snapshot) -> Option<Vec<Effect>> {
        let JumpTo::Server(node) = to else { return None };
        let row = row_of(node, self.order, snapshot)?;
        self.hold(row, snapshot);
        self.full = Some(Full::new(node.clone()));
        Some(Vec::new())
    }

    fn takes_text(&self) -> bool {
        self.full.as_ref().is_some_and(Full::takes_text)
    }

    fn text_key(&mut self, key: Key, snapshot: &Snapshot) -> Vec<Effect> {
        self.full.iter_mut().for_each(|full| full.text_key(key));
        self.refresh(snapshot)
    }

    fn paste(&mut self, text: &str, snapshot: &Snapshot) -> Vec<Effect> {
        self.full.iter_mut().for_each(|full| full.paste(text));
        self.refresh(snapshot)
    }

    fn moment(&self, snapshot: &Snapshot) -> Option<RowMoment> {
        let server = self.selected(snapshot).filter(|server| server.verdict.state != ServerState::Up)?;
        Some(RowMoment::of(server.verdict.since))
    }

    fn rewind(&mut self, snapshot: &Snapshot) {
        self.charts.rewind(snapshot);
        self.full.iter_mut().for_each(Full::forget);
    }

    fn resize(&mut self, area: Rect) {
        self.area = area;
    }

    fn refresh(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        if let Some(full) = &mut self.full {
            full.resize(self.area.width);
            return full.refresh(snapshot);
        }
        let pieces = self.pieces(self.area, snapshot);
        self.charts.refresh(pieces.names(), pieces.columns(), pieces.strip_columns(), snapshot)
    }

    fn take_answers(&mut self, _: &Snapshot) -> Vec<Effect> {
        self.full.iter_mut().for_each(Full::take_answers);
        self.charts.take_answers();
        Vec::new()
    }

    fn mouse(&mut self, event: Mouse, area: Rect, snapshot: &Snapshot) -> Vec<Effect> {
        let turn = match event.does {
            MouseAct::WheelUp => Action::Up,
            MouseAct::WheelDown => Action::Down,
            MouseAct::Press if self.full.is_none() => {
                let table = self.pieces(area, snapshot).table;
                if event.row == 0 {
                    let column = table::column_at(event.column, snapshot, table);
                    column.into_iter().for_each(|column| self.sort(self.order.by(column), snapshot));
                    return Vec::new();
                }
                let in_hand = (self.order, self.place(snapshot));
                let place = table::server_at(snapshot, usize::from(event.row), in_hand, table);
                if let Some(server) = place.and_then(|place| snapshot.servers.get(place)) {
                    self.held = Some(server.node.clone());
                }
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        self.act(turn, snapshot)
    }

    fn draw(&self, area: Rect, buffer: &mut Buffer, view: &View<'_>) {
        if let Some(full) = &self.full {
            full.draw(area, buffer, view);
            return;
        }
        let pieces = self.pieces(area, view.snapshot);
        table::draw((self.order, self.place(view.snapshot)), pieces.table, buffer, view);
        if let Some(server) = self.selected(view.snapshot).filter(|_| pieces.panel.height > 0) {
            detail::draw(server, pieces.panel, buffer, view);
        }
        dashboard::draw(&self.charts, &pieces, buffer, view);
    }
}
