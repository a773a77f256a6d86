//! The whole picture as it was at a past moment, made of what was kept: series, incidents and history.
//!
//! | of a snapshot | where it comes from |
//! |---|---|
//! | `instance`, `control`, `history.path`; names, addresses, number of voters | the picture of now: they do not change |
//! | `servers`: verdict, since when, cause | the incidents that went on then; up where none did and it was measured so |
//! | `servers`: figures, `canary`, their last minute | series, the newest value by then; a gap is unknown |
//! | `servers`: role; `ensemble.leader` | the series `leads`, else the newest election; nobody while one went on |
//! | `ensemble`: state, since when; epoch | incidents; the newest election that this leader won |
//! | `nodes`: files, bytes; `files_complete`, `files_read`, `scheduler.max_difference` | series; while the records were not complete those of before |
//! | `nodes`: drain; `moves`, `scheduler`, `workload` | operations as they stood then |
//! | `nodes`: weight, level | the picture of now, unless a weight was changed since |
//! | `operations`, `incidents`, `alerts`, `session` | history and incidents as they stood then |
//! | `files`, `nodes.free`, `servers`: host, version, zxid, all metrics; `instances`, `leadership`, `loops`, `notices`, `scrub`, `damaged`, `unreadable`, `counters`, what is due next | never: it was not kept |

mod ensemble;
mod kept;
mod measured;
mod nodes;
mod servers;
#[cfg(test)]
mod tests;
mod typed;
mod work;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::kept::{HistoryThen, KeptThen, MovesEnded};
use self::measured::{HOLDS, MeasuredThen};
use self::nodes::CountsThen;
pub use self::nodes::drains_in_force;
pub use self::typed::{MOMENT_TYPED, NotAMoment, typed};
use self::work::{RunsThen, moves, workload};
use super::alert::Alert;
use super::ask::{Ask, Unanswered};
use super::ids::{Millis, NodeId, Timestamp};
use super::incident::{INCIDENTS_KEPT, Incident, IncidentWhat};
use super::operation::Operation;
use super::past::{PastPart, PastView};
use super::series::{SeriesKey, SeriesName, SeriesOf, SeriesPage};
use super::session::SessionState;
use super::snapshot::{
    CanaryView, Counters, HistoryView, LeadershipView, OPERATIONS_KEPT, Readiness, ScrubView, SessionView, Snapshot,
};

/// So much before the moment is read of each series: what pictures show of the time before it.
pub const BEFORE: Millis = Millis(62_000);

/// The whole picture at a moment that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotAt {
    pub at: Timestamp,
}

/// What there is of that moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PictureThen {
    Kept(Box<Snapshot>),
    /// Nothing that old was kept; the oldest is of this moment.
    Before {
        earliest: Timestamp,
    },
    /// It has not come yet: it is this moment now.
    Ahead {
        now: Timestamp,
    },
    /// Nothing was kept at all.
    Nothing,
}

impl Ask for SnapshotAt {
    type Answer = PictureThen;
    type Refusal = Unanswered;
    const NAME: &'static str = "picture of a past moment";
}

/// Every series that a picture is made of.
#[must_use]
pub fn keys(present: &Snapshot) -> Vec<SeriesKey> {
    let of_node = |node: &NodeId| {
        let names = SeriesName::ALL.iter().filter(|name| name.of() != SeriesOf::Ensemble);
        names.map(|name| SeriesKey::of_node(*name, node)).collect::<Vec<_>>()
    };
    let mut keys: Vec<_> = present.servers.iter().flat_map(|server| of_node(&server.node)).collect();
    keys.push(SeriesKey::of_ensemble(SeriesName::Canary));
    keys
}

/// The two series that [`last_counted`] looks through; `None` where there is no node.
#[must_use]
pub fn count_marks(present: &Snapshot) -> Option<[SeriesKey; 2]> {
    let first = present.nodes.first()?;
    Some([SeriesName::Files, SeriesName::Up].map(|name| SeriesKey::of_node(name, &first.id)))
}

/// When the files were last counted by a moment, while somebody looked on all the time since.
#[must_use]
pub fn last_counted(page: &SeriesPage, at: Timestamp) -> Option<Timestamp> {
    let [files, looked] = &page.lines[..] else { return None };
    let mut missed = Millis(0);
    for (index, (count, look)) in files.points.iter().zip(&looked.points).enumerate().rev() {
        let end = page.from.plus(Millis(page.step.0 * (index as u64 + 1)));
        if end > at {
            continue;
        }
        missed = if look.is_some() { Millis(0) } else { Millis(missed.0 + page.step.0) };
        if count.is_some() {
            return Some(end);
        }
        if missed > HOLDS.max(page.step) {
            return None;
        }
    }
    None
}

