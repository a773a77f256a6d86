//! Builds the adapters from the settings and the engine from the adapters.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::Context;

use super::elastic;
use super::flags::Flags;
use super::person;
use crate::adapters::blobs::disk::LocalDisk;
use crate::adapters::blobs::{BlobConfig, BlobStore};
use crate::adapters::control::ServerControl;
use crate::adapters::control::docker::stack::{self, Stack};
use crate::adapters::control::docker::{DockerConfig, DockerControl};
use crate::adapters::control::off::Off;
use crate::adapters::control::process::{LocalConfig, LocalEnsemble, LocalError, TakenPort, keeper_of};
use crate::adapters::faults;
use crate::adapters::history::{History, HistoryConfig};
use crate::adapters::logs::{Elastic, ElasticConfig, LocalLogs, Logs};
use crate::adapters::owner;
use crate::adapters::probe::{ProbeConfig, Prober, Target};
use crate::adapters::prometheus::{PrometheusConfig, PrometheusSeries};
use crate::adapters::series::SeriesStore;
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::coord::Connect;
use crate::adapters::zookeeper::real::RealServers;
use crate::api::{ApiConfig, Secret};
use crate::config::{Config, Toggle};
use crate::domain::cause::Advice;
use crate::domain::ids::{Millis, NodeId};
use crate::domain::setting::{Configured, Origin};
use crate::domain::snapshot::{ApiView, FrontKind, InstanceSeat, InstanceView, LocalView, WorkloadOff};
use crate::domain::state::{ServerSetting, Settings};
use crate::engine::clock;
use crate::engine::loops::scrub::ScrubConfig;
use crate::engine::loops::workload::WorkloadConfig;
use crate::engine::start::Parts;

/// Longest wait for one answer of Docker's.
const DOCKER_LIMIT: Duration = Duration::from_secs(2);
/// Of a look for what else belongs to this folder's stack.
const LOOK_LIMIT: Duration = Duration::from_secs(1);
/// Elasticsearch's in its container.
const ELASTIC_PORT: u16 = 9200;
/// Said wherever a control would be.
static CONTROL_DISABLED: LazyLock<String> = LazyLock::new(|| control_disabled().to_string());

/// Said to who watches the local ensemble beside the zkdeck that keeps it.
const CONTROL_LOCAL: &str = "they are children of another zkdeck in this folder; type zkdeck --local for a console that \
                             pauses, stops and starts them, too";

/// Said to who looks at the local ensemble without having asked for it.
pub(super) const OF_LOCAL: &str =
    "the local ensemble of this folder runs, and is what is looked at; --zk names another";

/// A server as both its node and its addresses.
pub(super) struct ServerAddresses {
    pub(super) node: NodeId,
    pub(super) client: String,
    pub(super) metrics: Option<String>,
}

/// Why containers are not controlled although they could be.
pub(super) fn control_disabled() -> Advice {
    Advice::new(
        "DOCKER_CONTROL_ENABLED is false",
        "set it to true, or docker.control in zkdeck.toml, and start zkdeck again",
    )
}

