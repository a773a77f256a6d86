//! The few operations of ZooKeeper that zkdeck uses.

use std::sync::Arc;

use async_trait::async_trait;

use super::config::ZkConfig;
use super::error::ZkError;

/// What a path holds: its bytes and its version.
pub type Versioned = (Vec<u8>, i32);

/// Most paths that go into one multi-read.
pub const READ_BATCH_MAX: usize = 500;
/// Most bytes of one request. The server's limit is 1,048,575; beyond it the server drops the
/// connection, which looks like a connection loss and would be repeated for ever.
pub const REQUEST_BYTES_MAX: usize = 900_000;

/// How long a znode lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Persistent,
    /// Ends with the session that made it.
    Ephemeral,
    /// Ephemeral, and the server appends ten digits that grow with each child of the parent.
    EphemeralSequential,
}

/// One operation of a `multi`. All are applied, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// The path exists at this version.
    Check {
        path: String,
        version: i32,
    },
    /// Makes a persistent znode, which has version 0.
    Create {
        path: String,
        data: Vec<u8>,
    },
    Set {
        path: String,
        data: Vec<u8>,
        version: i32,
    },
    Delete {
        path: String,
        version: i32,
    },
}

impl Op {
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Check { path, .. }
            | Self::Create { path, .. }
            | Self::Set { path, .. }
            | Self::Delete { path, .. } => path,
        }
    }

    /// Bytes that the operation takes in a request, from above.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let data = match self {
            Self::Create { data, .. } | Self::Set { data, .. } => data.len(),
            Self::Check { .. } | Self::Delete { .. } => 0,
        };
        request_bytes(self.path(), data)
    }
}

/// Bytes of a request on `path` with `data` bytes of content, from above: headers, lengths and the
/// ACL of a create come to less than 96.
#[must_use]
pub fn request_bytes(path: &str, data: usize) -> usize {
    path.len() + data + 96
}

/// Refuses a request that the servers would drop the connection for.
pub(super) fn within_limit(operation: &'static str, path: &str, bytes: usize) -> Result<(), ZkError> {
    if bytes <= REQUEST_BYTES_MAX {
        return Ok(());
    }
    Err(ZkError::TooLarge { operation, path: path.to_owned(), bytes, limit: REQUEST_BYTES_MAX })
}

/// Whether there is a session and a server behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    Connected,
    /// No server at the moment; the session may live on. New work stops here, not at the end: the
    /// client learns of an expired session later than the servers do.
    Disconnected,
    /// The session is over, with its ephemerals. Only a new connection helps.
    Ended(String),
}

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    Created,
    Deleted,
    /// Its content was set.
    Data,
}

/// What [`Coord::next_change`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Link(LinkState),
    /// A path at or under the root changed. Says nothing of the content: read it.
    Path {
        path: String,
        kind: PathKind,
    },
    /// The watch was made (again): whatever happened before it is not told. Read everything anew.
    Rescan,
}

/// A way to sessions with an ensemble: of real servers, or of those of a test.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Where the servers are and what lies where on them.
    fn config(&self) -> &ZkConfig;

    /// Makes a session with one of the servers.
    ///
    /// # Errors
    /// [`ZkError::Connect`] when no server with a quorum answers in time.
    async fn connect(&self) -> Result<Arc<dyn Coord>, ZkError>;
}

/// A session with an ensemble.
///
/// Paths are absolute. Every write is compare-and-set or creates a name that is used once, so a
/// write whose future is dropped, and which may still be carried out later, can do no harm.
#[async_trait]
pub trait Coord: Send + Sync {
    /// Content and version; `None` when there is no such path. May lag behind other sessions'
    /// writes, never behind this one's.
    ///
    /// # Errors
    /// [`ZkError`]; for a read every error means that nothing is known.
    async fn get(&self, path: &str) -> Result<Option<Versioned>, ZkError>;

    /// Names of the children, in no order; `None` when there is no such path.
    ///
    /// # Errors
    /// As [`Coord::get`].
    async fn children(&self, path: &str) -> Result<Option<Vec<String>>, ZkError>;

    /// Makes a znode and returns its path, which is longer than `path` for a sequential one.
    ///
    /// # Errors
    /// [`ZkError::Refused`] with `NodeExists`, or `NoNode` when the parent is missing;
    /// [`ZkError::Unknown`] when it may or may not have been made.
    async fn create(&self, path: &str, data: &[u8], mode: Mode) -> Result<String, ZkError>;

    /// Sets the content if the version is the one given (`None`: whatever it is), and returns the
    /// new version.
    ///
    /// # Errors
    /// [`ZkError::Refused`] with `NoNode` or `BadVersion`; [`ZkError::Unknown`].
    async fn set(&self, path: &str, data: &[u8], version: Option<i32>) -> Result<i32, ZkError>;

    /// Deletes a znode that has no children.
    ///
    /// # Errors
    /// [`ZkError::Refused`] with `NoNode`, `BadVersion` or `NotEmpty`; [`ZkError::Unknown`].
    async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), ZkError>;

    /// Applies all operations in one transaction, or none. A later operation sees the earlier ones.
    ///
    /// # Errors
    /// [`ZkError::Refused`] with the index and path of the operation that failed: nothing was
    /// applied. [`ZkError::Unknown`]: all or nothing, now or later.
    async fn multi(&self, ops: Vec<Op>) -> Result<(), ZkError>;

    /// [`Coord::get`] for many paths, in their order, [`READ_BATCH_MAX`] to a request.
    ///
    /// # Errors
    /// As [`Coord::get`]; one path that cannot be read fails all.
    async fn get_many(&self, paths: Vec<String>) -> Result<Vec<Option<Versioned>>, ZkError>;

    fn state(&self) -> LinkState;

    /// Waits for the next change, from one recursive watch on the root. The first change of a
    /// session is [`Change::Rescan`], and each reconnection gives one again.
    ///
    /// Cancel-safe: a dropped call loses nothing. One loop has to call it without pause, since what
    /// is not fetched piles up. After `Link(Ended)` it never returns.
    async fn next_change(&self) -> Change;

    /// Ends the session in an orderly way, with its ephemerals. Writes under way run to their end;
    /// later calls give [`ZkError::Ended`]. Returns after two seconds at the latest.
    async fn close(&self);
}
