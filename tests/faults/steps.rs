//! The process ends at a step, at any time, or makes a step twice.

use std::time::Duration;

use serde_json::json;

use crate::bench::{Bench, Random};
use crate::lane::{Lane, NODES};
use crate::tally::Tally;

/// What makes a daemon reach a point.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Upload,
    Move,
    Delete,
    /// An attempt that an earlier daemon left, and where it left it.
    Left(&'static str),
    /// Bytes without a record.
    Stray,
}

/// Steps of every kind of attempt, and of what ends those that were left. An attempt that redirects or aborts itself is
/// left to the simulated worlds.
const POINTS: &[(&str, By)] = &[
    ("upload.intent", By::Upload),
    ("draft.written", By::Upload),
    ("upload.copy", By::Upload),
    ("publish.renamed", By::Upload),
    ("upload.publish", By::Upload),
    ("upload.commit", By::Upload),
    ("history.before-commit", By::Upload),
    ("history.committed", By::Upload),
    ("upload.row", By::Upload),
    ("upload.close", By::Upload),
    ("move.intent", By::Move),
    ("draft.written", By::Move),
    ("move.copy", By::Move),
    ("publish.renamed", By::Move),
    ("move.publish", By::Move),
    ("move.before-commit", By::Move),
    ("move.commit", By::Move),
    ("move.collect", By::Move),
    ("history.before-commit", By::Move),
    ("history.committed", By::Move),
    ("move.row", By::Move),
    ("move.close", By::Move),
    ("delete.intent", By::Delete),
    ("delete.before-commit", By::Delete),
    ("delete.commit", By::Delete),
    ("delete.collect", By::Delete),
    ("delete.row", By::Delete),
    ("delete.close", By::Delete),
    ("recovery.abort", By::Left("move.publish")),
    ("recovery.discard", By::Left("move.copy")),
    ("recovery.collect", By::Left("move.commit")),
    ("recovery.row", By::Left("move.publish")),
    ("recovery.row", By::Left("upload.commit")),
    ("recovery.close", By::Left("move.commit")),
    ("scrub.quarantined", By::Stray),
];

/// Steps that can be made twice.
const TWICE: &[(&str, By)] = &[
    ("upload.intent", By::Upload),
    ("upload.publish", By::Upload),
    ("upload.commit", By::Upload),
    ("move.intent", By::Move),
    ("move.publish", By::Move),
    ("move.commit", By::Move),
    ("move.collect", By::Move),
    ("delete.intent", By::Delete),
    ("delete.commit", By::Delete),
    ("delete.collect", By::Delete),
];

/// How often a point is tried to be reached: a busy machine may refuse a change because a server is late.
const TRIES: usize = 5;

/// Asks for what reaches the point. The daemon may die of it, so the answer counts for nothing.
async fn trigger(lane: &Lane, by: By, random: &Random) {
    match by {
        By::Upload => _ = lane.stress(random.node(), 4, 8, false).await,
        By::Move | By::Left(_) => {
            // The fullest gets more, so that there is something to move.
            _ = lane.stress(random.node(), 6, 8, true).await;
        }
        By::Delete => lane.trim(lane.files().await.len().saturating_sub(2)).await,
        By::Stray => {
            let name = format!("{}.{}", random.uuid(), random.uuid());
            std::fs::write(lane.uploads().join(random.node()).join(name), random.uuid()).unwrap();
        }
    }
}

/// Kills at each step, once in each lane. With `broken`, at the one step where that rule matters.
pub async fn kill_at_each_step(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    if let Some(rule) = broken {
        let mut lane = bench.lane("");
        lane.impatient();
        lane.begin().await;
        _ = lane.stress("zk1", 3, 8, false).await;
        let mut tally = Tally::default();
        one_kill(&mut lane, "move.before-commit", By::Move, &format!("break {rule}\n"), &bench.random, &mut tally)
            .await;
        return tally;
    }
    bench
        .lanes("", async |lane, random| {
            let mut tally = Tally::default();
            lane.begin().await;
            _ = lane.stress("zk1", 6, 8, true).await;
            for _ in 0..rounds {
                for (point, by) in POINTS {
                    if let By::Left(earlier) = by {
                        let left = if earlier.starts_with("upload") { By::Upload } else { By::Move };
                        if !kill_once(lane, earlier, left, "", random, &mut tally).await {
                            continue;
                        }
                        lane.arm(&format!("kill {point} 1"));
                        lane.start();
                        let before = lane.fired(&format!("kill {point}"));
                        let died = lane.died(Duration::from_secs(60)).await;
                        tally.count_kill(
                            died && lane.fired(&format!("kill {point}")) > before - usize::from(died && before > 0),
                        );
                        lane.disarm();
                        recover(lane, point, &mut tally).await;
                    } else {
                        one_kill(lane, point, *by, "", random, &mut tally).await;
                    }
                }
                lane.trim(24).await;
            }
            tally
        })
        .await
}

