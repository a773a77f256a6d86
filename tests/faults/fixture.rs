//! A store as a version of the program leaves it: made once with that version, kept under `tests/fixtures`, and
//! opened by every later one.
//!
//! It holds what a store can hold: records, an intent of each kind in each state, a node that drains and one with
//! another weight, the trash, quarantine, the epoch, a paused scheduler, history and its lines.
//! `scripts/store-fixture` makes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use zkdeck::adapters::http;
use zkdeck::adapters::zookeeper::coord::{Coord, Mode};
use zkdeck::adapters::zookeeper::{ZkConfig, connect};

use crate::bench::Bench;
use crate::lane::Lane;
use crate::support::{eventually, jars};

const ROOT: &str = "/demo";
const LIMIT: Duration = Duration::from_secs(300);
/// What of `data` is kept; locks and SQLite's files for the running process are not.
const KEPT: [&str; 4] = ["uploads", "quarantine", "zkdeck.db", "backups"];

/// Makes the fixture in the folder `ZKDECK_FIXTURE` with the program `ZKDECK_PROGRAM`, which has fail-points.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "makes the fixture anew: scripts/store-fixture runs it"]
async fn make() {
    let folder = PathBuf::from(std::env::var_os("ZKDECK_FIXTURE").unwrap());
    std::fs::create_dir_all(&folder).unwrap();
    let bench = Bench::new(&jars(), 1).await;
    let mut lane = Lane::at(bench.hosts(), ROOT, "");
    lane.begin().await;
    ordinary(&lane).await;
    let coord: Arc<dyn Coord> = Arc::new(connect(&config(&bench)).await.unwrap());
    left_half_done(&mut lane, &*coord).await;
    write_znodes(&*coord, &folder.join("znodes.jsonl")).await;
    for name in KEPT {
        copy(&lane.folder.join("data").join(name), &folder.join("data").join(name));
    }
    let database = folder.join("data/zkdeck.db");
    copy(&lane.folder.join("data/zkdeck.db-wal"), &folder.join("data/zkdeck.db-wal"));
    let connection = Connection::open(database).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(connection);
    for entry in std::fs::read_dir(lane.folder.join("logs/backend")).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("operations.") {
            copy(&entry.path(), &folder.join("logs/backend").join(entry.file_name()));
        }
    }
}

fn config(bench: &Bench) -> ZkConfig {
    ZkConfig { hosts: bench.hosts().to_vec(), root: ROOT.into(), ..ZkConfig::default() }
}

/// What an operator does on a day without trouble.
async fn ordinary(lane: &Lane) {
    let mut files = Vec::new();
    for (at, (name, size)) in [
        ("first.txt", 1),
        ("a name with spaces.bin", 300),
        ("na\u{ef}ve \u{6587}.txt", 3_000),
        ("../not/a/path", 17),
        ("to be moved twice", 2_048),
        ("to be deleted", 640),
        ("seventh", 7),
        ("eighth", 4_096),
    ]
    .into_iter()
    .enumerate()
    {
        files.push(upload(lane, name, ["zk1", "zk2", "zk3"][at % 3], size).await.unwrap());
    }
    assert!(lane.stress("zk1", 4, 1, true).await);
    for target in ["zk3", "zk1"] {
        migrate(lane, &files[4], target).await;
    }
    lane.call(0, Method::DELETE, &format!("/api/files/{}", files[5]), &json!({})).await.unwrap();
    lane.post("/api/nodes/zk1/drain", &json!({})).await.unwrap();
    eventually("zk1 is taken back", LIMIT, || async {
        let (status, _) = lane.post("/api/nodes/zk1/undrain", &json!({})).await?;
        status.is_success().then_some(())
    })
    .await;
    eventually("zk1 takes files", LIMIT, || async {
        let nodes = lane.get("/api/nodes").await?["nodes"].clone();
        nodes.as_array()?.iter().any(|node| node["id"] == "zk1" && node["condition"] == "active").then_some(())
    })
    .await;
    lane.call(0, Method::PUT, "/api/nodes/zk2/weight", &json!({"weight": 150})).await.unwrap();
    lane.post("/api/scheduler/run", &json!({})).await.unwrap();
    lane.post("/api/scheduler/pause", &json!({})).await.unwrap();
    lane.post("/api/nodes/zk3/drain", &json!({})).await.unwrap();
    let uuid = |number: u128| uuid::Uuid::from_u128(number);
    let stray = lane.uploads().join("zk2").join(format!("{}.{}", uuid(0x5747), uuid(0x5748)));
    std::fs::write(stray, "bytes that no record names").unwrap();
    std::fs::write(lane.uploads().join("zk2/.tmp").join(uuid(0x5749).to_string()), "half a fi").unwrap();
    assert!(lane.says("quarantine", LIMIT).await);
    let (trash, kept) = (lane.uploads().join("zk2/.trash"), lane.folder.join("data/quarantine/zk2"));
    eventually("quarantine and the trash hold something", LIMIT, || async {
        let count = |folder: &Path| std::fs::read_dir(folder).map_or(0, Iterator::count);
        (count(&kept) == 2 && count(&trash) > 0).then_some(())
    })
    .await;
}

