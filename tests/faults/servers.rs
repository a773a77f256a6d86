//! ZooKeeper's servers end, freeze and come back while files move; sessions expire.

use std::time::Duration;

use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::bench::{Bench, Random};
use crate::ensemble::Ensemble;
use crate::lane::{Lane, NODES};
use crate::steps::{load, undrain};
use crate::tally::Tally;

/// How long the load goes on around an injection.
const LOAD: Duration = Duration::from_secs(6);
/// Rounds in which a negative control has to be found.
const CONTROL_ROUNDS: usize = 8;

/// Hurts the servers while every lane works, then lets them recover and judges every lane.
async fn under_load(
    bench: &Bench,
    broken: Option<&'static str>,
    rounds: usize,
    what: &str,
    hurt: impl AsyncFn(&mut Ensemble, &[Lane], &Random) -> bool,
) -> Tally {
    let mut ensemble = bench.ensemble.lock().await;
    let mut lanes = bench.some_lanes();
    join_all(lanes.iter_mut().map(Lane::begin)).await;
    for lane in lanes.iter_mut().filter(|_| broken.is_some()) {
        lane.impatient();
    }
    let mut tally = Tally::default();
    let rounds = if broken.is_some() { CONTROL_ROUNDS } else { rounds };
    for _ in 0..rounds {
        let begun = async {
            match broken {
                Some(rule) => _ = join_all(lanes.iter().map(|lane| wait_to_commit(lane, rule))).await,
                None => sleep(Duration::from_millis(500 + bench.random.below(1_500))).await,
            }
        };
        let hurt = async {
            begun.await;
            hurt(&mut ensemble, &lanes, &bench.random).await
        };
        let loads = async {
            if broken.is_none() {
                join_all(lanes.iter().map(|lane| load(lane, &bench.random, LOAD))).await;
            }
        };
        let (fired, _) = tokio::join!(hurt, loads);
        tally.count(fired);
        ensemble.restore().await;
        for lane in &mut lanes {
            lane.leads(0).await;
            undrain(lane).await;
            let found = lane.check().await;
            tally.judge(what, found);
        }
        if broken.is_some() && !tally.violations.is_empty() {
            break;
        }
    }
    tally
}

/// Brings a lane's daemon to where a move's rule is broken and its commit waits for the loss of the connection, so
/// that the fault falls between the two.
async fn wait_to_commit(lane: &Lane, rule: &str) {
    let node = NODES[0];
    _ = lane.stress(node, 12, 1, false).await;
    lane.arm(&format!("break {rule}\nbreak commit-after-loss"));
    let order = "break commit-after-loss";
    let before = lane.fired(order);
    let waits = async {
        while lane.fired(order) == before {
            _ = lane.post(&format!("/api/nodes/{node}/drain"), &json!({})).await;
            _ = timeout(Duration::from_millis(500), lane.post("/api/scheduler/run", &json!({}))).await;
        }
    };
    _ = timeout(LOAD, waits).await;
}

pub async fn leader_killed(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    under_load(bench, broken, rounds, "after kill -9 of ZooKeeper's leader", async |ensemble, _, _| {
        let leader = ensemble.leader().await;
        ensemble.kill(leader);
        true
    })
    .await
}

pub async fn leader_frozen(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    under_load(bench, broken, rounds, "after ZooKeeper's leader was frozen", async |ensemble, _, random| {
        let leader = ensemble.leader().await;
        ensemble.signal(leader, Signal::STOP);
        sleep(Duration::from_millis(2_000 + random.below(2_000))).await;
        let frozen = ensemble.is_frozen(leader);
        ensemble.signal(leader, Signal::CONT);
        frozen
    })
    .await
}

pub async fn quorum_lost(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    under_load(bench, broken, rounds, "after the quorum was lost", async |ensemble, _, random| {
        let left = random.below(3) as usize;
        for at in (0..3).filter(|at| *at != left) {
            ensemble.kill(at);
        }
        sleep(Duration::from_millis(1_500 + random.below(2_000))).await;
        !ensemble.serves(left).await
    })
    .await
}

/// Each server is restarted in turn, as for an upgrade; each restart is one injection.
pub async fn rolling_restart(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    let mut tally = under_load(bench, broken, rounds, "after a rolling restart", async |ensemble, _, _| {
        for at in 0..3 {
            ensemble.kill(at);
            ensemble.run(at);
            ensemble.quorum(3).await;
        }
        true
    })
    .await;
    tally.injected *= 3;
    tally.fired *= 3;
    tally
}

/// Every daemon is frozen for longer than its session lives; each is one injection.
pub async fn session_expired(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    let expired = std::cell::Cell::new(0);
    let mut tally = under_load(bench, broken, rounds, "after the session expired", async |_, lanes, _| {
        let before = join_all(lanes.iter().map(epoch)).await;
        for lane in lanes {
            lane.signal(0, Signal::STOP);
        }
        sleep(Duration::from_millis(4_500)).await;
        for lane in lanes {
            lane.signal(0, Signal::CONT);
        }
        // A new session has to make an epoch of its own.
        let renewed = lanes.iter().zip(before).map(|(lane, before)| renewed(lane, before));
        let count = join_all(renewed).await.into_iter().filter(|renewed| *renewed).count();
        expired.set(expired.get() + count);
        true
    })
    .await;
    (tally.injected, tally.fired) = (tally.injected * bench.lanes_wanted(), expired.get());
    tally
}

async fn renewed(lane: &Lane, before: u64) -> bool {
    let mut turns = tokio::time::interval(Duration::from_millis(200));
    let newer = async {
        while epoch(lane).await <= before {
            turns.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), newer).await.is_ok()
}

async fn epoch(lane: &Lane) -> u64 {
    let page = lane.text(0, "/metrics").await.unwrap_or_default();
    page.lines().find_map(|line| line.strip_prefix("zkdeck_epoch ")?.parse().ok()).unwrap_or(0)
}
