//! Reads everything anew: after each connection, and now and then in between.

use tokio::time::Instant;

use super::Session;
use super::standing::fences;
use crate::adapters::faults;
use crate::adapters::zookeeper::election::{self, Membership};
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::registry::Registry;
use crate::domain::event::Event;
use crate::domain::snapshot::{SessionState, StoreView};

impl Session {
    pub(super) async fn scan(&mut self) -> Result<(), String> {
        let Some(link) = &self.link else { return Ok(()) };
        let (registry, first) = (link.registry.clone(), !link.up);
        let result = self.read_all(&registry, first).await;
        let Some(link) = &mut self.link else { return Ok(()) };
        // Failed while the link was lost: the next connection scans again.
        link.scan_due = result.is_err();
        if result.is_ok() {
            link.scanned = Instant::now();
            link.up = true;
            self.scheduler.poke();
            return self.stand().await;
        }
        result.map_err(|error| format!("reading the ensemble's records: {error}"))
    }

    async fn read_all(&mut self, registry: &Registry, first: bool) -> Result<(), ZkError> {
        let store = self.store(registry).await?;
        let ours = !matches!(store, StoreView::Foreign { .. });
        if first {
            // Before it is told: who hears of the session uses the registry at once.
            _ = self.publish.send_replace(Some(registry.clone()));
            self.ctx.emit(Event::Session { state: SessionState::Connected, cause: None }).await;
        }
        self.ctx.emit(Event::Store(store)).await;
        for node in self.nodes.clone() {
            let (record, version) = registry.ensure_node(&node).await?;
            self.ctx.emit(Event::Node { node, record, version }).await;
        }
        let events = self.ctx.events.clone();
        // Told when there is room: what follows tells more.
        let progress = |reading| _ = events.try_send(Event::Reading(reading));
        let loaded = registry.load_files(progress).await?;
        let unreadable = loaded.unreadable;
        self.ctx.emit(Event::FilesLoaded { entries: loaded.entries, unreadable }).await;
        self.ctx.emit(Event::SchedulerPaused(registry.scheduler_paused().await?.0)).await;
        if fences()
            && let Some(epoch) = registry.epoch().await?
        {
            self.ctx.emit(Event::Epoch(epoch)).await;
        }
        if let Some(run) = registry.last_run().await? {
            self.ctx.emit(Event::RunEnded(run.into())).await;
        }
        self.join(registry, ours && !self.read_only).await?;
        self.ctx.emit(Event::Instances(election::instances(registry).await?)).await;
        Ok(())
    }

    async fn store(&self, registry: &Registry) -> Result<StoreView, ZkError> {
        let ours = self.ctx.blobs.store_id().to_owned();
        let theirs = registry.claim_store(&ours).await?;
        Ok(if ours == theirs || faults::broken("ignore-store") {
            StoreView::Ours { id: ours }
        } else {
            StoreView::Foreign { ours, theirs }
        })
    }

    async fn join(&mut self, registry: &Registry, campaign: bool) -> Result<(), ZkError> {
        let joined = self.link.as_ref().is_some_and(|link| link.membership.is_some());
        if joined {
            return Ok(());
        }
        let membership = Membership::join(registry, &self.ctx.me, campaign).await?;
        if let Some(link) = &mut self.link {
            link.membership = Some(membership);
        }
        Ok(())
    }
}
