//! Watches the processes or containers of the servers and the disks of the nodes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::adapters::control::ServerControl;
use crate::adapters::control::process::LocalEnsemble;
use crate::domain::event::Event;
use crate::domain::ids::NodeId;
use crate::domain::node::NodeCondition;
use crate::domain::server::HostView;
use crate::domain::snapshot::{ControlView, LocalView, LoopName};
use crate::engine::context::Context;
use crate::engine::driver::Loop;
use crate::engine::files::moves::tell_write;

const PERIOD: Duration = Duration::from_secs(1);
/// Disks are looked at every fifth turn.
const DISK_TURNS: u64 = 5;

pub struct HostsLoop {
    ctx: Context,
    control: Arc<dyn ServerControl>,
    /// The servers of `--local`: started with the first turn, watched with each.
    local: Option<Arc<LocalEnsemble>>,
    nodes: Vec<NodeId>,
    timer: Interval,
    turns: u64,
    known: BTreeMap<NodeId, Option<HostView>>,
    owns: Option<bool>,
    kind: Option<ControlView>,
}

impl HostsLoop {
    #[must_use]
    pub fn new(
        ctx: Context,
        control: Arc<dyn ServerControl>,
        local: Option<Arc<LocalEnsemble>>,
        nodes: Vec<NodeId>,
    ) -> Self {
        let mut timer = interval(PERIOD);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ctx, control, local, nodes, timer, turns: 0, known: BTreeMap::new(), owns: None, kind: None }
    }

    async fn local(&mut self) -> Result<(), String> {
        let Some(local) = &self.local else { return Ok(()) };
        for news in local.tick().await {
            match news.ended {
                Some(node) => self.ctx.emit(Event::ServerEnded { node, level: news.level, text: news.text }).await,
                None => self.ctx.notice(news.level, news.text).await,
            }
        }
        let owns = local.owns();
        if self.owns.replace(owns) != Some(owns) {
            let view = if owns { LocalView::Owner } else { LocalView::Attached };
            self.ctx.emit(Event::Local(view)).await;
        }
        Ok(())
    }

    /// A disk that failed is tried by a small write, so that its node goes on by itself. One that is
    /// full goes on when it has room.
    async fn try_failing(&self) {
        let snapshot = self.ctx.snapshot();
        if !snapshot.may_touch_bytes() {
            return;
        }
        // Where the folder itself is in trouble, a write that fails says nothing new.
        for node in snapshot.nodes.iter().filter(|node| node.condition == NodeCondition::Unhealthy) {
            let tried = self.ctx.blobs.try_write(&node.id).await;
            tell_write(&self.ctx, &node.id, tried.as_ref().err()).await;
        }
    }

    async fn disks(&self) -> Result<(), String> {
        let mut problem = Ok(());
        for node in &self.nodes {
            match self.ctx.blobs.free(node).await {
                Ok(free) => self.ctx.emit(Event::DiskFree { node: node.clone(), free: Some(free) }).await,
                // Who only watches has made no folders.
                Err(_) if self.ctx.snapshot().instance.read_only => {}
                Err(error) => problem = problem.and(Err(error.to_string())),
            }
        }
        self.try_failing().await;
        problem
    }
}

#[async_trait]
impl Loop for HostsLoop {
    fn name(&self) -> LoopName {
        LoopName::Hosts
    }

    async fn wait(&mut self) {
        _ = self.timer.tick().await;
    }

    async fn turn(&mut self) -> Result<(), String> {
        self.local().await?;
        let mut hosts = self.control.hosts().await;
        hosts.retain(|(node, view)| self.known.get(node) != Some(view));
        if !hosts.is_empty() {
            self.known.extend(hosts.iter().cloned());
            self.ctx.emit(Event::Hosts(hosts)).await;
        }
        // Docker comes and goes; the kind is that of the look just taken.
        let kind = self.control.kind();
        if self.kind.as_ref() != Some(&kind) {
            self.kind = Some(kind.clone());
            self.ctx.emit(Event::Control(kind)).await;
        }
        let disks_due = self.turns.is_multiple_of(DISK_TURNS);
        self.turns += 1;
        if disks_due { self.disks().await } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::adapters::control::off::Off;
    use crate::domain::fixtures::{self, node_id};
    use crate::domain::snapshot::Snapshot;
    use crate::engine::context::testing::context;

    /// What is told of writes at a node that takes no files.
    async fn tried(condition: NodeCondition) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let (events, mut heard) = mpsc::channel(64);
        let (mut ctx, _clerk) = context(folder.path(), &[node_id("zk1")], events, watch::channel(None).1);
        std::fs::remove_dir_all(folder.path().join("uploads/zk1/.tmp")).unwrap();
        let mut snapshot: Snapshot = fixtures::snapshot();
        let mut nodes = snapshot.nodes.to_vec();
        nodes[0].condition = condition;
        snapshot.nodes = nodes.into();
        ctx.snapshots = watch::channel(Arc::new(snapshot)).1;
        HostsLoop::new(ctx, Arc::new(Off::new("a test")), None, Vec::new()).try_failing().await;
        let mut told = 0;
        while heard.try_recv().is_ok() {
            told += 1;
        }
        told
    }

    #[tokio::test]
    async fn a_folder_in_trouble_is_not_told_twice() {
        assert_eq!((tried(NodeCondition::Unhealthy).await, tried(NodeCondition::Unreadable).await), (1, 0));
    }
}
