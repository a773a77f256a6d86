//! Which files the list shows, in which order; made anew only when something changed.

use std::sync::Arc;

use crate::domain::file::FileEntry;
use crate::domain::ids::{FileId, Timestamp};
use crate::domain::snapshot::Snapshot;

/// From this size on the list is sorted at most every [`RENEW_MS`]: sorting costs more than a frame.
const LARGE: usize = 20_000;
const RENEW_MS: u64 = 2000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SortKey {
    #[default]
    Name,
    Node,
    Size,
    Age,
    Moves,
}

impl SortKey {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Node => "node",
            Self::Size => "size",
            Self::Age => "age",
            Self::Moves => "moves",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Name => Self::Node,
            Self::Node => Self::Size,
            Self::Size => Self::Age,
            Self::Age => Self::Moves,
            Self::Moves => Self::Name,
        }
    }
}

/// The list's ids and what they were made of.
#[derive(Debug, Default)]
pub(super) struct Index {
    ids: Vec<FileId>,
    made_of: Option<u64>,
    made_at: Timestamp,
    key: SortKey,
    reverse: bool,
}

impl Index {
    pub(super) fn ids(&self) -> &[FileId] {
        &self.ids
    }

    pub(super) fn sorted_by(&self) -> String {
        format!("{}{}", self.key.word(), if self.reverse { ", reversed" } else { "" })
    }

    /// The next column, or the other direction.
    pub(super) const fn sort_next(&mut self, reverse: bool) {
        if reverse {
            self.reverse = !self.reverse;
        } else {
            self.key = self.key.next();
        }
    }

    /// Whether the list was made anew. `now` does it even when the table is the same.
    pub(super) fn renew(&mut self, snapshot: &Snapshot, filter: &str, now: bool) -> bool {
        let revision = snapshot.files.revision();
        let due = self.made_of != Some(revision)
            && (self.ids.len() < LARGE || snapshot.taken_at.since(self.made_at).0 >= RENEW_MS);
        if !now && !due {
            return false;
        }
        let wanted = Wanted::read(filter);
        let mut files: Vec<&Arc<FileEntry>> = snapshot.files.iter().filter(|file| wanted.takes(file)).collect();
        let key = self.key;
        files.sort_unstable_by(|a, b| {
            let (x, y) = (&a.record, &b.record);
            let order = match key {
                SortKey::Name => x.name.cmp(&y.name),
                SortKey::Node => x.owner.cmp(&y.owner).then_with(|| x.name.cmp(&y.name)),
                SortKey::Size => y.size.cmp(&x.size),
                SortKey::Age => y.created_ms.cmp(&x.created_ms),
                SortKey::Moves => y.generation.cmp(&x.generation),
            };
            order.then(a.id.cmp(&b.id))
        });
        self.ids = files.into_iter().map(|file| file.id).collect();
        if self.reverse {
            self.ids.reverse();
        }
        (self.made_of, self.made_at) = (Some(revision), snapshot.taken_at);
        true
    }
}

/// A filter: `node:zk1` for that node, `name:report` and `id:0192` for a part, or a part of either. All of them
/// have to hold.
#[derive(Debug)]
struct Wanted(Vec<Term>);

#[derive(Debug)]
enum Term {
    Node(String),
    Name(String),
    Id(String),
    Any(String),
}

impl Wanted {
    fn read(filter: &str) -> Self {
        let term = |word: &str| {
            let word = word.to_lowercase();
            match word.split_once(':') {
                Some(("node", rest)) => Term::Node(rest.to_owned()),
                Some(("name", rest)) => Term::Name(rest.to_owned()),
                Some(("id", rest)) => Term::Id(rest.to_owned()),
                _ => Term::Any(word),
            }
        };
        Self(filter.split_whitespace().map(term).collect())
    }

    fn takes(&self, file: &FileEntry) -> bool {
        let named = |part: &str| file.record.name.to_lowercase().contains(part);
        let id = |part: &str| file.id.to_string().contains(part);
        self.0.iter().all(|term| match term {
            Term::Node(node) => file.record.owner.as_str().eq_ignore_ascii_case(node),
            Term::Name(part) => named(part),
            Term::Id(part) => id(part),
            Term::Any(part) => named(part) || id(part),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures;

    fn names(index: &Index, snapshot: &Snapshot) -> Vec<String> {
        index.ids().iter().filter_map(|id| Some(snapshot.files.get(*id)?.record.name.clone())).collect()
    }

    #[test]
    fn filters_hold_together_and_orders_turn() {
        let snapshot = fixtures::snapshot();
        let mut index = Index::default();
        assert!(index.renew(&snapshot, "", false));
        assert!(!index.renew(&snapshot, "", false), "nothing changed");
        assert_eq!(index.ids().len(), 100);
        index.renew(&snapshot, "node:zk2 045", true);
        assert_eq!(names(&index, &snapshot), ["report-0452.bin", "report-0455.bin", "report-0458.bin"]);
        index.sort_next(true);
        index.renew(&snapshot, "node:zk2 045", true);
        assert_eq!(names(&index, &snapshot)[0], "report-0458.bin");
        index.renew(&snapshot, "name:nothing", true);
        assert!(index.ids().is_empty());
    }

    #[test]
    fn a_node_is_meant_by_its_whole_name() {
        let mut snapshot = fixtures::snapshot();
        snapshot.files.insert(Arc::new(fixtures::file(1, "zk10")));
        let mut index = Index::default();
        index.renew(&snapshot, "node:zk10", true);
        assert_eq!(names(&index, &snapshot), ["report-0001.bin"]);
        index.renew(&snapshot, "node:zk1", true);
        assert_eq!(index.ids().len(), 34, "zk10 is another node");
    }
}
