//! Writes that demand the records of nodes as they were seen. Only a drain keeps a file out of a node: a record that
//! was changed otherwise, such as by another weight, is looked at again, and the write is made on what it is now.

use super::Failure;
use crate::adapters::zookeeper::error::ZkError;
use crate::adapters::zookeeper::layout::Touched;
use crate::adapters::zookeeper::registry::{Fence, Registry};
use crate::domain::event::Event;
use crate::engine::context::Context;

/// How often a write is made again because a node's record was changed.
const TRIES: usize = 8;

/// Why a write was not made.
pub(super) struct Refused {
    pub(super) failure: Failure,
    /// It may have been applied all the same, or may yet be.
    pub(super) open: bool,
}

/// One write, its fence, and how often it was refused for a node's record.
pub(super) struct Fenced<'a> {
    pub(super) fence: &'a mut Fence,
    ctx: &'a Context,
    registry: &'a Registry,
    tries: usize,
}

impl<'a> Fenced<'a> {
    pub(super) const fn new(ctx: &'a Context, registry: &'a Registry, fence: &'a mut Fence) -> Self {
        Self { fence, ctx, registry, tries: 0 }
    }

    /// How a try ended; `None` when it is to be made again, on the fence as it is now.
    ///
    /// # Errors
    /// [`Refused`], with [`Failure::Refuses`] for a node that was drained meanwhile.
    pub(super) async fn ended(&mut self, tried: Result<(), ZkError>) -> Option<Result<(), Refused>> {
        let Err(error) = tried else { return Some(Ok(())) };
        self.tries += 1;
        match renew(self.ctx, self.registry, self.fence, &error).await {
            Ok(true) if self.tries < TRIES => None,
            Err(failure) => Some(Err(Refused { failure, open: false })),
            Ok(_) => {
                let open = !error.definitely_not_applied();
                Some(Err(Refused { failure: Failure::of(error, self.registry.layout()), open }))
            }
        }
    }
}

/// Whether the write was refused for a node's record, which the fence now has as it is.
async fn renew(ctx: &Context, registry: &Registry, fence: &mut Fence, error: &ZkError) -> Result<bool, Failure> {
    let ZkError::Refused { path, .. } = error else { return Ok(false) };
    let Touched::Node(node) = registry.layout().classify(path) else { return Ok(false) };
    let Some((record, found)) = registry.read_node(&node).await? else { return Ok(false) };
    let drains = record.state.is_draining();
    ctx.emit(Event::Node { node: node.clone(), record, version: found }).await;
    if drains {
        return Err(Failure::Refuses { node, why: "it was drained meanwhile; choose another node".into() });
    }
    let known = fence.nodes.iter_mut().find(|(of, _)| *of == node);
    Ok(known.is_some_and(|(_, version)| std::mem::replace(version, found) != found))
}
