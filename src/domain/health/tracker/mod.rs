//! What is known of one server, sample by sample.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::rates::{self, Rates};
use super::rules::RULES;
use crate::domain::ids::{Millis, NodeId, Timestamp, Zxid};
use crate::domain::server::{
    HealthRule, HostState, HostView, Metrics, Reach, Role, Sample, ServerState, ServerView, Srvr, Verdict,
};

/// Failures in a row before a server that served counts as down.
pub const FAILURES_TO_DOWN: u32 = 3;
/// Good replies in a row before a server that was down counts as up.
pub const SUCCESSES_TO_UP: u32 = 2;
/// A server that started less than this ago is not yet judged by its metrics.
pub const JUST_STARTED: Millis = Millis(5_000);

/// A server that does not serve so long after its start is down: five times as long as three take
/// together on a busy machine.
pub const START_LIMIT: Millis = Millis(30_000);

/// What one sample says by itself.
#[derive(Clone, Debug, PartialEq)]
struct SampleFinding {
    state: ServerState,
    cause: Option<String>,
}

/// One server.
pub struct ServerTracker {
    view: ServerView,
    /// The state and cause that probes support, without what the host explains.
    probed: SampleFinding,
    /// The finding of the last samples and how many in a row agreed.
    pending: (SampleFinding, u32),
    last_metrics: Option<(Metrics, Timestamp)>,
    /// Since when each rule has held without a break.
    firing: BTreeMap<HealthRule, Timestamp>,
    /// When its process or container was started, until it serves for the first time.
    starting: Option<Timestamp>,
}

