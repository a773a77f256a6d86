//! Waits for an operation and answers with its outcome.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;

use super::error::{Answer, Fail};
use super::state::App;
use crate::domain::command::Accepted;
use crate::domain::ids::OperationId;
use crate::domain::operation::{Operation, OperationStatus};

/// Longest wait for an operation before its place is told instead.
pub(super) const WAIT: Duration = Duration::from_secs(10);

/// Waits for the end; the error is the answer when it has not ended or has failed.
pub(super) async fn ended(app: &App, accepted: &Accepted, limit: Duration) -> Result<Arc<Operation>, Answer> {
    let Some(id) = accepted.operation else {
        return Err(Ok(axum::Json(json!({ "message": accepted.message })).into_response()));
    };
    match app.handle.wait_operation(id, limit).await {
        None => Err(Ok(later(id, &accepted.message))),
        Some(operation) if operation.status == OperationStatus::Failed => {
            let why = operation.why.clone().unwrap_or_else(|| "the cause is not known".into());
            let fail = Fail::new(StatusCode::INTERNAL_SERVER_ERROR, "operation-failed", why);
            Err(Err(fail.with("operation", id.to_string())))
        }
        Some(operation) => Ok(operation),
    }
}

/// 202: it goes on, and this is where to look.
fn later(id: OperationId, message: &str) -> axum::response::Response {
    let look = format!("/api/operations/{id}");
    let body = json!({ "operation": id, "status": "started", "message": message, "look": look });
    (StatusCode::ACCEPTED, [(header::LOCATION, look)], axum::Json(body)).into_response()
}

/// The answer for operations whose row is all there is to tell.
pub(super) async fn told(app: &App, accepted: Accepted) -> Answer {
    match ended(app, &accepted, WAIT).await {
        Err(answer) => answer,
        Ok(operation) => Ok(axum::Json(json!({
            "operation": operation.id,
            "status": operation.status,
            "message": accepted.message,
            "why": operation.why,
        }))
        .into_response()),
    }
}

/// 202 at once, for what takes as long as it takes: a drain.
pub(super) fn begun(accepted: &Accepted) -> Answer {
    match accepted.operation {
        Some(id) => Ok(later(id, &accepted.message)),
        None => Ok(axum::Json(json!({ "message": accepted.message })).into_response()),
    }
}
