//! The list of files that a front shows: those that a filter leaves, in an order, and a window of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ask::{Ask, Unanswered};
use super::file::FileEntry;
use super::file_table::FileTable;
use super::ids::{FileId, Millis, Timestamp};
use super::log::{Expr, Matcher};

/// A list of so many files is made anew at most every [`LARGE_EVERY`] while files change: sorting it costs more than a
/// frame.
pub const LARGE: usize = 20_000;
pub const LARGE_EVERY: Millis = Millis(2_000);

/// Most rows of one window.
pub const WINDOW_MAX: usize = 1_000;

/// By what the list is sorted; equal ones by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileOrder {
    #[default]
    Name,
    /// And by name at each node.
    Node,
    /// Large ones first.
    Size,
    /// Young ones first.
    Age,
    /// What moved most first.
    Moves,
}

impl FileOrder {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Node => "node",
            Self::Size => "size",
            Self::Age => "age",
            Self::Moves => "moves",
        }
    }

    /// The next one of all, in a circle.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Name => Self::Node,
            Self::Node => Self::Size,
            Self::Size => Self::Age,
            Self::Age => Self::Moves,
            Self::Moves => Self::Name,
        }
    }
}

/// Which list: all of its windows are of one sorting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChoice {
    /// What [`filter::FILES`](super::filter::FILES) reads, its moments resolved.
    pub filter: Expr,
    pub order: FileOrder,
    pub reverse: bool,
}

/// A window of a list of files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesAsk {
    pub choice: FileChoice,
    /// The window begins at this row.
    pub from: usize,
    /// Rows of it, at most; no more than [`WINDOW_MAX`] are given.
    pub count: usize,
    /// A file that the window is to be moved to, so that it is in the middle, when the list has it.
    pub keep: Option<FileId>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FilesPage {
    pub files: Vec<Arc<FileEntry>>,
    /// The row of the first of them in the list.
    pub from: usize,
    /// Files of the list.
    pub total: usize,
    /// The row of the file that was to be kept.
    pub kept: Option<usize>,
    /// [`FileTable::revision`] of the table that the list was made of.
    pub revision: u64,
}

impl Ask for FilesAsk {
    type Answer = FilesPage;
    type Refusal = Unanswered;
    const NAME: &'static str = "list of files";
}

/// A list of files, sorted once for all of its windows.
#[derive(Debug)]
pub struct FileList {
    files: Vec<Arc<FileEntry>>,
    revision: u64,
}

impl FileList {
    #[must_use]
    pub fn of(table: &FileTable, choice: &FileChoice) -> Self {
        let filter = Matcher::of_list(&choice.filter, Timestamp(0));
        let mut files: Vec<Arc<FileEntry>> = table.iter().filter(|file| filter.matches(&***file)).cloned().collect();
        files.sort_unstable_by(|a, b| {
            let (x, y) = (&a.record, &b.record);
            let order = match choice.order {
                FileOrder::Name => x.name.cmp(&y.name),
                FileOrder::Node => x.owner.cmp(&y.owner).then_with(|| x.name.cmp(&y.name)),
                FileOrder::Size => y.size.cmp(&x.size),
                FileOrder::Age => y.created_ms.cmp(&x.created_ms),
                FileOrder::Moves => y.generation.cmp(&x.generation),
            };
            order.then(a.id.cmp(&b.id))
        });
        if choice.reverse {
            files.reverse();
        }
        Self { files, revision: table.revision() }
    }

    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    #[must_use]
    pub const fn len(&self) -> usize {
        self.files.len()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    #[must_use]
    pub fn window(&self, ask: &FilesAsk) -> FilesPage {
        let kept = ask.keep.and_then(|id| self.files.iter().position(|file| file.id == id));
        let from = kept.map_or(ask.from, |at| at.saturating_sub(ask.count / 2));
        let from = from.min(self.files.len().saturating_sub(ask.count));
        let files = self.files.iter().skip(from).take(ask.count).cloned().collect();
        FilesPage { files, from, total: self.files.len(), kept, revision: self.revision }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filter::FILES;
    use crate::domain::fixtures;
    use crate::domain::log::parse_in;

    fn names(files: &FileTable, choice: &FileChoice) -> Vec<String> {
        FileList::of(files, choice).files.iter().map(|file| file.record.name.clone()).collect()
    }

    #[test]
    fn filters_hold_together_and_orders_turn() {
        let files = fixtures::snapshot().files;
        let choice = |filter: &str, reverse| FileChoice {
            filter: parse_in(filter, &FILES).expect(filter),
            reverse,
            ..FileChoice::default()
        };
        assert_eq!(names(&files, &choice("", false)).len(), 100);
        let found = names(&files, &choice("node:zk2 045", false));
        assert_eq!(found, ["report-0452.bin", "report-0455.bin", "report-0458.bin"]);
        assert_eq!(names(&files, &choice("node:zk2 045", true))[0], "report-0458.bin");
        assert_eq!(names(&files, &choice("name:nothing", false)), [""; 0]);
    }

    #[test]
    fn a_node_is_meant_by_its_whole_name() {
        let mut files = fixtures::snapshot().files;
        files.insert(Arc::new(fixtures::file(1, "zk10")));
        let of = |node: &str| {
            names(
                &files,
                &FileChoice { filter: parse_in(&format!("node:{node}"), &FILES).expect(node), ..FileChoice::default() },
            )
        };
        assert_eq!(of("zk10"), ["report-0001.bin"]);
        assert_eq!(of("zk1").len(), 34, "zk10 is another node");
    }

    #[test]
    fn each_order_is_what_its_word_says() {
        let mut files = FileTable::default();
        for (id, name, owner, size, created, generation) in
            [(1, "b", "zk2", 5, 30, 1), (2, "a", "zk3", 9, 10, 3), (3, "c", "zk1", 1, 20, 2)]
        {
            let mut entry = fixtures::file(id, owner);
            (entry.record.name, entry.record.size) = (name.into(), crate::domain::ids::Bytes(size));
            entry.record.created_ms = crate::domain::ids::Timestamp(created);
            entry.record.generation = generation;
            files.insert(Arc::new(entry));
        }
        let mut order = FileOrder::default();
        for expected in ["a b c", "c b a", "a b c", "b c a", "a c b"] {
            let choice = FileChoice { order, ..FileChoice::default() };
            assert_eq!(names(&files, &choice).join(" "), expected, "by {}", order.word());
            order = order.next();
        }
        assert_eq!(order, FileOrder::default());
    }

    #[test]
    fn a_window_lies_in_the_list_and_follows_a_file() {
        let files = fixtures::snapshot().files;
        let list = FileList::of(&files, &FileChoice::default());
        let window = |from, keep: Option<u128>| {
            let keep = keep.map(FileId::new);
            let page = list.window(&FilesAsk { from, count: 10, keep, ..FilesAsk::default() });
            assert_eq!((page.total, page.revision), (100, files.revision()));
            (page.from, page.files.len(), page.files[0].id.bits() - 400, page.kept)
        };
        assert_eq!(window(0, None), (0, 10, 0, None));
        assert_eq!(window(95, None), (90, 10, 90, None), "no row is left free");
        assert_eq!(window(0, Some(450)), (45, 10, 45, Some(50)));
        assert_eq!(window(20, Some(7)), (20, 10, 20, None), "it is gone");
        let none = FileList::of(&FileTable::default(), &FileChoice::default()).window(&FilesAsk::default());
        assert_eq!((none.total, none.from, none.files.len()), (0, 0, 0));
    }
}
