//! Ports: who holds those that the servers, REST and the stack use.
//!
//! Nobody is told to end a process that is a ZooKeeper server. That one is a server of the ensemble is
//! proved: it answers as one at an address of the settings, or the local ensemble has written it down.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::finding::Finding;
use super::place::{Site, blocking, is_loopback};
use crate::adapters::control::process::{
    TakenPort, command_line, list_holders, program, recorded_servers, taken_port, way_out,
};
use crate::adapters::http;
use crate::adapters::probe::{Probe, ProbeConfig, Prober};
use crate::cli::{compose, healthcheck};
use crate::domain::ids::NodeId;
use crate::domain::server::{MetricsSource, Reach, Sample};
use crate::engine::clock;

const NAME: &str = "ports";
/// What Docker publishes ports with.
const DOCKERS: [&str; 2] = ["docker-proxy", "dockerd"];
/// Classes that a ZooKeeper server is started by, whoever starts it.
const SERVER_CLASSES: &str = "org.apache.zookeeper.server.";

/// Who holds a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// zkdeck, or a server of the local ensemble of this folder.
    Ours,
    /// A server of the ensemble of the settings.
    Server,
    Docker,
    /// A server of the local ensemble of another folder.
    Elsewhere,
    /// A ZooKeeper server of which no more is known.
    ZooKeeper,
    Stranger,
}

/// What is known of who answers and of who was started.
#[derive(Debug, Default)]
struct PortFacts {
    /// Ports at which a server of the settings answers as one, or gives its metrics.
    answered: BTreeSet<u16>,
    /// Servers of the local ensemble of this folder, with their processes.
    recorded: Vec<(NodeId, u32)>,
    /// zkdeck's REST answers.
    rest: Option<u16>,
}

pub(super) async fn check(place: &Site) -> Vec<Finding> {
    let wanted = match needed_ports(place) {
        Ok(wanted) => wanted,
        Err(error) => return vec![Finding::fail(NAME, format!("{error:#}"), "correct the ports under [local]")],
    };
    let (answered, rest) = tokio::join!(answered(place), rest(place));
    let root = place.config.paths.data.join("local");
    let nodes: Vec<NodeId> = place.servers.iter().map(|server| server.node.clone()).collect();
    let local = place.local;
    blocking(move || {
        let total = wanted.len();
        let recorded = recorded_servers(&root, &nodes).into_iter().map(|(node, alive)| (node, alive.pid)).collect();
        let known = PortFacts { answered, recorded, rest };
        let taken = wanted.into_iter().filter_map(|one| Some((one.node, taken_port(one.port, one.purpose)?)));
        let held = taken.map(|(node, port)| (holder(&port, node.as_ref(), &known, local, command_line), port));
        let held: Vec<_> = held.collect();
        judge(&held, total, local)
    })
    .await
    .unwrap_or_default()
}

/// Ports of this machine at which the servers of the settings answer.
async fn answered(place: &Site) -> BTreeSet<u16> {
    let Ok(prober) = Prober::new(ProbeConfig::default()) else { return BTreeSet::new() };
    let each = place.servers.iter().map(async |server| (server, prober.sample(&server.target(), clock::now).await));
    let mut ports = BTreeSet::new();
    for (server, sample) in join_all(each).await {
        ports.extend(local_port(&server.client).filter(|_| is_zookeeper(&sample)));
        let metrics = sample.metrics_source == Some(MetricsSource::Prometheus);
        ports.extend(server.metrics.as_deref().and_then(local_port).filter(|_| metrics));
    }
    ports
}

fn is_zookeeper(sample: &Sample) -> bool {
    match &sample.reach {
        Reach::Answered | Reach::Denied => true,
        Reach::Silent | Reach::Garbled(_) | Reach::Unreachable(_) => false,
    }
}

