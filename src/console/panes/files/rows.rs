//! The rows of the list that are held: a window around the cursor, asked for as the cursor moves and files change.

use std::sync::Arc;

use crate::console::effect::Effect;
use crate::console::fetch::Asked;
use crate::domain::file::FileEntry;
use crate::domain::file_list::{FileChoice, FilesAsk, FilesPage, LARGE, LARGE_EVERY};
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::snapshot::Snapshot;

/// Rows of a window: several screens, so that paging seldom waits.
const WINDOW: usize = 400;
/// After a failure it is asked again so much later.
const RETRY_AFTER: Millis = Millis(2_000);
/// So near to an end of the window, the next one is asked for.
const NEAR: usize = 100;

#[derive(Debug, Default)]
pub(super) struct FileRows {
    page: FilesPage,
    choice: FileChoice,
    asked: Asked<FilesAsk>,
    /// The cursor when it was asked.
    asked_at: usize,
    /// What is shown answers the choice.
    current: bool,
    made_at: Timestamp,
    problem: Option<String>,
    failed_at: Timestamp,
}

impl FileRows {
    /// Files of the whole list.
    pub(super) const fn len(&self) -> usize {
        self.page.total
    }

    /// `None` where the window does not reach.
    pub(super) fn get(&self, at: usize) -> Option<&Arc<FileEntry>> {
        at.checked_sub(self.page.from).and_then(|row| self.page.files.get(row))
    }

    pub(super) const fn choice(&self) -> &FileChoice {
        &self.choice
    }

    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Whether an answer to this choice has come.
    pub(super) const fn is_current(&self) -> bool {
        self.current
    }

    /// Another filter or order: whatever is on its way is of another question.
    pub(super) fn choose(&mut self, change: impl FnOnce(&mut FileChoice)) {
        change(&mut self.choice);
        (self.asked, self.current, self.problem) = (Asked::default(), false, None);
    }

    /// Lets go of what is held: another moment is shown.
    pub(super) fn forget(&mut self) {
        *self = Self { choice: self.choice.clone(), ..Self::default() };
    }

    /// What is to be asked now, with the cursor at a row. The list of a moment that is over was not kept.
    pub(super) fn due(&mut self, cursor: usize, snapshot: &Snapshot) -> Option<Effect> {
        let changed = self.page.revision != snapshot.files.revision();
        let rested = self.page.total < LARGE || snapshot.taken_at.since(self.made_at) >= LARGE_EVERY;
        let (first, end) = (self.page.from, self.page.from + self.page.files.len());
        let leaves = (first > 0 && cursor < first + NEAR) || (end < self.page.total && cursor + NEAR >= end);
        let rests = self.problem.is_some() && snapshot.taken_at.since(self.failed_at) < RETRY_AFTER;
        if snapshot.past.is_some() || self.asked.is_open() || rests || (self.current && !leaves && !(changed && rested))
        {
            return None;
        }
        let keep = if leaves { None } else { self.get(cursor).map(|file| file.id) };
        let from = cursor.saturating_sub(WINDOW / 2);
        self.asked_at = cursor;
        Some(self.asked.put(FilesAsk { choice: self.choice.clone(), from, count: WINDOW, keep }).into())
    }

