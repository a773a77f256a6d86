//! The embedded ensemble with three real ZooKeeper servers, by the built binary's hidden sub-command.

use std::future::Future;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};
use zkdeck::adapters::control::process::{LocalConfig, LocalEnsemble, News};
use zkdeck::adapters::control::{ControlError, ServerControl};
use zkdeck::domain::command::ServerAction;
use zkdeck::domain::ids::NodeId;
use zkdeck::domain::server::{HostState, HostView};
use zkdeck::domain::snapshot::Level;

use crate::support::jars;

/// Three JVMs on a machine that may be busy with other tests.
const QUORUM_LIMIT: Duration = Duration::from_secs(180);
const EFFECT_LIMIT: Duration = Duration::from_secs(60);
/// Set for [`owner_of_another_process`] only: the folder, and the ports with blanks between.
const OWNER_FOLDER: &str = "ZKDECK_TEST_OWNER_FOLDER";
const OWNER_PORTS: &str = "ZKDECK_TEST_OWNER_PORTS";

/// Twelve free ports.
fn free_ports() -> Vec<u16> {
    let first = crate::support::free_ports(12);
    (first..first + 12).collect()
}

fn config(folder: &Path, jars: PathBuf, ports: &[u16]) -> LocalConfig {
    let mut config = LocalConfig::new(folder.join("data/local"), folder.join("logs")).unwrap();
    config.search.zookeeper_home = None;
    config.search.jars = Some(jars);
    config.program = env!("CARGO_BIN_EXE_zkdeck").into();
    for (node, four) in config.nodes.iter_mut().zip(ports.chunks(4)) {
        [node.client_port, node.metrics_port, node.quorum_port, node.election_port] = four.try_into().unwrap();
    }
    config
}

fn node(n: usize) -> NodeId {
    NodeId::new(&format!("zk{n}")).unwrap()
}

/// Tries until `probe` answers; fails after `limit` with what was waited for.
async fn eventually<T, F: Future<Output = Option<T>>>(limit: Duration, what: &str, mut probe: impl FnMut() -> F) -> T {
    let mut turns = interval(Duration::from_millis(100));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let tries = async {
        loop {
            turns.tick().await;
            if let Some(answer) = probe().await {
                return answer;
            }
        }
    };
    timeout(limit, tries).await.unwrap_or_else(|_| panic!("not seen within {limit:?}: {what}"))
}

/// The reply to one request on a connection of its own; `None` when there is none within a second.
async fn ask(port: u16, request: &[u8]) -> Option<String> {
    let exchange = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
        stream.write_all(request).await.ok()?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.ok()?;
        Some(reply)
    };
    timeout(Duration::from_secs(1), exchange).await.ok()?
}

async fn mode(port: u16) -> Option<String> {
    let reply = ask(port, b"srvr").await?;
    reply.lines().find_map(|line| line.strip_prefix("Mode: ")).map(str::to_owned)
}

/// Waits until all servers serve, one of them as leader; answers with its index.
async fn quorum(config: &LocalConfig) -> usize {
    let all = || async {
        let mut modes = Vec::new();
        for node in &config.nodes {
            modes.push(mode(node.client_port).await?);
        }
        let leaders: Vec<_> = (0..modes.len()).filter(|i| modes[*i] == "leader").collect();
        let followers = modes.iter().filter(|mode| *mode == "follower").count();
        (leaders.len() == 1 && followers == 2).then(|| leaders[0])
    };
    eventually(QUORUM_LIMIT, "one leader and two followers", all).await
}

async fn host(ensemble: &LocalEnsemble, id: &NodeId) -> HostView {
    let hosts = ensemble.hosts().await;
    hosts.into_iter().find(|(node, _)| node == id).and_then(|(_, view)| view).expect("the keeper answers")
}

fn pid(view: &HostView) -> u32 {
    view.name.strip_prefix("process ").unwrap().parse().unwrap()
}

async fn pids(ensemble: &LocalEnsemble) -> Vec<u32> {
    ensemble.hosts().await.iter().map(|(_, view)| pid(view.as_ref().unwrap())).collect()
}

