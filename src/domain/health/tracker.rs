//! What is known of one server, sample by sample.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::rates::{self, Rates};
use super::rules::{self, RULES};
use crate::domain::ids::{Millis, NodeId, Timestamp, Zxid};
use crate::domain::server::{
    HostState, HostView, Metrics, Reach, Role, Sample, Series, ServerState, ServerView, Srvr, Verdict,
};

/// Failures in a row before a server that served counts as down.
const FAILURES_TO_DOWN: u32 = 3;
/// Good replies in a row before a server that was down counts as up.
const SUCCESSES_TO_UP: u32 = 2;
/// A server that started less than this ago is not yet judged by its metrics.
const JUST_STARTED: Millis = Millis(5_000);

/// A server that does not serve so long after its start is down: five times as long as three take
/// together on a busy machine.
pub const START_LIMIT: Millis = Millis(30_000);

/// What one sample says by itself.
#[derive(Clone, Debug, PartialEq)]
struct Finding {
    state: ServerState,
    cause: Option<String>,
}

/// One server.
pub struct ServerTracker {
    view: ServerView,
    /// The state and cause that probes support, without what the host explains.
    probed: Finding,
    /// The finding of the last samples and how many in a row agreed.
    pending: (Finding, u32),
    last_metrics: Option<(Metrics, Timestamp)>,
    /// Since when each rule has held without a break.
    firing: BTreeMap<&'static str, Timestamp>,
    /// When its process or container was started, until it serves for the first time.
    starting: Option<Timestamp>,
}

impl ServerTracker {
    #[must_use]
    pub fn new(node: NodeId, address: String, now: Timestamp) -> Self {
        let unknown = Finding { state: ServerState::Unknown, cause: None };
        Self {
            view: empty_view(node, address, now),
            probed: unknown.clone(),
            pending: (unknown, 0),
            last_metrics: None,
            firing: BTreeMap::new(),
            starting: None,
        }
    }

    /// It was started at that moment, by this program.
    pub fn started(&mut self, at: Timestamp) {
        if !self.probed.state.serves() {
            self.starting = Some(at);
        }
    }

    /// Folds a probe in.
    pub fn observe(&mut self, sample: &Sample) {
        let now = sample.taken_at;
        self.view.reply_ms = sample.reply_ms;
        let finding = find(sample);
        if sample.reach == Reach::Answered {
            self.view.seen = Some(now);
        }
        match &sample.srvr {
            Some(srvr) if !srvr.not_serving => self.take_srvr(srvr),
            // Without a reply nothing is known of the server's role now.
            _ => self.forget(),
        }
        self.take_metrics(sample, now);
        self.decide(finding);
        self.judge(now);
    }

    /// What the process table or the container engine says.
    pub fn host(&mut self, host: Option<HostView>, now: Timestamp) {
        if began(self.view.host.as_ref(), host.as_ref()) {
            self.probed = Finding { state: ServerState::Unknown, cause: None };
            self.starting = Some(now);
        }
        self.view.host = host;
        self.judge(now);
    }

    /// Notes how far the server is behind `newest`, the leader's transaction, within one epoch.
    pub fn compare(&mut self, newest: Option<Zxid>) {
        self.view.behind = match (self.view.zxid, newest) {
            (Some(own), Some(newest)) if own.epoch() == newest.epoch() => {
                Some(u64::from(newest.counter().saturating_sub(own.counter())))
            }
            _ => None,
        };
    }

    /// Time passed: rules that hold long enough fire.
    pub fn tick(&mut self, now: Timestamp) {
        self.judge(now);
    }

    /// [`Self::view`] without a copy.
    #[must_use]
    pub const fn seen(&self) -> &ServerView {
        &self.view
    }

    #[must_use]
    pub fn view(&self) -> ServerView {
        self.view.clone()
    }

    #[must_use]
    pub const fn node(&self) -> &NodeId {
        &self.view.node
    }

    #[must_use]
    pub const fn state(&self) -> ServerState {
        self.view.verdict.state
    }

    /// Since when it is in its state.
    #[must_use]
    pub const fn since(&self) -> Timestamp {
        self.view.verdict.since
    }

