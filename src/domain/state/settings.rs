//! What the state takes from the settings.

use crate::domain::ids::{Bytes, Millis, NodeId};
use crate::domain::snapshot::WorkloadOff;

/// One server as the settings name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSetting {
    pub node: NodeId,
    /// `host:port` of the client port.
    pub address: String,
}

/// What the state needs to know of the settings.
#[derive(Clone, Debug)]
pub struct Settings {
    pub servers: Vec<ServerSetting>,
    pub trigger: u64,
    pub settle: u64,
    pub interval: Millis,
    pub cool_down: Millis,
    /// Free space that a move must leave on the target's file system.
    pub reserve: Bytes,
    pub workload_off: Option<WorkloadOff>,
    pub workload_interval: Millis,
    pub workload_clients: usize,
}
