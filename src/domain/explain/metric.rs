//! What a metric of a server is, in which unit, and which health rule goes by it.

use super::explanation::{Explanation, Fact};
use super::server::{NOTHING, page, rules};
use crate::domain::health::{RULES, Rule};
use crate::domain::server::ServerView;

/// Names without labels and without the part of a summary, each with its unit and what it is.
const DESCRIBED: [(&str, &str, &str); 62] = [
    ("approximate_data_size", "bytes", "data of all znodes, about"),
    ("auth_failed_count", "", "log-ins that failed"),
    ("avg_latency", "ms", "average time of a request since the server's start"),
    ("bytes_received_count", "bytes", "bytes that clients have sent"),
    ("close_session_prep_time", "ms", "time to prepare the end of a session"),
    ("cnxn_closed_without_zk_server_running", "", "connections that were closed since the server did not serve"),
    ("commit_count", "", "commits that the leader has sent"),
    ("commit_process_time", "ms", "time to process a commit"),
    ("commit_propagation_latency", "ms", "time until a commit is known to a server"),
    ("connection_drop_count", "", "connections that were dropped"),
    ("connection_rejected", "", "connections that were refused since there were too many"),
    ("connection_request_count", "", "connections that clients have asked for"),
    ("diff_count", "", "followers that were brought up to date by a difference"),
    ("digest_mismatches_count", "", "times that the server's data was not the leader's"),
    ("election_time", "ms", "time of an election that the server took part in"),
    ("ephemerals_count", "", "znodes that end with their session"),
    ("follower_sync_time", "ms", "time that a follower took to get up to date"),
    ("fsynctime", "ms", "time of a sync of the transaction log to its disk"),
    ("global_sessions", "", "sessions that the whole ensemble knows"),
    ("jvm_gc_collection_seconds", "s", "garbage collections of the JVM, and the time that they took"),
    ("jvm_memory_bytes_committed", "bytes", "memory that the JVM has taken from the system"),
    ("jvm_memory_bytes_max", "bytes", "memory that the JVM may take"),
    ("jvm_memory_bytes_used", "bytes", "memory that the JVM uses"),
    ("jvm_pause_time_ms", "ms", "time that the JVM stood still, mostly for garbage collection"),
    ("jvm_threads_current", "", "threads of the JVM"),
    ("jvm_threads_deadlocked", "", "threads that wait for each other for ever"),
    ("last_client_response_size", "bytes", "size of the last answer to a client"),
    ("leader_unavailable_time", "ms", "time without a leader"),
    ("learners", "", "followers and observers of the leader"),
    ("local_sessions", "", "sessions that only this server knows"),
    ("looking_count", "", "times that the server began to look for a leader"),
    ("max_file_descriptor_count", "", "file descriptors that the process may have open"),
    ("max_latency", "ms", "longest time of a request since the server's start"),
    ("min_latency", "ms", "shortest time of a request since the server's start"),
    ("num_alive_connections", "", "connections of clients"),
    ("open_file_descriptor_count", "", "file descriptors that the process has open"),
    ("outstanding_requests", "", "requests that wait in the server"),
    ("packets_received", "", "packets that clients have sent"),
    ("packets_sent", "", "packets that were sent to clients"),
    ("pending_syncs", "", "syncs of followers that wait"),
    ("prep_processor_queue_size", "", "requests that wait to be prepared"),
    ("process_cpu_seconds_total", "s", "time of the processor that the process has used"),
    ("process_max_fds", "", "file descriptors that the process may have open"),
    ("process_open_fds", "", "file descriptors that the process has open"),
    ("process_resident_memory_bytes", "bytes", "memory of the machine that the process holds"),
    ("process_start_time_seconds", "s", "when the process was started, in seconds since 1970"),
    ("propagation_latency", "ms", "time of a write from its beginning until a server has it"),
    ("proposal_count", "", "writes that the leader has proposed"),
    ("proposal_latency", "ms", "time until a follower has a proposal"),
    ("quorum_ack_latency", "ms", "time until a quorum has agreed to a write"),
    ("readlatency", "ms", "time of a read"),
    ("snap_count", "", "followers that were brought up to date by a whole snapshot"),
    ("snapshottime", "ms", "time to write a snapshot"),
    ("stale_requests", "", "requests whose connection was gone already"),
    ("sync_processor_queue_size", "", "writes that wait for the disk"),
    ("synced_followers", "", "followers that are up to date with the leader"),
    ("throttled_ops", "", "requests that were held back since there were too many"),
    ("unavailable_time", "ms", "time that the server did not serve"),
    ("updatelatency", "ms", "time of a write"),
    ("uptime", "ms", "time since the server took on its role"),
    ("watch_count", "", "watches that clients have set"),
    ("znode_count", "", "znodes that there are"),
];

/// What a value of a summary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MetricPart<'a> {
    Alone,
    Quantile(&'a str),
    Sum,
    Count,
}

/// The name without its labels, that of the summary that it is a part of, and which part.
fn split(name: &str) -> (&str, &str, MetricPart<'_>) {
    let (bare, labels) = name.split_once('{').map_or((name, ""), |(bare, labels)| (bare, labels.trim_end_matches('}')));
    let quantile = labels.split(',').find_map(|label| label.strip_prefix("quantile="));
    let described = |name: &str| DESCRIBED.iter().any(|(own, ..)| *own == name);
    match (quantile, bare.strip_suffix("_sum"), bare.strip_suffix("_count")) {
        (Some(quantile), ..) => (bare, bare, MetricPart::Quantile(quantile)),
        (None, Some(of), _) => (bare, of, MetricPart::Sum),
        (None, None, Some(of)) if !described(bare) => (bare, of, MetricPart::Count),
        _ => (bare, bare, MetricPart::Alone),
    }
}

