//! What makes a serving server degraded: one table, which judges, and tells by what.

use crate::domain::ids::{Millis, NodeId};
use crate::domain::server::{HealthRule, ServerView};

/// What a bound is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleUnit {
    Ms,
    Percent,
    Requests,
    Transactions,
}

impl RuleUnit {
    /// A measured value: `812 ms`, `101 requests`.
    #[must_use]
    pub fn value(self, value: f64) -> String {
        match self {
            Self::Ms => format!("{value:.0} ms"),
            Self::Percent => format!("{value:.0} %"),
            Self::Requests => format!("{value:.0} requests"),
            Self::Transactions => format!("{value:.0} transactions"),
        }
    }

    /// A bound, beside a value that names what is counted.
    fn bound(self, bound: f64) -> String {
        match self {
            Self::Ms | Self::Percent => self.value(bound),
            Self::Requests | Self::Transactions => format!("{bound:.0}"),
        }
    }
}

/// What a rule is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleSource {
    /// The reply to `srvr`: the line of it, or nothing for the reply as a whole.
    Srvr(Option<&'static str>),
    /// These metrics of the server.
    Metrics(&'static [&'static str]),
}

impl RuleSource {
    /// Whether a metric of this name, without labels, is one of them.
    #[must_use]
    pub fn has(self, metric: &str) -> bool {
        matches!(self, Self::Metrics(names) if names.contains(&metric))
    }
}

/// A rule: by how much what has to be exceeded for how long, what it says then, and what to do.
pub struct Rule {
    pub name: HealthRule,
    /// Shorter than this, it is noise.
    pub hold: Millis,
    /// As much as this is well.
    pub bound: f64,
    pub unit: RuleUnit,
    /// The value; `None` when it is not known.
    measure: fn(&ServerView) -> Option<f64>,
    /// What the finding says before and after the value.
    finding: [&'static str; 2],
    /// What is measured.
    pub about: &'static str,
    pub source: RuleSource,
    pub todo: &'static str,
}

impl Rule {
    /// The finding in words with the number and the bound; `None` when all is well or not known.
    #[must_use]
    pub fn check(&self, view: &ServerView) -> Option<String> {
        let measured = (self.measure)(view).filter(|measured| *measured > self.bound)?;
        let [before, after] = self.finding;
        Some(format!("{before}{}{after}, over {}", self.unit.value(measured), self.unit.bound(self.bound)))
    }

    /// The value now, with its unit.
    #[must_use]
    pub fn measured(&self, view: &ServerView) -> Option<String> {
        (self.measure)(view).map(|measured| self.unit.value(measured))
    }

    /// `over 100 ms for 5.0 s`.
    #[must_use]
    pub fn limit(&self) -> String {
        let bound = self.unit.value(self.bound);
        if self.hold.0 == 0 { format!("over {bound}, at once") } else { format!("over {bound} for {}", self.hold) }
    }

    /// The rule of this name; `None` for a verdict that rests on no measured value.
    #[must_use]
    pub fn named(name: HealthRule) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.name == name)
    }
}

/// Every rule, the gravest first. Bounds are those that ZooKeeper's operators use.
pub const RULES: &[Rule] = &[
    Rule {
        name: HealthRule::Reply,
        hold: Millis(2_000),
        bound: REPLY_MS_MAX,
        unit: RuleUnit::Ms,
        measure: |view| view.reply_ms,
        finding: ["reply took ", ""],
        about: "time from the connection's start to the whole reply of srvr",
        source: RuleSource::Srvr(None),
        todo: "look for load on its machine and on the network: other programs, a slow disk, garbage collection",
    },
    Rule {
        name: HealthRule::Outstanding,
        hold: Millis(0),
        bound: OUTSTANDING_MAX as f64,
        unit: RuleUnit::Requests,
        measure: |view| view.outstanding.map(|waiting| waiting as f64),
        finding: ["", " wait"],
        about: "requests that wait in the server",
        source: RuleSource::Srvr(Some("Outstanding")),
        todo: "find who sends so much, or the slow disk that holds it up: fsync and connections in its details",
    },
    Rule {
        name: HealthRule::OutstandingLong,
        hold: Millis(10_000),
        bound: OUTSTANDING_LONG_MAX as f64,
        unit: RuleUnit::Requests,
        measure: |view| view.outstanding.map(|waiting| waiting as f64),
        finding: ["", " wait"],
        about: "requests that wait in the server for long",
        source: RuleSource::Srvr(Some("Outstanding")),
        todo: "find who sends so much, or the slow disk that holds it up: fsync and connections in its details",
    },
    Rule {
        name: HealthRule::Fsync,
        hold: Millis(5_000),
        bound: FSYNC_MS_MAX,
        unit: RuleUnit::Ms,
        measure: |view| view.fsync_ms,
        finding: ["fsync average ", ""],
        about: "average time of a sync of the transaction log since the look before",
        source: RuleSource::Metrics(&["fsynctime_sum", "fsynctime_count"]),
        todo: "give the transaction log (dataLogDir) a disk of its own, or find what else writes to this one",
    },
    Rule {
        name: HealthRule::Latency,
        hold: Millis(10_000),
        bound: LATENCY_MS_MAX,
        unit: RuleUnit::Ms,
        measure: |view| view.latency_ms,
        finding: ["average latency ", ""],
        about: "average time of a client's request since the look before",
        source: RuleSource::Metrics(&[
            "readlatency_sum",
            "readlatency_count",
            "updatelatency_sum",
            "updatelatency_count",
            "avg_latency",
        ]),
        todo: "look at its fsync, its heap and the requests that wait: one of them is the cause",
    },
    Rule {
        name: HealthRule::Descriptors,
        hold: Millis(0),
        bound: DESCRIPTORS_PERCENT_MAX as f64,
        unit: RuleUnit::Percent,
        measure: |view| percent(view.fd_open, view.fd_max),
        finding: ["", " of the file descriptors are used"],
        about: "open file descriptors of as many as its process may have",
        source: RuleSource::Metrics(&[
            "open_file_descriptor_count",
            "max_file_descriptor_count",
            "process_open_fds",
            "process_max_fds",
        ]),
        todo: "close connections that nobody needs, or raise its limit (ulimit -n) and restart it",
    },
    Rule {
        name: HealthRule::Heap,
        hold: Millis(30_000),
        bound: HEAP_PERCENT_MAX as f64,
        unit: RuleUnit::Percent,
        measure: |view| percent(view.heap_used, view.heap_max),
        finding: ["", " of the heap is used"],
        about: "used heap of the most that its JVM may take",
        source: RuleSource::Metrics(&[
            "jvm_memory_bytes_used",
            "jvm_memory_bytes_max",
            "jvm_memory_used_bytes",
            "jvm_memory_max_bytes",
        ]),
        todo: MORE_HEAP,
    },
    Rule {
        name: HealthRule::Behind,
        hold: Millis(5_000),
        bound: BEHIND_MAX as f64,
        unit: RuleUnit::Transactions,
        measure: |view| view.behind.map(|behind| behind as f64),
        finding: ["", " behind the leader"],
        about: "transactions that the leader has and it has not, within one epoch",
        source: RuleSource::Srvr(Some("Zxid")),
        todo: "wait for it to catch up; when it does not, look at its disk and at the network to the leader",
    },
];

