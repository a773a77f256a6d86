//! A state that works, for tests that ask it or drive it.

use super::{ServerSetting, Settings, State};
use crate::domain::event::{Event, Mark};
use crate::domain::fixtures::{self, NOW, file, node_id, scheduler_settings, snapshot};
use crate::domain::ids::{Bytes, Epoch, Millis, Timestamp, Zxid};
use crate::domain::node::NodeRecord;
use crate::domain::server::{Role, Sample, Srvr};
use crate::domain::snapshot::{LeadershipView, SessionState, StoreView};

pub(crate) const NODES: [&str; 3] = ["zk1", "zk2", "zk3"];

pub(crate) fn settings() -> Settings {
    let server = |name: &&str| ServerSetting { node: node_id(name), address: format!("127.0.0.1:218{}", &name[2..]) };
    Settings {
        servers: NODES.iter().map(server).collect(),
        scheduler: scheduler_settings(),
        configured: fixtures::configured(),
        workload_off: None,
        workload_interval: Millis(20_000),
        workload_clients: 0,
    }
}

pub(crate) fn sample(node: &str, role: Role, now: Timestamp) -> Sample {
    let srvr = Srvr { role: Some(role), zxid: Some(Zxid(0x7_0000_0001)), ..Srvr::default() };
    fixtures::sample(node_id(node), srvr, now)
}

pub(crate) fn leads(epoch: i32) -> Event {
    let me = snapshot().leadership.leader;
    Event::Leadership(LeadershipView { leads: true, leader: me, epoch: Some(Epoch(epoch)) })
}

/// Connected, three servers up, `counts` files on the nodes, this instance leads in epoch 3.
pub(crate) fn state(counts: [u64; 3]) -> State {
    let mut state = State::new(settings(), snapshot().instance, NOW);
    let mut tell = |event| state.apply(event, NOW);
    tell(Event::Session { state: SessionState::Connected, cause: None });
    tell(Event::Store(StoreView::Ours { id: "s".into() }));
    for (node, role) in NODES.iter().zip([Role::Follower, Role::Follower, Role::Leader]) {
        tell(Event::Probed(Box::new(sample(node, role, NOW))));
        tell(Event::Node { node: node_id(node), record: NodeRecord::default(), version: 0 });
        tell(Event::DiskFree { node: node_id(node), free: Some(Bytes(1 << 40)) });
    }
    let entries = NODES.iter().zip(counts).enumerate();
    let entries =
        entries.flat_map(|(at, (node, count))| (0..count).map(move |i| file((at as u128) << 32 | u128::from(i), node)));
    tell(Event::FilesLoaded { entries: entries.collect(), unreadable: Vec::new(), since: Mark(0) });
    tell(leads(3));
    state
}
