//! What befalls each request: decided by whoever made the ensemble, so that a seed decides all.

use std::time::Duration;

use crate::adapters::zookeeper::error::Refusal;

/// A request as the weather sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FakeRequest<'a> {
    /// Which session sent it, counted from 1.
    pub(crate) session: u64,
    /// `get`, `children`, `create`, `set`, `delete`, `multi`.
    pub(crate) operation: &'static str,
    /// Of a multi: of its first operation.
    pub(crate) path: &'a str,
    pub(crate) write: bool,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestFate {
    /// It is carried out, and the answer arrives.
    Served,
    /// It never reaches a server; nobody can tell.
    Lost,
    /// It is carried out; the answer is lost.
    AnswerLost,
    /// The client hears nothing; a server carries it out after this time, whoever is left.
    Late(Duration),
    /// The servers refuse it.
    Refused(Refusal),
    /// The caller waits for ever: it will be killed. The request is carried out or not.
    Hangs { applied: bool },
}

/// Decides the fate of requests.
pub(crate) trait Weather: Send + Sync {
    fn fate(&self, request: FakeRequest<'_>) -> RequestFate;

    /// Time to the server, and from it.
    fn travel(&self) -> Duration {
        Duration::from_millis(1)
    }

    /// How many of the transactions that a session has not seen yet its server has not seen either.
    fn lag(&self, _session: u64, unseen: u64) -> u64 {
        let _ = unseen;
        0
    }
}

/// Nothing ever goes wrong.
pub(crate) struct Calm;

impl Weather for Calm {
    fn fate(&self, _: FakeRequest<'_>) -> RequestFate {
        RequestFate::Served
    }
}
