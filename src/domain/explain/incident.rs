//! What went wrong, or changed, by itself.

use super::alert::alert_code;
use super::ensemble::ensemble_state;
use super::explanation::{Explanation, Fact};
use super::instance::session_state;
use super::server::{NOTHING, server_state};
use crate::domain::incident::{Incident, IncidentKind, IncidentWhat};
use crate::domain::snapshot::Snapshot;

/// A kind by itself.
pub(super) fn incident_kind(kind: IncidentKind) -> Explanation {
    let texts = match kind {
        IncidentKind::Ensemble => ["the verdict on the ensemble was not healthy", "the verdict changes", ""],
        IncidentKind::Server => ["a server was not up", "the verdict on it changes", ""],
        IncidentKind::Election => {
            ["the servers elected a leader", "another server leads, or a newer epoch began", NOTHING]
        }
        IncidentKind::Leadership => [
            "another zkdeck runs the scheduler from here on",
            "the election of the instances had another winner",
            NOTHING,
        ],
        IncidentKind::Session => ["this zkdeck had no session with the ensemble", "its session was lost", ""],
        IncidentKind::Alert => ["something wanted a person", "an alert appeared", ""],
    };
    Explanation::means(kind.word(), texts).said_of("an incident")
}

/// An incident as it is told: what it was is explained as what is so now.
pub(super) fn incident(incident: &Incident, snapshot: &Snapshot) -> Explanation {
    let general = match &incident.what {
        IncidentWhat::Ensemble { state } => ensemble_state(*state, snapshot.ensemble.quorum),
        IncidentWhat::Server { state, .. } => server_state(*state),
        IncidentWhat::Session { state } => session_state(*state),
        IncidentWhat::Alert { code, .. } => alert_code(*code, snapshot),
        what @ (IncidentWhat::Election { .. } | IncidentWhat::Leadership { .. }) => incident_kind(what.kind()),
    };
    let over = match (&incident.what, incident.took()) {
        (IncidentWhat::Election { .. } | IncidentWhat::Leadership { .. }, _) => None,
        (_, Some(took)) => Some(format!("it is over, after {took}")),
        (_, None) => Some(format!("it goes on, for {} now", snapshot.taken_at.since(incident.began))),
    };
    let named = [("end", over), ("begun by", incident.begun_by.clone()), ("ended by", incident.ended_by.clone())];
    Explanation {
        of: format!("incident, {}", incident.what.kind().word()),
        word: incident.what.to_string(),
        measured: incident.cause.clone(),
        source: Some(format!("seen by {}", incident.instance)),
        since: Some(incident.began),
        todo: if incident.ended.is_some() { Some(NOTHING.to_owned()) } else { general.todo.clone() },
        facts: named.into_iter().filter_map(|(name, value)| Some(Fact::new(name, value?))).collect(),
        ..general
    }
}
