//! Counts, bytes and files per node, kept incrementally.
//!
//! Each node has a shelf: its files in three parallel columns, in no order, so that adding and
//! removing is O(1) and a planner that looks for small files reads only sizes. A million files on a
//! thousand nodes take about 48 MiB.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::id_index::{IdIndex, Spot};
use super::ids::{Bytes, FileId, Millis, NodeId, Timestamp};

/// The files of one node.
#[derive(Clone, Debug)]
pub(super) struct NodeFiles {
    node: NodeId,
    bytes: u128,
    ids: Vec<FileId>,
    sizes: Vec<Bytes>,
    /// Time of the last move, [`NEVER`] for none.
    moved: Vec<Timestamp>,
    /// No file here has moved later than this; it may lie when that file has left.
    moved_last: Timestamp,
}

const NEVER: Timestamp = Timestamp(0);

impl NodeFiles {
    fn new(node: NodeId) -> Self {
        let (ids, sizes, moved) = (Vec::new(), Vec::new(), Vec::new());
        Self { node, bytes: 0, ids, sizes, moved, moved_last: NEVER }
    }

    pub(super) fn ids(&self) -> &[FileId] {
        &self.ids
    }

    pub(super) fn sizes(&self) -> &[Bytes] {
        &self.sizes
    }

    /// Whether the file at `place` was moved less than `cool_down` ago.
    pub(super) fn is_cooling(&self, place: usize, now: Timestamp, cool_down: Millis) -> bool {
        // A time far to come was written while the clock was ahead: nobody waits for it.
        cooling(self.moved[place], now, cool_down) && self.moved[place].since(now) <= cool_down
    }

    /// Whether any file here can have moved less than `cool_down` ago: a test that costs nothing.
    pub(super) const fn may_cool(&self, now: Timestamp, cool_down: Millis) -> bool {
        cooling(self.moved_last, now, cool_down)
    }

    fn reserve(&mut self, files: usize) {
        self.ids.reserve_exact(files);
        self.sizes.reserve_exact(files);
        self.moved.reserve_exact(files);
    }

    fn push(&mut self, id: FileId, size: Bytes, moved: Timestamp) {
        // Doubling would waste up to half the memory of a large shelf; a quarter more still costs
        // O(1) a file.
        let len = self.ids.len();
        if len == self.ids.capacity() {
            self.reserve(if len < 1024 { len.max(4) } else { len / 4 });
        }
        self.ids.push(id);
        self.sizes.push(size);
        self.moved.push(moved);
        self.bytes += u128::from(size.0);
        self.moved_last = self.moved_last.max(moved);
    }

    /// Takes a file out and puts the last one in its place.
    fn swap_remove(&mut self, place: usize) {
        self.ids.swap_remove(place);
        self.bytes -= u128::from(self.sizes.swap_remove(place).0);
        self.moved.swap_remove(place);
    }
}

const fn cooling(moved: Timestamp, now: Timestamp, cool_down: Millis) -> bool {
    moved.0 != NEVER.0 && now.since(moved).0 < cool_down.0
}

/// Which node owns which files. A node is known from its first file on.
#[derive(Clone, Debug, Default)]
pub struct Placement {
    shelves: Vec<NodeFiles>,
    names: HashMap<NodeId, u32, BuildHasherDefault<NameHasher>>,
    index: IdIndex,
    total: u64,
}

impl Placement {
    /// Makes room for `files` in all: saves time, changes nothing else.
    pub fn reserve(&mut self, files: usize) {
        let shelves = &self.shelves;
        self.index.reserve(files, |spot| id_at(shelves, spot));
    }

    /// Puts a file in, or notes its new owner, size and time. A file counts as moved at `updated`
    /// when `moves` is above 0, and as never moved otherwise.
    pub fn upsert(&mut self, id: FileId, owner: &NodeId, size: Bytes, updated: Timestamp, moves: u32) {
        let shelf = self.shelf_number(owner);
        let moved = if moves > 0 { Timestamp(updated.0.max(1)) } else { NEVER };
        match self.find(id) {
            Some(spot) if spot.shelf == shelf => self.rewrite(spot, size, moved),
            Some(spot) => {
                self.take_out(id, spot);
                self.put_in(id, shelf, size, moved);
            }
            None => self.put_in(id, shelf, size, moved),
        }
    }

    /// Takes a file out; does nothing when it is not there.
    pub fn remove(&mut self, id: FileId) {
        if let Some(spot) = self.find(id) {
            self.take_out(id, spot);
        }
    }

