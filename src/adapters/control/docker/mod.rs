//! The containers of the ensemble, through Docker's socket.
//!
//! `engine` has the few requests that are made, `find` says which containers may be the ensemble's and
//! `proof` which are,
//! `view` says what a container's state means, `act` what can be done to one. The engine may come and
//! go: every look begins anew where the last one failed.

mod act;
mod engine;
mod error;
mod find;
mod output;
mod proof;
pub mod stack;
mod view;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use bollard::models::ContainerInspectResponse;
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::Instant;

use self::engine::DockerEngine;
pub use self::error::DockerError;
use self::find::{Container, Scope, ServiceClaim};
use self::proof::Proof;
use super::{ControlError, OutputError, ServerControl};
use crate::domain::command::ServerAction;
use crate::domain::ids::NodeId;
use crate::domain::server::{HostView, OUTPUT_LINES_MAX, Output};
use crate::domain::snapshot::ControlView;

/// An unchanged container is inspected again after this long.
const STALE: Duration = Duration::from_secs(5);
/// After a failure the next look is made no sooner than this; after a hang, later.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_SLOW: Duration = Duration::from_secs(5);
/// Containers that are looked into to find the ensemble's project.
const CANDIDATES_MAX: usize = 64;

/// Where Docker is and what is the ensemble's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerConfig {
    /// As in `DOCKER_HOST`: `unix:///var/run/docker.sock`.
    pub host: String,
    /// The compose project; `None`: found by our own container or by the published addresses.
    pub project: Option<String>,
    /// Each server with its client address.
    pub servers: Vec<(NodeId, String)>,
    /// Of each request; a stop has the container's own time on top.
    pub limit: Duration,
}

/// Control of the ensemble's containers.
pub struct DockerControl {
    config: DockerConfig,
    nodes: Vec<NodeId>,
    known: watch::Sender<EngineView>,
}

/// What the last look brought; replaced as a whole.
#[derive(Clone)]
struct EngineView {
    kind: ControlView,
    session: Option<EngineSession>,
    retry: Option<Instant>,
    views: BTreeMap<NodeId, ContainerLook>,
}

#[derive(Clone)]
struct ContainerLook {
    container: Container,
    proof: Proof,
    view: HostView,
    at: Instant,
}

/// An engine that answers, and where in it the ensemble is.
#[derive(Clone)]
struct EngineSession {
    engine: DockerEngine,
    scope: Scope,
    /// The user, or the container that zkdeck runs in, says whose the scope is.
    named: bool,
    /// One of its containers was proved to be its server: those that do not run are theirs, too.
    proved: bool,
}

/// A container that is a node's, as it was found now.
struct NodeContainer {
    session: EngineSession,
    looked: ContainerLook,
    inspected: ContainerInspectResponse,
}

/// What `doctor` tells of the engine.
#[derive(Clone, Debug)]
pub struct EngineReport {
    /// `20.10.24 (API 1.41)`
    pub version: String,
    /// The compose project, or our own label.
    pub project: String,
    pub hosts: Vec<(NodeId, Option<HostView>)>,
}

impl DockerControl {
    /// Reaches nothing yet.
    #[must_use]
    pub fn new(config: DockerConfig) -> Self {
        let nodes = config.servers.iter().map(|(node, _)| node.clone()).collect();
        let kind = ControlView::Off("Docker has not been asked yet".into());
        let (known, _) = watch::channel(EngineView { kind, session: None, retry: None, views: BTreeMap::new() });
        Self { config, nodes, known }
    }

    /// One look with everything that was found out on the way.
    ///
    /// # Errors
    /// [`DockerError`]: the first thing that stands in the way.
    pub async fn examine(&self) -> Result<EngineReport, DockerError> {
        let session = self.session().await?;
        let (session, views) = self.look(session, &BTreeMap::new()).await?;
        if let Some(error) = self.all_refused(&session, &views) {
            return Err(error);
        }
        let hosts = self.hosts_of(&session, &views);
        Ok(EngineReport { version: session.engine.version, project: session.scope.name().to_owned(), hosts })
    }

    async fn session(&self) -> Result<EngineSession, DockerError> {
        let known = self.known.borrow().session.clone();
        if let Some(session) = known {
            return Ok(session);
        }
        let engine = DockerEngine::connect(&socket(&self.config.host)?, self.config.limit).await?;
        let (scope, named) = self.scope(&engine).await?;
        Ok(EngineSession { engine, scope, named, proved: false })
    }

