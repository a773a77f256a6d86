//! Waits for an operation and answers with its end.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;

use super::error::{Answer, Fail};
use crate::domain::ids::OperationId;
use crate::domain::operation::Operation;
use crate::engine::handle::PendingOperation;

/// Longest wait for an operation before its place is told instead.
pub(super) const WAIT: Duration = Duration::from_secs(10);

/// Waits for the end; the error is the answer when the operation has not ended or was not done.
pub(super) async fn ended(pending: &mut PendingOperation, limit: Duration) -> Result<Arc<Operation>, Answer> {
    let Some(id) = pending.accepted.operation else {
        return Err(Ok(axum::Json(json!({ "message": pending.accepted.message })).into_response()));
    };
    match pending.ended(limit).await {
        None => Err(Ok(later(id, &pending.accepted.message))),
        Some(operation) => done(operation).map_err(Err),
    }
}

/// The operation when it did what was asked; else the problem that tells why not and what is true now.
pub(super) fn done(operation: Arc<Operation>) -> Result<Arc<Operation>, Fail> {
    if operation.outcome().is_success() { Ok(operation) } else { Err(Fail::operation(&operation)) }
}

/// 202: it goes on, and this is where to look.
fn later(id: OperationId, message: &str) -> axum::response::Response {
    let look = format!("/api/operations/{id}");
    let body = json!({ "operation": id, "status": "started", "message": message, "look": look });
    (StatusCode::ACCEPTED, [(header::LOCATION, look)], axum::Json(body)).into_response()
}

/// The answer for operations whose row is all there is to tell.
pub(super) async fn of_row(mut pending: PendingOperation) -> Answer {
    match ended(&mut pending, WAIT).await {
        Err(answer) => answer,
        Ok(operation) => Ok(row(&operation)),
    }
}

fn row(operation: &Operation) -> axum::response::Response {
    axum::Json(json!({
        "operation": operation.id,
        "status": operation.status,
        "message": operation.message(),
        "why": operation.why,
    }))
    .into_response()
}

/// 202 for what takes as long as it takes, a drain, once its operation can be looked at; 200 when it is done by then.
pub(super) async fn begun(mut pending: PendingOperation) -> Answer {
    let Some(id) = pending.accepted.operation else {
        return Ok(axum::Json(json!({ "message": pending.accepted.message })).into_response());
    };
    match pending.begun(WAIT).await {
        Some(operation) if operation.status.is_final() => done(operation).map(|done| row(&done)),
        Some(_) => Ok(later(id, &pending.accepted.message)),
        None => Ok(later(id, &format!("{}: not in force yet, the operation tells when", pending.accepted.message))),
    }
}