/// Daemons that end by SIGKILL in the middle: three attempts that were given up, and one or more of each kind
/// that are prepared or committed. No leader is there meanwhile, for each dead one's session lives on.
async fn left_half_done(lane: &mut Lane, coord: &dyn Coord) {
    let mut files = Vec::new();
    for at in 0..7 {
        files.push(upload(lane, &format!("for attempt {at}"), "zk1", 100 + at).await.unwrap());
    }
    let mut files = files.iter();
    for (point, work) in [("upload.copy", Work::Upload), ("move.publish", Work::Move), ("delete.intent", Work::Delete)]
    {
        die(lane, point, work, if matches!(work, Work::Upload) { "" } else { files.next().unwrap() }).await;
    }
    // All three are ended by one turn of the recovery, or the first would be gone by the time of the last.
    eventually("the dead daemons' sessions end", LIMIT, || async {
        let left = coord.children(&format!("{ROOT}/instances")).await.unwrap();
        left.is_none_or(|left| left.is_empty()).then_some(())
    })
    .await;
    lane.arm("kill recovery.abort 3");
    lane.start();
    assert!(lane.died(LIMIT).await);
    for (point, work) in [
        ("upload.commit", Work::Upload),
        ("move.commit", Work::Move),
        ("delete.commit", Work::Delete),
        ("upload.publish", Work::Upload),
        ("upload.copy", Work::Upload),
        ("move.publish", Work::Move),
        ("delete.before-commit", Work::Delete),
    ] {
        die(lane, point, work, if matches!(work, Work::Upload) { "" } else { files.next().unwrap() }).await;
    }
}

#[derive(Clone, Copy)]
enum Work {
    Upload,
    Move,
    Delete,
}

async fn die(lane: &mut Lane, point: &str, work: Work, file: &str) {
    lane.disarm();
    if lane.daemons.is_empty() {
        lane.start();
    }
    eventually("the daemon works", LIMIT, || async {
        let page = lane.text(0, "/metrics").await?;
        let known = ["zkdeck_session_connected 1", "zkdeck_ensemble_serving 3"];
        (known.iter().all(|line| page.lines().any(|found| found == *line)) && !lane.files().await.is_empty())
            .then_some(())
    })
    .await;
    lane.arm(&format!("kill {point} 1"));
    match work {
        Work::Upload => _ = upload(lane, &format!("left at {point}"), "zk2", 900).await,
        Work::Move => migrate(lane, file, "zk2").await,
        Work::Delete => _ = lane.call(0, Method::DELETE, &format!("/api/files/{file}"), &json!({})).await,
    }
    assert!(lane.died(Duration::from_secs(30)).await, "{point} was not reached");
}

async fn migrate(lane: &Lane, file: &str, target: &str) {
    lane.post(&format!("/api/files/{file}/migrate"), &json!({"target": target})).await;
}

/// The id of a new file; `None` when the daemon ends meanwhile.
async fn upload(lane: &Lane, name: &str, node: &str, size: usize) -> Option<String> {
    let url = format!("{}/api/files", lane.daemons[0].url);
    let url = reqwest::Url::parse_with_params(&url, [("name", name), ("node", node)]).unwrap();
    let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8 ^ name.as_bytes()[at % name.len()]).collect();
    let request = http::plain().build().unwrap().post(url).body(bytes);
    let answer: Value = serde_json::from_str(&request.send().await.ok()?.text().await.ok()?).ok()?;
    Some(answer["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned())
}

/// One line for each znode that says something, with the version that it has.
async fn write_znodes(coord: &dyn Coord, file: &Path) {
    let (mut paths, mut lines) = (vec![ROOT.to_owned()], Vec::new());
    while let Some(path) = paths.pop() {
        let Some((data, version)) = coord.get(&path).await.unwrap() else { continue };
        let mut below = coord.children(&path).await.unwrap().unwrap_or_default();
        below.sort_by(|one, other| other.cmp(one));
        paths.extend(below.into_iter().map(|name| format!("{path}/{name}")));
        let passing = ["/instances/", "/control/leader/", "/control/run/", "/control/canary"];
        if (data.is_empty() && version == 0) || passing.iter().any(|part| path.contains(part)) {
            continue;
        }
        let line = json!({"path": path, "version": version, "data": String::from_utf8(data).unwrap()});
        lines.push(line.to_string() + "\n");
    }
    std::fs::write(file, lines.concat()).unwrap();
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else if from.exists() {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    }
}

/// Every store that a released version left is opened by this program: no byte and no row of it is lost, and what
/// was half done is ended as its intents say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_each_version_is_opened() {
    let jars = jars();
    let bench = Bench::new(&jars, 1).await;
    for folder in stores() {
        println!("{}", folder.display());
        opens(&bench, &folder).await;
    }
}

