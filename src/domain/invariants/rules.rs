//! The rules over one picture.

use std::collections::{BTreeMap, BTreeSet};

use super::{BlobPlace, CheckedRow, Invariant, StoredFile, Violation, WorldView};
use crate::domain::file::FileEntry;
use crate::domain::ids::{AttemptId, FileId, Millis, NodeId, OperationId};
use crate::domain::migration::{Intent, IntentKind, IntentState};
use crate::domain::node::{NodeRecord, NodeState};
use crate::domain::operation::{OperationKind, OperationStatus};

/// A commit that was sent so long after a drain began was not on its way at that time. Times come
/// from the wall clocks of two processes, so less than this proves nothing.
const DRAIN_SLACK: Millis = Millis::from_secs(10);

/// What mends bytes that are not those of their record.
const MEND: &str = "zkdeck takes it back from a trash or quarantine that has it, else restore it from a backup";

/// Every rule that does not hold, in order of the rules.
#[must_use]
pub fn check(picture: &WorldView) -> Vec<Violation> {
    let view = Arranged::new(picture);
    let mut found = unreadable(picture);
    found.extend(view.owners());
    found.extend(view.drained());
    if picture.stored.is_some() {
        found.extend(view.files.iter().filter_map(|entry| view.bytes(entry)));
        found.extend(view.unreferenced());
    }
    if let Some(rows) = &picture.rows {
        found.extend(view.history(rows));
    }
    found.sort();
    found
}

/// A picture, arranged for the questions of the rules.
struct Arranged<'a> {
    picture: &'a WorldView,
    files: &'a [FileEntry],
    stored: BTreeMap<(&'a NodeId, Option<FileId>, AttemptId), Vec<&'a StoredFile>>,
    /// Attempts whose bytes an intent speaks of: they are under way.
    spoken_of: BTreeSet<AttemptId>,
    intents: BTreeSet<AttemptId>,
}

fn unreadable(picture: &WorldView) -> Vec<Violation> {
    let violation = |text: &String| Violation {
        invariant: Invariant::I1,
        file: None,
        node: None,
        attempt: None,
        what: format!("cannot be read: {text}"),
    };
    picture.unreadable.iter().map(violation).collect()
}

fn at(entry: &FileEntry, invariant: Invariant, what: String) -> Violation {
    let (node, attempt) = (Some(entry.record.owner.clone()), Some(entry.record.blob));
    Violation { invariant, file: Some(entry.id), node, attempt, what }
}

impl<'a> Arranged<'a> {
    fn new(picture: &'a WorldView) -> Self {
        let mut stored: BTreeMap<_, Vec<&StoredFile>> = BTreeMap::new();
        for one in picture.stored.iter().flatten() {
            stored.entry((&one.node, one.file, one.attempt)).or_default().push(one);
        }
        let named = |(attempt, intent): &(AttemptId, Intent)| [Some(*attempt), intent.blob_src, intent.blob_dst];
        let spoken_of = picture.intents.iter().flat_map(named).flatten().collect();
        let intents = picture.intents.iter().map(|(attempt, _)| *attempt).collect();
        Self { picture, files: &picture.files, stored, spoken_of, intents }
    }

    /// I2, and the part of I4 that shows in the records: one attempt made one record's bytes.
    fn owners(&self) -> Vec<Violation> {
        let (mut ids, mut blobs) = (BTreeSet::new(), BTreeSet::new());
        let mut found = Vec::new();
        for entry in self.files {
            if !ids.insert(entry.id) {
                found.push(at(
                    entry,
                    Invariant::I2,
                    "the file has more than one record, and so more than one owner".into(),
                ));
            }
            if !blobs.insert(entry.record.blob) {
                found.push(at(entry, Invariant::I4, "the attempt has committed more than one record".into()));
            }
        }
        found
    }

