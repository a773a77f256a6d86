//! Looks, slowly and for ever, whether every record's bytes are there and whole, and whether there are
//! bytes that no record names. The leader does it for all, and tells all. `listing` reads the folders, `bytes` holds bytes
//! against records, `strays` judges bytes that no record names.
//!
//! Each node's folder and each file is judged by itself: what cannot be read is told, and keeps nothing else from
//! being looked at.
//!
//! Architecture invariant: bytes are judged by what ZooKeeper said *after* they were seen. First the
//! folders are listed, then a write makes sure that this session sees everything that was acknowledged
//! before, then the intents are read, then the records. Whatever an attempt does meanwhile, one of the
//! three names its bytes.

mod bytes;
mod listing;
mod strays;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use self::bytes::AsideList;
use self::listing::{Listing, list};
use crate::adapters::blobs::{Presence, Print};
use crate::adapters::zookeeper::registry::Registry;
use crate::domain::event::Event;
use crate::domain::file::FileEntry;
use crate::domain::file_table::FileTable;
use crate::domain::ids::{FileId, NodeId, Timestamp};
use crate::domain::snapshot::{Damage, Level, LoopName, REPORTED_MAX, ScrubReport, ScrubTrouble, ScrubView, Snapshot};
use crate::engine::clock;
use crate::engine::context::Context;
use crate::engine::driver::Loop;

const PERIOD: Duration = Duration::from_secs(1);
/// What is known to lie in quarantine is counted again this often: who adopts it is another process.
const RECOUNT: Duration = Duration::from_secs(3);
/// Hashes of one turn at most.
const HASHES_AT_ONCE: usize = 64;

/// How often sizes are looked at, and in what time every hash is read once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrubConfig {
    pub sizes: Duration,
    pub hashes: Duration,
}

pub struct ScrubLoop {
    ctx: Context,
    config: ScrubConfig,
    timer: Interval,
    sizes_due: Instant,
    recount_due: Instant,
    /// The session in which sizes were looked at: the records of a new one may have gone back in time.
    session: Option<Timestamp>,
    /// Files whose hashes this round has still to read, and when the round began.
    round: VecDeque<FileId>,
    round_began: Instant,
    /// How damaged files looked when they were read last.
    seen: BTreeMap<FileId, Option<Print>>,
    view: ScrubView,
    /// What the other instances were told last.
    reported: Option<ScrubReport>,
    /// Damage that the leader's report has named since it was found here.
    handed_over: Vec<Damage>,
}

/// Time between two looks while a folder is in trouble: that it is over is told soon.
const TROUBLED: Duration = Duration::from_secs(10);

/// Looks at sizes, and at bytes without a record, once.
pub(in crate::engine) async fn pass(
    ctx: &Context,
    registry: &Registry,
    nodes: &[NodeId],
    files: &FileTable,
) -> (Vec<ScrubTrouble>, Result<(), String>) {
    match ctx.blobs.presence().await {
        Ok(Presence::There) => {}
        Ok(Presence::NamedAgain) => {
            let path = ctx.blobs.id_path();
            ctx.notice(Level::Warning, format!("{} was missing and is written again", path.display())).await;
        }
        Ok(Presence::OtherName { ours, found }) => {
            let path = ctx.blobs.id_path();
            let cause = format!(
                "{path} was overwritten and names store {found}; none of the files is judged until it holds the one line \
                 {ours} again, and the next zkdeck that starts here would only watch",
                path = path.display()
            );
            return (vec![ScrubTrouble { node: None, cause }], Ok(()));
        }
        Ok(Presence::Gone) => {
            let cause = format!(
                "{} is not the folder that was opened: is its disk mounted? None of its files is judged or touched until \
                 it is back; if it was removed, restore it from a backup together with its .store-id",
                ctx.blobs.root().display()
            );
            return (vec![ScrubTrouble { node: None, cause }], Ok(()));
        }
        Err(error) => return (vec![ScrubTrouble { node: None, cause: error.to_string() }], Ok(())),
    }
    let listing = list(ctx, nodes, files).await;
    let troubles = listing.troubles.clone();
    let result = judge(ctx, registry, files, listing).await;
    (troubles, result)
}

