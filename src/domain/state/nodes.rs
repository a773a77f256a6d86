//! What a node can do now, from its record, its server and its disk.

use super::State;
use crate::domain::health::ServerTracker;
use crate::domain::ids::{Bytes, NodeId};
use crate::domain::node::{NodeCondition, NodeState, SICK_AFTER};
use crate::domain::server::ServerState;
use crate::domain::snapshot::SessionState;

/// Why a node takes no file, in words.
pub(super) enum Obstacle {
    NoRoom(String),
    Other(String),
}

impl Obstacle {
    pub(super) fn why(&self) -> &str {
        let (Self::NoRoom(why) | Self::Other(why)) = self;
        why
    }
}

impl State {
    pub(super) fn connected(&self) -> bool {
        self.session.state == SessionState::Connected
    }

    fn tracker(&self, node: &NodeId) -> Option<&ServerTracker> {
        self.nodes.get(node).map(|entry| &entry.tracker)
    }

    pub(super) fn server_state(&self, node: &NodeId) -> ServerState {
        self.tracker(node).map_or(ServerState::Unknown, |tracker| tracker.state())
    }

    fn untold(&self, node: &NodeId) -> Option<String> {
        self.tracker(node)?.untold()
    }

    /// The server's state comes first: a node that is down gives nothing, drained or not.
    pub(super) fn condition(&self, node: &NodeId) -> NodeCondition {
        NodeCondition::of_server(self.server_state(node)).unwrap_or_else(|| self.serving_condition(node))
    }

    /// The word for what the node is now.
    pub(super) fn shown_word(&self, node: &NodeId) -> &'static str {
        self.condition(node).shown_word(self.files_left(node))
    }

    /// How many files it has; `None` while that is not known.
    pub(super) fn files_left(&self, node: &NodeId) -> Option<u64> {
        self.files_complete.then(|| self.placement.count(node))
    }

    /// A node whose files are out of sight gives nothing either, drained or not.
    fn serving_condition(&self, node: &NodeId) -> NodeCondition {
        match self.nodes.record(node).map(|(record, _)| &record.state) {
            None => NodeCondition::Unknown,
            Some(_) if self.unread(node).is_some() => NodeCondition::Unreadable,
            Some(NodeState::Draining { .. }) => NodeCondition::Draining,
            Some(NodeState::Active) if self.failing(node).is_some() => NodeCondition::Unhealthy,
            Some(NodeState::Active) if self.full(node) => NodeCondition::Full,
            Some(NodeState::Active) => NodeCondition::Active,
        }
    }

    /// Why a node takes no files although its server serves: its folder or its disk.
    pub(super) fn sick(&self, node: &NodeId) -> Option<&str> {
        self.unread(node).or_else(|| self.failing(node))
    }

    /// The node's folder cannot be looked into.
    pub(super) fn unread(&self, node: &NodeId) -> Option<&str> {
        self.scrub.trouble(Some(node)).map(|trouble| trouble.cause.as_str())
    }

    /// Several writes in a row failed there.
    pub(super) fn failing(&self, node: &NodeId) -> Option<&str> {
        let (errors, cause) = self.nodes.get(node)?.write_errors.as_ref()?;
        (*errors >= SICK_AFTER).then_some(cause.as_str())
    }

    pub(super) fn full(&self, node: &NodeId) -> bool {
        self.nodes.full(node).is_some() || self.nodes.free(node).is_some_and(|free| free <= self.scheduling().reserve())
    }

    /// Why a node takes no file; `None` when it does.
    pub(super) fn cannot_take(&self, node: &NodeId, size: Option<Bytes>) -> Option<Obstacle> {
        let reserve = self.scheduling().reserve();
        let why = match self.condition(node) {
            NodeCondition::Active => {
                let free = self.nodes.free(node)?;
                let needed = size.unwrap_or_default().0.saturating_add(reserve.0);
                return (free.0 < needed).then(|| {
                    Obstacle::NoRoom(format!(
                        "it has {free} free and needs {} ({reserve} of it a reserve); free some space",
                        Bytes(needed)
                    ))
                });
            }
            NodeCondition::Draining => format!("it is {}; undrain it first", self.shown_word(node)),
            NodeCondition::Unreadable => self.unread(node).unwrap_or("its folder cannot be looked into").into(),
            NodeCondition::Unhealthy => {
                let cause = self.failing(node).unwrap_or("cause not known");
                format!("its last {SICK_AFTER} writes failed ({cause}); mend its disk, it is tried again by itself")
            }
            NodeCondition::Full => {
                let is_marked = self.nodes.full(node).is_some();
                let marked = is_marked.then(|| self.disk_trouble(node)).flatten();
                return Some(Obstacle::NoRoom(match (marked, self.nodes.free(node)) {
                    (Some(trouble), _) => trouble.to_owned(),
                    (None, Some(free)) if !is_marked => {
                        format!("it has {free} free, and {reserve} is kept as a reserve; free some space")
                    }
                    (None, _) => "its disk is full; free some space".into(),
                }));
            }
            NodeCondition::Unknown if self.server_state(node) != ServerState::Unknown => {
                "its record has not been read yet".into()
            }
            NodeCondition::Unknown => match self.untold(node) {
                Some(cause) => format!("whether its server serves is not known: {cause}"),
                None => "its server has not been probed yet".into(),
            },
            _ if self.server_state(node) == ServerState::Starting => "its server is starting".into(),
            other => format!("its server is {}; bring it back first", other.word()),
        };
        Some(Obstacle::Other(why))
    }

    /// Whether what a node can do will be known in a moment: its server starts or was not probed yet.
    pub(super) fn unsettled(&self, node: &NodeId) -> bool {
        let soon = match self.server_state(node) {
            ServerState::Starting => true,
            ServerState::Unknown => self.untold(node).is_none(),
            _ => false,
        };
        soon || self.nodes.record(node).is_none()
    }

    pub(super) fn knows(&self, node: &NodeId) -> bool {
        self.nodes.get(node).is_some()
    }
}