/// Everything that the engine needs. Opens files, reaches no server.
pub(super) fn parts(flags: &Flags, config: &Config, api: ApiView) -> anyhow::Result<Parts> {
    let of_local = is_of_local(flags, config);
    let places = servers(of_local, config)?;
    let nodes: Vec<NodeId> = places.iter().map(|place| place.node.clone()).collect();
    if !flags.read_only {
        make_folders(config, &nodes)?;
    }
    let joined = (of_local && !flags.local).then(|| OF_LOCAL.to_owned());
    let local = if flags.local {
        let local = LocalConfig { attach_only: flags.read_only, ..local_config(config)? };
        Some(Arc::new(LocalEnsemble::open(local)?))
    } else {
        None
    };
    let control: Arc<dyn ServerControl> = match &local {
        Some(local) => Arc::clone(local) as Arc<dyn ServerControl>,
        None if is_local(config, &places)? => Arc::new(Off::new(CONTROL_LOCAL)),
        None if config.docker.control => Arc::new(DockerControl::new(docker_config(config, &places))),
        None => Arc::new(Off::new(CONTROL_DISABLED.as_str())),
    };
    let view = local.as_ref().map(|local| if local.owns() { LocalView::Owner } else { LocalView::Attached });
    let data = &config.paths.data;
    let reserve = config.scheduler.reserve();
    let trash_keep = Millis::from_secs(config.paths.trash_keep_s);
    // First, since it says on which file system nothing of this may lie.
    let (history, unwritten) = history(flags, config)?;
    let blobs = BlobConfig { root: data.join("uploads"), quarantine: data.join("quarantine"), reserve, trash_keep };
    let servers: Arc<dyn Connect> = Arc::new(RealServers(ZkConfig {
        hosts: places.iter().map(|place| place.client.clone()).collect(),
        root: config.ensemble.root.clone(),
        session_timeout: Duration::from_secs(config.ensemble.session_timeout_s),
        ..ZkConfig::default()
    }));
    let servers = faults::servers(servers, &blobs.root);
    let disk = faults::disk(Arc::new(LocalDisk), &blobs.quarantine);
    let blobs = if flags.read_only { BlobStore::look(blobs)? } else { BlobStore::open_on(disk, blobs, &nodes)? };
    Ok(Parts {
        settings: settings(flags, config, &places),
        servers,
        prober: Arc::new(Prober::new(ProbeConfig::default())?),
        targets: places.iter().map(ServerAddresses::target).collect(),
        blobs,
        history,
        series: Some(SeriesStore::open(data.join("series.db"))?),
        prometheus: prometheus(config, &places)?,
        logs: logs(config)?,
        control,
        local,
        workload: WorkloadConfig {
            off: workload_off(flags, config),
            interval: Millis::from_secs(config.workload.interval_s),
            extra_clients: usize::try_from(config.workload.extra_clients).unwrap_or(usize::MAX),
        },
        scrub: ScrubConfig {
            sizes: Duration::from_secs(config.scrub.sizes_s),
            hashes: Duration::from_secs(config.scrub.hashes_s),
        },
        instance: instance(flags, config, api, view),
        notes: unwritten.into_iter().chain(joined).collect(),
    })
}

/// History, and why it is only read, where one who only looks on may not write it.
fn history(flags: &Flags, config: &Config) -> anyhow::Result<(History, Option<String>)> {
    let path = config.paths.data.join("zkdeck.db");
    let wanted = HistoryConfig {
        path: path.clone(),
        ndjson_dir: config.paths.logs.join("backend"),
        any_filesystem: config.paths.any_filesystem,
    };
    match History::open(wanted) {
        Ok(history) => Ok((history, None)),
        Err(why) if flags.read_only => match History::watch(&path) {
            Ok(history) => Ok((history, Some(format!("history is read only: {why}")))),
            Err(_) => Err(why.into()),
        },
        Err(why) => Err(why.into()),
    }
}

/// Whether the servers are those of this folder's local ensemble, which another zkdeck keeps.
fn is_local(config: &Config, places: &[ServerAddresses]) -> anyhow::Result<bool> {
    let local = local_config(config)?;
    let ports: Vec<_> = local.nodes.iter().map(|node| format!(":{}", node.client_port)).collect();
    let theirs = |place: &ServerAddresses| ports.iter().any(|port| place.client.ends_with(port));
    Ok(places.iter().all(theirs) && keeper_of(&local.root).is_some())
}

/// Whether somebody says which servers are meant.
pub(super) fn names_servers(flags: &Flags, config: &Config) -> bool {
    config.ensemble.named || !flags.zk.is_empty()
}

/// Whether the servers of this folder's local ensemble are looked at: as asked, or because it runs and nobody names others.
/// What is kept in this folder is of that ensemble.
pub(super) fn is_of_local(flags: &Flags, config: &Config) -> bool {
    let runs = || local_config(config).is_ok_and(|local| keeper_of(&local.root).is_some());
    flags.local || (!names_servers(flags, config) && runs())
}

/// What answers questions about the logs.
pub(super) fn logs(config: &Config) -> anyhow::Result<Logs> {
    let local = LocalLogs::new(config.paths.logs.clone());
    if config.elastic.url.is_empty() {
        return Ok(Logs::new(local, None));
    }
    let auth = elastic::auth(config)?;
    let server = ElasticConfig { url: config.elastic.url.clone(), auth, ca_file: elastic::ca(config) };
    Ok(Logs::new(local, Some(Elastic::new(server)?)))
}

