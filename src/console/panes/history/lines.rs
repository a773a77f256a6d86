//! What the list shows, made of operations and incidents: days, runs with their moves folded, runs that moved nothing
//! together, and incidents where they began.

use std::collections::{BTreeMap, BTreeSet};

use crate::console::time;
use crate::domain::ids::{IncidentId, OperationId, Timestamp};
use crate::domain::incident::Incident;
use crate::domain::operation::{Operation, OperationKind, OperationStatus};

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HistoryLine {
    /// The heading of a day.
    Day(Timestamp),
    /// `inside`: it is a move of the run above it, or an upload of the stress.
    Operation {
        id: OperationId,
        inside: bool,
    },
    /// A run with so many moves, or a stress with so many uploads; `open` shows them.
    Run {
        id: OperationId,
        parts: usize,
        open: bool,
    },
    /// Runs that moved nothing, one after the other: the newest, how many, and when the first of them was.
    Quiet {
        id: OperationId,
        count: usize,
        first: Timestamp,
    },
    Incident(IncidentId),
}

/// What stays in hand when the list is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LineId {
    Operation(OperationId),
    Incident(IncidentId),
}

impl HistoryLine {
    /// `None` for a heading, which is never in hand.
    pub(super) const fn id(&self) -> Option<LineId> {
        match self {
            Self::Day(_) => None,
            Self::Operation { id, .. } | Self::Run { id, .. } | Self::Quiet { id, .. } => Some(LineId::Operation(*id)),
            Self::Incident(id) => Some(LineId::Incident(*id)),
        }
    }
}

/// What is drawn open.
#[derive(Clone, Debug, Default)]
pub(super) struct Unfolded(BTreeSet<OperationId>);

impl Unfolded {
    pub(super) fn toggle(&mut self, id: OperationId) {
        if !self.0.remove(&id) {
            self.0.insert(id);
        }
    }

    pub(super) fn has(&self, id: OperationId) -> bool {
        self.0.contains(&id)
    }
}

/// The lines of operations and incidents, both newest first.
pub(super) fn lines(operations: &[&Operation], incidents: &[&Incident], unfolded: &Unfolded) -> Vec<HistoryLine> {
    let (operations, mut inside) = folded(operations);
    let mut lines = Vec::new();
    let mut day = None;
    let mut incidents = incidents.iter().peekable();
    let mut at = 0;
    while at < operations.len() || incidents.peek().is_some() {
        let next = operations.get(at);
        if let Some(incident) = incidents.next_if(|incident| next.is_none_or(|next| incident.began >= next.started)) {
            begin_day(incident.began, &mut day, &mut lines);
            lines.push(HistoryLine::Incident(incident.id));
            continue;
        }
        let Some(operation) = next else { break };
        begin_day(operation.started, &mut day, &mut lines);
        if let Some(parts) = inside.remove(&operation.id) {
            let open = unfolded.has(operation.id);
            lines.push(HistoryLine::Run { id: operation.id, parts: parts.len(), open });
            let shown = parts.into_iter().filter(|_| open);
            lines.extend(shown.map(|id| HistoryLine::Operation { id, inside: true }));
            at += 1;
            continue;
        }
        at += take(&operations, at, incidents.peek().map(|incident| incident.began), unfolded, &mut lines);
    }
    lines
}

/// The rows that stand for themselves, and those that stand inside each run or stress, all newest first.
fn folded<'a>(operations: &[&'a Operation]) -> (Vec<&'a Operation>, BTreeMap<OperationId, Vec<OperationId>>) {
    let (mut own, mut inside) = (Vec::new(), BTreeMap::<OperationId, Vec<OperationId>>::new());
    // Runs and stresses that may go on at the row that is looked at.
    let mut wholes: Vec<&Operation> = Vec::new();
    for row in operations.iter().rev().copied() {
        wholes.retain(|whole| whole.finished.is_none_or(|end| row.started <= end));
        match wholes.iter().rev().find(|whole| is_part_of(whole, row)) {
            Some(whole) => inside.entry(whole.id).or_default().push(row.id),
            None => own.push(row),
        }
        if matches!(row.kind, OperationKind::Scheduler | OperationKind::Stress) && !is_quiet(row) {
            wholes.push(row);
        }
    }
    own.reverse();
    inside.values_mut().for_each(|parts| parts.reverse());
    (own, inside)
}

fn begin_day(at: Timestamp, day: &mut Option<String>, lines: &mut Vec<HistoryLine>) {
    let of = time::date(at);
    if day.as_ref() != Some(&of) {
        *day = Some(of);
        lines.push(HistoryLine::Day(at));
    }
}

/// Whether it is a run that found nothing to do.
fn is_quiet(operation: &Operation) -> bool {
    operation.kind == OperationKind::Scheduler && operation.status == OperationStatus::None
}

/// Whether `row` is a move of the run, or an upload of the stress.
fn is_part_of(whole: &Operation, row: &Operation) -> bool {
    let fits = match whole.kind {
        OperationKind::Scheduler => row.kind == OperationKind::Migration,
        OperationKind::Stress => row.kind == OperationKind::Upload && row.target == whole.target,
        _ => false,
    };
    fits && row.by == whole.by && row.started >= whole.started && whole.finished.is_none_or(|end| row.started <= end)
}