/// Whether a process of this number exists and has threads: a zombie whose threads end still has its ports.
fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some((_, rest)) = stat.rsplit_once(") ") else { return false };
    let fields: Vec<_> = rest.split(' ').collect();
    !(fields[0] == "X" || fields[0] == "Z" && fields[17] == "1")
}

async fn all_gone(pids: &[u32]) {
    let gone = || async { (!pids.iter().any(|pid| lives(*pid))).then_some(()) };
    eventually(EFFECT_LIMIT, "no server process is left", gone).await;
}

#[tokio::test]
async fn three_servers_live_pause_stop_and_end() {
    let jars = jars();
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), jars, &free_ports());
    let ensemble = LocalEnsemble::open(config.clone()).unwrap();
    assert!(ensemble.owns());
    ensemble.start().await.unwrap();
    let leader = quorum(&config).await;
    let page = || ask(config.nodes[0].metrics_port, b"GET /metrics HTTP/1.0\r\n\r\n");
    let metrics = eventually(EFFECT_LIMIT, "a page of metrics", page).await;
    assert!(metrics.contains("znode_count"), "{metrics}");

    pause_and_resume(&ensemble, &config, (leader + 1) % 3).await;
    stop_and_start(&ensemble, &config, (leader + 2) % 3).await;
    a_killed_server_is_started_again(&ensemble, &config).await;
    attached_one_acts_and_takes_over(ensemble, &config).await;

    for n in 1..=3 {
        let log = std::fs::read_to_string(folder.path().join(format!("logs/zk{n}/zookeeper.log"))).unwrap();
        assert!(log.contains(&format!("[myid:{n}] - INFO")), "the log of zk{n} has another form: {log:.300}");
    }
}

async fn pause_and_resume(ensemble: &LocalEnsemble, config: &LocalConfig, i: usize) {
    let (id, port) = (node(i + 1), config.nodes[i].client_port);
    ensemble.act(&id, ServerAction::Pause).await.unwrap();
    assert_eq!(host(ensemble, &id).await.state, HostState::Paused);
    assert_eq!(mode(port).await, None, "a paused server answers");
    let again = ensemble.act(&id, ServerAction::Pause).await.unwrap_err();
    assert!(matches!(again, ControlError::AlreadySo { .. }), "{again}");
    ensemble.act(&id, ServerAction::Resume).await.unwrap();
    assert_eq!(host(ensemble, &id).await.state, HostState::Running);
    eventually(EFFECT_LIMIT, "the resumed server answers", || mode(port)).await;
}

async fn stop_and_start(ensemble: &LocalEnsemble, config: &LocalConfig, i: usize) {
    let id = node(i + 1);
    // Paused first: a stop must not wait for a server that cannot take the signal.
    ensemble.act(&id, ServerAction::Pause).await.unwrap();
    let before = pid(&host(ensemble, &id).await);
    ensemble.act(&id, ServerAction::Stop).await.unwrap();
    let view = host(ensemble, &id).await;
    assert_eq!((view.state, view.detail.as_deref()), (HostState::Stopped, Some("stopped on request")));
    assert!(!lives(before));
    assert_eq!(ensemble.tick().await, Vec::<News>::new(), "what was asked for is no news");
    ensemble.act(&id, ServerAction::Start).await.unwrap();
    let started = pid(&host(ensemble, &id).await);
    assert_ne!(started, before);
    quorum(config).await;
    ensemble.act(&id, ServerAction::Restart).await.unwrap();
    assert_ne!(pid(&host(ensemble, &id).await), started, "a restart makes a new process");
    quorum(config).await;
}

async fn a_killed_server_is_started_again(ensemble: &LocalEnsemble, config: &LocalConfig) {
    let id = node(1);
    let before = pid(&host(ensemble, &id).await);
    kill(before);
    let news = eventually(EFFECT_LIMIT, "news of the end", || async { ensemble.tick().await.pop() }).await;
    assert_eq!(news.text, "zk1 has ended: killed by SIGKILL; it is started again automatically in 1 s");
    let view = host(ensemble, &id).await;
    let told = "has ended (killed by SIGKILL) and is started again automatically 1 s later";
    assert_eq!((view.state, view.detail.as_deref()), (HostState::Starting, Some(told)));
    let news = eventually(EFFECT_LIMIT, "news of the start", || async { ensemble.tick().await.pop() }).await;
    let after = pid(&host(ensemble, &id).await);
    assert_ne!(after, before);
    assert_eq!(news.text, format!("zk1 is started again automatically, as process {after}"));
    quorum(config).await;
}

