//! Which containers are the ensemble's. All others are left alone: an action takes nothing but a
//! [`Container`], and only this file makes them.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::{ContainerInspectResponse, ContainerSummary};

use super::error::DockerError;
use crate::domain::ids::NodeId;

pub(super) const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const NUMBER: &str = "com.docker.compose.container-number";
/// Set on what `docker compose run` makes.
const ONE_OFF: &str = "com.docker.compose.oneoff";
/// Our own label, for servers that no compose file describes: its value is the node's name.
pub(super) const NODE: &str = "zkdeck.node";

/// Where the ensemble's containers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// A compose project by its name.
    Project(String),
    /// Containers with our own label.
    Labelled,
}

impl Scope {
    /// What the engine is asked for.
    pub(super) fn filter(&self) -> String {
        match self {
            Self::Project(name) => format!("{PROJECT}={name}"),
            Self::Labelled => NODE.to_owned(),
        }
    }

    /// In words.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Project(name) => name,
            Self::Labelled => "of containers labelled zkdeck.node",
        }
    }
}

/// The container of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) node: NodeId,
    pub(super) id: String,
    /// As in the list: `running`. Tells when a container has to be looked at again.
    pub(super) state: String,
}

/// What decides whose a container is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServiceClaim {
    pub(super) project: Option<String>,
    pub(super) service: Option<String>,
    pub(super) node: Option<String>,
    number: u32,
    one_off: bool,
    /// Ports of the host that lead to it.
    pub(super) ports: BTreeSet<u16>,
}

fn claim(label: impl Fn(&str) -> Option<String>) -> ServiceClaim {
    ServiceClaim {
        project: label(PROJECT),
        service: label(SERVICE),
        node: label(NODE),
        number: label(NUMBER).and_then(|number| number.parse().ok()).unwrap_or(u32::MAX),
        one_off: label(ONE_OFF).is_some_and(|value| value.eq_ignore_ascii_case("true")),
        ports: BTreeSet::new(),
    }
}

pub(super) fn claim_of(summary: &ContainerSummary) -> ServiceClaim {
    claim(|name| summary.labels.as_ref().and_then(|labels| labels.get(name).cloned()))
}

/// With the ports as the container is configured, which holds for a stopped one too.
pub(super) fn claim_with_ports(inspected: &ContainerInspectResponse) -> ServiceClaim {
    let labels = inspected.config.as_ref().and_then(|config| config.labels.as_ref());
    let bindings = inspected.host_config.as_ref().and_then(|config| config.port_bindings.as_ref());
    let ports = bindings.into_iter().flat_map(|map| map.values()).flatten().flatten();
    let ports = ports.filter_map(|binding| binding.host_port.as_ref()?.parse().ok()).collect();
    ServiceClaim { ports, ..claim(|name| labels.and_then(|labels| labels.get(name).cloned())) }
}

/// The nodes' containers within the scope. Of a scaled service the first one counts.
pub(super) fn members(scope: &Scope, list: &[ContainerSummary], nodes: &[NodeId]) -> Vec<Container> {
    let mut found: BTreeMap<&NodeId, (u32, Container)> = BTreeMap::new();
    for summary in list {
        let claim = claim_of(summary);
        let (Some(node), Some(id)) = (nodes.iter().find(|node| belongs(scope, &claim, node)), &summary.id) else {
            continue;
        };
        let state = summary.state.map(|state| state.to_string()).unwrap_or_default();
        let container = Container { node: node.clone(), id: id.clone(), state };
        match found.get(node) {
            Some((number, _)) if *number <= claim.number => {}
            _ => _ = found.insert(node, (claim.number, container)),
        }
    }
    found.into_values().map(|(_, container)| container).collect()
}

/// Whether a container with this claim is the node's. Asked again before every action.
pub(super) fn belongs(scope: &Scope, claim: &ServiceClaim, node: &NodeId) -> bool {
    let name = Some(node.as_str());
    match scope {
        Scope::Project(project) => {
            claim.project.as_deref() == Some(project) && claim.service.as_deref() == name && !claim.one_off
        }
        Scope::Labelled => claim.node.as_deref() == name,
    }
}

/// Chooses the scope when no project is named and zkdeck runs on the host: the project, or the
/// labelled containers, in which a container of a node publishes that node's address.
pub(super) fn choose(claims: &[ServiceClaim], servers: &[(NodeId, String)]) -> Result<Scope, DockerError> {
    let publishes = |claim: &&ServiceClaim| {
        let name = claim.node.as_deref().or(claim.service.as_deref());
        let address = servers.iter().find(|(node, _)| Some(node.as_str()) == name).map(|(_, address)| address);
        !claim.one_off
            && address.and_then(|address| local_port(address)).is_some_and(|port| claim.ports.contains(&port))
    };
    let ours: Vec<&ServiceClaim> = claims.iter().filter(publishes).collect();
    if ours.iter().any(|claim| claim.node.is_some()) {
        return Ok(Scope::Labelled);
    }
    let projects: BTreeSet<&str> = ours.iter().filter_map(|claim| claim.project.as_deref()).collect();
    let mut names = projects.iter();
    match (names.next(), names.next()) {
        (Some(only), None) => Ok(Scope::Project((*only).to_owned())),
        (None, _) => Err(DockerError::NoProject { servers: listed(servers) }),
        (Some(_), Some(_)) => {
            Err(DockerError::Ambiguous { projects: projects.into_iter().collect::<Vec<_>>().join(", ") })
        }
    }
}

