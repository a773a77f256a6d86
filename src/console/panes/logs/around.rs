//! Where in time one looks: a way from another pane leads to a moment, and the span is moved, narrowed and widened.

use super::LogsPane;
use super::pending::Aim;
use super::query::Query;
use crate::console::action::Action;
use crate::console::effect::Effect;
use crate::console::jump::{Focus, Jump, JumpTo};
use crate::console::line::Line;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::log::Moment;
use crate::domain::snapshot::{Level, Snapshot};

const MINUTE: u64 = 60_000;
/// So far on each side of a moment it is looked first, and then; after that everywhere.
const REACHES: [u64; 4] = [MINUTE, 10 * MINUTE, 2 * 60 * MINUTE, 24 * 60 * MINUTE];
/// Pages that are loaded to get from the newest event of the span to the moment.
const PAGES_MAX: u8 = 40;
/// Narrowing stops here; what is longer than the longest is all of the time.
const SHORTEST: u64 = 10_000;
const LONGEST: u64 = 90 * 24 * 60 * MINUTE;
/// A step narrows or widens by so much.
const FACTOR: u64 = 4;

impl LogsPane {
    /// Shows what happened around a moment.
    pub(super) fn visit_around(&mut self, around: &Focus, snapshot: &Snapshot) -> Vec<Effect> {
        let now = snapshot.taken_at;
        let mut query = Query::default();
        query.search.node = around.node.as_ref().map(ToString::to_string);
        let mistake = around.query.as_deref().and_then(|text| query.set(text, now).err());
        self.aim = around.at.map(|at| Aim { at, wider: Some(1), pages: 0 });
        if let Some(at) = around.at {
            reach(&mut query, at, REACHES[0]);
        }
        self.close_all();
        self.line = Line::new(&query.text);
        (self.visited, self.query, self.list.follow) = (Some(query.clone()), query, around.at.is_none());
        let mut effects = self.ask(snapshot);
        effects.extend(mistake.map(|why| Effect::Toast { level: Level::Warning, text: why.to_string() }));
        effects
    }

    /// The operations then.
    pub(super) fn history_then(&self, snapshot: &Snapshot) -> Option<Effect> {
        let event = self.selected()?;
        let node = snapshot.node_ids().into_iter().find(|node| node.as_str() == event.node);
        let focus = Focus { node, at: event.time, query: None };
        Some(Effect::Go(Jump::around(&event.node, JumpTo::History, focus)))
    }

    /// The newest page of a search for a moment has come; whether another search is to be asked.
    pub(super) fn aimed(&mut self, empty: bool) -> bool {
        let Some(mut aim) = self.aim else { return false };
        let Some(next) = aim.wider.filter(|_| empty) else { return false };
        if self.query.search.from.is_none() {
            self.aim = None;
            return false;
        }
        match REACHES.get(next) {
            Some(wider) => reach(&mut self.query, aim.at, *wider),
            None => (self.query.search.from, self.query.search.to) = (None, None),
        }
        aim.wider = Some(next + 1);
        (self.aim, self.visited) = (Some(aim), Some(self.query.clone()));
        true
    }

    /// Selects the moment, once what is held reaches back to it; whether older events are needed for that.
    pub(super) fn take_aim(&mut self) -> bool {
        let Some(aim) = &mut self.aim else { return false };
        let first = self.list.window.events.iter().find_map(|event| event.time);
        let short = first.is_some_and(|first| first > aim.at) && self.list.window.older().is_some();
        if short && aim.pages < PAGES_MAX {
            aim.pages += 1;
            return true;
        }
        let at = aim.at;
        self.aim = None;
        self.list.select_at(at);
        false
    }

    /// The span that is shown; `None` while that is not known.
    pub(super) fn shown_span(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let counted = self.histogram.as_ref().filter(|counted| !counted.bars.is_empty());
        let from = self.query.search.from.map(|at| at.resolve(now)).or(counted.map(|counted| counted.from))?;
        let end = counted.map(|counted| counted.from.plus(Millis(counted.step.0 * counted.bars.len() as u64)));
        let until = self.query.search.to.map(|at| at.resolve(now)).or(end.map(|end| end.min(now))).unwrap_or(now);
        Some((from, until.max(from)))
    }

    /// Moves in time, or shows more or less of it; `None` when the action does neither.
    pub(super) fn in_time(&mut self, action: Action, snapshot: &Snapshot) -> Option<Vec<Effect>> {
        let now = snapshot.taken_at;
        let all = self.query.search.from.is_none() && self.query.search.to.is_none();
        let known = matches!(action, Action::ShorterRange | Action::LongerRange | Action::Left | Action::Right);
        if action == Action::Newest {
            (self.query.search.from, self.query.search.to, self.aim) = (None, None, None);
            self.list.follow = true;
            return Some(self.ask(snapshot));
        }
        if !known {
            return None;
        }
        let refused = |text: &str| Some(vec![Effect::Toast { level: Level::Info, text: text.into() }]);
        if all && action != Action::ShorterRange {
            return refused("all of the time is shown: + shows less of it");
        }
        let Some((from, until)) = self.shown_span(now) else { return refused("the events are not counted yet") };
        let len = until.since(from).0.max(1);
        let moment = self.list.moment().filter(|at| (from..=until).contains(at));
        let middle = moment.unwrap_or(Timestamp(from.0 + len / 2));
        match action {
            Action::ShorterRange if len <= SHORTEST => return refused("a shorter time is not shown"),
            Action::ShorterRange => self.look(middle, (len / FACTOR).max(SHORTEST), middle, now),
            Action::LongerRange => self.look(middle, len * FACTOR, middle, now),
            Action::Left => {
                let back = |at: Timestamp| Timestamp(at.0.saturating_sub(len / 2));
                self.list.follow = false;
                self.look(from, len, back(middle), now);
            }
            _ => self.look(until, len, middle.plus(Millis(len / 2)), now),
        }
        Some(self.ask(snapshot))
    }

    /// Looks at a span of this length around its middle, and selects a moment of it. Who follows the newest event goes on
    /// with that, and a span that would reach beyond now ends there.
    fn look(&mut self, middle: Timestamp, len: u64, select: Timestamp, now: Timestamp) {
        let search = &mut self.query.search;
        if len > LONGEST {
            (search.from, search.to) = (None, None);
        } else {
            let until = middle.0.saturating_add(len / 2);
            let open = self.list.follow || until >= now.0;
            let until = if open { now.0 } else { until };
            search.from = Some(Moment::At(Timestamp(until.saturating_sub(len))));
            search.to = Some(Moment::At(Timestamp(until))).filter(|_| !open);
        }
        self.aim = (!self.list.follow).then_some(Aim { at: select, wider: None, pages: 0 });
    }
}

fn reach(query: &mut Query, at: Timestamp, reach: u64) {
    query.search.from = Some(Moment::At(Timestamp(at.0.saturating_sub(reach))));
    query.search.to = Some(Moment::At(at.plus(Millis(reach))));
}
