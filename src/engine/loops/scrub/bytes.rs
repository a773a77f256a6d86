//! Bytes are held against their records. What is missing is looked for in trash and quarantine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::listing::Listing;
use crate::adapters::blobs::{Aside, BlobError};
use crate::adapters::zookeeper::registry::{ReadFile, Registry};
use crate::domain::event::Event;
use crate::domain::file::FileEntry;
use crate::domain::file_table::FileTable;
use crate::domain::ids::{FileId, NodeId};
use crate::domain::snapshot::Level;
use crate::engine::context::Context;

/// Files whose bytes are at their owners again, and the first that could not be looked at.
pub(super) struct Back {
    pub(super) files: BTreeSet<FileId>,
    pub(super) result: Result<(), String>,
}

/// What lies in trash and quarantine: listed when it is asked for, and once.
#[derive(Default)]
pub(super) struct AsideList(Option<Aside>);

impl AsideList {
    async fn look(&mut self, ctx: &Context) -> &Aside {
        let listed = match self.0.take() {
            Some(listed) => listed,
            None => ctx.blobs.aside().await.unwrap_or_else(|error| {
                tracing::warn!("{error}");
                Aside::default()
            }),
        };
        self.0.insert(listed)
    }
}

/// Records whose bytes were not in the listing, or not of their size, are looked at by themselves.
pub(super) async fn judge(ctx: &Context, registry: &Registry, files: &FileTable, listing: &Listing) -> Back {
    let seen: BTreeSet<_> = listing.blobs.iter().map(|(node, file, blob, size)| (*file, *blob, node, *size)).collect();
    let mut back = Back { files: BTreeSet::new(), result: Ok(()) };
    let (mut shelf, mut returned) = (AsideList::default(), BTreeMap::new());
    for entry in files.iter() {
        let record = &entry.record;
        let listed = seen.contains(&(entry.id, record.blob, &record.owner, record.size));
        if listed || listing.unread.contains(&record.owner) {
            continue;
        }
        match check(ctx, registry, entry, &mut shelf).await {
            Ok(true) => {
                back.files.insert(entry.id);
                let (count, _) = returned.entry(record.owner.clone()).or_insert((0_u64, record.name.clone()));
                *count += 1;
            }
            Ok(false) => {}
            Err(cause) => back.result = back.result.and(Err(cause)),
        }
    }
    tell(ctx, returned).await;
    back
}

async fn tell(ctx: &Context, returned: BTreeMap<NodeId, (u64, String)>) {
    for (node, (count, first)) in returned {
        let what = if count == 1 { first } else { format!("{count} files, the first {first}") };
        let text =
            format!("back at {node}: {what}; the bytes lay in a trash or in quarantine, and their records name them");
        ctx.notice(Level::Warning, text).await;
    }
}

/// Reads a file's bytes and tells; whether they had to be brought back. Whatever is wrong with bytes that the
/// record no longer names is no news.
pub(super) async fn check(
    ctx: &Context,
    registry: &Registry,
    entry: &Arc<FileEntry>,
    shelf: &mut AsideList,
) -> Result<bool, String> {
    let (mut problem, mut back) = (problem(ctx, entry).await?, false);
    if let Some(wrong) = &problem {
        registry.canary().await.map_err(|error| error.to_string())?;
        let now = registry.read_file(entry.id).await.map_err(|error| error.to_string())?;
        if !matches!(now, ReadFile::Entry(found) if found.record.blob == entry.record.blob) {
            return Ok(false);
        }
        if wrong.is_missing() || wrong.is_damaged() {
            let aside = shelf.look(ctx).await;
            back = ctx.blobs.bring_back(entry, aside).await.map_err(|error| error.to_string())?;
            if back {
                problem = self::problem(ctx, entry).await?;
            }
        }
    }
    let (file, blob, problem) = (entry.id, entry.record.blob, problem.map(|error| error.to_string()));
    ctx.emit(Event::BytesChecked { file, blob, problem }).await;
    Ok(back)
}

/// What is wrong with a file's bytes. That this process is short of something, or that their folder cannot be read,
/// says nothing of them.
async fn problem(ctx: &Context, entry: &FileEntry) -> Result<Option<BlobError>, String> {
    match ctx.blobs.check(entry).await {
        Ok(_) => Ok(None),
        Err(error) if error.is_damaged() || error.is_missing() => Ok(Some(error)),
        // A folder that cannot be read says nothing of the files in it.
        Err(error) if error.blames_source() && ctx.blobs.list(&entry.record.owner).await.is_ok() => Ok(Some(error)),
        Err(error) => Err(error.to_string()),
    }
}
