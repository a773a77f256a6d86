//! Errors of system calls in a running daemon, by `strace -e inject`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::eventually;

pub struct Strace {
    child: Child,
    output: PathBuf,
}

/// Whether system calls can be made to fail here.
pub fn possible() -> bool {
    Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

impl Strace {
    /// Makes `calls` of the process fail with `error`, at `path` only when one is given.
    pub async fn inject(pid: u32, calls: &str, error: &str, path: Option<&Path>, folder: &Path) -> Self {
        let output = folder.join(format!("strace-{calls}.txt").replace(',', "-"));
        let mut inject = String::new();
        write!(inject, "inject={calls}:error={error}").unwrap();
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-p", &pid.to_string(), "-e", &format!("trace={calls}"), "-e", &inject]);
        if let Some(path) = path {
            command.arg("-P").arg(path);
        }
        let child = command.arg("-o").arg(&output).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("strace is attached", Duration::from_secs(20), || async {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0")).then_some(())
        })
        .await;
        Self { child, output }
    }

    /// How many calls were made to fail so far.
    pub fn injected(&self) -> usize {
        std::fs::read_to_string(&self.output).unwrap_or_default().matches("(INJECTED)").count()
    }

    /// Lets go of the process; how many calls were made to fail.
    pub fn end(mut self) -> usize {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap();
        let text = std::fs::read_to_string(&self.output).unwrap_or_default();
        _ = std::fs::remove_file(&self.output);
        text.matches("(INJECTED)").count()
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
