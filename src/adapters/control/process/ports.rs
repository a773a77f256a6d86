//! Whether a port of 127.0.0.1 is free, and who holds it when it is not.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};

use super::config::LocalNode;
use super::look::ensemble_of;
use super::procfs;
use super::taken::TakenPort;

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
}
