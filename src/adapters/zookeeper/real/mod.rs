//! [`Coord`] over real servers, by the client crate, with its traps walled in.
//!
//! - The client queues requests at the *call*, without bound, and carries them out even when the
//!   future is dropped. Hence a semaphore, and hence every call is made before its first await: a
//!   write is either not sent at all or runs to its end on the client's own task.
//! - While disconnected the client holds requests back instead of failing them. Hence each call
//!   looks at the state first and fails at once.
//! - An oversized request looks like a connection loss. Hence sizes are checked before sending.
//! - Writes have no time limit of their own: the client fails them when the server is silent for
//!   2/5 of the session time-out, or when the session ends, 7/5 of it after the last word.

mod access;
mod classify;
mod watch;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::{Semaphore, SemaphorePermit};
use zookeeper_client::{Acls, Client, CreateMode, Error, MultiReadResult, MultiWriteError, SessionInfo, StateWatcher};

use super::config::ZkConfig;
use super::coord::{
    Change, Connect, Coord, LinkState, Mode, Op, READ_BATCH_MAX, Versioned, request_bytes, within_limit,
};
use super::error::{Refusal, ZkError};
use crate::domain::ids::Timestamp;
pub use access::Access;
use classify::{classify, link};
use watch::Watching;

/// Batches of one [`Coord::get_many`] on their way at once.
const BATCHES_IN_FLIGHT: usize = 4;
/// Longest time that [`Coord::close`] waits for the servers' word.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// A session with real servers.
pub struct RealCoord {
    /// `None` once closed: the session ends when the last request on its way lets go.
    client: Mutex<Option<Arc<Client>>>,
    /// Outlives the client, to see the end.
    states: StateWatcher,
    requests: Semaphore,
    read_limit: Duration,
    watching: Watching,
}

