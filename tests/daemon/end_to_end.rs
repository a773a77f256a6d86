//! What a user does, by the built binary against three real ZooKeeper servers.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Deck, eventually, free_ports, jars, local_folder};
use zkdeck::adapters::control::process::{LocalConfig, LocalEnsemble};
use zkdeck::adapters::http;

pub(crate) const QUIET: &str = "[workload]\nenabled = false\n[scheduler]\ninterval_s = 3600\n";

async fn call(deck: &Deck, method: Method, path: &str, body: Option<&str>) -> Option<(StatusCode, Value)> {
    let mut request = http::plain().build().unwrap().request(method, format!("{}{path}", deck.url));
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_owned());
    }
    let answer = request.send().await.ok()?;
    let status = answer.status();
    let text = answer.text().await.ok()?;
    Some((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

async fn get(deck: &Deck, path: &str) -> Value {
    call(deck, Method::GET, path, None).await.unwrap_or_else(|| panic!("{path} gave no answer")).1
}

async fn post(deck: &Deck, path: &str, body: &Value) -> (StatusCode, Value) {
    call(deck, Method::POST, path, Some(&body.to_string())).await.unwrap()
}

/// Waits until the daemon is ready and three servers serve with one leader.
pub(crate) async fn ready(deck: &Deck) -> Duration {
    let begun = Instant::now();
    eventually("ready with three servers up", Duration::from_secs(180), || async {
        let (status, _) = call(deck, Method::GET, "/readyz", None).await?;
        let ensemble = call(deck, Method::GET, "/api/ensemble", None).await?.1;
        let up = ensemble["quorum"]["serving"] == 3 && ensemble["leader"].is_string();
        let leads = call(deck, Method::GET, "/api/scheduler/diagnostics", None).await?.1["leader"].is_string();
        (status == StatusCode::OK && up && leads).then_some(())
    })
    .await;
    begun.elapsed()
}

/// One ensemble at a time: six JVMs on two cores measure the machine.
pub(crate) static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Hash and size of each file by its id, as the records tell.
async fn records(deck: &Deck) -> BTreeMap<String, Value> {
    let page = get(deck, "/api/files?limit=1000").await;
    let files = page["files"].as_array().unwrap_or_else(|| panic!("no files in {page}"));
    files.iter().map(|file| (file["id"].as_str().unwrap().to_owned(), file.clone())).collect()
}

/// Every record's bytes lie at its owner under its blob's name, with its size and hash.
fn assert_on_disk(uploads: &Path, records: &BTreeMap<String, Value>) {
    let mut found = 0;
    for (id, file) in records {
        let owner = file["owner"].as_str().unwrap();
        let blob = file["blob"].as_str().unwrap();
        let bytes = std::fs::read(uploads.join(owner).join(format!("{id}.{blob}"))).unwrap();
        assert_eq!(bytes.len() as u64, file["size"].as_u64().unwrap(), "{id}");
        assert_eq!(blake3::hash(&bytes).to_hex().as_str(), file["blake3"].as_str().unwrap(), "{id}");
        found += 1;
    }
    let on_disk: usize = ["zk1", "zk2", "zk3"]
        .iter()
        .map(|node| {
            let entries = std::fs::read_dir(uploads.join(node)).unwrap().map(|entry| entry.unwrap().file_name());
            entries.filter(|name| !name.to_string_lossy().starts_with('.')).count()
        })
        .sum();
    assert_eq!(found, on_disk, "files on disk without a record");
}

fn rows(database: &Path, kind: &str, status: &str) -> u64 {
    let connection = rusqlite::Connection::open(database).unwrap();
    let sql = "select count(*) from operations where kind = ?1 and status = ?2";
    connection.query_row(sql, [kind, status], |row| row.get::<_, i64>(0)).unwrap() as u64
}

fn counted(metrics: &str, start: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with(start));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_user_does() {
    let jars = jars();
    let _alone = ALONE.lock().await;
    let folder = local_folder(&jars, QUIET);
    let deck = Deck::daemon(folder.path(), &["--local"]);
    let took = ready(&deck).await;
    // Eight seconds on two quiet cores; a busy machine takes its time.
    assert!(took < Duration::from_secs(120), "three nodes up and one leader took {took:?}");

    let stress = json!({"node": "zk1", "files": 8, "size_kb": 128, "trigger_scheduler": true});
    let (status, answer) = post(&deck, "/api/demo/stress", &stress).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["files"].as_array().map(Vec::len), Some(8), "{answer}");
    let run = &answer["run"];
    assert_eq!(run["decision"], "ran", "{answer}");
    assert_eq!((&run["moves_planned"], &run["moves_least"], &run["moves_done"]), (&json!(5), &json!(5), &json!(5)));
    assert_eq!(run["moves_failed"], 0);

    let seen = get(&deck, "/api/scheduler/diagnostics").await;
    assert!(seen["max_difference"].as_u64().unwrap() <= 1, "{seen}");
    assert_eq!(seen["threshold"], 5);
    assert_eq!(seen["last_run"]["id"], run["id"]);
    let mut counts: Vec<u64> = seen["nodes"].as_array().unwrap().iter().map(|n| n["files"].as_u64().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [2, 3, 3]);

    let (status, run) = post(&deck, "/api/scheduler/run", &json!({})).await;
    assert_eq!((status, &run["decision"]), (StatusCode::OK, &json!("balanced")), "{run}");

    bad_input_writes_nothing(&deck).await;

    let files = records(&deck).await;
    assert_eq!(files.len(), 8);
    assert_on_disk(&folder.path().join("data/uploads"), &files);
    let metrics = get(&deck, "/metrics").await.as_str().unwrap().to_owned();
    assert!(counted(&metrics, "zkdeck_moves_total{").to_bits() == 5_f64.to_bits(), "{metrics}");
    let database = folder.path().join("data/zkdeck.db");
    eventually("history on disk", Duration::from_secs(5), || async {
        let made = (
            rows(&database, "upload", "done"),
            rows(&database, "migration", "done"),
            rows(&database, "stress", "done"),
        );
        (made == (8, 5, 1)).then_some(())
    })
    .await;
    drain_empties_the_node(&deck).await;
    assert_on_disk(&folder.path().join("data/uploads"), &records(&deck).await);

    let (took, code) = deck.terminate();
    let texts = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    for text in texts.filter(|path| path.extension().is_some_and(|ending| ending == "txt")) {
        let told = std::fs::read_to_string(&text).unwrap();
        assert!(!told.contains("in time"), "something did not end: {told}");
    }
    assert!(took < Duration::from_secs(5), "the end took {took:?}");
    assert_eq!(code, Some(0));
}

async fn bad_input_writes_nothing(deck: &Deck) {
    let before = get(deck, "/api/operations?limit=1").await["total"].clone();
    let stress = |body: &'static str| call(deck, Method::POST, "/api/demo/stress", Some(body));
    let (status, answer) = stress(r#"{"node":"zk9","files":1,"size_kb":1}"#).await.unwrap();
    assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
    assert!(answer.to_string().contains("zk1") && answer.to_string().contains("zk3"), "{answer}");
    for (body, field) in [
        (r#"{"node":"zk1","files":0,"size_kb":1}"#, "files"),
        (r#"{"node":"zk1","files":-1,"size_kb":1}"#, "files"),
        (r#"{"node":"zk1","files":10001,"size_kb":1}"#, "files"),
        (r#"{"node":"zk1","files":"eight","size_kb":1}"#, "files"),
        (r#"{"node":"zk1","files":1,"size_kb":0}"#, "size_kb"),
        (r#"{"node":"zk1","files":1"#, "body"),
    ] {
        let (status, answer) = stress(body).await.unwrap();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {answer}");
        assert_eq!(answer["error"]["field"], field, "{body}: {answer}");
    }
    assert_eq!(get(deck, "/api/operations?limit=1").await["total"], before);
    assert_eq!(records(deck).await.len(), 8);
}

async fn drain_empties_the_node(deck: &Deck) {
    let (status, answer) = post(deck, "/api/nodes/zk2/drain", &json!({})).await;
    assert!(status.is_success(), "{answer}");
    let count = |seen: &Value, id: &str| {
        let nodes = seen["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["id"] == id).unwrap()["files"].as_u64().unwrap()
    };
    eventually("zk2 drained", Duration::from_secs(20), || async {
        let seen = get(deck, "/api/scheduler/diagnostics").await;
        (count(&seen, "zk2") == 0 && count(&seen, "zk1") == 4 && count(&seen, "zk3") == 4).then_some(())
    })
    .await;
    let (status, answer) = post(deck, "/api/nodes/zk2/undrain", &json!({})).await;
    assert!(status.is_success(), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_instance_attaches_and_takes_over() {
    let jars = jars();
    let _alone = ALONE.lock().await;
    let folder = local_folder(&jars, QUIET);
    let first = Deck::daemon(folder.path(), &["--local"]);
    ready(&first).await;
    let second = Deck::daemon(folder.path(), &["--local"]);
    ready(&second).await;
    let leader = get(&second, "/api/scheduler/diagnostics").await["leader"].clone();
    assert_eq!(leader, get(&first, "/api/scheduler/diagnostics").await["leader"]);

    // A run asked of the standby is made by the leader.
    let stress = json!({"node": "zk3", "files": 9, "size_kb": 1, "trigger_scheduler": true});
    let (status, answer) = post(&second, "/api/demo/stress", &stress).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!((&answer["run"]["decision"], &answer["run"]["moves_done"]), (&json!("ran"), &json!(6)), "{answer}");

    // A standby takes over the loops when the leader has gone.
    assert_eq!(first.terminate().1, Some(0));
    eventually("the second leads", Duration::from_secs(60), || async {
        let seen = call(&second, Method::GET, "/api/scheduler/diagnostics", None).await?.1;
        (seen["leader"].is_string() && seen["leader"] != leader).then_some(())
    })
    .await;
    assert_eq!(second.terminate().1, Some(0));
}

/// Of the session, as the settings have it by default.
const TIME_OUT: Duration = Duration::from_secs(6);
/// Of leading, and of the first run, beyond the time-out.
const GRACE: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(60);

/// Three servers that outlive every daemon of the test.
async fn ensemble(folder: &Path, jars: &Path) -> (LocalEnsemble, Vec<String>) {
    let mut config = LocalConfig::new(folder.join("servers"), folder.join("server-logs")).unwrap();
    config.search.zookeeper_home = None;
    config.search.jars = Some(jars.to_owned());
    config.program = env!("CARGO_BIN_EXE_zkdeck").into();
    let first = free_ports(12);
    for (node, at) in config.nodes.iter_mut().zip((first..).step_by(4)) {
        [node.client_port, node.metrics_port, node.quorum_port, node.election_port] = [at, at + 1, at + 2, at + 3];
    }
    let servers = config.nodes.iter().map(|node| format!("127.0.0.1:{}", node.client_port)).collect();
    let ensemble = LocalEnsemble::open(config).unwrap();
    ensemble.start().await.unwrap();
    (ensemble, servers)
}

async fn diagnostics(deck: &Deck) -> Option<Value> {
    Some(call(deck, Method::GET, "/api/scheduler/diagnostics", None).await?.1)
}

/// Waits until somebody leads who is not `gone`, as `deck` sees it.
async fn leader(deck: &Deck, gone: Option<&str>) -> String {
    eventually("a leader", LIMIT, || async {
        let seen = diagnostics(deck).await?["leader"].as_str()?.to_owned();
        (Some(seen.as_str()) != gone).then_some(seen)
    })
    .await
}

async fn last_run(deck: &Deck) -> Option<String> {
    Some(diagnostics(deck).await?["last_run"]["id"].as_str()?.to_owned())
}

/// Kills the leader; how long until the standby leads, and until its first run has ended.
async fn take_over(standby: &Deck, leading: Deck) -> (Duration, Duration) {
    let name = leader(standby, None).await;
    let run = last_run(standby).await;
    let killed = Instant::now();
    drop(leading);
    leader(standby, Some(&name)).await;
    let leads = killed.elapsed();
    eventually("its first run", LIMIT, || async { last_run(standby).await.filter(|new| Some(new) != run.as_ref()) })
        .await;
    (leads, killed.elapsed())
}

fn settings(folder: &Path, servers: &[String]) {
    let text = format!(
        "[ensemble]\nservers = {servers:?}\nmetrics = []\nsession_timeout_s = {}\n[scheduler]\ninterval_s = 2\n\
         [workload]\nenabled = false\n[docker]\ncontrol = false\n",
        TIME_OUT.as_secs()
    );
    std::fs::write(folder.join("zkdeck.toml"), text).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures ten takeovers for about two minutes; run by scripts/takeover"]
async fn a_standby_leads_and_runs_soon_after_the_leader_was_killed() {
    let jars = jars();
    let folder = tempfile::tempdir().unwrap();
    let (ensemble, servers) = ensemble(folder.path(), &jars).await;
    settings(folder.path(), &servers);
    let mut leading = Deck::daemon(folder.path(), &[]);
    leader(&leading, None).await;
    let mut late = Vec::new();
    for round in 1..=10 {
        let standby = Deck::daemon(folder.path(), &[]);
        leader(&standby, None).await;
        // Seconds after its start, as a standby that waits for its turn: its first runs would be the leader's.
        eventually("the standby knows the servers", LIMIT, || async {
            let seen = diagnostics(&standby).await?;
            seen["nodes"].as_array()?.iter().all(|node| node["state"] == "active").then_some(())
        })
        .await;
        let (leads, runs) = take_over(&standby, leading).await;
        println!("kill {round}: leads after {:.1} s, first run after {:.1} s", leads.as_secs_f64(), runs.as_secs_f64());
        if runs > TIME_OUT + GRACE {
            late.push(round);
        }
        leading = standby;
    }
    drop(leading);
    ensemble.stop().await;
    assert!(late.is_empty(), "later than {:?} in the rounds {late:?}", TIME_OUT + GRACE);
}
