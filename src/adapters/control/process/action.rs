//! One action on one server: whether it can be begun, what is done, and when its effect is seen.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, io};

use rustix::process::Signal;
use tokio::sync::oneshot;

use super::server::{LocalServer, ProcessState};
use crate::adapters::control::ControlError;
use crate::adapters::owner;
use crate::domain::command::ServerAction;
use crate::domain::ids::NodeId;

const SIGNAL_LIMIT: Duration = Duration::from_secs(2);
/// An owner looks for requests every second.
const START_LIMIT: Duration = Duration::from_secs(5);

type ActionReply = oneshot::Sender<Result<(), ControlError>>;

/// An action that was begun and whose effect is not seen yet.
pub(super) struct Expected {
    index: usize,
    node: NodeId,
    action: ServerAction,
    begun: Instant,
    limit: Duration,
    /// When a server that is to stop is killed.
    kill_at: Option<Instant>,
    /// What was seen before a start by another process: an end after it is that start's failure.
    before: Option<ProcessState>,
}

pub(super) struct PendingAction {
    expected: Expected,
    reply: ActionReply,
}

/// The mark comes first: whoever sees the end then knows that it was asked for.
pub(super) fn stop(server: &mut LocalServer, seen: &ProcessState, owner: bool) -> Result<(), String> {
    server
        .mark_stopped(owner)
        .map_err(|error| format!("it would be started again, since that cannot be noted: {error}"))?;
    if !matches!(seen, ProcessState::Running { .. }) {
        return Ok(());
    }
    let sent = server.signal(Signal::TERM).and_then(|()| server.signal(Signal::CONT));
    sent.map_err(|error| {
        server.unmark_stopped();
        error.to_string()
    })
}

/// Asks the owner of the local ensemble to start a server.
pub(super) fn ask_owner(server: &LocalServer) -> Result<(), String> {
    let path = server.places.start_request();
    write_request(&path)
        .map_err(|error| format!("the owner of the local ensemble cannot be asked: write {}: {error}", path.display()))
}

/// The request has its name when nothing is left to be done with it: the owner takes it away at once.
fn write_request(request: &Path) -> io::Result<()> {
    let pid = std::process::id().to_string();
    let draft = request.with_extension(&pid);
    let written = fs::write(&draft, &pid).and_then(|()| owner::follow(&draft));
    let asked = written.and_then(|()| fs::rename(&draft, request));
    if asked.is_err() {
        drop(fs::remove_file(&draft));
    }
    asked
}

pub(super) fn check(seen: &ProcessState, node: &NodeId, action: ServerAction) -> Result<(), ControlError> {
    use ServerAction::{Pause, Restart, Resume, Start, Stop};
    let node = node.clone();
    match (seen, action) {
        (_, Restart) => Ok(()),
        (ProcessState::Running { paused: false, .. }, Pause | Stop)
        | (ProcessState::Running { paused: true, .. }, Resume | Stop)
        | (ProcessState::Stopped { .. } | ProcessState::Missing, Start) => Ok(()),
        (ProcessState::Running { paused: true, .. }, Pause) => Err(already(node, action, "it is paused already")),
        (ProcessState::Running { paused: false, .. }, Resume) => Err(already(node, action, "it is not paused")),
        (ProcessState::Running { paused: false, .. }, Start) => Err(already(node, action, "it runs already")),
        (ProcessState::Running { paused: true, .. }, Start) => {
            Err(ControlError::NotPossible { action, node, why: "it is paused: resume it instead".into() })
        }
        (ProcessState::Stopped { .. } | ProcessState::Missing, Stop) => Err(already(node, action, "it does not run")),
        (ProcessState::Restarting { .. }, Start | Stop) => Ok(()),
        (ProcessState::Restarting { .. }, Pause | Resume) => {
            let why = "it has ended and is started again automatically: try when it runs".into();
            Err(ControlError::NotPossible { action, node, why })
        }
        (ProcessState::Stopped { .. } | ProcessState::Missing, Pause | Resume) => {
            Err(ControlError::NotPossible { action, node, why: "it does not run: start it first".into() })
        }
    }
}

fn already(node: NodeId, action: ServerAction, what: &str) -> ControlError {
    ControlError::AlreadySo { action, node, what: what.into() }
}

impl Expected {
    pub(super) fn new(index: usize, node: NodeId, action: ServerAction) -> Self {
        Self { index, node, action, begun: Instant::now(), limit: SIGNAL_LIMIT, kill_at: None, before: None }
    }

    /// Of a stop: a server that does not end in this time is killed.
    pub(super) fn killing_after(self, limit: Duration) -> Self {
        Self { kill_at: Some(self.begun + limit), limit: limit + SIGNAL_LIMIT, ..self }
    }