/// The unit that a name tells by its end.
fn unit_of(name: &str) -> &'static str {
    const ENDS: [(&str, &str); 6] =
        [("_ms", "ms"), ("latency", "ms"), ("_time", "ms"), ("_bytes", "bytes"), ("_seconds", "s"), ("_size", "")];
    ENDS.iter().find(|(end, _)| name.ends_with(end)).map_or("", |(_, unit)| unit)
}

/// A metric of a server: what it is, its unit, where it is read, and which rules go by it.
pub(super) fn metric(name: &str, view: &ServerView) -> Explanation {
    let (bare, base, part) = split(name);
    let described = DESCRIBED.iter().find(|(own, ..)| *own == base);
    let unit = described.map_or_else(|| unit_of(base), |(_, unit, _)| unit);
    let unit = if part == MetricPart::Count { "" } else { unit };
    let is = described.map_or("a metric that is not described here", |(.., is)| is);
    let meaning = match part {
        MetricPart::Alone => is.to_owned(),
        MetricPart::Quantile(share) => format!("{is}: a share of {share} of the last ones took at most this"),
        MetricPart::Sum => format!("{is}: all of them together since the server's start"),
        MetricPart::Count => format!("{is}: how many since the server's start"),
    };
    let value = view.all_metrics.iter().find(|(own, _)| own == name).map(|(_, value)| *value);
    let known = value.filter(|value| value.is_finite());
    let ruled: Vec<&Rule> = RULES.iter().filter(|rule| rule.source.has(bare)).collect();
    let over = ruled.iter().find(|rule| rule.check(view).is_some());
    let rules_named =
        |all: &[&Rule]| all.iter().map(|rule| format!("{}: {}", rule.name.word(), rule.about)).collect::<Vec<_>>();
    let mut facts = vec![Fact::new("unit", if unit.is_empty() { "a number" } else { unit })];
    facts.extend(
        ruled.iter().filter_map(|rule| Some(Fact::new(rule.name.word(), format!("{} now", rule.measured(view)?)))),
    );
    if ruled.is_empty() {
        facts.push(Fact::new("rules", format!("none goes by it; there are {}", rules())));
    }
    Explanation {
        of: format!("metric of server {}", view.node),
        word: name.to_owned(),
        meaning,
        rule: (!ruled.is_empty()).then(|| rules_named(&ruled).join("; ")),
        bound: (!ruled.is_empty()).then(|| ruled.iter().map(|rule| rule.limit()).collect::<Vec<_>>().join("; ")),
        measured: known.map(|value| format!("{value} {unit}").trim_end().to_owned()),
        source: page(view),
        todo: (!ruled.is_empty()).then(|| over.map_or(NOTHING, |rule| rule.todo).to_owned()),
        facts,
        ..Explanation::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures;
    use crate::domain::server::Role;

    #[test]
    fn a_metric_tells_its_unit_its_part_and_the_rule_that_goes_by_it() {
        let mut view = fixtures::server("zk1", 2181, Role::Follower);
        view.all_metrics = [("fsynctime_sum".to_owned(), 812.5), ("readlatency{quantile=0.99}".to_owned(), 4.0)].into();
        let fsync = metric("fsynctime_sum", &view);
        let rule = Rule::named(crate::domain::server::HealthRule::Fsync).expect("a rule");
        assert_eq!((fsync.bound, fsync.measured.as_deref()), (Some(rule.limit()), Some("812.5 ms")));
        assert_eq!(fsync.source, view.metrics_at.as_ref().map(|url| format!("metrics page {url}")));
        assert_eq!(fsync.todo.as_deref(), Some(NOTHING), "the rule is not over its bound");
        view.fsync_ms = Some(rule.bound + 1.0);
        assert_eq!(metric("fsynctime_sum", &view).todo.as_deref(), Some(rule.todo));
        let read = metric("readlatency{quantile=0.99}", &view);
        assert!(read.meaning.contains("0.99") && read.measured.as_deref() == Some("4 ms"), "{read:?}");
        assert_eq!(read.bound, None, "no rule goes by a quantile of it");
        let count = metric("fsynctime_count", &view);
        assert_eq!((count.measured, count.facts[0].value.as_str()), (None, "a number"));
        let other = metric("of_a_newer_server", &view);
        assert!(other.meaning.contains("not described") && other.bound.is_none());
    }

    #[test]
    fn what_is_described_is_there_once_and_on_a_real_page() {
        let pages = [
            include_str!("../../../tests/fixtures/metrics-3.9.4.txt"),
            "learners 1\npending_syncs 1\nsynced_followers 1\n",
        ];
        for (at, (name, ..)) in DESCRIBED.iter().enumerate() {
            assert!(DESCRIBED[at + 1..].iter().all(|(other, ..)| other != name), "{name} twice");
            let ends = |rest: &str| {
                ["", "_sum", "_count"]
                    .iter()
                    .any(|end| rest.strip_prefix(end).is_some_and(|rest| rest.starts_with(['{', ' '])))
            };
            let is = |line: &str| line.strip_prefix(name).is_some_and(ends);
            assert!(pages.iter().any(|page| page.lines().any(is)), "{name} is on no page");
        }
    }
}