    /// I1, I3 and I6 for one record.
    fn bytes(&self, entry: &FileEntry) -> Option<Violation> {
        let record = &entry.record;
        let here = self.stored.get(&(&record.owner, Some(entry.id), record.blob));
        let here = here.map(Vec::as_slice).unwrap_or_default();
        let Some(bytes) = here.iter().find(|one| one.place == BlobPlace::Published) else {
            return Some(match here.first().map(|one| one.place) {
                Some(BlobPlace::Trash) => at(
                    entry,
                    Invariant::I6,
                    "its bytes are in the trash; start zkdeck, whose leader brings them back".into(),
                ),
                Some(BlobPlace::Quarantine) => at(
                    entry,
                    Invariant::I6,
                    "its bytes are in quarantine; start zkdeck, whose leader brings them back".into(),
                ),
                _ => at(entry, Invariant::I1, self.elsewhere(entry)),
            });
        };
        if bytes.size != record.size {
            let what = format!("{} bytes, the record says {}; {MEND}", bytes.size.0, record.size.0);
            return Some(at(entry, Invariant::I1, what));
        }
        let hash = bytes.blake3.filter(|hash| *hash != record.blake3)?;
        let what = format!("its hash is {hash}, the record says {}; {MEND}", record.blake3);
        Some(at(entry, Invariant::I3, what))
    }

    /// Where else there are bytes of the file, for the operator who has to put them back.
    fn elsewhere(&self, entry: &FileEntry) -> String {
        let others = self.picture.stored.iter().flatten().filter(|one| one.file == Some(entry.id));
        let others: Vec<String> =
            others.map(|one| format!("{:?} {} of attempt {}", one.place, one.node, one.attempt)).collect();
        if others.is_empty() {
            "its bytes are missing and no other copy is known; restore it from a backup".into()
        } else {
            format!("its bytes are missing; there are others: {}", others.join(", "))
        }
    }

    /// I7: published bytes and drafts that neither a record nor an intent speaks of.
    fn unreferenced(&self) -> Vec<Violation> {
        let referenced: BTreeSet<_> = self.files.iter().map(|e| (&e.record.owner, e.id, e.record.blob)).collect();
        let orphan = |one: &&StoredFile| match (one.place, one.file) {
            (BlobPlace::Published, Some(file)) => !referenced.contains(&(&one.node, file, one.attempt)),
            (BlobPlace::Published | BlobPlace::Draft, _) => true,
            (BlobPlace::Trash | BlobPlace::Quarantine, _) => false,
        };
        let orphans = self.picture.stored.iter().flatten().filter(orphan);
        let unknown = orphans.filter(|one| !self.spoken_of.contains(&one.attempt));
        let violation = |one: &StoredFile| Violation {
            invariant: Invariant::I7,
            file: one.file,
            node: Some(one.node.clone()),
            attempt: Some(one.attempt),
            what: format!("{:?} bytes that no record and no intent speaks of", one.place),
        };
        unknown.map(violation).collect()
    }

