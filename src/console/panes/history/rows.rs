//! The rows that the list shows: what the engine holds, and older ones read page by page.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::domain::ids::{Millis, OperationId, Timestamp};
use crate::domain::log::{Expr, Matcher};
use crate::domain::operation::{HistoryPage, HistoryQuery, Operation};

/// Most rows that are held; older ones are found by a filter.
pub(super) const ROWS_MAX: usize = 5000;
const PAGE: usize = 200;
/// Rows before the end at which the next page is asked for.
const AHEAD: usize = 30;

/// After a failure it is asked again so much later.
const RETRY_AFTER: Millis = Millis(2_000);

/// Operations by id, which is by time, and the newest-first list that the filter leaves of them.
#[derive(Debug)]
pub(super) struct OperationRows {
    known: BTreeMap<OperationId, Arc<Operation>>,
    shown: Vec<OperationId>,
    filter: HistoryQuery,
    matcher: Matcher,
    asked: Asked<HistoryQuery>,
    exhausted: bool,
    problem: Option<String>,
    /// After a failure; begins when it would be asked again.
    rests_until: Option<Timestamp>,
    /// Rows that matched in all when the first page was read.
    total: Option<u64>,
    /// Rows that have begun to match since then, less those that have ceased to.
    since: i64,
}

impl Default for OperationRows {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
            shown: Vec::new(),
            filter: HistoryQuery::default(),
            matcher: Matcher::of_list(&Expr::All, Timestamp(0)),
            asked: Asked::default(),
            exhausted: false,
            problem: None,
            rests_until: None,
            total: None,
            since: 0,
        }
    }
}

impl OperationRows {
    pub(super) const fn len(&self) -> usize {
        self.shown.len()
    }

    /// When the oldest of them began, while there are older ones to be loaded.
    pub(super) fn bound(&self) -> Timestamp {
        let oldest = self.shown.last().and_then(|id| self.by_id(*id)).map(|operation| operation.started);
        oldest.filter(|_| !self.exhausted).unwrap_or(Timestamp(0))
    }

    pub(super) fn by_id(&self, id: OperationId) -> Option<&Operation> {
        self.known.get(&id).map(|operation| &**operation)
    }

    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Rows that match in all, by now; `None` before the first page.
    pub(super) fn total(&self) -> Option<u64> {
        self.total.map(|total| total.saturating_add_signed(self.since).max(self.shown.len() as u64))
    }

    pub(super) const fn waiting(&self) -> bool {
        self.asked.is_open()
    }

    /// Takes another filter, as [`HISTORY`](crate::domain::filter::HISTORY) reads it.
    pub(super) fn filter(&mut self, expr: Expr) {
        self.matcher = Matcher::of_list(&expr, Timestamp(0));
        self.filter = HistoryQuery { expr, as_of: self.filter.as_of, ..HistoryQuery::default() };
        // A page that is on its way is of another question.
        (self.asked, self.exhausted, self.total) = (Asked::default(), false, None);
        self.show();
    }

    /// What asks for all rows that the filter takes.
    pub(super) fn query(&self) -> HistoryQuery {
        self.filter.clone()
    }

    /// Holds the rows of another moment from now on; `None` is now.
    pub(super) fn rewind(&mut self, as_of: Option<Timestamp>) {
        self.filter.as_of = as_of;
        (self.known, self.asked, self.exhausted) = (BTreeMap::new(), Asked::default(), false);
        (self.total, self.since, self.problem, self.rests_until) = (None, 0, None, None);
        self.show();
    }

    /// The rows that are shown, newest first.
    pub(super) fn shown(&self) -> Vec<&Operation> {
        self.shown.iter().filter_map(|id| self.by_id(*id)).collect()
    }

    /// What the engine holds now. Whether a row is new or another.
    pub(super) fn take(&mut self, operations: &[Arc<Operation>]) -> bool {
        let mut changed = false;
        for operation in operations {
            let own = self.known.get(&operation.id);
            if own.is_none_or(|own| !Arc::ptr_eq(own, operation)) {
                changed = true;
                let matched = own.is_some_and(|own| self.matcher.matches(&**own));
                self.since += i64::from(self.matcher.matches(&**operation)) - i64::from(matched);
                self.known.insert(operation.id, Arc::clone(operation));
            }
        }
        if changed {
            while self.known.len() > ROWS_MAX {
                self.known.pop_first();
            }
            self.show();
        }
        changed
    }

    /// Takes a page in, when one has come.
    pub(super) fn take_answer(&mut self) -> bool {
        let page = self.asked.take();
        let came = page.is_some();
        page.into_iter().for_each(|page| self.add(page));
        came
    }

