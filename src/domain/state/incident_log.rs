//! The list of incidents, and which of them go on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::domain::alert::{Alert, AlertCode};
use crate::domain::ids::{IncidentId, InstanceId, NodeId, Timestamp};
use crate::domain::incident::{INCIDENTS_KEPT, Incident, IncidentWhat};

/// What can be amiss: each is so once at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum IncidentSubject {
    Ensemble,
    Server(NodeId),
    Session,
    Alert(AlertCode, String),
}

/// Incidents of this process's time, and those of before that it was told of.
#[derive(Default)]
pub(super) struct IncidentLog {
    /// Newest first.
    pub(super) list: VecDeque<Arc<Incident>>,
    view: Option<Arc<[Arc<Incident>]>>,
    pub(super) open: BTreeMap<IncidentSubject, IncidentId>,
    /// Those that went on when they were last written, and were not seen by this process yet.
    pub(super) unseen: BTreeSet<IncidentId>,
    made: u16,
    /// The leader that was seen last, and its epoch.
    pub(super) led: Option<(NodeId, Option<u32>)>,
    /// Elections that each server had told of when nobody was seen to lead any more.
    pub(super) elections: BTreeMap<NodeId, u64>,
    /// Which other zkdeck was seen to lead last.
    pub(super) instance: Option<InstanceId>,
}

impl IncidentLog {
    pub(super) fn view(&mut self) -> Arc<[Arc<Incident>]> {
        let view = self.view.take().unwrap_or_else(|| self.list.iter().cloned().collect());
        Arc::clone(self.view.insert(view))
    }

    pub(super) fn get(&self, id: IncidentId) -> Option<&Arc<Incident>> {
        self.list.iter().find(|incident| incident.id == id)
    }

    pub(super) fn change(&mut self, id: IncidentId, change: impl FnOnce(&mut Incident)) {
        if let Some(incident) = self.list.iter_mut().find(|incident| incident.id == id) {
            change(Arc::make_mut(incident));
            self.view = None;
        }
    }

    pub(super) fn put(&mut self, incident: Incident) {
        let at = self.list.partition_point(|known| known.began > incident.began);
        self.list.insert(at, Arc::new(incident));
        if self.list.len() > INCIDENTS_KEPT {
            // Those that go on stay: their end is still to be told.
            let over = self.list.iter().rposition(|incident| incident.ended.is_some());
            self.list.remove(over.unwrap_or(INCIDENTS_KEPT));
        }
        self.view = None;
    }

    /// The time first, then a number, then half of the instance's own: the ids of all processes are apart.
    pub(super) fn id(&mut self, at: Timestamp, instance: InstanceId) -> IncidentId {
        self.made = self.made.wrapping_add(1);
        let time = u128::from(at.0) << 80;
        IncidentId::new(time | u128::from(self.made) << 64 | (instance.bits() & u128::from(u64::MAX)))
    }
}

/// What it is that can be so once at a time; `None` for a moment.
pub(super) fn subject(what: &IncidentWhat) -> Option<IncidentSubject> {
    match what {
        IncidentWhat::Ensemble { .. } => Some(IncidentSubject::Ensemble),
        IncidentWhat::Server { node, .. } => Some(IncidentSubject::Server(node.clone())),
        IncidentWhat::Session { .. } => Some(IncidentSubject::Session),
        IncidentWhat::Alert { code, short } => Some(alert_subject(*code, short)),
        IncidentWhat::Election { .. } | IncidentWhat::Leadership { .. } => None,
    }
}

pub(super) fn of_alert(alert: &Alert) -> IncidentSubject {
    alert_subject(alert.code, &alert.short)
}

/// One that counts files is one and the same whatever its number.
fn alert_subject(code: AlertCode, short: &str) -> IncidentSubject {
    IncidentSubject::Alert(code, if code.counts_files() { String::new() } else { short.to_owned() })
}
