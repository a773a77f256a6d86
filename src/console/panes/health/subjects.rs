//! A server's metrics by subject, narrowed by a filter.

use MetricSubject::{Clients, Data, Disk, Latency, Other, Process, Quorum, Requests};

/// What a metric is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MetricSubject {
    Latency,
    Requests,
    Quorum,
    Clients,
    Data,
    Disk,
    Process,
    Other,
}

/// Beginnings of names by subject, as ZooKeeper 3.9 gives them; the first that fits counts.
const BEGINNINGS: [(MetricSubject, &str); 6] = [
    (Process, "jvm_ process_ open_file max_file uptime netty_"),
    (
        Quorum,
        "election quorum leader learner synced follower observer proposal commit looking unavailable om_ quit_ last_proposal max_proposal min_proposal pending_syncs digest",
    ),
    (
        Clients,
        "num_alive connection cnxn global_sess local_sess session auth ensemble_auth stale_sess non_mtls tls unsuccessful outstanding_tls insecure close_session revalidate socket",
    ),
    (Data, "znode approximate ephemerals watch node_ add_dead dead_watch"),
    (Disk, "fsync snap inflight diff dbinit startup restore sync_processor"),
    (
        Requests,
        "request outstanding packets bytes_rec prep sync_ read write response throttled large_req stale concurrent skip_ local_write server_write last_client max_client min_client time_waiting",
    ),
];

impl MetricSubject {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Latency => "LATENCY",
            Requests => "REQUESTS",
            Quorum => "QUORUM AND ELECTIONS",
            Clients => "CLIENTS AND SESSIONS",
            Data => "ZNODES AND WATCHES",
            Disk => "DISK: LOG AND SNAPSHOTS",
            Process => "PROCESS AND MEMORY",
            Other => "OTHER",
        }
    }

    /// What a metric of this name is about.
    pub(super) fn of(metric: &str) -> Self {
        if metric.contains("latency") {
            return Latency;
        }
        let begins = |(_, names): &&(Self, &str)| names.split(' ').any(|begin| metric.starts_with(begin));
        BEGINNINGS.iter().find(begins).map_or(Other, |(subject, _)| *subject)
    }
}

/// A line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetricLine {
    Heading(MetricSubject),
    /// Its place among the metrics.
    Metric(usize),
}

/// The lines of these metrics: those that have a value, or all whose name has every word of `filter` in it. Also how
/// many have no value and are left out.
pub(super) fn lines(metrics: &[(String, f64)], filter: &str) -> (Vec<MetricLine>, usize) {
    let words: Vec<String> = filter.split_whitespace().map(str::to_lowercase).collect();
    let named = |name: &str| words.iter().all(|word| name.to_lowercase().contains(word));
    let matching = metrics.iter().enumerate().filter(|(_, (name, _))| named(name));
    let (mut shown, mut left_out) = (Vec::new(), 0);
    for (at, (name, value)) in matching {
        if value.is_finite() || !words.is_empty() {
            shown.push((MetricSubject::of(name), at));
        } else {
            left_out += 1;
        }
    }
    shown.sort_by_key(|(subject, _)| *subject);
    let mut lines = Vec::new();
    let mut before = None;
    for (subject, at) in shown {
        if before.replace(subject) != Some(subject) {
            lines.push(MetricLine::Heading(subject));
        }
        lines.push(MetricLine::Metric(at));
    }
    (lines, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_stand_by_subject() {
        for (name, subject) in [
            ("readlatency{quantile=0.99}", Latency),
            ("election_time_count", Quorum),
            ("num_alive_connections", Clients),
            ("znode_count", Data),
            ("fsynctime_sum", Disk),
            ("outstanding_requests", Requests),
            ("jvm_threads_current", Process),
            ("unrecoverable_error_count", Other),
        ] {
            assert_eq!(MetricSubject::of(name), subject, "{name}");
        }
    }

    #[test]
    fn what_has_no_value_is_left_out_until_it_is_asked_for() {
        let metrics = [("b_latency", 1.0), ("fsynctime_count", 2.0), ("a_latency", f64::NAN), ("znode_count", 3.0)];
        let metrics: Vec<(String, f64)> = metrics.map(|(name, value)| (name.to_owned(), value)).into();
        let (all, left_out) = lines(&metrics, "");
        let at = MetricLine::Metric;
        let heading = MetricLine::Heading;
        assert_eq!(all, [heading(Latency), at(0), heading(Data), at(3), heading(Disk), at(1)]);
        assert_eq!((left_out, lines(&metrics, "LAT a_").0), (1, vec![heading(Latency), at(2)]));
        assert_eq!(lines(&metrics, "nothing"), (Vec::new(), 0));
    }
}
