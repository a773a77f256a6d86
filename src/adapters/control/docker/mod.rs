//! The containers of the ensemble, through Docker's socket.
//!
//! `engine` has the few requests that are made, `find` decides which containers are the ensemble's,
//! `view` says what a container's state means, `act` does something to one. The engine may come and
//! go: every look begins anew where the last one failed.

mod act;
mod engine;
mod error;
mod find;
mod output;
mod view;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::Instant;

use self::engine::Engine;
pub use self::error::DockerError;
use self::find::{Claim, Container, Scope};
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
    known: watch::Sender<Known>,
}

/// What the last look brought; replaced as a whole.
#[derive(Clone)]
struct Known {
    kind: ControlView,
    session: Option<Session>,
    retry: Option<Instant>,
    views: BTreeMap<NodeId, Looked>,
}

#[derive(Clone)]
struct Looked {
    container: Container,
    view: HostView,
    at: Instant,
}

/// An engine that answers, and where in it the ensemble is.
#[derive(Clone)]
struct Session {
    engine: Engine,
    scope: Scope,
}

/// What `doctor` tells of the engine.
#[derive(Clone, Debug)]
pub struct Examined {
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
        let (known, _) = watch::channel(Known { kind, session: None, retry: None, views: BTreeMap::new() });
        Self { config, nodes, known }
    }

    /// One look with everything that was found out on the way.
    ///
    /// # Errors
    /// [`DockerError`]: the first thing that stands in the way.
    pub async fn examine(&self) -> Result<Examined, DockerError> {
        let session = self.session().await?;
        let views = self.look(&session, &BTreeMap::new()).await?;
        let hosts = self.hosts_of(&session, &views);
        Ok(Examined { version: session.engine.version, project: session.scope.name().to_owned(), hosts })
    }

    async fn session(&self) -> Result<Session, DockerError> {
        let known = self.known.borrow().session.clone();
        if let Some(session) = known {
            return Ok(session);
        }
        let engine = Engine::connect(&socket(&self.config.host)?, self.config.limit).await?;
        let scope = self.scope(&engine).await?;
        Ok(Session { engine, scope })
    }

    /// The named project, else that of the container that zkdeck runs in, else the one whose
    /// containers publish the servers' addresses.
    async fn scope(&self, engine: &Engine) -> Result<Scope, DockerError> {
        if let Some(name) = &self.config.project {
            let scope = Scope::Project(name.clone());
            self.members(engine, &scope).await?;
            return Ok(scope);
        }
        if let Some(own) = own_claim(engine).await.and_then(|claim| claim.project) {
            let scope = Scope::Project(own);
            if self.members(engine, &scope).await.is_ok() {
                return Ok(scope);
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
        let claims: Vec<Claim> = found.iter().flatten().map(find::claim_with_ports).collect();
        find::choose(&claims, &self.config.servers)
    }

    /// The nodes' containers; that there is none at all is an error.
    async fn members(&self, engine: &Engine, scope: &Scope) -> Result<Vec<Container>, DockerError> {
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
        session: &Session,
        before: &BTreeMap<NodeId, Looked>,
    ) -> Result<BTreeMap<NodeId, Looked>, DockerError> {
        let Session { engine, scope } = session;
        let members = self.members(engine, scope).await?;
        let each = members.into_iter().map(async |container| {
            let fresh =
                before.get(&container.node).filter(|old| old.container == container && old.at.elapsed() < STALE);
            if let Some(old) = fresh {
                return Some(old.clone());
            }
            let found = engine.inspect(&container.id).await.ok()?;
            Some(Looked { view: view::view(&found, scope.name()), container, at: Instant::now() })
        });
        let looked = join_all(each).await.into_iter().flatten();
        Ok(looked.map(|looked| (looked.container.node.clone(), looked)).collect())
    }

    fn hosts_of(&self, session: &Session, views: &BTreeMap<NodeId, Looked>) -> Vec<(NodeId, Option<HostView>)> {
        let view = |node: &NodeId| match views.get(node) {
            Some(looked) => looked.view.clone(),
            None => view::missing(self.not_in_project(session, node).to_string()),
        };
        self.nodes.iter().map(|node| (node.clone(), Some(view(node)))).collect()
    }

    fn not_in_project(&self, session: &Session, node: &NodeId) -> DockerError {
        DockerError::NotInProject { node: node.to_string(), project: session.scope.name().to_owned() }
    }

    /// What the container of `node` has written last.
    async fn tail(&self, node: &NodeId, lines: usize) -> Result<Output, DockerError> {
        let session = self.session().await?;
        let members = self.members(&session.engine, &session.scope).await?;
        let container = members.into_iter().find(|container| container.node == *node);
        let container = container.ok_or_else(|| self.not_in_project(&session, node))?;
        let text = session.engine.logs(&container.id, lines.clamp(1, OUTPUT_LINES_MAX)).await?;
        let name = self.known.borrow().views.get(node).map(|looked| looked.view.name.clone());
        let name = name.unwrap_or_else(|| format!("container {}", container.id.get(..12).unwrap_or(&container.id)));
        Ok(output::lines(name, &text))
    }
}

/// The claim of the container that this process runs in, when it runs in one that the engine knows.
async fn own_claim(engine: &Engine) -> Option<Claim> {
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
            Ok(session) => self.look(&session, &known.views).await.map(|views| (session, views)),
            Err(error) => Err(error),
        };
        match looked {
            Ok((session, views)) => {
                let hosts = self.hosts_of(&session, &views);
                let next = Known { kind: ControlView::Docker, session: Some(session), retry: None, views };
                self.known.send_replace(next);
                hosts
            }
            Err(error) => {
                let pause = if error.is_slow() { RETRY_SLOW } else { RETRY };
                let retry = Some(Instant::now() + pause);
                let kind = ControlView::Off(error.to_string());
                self.known.send_replace(Known { kind, session: None, retry, views: BTreeMap::new() });
                unknown()
            }
        }
    }

    async fn act(&self, node: &NodeId, action: ServerAction) -> Result<(), ControlError> {
        act::act(self, node, action).await
    }

    async fn output(&self, node: &NodeId, lines: usize) -> Result<Output, OutputError> {
        self.tail(node, lines).await.map_err(|cause| OutputError::Docker { node: node.clone(), cause })
    }
}