    /// Forgets every file and every node.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Number of files that the node owns; 0 for a node that is not known.
    #[must_use]
    pub fn count(&self, node: &NodeId) -> u64 {
        self.shelf(node).map_or(0, |shelf| shelf.ids.len() as u64)
    }

    /// Sum of the sizes of the node's files; at most `u64::MAX`.
    #[must_use]
    pub fn bytes(&self, node: &NodeId) -> Bytes {
        Bytes(self.shelf(node).map_or(0, |shelf| u64::try_from(shelf.bytes).unwrap_or(u64::MAX)))
    }

    /// Number of files on all nodes.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    #[must_use]
    pub fn owner(&self, id: FileId) -> Option<&NodeId> {
        self.find(id).map(|spot| &self.shelves[spot.shelf as usize].node)
    }

    pub(super) fn shelf(&self, node: &NodeId) -> Option<&NodeFiles> {
        self.names.get(node).map(|number| &self.shelves[*number as usize])
    }

    /// The owner of a file and its position on the owner's shelf.
    pub(super) fn spot(&self, id: FileId) -> Option<(&NodeId, usize)> {
        self.find(id).map(|spot| (&self.shelves[spot.shelf as usize].node, spot.place as usize))
    }

    fn find(&self, id: FileId) -> Option<Spot> {
        self.index.get(id, |spot| id_at(&self.shelves, spot))
    }

    fn shelf_number(&mut self, node: &NodeId) -> u32 {
        if let Some(number) = self.names.get(node) {
            return *number;
        }
        let number = self.shelves.len() as u32;
        self.shelves.push(NodeFiles::new(node.clone()));
        self.names.insert(node.clone(), number);
        number
    }

    fn put_in(&mut self, id: FileId, shelf: u32, size: Bytes, moved: Timestamp) {
        let (shelves, index) = (&mut self.shelves, &mut self.index);
        let place = shelves[shelf as usize].ids.len() as u32;
        shelves[shelf as usize].push(id, size, moved);
        index.add(id, Spot { shelf, place }, |spot| id_at(shelves, spot));
        self.total += 1;
    }

    fn take_out(&mut self, id: FileId, spot: Spot) {
        let (shelves, index) = (&mut self.shelves, &mut self.index);
        index.forget(id, spot, |spot| id_at(shelves, spot));
        let shelf = &mut shelves[spot.shelf as usize];
        let last = Spot { place: shelf.ids.len() as u32 - 1, ..spot };
        shelf.swap_remove(spot.place as usize);
        if last != spot {
            index.shift(shelf.ids[spot.place as usize], last, spot);
        }
        self.total -= 1;
    }

    fn rewrite(&mut self, spot: Spot, size: Bytes, moved: Timestamp) {
        let shelf = &mut self.shelves[spot.shelf as usize];
        let place = spot.place as usize;
        shelf.bytes = shelf.bytes - u128::from(shelf.sizes[place].0) + u128::from(size.0);
        shelf.sizes[place] = size;
        shelf.moved[place] = moved;
        shelf.moved_last = shelf.moved_last.max(moved);
    }
}

fn id_at(shelves: &[NodeFiles], spot: Spot) -> FileId {
    shelves[spot.shelf as usize].ids[spot.place as usize]
}

/// Hashes names of at most 32 bytes: the same on every run, and five times as fast as the standard
/// one, which a million files in a row feel.
#[derive(Default)]
struct NameHasher(u64);

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let word = chunk.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
            self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }

    fn write_u8(&mut self, _end_of_text: u8) {}

    fn finish(&self) -> u64 {
        // The map takes its bucket from the low bits, which a multiplication mixes least.
        self.0.rotate_left(26)
    }
}

/// A file as [`Placement`] keeps it.
#[cfg(test)]
pub(super) struct PlacedFile {
    pub(super) id: FileId,
    pub(super) size: Bytes,
    /// When it was last moved; `None` for a file that lies where it was uploaded.
    pub(super) moved: Option<Timestamp>,
}

