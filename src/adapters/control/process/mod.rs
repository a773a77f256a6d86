//! Three real ZooKeeper servers as child processes: the ensemble of `--local`.
//!
//! One zkdeck owns it (a lock on `<root>/owner.lock`); others on the same folder attach. The owner
//! spawns, watches and ends the servers; an attached one sees and signals them by what the owner
//! wrote down, and becomes the owner when that one goes. Linux only: children are tied to the owner
//! by the kernel, so that none outlives it.

mod action;
mod config;
mod error;
mod files;
mod heap;
mod hidden;
mod jars;
mod java;
mod keeper;
mod look;
mod news;
mod ports;
mod procfs;
mod record;
mod revive;
mod search;
mod server;
mod taken;

pub use config::{LocalConfig, LocalNode};
pub use error::LocalError;
pub use hidden::{HiddenError, SERVER_COMMAND, run_hidden_server};
pub use java::JAVA_MAJOR_MIN;
pub use look::{Alive, command_line, keeper_of, program, recorded_servers};
pub use news::News;
pub use ports::taken_port;
pub use search::Search;
pub use taken::{TakenPort, list_holders, way_out};

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::{ControlError, ServerControl};
use crate::adapters::owner;
use crate::domain::command::ServerAction;
use crate::domain::ids::NodeId;
use crate::domain::server::{HostState, HostView};
use crate::domain::snapshot::ControlView;
use keeper::{Keeper, KeeperRequest};
use record::{LOCK, OwnerLock, OwnerRecord};
use server::ProcessState;

/// ZooKeeper's jars, as `doctor` tells of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JarsFound {
    pub version: Option<String>,
    /// Whether the Prometheus provider is there.
    pub prometheus: bool,
}

/// The Java that servers would be started with. Blocks; may have to ask it for its version.
///
/// # Errors
/// [`LocalError::Java`] with the command that installs one.
pub fn find_java(search: &Search) -> Result<PathBuf, LocalError> {
    java::find(search)
}

/// The jars that servers would be started with.
///
/// # Errors
/// [`LocalError::Jars`] with the command that fetches them.
pub fn find_jars(search: &Search) -> Result<JarsFound, LocalError> {
    jars::find(search).map(|found| JarsFound { version: found.version, prometheus: found.prometheus })
}

/// Requests that may wait for the keeper.
const REQUESTS_MAX: usize = 64;
const SEE_LIMIT: Duration = Duration::from_secs(2);
/// Java's version may have to be asked for (10 s), and ports waited for (5 s).
const START_LIMIT: Duration = Duration::from_secs(20);
const ACT_LIMIT: Duration = Duration::from_secs(15);

/// The embedded ensemble, owned by this process or attached to. Dropping it kills the servers that
/// it owns; [`LocalEnsemble::stop`] ends them in order.
#[derive(Debug)]
pub struct LocalEnsemble {
    nodes: Vec<NodeId>,
    requests: SyncSender<KeeperRequest>,
    owns: Arc<AtomicBool>,
    stop_limit: Duration,
}

impl LocalEnsemble {
    /// Makes the folders, and decides whether this process owns the ensemble. Starts nothing.
    ///
    /// # Errors
    /// [`LocalError`] when a setting is wrong, a folder cannot be made or locked, or the ensemble
    /// that runs there has other ports.
    pub fn open(config: LocalConfig) -> Result<Self, LocalError> {
        config.validate()?;
        let owner = OwnerLock::holder(&config.root.join(LOCK)).filter(|owner| Alive::of(owner.pid).is_some());
        if config.attach_only && owner.is_none() {
            return Err(LocalError::NoneRuns { root: config.root });
        }
        let config = LocalConfig {
            root: made(&config.root)?,
            logs: made(&config.logs)?,
            program: std::path::absolute(&config.program).map_err(LocalError::folder("find", &config.program))?,
            ..config
        };
        let lock_path = config.root.join(LOCK);
        let me = OwnerRecord { pid: std::process::id(), ports: config.ports_text() };
        let lock = match config.attach_only {
            true => None,
            false => OwnerLock::take(&lock_path, &me).map_err(LocalError::folder("lock", &lock_path))?,
        };
        if let (None, Some(owner)) = (&lock, OwnerLock::holder(&lock_path))
            && owner.ports != me.ports
        {
            return Err(LocalError::OtherPorts { root: config.root, asked: me.ports, found: owner.ports });
        }
        let owns = Arc::new(AtomicBool::new(lock.is_some()));
        let nodes = config.nodes.iter().map(|node| node.id.clone()).collect();
        let stop_limit = config.stop_limit;
        let (requests, asked) = sync_channel(REQUESTS_MAX);
        let keeper = Keeper::new(config, lock_path.clone(), lock, Arc::clone(&owns));
        let thread = std::thread::Builder::new().name("local-ensemble".into());
        thread.spawn(move || keeper.run(&asked)).map_err(LocalError::folder("start the keeper of", &lock_path))?;
        Ok(Self { nodes, requests, owns, stop_limit })
    }

    /// Whether the servers are children of this process. Changes when the owner goes.
    #[must_use]
    pub fn owns(&self) -> bool {
        self.owns.load(Ordering::Acquire)
    }