/// Kills at the named steps, once each.
pub async fn kill_at_some_steps(bench: &Bench, points: &[&str]) -> Tally {
    let (mut lane, mut tally) = (bench.lane(""), Tally::default());
    lane.begin().await;
    _ = lane.stress("zk1", 6, 8, true).await;
    for (point, by) in POINTS.iter().filter(|(point, _)| points.contains(point)) {
        one_kill(&mut lane, point, *by, "", &bench.random, &mut tally).await;
    }
    tally
}

async fn recover(lane: &mut Lane, what: &str, tally: &mut Tally) {
    if lane.daemons.is_empty() {
        lane.begin().await;
    }
    let found = lane.check().await;
    tally.judge(&format!("after kill -9 at {what}"), found);
}

async fn one_kill(lane: &mut Lane, point: &str, by: By, more: &str, random: &Random, tally: &mut Tally) {
    kill_once(lane, point, by, more, random, tally).await;
    recover(lane, point, tally).await;
}

/// Arms the point, reaches it and sees the daemon die.
async fn kill_once(lane: &mut Lane, point: &str, by: By, more: &str, random: &Random, tally: &mut Tally) -> bool {
    let order = format!("kill {point}");
    let before = lane.fired(&order);
    lane.arm(&format!("{more}{order} 1"));
    let mut died = false;
    for _ in 0..TRIES {
        trigger(lane, by, random).await;
        died = lane.died(Duration::from_secs(10)).await;
        if died {
            break;
        }
    }
    lane.disarm();
    let fired = died && lane.fired(&order) > before;
    if !fired {
        println!("  {order} did not fire");
    }
    tally.count_kill(fired);
    fired
}

/// Every step is made twice.
pub async fn repeat_each_step(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    if let Some(rule) = broken {
        let mut lane = bench.lane("");
        lane.impatient();
        lane.begin().await;
        let mut tally = Tally::default();
        lane.arm(&format!("break {rule}\nrepeat move.commit"));
        _ = lane.stress("zk1", 9, 8, true).await;
        // With the rule whole again, what was lost would come back.
        lane.arm(&format!("break {rule}"));
        tally.count(lane.fired("repeat move.commit") > 0);
        tally.judge("with each commit made twice", lane.check().await);
        return tally;
    }
    bench
        .lanes("", async |lane, random| {
            let mut tally = Tally::default();
            lane.begin().await;
            _ = lane.stress("zk1", 6, 8, true).await;
            for _ in 0..rounds {
                for (point, by) in TWICE {
                    let order = format!("repeat {point}");
                    let before = lane.fired(&order);
                    lane.arm(&order);
                    trigger(lane, *by, random).await;
                    lane.disarm();
                    tally.count(lane.fired(&order) > before);
                    tally.judge(&format!("with {point} made twice"), lane.check().await);
                }
                lane.trim(24).await;
            }
            tally
        })
        .await
}

/// Load of all kinds, until the daemon is gone or `limit` has passed.
pub async fn load(lane: &Lane, random: &Random, limit: Duration) {
    let work = async {
        loop {
            let node = random.node();
            let made = lane.stress(node, 5, 16, true).await;
            _ = lane.post(&format!("/api/nodes/{node}/drain"), &json!({})).await;
            _ = lane.post("/api/scheduler/run", &json!({})).await;
            _ = lane.post(&format!("/api/nodes/{node}/undrain"), &json!({})).await;
            lane.trim(20).await;
            if !made && lane.text(0, "/healthz").await.is_none() {
                return;
            }
        }
    };
    _ = tokio::time::timeout(limit, work).await;
}

/// Every node takes files again, whatever the load left.
pub async fn undrain(lane: &Lane) {
    for node in NODES {
        _ = lane.post(&format!("/api/nodes/{node}/undrain"), &json!({})).await;
    }
}

/// SIGKILL at a random moment under load.
pub async fn kill_at_random(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    let rounds = if broken.is_some() { 12 } else { rounds };
    bench
        .lanes("", async |lane, random| {
            let mut tally = Tally::default();
            lane.break_rule(broken);
            for _ in 0..rounds {
                lane.begin().await;
                undrain(lane).await;
                load(lane, random, Duration::from_millis(random.below(2_500))).await;
                lane.kill(0);
                tally.count_kill(true);
                lane.begin().await;
                tally.judge("after kill -9 at a random time", lane.check().await);
                lane.kill(0);
                tally.count_kill(true);
                if broken.is_some() && !tally.violations.is_empty() {
                    break;
                }
            }
            tally
        })
        .await
}

#[test]
fn the_document_tells_as_many_points_as_there_are() {
    let told = format!("SIGKILL at {} points", POINTS.len());
    assert!(include_str!("../../docs/reliability.md").contains(&told), "{told}");
}
