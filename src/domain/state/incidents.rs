//! What is amiss, held against what was amiss before: begins and ends of incidents.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::State;
use super::entry::NodeEntry;
use super::incident_log::{IncidentSubject, of_alert, subject};
use crate::domain::alert::{Alert, AlertCode};
use crate::domain::ensemble::{EnsembleState, EnsembleView};
use crate::domain::ids::{IncidentId, Millis, NodeId, Timestamp};
use crate::domain::incident::{Incident, IncidentWhat};
use crate::domain::operation::{Operation, OperationKind};
use crate::domain::server::ServerState;
use crate::domain::snapshot::{LeadershipView, Level, LocalView, SessionState};

/// An operation on a server that began so long before an incident, or its end, has brought it about.
const ACTED_WITHIN: Millis = Millis(45_000);
/// What is known better so soon after its begin is one incident: frozen, and then seen to be paused.
const SAME_WITHIN: Millis = Millis(5_000);
/// So long after an election its time may still be told by the servers.
const TOLD_WITHIN: Millis = Millis(10_000);
/// Operations that make a server cease to serve, and those that make it serve again.
const TAKES_AWAY: [OperationKind; 3] = [OperationKind::Pause, OperationKind::Stop, OperationKind::Restart];
const BRINGS_BACK: [OperationKind; 3] = [OperationKind::Resume, OperationKind::Start, OperationKind::Restart];
/// Said of one that ended while nobody looked.
const UNSEEN: &str = "not seen: zkdeck did not run";

/// Whether both may be one and the same, seen from nearer: that a server is silent, and why. From slow to dead is another
/// incident, as is every other verdict on the ensemble.
const fn is_known_better(before: &IncidentWhat, now: &IncidentWhat) -> bool {
    match (before, now) {
        (IncidentWhat::Server { state: before, .. }, IncidentWhat::Server { state: now, .. }) => {
            is_silent(*before) && is_silent(*now)
        }
        (IncidentWhat::Ensemble { .. }, _) => false,
        _ => true,
    }
}

const fn is_silent(state: ServerState) -> bool {
    matches!(state, ServerState::Frozen | ServerState::Paused | ServerState::Stopped | ServerState::Down)
}

/// How a subject is seen to be.
enum Seen {
    Well,
    /// It cannot be told: what was, goes on.
    Unclear,
    Amiss(IncidentWhat),
}

impl State {
    /// What history tells of before this process: what goes on still is gone on with, the rest has ended unseen.
    pub(super) fn incidents_loaded(&mut self, incidents: Vec<Incident>, now: Timestamp) {
        for mut incident in incidents {
            if self.incidents.get(incident.id).is_some() {
                continue;
            }
            if incident.ended.is_none() {
                match subject(&incident.what).filter(|subject| !self.incidents.open.contains_key(subject)) {
                    Some(subject) => {
                        self.incidents.open.insert(subject, incident.id);
                        self.incidents.unseen.insert(incident.id);
                    }
                    None => (incident.ended, incident.ended_by) = (Some(now), Some(UNSEEN.to_owned())),
                }
            }
            self.incidents.put(incident);
        }
    }

    /// One server, as it was judged now.
    pub(super) fn note_server(&mut self, node: &NodeId) {
        let Some(entry) = self.nodes.get(node) else { return };
        let verdict = &entry.tracker.as_view().verdict;
        let seen = match verdict.state {
            ServerState::Up => Seen::Well,
            ServerState::Unknown | ServerState::Starting => Seen::Unclear,
            state => Seen::Amiss(IncidentWhat::Server { node: node.clone(), state }),
        };
        let (since, cause) = (verdict.since, verdict.cause.clone());
        self.note(&IncidentSubject::Server(node.clone()), seen, since, cause);
    }

    /// All that time alone may have changed.
    pub(super) fn note_all(&mut self, alerts: &[Alert], now: Timestamp) {
        for server in self.node_ids() {
            self.note_server(&server);
        }
        self.note_ensemble();
        // The verdict says so in its own words.
        let alerts = alerts.iter().filter(|alert| alert.code != AlertCode::NoQuorum);
        let now_amiss: BTreeMap<IncidentSubject, &Alert> = alerts.map(|alert| (of_alert(alert), alert)).collect();
        let over = self.incidents.open.keys().filter(|subject| matches!(subject, IncidentSubject::Alert(..)));
        let over: Vec<IncidentSubject> = over.filter(|subject| !now_amiss.contains_key(subject)).cloned().collect();
        for subject in over {
            self.note(&subject, Seen::Well, now, None);
        }
        for (subject, alert) in now_amiss {
            let what = IncidentWhat::Alert { code: alert.code, short: alert.short.clone() };
            self.note(&subject, Seen::Amiss(what), now, Some(alert.text.clone()));
        }
        self.note_election_time(now);
    }

