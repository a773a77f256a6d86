//! Looks, slowly and for ever, whether every record's bytes are there and whole, and whether there are
//! bytes that no record names. The leader does it for all.
//!
//! Architecture invariant: bytes are judged by what ZooKeeper said *after* they were seen. First the
//! folders are listed, then a write makes sure that this session sees everything that was acknowledged
//! before, then the intents are read, then the records. Whatever an attempt does meanwhile, one of the
//! three names its bytes.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::adapters::blobs::BlobError;
use crate::adapters::faults;
use crate::adapters::zookeeper::registry::{ReadFile, Registry};
use crate::domain::event::Event;
use crate::domain::file::FileEntry;
use crate::domain::ids::{AttemptId, Bytes, FileId, NodeId};
use crate::domain::snapshot::{Level, ScrubView, SessionState, Snapshot, StoreView};
use crate::engine::clock;
use crate::engine::context::Context;
use crate::engine::driver::Loop;

const PERIOD: Duration = Duration::from_secs(1);
/// Hashes of one turn at most.
const HASHES_AT_ONCE: usize = 64;

/// How often sizes are looked at, and in what time every hash is read once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrubConfig {
    pub sizes: Duration,
    pub hashes: Duration,
}

pub struct Scrub {
    ctx: Context,
    config: ScrubConfig,
    timer: Interval,
    sizes_due: Instant,
    /// Files whose hashes this round has still to read, and when the round began.
    round: VecDeque<FileId>,
    round_began: Instant,
    view: ScrubView,
}

/// Published bytes at a node.
type Blob = (NodeId, FileId, AttemptId, Bytes);

impl Scrub {
    #[must_use]
    pub fn new(ctx: Context, config: ScrubConfig) -> Self {
        let mut timer = interval(PERIOD);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let now = Instant::now();
        Self {
            ctx,
            config,
            timer,
            sizes_due: now,
            round: VecDeque::new(),
            round_began: now,
            view: ScrubView::default(),
        }
    }

    /// Every record's bytes by size, and every byte by its record.
    async fn sizes(&mut self, registry: &Registry, nodes: &[NodeId]) -> Result<(), String> {
        if !self.ctx.blobs.is_there().await.map_err(|error| error.to_string())? {
            return Err(format!(
                "{} is not the store that was opened: is its disk mounted? Nothing in it is judged",
                self.ctx.blobs.root().display()
            ));
        }
        let (mut blobs, mut drafts): (Vec<Blob>, Vec<(NodeId, AttemptId)>) = (Vec::new(), Vec::new());
        for node in nodes {
            let listed = self.ctx.blobs.list(node).await.map_err(|error| error.to_string())?;
            blobs.extend(listed.into_iter().map(|(file, blob, size)| (node.clone(), file, blob, size)));
            let left = self.ctx.blobs.leftovers(node).await.map_err(|error| error.to_string())?;
            drafts.extend(left.into_iter().map(|attempt| (node.clone(), attempt)));
        }
        let snapshot = self.ctx.snapshot();
        self.judge_records(registry, &snapshot, &blobs).await?;
        self.judge_bytes(registry, &snapshot, blobs, drafts).await?;
        self.view.quarantined = self.ctx.blobs.quarantined().await.map_err(|error| error.to_string())?.len() as u64;
        self.view.sizes_at = Some(clock::now());
        Ok(())
    }

    /// Records whose bytes were not in the listing, or not of their size, are looked at by themselves.
    async fn judge_records(&self, registry: &Registry, snapshot: &Snapshot, blobs: &[Blob]) -> Result<(), String> {
        let seen: BTreeSet<_> = blobs.iter().map(|(node, file, blob, size)| (*file, *blob, node, *size)).collect();
        for entry in snapshot.files.iter() {
            let record = &entry.record;
            if !seen.contains(&(entry.id, record.blob, &record.owner, record.size)) {
                self.check(registry, entry).await?;
            }
        }
        Ok(())
    }

    /// Reads a file's bytes and tells. Whatever is wrong with bytes that the record no longer names
    /// is no news.
    async fn check(&self, registry: &Registry, entry: &Arc<FileEntry>) -> Result<(), String> {
        let mut problem = self.problem(entry).await?;
        if let Some(wrong) = &problem {
            registry.canary().await.map_err(|error| error.to_string())?;
            let now = registry.read_file(entry.id).await.map_err(|error| error.to_string())?;
            if !matches!(now, ReadFile::Entry(found) if found.record.blob == entry.record.blob) {
                return Ok(());
            }
            if wrong.is_missing() && self.bring_back(entry).await? {
                problem = self.problem(entry).await?;
            }
        }
        let (file, blob, problem) = (entry.id, entry.record.blob, problem.map(|error| error.to_string()));
        self.ctx.emit(Event::BytesChecked { file, blob, problem }).await;
        Ok(())
    }