    /// The named project, else that of the container that zkdeck runs in, else the one whose
    /// containers publish the servers' addresses. And whether it is known without a proof.
    async fn scope(&self, engine: &DockerEngine) -> Result<(Scope, bool), DockerError> {
        if let Some(name) = &self.config.project {
            let scope = Scope::Project(name.clone());
            self.members(engine, &scope).await?;
            return Ok((scope, true));
        }
        if let Some(own) = claim_of_this_container(engine).await.and_then(|claim| claim.project) {
            let scope = Scope::Project(own);
            if self.members(engine, &scope).await.is_ok() {
                return Ok((scope, true));
            }
        }
        let (composed, labelled) = tokio::try_join!(engine.list(find::PROJECT), engine.list(find::NODE))?;
        let is_a_node = |name: Option<&str>| self.nodes.iter().any(|node| Some(node.as_str()) == name);
        let named = composed.iter().chain(&labelled).filter(|summary| {
            let claim = find::claim_of(summary);
            is_a_node(claim.node.as_deref()) || is_a_node(claim.service.as_deref())
        });
        let ids = named.filter_map(|summary| summary.id.as_deref()).take(CANDIDATES_MAX);
        let found = join_all(ids.map(|id| engine.inspect(id))).await;
        let claims: Vec<ServiceClaim> = found.iter().flatten().map(find::claim_with_ports).collect();
        find::choose(&claims, &self.config.servers).map(|scope| (scope, false))
    }

    /// The nodes' containers; that there is none at all is an error.
    async fn members(&self, engine: &DockerEngine, scope: &Scope) -> Result<Vec<Container>, DockerError> {
        let list = engine.list(&scope.filter()).await?;
        let members = find::members(scope, &list, &self.nodes);
        if !members.is_empty() {
            return Ok(members);
        }
        let servers = find::listed(&self.config.servers);
        Err(match &self.config.project {
            Some(project) => DockerError::EmptyProject { project: project.clone(), servers },
            None => DockerError::NoProject { servers },
        })
    }

    /// Lists the containers, and inspects those that are new, changed or not inspected for a while.
    async fn look(
        &self,
        mut session: EngineSession,
        before: &BTreeMap<NodeId, ContainerLook>,
    ) -> Result<(EngineSession, BTreeMap<NodeId, ContainerLook>), DockerError> {
        let EngineSession { engine, scope, .. } = &session;
        let members = self.members(engine, scope).await?;
        let each = members.into_iter().map(async |container| {
            let fresh =
                before.get(&container.node).filter(|old| old.container == container && old.at.elapsed() < STALE);
            if let Some(old) = fresh {
                return Some(old.clone());
            }
            let found = engine.inspect(&container.id).await.ok()?;
            let proof = proof::prove(&found, &container.node, self.address(&container.node)).await;
            Some(ContainerLook { proof, view: view::view(&found, scope.name()), container, at: Instant::now() })
        });
        let looked = join_all(each).await.into_iter().flatten();
        let views: BTreeMap<_, _> = looked.map(|looked| (looked.container.node.clone(), looked)).collect();
        session.proved |= views.values().any(|looked| looked.proof == Proof::Proved);
        Ok((session, views))
    }

    /// The configured address of a node; one that is none leads to no container.
    fn address(&self, node: &NodeId) -> &str {
        self.config.servers.iter().find(|(id, _)| id == node).map_or("", |(_, address)| address)
    }

    /// Whether a container with this proof may be taken for the node's server; why not.
    fn allowed(&self, session: &EngineSession, looked: &ContainerLook) -> Result<(), DockerError> {
        let (container, node) = (looked.view.name.clone(), looked.container.node.to_string());
        let address = self.address(&looked.container.node).to_owned();
        match looked.proof {
            Proof::Proved => Ok(()),
            Proof::Foreign(why) => Err(DockerError::NotTheServer { node, container, why: why.to_owned(), address }),
            Proof::Open | Proof::Apart if session.named => Ok(()),
            Proof::Open if session.proved => Ok(()),
            Proof::Open => {
                let why = "it does not run on this machine, or does not answer".into();
                Err(DockerError::NotProved { node, container, why })
            }
            Proof::Apart => {
                let why = format!("{address} does not lead to it");
                Err(DockerError::NotProved { node, container, why })
            }
        }
    }

    /// Why no container at all may be taken for a server; `None` when one may, or none is missing.
    fn all_refused(&self, session: &EngineSession, views: &BTreeMap<NodeId, ContainerLook>) -> Option<DockerError> {
        let mut first = None;
        for looked in views.values() {
            match self.allowed(session, looked) {
                Ok(()) => return None,
                Err(error) => first = first.or(Some(error)),
            }
        }
        first
    }

