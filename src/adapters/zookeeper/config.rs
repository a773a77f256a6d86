//! Settings of the session.

use std::time::Duration;

/// Where the ensemble is and how to speak to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZkConfig {
    /// `host:port` of each server's client port.
    pub hosts: Vec<String>,
    /// Everything of zkdeck lies under this path. Absolute, without a slash at its end.
    pub root: String,
    /// Asked of the servers, which keep it between 2 and 20 ticks.
    pub session_timeout: Duration,
    /// Longest time that [`super::connect`] tries.
    pub connect_limit: Duration,
    /// Longest time that a read waits. Writes are never given up: the session bounds them.
    pub read_limit: Duration,
    /// Requests on their way at once.
    pub request_limit: usize,
}

impl Default for ZkConfig {
    fn default() -> Self {
        Self {
            hosts: vec!["127.0.0.1:2181".into(), "127.0.0.1:2182".into(), "127.0.0.1:2183".into()],
            root: "/demo".into(),
            session_timeout: Duration::from_secs(6),
            connect_limit: Duration::from_secs(5),
            read_limit: Duration::from_secs(10),
            request_limit: 128,
        }
    }
}
