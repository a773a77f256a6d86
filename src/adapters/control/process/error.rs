//! Why the embedded ensemble cannot be opened.

use std::io;
use std::path::{Path, PathBuf};

use super::taken::{TakenPort, told, way_out};
use crate::domain::ids::NodeId;

#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("settings of the local ensemble: {0}")]
    Config(String),
    #[error("{action} {}: {source}; check that the folder exists and is yours", path.display())]
    Folder { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{what}; zkdeck needs Java {need} or newer to run ZooKeeper. Type: {command}")]
    Java { what: String, need: u32, command: String },
    #[error(
        "ZooKeeper's jars: {what}. Type: scripts/run (it fetches them), or set ZOOKEEPER_HOME to an unpacked Apache ZooKeeper"
    )]
    Jars { what: String },
    #[error("cannot start the local ensemble: {}. {}", told(.0), way_out(.0))]
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

impl LocalError {
    pub(super) fn folder(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Folder { action, path, source }
    }
}
