//! `zkdeck doctor` beside three real servers, by the built binary: it changes nothing, and tells what is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::support::{self, Deck, eventually};
use serde_json::Value;
use zkdeck::adapters::control::process::{LocalConfig, LocalEnsemble};
use zkdeck::adapters::http;
use zkdeck::adapters::zookeeper::{Coord, RealCoord, ZkConfig, connect};
use zookeeper_client::{Acls, Client, CreateMode};

/// Nothing happens on its own, and what no record names goes to quarantine at once.
const QUIET: &str = "[workload]\nenabled = false\n[scheduler]\ninterval_s = 3600\n[scrub]\nsizes_s = 1\n";

struct Bench {
    ensemble: LocalEnsemble,
    hosts: String,
    /// Where zkdeck and its doctor run.
    folder: tempfile::TempDir,
    _servers: tempfile::TempDir,
}

impl Bench {
    async fn start(jars: PathBuf) -> Self {
        let servers = tempfile::tempdir().unwrap();
        let mut config = LocalConfig::new(servers.path().join("data/local"), servers.path().join("logs")).unwrap();
        config.search.zookeeper_home = None;
        config.search.jars = Some(jars);
        config.program = env!("CARGO_BIN_EXE_zkdeck").into();
        for node in &mut config.nodes {
            let first = support::free_ports(4);
            [node.client_port, node.metrics_port, node.quorum_port, node.election_port] =
                [0, 1, 2, 3].map(|n| first + n);
        }
        let hosts: Vec<_> = config.nodes.iter().map(|node| format!("127.0.0.1:{}", node.client_port)).collect();
        let ensemble = LocalEnsemble::open(config).unwrap();
        ensemble.start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self { ensemble, hosts: hosts.join(","), folder, _servers: servers }
    }

    async fn session(&self) -> RealCoord {
        let hosts = self.hosts.split(',').map(str::to_owned).collect();
        let config = ZkConfig { hosts, ..ZkConfig::default() };
        eventually("a quorum", Duration::from_secs(90), || async { connect(&config).await.ok() }).await
    }

    /// A daemon on the servers, once it takes files.
    async fn deck(&self) -> Deck {
        let deck = Deck::daemon(self.folder.path(), &["--zk", &self.hosts]);
        let ready = format!("{}/readyz", deck.url);
        eventually("a daemon that is ready", Duration::from_secs(60), || async {
            let answer = http::plain().build().unwrap().get(&ready).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        deck
    }

    /// What doctor finds, by check.
    fn doctor(&self, root: &str) -> Vec<Finding> {
        self.doctor_in(self.folder.path(), root)
    }

    fn doctor_in(&self, folder: &Path, root: &str) -> Vec<Finding> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zkdeck"));
        command.args(["doctor", "--json", "--zk", &self.hosts]).env("ZKDECK_ROOT", root);
        let output = command.current_dir(folder).output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let one = |one: &Value| Finding {
            check: text(&one["check"]),
            status: text(&one["status"]),
            message: text(&one["message"]),
            fix: text(&one["fix"]),
        };
        found.as_array().unwrap().iter().map(one).collect()
    }
}

#[derive(Debug)]
struct Finding {
    check: String,
    status: String,
    message: String,
    fix: String,
}

fn of<'a>(found: &'a [Finding], check: &str, part: &str) -> &'a Finding {
    let one = found.iter().find(|one| one.check == check && one.message.contains(part));
    one.unwrap_or_else(|| panic!("no finding of {check} with {part:?}: {found:#?}"))
}

/// Every file and folder with its size and the time of its last change.
fn tree(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let meta = std::fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            found.extend(tree(&path));
        }
        found.insert(path, (meta.len(), meta.modified().unwrap()));
    }
    found
}

/// Every znode below `/` with its data and version, but for the servers' own.
async fn znodes(coord: &RealCoord) -> BTreeMap<String, (Vec<u8>, i32)> {
    let (mut found, mut left) = (BTreeMap::new(), vec![String::new()]);
    while let Some(path) = left.pop() {
        let name = if path.is_empty() { "/" } else { &path };
        let children = coord.children(name).await.unwrap().unwrap_or_default();
        left.extend(children.iter().map(|child| format!("{path}/{child}")).filter(|path| path != "/zookeeper"));
        found.insert(path.clone(), coord.get(name).await.unwrap().unwrap());
    }
    found
}

async fn remove(coord: &RealCoord, root: &str) {
    let all = znodes(coord).await;
    for path in all.keys().rev().filter(|path| *path == root || path.starts_with(&format!("{root}/"))) {
        coord.delete(path, None).await.unwrap();
    }
}

