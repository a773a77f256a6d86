//! Windows of lists of files. Sorting a million takes a second or two, so a list that was sorted serves all of its
//! windows, and a large one for a while although files have changed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::domain::file_list::{FileChoice, FileList, FilesAsk, FilesPage, LARGE, LARGE_EVERY};
use crate::domain::file_table::FileTable;

/// Lists that are kept: one for each console that looks at its own.
const LISTS_KEPT: usize = 4;
const LARGE_KEPT: Duration = Duration::from_millis(LARGE_EVERY.0);

#[derive(Clone, Debug)]
pub(super) struct Lists {
    /// The newest last.
    sorted: Arc<Mutex<Vec<Sorted>>>,
    /// One sorting after the other: a question that is given up while it waits costs nothing.
    pub(super) turn: Arc<Semaphore>,
}

impl Default for Lists {
    fn default() -> Self {
        Self { sorted: Arc::default(), turn: Arc::new(Semaphore::new(1)) }
    }
}

#[derive(Clone, Debug)]
struct Sorted {
    choice: FileChoice,
    list: Arc<FileList>,
    at: Instant,
}

impl Lists {
    pub(super) fn window(&self, table: &FileTable, ask: &FilesAsk) -> FilesPage {
        let known = self.find(table.revision(), &ask.choice);
        let list = known.unwrap_or_else(|| {
            let list = Arc::new(FileList::of(table, &ask.choice));
            self.keep(Sorted { choice: ask.choice.clone(), list: Arc::clone(&list), at: Instant::now() });
            list
        });
        list.window(ask)
    }

    fn find(&self, revision: u64, choice: &FileChoice) -> Option<Arc<FileList>> {
        let lists = self.sorted.lock().unwrap_or_else(PoisonError::into_inner);
        let serves = |one: &&Sorted| {
            let is_young = one.list.len() >= LARGE && one.at.elapsed() < LARGE_KEPT;
            one.choice == *choice && (one.list.revision() == revision || is_young)
        };
        lists.iter().find(serves).map(|one| Arc::clone(&one.list))
    }

    fn keep(&self, sorted: Sorted) {
        let mut lists = self.sorted.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|one| one.choice != sorted.choice);
        if lists.len() == LISTS_KEPT {
            lists.remove(0);
        }
        lists.push(sorted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures;

    fn ask(filter: &str) -> FilesAsk {
        FilesAsk {
            choice: FileChoice {
                filter: crate::domain::log::parse_in(filter, &crate::domain::filter::FILES).unwrap(),
                ..FileChoice::default()
            },
            count: 5,
            ..FilesAsk::default()
        }
    }

    #[test]
    fn a_list_is_sorted_anew_when_a_file_has_changed_and_few_are_kept() {
        let (lists, mut table) = (Lists::default(), fixtures::snapshot().files);
        assert_eq!(lists.window(&table, &ask("")).total, 100);
        let first = lists.find(table.revision(), &ask("").choice).unwrap();
        lists.window(&table, &ask(""));
        assert!(Arc::ptr_eq(&first, &lists.find(table.revision(), &ask("").choice).unwrap()), "one sorting");
        table.insert(Arc::new(fixtures::file(1, "zk1")));
        assert_eq!(lists.window(&table, &ask("")).total, 101);
        for filter in ["a", "b", "c", "d", "e"] {
            lists.window(&table, &ask(filter));
        }
        assert_eq!(lists.sorted.lock().unwrap().len(), LISTS_KEPT);
        assert!(lists.find(table.revision(), &ask("").choice).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_list_serves_for_a_while() {
        let (lists, mut table) = (Lists::default(), FileTable::default());
        for id in 0..LARGE as u128 {
            table.insert(Arc::new(fixtures::file(id, "zk1")));
        }
        assert_eq!(lists.window(&table, &ask("")).total, LARGE);
        table.remove(crate::domain::ids::FileId::new(7));
        assert_eq!(lists.window(&table, &ask("")).total, LARGE, "as it was");
        tokio::time::advance(LARGE_KEPT).await;
        assert_eq!(lists.window(&table, &ask("")).total, LARGE - 1);
    }
}
