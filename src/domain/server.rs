//! A server seen as a ZooKeeper process: what a probe brings back, and what is shown of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::ids::{Millis, NodeId, Timestamp, Zxid};
use super::log::LogLevel;

/// What a server says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Leader,
    Follower,
    Observer,
    Standalone,
}

impl Role {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Observer => "observer",
            Self::Standalone => "standalone",
        }
    }
}

/// The verdict on one server, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServerState {
    Up,
    /// Serving, and a rule fired.
    Degraded,
    ReadOnly,
    /// Answers, but has no quorum or is still syncing.
    NotServing,
    /// Connected and silent: what `docker pause` and SIGSTOP look like.
    Frozen,
    /// Frozen, and the container or process is known to be paused.
    Paused,
    /// Down, and the container or process is known to be stopped.
    Stopped,
    Down,
    /// Its process or container has just been started and does not serve yet.
    Starting,
    Unknown,
}

impl ServerState {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::ReadOnly => "read-only",
            Self::NotServing => "not serving",
            Self::Frozen => "frozen",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Down => "down",
            Self::Starting => "starting",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the server takes part in the quorum and answers clients.
    #[must_use]
    pub const fn serves(self) -> bool {
        matches!(self, Self::Up | Self::Degraded)
    }
}

/// How far a probe came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "cause")]
pub enum Reach {
    /// A reply came.
    Answered,
    /// The connection was refused, or the address cannot be reached or resolved: the cause in words.
    Unreachable(String),
    /// Connected, and no reply within the limit.
    Silent,
    /// It is a ZooKeeper server, and none of the words that would tell more is on its whitelist.
    Denied,
    /// A reply came that is no ZooKeeper's: the first words of it.
    Garbled(String),
}

/// What `srvr` said. A field that was missing or not a number is `None`, never 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Srvr {
    pub version: Option<String>,
    pub role: Option<Role>,
    pub read_only: bool,
    /// The server answered that it is not currently serving requests.
    pub not_serving: bool,
    pub zxid: Option<Zxid>,
    pub outstanding: Option<u64>,
    pub connections: Option<u64>,
    pub znodes: Option<u64>,
    pub latency_avg_ms: Option<f64>,
    pub latency_max_ms: Option<f64>,
}

/// What the server's metrics said; counters as they were read. `None` is unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    pub latency_avg_ms: Option<f64>,
    pub outstanding: Option<f64>,
    pub connections: Option<f64>,
    pub znodes: Option<f64>,
    pub watches: Option<f64>,
    /// Since it took on its role: an election begins it anew.
    pub uptime_ms: Option<f64>,
    /// When its process was started, in seconds since 1970.
    pub started_s: Option<f64>,
    pub fd_open: Option<f64>,
    pub fd_max: Option<f64>,
    pub heap_used: Option<f64>,
    pub heap_max: Option<f64>,
    pub packets_received: Option<f64>,
    pub read_sum_ms: Option<f64>,
    pub read_count: Option<f64>,
    pub read_p50_ms: Option<f64>,
    pub read_p99_ms: Option<f64>,
    pub update_sum_ms: Option<f64>,
    pub update_count: Option<f64>,
    pub update_p50_ms: Option<f64>,
    pub update_p99_ms: Option<f64>,
    pub fsync_sum_ms: Option<f64>,
    pub fsync_count: Option<f64>,
    pub elections: Option<f64>,
    /// Time of all elections together.
    pub election_sum_ms: Option<f64>,
    /// Every metric by its name without labels or with its `quantile` label, for the full-screen view.
    pub all: Arc<[(String, f64)]>,
}

/// Where a server's metrics came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricsSource {
    Prometheus,
    Mntr,
}

/// How long a server waits for others, from its own settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumTiming {
    pub tick: Millis,
    /// Ticks after which a follower gives up a leader that is silent.
    pub sync_limit: u64,
}

impl QuorumTiming {
    /// How long a leader may be silent.
    #[must_use]
    pub const fn gives_up_after(self) -> Millis {
        Millis(self.tick.0.saturating_mul(self.sync_limit))
    }
}

/// One probe of one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub node: NodeId,
    pub taken_at: Timestamp,
    pub reach: Reach,
    /// Time from the connection's start to the whole reply of `srvr`.
    pub reply_ms: Option<f64>,
    pub srvr: Option<Srvr>,
    pub metrics: Option<Metrics>,
    pub metrics_source: Option<MetricsSource>,
    /// The page that they were read from; `None` for `mntr`.
    pub metrics_at: Option<String>,
    /// Why there are no metrics, when there are none.
    pub metrics_missing: Option<String>,
    /// `None` when it was not asked for this time, or may not be told.
    pub timing: Option<QuorumTiming>,
}

/// What the container engine or the process table says about a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostView {
    pub state: HostState,
    /// `process 20411` or `container demo-zk1-1`.
    pub name: String,
    /// Exit status, signal, or another cause, when it is known.
    pub detail: Option<String>,
    /// Only for a container.
    pub container: Option<ContainerView>,
}

/// A server's container as the engine describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerView {
    /// The first twelve digits.
    pub id: String,
    /// `zookeeper:3.9.4`
    pub image: String,
    /// Compose project or label by which it is known to be ours.
    pub project: String,
    /// Since when it has run or been stopped; the engine does not tell for a paused one.
    pub since: Option<Timestamp>,
}

/// Most lines of one [`Output`].
pub const OUTPUT_LINES_MAX: usize = 2000;

