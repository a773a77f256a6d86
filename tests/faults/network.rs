//! The network fails: a daemon is cut off, answers are lost, commits arrive late.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio::time::{interval, sleep};

use crate::bench::{Bench, Random};
use crate::lane::Lane;
use crate::net::{Law, Net};
use crate::steps::{load, undrain};
use crate::tally::{Tally, whole};

/// How long the load goes on around an injection.
const LOAD: Duration = Duration::from_secs(8);
/// Longest wait for a commit under load.
const COMMIT: Duration = Duration::from_secs(60);
/// Longest wait for a word in `/readyz`.
const SAY: Duration = Duration::from_secs(20);

/// The same in every lane, each behind proxies of its own.
async fn lanes(bench: &Bench, work: impl AsyncFn(&mut Lane, &Net, &Random) -> Tally) -> Tally {
    let each = (0..bench.lanes_wanted()).map(async |_| {
        let net = Net::before(bench.hosts()).await;
        let mut lane = Lane::behind(bench.hosts(), net.hosts());
        whole(work(&mut lane, &net, &bench.random)).await
    });
    let mut all = Tally::default();
    for tally in join_all(each).await {
        all.add(tally);
    }
    all
}

/// A daemon is cut off from every server, just after it has sent a commit whose answer it never gets.
pub async fn partition(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    lanes(bench, async |lane, net, random| {
        let mut tally = Tally::default();
        lane.begin().await;
        for _ in 0..rounds {
            lane.break_rule(broken);
            let before = net.fired();
            net.set(Law::SilentAfterCommit);
            let silence = async {
                let fired = net.fires(before, COMMIT).await;
                let told = lane.says("session", SAY).await;
                let began = lane.stress(random.node(), 1, 1, false).await;
                sleep(Duration::from_millis(random.below(5_000))).await;
                net.set(Law::Pass);
                (fired && told, began)
            };
            let ((fired, began), ()) = tokio::join!(silence, load(lane, random, LOAD));
            tally.count(fired);
            tally.expect("no change begins while there is no connection", !began);
            lane.leads(0).await;
            lane.disarm();
            undrain(lane).await;
            tally.judge("after a partition", lane.check().await);
            lane.trim(12).await;
            if broken.is_some() && !tally.violations.is_empty() {
                break;
            }
        }
        tally
    })
    .await
}

/// Commits whose answers are lost, that are delivered after their connection ended, and that reach a server
/// which goes on only when their process has died and another one has recovered what it left.
pub async fn late(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    lanes(bench, async |lane, net, random| {
        let mut tally = Tally::default();
        lane.begin().await;
        for round in 0..rounds * 4 {
            lane.break_rule(broken);
            if round % 4 == 3 && broken.is_none() {
                after_death(bench, lane, net, &mut tally).await;
                continue;
            }
            let before = net.fired();
            net.set(match round % 4 {
                0 if broken.is_none() => Law::AnswerLost,
                2 => Law::Late(Duration::from_millis(random.below(1_500))),
                _ => Law::Late(Duration::ZERO),
            });
            load(lane, random, LOAD / 2).await;
            let fired = tokio::select! {
                fired = net.fires(before, COMMIT) => fired,
                () = load(lane, random, COMMIT) => net.fires(before, Duration::ZERO).await,
            };
            tally.count(fired);
            lane.leads(0).await;
            lane.disarm();
            undrain(lane).await;
            tally.judge("what others change is seen after the reconnection", lane.unseen().await);
            tally.judge("after a commit that came late", lane.check().await);
            lane.trim(12).await;
            if broken.is_some() && !tally.violations.is_empty() {
                break;
            }
        }
        tally
    })
    .await
}

/// The server that is to carry out the commit is stopped, the client is killed, its successor recovers, and
/// the server goes on.
async fn after_death(bench: &Bench, lane: &mut Lane, net: &Net, tally: &mut Tally) {
    let ensemble = bench.ensemble.lock().await;
    ensemble.quorum(3).await;
    lane.leads(0).await;
    let before = net.fired();
    net.set(Law::Freeze(ensemble.processes()));
    let stress = json!({"node": bench.random.node(), "files": 4, "size_kb": 8, "trigger_scheduler": true});
    // What is still under way from the round before may refuse it.
    let again = async {
        let mut turns = interval(Duration::from_millis(200));
        while !net.fires(before, Duration::ZERO).await {
            turns.tick().await;
            _ = lane.call(0, Method::POST, "/api/demo/stress", &stress).await;
        }
        true
    };
    let fired = tokio::select! {
        fired = net.fires(before, COMMIT) => fired,
        fired = again => fired,
    };
    lane.kill(0);
    tally.count_kill(fired);
    lane.start();
    lane.leader().await;
    tally.judge("when the successor had recovered", lane.check().await);
    net.thaw();
    ensemble.quorum(3).await;
    lane.leads(0).await;
    undrain(lane).await;
    tally.judge("after a dead client's commit went on", lane.check().await);
}
