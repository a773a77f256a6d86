//! The runs that the list shows: those that the engine holds and those of history, with those that moved nothing folded.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::domain::ids::{Millis, OperationId, Timestamp};
use crate::domain::operation::{HistoryPage, HistoryQuery, OperationKind};
use crate::domain::scheduler::Run;

/// Most runs that are held; older ones are found in History.
const RUNS_MAX: usize = 2000;
const PAGE: usize = 200;
/// Rows before the end at which the next page is asked for: a screen, and some.
const AHEAD: usize = 60;
/// After a failure it is asked again so much later.
const RETRY_AFTER: Millis = Millis(5_000);

/// A row: a run, or several one after the other that moved nothing for the same reason.
#[derive(Clone, Debug)]
pub(super) struct RunLine {
    /// The newest.
    pub run: Arc<Run>,
    pub count: usize,
    oldest: OperationId,
    /// Lowest and highest spread that they found.
    pub spread: (u64, u64),
}

impl RunLine {
    fn new(run: &Arc<Run>) -> Self {
        let spread = (run.max_difference, run.max_difference);
        Self { run: Arc::clone(run), count: 1, oldest: run.id, spread }
    }

    /// Takes the run before in, when nothing tells it from these.
    fn folds(&mut self, run: &Run) -> bool {
        let alike = self.run.moves_planned == 0 && run.moves_planned == 0 && self.run.decision == run.decision;
        if alike {
            (self.count, self.oldest) = (self.count + 1, run.id);
            self.spread = (self.spread.0.min(run.max_difference), self.spread.1.max(run.max_difference));
        }
        alike
    }

    fn has(&self, id: OperationId) -> bool {
        (self.oldest..=self.run.id).contains(&id)
    }
}

#[derive(Debug, Default)]
pub(super) struct RunRows {
    known: BTreeMap<OperationId, Arc<Run>>,
    lines: Vec<RunLine>,
    asked: Asked<HistoryQuery>,
    /// Where the last page ended; `None` before the first.
    before: Option<OperationId>,
    exhausted: bool,
    problem: Option<(String, Timestamp)>,
    /// Of which moment they are; `None` is now.
    as_of: Option<Timestamp>,
}

impl RunRows {
    pub(super) fn lines(&self) -> &[RunLine] {
        &self.lines
    }

    pub(super) fn by_id(&self, id: OperationId) -> Option<&Arc<Run>> {
        self.known.get(&id)
    }

