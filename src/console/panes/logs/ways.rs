//! Ways through the list: to the next match, the next error, another minute, another server; further pages are loaded on
//! the way.

use super::LogsPane;
use super::pending::Going;
use super::rows::LogRow;
use super::way::{LogWay, Wayside};
use crate::console::effect::Effect;
use crate::domain::log::{LogEvent, LogLevel};
use crate::domain::snapshot::Level;

impl LogsPane {
    /// Goes a way, as far as it leads in what is held; at the end the next page is asked for.
    pub(super) fn go_way(&mut self, way: LogWay) -> Vec<Effect> {
        self.way = None;
        if way.to == Wayside::Match && self.query.is_everything() {
            let text = "type a query with / first: n and N go through what it finds".into();
            return vec![Effect::Toast { level: Level::Info, text }];
        }
        if self.printed.is_some() || self.context.is_some() {
            return self.go_way_over(way);
        }
        let here = self.list.selected().and_then(LogRow::event);
        let from = here.and_then(|at| self.list.window.events.get(at));
        let wanted = |row: &usize| match self.list.rows[*row] {
            LogRow::Hole(_) => true,
            LogRow::Event(at) | LogRow::Fold { to: at, .. } => {
                self.list.window.events.get(at).is_some_and(|event| self.is_wayside(way, from, event))
            }
        };
        let (len, at) = (self.list.rows.len(), self.list.cursor.at);
        let found = if way.forward { (at + 1..len).find(wanted) } else { (0..at.min(len)).rev().find(wanted) };
        if let Some(row) = found {
            self.list.select(row);
            return match self.list.selected() {
                Some(LogRow::Hole(_)) => told("events that are not loaded lie between: Enter loads them".into()),
                _ => Vec::new(),
            };
        }
        let effects = self.page(if way.forward { Going::Newer } else { Going::Older });
        if effects.is_empty() {
            return told(way.nothing());
        }
        self.way = Some(way);
        effects
    }

    /// The same in what lies over the list.
    fn go_way_over(&mut self, way: LogWay) -> Vec<Effect> {
        let (events, at) = self.over().unwrap_or_default();
        let wanted = |row: &usize| self.is_wayside(way, events.get(at), &events[*row]);
        let len = events.len();
        let found = if way.forward { (at + 1..len).find(wanted) } else { (0..at.min(len)).rev().find(wanted) };
        let Some(found) = found else { return told(way.nothing()) };
        match (&mut self.printed, &mut self.context) {
            (Some(printed), _) => (printed.cursor.at, printed.follow) = (found, false),
            (None, Some(near)) => near.cursor.at = found,
            (None, None) => {}
        }
        Vec::new()
    }

    fn is_wayside(&self, way: LogWay, from: Option<&LogEvent>, event: &LogEvent) -> bool {
        match way.to {
            Wayside::Match => self.marks.matches(event) || !self.marks.marks(&event.text).is_empty(),
            Wayside::Problem => event.level >= Some(LogLevel::Warn),
            Wayside::Minute => {
                let minute = |event: &LogEvent| event.time.map(|time| time.0 / 60_000);
                event.time.is_some() && from.and_then(minute) != minute(event)
            }
            Wayside::Server => from.is_none_or(|from| from.node != event.node),
        }
    }
}

fn told(text: String) -> Vec<Effect> {
    vec![Effect::Toast { level: Level::Info, text }]
}
