//! The one place that reads the wall clock and makes new ids.

use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use crate::adapters::faults;
use crate::domain::ids::{AttemptId, FileId, InstanceId, OperationId, Timestamp};

/// Now, in milliseconds since 1970; 0 on a clock set before that.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX).saturating_add(faults::clock_ahead()))
}

fn fresh() -> u128 {
    Uuid::now_v7().as_u128()
}

#[must_use]
pub fn new_file() -> FileId {
    FileId::new(fresh())
}

#[must_use]
pub fn new_attempt() -> AttemptId {
    if faults::broken("clock-names") {
        return AttemptId::new(u128::from(now().0 / 1000));
    }
    AttemptId::new(fresh())
}

#[must_use]
pub fn new_operation() -> OperationId {
    OperationId::new(fresh())
}

#[must_use]
pub fn new_instance() -> InstanceId {
    InstanceId::new(fresh())
}
