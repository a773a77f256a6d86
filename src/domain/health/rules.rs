//! What makes a serving server degraded, one small rule each.

use crate::domain::ids::{Millis, NodeId};
use crate::domain::server::{HealthRule, ServerView};

/// A rule: how long it has to hold, and what it says when it does.
pub struct Rule {
    pub name: HealthRule,
    /// Shorter than this, it is noise.
    pub hold: Millis,
    /// The finding in words with the number and the bound; `None` when all is well or not known.
    pub check: fn(&ServerView) -> Option<String>,
}

/// Every rule, the gravest first. Bounds are those that ZooKeeper's operators use, see the health
/// section of the design: a reply over 500 ms, 100 or for long 10 requests waiting, 85 % of the
/// descriptors, 80 % of the heap, an average sync of the log over 100 ms.
pub const RULES: &[Rule] = &[
    Rule { name: HealthRule::Reply, hold: Millis(2_000), check: reply },
    Rule { name: HealthRule::Outstanding, hold: Millis(0), check: outstanding },
    Rule { name: HealthRule::OutstandingLong, hold: Millis(10_000), check: outstanding_long },
    Rule { name: HealthRule::Fsync, hold: Millis(5_000), check: fsync },
    Rule { name: HealthRule::Latency, hold: Millis(10_000), check: latency },
    Rule { name: HealthRule::Descriptors, hold: Millis(0), check: descriptors },
    Rule { name: HealthRule::Heap, hold: Millis(30_000), check: heap },
    Rule { name: HealthRule::Behind, hold: Millis(5_000), check: behind },
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

fn reply(view: &ServerView) -> Option<String> {
    let ms = view.reply_ms.filter(|ms| *ms > REPLY_MS_MAX)?;
    Some(format!("reply took {ms:.0} ms, over {REPLY_MS_MAX:.0} ms"))
}

fn outstanding(view: &ServerView) -> Option<String> {
    let waiting = view.outstanding.filter(|waiting| *waiting > OUTSTANDING_MAX)?;
    Some(format!("{waiting} requests wait, over {OUTSTANDING_MAX}"))
}

fn outstanding_long(view: &ServerView) -> Option<String> {
    let waiting = view.outstanding.filter(|waiting| *waiting > OUTSTANDING_LONG_MAX)?;
    Some(format!("{waiting} requests wait, over {OUTSTANDING_LONG_MAX}"))
}

fn fsync(view: &ServerView) -> Option<String> {
    let ms = view.fsync_ms.filter(|ms| *ms > FSYNC_MS_MAX)?;
    Some(format!("fsync average {ms:.0} ms, over {FSYNC_MS_MAX:.0} ms"))
}

fn latency(view: &ServerView) -> Option<String> {
    let ms = view.latency_ms.filter(|ms| *ms > LATENCY_MS_MAX)?;
    Some(format!("average latency {ms:.0} ms, over {LATENCY_MS_MAX:.0} ms"))
}

fn descriptors(view: &ServerView) -> Option<String> {
    let (open, most) = (view.fd_open?, view.fd_max.filter(|most| *most > 0)?);
    let percent = open.saturating_mul(100) / most;
    (percent > DESCRIPTORS_PERCENT_MAX)
        .then(|| format!("{percent} % of the file descriptors are used, over {DESCRIPTORS_PERCENT_MAX} %"))
}

/// The first server that has used too much of its heap for long, and what is to be done. A server
/// that runs out of it ends, and with a second one the quorum: nothing large begins before.
#[must_use]
pub fn short_of_heap<'a>(mut servers: impl Iterator<Item = &'a ServerView>) -> Option<(NodeId, String)> {
    let server = servers.find(|server| server.short_of_heap)?;
    let node = server.node.clone();
    let text = format!(
        "{node} is short of memory, {}: full, it ends with OutOfMemoryError; give the servers more heap (heap_mb below \
         [local] or ZKDECK_LOCAL_HEAP_MB for those of --local, -Xmx in SERVER_JVMFLAGS for others) or delete files",
        heap(server)?
    );
    Some((node, text))
}

fn heap(view: &ServerView) -> Option<String> {
    let (used, most) = (view.heap_used?, view.heap_max.filter(|most| *most > 0)?);
    let percent = used.saturating_mul(100) / most;
    (percent > HEAP_PERCENT_MAX).then(|| format!("{percent} % of the heap is used, over {HEAP_PERCENT_MAX} %"))
}

fn behind(view: &ServerView) -> Option<String> {
    let behind = view.behind.filter(|behind| *behind > BEHIND_MAX)?;
    Some(format!("{behind} transactions behind the leader, over {BEHIND_MAX}"))
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
                (rule.check)(&view)
            };
            assert_eq!((says(bound), says(bound + 1).as_deref()), (None, Some(words)), "{name}");
            assert_eq!(rule.hold, Millis(hold), "{name}");
        }
    }
}
