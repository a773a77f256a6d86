//! What every handler has: the engine's handle, the settings, and who asks.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::address;
use super::config::ApiConfig;
use super::error::Fail;
use crate::domain::command::{Actor, Command};
use crate::domain::file::FileEntry;
use crate::domain::ids::FileId;
use crate::domain::snapshot::Snapshot;
use crate::engine::handle::{Handle, PendingOperation};

/// Longest wait for the engine to accept or refuse.
pub(super) const ENGINE_WAIT: Duration = Duration::from_secs(5);
/// Longest wait for an answer to a question: a server of logs that hangs is given up after 10 s, and the files answer.
pub(super) const ASK_WAIT: Duration = Duration::from_secs(20);
/// Uploads that may be under way at once.
pub(super) const UPLOADS_MAX: usize = 16;
/// Fronts of other processes that may be served at once, with the files that they send and fetch.
pub(super) const SOCKETS_MAX: usize = 64;

#[derive(Clone)]
pub(super) struct App {
    pub(super) handle: Handle,
    pub(super) config: Arc<ApiConfig>,
    pub(super) uploads: Arc<Semaphore>,
    pub(super) sockets: Arc<Semaphore>,
}

impl App {
    pub(super) fn new(handle: Handle, config: ApiConfig) -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { handle, config: Arc::new(config), uploads: places(UPLOADS_MAX), sockets: places(SOCKETS_MAX) }
    }

    /// The last picture that was published: at most a tenth of a second old.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.handle.snapshot()
    }

    /// The picture with all that was answered before this request came.
    pub(super) async fn current(&self) -> Result<Arc<Snapshot>, Fail> {
        self.limited(self.handle.current()).await
    }

    /// Asks the engine for a command, and waits [`ENGINE_WAIT`] at most.
    pub(super) async fn command(&self, command: Command, by: &By) -> Result<PendingOperation, Fail> {
        self.limited(self.handle.begin(command, by.0.clone())).await?.map_err(Fail::from)
    }

    /// The record of a file, wherever it is known; 404 only when there is none.
    pub(super) async fn file(&self, file: FileId) -> Result<Arc<FileEntry>, Fail> {
        self.limited(self.handle.file(file)).await?.map_err(Fail::from)
    }

    /// Waits for the answer to a question, [`ASK_WAIT`] at most.
    pub(super) async fn asked<T>(&self, answer: impl Future<Output = T>) -> Result<T, Fail> {
        timeout(ASK_WAIT, answer).await.map_err(|_| Fail::unanswered())
    }

    /// Waits for an answer of the engine, [`ENGINE_WAIT`] at most.
    pub(super) async fn limited<T>(&self, answer: impl Future<Output = T>) -> Result<T, Fail> {
        timeout(ENGINE_WAIT, answer).await.map_err(|_| Fail::no_answer())
    }
}

/// Where a request comes from: `127.0.0.1`; empty when that is not known.
pub(super) struct RequestOrigin(pub(super) String);

impl<S: Sync> FromRequestParts<S> for RequestOrigin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<address::Peer>>();
        Ok(Self(peer.map_or_else(String::new, |peer| peer.0.0.ip().to_canonical().to_string())))
    }
}

/// Who asks, for history: `api 127.0.0.1`.
pub(super) struct By(pub(super) Actor);

impl<S: Sync> FromRequestParts<S> for By {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let RequestOrigin(peer) = RequestOrigin::from_request_parts(parts, state).await?;
        Ok(Self(Actor(format!("api {peer}").trim_end().to_owned())))
    }
}