/// Who has measured the servers too; `None` when none is named.
fn prometheus(config: &Config, places: &[ServerAddresses]) -> anyhow::Result<Option<PrometheusSeries>> {
    let section = &config.prometheus;
    if section.url.is_empty() {
        return Ok(None);
    }
    let nodes = places.iter().map(|place| (place.node.clone(), place.metrics.clone().into_iter().collect()));
    Ok(Some(PrometheusSeries::new(PrometheusConfig {
        url: section.url.clone(),
        node_label: section.node_label.clone(),
        matchers: section.matchers.clone(),
        scrape_interval: Millis::from_secs(section.scrape_interval_s),
        nodes: nodes.collect(),
    })?))
}

/// Takes the Elasticsearch of this folder's stack when none is named, for who watches that stack from
/// beside it. Returns what is to be said.
pub(super) async fn stacks_elastic(flags: &Flags, config: &mut Config) -> Option<String> {
    if flags.local || !config.docker.control || !config.elastic.url.is_empty() {
        return None;
    }
    let stack = stack::of_folder(&config.docker.host, Path::new("."), LOOK_LIMIT).await?;
    let url = elastic_of(&stack, &config.ensemble.servers)?;
    let said = format!(
        "logs are searched in the Elasticsearch of this folder's stack, {url}, which was found automatically; \
         elastic.url names another one"
    );
    config.found("elastic.url", &url, "the stack of this folder");
    config.elastic.url = url;
    Some(said)
}

/// Only when the servers are the stack's, too: each is a port of this machine that leads there.
fn elastic_of(stack: &Stack, servers: &[String]) -> Option<String> {
    let published = |server: &String| {
        let (host, port) = server.rsplit_once(':')?;
        let here = ["127.0.0.1", "localhost", "[::1]"].contains(&host);
        stack.published.get(&port.parse().ok()?).filter(|_| here)
    };
    if servers.iter().any(|server| published(server).is_none()) {
        return None;
    }
    stack.port("elasticsearch", ELASTIC_PORT).map(|port| format!("http://127.0.0.1:{port}"))
}

/// Starts the servers of `--local`, so that what is missing is said before any screen opens.
pub(super) async fn start_local(parts: &Parts, config: &Config) -> anyhow::Result<()> {
    let Some(local) = &parts.local else { return Ok(()) };
    let Err(error) = local.start().await else { return Ok(()) };
    if let LocalError::PortsTaken(taken) = &error {
        let stack = stack::of_folder(&config.docker.host, Path::new("."), DOCKER_LIMIT).await;
        if let Some(text) = stack.and_then(|stack| runs_already(&stack, taken)) {
            anyhow::bail!(text);
        }
    }
    Err(error.into())
}

/// What to type when this folder's own stack holds the ports.
fn runs_already(stack: &Stack, taken: &[TakenPort]) -> Option<String> {
    if !taken.iter().any(|port| stack.published.contains_key(&port.port)) {
        return None;
    }
    let inside = "docker compose exec backend zkdeck";
    let console = if stack.services.iter().any(|service| service == "backend") {
        format!("zkdeck, or {inside}")
    } else {
        "zkdeck".to_owned()
    };
    let project = &stack.project;
    Some(format!(
        "the stack of this folder (compose project {project}) runs and has the ports of the local ensemble; its console \
         opens by: {console}. For servers of their own beside it set other ports below [local]"
    ))
}

/// Which engine, and which containers of it.
pub(super) fn docker_config(config: &Config, servers: &[ServerAddresses]) -> DockerConfig {
    let project = config.docker.project.trim();
    DockerConfig {
        host: config.docker.host.clone(),
        project: (!project.is_empty()).then(|| project.to_owned()),
        servers: servers.iter().map(|server| (server.node.clone(), server.client.clone())).collect(),
        limit: DOCKER_LIMIT,
    }
}

impl ServerAddresses {
    pub(super) fn target(&self) -> Target {
        let metrics = self.metrics.as_ref().map(|address| format!("http://{address}/metrics"));
        Target { node: self.node.clone(), client: self.client.clone(), metrics }
    }
}

/// How REST is served.
pub(super) fn api_config(flags: &Flags, config: &Config) -> anyhow::Result<ApiConfig> {
    let api = &config.api;
    let address = api.listen.parse().with_context(|| format!("api.listen = {:?}: must be address:port", api.listen))?;
    let token = match api.token_file.as_str() {
        "" => None,
        path => Some(Secret::read(Path::new(path))?),
    };
    Ok(ApiConfig {
        address,
        allowed_hosts: api.hosts.clone(),
        token,
        insecure_bind: api.insecure,
        control_disabled: (!flags.local && !config.docker.control).then(|| CONTROL_DISABLED.as_str()),
        ..ApiConfig::default()
    })
}

