//! What an ensemble of one's own needs.

use std::path::{Path, PathBuf};

use super::ports::free_ports;

/// The folder of ZooKeeper's jars. Without them nothing of what its tests say was checked, so they fail.
pub(crate) fn jars() -> PathBuf {
    let named = std::env::var_os("ZKDECK_JARS").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/zookeeper-jars"));
    let filled = std::fs::read_dir(&folder).is_ok_and(|mut files| files.next().is_some());
    assert!(filled, "no ZooKeeper jars in {}; scripts/test fetches them", folder.display());
    folder
}

/// A folder whose `zkdeck.toml` puts the local ensemble on free ports.
pub(crate) fn local_folder(jars: &Path, more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (client, metrics, quorum, election) = (free_ports(3), free_ports(3), free_ports(3), free_ports(3));
    let text = format!(
        "[local]\nclient_port = {client}\nmetrics_port = {metrics}\nquorum_port = {quorum}\n\
         election_port = {election}\njars = {jars:?}\n{more}\n"
    );
    std::fs::write(folder.path().join("zkdeck.toml"), text).unwrap();
    folder
}
