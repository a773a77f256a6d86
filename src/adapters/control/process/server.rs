//! One server: started, watched and signalled, as its owner or from beside.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use super::config::LocalNode;
use super::error::LocalError;
use super::files::{LOG, OUT, ServerPaths};
use super::hidden::SERVER_COMMAND;
use super::jars::Jars;
use super::procfs;
use super::record::{Again, Record};
use super::revive::Revival;
use crate::adapters::owner;

/// How much of a log's end is searched for the cause of an end.
const TAIL_BYTES: u64 = 16 * 1024;
/// What a server gets of zkdeck's environment: where programs and files are, and what is meant for Java.
const JAVA_ENVIRONMENT: &[&str] =
    &["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "JAVA_HOME", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"];
/// Exit status of a Java that was ended by SIGTERM in an orderly way.
const JAVA_TERMINATED: i32 = 143;

/// What every server is started with.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) program: PathBuf,
    pub(super) java: PathBuf,
    pub(super) jars: Jars,
    pub(super) heap_mb_max: u32,
}

/// What is seen of a server's process now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProcessState {
    Running {
        pid: u32,
        paused: bool,
    },
    /// `cause` in words.
    Stopped {
        pid: u32,
        cause: String,
    },
    /// It ended unasked, and its owner starts it again after a pause.
    Restarting {
        pid: u32,
        cause: String,
        again: Again,
    },
    /// It was never started here.
    Missing,
}

/// A child of this process.
#[derive(Debug)]
struct Live {
    child: Child,
    begun: Instant,
    /// Length of the log when the child was started: what is before is not about it.
    log_from: u64,
}

#[derive(Debug)]
pub(super) struct LocalServer {
    pub(super) node: LocalNode,
    pub(super) places: ServerPaths,
    live: Option<Live>,
    /// Somebody asked for its end: no news then.
    pub(super) stop_asked: bool,
    pub(super) revival: Revival,
}

/// An end of our child that was not seen before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProcessEnd {
    pub(super) cause: String,
    pub(super) ran: Duration,
    /// The pause before it is started again; `None`: somebody asked for its end.
    pub(super) pause: Option<Duration>,
}

impl LocalServer {
    pub(super) fn new(node: LocalNode, places: ServerPaths) -> Self {
        Self { node, places, live: None, stop_asked: false, revival: Revival::default() }
    }

    /// Whether it is a child of this process that was not seen to end.
    pub(super) const fn is_child(&self) -> bool {
        self.live.is_some()
    }

    /// Looks at the process: our child, or the one that the owner wrote down.
    pub(super) fn see(&self) -> ProcessState {
        if let Some(live) = &self.live {
            let pid = live.child.id();
            return ProcessState::Running { pid, paused: procfs::stat(pid).is_some_and(procfs::Stat::paused) };
        }
        match Record::read(&self.places.record()) {
            None => ProcessState::Missing,
            Some(Record::Ended { pid, cause, again: Some(again) }) if !self.to_stay_stopped() => {
                ProcessState::Restarting { pid, cause, again }
            }
            Some(Record::Ended { pid, cause, .. }) => ProcessState::Stopped { pid, cause },
            Some(Record::Running { pid, started }) => match procfs::stat(pid).filter(|stat| stat.started == started) {
                Some(stat) if !stat.dead() => ProcessState::Running { pid, paused: stat.paused() },
                // Its parent lives and is about to say why.
                Some(_) => ProcessState::Stopped { pid, cause: "it has just ended".into() },
                None => ProcessState::Stopped { pid, cause: "it ended together with its zkdeck".into() },
            },
        }
    }

    /// Whether somebody, here or in another instance, wants it stopped.
    pub(super) fn to_stay_stopped(&self) -> bool {
        self.stop_asked || self.places.stop_mark().exists()
    }

