//! Whether a port of 127.0.0.1 is free, and who holds it when it is not.

use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use super::config::LocalNode;
use super::look::ensemble_of;
use super::procfs;

/// A port that a server needs and cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenPort {
    pub port: u16,
    /// `clients of zk1`.
    pub purpose: String,
    /// Pid and command of the holder, when the process table tells.
    pub owner: Option<(u32, String)>,
    /// Why it cannot be had, when it is not simply in use.
    pub cause: Option<String>,
    /// The folder of the local ensemble that the holder is a server of.
    pub ensemble: Option<PathBuf>,
}

impl TakenPort {
    /// Docker publishes it for a container, by one process for each port.
    #[must_use]
    pub fn by_docker(&self) -> bool {
        let program = |command: &str| command.split(' ').next().is_some_and(|path| path.ends_with("docker-proxy"));
        self.owner.as_ref().is_some_and(|(_, command)| program(command))
    }

    fn same_holder(&self, other: &Self) -> bool {
        let docker = self.by_docker() && other.by_docker();
        let ensemble = self.ensemble.is_some() && self.ensemble == other.ensemble;
        self.cause == other.cause && (docker || ensemble || self.owner == other.owner)
    }

    /// In use, by no process that can be seen.
    pub(super) const fn has_no_holder(&self) -> bool {
        self.owner.is_none() && self.cause.is_none()
    }
}

impl fmt::Display for TakenPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told(std::slice::from_ref(self)))
    }
}

/// The ports in words, those of one holder together.
#[must_use]
pub fn told(ports: &[TakenPort]) -> String {
    let mut groups: Vec<Vec<&TakenPort>> = Vec::new();
    for port in ports {
        match groups.iter_mut().find(|group| group[0].same_holder(port)) {
            Some(group) => group.push(port),
            None => groups.push(vec![port]),
        }
    }
    let told = |group: &Vec<&TakenPort>| {
        let names: Vec<String> = group.iter().map(|port| format!("{} ({})", port.port, port.purpose)).collect();
        let (word, are) = if names.len() == 1 { ("port", "is") } else { ("ports", "are") };
        let why = match (&group[0].cause, &group[0].owner) {
            _ if group[0].ensemble.is_some() => {
                let root = group[0].ensemble.as_deref().unwrap_or(Path::new("-"));
                return format!("the local ensemble of {} has {word} {}", root.display(), names.join(", "));
            }
            (Some(cause), _) => format!("cannot be used: {cause}"),
            _ if group[0].by_docker() => format!("{are} published by Docker for a container (docker ps)"),
            (None, Some((pid, command))) => format!("{are} taken by process {pid} ({command})"),
            (None, None) => format!("{are} taken by a process that this user cannot see"),
        };
        format!("{word} {} {why}", names.join(", "))
    };
    groups.iter().map(told).collect::<Vec<_>>().join("; ")
}

/// What is to be done about ports that cannot be had, so that servers can be started. Nobody is told to end a server
/// that its own zkdeck keeps: it would start it again.
#[must_use]
pub fn way_out(ports: &[TakenPort]) -> String {
    const OTHERS: &str = "set other ports: client_port, metrics_port, quorum_port and election_port below [local] in \
                          zkdeck.toml";
    let strangers = ports.iter().any(|port| port.ensemble.is_none());
    match ports.iter().find_map(|port| port.ensemble.as_deref()) {
        Some(root) if !strangers => {
            let data = root.parent().unwrap_or(root).display();
            format!("Use that ensemble by zkdeck --local --data {data}, or {OTHERS}")
        }
        Some(_) => format!("End what else holds them, or {OTHERS}"),
        None => format!("End what holds them, or {OTHERS}, and start zkdeck again"),
    }
}

/// Who holds `port` of 127.0.0.1; `None` when it is free.
#[must_use]
pub fn taken_port(port: u16, purpose: String) -> Option<TakenPort> {
    let error = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).err()?;
    let in_use = error.kind() == io::ErrorKind::AddrInUse;
    let owner = in_use.then(|| owner(port)).flatten();
    let ensemble = owner.as_ref().and_then(|(pid, _)| ensemble_of(*pid));
    Some(TakenPort { port, purpose, owner, cause: (!in_use).then(|| error.to_string()), ensemble })
}

