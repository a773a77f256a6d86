//! Whether a container is the server that answers at a configured address, as seen from here. A name
//! and a port do not prove it: the same stack may run elsewhere, be stopped, or stand beside servers
//! that are no containers.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum as Status};

use crate::adapters::probe::identity::{Contact, Traffic, counters, same_server};
use crate::domain::ids::NodeId;

/// Of one question to a server.
const LIMIT: Duration = Duration::from_millis(500);

/// How a container and an address belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// What answers at the address is in the container.
    Proved,
    /// Nothing speaks against it, and nothing for it: it does not run, or does not answer.
    Open,
    /// The container is not set up to be reached by the address.
    Apart,
    /// Another server answers there: why that is known.
    Foreign(&'static str),
}

/// What is known of a container and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Evidence {
    leads: Leads,
    /// Its process is there, running or paused.
    alive: bool,
    paused: bool,
    /// Its process is one of this machine's.
    here: bool,
    /// At the address, before and after the look inside.
    outside: [Contact; 2],
    /// At the container's own address.
    inside: Contact,
}

/// How the address leads to the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leads {
    /// By a port of this host.
    Published,
    /// By its name or address in a network, which was looked up from here.
    Resolved,
    /// By its name, which nothing has now: it does not run.
    Named,
    Not,
}

fn judge(evidence: &Evidence) -> Proof {
    let Evidence { leads, alive, paused, here, outside, inside } = evidence;
    if *leads == Leads::Not {
        return Proof::Apart;
    }
    let answers = outside.iter().any(|answer| matches!(answer, Contact::Server(_) | Contact::Other));
    if answers && !alive {
        return Proof::Foreign("a server answers there while the container does not run");
    }
    if answers && *paused {
        return Proof::Foreign("a server answers there while the container is paused");
    }
    if let ([Contact::Server(first), Contact::Server(second)], Contact::Server(third)) = (outside, inside) {
        return if same(first, third, second) {
            Proof::Proved
        } else {
            Proof::Foreign("another server than the container's answers there")
        };
    }
    if *leads == Leads::Resolved || (*alive && *here) { Proof::Proved } else { Proof::Open }
}

fn same(first: &Traffic, third: &Traffic, second: &Traffic) -> bool {
    same_server(first, third, second)
}

/// Looks at both ends.
pub(super) async fn prove(found: &ContainerInspectResponse, node: &NodeId, address: &str) -> Proof {
    let status = found.state.as_ref().and_then(|state| state.status).unwrap_or(Status::EMPTY);
    let paused = status == Status::PAUSED;
    let alive = paused || matches!(status, Status::RUNNING | Status::STOPPING);
    let place = ServerAddress::of(found, node, address).await;
    let (mut outside, mut inside) = ([Contact::Nobody, Contact::Nobody], Contact::Nobody);
    if place.leads != Leads::Not {
        outside[0] = counters(address, LIMIT).await;
        if let (Contact::Server(_), Some(own), true) = (&outside[0], &place.own, alive) {
            inside = counters(own, LIMIT).await;
            outside[1] = counters(address, LIMIT).await;
        }
    }
    judge(&Evidence { leads: place.leads, alive, paused, here: alive && here(found), outside, inside })
}

struct ServerAddress {
    leads: Leads,
    /// Its address in its own network.
    own: Option<String>,
}

impl ServerAddress {
    async fn of(found: &ContainerInspectResponse, node: &NodeId, address: &str) -> Self {
        let Some((host, port)) = address.rsplit_once(':') else { return Self { leads: Leads::Not, own: None } };
        let ip = address_in_its_network(found);
        if super::find::local_port(address).is_some() {
            let inner = inner_port(found, port);
            let own = ip.as_ref().zip(inner.as_ref()).map(|(ip, inner)| joined(ip, inner));
            return Self { leads: if inner.is_some() { Leads::Published } else { Leads::Not }, own };
        }
        let own = ip.as_ref().map(|ip| joined(ip, port));
        let resolved: Vec<IpAddr> = match tokio::time::timeout(LIMIT, tokio::net::lookup_host(address)).await {
            Ok(Ok(all)) => all.map(|one| one.ip()).collect(),
            _ => Vec::new(),
        };
        let leads = match ip {
            Some(ip) if resolved.contains(&ip) => Leads::Resolved,
            // A stopped container has no address, and its name leads nowhere.
            None if resolved.is_empty() && host == node.as_str() => Leads::Named,
            _ => Leads::Not,
        };
        Self { leads, own }
    }
}

fn joined(ip: &IpAddr, port: &str) -> String {
    match ip {
        IpAddr::V4(ip) => format!("{ip}:{port}"),
        IpAddr::V6(ip) => format!("[{ip}]:{port}"),
    }
}

