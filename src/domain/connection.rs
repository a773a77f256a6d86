//! Who is connected to a server.

use serde::{Deserialize, Serialize};

use super::ask::{Ask, Unanswered};
use super::ids::{Millis, NodeId, Timestamp};

/// Connections that an answer holds at most, the busiest first.
pub const CONNECTIONS_MAX: usize = 1_000;

/// One connection of a client, as the server tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// `host:port` of the client.
    pub address: String,
    /// `None` before it has one, as for who asks by a four-letter word.
    pub session: Option<u64>,
    /// When the session was made on this connection.
    pub since: Option<Timestamp>,
    /// The session's time-out.
    pub timeout: Option<Millis>,
    /// Requests that wait.
    pub queued: u64,
    /// Packets from the client, and to it.
    pub received: u64,
    pub sent: u64,
    /// Of its requests, in milliseconds.
    pub latency_avg_ms: Option<u64>,
    pub latency_max_ms: Option<u64>,
    /// What it asked last: `PING`, `SETD`.
    pub last: Option<String>,
}

/// Who is connected to a server now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionsAsk {
    pub node: NodeId,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionsPage {
    /// At most [`CONNECTIONS_MAX`], those with most packets first.
    pub connections: Vec<Connection>,
    /// All that the server told of.
    pub total: usize,
}

impl Ask for ConnectionsAsk {
    type Answer = ConnectionsPage;
    type Refusal = Unanswered;
    const NAME: &'static str = "look at the connections";
}