    /// The role it had when it last served.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.view.role
    }

    #[must_use]
    pub const fn zxid(&self) -> Option<Zxid> {
        self.view.zxid
    }

    /// Whether it counts for the quorum: all but those that are known to observe.
    #[must_use]
    pub fn votes(&self) -> bool {
        self.view.role != Some(Role::Observer)
    }

    fn take_srvr(&mut self, srvr: &Srvr) {
        let view = &mut self.view;
        view.role = srvr.role;
        view.zxid = srvr.zxid;
        view.version.clone_from(&srvr.version);
        view.outstanding = srvr.outstanding;
        view.connections = srvr.connections;
        view.znodes = srvr.znodes;
    }

    fn forget(&mut self) {
        let view = &mut self.view;
        view.role = None;
        view.zxid = None;
        view.behind = None;
        view.outstanding = None;
        view.connections = None;
    }

    fn take_metrics(&mut self, sample: &Sample, now: Timestamp) {
        let rates = match (&self.last_metrics, &sample.metrics) {
            (Some((old, at)), Some(new)) => rates::between((old, *at), (new, now)),
            _ => Rates::default(),
        };
        let view = &mut self.view;
        view.metrics_source = sample.metrics_source;
        view.metrics_missing.clone_from(&sample.metrics_missing);
        let none = Metrics::default();
        let metrics = sample.metrics.as_ref().unwrap_or(&none);
        let since_start = sample.srvr.as_ref().and_then(|srvr| srvr.latency_avg_ms);
        view.latency_ms = rates.latency_ms.or(metrics.latency_avg_ms).or(since_start);
        // A quiet second has no sync of its own: the last one stands, none is made up.
        let synced = rates.fsync_ms.or(view.fsync_ms).or_else(|| average(metrics.fsync_sum_ms, metrics.fsync_count));
        view.fsync_ms = sample.metrics.as_ref().and(synced);
        view.requests_per_s = rates.requests_per_s;
        view.reads_per_s = rates.reads_per_s;
        view.writes_per_s = rates.writes_per_s;
        view.watches = whole(metrics.watches);
        view.uptime = whole(metrics.uptime_ms).map(Millis);
        view.fd_open = whole(metrics.fd_open);
        view.fd_max = whole(metrics.fd_max);
        view.heap_used = whole(metrics.heap_used);
        view.heap_max = whole(metrics.heap_max);
        view.read_p99_ms = metrics.read_p99_ms;
        view.update_p99_ms = metrics.update_p99_ms;
        view.elections = whole(metrics.elections);
        view.all_metrics = Arc::clone(&metrics.all);
        view.latency_series.push(view.latency_ms);
        view.requests_series.push(view.requests_per_s);
        self.last_metrics = sample.metrics.clone().map(|metrics| (metrics, now));
    }

    /// The first verdict comes at once; later ones need several samples that agree.
    fn decide(&mut self, finding: Finding) {
        let same = finding.state == self.pending.0.state;
        self.pending = (finding, if same { self.pending.1 + 1 } else { 1 });
        let (finding, count) = &self.pending;
        let needed = match (self.probed.state.serves(), finding.state.serves()) {
            _ if self.probed.state == ServerState::Unknown => 1,
            (true, false) => FAILURES_TO_DOWN,
            (false, true) => SUCCESSES_TO_UP,
            _ => 1,
        };
        if *count >= needed {
            self.probed = finding.clone();
        }
        if self.probed.state.serves() {
            self.starting = None;
        }
    }

    fn judge(&mut self, now: Timestamp) {
        self.view.short_of_heap = false;
        let (state, cause, rule) = self.verdict(now);
        let since = if state == self.view.verdict.state { self.view.verdict.since } else { now };
        self.view.verdict = Verdict { state, cause, rule, since };
    }

    fn verdict(&mut self, now: Timestamp) -> (ServerState, Option<String>, Option<&'static str>) {
        if let Some((state, cause)) = self.explained() {
            self.firing.clear();
            return (state, Some(cause), Some("host"));
        }
        if !self.probed.state.serves() {
            self.firing.clear();
            if self.starting.is_some_and(|at| now.since(at) < START_LIMIT) {
                let cause = self.probed.cause.as_deref().unwrap_or("not probed yet");
                return (ServerState::Starting, Some(format!("it does not serve yet: {cause}")), Some("start"));
            }
            let rule = (self.probed.state != ServerState::Unknown).then_some("probe");
            return (self.probed.state, self.down_cause(), rule);
        }
        match self.rule(now) {
            Some((rule, cause)) => (ServerState::Degraded, Some(cause), Some(rule)),
            None => (ServerState::Up, None, None),
        }
    }

    /// What the probe found; a process that runs all the same tells an operator to wait or to look at it.
    fn down_cause(&self) -> Option<String> {
        let runs = |host: &&HostView| matches!(host.state, HostState::Running | HostState::Starting);
        let host = self.view.host.as_ref().filter(runs);
        // What the host has to say of it is more than a guess.
        if let (Some(cause), Some((name, detail))) =
            (&self.probed.cause, host.and_then(|h| Some((&h.name, h.detail.as_ref()?))))
        {
            return Some(format!("{cause}; {name} {detail}"));
        }
        match (self.probed.state, host) {
            (ServerState::Down, Some(host)) => {
                let cause = self.probed.cause.as_deref().unwrap_or("no reply");
                Some(format!("{} runs, still starting or stuck: {cause}", host.name))
            }
            _ => self.probed.cause.clone(),
        }
    }

    /// The first rule that has held for long enough, with its finding.
    fn rule(&mut self, now: Timestamp) -> Option<(&'static str, String)> {
        if self.view.uptime.is_some_and(|uptime| uptime < JUST_STARTED) {
            self.firing.clear();
            return None;
        }
        let mut fired = None;
        for rule in RULES {
            let Some(finding) = (rule.check)(&self.view) else {
                self.firing.remove(rule.name);
                continue;
            };
            let held = now.since(*self.firing.entry(rule.name).or_insert(now));
            if rule.name == rules::HEAP {
                self.view.short_of_heap = held >= rule.hold;
            }
            if held >= rule.hold && fired.is_none() {
                let since = if held.0 >= 1000 { format!(" for {held}") } else { String::new() };
                fired = Some((rule.name, format!("{finding}{since}")));
            }
        }
        fired
    }

    /// What the host knows better than a probe can.
    fn explained(&self) -> Option<(ServerState, String)> {
        let host = self.view.host.as_ref()?;
        let detail = host.detail.as_ref().map_or(String::new(), |detail| format!(": {detail}"));
        match host.state {
            HostState::Paused => Some((ServerState::Paused, format!("{} is paused", host.name))),
            HostState::Stopped => Some((ServerState::Stopped, format!("{} has ended{detail}", host.name))),
            // A server that serves is no container's, whatever the project lacks.
            HostState::Missing if !self.probed.state.serves() => {
                Some((ServerState::Stopped, format!("{}{detail}", host.name)))
            }
            HostState::Missing | HostState::Running | HostState::Starting => None,
        }
    }
}