    pub(super) fn note_session(&mut self) {
        let session = &self.session;
        let seen = match session.state {
            SessionState::Connected => Seen::Well,
            // Before the first connection nothing was lost.
            SessionState::Connecting => Seen::Unclear,
            state => Seen::Amiss(IncidentWhat::Session { state }),
        };
        let (since, cause) = (session.since, session.cause.clone());
        self.note(&IncidentSubject::Session, seen, since, cause);
    }

    /// The ensemble's verdict, and who leads.
    pub(super) fn note_ensemble(&mut self) {
        let view = &self.ensemble;
        let seen = match view.state {
            EnsembleState::Healthy => Seen::Well,
            EnsembleState::Starting | EnsembleState::Unknown => Seen::Unclear,
            state => Seen::Amiss(IncidentWhat::Ensemble { state }),
        };
        let (since, cause) = (view.since, view.cause.clone());
        self.note(&IncidentSubject::Ensemble, seen, since, cause);
    }

    /// Held before the verdict takes the place of the last one: `next` is about to.
    pub(super) fn note_leader(&mut self, next: &EnsembleView, now: Timestamp) {
        let Some(leader) = &next.leader else {
            if self.leaderless.is_none() {
                let told = |entry: &NodeEntry| Some((entry.tracker.node().clone(), entry.tracker.as_view().elections?));
                self.incidents.elections = self.nodes.iter().filter_map(told).collect();
            }
            return;
        };
        let leads = (leader.clone(), next.epoch);
        let before = self.incidents.led.replace(leads.clone());
        let new = match &before {
            Some(before) => *before != leads,
            // What was there before this process is no election, but that of its own servers.
            None => self.instance.local == Some(LocalView::Owner),
        };
        if !new {
            return;
        }
        let newest = self.incidents.list.iter().find(|i| matches!(i.what, IncidentWhat::Election { .. }));
        let same = newest.filter(|election| {
            election.what.node() == Some(leader) && election.ended.is_some_and(|end| now.since(end) < SAME_WITHIN)
        });
        let what = IncidentWhat::Election { leader: leads.0, epoch: leads.1, took: None };
        match same.map(|election| election.id) {
            // Its first reply may still tell the epoch before.
            Some(id) => self.incidents.change(id, |election| election.what = what),
            None => {
                let led = before.map(|(node, _)| node);
                let began = self.leaderless.unwrap_or(now);
                let begun_by = led.and_then(|led| self.acted(&led, &TAKES_AWAY, Timestamp(0), began));
                self.put_moment(what, began, now, begun_by);
            }
        }
    }

    /// How long the newest election took, as soon as the one that was elected tells.
    fn note_election_time(&mut self, now: Timestamp) {
        let newest = self.incidents.list.iter().find(|i| matches!(i.what, IncidentWhat::Election { .. }));
        let Some(newest) = newest.filter(|i| i.ended.is_some_and(|end| now.since(end) < TOLD_WITHIN)).cloned() else {
            return;
        };
        let IncidentWhat::Election { leader, took: None, .. } = &newest.what else { return };
        let Some(view) = self.nodes.get(leader).map(|entry| entry.tracker.as_view()) else { return };
        let told = view.elections.is_some() && view.elections != self.incidents.elections.get(leader).copied();
        let Some(ms) = view.election_ms.filter(|ms| told && *ms >= 0.0) else { return };
        let id = newest.id;
        self.incidents.change(id, |election| {
            if let IncidentWhat::Election { took, .. } = &mut election.what {
                *took = Some(Millis(ms as u64));
            }
        });
        if let Some(election) = self.incidents.get(id) {
            let text = election.what.to_string();
            self.notice(Level::Info, text, now);
        }
    }

    pub(super) fn note_leadership(&mut self, leadership: &LeadershipView, now: Timestamp) {
        let Some(leader) = &leadership.leader else { return };
        let before = self.incidents.instance.replace(leader.id);
        let own = leader.id == self.instance.id;
        // Who led before this process looked has not begun to now.
        if before == Some(leader.id) || (before.is_none() && !own) {
            return;
        }
        let what = IncidentWhat::Leadership { leader: leader.name(), own };
        self.put_moment(what, now, now, None);
    }