/// Takes the operation at `at` with what folds into it; how many those are.
fn take(
    operations: &[&Operation],
    at: usize,
    incident: Option<Timestamp>,
    unfolded: &Unfolded,
    lines: &mut Vec<HistoryLine>,
) -> usize {
    let first = operations[at];
    let same_day = |other: &Operation| time::date(other.started) == time::date(first.started);
    let before = |other: &Operation| incident.is_none_or(|began| other.started > began);
    if is_quiet(first) {
        let joins = |other: &&&Operation| is_quiet(other) && same_day(other) && before(other);
        let count = operations[at..].iter().take_while(joins).count().max(1);
        if count > 1 && !unfolded.has(first.id) {
            let oldest = operations[at + count - 1].started;
            lines.push(HistoryLine::Quiet { id: first.id, count, first: oldest });
            return count;
        }
    }
    lines.push(HistoryLine::Operation { id: first.id, inside: false });
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{self, NOW, node_id};
    use crate::domain::ids::Millis;
    use crate::domain::incident::IncidentWhat;
    use crate::domain::server::ServerState;

    fn row(id: u128, kind: OperationKind, status: OperationStatus, ago: u64) -> Operation {
        let started = Timestamp(NOW.0 - ago * 1000);
        let finished = Some(started.plus(Millis(5_000)));
        Operation { started, finished, by: "timer".into(), ..fixtures::operation(id, kind, status) }
    }

    fn incident(id: u128, ago: u64) -> Incident {
        Incident {
            id: IncidentId::new(id),
            what: IncidentWhat::Server { node: node_id("zk2"), state: ServerState::Down },
            began: Timestamp(NOW.0 - ago * 1000),
            ended: None,
            cause: None,
            begun_by: None,
            ended_by: None,
            instance: "a:1".into(),
        }
    }

    fn told(operations: &[Operation], incidents: &[Incident], unfolded: &Unfolded) -> Vec<String> {
        let (operations, incidents): (Vec<_>, Vec<_>) = (operations.iter().collect(), incidents.iter().collect());
        let word = |line: &HistoryLine| match line {
            HistoryLine::Day(_) => "day".to_owned(),
            HistoryLine::Operation { id, inside } => format!("{}{}", if *inside { "in " } else { "" }, id.bits()),
            HistoryLine::Run { id, parts, open } => format!("run {} {parts} {open}", id.bits()),
            HistoryLine::Quiet { id, count, .. } => format!("quiet {} {count}", id.bits()),
            HistoryLine::Incident(id) => format!("incident {}", id.bits()),
        };
        lines(&operations, &incidents, unfolded).iter().map(word).collect()
    }

    #[test]
    fn runs_fold_their_moves_and_those_that_moved_nothing_are_one() {
        use OperationKind::{Migration, Scheduler, Upload};
        use OperationStatus::{Done, None as Nothing};
        let rows = [
            row(9, Scheduler, Nothing, 10),
            row(8, Scheduler, Nothing, 25),
            row(7, Migration, Done, 38),
            row(6, Migration, Done, 39),
            row(5, Scheduler, Done, 40),
            row(4, Migration, Done, 50),
            row(3, Upload, Done, 60),
            row(2, Scheduler, Nothing, 70),
        ];
        let mut unfolded = Unfolded::default();
        assert_eq!(told(&rows, &[], &unfolded), ["day", "quiet 9 2", "run 5 2 false", "4", "3", "2"]);
        unfolded.toggle(OperationId::new(5));
        unfolded.toggle(OperationId::new(9));
        let open = ["day", "9", "8", "run 5 2 true", "in 7", "in 6", "4", "3", "2"];
        assert_eq!(told(&rows, &[], &unfolded), open);
    }

    #[test]
    fn a_stress_folds_its_uploads_and_those_of_others_stand_for_themselves() {
        use OperationKind::{Migration, Scheduler, Stress, Upload};
        use OperationStatus::Done;
        let until = |row: Operation, ago: u64| Operation { finished: Some(Timestamp(NOW.0 - ago * 1000)), ..row };
        let on = |row: Operation, node: &str| Operation { target: Some(node_id(node)), ..row };
        let another = Operation { by: "console root".into(), ..on(row(6, Upload, Done, 36), "zk1") };
        let rows = [
            on(row(10, Upload, Done, 5), "zk1"),
            on(row(9, Upload, Done, 31), "zk1"),
            on(row(8, Migration, Done, 33), "zk2"),
            on(row(7, Upload, Done, 35), "zk2"),
            another,
            on(row(5, Upload, Done, 37), "zk1"),
            until(row(4, Scheduler, Done, 38), 30),
            until(on(row(3, Stress, Done, 40), "zk1"), 20),
            on(row(2, Upload, Done, 50), "zk1"),
        ];
        let mut unfolded = Unfolded::default();
        let folded = ["day", "10", "7", "6", "run 4 1 false", "run 3 2 false", "2"];
        assert_eq!(told(&rows, &[], &unfolded), folded, "later, of another node, of another person, earlier");
        unfolded.toggle(OperationId::new(3));
        let open = ["day", "10", "7", "6", "run 4 1 false", "run 3 2 true", "in 9", "in 5", "2"];
        assert_eq!(told(&rows, &[], &unfolded), open);
    }

    #[test]
    fn incidents_stand_where_they_began_and_days_have_their_headings() {
        use OperationKind::{Scheduler, Upload};
        use OperationStatus::{Done, None as Nothing};
        let day = 86_400;
        let rows = [row(4, Scheduler, Nothing, 10), row(3, Scheduler, Nothing, 30), row(2, Upload, Done, day)];
        let incidents = [incident(1, 20), incident(5, 2 * day)];
        let right = ["day", "4", "incident 1", "3", "day", "2", "day", "incident 5"];
        assert_eq!(told(&rows, &incidents, &Unfolded::default()), right, "what came between does not fold");
        assert_eq!(told(&[], &incidents[..1], &Unfolded::default()), ["day", "incident 1"]);
    }
}