/// REST's port when it answers as zkdeck does.
async fn rest(place: &Site) -> Option<u16> {
    let listen = healthcheck::here(&place.config.api.listen);
    let client = http::plain().timeout(ProbeConfig::default().whole_limit).no_proxy().build().ok()?;
    let answer = client.get(format!("http://{listen}/healthz")).send().await.ok()?.bytes().await.ok()?;
    let answer: serde_json::Value = serde_json::from_slice(&answer).ok()?;
    (answer == serde_json::json!({"status": "ok"})).then(|| local_port(&place.config.api.listen)).flatten()
}

/// A port of 127.0.0.1 that is needed.
struct NeededPort {
    port: u16,
    /// `clients of zk1`.
    purpose: String,
    /// The server of the local ensemble that needs it.
    node: Option<NodeId>,
}

impl NeededPort {
    fn of(port: u16, purpose: String) -> Self {
        Self { port, purpose, node: None }
    }
}

/// The ports that servers, REST and the stack's services need.
fn needed_ports(place: &Site) -> anyhow::Result<Vec<NeededPort>> {
    let config = &place.config;
    let mut wanted = Vec::new();
    if place.local {
        for node in compose::local_config(config)?.nodes {
            wanted.extend(node.ports().map(|(port, purpose)| NeededPort {
                port,
                purpose: format!("{purpose} of {}", node.id),
                node: Some(node.id.clone()),
            }));
        }
    } else {
        for server in &place.servers {
            wanted.extend(
                local_port(&server.client).map(|port| NeededPort::of(port, format!("clients of {}", server.node))),
            );
            let metrics = server.metrics.as_deref().and_then(local_port);
            wanted.extend(metrics.map(|port| NeededPort::of(port, format!("metrics of {}", server.node))));
        }
        let doctor = &config.doctor;
        let services = [
            ("Elasticsearch", place.elasticsearch()),
            ("Prometheus", place.prometheus()),
            ("Grafana", doctor.grafana.as_str()),
        ];
        for (name, url) in services {
            let address = url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/');
            wanted.extend(local_port(address).map(|port| NeededPort::of(port, name.to_owned())));
        }
    }
    wanted.extend(local_port(&config.api.listen).map(|port| NeededPort::of(port, "REST".to_owned())));
    Ok(wanted)
}

fn local_port(address: &str) -> Option<u16> {
    let (host, port) = address.rsplit_once(':')?;
    (is_loopback(host) || matches!(host, "0.0.0.0" | "[::]")).then(|| port.parse().ok()).flatten()
}

/// `node` needs the port; `command` gives the whole command line of a process: what a message shows of it is cut.
fn holder(
    port: &TakenPort,
    node: Option<&NodeId>,
    known: &PortFacts,
    local: bool,
    command: impl Fn(u32) -> Option<Vec<String>>,
) -> Holder {
    let arguments = port.owner.as_ref().and_then(|(pid, _)| command(*pid)).unwrap_or_default();
    let program = program(&arguments);
    // Of another user's process only the record tells.
    let recorded = known.recorded.iter().any(|(server, pid)| match &port.owner {
        Some((owner, _)) => owner == pid,
        None => port.cause.is_none() && node == Some(server),
    });
    if recorded || program == "zkdeck" || known.rest == Some(port.port) {
        Holder::Ours
    } else if DOCKERS.contains(&program) {
        Holder::Docker
    } else if known.answered.contains(&port.port) && !local {
        Holder::Server
    } else if port.ensemble.is_some() {
        Holder::Elsewhere
    } else if known.answered.contains(&port.port) || arguments.iter().any(|word| word.starts_with(SERVER_CLASSES)) {
        Holder::ZooKeeper
    } else {
        Holder::Stranger
    }
}

fn judge(held: &[(Holder, TakenPort)], total: usize, local: bool) -> Vec<Finding> {
    let count = |holder| held.iter().filter(|(one, _)| *one == holder).count();
    let (ours, servers, dockers) = (count(Holder::Ours), count(Holder::Server), count(Holder::Docker));
    let by = [(ours, "zkdeck and its servers"), (servers, "the ensemble's servers"), (dockers, "Docker")];
    let by = by.iter().filter(|(count, _)| *count > 0).map(|(count, whom)| format!(", {count} held by {whom}"));
    let message = format!("{} of {total} free{}", total - held.len(), by.collect::<String>());
    let each = held.iter().filter_map(|(holder, port)| foreign(*holder, port, local));
    std::iter::once(Finding::ok(NAME, message)).chain(elsewhere(held, local)).chain(each).collect()
}