/// Whether the host tells of a process or container that did not run before.
fn began(before: Option<&HostView>, now: Option<&HostView>) -> bool {
    let lives = |host: &HostView| matches!(host.state, HostState::Running | HostState::Starting | HostState::Paused);
    let (Some(before), Some(now)) = (before, now) else { return false };
    lives(now) && (!lives(before) || before.name != now.name)
}

fn find(sample: &Sample) -> Finding {
    let finding = |state, cause: &str| Finding { state, cause: Some(cause.to_owned()) };
    match (&sample.reach, &sample.srvr) {
        (Reach::Unreachable(cause), _) => finding(ServerState::Down, cause),
        (Reach::Silent, _) => finding(ServerState::Frozen, "connected, and no reply within the limit"),
        (Reach::Garbled(text), _) => finding(ServerState::Down, &format!("the reply is not a ZooKeeper's: {text}")),
        (Reach::Answered, Some(srvr)) if srvr.not_serving => {
            finding(ServerState::NotServing, "it answers that it serves no requests: no quorum, or still syncing")
        }
        (Reach::Answered, Some(srvr)) if srvr.read_only => finding(ServerState::ReadOnly, "it serves reads only"),
        (Reach::Answered, Some(srvr)) if srvr.role.is_some() => Finding { state: ServerState::Up, cause: None },
        (Reach::Answered, _) => finding(ServerState::NotServing, "its reply names no role"),
    }
}

fn average(sum: Option<f64>, count: Option<f64>) -> Option<f64> {
    let count = count.filter(|count| *count > 0.0)?;
    Some(sum? / count)
}

/// A gauge as a whole number; `None` for what is negative or no number.
fn whole(value: Option<f64>) -> Option<u64> {
    value.filter(|value| value.is_finite() && *value >= 0.0).map(|value| value as u64)
}

