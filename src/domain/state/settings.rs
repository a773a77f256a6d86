//! What the state takes from the settings.

use crate::domain::ids::{Millis, NodeId};
use crate::domain::setting::{Configured, SchedulerSettings};
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
    /// As this process's own sources say; what was set at run time comes over it.
    pub scheduler: SchedulerSettings,
    /// Every setting of this process, as its sources say.
    pub configured: Vec<Configured>,
    pub workload_off: Option<WorkloadOff>,
    pub workload_interval: Millis,
    pub workload_clients: usize,
}
