//! What has happened since somebody pressed a key, in one line for who comes back.

use super::{sanitise, time};
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::incident::{Incident, IncidentWhat};
use crate::domain::number::count;
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::snapshot::{OPERATIONS_KEPT, Snapshot};

/// Nobody is taken to look at the screen after so long without a key.
pub(super) const AWAY: Millis = Millis(5 * 60_000);
/// Things that are named; how many more there are is counted.
const NAMED_MAX: usize = 5;

/// `Since 10:12:04 (41m2s): NO QUORUM 28 s; zk2 down 3m0s; 412 files moved; drain zk3 by ana`. `None` when nothing did
/// that a person would ask for.
pub(super) fn told(snapshot: &Snapshot, since: Timestamp, now: Timestamp) -> Option<String> {
    // The worst first, and of equals what came first.
    let mut incidents: Vec<&Incident> =
        snapshot.incidents.iter().map(AsRef::as_ref).filter(|one| is_told(one) && touches(one, since)).collect();
    incidents.sort_by_key(|one| (!one.what.stops_writes(), std::cmp::Reverse(one.what.level()), one.began));
    let incidents = incidents.into_iter().map(|one| lasting(one, now));
    let operations = snapshot.operations.iter().rev().filter(|one| is_asked_for(one) && one.started >= since);
    let parts: Vec<String> =
        incidents.chain(moved(snapshot, since)).chain(operations.map(|one| by_whom(one))).collect();
    if parts.is_empty() {
        return None;
    }
    let more = parts.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!("; {more} more") } else { String::new() };
    let named = parts.into_iter().take(NAMED_MAX).collect::<Vec<_>>().join("; ");
    Some(format!("Since {} ({}): {named}{more}", time::of_day(since), now.since(since)))
}

/// Who leads, and which zkdeck runs the scheduler, is no trouble by itself.
const fn is_told(one: &Incident) -> bool {
    !matches!(one.what, IncidentWhat::Election { .. } | IncidentWhat::Leadership { .. })
}

fn touches(one: &Incident, since: Timestamp) -> bool {
    one.began >= since || one.ended.is_some_and(|ended| ended >= since)
}

/// `zk2 down 3m0s`, and with the moment while it goes on.
fn lasting(one: &Incident, now: Timestamp) -> String {
    let what = sanitise::clean(&one.what.to_string()).into_owned();
    match one.ended {
        Some(ended) => format!("{what} {}", ended.since(one.began)),
        None => format!("{what} for {} now", now.since(one.began)),
    }
}

/// What an operator asks for; moves are counted, and what runs by its timer is no news.
const fn is_asked_for(one: &Operation) -> bool {
    matches!(
        one.kind,
        OperationKind::Drain
            | OperationKind::Undrain
            | OperationKind::Pause
            | OperationKind::Resume
            | OperationKind::Stop
            | OperationKind::Start
            | OperationKind::Restart
            | OperationKind::Stress
            | OperationKind::SchedulerPause
            | OperationKind::SchedulerResume
            | OperationKind::Weight
            | OperationKind::Setting
    )
}

/// `drain zk3 by console ana`, and how it ended where that is no success.
fn by_whom(one: &Operation) -> String {
    let ended = match one.status {
        OperationStatus::Failed | OperationStatus::Aborted => format!(" {}", one.status.word()),
        OperationStatus::Started | OperationStatus::Done | OperationStatus::None => String::new(),
    };
    sanitise::clean(&format!("{} {} by {}{ended}", one.kind.word(), one.what, one.by)).into_owned()
}

