//! All files, as a table that is cheap to share: a two-level tree of shared leaves.
//!
//! A snapshot holds a clone of the table while the core goes on changing its own: a change copies one
//! leaf and one branch, never the table. A million files make leaves of about 15 entries.

use std::sync::Arc;

use super::file::FileEntry;
use super::ids::FileId;

const FAN_OUT: usize = 256;

type Leaf = Vec<Arc<FileEntry>>;

#[derive(Clone, Debug)]
struct Branch(Vec<Arc<Leaf>>);

/// Files by id. Cloning costs one reference count for each of 256 branches.
#[derive(Clone, Debug)]
pub struct FileTable {
    branches: Vec<Arc<Branch>>,
    len: usize,
    revision: u64,
}

impl Default for FileTable {
    fn default() -> Self {
        let leaf = Arc::new(Leaf::new());
        let branch = Arc::new(Branch(vec![leaf; FAN_OUT]));
        Self { branches: vec![branch; FAN_OUT], len: 0, revision: 0 }
    }
}

/// The random end of a `UUIDv7` spreads files evenly; its beginning is the time.
const fn slots(id: FileId) -> (usize, usize) {
    let bits = id.bits();
    ((bits & 0xff) as usize, (bits >> 8 & 0xff) as usize)
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
        let leaf = &self.branches[b].0[l];
        leaf.binary_search_by_key(&id, |entry| entry.id).ok().map(|i| &leaf[i])
    }

    /// Puts an entry in and returns the one it replaces.
    pub fn insert(&mut self, entry: Arc<FileEntry>) -> Option<Arc<FileEntry>> {
        self.revision += 1;
        let leaf = self.leaf_mut(entry.id);
        match leaf.binary_search_by_key(&entry.id, |e| e.id) {
            Ok(i) => Some(std::mem::replace(&mut leaf[i], entry)),
            Err(i) => {
                leaf.insert(i, entry);
                self.len += 1;
                None
            }
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, id: FileId) -> Option<Arc<FileEntry>> {
        self.get(id)?;
        let leaf = self.leaf_mut(id);
        let i = leaf.binary_search_by_key(&id, |e| e.id).ok()?;
        let removed = leaf.remove(i);
        self.len -= 1;
        self.revision += 1;
        Some(removed)
    }

    /// Takes every entry out; the revision goes on.
    pub fn clear(&mut self) {
        *self = Self { revision: self.revision + 1, ..Self::default() };
    }

    /// Every file, in no particular order that a person would expect; the same for equal tables.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<FileEntry>> {
        self.branches.iter().flat_map(|branch| branch.0.iter().flat_map(|leaf| leaf.iter()))
    }

    fn leaf_mut(&mut self, id: FileId) -> &mut Leaf {
        let (b, l) = slots(id);
        Arc::make_mut(&mut Arc::make_mut(&mut self.branches[b]).0[l])
    }
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
    fn a_change_copies_one_leaf_and_not_the_table() {
        let mut table = FileTable::default();
        for i in 0..10_000u128 {
            table.insert(Arc::new(fixtures::file(i, "zk1")));
        }
        let before = table.clone();
        table.insert(Arc::new(fixtures::file(5, "zk2")));
        let shared = before.branches.iter().zip(&table.branches).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
        assert_eq!(shared, FAN_OUT - 1);
    }
}
