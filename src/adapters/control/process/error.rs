//! Why the embedded ensemble cannot be opened.

use std::io;
use std::path::{Path, PathBuf};

use super::taken::{TakenPort, list_holders, way_out};
use crate::domain::cause::Advice;
use crate::domain::ids::NodeId;

#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("settings of the local ensemble: {0}")]
    Config(String),
    #[error("{action} {}: {source}; check that the folder exists and is yours", path.display())]
    Folder { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{}. Type: {command}", no_java(what, *need))]
    Java { what: String, need: u32, command: String },
    #[error("{}. Type: {JARS_STEP}", no_jars(what))]
    Jars { what: String },
    #[error("cannot start the local ensemble: {}. {}", list_holders(.0), way_out(.0))]
    PortsTaken(Vec<TakenPort>),
    #[error("the ensemble that runs in {} has other ports than asked for ({found}, not {asked}); use its ports or another folder", root.display())]
    OtherPorts { root: PathBuf, asked: String, found: String },
    #[error(
        "no zkdeck keeps a local ensemble in {}, and --read-only starts none; type zkdeck --local first",
        root.display()
    )]
    NoneRuns { root: PathBuf },
    #[error("start {node} with {program}: {source}")]
    Spawn { node: NodeId, program: String, source: io::Error },
    #[error("the local ensemble did not answer within {0} s; look into backend/ in the log folder and try again")]
    TimedOut(u64),
    #[error("the thread that keeps the local ensemble has ended; start zkdeck again")]
    Ended,
}

/// Where ZooKeeper's jars come from.
const JARS_STEP: &str = "scripts/run (it fetches them), or set ZOOKEEPER_HOME to an unpacked Apache ZooKeeper";

fn no_java(what: &str, need: u32) -> String {
    format!("{what}; zkdeck needs Java {need} or newer to run ZooKeeper")
}

fn no_jars(what: &str) -> String {
    format!("ZooKeeper's jars: {what}")
}

impl LocalError {
    /// What servers cannot be started without, and what to type; for any other error all of it is the cause.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Java { what, need, command } => Advice::new(no_java(what, *need), command),
            Self::Jars { what } => Advice::new(no_jars(what), JARS_STEP),
            other => Advice::new(other.to_string(), "scripts/run"),
        }
    }

    pub(super) fn folder(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Folder { action, path, source }
    }
}
