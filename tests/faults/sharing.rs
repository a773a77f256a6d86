//! Several daemons: on one store, on different stores, and both sure that they lead.

use std::cell::Cell;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio::time::{Instant, interval, sleep};

use crate::bench::{Bench, Random};
use crate::lane::{LEADS, Lane, NODES};
use crate::steps::undrain;
use crate::tally::Tally;

/// Load on every daemon of a lane until `limit` has passed.
async fn load_all(lane: &Lane, random: &Random, limit: Duration) {
    let until = Instant::now() + limit;
    let each = (0..lane.daemons.len()).map(async |at| {
        while Instant::now() < until {
            let node = random.node();
            let stress = json!({"node": node, "files": 4, "size_kb": 8, "trigger_scheduler": random.below(2) == 0});
            let work = async {
                _ = lane.call(at, Method::POST, "/api/demo/stress", &stress).await;
                let other = random.node();
                _ = lane.call(at, Method::POST, &format!("/api/nodes/{other}/drain"), &json!({})).await;
                _ = lane.call(at, Method::POST, "/api/scheduler/run", &json!({})).await;
                sleep(Duration::from_millis(random.below(400))).await;
                _ = lane.call(at, Method::POST, &format!("/api/nodes/{other}/undrain"), &json!({})).await;
                let files = lane.files().await;
                for file in files.iter().skip(30) {
                    let id = file["id"].as_str().unwrap_or_default();
                    _ = lane.call(at, Method::DELETE, &format!("/api/files/{id}"), &json!({})).await;
                }
            };
            _ = tokio::time::timeout_at(until, work).await;
        }
    });
    join_all(each).await;
}

/// Two daemons on one store; one of them, at random, is killed under load.
pub async fn two_daemons(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    bench
        .lanes("", async |lane, random| {
            let mut tally = Tally::default();
            lane.start();
            lane.start();
            if let Some(rule) = broken {
                tally.add(one_dies_at_commit(lane, random, rule).await);
                return tally;
            }
            for _ in 0..rounds {
                lane.leader().await;
                undrain(lane).await;
                load_all(lane, random, Duration::from_millis(500 + random.below(2_500))).await;
                lane.kill(random.below(2) as usize);
                tally.count_kill(true);
                lane.leader().await;
                tally.judge("with two daemons on one store", lane.check().await);
                lane.start();
            }
            tally
        })
        .await
}

/// The control of [`two_daemons`]: the one that moves files ends between the broken rule and the commit, and
/// the other takes over.
async fn one_dies_at_commit(lane: &mut Lane, random: &Random, rule: &str) -> Tally {
    let mut tally = Tally::default();
    lane.impatient();
    lane.leader().await;
    lane.arm(&format!("break {rule}\nkill move.before-commit 1"));
    let begun = Instant::now();
    let mut died = false;
    while !died && begun.elapsed() < Duration::from_secs(60) {
        load_all(lane, random, Duration::from_secs(2)).await;
        died = lane.bury();
    }
    tally.count_kill(died);
    lane.disarm();
    lane.leader().await;
    undrain(lane).await;
    tally.judge("with two daemons on one store", lane.check().await);
    tally
}

/// The id of a store that no ensemble of the tests has.
const FOREIGN: &str = "0192f7aa-0000-7000-8000-00000000beef";

/// A second daemon whose folder is another store asks for everything, and is left alone when the
/// right one is gone.
pub async fn two_stores(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    bench
        .lanes("", async |lane, random| {
            let mut tally = Tally::default();
            for round in 0..rounds {
                if lane.daemons.is_empty() {
                    lane.begin().await;
                }
                _ = lane.stress(random.node(), 5, 8, true).await;
                let mut other = Lane::at(bench.hosts(), lane.root(), "");
                // A store of another ensemble; an empty folder gets no id beside this one.
                std::fs::create_dir_all(other.uploads()).unwrap();
                std::fs::write(other.uploads().join(".store-id"), format!("{FOREIGN}\n")).unwrap();
                if let Some(rule) = broken {
                    other.arm(&format!("break {rule}"));
                    lane.impatient();
                }
                other.start();
                let seen = other.says("store", Duration::from_secs(30)).await;
                tally.count(seen || broken.is_some());
                lane.kill(0);
                if broken.is_some() {
                    other.leads(0).await;
                }
                // The right daemon is gone, and still the wrong one may not.
                let mut refused = true;
                for node in NODES {
                    let body = json!({"node": node, "files": 2, "size_kb": 1, "trigger_scheduler": true});
                    let answer = other.post("/api/demo/stress", &body).await;
                    refused &= answer.is_some_and(|(status, answer)| {
                        status.as_u16() == 409 && answer["error"]["code"] == "foreign-store"
                    });
                }
                tally.expect("the foreign daemon refuses every change", refused || broken.is_some());
                drop(other);
                lane.begin().await;
                tally.judge(&format!("with two stores, round {round}"), lane.check().await);
                if broken.is_some() && !tally.violations.is_empty() {
                    break;
                }
            }
            tally
        })
        .await
}

/// Two daemons that both believe they lead, without the fence of the epoch: 60 seconds of stress, drains
/// and random kills in each lane.
pub async fn two_leaders(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    let span = Duration::from_secs(if broken.is_some() { 40 } else { 60 * rounds as u64 });
    bench
        .lanes("", async |lane, random| {
            let mut tally = Tally::default();
            if broken.is_some() {
                lane.impatient();
            }
            let rule = broken.map(|rule| format!("\nbreak {rule}")).unwrap_or_default();
            let until = Instant::now() + span;
            lane.arm(&format!("break lead\nbreak no-epoch{rule}"));
            lane.start();
            lane.start();
            while Instant::now() < until {
                for at in 0..2 {
                    lane.leads(at).await;
                }
                let load = load_all(lane, random, Duration::from_millis(2_000 + random.below(6_000)));
                let both = both_lead(lane, load).await && lane.fired("break lead") > 1;
                lane.kill(random.below(2) as usize);
                tally.count_kill(both);
                lane.start();
            }
            lane.disarm();
            while !lane.daemons.is_empty() {
                lane.kill(0);
            }
            lane.begin().await;
            undrain(lane).await;
            tally.judge("after two leaders at once", lane.check().await);
            tally
        })
        .await
}

/// Whether both daemons said that they lead, most of the times that they were asked during `load`.
async fn both_lead(lane: &Lane, load: impl Future<Output = ()>) -> bool {
    let (asked, both) = (Cell::new(0), Cell::new(0));
    let watch = async {
        let mut turns = interval(Duration::from_millis(250));
        loop {
            turns.tick().await;
            let lead = lane.counts(0, LEADS).await && lane.counts(1, LEADS).await;
            asked.set(asked.get() + 1);
            both.set(both.get() + i32::from(lead));
        }
    };
    tokio::select! {
        () = load => {}
        () = watch => {}
    }
    both.get() * 2 > asked.get()
}
