//! All that is known of one node and its server, in one place, and all of them in the order of the settings.

use std::collections::BTreeMap;

use super::drain_track::DrainTrack;
use super::settings::ServerSetting;
use crate::domain::ensemble::Member;
use crate::domain::health::ServerTracker;
use crate::domain::ids::{Bytes, NodeId, Timestamp};
use crate::domain::node::NodeRecord;
use crate::domain::scheduler::NodeTarget;
use crate::domain::server::Role;

/// A write that found no room.
#[derive(Clone, Debug)]
pub(super) struct FullMark {
    pub(super) cause: String,
    pub(super) since: Timestamp,
    /// Free space that was known then.
    pub(super) free: Option<Bytes>,
}

pub(super) struct NodeEntry {
    pub(super) tracker: ServerTracker,
    /// The server's part in the verdict on the ensemble, as it was judged last.
    member: Member,
    /// With the version under which it was read.
    pub(super) record: Option<(NodeRecord, i32)>,
    pub(super) free: Option<Bytes>,
    /// Consecutive write errors and the last cause.
    pub(super) write_errors: Option<(u32, String)>,
    /// The disk had no room for a write.
    pub(super) full: Option<FullMark>,
    pub(super) drain: Option<DrainTrack>,
    /// What the last run found of it.
    pub(super) target: Option<NodeTarget>,
}

impl NodeEntry {
    fn new(server: &ServerSetting, alone: bool, now: Timestamp) -> Self {
        let tracker = ServerTracker::new(server.node.clone(), server.address.clone(), now);
        Self {
            member: member(&tracker, alone),
            tracker,
            record: None,
            free: None,
            write_errors: None,
            full: None,
            drain: None,
            target: None,
        }
    }

    /// Takes the server's part anew; whether it is another one. `alone`: it is the only server.
    pub(super) fn renew_member(&mut self, alone: bool) -> bool {
        let before = std::mem::replace(&mut self.member, member(&self.tracker, alone));
        before != self.member
    }
}

fn member(tracker: &ServerTracker, alone: bool) -> Member {
    Member {
        node: tracker.node().clone(),
        state: tracker.state(),
        untold: tracker.untold(),
        votes: tracker.votes(),
        leads: leads(tracker.role(), alone),
        mute: tracker.state().serves() && tracker.role().is_none(),
        apart: tracker.role() == Some(Role::Standalone) && !alone,
        epoch: tracker.zxid().map(|zxid| zxid.epoch()),
        since: tracker.since(),
    }
}

/// Several that stand alone are no ensemble, whoever named them together.
pub(super) fn leads(role: Option<Role>, alone: bool) -> bool {
    role == Some(Role::Leader) || (alone && role == Some(Role::Standalone))
}

/// The nodes of the settings, in their order, each found by its name.
pub(super) struct Nodes {
    list: Vec<NodeEntry>,
    at: BTreeMap<NodeId, usize>,
}

impl Nodes {
    pub(super) fn new(servers: &[ServerSetting], now: Timestamp) -> Self {
        let at = servers.iter().enumerate().map(|(at, server)| (server.node.clone(), at)).collect();
        let alone = servers.len() == 1;
        Self { list: servers.iter().map(|server| NodeEntry::new(server, alone, now)).collect(), at }
    }

    pub(super) const fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn get(&self, node: &NodeId) -> Option<&NodeEntry> {
        self.at.get(node).map(|at| &self.list[*at])
    }

    pub(super) fn get_mut(&mut self, node: &NodeId) -> Option<&mut NodeEntry> {
        self.at.get(node).map(|at| &mut self.list[*at])
    }

    pub(super) fn record(&self, node: &NodeId) -> Option<&(NodeRecord, i32)> {
        self.get(node)?.record.as_ref()
    }

    pub(super) fn free(&self, node: &NodeId) -> Option<Bytes> {
        self.get(node)?.free
    }

    pub(super) fn full(&self, node: &NodeId) -> Option<&FullMark> {
        self.get(node)?.full.as_ref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &NodeEntry> + Clone {
        self.list.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut NodeEntry> {
        self.list.iter_mut()
    }

    /// The servers' parts in the verdict on the ensemble.
    pub(super) fn members(&self) -> Vec<Member> {
        self.list.iter().map(|entry| entry.member.clone()).collect()
    }
}