fn settings(flags: &Flags, config: &Config, places: &[ServerAddresses]) -> Settings {
    let server = |place: &ServerAddresses| ServerSetting { node: place.node.clone(), address: place.client.clone() };
    Settings {
        servers: places.iter().map(server).collect(),
        scheduler: config.scheduler,
        configured: configured(flags, config, places),
        workload_off: workload_off(flags, config),
        workload_interval: Millis::from_secs(config.workload.interval_s),
        workload_clients: usize::try_from(config.workload.extra_clients).unwrap_or(usize::MAX),
    }
}

/// Every setting as it holds: with `--local` the servers are others than those that the settings name.
fn configured(flags: &Flags, config: &Config, places: &[ServerAddresses]) -> Vec<Configured> {
    let mut all = config.configured.clone();
    if flags.local {
        let list = |addresses: Vec<String>| toml::Value::from(addresses).to_string();
        let local = [
            ("ensemble.servers", list(places.iter().map(|place| place.client.clone()).collect())),
            ("ensemble.metrics", list(places.iter().filter_map(|place| place.metrics.clone()).collect())),
        ];
        for (name, value) in local {
            for one in all.iter_mut().filter(|one| one.name == name) {
                (one.value, one.origin) = (value.clone(), Origin::Found { how: "--local".to_owned() });
            }
        }
    }
    all
}

/// Sample traffic writes: into somebody's own ensemble only when a setting says so.
const fn workload_off(flags: &Flags, config: &Config) -> Option<WorkloadOff> {
    match config.workload.enabled {
        _ if flags.read_only => Some(WorkloadOff::ReadOnly),
        Toggle::Off => Some(WorkloadOff::Disabled),
        Toggle::Auto if !flags.local => Some(WorkloadOff::NotLocal),
        Toggle::Auto | Toggle::On => None,
    }
}

fn instance(flags: &Flags, config: &Config, api: ApiView, local: Option<LocalView>) -> InstanceView {
    InstanceView {
        id: clock::new_instance(),
        host: host_name(),
        pid: std::process::id(),
        user: person::user_name(),
        version: env!("CARGO_PKG_VERSION").into(),
        started: clock::now(),
        read_only: flags.read_only,
        label: config.ensemble.label.clone(),
        api,
        local,
        seat: seat(flags),
    }
}

fn seat(flags: &Flags) -> InstanceSeat {
    InstanceSeat {
        person: person::person(),
        folder: std::env::current_dir().map_or_else(|_| "-".to_owned(), |folder| folder.display().to_string()),
        front: if flags.daemon { FrontKind::Daemon } else { FrontKind::Console },
        read_only: flags.read_only,
    }
}

pub(super) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The servers of the settings, with their names.
pub(super) fn servers(local: bool, config: &Config) -> anyhow::Result<Vec<ServerAddresses>> {
    if local {
        let local = local_config(config)?;
        let place = |node: &crate::adapters::control::process::LocalNode| ServerAddresses {
            node: node.id.clone(),
            client: format!("127.0.0.1:{}", node.client_port),
            metrics: Some(format!("127.0.0.1:{}", node.metrics_port)),
        };
        return Ok(local.nodes.iter().map(place).collect());
    }
    let servers = &config.ensemble.servers;
    let names = node_names(servers)?;
    let place = |(at, node): (usize, NodeId)| ServerAddresses {
        node,
        client: servers[at].clone(),
        metrics: config.ensemble.metrics.get(at).cloned(),
    };
    Ok(names.into_iter().enumerate().map(place).collect())
}

/// Hosts that are node names and differ name the nodes; else they are numbered.
fn node_names(servers: &[String]) -> anyhow::Result<Vec<NodeId>> {
    let host = |server: &String| server.rsplit_once(':').map(|(host, _)| host.to_owned()).unwrap_or_default();
    let named: Option<Vec<NodeId>> = servers
        .iter()
        .map(|server| NodeId::new(&host(server)).ok().filter(|id| !id.as_str().as_bytes()[0].is_ascii_digit()))
        .collect();
    if let Some(names) = named {
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        if distinct.len() == names.len() && !names.iter().any(|name| name.as_str() == "localhost") {
            return Ok(names);
        }
    }
    (1..=servers.len()).map(|n| NodeId::new(&format!("zk{n}")).context("naming the nodes")).collect()
}

