//! A zkdeck of another ensemble comes to the folder that the processes use.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::sabotage::Sabotage;
use super::sky::{Pid, SoundDisk};
use super::truth::store_root;
use super::world::{ROOT, World, layout};
use crate::adapters::blobs::{BlobConfig, BlobStore};
use crate::adapters::history::History;
use crate::adapters::history::testing::Ledger;
use crate::adapters::zookeeper::election::Membership;
use crate::adapters::zookeeper::fake::Calm;
use crate::adapters::zookeeper::registry::Registry;
use crate::domain::event::Event;
use crate::domain::file_table::FileTable;
use crate::domain::ids::{InstanceId, Timestamp};
use crate::domain::snapshot::{InstanceInfo, Snapshot, StoreView};
use crate::engine::context::{Context, Marks};
use crate::engine::driver::Driver;
use crate::engine::files::underway::Underway;
use crate::engine::loops::scrub;
use crate::engine::loops::session::store::Looker;
use crate::engine::operations::Operations;

/// No process of the world is counted so far.
const STRANGER: Pid = 1_000_000;

/// Looks whose the folder is, and when it may, puts away whatever its own ensemble does not name.
pub(super) async fn visit(world: Arc<World>, snapshot: Arc<Snapshot>) {
    let ensemble = world.blank.copy(Arc::new(Calm));
    let registry = Registry::over(Arc::new(ensemble.connect(ROOT)), layout());
    let disk = Arc::new(world.volume.disk(Arc::new(SoundDisk), Duration::from_millis(1)));
    let Ok(blobs) = BlobStore::open_on(disk, BlobConfig::new(store_root()), &world.nodes) else { return };
    let (history, _clerk) = Ledger::default().open();
    let (_publish, link) = watch::channel(None);
    let (ctx, _events) = context(blobs, history, link, &snapshot);
    if Membership::join(&registry, &ctx.me, false).await.is_err() {
        return;
    }
    let looker = Looker { ctx: &ctx, nodes: &world.nodes, servers: &["another".to_owned()], read_only: false };
    let may = matches!(looker.store(&registry).await, Ok(StoreView::Ours { .. }));
    if may || world.sabotage == Some(Sabotage::StrangerSweeps) {
        _ = scrub::pass(&ctx, &registry, &world.nodes, &FileTable::default()).await;
    }
}

/// What the stranger's jobs work with, and what drains its events.
fn context(
    blobs: BlobStore,
    history: History,
    link: watch::Receiver<Option<Registry>>,
    snapshot: &Arc<Snapshot>,
) -> (Context, mpsc::Receiver<Event>) {
    let (events, heard) = mpsc::channel(1024);
    let stop = CancellationToken::new();
    let id = InstanceId::new(u128::from(STRANGER));
    let ctx = Context {
        driver: Driver::new(events.clone(), stop.clone()),
        events,
        inquiries: mpsc::channel(1).0,
        catch_ups: mpsc::channel(1).0,
        marks: Marks::default(),
        link,
        snapshots: watch::channel(Arc::clone(snapshot)).1,
        blobs,
        operations: Operations::default(),
        history,
        me: InstanceInfo {
            id,
            host: "elsewhere".into(),
            pid: STRANGER,
            since_ms: Timestamp(0),
            scheduler: None,
            seat: None,
        },
        underway: Underway::default(),
        stop,
    };
    (ctx, heard)
}