async fn attached_one_acts_and_takes_over(owner: LocalEnsemble, config: &LocalConfig) {
    let attached = LocalEnsemble::open(config.clone()).unwrap();
    assert!(!attached.owns());
    attached.start().await.unwrap();
    assert_eq!(pids(&attached).await, pids(&owner).await);
    let id = node(2);
    attached.act(&id, ServerAction::Pause).await.unwrap();
    assert_eq!(host(&owner, &id).await.state, HostState::Paused);
    attached.act(&id, ServerAction::Resume).await.unwrap();
    attached.act(&id, ServerAction::Stop).await.unwrap();
    let view = host(&owner, &id).await;
    assert_eq!((view.state, view.detail.as_deref()), (HostState::Stopped, Some("stopped on request")));
    assert_eq!(owner.tick().await, Vec::<News>::new(), "the owner starts nothing that another instance stopped");
    assert_eq!(host(&attached, &id).await, host(&owner, &id).await, "one state for all");
    let mut turns = interval(Duration::from_millis(100));
    let ticks = async {
        loop {
            turns.tick().await;
            owner.tick().await;
        }
    };
    tokio::select! {
        result = attached.act(&id, ServerAction::Start) => result.unwrap(),
        () = ticks => {}
    }
    let before = pids(&owner).await;
    assert_eq!(pids(&attached).await, before);

    attached.tick().await;
    assert!(!attached.owns(), "the owner lives");
    attached.act(&id, ServerAction::Stop).await.unwrap();
    owner.stop().await;
    all_gone(&before).await;
    assert!(matches!(owner.act(&id, ServerAction::Start).await, Err(ControlError::Closed { .. })));
    let news = eventually(EFFECT_LIMIT, "the attached one owns", || async { attached.tick().await.pop() }).await;
    assert!(attached.owns(), "{news:?}");
    eventually(EFFECT_LIMIT, "the others are started", || async {
        (host(&attached, &node(1)).await.state == HostState::Running).then_some(())
    })
    .await;
    assert_eq!(host(&attached, &id).await.state, HostState::Stopped, "what was stopped stays so");
    attached.act(&id, ServerAction::Start).await.unwrap();
    quorum(config).await;
    let after = pids(&attached).await;
    assert!(after.iter().all(|pid| !before.contains(pid)));
    attached.stop().await;
    all_gone(&after).await;
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// The process that [`nothing_outlives_a_killed_owner`] kills.
#[tokio::test]
#[ignore = "the process that the tests beside it start and kill"]
async fn owner_of_another_process() {
    let (folder, ports) = (std::env::var_os(OWNER_FOLDER).unwrap(), std::env::var(OWNER_PORTS).unwrap());
    let ports: Vec<u16> = ports.split(' ').map(|port| port.parse().unwrap()).collect();
    let ensemble = LocalEnsemble::open(config(Path::new(&folder), jars(), &ports)).unwrap();
    ensemble.start().await.unwrap();
    println!("\nOWNER STARTED");
    // Until it is killed, or the test that wants it has gone.
    drop(std::io::stdin().read(&mut [0]));
}

/// Kills its process when dropped, so that a failed test leaves none.
struct Owner(Child);

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn spawn_owner(folder: &Path, ports: &[u16]) -> Owner {
    let ports = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(" ");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "--ignored", "local_ensemble::owner_of_another_process", "--nocapture"]);
    command.env(OWNER_FOLDER, folder).env(OWNER_PORTS, ports).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut owner = Owner(command.spawn().unwrap());
    let lines = BufReader::new(owner.0.stdout.take().unwrap()).lines();
    let (tell, told) = mpsc::channel();
    let read = move || lines.map_while(Result::ok).any(|line| line == "OWNER STARTED" && tell.send(()).is_ok());
    let reader = std::thread::Builder::new().spawn(read).unwrap();
    told.recv_timeout(QUORUM_LIMIT).expect("the owner starts its servers");
    assert!(reader.join().unwrap());
    owner
}

