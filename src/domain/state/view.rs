//! Takes snapshots: costs what is small, shares what is large.

use std::sync::Arc;

use super::State;
use crate::domain::ids::{NodeId, Timestamp};
use crate::domain::node::{NodeView, WEIGHT_DEFAULT};
use crate::domain::planner::share;
use crate::domain::scheduler::SchedulerView;
use crate::domain::snapshot::Snapshot;

impl State {
    /// The picture as of `now`. Takes `&mut self` to keep the shared lists that did not change.
    pub fn snapshot(&mut self, now: Timestamp) -> Snapshot {
        self.revision += 1;
        let operations = self.operations_view.take().unwrap_or_else(|| self.operations.iter().cloned().collect());
        self.operations_view = Some(Arc::clone(&operations));
        let notices = self.notices_view.take().unwrap_or_else(|| self.notices.iter().cloned().collect());
        self.notices_view = Some(Arc::clone(&notices));
        Snapshot {
            taken_at: now,
            past: None,
            revision: self.revision,
            instance: self.instance.clone(),
            settings: self.setting_views(),
            session: self.session.clone(),
            leadership: self.leadership.clone(),
            instances: Arc::clone(&self.instances),
            ensemble: self.ensemble.clone(),
            servers: self.nodes.iter().map(|entry| entry.tracker.view()).collect(),
            nodes: self.node_views().into(),
            files: self.files.clone(),
            files_complete: self.files_complete,
            files_read: if self.files_complete { Some(now) } else { self.files_read },
            reading: self.reading.filter(|_| !self.files_complete),
            unreadable: self
                .unreadable
                .iter()
                .map(|(path, cause)| format!("{path} {cause}").trim().to_owned())
                .collect(),
            moves: self.moves.values().cloned().collect(),
            scheduler: SchedulerView { max_difference: self.spread(), ..self.scheduler.clone() },
            workload: self.workload.clone(),
            operations,
            operations_total: self.operations_total,
            history: self.history.clone(),
            control: self.control.clone(),
            loops: self.loops.values().cloned().collect(),
            canary: self.canary.clone(),
            notices,
            incidents: self.incidents.view(),
            counters: self.counters.clone(),
            scrub: self.scrub.clone(),
            damaged: self.damaged_view(),
            alerts: self.alerts().into(),
            readiness: self.readiness(now),
        }
    }

    fn node_views(&self) -> Vec<NodeView> {
        let levels = share::levels(&self.counted()).into_iter().map(|level| level.filter(|_| self.files_complete));
        let servers = self.settings.servers.iter().zip(levels);
        servers.map(|(server, level)| self.node_view(&server.node, level)).collect()
    }

    fn node_view(&self, node: &NodeId, level: Option<(u64, u64)>) -> NodeView {
        let target = self.nodes.get(node).and_then(|entry| entry.target.as_ref());
        NodeView {
            id: node.clone(),
            files: self.placement.count(node),
            bytes: self.placement.bytes(node),
            weight: self.nodes.record(node).map_or(WEIGHT_DEFAULT, |(record, _)| record.weight),
            condition: self.condition(node),
            drain: self.drain_view(node),
            in_flight_in: self.in_flight(node, true),
            in_flight_out: self.in_flight(node, false),
            target: level,
            not_chosen: target.and_then(|target| target.not_chosen),
            free: self.nodes.free(node),
            trouble: self.disk_trouble(node).map(str::to_owned),
        }
    }
}