/// Connects to one of the servers and makes a session.
///
/// # Errors
/// [`ZkError::Connect`] when no server with a quorum answers within `config.connect_limit`.
pub async fn connect(config: &ZkConfig) -> Result<RealCoord, ZkError> {
    let hosts = config.hosts.join(",");
    let connector = Client::connector().with_session_timeout(config.session_timeout).with_fail_eagerly();
    let cause = match tokio::time::timeout(config.connect_limit, connector.connect(&hosts)).await {
        Ok(Ok(client)) => return Ok(RealCoord::new(client, config)),
        Ok(Err(Error::NoHosts)) => {
            "no server with a quorum answered; see that a majority of them runs, and that one leads".to_owned()
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!(
            "no session within {} ms; see that a majority of the servers runs, and that one leads",
            config.connect_limit.as_millis()
        ),
    };
    Err(ZkError::Connect { hosts, cause })
}

/// Sessions with real servers.
pub struct RealServers(pub ZkConfig);

#[async_trait]
impl Connect for RealServers {
    fn config(&self) -> &ZkConfig {
        &self.0
    }

    async fn connect(&self) -> Result<Arc<dyn Coord>, ZkError> {
        Ok(Arc::new(connect(&self.0).await?))
    }
}

impl RealCoord {
    fn new(client: Client, config: &ZkConfig) -> Self {
        let states = client.state_watcher();
        let watching = Watching::new(&config.root, states.clone());
        Self {
            client: Mutex::new(Some(Arc::new(client))),
            states,
            requests: Semaphore::new(config.request_limit.max(1)),
            read_limit: config.read_limit,
            watching,
        }
    }

    /// The session's id and password; `None` once closed. With it another client can take the
    /// session over and end it: how tests make it expire.
    #[must_use]
    pub fn session(&self) -> Option<SessionInfo> {
        self.client().map(|client| client.session().clone())
    }

    /// When a znode was made, by the servers' clock; `None` when there is none.
    ///
    /// # Errors
    /// [`ZkError`].
    pub async fn made_at(&self, path: &str) -> Result<Option<Timestamp>, ZkError> {
        let (_permit, client) = self.admit().await?;
        let stat = self.read("stat", path, client.check_stat(path)).await?.flatten();
        Ok(stat.map(|stat| Timestamp(u64::try_from(stat.ctime).unwrap_or_default())))
    }

    /// What this program may do at a znode; `None` when there is none.
    ///
    /// # Errors
    /// [`ZkError`], refused when its ACL may not be read.
    pub async fn access(&self, path: &str) -> Result<Option<Access>, ZkError> {
        let (_permit, client) = self.admit().await?;
        let found = self.read("read the ACL of", path, client.get_acl(path)).await?;
        Ok(found.map(|(acl, _)| Access::of(&acl)))
    }

    fn client(&self) -> Option<Arc<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A permit and the client, when there is a connection to send on.
    async fn admit(&self) -> Result<(SemaphorePermit<'_>, Arc<Client>), ZkError> {
        let permit = self.requests.acquire().await.map_err(|_| ended("closed"))?;
        let client = self.client().ok_or_else(|| ended("closed by this program"))?;
        match link(client.state()) {
            LinkState::Connected => Ok((permit, client)),
            LinkState::Disconnected => Err(ZkError::Disconnected),
            LinkState::Ended(cause) => Err(ZkError::Ended { cause }),
        }
    }

    /// Waits for a read, but not for ever: a dropped read does no harm.
    async fn read<T>(
        &self,
        operation: &'static str,
        path: &str,
        reply: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<Option<T>, ZkError> {
        match tokio::time::timeout(self.read_limit, reply).await {
            Ok(Ok(value)) => Ok(Some(value)),
            Ok(Err(Error::NoNode)) => Ok(None),
            Ok(Err(error)) => Err(classify(operation, 0, path, &error)),
            Err(_) => Err(ZkError::Unknown {
                operation,
                path: path.to_owned(),
                cause: format!("no answer within {} ms", self.read_limit.as_millis()),
            }),
        }
    }

    async fn get_batch(&self, paths: &[String]) -> Result<Vec<Option<Versioned>>, ZkError> {
        let first = paths.first().map_or("", String::as_str);
        let (_permit, client) = self.admit().await?;
        let mut reader = client.new_multi_reader();
        for path in paths {
            reader.add_get_data(path).map_err(|error| classify("read", 0, path, &error))?;
        }
        let reply = reader.commit();
        let results = self.read("read", first, reply).await?.unwrap_or_default();
        if results.len() != paths.len() {
            let cause = format!("{} answers to {} questions", results.len(), paths.len());
            return Err(ZkError::Unknown { operation: "read", path: first.to_owned(), cause });
        }
        results.into_iter().zip(paths).map(|(result, path)| one_read(path, result)).collect()
    }
}

fn one_read(path: &str, result: MultiReadResult) -> Result<Option<Versioned>, ZkError> {
    match result {
        MultiReadResult::Data { data, stat } => Ok(Some((data, stat.version))),
        MultiReadResult::Error { err: Error::NoNode } => Ok(None),
        MultiReadResult::Error { err } => Err(classify("read", 0, path, &err)),
        other => Err(ZkError::Unknown {
            operation: "read",
            path: path.to_owned(),
            cause: format!("an answer of another kind: {other:?}"),
        }),
    }
}

fn ended(cause: &str) -> ZkError {
    ZkError::Ended { cause: cause.to_owned() }
}

#[async_trait]
impl Coord for RealCoord {
    async fn get(&self, path: &str) -> Result<Option<Versioned>, ZkError> {
        let (_permit, client) = self.admit().await?;
        let reply = client.get_data(path);
        Ok(self.read("get", path, reply).await?.map(|(data, stat)| (data, stat.version)))
    }

    async fn children(&self, path: &str) -> Result<Option<Vec<String>>, ZkError> {
        let (_permit, client) = self.admit().await?;
        let reply = client.list_children(path);
        self.read("children", path, reply).await
    }

    async fn create(&self, path: &str, data: &[u8], mode: Mode) -> Result<String, ZkError> {
        within_limit("create", path, request_bytes(path, data.len()))?;
        let (_permit, client) = self.admit().await?;
        let create_mode = match mode {
            Mode::Persistent => CreateMode::Persistent,
            Mode::Ephemeral => CreateMode::Ephemeral,
            Mode::EphemeralSequential => CreateMode::EphemeralSequential,
        };
        let options = create_mode.with_acls(Acls::anyone_all());
        let reply = client.create(path, data, &options);
        let (_, sequence) = reply.await.map_err(|error| classify("create", 0, path, &error))?;
        Ok(match mode {
            Mode::EphemeralSequential => format!("{path}{sequence}"),
            Mode::Persistent | Mode::Ephemeral => path.to_owned(),
        })
    }

    async fn set(&self, path: &str, data: &[u8], version: Option<i32>) -> Result<i32, ZkError> {
        within_limit("set", path, request_bytes(path, data.len()))?;
        let (_permit, client) = self.admit().await?;
        let reply = client.set_data(path, data, version);
        reply.await.map(|stat| stat.version).map_err(|error| classify("set", 0, path, &error))
    }

    async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), ZkError> {
        let (_permit, client) = self.admit().await?;
        let reply = client.delete(path, version);
        reply.await.map_err(|error| classify("delete", 0, path, &error))
    }

    async fn multi(&self, ops: Vec<Op>) -> Result<(), ZkError> {
        let Some(first) = ops.first() else { return Ok(()) };
        within_limit("multi", first.path(), ops.iter().map(Op::bytes).sum())?;
        let (_permit, client) = self.admit().await?;
        let mut writer = client.new_multi_writer();
        let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
        for (index, op) in ops.iter().enumerate() {
            match op {
                Op::Check { path, version } => writer.add_check_version(path, *version),
                Op::Create { path, data } => writer.add_create(path, data, &options),
                Op::Set { path, data, version } => writer.add_set_data(path, data, Some(*version)),
                Op::Delete { path, version } => writer.add_delete(path, Some(*version)),
            }
            .map_err(|_| ZkError::Refused {
                operation: "multi",
                index,
                path: op.path().to_owned(),
                why: Refusal::BadArguments,
            })?;
        }
        let reply = writer.commit();
        match reply.await {
            Ok(_) => Ok(()),
            Err(MultiWriteError::OperationFailed { index, source }) => {
                let path = ops.get(index).map_or(first.path(), Op::path);
                Err(classify("multi", index, path, &source))
            }
            Err(MultiWriteError::RequestFailed { source }) => Err(classify("multi", 0, first.path(), &source)),
        }
    }

    async fn get_many(&self, paths: Vec<String>) -> Result<Vec<Option<Versioned>>, ZkError> {
        let batches: Vec<_> = paths.chunks(READ_BATCH_MAX).map(|batch| self.get_batch(batch)).collect();
        let answers: Vec<_> = stream::iter(batches).buffered(BATCHES_IN_FLIGHT).try_collect().await?;
        Ok(answers.into_iter().flatten().collect())
    }

    fn state(&self) -> LinkState {
        match self.client() {
            Some(client) => link(client.state()),
            None => LinkState::Ended("closed by this program".into()),
        }
    }

    async fn next_change(&self) -> Change {
        self.watching.next(|| self.client()).await
    }

    async fn close(&self) {
        let mut states = self.states.clone();
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(client);
        self.watching.close();
        let over = async { while !states.changed().await.is_terminated() {} };
        if !states_ended(&self.states) && tokio::time::timeout(CLOSE_LIMIT, over).await.is_err() {
            tracing::debug!("the servers did not confirm the end of the session; it ends by its time-out");
        }
    }
}

fn states_ended(states: &StateWatcher) -> bool {
    states.peek_state().is_terminated()
}