#[tokio::test]
async fn nothing_outlives_a_killed_owner() {
    let jars = jars();
    let folder = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let config = config(folder.path(), jars, &ports);
    let mut owner = spawn_owner(folder.path(), &ports);
    let attached = LocalEnsemble::open(config.clone()).unwrap();
    assert!(!attached.owns());
    quorum(&config).await;
    // A paused one must die as well.
    attached.act(&node(3), ServerAction::Pause).await.unwrap();
    let before = pids(&attached).await;
    assert!(before.iter().all(|pid| lives(*pid)), "the servers are seen alive first");
    owner.0.kill().unwrap();
    owner.0.wait().unwrap();
    all_gone(&before).await;
    assert_eq!(host(&attached, &node(1)).await.state, HostState::Stopped);
    attached.stop().await;

    let next = LocalEnsemble::open(config.clone()).unwrap();
    assert!(next.owns());
    next.start().await.unwrap();
    quorum(&config).await;
    let after = pids(&next).await;
    drop(next);
    all_gone(&after).await;
}

#[tokio::test]
async fn a_taken_port_and_missing_jars_are_told_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let jars = folder.path().join("jars");
    let mut config = config(folder.path(), jars.clone(), &free_ports());
    let ensemble = LocalEnsemble::open(config.clone()).unwrap();
    let error = ensemble.start().await.unwrap_err().to_string();
    assert!(error.contains("holds none") && error.contains("Type: scripts/run"), "{error}");
    std::fs::create_dir(&jars).unwrap();
    std::fs::write(jars.join("zookeeper-3.9.4.jar"), "").unwrap();
    let port = config.nodes[1].client_port;
    let _held = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    let error = ensemble.start().await.unwrap_err().to_string();
    let expected = format!("port {port} (clients of zk2) is taken by process {} (", std::process::id());
    assert!(error.contains(&expected), "{error}");
    assert_eq!(host(&ensemble, &node(1)).await.state, HostState::Missing);

    config.nodes[0].client_port = 1;
    let other = LocalEnsemble::open(config).unwrap_err().to_string();
    assert!(other.contains("has other ports than asked for"), "{other}");
}

/// A configuration whose Java is a shell script, for ends that a real server does not come to by itself.
fn scripted(folder: &Path, script: &str) -> LocalConfig {
    let java = folder.join("jdk/bin/java");
    std::fs::create_dir_all(java.parent().unwrap()).unwrap();
    std::fs::write(&java, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&java, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(folder.join("jdk/release"), "JAVA_VERSION=\"17.0.1\"\n").unwrap();
    let jars = folder.join("jars");
    std::fs::create_dir(&jars).unwrap();
    std::fs::write(jars.join("zookeeper-3.9.4.jar"), "").unwrap();
    let mut config = config(folder, jars, &free_ports());
    config.search.java = Some(java);
    config.stop_limit = Duration::from_millis(300);
    config
}

#[tokio::test]
async fn a_server_that_fails_tells_its_status_and_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let config = scripted(folder.path(), "echo first; echo 'Error: no memory' >&2; exit 3");
    let ensemble = LocalEnsemble::open(config).unwrap();
    ensemble.start().await.unwrap();
    told(&ensemble, "zk3 has ended: exit status 3; it said: Error: no memory; it is started again").await;
    let grave = told(&ensemble, "zk3 ends again and again, 3 times in a row").await;
    assert_eq!(grave.level, Level::Error);
    assert!(grave.text.contains("Error: no memory") && grave.text.contains("logs/zk3/zookeeper.log"), "{}", grave.text);
    ensemble.act(&node(3), ServerAction::Stop).await.unwrap();
    let view = host(&ensemble, &node(3)).await;
    assert_eq!(view.state, HostState::Stopped, "a stop ends the tries");
    assert_eq!(view.detail.as_deref(), Some("exit status 3; it said: Error: no memory"));
}