/// Reads every hash once, as a round does bit by bit.
#[cfg(test)]
pub(in crate::engine) async fn round(ctx: &Context, registry: &Registry, files: &FileTable) {
    let mut shelf = AsideList::default();
    for entry in files.iter() {
        // What cannot be looked at now is looked at the next time.
        _ = bytes::check(ctx, registry, entry, &mut shelf).await;
    }
}

async fn judge(ctx: &Context, registry: &Registry, files: &FileTable, listing: Listing) -> Result<(), String> {
    // First those without a record go to quarantine: a record that has lost its bytes may find them there.
    let kept = strays::judge(ctx, registry, files, &listing).await;
    let back = bytes::judge(ctx, registry, files, &listing).await;
    let kept = match kept {
        Ok(kept) => strays::tell(ctx, kept, &back).await,
        Err(cause) => Err(cause),
    };
    back.result.and(kept)
}

impl ScrubLoop {
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
            recount_due: now,
            session: None,
            round: VecDeque::new(),
            round_began: now,
            seen: BTreeMap::new(),
            view: ScrubView::default(),
            reported: None,
            handed_over: Vec::new(),
        }
    }

    async fn sizes(&mut self, registry: &Registry, snapshot: &Snapshot) -> Result<(), String> {
        let (troubles, result) = pass(&self.ctx, registry, &snapshot.node_ids(), &snapshot.files).await;
        let judged = troubles.iter().all(|trouble| trouble.node.is_some());
        self.view.troubles = troubles;
        if judged && result.is_ok() {
            self.view.sizes_at = Some(clock::now());
            self.view.session = Some(snapshot.session.since);
        }
        result.and(self.count_kept().await)
    }

    /// Counts what lies in quarantine; what cannot be counted is as it was.
    async fn count_kept(&mut self) -> Result<(), String> {
        self.recount_due = Instant::now() + RECOUNT;
        self.view.quarantined = self.ctx.blobs.quarantined().await.map_err(|error| error.to_string())?.len() as u64;
        Ok(())
    }

    /// Whether a node's folder has gone since, or cannot be looked into any more, or the id of them all is lost.
    async fn folder_is_gone(&self, snapshot: &Snapshot) -> bool {
        if self.view.trouble(None).is_none() && self.ctx.blobs.has_lost_its_id().await {
            return true;
        }
        for node in snapshot.nodes.iter().filter(|node| self.view.trouble(Some(&node.id)).is_none()) {
            if self.ctx.blobs.is_amiss(&node.id).await {
                return true;
            }
        }
        false
    }

    /// Whether nothing is known against the folder of this file's bytes: what is out of sight is not judged.
    fn judges(&self, snapshot: &Snapshot, entry: &FileEntry) -> bool {
        let known = if snapshot.leadership.leads { &self.view } else { &snapshot.scrub };
        !known.hides(&entry.record.owner)
    }

    /// Files that are known to be damaged are read again as soon as their bytes change.
    async fn damaged(&mut self, registry: &Registry, snapshot: &Snapshot) -> Result<(), String> {
        self.seen.retain(|file, _| snapshot.damaged.iter().any(|one| one.file == *file));
        let (mut shelf, mut read, mut problem) = (AsideList::default(), 0, Ok(()));
        for one in snapshot.damaged.iter() {
            let Some(entry) = snapshot.files.get(one.file).filter(|entry| self.judges(snapshot, entry)) else {
                continue;
            };
            let print = self.ctx.blobs.print(entry).await.ok().flatten();
            if read >= HASHES_AT_ONCE || self.seen.get(&one.file) == Some(&print) {
                continue;
            }
            let known = self.seen.insert(one.file, print).is_some();
            if known || print.is_some() {
                read += 1;
                problem = problem.and(bytes::check(&self.ctx, registry, entry, &mut shelf).await.map(drop));
            }
        }
        problem
    }

    /// Reads as many hashes as the time since the round's begin asks for. Files out of sight are left to the next round.
    async fn hashes(&mut self, registry: &Registry, snapshot: &Snapshot) -> Result<(), String> {
        if self.round.is_empty() && (self.view.round_of == 0 || self.round_began.elapsed() >= self.config.hashes) {
            self.round = snapshot.files.iter().map(|entry| entry.id).collect();
            self.round_began = Instant::now();
            self.view.round_of = self.round.len() as u64;
            self.view.round_done = 0;
        }
        let part = self.round_began.elapsed().as_secs_f64() / self.config.hashes.as_secs_f64();
        let wanted = (part * self.view.round_of as f64).ceil() as u64;
        let (mut shelf, mut problem) = (AsideList::default(), Ok(()));
        for _ in 0..HASHES_AT_ONCE {
            if self.view.round_done >= wanted || self.ctx.registry().is_none() {
                break;
            }
            let Some(file) = self.round.pop_front() else { break };
            let now = self.ctx.snapshot();
            let entry = now.files.get(file);
            if entry.is_some_and(|entry| !self.judges(snapshot, entry)) {
                self.view.round_of -= 1;
                continue;
            }
            self.view.round_done += 1;
            if let Some(entry) = entry {
                problem = problem.and(bytes::check(&self.ctx, registry, entry, &mut shelf).await.map(drop));
                self.view.hashed += 1;
            }
        }
        problem
    }

    /// What this instance found without leading, as when a file is downloaded here, goes into the leader's report:
    /// the leader looks for itself and tells all.
    async fn hand_over(&mut self, registry: &Registry, snapshot: &Snapshot) -> Result<(), String> {
        self.handed_over.retain(|one| snapshot.damaged.contains(one));
        let new: Vec<_> = snapshot.damaged.iter().filter(|one| !self.handed_over.contains(one)).cloned().collect();
        if new.is_empty() {
            return Ok(());
        }
        let failed = |error| format!("telling the leader of damaged files: {error}");
        let mut report = registry.scrub_report().await.map_err(failed)?.unwrap_or_else(ScrubReport::empty);
        let is_told = |report: &ScrubReport, one: &Damage| report.damaged.iter().any(|told| told.blob == one.blob);
        let (told, mut untold): (Vec<_>, Vec<_>) = new.into_iter().partition(|one| is_told(&report, one));
        self.handed_over.extend(told);
        untold.truncate(REPORTED_MAX.saturating_sub(report.damaged.len()));
        if untold.is_empty() {
            return Ok(());
        }
        // Whether it stayed there is seen at the next turn: the leader may write at the same time.
        report.damaged.extend(untold);
        registry.write_scrub_report(&report).await.map_err(failed)
    }

    /// What was found belongs to the ensemble: every instance shows it.
    async fn report(&mut self, registry: &Registry, snapshot: &Snapshot) -> Result<(), String> {
        let report = ScrubReport {
            quarantined: self.view.quarantined,
            troubles: self.view.troubles.clone(),
            damaged: snapshot.damaged.iter().take(REPORTED_MAX).cloned().collect(),
            ..ScrubReport::empty()
        };
        if self.reported.as_ref() == Some(&report) {
            return Ok(());
        }
        let written = registry.write_scrub_report(&report).await;
        written.map_err(|error| format!("telling the other instances: {error}"))?;
        self.reported = Some(report);
        Ok(())
    }
}

