//! The thread that keeps the servers.
//!
//! The kernel ends the children when the *thread* that spawned them ends, so one thread lives as
//! long as [`super::LocalEnsemble`] and does all of it. It sleeps until it is asked something, and
//! looks every 50 ms only while something is under way.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::sync::oneshot;

use super::action::{Expected, PendingAction, ask_owner, check, stop};
use super::config::{LocalConfig, LocalNode};
use super::error::LocalError;
use super::news::{self, News};
use super::record::{OwnerLock, OwnerRecord};
use super::server::{LocalServer, ProcessEnd, ProcessState, Recipe};
use super::taken::TakenPort;
use super::{files, jars, java, ports};
use crate::adapters::control::ControlError;
use crate::domain::command::ServerAction;
use crate::domain::ids::NodeId;

/// How often a thing under way is looked at.
const STEP: Duration = Duration::from_millis(50);
/// Children of a zkdeck that was killed are given this long to let go of their ports.
const SURVIVORS_LIMIT: Duration = Duration::from_secs(5);
const NEWS_MAX: usize = 64;

/// What the keeper is asked. Every answer comes by the sender inside.
pub(super) enum KeeperRequest {
    Start(oneshot::Sender<Result<(), LocalError>>),
    Act(NodeId, ServerAction, oneshot::Sender<Result<(), ControlError>>),
    See(oneshot::Sender<Vec<(NodeId, ProcessState)>>),
    /// Look around; answers with the news since the last one.
    Tick(oneshot::Sender<Vec<News>>),
    Stop(oneshot::Sender<()>),
}

/// The servers wait for ports that children of an earlier zkdeck still hold.
struct Opening {
    until: Instant,
    /// Those too that somebody stopped on purpose.
    all: bool,
    recipe: Recipe,
    reply: Option<oneshot::Sender<Result<(), LocalError>>>,
}

struct Closing {
    kill_at: Instant,
    reply: oneshot::Sender<()>,
}

pub(super) struct Keeper {
    config: LocalConfig,
    servers: Vec<LocalServer>,
    lock_path: PathBuf,
    lock: Option<OwnerLock>,
    owns: Arc<AtomicBool>,
    recipe: Option<Recipe>,
    pending: Vec<PendingAction>,
    opening: Option<Opening>,
    closing: Option<Closing>,
    news: Vec<News>,
}

impl Keeper {
    pub(super) fn new(config: LocalConfig, lock_path: PathBuf, lock: Option<OwnerLock>, owns: Arc<AtomicBool>) -> Self {
        let server = |node: &LocalNode| {
            LocalServer::new(node.clone(), files::ServerPaths::new(&config.root, &config.logs, node))
        };
        let servers = config.nodes.iter().map(server).collect();
        Self {
            config,
            servers,
            lock_path,
            lock,
            owns,
            recipe: None,
            pending: Vec::new(),
            opening: None,
            closing: None,
            news: Vec::new(),
        }
    }

    /// Runs until it is told to stop, or until nobody can ask any more.
    pub(super) fn run(mut self, requests: &Receiver<KeeperRequest>) {
        let mut told = None;
        loop {
            let request = match self.patience() {
                Some(patience) => match requests.recv_timeout(patience) {
                    Ok(request) => Some(request),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => break,
                },
                None => match requests.recv() {
                    Ok(request) => Some(request),
                    Err(_) => break,
                },
            };
            self.notice_ends();
            if let Some(request) = request {
                self.handle(request);
            }
            self.notice_ends();
            self.step_opening();
            self.revive();
            self.step_pending();
            if let Some(reply) = self.step_closing() {
                told = Some(reply);
                break;
            }
        }
        self.servers.iter_mut().for_each(LocalServer::kill_and_wait);
        self.owns.store(false, Ordering::Release);
        self.lock = None;
        if let Some(reply) = told {
            _ = reply.send(());
        }
    }

