//! What is measured over time: which values there are, how they are kept, and how a front asks for them.
//!
//! `buckets` is the arithmetic of time (which bucket a moment is in, how buckets become coarser ones), `chunk` the block in
//! which values are kept, `sample` what one second of a snapshot is worth.

mod buckets;
mod chunk;
mod sample;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::ask::{Ask, Unanswered};
use super::ids::{Millis, NodeId, Timestamp};

pub use self::buckets::{Tier, regroup};
pub use self::chunk::{CHUNK_BUCKETS, CHUNK_BYTES, SeriesBuffer, SeriesChunk};
pub use self::sample::{Sampler, SeriesSample};

/// Most series of one question.
pub const SERIES_ASKED_MAX: usize = 256;
/// Most points of each series in one answer.
pub const POINTS_MAX: usize = 4_000;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum SeriesName {
    /// 1 while the server serves, 0 while it does not; the mean is the share of time.
    Up,
    /// The worse of its read and update percentiles.
    LatencyP50,
    LatencyP99,
    Requests,
    Outstanding,
    Connections,
    Znodes,
    Fsync,
    Heap,
    Descriptors,
    /// Transactions behind the leader.
    ZxidLag,
    Files,
    Bytes,
    /// Time of a write of our own, end to end.
    Canary,
    /// Moves that this instance has ended.
    Moves,
    /// Moves under way.
    Moving,
    /// Runs of the sample workload.
    Workload,
}

/// What a series is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesOf {
    Server,
    /// A server as a place of files.
    Node,
    Ensemble,
}

/// In what a series is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeriesUnit {
    /// From 0 to 1.
    Share,
    Milliseconds,
    PerSecond,
    Bytes,
    Count,
}

impl SeriesName {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// `latency-p99`
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.into_str()
    }

    #[must_use]
    pub const fn of(self) -> SeriesOf {
        match self {
            Self::Files | Self::Bytes => SeriesOf::Node,
            Self::Canary | Self::Moves | Self::Moving | Self::Workload => SeriesOf::Ensemble,
            _ => SeriesOf::Server,
        }
    }

    #[must_use]
    pub const fn unit(self) -> SeriesUnit {
        match self {
            Self::Up => SeriesUnit::Share,
            Self::LatencyP50 | Self::LatencyP99 | Self::Fsync | Self::Canary => SeriesUnit::Milliseconds,
            Self::Requests | Self::Moves | Self::Workload => SeriesUnit::PerSecond,
            Self::Heap | Self::Bytes => SeriesUnit::Bytes,
            Self::Outstanding
            | Self::Connections
            | Self::Znodes
            | Self::Descriptors
            | Self::ZxidLag
            | Self::Files
            | Self::Moving => SeriesUnit::Count,
        }
    }

    /// What a chart of it is headed by.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Up => "serving",
            Self::LatencyP50 => "latency, median",
            Self::LatencyP99 => "latency, 99th percentile",
            Self::Requests => "requests",
            Self::Outstanding => "outstanding requests",
            Self::Connections => "connections",
            Self::Znodes => "znodes",
            Self::Fsync => "fsync",
            Self::Heap => "heap used",
            Self::Descriptors => "open descriptors",
            Self::ZxidLag => "transactions behind the leader",
            Self::Files => "files per node",
            Self::Bytes => "bytes per node",
            Self::Canary => "write latency, canary",
            Self::Moves => "moves",
            Self::Moving => "moves under way",
            Self::Workload => "workload runs",
        }
    }
}

/// One series: `latency-p99@zk1`, or `canary` of the whole ensemble.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey {
    pub name: SeriesName,
    pub node: Option<NodeId>,
}

impl SeriesKey {
    #[must_use]
    pub const fn of_ensemble(name: SeriesName) -> Self {
        Self { name, node: None }
    }

    #[must_use]
    pub fn of_node(name: SeriesName, node: &NodeId) -> Self {
        Self { name, node: Some(node.clone()) }
    }
}

