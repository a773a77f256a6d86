//! What was measured, and what went wrong meanwhile: asked for as far back as the operator looks.

use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::console::widgets::axis::{TimeAxis, TimeReach};
use crate::console::widgets::marks;
use crate::domain::ids::{Millis, NodeId, Timestamp};
use crate::domain::incident::{INCIDENTS_PAGE_MAX, Incident, IncidentsAsk};
use crate::domain::series::{PrometheusPart, SeriesAsk, SeriesKey, SeriesName, SeriesOf, SeriesPage, SeriesPoint};
use crate::domain::snapshot::Snapshot;

/// Charts in the order of their use; a screen shows as many as it has room for.
pub(super) const CHARTS: [SeriesName; 11] = [
    SeriesName::Canary,
    SeriesName::Files,
    SeriesName::LatencyP99,
    SeriesName::Requests,
    SeriesName::Outstanding,
    SeriesName::Connections,
    SeriesName::Fsync,
    SeriesName::Heap,
    SeriesName::Znodes,
    SeriesName::Moves,
    SeriesName::Descriptors,
];

/// Servers of which lines are drawn; more would be a tangle.
pub(super) const LINES_MAX: usize = 7;
/// Least and longest time between two questions.
const AGAIN_MIN: u64 = 2_000;
const AGAIN_MAX: u64 = 60_000;

/// One kind of picture, of so many columns.
#[derive(Debug, Default)]
pub(super) struct Measured {
    asked: Asked<SeriesAsk>,
    page: Option<SeriesPage>,
    problem: Option<String>,
    /// What was asked last: another question is asked at once.
    last: Option<(Vec<SeriesKey>, TimeAxis)>,
    due: Timestamp,
}

impl Measured {
    fn ask(&mut self, keys: Vec<SeriesKey>, axis: TimeAxis, snapshot: &Snapshot) -> Option<Effect> {
        let (now, past) = (snapshot.taken_at, snapshot.past.is_some());
        if keys.is_empty() || axis.columns == 0 {
            return None;
        }
        let question = (keys, axis);
        let other = self.last.as_ref().is_none_or(|(keys, last)| *keys != question.0 || last.step != axis.step);
        // The axis of a moment that is over stays, or is another one at once.
        let moved = past && self.last.as_ref().is_some_and(|(_, last)| *last != axis);
        // A clock that was set back makes it due too.
        let far = now.since(self.due).0 > 0 || self.due.since(now).0 > AGAIN_MAX;
        if !other && !moved && (past || self.asked.is_open() || !far) {
            return None;
        }
        if other {
            self.page = None;
        }
        self.due = now.plus(Millis((axis.step.0 / 2).clamp(AGAIN_MIN, AGAIN_MAX)));
        let ask = SeriesAsk { series: question.0.clone(), from: axis.from, until: axis.until(), step: axis.step };
        self.last = Some(question);
        Some(self.asked.put(ask).into())
    }

    fn take(&mut self) {
        match self.asked.take() {
            Some(Ok(page)) => (self.page, self.problem) = (Some(page), None),
            Some(Err(why)) => self.problem = Some(why),
            None => {}
        }
    }

