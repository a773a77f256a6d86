//! What the workers of a process do: moves in small batches, uploads, deletes, drains; from records
//! that may be old when they are used.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::sleep;

use super::process::{Process, Running};
use super::sky::SkyFault;
use super::world::World;
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::registry::{Fence, ReadFile, Registry};
use crate::domain::command::{Actor, Command};
use crate::domain::file::FileEntry;
use crate::domain::ids::{Bytes, FileId, NodeId, OperationId, Timestamp};
use crate::domain::node::{NodeRecord, NodeState};
use crate::domain::scheduler::MoveReason;
use crate::engine::clock;
use crate::engine::files::delete;
use crate::engine::files::moves::{self, MoveOrder};
use crate::engine::files::upload::{self, Source, UploadOrder};
use crate::engine::handle::Upload;

/// Workers of a process.
const WORKERS: usize = 2;

/// Gives a process its workers.
pub(super) fn employ(world: &Arc<World>, running: &mut Running) {
    running.process.working.store(WORKERS, Ordering::Relaxed);
    for _ in 0..WORKERS {
        running.add(work(Arc::clone(world), Arc::clone(&running.process)));
    }
}

async fn work(world: Arc<World>, process: Arc<Process>) {
    while process.jobs.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        sleep(world.sky.draw(|rng| rng.millis(600))).await;
        let Some(registry) = process.ctx.registry() else { continue };
        // A read that fails costs the job its turn.
        _ = one(&world, &process, &registry).await;
    }
    process.working.fetch_sub(1, Ordering::Relaxed);
}

async fn one(world: &World, process: &Process, registry: &Registry) -> Result<(), ZkError> {
    match world.sky.draw(|rng| rng.below(100)) {
        0..50 => move_some(world, process, registry).await,
        50..60 => upload_one(world, process, registry).await,
        60..68 => delete_one(world, process, registry).await,
        68..78 => drain_one(world, registry).await,
        _ => {
            ask(world, process).await;
            Ok(())
        }
    }
}

/// As an operator does: whatever the process then answers.
async fn ask(world: &World, process: &Process) {
    let snapshot = process.handle.snapshot();
    let files: Vec<FileId> = snapshot.files.iter().map(|entry| entry.id).collect();
    let drains = world.sky.is_on(SkyFault::Drain);
    let (what, file, node, weight) = world.sky.draw(|rng| {
        let node = rng.pick(&world.nodes).cloned();
        (rng.below(8), rng.pick(&files).copied(), node, 50 + rng.below(100) as u32)
    });
    let Some(node) = node else { return };
    let command = match (what, file) {
        (0 | 1, _) => Command::RunScheduler,
        (2, Some(file)) => Command::Migrate { file, target: node },
        (3, Some(file)) => Command::Delete { file },
        (4, _) => Command::SetWeight { node, weight },
        (5, _) if drains => Command::Drain { node },
        (6, _) if drains => Command::Undrain { node },
        _ => return take_in(world, process).await,
    };
    // What is refused is refused.
    if let Ok(mut pending) = process.handle.begin(command, Actor("worker".into())).await {
        _ = pending.ended(PATIENCE).await;
    }
}

/// Of a worker for what it has asked for.
const PATIENCE: Duration = Duration::from_secs(5);

async fn take_in(world: &World, process: &Process) {
    let bytes = vec![7; world.sky.draw(|rng| rng.below(40)) as usize];
    let upload = Upload { name: "taken in".into(), node: None, size_hint: None, limit: None };
    let source = Box::pin(std::io::Cursor::new(bytes));
    if let Ok(mut pending) = process.handle.upload(upload, source, Actor("worker".into())).await {
        _ = pending.ended(PATIENCE).await;
    }
}

/// The fence that the process acts under: as a leader, or for an operator. A node that drains is no target, at
/// whatever version.
async fn fence(world: &World, process: &Process, registry: &Registry) -> Result<Fence, ZkError> {
    let operator = world.sky.draw(|rng| rng.chance(300));
    let leadership = process.handle.snapshot().leadership.clone();
    let mut nodes = Vec::with_capacity(world.nodes.len());
    for node in &world.nodes {
        let active = registry.read_node(node).await?.filter(|(record, _)| !record.state.is_draining());
        nodes.extend(active.map(|(_, version)| (node.clone(), version)));
    }
    Ok(Fence { epoch: leadership.epoch.filter(|_| leadership.leads && !operator), nodes })
}