/// The ensemble has a store, and this is another folder: it stays as empty as it is, but for history and log.
async fn watches_from_an_empty_folder(bench: &Bench) {
    for watches in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let flags = ["--zk", &bench.hosts, "--read-only"];
        let deck = Deck::daemon(folder.path(), &flags[..if watches { 3 } else { 2 }]);
        // Who only watches is not alarmed.
        let (page, words) = match watches {
            true => ("metrics", "zkdeck_store_foreign 1"),
            false => ("readyz", ", and the ensemble's store"),
        };
        let page = format!("{}/{page}", deck.url);
        eventually("the folder is told to be none of the ensemble's", Duration::from_secs(60), || async {
            let text = http::plain().build().unwrap().get(&page).send().await.ok()?.text().await.ok()?;
            text.contains(words).then_some(())
        })
        .await;
        assert_eq!(deck.terminate().1, Some(0));
        let made: Vec<_> = tree(folder.path()).into_keys().collect();
        assert!(!made.iter().any(|path| path.to_string_lossy().contains(".store-")), "{made:?}");
        let ours = |path: &PathBuf| ["uploads", "zk1"].iter().any(|part| path.ends_with(part));
        assert!(!watches || !made.iter().any(ours), "{made:?}");
        let found = bench.doctor_in(folder.path(), "/demo");
        assert_eq!(found.iter().filter(|one| one.check == "store").count(), 1, "{found:#?}");
        assert_eq!(of(&found, "store", ", and the ensemble's store").status, "warn");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_changes_nothing_and_tells_what_is() {
    let jars = support::jars();
    let bench = Bench::start(jars).await;
    let coord = bench.session().await;

    // A folder and an ensemble in which nothing was ever made.
    let znodes_before = znodes(&coord).await;
    let found = bench.doctor("/demo");
    assert_eq!(tree(bench.folder.path()), BTreeMap::new(), "doctor made something in an empty folder");
    assert_eq!(znodes(&coord).await, znodes_before, "doctor made znodes");
    of(&found, "store", "neither folder nor ensemble has a store yet");
    // The servers hold their ports, and nobody is told to end them.
    assert!(of(&found, "ports", "free").message.contains("3 held by the ensemble's servers"), "{found:#?}");
    assert!(!found.iter().any(|one| one.message.contains("clients of")), "{found:#?}");

    // A store with a file in it, after a clean end.
    std::fs::write(bench.folder.path().join("zkdeck.toml"), QUIET).unwrap();
    let deck = bench.deck().await;
    let sent = http::plain().build().unwrap().post(format!("{}/api/files?name=a.txt", deck.url)).body("hello").send();
    assert!(sent.await.unwrap().status().is_success());
    assert_eq!(deck.terminate().1, Some(0));
    let (tree_before, znodes_before) = (tree(bench.folder.path()), znodes(&coord).await);
    let found = bench.doctor("/demo");
    assert_eq!(tree(bench.folder.path()), tree_before, "doctor changed the folder");
    assert_eq!(znodes(&coord).await, znodes_before, "doctor changed the records");
    for (check, part) in [("store", "belong together"), ("store", "agree"), ("history", "1 row,")] {
        assert_eq!(of(&found, check, part).status, "ok");
    }

    // `docker compose down -v`: the records go, the folder stays; a new ensemble begins in it, once asked for.
    remove(&coord, "/demo").await;
    let found = bench.doctor("/demo");
    let unclaimed = of(&found, "store", "holds 1 file and the ensemble has no store");
    assert!(unclaimed.status == "fail" && unclaimed.fix.contains("zkdeck doctor --adopt"), "{unclaimed:?}");
    assert_eq!(found.iter().filter(|one| one.check == "store").count(), 1, "{found:#?}");
    let mut claim = Command::new(env!("CARGO_BIN_EXE_zkdeck"));
    claim.args(["doctor", "--adopt", "--yes", "--zk", &bench.hosts]).current_dir(bench.folder.path());
    let claimed = claim.output().unwrap();
    assert!(claimed.status.success(), "{claimed:?}");
    let deck = bench.deck().await;
    let quarantine = bench.folder.path().join("data/quarantine/");
    let kept = || async { quarantine.read_dir().ok()?.any(|node| node.is_ok()).then_some(()) };
    eventually("the old file in quarantine", Duration::from_secs(60), kept).await;
    assert_eq!(deck.terminate().1, Some(0));
    let found = bench.doctor("/demo");
    let failed =
        |one: &&Finding| ["store", "history", "quarantine"].contains(&one.check.as_str()) && one.status == "fail";
    assert!(!found.iter().any(|one| failed(&one)), "{found:#?}");
    let line = of(&found, "quarantine", "history has 1 row of an earlier ensemble");
    assert!(line.status == "warn" && line.fix.starts_with("rm -r data/quarantine"), "{line:?}");

    let adopted = claim.output().unwrap();
    assert!(String::from_utf8_lossy(&adopted.stdout).contains("1 adopted, 0 left"), "{adopted:?}");
    let found = bench.doctor("/demo");
    assert!(!found.iter().any(|one| failed(&one)), "{found:#?}");
    watches_from_an_empty_folder(&bench).await;

    // A root that zkdeck may not make.
    let client = Client::connect(&bench.hosts).await.unwrap();
    client.create("/closed", b"", &CreateMode::Persistent.with_acls(Acls::anyone_read())).await.unwrap();
    let found = bench.doctor("/closed/demo");
    let denied = of(&found, "store", "access denied: zkdeck may not create znodes below /closed");
    assert!(denied.status == "fail" && denied.fix.contains("setAcl /closed/demo world:anyone:cdrwa"), "{denied:?}");

    coord.close().await;
    bench.ensemble.stop().await;
}
