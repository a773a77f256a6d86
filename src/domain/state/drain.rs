//! Progress of a drain: per cent, speed, time left, and the cause of a stall.

use super::State;
use super::drain_track::DrainTrack;
use crate::domain::ids::NodeId;
use crate::domain::node::{DrainView, NodeCondition, NodeRecord, NodeState};
use crate::domain::server::ServerState;

impl State {
    /// Every draining node with its record and the files that it still owns.
    #[must_use]
    pub fn draining(&self) -> Vec<(NodeId, NodeRecord, u64)> {
        let draining = self.nodes.iter().filter_map(|entry| {
            let (record, _) = entry.record.as_ref().filter(|(record, _)| record.state.is_draining())?;
            let node = entry.tracker.node();
            Some((node.clone(), record.clone(), self.placement.count(node)))
        });
        draining.collect()
    }

    /// The progress of `node`'s drain; `None` when it does not drain.
    pub(super) fn drain_view(&self, node: &NodeId) -> Option<DrainView> {
        let NodeState::Draining { since_ms, files_at_start, .. } = self.nodes.record(node)?.0.state else {
            return None;
        };
        let left = self.placement.count(node);
        let track = self.nodes.get(node).and_then(|entry| entry.drain.as_ref());
        let speed = track.and_then(DrainTrack::speed);
        let stands = left > 0 && speed == Some(0.0) && track.is_some_and(DrainTrack::covers_window);
        Some(DrainView {
            since: since_ms,
            files_at_start: files_at_start.max(left),
            files_left: left,
            files_per_s: speed,
            left_ms: speed.filter(|s| *s > 0.0 && self.may_move(node)).map(|s| (left as f64 * 1000.0 / s) as u64),
            stalled: stands.then(|| self.stall_cause(node)),
        })
    }

    /// Whether files may be leaving the node now: on the leader, a run or a move is under way. Others do not
    /// know of the leader's run and go by the speed alone.
    fn may_move(&self, node: &NodeId) -> bool {
        !self.leadership.leads || self.scheduler.running.is_some() || self.in_flight(node, false) > 0
    }

    /// Why a drain does not go on, the most binding cause first.
    fn stall_cause(&self, node: &NodeId) -> String {
        if !self.connected() {
            return "no session with the ensemble".into();
        }
        if self.leadership.leader.is_none() {
            return "no instance leads, so no scheduler runs".into();
        }
        if self.scheduler.paused {
            return "the scheduler is paused; resume it".into();
        }
        let state = self.server_state(node);
        if !matches!(state, ServerState::Up | ServerState::Degraded) {
            return format!("{node} is {}", state.word());
        }
        if let Some(why) = self.unread(node) {
            return why.to_owned();
        }
        let targets = self.settings.servers.iter().filter(|s| s.node != *node);
        let takers = targets.clone().filter(|s| self.condition(&s.node) == NodeCondition::Active).count();
        if takers == 0 {
            let why: Vec<_> = targets.map(|s| format!("{} {}", s.node, self.shown_word(&s.node))).collect();
            return format!("no node can take its files: {}", why.join(", "));
        }
        match self.scheduler.last_run.as_ref() {
            Some(run) => {
                format!("last run: {}{}", run.decision, run.note.as_ref().map_or(String::new(), |n| format!(", {n}")))
            }
            None => "the scheduler has not run yet".into(),
        }
    }
}
