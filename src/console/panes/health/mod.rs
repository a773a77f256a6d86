//! Health: every server with its verdict, and one of them in detail.

mod detail;
mod full;
mod table;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::full::Full;
use crate::console::action::Action;
use crate::console::confirms;
use crate::console::effect::Effect;
use crate::console::input::{Mouse, MouseAct};
use crate::console::order::Outside;
use crate::console::pane::Pane;
use crate::console::view::View;
use crate::console::widgets::list::Cursor;
use crate::console::widgets::paint;
use crate::domain::server::ServerView;
use crate::domain::snapshot::Snapshot;

const ACTIONS: &[Action] = &[
    Action::Drain,
    Action::Pause,
    Action::StopServer,
    Action::RestartServer,
    Action::Open,
    Action::Copy,
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::Top,
    Action::Bottom,
];

/// From this width on the panel below the table has room for its lines.
const PANEL_WIDTH: u16 = 100;
const PANEL_HEIGHT: u16 = 4;

/// The first tab.
#[derive(Debug, Default)]
pub(super) struct HealthPane {
    cursor: Cursor,
    /// The server that fills the pane, when one does.
    full: Option<Full>,
}

impl HealthPane {
    fn selected<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a ServerView> {
        snapshot.servers.get(self.cursor.at.min(snapshot.servers.len().saturating_sub(1)))
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
        confirms::label(snapshot, self.selected(snapshot)?, action)
            .filter(|_| action != Action::Open || self.full.is_none())
    }

    fn act(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Effect> {
        if let Some(full) = &mut self.full {
            if action == Action::Back {
                self.full = None;
                return Vec::new();
            }
            if full.scroll.act(action, full.metrics()) {
                return Vec::new();
            }
        }
        if self.cursor.act(action, snapshot.servers.len()) {
            return Vec::new();
        }
        let Some(server) = self.selected(snapshot) else { return Vec::new() };
        match action {
            Action::Drain => vec![confirms::drain(snapshot, &server.node)],
            Action::Pause => vec![confirms::pause_or_start(snapshot, &server.node)],
            Action::StopServer => vec![confirms::stop_or_start(snapshot, &server.node)],
            Action::RestartServer => vec![confirms::restart(snapshot, &server.node)],
            Action::Copy => vec![Effect::Outside(Outside::Copy(server.address.clone()))],
            Action::Open if self.full.is_none() => {
                self.full = Some(Full::new(server.node.clone()));
                self.refresh(snapshot)
            }
            _ => Vec::new(),
        }
    }

    fn refresh(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        self.full.as_mut().and_then(|full| full.refresh(snapshot)).into_iter().collect()
    }

    fn take_answers(&mut self, _: &Snapshot) -> Vec<Effect> {
        self.full.iter_mut().for_each(Full::take_answers);
        Vec::new()
    }

    fn mouse(&mut self, event: Mouse, area: Rect, snapshot: &Snapshot) -> Vec<Effect> {
        let turn = match event.does {
            MouseAct::WheelUp => Action::Up,
            MouseAct::WheelDown => Action::Down,
            MouseAct::Press if self.full.is_none() => {
                if let Some(server) = table::server_at(snapshot, usize::from(event.row), self.cursor, area) {
                    self.cursor.at = server;
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
        let rows = table::rows(view.snapshot).len() as u16 + 1;
        let roomy = area.width >= PANEL_WIDTH && area.height > rows + PANEL_HEIGHT;
        let height = if roomy { area.height - PANEL_HEIGHT - 1 } else { area.height };
        table::draw(self.cursor, Rect { height, ..area }, buffer, view);
        if let (true, Some(server)) = (roomy, self.selected(view.snapshot)) {
            detail::draw(server, paint::below(area, rows + 1), buffer, view);
        }
    }
}
