//! A look at the processes of a local ensemble, for who neither owns nor joins it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::procfs::{self, Stat};
use super::record::{LOCK, OwnerLock, Record};
use crate::domain::ids::NodeId;

/// The process of a server of a local ensemble, or the zkdeck that keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alive {
    pub pid: u32,
    /// Stopped by a signal: it runs on when it is resumed.
    pub paused: bool,
    /// Since its start; `None` when the system does not tell.
    pub age: Option<Duration>,
}

impl Alive {
    fn new(pid: u32, stat: Stat) -> Self {
        Self { pid, paused: stat.paused(), age: procfs::age(stat.started) }
    }

    /// What is known of a process; `None` when there is none.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        procfs::stat(pid).filter(|stat| !stat.dead()).map(|stat| Self::new(pid, stat))
    }
}

/// The processes of the servers that run by the records under `root`.
#[must_use]
pub fn recorded_servers(root: &Path, nodes: &[NodeId]) -> Vec<(NodeId, Alive)> {
    let running = |node: &NodeId| match Record::read(&root.join(node.as_str()).join("server.json"))? {
        Record::Running { pid, started } => {
            let stat = procfs::stat(pid).filter(|stat| stat.started == started && !stat.dead())?;
            Some((node.clone(), Alive::new(pid, stat)))
        }
        Record::Ended { .. } => None,
    };
    nodes.iter().filter_map(running).collect()
}

/// The zkdeck that keeps the local ensemble under `root`; `None` when none does, or its record is not ours to see.
#[must_use]
pub fn keeper_of(root: &Path) -> Option<Alive> {
    let path = fs::canonicalize(root.join(LOCK)).ok()?;
    let pid = OwnerLock::holder(&path)?.pid;
    // The number may be another process's by now: the one that holds the lock has the file open. Of another user's
    // only the command line can be seen.
    let keeps = match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(files) => files.filter_map(|file| fs::read_link(file.ok()?.path()).ok()).any(|link| link == path),
        Err(_) => command_line(pid).is_some_and(|arguments| program(&arguments) == "zkdeck"),
    };
    Alive::of(pid).filter(|_| keeps)
}

/// The folder of the local ensemble that a process is a server of, whichever zkdeck started it: its command line
/// names it, and the record there names the process.
pub(super) fn ensemble_of(pid: u32) -> Option<PathBuf> {
    let arguments = procfs::cmdline(pid)?;
    let config = Path::new(arguments.last()?);
    let home = config.parent().filter(|_| config.file_name().is_some_and(|name| name == "zoo.cfg"))?;
    let node = NodeId::new(home.file_name()?.to_str()?).ok()?;
    let root = home.parent()?;
    recorded_servers(root, &[node]).iter().any(|(_, alive)| alive.pid == pid).then(|| root.to_owned())
}

/// The program of a command line, without its folder.
#[must_use]
pub fn program(command_line: &[String]) -> &str {
    command_line.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default()
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
        let alive = found();
        assert_eq!(alive.iter().map(|(_, alive)| (alive.pid, alive.paused)).collect::<Vec<_>>(), [(me, false)]);
        assert!(alive[0].1.age.is_some_and(|age| age < Duration::from_secs(3_600)), "{alive:?}");
        write(&Record::Running { pid: me, started: started + 1 });
        assert!(found().is_empty(), "another process has got its number");
        write(&Record::Ended { pid: me, cause: "exit status 1".into(), again: None });
        assert!(found().is_empty());
    }

    #[test]
    fn the_keeper_is_the_process_that_has_the_lock_open() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(keeper_of(folder.path()), None);
        let path = folder.path().join("owner.lock");
        let me = super::super::record::OwnerRecord { pid: std::process::id(), ports: String::new() };
        let lock = OwnerLock::take(&path, &me).unwrap().unwrap();
        assert_eq!(keeper_of(folder.path()).map(|alive| alive.pid), Some(me.pid));
        drop(lock);
        assert_eq!(keeper_of(folder.path()), None, "it lives, and keeps nothing");
    }

    #[test]
    fn a_server_of_another_folders_ensemble_is_known_by_its_command_line_and_its_record() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("zk1");
        std::fs::create_dir(&home).unwrap();
        let config = home.join("zoo.cfg");
        // Whatever it reads, its command line ends as a server's does.
        let mut child = std::process::Command::new("tail")
            .args(["-f", "/dev/null"])
            .arg(&config)
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // It complains of the missing file: it is tail by now.
        std::io::Read::read_exact(child.stderr.as_mut().unwrap(), &mut [0]).unwrap();
        let pid = child.id();
        assert_eq!(ensemble_of(pid), None, "nobody has written it down");
        let started = procfs::stat(pid).unwrap().started;
        Record::Running { pid, started }.write(&home.join("server.json")).unwrap();
        assert_eq!(ensemble_of(pid), Some(folder.path().to_owned()));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_zkdeck_is_known_by_its_program_and_not_by_its_arguments() {
        for (command, expected) in [
            ("/usr/bin/zkdeck --daemon", true),
            ("zkdeck", true),
            ("vim zkdeck", false),
            ("/opt/zkdeck/bin/java -jar x", false),
            ("", false),
        ] {
            let arguments: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
            assert_eq!(program(&arguments) == "zkdeck", expected, "{command}");
        }
    }
}
