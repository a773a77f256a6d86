//! Rates between two readings of counters.

use crate::domain::ids::Timestamp;
use crate::domain::server::Metrics;

/// Rates over the time between the last two readings; `None` where a counter is missing, has been
/// reset, or no time has passed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rates {
    pub(super) latency_ms: Option<f64>,
    pub(super) fsync_ms: Option<f64>,
    /// Time of an election since, the mean of several.
    pub(super) election_ms: Option<f64>,
    pub(super) requests_per_s: Option<f64>,
    pub(super) reads_per_s: Option<f64>,
    pub(super) writes_per_s: Option<f64>,
}

/// Growth of a counter; a smaller value means that the server has been restarted.
fn grown(before: Option<f64>, after: Option<f64>) -> Option<f64> {
    let growth = after? - before?;
    (growth >= 0.0).then_some(growth)
}

/// Average of what was added: `growth of the sum / growth of the count`; `None` when nothing was.
fn average(sum: Option<f64>, count: Option<f64>) -> Option<f64> {
    let count = count.filter(|count| *count > 0.0)?;
    Some(sum? / count)
}

/// A server that was started since has taken part in what it tells.
fn election(old: &Metrics, new: &Metrics) -> Option<f64> {
    match grown(old.elections, new.elections) {
        Some(_) => average(grown(old.election_sum_ms, new.election_sum_ms), grown(old.elections, new.elections)),
        None => average(new.election_sum_ms, new.elections),
    }
}

/// What one reading tells by itself: how long the only election took.
pub(super) fn alone(metrics: &Metrics) -> Rates {
    Rates { election_ms: metrics.election_sum_ms.filter(|_| metrics.elections == Some(1.0)), ..Rates::default() }
}

pub(super) fn between(before: (&Metrics, Timestamp), after: (&Metrics, Timestamp)) -> Rates {
    let seconds = after.1.since(before.1).0 as f64 / 1000.0;
    if seconds <= 0.0 {
        return Rates::default();
    }
    let (old, new) = (before.0, after.0);
    let reads = grown(old.read_count, new.read_count);
    let writes = grown(old.update_count, new.update_count);
    let read_ms = grown(old.read_sum_ms, new.read_sum_ms);
    let write_ms = grown(old.update_sum_ms, new.update_sum_ms);
    let both = |a: Option<f64>, b: Option<f64>| Some(a? + b?);
    Rates {
        latency_ms: average(both(read_ms, write_ms), both(reads, writes)),
        fsync_ms: average(grown(old.fsync_sum_ms, new.fsync_sum_ms), grown(old.fsync_count, new.fsync_count)),
        election_ms: election(old, new),
        requests_per_s: grown(old.packets_received, new.packets_received).map(|n| n / seconds),
        reads_per_s: reads.map(|n| n / seconds),
        writes_per_s: writes.map(|n| n / seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_what_was_added_in_between() {
        let old = Metrics { read_count: Some(10.0), read_sum_ms: Some(20.0), ..Metrics::default() };
        let new = Metrics { read_count: Some(14.0), read_sum_ms: Some(22.0), ..Metrics::default() };
        let with = |m: Metrics, count, sum| Metrics { update_count: Some(count), update_sum_ms: Some(sum), ..m };
        let (old, new) = (with(old, 0.0, 0.0), with(new, 4.0, 6.0));
        let rates = between((&old, Timestamp(0)), (&new, Timestamp(2000)));
        assert_eq!((rates.latency_ms, rates.reads_per_s, rates.writes_per_s), (Some(1.0), Some(2.0), Some(2.0)));
        assert_eq!((rates.fsync_ms, rates.requests_per_s), (None, None));
    }

    #[test]
    fn an_election_takes_what_the_servers_say_of_it() {
        let of = |count, sum| Metrics { elections: Some(count), election_sum_ms: Some(sum), ..Metrics::default() };
        let took = |old: &Metrics, new: &Metrics| between((old, Timestamp(0)), (new, Timestamp(1000))).election_ms;
        assert_eq!(took(&of(1.0, 300.0), &of(1.0, 300.0)), None, "none since");
        assert_eq!(took(&of(1.0, 300.0), &of(2.0, 535.0)), Some(235.0));
        assert_eq!(took(&of(3.0, 900.0), &of(1.0, 229.0)), Some(229.0), "of a server that was restarted");
        assert_eq!((alone(&of(1.0, 229.0)).election_ms, alone(&of(2.0, 500.0)).election_ms), (Some(229.0), None));
    }

    #[test]
    fn a_restarted_server_gives_no_negative_rate() {
        let of = |count| Metrics { packets_received: Some(count), ..Metrics::default() };
        assert_eq!(between((&of(9.0), Timestamp(0)), (&of(1.0), Timestamp(1000))).requests_per_s, None);
        assert_eq!(between((&of(1.0), Timestamp(5)), (&of(9.0), Timestamp(5))), Rates::default());
    }
}