const REPLY_MS_MAX: f64 = 500.0;
const OUTSTANDING_MAX: u64 = 100;
const OUTSTANDING_LONG_MAX: u64 = 10;
const FSYNC_MS_MAX: f64 = 100.0;
const LATENCY_MS_MAX: f64 = 100.0;
/// Descriptors and heap: the same bounds as in the alerts and dashboards of `monitoring`.
pub const DESCRIPTORS_PERCENT_MAX: u64 = 85;
pub const HEAP_PERCENT_MAX: u64 = 80;
/// Transactions that a follower may be behind within an epoch.
const BEHIND_MAX: u64 = 1000;

/// What to do against a heap that is nearly full.
const MORE_HEAP: &str = "give the servers more heap (heap_mb below [local] or ZKDECK_LOCAL_HEAP_MB for those of --local, \
                         -Xmx in SERVER_JVMFLAGS for others) or delete files";

/// Whole per cent.
fn percent(used: Option<u64>, most: Option<u64>) -> Option<f64> {
    let (used, most) = (used?, most.filter(|most| *most > 0)?);
    Some((used.saturating_mul(100) / most) as f64)
}

/// The first server that has used too much of its heap for long, and what is to be done. A server
/// that runs out of it ends, and with a second one the quorum: nothing large begins before.
#[must_use]
pub fn short_of_heap<'a>(mut servers: impl Iterator<Item = &'a ServerView>) -> Option<(NodeId, String)> {
    let server = servers.find(|server| server.short_of_heap)?;
    let node = server.node.clone();
    let finding = Rule::named(HealthRule::Heap)?.check(server)?;
    let text = format!("{node} is short of memory, {finding}: full, it ends with OutOfMemoryError; {MORE_HEAP}");
    Some((node, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::server;
    use crate::domain::server::Role;

    type Set = fn(&mut ServerView, u64);

    /// Rule, milliseconds that it has to hold, its bound, what is measured, and what one more than the bound says.
    const BOUNDS: [(&str, u64, u64, Set, &str); 8] = [
        ("reply", 2_000, 500, |view, n| view.reply_ms = Some(n as f64), "reply took 501 ms, over 500 ms"),
        ("outstanding", 0, 100, |view, n| view.outstanding = Some(n), "101 requests wait, over 100"),
        ("outstanding-long", 10_000, 10, |view, n| view.outstanding = Some(n), "11 requests wait, over 10"),
        ("fsync", 5_000, 100, |view, n| view.fsync_ms = Some(n as f64), "fsync average 101 ms, over 100 ms"),
        ("latency", 10_000, 100, |view, n| view.latency_ms = Some(n as f64), "average latency 101 ms, over 100 ms"),
        ("descriptors", 0, 85, descriptors, "86 % of the file descriptors are used, over 85 %"),
        ("heap", 30_000, 80, heap, "81 % of the heap is used, over 80 %"),
        ("behind", 5_000, 1000, |view, n| view.behind = Some(n), "1001 transactions behind the leader, over 1000"),
    ];

    fn descriptors(view: &mut ServerView, percent: u64) {
        (view.fd_open, view.fd_max) = (Some(percent * 10), Some(1000));
    }

    fn heap(view: &mut ServerView, percent: u64) {
        (view.heap_used, view.heap_max) = (Some(percent << 20), Some(100 << 20));
    }

    #[test]
    fn each_rule_is_silent_at_its_bound_and_says_by_how_much_it_is_exceeded() {
        assert_eq!(RULES.iter().map(|rule| rule.name.word()).collect::<Vec<_>>(), BOUNDS.map(|(name, ..)| name));
        for (rule, (name, hold, bound, set, words)) in RULES.iter().zip(BOUNDS) {
            let says = |measured: u64| {
                let mut view = server("zk1", 2181, Role::Follower);
                set(&mut view, measured);
                rule.check(&view)
            };
            assert_eq!((says(bound), says(bound + 1).as_deref()), (None, Some(words)), "{name}");
            assert_eq!(rule.hold, Millis(hold), "{name}");
        }
    }
}
