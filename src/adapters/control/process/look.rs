//! A look at the processes of a local ensemble, for who neither owns nor joins it.

use std::path::Path;

use super::procfs;
use super::record::Record;
use crate::domain::ids::NodeId;

/// The processes of the servers that run by the records under `root`.
#[must_use]
pub fn recorded_servers(root: &Path, nodes: &[NodeId]) -> Vec<u32> {
    let running = |node: &NodeId| match Record::read(&root.join(node.as_str()).join("server.json"))? {
        Record::Running { pid, started } => {
            procfs::stat(pid).filter(|stat| stat.started == started && !stat.dead()).map(|_| pid)
        }
        Record::Ended { .. } => None,
    };
    nodes.iter().filter_map(running).collect()
}

/// The whole command line of a process; `None` when it is gone or not ours to see.
#[must_use]
pub fn command_line(pid: u32) -> Option<Vec<String>> {
    procfs::cmdline(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_process_that_was_written_down_counts() {
        let (folder, node) = (tempfile::tempdir().unwrap(), NodeId::new("zk1").unwrap());
        let found = || recorded_servers(folder.path(), std::slice::from_ref(&node));
        assert!(found().is_empty());
        let home = folder.path().join("zk1");
        std::fs::create_dir(&home).unwrap();
        let me = std::process::id();
        let started = procfs::stat(me).unwrap().started;
        let write = |record: &Record| record.write(&home.join("server.json")).unwrap();
        write(&Record::Running { pid: me, started });
        assert_eq!(found(), [me]);
        write(&Record::Running { pid: me, started: started + 1 });
        assert!(found().is_empty(), "another process has got its number");
        write(&Record::Ended { pid: me, cause: "exit status 1".into(), again: None });
        assert!(found().is_empty());
    }
}
