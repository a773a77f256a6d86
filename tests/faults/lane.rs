//! One store with its root in the ensemble, the daemons on it, and the checker.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::time::{Instant, interval, timeout};
use zkdeck::adapters::blobs::{BlobConfig, BlobStore};
use zkdeck::adapters::history::{History, HistoryConfig};
use zkdeck::adapters::http;
use zkdeck::adapters::zookeeper::coord::{Coord, LinkState};
use zkdeck::adapters::zookeeper::registry::Registry;
use zkdeck::adapters::zookeeper::{ZkConfig, connect};
use zkdeck::domain::ids::NodeId;
use zkdeck::domain::invariants::{WorldView, between, check};
use zkdeck::domain::node::NodeRecord;
use zkdeck::engine::inspect::Inspection;

use crate::support::{eventually, free_ports, within};

pub const NODES: [&str; 3] = ["zk1", "zk2", "zk3"];
/// Longest time that a daemon takes to lead on a busy machine.
const LEAD_LIMIT: Duration = Duration::from_secs(300);
/// How long a picture may show violations before they are taken for real.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);
/// How long the checker itself may fail to see anything, on a machine that is too busy.
const LOOK_LIMIT: Duration = Duration::from_secs(300);

/// The line of the metrics of a daemon that leads.
pub const LEADS: &str = "zkdeck_leader 1";

/// One daemon on a lane's store.
pub struct Daemon {
    pub child: Child,
    pub url: String,
}

pub struct Lane {
    pub folder: PathBuf,
    _scratch: tempfile::TempDir,
    hosts: Vec<String>,
    root: String,
    pub daemons: Vec<Daemon>,
    registry: Option<Registry>,
    before: Option<WorldView>,
    client: Client,
    /// A part of history was lost on purpose, so rows are not judged.
    pub rows_lost: bool,
    settle: Duration,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Lane {
    /// A store of its own; `more` is added to its settings.
    pub fn new(hosts: &[String], more: &str) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self::at(hosts, &format!("/faults-{number}"), more)
    }

    /// A store with a given root.
    pub fn at(hosts: &[String], root: &str, more: &str) -> Self {
        Self::through(hosts, hosts, root, more)
    }