impl ServerTracker {
    #[must_use]
    pub fn new(node: NodeId, address: String, now: Timestamp) -> Self {
        let unknown = SampleFinding { state: ServerState::Unknown, cause: None };
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
            self.probed = SampleFinding { state: ServerState::Unknown, cause: None };
            self.starting = Some(now);
        } else if goes_on(self.view.host.as_ref(), host.as_ref()) {
            // What it said before it was paused is not what it says now.
            self.probed = SampleFinding { state: ServerState::Unknown, cause: Some(RESUMED.to_owned()) };
        }
        self.view.host = host;
        if self.explained().is_some() {
            // What it told last is not so now.
            self.forget();
            self.take_metrics(&silent(&self.view.node, now), now);
        }
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
    pub const fn as_view(&self) -> &ServerView {
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

    /// Why nothing is known of it although it was probed.
    #[must_use]
    pub fn untold(&self) -> Option<String> {
        self.view.verdict.cause.clone().filter(|_| self.state() == ServerState::Unknown)
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
        view.znodes = None;
    }

    fn take_metrics(&mut self, sample: &Sample, now: Timestamp) {
        let rates = match (&self.last_metrics, &sample.metrics) {
            (Some((old, at)), Some(new)) => rates::between((old, *at), (new, now)),
            (None, Some(new)) => rates::alone(new),
            (_, None) => Rates::default(),
        };
        let view = &mut self.view;
        view.metrics_source = sample.metrics_source;
        view.metrics_at.clone_from(&sample.metrics_at);
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
        view.in_role = whole(metrics.uptime_ms).map(Millis);
        let started = metrics.started_s.map(|seconds| Timestamp((seconds * 1000.0) as u64));
        view.uptime = started.map(|at| now.since(at)).or(view.in_role);
        view.fd_open = whole(metrics.fd_open);
        view.fd_max = whole(metrics.fd_max);
        view.heap_used = whole(metrics.heap_used);
        view.heap_max = whole(metrics.heap_max);
        view.read_p50_ms = metrics.read_p50_ms;
        view.read_p99_ms = metrics.read_p99_ms;
        view.update_p50_ms = metrics.update_p50_ms;
        view.update_p99_ms = metrics.update_p99_ms;
        view.elections = whole(metrics.elections);
        view.timing = sample.timing.or(view.timing);
        view.election_ms = rates.election_ms.or(view.election_ms.filter(|_| sample.metrics.is_some()));
        view.all_metrics = Arc::clone(&metrics.all);
        self.last_metrics = sample.metrics.clone().map(|metrics| (metrics, now));
    }

    /// The first verdict comes at once, and so does what a server says of itself, or the first good reply of one that
    /// was just started. What may be the network's doing needs several samples that agree.
    fn decide(&mut self, finding: SampleFinding) {
        // Refused now and silent next is as bad as either twice.
        let same = finding.state.serves() == self.pending.0.state.serves();
        self.pending = (finding, if same { self.pending.1 + 1 } else { 1 });
        let (finding, count) = &self.pending;
        let needed = match (self.probed.state.serves(), finding.state.serves()) {
            _ if self.probed.state == ServerState::Unknown || says_so(finding.state) => 1,
            (true, false) => FAILURES_TO_DOWN,
            (false, true) if says_so(self.probed.state) || self.starting.is_some() => 1,
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

    fn verdict(&mut self, now: Timestamp) -> (ServerState, Option<String>, Option<HealthRule>) {
        if let Some((state, cause)) = self.explained() {
            self.firing.clear();
            return (state, Some(cause), Some(HealthRule::Host));
        }
        if !self.probed.state.serves() {
            self.firing.clear();
            if self.starting.is_some_and(|at| now.since(at) < START_LIMIT) {
                let cause = self.probed.cause.as_deref().unwrap_or("not probed yet");
                return (
                    ServerState::Starting,
                    Some(format!("it does not serve yet: {cause}")),
                    Some(HealthRule::Start),
                );
            }
            let rule = (self.probed.state != ServerState::Unknown).then_some(HealthRule::Probe);
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
    fn rule(&mut self, now: Timestamp) -> Option<(HealthRule, String)> {
        if self.view.in_role.is_some_and(|time| time < JUST_STARTED) {
            self.firing.clear();
            return None;
        }
        let mut fired = None;
        for rule in RULES {
            let Some(finding) = rule.check(&self.view) else {
                self.firing.remove(&rule.name);
                continue;
            };
            let held = now.since(*self.firing.entry(rule.name).or_insert(now));
            if rule.name == HealthRule::Heap {
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
            // It has ended, and waits for its next start.
            HostState::Starting => {
                let detail = host.detail.as_deref().unwrap_or("has ended and is started again");
                let said = format!("{} {detail}", host.name);
                let found = self.probed.cause.as_ref().filter(|_| !self.probed.state.serves());
                Some((ServerState::Down, found.map_or(said.clone(), |cause| format!("{cause}; {said}"))))
            }
            // A server that serves is no container's, whatever the project lacks.
            HostState::Missing if !self.probed.state.serves() => {
                Some((ServerState::Stopped, format!("{}{detail}", host.name)))
            }
            HostState::Missing | HostState::Running => None,
        }
    }
}

/// Whether it is a server's own word: that it does not serve, or reads only.
const fn says_so(state: ServerState) -> bool {
    matches!(state, ServerState::NotServing | ServerState::ReadOnly)
}

/// A probe that found nothing.
fn silent(node: &NodeId, now: Timestamp) -> Sample {
    Sample {
        node: node.clone(),
        taken_at: now,
        reach: Reach::Silent,
        reply_ms: None,
        srvr: None,
        metrics: None,
        metrics_source: None,
        metrics_at: None,
        metrics_missing: None,
        timing: None,
    }
}

/// Whether the host tells of a process or container that did not run before.
fn began(before: Option<&HostView>, now: Option<&HostView>) -> bool {
    let lives = |host: &HostView| matches!(host.state, HostState::Running | HostState::Starting | HostState::Paused);
    let (Some(before), Some(now)) = (before, now) else { return false };
    lives(now) && (!lives(before) || before.name != now.name)
}

/// Whether a process or container that was paused runs again.
fn goes_on(before: Option<&HostView>, now: Option<&HostView>) -> bool {
    let is = |host: Option<&HostView>, state| host.is_some_and(|host| host.state == state);
    is(before, HostState::Paused) && is(now, HostState::Running)
}

const RESUMED: &str = "it goes on after a pause, and has said nothing since";

/// What a server that may not tell how it is needs.
const DENIED: &str = "it answers, and is not allowed to tell more: add srvr to 4lw.commands.whitelist in its zoo.cfg";

fn find(sample: &Sample) -> SampleFinding {
    let finding = |state, cause: &str| SampleFinding { state, cause: Some(cause.to_owned()) };
    match (&sample.reach, &sample.srvr) {
        (Reach::Unreachable(cause), _) => finding(ServerState::Down, cause),
        (Reach::Silent, _) => finding(ServerState::Frozen, "connected, and no reply within the limit"),
        (Reach::Denied, _) => finding(ServerState::Unknown, DENIED),
        (Reach::Garbled(text), _) => finding(ServerState::Down, &format!("the reply is not a ZooKeeper's: {text}")),
        (Reach::Answered, Some(srvr)) if srvr.not_serving => {
            finding(ServerState::NotServing, "it answers that it serves no requests: no quorum, or still syncing")
        }
        (Reach::Answered, Some(srvr)) if srvr.read_only => finding(ServerState::ReadOnly, "it serves reads only"),
        (Reach::Answered, Some(srvr)) if srvr.role.is_some() => SampleFinding { state: ServerState::Up, cause: None },
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
        in_role: None,
        fd_open: None,
        fd_max: None,
        heap_used: None,
        heap_max: None,
        short_of_heap: false,
        requests_per_s: None,
        reads_per_s: None,
        writes_per_s: None,
        worse_p50_ms: None,
        worse_p99_ms: None,
        read_p50_ms: None,
        read_p99_ms: None,
        update_p50_ms: None,
        update_p99_ms: None,
        elections: None,
        election_ms: None,
        timing: None,
        metrics_source: None,
        metrics_at: None,
        metrics_missing: None,
        all_metrics: Arc::from([]),
        host: None,
        seen: None,
    }
}

#[cfg(test)]
mod tests;