    /// Takes a window in, when one has come; the row that the cursor is at then.
    pub(super) fn take_answer(&mut self, cursor: usize, snapshot: &Snapshot) -> Option<usize> {
        let page = match self.asked.take()? {
            Ok(page) => page,
            Err(why) => {
                (self.problem, self.current, self.failed_at) = (Some(why), false, snapshot.taken_at);
                return Some(cursor);
            }
        };
        // The cursor may have moved on since it was asked.
        let at = page.kept.map_or(cursor, |kept| (cursor + kept).saturating_sub(self.asked_at));
        (self.problem, self.current, self.made_at) = (None, true, snapshot.taken_at);
        self.page = page;
        Some(at.min(self.page.total.saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::fetch::testing;
    use crate::domain::file_list::FileList;
    use crate::domain::file_table::FileTable;
    use crate::domain::fixtures;
    use crate::domain::ids::FileId;

    fn snapshot(files: u128) -> Snapshot {
        let mut table = FileTable::default();
        for id in 0..files {
            table.insert(Arc::new(fixtures::file(id, "zk1")));
        }
        Snapshot { files: table, ..fixtures::snapshot() }
    }

    fn asked_first(asked: &[Effect]) -> &Effect {
        asked.first().expect("it was asked")
    }

    /// Asks when something is due, and answers: the row of the cursor then, and whether anything was asked.
    fn served(rows: &mut FileRows, cursor: usize, snapshot: &Snapshot) -> (usize, bool) {
        let Some(effect) = rows.due(cursor, snapshot) else { return (cursor, false) };
        let ask = testing::asked::<FilesAsk>(&effect).expect("a window").clone();
        let page = FileList::of(&snapshot.files, &ask.choice).window(&ask);
        testing::answer::<FilesAsk>(&mut vec![effect], Ok(page));
        (rows.take_answer(cursor, snapshot).expect("it came"), true)
    }

    #[test]
    fn a_window_is_asked_for_before_the_cursor_leaves_it() {
        let (mut rows, snapshot) = (FileRows::default(), snapshot(2_000));
        assert_eq!(served(&mut rows, 0, &snapshot), (0, true));
        assert_eq!((rows.len(), served(&mut rows, 250, &snapshot)), (2_000, (250, false)));
        assert_eq!(served(&mut rows, 300, &snapshot), (300, true), "near its end");
        assert!(rows.get(99).is_none() && rows.get(100).is_some() && rows.get(499).is_some());
        assert!(rows.get(1_999).is_none(), "the window does not reach");
        assert_eq!(served(&mut rows, 1_999, &snapshot), (1_999, true));
        assert!(rows.get(1_999).is_some() && rows.get(1_600).is_some());
        assert_eq!(served(&mut rows, 1_999, &snapshot), (1_999, false), "the list ends here");
    }

    #[test]
    fn the_cursor_stays_on_its_file_while_others_come_and_the_cursor_moves() {
        let (mut rows, mut snapshot) = (FileRows::default(), snapshot(1_000));
        served(&mut rows, 0, &snapshot);
        let named = |rows: &FileRows, at| rows.get(at).map(|file| file.id.bits());
        assert_eq!(named(&rows, 50), Some(50));
        snapshot.files.remove(FileId::new(7));
        snapshot.files.remove(FileId::new(8));
        let mut asked: Vec<Effect> = rows.due(50, &snapshot).into_iter().collect();
        assert!(rows.due(50, &snapshot).is_none(), "one is on its way");
        let ask = testing::asked::<FilesAsk>(asked_first(&asked)).expect("a window").clone();
        testing::answer::<FilesAsk>(&mut asked, Ok(FileList::of(&snapshot.files, &ask.choice).window(&ask)));
        assert_eq!(rows.take_answer(53, &snapshot), Some(51), "three down since, two rows less above");
        assert_eq!((named(&rows, 51), rows.len()), (Some(53), 998));
    }

    #[test]
    fn another_choice_gives_up_what_is_on_its_way_and_a_failure_is_told() {
        let (mut rows, snapshot) = (FileRows::default(), snapshot(10));
        let first = rows.due(0, &snapshot).expect("asked");
        rows.choose(|choice| choice.reverse = true);
        drop(first);
        assert!(rows.take_answer(0, &snapshot).is_none() && !rows.is_current());
        let mut asked = rows.due(0, &snapshot).into_iter().collect();
        testing::answer::<FilesAsk>(&mut asked, Err("the list of files could not be made".into()));
        assert_eq!(rows.take_answer(3, &snapshot), Some(3));
        assert_eq!(rows.problem(), Some("the list of files could not be made"));
    }
}
