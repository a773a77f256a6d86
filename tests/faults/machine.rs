//! The machine fails around the program: memory runs out, and the servers' disks go back in time.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::time::sleep;

use crate::bench::Bench;
use crate::lane::Lane;
use crate::steps::{load, undrain};
use crate::tally::Tally;

/// Longest time that a daemon without memory lives under load.
const STARVE: Duration = Duration::from_secs(20);
const SAY: Duration = Duration::from_secs(60);

/// The process may have no more memory than it has, under load, until it dies of it.
pub async fn squeeze(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    bench
        .lanes("", async |lane, random| {
            let mut tally = Tally::default();
            for _ in 0..rounds {
                lane.begin().await;
                undrain(lane).await;
                lane.break_rule(broken);
                load(lane, random, Duration::from_millis(500 + random.below(1_500))).await;
                starve(lane.daemons[0].child.id());
                tokio::join!(load(lane, random, STARVE), lane.stress(random.node(), 1_000, 1, false));
                tally.count(lane.ended());
                lane.disarm();
                lane.begin().await;
                tally.judge("after memory ran out", lane.check().await);
                lane.trim(12).await;
                lane.kill(0);
                tally.count_kill(true);
            }
            tally
        })
        .await
}

/// No byte more than the process has now.
fn starve(pid: u32) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmData:")?.trim().strip_suffix(" kB"));
    let limit = size.unwrap().parse::<u64>().ok().map(|kib| kib << 10);
    let pid = Pid::from_raw(pid as i32);
    prlimit(pid, Resource::Data, Rlimit { current: limit, maximum: limit }).unwrap();
}

/// The servers' disks are replaced by an older copy of them while daemons run: what was acknowledged since
/// is on the nodes' disks still, is told, and comes back by `zkdeck doctor --adopt`.
pub async fn old_snapshot(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    let mut ensemble = bench.ensemble.lock().await;
    let mut tally = Tally::default();
    for _ in 0..rounds {
        let mut lanes = bench.some_lanes();
        join_all(lanes.iter_mut().map(async |lane| {
            lane.begin().await;
            _ = lane.stress("zk1", 9, 8, true).await;
            lane.check().await
        }))
        .await;
        ensemble.save();
        ensemble.restore().await;
        let mut since = Vec::new();
        for lane in &mut lanes {
            since.push(acknowledge(lane, &mut tally).await);
            lane.break_rule(broken);
        }
        ensemble.put_back();
        ensemble.restore().await;
        for (lane, hashes) in lanes.iter_mut().zip(since) {
            lane.leads(0).await;
            let told = lane.says("quarantine", SAY).await;
            tally.count(told || broken.is_some());
            if broken.is_some() {
                sleep(Duration::from_secs(3)).await;
            }
            let stored = lane.stored().await;
            tally.expect("all bytes are on the disks", hashes.is_subset(&stored));
            if broken.is_some() && !tally.violations.is_empty() {
                return tally;
            }
            lane.disarm();
            tally.judge("after an old snapshot came back", lane.check().await);
            let adopted = lane.adopt() && hashes.is_subset(&lane.recorded().await);
            tally.expect("every acknowledged file comes back by doctor --adopt", adopted);
            tally.judge("after the files were adopted", lane.check().await);
        }
    }
    tally
}

/// Makes, moves and deletes files; the hashes of those that are there then.
async fn acknowledge(lane: &mut Lane, tally: &mut Tally) -> BTreeSet<String> {
    lane.leads(0).await;
    undrain(lane).await;
    let made = lane.stress("zk2", 9, 8, true).await;
    tally.expect("files are made before the disks go back", made);
    lane.trim(14).await;
    tally.judge("before the disks went back", lane.check().await);
    lane.forget();
    lane.recorded().await
}
