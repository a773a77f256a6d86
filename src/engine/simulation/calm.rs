//! What holds of the processes themselves once all is calm. The invariants of the files are judged elsewhere; these
//! rules are of core, session and scheduler:
//!
//! - L1: one process leads.
//! - C1: what each process shows of the files is what the ensemble holds.
//! - S1: the files are level, and nothing is left on a node that was drained.
//! - S2: while the scheduler is paused nothing is moved.
//! - B1: a damaged file has its bytes back when whole ones are anywhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::moment::WorldMoment;
use super::process::{Running, TRIGGER};
use super::story::Story;
use super::work;
use crate::domain::ids::{AttemptId, FileId, NodeId};
use crate::domain::invariants::StoredFile;
use crate::domain::node::NodeCondition;
use crate::domain::snapshot::Snapshot;

/// Longer than a run that waits for a disk to be tried again, and the interval after it.
const CALM: Duration = Duration::from_secs(90);
/// In some of these all bytes have been read.
const ROUND: Duration = Duration::from_secs(10);
/// Three runs are due in it.
const PAUSED: Duration = Duration::from_secs(12);
/// Until each process has heard of the switch.
const HEARD: Duration = Duration::from_secs(3);
/// Seconds for which all has to hold.
const HELD: u32 = 3;
/// Files that make the nodes uneven.
const MORE: usize = 6;

/// Where each file lies, and under which name.
type FilePlaces = BTreeMap<FileId, (NodeId, AttemptId)>;

/// What does not hold although it had the time to come about.
pub(super) async fn judge(story: &Story<'_>, seed: u64) -> Vec<String> {
    if let Some(problem) = settled(story).await {
        return vec![problem];
    }
    // The two that take long are judged in a quarter of the worlds each.
    match seed % 4 {
        0 => paused(story).await,
        1 => not_brought_back(story).await,
        _ => Vec::new(),
    }
}

async fn not_brought_back(story: &Story<'_>) -> Vec<String> {
    let end = Instant::now() + CALM;
    loop {
        let left = damaged(story).await;
        if left.is_empty() || Instant::now() >= end {
            return left;
        }
        sleep(ROUND).await;
    }
}

async fn damaged(story: &Story<'_>) -> Vec<String> {
    if story.flipped.is_empty() {
        return Vec::new();
    }
    let moment = WorldMoment::now(story.world);
    let stored = moment.inventory().await;
    let mut found = Vec::new();
    for entry in moment.files.iter().filter(|entry| story.flipped.contains(&entry.record.blob)) {
        let is_whole = |one: &&StoredFile| {
            let by = (one.file, one.size, one.blake3);
            by == (Some(entry.id), entry.record.size, Some(entry.record.blake3))
        };
        if let (false, Some(one)) = (moment.is_whole(entry), stored.iter().find(is_whole)) {
            found
                .push(format!("B1 file {} is damaged, and its bytes are in {:?} of {}", entry.id, one.place, one.node));
        }
    }
    found
}

/// Whatever holds for a moment only is not so: it has to hold for some seconds.
async fn settled(story: &Story<'_>) -> Option<String> {
    let (end, mut held) = (Instant::now() + CALM, 0);
    let mut problem = unsettled(story);
    while held < HELD && Instant::now() < end {
        sleep(Duration::from_secs(1)).await;
        problem = unsettled(story);
        held = if problem.is_some() { 0 } else { held + 1 };
    }
    problem
}

fn unsettled(story: &Story<'_>) -> Option<String> {
    let pictures: Vec<_> = story.running.iter().map(|one| (one, one.process.handle.snapshot())).collect();
    let leaders: Vec<_> = pictures.iter().filter(|(_, picture)| picture.leadership.leads).collect();
    let [(_, leader)] = leaders[..] else {
        let pids: Vec<_> = leaders.iter().map(|(one, _)| one.process.pid).collect();
        return Some(format!("L1 processes {pids:?} of {} lead", pictures.len()));
    };
    let truth = truth(story);
    let differs = |(_, picture): &&(&Running, Arc<Snapshot>)| shown(picture) != truth;
    if let Some((one, picture)) = pictures.iter().find(differs) {
        return Some(format!("C1 process {} shows {:?} and it is {truth:?}", one.process.pid, shown(picture)));
    }
    unlevel(story, leader, &truth)
}

fn truth(story: &Story<'_>) -> FilePlaces {
    let files = story.world.truth.files().into_iter();
    files.map(|entry| (entry.id, (entry.record.owner, entry.record.blob))).collect()
}

fn shown(picture: &Snapshot) -> FilePlaces {
    picture.files.iter().map(|entry| (entry.id, (entry.record.owner.clone(), entry.record.blob))).collect()
}

/// Damaged files are moved by nobody, so the spread is judged where all are whole.
fn unlevel(story: &Story<'_>, leader: &Snapshot, truth: &FilePlaces) -> Option<String> {
    let active = leader.nodes.iter().filter(|node| node.condition == NodeCondition::Active).count();
    if leader.scheduler.paused || active == 0 || !story.flipped.is_empty() {
        return None;
    }
    for node in leader.nodes.iter().filter(|node| node.condition == NodeCondition::Draining) {
        let left = truth.values().filter(|(owner, _)| *owner == node.id).count();
        if left > 0 {
            return Some(format!("S1 {left} files are left on {}, which is drained", node.id));
        }
    }
    let spread = leader.scheduler.max_difference.filter(|spread| *spread >= TRIGGER);
    spread.map(|spread| format!("S1 the spread is {spread}, and a run is due from {TRIGGER} on"))
}

/// Pauses the scheduler, makes the nodes uneven, and lets runs become due.
async fn paused(story: &Story<'_>) -> Vec<String> {
    let registry = story.world.registry();
    let Some(one) = story.running.first() else { return Vec::new() };
    if registry.pause_scheduler(true).await.is_err() {
        return Vec::new();
    }
    sleep(HEARD).await;
    for _ in 0..MORE {
        // One that fails makes the nodes less uneven.
        _ = work::upload_to(story.world, &one.process, &registry, &story.world.nodes[0]).await;
    }
    let before = truth(story);
    sleep(PAUSED).await;
    let after = truth(story);
    if before != after {
        return vec![format!("S2 the scheduler is paused, and {before:?} became {after:?}")];
    }
    if registry.pause_scheduler(false).await.is_err() {
        return Vec::new();
    }
    sleep(HEARD).await;
    settled(story).await.into_iter().collect()
}
