//! The incidents of the list: those of the picture, and older ones that were asked for.

use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::domain::ids::{IncidentId, Millis, Timestamp};
use crate::domain::incident::{INCIDENTS_PAGE_MAX, Incident, IncidentsAsk};
use crate::domain::log::{Expr, Matcher};
use crate::domain::snapshot::Snapshot;

/// Older ones are asked for again so often: another process may have told of some.
const AGAIN: Millis = Millis(10_000);

#[derive(Debug)]
pub(super) struct IncidentRows {
    list: Vec<Incident>,
    asked: Asked<IncidentsAsk>,
    expr: Expr,
    matcher: Matcher,
    due: Timestamp,
    problem: Option<String>,
    /// Of which moment they are; `None` is now.
    as_of: Option<Timestamp>,
}

impl Default for IncidentRows {
    fn default() -> Self {
        let matcher = Matcher::of_list(&Expr::All, Timestamp(0));
        let (list, asked, due) = (Vec::new(), Asked::default(), Timestamp(0));
        Self { list, asked, expr: Expr::All, matcher, due, problem: None, as_of: None }
    }
}

impl IncidentRows {
    pub(super) fn filter(&mut self, expr: Expr) {
        self.matcher = Matcher::of_list(&expr, Timestamp(0));
        (self.expr, self.asked, self.due) = (expr, Asked::default(), Timestamp(0));
        self.list.retain(|incident| self.matcher.matches(incident));
    }

    /// Holds those of another moment from now on.
    pub(super) fn rewind(&mut self, as_of: Option<Timestamp>) {
        (self.list, self.asked, self.due, self.as_of) = (Vec::new(), Asked::default(), Timestamp(0), as_of);
    }

    /// The question that is due.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Effect> {
        let rests = now < self.due && self.due.since(now) <= AGAIN;
        if rests || self.asked.is_open() {
            return None;
        }
        self.due = now.plus(AGAIN);
        let ask = self.ask();
        Some(self.asked.put(ask).into())
    }

    /// What asks for all that the filter takes.
    pub(super) fn ask(&self) -> IncidentsAsk {
        IncidentsAsk {
            expr: self.expr.clone(),
            as_of: self.as_of,
            limit: INCIDENTS_PAGE_MAX,
            ..IncidentsAsk::default()
        }
    }

    /// Takes an answer in, when one has come.
    pub(super) fn take_answer(&mut self) -> bool {
        match self.asked.take() {
            Some(Ok(page)) => (self.list, self.problem) = (page.incidents, None),
            Some(Err(why)) => self.problem = Some(why),
            None => return false,
        }
        true
    }

    /// Takes over what the picture knows better.
    pub(super) fn take(&mut self, snapshot: &Snapshot) -> bool {
        let before = self.list.len();
        // Another process of the folder has told it: the own one is known better, and by its own id.
        self.list.retain(|one| !snapshot.incidents.iter().any(|own| one.id != own.id && one.is_told_by(own)));
        let mut changed = self.list.len() != before;
        for incident in snapshot.incidents.iter().filter(|incident| self.matcher.matches(&***incident)) {
            match self.list.iter_mut().find(|own| own.id == incident.id) {
                Some(own) if own == &**incident => {}
                Some(own) => {
                    own.clone_from(incident);
                    changed = true;
                }
                None => {
                    let at = self.list.partition_point(|own| own.began > incident.began);
                    self.list.insert(at, (**incident).clone());
                    changed = true;
                }
            }
        }
        changed
    }

    /// Newest first, none older than `oldest`: below it, operations are not loaded yet.
    pub(super) fn since(&self, oldest: Timestamp) -> Vec<&Incident> {
        self.list.iter().filter(|incident| incident.began >= oldest).collect()
    }

    pub(super) fn by_id(&self, id: IncidentId) -> Option<&Incident> {
        self.list.iter().find(|incident| incident.id == id)
    }

    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }
}
