//! What records, bytes, intents and rows are at one moment, while the processes go on.

use std::sync::Arc;
use std::time::Duration;

use super::sky::SoundDisk;
use super::truth::store_root;
use super::world::{ROOT, World, layout};
use crate::adapters::blobs::disk::fake::Volume;
use crate::adapters::blobs::{BlobConfig, BlobStore};
use crate::adapters::zookeeper::fake::{Calm, FakeEnsemble};
use crate::adapters::zookeeper::registry::Registry;
use crate::domain::file::{FileEntry, blob_name};
use crate::domain::ids::{AttemptId, NodeId};
use crate::domain::invariants::{CheckedRow, StoredFile, WorldView};
use crate::domain::migration::Intent;

pub(super) struct WorldMoment {
    pub(super) files: Vec<FileEntry>,
    pub(super) blobs: BlobStore,
    volume: Volume,
    ensemble: FakeEnsemble,
    rows: Vec<CheckedRow>,
    nodes: Vec<NodeId>,
}

impl WorldMoment {
    pub(super) fn now(world: &World) -> Self {
        let volume = world.volume.copy();
        let disk = Arc::new(volume.disk(Arc::new(SoundDisk), Duration::ZERO));
        let opened = BlobStore::open_on(disk, BlobConfig::new(store_root()), &world.nodes);
        Self {
            files: world.truth.files(),
            blobs: opened.unwrap_or_else(|error| panic!("a copy of the simulated store: {error}")),
            volume,
            ensemble: world.ensemble.copy(Arc::new(Calm)),
            rows: world.ledger.rows(),
            nodes: world.nodes.clone(),
        }
    }

    pub(super) async fn inventory(&self) -> Vec<StoredFile> {
        let mut stored = Vec::new();
        for node in &self.nodes {
            stored.extend(self.blobs.inventory(node, true).await.unwrap());
        }
        stored
    }

    pub(super) async fn picture(&self) -> WorldView {
        WorldView {
            files: self.files.clone(),
            intents: intents(&self.ensemble).await,
            stored: Some(self.inventory().await),
            rows: Some(self.rows.clone()),
            ..WorldView::default()
        }
    }

    /// Whether the bytes on the disk are those of the record, whatever the store says.
    pub(super) fn is_whole(&self, entry: &FileEntry) -> bool {
        let path = store_root().join(entry.record.owner.as_str()).join(blob_name(entry.id, entry.record.blob));
        let bytes = self.volume.bytes(&path).unwrap_or_default();
        *blake3::hash(&bytes).as_bytes() == entry.record.blake3.0
    }
}

pub(super) async fn intents(ensemble: &FakeEnsemble) -> Vec<(AttemptId, Intent)> {
    let registry = Registry::over(Arc::new(ensemble.connect(ROOT)), layout());
    let found = registry.intents().await.map(|found| found.intents).unwrap_or_default();
    found.into_iter().map(|(attempt, intent, _)| (attempt, intent)).collect()
}
