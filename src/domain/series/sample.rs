//! What one second of a snapshot is worth.

use super::names::{SeriesKey, SeriesName};
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::server::{ServerState, ServerView};
use crate::domain::snapshot::Snapshot;

/// The values of one moment. What is not known is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesSample {
    pub at: Timestamp,
    pub values: Vec<(SeriesKey, f32)>,
}

/// Makes samples, and remembers the counters of the one before.
#[derive(Debug, Default)]
pub struct Sampler {
    before: Option<CounterReading>,
}

/// Counters that only grow.
#[derive(Clone, Copy, Debug)]
struct CounterReading {
    at: Timestamp,
    moves: u64,
    workload: u64,
}

/// A reply older than this is none of this second.
const FRESH: Millis = Millis(5_000);

impl Sampler {
    /// The values of this snapshot.
    pub fn sample(&mut self, snapshot: &Snapshot) -> SeriesSample {
        let at = snapshot.taken_at;
        let mut values = Vec::new();
        for server in snapshot.servers.iter() {
            of_server(server, at, &mut values);
            let leads = snapshot.ensemble.leader.as_ref() == Some(&server.node);
            if leads || server.role.is_some() {
                values.push((SeriesKey::of_node(SeriesName::Leads, &server.node), f32::from(u8::from(leads))));
            }
        }
        if snapshot.files_complete {
            for node in snapshot.nodes.iter() {
                values.push((SeriesKey::of_node(SeriesName::Files, &node.id), node.files as f32));
                values.push((SeriesKey::of_node(SeriesName::Bytes, &node.id), node.bytes.0 as f32));
            }
            values.push((SeriesKey::of_ensemble(SeriesName::Moving), snapshot.moves.len() as f32));
        }
        let canary = snapshot.canary.last_ms.filter(|_| snapshot.canary.goes_through());
        values.extend(canary.map(|ms| (SeriesKey::of_ensemble(SeriesName::Canary), ms as f32)));
        self.counted(snapshot, &mut values);
        SeriesSample { at, values }
    }

    fn counted(&mut self, snapshot: &Snapshot, values: &mut Vec<(SeriesKey, f32)>) {
        let moves = snapshot.counters.moves.values().sum();
        let now = CounterReading { at: snapshot.taken_at, moves, workload: snapshot.workload.runs };
        let before = self.before.replace(now);
        let Some(before) = before.filter(|before| before.at < now.at) else { return };
        let seconds = now.at.since(before.at).0 as f32 / 1000.0;
        let rate = |before: u64, now: u64| now.saturating_sub(before) as f32 / seconds;
        values.push((SeriesKey::of_ensemble(SeriesName::Moves), rate(before.moves, now.moves)));
        values.push((SeriesKey::of_ensemble(SeriesName::Workload), rate(before.workload, now.workload)));
    }
}

fn of_server(server: &ServerView, now: Timestamp, values: &mut Vec<(SeriesKey, f32)>) {
    let state = server.verdict.state;
    let mut put = |name, value: Option<f64>| {
        let value = value.map(|value| value as f32).filter(|value| value.is_finite());
        values.extend(value.map(|value| (SeriesKey::of_node(name, &server.node), value)));
    };
    let share = |is_so: bool| (state != ServerState::Unknown).then(|| f64::from(u8::from(is_so)));
    put(SeriesName::Up, share(state.serves()));
    put(SeriesName::Starting, share(state == ServerState::Starting));
    if server.seen.is_none_or(|seen| now.since(seen) > FRESH) {
        return;
    }
    let count = |value: Option<u64>| value.map(|value| value as f64);
    put(SeriesName::LatencyP50, server.latency_p50_ms());
    put(SeriesName::LatencyP99, server.latency_p99_ms());
    put(SeriesName::Requests, server.requests_per_s);
    put(SeriesName::Outstanding, count(server.outstanding));
    put(SeriesName::Connections, count(server.connections));
    put(SeriesName::Znodes, count(server.znodes));
    put(SeriesName::Fsync, server.fsync_ms);
    put(SeriesName::Heap, count(server.heap_used));
    put(SeriesName::Descriptors, count(server.fd_open));
    put(SeriesName::ZxidLag, count(server.behind));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{self, node_id};

    fn value(sample: &SeriesSample, key: &str) -> Option<f32> {
        let key: SeriesKey = key.parse().expect("a series");
        sample.values.iter().find(|(of, _)| *of == key).map(|(_, value)| *value)
    }

    #[test]
    fn a_second_has_what_is_known_and_nothing_made_up() {
        let mut snapshot = fixtures::snapshot();
        let mut servers = snapshot.servers.to_vec();
        servers[0].connections = Some(12);
        servers[1].verdict.state = ServerState::Frozen;
        servers[1].seen = Some(Timestamp(snapshot.taken_at.0 - 49_000));
        servers[1].connections = Some(11);
        servers[2].verdict.state = ServerState::Unknown;
        snapshot.servers = servers.into();
        let mut sampler = Sampler::default();
        let sample = sampler.sample(&snapshot);
        assert_eq!((value(&sample, "up@zk1"), value(&sample, "connections@zk1")), (Some(1.0), Some(12.0)));
        assert_eq!((value(&sample, "up@zk2"), value(&sample, "connections@zk2")), (Some(0.0), None), "49 s old");
        assert_eq!(value(&sample, "up@zk3"), None, "nothing is known of it");
        assert_eq!((value(&sample, "starting@zk2"), value(&sample, "starting@zk3")), (Some(0.0), None));
        let mut starts = snapshot.clone();
        let mut servers = starts.servers.to_vec();
        servers[1].verdict.state = ServerState::Starting;
        starts.servers = servers.into();
        let told = Sampler::default().sample(&starts);
        assert_eq!((value(&told, "up@zk2"), value(&told, "starting@zk2")), (Some(0.0), Some(1.0)));
        assert_eq!((value(&sample, "leads@zk1"), value(&sample, "leads@zk3")), (Some(0.0), Some(1.0)));
        let files = snapshot.node(&node_id("zk1")).map(|node| node.files as f32);
        assert_eq!((value(&sample, "files@zk1"), value(&sample, "moves")), (files, None), "no rate of one reading");
        snapshot.files_complete = false;
        snapshot.canary.problem = Some("late".into());
        (snapshot.taken_at, snapshot.workload.runs) =
            (snapshot.taken_at.plus(Millis(2_000)), snapshot.workload.runs + 4);
        let sample = sampler.sample(&snapshot);
        assert_eq!((value(&sample, "files@zk1"), value(&sample, "canary")), (None, None));
        assert_eq!((value(&sample, "workload"), value(&sample, "moves")), (Some(2.0), Some(0.0)));
    }
}
