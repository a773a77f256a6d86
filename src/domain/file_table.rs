//! All files, as a table that is cheap to share: a two-level tree of shared leaves.
//!
//! A snapshot holds a clone of the table while the core goes on changing its own: a change copies one
//! leaf and one branch, never the table. A million files make leaves of about 240 entries; a thousand cost little.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::file::FileEntry;
use super::ids::FileId;

/// A power of two.
const FAN_OUT: usize = 64;

type Leaf = Vec<Arc<FileEntry>>;

#[derive(Clone, Debug)]
struct Branch {
    /// `None` where no file was ever.
    leaves: Vec<Option<Arc<Leaf>>>,
    /// Entries of all leaves.
    len: usize,
}

/// Files by id. Cloning costs one reference count; the first change after it one for each of 64 branches.
#[derive(Clone, Debug)]
pub struct FileTable {
    branches: Arc<Vec<Arc<Branch>>>,
    len: usize,
    revision: u64,
}

impl Default for FileTable {
    fn default() -> Self {
        let branch = Arc::new(Branch { leaves: vec![None; FAN_OUT], len: 0 });
        Self { branches: Arc::new(vec![branch; FAN_OUT]), len: 0, revision: 0 }
    }
}

/// The random end of a `UUIDv7` spreads files evenly; its beginning is the time.
fn slots(id: FileId) -> (usize, usize) {
    let bits = id.bits();
    let slot = |bits: u128| (bits % FAN_OUT as u128) as usize;
    (slot(bits), slot(bits / FAN_OUT as u128))
}

impl FileTable {
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Grows with each change: equal revisions of one table are equal tables.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&Arc<FileEntry>> {
        let (b, l) = slots(id);
        let leaf = self.branches[b].leaves[l].as_ref()?;
        leaf.binary_search_by_key(&id, |entry| entry.id).ok().map(|i| &leaf[i])
    }

    /// Puts an entry in and returns the one it replaces.
    pub fn insert(&mut self, entry: Arc<FileEntry>) -> Option<Arc<FileEntry>> {
        self.revision += 1;
        let (branch, l) = self.branch_mut(entry.id);
        let leaf = Arc::make_mut(branch.leaves[l].get_or_insert_default());
        match leaf.binary_search_by_key(&entry.id, |e| e.id) {
            Ok(i) => Some(std::mem::replace(&mut leaf[i], entry)),
            Err(i) => {
                leaf.insert(i, entry);
                branch.len += 1;
                self.len += 1;
                None
            }
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, id: FileId) -> Option<Arc<FileEntry>> {
        self.get(id)?;
        let (branch, l) = self.branch_mut(id);
        let leaf = Arc::make_mut(branch.leaves[l].as_mut()?);
        let i = leaf.binary_search_by_key(&id, |e| e.id).ok()?;
        let removed = leaf.remove(i);
        branch.len -= 1;
        self.len -= 1;
        self.revision += 1;
        Some(removed)
    }

    /// Makes the revision follow that of the table that this one replaces.
    pub fn go_on_from(&mut self, before: &Self) {
        self.revision = before.revision + 1;
    }

    /// What makes `before` this table. Costs what differs: parts that both share are passed over.
    #[must_use]
    pub fn since(&self, before: &Self) -> FilesChange {
        let mut change = FilesChange::default();
        for (new, old) in self.branches.iter().zip(before.branches.iter()) {
            if !Arc::ptr_eq(new, old) {
                for (new, old) in new.leaves.iter().zip(&old.leaves) {
                    leaf_since(new.as_ref(), old.as_ref(), &mut change);
                }
            }
        }
        change
    }

    /// Takes a change over; its revision is `revision` then, that of the table which the change leads to.
    pub fn take(&mut self, change: FilesChange, revision: u64) {
        for id in change.gone {
            self.remove(id);
        }
        for entry in change.put {
            self.insert(entry);
        }
        self.revision = revision;
    }

    /// Every file, in no particular order that a person would expect; the same for equal tables.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<FileEntry>> {
        let filled = self.branches.iter().filter(|branch| branch.len > 0);
        filled.flat_map(|branch| branch.leaves.iter().flatten().flat_map(|leaf| leaf.iter()))
    }

    /// The branch of a file, and the number of its leaf there.
    fn branch_mut(&mut self, id: FileId) -> (&mut Branch, usize) {
        let (b, l) = slots(id);
        (Arc::make_mut(&mut Arc::make_mut(&mut self.branches)[b]), l)
    }
}

/// Files that are other than before, and those that are gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesChange {
    pub put: Vec<Arc<FileEntry>>,
    pub gone: Vec<FileId>,
}