/// The ports of `node` that cannot be bound now.
pub(super) fn taken(node: &LocalNode) -> Vec<TakenPort> {
    let each = node.ports().into_iter();
    each.filter_map(|(port, purpose)| taken_port(port, format!("{purpose} of {}", node.id))).collect()
}

fn tables() -> Vec<String> {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// Inodes of the sockets that listen on `port`, from the text of `/proc/net/tcp` or `tcp6`.
fn listeners(table: &str, port: u16) -> Vec<u64> {
    const LISTEN: &str = "0A";
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<_> = line.split_ascii_whitespace().collect();
            let (_, local) = fields.get(1)?.rsplit_once(':')?;
            let ours = u16::from_str_radix(local, 16).ok()? == port && *fields.get(3)? == LISTEN;
            if ours { fields.get(9)?.parse().ok() } else { None }
        })
        .collect()
}

fn owner(port: u16) -> Option<(u32, String)> {
    let inodes: Vec<u64> = tables().iter().flat_map(|table| listeners(table, port)).collect();
    let wanted: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let processes = fs::read_dir("/proc").ok()?;
    let pid = processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .find(|pid| holds(*pid, &wanted))?;
    let command = procfs::cmdline(pid).map_or_else(|| "unknown command".into(), |args| procfs::printable(&args));
    Some((pid, command))
}

fn holds(pid: u32, sockets: &[String]) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    files
        .filter_map(|file| fs::read_link(file.ok()?.path()).ok())
        .any(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::NodeId;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0885 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41001 1 0 100 0 0 10 0
   1: 0100007F:0885 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000  1000        0 41002 1 0 100 0 0 10 0
   2: 0000000000000000FFFF00000100007F:0886 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41003 1 0 100 0 0 10 0
   torn line
";

    #[test]
    fn only_the_listening_socket_of_the_port_counts() {
        assert_eq!(listeners(TABLE, 2181), [41001]);
        assert_eq!(listeners(TABLE, 2182), [41003]);
        assert!(listeners(TABLE, 2183).is_empty());
    }

    fn node(port: u16) -> LocalNode {
        // Port 0 binds always, so that only the one under test can be taken.
        let id = NodeId::new("zk1").unwrap();
        LocalNode { id, client_port: port, metrics_port: 0, quorum_port: 0, election_port: 0 }
    }

    #[test]
    fn a_taken_port_names_its_holder_and_a_free_one_is_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = taken(&node(port));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].owner.as_ref().map(|owner| owner.0), Some(std::process::id()));
        let text = found[0].to_string();
        let expected = format!("port {port} (clients of zk1) is taken by process {} (", std::process::id());
        assert!(text.starts_with(&expected), "{text}");
    }

    #[test]
    fn ports_of_one_holder_are_told_together() {
        let port = |port, purpose: &str, pid| TakenPort {
            port,
            purpose: purpose.into(),
            owner: Some((pid, "java".into())),
            cause: None,
            ensemble: None,
        };
        let all = [port(2181, "clients of zk1", 7), port(7001, "metrics of zk1", 7), port(2182, "clients of zk2", 8)];
        let proxy = |port, purpose: &str, pid| TakenPort {
            owner: Some((pid, "/usr/bin/docker-proxy -proto tcp -host-port".into())),
            ..super::TakenPort { port, purpose: purpose.into(), owner: None, cause: None, ensemble: None }
        };
        let stack = [proxy(2181, "clients of zk1", 7), proxy(2182, "clients of zk2", 8)];
        assert_eq!(
            told(&stack),
            "ports 2181 (clients of zk1), 2182 (clients of zk2) are published by Docker for a container (docker ps)"
        );
        let of_another = |one: TakenPort| TakenPort { ensemble: Some("/x/data/local".into()), ..one };
        let others = all.clone().map(of_another);
        assert_eq!(
            told(&others),
            "the local ensemble of /x/data/local has ports 2181 (clients of zk1), 7001 (metrics of zk1), 2182 (clients of \
             zk2)"
        );
        let (ways, end) = ([way_out(&others), way_out(&all)], "End what holds them");
        assert!(ways[0].contains("--data /x/data") && ways[0].contains("client_port"), "{ways:?}");
        assert!(!ways[0].contains(end) && ways[1].starts_with(end), "{ways:?}");
        assert_eq!(
            told(&all),
            "ports 2181 (clients of zk1), 7001 (metrics of zk1) are taken by process 7 (java); \
             port 2182 (clients of zk2) is taken by process 8 (java)"
        );
    }
}