fn empty_view(node: NodeId, address: String, now: Timestamp) -> ServerView {
    ServerView {
        node,
        address,
        verdict: Verdict::unknown(now),
        role: None,
        version: None,
        zxid: None,
        behind: None,
        latency_ms: None,
        reply_ms: None,
        outstanding: None,
        connections: None,
        znodes: None,
        watches: None,
        fsync_ms: None,
        uptime: None,
        fd_open: None,
        fd_max: None,
        heap_used: None,
        heap_max: None,
        short_of_heap: false,
        requests_per_s: None,
        reads_per_s: None,
        writes_per_s: None,
        read_p99_ms: None,
        update_p99_ms: None,
        elections: None,
        metrics_source: None,
        metrics_missing: None,
        all_metrics: Arc::from([]),
        host: None,
        seen: None,
        latency_series: Series::default(),
        requests_series: Series::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{NOW, node_id};

    fn tracker() -> ServerTracker {
        ServerTracker::new(node_id("zk1"), "127.0.0.1:2181".into(), NOW)
    }

    fn sample(reach: Reach, second: u64) -> Sample {
        let srvr = (reach == Reach::Answered).then(|| Srvr {
            role: Some(Role::Follower),
            zxid: Some(Zxid(0x7_0000_0010)),
            ..Srvr::default()
        });
        Sample {
            node: node_id("zk1"),
            taken_at: NOW.plus(Millis(second * 1000)),
            reach,
            reply_ms: Some(1.0),
            srvr,
            metrics: None,
            metrics_source: None,
            metrics_missing: None,
        }
    }

    fn states(samples: &[Reach]) -> Vec<ServerState> {
        let mut tracker = tracker();
        let observe = |(second, reach): (usize, &Reach)| {
            tracker.observe(&sample(reach.clone(), second as u64));
            tracker.state()
        };
        samples.iter().enumerate().map(observe).collect()
    }

    #[test]
    fn the_first_verdict_comes_at_once() {
        let refused = || Reach::Unreachable("refused".into());
        assert_eq!(states(&[Reach::Answered]), [ServerState::Up]);
        assert_eq!(states(&[refused()]), [ServerState::Down]);
        assert_eq!(states(&[Reach::Silent]), [ServerState::Frozen]);
        assert_eq!(states(&[Reach::Garbled("HTTP/1.1".into())]), [ServerState::Down]);
    }

    #[test]
    fn three_failures_go_down_and_two_successes_come_back() {
        use ServerState::{Frozen, Up};
        let up = || Reach::Answered;
        let silent = || Reach::Silent;
        let reaches = [up(), silent(), silent(), up(), silent(), silent(), silent(), up(), up()];
        assert_eq!(states(&reaches), [Up, Up, Up, Up, Up, Up, Frozen, Frozen, Up]);
    }

    #[test]
    fn the_host_explains_at_once_what_a_probe_cannot() {
        let mut tracker = tracker();
        tracker.observe(&sample(Reach::Answered, 0));
        let host = |state, detail: Option<&str>| {
            Some(HostView { state, detail: detail.map(str::to_owned), ..crate::domain::fixtures::host("process 7") })
        };
        tracker.host(host(HostState::Paused, None), NOW);
        assert_eq!(tracker.state(), ServerState::Paused);
        tracker.host(host(HostState::Stopped, Some("signal 9")), NOW);
        assert_eq!(tracker.view().verdict.cause.as_deref(), Some("process 7 has ended: signal 9"));
        tracker.host(host(HostState::Running, None), NOW);
        assert_eq!(tracker.state(), ServerState::Starting);
        tracker.observe(&sample(Reach::Answered, 1));
        assert_eq!(tracker.state(), ServerState::Up);
    }

    #[test]
    fn a_server_that_was_just_started_is_starting_for_a_while_and_then_down() {
        let mut tracker = tracker();
        tracker.started(NOW);
        let refused = |second| sample(Reach::Unreachable("refused".into()), second);
        tracker.observe(&refused(0));
        let verdict = tracker.view().verdict;
        assert_eq!(
            (verdict.state, verdict.cause.as_deref()),
            (ServerState::Starting, Some("it does not serve yet: refused"))
        );
        tracker.tick(NOW.plus(Millis(29_999)));
        assert_eq!(tracker.state(), ServerState::Starting);
        tracker.tick(NOW.plus(START_LIMIT));
        assert_eq!(tracker.state(), ServerState::Down);
        tracker.observe(&sample(Reach::Answered, 40));
        (41..44).for_each(|second| tracker.observe(&refused(second)));
        assert_eq!(tracker.state(), ServerState::Down, "it has served: a loss is a loss");
    }

    #[test]
    fn a_server_that_restarts_again_and_again_tells_both_sides() {
        let mut tracker = tracker();
        tracker.observe(&sample(Reach::Unreachable("connection refused".into()), 0));
        let detail = Some("restarts after exit code 1, 5 times so far".to_owned());
        let host =
            HostView { state: HostState::Starting, detail, ..crate::domain::fixtures::host("container demo-zk1-1") };
        tracker.host(Some(host), NOW);
        let verdict = tracker.view().verdict;
        assert_eq!(verdict.state, ServerState::Down);
        assert_eq!(
            verdict.cause.as_deref(),
            Some("connection refused; container demo-zk1-1 restarts after exit code 1, 5 times so far")
        );
    }

    #[test]
    fn not_serving_and_read_only_are_told_apart_from_up() {
        let of = |srvr: Srvr| {
            let mut tracker = tracker();
            tracker.observe(&Sample { srvr: Some(srvr), ..sample(Reach::Answered, 0) });
            tracker.state()
        };
        assert_eq!(of(Srvr { not_serving: true, ..Srvr::default() }), ServerState::NotServing);
        assert_eq!(of(Srvr::default()), ServerState::NotServing);
        let follower = Srvr { role: Some(Role::Follower), ..Srvr::default() };
        assert_eq!(of(Srvr { read_only: true, ..follower.clone() }), ServerState::ReadOnly);
        assert_eq!(of(follower), ServerState::Up);
    }

    #[test]
    fn a_rule_fires_when_it_has_held_and_says_for_how_long() {
        let mut tracker = tracker();
        for second in 0..=12 {
            let mut slow = sample(Reach::Answered, second);
            let count = second as f64 + 1.0;
            slow.metrics = Some(Metrics {
                fsync_count: Some(count),
                fsync_sum_ms: Some(count * 131.0),
                uptime_ms: Some(60_000.0),
                ..Metrics::default()
            });
            tracker.observe(&slow);
            let expected = if second < 5 { ServerState::Up } else { ServerState::Degraded };
            assert_eq!(tracker.state(), expected, "second {second}");
        }
        let verdict = tracker.view().verdict;
        assert_eq!(verdict.cause.as_deref(), Some("fsync average 131 ms, over 100 ms for 12 s"));
        assert_eq!((verdict.rule, verdict.since), (Some("fsync"), NOW.plus(Millis(5_000))));
    }

    #[test]
    fn a_server_is_short_of_heap_when_it_has_been_for_half_a_minute() {
        let mut tracker = tracker();
        let mut at = |second, used: f64| {
            let mut full = sample(Reach::Answered, second);
            let (heap_used, heap_max) = (Some(used), Some(100.0));
            full.metrics = Some(Metrics { heap_used, heap_max, uptime_ms: Some(60_000.0), ..Metrics::default() });
            tracker.observe(&full);
            tracker.seen().short_of_heap
        };
        let bound = rules::HEAP_PERCENT_MAX as f64;
        assert!(!at(0, bound + 1.0) && !at(29, bound + 1.0), "a peak before a collection is none");
        assert!(at(30, bound + 1.0));
        assert!(!at(31, bound) && !at(32, bound + 1.0));
        let views = [crate::domain::fixtures::server("zk1", 2181, Role::Leader), {
            let server = crate::domain::fixtures::server("zk2", 2182, Role::Follower);
            ServerView { heap_used: Some(93 << 20), heap_max: Some(100 << 20), short_of_heap: true, ..server }
        }];
        let (node, text) = rules::short_of_heap(views.iter()).unwrap();
        assert_eq!(node.as_str(), "zk2");
        assert!(text.starts_with("zk2 is short of memory, 93 % of the heap is used, over 80 %: "), "{text}");
        assert!(text.contains("heap_mb"), "{text}");
    }

    #[test]
    fn what_is_not_known_is_none_and_stays_so_without_a_reply() {
        let mut tracker = tracker();
        tracker.observe(&sample(Reach::Answered, 0));
        tracker.compare(Some(Zxid(0x7_0000_0015)));
        assert_eq!((tracker.role(), tracker.view().behind), (Some(Role::Follower), Some(5)));
        tracker.compare(Some(Zxid(0x8_0000_0001)));
        assert_eq!(tracker.view().behind, None);
        tracker.observe(&sample(Reach::Silent, 1));
        let view = tracker.view();
        assert_eq!((view.role, view.zxid, view.outstanding, view.heap_used), (None, None, None, None));
        assert_eq!(view.seen, Some(NOW));
    }

    #[test]
    fn gauges_that_are_no_numbers_are_unknown() {
        assert_eq!([whole(Some(-1.0)), whole(Some(f64::NAN)), whole(None)], [None; 3]);
        assert_eq!(whole(Some(3.7)), Some(3));
    }
}