    /// As owner: checks Java, jars and ports, and starts the servers that do not run; returns when
    /// the processes are there, not when they serve. Attached: does nothing.
    ///
    /// # Errors
    /// [`LocalError`] that says what is missing or taken, and what to type.
    pub async fn start(&self) -> Result<(), LocalError> {
        match self.ask(START_LIMIT, KeeperRequest::Start).await {
            Ok(result) => result,
            Err(Silence::Ended) => Err(LocalError::Ended),
            Err(Silence::Late) => Err(LocalError::TimedOut(START_LIMIT.as_secs())),
        }
    }

    /// Looks around; to be called each second. An attached instance tries to become the owner, the
    /// owner notices ends and serves requests. Returns what has happened since.
    pub async fn tick(&self) -> Vec<News> {
        self.ask(SEE_LIMIT, KeeperRequest::Tick).await.unwrap_or_default()
    }

    /// Ends all children (SIGTERM, after [`LocalConfig::stop_limit`] SIGKILL) and lets go of the
    /// lock; attached: only detaches. Nothing can be done with the ensemble afterwards.
    pub async fn stop(&self) {
        // Silence means that the keeper has ended already, and with it the children.
        _ = self.ask(self.stop_limit + SEE_LIMIT, KeeperRequest::Stop).await;
    }

    async fn act_once(&self, node: &NodeId, action: ServerAction) -> Result<(), ControlError> {
        let make = |reply| KeeperRequest::Act(node.clone(), action, reply);
        match self.ask(ACT_LIMIT, make).await {
            Ok(result) => result,
            Err(Silence::Ended) => Err(ControlError::Closed { action, node: node.clone() }),
            Err(Silence::Late) => Err(ControlError::TimedOut {
                action,
                node: node.clone(),
                limit: ACT_LIMIT,
                next: "the keeper of the local ensemble is busy: try again".into(),
            }),
        }
    }

    async fn ask<T>(
        &self,
        limit: Duration,
        make: impl FnOnce(oneshot::Sender<T>) -> KeeperRequest,
    ) -> Result<T, Silence> {
        let (sender, answer) = oneshot::channel();
        match self.requests.try_send(make(sender)) {
            Ok(()) => {}
            Err(std::sync::mpsc::TrySendError::Full(_)) => return Err(Silence::Late),
            Err(std::sync::mpsc::TrySendError::Disconnected(_)) => return Err(Silence::Ended),
        }
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Silence::Ended),
            Err(_) => Err(Silence::Late),
        }
    }
}

/// Why the keeper gave no answer.
enum Silence {
    Ended,
    Late,
}

fn made(folder: &Path) -> Result<PathBuf, LocalError> {
    owner::make_folder(folder).map_err(LocalError::folder("make", folder))?;
    fs::canonicalize(folder).map_err(LocalError::folder("find", folder))
}

fn view(seen: ProcessState) -> HostView {
    match seen {
        ProcessState::Running { pid, paused } => {
            let state = if paused { HostState::Paused } else { HostState::Running };
            HostView { state, name: format!("process {pid}"), detail: None, container: None }
        }
        ProcessState::Stopped { pid, cause } => {
            HostView { state: HostState::Stopped, name: format!("process {pid}"), detail: Some(cause), container: None }
        }
        ProcessState::Restarting { pid, cause, again } => {
            let (state, name) = (HostState::Starting, format!("process {pid}"));
            HostView { state, name, detail: Some(news::restarting(&cause, again)), container: None }
        }
        ProcessState::Missing => {
            HostView { state: HostState::Missing, name: "no process".into(), detail: None, container: None }
        }
    }
}

#[async_trait]
impl ServerControl for LocalEnsemble {
    fn kind(&self) -> ControlView {
        ControlView::Process
    }

    async fn hosts(&self) -> Vec<(NodeId, Option<HostView>)> {
        match self.ask(SEE_LIMIT, KeeperRequest::See).await {
            Ok(seen) => seen.into_iter().map(|(node, seen)| (node, Some(view(seen)))).collect(),
            Err(_) => self.nodes.iter().map(|node| (node.clone(), None)).collect(),
        }
    }

    async fn act(&self, node: &NodeId, action: ServerAction) -> Result<(), ControlError> {
        // A restart that fails says which half of it did.
        if action == ServerAction::Restart {
            self.act_once(node, ServerAction::Stop).await?;
            return self.act_once(node, ServerAction::Start).await;
        }
        self.act_once(node, action).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_only_watches_neither_owns_an_ensemble_nor_makes_its_folders() {
        let folder = tempfile::tempdir().unwrap();
        let (root, logs) = (folder.path().join("local"), folder.path().join("logs"));
        let watcher = || LocalConfig { attach_only: true, ..LocalConfig::new(&root, &logs).unwrap() };
        assert!(matches!(LocalEnsemble::open(watcher()), Err(LocalError::NoneRuns { .. })));
        assert!(!root.exists() && !logs.exists());
        let owner = LocalEnsemble::open(LocalConfig::new(&root, &logs).unwrap()).unwrap();
        let watcher = LocalEnsemble::open(watcher()).unwrap();
        assert!(owner.owns() && !watcher.owns());
    }
}