impl FilesChange {
    /// The same in parts of `count` files at most, for those who may not hold all of it at once.
    pub fn parts(self, count: usize) -> impl Iterator<Item = Self> {
        let (mut put, mut gone) = (self.put.into_iter().peekable(), self.gone.into_iter().peekable());
        std::iter::from_fn(move || {
            (put.peek().is_some() || gone.peek().is_some()).then(|| {
                let put: Vec<_> = put.by_ref().take(count).collect();
                Self { gone: gone.by_ref().take(count - put.len()).collect(), put }
            })
        })
    }
}

/// Both are sorted by id.
fn leaf_since(new: Option<&Arc<Leaf>>, old: Option<&Arc<Leaf>>, change: &mut FilesChange) {
    if let (Some(new), Some(old)) = (new, old)
        && Arc::ptr_eq(new, old)
    {
        return;
    }
    let (new, old) = (new.map_or(&[][..], |leaf| &leaf[..]), old.map_or(&[][..], |leaf| &leaf[..]));
    let in_leaf =
        |leaf: &'_ [Arc<FileEntry>], id| leaf.binary_search_by_key(&id, |entry: &Arc<FileEntry>| entry.id).ok();
    change.gone.extend(old.iter().map(|entry| entry.id).filter(|id| in_leaf(new, *id).is_none()));
    let same = |entry: &&Arc<FileEntry>| in_leaf(old, entry.id).is_some_and(|at| old[at] == **entry);
    change.put.extend(new.iter().filter(|entry| !same(entry)).cloned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures;

    #[test]
    fn a_shared_table_does_not_see_later_changes() {
        let mut table = FileTable::default();
        for i in 0..1000u128 {
            table.insert(Arc::new(fixtures::file(i * 7919, "zk1")));
        }
        let before = table.clone();
        table.insert(Arc::new(fixtures::file(7919, "zk2")));
        table.remove(FileId::new(0));
        assert_eq!((before.len(), table.len()), (1000, 999));
        let owner = |t: &FileTable| t.get(FileId::new(7919)).map(|e| e.record.owner.to_string());
        assert_eq!(owner(&before).as_deref(), Some("zk1"));
        assert_eq!(owner(&table).as_deref(), Some("zk2"));
        assert!(before.get(FileId::new(0)).is_some() && table.get(FileId::new(0)).is_none());
        assert_eq!(before.iter().count(), 1000);
        assert_eq!(table.iter().count(), 999);
    }

    #[test]
    fn a_table_of_which_all_was_removed_has_nothing_left() {
        let mut table = FileTable::default();
        let ids: Vec<_> = (0..100u128).map(|i| FileId::new(i << 8 | i & 1)).collect();
        for _ in 0..2 {
            ids.iter().for_each(|id| _ = table.insert(Arc::new(fixtures::file(id.bits(), "zk1"))));
            ids.iter().for_each(|id| _ = table.insert(Arc::new(fixtures::file(id.bits(), "zk2"))));
            assert_eq!(table.iter().count(), ids.len());
            ids.iter().for_each(|id| _ = table.remove(*id));
            ids.iter().for_each(|id| assert!(table.remove(*id).is_none()));
            assert_eq!((table.iter().count(), table.len()), (0, 0));
            assert!(table.branches.iter().all(|branch| branch.len == 0));
        }
    }

    #[test]
    fn a_change_copies_one_leaf_and_not_the_table() {
        let mut table = FileTable::default();
        for i in 0..10_000u128 {
            table.insert(Arc::new(fixtures::file(i, "zk1")));
        }
        let before = table.clone();
        table.insert(Arc::new(fixtures::file(5, "zk2")));
        let shared = before.branches.iter().zip(&*table.branches).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
        assert_eq!(shared, FAN_OUT - 1);
    }

    #[test]
    fn a_change_leads_from_any_table_to_any_other_and_costs_what_differs() {
        let table = |files: std::ops::Range<u128>, node| {
            let mut table = FileTable::default();
            files.for_each(|i| _ = table.insert(Arc::new(fixtures::file(i * 7919, node))));
            table
        };
        let large = table(0..1000, "zk1");
        let mut other = large.clone();
        other.insert(Arc::new(fixtures::file(7919, "zk2")));
        other.remove(FileId::new(0));
        let small = other.since(&large);
        assert_eq!((small.put.len(), &small.gone[..]), (1, &[FileId::new(0)][..]));
        assert_eq!(large.since(&large), FilesChange::default());
        for (before, after) in
            [(&large, &other), (&other, &large), (&FileTable::default(), &large), (&large, &table(500..1500, "zk3"))]
        {
            let mut follower = before.clone();
            for part in after.since(before).parts(7) {
                assert!((1..=7).contains(&(part.put.len() + part.gone.len())));
                follower.take(part, after.revision());
            }
            assert_eq!((follower.len(), follower.revision()), (after.len(), after.revision()));
            assert!(follower.iter().eq(after.iter()));
        }
    }
}