    /// How long it sleeps when nobody asks; `None`: for ever.
    fn patience(&self) -> Option<Duration> {
        if !self.pending.is_empty() || self.opening.is_some() || self.closing.is_some() {
            return Some(STEP);
        }
        let due = self.servers.iter().filter_map(|server| server.revival.due()).min()?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    const fn is_owner(&self) -> bool {
        self.lock.is_some()
    }

    fn handle(&mut self, request: KeeperRequest) {
        match request {
            KeeperRequest::Start(reply) if self.is_owner() => self.open(Some(reply)),
            KeeperRequest::Start(reply) => _ = reply.send(Ok(())),
            KeeperRequest::Act(node, action, reply) if self.closing.is_some() => {
                _ = reply.send(Err(ControlError::Closed { action, node }));
            }
            KeeperRequest::Act(node, action, reply) => match self.begin(node, action) {
                Ok(expected) => self.pending.push(expected.answering(reply)),
                Err(error) => _ = reply.send(Err(error)),
            },
            KeeperRequest::See(reply) => {
                _ = reply.send(self.servers.iter().map(|server| (server.node.id.clone(), server.see())).collect());
            }
            KeeperRequest::Tick(reply) => {
                self.take_over();
                self.serve_start_requests();
                _ = reply.send(std::mem::take(&mut self.news));
            }
            KeeperRequest::Stop(reply) => self.begin_closing(reply),
        }
    }

    /// Checks and begins `action`.
    fn begin(&mut self, node: NodeId, action: ServerAction) -> Result<Expected, ControlError> {
        let Some(index) = self.servers.iter().position(|s| s.node.id == node) else {
            let names: Vec<_> = self.servers.iter().map(|s| s.node.id.to_string()).collect();
            return Err(ControlError::UnknownNode { action, node, known: names.join(", ") });
        };
        let seen = self.servers[index].see();
        check(&seen, &node, action)?;
        let mut expected = Expected::new(index, node.clone(), action);
        let sent = match action {
            ServerAction::Pause => self.servers[index].signal(Signal::STOP).map_err(|e| e.to_string()),
            ServerAction::Resume => self.servers[index].signal(Signal::CONT).map_err(|e| e.to_string()),
            ServerAction::Stop => {
                expected = expected.killing_after(self.config.stop_limit);
                let owner = self.is_owner();
                stop(&mut self.servers[index], &seen, owner)
            }
            ServerAction::Start => {
                expected = expected.starting_from(seen);
                self.start(index)
            }
            ServerAction::Restart => Err("it is a stop and a start, each asked for by itself".into()),
        };
        sent.map_err(|why| ControlError::Failed { action, node, why })?;
        Ok(expected)
    }

    fn start(&mut self, index: usize) -> Result<(), String> {
        if !self.is_owner() {
            return ask_owner(&self.servers[index]);
        }
        self.servers[index].revival.forget();
        self.start_one(index)
    }

    fn tell(&mut self, news: News) {
        news.log();
        if self.news.len() < NEWS_MAX {
            self.news.push(news);
        }
    }

    fn notice_ends(&mut self) {
        for i in 0..self.servers.len() {
            let Some(ProcessEnd { cause, ran, pause: Some(pause) }) = self.servers[i].reap() else { continue };
            let server = &self.servers[i];
            let told = news::ended(&server.node.id, &cause, ran, pause, &server.revival);
            self.tell(told);
        }
    }

    /// Starts the servers again that ended unasked and whose pause is over.
    fn revive(&mut self) {
        if !self.is_owner() || self.opening.is_some() || self.closing.is_some() {
            return;
        }
        for i in 0..self.servers.len() {
            if !self.servers[i].revival_due(Instant::now()) {
                continue;
            }
            let told = match self.start_one(i) {
                Ok(()) => news::revived(&self.servers[i].node.id, &self.servers[i].see()),
                Err(why) => {
                    let pause = self.servers[i].not_revived(&why);
                    news::not_revived(&self.servers[i].node.id, &why, pause)
                }
            };
            self.tell(told);
        }
    }

    /// Becomes the owner when the last one has gone, and starts the servers that ended with it.
    fn take_over(&mut self) {
        if self.is_owner() || self.closing.is_some() || self.config.attach_only {
            return;
        }
        let owner = OwnerRecord { pid: std::process::id(), ports: self.config.ports_text() };
        match OwnerLock::take(&self.lock_path, &owner) {
            Ok(None) => {}
            Ok(Some(lock)) => {
                self.lock = Some(lock);
                self.owns.store(true, Ordering::Release);
                self.tell(News::warning("the zkdeck that owned the local ensemble has gone; this one owns it now"));
                self.open(None);
            }
            Err(error) => tracing::warn!(%error, "the lock of the local ensemble cannot be tried"),
        }
    }

    /// Finds Java and jars, ends what an earlier zkdeck left, and waits for its ports.
    fn open(&mut self, reply: Option<oneshot::Sender<Result<(), LocalError>>>) {
        match self.prepare() {
            Ok(recipe) => {
                let (until, all) = (Instant::now() + SURVIVORS_LIMIT, reply.is_some());
                self.opening = Some(Opening { until, all, recipe, reply });
            }
            Err(error) => self.opened(reply, Err(error)),
        }
    }

    fn opened(&mut self, reply: Option<oneshot::Sender<Result<(), LocalError>>>, result: Result<(), LocalError>) {
        match (reply, result) {
            // Who asked for the start tells what came of it.
            (Some(reply), result) => _ = reply.send(result),
            (None, Err(error)) => self.tell(News::error(error.to_string())),
            (None, Ok(())) => {}
        }
    }

    /// Java, the jars and the servers' files, looked up anew: they may have come since.
    fn prepare(&mut self) -> Result<Recipe, LocalError> {
        let java = java::find(&self.config.search)?;
        let jars = jars::find(&self.config.search)?;
        for (i, server) in self.servers.iter().enumerate() {
            files::write(&server.places, i + 1, &self.config.nodes, jars.prometheus)?;
        }
        let (program, heap_mb_max) = (self.config.program.clone(), self.config.heap_mb_max);
        let recipe = Recipe { program, java, jars, heap_mb_max };
        if self.recipe.is_none() {
            self.remark(&recipe);
        }
        self.recipe = Some(recipe.clone());
        Ok(recipe)
    }

    fn remark(&mut self, recipe: &Recipe) {
        if recipe.jars.version.as_deref() == Some("3.9.3") {
            self.tell(News::warning("ZooKeeper 3.9.3 can lose data: use 3.9.4 or newer"));
        }
        if !recipe.jars.prometheus {
            self.tell(News::warning("this ZooKeeper has no Prometheus provider: nothing answers on the metrics ports"));
        }
    }

    fn step_opening(&mut self) {
        let Some(opening) = self.opening.take() else { return };
        // Without a child of our own, what the records name was left by an earlier owner.
        let left: Vec<_> = self.servers.iter().filter(|s| !s.is_child()).collect();
        let alive = left.iter().filter(|s| matches!(s.see(), ProcessState::Running { .. }));
        let survivors = alive.filter(|s| s.signal(Signal::KILL).is_ok()).count();
        let taken: Vec<_> = left.iter().flat_map(|s| ports::taken(&s.node)).collect();
        // A port that no process holds is let go of by one that is about to end.
        let settling = survivors > 0 || taken.iter().any(TakenPort::has_no_holder);
        if settling && Instant::now() < opening.until {
            self.opening = Some(opening);
            return;
        }
        let result = if taken.is_empty() {
            self.spawn_all(&opening.recipe, opening.all)
        } else {
            Err(LocalError::PortsTaken(taken))
        };
        self.opened(opening.reply, result);
    }

    /// Who takes over leaves stopped what somebody stopped; who opens the ensemble starts all of it.
    fn spawn_all(&mut self, recipe: &Recipe, all: bool) -> Result<(), LocalError> {
        for server in self.servers.iter_mut().filter(|s| !s.is_child() && (all || !s.to_stay_stopped())) {
            // A request from before this start is served by it.
            drop(fs::remove_file(server.places.start_request()));
            server.spawn(recipe)?;
        }
        Ok(())
    }

    /// Starts the servers that an attached instance asked for.
    fn serve_start_requests(&mut self) {
        if !self.is_owner() || self.opening.is_some() || self.closing.is_some() {
            return;
        }
        for i in 0..self.servers.len() {
            if fs::remove_file(self.servers[i].places.start_request()).is_err() || self.servers[i].is_child() {
                continue;
            }
            self.servers[i].revival.forget();
            if let Err(why) = self.start_one(i) {
                self.tell(News::warning(format!("start {}: {why}", self.servers[i].node.id)));
            }
        }
    }

    /// Starts one server that does not run; the cause in words when it cannot be.
    fn start_one(&mut self, i: usize) -> Result<(), String> {
        let recipe = self.prepare().map_err(|error| error.to_string())?;
        let server = &mut self.servers[i];
        let taken = ports::taken(&server.node);
        if !taken.is_empty() {
            return Err(LocalError::PortsTaken(taken).to_string());
        }
        server.spawn(&recipe).map_err(|error| error.to_string())
    }

    fn step_pending(&mut self) {
        let (servers, now) = (&self.servers, Instant::now());
        let waiting = std::mem::take(&mut self.pending);
        self.pending = waiting.into_iter().filter_map(|pending| pending.step(servers, now)).collect();
    }

    fn begin_closing(&mut self, reply: oneshot::Sender<()>) {
        for pending in self.pending.drain(..) {
            pending.close();
        }
        if let Some(Opening { reply: Some(reply), .. }) = self.opening.take() {
            _ = reply.send(Err(LocalError::Ended));
        }
        for server in self.servers.iter_mut().filter(|s| s.is_child()) {
            server.stop_asked = true;
            // A paused server would take the SIGTERM only after it was resumed.
            _ = server.signal(Signal::TERM);
            _ = server.signal(Signal::CONT);
        }
        self.closing = Some(Closing { kill_at: Instant::now() + self.config.stop_limit, reply });
    }

    fn step_closing(&mut self) -> Option<oneshot::Sender<()>> {
        let closing = self.closing.as_ref()?;
        let done = self.servers.iter().all(|s| !s.is_child()) || Instant::now() >= closing.kill_at;
        if !done {
            return None;
        }
        for server in &self.servers {
            server.leave_to_owner();
        }
        self.closing.take().map(|closing| closing.reply)
    }
}
