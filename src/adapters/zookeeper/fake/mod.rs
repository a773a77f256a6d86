//! The twin of the real client for tests: an ensemble in memory whose every mishap is decided by the
//! test. `tree` keeps the znodes, `ensemble` the sessions, which `sessions` makes and ends; `weather` decides
//! what befalls a request.
//!
//! It is held to the real one by the contract suite in `tests/contract`. Where it differs, it is
//! harsher: a late request is carried out even when its session has expired meanwhile.

mod ensemble;
mod sessions;
#[cfg(test)]
mod tests;
mod tree;
mod weather;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

pub(crate) use self::ensemble::FakeEnsemble;
use self::ensemble::{EnsembleServers, FakeWrite};
pub(crate) use self::tree::TreeChange;
pub(crate) use self::weather::{Calm, FakeRequest, RequestFate, Weather};
use super::config::ZkConfig;
use super::coord::{Change, Connect, Coord, LinkState, Mode, Op, Versioned, request_bytes, within_limit};
use super::error::{Refusal, ZkError};

/// One session with a [`FakeEnsemble`].
pub(crate) struct FakeCoord {
    ensemble: FakeEnsemble,
    session: u64,
    news: Arc<Notify>,
}

/// Sessions with a [`FakeEnsemble`].
pub(crate) struct FakeServers {
    pub(crate) ensemble: FakeEnsemble,
    pub(crate) config: ZkConfig,
}

#[async_trait]
impl Connect for FakeServers {
    fn config(&self) -> &ZkConfig {
        &self.config
    }

    async fn connect(&self) -> Result<Arc<dyn Coord>, ZkError> {
        Ok(Arc::new(self.ensemble.connect(&self.config.root)))
    }
}

fn unknown(operation: &'static str, path: &str, cause: &str) -> ZkError {
    ZkError::Unknown { operation, path: path.to_owned(), cause: cause.to_owned() }
}

impl FakeCoord {
    /// Counted from 1 for each ensemble.
    pub(crate) const fn session(&self) -> u64 {
        self.session
    }

    /// The connection that a request is sent on.
    fn admit(&self) -> Result<u64, ZkError> {
        let servers = self.ensemble.servers();
        match servers.sessions.get(&self.session) {
            Some(session) => match &session.link {
                LinkState::Connected => Ok(session.connection),
                LinkState::Disconnected => Err(ZkError::Disconnected),
                LinkState::Ended(cause) => Err(ZkError::Ended { cause: cause.clone() }),
            },
            None => Err(ZkError::Ended { cause: "there is no such session".into() }),
        }
    }

    fn holds(&self, connection: u64) -> bool {
        self.ensemble.servers().sessions.get(&self.session).is_some_and(|s| s.connection == connection)
    }

    /// Sends a request and waits for what `carry_out` makes of it at the server.
    async fn request<T>(
        &self,
        operation: &'static str,
        path: &str,
        write: Option<FakeWrite>,
        carry_out: impl FnOnce(&mut EnsembleServers) -> Result<T, (usize, Refusal, String)> + Send,
    ) -> Result<T, ZkError> {
        let connection = self.admit()?;
        let weather = &self.ensemble.weather;
        let fate = weather.fate(FakeRequest { session: self.session, operation, path, write: write.is_some() });
        sleep(weather.travel()).await;
        let arrives = match fate {
            RequestFate::Refused(why) => {
                return Err(ZkError::Refused { operation, index: 0, path: path.to_owned(), why });
            }
            RequestFate::Lost | RequestFate::Hangs { applied: false } => false,
            RequestFate::Served | RequestFate::AnswerLost | RequestFate::Hangs { applied: true } => {
                self.holds(connection)
            }
            RequestFate::Late(after) => {
                let late = write.map(|write| (Instant::now() + after, write));
                if let Some((due, write)) = late {
                    self.ensemble.servers().later(due, self.session, write);
                }
                false
            }
        };
        let outcome = arrives.then(|| {
            let mut servers = self.ensemble.servers();
            servers.carry_out_late(Some(Instant::now()));
            carry_out(&mut servers)
        });
        if matches!(fate, RequestFate::Hangs { .. }) {
            std::future::pending::<()>().await;
        }
        sleep(weather.travel()).await;
        match outcome.filter(|_| fate == RequestFate::Served && self.holds(connection)) {
            Some(Ok(value)) => Ok(value),
            Some(Err((index, why, path))) => Err(ZkError::Refused { operation, index, path, why }),
            None => Err(unknown(operation, path, "the connection was lost")),
        }
    }