fn stores() -> Vec<PathBuf> {
    let fixtures = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")).unwrap();
    let folders = fixtures.map(|entry| entry.unwrap().path());
    let stores: Vec<_> = folders.filter(|path| path.join("znodes.jsonl").exists()).collect();
    assert!(!stores.is_empty());
    stores
}

struct Znode {
    path: String,
    version: u64,
    data: String,
}

fn znodes(folder: &Path) -> Vec<Znode> {
    let text = std::fs::read_to_string(folder.join("znodes.jsonl")).unwrap();
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        Znode { path: text("path"), version: line["version"].as_u64().unwrap(), data: text("data") }
    };
    text.lines().map(read).collect()
}

async fn write(coord: &dyn Coord, znode: &Znode) {
    let above = znode.path.match_indices('/').skip(1).map(|(at, _)| &znode.path[..at]);
    for parent in above {
        _ = coord.create(parent, b"", Mode::Persistent).await;
    }
    coord.create(&znode.path, znode.data.as_bytes(), Mode::Persistent).await.unwrap();
    for _ in 0..znode.version {
        coord.set(&znode.path, znode.data.as_bytes(), None).await.unwrap();
    }
}

/// Kind and status of each row by its id.
fn rows(database: &Path) -> BTreeMap<String, (String, String)> {
    let connection = Connection::open(database).unwrap();
    let mut ask = connection.prepare("select id, kind, status from operations").unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)));
    ask.query_map([], row).unwrap().map(Result::unwrap).collect()
}

async fn opens(bench: &Bench, store: &Path) {
    let all = znodes(store);
    let coord = connect(&config(bench)).await.unwrap();
    for znode in &all {
        write(&coord, znode).await;
    }
    let mut lane = Lane::at(bench.hosts(), ROOT, "");
    for part in ["data", "logs"] {
        copy(&store.join(part), &lane.folder.join(part));
    }
    let before = rows(&lane.database());
    let value = |znode: &Znode| serde_json::from_str::<Value>(&znode.data).unwrap();
    let intents: Vec<Value> = all.iter().filter(|znode| znode.path.contains("/migrations/")).map(value).collect();
    for kind in ["upload", "move", "delete"] {
        for state in ["prepared", "committed", "aborted"] {
            assert!(intents.iter().any(|one| one["kind"] == kind && one["state"] == state), "no {state} {kind}");
        }
    }
    lane.begin().await;
    assert_eq!(lane.check().await, Vec::<String>::new(), "after the store was opened");
    every_file_is_whole(&lane).await;
    let (after, mut ended) = (rows(&lane.database()), 0);
    for (id, (kind, status)) in &before {
        let now = after.get(id).unwrap_or_else(|| panic!("the row {id} of a {kind} is gone"));
        assert_eq!(*kind, now.0, "{id}");
        assert!(*status == now.1 || status == "started", "the {kind} {id} was {status} and is {}", now.1);
    }
    for znode in all.iter().filter(|znode| znode.path.contains("/migrations/")) {
        let (id, intent) = (znode.path.rsplit('/').next().unwrap(), value(znode));
        let expected = if intent["state"] == "committed" { "done" } else { "aborted" };
        assert_eq!(after[id].1, expected, "{intent}");
        ended += 1;
    }
    assert!(ended >= 9);
    assert!(lane.counts(0, "zkdeck_quarantined_files 1").await);
    assert!(lane.counts(0, "zkdeck_scheduler_paused 1").await);
    let nodes = lane.get("/api/nodes").await.unwrap()["nodes"].clone();
    let node = |id: &str| nodes.as_array().unwrap().iter().find(|node| node["id"] == id).unwrap().clone();
    assert_eq!((&node("zk3")["condition"], &node("zk2")["weight"]), (&json!("draining"), &json!(150)));
    let doctor = lane.doctor();
    assert!(doctor.contains("records, bytes and history agree"), "{doctor}");
}

async fn every_file_is_whole(lane: &Lane) {
    let files = lane.files().await;
    assert!(files.len() >= 8);
    for file in files {
        let url = format!("{}/api/files/{}/content", lane.daemons[0].url, file["id"].as_str().unwrap());
        let answer = http::plain().build().unwrap().get(url).send().await.unwrap();
        assert!(answer.status().is_success(), "{file}");
        let bytes = answer.bytes().await.unwrap();
        assert_eq!(blake3::hash(&bytes).to_hex().as_str(), file["blake3"], "{file}");
    }
}
