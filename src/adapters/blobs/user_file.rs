//! The file by which this instance is known to the other users of the folders.

use super::disk::Held;
use crate::domain::ids::InstanceId;

/// The file of this instance, and the lock on it.
#[derive(Debug)]
pub(super) struct UserFile {
    pub(super) me: InstanceId,
    pub(super) held: Box<dyn Held>,
    /// It has looked at the others once and found no stranger: from then on strangers go back, and not it.
    pub(super) settled: bool,
}
