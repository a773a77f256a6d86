//! How long a look may take.

use std::time::Duration;

use crate::domain::health::{ANSWER_WITHIN, CONNECT_WITHIN};

/// Limits of one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeConfig {
    pub connect_limit: Duration,
    /// From the connection's start to the end of the reply.
    pub whole_limit: Duration,
}

impl Default for ProbeConfig {
    fn default() -> Self {
        Self {
            connect_limit: Duration::from_millis(CONNECT_WITHIN.0),
            whole_limit: Duration::from_millis(ANSWER_WITHIN.0),
        }
    }
}
