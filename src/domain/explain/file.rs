//! The words for a file: where it is, what is done to it, and why it stays.

use super::explanation::{Explanation, Fact};
use super::node::node;
use super::scheduler::move_reason;
use super::server::NOTHING;
use crate::domain::file::FileEntry;
use crate::domain::ids::FileId;
use crate::domain::migration::Status;
use crate::domain::node::MoveView;
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::snapshot::{Damage, Snapshot};

/// What mends bytes that are not those of their record.
pub(super) const MEND: &str = "wait if zkdeck's trash or quarantine may hold its bytes: it takes them back from there; else \
                               put them back from a backup, or delete the file";

/// What a file is, when nothing is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray)]
pub enum FileStanding {
    Stored,
    Damaged,
    Deleted,
}

impl FileStanding {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Damaged => "damaged",
            Self::Deleted => "gone",
        }
    }

    const fn texts(self) -> [&'static str; 3] {
        match self {
            Self::Stored => {
                ["its record names one owner, and its bytes lie in that node's folder", "the record is there", NOTHING]
            }
            Self::Damaged => [
                "its bytes are missing or not those of its record: it is neither moved nor handed out as if it were whole",
                "size or BLAKE3 differ from the record, or the bytes cannot be read",
                MEND,
            ],
            Self::Deleted => ["it has no record any more: it was deleted", "no record has its id", NOTHING],
        }
    }
}

/// A standing by itself.
pub(super) fn file_standing(of: FileStanding) -> Explanation {
    Explanation::means(of.word(), of.texts()).said_of("a file")
}

/// A step of a move by itself.
pub(super) fn move_status(of: Status) -> Explanation {
    let texts = match of {
        Status::Planned => ["it will be moved, and nothing has begun", "a run's plan names it", "wait"],
        Status::Prepared => [
            "the intent to move it is in the ensemble; it still belongs to its old node",
            "the intent was written",
            "wait",
        ],
        Status::Copied => ["its bytes are copied, and not trusted yet", "the copy ended, hashed on the way", "wait"],
        Status::Verified => {
            ["the copy is on disk, with the size and BLAKE3 of the record", "synced and compared", "wait"]
        }
        Status::Published => [
            "the copy has its final name; the record still names the old node",
            "renamed, and the folder synced",
            "wait",
        ],
        Status::Committed => {
            ["it belongs to its new node", "one transaction decided the intent and changed the record", "wait"]
        }
        Status::Collected => {
            ["it belongs to its new node, and the old bytes are in the trash", "the old bytes were moved away", NOTHING]
        }
        Status::Aborted => ["it stays on its old node: the move was given up", "the intent says aborted", NOTHING],
    };
    Explanation::means(of.word(), texts).said_of("a file that is moved")
}

/// A file as it is now.
pub(super) fn file(id: FileId, snapshot: &Snapshot) -> Explanation {
    let Some(entry) = snapshot.files.get(id) else {
        let gone = file_standing(FileStanding::Deleted);
        return Explanation {
            source: Some("the records in the ensemble".to_owned()),
            ..gone.said_of(format!("file {id}"))
        };
    };
    let damage = snapshot.damaged.iter().find(|damage| damage.file == id);
    let moving = snapshot.moves.iter().find(|of| of.file == id);
    let told = match (damage, moving) {
        (Some(damage), _) => damaged(damage),
        (None, Some(moving)) => moved(moving, snapshot),
        (None, None) => stored(entry, snapshot),
    };
    let mut facts = told.facts;
    facts.push(Fact::new("placed by", placed(entry, snapshot)));
    facts.extend(stays(entry, damage.is_some(), moving.is_some(), snapshot).map(|why| Fact::new("stays, since", why)));
    facts.extend(snapshot.node(&entry.record.owner).map(|owner| {
        let owner = node(owner, snapshot);
        Fact::new(owner.of, format!("{}: {}", owner.word, owner.meaning))
    }));
    Explanation { of: format!("file {}", entry.record.name), facts, ..Explanation { facts: Vec::new(), ..told } }
}

fn damaged(damage: &Damage) -> Explanation {
    Explanation {
        measured: Some(damage.cause.clone()),
        source: Some("the look at its bytes: the scrub, a move or a download".to_owned()),
        ..file_standing(FileStanding::Damaged)
    }
}

fn moved(of: &MoveView, snapshot: &Snapshot) -> Explanation {
    let reason = move_reason(of.reason, &snapshot.scheduler);
    Explanation {
        measured: Some(format!("{} of {} copied, from {} to {}", of.copied, of.size, of.src, of.dst)),
        source: Some("the job that moves it".to_owned()),
        since: Some(of.started),
        facts: vec![Fact::new("moves because", format!("{}: {}", reason.word, reason.meaning))],
        ..move_status(of.status)
    }
}

fn stored(entry: &FileEntry, snapshot: &Snapshot) -> Explanation {
    let record = &entry.record;
    let measured = format!("on {}, {}, generation {}", record.owner, record.size, record.generation);
    let seen = if snapshot.files_complete { "its record in the ensemble" } else { "its record, as it was read last" };
    Explanation {
        measured: Some(measured),
        source: Some(seen.to_owned()),
        since: Some(record.updated_ms),
        ..file_standing(FileStanding::Stored)
    }
}

/// What put it where it is, as far as the newest operations tell.
fn placed(entry: &FileEntry, snapshot: &Snapshot) -> String {
    let places = |row: &&Operation| {
        row.file == Some(entry.id)
            && row.status == OperationStatus::Done
            && matches!(row.kind, OperationKind::Migration | OperationKind::Upload)
    };
    match snapshot.operations.iter().map(|row| &**row).find(places) {
        Some(row) => {
            let because = row.move_reason().map(|reason| move_reason(reason, &snapshot.scheduler).meaning);
            let because = because.map(|because| format!(": {because}")).unwrap_or_default();
            format!("{}, asked by {}{because}", row.kind.word(), row.by)
        }
        None if entry.record.moves() == 0 => "it was made there and never moved".to_owned(),
        None => "-".to_owned(),
    }
}

/// Why no run would move it now.
fn stays(entry: &FileEntry, damaged: bool, moving: bool, snapshot: &Snapshot) -> Option<String> {
    let (record, scheduler) = (&entry.record, &snapshot.scheduler);
    let owner = snapshot.node(&record.owner)?;
    let drains = owner.condition == crate::domain::node::NodeCondition::Draining;
    let moved = snapshot.taken_at.since(record.updated_ms);
    if moving {
        None
    } else if damaged {
        Some("damaged bytes are never moved".to_owned())
    } else if !owner.condition.gives() {
        Some(format!("{} is {}: it gives no files", owner.id, owner.condition.word()))
    } else if scheduler.paused {
        Some("the scheduler is paused".to_owned())
    } else if drains {
        None
    } else if record.moves() > 0 && moved < scheduler.cool_down {
        Some(format!("it was moved {moved} ago, and stays for {}", scheduler.cool_down))
    } else {
        let spread = scheduler.max_difference.filter(|spread| *spread < scheduler.trigger)?;
        Some(format!("the spread is {spread}, and files move from {} on", scheduler.trigger))
    }
}
