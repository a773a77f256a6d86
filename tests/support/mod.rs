//! What the tests of the built binary share: ports, jars, the program as a child.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The folder of ZooKeeper's jars; `None` when nobody has fetched them.
pub(crate) fn jars() -> Option<PathBuf> {
    let named = std::env::var_os("ZKDECK_JARS").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/zookeeper-jars"));
    let filled = std::fs::read_dir(&folder).is_ok_and(|mut files| files.next().is_some());
    filled.then_some(folder)
}

/// The first of `count` neighbouring ports that are free on 127.0.0.1 now and that nobody in this
/// process was given before.
pub(crate) fn free_ports(count: u16) -> u16 {
    static GIVEN: Mutex<Vec<(u16, u16)>> = Mutex::new(Vec::new());
    let mut given = GIVEN.lock().unwrap();
    for _ in 0..200 {
        let probe = TcpListener::bind("127.0.0.1:0").unwrap();
        let first = probe.local_addr().unwrap().port();
        let Some(last) = first.checked_add(count - 1) else { continue };
        if given.iter().any(|&(from, to)| first <= to && from <= last) {
            continue;
        }
        let rest: Result<Vec<_>, _> = (first + 1..=last).map(|port| TcpListener::bind(("127.0.0.1", port))).collect();
        if rest.is_ok() {
            given.push((first, last));
            return first;
        }
    }
    panic!("no {count} neighbouring free ports");
}

/// A running zkdeck; killed when dropped.
pub(crate) struct Deck {
    pub(crate) child: Child,
    pub(crate) url: String,
}

impl Deck {
    /// Starts `zkdeck --daemon` in `folder` with more arguments.
    pub(crate) fn daemon(folder: &Path, more: &[&str]) -> Self {
        let listen = format!("127.0.0.1:{}", free_ports(1));
        let child = Command::new(env!("CARGO_BIN_EXE_zkdeck"))
            .args(["--daemon", "--listen", &listen])
            .args(more)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(folder.join(format!("stderr-{listen}.txt"))).unwrap())
            .spawn()
            .unwrap();
        Self { child, url: format!("http://{listen}") }
    }

    /// Sends SIGTERM and returns how long the end took.
    pub(crate) fn terminate(mut self) -> (Duration, Option<i32>) {
        let begun = Instant::now();
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        (begun.elapsed(), status.code())
    }
}

impl Drop for Deck {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A folder whose `zkdeck.toml` puts the local ensemble on free ports.
pub(crate) fn local_folder(jars: &Path, more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (client, metrics, quorum, election) = (free_ports(3), free_ports(3), free_ports(3), free_ports(3));
    let text = format!(
        "[local]\nclient_port = {client}\nmetrics_port = {metrics}\nquorum_port = {quorum}\n\
         election_port = {election}\njars = {jars:?}\n{more}\n"
    );
    std::fs::write(folder.path().join("zkdeck.toml"), text).unwrap();
    folder
}

/// Asks again, with a short timer in between, until there is an answer or `limit` has passed.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> F,
) -> T {
    let begun = Instant::now();
    let mut timer = tokio::time::interval(Duration::from_millis(50));
    while begun.elapsed() < limit {
        timer.tick().await;
        if let Some(answer) = ask().await {
            return answer;
        }
    }
    panic!("{what}: not within {limit:?}");
}