    /// Why older runs are not shown.
    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_ref().map(|(why, _)| why.as_str())
    }

    /// Whether there may be older ones that have not come yet.
    pub(super) const fn is_reading(&self) -> bool {
        self.asked.is_open()
    }

    /// The row that holds a run.
    pub(super) fn position(&self, id: OperationId) -> Option<usize> {
        self.lines.iter().position(|line| line.has(id))
    }

    /// Holds the runs of another moment from now on.
    pub(super) fn rewind(&mut self, as_of: Option<Timestamp>) {
        *self = Self { as_of, ..Self::default() };
    }

    /// What the engine holds now.
    pub(super) fn take(&mut self, recent: &[Arc<Run>]) {
        let new = |run: &&Arc<Run>| self.known.get(&run.id).is_none_or(|own| !Arc::ptr_eq(own, run));
        let new: Vec<Arc<Run>> = recent.iter().filter(new).cloned().collect();
        if !new.is_empty() {
            self.known.extend(new.into_iter().map(|run| (run.id, run)));
            self.fold();
        }
    }

    pub(super) fn take_answer(&mut self, now: Timestamp) {
        match self.asked.take() {
            Some(Ok(page)) => self.add(page),
            Some(Err(why)) => self.problem = Some((why, now)),
            None => {}
        }
    }

    fn add(&mut self, page: HistoryPage) {
        self.problem = None;
        self.exhausted = page.operations.len() < PAGE;
        self.before = page.operations.last().map(|operation| operation.id).or(self.before);
        let runs = page.operations.into_iter().filter(|operation| operation.kind == OperationKind::Scheduler);
        for run in runs.filter_map(|operation| operation.run) {
            self.known.entry(run.id).or_insert_with(|| Arc::new(run));
        }
        self.fold();
    }

    /// The page to ask for when the cursor comes near the end.
    pub(super) fn next_page(&mut self, cursor: usize, now: Timestamp) -> Option<Effect> {
        let rests = self.problem.as_ref().is_some_and(|(_, at)| now.since(*at) < RETRY_AFTER);
        let far = self.before.is_some() && cursor + AHEAD < self.lines.len();
        if self.asked.is_open() || self.exhausted || rests || far || self.known.len() >= RUNS_MAX {
            return None;
        }
        let (kind, before, as_of) = (Some(OperationKind::Scheduler), self.before, self.as_of);
        Some(self.asked.put(HistoryQuery { kind, before, as_of, limit: PAGE, ..HistoryQuery::default() }).into())
    }

    fn fold(&mut self) {
        while self.known.len() > RUNS_MAX {
            self.known.pop_first();
        }
        self.lines.clear();
        for run in self.known.values().rev() {
            if !self.lines.last_mut().is_some_and(|last| last.folds(run)) {
                self.lines.push(RunLine::new(run));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::fetch::testing;
    use crate::domain::fixtures::{self, NOW};
    use crate::domain::operation::{Operation, OperationStatus};
    use crate::domain::scheduler::Decision;

    fn run(id: u128, decision: Decision, spread: u64) -> Run {
        let moves_planned = u64::from(decision == Decision::Ran);
        let run = Run::new(OperationId::new(id), Timestamp(NOW.0 + id as u64), "timer", decision);
        Run { max_difference: spread, moves_planned, ..run }
    }

    fn row(run: Run) -> Operation {
        let row = fixtures::operation(run.id.bits(), OperationKind::Scheduler, OperationStatus::Done);
        Operation { run: Some(run), ..row }
    }

    #[test]
    fn a_restart_loses_no_run_and_those_that_moved_nothing_are_one_row() {
        let mut rows = RunRows::default();
        rows.take(&[Arc::new(run(9, Decision::Balanced, 1)), Arc::new(run(8, Decision::Balanced, 3))]);
        let mut asked: Vec<Effect> = rows.next_page(0, NOW).into_iter().collect();
        let kind = asked.first().and_then(testing::asked::<HistoryQuery>).and_then(|query| query.kind);
        assert_eq!(kind, Some(OperationKind::Scheduler));
        assert!(rows.next_page(0, NOW).is_none(), "one is on its way");
        let older = [run(8, Decision::Balanced, 3), run(7, Decision::Balanced, 2), run(6, Decision::Ran, 9)];
        let older = older.into_iter().chain([run(5, Decision::Ran, 9), run(4, Decision::BelowTrigger, 2)]);
        let page = HistoryPage { operations: older.map(row).collect(), total: 5 };
        testing::answer::<HistoryQuery>(&mut asked, Ok(page));
        rows.take_answer(NOW);
        let told: Vec<_> = rows.lines().iter().map(|line| (line.run.id.bits(), line.count, line.spread)).collect();
        assert_eq!(told, [(9, 3, (1, 3)), (6, 1, (9, 9)), (5, 1, (9, 9)), (4, 1, (2, 2))]);
        assert_eq!(rows.position(OperationId::new(7)), Some(0));
        assert_eq!(rows.position(OperationId::new(5)), Some(2));
        assert!(rows.next_page(0, NOW).is_none(), "there are no older ones");
    }

    #[test]
    fn what_cannot_be_read_is_told_and_asked_again_later() {
        let mut rows = RunRows::default();
        let mut asked: Vec<Effect> = rows.next_page(0, NOW).into_iter().collect();
        testing::answer::<HistoryQuery>(&mut asked, Err("history is not there".into()));
        rows.take_answer(NOW);
        assert_eq!(rows.problem(), Some("history is not there"));
        assert!(rows.next_page(0, NOW).is_none());
        assert!(rows.next_page(0, NOW.plus(RETRY_AFTER)).is_some());
    }
}