    /// Notes that the server is to stay stopped, for its owner and for who owns it later. The owner
    /// knows it without a disk.
    pub(super) fn mark_stopped(&mut self, owner: bool) -> io::Result<()> {
        self.stop_asked |= owner;
        self.revival.forget();
        let path = self.places.stop_mark();
        match fs::write(&path, std::process::id().to_string()).and_then(|()| owner::follow(&path)) {
            Err(error) if owner => {
                tracing::warn!(node = %self.node.id, %error, "that a server is to stay stopped could not be written down");
                Ok(())
            }
            written => written,
        }
    }

    /// A stop that was not carried out.
    pub(super) fn unmark_stopped(&mut self) {
        self.stop_asked = false;
        drop(fs::remove_file(self.places.stop_mark()));
    }

    /// Whether its next start is due now. One that was stopped meanwhile is let be.
    pub(super) fn revival_due(&mut self, now: Instant) -> bool {
        if self.live.is_some() || self.revival.due().is_none() {
            return false;
        }
        if self.to_stay_stopped() {
            self.revival.forget();
            return false;
        }
        self.revival.take_due(now)
    }

    /// A start that did not come about is an end like any other. Returns the next pause.
    pub(super) fn not_revived(&mut self, cause: &str) -> Duration {
        let pause = self.revival.ended(Duration::ZERO, Instant::now());
        let pid = match Record::read(&self.places.record()) {
            Some(Record::Ended { pid, .. } | Record::Running { pid, .. }) => pid,
            None => 0,
        };
        self.write_end(pid, cause.to_owned(), Some(pause));
        pause
    }

