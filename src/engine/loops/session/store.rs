//! Whether the folder is the ensemble's store, and nobody else's.

use std::collections::{BTreeMap, BTreeSet};

use super::SessionLoop;
use crate::adapters::zookeeper::election::{self, Membership};
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::registry::{Newer, Registry};
use crate::domain::event::Event;
use crate::domain::ids::{InstanceId, NodeId};
use crate::domain::number::count;
use crate::domain::snapshot::{Level, StoreView};
use crate::domain::store::{Folder, Whose, whose};
use crate::engine::claim::{ScanError, claim};
use crate::engine::context::Context;

/// Who looks.
pub(in crate::engine) struct Looker<'a> {
    pub(in crate::engine) ctx: &'a Context,
    pub(in crate::engine) nodes: &'a [NodeId],
    /// By which another instance of this ensemble is known.
    pub(in crate::engine) servers: &'a [String],
    pub(in crate::engine) read_only: bool,
}

impl Looker<'_> {
    /// Looks whose store the folder is. An ensemble without one is given this one, when nobody's files lie in it.
    /// Whoever looks is registered with the ensemble.
    pub(in crate::engine) async fn store(&self, registry: &Registry) -> Result<StoreView, ScanError> {
        let theirs = match self.theirs(registry).await {
            Ok(theirs) => theirs,
            Err(error) => {
                let Newer { path, format } = Newer::of(&error).ok_or(error)?;
                return Ok(StoreView::Newer { what: path, format });
            }
        };
        let view = match self.whose(theirs).await? {
            // Nobody who only watches makes a store.
            Whose::Free if self.read_only => return Ok(StoreView::Unknown),
            Whose::Free => {
                if let Some(by) = self.stranger(registry).await? {
                    return Ok(StoreView::InUse { folder: self.folder(), by });
                }
                match self.whose(Some(claim(&self.ctx.blobs, registry).await?)).await? {
                    Whose::Known(view) => return Ok(view),
                    // Files have come meanwhile: it is looked at anew.
                    Whose::Free | Whose::Unproved(_) => return Ok(StoreView::Unknown),
                }
            }
            Whose::Unproved(theirs) if !self.is_proved(registry, &theirs).await? => {
                let (found, records) = self.found(registry).await?;
                let path = self.ctx.blobs.id_path().display().to_string();
                return Ok(StoreView::Unnamed { path, theirs, found, records });
            }
            Whose::Unproved(id) => StoreView::Ours { id },
            Whose::Known(view) => view,
        };
        if view.is_ours()
            && let Some(by) = self.stranger(registry).await?
        {
            return Ok(StoreView::InUse { folder: self.folder(), by });
        }
        Ok(view)
    }

    fn folder(&self) -> String {
        self.ctx.blobs.root().display().to_string()
    }

    /// What the folder and the ensemble say. The files are counted where that decides.
    async fn whose(&self, theirs: Option<String>) -> Result<Whose, ScanError> {
        let blobs = &self.ctx.blobs;
        // Who only watches writes no id, not even one that is known.
        blobs.look_for_id(theirs.as_deref().filter(|_| !self.read_only)).await?;
        let id = blobs.store_id().map(str::to_owned);
        let files = if id.is_some() && theirs.is_some() { 0 } else { blobs.published().await? };
        Ok(whose(&Folder { path: self.folder(), id, files }, theirs))
    }

    /// The ensemble's store. That there is none is believed only after a write of one's own: what is read then is
    /// not older. Who only watches does nothing about it, and does not write.
    async fn theirs(&self, registry: &Registry) -> Result<Option<String>, ZkError> {
        let theirs = registry.store().await?;
        if theirs.is_some() || self.read_only {
            return Ok(theirs);
        }
        registry.canary().await?;
        registry.store().await
    }

    /// A living user of the folder that is not of this ensemble. Who only reads is in nobody's way.
    async fn stranger(&self, registry: &Registry) -> Result<Option<String>, ScanError> {
        if self.read_only {
            return Ok(None);
        }
        let blobs = &self.ctx.blobs;
        match blobs.announce(self.ctx.me.id, self.servers).await {
            // Where nothing can be written, nothing can be harmed.
            Err(error) if error.is_read_only() => tracing::warn!("{error}"),
            announced => announced?,
        }
        if blobs.is_settled() {
            return Ok(None);
        }
        // What is read after a write of one's own is not older than that write.
        registry.canary().await?;
        let registered = election::instances(registry).await?.into_iter().map(|info| info.id).collect();
        let strangers = blobs.strangers(registered, self.servers.to_vec()).await?;
        if strangers.is_empty() {
            blobs.settle();
            return Ok(None);
        }
        blobs.withdraw();
        let names: Vec<String> = strangers.iter().map(|id| format!("instance {id}")).collect();
        Ok(Some(names.join(", ")))
    }

    /// Whether a folder that lost its id is the ensemble's: each record's bytes lie in it, and no other instance
    /// is there that may have the real one. Then it gets its id again.
    async fn is_proved(&self, registry: &Registry, theirs: &str) -> Result<bool, ScanError> {
        let others = election::instances(registry).await?.into_iter().filter(|info| info.id != self.ctx.me.id);
        let others: BTreeSet<InstanceId> = others.map(|info| info.id).collect();
        let (found, records) = self.found(registry).await?;
        if self.read_only || records == 0 || found < records || !others.is_empty() {
            return Ok(false);
        }
        self.ctx.blobs.name(theirs).await?;
        let text = format!(
            "{} was missing and is written again: all bytes of {} lie beside it",
            self.ctx.blobs.id_path().display(),
            count(records, "record")
        );
        self.ctx.notice(Level::Warning, text).await;
        Ok(true)
    }

    /// Records whose bytes lie in the folder by name and size, and all records.
    async fn found(&self, registry: &Registry) -> Result<(u64, u64), ScanError> {
        let records = registry.load_files(|_| ()).await?.entries;
        let mut there = BTreeMap::new();
        for node in self.nodes {
            for (file, blob, size) in self.ctx.blobs.list(node).await? {
                there.insert((node, file, blob), size);
            }
        }
        let at = |entry: &&crate::domain::file::FileEntry| {
            let record = &entry.record;
            there.get(&(&record.owner, entry.id, record.blob)) == Some(&record.size)
        };
        Ok((records.iter().filter(at).count() as u64, records.len() as u64))
    }
}

