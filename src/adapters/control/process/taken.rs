//! Ports that servers cannot have, in words, and what is to be done about them.

use std::fmt;
use std::path::{Path, PathBuf};

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
        f.write_str(&list_holders(std::slice::from_ref(self)))
    }
}

/// The ports in words, those of one holder together.
#[must_use]
pub fn list_holders(ports: &[TakenPort]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

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
            list_holders(&stack),
            "ports 2181 (clients of zk1), 2182 (clients of zk2) are published by Docker for a container (docker ps)"
        );
        let of_another = |one: TakenPort| TakenPort { ensemble: Some("/x/data/local".into()), ..one };
        let others = all.clone().map(of_another);
        assert_eq!(
            list_holders(&others),
            "the local ensemble of /x/data/local has ports 2181 (clients of zk1), 7001 (metrics of zk1), 2182 (clients of \
             zk2)"
        );
        let (ways, end) = ([way_out(&others), way_out(&all)], "End what holds them");
        assert!(ways[0].contains("--data /x/data") && ways[0].contains("client_port"), "{ways:?}");
        assert!(!ways[0].contains(end) && ways[1].starts_with(end), "{ways:?}");
        assert_eq!(
            list_holders(&all),
            "ports 2181 (clients of zk1), 7001 (metrics of zk1) are taken by process 7 (java); \
             port 2182 (clients of zk2) is taken by process 8 (java)"
        );
    }
}