    /// What is wrong with a file's bytes.
    async fn problem(&self, entry: &FileEntry) -> Result<Option<BlobError>, String> {
        match self.ctx.blobs.check(entry).await {
            Ok(_) => Ok(None),
            Err(error) if error.is_damaged() || error.is_missing() => Ok(Some(error)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether missing bytes were in the trash or in quarantine: then the records went back in time.
    async fn bring_back(&self, entry: &FileEntry) -> Result<bool, String> {
        let record = &entry.record;
        let back = self.ctx.blobs.bring_back(&record.owner, entry.id, record.blob).await;
        let back = back.map_err(|error| error.to_string())?;
        if back {
            let text = format!(
                "{} is back at {}: its bytes lay in the trash or in quarantine, and its record names them",
                record.name, record.owner
            );
            self.ctx.notice(Level::Warning, text).await;
        }
        Ok(back)
    }

    /// What no record of the state names, and no intent and no record of the ensemble either, goes to
    /// quarantine.
    async fn judge_bytes(
        &self,
        registry: &Registry,
        snapshot: &Snapshot,
        mut blobs: Vec<Blob>,
        mut drafts: Vec<(NodeId, AttemptId)>,
    ) -> Result<(), String> {
        blobs.retain(|(node, file, blob, _)| {
            let entry = snapshot.files.get(*file);
            !entry.is_some_and(|entry| entry.record.blob == *blob && entry.record.owner == *node)
        });
        if blobs.is_empty() && drafts.is_empty() {
            return Ok(());
        }
        registry.canary().await.map_err(|error| error.to_string())?;
        let spoken = spoken_of(registry).await?;
        blobs.retain(|(_, _, blob, _)| !spoken.contains(blob));
        drafts.retain(|(_, attempt)| !spoken.contains(attempt) && !self.ctx.underway.has(*attempt));
        let mut strays = Vec::new();
        for (node, file, blob, _) in blobs {
            let named = match registry.read_file(file).await.map_err(|error| error.to_string())? {
                ReadFile::Entry(entry) => entry.record.blob == blob && entry.record.owner == node,
                ReadFile::Gone => false,
                // What a record that cannot be read names is not known.
                ReadFile::Unreadable { .. } => true,
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
        let mut kept = Vec::new();
        for (node, file, blob) in strays {
            if faults::broken("delete-strays") {
                _ = self.ctx.blobs.discard(&node, file, blob).await;
            } else if self.ctx.blobs.quarantine(&node, file, blob).await.map_err(|error| error.to_string())? {
                faults::at("scrub.quarantined");
                kept.push(format!("{file} of {node}"));
            }
        }
        for (node, attempt) in drafts {
            if self.ctx.blobs.quarantine_draft(&node, attempt).await.map_err(|error| error.to_string())? {
                kept.push(format!("a draft of {node}"));
            }
        }
        if let Some(first) = kept.first() {
            let text = match kept.len() {
                1 => format!("put into quarantine, because no record names it: {first}"),
                count => format!("put into quarantine, because no record names them: {count} files, the first {first}"),
            };
            self.ctx.notice(Level::Warning, text).await;
        }
        Ok(())
    }

    /// Reads as many hashes as the time since the round's begin asks for.
    async fn hashes(&mut self, registry: &Registry, snapshot: &Snapshot) -> Result<(), String> {
        if self.round.is_empty() && (self.view.round_of == 0 || self.round_began.elapsed() >= self.config.hashes) {
            self.round = snapshot.files.iter().map(|entry| entry.id).collect();
            self.round_began = Instant::now();
            self.view.round_of = self.round.len() as u64;
            self.view.round_done = 0;
        }
        let part = self.round_began.elapsed().as_secs_f64() / self.config.hashes.as_secs_f64();
        let wanted = (part * self.view.round_of as f64).ceil() as u64;
        for _ in 0..HASHES_AT_ONCE {
            if self.view.round_done >= wanted || self.ctx.registry().is_none() {
                break;
            }
            let Some(file) = self.round.pop_front() else { break };
            self.view.round_done += 1;
            if let Some(entry) = self.ctx.snapshot().files.get(file) {
                self.check(registry, entry).await?;
                self.view.hashed += 1;
            }
        }
        Ok(())
    }
}

/// Every attempt and every blob that an intent speaks of, the source of a move that is being made too.
async fn spoken_of(registry: &Registry) -> Result<BTreeSet<AttemptId>, String> {
    let found = registry.intents().await.map_err(|error| error.to_string())?;
    if let Some(first) = found.unreadable.first() {
        return Err(format!("bytes without record are not judged while an intent cannot be read: {first}"));
    }
    let each = found.intents.iter();
    Ok(each.flat_map(|(attempt, intent, _)| [Some(*attempt), intent.blob_src, intent.blob_dst]).flatten().collect())
}

#[async_trait]
impl Loop for Scrub {
    fn name(&self) -> &'static str {
        "scrub"
    }

    async fn wait(&mut self) {
        _ = self.timer.tick().await;
    }

    async fn turn(&mut self) -> Result<(), String> {
        let snapshot = self.ctx.snapshot();
        let ours = matches!(snapshot.session.store, StoreView::Ours { .. });
        let connected = snapshot.session.state == SessionState::Connected && snapshot.files_complete;
        let Some(registry) = self.ctx.registry().filter(|_| ours && connected && snapshot.leadership.leads) else {
            return Ok(());
        };
        let before = self.view.clone();
        let mut result = Ok(());
        if self.sizes_due <= Instant::now() {
            self.sizes_due = Instant::now() + self.config.sizes;
            result = self.sizes(&registry, &snapshot.node_ids()).await;
        }
        let hashed = self.hashes(&registry, &snapshot).await;
        if self.view != before {
            self.ctx.emit(Event::Scrub(self.view.clone())).await;
        }
        result.and(hashed)
    }
}

#[cfg(test)]
mod tests;