    fn add(&mut self, page: Result<HistoryPage, String>) {
        match page {
            Ok(page) => {
                self.problem = None;
                self.exhausted = page.operations.len() < PAGE;
                let first = self.total.is_none();
                for operation in &page.operations {
                    // The page may know of an end that the engine has not told yet.
                    let newer = |own: &Arc<Operation>| own.status.is_final() || !operation.status.is_final();
                    if !self.known.get(&operation.id).is_some_and(newer) {
                        self.known.insert(operation.id, Arc::new(operation.clone()));
                    }
                }
                self.show();
                if first {
                    // What the engine holds may not have been written when the page was read.
                    let newest = page.operations.iter().map(|operation| operation.id).max();
                    let unwritten = self.shown.iter().take_while(|id| newest.is_none_or(|newest| **id > newest));
                    (self.total, self.since) = (Some(page.total), unwritten.count() as i64);
                }
            }
            Err(why) => {
                (self.problem, self.rests_until) = (Some(why), None);
            }
        }
    }

    /// The page to ask for when the cursor comes near the end.
    pub(super) fn next_page(&mut self, cursor: usize, now: Timestamp) -> Option<Effect> {
        let near = cursor + AHEAD >= self.shown.len() || self.total.is_none();
        if self.asked.is_open() || self.exhausted || !near || self.known.len() >= ROWS_MAX {
            return None;
        }
        if self.problem.is_some() && now < *self.rests_until.get_or_insert(now.plus(RETRY_AFTER)) {
            return None;
        }
        let before = self.total.and_then(|_| self.shown.last().copied());
        Some(self.asked.put(HistoryQuery { before, limit: PAGE, ..self.filter.clone() }).into())
    }

    fn show(&mut self) {
        let matching = self.known.values().rev().filter(|operation| self.matcher.matches(&***operation));
        self.shown = matching.map(|operation| operation.id).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::fetch::testing;
    use crate::domain::filter::HISTORY;
    use crate::domain::fixtures;
    use crate::domain::log::parse_in;
    use crate::domain::operation::{OperationKind, OperationStatus};

    fn operations(ids: std::ops::Range<u128>) -> Vec<Arc<Operation>> {
        let make = |id| Arc::new(fixtures::operation(id, OperationKind::Migration, OperationStatus::Done));
        ids.map(make).collect()
    }

    #[test]
    fn older_pages_follow_the_newest_rows() {
        let mut rows = OperationRows::default();
        assert!(rows.take(&operations(900..1000)));
        assert!(!rows.take(&rows.known.values().cloned().collect::<Vec<_>>()), "nothing new");
        let mut first = rows.next_page(0, fixtures::NOW).into_iter().collect();
        let query = |asked: &Vec<Effect>| asked.first().and_then(testing::asked::<HistoryQuery>).cloned();
        assert_eq!(query(&first).map(|query| (query.before, query.limit)), Some((None, PAGE)));
        assert!(rows.next_page(99, fixtures::NOW).is_none(), "one is on its way");
        let page = |range| HistoryPage {
            operations: operations(range).iter().rev().map(|o| (**o).clone()).collect(),
            total: 1000,
        };
        testing::answer::<HistoryQuery>(&mut first, Ok(page(800..1000)));
        assert!(rows.take_answer() && !rows.take_answer());
        assert_eq!(rows.len(), 200);
        assert!(rows.next_page(10, fixtures::NOW).is_none(), "far from the end");
        let mut next = rows.next_page(190, fixtures::NOW).into_iter().collect();
        assert_eq!(query(&next).and_then(|query| query.before), Some(OperationId::new(800)));
        testing::answer::<HistoryQuery>(&mut next, Ok(page(790..800)));
        assert!(rows.take_answer());
        assert_eq!((rows.len(), rows.shown().first().map(|o| o.id)), (210, Some(OperationId::new(999))));
        assert!(rows.next_page(209, fixtures::NOW).is_none(), "there is no more");
    }

    #[test]
    fn the_number_that_matches_grows_with_what_comes() {
        let mut rows = OperationRows::default();
        rows.filter(parse_in("status:done", &HISTORY).expect("a query"));
        rows.take(&operations(900..1000));
        assert_eq!(rows.total(), None, "history has not been asked");
        let mut asked = rows.next_page(0, fixtures::NOW).into_iter().collect();
        let written = operations(800..999).iter().rev().map(|o| (**o).clone()).collect();
        testing::answer::<HistoryQuery>(&mut asked, Ok(HistoryPage { operations: written, total: 900 }));
        assert!(rows.take_answer());
        assert_eq!(rows.total(), Some(901), "the newest row was not written yet");
        let started = fixtures::operation(1000, OperationKind::Migration, OperationStatus::Started);
        rows.take(&[Arc::new(started.clone())]);
        assert_eq!(rows.total(), Some(901), "it does not match yet");
        rows.take(&[Arc::new(Operation { status: OperationStatus::Done, ..started })]);
        rows.take(&operations(1001..1003));
        assert_eq!(rows.total(), Some(904));
        rows.filter(parse_in("status:failed", &HISTORY).expect("a query"));
        assert_eq!(rows.total(), None, "another question");
    }

    #[test]
    fn filters_are_those_of_the_logs() {
        let mut rows = OperationRows::default();
        rows.take(&operations(1..5));
        for (filter, left) in [("REPORT-0003 node:zk3", 1), ("node:zk2", 0), ("kind:migration -0003", 3)] {
            rows.filter(parse_in(filter, &HISTORY).expect(filter));
            assert_eq!((rows.len(), rows.shown().len()), (left, left), "{filter}");
        }
    }
}
