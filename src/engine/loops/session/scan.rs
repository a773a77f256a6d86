//! Reads everything anew: after each connection, and now and then in between.

use tokio::time::Instant;

use super::SessionLoop;
use crate::adapters::zookeeper::coord::LinkState;
use crate::adapters::zookeeper::election;
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::registry::{Loaded, Newer, Registry};
use crate::domain::event::{Event, Mark};
use crate::domain::ids::NodeId;
use crate::domain::node::NodeRecord;
use crate::domain::snapshot::{SessionState, StoreView};
use crate::engine::claim::ScanError;

/// What was read of the ensemble, before any of it is told.
struct ScanResult {
    nodes: Vec<(NodeId, NodeRecord, i32)>,
    files: Loaded,
    /// Before the first of them was read.
    since: Mark,
    /// The first thing that a newer program wrote.
    newer: Option<Newer>,
}

impl SessionLoop {
    pub(super) async fn scan(&mut self) -> Result<(), String> {
        let Some(link) = &self.link else { return Ok(()) };
        if link.coord.state() != LinkState::Connected {
            // The next connection makes it due again; until then nothing is read, and nobody is told of a session.
            return Ok(());
        }
        let (registry, first) = (link.registry.clone(), !link.up);
        let result = self.read_all(&registry, first).await;
        let Some(link) = &mut self.link else { return Ok(()) };
        // Failed while the link was lost: the next connection scans again.
        link.scan_due = result.is_err();
        if result.is_ok() {
            link.scanned = Instant::now();
            link.up = true;
            self.caught_up();
            self.scheduler.poke();
            return self.stand().await;
        }
        result.map_err(|error| format!("reading the ensemble's records: {error}"))
    }

    async fn read_all(&mut self, registry: &Registry, first: bool) -> Result<(), ScanError> {
        if first {
            // Before it is told: who hears of the session uses the registry at once.
            _ = self.publish.send_replace(Some(registry.clone()));
            self.ctx.emit(Event::Session { state: SessionState::Connected, cause: None }).await;
        }
        // Who uses the folder is registered before it says so there.
        self.register(registry).await?;
        let mut store = self.store(registry).await?;
        let read = self.read_records(registry, store.refusal().is_none()).await?;
        if let Some(Newer { path, format }) = read.newer {
            store = StoreView::Newer { what: path, format };
        }
        let ours = store.is_ours();
        self.tell_store(store).await;
        for (node, record, version) in read.nodes {
            self.ctx.emit(Event::Node { node, record, version }).await;
        }
        let Loaded { entries, unreadable, .. } = read.files;
        self.ctx.emit(Event::FilesLoaded { entries, unreadable, since: read.since }).await;
        if let Err(error) = self.read_all_control(registry).await {
            let Some(Newer { path, format }) = Newer::of(&error) else { return Err(error.into()) };
            self.tell_store(StoreView::Newer { what: path, format }).await;
            return Ok(self.campaign(false).await?);
        }
        self.campaign(ours && !self.read_only).await?;
        self.ctx.emit(Event::Instances(election::instances(registry).await?)).await;
        Ok(())
    }

    /// Nodes, files and intents. `make`: node records that are missing are made.
    async fn read_records(&self, registry: &Registry, make: bool) -> Result<ScanResult, ZkError> {
        let (mut nodes, mut missing, mut newer) = (Vec::with_capacity(self.nodes.len()), Vec::new(), None);
        for node in &self.nodes {
            match registry.read_node(node).await {
                Ok(Some((record, version))) => nodes.push((node.clone(), record, version)),
                Ok(None) => missing.push(node),
                Err(error) => newer = newer.or(Some(Newer::of(&error).ok_or(error)?)),
            }
        }
        let events = self.ctx.events.clone();
        // Told when there is room: what follows tells more.
        let progress = |reading| _ = events.try_send(Event::Reading(reading));
        let since = self.ctx.marks.reading();
        let files = registry.load_files(progress).await?;
        let intents = registry.intents().await?;
        let newer = newer.or_else(|| files.newer.clone()).or(intents.newer);
        if make && newer.is_none() {
            for node in missing {
                let (record, version) = registry.ensure_node(node).await?;
                nodes.push((node.clone(), record, version));
            }
        }
        Ok(ScanResult { nodes, files, since, newer })
    }
}