impl fmt::Display for SeriesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "{}@{node}", self.name.word()),
            None => f.write_str(self.name.word()),
        }
    }
}

/// Why a text names no series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSeries {
    #[error("{given:?} is no series; there are {}", names())]
    Name { given: String },
    #[error("{name} is measured of each server: write {name}@NODE")]
    NodeMissing { name: &'static str },
    #[error("{name} is measured of the whole ensemble: leave the node out")]
    NodeGiven { name: &'static str },
    #[error("{given:?} is no name of a node")]
    Node { given: String },
}

fn names() -> String {
    SeriesName::ALL.iter().map(|name| name.word()).collect::<Vec<_>>().join(", ")
}

impl FromStr for SeriesKey {
    type Err = NoSeries;

    fn from_str(text: &str) -> Result<Self, NoSeries> {
        let (name, node) = text.split_once('@').map_or((text, None), |(name, node)| (name, Some(node)));
        let cut = |given: &str| given.chars().take(64).collect::<String>();
        let name: SeriesName = name.parse().map_err(|_| NoSeries::Name { given: cut(name) })?;
        let node = match (name.of(), node) {
            (SeriesOf::Ensemble, None) => None,
            (SeriesOf::Ensemble, Some(_)) => return Err(NoSeries::NodeGiven { name: name.word() }),
            (_, None) => return Err(NoSeries::NodeMissing { name: name.word() }),
            (_, Some(node)) => Some(NodeId::new(node).map_err(|_| NoSeries::Node { given: cut(node) })?),
        };
        Ok(Self { name, node })
    }
}

impl Serialize for SeriesKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SeriesKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The values of some series from a moment to another, one point for each step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesAsk {
    /// At most [`SERIES_ASKED_MAX`].
    pub series: Vec<SeriesKey>,
    pub from: Timestamp,
    /// Not after it.
    pub until: Timestamp,
    /// Time of one point; what is kept may be coarser, which the answer tells.
    pub step: Millis,
}

/// Mean and largest value of a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesPoint {
    pub mean: f32,
    pub max: f32,
}

/// Values of one series, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesLine {
    pub series: SeriesKey,
    /// One for each step; `None` where nothing was measured.
    pub points: Vec<Option<SeriesPoint>>,
}

/// The answer to a [`SeriesAsk`], in the order of its series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesPage {
    /// Begin of the first point: a whole number of steps since 1970, so that all charts have the same axis.
    pub from: Timestamp,
    /// As it was asked for, or the coarser one in which so old values are kept.
    pub step: Millis,
    pub lines: Vec<SeriesLine>,
}

impl SeriesPage {
    /// Points of each line.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.first().map_or(0, |line| line.points.len())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[must_use]
    pub fn line(&self, key: &SeriesKey) -> Option<&SeriesLine> {
        self.lines.iter().find(|line| line.series == *key)
    }
}

impl Ask for SeriesAsk {
    type Answer = SeriesPage;
    type Refusal = Unanswered;
    const NAME: &'static str = "series of measurements";
}

/// The axis of an answer: which tier it is read from, its step, its first moment and its number of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesAxis {
    pub tier: Tier,
    pub from: Timestamp,
    pub step: Millis,
    pub points: usize,
}

/// A field of a question that cannot be answered, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct NoAxis {
    pub field: &'static str,
    pub rule: String,
}