    async fn read<T: Send>(
        &self,
        operation: &'static str,
        path: &str,
        look: impl FnOnce(&EnsembleServers, u64) -> T + Send,
    ) -> Result<T, ZkError> {
        let (id, weather) = (self.session, Arc::clone(&self.ensemble.weather));
        let carry_out = |servers: &mut EnsembleServers| {
            let head = servers.tree.zxid();
            let mut at = head;
            if let Some(session) = servers.sessions.get_mut(&id) {
                let unseen = head - session.seen;
                at = head - weather.lag(id, unseen).min(unseen);
                session.seen = at;
            }
            Ok(look(servers, at))
        };
        self.request(operation, path, None, carry_out).await
    }

    async fn write(&self, operation: &'static str, path: &str, write: FakeWrite) -> Result<String, ZkError> {
        let (id, theirs) = (self.session, write.clone());
        let carry_out = |servers: &mut EnsembleServers| {
            let done = servers.write(id, &theirs);
            let seen = servers.tree.zxid();
            if let Some(session) = servers.sessions.get_mut(&id) {
                session.seen = seen;
            }
            done.map_err(|(index, why)| {
                let at = match &theirs {
                    FakeWrite::Create { path, .. } => path.as_str(),
                    FakeWrite::Multi(ops) => ops.get(index).map_or(path, Op::path),
                };
                (index, why, at.to_owned())
            })
        };
        self.request(operation, path, Some(write), carry_out).await
    }
}

#[async_trait]
impl Coord for FakeCoord {
    async fn get(&self, path: &str) -> Result<Option<Versioned>, ZkError> {
        self.read("get", path, |servers, at| servers.tree.get(path, at)).await
    }

    async fn children(&self, path: &str) -> Result<Option<Vec<String>>, ZkError> {
        self.read("children", path, |servers, at| servers.tree.children(path, at)).await
    }

    async fn create(&self, path: &str, data: &[u8], mode: Mode) -> Result<String, ZkError> {
        within_limit("create", path, request_bytes(path, data.len()))?;
        self.write("create", path, FakeWrite::Create { path: path.to_owned(), data: data.to_vec(), mode }).await
    }

    async fn set(&self, path: &str, data: &[u8], version: Option<i32>) -> Result<i32, ZkError> {
        within_limit("set", path, request_bytes(path, data.len()))?;
        let op = Op::Set { path: path.to_owned(), data: data.to_vec(), version: version.unwrap_or(-1) };
        self.write("set", path, FakeWrite::Multi(vec![op])).await?;
        let servers = self.ensemble.servers();
        let found = servers.tree.get(path, servers.tree.zxid());
        // With a version demanded, the new one is known whatever came after.
        Ok(version.filter(|version| *version >= 0).map_or(found.map_or(0, |(_, version)| version), |v| v + 1))
    }

    async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), ZkError> {
        let op = Op::Delete { path: path.to_owned(), version: version.unwrap_or(-1) };
        self.write("delete", path, FakeWrite::Multi(vec![op])).await.map(drop)
    }

    async fn multi(&self, ops: Vec<Op>) -> Result<(), ZkError> {
        let Some(first) = ops.first().map(|op| op.path().to_owned()) else { return Ok(()) };
        within_limit("multi", &first, ops.iter().map(Op::bytes).sum())?;
        self.write("multi", &first, FakeWrite::Multi(ops)).await.map(drop)
    }

    async fn get_many(&self, paths: Vec<String>) -> Result<Vec<Option<Versioned>>, ZkError> {
        let Some(first) = paths.first() else { return Ok(Vec::new()) };
        let look = |servers: &EnsembleServers, at| paths.iter().map(|path| servers.tree.get(path, at)).collect();
        self.read("read", first, look).await
    }

    fn state(&self) -> LinkState {
        match self.ensemble.servers().sessions.get(&self.session) {
            Some(session) => session.link.clone(),
            None => LinkState::Ended("there is no such session".into()),
        }
    }

    async fn next_change(&self) -> Change {
        loop {
            let next = self.ensemble.servers().sessions.get_mut(&self.session).and_then(|session| {
                let (at, change) = session.changes.pop_front()?;
                session.seen = session.seen.max(at);
                Some(change)
            });
            match next {
                Some(change) => return change,
                None => self.news.notified().await,
            }
        }
    }

    async fn close(&self) {
        self.ensemble.end(self.session, "closed by this program");
    }
}
