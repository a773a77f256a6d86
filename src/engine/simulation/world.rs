//! One world: an ensemble, a store and a history, for the processes in it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::sabotage::Sabotage;
use super::sky::{Pid, Sky};
use super::truth::Truth;
use crate::adapters::blobs::disk::fake::Volume;
use crate::adapters::history::testing::Ledger;
use crate::adapters::zookeeper::config::ZkConfig;
use crate::adapters::zookeeper::coord::{Coord, Mode};
use crate::adapters::zookeeper::fake::FakeEnsemble;
use crate::adapters::zookeeper::layout::ZnodeLayout;
use crate::adapters::zookeeper::registry::Registry;
use crate::domain::fixtures::{self, node_id};
use crate::domain::ids::{FileId, NodeId};
use crate::domain::snapshot::Snapshot;
use crate::engine::clock;

pub(super) const ROOT: &str = "/demo";
/// How often the world sees to deaths, restarts and mishaps.
pub(super) const TICK: Duration = Duration::from_millis(50);
/// How long a world may take to come to rest.
pub(super) const REST_MAX: Duration = Duration::from_secs(600);
/// Process that no fault befalls: it makes the first files and looks at the end.
pub(super) const WITNESS: Pid = 0;

pub(super) struct World {
    pub(super) sky: Arc<Sky>,
    pub(super) truth: Arc<Truth>,
    pub(super) ensemble: FakeEnsemble,
    pub(super) volume: Volume,
    pub(super) ledger: Ledger,
    pub(super) nodes: Vec<NodeId>,
    pub(super) sabotage: Option<Sabotage>,
    /// An ensemble without anything.
    pub(super) blank: FakeEnsemble,
    files: Mutex<Vec<FileId>>,
}

/// What all worlds of a thread begin with.
pub(super) struct Template {
    ensemble: FakeEnsemble,
    /// What a process sees that has seen nothing.
    pub(super) snapshot: Arc<Snapshot>,
}

impl Template {
    pub(super) async fn new() -> Self {
        let ensemble = FakeEnsemble::calm();
        let coord: Arc<dyn Coord> = Arc::new(ensemble.connect(ROOT));
        let config = ZkConfig { root: ROOT.into(), ..ZkConfig::default() };
        let layout = layout();
        for (path, data) in [(ROOT.to_owned(), ""), (format!("{ROOT}/control"), ""), (layout.recorded(), "1")] {
            coord.create(&path, data.as_bytes(), Mode::Persistent).await.unwrap();
        }
        let registry = Registry::open(coord, &config).await.unwrap();
        for node in nodes() {
            registry.ensure_node(&node).await.unwrap();
        }
        Self { ensemble, snapshot: Arc::new(fixtures::snapshot()) }
    }
}

/// Few buckets: each is listed whenever the records are read.
pub(super) fn layout() -> ZnodeLayout {
    ZnodeLayout::new(ROOT, 1)
}

fn nodes() -> Vec<NodeId> {
    ["zk1", "zk2", "zk3"].map(node_id).to_vec()
}

impl World {
    /// A world without processes, under a sky.
    pub(super) fn new(sky: Arc<Sky>, sabotage: Option<Sabotage>, template: &Template) -> Self {
        let truth = Arc::new(Truth::new(layout()));
        let weather: Arc<Sky> = Arc::clone(&sky);
        let ensemble = template.ensemble.copy(weather);
        let judge = Arc::clone(&truth);
        ensemble.observe(Box::new(move |effects| judge.applied(effects)));
        Self {
            sky,
            truth,
            ensemble,
            volume: Volume::default(),
            ledger: Ledger::default(),
            nodes: nodes(),
            sabotage,
            blank: template.ensemble.clone(),
            files: Mutex::default(),
        }
    }

    /// The records, whatever befalls the processes.
    pub(super) fn registry(&self) -> Registry {
        Registry::over(Arc::new(self.ensemble.connect(ROOT)), layout())
    }

    pub(super) fn any_file(&self) -> Option<FileId> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        self.sky.draw(|rng| rng.pick(&files).copied())
    }

    pub(super) fn new_file(&self) -> FileId {
        let id = clock::new_file();
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        id
    }
}

pub(super) async fn until(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    while !holds() {
        if Instant::now() > end {
            return false;
        }
        sleep(TICK).await;
    }
    true
}