async fn read(world: &World, registry: &Registry) -> Result<Option<FileEntry>, ZkError> {
    let Some(file) = world.any_file() else { return Ok(None) };
    match registry.read_file(file).await? {
        ReadFile::Entry(entry) => Ok(Some(*entry)),
        ReadFile::Gone | ReadFile::Unreadable { .. } | ReadFile::Denied { .. } => Ok(None),
    }
}

async fn move_some(world: &World, process: &Process, registry: &Registry) -> Result<(), ZkError> {
    let mut orders: Vec<MoveOrder> = Vec::new();
    let fence = fence(world, process, registry).await?;
    for _ in 0..world.sky.draw(|rng| rng.below(3)) + 1 {
        let Some(entry) = read(world, registry).await? else { continue };
        if orders.iter().any(|order| order.entry.id == entry.id) {
            continue;
        }
        let targets = fence.nodes.iter().map(|(node, _)| node);
        let others: Vec<NodeId> = targets.filter(|node| **node != entry.record.owner).cloned().collect();
        let Some(dst) = world.sky.draw(|rng| rng.pick(&others).cloned()) else { continue };
        let (attempt, reason) = (clock::new_attempt(), MoveReason::Manual);
        let (why, by) = (String::new(), String::new());
        orders.push(MoveOrder { attempt, entry: Arc::new(entry), dst, reason, why, by });
    }
    sleep(world.sky.draw(|rng| rng.millis(100))).await;
    if !orders.is_empty() {
        moves::run(&process.ctx, orders, &fence).await;
    }
    Ok(())
}

pub(super) async fn upload_one(world: &World, process: &Process, registry: &Registry) -> Result<(), ZkError> {
    let fence = Fence { epoch: None, ..fence(world, process, registry).await? };
    let Some((node, _)) = world.sky.draw(|rng| rng.pick(&fence.nodes).cloned()) else { return Ok(()) };
    store(world, process, node, &fence).await;
    Ok(())
}

pub(super) async fn upload_to(
    world: &World,
    process: &Process,
    registry: &Registry,
    node: &NodeId,
) -> Result<(), ZkError> {
    let fence = Fence { epoch: None, ..fence(world, process, registry).await? };
    store(world, process, node.clone(), &fence).await;
    Ok(())
}

async fn store(world: &World, process: &Process, node: NodeId, fence: &Fence) {
    let (attempt, file) = (clock::new_attempt(), world.new_file());
    let source = Source::Generated { size: Bytes(world.sky.draw(|rng| rng.below(40))), seed: attempt.bits() as u64 };
    let (name, why, by) = (String::new(), String::new(), String::new());
    let order = UploadOrder { attempt, file, name, node, pinned: false, source, by, why };
    // An upload that fails here may still be made: the file is known from now on.
    _ = upload::run(&process.ctx, order, fence).await;
}

async fn delete_one(world: &World, process: &Process, registry: &Registry) -> Result<(), ZkError> {
    let Some(entry) = read(world, registry).await? else { return Ok(()) };
    _ = delete::run(&process.ctx, clock::new_attempt(), &Arc::new(entry), "").await;
    Ok(())
}

async fn drain_one(world: &World, registry: &Registry) -> Result<(), ZkError> {
    let (on, node) = (world.sky.is_on(SkyFault::Drain), world.sky.draw(|rng| rng.pick(&world.nodes).cloned()));
    let Some(node) = node.filter(|_| on) else { return Ok(()) };
    let Some((record, version)) = registry.read_node(&node).await? else { return Ok(()) };
    world.sky.fire(SkyFault::Drain);
    let state = if record.state.is_draining() {
        NodeState::Active
    } else {
        let operation = OperationId::from(clock::new_attempt());
        NodeState::Draining { since_ms: Timestamp(u64::MAX / 4), files_at_start: 0, operation }
    };
    registry.write_node(&node, &NodeRecord { state, ..record }, version).await.map(drop)
}