    /// Points of one series on `axis`; empty while nothing has come. What came for an earlier axis is moved to its place.
    pub(super) fn points(&self, key: &SeriesKey, axis: &TimeAxis) -> Vec<Option<SeriesPoint>> {
        let Some(page) = self.page.as_ref().filter(|page| page.step == axis.step) else { return Vec::new() };
        let Some(line) = page.line(key) else { return Vec::new() };
        let place = |column: u16| {
            let at = axis.at(column);
            let index = usize::try_from(at.since(page.from).0 / page.step.0.max(1)).ok()?;
            line.points.get(index).copied().flatten().filter(|_| at >= page.from)
        };
        (0..axis.columns).map(place).collect()
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Charts {
    pub(super) reach: TimeReach,
    /// The moment that was asked for last and is not shown yet: further keys go on from it.
    wanted: Option<Timestamp>,
    /// Where the axis ends while a moment that is over is shown.
    end: Option<Timestamp>,
    pub(super) measured: Measured,
    pub(super) served: Measured,
    asked: Asked<IncidentsAsk>,
    incidents: Vec<Incident>,
    incidents_due: Timestamp,
    incidents_of: Option<TimeReach>,
}

impl Charts {
    /// The questions that are due: charts of `columns` columns of these values, and strips of `strip` columns.
    pub(super) fn refresh(
        &mut self,
        names: &[SeriesName],
        columns: u16,
        strip: u16,
        snapshot: &Snapshot,
    ) -> Vec<Effect> {
        let now = snapshot.taken_at;
        let nodes: Vec<NodeId> = snapshot.servers.iter().take(LINES_MAX).map(|server| server.node.clone()).collect();
        let keys = names.iter().flat_map(|name| keys(*name, &nodes)).collect();
        let mut effects = Vec::new();
        let (axis, strips) = (self.axis(snapshot, columns), self.axis(snapshot, strip));
        effects.extend(self.measured.ask(keys, axis, snapshot));
        effects.extend(self.served.ask(self::keys(SeriesName::Up, &nodes), strips, snapshot));
        let due = now >= self.incidents_due || self.incidents_of != Some(self.reach);
        if due && !self.asked.is_open() {
            self.incidents_due = now.plus(Millis(5_000));
            self.incidents_of = Some(self.reach);
            let from = Timestamp(self.end.unwrap_or(now).0.saturating_sub(self.reach.span().0));
            effects.push(
                self.asked
                    .put(IncidentsAsk { from: Some(from), limit: INCIDENTS_PAGE_MAX, ..IncidentsAsk::default() })
                    .into(),
            );
        }
        effects
    }

    pub(super) fn take_answers(&mut self) {
        self.measured.take();
        self.served.take();
        if let Some(Ok(page)) = self.asked.take() {
            self.incidents = page.incidents;
        }
    }

    /// The axis of charts with so many columns: until now, or around the moment that is shown.
    pub(super) fn axis(&self, snapshot: &Snapshot, columns: u16) -> TimeAxis {
        let now = snapshot.past.as_ref().map_or(snapshot.taken_at, |past| past.made);
        TimeAxis::back_from(self.reach, self.end.unwrap_or(snapshot.taken_at), columns, now)
    }

    /// Another moment is shown: the axis stays as long as it is on it.
    pub(super) fn rewind(&mut self, snapshot: &Snapshot) {
        (self.wanted, self.incidents_due) = (None, Timestamp(0));
        self.end = snapshot.past.as_ref().map(|past| {
            let (at, span) = (snapshot.taken_at, self.reach.span());
            let end = self.end.unwrap_or(past.made);
            let shown = at <= end && end.since(at) < span;
            if shown { end } else { at.plus(Millis(span.0 / 4)).min(past.made).max(at) }
        });
    }

    /// Incidents of the time that is shown.
    pub(super) fn incidents<'a>(&'a self, snapshot: &'a Snapshot) -> Vec<&'a Incident> {
        marks::incidents(snapshot, &self.incidents)
    }

    /// Why charts are empty, in words.
    pub(super) fn empty(&self) -> &str {
        match &self.measured.problem {
            Some(why) => why,
            None => match self.measured.page.as_ref().map(|page| &page.prometheus) {
                Some(PrometheusPart::Failed { why }) => why,
                Some(_) => "nothing was measured in this time",
                None => "reading",
            },
        }
    }

    /// Whose values these are, when they are not all our own; empty when they are.
    pub(super) fn sources(&self) -> String {
        match self.measured.page.as_ref().map(|page| &page.prometheus) {
            Some(PrometheusPart::Filled { points: 1.. }) => "charts partly from Prometheus".into(),
            Some(PrometheusPart::Failed { why }) => format!("charts have holes: {why}"),
            Some(PrometheusPart::NotAsked | PrometheusPart::Filled { .. }) | None => String::new(),
        }
    }

    /// Another range, around the moment that is shown.
    pub(super) fn reach(&mut self, reach: TimeReach, snapshot: &Snapshot) {
        self.reach = reach;
        self.rewind(snapshot);
    }

    /// The moment so many columns beside the one that is shown or on its way; `None` past the newest.
    pub(super) fn beside(&mut self, by: i32, columns: u16, snapshot: &Snapshot) -> Option<Timestamp> {
        let axis = self.axis(snapshot, columns);
        let last = axis.columns.saturating_sub(1);
        let shown = self.wanted.or(snapshot.as_of());
        let column = shown.map(|at| axis.column(at).map_or(0, i32::from));
        let newest = self.end.is_none_or(|end| snapshot.past.as_ref().is_none_or(|past| end >= past.made));
        self.wanted = match column {
            None if by < 0 => Some(axis.at(last)),
            None => None,
            Some(column) if column + by > i32::from(last) && newest => None,
            // Beyond what is shown the axis goes along.
            Some(column) if column + by < 0 || column + by > i32::from(last) => {
                let at = axis.at(u16::try_from(column).unwrap_or(0));
                let beside = at.0.saturating_add_signed(i64::from(by) * axis.step.0.cast_signed());
                Some(Timestamp(beside))
            }
            Some(column) => Some(axis.at(u16::try_from(column + by).unwrap_or(0))),
        };
        self.wanted
    }
}

/// The series of one chart.
pub(super) fn keys(name: SeriesName, nodes: &[NodeId]) -> Vec<SeriesKey> {
    match name.of() {
        SeriesOf::Ensemble => vec![SeriesKey::of_ensemble(name)],
        SeriesOf::Server | SeriesOf::Node => nodes.iter().map(|node| SeriesKey::of_node(name, node)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_values_charts_show_is_said_when_they_are_not_all_our_own() {
        let mut charts = Charts::default();
        let said = |charts: &mut Charts, prometheus| {
            let page = SeriesPage { from: Timestamp(0), step: Millis(1), lines: Vec::new(), prometheus };
            charts.measured.page = Some(page);
            (charts.sources(), charts.empty().to_owned())
        };
        let nothing = (String::new(), "nothing was measured in this time".to_owned());
        assert_eq!(said(&mut charts, PrometheusPart::NotAsked), nothing);
        assert_eq!(said(&mut charts, PrometheusPart::Filled { points: 0 }), nothing);
        assert_eq!(said(&mut charts, PrometheusPart::Filled { points: 1 }).0, "charts partly from Prometheus");
        let (why, empty) = said(&mut charts, PrometheusPart::Failed { why: "it is down".into() });
        assert_eq!((why.as_str(), empty.as_str()), ("charts have holes: it is down", "it is down"));
    }
}