#[async_trait]
impl Loop for ScrubLoop {
    fn name(&self) -> LoopName {
        LoopName::Scrub
    }

    async fn wait(&mut self) {
        _ = self.timer.tick().await;
    }

    async fn turn(&mut self) -> Result<(), String> {
        let snapshot = self.ctx.snapshot();
        let may = snapshot.may_touch_bytes() && snapshot.files_complete;
        let Some(registry) = self.ctx.registry().filter(|_| may) else { return Ok(()) };
        let damaged = self.damaged(&registry, &snapshot).await;
        if !snapshot.leadership.leads {
            // Whoever leads meanwhile tells of something else.
            self.reported = None;
            return damaged.and(self.hand_over(&registry, &self.ctx.snapshot()).await);
        }
        let before = self.view.clone();
        let mut result = Ok(());
        let new = self.session.replace(snapshot.session.since) != Some(snapshot.session.since);
        if new || self.sizes_due <= Instant::now() || self.folder_is_gone(&snapshot).await {
            result = self.sizes(&registry, &snapshot).await;
            let troubled = !self.view.troubles.is_empty();
            self.sizes_due =
                Instant::now() + if troubled { self.config.sizes.min(TROUBLED) } else { self.config.sizes };
        } else if self.view.quarantined > 0 && self.recount_due <= Instant::now() {
            result = self.count_kept().await;
        }
        let hashed = self.hashes(&registry, &snapshot).await;
        if self.view != before {
            self.ctx.emit(Event::Scrub(self.view.clone())).await;
        }
        let told = self.report(&registry, &self.ctx.snapshot()).await;
        result.and(damaged).and(hashed).and(told)
    }
}