    /// A store whose daemons reach the servers by `proxies`, and the checker directly.
    pub fn behind(hosts: &[String], proxies: &[String]) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self::through(hosts, proxies, &format!("/faults-{number}"), "")
    }

    fn through(hosts: &[String], proxies: &[String], root: &str, more: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("store");
        std::fs::create_dir_all(&folder).unwrap();
        // On a machine that is too busy, shorter sessions expire by themselves.
        let session = std::env::var("ZKDECK_FAULT_SESSION").unwrap_or_else(|_| "2".to_owned());
        let text = format!(
            "[ensemble]\nservers = {proxies:?}\nmetrics = []\nroot = {root:?}\nsession_timeout_s = {session}\n\
             [workload]\nenabled = false\n[scrub]\nsizes_s = 1\nhashes_s = 5\n\
             [scheduler]\ninterval_s = 3600\ncool_down_s = 0\nthreshold = 2\n{more}\n"
        );
        let lane = Self {
            folder,
            _scratch: scratch,
            hosts: hosts.to_vec(),
            root: root.to_owned(),
            daemons: Vec::new(),
            registry: None,
            before: None,
            client: http::plain().timeout(Duration::from_secs(60)).build().unwrap(),
            rows_lost: false,
            settle: SETTLE_LIMIT,
        };
        std::fs::write(lane.folder.join("zkdeck.toml"), text).unwrap();
        lane
    }

    /// A lane whose violations are expected is not given as long to get over them.
    pub fn impatient(&mut self) {
        self.settle = Duration::from_secs(15);
    }

    pub fn orders(&self) -> PathBuf {
        self.folder.join("orders")
    }

    /// Arms the daemons: see `adapters::faults`.
    pub fn arm(&self, orders: &str) {
        let part = self.folder.join("orders.part");
        std::fs::write(&part, format!("{orders}\n")).unwrap();
        std::fs::rename(part, self.orders()).unwrap();
    }

    /// For a negative control: breaks the rule, and waits less long for what it keeps from happening.
    pub fn break_rule(&mut self, broken: Option<&str>) {
        if let Some(rule) = broken {
            self.arm(&format!("break {rule}"));
            self.impatient();
        }
    }

    pub fn disarm(&self) {
        _ = std::fs::remove_file(self.orders());
    }

    /// How often an order took effect.
    pub fn fired(&self, order: &str) -> usize {
        let text = std::fs::read_to_string(self.folder.join("orders.fired")).unwrap_or_default();
        text.lines().filter(|line| *line == order).count()
    }

    pub fn root(&self) -> &str {
        &self.root
    }

    pub fn database(&self) -> PathBuf {
        self.folder.join("data/zkdeck.db")
    }

    /// Corrupt files of history that were set aside.
    pub fn set_aside(&self) -> usize {
        let entries = std::fs::read_dir(self.folder.join("data")).into_iter().flatten().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("zkdeck.db.corrupt-")).count()
    }

    /// Operations that failed for want of room.
    pub async fn no_room(&self) -> usize {
        let page = self.get("/api/operations?status=failed&limit=200").await.unwrap_or(Value::Null);
        let rows = page["operations"].as_array().cloned().unwrap_or_default();
        let why = |row: &Value| row["why"].as_str().unwrap_or_default().to_owned();
        rows.iter().map(why).filter(|why| why.contains("no room") || why.contains("disk is full")).count()
    }

    /// Operations that began most of an hour from now, by the daemon's clock.
    pub async fn begun_ahead(&self) -> usize {
        let page = self.get("/api/operations?limit=200").await.unwrap_or(Value::Null);
        let rows = page["operations"].as_array().cloned().unwrap_or_default();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
        rows.iter().filter(|row| row["started"].as_u64().unwrap_or(0) > now + 3_000_000).count()
    }

    pub fn uploads(&self) -> PathBuf {
        self.folder.join("data/uploads")
    }

    /// Starts one more daemon.
    pub fn start(&mut self) {
        let listen = format!("127.0.0.1:{}", free_ports(1));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join("stderr.txt")).unwrap();
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(program())
            .args(["--daemon", "--listen", &listen])
            .env("ZKDECK_FAULTS", self.orders())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.daemons.push(Daemon { child, url: format!("http://{listen}") });
    }

    /// Starts a daemon and waits until it leads.
    pub async fn begin(&mut self) {
        self.start();
        self.leads(self.daemons.len() - 1).await;
    }

    /// Waits until a daemon leads and has seen all servers.
    pub async fn leads(&self, at: usize) {
        let known = |page: &str| {
            let counts = [LEADS, "zkdeck_session_connected 1", "zkdeck_ensemble_serving 3"];
            counts.into_iter().all(|line| has_line(page, line)) && page.contains("zkdeck_node_files{")
        };
        let leads = async || self.text(at, "/metrics").await.is_some_and(|page| known(&page)).then_some(());
        self.until(&format!("the daemon of {} leads", self.root), leads).await;
    }

    /// Waits until any daemon leads; which one.
    pub async fn leader(&self) -> usize {
        let leader = async || {
            for at in 0..self.daemons.len() {
                if self.counts(at, LEADS).await {
                    return Some(at);
                }
            }
            None
        };
        self.until("a daemon leads", leader).await
    }

    /// Says of each daemon how it stood when what is waited for has not come.
    async fn until<T>(&self, what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
        if let Some(answer) = within(LEAD_LIMIT, || ask()).await {
            return answer;
        }
        let mut stand = String::new();
        for at in 0..self.daemons.len() {
            stand += &self.stands(at).await;
        }
        panic!("{what}: not within {LEAD_LIMIT:?}; {stand}{}", self.stderr());
    }

    /// How a daemon stands, for a failure.
    async fn stands(&self, at: usize) -> String {
        let mut stand = String::new();
        for path in ["/readyz", "/api/ensemble", "/api/scheduler/diagnostics", "/metrics"] {
            let page = self.text(at, path).await.unwrap_or_else(|| "no answer".into());
            let told =
                |line: &&str| path != "/metrics" || ["zkdeck_l", "zkdeck_s"].iter().any(|name| line.starts_with(name));
            let lines: Vec<_> = page.lines().filter(told).collect();
            stand += &format!("daemon {at} {path}: {}\n", lines.join("\n"));
        }
        stand
    }

    pub fn signal(&self, at: usize, signal: Signal) {
        kill_process(Pid::from_child(&self.daemons[at].child), signal).unwrap();
    }

    /// Where each daemon listens.
    pub fn addresses(&self) -> Vec<String> {
        self.daemons.iter().map(|daemon| daemon.url.trim_start_matches("http://").to_owned()).collect()
    }

    /// What the ensemble says of a node.
    pub async fn node(&mut self, node: &str) -> NodeRecord {
        let (registry, node) = (self.registry().await, NodeId::new(node).unwrap());
        let read = async || registry.read_node(&node).await.ok().flatten();
        eventually("a node's record", LOOK_LIMIT, read).await.0
    }

    /// Lets go of a daemon that ends by itself; `false` when it lives on.
    pub async fn ends(&mut self, at: usize, limit: Duration) -> bool {
        let daemon = &mut self.daemons[at].child;
        let begun = Instant::now();
        let mut turns = interval(Duration::from_millis(20));
        while daemon.try_wait().unwrap().is_none() {
            turns.tick().await;
            if begun.elapsed() > limit {
                return false;
            }
        }
        self.daemons.remove(at);
        true
    }

    /// SIGKILL to one daemon.
    pub fn kill(&mut self, at: usize) {
        let mut daemon = self.daemons.remove(at);
        daemon.child.kill().unwrap();
        let status = daemon.child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "it had ended before: {status:?}");
    }

    /// Whether the only daemon has ended of itself. One that lives on is killed.
    pub fn ended(&mut self) -> bool {
        let mut daemon = self.daemons.remove(0);
        let ended = daemon.child.try_wait().unwrap().is_some_and(|status| status.signal().is_some());
        _ = daemon.child.kill();
        _ = daemon.child.wait();
        ended
    }

    /// Lets go of the daemons that have ended themselves by SIGKILL; whether there were any.
    pub fn bury(&mut self) -> bool {
        let before = self.daemons.len();
        self.daemons.retain_mut(|daemon| daemon.child.try_wait().unwrap().is_none());
        self.daemons.len() < before
    }

    /// Waits until the only daemon has ended itself by SIGKILL; `false` when it lives on.
    pub async fn died(&mut self, limit: Duration) -> bool {
        let begun = Instant::now();
        let mut turns = interval(Duration::from_millis(20));
        while begun.elapsed() < limit {
            turns.tick().await;
            if let Some(status) = self.daemons[0].child.try_wait().unwrap() {
                assert_eq!(status.signal(), Some(9), "it ended otherwise: {status:?}; {}", self.stderr());
                self.daemons.clear();
                return true;
            }
        }
        false
    }

    fn stderr(&self) -> String {
        std::fs::read_to_string(self.folder.join("stderr.txt")).unwrap_or_default()
    }

    pub async fn text(&self, at: usize, path: &str) -> Option<String> {
        let answer = self.client.get(format!("{}{path}", self.daemons.get(at)?.url)).timeout(Duration::from_secs(5));
        answer.send().await.ok()?.text().await.ok()
    }

    /// Whether a daemon's metrics have this line.
    pub async fn counts(&self, at: usize, line: &str) -> bool {
        self.text(at, "/metrics").await.is_some_and(|page| has_line(&page, line))
    }

    pub async fn get(&self, path: &str) -> Option<Value> {
        serde_json::from_str(&self.text(0, path).await?).ok()
    }

    /// A command to a daemon; `None` when it gave no answer.
    pub async fn call(&self, at: usize, method: Method, path: &str, body: &Value) -> Option<(StatusCode, Value)> {
        let url = format!("{}{path}", self.daemons.get(at)?.url);
        let request =
            self.client.request(method, url).header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.ok()?;
        let status = answer.status();
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    pub async fn post(&self, path: &str, body: &Value) -> Option<(StatusCode, Value)> {
        self.call(0, Method::POST, path, body).await
    }

    /// New files on one node, and a run of the scheduler after them when asked; whether all were made.
    pub async fn stress(&self, node: &str, files: u64, size_kb: u64, run: bool) -> bool {
        let body = json!({"node": node, "files": files, "size_kb": size_kb, "trigger_scheduler": run});
        let answer = self.post("/api/demo/stress", &body).await;
        answer.is_some_and(|(_, answer)| answer["files"].as_array().is_some_and(|made| made.len() as u64 == files))
    }

    pub async fn files(&self) -> Vec<Value> {
        let page = self.get("/api/files?limit=1000").await.unwrap_or(Value::Null);
        page["files"].as_array().cloned().unwrap_or_default()
    }

    /// Deletes files beyond `keep`.
    pub async fn trim(&self, keep: usize) {
        for file in self.files().await.into_iter().skip(keep) {
            let id = file["id"].as_str().unwrap_or_default();
            self.call(0, Method::DELETE, &format!("/api/files/{id}"), &json!({})).await;
        }
    }

    /// What is sick, in the words of `/readyz`.
    pub async fn alerts(&self) -> String {
        let answer = self.get("/readyz").await.unwrap_or(Value::Null);
        format!("{} {}", answer["missing"], answer["alerts"])
    }

    /// Waits until `/readyz` says something about `words`.
    pub async fn says(&self, words: &str, limit: Duration) -> bool {
        let begun = Instant::now();
        let mut turns = interval(Duration::from_millis(100));
        while begun.elapsed() < limit {
            turns.tick().await;
            if self.alerts().await.contains(words) {
                return true;
            }
        }
        false
    }

    async fn registry(&mut self) -> Registry {
        if let Some(registry) = &self.registry
            && registry.coord().state() == LinkState::Connected
        {
            return registry.clone();
        }
        let config = ZkConfig {
            hosts: self.hosts.clone(),
            root: self.root.clone(),
            session_timeout: Duration::from_secs(8),
            ..ZkConfig::default()
        };
        let registry = eventually("the checker's session", LEAD_LIMIT, || async {
            let coord: std::sync::Arc<dyn Coord> = std::sync::Arc::new(connect(&config).await.ok()?);
            Registry::open(coord, &config).await.ok()
        })
        .await;
        self.registry = Some(registry.clone());
        registry
    }

    /// What another client changes, there and back, and the first daemon does not soon see: empty when its
    /// watch lives.
    pub async fn unseen(&mut self) -> Vec<String> {
        for (paused, line) in [(true, "zkdeck_scheduler_paused 1"), (false, "zkdeck_scheduler_paused 0")] {
            // The server of the other client may be the one that another lane has stopped.
            let (begun, mut turns) = (Instant::now(), interval(Duration::from_millis(500)));
            while let Err(error) = self.registry().await.pause_scheduler(paused).await {
                turns.tick().await;
                if begun.elapsed() > LEAD_LIMIT {
                    return vec![format!("another client cannot change it: {error}")];
                }
            }
            let seen = within(SETTLE_LIMIT, async || self.counts(0, line).await.then_some(())).await;
            if seen.is_none() {
                return vec![format!("not within {SETTLE_LIMIT:?}: {line}; {}", self.stands(0).await)];
            }
        }
        Vec::new()
    }

    /// What the checker saw before counts no more: the records are about to go back in time.
    pub fn forget(&mut self) {
        self.before = None;
        self.rows_lost = true;
    }

    /// The hash of every file's bytes, by its record.
    pub async fn recorded(&mut self) -> BTreeSet<String> {
        let picture = self.look().await;
        picture.files.iter().map(|entry| entry.record.blake3.to_string()).collect()
    }

    /// The hash of all bytes on disk, wherever they lie.
    pub async fn stored(&mut self) -> BTreeSet<String> {
        let picture = self.look().await;
        picture.stored.into_iter().flatten().filter_map(|one| Some(one.blake3?.to_string())).collect()
    }

    /// Records, intents, bytes and rows as they are now.
    pub async fn look(&mut self) -> WorldView {
        let begun = Instant::now();
        loop {
            match self.picture().await {
                Ok(picture) => return picture,
                Err(error) => assert!(begun.elapsed() < LOOK_LIMIT, "{error}"),
            }
        }
    }

    /// `zkdeck doctor --adopt --yes`; whether it made a record of all that is in quarantine.
    pub fn adopt(&self) -> bool {
        let doctor = Command::new(program()).args(["doctor", "--adopt", "--yes"]).current_dir(&self.folder).output();
        let doctor = doctor.unwrap();
        let text = String::from_utf8_lossy(&doctor.stdout).into_owned() + &String::from_utf8_lossy(&doctor.stderr);
        if !doctor.status.success() {
            println!("  doctor --adopt: {text}");
        }
        doctor.status.success()
    }

    /// What `zkdeck doctor` says.
    pub fn doctor(&self) -> String {
        let doctor = Command::new(program()).args(["doctor", "--hashes"]).current_dir(&self.folder).output();
        String::from_utf8_lossy(&doctor.unwrap().stdout).into_owned()
    }

    async fn picture(&mut self) -> Result<WorldView, String> {
        let registry = self.registry().await;
        let nodes: Vec<NodeId> = NODES.iter().map(|node| NodeId::new(node).unwrap()).collect();
        let data = self.folder.join("data");
        let blobs =
            BlobStore::open(BlobConfig::new(data.join("uploads")), &nodes).map_err(|error| error.to_string())?;
        let config = HistoryConfig {
            path: data.join("zkdeck.db"),
            ndjson_dir: self.folder.join("logs/backend"),
            any_filesystem: true,
        };
        let history =
            if self.rows_lost { None } else { Some(History::open(config).map_err(|error| error.to_string())?) };
        let inspection = Inspection { registry, blobs: Some(blobs), history, nodes, since: None, hashes: true };
        let picture = timeout(Duration::from_secs(60), inspection.picture()).await;
        picture.map_err(|_| "no picture within a minute".to_owned())?.map_err(|error| error.to_string())
    }

    /// Waits until nothing is under way, then judges I1 to I9. What is wrong only for a while is not
    /// wrong: bytes may still be on their way to trash or quarantine.
    pub async fn check(&mut self) -> Vec<String> {
        let begun = Instant::now();
        let mut turns = interval(Duration::from_millis(250));
        loop {
            turns.tick().await;
            let found = match self.picture().await {
                Ok(picture) => {
                    let mut wrong: Vec<String> = check(&picture).iter().map(ToString::to_string).collect();
                    if let Some(before) = &self.before {
                        wrong.extend(between(before, &picture).iter().map(ToString::to_string));
                    }
                    wrong.extend(picture.intents.iter().map(|(attempt, _)| format!("intent {attempt} is left")));
                    if wrong.is_empty() {
                        self.before = Some(picture);
                        return wrong;
                    }
                    wrong
                }
                // Nothing is known then, which is no violation yet.
                Err(_) if begun.elapsed() < LOOK_LIMIT => continue,
                Err(error) => vec![error],
            };
            if begun.elapsed() > self.settle {
                return found;
            }
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        for daemon in &mut self.daemons {
            _ = daemon.child.kill();
            _ = daemon.child.wait();
        }
        // Whatever a class has mounted in the folder.
        for node in NODES {
            unmount(&self.uploads().join(node));
        }
        unmount(&self.folder);
    }
}

/// The program under test; a long campaign is given a copy, so that a build meanwhile does not change it.
fn program() -> PathBuf {
    std::env::var_os("ZKDECK_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_zkdeck").into(), PathBuf::from)
}

/// Unmounts a folder that is a mount.
pub fn unmount(folder: &Path) {
    let mounted = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let name = folder.to_string_lossy();
    if mounted.lines().any(|line| line.split(' ').nth(1) == Some(&*name)) {
        _ = Command::new("umount").arg("-l").arg(folder).status();
    }
}

fn has_line(page: &str, line: &str) -> bool {
    page.lines().any(|found| found == line)
}
