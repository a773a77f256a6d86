//! What the tests of the built binary share: ports, jars, the program as a child.

mod local;
mod ports;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) use local::*;
pub(crate) use ports::free_ports;

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

/// Asks again, with a short timer in between, until there is an answer or `limit` has passed.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> F,
) -> T {
    match within(limit, &mut ask).await {
        Some(answer) => answer,
        None => panic!("{what}: not within {limit:?}"),
    }
}

/// Asks until there is an answer; `None` when `limit` has passed.
pub(crate) async fn within<T, F: Future<Output = Option<T>>>(limit: Duration, mut ask: impl FnMut() -> F) -> Option<T> {
    let begun = Instant::now();
    let mut timer = tokio::time::interval(Duration::from_millis(50));
    while begun.elapsed() < limit {
        timer.tick().await;
        if let Some(answer) = ask().await {
            return Some(answer);
        }
    }
    None
}