    /// Of a start, with what was seen before it.
    pub(super) fn starting_from(self, before: ProcessState) -> Self {
        Self { before: Some(before), limit: START_LIMIT, ..self }
    }

    pub(super) const fn answering(self, reply: ActionReply) -> PendingAction {
        PendingAction { expected: self, reply }
    }

    /// The answer, once there is one.
    fn outcome(&mut self, server: &LocalServer, now: Instant) -> Option<Result<(), ControlError>> {
        let seen = server.see();
        let (action, node) = (self.action, self.node.clone());
        match (action, &seen) {
            (ServerAction::Pause, ProcessState::Running { paused: true, .. })
            | (ServerAction::Resume, ProcessState::Running { paused: false, .. })
            | (ServerAction::Stop, ProcessState::Stopped { .. } | ProcessState::Missing)
            | (ServerAction::Start, ProcessState::Running { .. }) => return Some(Ok(())),
            (
                ServerAction::Pause | ServerAction::Resume,
                ProcessState::Stopped { cause, .. } | ProcessState::Restarting { cause, .. },
            ) => {
                return Some(Err(ControlError::Failed { action, node, why: format!("it has ended: {cause}") }));
            }
            (ServerAction::Start, ProcessState::Stopped { cause, .. } | ProcessState::Restarting { cause, .. })
                if self.before.as_ref() != Some(&seen) =>
            {
                return Some(Err(ControlError::Failed { action, node, why: format!("it ended at once: {cause}") }));
            }
            _ => {}
        }
        if self.kill_at.is_some_and(|at| now >= at) {
            self.kill_at = None;
            _ = server.signal(Signal::KILL);
        }
        let next = match action {
            ServerAction::Start => {
                "the zkdeck that owns the local ensemble does not answer: look into backend/ in the log folder"
            }
            _ => "look at the process, it may be stuck in the kernel",
        };
        let late = now.duration_since(self.begun) >= self.limit;
        late.then(|| Err(ControlError::TimedOut { action, node, limit: self.limit, next: next.into() }))
    }
}

impl PendingAction {
    /// Answers when the effect is seen or time is up; otherwise hands itself back.
    pub(super) fn step(mut self, servers: &[LocalServer], now: Instant) -> Option<Self> {
        match self.expected.outcome(&servers[self.expected.index], now) {
            None => Some(self),
            Some(outcome) => {
                _ = self.reply.send(outcome);
                None
            }
        }
    }

    pub(super) fn close(self) {
        let Expected { action, node, .. } = self.expected;
        _ = self.reply.send(Err(ControlError::Closed { action, node }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Again;
    use super::*;

    #[test]
    fn a_request_that_the_owner_takes_at_once_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let request = folder.path().join("start.request");
        let over = std::sync::atomic::AtomicBool::new(false);
        let is_over = || over.load(std::sync::atomic::Ordering::Relaxed);
        let taken = std::thread::scope(|scope| {
            let owner = scope.spawn(|| {
                let mut taken = 0;
                while !is_over() {
                    taken += usize::from(fs::remove_file(&request).is_ok());
                }
                taken
            });
            let failed = (0..2_000).find_map(|_| write_request(&request).err());
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(failed.is_none(), "{failed:?}");
            owner.join().unwrap()
        });
        assert!(taken > 0);
        drop(fs::remove_file(&request));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no draft is left");
    }

    #[test]
    fn what_is_so_already_or_cannot_be_is_refused_in_words() {
        use ServerAction::{Pause, Resume, Start, Stop};
        let node = NodeId::new("zk1").unwrap();
        let runs = ProcessState::Running { pid: 1, paused: false };
        let paused = ProcessState::Running { pid: 1, paused: true };
        let stopped = ProcessState::Stopped { pid: 1, cause: "x".into() };
        let again = ProcessState::Restarting { pid: 1, cause: "x".into(), again: Again { pause_s: 1, ends: 1 } };
        let allowed = [
            (&runs, Pause),
            (&runs, Stop),
            (&paused, Resume),
            (&paused, Stop),
            (&stopped, Start),
            (&again, Start),
            (&again, Stop),
        ];
        for seen in [&runs, &paused, &stopped, &again, &ProcessState::Missing] {
            for action in [Pause, Resume, Stop, Start] {
                let expected = allowed.contains(&(seen, action)) || (*seen == ProcessState::Missing && action == Start);
                assert_eq!(check(seen, &node, action).is_ok(), expected, "{action:?} on {seen:?}");
            }
        }
        let error = check(&paused, &node, Start).unwrap_err().to_string();
        assert_eq!(error, "start zk1: it is paused: resume it instead");
    }
}