#[cfg(test)]
impl Placement {
    /// The node's files, smallest first, those of one size by id.
    pub(super) fn files_of(&self, node: &NodeId) -> impl Iterator<Item = PlacedFile> + use<> {
        let moved = |at: Timestamp| (at != NEVER).then_some(at);
        let file = |shelf: &NodeFiles, i: usize| PlacedFile {
            id: shelf.ids[i],
            size: shelf.sizes[i],
            moved: moved(shelf.moved[i]),
        };
        let files = |shelf: &NodeFiles| (0..shelf.ids.len()).map(|i| file(shelf, i)).collect();
        let mut files: Vec<PlacedFile> = self.shelf(node).map(files).unwrap_or_default();
        files.sort_unstable_by_key(|file| (file.size, file.id));
        files.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::fixtures::node_id;

    fn placed(placement: &Placement, node: &str) -> Vec<(u128, u64)> {
        placement.files_of(&node_id(node)).map(|file| (file.id.bits(), file.size.0)).collect()
    }

    #[test]
    fn files_come_smallest_first_and_by_id_within_a_size() {
        let mut placement = Placement::default();
        for (id, size) in [(7, 20), (3, 10), (9, 5), (1, 10)] {
            placement.upsert(FileId::new(id), &node_id("zk1"), Bytes(size), Timestamp(1), 0);
        }
        assert_eq!(placed(&placement, "zk1"), [(9, 5), (1, 10), (3, 10), (7, 20)]);
        assert_eq!(placed(&placement, "zk2"), []);
    }

    #[test]
    fn a_file_changes_its_owner_its_size_and_its_time() {
        let (mut placement, id) = (Placement::default(), FileId::new(5));
        placement.upsert(id, &node_id("zk1"), Bytes(10), Timestamp(50), 0);
        assert_eq!(placement.files_of(&node_id("zk1")).next().and_then(|file| file.moved), None);
        placement.upsert(id, &node_id("zk2"), Bytes(12), Timestamp(60), 1);
        assert_eq!(placement.owner(id), Some(&node_id("zk2")));
        assert_eq!((placement.count(&node_id("zk1")), placement.bytes(&node_id("zk1"))), (0, Bytes(0)));
        assert_eq!((placement.count(&node_id("zk2")), placement.bytes(&node_id("zk2"))), (1, Bytes(12)));
        assert_eq!(placement.files_of(&node_id("zk2")).next().and_then(|file| file.moved), Some(Timestamp(60)));
        placement.remove(id);
        placement.remove(id);
        assert_eq!((placement.total(), placement.owner(id)), (0, None));
    }

    #[test]
    fn sizes_beyond_all_measure_do_not_overflow() {
        let mut placement = Placement::default();
        for id in 0..3 {
            placement.upsert(FileId::new(id), &node_id("zk1"), Bytes(u64::MAX), Timestamp(1), 0);
        }
        assert_eq!(placement.bytes(&node_id("zk1")), Bytes(u64::MAX));
        placement.remove(FileId::new(0));
        placement.remove(FileId::new(1));
        placement.upsert(FileId::new(2), &node_id("zk1"), Bytes(8), Timestamp(1), 0);
        assert_eq!(placement.bytes(&node_id("zk1")), Bytes(8));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Upsert(u128, usize, u64),
        Remove(u128),
        Clear,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            12 => (0u128..60, 0usize..4, 0u64..6).prop_map(|(id, node, size)| Step::Upsert(id, node, size)),
            6 => (0u128..60).prop_map(Step::Remove),
            1 => Just(Step::Clear),
        ]
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_map(steps in prop::collection::vec(step(), 0..400)) {
            let nodes = ["zk1", "zk2", "zk3", "zk4"].map(node_id);
            let (mut placement, mut model) = (Placement::default(), BTreeMap::new());
            for step in steps {
                match step {
                    Step::Upsert(id, node, size) => {
                        placement.upsert(FileId::new(id), &nodes[node], Bytes(size), Timestamp(1), 0);
                        model.insert(id, (node, size));
                    }
                    Step::Remove(id) => {
                        placement.remove(FileId::new(id));
                        model.remove(&id);
                    }
                    Step::Clear => {
                        placement.clear();
                        model.clear();
                    }
                }
            }
            prop_assert_eq!(placement.total(), model.len() as u64);
            for id in 0..60 {
                prop_assert_eq!(placement.owner(FileId::new(id)), model.get(&id).map(|(node, _)| &nodes[*node]));
            }
            for (number, node) in nodes.iter().enumerate() {
                let mut files: Vec<(u64, u128)> =
                    model.iter().filter(|(_, (n, _))| *n == number).map(|(id, (_, size))| (*size, *id)).collect();
                files.sort_unstable();
                let found: Vec<_> = placement.files_of(node).map(|file| (file.size.0, file.id.bits())).collect();
                prop_assert_eq!(placement.count(node), files.len() as u64);
                prop_assert_eq!(placement.bytes(node).0, files.iter().map(|(size, _)| size).sum::<u64>());
                prop_assert_eq!(found, files);
            }
        }
    }
}