impl SessionLoop {
    pub(super) async fn store(&self, registry: &Registry) -> Result<StoreView, ScanError> {
        // Another root is another ensemble, as far as files go.
        let zk = self.servers.config();
        let servers: Vec<String> = zk.hosts.iter().map(|host| format!("{host}{}", zk.root)).collect();
        let looker = Looker { ctx: &self.ctx, nodes: &self.nodes, servers: &servers, read_only: self.read_only };
        looker.store(registry).await
    }

    /// While the folder may not be touched, or is not known to be the ensemble's: whether that is over.
    pub(super) async fn look_again(&mut self) -> Result<(), String> {
        // An ensemble without a store gets one while somebody watches.
        let waits = self.store.refusal().is_some() || self.store == StoreView::Unknown;
        if !waits || matches!(self.store, StoreView::Newer { .. } | StoreView::Foreign { .. }) {
            return Ok(());
        }
        // Until all was read once, this instance may not be registered.
        let Some(link) = self.link.as_ref().filter(|link| link.up) else { return Ok(()) };
        let registry = link.registry.clone();
        let unnamed = matches!(self.store, StoreView::Unnamed { .. });
        // All records are held against the folder, so the file alone is waited for.
        if unnamed && !self.ctx.blobs.look_for_id(None).await.map_err(|error| error.to_string())? {
            return Ok(());
        }
        let now = self.store(&registry).await.map_err(|error| error.to_string())?;
        if now != self.store {
            self.link.iter_mut().for_each(|link| link.scan_due = true);
        }
        Ok(())
    }

    pub(super) async fn tell_store(&mut self, store: StoreView) {
        self.store = store.clone();
        self.ctx.emit(Event::Store(store)).await;
    }

    /// Registers this instance, once a session.
    pub(super) async fn register(&mut self, registry: &Registry) -> Result<(), ZkError> {
        let Some(link) = &mut self.link else { return Ok(()) };
        if link.membership.is_none() {
            link.membership = Some(Membership::join(registry, &self.ctx.me, false).await?);
        }
        Ok(())
    }

    /// Stands for election, or stands back.
    pub(super) async fn campaign(&mut self, campaign: bool) -> Result<(), ZkError> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let Some(membership) = &mut link.membership else { return Ok(()) };
        membership.campaign(campaign).await?;
        if !campaign {
            link.own_epoch = None;
        }
        Ok(())
    }
}
