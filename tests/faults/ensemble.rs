//! Three real ZooKeeper servers with a short tick, each killed, frozen and started by itself.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{eventually, free_ports};

const QUORUM_LIMIT: Duration = Duration::from_secs(90);

pub struct Ensemble {
    folder: tempfile::TempDir,
    jars: PathBuf,
    ports: Vec<u16>,
    servers: Vec<Option<Child>>,
}

impl Ensemble {
    pub async fn start(jars: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let firsts: Vec<u16> = (0..3).map(|_| free_ports(3)).collect();
        for (at, first) in firsts.iter().enumerate() {
            let home = folder.path().join(format!("{at}"));
            std::fs::create_dir_all(home.join("data")).unwrap();
            std::fs::write(home.join("data/myid"), format!("{}\n", at + 1)).unwrap();
            let peers = firsts.iter().enumerate().map(|(peer, first)| {
                format!("server.{}=127.0.0.1:{}:{};127.0.0.1:{first}\n", peer + 1, first + 1, first + 2)
            });
            let text = format!(
                "tickTime=500\ninitLimit=20\nsyncLimit=10\ndataDir={}\nadmin.enableServer=false\nmaxClientCnxns=0\n\
                 maxSessionTimeout=120000\n\
                 4lw.commands.whitelist=srvr,mntr,ruok\n{}",
                home.join("data").display(),
                peers.collect::<String>()
            );
            std::fs::write(home.join("zoo.cfg"), text).unwrap();
            assert!(*first > 0);
        }
        let mut ensemble = Self { folder, jars: jars.to_owned(), ports: firsts, servers: vec![None, None, None] };
        for at in 0..3 {
            ensemble.run(at);
        }
        ensemble.quorum(3).await;
        ensemble
    }

    pub fn hosts(&self) -> Vec<String> {
        self.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect()
    }

    /// Starts a server that is not running. It ends with this process, whatever ends that.
    pub fn run(&mut self, at: usize) {
        let home = self.folder.path().join(format!("{at}"));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(home.join("out.log")).unwrap();
        let java =
            std::env::var_os("JAVA_HOME").map_or_else(|| "java".into(), |home| PathBuf::from(home).join("bin/java"));
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(java)
            .args(["-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.admin.enableServer=false"])
            .arg("-cp")
            .arg(self.jars.join("*"))
            .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
            .arg(home.join("zoo.cfg"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.servers[at] = Some(child);
    }

    /// SIGKILL.
    pub fn kill(&mut self, at: usize) {
        let mut child = self.servers[at].take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn signal(&self, at: usize, signal: Signal) {
        kill_process(Pid::from_child(self.servers[at].as_ref().unwrap()), signal).unwrap();
    }

    /// Each server's port for clients and its process.
    pub fn processes(&self) -> [(u16, u32); 3] {
        std::array::from_fn(|at| (self.ports[at], self.servers[at].as_ref().unwrap().id()))
    }

    /// SIGKILL to all, and a copy of what they have on disk.
    pub fn save(&mut self) {
        self.kill_all();
        for at in 0..3 {
            let home = self.folder.path().join(format!("{at}"));
            _ = std::fs::remove_dir_all(home.join("saved"));
            copy_folder(&home.join("data"), &home.join("saved"));
        }
    }

    /// SIGKILL to all, and what they had on disk at the last [`Ensemble::save`].
    pub fn put_back(&mut self) {
        self.kill_all();
        for at in 0..3 {
            let home = self.folder.path().join(format!("{at}"));
            std::fs::remove_dir_all(home.join("data")).unwrap();
            copy_folder(&home.join("saved"), &home.join("data"));
        }
    }

    fn kill_all(&mut self) {
        for at in 0..3 {
            self.kill(at);
        }
    }

    pub fn is_frozen(&self, at: usize) -> bool {
        let pid = self.servers[at].as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("State:") && line.contains('T'))
    }

    /// Whether a server answers as one of a quorum.
    pub async fn serves(&self, at: usize) -> bool {
        mode(self.ports[at]).await.is_some()
    }

    /// Starts whatever does not run and waits until all three serve.
    pub async fn restore(&mut self) {
        for at in 0..3 {
            if self.servers[at].is_none() {
                self.run(at);
            }
        }
        self.quorum(3).await;
    }

    /// The server that leads now.
    pub async fn leader(&self) -> usize {
        eventually("a leader", QUORUM_LIMIT, || async {
            for (at, port) in self.ports.iter().enumerate() {
                if mode(*port).await.as_deref() == Some("leader") {
                    return Some(at);
                }
            }
            None
        })
        .await
    }

    pub async fn quorum(&self, serving: usize) {
        eventually("the servers serve", QUORUM_LIMIT, || async {
            let mut count = 0;
            for port in &self.ports {
                count += usize::from(mode(*port).await.is_some());
            }
            (count >= serving).then_some(())
        })
        .await;
    }
}

impl Drop for Ensemble {
    fn drop(&mut self) {
        for child in self.servers.iter_mut().flatten() {
            _ = child.kill();
            _ = child.wait();
        }
    }
}

async fn mode(port: u16) -> Option<String> {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        stream.write_all(b"srvr").await.ok()?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.ok()?;
        reply.lines().find_map(|line| line.strip_prefix("Mode: ")).map(str::to_owned)
    };
    timeout(Duration::from_secs(1), ask).await.ok()?
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
