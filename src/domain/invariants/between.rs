//! The rules over what happened from one picture to a later one.

use std::collections::{BTreeMap, BTreeSet};

use super::{BlobPlace, Invariant, Violation, WorldView};
use crate::domain::file::FileEntry;
use crate::domain::ids::{AttemptId, FileId};
use crate::domain::migration::IntentKind;
use crate::domain::operation::{OperationKind, OperationStatus};

/// What must not have happened: a generation that fell (I4), bytes that came back from the trash
/// (I6), and, where history is known, files that came or went without an upload or a delete (I9).
#[must_use]
pub fn between(before: &WorldView, after: &WorldView) -> Vec<Violation> {
    let earlier: BTreeMap<FileId, &FileEntry> = before.files.iter().map(|entry| (entry.id, entry)).collect();
    let later: BTreeMap<FileId, &FileEntry> = after.files.iter().map(|entry| (entry.id, entry)).collect();
    let removed = removed(before);
    let mut found = Vec::new();
    for (id, entry) in &later {
        match earlier.get(id) {
            Some(old) => found.extend(fell(old, entry)),
            None if !spoken_of(after, *id, OperationKind::Upload, IntentKind::Upload) => {
                found.push(at(entry, Invariant::I9, "it came without an upload".into()));
            }
            None => {}
        }
        if removed.contains(&entry.record.blob) {
            found.push(at(entry, Invariant::I6, "its bytes had been removed before".into()));
        }
    }
    for (id, entry) in earlier {
        if !later.contains_key(&id) && !spoken_of(after, id, OperationKind::Delete, IntentKind::Delete) {
            found.push(at(entry, Invariant::I9, "its record went without a delete".into()));
        }
    }
    found.sort();
    found
}

fn fell(old: &FileEntry, new: &FileEntry) -> Option<Violation> {
    let (before, after) = (old.record.generation, new.record.generation);
    let moved = old.record.blob != new.record.blob || old.record.owner != new.record.owner;
    let what = if after < before {
        format!("its generation fell from {before} to {after}")
    } else if after == before && moved {
        format!("its bytes were replaced and its generation stayed {after}")
    } else {
        return None;
    };
    Some(at(new, Invariant::I4, what))
}

fn removed(picture: &WorldView) -> BTreeSet<AttemptId> {
    let trashed = picture.stored.iter().flatten().filter(|one| one.place == BlobPlace::Trash);
    trashed.map(|one| one.attempt).collect()
}

/// Whether a row or an intent tells that the file was uploaded or deleted; yes when no row is known.
fn spoken_of(picture: &WorldView, file: FileId, row: OperationKind, intent: IntentKind) -> bool {
    let Some(rows) = &picture.rows else { return true };
    let done = |status| matches!(status, OperationStatus::Done | OperationStatus::Started);
    rows.iter().any(|one| one.file == Some(file) && one.kind == row && done(one.status))
        || picture.intents.iter().any(|(_, one)| one.file == file && one.kind == intent)
}

fn at(entry: &FileEntry, invariant: Invariant, what: String) -> Violation {
    let (node, attempt) = (Some(entry.record.owner.clone()), Some(entry.record.blob));
    Violation { invariant, file: Some(entry.id), node, attempt, what }
}
