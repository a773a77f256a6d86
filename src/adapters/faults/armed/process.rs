//! The orders of this process.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use super::disk::FaultyDisk;
use super::orders::Orders;
use super::servers::FaultyServers;
use crate::adapters::blobs::disk::Disk;
use crate::adapters::zookeeper::coord::Connect;

static ORDERS: LazyLock<Arc<Orders>> = LazyLock::new(|| Arc::new(Orders::of_process()));

/// A point that may be the last thing this process does.
pub(crate) fn at(point: &str) {
    ORDERS.at(point);
}

/// Whether a rule is to be broken on purpose.
#[must_use]
pub(crate) fn broken(rule: &str) -> bool {
    ORDERS.broken(rule)
}

/// Milliseconds that the clock is ahead.
#[must_use]
pub(crate) fn clock_ahead() -> u64 {
    ORDERS.clock_ahead()
}

/// The servers with their faults around them.
#[must_use]
pub(crate) fn servers(servers: Arc<dyn Connect>, uploads: &Path) -> Arc<dyn Connect> {
    Arc::new(FaultyServers::new(servers, Arc::clone(&ORDERS), uploads.to_owned()))
}

/// The disk with its faults around it.
#[must_use]
pub(crate) fn disk(disk: Arc<dyn Disk>, quarantine: &Path) -> Arc<dyn Disk> {
    Arc::new(FaultyDisk::new(disk, Arc::clone(&ORDERS), quarantine.to_owned()))
}