/// How many files were moved, as far as the operations at hand go back.
fn moved(snapshot: &Snapshot, since: Timestamp) -> Option<String> {
    let ended = |one: &&Operation| one.finished.is_some_and(|at| at >= since);
    let moves = || snapshot.operations.iter().map(AsRef::as_ref).filter(|one| one.kind == OperationKind::Migration);
    let all: Vec<&Operation> = moves().filter(ended).collect();
    let of = |status| all.iter().filter(|one| one.status == status).count() as u64;
    let (done, failed) = (of(OperationStatus::Done), of(OperationStatus::Failed));
    let is_cut = snapshot.operations.len() >= OPERATIONS_KEPT
        && snapshot.operations.last().is_some_and(|oldest| oldest.started >= since);
    let least = if is_cut { "at least " } else { "" };
    let failed = if failed > 0 { format!(", {failed} moves failed") } else { String::new() };
    (done > 0 || !failed.is_empty()).then(|| format!("{least}{} moved{failed}", count(done, "file")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ensemble::EnsembleState;
    use crate::domain::fixtures::{self, NOW, node_id};
    use crate::domain::ids::IncidentId;
    use crate::domain::server::ServerState;

    fn at(ago_s: u64) -> Timestamp {
        Timestamp(NOW.0 - ago_s * 1_000)
    }

    fn incident(what: IncidentWhat, began: Timestamp, ended: Option<Timestamp>) -> Arc<Incident> {
        Arc::new(Incident {
            id: IncidentId::new(u128::from(began.0)),
            what,
            began,
            ended,
            cause: None,
            begun_by: None,
            ended_by: None,
            instance: "host-a:4711".into(),
        })
    }

    fn snapshot(incidents: Vec<Arc<Incident>>, operations: Vec<Operation>) -> Snapshot {
        Snapshot {
            incidents: incidents.into(),
            operations: operations.into_iter().map(Arc::new).collect(),
            ..fixtures::snapshot()
        }
    }

    fn operation(id: u128, kind: OperationKind, ago_s: u64) -> Operation {
        let operation = fixtures::operation(id, kind, OperationStatus::Done);
        Operation {
            started: at(ago_s),
            finished: Some(at(ago_s - 1)),
            what: "zk3".into(),
            by: "ana".into(),
            ..operation
        }
    }

    #[test]
    fn what_happened_since_the_last_key_is_told_the_worst_first() {
        let down = IncidentWhat::Server { node: node_id("zk2"), state: ServerState::Down };
        let quorum = IncidentWhat::Ensemble { state: EnsembleState::NoQuorum };
        let elected = IncidentWhat::Election { leader: node_id("zk1"), epoch: None, took: None };
        let incidents = vec![
            incident(elected, at(900), Some(at(900))),
            incident(down.clone(), at(1_200), Some(at(1_020))),
            incident(quorum, at(1_100), Some(at(1_072))),
            // Over before, and one that goes on.
            incident(down.clone(), at(9_000), Some(at(8_000))),
            incident(IncidentWhat::Server { node: node_id("zk3"), state: ServerState::Frozen }, at(60), None),
        ];
        let mut operations = vec![operation(1, OperationKind::Drain, 600), operation(2, OperationKind::Drain, 6_000)];
        operations.extend((10..14).map(|id| operation(id, OperationKind::Migration, 500)));
        operations.extend([operation(20, OperationKind::Workload, 30), operation(21, OperationKind::Scheduler, 30)]);
        assert_eq!(
            told(&snapshot(incidents, operations), at(2_460), NOW).unwrap(),
            format!(
                "Since {} (41m0s): NO QUORUM 28 s; zk2 down 3m0s; zk3 frozen for 1m0s now; 4 files moved; drain zk3 by ana",
                time::of_day(at(2_460))
            )
        );
    }

    #[test]
    fn a_quiet_time_tells_nothing_and_a_busy_one_is_cut() {
        let quiet = snapshot(Vec::new(), vec![operation(1, OperationKind::Workload, 30)]);
        assert_eq!(told(&quiet, at(2_460), NOW), None);
        let many = (0..8).map(|id| operation(id, OperationKind::Weight, 100)).collect();
        assert!(told(&snapshot(Vec::new(), many), at(600), NOW).unwrap().ends_with("by ana; 3 more"));
        let moves = (0..OPERATIONS_KEPT as u128).map(|id| operation(id, OperationKind::Migration, 100)).collect();
        assert!(told(&snapshot(Vec::new(), moves), at(600), NOW).unwrap().ends_with(": at least 500 files moved"));
        let hostile = Operation { by: "a\u{1b}[2Jb".into(), ..operation(1, OperationKind::Stop, 100) };
        assert!(!told(&snapshot(Vec::new(), vec![hostile]), at(600), NOW).unwrap().contains('\u{1b}'));
    }
}
