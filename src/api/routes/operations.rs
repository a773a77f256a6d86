//! History.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::api::error::{Answer, Fail};
use crate::api::query::Params;
use crate::api::routes::incidents::read_query;
use crate::api::state::App;
use crate::domain::ask::OperationAsk;
use crate::domain::ids::OperationId;
use crate::domain::operation::{HISTORY_PAGE_MAX, HistoryQuery, Operation, OperationKind, OperationStatus};
use crate::domain::snapshot::Snapshot;

/// Rows, newest first; `before` is the last id of the page before.
pub(in crate::api) async fn list(State(app): State<App>, mut params: Params) -> Answer {
    let expr = read_query(&mut params, app.handle.snapshot().taken_at)?;
    let query = HistoryQuery {
        expr,
        before: params.id("before")?,
        limit: params.number("limit", 1..=HISTORY_PAGE_MAX, 100)?,
        kind: params.parsed("kind", "must be an operation, like migration", OperationKind::from_word)?,
        status: params.parsed(
            "status",
            "must be started, done, failed, aborted or none",
            OperationStatus::from_word,
        )?,
        node: params.node(&app, "node")?,
        file: params.id("file")?,
        text: params.text("text"),
        id: None,
        as_of: None,
    };
    params.finish()?;
    let page = app.asked(app.handle.ask(query)).await?.map_err(|error| Fail::question("history", &error))?;
    // Rows that the disk does not take yet: they may lack in the page.
    let waiting = app.handle.snapshot().history.queued;
    let body = json!({"operations": page.operations, "total": page.total, "waiting": waiting});
    Ok(axum::Json(body).into_response())
}

/// One row with its steps.
pub(in crate::api) async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer {
    let unknown = |message: String| Fail::new(StatusCode::NOT_FOUND, "unknown-operation", message);
    let id: OperationId = id.parse().map_err(|error: crate::domain::ids::InvalidId| unknown(error.to_string()))?;
    let found =
        app.asked(app.handle.ask(OperationAsk(id))).await?.map_err(|error| Fail::question("history", &error))?;
    let operation = found.ok_or_else(|| unknown(format!("there is no operation {id}")))?;
    let snapshot = app.current().await?;
    let mut body = json!(operation);
    if let (Some(progress), Some(body)) = (progress(&snapshot, &operation), body.as_object_mut()) {
        body.insert("progress".into(), progress);
    }
    Ok(axum::Json(body).into_response())
}

/// How far an operation is that goes on: the moves of a run, the files of a drain.
fn progress(snapshot: &Snapshot, operation: &Operation) -> Option<Value> {
    if operation.status.is_final() {
        return None;
    }
    let run = snapshot.scheduler.running.as_ref().filter(|running| running.id == operation.id);
    let drain = || {
        let node = operation.source.as_ref().filter(|_| operation.kind == OperationKind::Drain)?;
        snapshot.node(node)?.drain.as_ref()
    };
    run.map(|run| json!(run)).or_else(|| drain().map(|drain| json!(drain)))
}
