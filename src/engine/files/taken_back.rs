//! What the recovery does with the bytes of an attempt that it has aborted.

use crate::domain::ids::{AttemptId, FileId, NodeId};
use crate::domain::operation::OperationStatus;
use crate::engine::context::Context;

/// Removes what an aborted attempt wrote at a node. Where its row says *done*, it had been committed, and the
/// servers have forgotten that: its bytes were acknowledged and may be the only ones. They go to quarantine, from
/// where a record with their id, size and hash takes them back.
///
/// # Errors
/// Why it is not known, or not done; the next turn of the recovery tries again.
pub(super) async fn remove(ctx: &Context, node: &NodeId, file: FileId, attempt: AttemptId) -> Result<(), String> {
    let row = ctx.history.get(attempt.into()).await.map_err(|error| error.to_string())?;
    if row.is_some_and(|row| row.status == OperationStatus::Done) {
        ctx.blobs.quarantine(node, file, attempt).await.map_err(|error| error.to_string())?;
    }
    ctx.blobs.discard(node, file, attempt).await.map_err(|error| error.to_string())
}