/// Whoever owns the folder can use it the next time, although root has tried it.
#[tokio::test]
async fn what_a_failed_start_of_root_leaves_belongs_to_the_folders_owner() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: what root leaves behind: only root can make what is another's");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(folder.path(), Some(4711), Some(4712)).unwrap();
    let config = scripted(folder.path(), "mkdir -p version-2; echo x >version-2/log.1; echo 'no memory' >&2; exit 3");
    let held = TcpListener::bind((Ipv4Addr::LOCALHOST, config.nodes[1].client_port)).unwrap();
    let ensemble = LocalEnsemble::open(config).unwrap();
    assert!(ensemble.start().await.unwrap_err().to_string().contains("is taken"));
    let made = all_of_one_owner(folder.path());
    for name in ["data/local/owner.lock", "data/local/zk3/zoo.cfg", "data/local/zk3/myid", "logs/zk3"] {
        assert!(made.contains(&folder.path().join(name)), "{name} is not there: {made:?}");
    }
    drop(held);
    ensemble.start().await.unwrap();
    told(&ensemble, "zk3 has ended: exit status 3; it said: no memory").await;
    ensemble.stop().await;
    let made = all_of_one_owner(folder.path());
    for name in ["logs/zk3/zookeeper.out", "logs/zk3/version-2/log.1"] {
        assert!(made.contains(&folder.path().join(name)), "{name} is not there: {made:?}");
    }
}

/// All that zkdeck and its servers have made in a folder of user 4711.
fn all_of_one_owner(folder: &Path) -> Vec<PathBuf> {
    let (mut left, mut made) = (vec![folder.join("data"), folder.join("logs")], Vec::new());
    while let Some(path) = left.pop() {
        let of = std::fs::symlink_metadata(&path).unwrap();
        assert_eq!((of.uid(), of.gid()), (4711, 4712), "{}", path.display());
        if of.is_dir() {
            left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        made.push(path);
    }
    made
}

/// Waits for news that begin so.
async fn told(ensemble: &LocalEnsemble, start: &str) -> News {
    let mut all = Vec::new();
    let mut turns = interval(Duration::from_millis(20));
    let found = async {
        loop {
            turns.tick().await;
            all.extend(ensemble.tick().await);
            if let Some(news) = all.iter().find(|news: &&News| news.text.starts_with(start)) {
                return news.clone();
            }
        }
    };
    let found = timeout(EFFECT_LIMIT, found).await;
    found.unwrap_or_else(|_| panic!("not told: {start}"))
}

#[tokio::test]
async fn servers_get_none_of_the_secrets_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let ensemble = LocalEnsemble::open(scripted(folder.path(), "env; exec sleep 600")).unwrap();
    ensemble.start().await.unwrap();
    let out = folder.path().join("logs/zk1/zookeeper.out");
    let whole = || async { std::fs::read_to_string(&out).ok().filter(|text| text.contains("LC_ALL=")) };
    let text = eventually(EFFECT_LIMIT, "the server's environment", whole).await;
    let given = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "JAVA_HOME", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"];
    let shells = ["TZ", "LC_ALL", "PWD", "OLDPWD", "SHLVL", "_"];
    for line in text.lines() {
        let name = line.split('=').next().unwrap();
        assert!(given.contains(&name) || shells.contains(&name), "the server got {line}");
    }
    ensemble.stop().await;
}

#[tokio::test]
async fn a_server_deaf_to_sigterm_is_killed_when_its_time_is_up() {
    let folder = tempfile::tempdir().unwrap();
    let ensemble = LocalEnsemble::open(scripted(folder.path(), "trap '' TERM; echo deaf; exec sleep 600")).unwrap();
    ensemble.start().await.unwrap();
    let before = pids(&ensemble).await;
    for n in 1..=3 {
        let out = folder.path().join(format!("logs/zk{n}/zookeeper.out"));
        let deaf = || async { std::fs::read_to_string(&out).is_ok_and(|text| text == "deaf\n").then_some(()) };
        eventually(EFFECT_LIMIT, "the script ignores SIGTERM", deaf).await;
    }
    ensemble.act(&node(2), ServerAction::Stop).await.unwrap();
    assert!(!lives(before[1]) && lives(before[0]) && lives(before[2]), "one is stopped, and only that one");
    ensemble.stop().await;
    assert!(!before.iter().any(|pid| lives(*pid)), "stop() returned before all children were gone");
    let next = LocalEnsemble::open(config(folder.path(), folder.path().join("jars"), &free_ports())).unwrap();
    assert!(next.owns(), "the lock was not let go");
}
