//! Follows single paths that changed.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};

use super::SessionLoop;
use crate::adapters::zookeeper::election;
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::layout::Touched;
use crate::adapters::zookeeper::registry::{FoundSettings, ReadFile, Registry};
use crate::domain::event::{Event, Learned, Mark};
use crate::domain::ids::{FileId, NodeId};

/// Records that are read at the same time.
const READS: usize = 32;

/// What has to be read again, each once.
#[derive(Default)]
struct Todo {
    files: BTreeSet<FileId>,
    nodes: BTreeSet<NodeId>,
    instances: bool,
    leader: bool,
    epoch: bool,
    scheduler: bool,
    settings: bool,
    run: bool,
    last_run: bool,
    scrub: bool,
    store: bool,
}

impl Todo {
    fn add(&mut self, touched: Touched) {
        match touched {
            Touched::File(file) => _ = self.files.insert(file),
            Touched::Node(node) => _ = self.nodes.insert(node),
            Touched::Leader => self.leader = true,
            Touched::Epoch => self.epoch = true,
            Touched::Instances => self.instances = true,
            Touched::Scheduler => self.scheduler = true,
            Touched::Settings => self.settings = true,
            Touched::Run(_) => self.run = true,
            Touched::LastRun => self.last_run = true,
            Touched::Scrub => self.scrub = true,
            Touched::Store => self.store = true,
            Touched::Intent(_) | Touched::Other => {}
        }
    }
}

impl SessionLoop {
    /// Reads what the paths are about. A failed read makes a scan due, so nothing is missed.
    pub(super) async fn follow(&mut self, paths: &[String]) -> Result<(), String> {
        let Some(link) = &self.link else { return Ok(()) };
        let registry = link.registry.clone();
        let mut todo = Todo::default();
        paths.iter().for_each(|path| todo.add(registry.layout().classify(path)));
        let leader = todo.leader;
        if todo.store {
            self.link.iter_mut().for_each(|link| link.scan_due = true);
        }
        if let Err(error) = self.read(&registry, todo).await {
            self.link.iter_mut().for_each(|link| link.scan_due = true);
            return Err(format!("reading what changed: {error}"));
        }
        if leader { self.stand().await } else { Ok(()) }
    }

    async fn read(&mut self, registry: &Registry, mut todo: Todo) -> Result<(), ZkError> {
        let begun = self.ctx.marks.reading();
        let mut reads = stream::iter(std::mem::take(&mut todo.files))
            .map(|file| read_file(registry, file, begun))
            .buffer_unordered(READS);
        while let Some(event) = reads.next().await {
            let event = event?;
            if let Event::FileUnreadable { .. } = event {
                // Should a newer program have written it, the whole store is left alone.
                self.link.iter_mut().for_each(|link| link.scan_due = true);
            }
            self.ctx.emit(event).await;
        }
        let nodes_changed = !todo.nodes.is_empty();
        for node in std::mem::take(&mut todo.nodes) {
            if let Some((record, version)) = registry.read_node(&node).await? {
                self.ctx.emit(Event::Node { node, record, version }).await;
            }
        }
        if todo.instances {
            self.ctx.emit(Event::Instances(election::instances(registry).await?)).await;
        }
        self.read_control(registry, &todo).await?;
        if nodes_changed || todo.run || todo.scheduler || todo.settings {
            self.scheduler.poke();
        }
        Ok(())
    }
}

impl SessionLoop {
    /// What the control znodes hold, as far as `todo` names them.
    async fn read_control(&self, registry: &Registry, todo: &Todo) -> Result<(), ZkError> {
        if todo.scheduler {
            let (paused, version) = registry.scheduler_paused().await?;
            self.ctx.emit(Event::SchedulerPaused { paused, version }).await;
        }
        if todo.settings {
            let FoundSettings { shared, version, problem } = registry.settings().await?;
            self.ctx.emit(Event::Settings { shared, version, problem }).await;
        }
        if todo.epoch
            && let Some(epoch) = registry.epoch().await?
        {
            self.ctx.emit(Event::Epoch(epoch)).await;
        }
        if todo.last_run
            && let Some(run) = registry.last_run().await?
        {
            self.ctx.emit(Event::RunEnded(run.into())).await;
        }
        if todo.scrub
            && let Some(report) = registry.scrub_report().await?
        {
            self.ctx.emit(Event::ScrubReport(Box::new(report))).await;
        }
        Ok(())
    }

    /// Everything that they hold.
    pub(super) async fn read_all_control(&self, registry: &Registry) -> Result<(), ZkError> {
        let all = Todo { scheduler: true, settings: true, epoch: true, last_run: true, scrub: true, ..Todo::default() };
        self.read_control(registry, &all).await
    }
}

async fn read_file(registry: &Registry, file: FileId, begun: Mark) -> Result<Event, ZkError> {
    let learned = Learned::Read(begun);
    Ok(match registry.read_file(file).await? {
        ReadFile::Entry(entry) => Event::FileChanged { entry, learned },
        ReadFile::Gone => Event::FileRemoved { file, learned },
        ReadFile::Unreadable { path, cause, .. } | ReadFile::Denied { path, cause } => {
            Event::FileUnreadable { path, cause }
        }
    })
}