    /// The node's container as it is now: whose it is, is asked of the container itself, since between
    /// the list and now it may have been replaced.
    async fn container(&self, session: EngineSession, node: &NodeId) -> Result<NodeContainer, DockerError> {
        // A container that does not run is known by those beside it that do.
        let session =
            if session.named || session.proved { session } else { self.look(session, &BTreeMap::new()).await?.0 };
        let members = self.members(&session.engine, &session.scope).await?;
        let container = members.into_iter().find(|container| container.node == *node);
        let container = container.ok_or_else(|| self.not_in_project(&session, node))?;
        let inspected = session.engine.inspect(&container.id).await?;
        if !find::belongs(&session.scope, &find::claim_with_ports(&inspected), node) {
            return Err(self.not_in_project(&session, node));
        }
        let proof = proof::prove(&inspected, node, self.address(node)).await;
        let view = view::view(&inspected, session.scope.name());
        let looked = ContainerLook { container, proof, view, at: Instant::now() };
        self.allowed(&session, &looked)?;
        Ok(NodeContainer { session, looked, inspected })
    }

    fn hosts_of(
        &self,
        session: &EngineSession,
        views: &BTreeMap<NodeId, ContainerLook>,
    ) -> Vec<(NodeId, Option<HostView>)> {
        let view = |node: &NodeId| match views.get(node) {
            // Of the server at the address nothing is known then.
            Some(looked) => self.allowed(session, looked).is_ok().then(|| looked.view.clone()),
            None => Some(view::missing(self.not_in_project(session, node).to_string())),
        };
        self.nodes.iter().map(|node| (node.clone(), view(node))).collect()
    }

    fn not_in_project(&self, session: &EngineSession, node: &NodeId) -> DockerError {
        DockerError::NotInProject { node: node.to_string(), project: session.scope.name().to_owned() }
    }

    /// What the container of `node` has written last.
    async fn tail(&self, node: &NodeId, lines: usize) -> Result<Output, DockerError> {
        let NodeContainer { session, looked, .. } = self.container(self.session().await?, node).await?;
        let text = session.engine.logs(&looked.container.id, lines.clamp(1, OUTPUT_LINES_MAX)).await?;
        Ok(output::lines(looked.view.name, &text))
    }
}

/// The claim of the container that this process runs in, when it runs in one that the engine knows.
async fn claim_of_this_container(engine: &DockerEngine) -> Option<ServiceClaim> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let found = engine.inspect(&find::own_container(&mounts)?).await.ok()?;
    Some(find::claim_with_ports(&found))
}

fn socket(host: &str) -> Result<PathBuf, DockerError> {
    let path = host.strip_prefix("unix://").filter(|path| Path::new(path).is_absolute());
    path.map(PathBuf::from).ok_or_else(|| DockerError::NotUnix { host: host.to_owned() })
}

#[async_trait]
impl ServerControl for DockerControl {
    fn kind(&self) -> ControlView {
        self.known.borrow().kind.clone()
    }

    async fn hosts(&self) -> Vec<(NodeId, Option<HostView>)> {
        let unknown = || self.nodes.iter().map(|node| (node.clone(), None)).collect();
        let known = self.known.borrow().clone();
        if known.retry.is_some_and(|at| Instant::now() < at) {
            return unknown();
        }
        let looked = match self.session().await {
            Ok(session) => self.look(session, &known.views).await,
            Err(error) => Err(error),
        };
        let proved = looked.and_then(|(session, views)| match self.all_refused(&session, &views) {
            Some(error) => Err(error),
            None => Ok((session, views)),
        });
        match proved {
            Ok((session, views)) => {
                let hosts = self.hosts_of(&session, &views);
                let next = EngineView { kind: ControlView::Docker, session: Some(session), retry: None, views };
                self.known.send_replace(next);
                hosts
            }
            Err(error) => {
                let pause = if error.is_slow() { RETRY_SLOW } else { RETRY };
                let retry = Some(Instant::now() + pause);
                let kind = ControlView::Off(error.to_string());
                self.known.send_replace(EngineView { kind, session: None, retry, views: BTreeMap::new() });
                unknown()
            }
        }
    }

    async fn act(&self, node: &NodeId, action: ServerAction) -> Result<(), ControlError> {
        if !self.nodes.contains(node) {
            let known = self.nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(ControlError::UnknownNode { action, node: node.clone(), known });
        }
        let failed = |error: DockerError| ControlError::Failed { action, node: node.clone(), why: error.to_string() };
        let session = self.session().await.map_err(failed)?;
        let NodeContainer { session, looked, inspected } = self.container(session, node).await.map_err(failed)?;
        act::check(looked.view.state, node, action)?;
        let id = looked.container.id;
        let limit = act::grace(&inspected) + self.config.limit;
        session.engine.act(&id, action, limit).await.map_err(failed)?;
        act::await_state(&session.engine, &id, node, action).await
    }

    async fn output(&self, node: &NodeId, lines: usize) -> Result<Output, OutputError> {
        self.tail(node, lines).await.map_err(|cause| OutputError::Docker { node: node.clone(), cause })
    }
}
