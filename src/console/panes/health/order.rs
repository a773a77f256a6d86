//! The order of the servers' rows.

use crate::domain::ids::NodeId;
use crate::domain::server::{Role, ServerState, ServerView};
use crate::domain::snapshot::Snapshot;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum HealthColumn {
    /// In the order of the settings.
    #[default]
    Server,
    State,
    Latency,
    Fsync,
    Queue,
    Requests,
    Connections,
    Files,
    Behind,
    Up,
}

/// By what the rows are sorted; what is not known comes last either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerOrder {
    pub(super) by: HealthColumn,
    pub(super) reverse: bool,
}

impl ServerOrder {
    /// By the next of these columns, in a circle.
    pub(super) fn next(self, shown: &[HealthColumn]) -> Self {
        let at = shown.iter().position(|column| *column == self.by).map_or(0, |at| at + 1);
        Self { by: shown.get(at).or(shown.first()).copied().unwrap_or_default(), reverse: false }
    }

    pub(super) const fn reversed(self) -> Self {
        Self { reverse: !self.reverse, ..self }
    }

    /// By this column, or the other way round when it is so already.
    pub(super) fn by(self, column: HealthColumn) -> Self {
        if self.by == column { self.reversed() } else { Self { by: column, reverse: false } }
    }

    /// Whether the largest value comes first: for what is counted it does at first.
    pub(super) fn descends(self) -> bool {
        !matches!(self.by, HealthColumn::Server | HealthColumn::State) != self.reverse
    }

    /// Places of the servers in the picture, in this order.
    pub(super) fn places(self, snapshot: &Snapshot) -> Vec<usize> {
        let mut places: Vec<usize> = (0..snapshot.servers.len()).collect();
        let (by, descends) = (self.by, self.descends());
        match by {
            HealthColumn::Server if descends => places.reverse(),
            HealthColumn::Server => {}
            HealthColumn::State => {
                let worst = |at: &usize| std::cmp::Reverse(badness(snapshot.servers[*at].verdict.state));
                places.sort_by_key(worst);
                if descends {
                    places.reverse();
                }
            }
            _ => places.sort_by(|a, b| {
                let value = |at: &usize| measured(by, &snapshot.servers[*at], snapshot);
                match (value(a), value(b)) {
                    (Some(a), Some(b)) if descends => b.total_cmp(&a),
                    (Some(a), Some(b)) => a.total_cmp(&b),
                    (a, b) => b.is_some().cmp(&a.is_some()),
                }
            }),
        }
        places
    }
}

/// The row of a server in this order.
pub(super) fn row_of(node: &NodeId, order: ServerOrder, snapshot: &Snapshot) -> Option<usize> {
    order.places(snapshot).iter().position(|at| snapshot.servers[*at].node == *node)
}

/// How bad a state is, for what is looked at first.
const fn badness(state: ServerState) -> u8 {
    match state {
        ServerState::Up => 0,
        ServerState::Unknown => 1,
        ServerState::Degraded => 2,
        ServerState::Starting => 3,
        ServerState::ReadOnly => 4,
        ServerState::NotServing => 5,
        ServerState::Paused => 6,
        ServerState::Frozen => 7,
        ServerState::Stopped => 8,
        ServerState::Down => 9,
    }
}

/// What the column shows of it, as a number.
fn measured(by: HealthColumn, server: &ServerView, snapshot: &Snapshot) -> Option<f64> {
    let count = |value: Option<u64>| value.map(|value| value as f64);
    match by {
        HealthColumn::Server | HealthColumn::State => None,
        HealthColumn::Latency => server.latency_p99_ms(),
        HealthColumn::Fsync => server.fsync_ms,
        HealthColumn::Queue => count(server.outstanding),
        HealthColumn::Requests => server.requests_per_s,
        HealthColumn::Connections => count(server.connections),
        HealthColumn::Files => count(snapshot.node(&server.node).map(|node| node.files)),
        HealthColumn::Behind => count(server.behind.filter(|_| server.role != Some(Role::Leader))),
        HealthColumn::Up => count(server.uptime.map(|up| up.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures;

    fn names(order: ServerOrder, snapshot: &Snapshot) -> Vec<&str> {
        order.places(snapshot).into_iter().map(|at| snapshot.servers[at].node.as_str()).collect()
    }

    #[test]
    fn rows_are_sorted_by_what_is_shown_and_the_unknown_comes_last_either_way() {
        let mut snapshot = fixtures::snapshot();
        let mut servers = snapshot.servers.to_vec();
        for (server, queue) in servers.iter_mut().zip([Some(5), None, Some(900)]) {
            server.outstanding = queue;
        }
        servers[1].verdict.state = ServerState::Down;
        snapshot.servers = servers.into();
        let settings = ServerOrder::default();
        assert_eq!(names(settings, &snapshot), ["zk1", "zk2", "zk3"]);
        assert_eq!(names(settings.reversed(), &snapshot), ["zk3", "zk2", "zk1"]);
        let queue = settings.by(HealthColumn::Queue);
        assert_eq!((names(queue, &snapshot), queue.descends()), (vec!["zk3", "zk1", "zk2"], true));
        assert_eq!(names(queue.by(HealthColumn::Queue), &snapshot), ["zk1", "zk3", "zk2"]);
        assert_eq!(names(settings.by(HealthColumn::State), &snapshot)[0], "zk2", "the worst comes first");
        assert_eq!(row_of(&fixtures::node_id("zk3"), queue, &snapshot), Some(0));
        let all = [HealthColumn::Server, HealthColumn::State];
        assert_eq!(settings.next(&all).by, HealthColumn::State);
        assert_eq!(settings.next(&all).next(&all), settings);
        assert_eq!(queue.next(&all), settings, "a column that left with the width");
    }
}
