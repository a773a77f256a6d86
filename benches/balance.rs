//! 1,000 files of 1 KiB piled on one node of a real ensemble, then balanced by the scheduler: wall
//! time, moves per second, moves against the least possible.
//!
//! `cargo bench --bench balance`

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot go on stops; figures go to stdout"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Deck, eventually, jars, local_folder};

const FILES: u64 = 1000;
const QUIET: &str = "[workload]\nenabled = false\n[scheduler]\ninterval_s = 3600\n";

async fn ask(url: &str, body: Option<Value>) -> Option<Value> {
    let client = zkdeck::adapters::http::plain().build().unwrap();
    let request = match body {
        Some(body) => client.post(url).header("content-type", "application/json").body(body.to_string()),
        None => client.get(url),
    };
    serde_json::from_str(&request.send().await.ok()?.text().await.ok()?).ok()
}

async fn finished(deck: &Deck, answer: &Value) -> Value {
    let operation = answer["operation"].as_str().unwrap_or_else(|| panic!("refused: {answer}"));
    let url = format!("{}/api/operations/{operation}", deck.url);
    eventually("the operation's end", Duration::from_secs(120), || async {
        let row = ask(&url, None).await?;
        row["finished"].is_u64().then_some(row)
    })
    .await
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let jars = jars();
    let folder = local_folder(&jars, QUIET);
    let deck = Deck::daemon(folder.path(), &["--local"]);
    let diagnostics = format!("{}/api/scheduler/diagnostics", deck.url);
    eventually("a leader and three active nodes", Duration::from_secs(60), || async {
        let seen = ask(&diagnostics, None).await?;
        let takes = |node: &Value| node["state"] == "active";
        let active = seen["nodes"].as_array().is_some_and(|nodes| nodes.iter().all(takes));
        (seen["leader"].is_string() && seen["max_difference"] == 0 && active).then_some(())
    })
    .await;

    let begun = Instant::now();
    let stress = json!({"node": "zk1", "files": FILES, "size_kb": 1, "trigger_scheduler": false});
    let answer = ask(&format!("{}/api/demo/stress", deck.url), Some(stress)).await.unwrap_or_default();
    let made = finished(&deck, &answer).await;
    let stressed = begun.elapsed();
    println!(
        "stress: {} files of 1 KiB in {stressed:.2?}, {:.0} files/s",
        made["files"].as_array().map_or(0, Vec::len),
        FILES as f64 / stressed.as_secs_f64()
    );

    let begun = Instant::now();
    let answer = ask(&format!("{}/api/scheduler/run", deck.url), Some(json!({}))).await.unwrap_or_default();
    let run = if answer["decision"].is_string() { answer } else { finished(&deck, &answer).await["run"].clone() };
    let balanced = begun.elapsed();
    let (done, least) = (run["moves_done"].as_f64().unwrap_or(0.0), run["moves_least"].as_f64().unwrap_or(0.0));
    println!(
        "balance: {done} moves in {balanced:.2?}, {:.0} moves/s, {:.3} of the least possible ({least})",
        done / balanced.as_secs_f64(),
        done / least
    );
    let after = ask(&diagnostics, None).await.unwrap_or_default();
    println!("max difference afterwards: {}", after["max_difference"]);
    println!("the daemon ended in {:.1?}", deck.terminate().0);
}
