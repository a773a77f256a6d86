//! What the workers of a process do: moves in small batches, uploads, deletes, drains; from records
//! that may be old when they are used.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tokio::time::sleep;

use super::process::Process;
use super::sky::Fault;
use super::world::World;
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::registry::{Fence, ReadFile, Registry};
use crate::domain::file::FileEntry;
use crate::domain::ids::{Bytes, NodeId, OperationId, Timestamp};
use crate::domain::node::{NodeRecord, NodeState};
use crate::domain::scheduler::MoveReason;
use crate::engine::files::delete;
use crate::engine::files::moves::{self, MoveOrder};
use crate::engine::files::upload::{self, Source, UploadOrder};

pub(super) async fn work(world: Arc<World>, process: Arc<Process>) {
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
        0..65 => move_some(world, process, registry).await,
        65..78 => {
            upload_one(world, process).await;
            Ok(())
        }
        78..88 => delete_one(world, process, registry).await,
        _ => drain_one(world, registry).await,
    }
}

/// The fence that the process acts under: as a leader, or for an operator.
fn fence(world: &World, process: &Process) -> Fence {
    let operator = world.sky.draw(|rng| rng.chance(300));
    let mind = process.mind.lock().unwrap_or_else(PoisonError::into_inner);
    Fence { epoch: mind.leads.filter(|_| !operator), nodes: mind.fence.nodes.clone() }
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
    let fence = fence(world, process);
    for _ in 0..world.sky.draw(|rng| rng.below(3)) + 1 {
        let Some(entry) = read(world, registry).await? else { continue };
        if orders.iter().any(|order| order.entry.id == entry.id) {
            continue;
        }
        let targets = fence.nodes.iter().map(|(node, _)| node);
        let others: Vec<NodeId> = targets.filter(|node| **node != entry.record.owner).cloned().collect();
        let Some(dst) = world.sky.draw(|rng| rng.pick(&others).cloned()) else { continue };
        let (attempt, reason) = (world.new_attempt(), MoveReason::Manual);
        let (why, by) = (String::new(), String::new());
        orders.push(MoveOrder { attempt, entry: Arc::new(entry), dst, reason, why, by });
    }
    sleep(world.sky.draw(|rng| rng.millis(100))).await;
    if !orders.is_empty() {
        moves::run(&process.ctx, orders, &fence).await;
    }
    Ok(())
}

pub(super) async fn upload_one(world: &World, process: &Process) {
    let fence = Fence { epoch: None, ..fence(world, process) };
    let Some((node, _)) = world.sky.draw(|rng| rng.pick(&fence.nodes).cloned()) else { return };
    let (attempt, file) = (world.new_attempt(), world.new_file());
    let source = Source::Generated { size: Bytes(world.sky.draw(|rng| rng.below(40))), seed: attempt.bits() as u64 };
    let (name, why, by) = (String::new(), String::new(), String::new());
    let order = UploadOrder { attempt, file, name, node, pinned: false, source, by, why };
    // An upload that fails here may still be made: the file is known from now on.
    _ = upload::run(&process.ctx, order, &fence).await;
}

async fn delete_one(world: &World, process: &Process, registry: &Registry) -> Result<(), ZkError> {
    let Some(entry) = read(world, registry).await? else { return Ok(()) };
    _ = delete::run(&process.ctx, world.new_attempt(), &Arc::new(entry), "").await;
    Ok(())
}

async fn drain_one(world: &World, registry: &Registry) -> Result<(), ZkError> {
    let (on, node) = (world.sky.is_on(Fault::Drain), world.sky.draw(|rng| rng.pick(&world.nodes).cloned()));
    let Some(node) = node.filter(|_| on) else { return Ok(()) };
    let Some((record, version)) = registry.read_node(&node).await? else { return Ok(()) };
    world.sky.fire(Fault::Drain);
    let state = if record.state.is_draining() {
        NodeState::Active
    } else {
        let operation = OperationId::from(world.new_attempt());
        NodeState::Draining { since_ms: Timestamp(u64::MAX / 4), files_at_start: 0, operation }
    };
    registry.write_node(&node, &NodeRecord { state, ..record }, version).await.map(drop)
}