    /// Notes the end of our child, when it has ended since the last look.
    pub(super) fn reap(&mut self) -> Option<ProcessEnd> {
        let live = self.live.as_mut()?;
        let status = match live.child.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => Some(status),
            Err(_) => None,
        };
        let (pid, log_from, ran) = (live.child.id(), live.log_from, live.begun.elapsed());
        self.live = None;
        let asked = self.to_stay_stopped();
        let cause = if asked { "stopped on request".to_owned() } else { self.cause(status, log_from) };
        let pause = if asked {
            self.revival.forget();
            None
        } else {
            Some(self.revival.ended(ran, Instant::now()))
        };
        self.write_end(pid, cause.clone(), pause);
        Some(ProcessEnd { cause, ran, pause })
    }

    fn write_end(&self, pid: u32, cause: String, pause: Option<Duration>) {
        let again = pause.map(|pause| Again { pause_s: pause.as_secs(), ends: self.revival.ends() });
        if let Err(error) = (Record::Ended { pid, cause, again }).write(&self.places.record()) {
            tracing::warn!(node = %self.node.id, %error, "the end of a server could not be written down");
        }
    }

    fn cause(&self, status: Option<ExitStatus>, log_from: u64) -> String {
        let (what, orderly) = words(status);
        let said = if orderly { None } else { last_words(&self.places.logs, log_from) };
        said.map_or_else(|| what.clone(), |line| format!("{what}; it said: {line}"))
    }

    /// What Java wrote as root goes to the folders' owner, who may start the server the next time.
    pub(super) fn leave_to_owner(&self) {
        for folder in [&self.places.home, &self.places.logs] {
            if let Err(error) = owner::follow_all(folder) {
                tracing::warn!("give {} to its folder's owner: {error}", folder.display());
            }
        }
    }

    /// Starts the child. The caller has checked that it does not run and that its ports are free.
    pub(super) fn spawn(&mut self, recipe: &Recipe) -> Result<(), LocalError> {
        let failed = |source| LocalError::Spawn {
            node: self.node.id.clone(),
            program: recipe.program.display().to_string(),
            source,
        };
        let out = self.fresh_out().map_err(LocalError::folder("write", &self.places.logs.join(OUT)))?;
        let log_from = fs::metadata(self.places.logs.join(LOG)).map_or(0, |meta| meta.len());
        let mut command = self.command(recipe);
        command.stdin(Stdio::null()).stderr(out.try_clone().map_err(failed)?).stdout(out);
        let mut child = command.spawn().map_err(failed)?;
        let pid = child.id();
        // Before it is reaped the pid is its own, so its start time can be read in any state.
        let Some(stat) = procfs::stat(pid) else {
            drop(child.kill());
            drop(child.wait());
            return Err(failed(io::Error::other("/proc does not show it; is /proc mounted?")));
        };
        let written = Record::Running { pid, started: stat.started }.write(&self.places.record());
        self.live = Some(Live { child, begun: Instant::now(), log_from });
        self.unmark_stopped();
        self.revival.started();
        written.map_err(LocalError::folder("write", &self.places.record()))
    }

    fn command(&self, recipe: &Recipe) -> Command {
        let mut command = Command::new(&recipe.program);
        // Passwords and tokens of zkdeck are none of a server's business.
        command.env_clear().envs(JAVA_ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        let parent = std::process::id().to_string();
        command.args([SERVER_COMMAND, "--parent", &parent, "--"]).arg(&recipe.java);
        command.arg("-Xms32m").arg(format!("-Xmx{}m", recipe.heap_mb_max));
        command.args(["-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Dzookeeper.jmx.log4j.disable=true"]);
        for (key, name) in [("logback.configurationFile", "logback.xml"), ("log4j.configuration", "log4j.properties")] {
            let scheme = if key == "log4j.configuration" { "file:" } else { "" };
            let mut option = std::ffi::OsString::from(format!("-D{key}={scheme}"));
            option.push(self.places.home.join(name));
            command.arg(option);
        }
        command.arg("-cp").arg(&recipe.jars.class_path).arg("org.apache.zookeeper.server.quorum.QuorumPeerMain");
        command.arg(self.places.zoo_cfg());
        // Ctrl-C in the terminal is for zkdeck alone: it ends its servers itself, in order.
        command.current_dir(&self.places.logs).env("TZ", "UTC").env("LC_ALL", "C.UTF-8").process_group(0);
        command
    }

    /// An empty file for what Java says; what the run before said is kept once.
    fn fresh_out(&self) -> io::Result<File> {
        let path = self.places.logs.join(OUT);
        if fs::metadata(&path).is_ok_and(|meta| meta.len() > 0) {
            fs::rename(&path, path.with_extension("out.1"))?;
        }
        let file = File::create(&path)?;
        owner::follow(&path)?;
        Ok(file)
    }

    /// Sends a signal to exactly this process, never to a later one of the same pid.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        if let Some(live) = &self.live {
            return Ok(kill_process(Pid::from_child(&live.child), signal)?);
        }
        let gone = || io::Error::new(io::ErrorKind::NotFound, "the process has ended");
        let Some(Record::Running { pid, started }) = Record::read(&self.places.record()) else { return Err(gone()) };
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(gone)?;
        // The descriptor names one process for ever; what is checked after it was opened holds.
        let handle = pidfd_open(raw, PidfdFlags::empty())?;
        same(pid, started).ok_or_else(gone)?;
        Ok(pidfd_send_signal(handle, signal)?)
    }

    /// Waits for a child that was killed.
    pub(super) fn kill_and_wait(&mut self) {
        if let Some(mut live) = self.live.take() {
            drop(live.child.kill());
            drop(live.child.wait());
            self.write_end(live.child.id(), "stopped with zkdeck".into(), None);
        }
    }
}

/// The process of `pid` if it is the one that started at `started` and lives.
fn same(pid: u32, started: u64) -> Option<procfs::Stat> {
    procfs::stat(pid).filter(|stat| stat.started == started && !stat.dead())
}