impl SeriesAsk {
    /// How it will be answered at `now`.
    ///
    /// # Errors
    /// What is wrong with the question, naming the field.
    pub fn axis(&self, now: Timestamp) -> Result<SeriesAxis, NoAxis> {
        let wrong = |field, rule: String| Err(NoAxis { field, rule });
        if self.series.is_empty() || self.series.len() > SERIES_ASKED_MAX {
            return wrong("series", format!("{} are named; name 1 to {SERIES_ASKED_MAX}", self.series.len()));
        }
        if self.step.0 == 0 {
            return wrong("step", "it is 0; give at least one second".into());
        }
        if self.from >= self.until {
            return wrong("from", "it is not before the end".into());
        }
        let tier = Tier::for_range(self.from, now, self.step);
        // Whole buckets: a step of 1.5 s would take one value here and two there.
        let bucket = tier.bucket().0;
        let step = Millis(self.step.0.max(bucket).div_ceil(bucket) * bucket);
        let from = Timestamp(self.from.0 - self.from.0 % step.0);
        let points = self.until.since(from).0.div_ceil(step.0);
        match usize::try_from(points) {
            Ok(points) if points <= POINTS_MAX => Ok(SeriesAxis { tier, from, step, points }),
            _ => wrong("step", format!("{step} makes {points} points; {POINTS_MAX} is the most: take a longer one")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{NOW, node_id};

    #[test]
    fn a_series_is_written_as_it_is_read() {
        for name in SeriesName::ALL {
            let node = (name.of() != SeriesOf::Ensemble).then(|| node_id("zk1"));
            let key = SeriesKey { name: *name, node };
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        let refused = |text: &str| text.parse::<SeriesKey>().expect_err(text).to_string();
        assert!(refused("latency@zk1").starts_with("\"latency\" is no series; there are up, latency-p50,"));
        assert_eq!(refused("files"), "files is measured of each server: write files@NODE");
        assert_eq!(refused("canary@zk1"), "canary is measured of the whole ensemble: leave the node out");
        assert_eq!(refused("up@ZK 1"), "\"ZK 1\" is no name of a node");
    }

    fn ask(back: u64, step: u64) -> SeriesAsk {
        let series = vec![SeriesKey::of_ensemble(SeriesName::Canary)];
        SeriesAsk { series, from: Timestamp(NOW.0 - back), until: NOW, step: Millis(step) }
    }

    #[test]
    fn an_axis_has_whole_buckets_of_what_is_still_kept() {
        const HOUR: u64 = 3_600_000;
        let axis = |back, step| ask(back, step).axis(NOW).map(|axis| (axis.tier, axis.step.0));
        assert_eq!(axis(60_000, 1_000), Ok((Tier::Second, 1_000)));
        assert_eq!(axis(60_000, 1_500), Ok((Tier::Second, 2_000)));
        assert_eq!(axis(HOUR, 30_000), Ok((Tier::TenSeconds, 30_000)), "no more is read than is shown");
        assert_eq!(axis(2 * HOUR, 2_000), Ok((Tier::TenSeconds, 10_000)), "seconds of then are not kept");
        assert_eq!(axis(30 * 24 * HOUR, HOUR), Ok((Tier::Minute, HOUR)));
        let axis = ask(125_000, 60_000).axis(NOW).expect("good");
        assert_eq!((axis.from.0 % 60_000, axis.from <= Timestamp(NOW.0 - 125_000)), (0, true));
        assert!(axis.from.0 + axis.points as u64 * 60_000 >= NOW.0, "the last point reaches the end");
    }

    #[test]
    fn a_question_that_cannot_be_answered_names_its_field() {
        let wrong = |ask: SeriesAsk| ask.axis(NOW).expect_err("refused").to_string();
        assert!(wrong(SeriesAsk { series: Vec::new(), ..ask(1000, 1000) }).starts_with("series: 0 are named"));
        assert!(wrong(ask(1000, 0)).starts_with("step: it is 0"));
        assert!(
            wrong(SeriesAsk { until: Timestamp(5), ..ask(1000, 1000) }).starts_with("from: it is not before the end")
        );
        assert!(wrong(ask(30 * 86_400_000, 60_000)).starts_with("step: 1m0s makes 43201 points; 4000 is the most"));
        assert!(ask(30 * 86_400_000, 660_000).axis(NOW).is_ok());
    }
}
