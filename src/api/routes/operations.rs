//! History.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;

use crate::api::error::{Answer, Fail};
use crate::api::query::Params;
use crate::api::state::App;
use crate::domain::ids::OperationId;
use crate::domain::operation::{HISTORY_PAGE_MAX, HistoryQuery, OperationKind, OperationStatus};

/// Rows, newest first; `before` is the last id of the page before.
pub(in crate::api) async fn list(State(app): State<App>, mut params: Params) -> Answer {
    let query = HistoryQuery {
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
    };
    params.finish()?;
    let page = app.limited(app.handle.history(query)).await?.map_err(|error| Fail::question("history", &error))?;
    Ok(axum::Json(page).into_response())
}

/// One row with its steps.
pub(in crate::api) async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer {
    let unknown = |message: String| Fail::new(StatusCode::NOT_FOUND, "unknown-operation", message);
    let id: OperationId = id.parse().map_err(|error: crate::domain::ids::InvalidId| unknown(error.to_string()))?;
    if let Some(operation) = app.snapshot().operation(id) {
        return Ok(axum::Json(operation).into_response());
    }
    let query = HistoryQuery { id: Some(id), limit: 1, ..HistoryQuery::default() };
    let page = app.limited(app.handle.history(query)).await?.map_err(|error| Fail::question("history", &error))?;
    match page.operations.into_iter().next() {
        Some(operation) => Ok(axum::Json(operation).into_response()),
        None => Err(unknown(format!("there is no operation {id}"))),
    }
}
