//! Settings of the embedded ensemble.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::error::LocalError;
use super::heap;
use super::search::Search;
use crate::domain::ids::NodeId;

/// One server of the embedded ensemble. All four ports are on 127.0.0.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalNode {
    pub id: NodeId,
    pub client_port: u16,
    pub metrics_port: u16,
    /// Followers connect here to the leader.
    pub quorum_port: u16,
    pub election_port: u16,
}

impl LocalNode {
    /// Each port with what it is for.
    #[must_use]
    pub fn ports(&self) -> [(u16, &'static str); 4] {
        [
            (self.client_port, "clients"),
            (self.metrics_port, "metrics"),
            (self.quorum_port, "the quorum"),
            (self.election_port, "elections"),
        ]
    }
}

/// Settings of [`super::LocalEnsemble`].
#[derive(Clone, Debug)]
pub struct LocalConfig {
    /// `data/local`: one folder for each server and the owner's lock. Made when missing.
    pub root: PathBuf,
    /// `logs`: each server writes into a folder of its own below. Made when missing.
    pub logs: PathBuf,
    pub nodes: Vec<LocalNode>,
    pub search: Search,
    /// Largest Java heap of one server, in MiB: about one for 1,000 files. As made it fits the
    /// machine: a quarter of its memory shared by the servers, from 256 to 2,048 each.
    pub heap_mb_max: u32,
    /// Time that a server has to end in an orderly way before it is killed.
    pub stop_limit: Duration,
    /// The program that answers to [`super::SERVER_COMMAND`]. By default this very binary, by a name
    /// that holds also when its file has been replaced meanwhile.
    pub program: PathBuf,
    /// Watches the servers of another zkdeck and never owns them, not even when that one has gone.
    pub attach_only: bool,
}

impl LocalConfig {
    /// Three servers `zk1..zk3`: clients on 2181-2183, metrics on 7001-7003, the quorum on
    /// 2888-2890, elections on 3888-3890; the environment is searched for Java and jars.
    ///
    /// # Errors
    /// Never with the built-in names; the type says so because names are checked.
    pub fn new(root: impl Into<PathBuf>, logs: impl Into<PathBuf>) -> Result<Self, LocalError> {
        let node = |n: u16| -> Result<LocalNode, LocalError> {
            let id = NodeId::new(&format!("zk{n}")).map_err(|e| LocalError::Config(e.to_string()))?;
            let at = |first: u16| first + n - 1;
            Ok(LocalNode {
                id,
                client_port: at(2181),
                metrics_port: at(7001),
                quorum_port: at(2888),
                election_port: at(3888),
            })
        };
        Ok(Self {
            root: root.into(),
            logs: logs.into(),
            nodes: (1..=3).map(node).collect::<Result<_, _>>()?,
            search: Search::from_env(),
            heap_mb_max: heap::fitting(3),
            stop_limit: Duration::from_secs(3),
            program: "/proc/self/exe".into(),
            attach_only: false,
        })
    }

    /// `zk1 2181/7001/2888/3888, ...`: two configurations with the same text run on the same ports.
    pub(super) fn ports_text(&self) -> String {
        let one = |node: &LocalNode| {
            let ports = node.ports().map(|(port, _)| port.to_string());
            format!("{} {}", node.id, ports.join("/"))
        };
        self.nodes.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// Checks what can be checked without the machine.
    pub(super) fn validate(&self) -> Result<(), LocalError> {
        let wrong = |what: String| Err(LocalError::Config(what));
        if self.nodes.is_empty() {
            return wrong("there are no servers; name at least one".into());
        }
        if self.heap_mb_max < 32 {
            return wrong(format!("a heap of {} MB is too small; give at least 32", self.heap_mb_max));
        }
        let mut seen = BTreeSet::new();
        let mut names = BTreeSet::new();
        for node in &self.nodes {
            if !names.insert(&node.id) {
                return wrong(format!("two servers are named {}", node.id));
            }
            for (port, purpose) in node.ports() {
                if port == 0 || !seen.insert(port) {
                    return wrong(format!("port {port} ({purpose} of {}) is 0 or used twice", node.id));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_ensemble_is_the_documented_one() {
        let config = LocalConfig::new("data/local", "logs").unwrap();
        config.validate().unwrap();
        let clients: Vec<_> = config.nodes.iter().map(|n| (n.id.as_str().to_owned(), n.client_port)).collect();
        assert_eq!(clients, [("zk1".into(), 2181), ("zk2".into(), 2182), ("zk3".into(), 2183)]);
        assert_eq!(config.nodes[2].metrics_port, 7003);
    }

    #[test]
    fn a_port_used_twice_is_named() {
        let mut config = LocalConfig::new("data/local", "logs").unwrap();
        config.nodes[1].metrics_port = 2181;
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("2181") && error.contains("metrics of zk2"), "{error}");
    }

    #[test]
    fn no_servers_and_twins_are_refused() {
        let mut config = LocalConfig::new("data/local", "logs").unwrap();
        config.nodes[1].id = config.nodes[0].id.clone();
        assert!(config.validate().is_err());
        config.nodes.clear();
        assert!(config.validate().is_err());
    }
}
