//! Ports: who holds those that the servers, REST and the stack use.

use super::finding::Finding;
use super::place::{Place, blocking};
use crate::adapters::control::process::{TakenPort, taken_port};
use crate::cli::compose;

const NAME: &str = "ports";
/// What Docker publishes ports with.
const DOCKERS: [&str; 2] = ["docker-proxy", "dockerd"];

pub(super) async fn check(place: &Place) -> Vec<Finding> {
    let wanted = match wanted(place) {
        Ok(wanted) => wanted,
        Err(error) => return vec![Finding::fail(NAME, format!("{error:#}"), "correct the ports under [local]")],
    };
    let root = std::path::absolute(place.config.paths.data.join("local")).unwrap_or_default();
    let (root, local) = (root.to_string_lossy().into_owned(), place.local);
    blocking(move || {
        let total = wanted.len();
        let taken = wanted.into_iter().filter_map(|(port, purpose)| taken_port(port, purpose)).collect::<Vec<_>>();
        judge(&taken, total, local, &root)
    })
    .await
    .unwrap_or_default()
}

/// Ports of 127.0.0.1, each with what it is for.
fn wanted(place: &Place) -> anyhow::Result<Vec<(u16, String)>> {
    let config = &place.config;
    let mut wanted = Vec::new();
    if place.local {
        for node in compose::local_config(config)?.nodes {
            wanted.extend(node.ports().map(|(port, purpose)| (port, format!("{purpose} of {}", node.id))));
        }
    } else {
        for server in &place.servers {
            wanted.extend(local_port(&server.client).map(|port| (port, format!("clients of {}", server.node))));
            let metrics = server.metrics.as_deref().and_then(local_port);
            wanted.extend(metrics.map(|port| (port, format!("metrics of {}", server.node))));
        }
        let doctor = &config.doctor;
        let services = [
            ("Elasticsearch", place.elasticsearch()),
            ("Prometheus", doctor.prometheus.as_str()),
            ("Grafana", doctor.grafana.as_str()),
        ];
        for (name, url) in services {
            let address = url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/');
            wanted.extend(local_port(address).map(|port| (port, name.to_owned())));
        }
    }
    wanted.extend(local_port(&config.api.listen).map(|port| (port, "REST".to_owned())));
    Ok(wanted)
}

fn local_port(address: &str) -> Option<u16> {
    let (host, port) = address.rsplit_once(':')?;
    matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "[::1]").then(|| port.parse().ok()).flatten()
}

fn judge(taken: &[TakenPort], total: usize, local: bool, root: &str) -> Vec<Finding> {
    let held_by = |port: &TakenPort, word: &str| port.owner.as_ref().is_some_and(|(_, command)| command.contains(word));
    let docker = |port: &&TakenPort| DOCKERS.iter().any(|word| held_by(port, word));
    // A server that zkdeck started names its folder; zkdeck itself has REST.
    let own = |port: &&TakenPort| held_by(port, "zkdeck") || held_by(port, root);
    let mut findings = Vec::new();
    let (mut ours, mut dockers) = (0, 0);
    for port in taken {
        match (own(&port), docker(&port)) {
            (true, _) => ours += 1,
            (_, true) if !local => dockers += 1,
            _ => findings.push(foreign(port, local)),
        }
    }
    let free = total - taken.len();
    let message = format!("{free} of {total} free, {ours} held by zkdeck and its servers, {dockers} by Docker");
    findings.insert(0, Finding::ok(NAME, message));
    findings
}

fn foreign(port: &TakenPort, local: bool) -> Finding {
    let see = format!("see sudo ss -ltnp 'sport = :{}'", port.port);
    let end = match &port.owner {
        Some((_, command)) if DOCKERS.iter().any(|word| command.contains(word)) => {
            "docker compose down, or set other ports under [local]".to_owned()
        }
        Some((pid, _)) if local => format!("kill {pid}, or set other ports under [local]"),
        Some((pid, _)) => format!("kill {pid} before docker compose up -d, if the stack is to have the port"),
        None if local => format!("{see}; end what holds it, or set other ports under [local]"),
        None => format!("{see}; Docker's own ports are seen by root only"),
    };
    if local { Finding::fail(NAME, port.to_string(), end) } else { Finding::warn(NAME, port.to_string(), end) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Status;

    fn taken(port: u16, command: &str) -> TakenPort {
        TakenPort { port, purpose: "clients of zk1".into(), owner: Some((7, command.into())), cause: None }
    }

    #[test]
    fn only_strangers_are_told() {
        let held =
            [taken(2181, "/usr/bin/docker-proxy -proto tcp"), taken(8080, "zkdeck --daemon"), taken(9200, "nc -l")];
        let found = judge(&held, 12, false, "/x/data/local");
        assert_eq!(found[0].message, "9 of 12 free, 1 held by zkdeck and its servers, 1 by Docker");
        assert_eq!((found.len(), found[1].status), (2, Status::Warn));
        assert_eq!(
            found[1].fix.as_deref(),
            Some("kill 7 before docker compose up -d, if the stack is to have the port")
        );
    }

    #[test]
    fn servers_of_our_own_need_the_ports_that_docker_has() {
        let found = judge(&[taken(2181, "docker-proxy")], 13, true, "/x/data/local");
        assert_eq!(found[1].status, Status::Fail);
        assert!(found[1].fix.as_deref().unwrap().starts_with("docker compose down"));
        let own =
            judge(&[taken(2181, "java -cp /jars QuorumPeerMain /x/data/local/zk1/zoo.cfg")], 13, true, "/x/data/local");
        assert_eq!(own.len(), 1, "{own:?}");
    }
}
