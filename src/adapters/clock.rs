//! The wall clock of this machine. What the engine does goes by its own clock, which can be simulated; this one is for
//! names and stamps of files.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::ids::Timestamp;

/// Now, in milliseconds since 1970; 0 on a clock set before that.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