    fn put_moment(&mut self, what: IncidentWhat, began: Timestamp, ended: Timestamp, begun_by: Option<String>) {
        let id = self.incidents.id(began, self.instance.id);
        let (ended, instance) = (Some(ended), self.instance.name());
        self.incidents.put(Incident { id, what, began, ended, cause: None, begun_by, ended_by: None, instance });
    }

    fn note(&mut self, subject: &IncidentSubject, seen: Seen, since: Timestamp, cause: Option<String>) {
        let open = self.incidents.open.get(subject).and_then(|id| self.incidents.get(*id)).cloned();
        let what = match (seen, &open) {
            (Seen::Unclear, _) | (Seen::Well, None) => return,
            (Seen::Well, Some(open)) => return self.end(subject, open.id, since),
            (Seen::Amiss(what), _) => what,
        };
        if let Some(open) = open {
            let (id, began) = (open.id, open.began);
            self.incidents.unseen.remove(&id);
            let same = open.what == what;
            let better = is_known_better(&open.what, &what) && since.since(began) < SAME_WITHIN;
            if same || better {
                let tells = open.cause.is_none() || (better && !same);
                if !same || (tells && open.cause != cause) {
                    self.incidents.change(id, |incident| {
                        incident.what = what;
                        incident.cause = if tells { cause } else { incident.cause.take() };
                    });
                }
                return;
            }
            self.end(subject, id, since);
        }
        let id = self.incidents.id(since, self.instance.id);
        let begun_by = self.acted_on(subject, &TAKES_AWAY, |state| !state.serves(), (Timestamp(0), since));
        let (instance, ended_by) = (self.instance.name(), None);
        self.incidents.open.insert(subject.clone(), id);
        self.incidents.put(Incident { id, what, began: since, ended: None, cause, begun_by, ended_by, instance });
    }

    fn end(&mut self, subject: &IncidentSubject, id: IncidentId, at: Timestamp) {
        let began = self.incidents.get(id).map_or(at, |incident| incident.began);
        let acted = self.acted_on(subject, &BRINGS_BACK, ServerState::serves, (began, at));
        let led = self.ensemble.leader.as_ref().map(|leader| format!("{leader} was elected"));
        let stopped = self.incidents.get(id).is_some_and(|incident| incident.what.stops_writes());
        let unseen = self.incidents.unseen.remove(&id).then(|| UNSEEN.to_owned());
        let ended_by = unseen.or(acted).or_else(|| led.filter(|_| stopped));
        self.incidents.open.remove(subject);
        self.incidents.change(id, |incident| {
            incident.ended = Some(at.max(incident.began));
            incident.ended_by = ended_by;
        });
    }

    /// The operation that brought it about; on the ensemble that is one on the server that turned so last, and no other.
    fn acted_on(
        &self,
        subject: &IncidentSubject,
        kinds: &[OperationKind],
        is_so: fn(ServerState) -> bool,
        (from, at): (Timestamp, Timestamp),
    ) -> Option<String> {
        match subject {
            IncidentSubject::Server(node) => self.acted(node, kinds, from, at),
            IncidentSubject::Ensemble => self.turned(at, is_so).and_then(|node| self.acted(&node, kinds, from, at)),
            IncidentSubject::Session | IncidentSubject::Alert(..) => None,
        }
    }

    /// The server that became so last before a moment.
    fn turned(&self, at: Timestamp, is_so: fn(ServerState) -> bool) -> Option<NodeId> {
        let views = self.nodes.iter().map(|entry| entry.tracker.as_view());
        let so = views.filter(|view| is_so(view.verdict.state) && view.verdict.since <= at);
        so.max_by_key(|view| view.verdict.since).map(|view| view.node.clone())
    }

    /// The operation of one of these kinds on a server that had just begun: `pause zk3, console root`. One that was over
    /// before `from` has not brought it about.
    fn acted(&self, node: &NodeId, kinds: &[OperationKind], from: Timestamp, at: Timestamp) -> Option<String> {
        let near = |operation: &&Arc<Operation>| {
            kinds.contains(&operation.kind)
                && operation.target.as_ref() == Some(node)
                && operation.started <= at
                && operation.finished.is_none_or(|end| end >= from)
                && at.since(operation.started) < ACTED_WITHIN
        };
        let operation = self.operations.iter().find(near)?;
        Some(format!("{} {node}, {}", operation.kind.word(), operation.by))
    }
}
