//! The rows that the list shows: what the engine holds, and older ones read page by page.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::domain::ids::{Millis, OperationId, Timestamp};
use crate::domain::operation::{HistoryPage, HistoryQuery, Operation, OperationKind, OperationStatus};

/// Most rows that are held; older ones are found by a filter.
pub(super) const ROWS_MAX: usize = 5000;
const PAGE: usize = 200;
/// Rows before the end at which the next page is asked for.
const AHEAD: usize = 30;

/// After a failure it is asked again so much later.
const RETRY_AFTER: Millis = Millis(2_000);

/// Operations by id, which is by time, and the newest-first list that the filter leaves of them.
#[derive(Debug, Default)]
pub(super) struct OperationRows {
    known: BTreeMap<OperationId, Arc<Operation>>,
    shown: Vec<OperationId>,
    filter: HistoryQuery,
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

impl OperationRows {
    pub(super) const fn len(&self) -> usize {
        self.shown.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Operation> {
        self.by_id(*self.shown.get(at)?)
    }

    pub(super) fn by_id(&self, id: OperationId) -> Option<&Operation> {
        self.known.get(&id).map(|operation| &**operation)
    }

    pub(super) fn position(&self, id: OperationId) -> Option<usize> {
        self.shown.iter().position(|own| *own == id)
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

    /// `kind:migration status:failed node:zk1`, and words that what, why or by have to hold.
    pub(super) fn filter(&mut self, text: &str) {
        self.filter = read(text);
        // A page that is on its way is of another question.
        (self.asked, self.exhausted, self.total) = (Asked::default(), false, None);
        self.show();
    }

    /// What the engine holds now. Whether a row is new or another.
    pub(super) fn take(&mut self, operations: &[Arc<Operation>]) -> bool {
        let mut changed = false;
        for operation in operations {
            let own = self.known.get(&operation.id);
            if own.is_none_or(|own| !Arc::ptr_eq(own, operation)) {
                changed = true;
                let matched = own.is_some_and(|own| matches(&self.filter, own));
                self.since += i64::from(matches(&self.filter, operation)) - i64::from(matched);
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
        let matching = self.known.values().rev().filter(|operation| matches(&self.filter, operation));
        self.shown = matching.map(|operation| operation.id).collect();
    }
}

fn read(text: &str) -> HistoryQuery {
    let mut query = HistoryQuery::default();
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let known = match word.split_once(':') {
            Some(("kind", kind)) => OperationKind::from_word(kind).map(|kind| query.kind = Some(kind)),
            Some(("status", status)) => OperationStatus::from_word(status).map(|status| query.status = Some(status)),
            Some(("node", node)) => crate::domain::ids::NodeId::new(node).ok().map(|node| query.node = Some(node)),
            _ => None,
        };
        if known.is_none() {
            words.push(word);
        }
    }
    query.text = (!words.is_empty()).then(|| words.join(" "));
    query
}

fn matches(query: &HistoryQuery, operation: &Operation) -> bool {
    let text = query.text.as_ref().map(|text| text.to_lowercase());
    let holds = |text: &str| {
        let why = operation.why.as_deref().unwrap_or("");
        [operation.what.as_str(), why, operation.by.as_str()].iter().any(|of| of.to_lowercase().contains(text))
    };
    query.kind.is_none_or(|kind| operation.kind == kind)
        && query.status.is_none_or(|status| operation.status == status)
        && query
            .node
            .as_ref()
            .is_none_or(|node| operation.source.as_ref() == Some(node) || operation.target.as_ref() == Some(node))
        && text.is_none_or(|text| holds(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::fetch::testing;
    use crate::domain::fixtures;

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
        assert_eq!((rows.len(), rows.get(0).map(|o| o.id)), (210, Some(OperationId::new(999))));
        assert!(rows.next_page(209, fixtures::NOW).is_none(), "there is no more");
    }

    #[test]
    fn the_number_that_matches_grows_with_what_comes() {
        let mut rows = OperationRows::default();
        rows.filter("status:done");
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
        rows.filter("status:failed");
        assert_eq!(rows.total(), None, "another question");
    }

    #[test]
    fn filters_are_words_and_fields() {
        let query = read("kind:migration status:failed node:zk1 disk full kind:what");
        assert_eq!((query.kind, query.status), (Some(OperationKind::Migration), Some(OperationStatus::Failed)));
        assert_eq!(query.text.as_deref(), Some("disk full kind:what"));
        let mut rows = OperationRows::default();
        rows.take(&operations(1..5));
        rows.filter("REPORT-0003 node:zk3");
        assert_eq!(rows.len(), 1);
        rows.filter("node:zk2");
        assert_eq!(rows.len(), 0);
    }
}
