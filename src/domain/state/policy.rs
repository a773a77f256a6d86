//! The planner's input, and the reasons not to plan at all.

use super::State;
use crate::domain::ensemble::EnsembleState;
use crate::domain::ids::{NodeId, Timestamp};
use crate::domain::migration::Status;
use crate::domain::node::{NodeCondition, WEIGHT_DEFAULT};
use crate::domain::planner::{self, Counted, NodeInput, Plan, Policy};
use crate::domain::scheduler::Decision;

impl State {
    /// Why no plan may be made from what is known now; `None` when one may.
    #[must_use]
    pub fn cannot_plan(&self) -> Option<Decision> {
        let unknown = |node: &NodeId| self.condition(node) == NodeCondition::Unknown;
        if self.ensemble.state == EnsembleState::NoQuorum || !self.connected() {
            Some(Decision::NoQuorum)
        } else if self.history_behind().is_some() {
            Some(Decision::HistoryBehind)
        } else if !self.files_complete || self.settings.servers.iter().any(|s| unknown(&s.node)) {
            Some(Decision::IncompleteData)
        } else {
            None
        }
    }

    /// The plan that a run would carry out now.
    #[must_use]
    pub fn plan(&self, now: Timestamp) -> Plan {
        planner::plan(&self.placement, &self.policy(now))
    }

    fn policy(&self, now: Timestamp) -> Policy {
        let scheduling = self.scheduling();
        let nodes = self.settings.servers.iter().map(|server| self.node_input(&server.node)).collect();
        Policy {
            trigger: scheduling.threshold,
            settle: scheduling.settle,
            nodes,
            now,
            cool_down: scheduling.cool_down(),
            // Damaged bytes stay where they are: a copy of them would look like a file.
            busy: self.moves.values().map(|m| m.file).chain(self.damaged.keys().copied()).collect(),
        }
    }

    fn node_input(&self, node: &NodeId) -> NodeInput {
        NodeInput {
            id: node.clone(),
            weight: self.nodes.record(node).map_or(WEIGHT_DEFAULT, |(record, _)| record.weight),
            condition: self.condition(node),
            in_flight_in: self.in_flight(node, true),
            in_flight_out: self.in_flight(node, false),
        }
    }

    /// Moves that the placement does not show yet: a committed one is already counted at its target.
    pub(super) fn in_flight(&self, node: &NodeId, inward: bool) -> u64 {
        let open = self.moves.values().filter(|m| !matches!(m.status, Status::Committed | Status::Collected));
        open.filter(|m| if inward { m.dst == *node } else { m.src == *node }).count() as u64
    }

    /// The nodes as the spread sees them, in the order of the settings.
    pub(super) fn counted(&self) -> Vec<Counted> {
        let count = |input: NodeInput| input.counted(self.placement.count(&input.id));
        self.settings.servers.iter().map(|server| count(self.node_input(&server.node))).collect()
    }

    /// How far the nodes are from their shares; `None` without data.
    #[must_use]
    pub fn spread(&self) -> Option<u64> {
        self.files_complete.then(|| planner::spread(&self.counted()))
    }
}
