//! Bytes that no record and no intent names go to quarantine.

use std::collections::BTreeSet;

use super::bytes::Back;
use super::listing::{Blob, Listing};
use crate::adapters::zookeeper::registry::{ReadFile, Registry};
use crate::domain::file_table::FileTable;
use crate::domain::ids::{AttemptId, FileId, NodeId};
use crate::domain::snapshot::Level;
use crate::engine::context::Context;

/// What was put into quarantine, and the first that could not be.
#[derive(Default)]
pub(super) struct StrayReport {
    blobs: Vec<(NodeId, FileId)>,
    drafts: Vec<NodeId>,
    problem: Option<String>,
}

/// What no record of the state names, and no intent and no record of the ensemble either, goes to
/// quarantine.
pub(super) async fn judge(
    ctx: &Context,
    registry: &Registry,
    files: &FileTable,
    listing: &Listing,
) -> Result<StrayReport, String> {
    let named = |(node, file, blob, _): &&Blob| {
        files.get(*file).is_some_and(|entry| entry.record.blob == *blob && entry.record.owner == *node)
    };
    let mut blobs: Vec<Blob> = listing.blobs.iter().filter(|blob| !named(blob)).cloned().collect();
    let mut drafts = listing.drafts.clone();
    if blobs.is_empty() && drafts.is_empty() {
        return Ok(StrayReport::default());
    }
    registry.canary().await.map_err(|error| error.to_string())?;
    let spoken = spoken_of(registry).await?;
    blobs.retain(|(_, _, blob, _)| !spoken.contains(blob));
    drafts.retain(|(_, attempt)| !spoken.contains(attempt) && !ctx.underway.has(*attempt));
    let strays = without_record(registry, blobs).await?;
    Ok(put_away(ctx, strays, drafts).await)
}

async fn without_record(registry: &Registry, blobs: Vec<Blob>) -> Result<Vec<(NodeId, FileId, AttemptId)>, String> {
    let mut strays = Vec::new();
    for (node, file, blob, _) in blobs {
        let named = match registry.read_file(file).await.map_err(|error| error.to_string())? {
            ReadFile::Entry(entry) => entry.record.blob == blob && entry.record.owner == node,
            ReadFile::Gone => false,
            // What a record that cannot be read names is not known.
            ReadFile::Unreadable { .. } | ReadFile::Denied { .. } => true,
        };
        if !named {
            strays.push((node, file, blob));
        }
    }
    if !strays.is_empty() {
        // A move that was made since the intents were read has its source still to collect.
        let spoken = spoken_of(registry).await?;
        strays.retain(|(_, _, blob)| !spoken.contains(blob));
    }
    Ok(strays)
}

async fn put_away(
    ctx: &Context,
    strays: Vec<(NodeId, FileId, AttemptId)>,
    drafts: Vec<(NodeId, AttemptId)>,
) -> StrayReport {
    let mut kept = StrayReport::default();
    for (node, file, blob) in strays {
        match ctx.blobs.quarantine(&node, file, blob).await {
            Ok(true) => kept.blobs.push((node, file)),
            Ok(false) => {}
            Err(error) => _ = kept.problem.get_or_insert(error.to_string()),
        }
    }
    for (node, attempt) in drafts {
        match ctx.blobs.quarantine_draft(&node, attempt).await {
            Ok(true) => kept.drafts.push(node),
            Ok(false) => {}
            Err(error) => _ = kept.problem.get_or_insert(error.to_string()),
        }
    }
    kept
}

/// Tells what stays in quarantine: what a record has taken back is no news.
pub(super) async fn tell(ctx: &Context, kept: StrayReport, back: &Back) -> Result<(), String> {
    let blobs = kept.blobs.iter().filter(|(_, file)| !back.files.contains(file));
    let mut stay: Vec<String> = blobs.map(|(node, file)| format!("{file} of {node}")).collect();
    stay.extend(kept.drafts.iter().map(|node| format!("a draft of {node}")));
    if let Some(first) = stay.first() {
        let text = match stay.len() {
            1 => format!("put into quarantine, because no record names it: {first}"),
            count => format!("put into quarantine, because no record names them: {count} files, the first {first}"),
        };
        ctx.notice(Level::Warning, text).await;
    }
    kept.problem.map_or(Ok(()), Err)
}

/// Every attempt and every blob that an intent speaks of, the source of a move that is being made too.
pub(super) async fn spoken_of(registry: &Registry) -> Result<BTreeSet<AttemptId>, String> {
    let found = registry.intents().await.map_err(|error| error.to_string())?;
    if let Some(first) = found.unreadable.first() {
        return Err(format!("bytes without record are not judged while an intent cannot be read: {first}"));
    }
    let each = found.intents.iter();
    Ok(each.flat_map(|(attempt, intent, _)| [Some(*attempt), intent.blob_src, intent.blob_dst]).flatten().collect())
}
