//! The servers: one tree, the sessions, and requests that are still on their way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::tree::{SessionId, Tree, TreeChange};
use super::weather::{Calm, Weather};
use crate::adapters::zookeeper::coord::{Change, LinkState, Mode, Op};
use crate::adapters::zookeeper::error::Refusal;

/// Told of each transaction, in order, when it is applied.
pub(crate) type Observer = Box<dyn FnMut(&[TreeChange]) + Send>;

/// An ensemble for many sessions. Cheap to clone.
#[derive(Clone)]
pub(crate) struct FakeEnsemble {
    pub(super) weather: Arc<dyn Weather>,
    servers: Arc<Mutex<EnsembleServers>>,
}

pub(super) struct EnsembleServers {
    pub(super) tree: Tree,
    pub(super) sessions: BTreeMap<SessionId, FakeSession>,
    /// Requests whose senders have given up and that will be carried out all the same.
    late: Vec<(Instant, SessionId, FakeWrite)>,
    observer: Option<Observer>,
}

/// A request that changes something.
#[derive(Clone, Debug)]
pub(super) enum FakeWrite {
    Create { path: String, data: Vec<u8>, mode: Mode },
    Multi(Vec<Op>),
}

pub(super) struct FakeSession {
    pub(super) link: LinkState,
    /// Grows with each loss of the connection: an answer to an older one does not arrive.
    pub(super) connection: u64,
    /// The last transaction that the session's server had seen.
    pub(super) seen: u64,
    pub(super) root: String,
    /// With the transaction that each is of: what is read after a change was told is not older than it.
    pub(super) changes: VecDeque<(u64, Change)>,
    pub(super) news: Arc<Notify>,
}

impl FakeSession {
    pub(super) fn tell(&mut self, at: u64, change: Change) {
        self.changes.push_back((at, change));
        self.news.notify_one();
    }
}

impl FakeEnsemble {
    pub(crate) fn calm() -> Self {
        Self::new(Arc::new(Calm))
    }

    pub(crate) fn new(weather: Arc<dyn Weather>) -> Self {
        let servers =
            EnsembleServers { tree: Tree::default(), sessions: BTreeMap::new(), late: Vec::new(), observer: None };
        Self { weather, servers: Arc::new(Mutex::new(servers)) }
    }

    /// An ensemble of its own that begins with the znodes of this one.
    pub(crate) fn copy(&self, weather: Arc<dyn Weather>) -> Self {
        let new = Self::new(weather);
        new.servers().tree = self.servers().tree.clone();
        new
    }

    /// The servers come back with an older state, which they take for the newest: no session lives on, and nobody
    /// is told.
    pub(crate) fn put_back(&self, old: &Self) {
        let mut tree = old.servers().tree.clone();
        let mut servers = self.servers();
        for (id, session) in &mut servers.sessions {
            session.link = LinkState::Ended("the servers know no such session".into());
            session.connection += 1;
            session.tell(0, Change::Link(session.link.clone()));
            drop(tree.end(*id));
        }
        servers.late.clear();
        servers.tree = tree;
    }

    pub(crate) fn observe(&self, observer: Observer) {
        self.servers().observer = Some(observer);
    }

    pub(super) fn end(&self, id: SessionId, cause: &str) {
        let mut servers = self.servers();
        let Some(session) = servers.sessions.get_mut(&id) else { return };
        if !matches!(session.link, LinkState::Ended(_)) {
            session.link = LinkState::Ended(cause.to_owned());
            session.connection += 1;
            session.tell(0, Change::Link(LinkState::Ended(cause.to_owned())));
            let effects = servers.tree.end(id);
            servers.tell(&effects);
        }
    }

    /// Carries out, whatever their time, the requests that are still on their way.
    pub(crate) fn settle(&self) {
        self.servers().carry_out_late(None);
    }

    pub(super) fn servers(&self) -> MutexGuard<'_, EnsembleServers> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EnsembleServers {
    /// Carries out a write; the path made, the version set.
    pub(super) fn write(&mut self, session: SessionId, write: &FakeWrite) -> Result<String, (usize, Refusal)> {
        let (path, effects) = match write {
            FakeWrite::Create { path, data, mode } => {
                let over = self.sessions.get(&session).is_none_or(|s| matches!(s.link, LinkState::Ended(_)));
                if over && *mode != Mode::Persistent {
                    return Err((0, Refusal::BadArguments));
                }
                self.tree.create(path, data, *mode, session).map_err(|why| (0, why))?
            }
            FakeWrite::Multi(ops) => (String::new(), self.tree.multi(ops)?),
        };
        self.tell(&effects);
        Ok(path)
    }

    pub(super) fn later(&mut self, due: Instant, session: SessionId, write: FakeWrite) {
        self.late.push((due, session, write));
    }

    /// Requests that arrive now or, with `None`, some day.
    pub(super) fn carry_out_late(&mut self, now: Option<Instant>) {
        while let Some(at) = self.late.iter().position(|(due, ..)| now.is_none_or(|now| *due <= now)) {
            let (_, session, write) = self.late.remove(at);
            // Nobody waits for the outcome.
            _ = self.write(session, &write);
        }
    }

    pub(super) fn tell(&mut self, effects: &[TreeChange]) {
        if let Some(observer) = &mut self.observer {
            observer(effects);
        }
        let now = self.tree.zxid();
        for session in self.sessions.values_mut().filter(|session| session.link == LinkState::Connected) {
            for effect in effects {
                let under =
                    effect.path.strip_prefix(&*session.root).is_some_and(|r| r.is_empty() || r.starts_with('/'));
                if under {
                    let (path, kind) = (effect.path.clone(), effect.kind);
                    session.tell(now, Change::Path { path, kind });
                }
            }
        }
    }
}