/// All ports that servers of another folder's local ensemble have, by one line: its zkdeck starts again whatever of it
/// is ended.
fn elsewhere(held: &[(Holder, TakenPort)], local: bool) -> Option<Finding> {
    let theirs = held.iter().filter(|(holder, _)| *holder == Holder::Elsewhere);
    let ports: Vec<TakenPort> = theirs.map(|(_, port)| port.clone()).collect();
    if ports.is_empty() {
        return None;
    }
    let message = list_holders(&ports);
    Some(if local {
        Finding::fail(NAME, message, way_out(&ports))
    } else {
        let fix = "wait for that ensemble, which does not answer there yet; else its zkdeck tells why".to_owned();
        Finding::warn(NAME, message, fix)
    })
}

/// What keeps a port from its use, and what to do; `None` when it is in its use.
fn foreign(holder: Holder, port: &TakenPort, local: bool) -> Option<Finding> {
    const OTHERS: &str = "set other ports under [local]";
    let see = format!("see sudo ss -ltnp 'sport = :{}'", port.port);
    let pid = port.owner.as_ref().map(|(pid, _)| *pid);
    let (message, fix) = match (holder, local) {
        (Holder::Ours | Holder::Server | Holder::Elsewhere, _) | (Holder::Docker, false) => return None,
        (Holder::Docker, true) => (
            port.to_string(),
            format!("type zkdeck without --local to use the stack's servers, or docker compose down, or {OTHERS}"),
        ),
        (Holder::ZooKeeper, true) => (
            format!("{port}, which is a ZooKeeper server, and none of this folder's local ensemble"),
            format!("type zkdeck without --local to use that server, or {OTHERS}"),
        ),
        (Holder::ZooKeeper, false) => (
            format!("{port}, which is a ZooKeeper server and does not answer"),
            pid.map_or_else(|| see.clone(), |pid| format!("kill -CONT {pid} if it was frozen; its log tells more")),
        ),
        (Holder::Stranger, true) => (
            port.to_string(),
            pid.map_or_else(
                || format!("{see}; end what holds it, or {OTHERS}"),
                |pid| format!("kill {pid}, or {OTHERS}"),
            ),
        ),
        (Holder::Stranger, false) => (
            port.to_string(),
            pid.map_or_else(
                || format!("{see}; Docker's own ports are seen by root only"),
                |pid| format!("kill {pid} before docker compose up -d, if the stack is to have the port"),
            ),
        ),
    };
    Some(if local { Finding::fail(NAME, message, fix) } else { Finding::warn(NAME, message, fix) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Grade;
    use crate::domain::fixtures::node_id;

    fn taken(port: u16, owner: Option<u32>) -> TakenPort {
        let owner = owner.map(|pid| (pid, "cut at eighty".to_owned()));
        TakenPort { port, purpose: "clients of zk1".into(), owner, cause: None, ensemble: None }
    }

    /// What a process of each number was started by.
    fn command(pid: u32) -> Option<Vec<String>> {
        let line = match pid {
            1 => "/usr/bin/docker-proxy -proto tcp",
            2 => "/a/very/long/path/to/zkdeck --daemon",
            3 => "java -cp /jars org.apache.zookeeper.server.quorum.QuorumPeerMain /x/zoo.cfg",
            4 => "nc -l --note zkdeck",
            _ => return None,
        };
        Some(line.split(' ').map(str::to_owned).collect())
    }

    fn judged(port: &TakenPort, known: &PortFacts, local: bool) -> Vec<Finding> {
        judge(&[(holder(port, Some(&node_id("zk1")), known, local, command), port.clone())], 13, local)
    }

    fn fix(found: &[Finding]) -> &str {
        found[1].fix.as_deref().unwrap()
    }

    #[test]
    fn only_strangers_are_told() {
        let known = PortFacts::default();
        let held = [(2181, 1), (8080, 2), (9200, 4)].map(|(port, pid)| taken(port, Some(pid)));
        let held = held.map(|port| (holder(&port, None, &known, false, command), port));
        let found = judge(&held, 12, false);
        assert_eq!(found[0].message, "9 of 12 free, 1 held by zkdeck and its servers, 1 held by Docker");
        assert_eq!((found.len(), found[1].status), (2, Grade::Warn));
        assert_eq!(fix(&found), "kill 4 before docker compose up -d, if the stack is to have the port");
    }

    #[test]
    fn a_server_that_answers_is_the_one_that_is_looked_for() {
        let known = PortFacts { answered: [2181].into(), ..PortFacts::default() };
        for owner in [Some(3), Some(4), None] {
            let found = judged(&taken(2181, owner), &known, false);
            assert_eq!((found.len(), found[0].status), (1, Grade::Ok), "{found:?}");
            assert!(found[0].message.ends_with("1 held by the ensemble's servers"), "{found:?}");
        }
    }

    #[test]
    fn a_server_of_this_folder_is_ours_whatever_is_cut_off_its_command_line() {
        let known = PortFacts { recorded: vec![(node_id("zk1"), 3)], ..PortFacts::default() };
        assert_eq!(judged(&taken(2888, Some(3)), &known, true).len(), 1);
        assert_eq!(judged(&taken(2888, None), &known, true).len(), 1, "of another user's process no more is seen");
        let others = PortFacts { recorded: vec![(node_id("zk2"), 5)], ..PortFacts::default() };
        assert_eq!(judged(&taken(2888, None), &others, true)[1].status, Grade::Fail);
    }

    #[test]
    fn the_ports_of_another_folders_ensemble_are_one_line() {
        let held: Vec<_> = [2181, 2182, 7001]
            .map(|port| TakenPort { ensemble: Some("/x/data/local".into()), ..taken(port, Some(3)) })
            .map(|port| (holder(&port, None, &PortFacts::default(), true, command), port))
            .into();
        let found = judge(&held, 13, true);
        assert_eq!((found.len(), found[1].status), (2, Grade::Fail), "{found:?}");
        assert!(found[1].message.starts_with("the local ensemble of /x/data/local has ports 2181"), "{found:?}");
        assert!(fix(&found).contains("--data /x/data, or set other ports: client_port"), "{found:?}");
        assert!(!fix(&found).contains("without --local") && !fix(&found).contains("nd what holds"), "{found:?}");
    }

    #[test]
    fn nobody_is_told_to_end_a_zookeeper_server() {
        let answers = PortFacts { answered: [2181].into(), ..PortFacts::default() };
        for (known, local) in [(&answers, true), (&PortFacts::default(), true), (&PortFacts::default(), false)] {
            let found = judged(&taken(2181, Some(3)), known, local);
            assert!(!fix(&found).starts_with("kill 3") && !fix(&found).contains("kill 3,"), "{found:?}");
        }
        let frozen = judged(&taken(2181, Some(3)), &PortFacts::default(), false);
        assert!(fix(&frozen).starts_with("kill -CONT 3"), "{frozen:?}");
        let other = judged(&taken(2181, Some(3)), &answers, true);
        assert!(fix(&other).starts_with("type zkdeck without --local"), "{other:?}");
    }

    #[test]
    fn rest_that_answers_is_zkdecks_even_when_its_process_is_hidden() {
        let known = PortFacts { rest: Some(8080), ..PortFacts::default() };
        assert_eq!(judged(&taken(8080, None), &known, false).len(), 1);
        assert_eq!(judged(&taken(8080, None), &PortFacts::default(), false)[1].status, Grade::Warn);
    }

    #[test]
    fn servers_of_our_own_need_the_ports_that_docker_has() {
        let found = judged(&taken(2181, Some(1)), &PortFacts::default(), true);
        assert_eq!(found[1].status, Grade::Fail);
        assert!(fix(&found).contains("docker compose down"));
    }
}