pub(super) fn listed(servers: &[(NodeId, String)]) -> String {
    servers.iter().map(|(node, _)| node.as_str()).collect::<Vec<_>>().join(", ")
}

/// The port of an address on this machine; servers elsewhere are not this engine's.
pub(super) fn local_port(address: &str) -> Option<u16> {
    let (host, port) = address.rsplit_once(':')?;
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let local = host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
    if local { port.parse().ok() } else { None }
}

/// The id of the container that zkdeck runs in, from the text of `/proc/self/mountinfo`: the engine
/// mounts the files that it keeps for each container, below the container's id.
pub(super) fn own_container(mountinfo: &str) -> Option<String> {
    let after = mountinfo.lines().filter(|line| line.contains(" /etc/host")).find_map(|line| {
        let (_, rest) = line.split_once("/containers/")?;
        rest.split('/').next()
    })?;
    let is_id = after.len() == 64 && after.bytes().all(|b| b.is_ascii_hexdigit());
    is_id.then(|| after.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers() -> Vec<(NodeId, String)> {
        (1..=3).map(|n| (NodeId::new(&format!("zk{n}")).unwrap(), format!("127.0.0.1:218{n}"))).collect()
    }

    fn nodes() -> Vec<NodeId> {
        servers().into_iter().map(|(node, _)| node).collect()
    }

    fn of(project: &str, service: &str, ports: &[u16]) -> ServiceClaim {
        ServiceClaim {
            project: Some(project.into()),
            service: Some(service.into()),
            number: 1,
            ports: ports.iter().copied().collect(),
            ..ServiceClaim::default()
        }
    }

    fn summary(id: &str, labels: &[(&str, &str)]) -> ContainerSummary {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        ContainerSummary { id: Some(id.into()), labels: Some(labels), ..ContainerSummary::default() }
    }

    #[test]
    fn the_project_that_publishes_our_addresses_is_ours() {
        let claims = [of("demo", "zk1", &[2181]), of("demo", "zk2", &[2182]), of("demo", "grafana", &[3000])];
        assert_eq!(choose(&claims, &servers()), Ok(Scope::Project("demo".into())));
        // The same names on other ports are another ensemble's.
        let other = [of("other", "zk1", &[12_181]), of("other", "zk2", &[])];
        assert!(matches!(choose(&other, &servers()), Err(DockerError::NoProject { .. })));
        let both = [claims.to_vec(), other.to_vec()].concat();
        assert_eq!(choose(&both, &servers()), Ok(Scope::Project("demo".into())));
        let twice = [of("a", "zk1", &[2181]), of("b", "zk2", &[2182])];
        assert_eq!(choose(&twice, &servers()), Err(DockerError::Ambiguous { projects: "a, b".into() }));
    }

    #[test]
    fn servers_of_another_machine_are_not_this_engines() {
        let far = vec![(NodeId::new("zk1").unwrap(), "10.0.0.1:2181".to_owned())];
        assert!(choose(&[of("demo", "zk1", &[2181])], &far).is_err());
    }

    #[test]
    fn our_own_label_works_without_compose() {
        let mut labelled = ServiceClaim { node: Some("zk1".into()), ..ServiceClaim::default() };
        assert!(choose(std::slice::from_ref(&labelled), &servers()).is_err());
        labelled.ports.insert(2181);
        assert_eq!(choose(&[labelled], &servers()), Ok(Scope::Labelled));
    }

    #[test]
    fn only_the_nodes_services_of_the_one_project_are_members() {
        let scope = Scope::Project("demo".into());
        let list = [
            summary("b", &[(PROJECT, "demo"), (SERVICE, "zk1"), (NUMBER, "2")]),
            summary("a", &[(PROJECT, "demo"), (SERVICE, "zk1"), (NUMBER, "1")]),
            summary("c", &[(PROJECT, "demo"), (SERVICE, "grafana"), (NUMBER, "1")]),
            summary("d", &[(PROJECT, "other"), (SERVICE, "zk2"), (NUMBER, "1")]),
            summary("e", &[(PROJECT, "demo"), (SERVICE, "zk2"), (NUMBER, "1"), (ONE_OFF, "True")]),
            summary("f", &[(SERVICE, "zk3")]),
            summary("g", &[(NODE, "zk3")]),
        ];
        let ids = |scope| members(&scope, &list, &nodes()).into_iter().map(|c| c.id).collect::<Vec<_>>();
        assert_eq!(ids(scope), ["a"]);
        assert_eq!(ids(Scope::Labelled), ["g"]);
    }

    #[test]
    fn the_own_container_is_read_from_its_mounts() {
        let id = "3f".repeat(32);
        let line = |id: &str| {
            format!("2130 2112 254:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw - ext4 /dev/vda1 rw\n")
        };
        assert_eq!(own_container(&line(&id)), Some(id));
        assert_eq!(own_container(&line("short")), None);
        assert_eq!(own_container("22 1 254:1 / / rw - ext4 /dev/vda1 rw\n"), None);
    }
}
