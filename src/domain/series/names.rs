//! Which series there are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::domain::ids::NodeId;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum SeriesName {
    /// 1 while the server serves, 0 while it does not; the mean is the share of time.
    Up,
    /// 1 while the server is being started, 0 while it is not: neither serving nor failing to.
    Starting,
    /// 1 while the server leads the ensemble, 0 while it has another role.
    Leads,
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
            Self::Up | Self::Starting | Self::Leads => SeriesUnit::Share,
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
            Self::Starting => "starting",
            Self::Leads => "leading",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::node_id;

    #[test]
    fn a_series_is_written_as_it_is_read() {
        for name in SeriesName::ALL {
            let node = (name.of() != SeriesOf::Ensemble).then(|| node_id("zk1"));
            let key = SeriesKey { name: *name, node };
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        let refused = |text: &str| text.parse::<SeriesKey>().expect_err(text).to_string();
        assert!(
            refused("latency@zk1").starts_with("\"latency\" is no series; there are up, starting, leads, latency-p50,")
        );
        assert_eq!(refused("files"), "files is measured of each server: write files@NODE");
        assert_eq!(refused("canary@zk1"), "canary is measured of the whole ensemble: leave the node out");
        assert_eq!(refused("up@ZK 1"), "\"ZK 1\" is no name of a node");
    }
}
