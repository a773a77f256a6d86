//! What the measurements share.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on stops")]

use zkdeck::domain::ids::{InstanceId, Millis, NodeId, Timestamp};
use zkdeck::domain::setting::SchedulerSettings;
use zkdeck::domain::snapshot::{ApiView, FrontKind, InstanceSeat, InstanceView};
use zkdeck::domain::state::{ServerSetting, Settings, State};

/// The core's state with so many servers of the settings, `zk0` and on, before anything was seen.
pub(crate) fn state(servers: u64) -> State {
    let server = |at| ServerSetting { node: node(at), address: format!("zk{at}:2181") };
    let settings = Settings {
        servers: (0..servers).map(server).collect(),
        scheduler: SchedulerSettings {
            interval_s: 30,
            threshold: 5,
            settle: 1,
            cool_down_s: 0,
            reserve_mib: 0,
            parallel: 8,
        },
        configured: Vec::new(),
        workload_off: None,
        workload_interval: Millis(30_000),
        workload_clients: 0,
    };
    let instance = InstanceView {
        id: InstanceId::new(1),
        host: "host".into(),
        pid: 1,
        user: "user".into(),
        version: "0".into(),
        started: Timestamp(0),
        read_only: false,
        label: "demo".into(),
        api: ApiView::On("127.0.0.1:8080".into()),
        local: None,
        seat: InstanceSeat {
            person: "user".into(),
            folder: "/srv/zk".into(),
            front: FrontKind::Daemon,
            read_only: false,
        },
    };
    State::new(settings, instance, Timestamp(0))
}

/// The node of this number.
pub(crate) fn node(at: u64) -> NodeId {
    NodeId::new(&format!("zk{at}")).unwrap()
}
