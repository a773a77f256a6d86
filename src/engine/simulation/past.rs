//! The servers come back with an older state: the records are older than the bytes. Whatever bytes a record
//! names then, by id, size and hash, must be the file's again; and none that were acknowledged since may go.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::moment::WorldMoment;
use super::sky::SkyFault;
use super::story::Story;
use super::world::{REST_MAX, until};
use crate::domain::file::FileEntry;
use crate::domain::file_table::FileTable;
use crate::domain::ids::{Bytes, FileId};
use crate::domain::invariants::StoredFile;
use crate::engine::context::Context;
use crate::engine::files::recovery;
use crate::engine::loops::{housekeeping, scrub};

/// Longer than the trash keeps anything.
const LATER: Duration = Duration::from_secs(61);

/// By what bytes are known.
type BlobKey = (FileId, Bytes, [u8; 32]);

/// What is wrong after the servers went back, and the leader had its time.
pub(super) async fn go_back(story: &mut Story<'_>) -> Vec<String> {
    let Some((old, files)) = story.saved.take() else { return Vec::new() };
    let world = Arc::clone(story.world);
    world.truth.may_give_way(story.flipped.clone());
    // The bytes that were replaced meanwhile are gone.
    keep_house(story).await;
    let before = known(&WorldMoment::now(&world).inventory().await);
    let acknowledged: Vec<FileEntry> = world.truth.files();
    story.end_all();
    world.sky.fire(SkyFault::OldSnapshot);
    world.ensemble.put_back(&old);
    world.truth.put_back(files);
    story.begin(0);
    let ready = || story.running.iter().all(|one| one.process.is_up());
    if !until(REST_MAX, ready).await {
        return vec!["nobody works after the servers went back".into()];
    }
    for _ in 0..2 {
        keep_house(story).await;
    }
    judge(story, &before, &acknowledged).await
}

/// What the leader's loops do in a while.
async fn keep_house(story: &Story<'_>) {
    for one in &story.running {
        let ctx = &one.process.ctx;
        let Some(registry) = ctx.registry() else { continue };
        // What fails is made up for the next time.
        _ = recovery::run(ctx, true).await;
        let Some(files) = records(story).await else { continue };
        _ = scrub::pass(ctx, &registry, &story.world.nodes, &files).await;
        scrub::round(ctx, &registry, &files).await;
        let lost = lost(ctx, &files).await;
        empty(ctx, &files, lost).await;
    }
}

async fn empty(ctx: &Context, files: &FileTable, lost: BTreeSet<FileId>) {
    for now in [Instant::now(), Instant::now() + LATER] {
        _ = housekeeping::empty_trash(ctx, files.clone(), lost.clone(), now).await;
    }
}

async fn records(story: &Story<'_>) -> Option<FileTable> {
    let registry = story.world.registry();
    let mut files = FileTable::default();
    for entry in registry.load_files(|_| ()).await.ok()?.entries {
        files.insert(Arc::new(entry));
    }
    Some(files)
}

async fn lost(ctx: &Context, files: &FileTable) -> BTreeSet<FileId> {
    let mut lost = BTreeSet::new();
    for entry in files.iter() {
        if ctx.blobs.check(entry).await.is_err() {
            lost.insert(entry.id);
        }
    }
    lost
}

fn known(stored: &[StoredFile]) -> BTreeSet<BlobKey> {
    stored.iter().filter_map(|one| Some((one.file?, one.size, one.blake3?.0))).collect()
}

async fn judge(story: &Story<'_>, before: &BTreeSet<BlobKey>, acknowledged: &[FileEntry]) -> Vec<String> {
    let mut violations = story.world.truth.violations();
    let moment = WorldMoment::now(story.world);
    let after = known(&moment.inventory().await);
    let by = |entry: &FileEntry| (entry.id, entry.record.size, entry.record.blake3.0);
    for entry in &moment.files {
        if before.contains(&by(entry))
            && let Err(error) = moment.blobs.check(entry).await
        {
            violations.push(format!("I1 file {}: its bytes were there when the servers went back: {error}", entry.id));
        }
    }
    for entry in acknowledged {
        if before.contains(&by(entry)) && !after.contains(&by(entry)) {
            violations.push(format!("I7 file {}: its bytes were acknowledged, and are nowhere any more", entry.id));
        }
    }
    violations
}