/// An exit in words, and whether it was an orderly end that somebody asked for.
fn words(status: Option<ExitStatus>) -> (String, bool) {
    let Some(status) = status else { return ("it ended, and its exit status is lost".into(), false) };
    match (status.code(), status.signal()) {
        (Some(JAVA_TERMINATED), _) => ("ended on SIGTERM".into(), true),
        (Some(code), _) => (format!("exit status {code}"), false),
        (None, Some(9)) => ("killed by SIGKILL".into(), true),
        (None, Some(15)) => ("ended on SIGTERM".into(), true),
        (None, signal) => (format!("killed by signal {}", signal.unwrap_or(0)), false),
    }
}

/// The last error that the server logged since `from`, else what Java said last, else the last line.
fn last_words(logs: &Path, from: u64) -> Option<String> {
    let log = tail(&logs.join(LOG), from).unwrap_or_default();
    let out = tail(&logs.join(OUT), 0).unwrap_or_default();
    let error = log.lines().rev().find(|line| line.contains(" - ERROR "));
    let line = error.or_else(|| last_line(&out)).or_else(|| last_line(&log))?;
    Some(procfs::clean(line, 200))
}

fn last_line(text: &str) -> Option<&str> {
    text.lines().rev().find(|line| !line.trim().is_empty())
}

/// The last bytes of a file after `from`; a file that is shorter than that was rotated and is all new.
fn tail(path: &Path, from: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    let from = if len < from { 0 } else { from };
    file.seek(SeekFrom::Start(from.max(len.saturating_sub(TAIL_BYTES))))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(raw: i32) -> Option<ExitStatus> {
        Some(ExitStatus::from_raw(raw))
    }

    #[test]
    fn ends_are_put_into_words() {
        assert_eq!(words(status(143 << 8)), ("ended on SIGTERM".into(), true));
        assert_eq!(words(status(1 << 8)), ("exit status 1".into(), false));
        assert_eq!(words(status(9)), ("killed by SIGKILL".into(), true));
        assert_eq!(words(status(11)), ("killed by signal 11".into(), false));
        assert!(words(None).0.contains("lost"));
    }

    #[test]
    fn the_cause_is_the_last_error_of_this_run_only() {
        let logs = tempfile::tempdir().unwrap();
        let old = "2026-01-01 00:00:00,000 [myid:1] - ERROR [main:X@1] - old\n";
        let new = "2026-01-01 00:00:01,000 [myid:1] - ERROR [main:X@1] - new\nlast line\n";
        fs::write(logs.path().join(LOG), format!("{old}{new}")).unwrap();
        let from = old.len() as u64;
        assert!(last_words(logs.path(), from).unwrap().ends_with("- new"));
        fs::write(logs.path().join(LOG), format!("{old}plain\n")).unwrap();
        assert_eq!(last_words(logs.path(), from).unwrap(), "plain");
        fs::write(logs.path().join(OUT), "Error: no main class\n\n").unwrap();
        assert_eq!(last_words(logs.path(), from).unwrap(), "Error: no main class");
        assert!(last_words(logs.path(), 1_000_000).unwrap().ends_with("- old"), "a rotated log is new from its start");
    }

    #[test]
    fn a_record_of_another_process_is_not_taken_for_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let node = super::super::config::LocalConfig::new("r", "l").unwrap().nodes.remove(0);
        let places = ServerPaths { home: folder.path().to_owned(), logs: folder.path().to_owned() };
        let server = LocalServer::new(node, places);
        assert_eq!(server.see(), ProcessState::Missing);
        let me = std::process::id();
        let started = procfs::stat(me).unwrap().started;
        Record::Running { pid: me, started }.write(&server.places.record()).unwrap();
        assert_eq!(server.see(), ProcessState::Running { pid: me, paused: false });
        Record::Running { pid: me, started: started + 1 }.write(&server.places.record()).unwrap();
        assert!(matches!(server.see(), ProcessState::Stopped { .. }));
        let error = server.signal(Signal::TERM).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "a signal to a reused pid would have ended this test");
    }
}
