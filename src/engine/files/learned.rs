//! What the core learns of a record by a commit.

use crate::adapters::zookeeper::registry::ReadFile;
use crate::domain::event::{Event, Learned};
use crate::domain::file::FileEntry;
use crate::engine::context::Context;

/// How it is known that a commit came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommitKnown {
    /// By its answer: the record is what it left.
    Answered,
    /// By its intent, after the answer was lost: others may have changed or deleted the file since.
    Settled,
}

/// Tells the record as it is after a commit that left `entry`.
pub(super) async fn tell_record(ctx: &Context, entry: FileEntry, known: CommitKnown) {
    let event = match known {
        CommitKnown::Answered => Event::FileChanged { entry: Box::new(entry), learned: ctx.marks.written() },
        CommitKnown::Settled => {
            // Without a session there is nobody to ask, and the next one reads all records.
            let Some(registry) = ctx.registry() else { return };
            let (file, learned) = (entry.id, Learned::Read(ctx.marks.reading()));
            match registry.find_file(file).await {
                Ok(ReadFile::Entry(entry)) => Event::FileChanged { entry, learned },
                Ok(ReadFile::Gone) => Event::FileRemoved { file, learned },
                // The session reads all records anew after whatever lost the answer.
                Ok(ReadFile::Unreadable { .. } | ReadFile::Denied { .. }) | Err(_) => return,
            }
        }
    };
    ctx.emit(event).await;
}