pub(super) fn local_config(config: &Config) -> anyhow::Result<LocalConfig> {
    let mut local = LocalConfig::new(config.paths.data.join("local"), config.paths.logs.clone())?;
    let ports = &config.local;
    for (at, node) in (0_u16..).zip(&mut local.nodes) {
        node.client_port = port(ports.client_port, at)?;
        node.metrics_port = port(ports.metrics_port, at)?;
        node.quorum_port = port(ports.quorum_port, at)?;
        node.election_port = port(ports.election_port, at)?;
    }
    if ports.heap_mb > 0 {
        local.heap_mb_max = ports.heap_mb;
    }
    local.search.jars = Some(ports.jars.clone());
    Ok(local)
}

fn port(first: u16, at: u16) -> anyhow::Result<u16> {
    first.checked_add(at).with_context(|| format!("local: port {first} leaves no room for three servers"))
}

fn make_folders(config: &Config, nodes: &[NodeId]) -> anyhow::Result<()> {
    let logs = &config.paths.logs;
    let mut folders = vec![logs.join("backend")];
    folders.extend(nodes.iter().map(|node| logs.join(node.as_str())));
    folders.iter().try_for_each(|folder| make_folder(folder))
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    owner::make_folder(folder).with_context(|| {
        format!("cannot make the folder {}; check its owner, or choose another by --data and --logs", folder.display())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use clap::Parser;
    use serde_json::json;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::UnixListener;

    use super::*;
    use crate::cli::args::Args;
    use crate::config;

    fn names(servers: &[&str]) -> Vec<String> {
        let servers: Vec<String> = servers.iter().map(|s| (*s).to_owned()).collect();
        node_names(&servers).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_stack_of_this_folder_is_told_by_one_sentence() {
        let taken =
            |port| TakenPort { port, purpose: "clients of zk1".into(), owner: None, cause: None, ensemble: None };
        let mut stack = Stack { project: "demo".into(), services: vec!["zk1".into()], ..Stack::default() };
        assert_eq!(runs_already(&stack, &[taken(2181)]), None, "something else has the port");
        stack.published.insert(2181, ("zk1".into(), 2181));
        let text = runs_already(&stack, &[taken(7001), taken(2181)]).unwrap();
        assert!(text.contains("project demo") && text.contains("opens by: zkdeck. "), "{text}");
        stack.services.push("backend".into());
        let text = runs_already(&stack, &[taken(2181)]).unwrap();
        assert!(text.contains("zkdeck, or docker compose exec backend zkdeck"), "{text}");
    }

    #[test]
    fn the_stacks_elasticsearch_is_taken_for_the_stacks_servers_only() {
        let mut stack = Stack { project: "demo".into(), ..Stack::default() };
        let servers = |ports: [u16; 2]| ports.map(|port| format!("127.0.0.1:{port}"));
        for (port, service) in [(2181, "zk1"), (2182, "zk2")] {
            stack.published.insert(port, (service.into(), 2181));
        }
        assert_eq!(elastic_of(&stack, &servers([2181, 2182])), None, "it publishes none");
        stack.published.insert(19_200, ("elasticsearch".into(), 9200));
        assert_eq!(elastic_of(&stack, &servers([2181, 2182])).as_deref(), Some("http://127.0.0.1:19200"));
        assert_eq!(elastic_of(&stack, &servers([2181, 5181])), None);
        assert_eq!(elastic_of(&stack, &["10.0.0.1:2181".to_owned()]), None, "servers of another machine");
    }

    /// Docker's engine, as far as a look for the stack asks it: this folder's three servers and their Elasticsearch.
    /// Counts what it is asked.
    async fn plays_the_engine(listener: UnixListener, asked: &AtomicUsize) {
        let here = std::fs::canonicalize(".").unwrap();
        let services =
            [("zk1", 2181, 2181), ("zk2", 2181, 2182), ("zk3", 2181, 2183), ("elasticsearch", ELASTIC_PORT, 19_200)];
        let container = |(service, inner, public): (&str, u16, u16)| {
            json!({"Id": service, "State": "running",
                "Ports": [{"IP": "127.0.0.1", "PrivatePort": inner, "PublicPort": public, "Type": "tcp"}],
                "Labels": {"com.docker.compose.project": "demo", "com.docker.compose.service": service,
                    "com.docker.compose.project.working_dir": here}})
        };
        let list = json!(services.map(container)).to_string();
        let version = r#"{"Version":"28.0.0","ApiVersion":"1.48"}"#;
        loop {
            let mut stream = listener.accept().await.unwrap().0;
            asked.fetch_add(1, Ordering::Relaxed);
            let (mut head, mut lines) = (String::new(), BufReader::new(&mut stream));
            while lines.read_line(&mut head).await.unwrap() > 2 {}
            let body = if head.contains("/containers/json") { list.as_str() } else { version };
            let (kind, length) = ("Content-Type: application/json", body.len());
            let head = format!("HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            stream.write_all((head + body).as_bytes()).await.unwrap();
        }
    }

    /// The settings after a look for the stack, and what was said.
    async fn elastic_beside(host: &str, arguments: &[&str], more: (&str, &str)) -> (Option<String>, String) {
        let flags = Args::parse_from([&["zkdeck"], arguments].concat()).flags;
        let given = [("DOCKER_HOST", host), more];
        let environment = |name: &str| given.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let mut config = config::load(Path::new("/nonexistent"), false, environment, Vec::new()).unwrap();
        let said = stacks_elastic(&flags, &mut config).await;
        (said, config.elastic.url)
    }

    #[tokio::test]
    async fn who_watches_the_stack_from_beside_it_is_given_its_elasticsearch_and_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("docker.sock");
        let (host, asked) = (format!("unix://{}", socket.display()), AtomicUsize::new(0));
        let engine = plays_the_engine(UnixListener::bind(&socket).unwrap(), &asked);
        let looks = async {
            let (said, url) = elastic_beside(&host, &[], ("", "")).await;
            let said = said.unwrap();
            assert_eq!(url, "http://127.0.0.1:19200", "the address on this machine, not the one in the network");
            assert!(said.contains(&url) && said.contains("found automatically"), "{said}");
            assert!(said.contains("elastic.url"), "how to have another: {said}");
            let (before, none) = (asked.load(Ordering::Relaxed), (None, String::new()));
            assert_eq!(elastic_beside(&host, &["--local"], ("", "")).await, none, "its servers are others");
            assert_eq!(elastic_beside(&host, &[], ("DOCKER_CONTROL_ENABLED", "false")).await, none);
            let own = "http://10.0.0.1:9200";
            assert_eq!(elastic_beside(&host, &[], ("ZKDECK_ELASTIC_URL", own)).await, (None, own.to_owned()));
            assert_eq!(asked.load(Ordering::Relaxed), before, "nobody is asked for what is not wanted");
            let far = ("ZKDECK_SERVERS", "10.0.0.1:2181");
            assert_eq!(elastic_beside(&host, &[], far).await, none, "servers of another machine");
            assert!(asked.load(Ordering::Relaxed) > before);
        };
        tokio::select! {
            () = looks => {}
            () = engine => {}
        }
    }

    #[test]
    fn the_sample_workload_writes_into_a_local_ensemble_or_where_a_setting_says_so() {
        let off = |arguments: &[&str], variable: Option<&str>| {
            let flags = Args::parse_from([&["zkdeck"], arguments].concat()).flags;
            let environment = |name: &str| variable.filter(|_| name == "DEMO_WORKLOAD_ENABLED").map(str::to_owned);
            let config = config::load(Path::new("/nonexistent"), false, environment, Vec::new()).unwrap();
            workload_off(&flags, &config)
        };
        let own = ["--zk", "10.0.0.1:2181"];
        assert_eq!(off(&["--local"], None), None);
        assert_eq!(off(&own, None), Some(WorkloadOff::NotLocal));
        assert_eq!(off(&[], None), Some(WorkloadOff::NotLocal), "the default addresses are somebody's own too");
        assert_eq!(off(&own, Some("true")), None);
        assert_eq!(off(&["--local"], Some("false")), Some(WorkloadOff::Disabled));
        assert_eq!(off(&["--local", "--read-only"], Some("true")), Some(WorkloadOff::ReadOnly));
    }

    #[test]
    fn hosts_name_the_nodes_when_they_can() {
        assert_eq!(names(&["zk1:2181", "zk2:2181", "zk3:2181"]), ["zk1", "zk2", "zk3"]);
        assert_eq!(names(&["127.0.0.1:2181", "127.0.0.1:2182"]), ["zk1", "zk2"]);
        assert_eq!(names(&["localhost:2181", "other:2182"]), ["zk1", "zk2"]);
        assert_eq!(names(&["a:1", "a:2"]), ["zk1", "zk2"]);
        assert_eq!(names(&["alpha:1", "beta:2"]), ["alpha", "beta"]);
    }
}