fn address_in_its_network(found: &ContainerInspectResponse) -> Option<IpAddr> {
    let networks = found.network_settings.as_ref()?.networks.as_ref()?;
    networks.values().find_map(|network| network.ip_address.as_deref()?.parse().ok())
}

/// The port of the container that the host's `port` leads to, as it is configured.
fn inner_port(found: &ContainerInspectResponse, port: &str) -> Option<String> {
    let bindings = found.host_config.as_ref()?.port_bindings.as_ref()?;
    let publishes = |list: &Option<Vec<bollard::models::PortBinding>>| {
        list.iter().flatten().any(|binding| binding.host_port.as_deref() == Some(port))
    };
    let (inner, _) = bindings.iter().find(|entry| publishes(entry.1))?;
    Some(inner.split('/').next()?.to_owned())
}

/// Whether the container's process is one of this machine, by what the kernel says of it.
fn here(found: &ContainerInspectResponse) -> bool {
    let pid = found.state.as_ref().and_then(|state| state.pid).filter(|pid| *pid > 1);
    let (Some(pid), Some(id)) = (pid, found.id.as_deref().filter(|id| id.len() == 64)) else { return false };
    let text = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    text("cgroup").contains(id) || text("mountinfo").contains(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Zxid;

    fn server(received: u64) -> Contact {
        Contact::Server(Traffic { version: "3.9.4".into(), received, zxid: Zxid(7) })
    }

    /// A running container that publishes the address, and both ends answer as one server.
    fn proved() -> Evidence {
        Evidence {
            leads: Leads::Published,
            alive: true,
            paused: false,
            here: true,
            outside: [server(1), server(3)],
            inside: server(2),
        }
    }

    const NOBODY: [Contact; 2] = [Contact::Nobody, Contact::Nobody];

    #[test]
    fn counters_that_agree_prove_it_and_others_disprove_it() {
        assert_eq!(judge(&proved()), Proof::Proved);
        assert_eq!(judge(&Evidence { here: false, ..proved() }), Proof::Proved, "the engine may be of a machine's VM");
        assert!(matches!(judge(&Evidence { inside: server(9), ..proved() }), Proof::Foreign(_)));
    }

    #[test]
    fn what_does_not_run_cannot_be_what_answers() {
        assert!(matches!(judge(&Evidence { alive: false, inside: Contact::Nobody, ..proved() }), Proof::Foreign(_)));
        assert!(matches!(judge(&Evidence { paused: true, inside: Contact::Silent, ..proved() }), Proof::Foreign(_)));
        // No ZooKeeper is a stranger just as well.
        let other = [Contact::Other, Contact::Nobody];
        assert!(matches!(judge(&Evidence { alive: false, outside: other, ..proved() }), Proof::Foreign(_)));
    }

    #[test]
    fn a_process_of_this_machine_is_enough_where_nothing_answers() {
        let mute = Evidence { outside: NOBODY, inside: Contact::Nobody, ..proved() };
        assert_eq!(judge(&mute), Proof::Proved);
        assert_eq!(judge(&Evidence { paused: true, ..mute.clone() }), Proof::Proved);
        assert_eq!(judge(&Evidence { here: false, ..mute.clone() }), Proof::Open, "a forwarded socket of elsewhere");
        assert_eq!(judge(&Evidence { alive: false, here: false, ..mute }), Proof::Open);
    }

    #[test]
    fn a_name_that_leads_to_its_address_proves_it() {
        let named =
            Evidence { leads: Leads::Resolved, here: false, outside: NOBODY, inside: Contact::Nobody, ..proved() };
        assert_eq!(judge(&named), Proof::Proved);
        assert_eq!(judge(&Evidence { leads: Leads::Named, alive: false, ..named }), Proof::Open);
        assert_eq!(judge(&Evidence { leads: Leads::Not, ..proved() }), Proof::Apart);
    }

    #[test]
    fn the_port_inside_is_that_of_the_published_one() {
        let found: ContainerInspectResponse = serde_json::from_str(
            r#"{"HostConfig": {"PortBindings": {"7000/tcp": [{"HostPort": "7001"}], "2181/tcp": [{"HostPort": "2183"}],
                "1/tcp": null}}, "NetworkSettings": {"Networks": {"a": {"IPAddress": ""}, "b": {"IPAddress": "172.20.0.3"}}}}"#,
        )
        .unwrap();
        assert_eq!(inner_port(&found, "2183").as_deref(), Some("2181"));
        assert_eq!(inner_port(&found, "2181"), None);
        assert_eq!(address_in_its_network(&found), Some(IpAddr::from([172, 20, 0, 3])));
    }
}