    /// I8: what lies on a draining node was committed there before the drain.
    fn drained(&self) -> Vec<Violation> {
        let since = |(node, record): &'a (NodeId, NodeRecord)| match record.state {
            NodeState::Draining { since_ms, .. } => Some((node, since_ms)),
            NodeState::Active => None,
        };
        let draining: BTreeMap<_, _> = self.picture.nodes.iter().filter_map(since).collect();
        let late = |entry: &&FileEntry| {
            let record = &entry.record;
            draining.get(&record.owner).is_some_and(|since| record.updated_ms > since.plus(DRAIN_SLACK))
        };
        let violation =
            |entry: &FileEntry| at(entry, Invariant::I8, "it came to the node after its drain began".into());
        self.files.iter().filter(late).map(violation).collect()
    }

    /// I4, I5 and I9 as far as the rows tell.
    fn history(&self, rows: &[CheckedRow]) -> Vec<Violation> {
        let mut told: BTreeMap<FileId, DoneRows> = BTreeMap::new();
        let mut done: BTreeMap<AttemptId, u32> = BTreeMap::new();
        let lives = lives(rows);
        for row in rows.iter().filter(|row| row.status == OperationStatus::Done) {
            let Some(file) = row.file else { continue };
            if lives.get(&file).is_some_and(|begin| row.id < *begin) {
                continue;
            }
            let told = told.entry(file).or_default();
            match row.kind {
                OperationKind::Upload => told.uploads += 1,
                OperationKind::Migration if row.before => told.moves_before += 1,
                OperationKind::Migration => told.moves += 1,
                OperationKind::Delete if row.before => {}
                OperationKind::Delete => told.deletes += 1,
                _ => continue,
            }
            *done.entry(row.id.into()).or_default() += 1;
        }
        let mut found = Vec::new();
        for entry in self.files {
            let count = done.get(&entry.record.blob).copied().unwrap_or_default();
            found.extend(self.rows_of(entry, told.get(&entry.id).unwrap_or(&DoneRows::default()), count));
        }
        let known: BTreeSet<FileId> = self.files.iter().map(|entry| entry.id).collect();
        let without_record = told.iter().filter(|(file, _)| !known.contains(file));
        found.extend(without_record.filter_map(|(file, told)| self.vanished(*file, told)));
        found
    }

    /// A record and the rows that tell of it. Attempts with an intent have their rows written yet.
    fn rows_of(&self, entry: &FileEntry, told: &DoneRows, done: u32) -> Vec<Violation> {
        let mut found = Vec::new();
        if told.deletes > 0 {
            found.push(at(entry, Invariant::I9, "a done row says that it was deleted, and its record is there".into()));
        }
        if told.uploads == 0 && self.open(entry.id, IntentKind::Upload) == 0 {
            found.push(at(entry, Invariant::I9, "no done row says that it was uploaded".into()));
        }
        if done != 1 && !self.intents.contains(&entry.record.blob) {
            let what = format!("the attempt is committed and has {done} done rows");
            found.push(at(entry, Invariant::I5, what));
        }
        let committed = u64::from(entry.record.moves());
        let open = self.open(entry.id, IntentKind::Move);
        let all = told.moves + told.moves_before;
        if told.moves > committed || all + open < committed {
            let what = format!("generation {}, and {all} done rows of moves", entry.record.generation);
            found.push(at(entry, Invariant::I4, what));
        }
        found
    }

    /// I9: a file that rows speak of and that has no record.
    fn vanished(&self, file: FileId, told: &DoneRows) -> Option<Violation> {
        if told.deletes > 0 || self.open(file, IntentKind::Delete) > 0 {
            return None;
        }
        let what = "it was uploaded, no done row says that it was deleted, and its record is gone".to_owned();
        Some(Violation { invariant: Invariant::I9, file: Some(file), node: None, attempt: None, what })
    }

    /// Attempts on the file that are committed and whose rows may not be written yet.
    fn open(&self, file: FileId, kind: IntentKind) -> u64 {
        let open = |one: &&(AttemptId, Intent)| {
            let intent = &one.1;
            intent.file == file && intent.kind == kind && intent.state == IntentState::Committed
        };
        self.picture.intents.iter().filter(open).count() as u64
    }
}

/// Files that have had more than one life, with the row by which the present one began. A file is uploaded once;
/// one that was deleted, or whose ensemble is gone, is uploaded again under its own id when it is adopted. What rows
/// tell from before is of the life that ended.
fn lives(rows: &[CheckedRow]) -> BTreeMap<FileId, OperationId> {
    let mut uploads: BTreeMap<FileId, Vec<OperationId>> = BTreeMap::new();
    let uploaded = |row: &&CheckedRow| row.kind == OperationKind::Upload && row.status == OperationStatus::Done;
    for row in rows.iter().filter(uploaded) {
        row.file.into_iter().for_each(|file| uploads.entry(file).or_default().push(row.id));
    }
    let again = uploads.into_iter().filter(|(_, ids)| ids.len() > 1);
    again.filter_map(|(file, ids)| Some((file, ids.into_iter().max()?))).collect()
}

/// Done rows of one file.
#[derive(Default)]
struct DoneRows {
    uploads: u64,
    moves: u64,
    /// Those that may be of an earlier life: what the clocks say is no proof.
    moves_before: u64,
    deletes: u64,
}
