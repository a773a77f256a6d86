//! A proxy before each server, by which one lane reaches the ensemble: it falls silent, loses answers and
//! delivers late.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use memchr::memmem;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What a commit carries: the intent that it flips.
const COMMIT: &[u8] = br#""state":"committed""#;
/// How long what is delivered late may take to be answered.
const DRAIN: Duration = Duration::from_secs(15);

/// What the proxies do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    Pass,
    /// Nothing passes in either direction; connections stay, and new ones are taken.
    Silent,
    /// The next commit is delivered, and from then on nothing passes.
    SilentAfterCommit,
    /// The next commit is delivered, and its connection ends before the answer.
    AnswerLost,
    /// The connection of the next commit ends, and then the commit is delivered.
    Late(Duration),
    /// The server to which the next commit goes is stopped before it reads it; they are by port.
    Freeze([(u16, u32); 3]),
}

pub struct Net {
    shared: Arc<Shared>,
    hosts: Vec<String>,
    tasks: Vec<JoinHandle<()>>,
}

struct Shared {
    law: watch::Sender<Law>,
    /// Commits that were treated otherwise.
    fired: AtomicUsize,
    /// The process that was stopped.
    frozen: watch::Sender<Option<u32>>,
}

impl Net {
    #[expect(clippy::disallowed_methods, reason = "a proxy of the test, which ends with its runtime")]
    pub async fn before(hosts: &[String]) -> Self {
        let shared = Arc::new(Shared {
            law: watch::channel(Law::Pass).0,
            fired: AtomicUsize::new(0),
            frozen: watch::channel(None).0,
        });
        let mut net = Self { shared, hosts: Vec::new(), tasks: Vec::new() };
        for host in hosts {
            let port: u16 = host.rsplit_once(':').unwrap().1.parse().unwrap();
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            net.hosts.push(listener.local_addr().unwrap().to_string());
            let shared = Arc::clone(&net.shared);
            net.tasks.push(tokio::spawn(async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(carry(Arc::clone(&shared), client, port));
                }
            }));
        }
        net
    }

    /// The proxies, as a daemon is to know the servers.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    pub fn set(&self, law: Law) {
        self.shared.law.send_replace(law);
    }

    pub fn fired(&self) -> usize {
        self.shared.fired.load(Ordering::Relaxed)
    }

    /// Waits until one more commit than `before` was treated otherwise.
    pub async fn fires(&self, before: usize, limit: Duration) -> bool {
        let mut laws = self.shared.law.subscribe();
        let fired = async {
            while self.fired() <= before {
                _ = laws.changed().await;
            }
        };
        timeout(limit, fired).await.is_ok()
    }

    /// Lets the server go on that was stopped.
    pub fn thaw(&self) {
        if let Some(pid) = self.shared.frozen.send_replace(None) {
            signal(pid, Signal::CONT);
        }
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.thaw();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid as i32).unwrap(), signal).unwrap();
}

impl Shared {
    fn is_silent(&self) -> bool {
        *self.law.borrow() == Law::Silent
    }

    async fn passes(&self) {
        let mut laws = self.law.subscribe();
        while *laws.borrow_and_update() == Law::Silent {
            if laws.changed().await.is_err() {
                return;
            }
        }
    }

    /// The law for what a client sends; whoever sends the first commit under one that is about commits
    /// takes it.
    fn take(&self, bytes: &[u8]) -> Law {
        let mut taken = Law::Pass;
        if memmem::find(bytes, COMMIT).is_none() {
            return taken;
        }
        self.law.send_if_modified(|law| {
            if matches!(law, Law::Pass | Law::Silent) {
                return false;
            }
            taken = std::mem::replace(law, if *law == Law::SilentAfterCommit { Law::Silent } else { Law::Pass });
            self.fired.fetch_add(1, Ordering::Relaxed);
            true
        });
        taken
    }
}

/// One connection, until either side ends it.
async fn carry(shared: Arc<Shared>, mut client: TcpStream, port: u16) {
    shared.passes().await;
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (mut asked, mut answered) = (vec![0; 256 << 10], vec![0; 64 << 10]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(count @ 1..) = read else { return };
                let bytes = &asked[..count];
                if shared.is_silent() {
                    shared.passes().await;
                }
                match shared.take(bytes) {
                    Law::AnswerLost => {
                        _ = server.write_all(bytes).await;
                        drop(client);
                        return drain(server).await;
                    }
                    Law::Late(pause) => {
                        drop(client);
                        tokio::time::sleep(pause).await;
                        _ = server.write_all(bytes).await;
                        return drain(server).await;
                    }
                    Law::Freeze(servers) => {
                        if let Some((_, pid)) = servers.iter().find(|(server, _)| *server == port) {
                            signal(*pid, Signal::STOP);
                            shared.frozen.send_replace(Some(*pid));
                        }
                        _ = server.write_all(bytes).await;
                        // The client may die; what it sent is on its way all the same.
                        return drain(server).await;
                    }
                    Law::Pass | Law::Silent | Law::SilentAfterCommit => {
                        if server.write_all(bytes).await.is_err() {
                            return;
                        }
                    }
                }
            }
            read = server.read(&mut answered) => {
                let Ok(count @ 1..) = read else { return };
                if shared.is_silent() {
                    shared.passes().await;
                }
                if client.write_all(&answered[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Keeps the connection until the server ends it, so that what was sent is carried out.
async fn drain(mut server: TcpStream) {
    let mut bytes = vec![0; 64 << 10];
    let read = async { while matches!(server.read(&mut bytes).await, Ok(1..)) {} };
    _ = timeout(DRAIN, read).await;
}