/// What a server's container has written last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// `container demo-zk1-1`
    pub container: String,
    /// Oldest first.
    pub lines: Vec<OutputLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputLine {
    /// When the engine got the line, `2026-11-23T14:01:58.112`, in UTC; `None` when it does not tell.
    pub time: Option<String>,
    pub level: Option<LogLevel>,
    /// Only of a line in the form of ZooKeeper's log.
    pub thread: Option<String>,
    /// All of it.
    pub text: String,
    /// Where in `text` the message begins, in bytes.
    pub message_at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "kebab-case")]
pub enum HostState {
    Running,
    Starting,
    Paused,
    Stopped,
    Missing,
}

impl HostState {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting => "restarting",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Missing => "missing",
        }
    }
}

/// What a verdict rests on: a stable word in REST.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum HealthRule {
    /// What the host says of its process or container.
    Host,
    /// It was started just now.
    Start,
    /// It does not answer as a server that serves.
    Probe,
    Reply,
    Outstanding,
    OutstandingLong,
    Fsync,
    Latency,
    Descriptors,
    Heap,
    Behind,
}

impl HealthRule {
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.into_str()
    }
}

/// A verdict with its cause and age.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub state: ServerState,
    /// What was seen, in words, for every state but `up`.
    pub cause: Option<String>,
    /// What the verdict rests on.
    pub rule: Option<HealthRule>,
    pub since: Timestamp,
}

impl Verdict {
    #[must_use]
    pub const fn unknown(since: Timestamp) -> Self {
        Self { state: ServerState::Unknown, cause: None, rule: None, since }
    }
}

/// Values kept of each series: one a second for a minute.
pub const SERIES_LEN: usize = 60;

/// One value a second, oldest first, at most [`SERIES_LEN`]; `None` where nothing was known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series(pub Vec<Option<f32>>);

impl Series {
    /// Appends a value and lets go of the oldest when full.
    pub fn push(&mut self, value: Option<f64>) {
        if self.0.len() == SERIES_LEN {
            self.0.remove(0);
        }
        self.0.push(value.map(|v| v as f32));
    }
}

/// A server as a front shows it. A value that is not known is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerView {
    pub node: NodeId,
    /// `host:port` of the client port.
    pub address: String,
    pub verdict: Verdict,
    pub role: Option<Role>,
    pub version: Option<String>,
    pub zxid: Option<Zxid>,
    /// Transactions behind the leader, when both are in the same epoch.
    pub behind: Option<u64>,
    /// Average request latency over the last interval, else since the server's start.
    pub latency_ms: Option<f64>,
    /// Time that our own probe took.
    pub reply_ms: Option<f64>,
    pub outstanding: Option<u64>,
    pub connections: Option<u64>,
    pub znodes: Option<u64>,
    pub watches: Option<u64>,
    pub fsync_ms: Option<f64>,
    /// Since its process was started; since it took on its role where no more is told.
    pub uptime: Option<Millis>,
    /// Since it took on its role.
    pub in_role: Option<Millis>,
    pub fd_open: Option<u64>,
    pub fd_max: Option<u64>,
    pub heap_used: Option<u64>,
    pub heap_max: Option<u64>,
    /// More of the heap is used than is good, and has been for a while: no large run begins.
    pub short_of_heap: bool,
    pub requests_per_s: Option<f64>,
    pub reads_per_s: Option<f64>,
    pub writes_per_s: Option<f64>,
    pub read_p50_ms: Option<f64>,
    pub read_p99_ms: Option<f64>,
    pub update_p50_ms: Option<f64>,
    pub update_p99_ms: Option<f64>,
    /// The worse of reads and updates where no more is known: in pictures of the past.
    pub worse_p50_ms: Option<f64>,
    pub worse_p99_ms: Option<f64>,
    pub elections: Option<u64>,
    /// Time of the last election that it took part in, by itself.
    pub election_ms: Option<f64>,
    /// As it last told.
    pub timing: Option<QuorumTiming>,
    pub metrics_source: Option<MetricsSource>,
    /// The page that the metrics were read from; `None` for `mntr`.
    pub metrics_at: Option<String>,
    pub metrics_missing: Option<String>,
    #[serde(with = "metrics")]
    pub all_metrics: Arc<[(String, f64)]>,
    pub host: Option<HostView>,
    /// When the last reply came; `None` before the first.
    pub seen: Option<Timestamp>,
}

fn worse(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).max_by(f64::total_cmp)
}

/// A metric may be no number, which JSON has no word for: `null`.
mod metrics {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(metrics: &Arc<[(String, f64)]>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(metrics.iter().map(|(name, value)| (name, value.is_finite().then_some(value))))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<[(String, f64)]>, D::Error> {
        let metrics: Vec<(String, Option<f64>)> = Deserialize::deserialize(from)?;
        Ok(metrics.into_iter().map(|(name, value)| (name, value.unwrap_or(f64::NAN))).collect())
    }
}

impl ServerView {
    /// Half of its requests were answered sooner: the worse of reads and updates.
    #[must_use]
    pub fn latency_p50_ms(&self) -> Option<f64> {
        self.worse_p50_ms.or_else(|| worse(self.read_p50_ms, self.update_p50_ms))
    }

    /// 99 of 100 requests were answered sooner: the worse of reads and updates.
    #[must_use]
    pub fn latency_p99_ms(&self) -> Option<f64> {
        self.worse_p99_ms.or_else(|| worse(self.read_p99_ms, self.update_p99_ms))
    }

    /// Whether it is seen to run in a container.
    #[must_use]
    pub fn is_contained(&self) -> bool {
        self.host.as_ref().is_some_and(|host| host.container.is_some())
    }
}