/// The series of how many files each node has.
#[must_use]
pub fn count_keys(present: &Snapshot) -> Vec<SeriesKey> {
    let of_node = |node: &NodeId| [SeriesName::Files, SeriesName::Bytes].map(|name| SeriesKey::of_node(name, node));
    present.nodes.iter().flat_map(|node| of_node(&node.id)).collect()
}

/// What was counted by a moment.
#[must_use]
pub fn count_then(pages: &[SeriesPage], key: &SeriesKey, at: Timestamp) -> Option<u64> {
    MeasuredThen::of(pages, at).value(key.name, key.node.as_ref()).map(|value| value.round() as u64)
}

/// The picture at a moment, of what was kept, made `now`. Of `present` only what does not change.
#[must_use]
pub fn picture(at: Timestamp, present: &Snapshot, kept: &KeptThen, now: Timestamp) -> Snapshot {
    let measured = MeasuredThen::of(&kept.series, at);
    let history = &kept.history;
    let incidents: Vec<Incident> = history.incidents.iter().filter_map(|one| one.clone().as_of(at)).collect();
    let operations = history.newest.iter().filter_map(|row| row.clone().as_of(at));
    let operations: Arc<[Arc<Operation>]> = operations.take(OPERATIONS_KEPT).map(Arc::new).collect();
    let leads = ensemble::leader(present, &measured, &history.incidents, at);
    let led = leads.as_ref().map(|led| &led.node);
    let servers = servers::servers(present, &measured, &incidents, &history.under_way, led, at);
    let ensemble = ensemble::view(present, &servers, &incidents, leads, at);
    let moves = moves(&history.under_way, at);
    let mut runs = RunsThen::of(history, present, at);
    let counts = CountsThen::of(present, kept, &measured, at);
    let weighed = !history.weights_changed;
    let nodes = nodes::nodes(present, kept, &measured, &counts, &servers, &moves, &runs);
    runs.spread(&nodes, counts.complete && weighed);
    let mut unknown = Vec::new();
    for (part, known) in [
        (PastPart::Servers, measured.is_any()),
        (PastPart::Counts, counts.read.is_some()),
        (PastPart::Weights, weighed),
        (PastPart::Switch, history.switch.is_some()),
    ] {
        unknown.extend((!known).then_some(part));
    }
    Snapshot {
        taken_at: at,
        past: Some(PastView { made: now, fineness: measured.fineness(), unknown }),
        revision: present.revision,
        instance: present.instance.clone(),
        settings: Arc::from([]),
        session: session(present, &incidents, at),
        leadership: LeadershipView::default(),
        instances: Arc::from([]),
        ensemble,
        servers: servers.into(),
        nodes: nodes.into(),
        files: super::file_table::FileTable::default(),
        files_complete: counts.complete,
        files_read: counts.read,
        reading: None,
        unreadable: Arc::from([]),
        moves: moves.into(),
        scheduler: runs.view,
        workload: workload(history, present, at),
        operations,
        operations_total: history.total,
        history: HistoryView { path: present.history.path.clone(), ..HistoryView::default() },
        control: present.control.clone(),
        loops: Arc::from([]),
        canary: CanaryView { last_ms: measured.value(SeriesName::Canary, None), ..CanaryView::default() },
        notices: Arc::from([]),
        alerts: alerts(&incidents),
        incidents: incidents.into_iter().take(INCIDENTS_KEPT).map(Arc::new).collect(),
        counters: Counters::default(),
        scrub: ScrubView::default(),
        damaged: Arc::from([]),
        readiness: Readiness::NotReady(vec!["nothing can be done at a moment that is over".into()]),
    }
}

/// Connected unless an incident says otherwise. The folder's store is that of now.
fn session(present: &Snapshot, incidents: &[Incident], at: Timestamp) -> SessionView {
    let store = present.session.store.clone();
    let of = |incident: &&Incident| matches!(incident.what, IncidentWhat::Session { .. });
    let newest = incidents.iter().find(of);
    match newest.map(|incident| (&incident.what, incident)) {
        Some((IncidentWhat::Session { state }, incident)) if incident.ended.is_none() => {
            SessionView { state: *state, since: incident.began, cause: incident.cause.clone(), store }
        }
        ended => {
            let since = ended.and_then(|(_, incident)| incident.ended).unwrap_or(at);
            SessionView { state: SessionState::Connected, since, cause: None, store }
        }
    }
}

/// What wanted a person then.
fn alerts(incidents: &[Incident]) -> Arc<[Alert]> {
    let open = incidents.iter().filter(|incident| incident.ended.is_none());
    let alert = |incident: &Incident| match &incident.what {
        IncidentWhat::Alert { code, short } => {
            Some(Alert { code: *code, short: short.clone(), text: incident.cause.clone().unwrap_or_default() })
        }
        _ => None,
    };
    open.filter_map(alert).collect()
}
