//! Whether the program lives, whether it is ready, its metrics and its description.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::api::config::CONTROL;
use crate::api::error::Answer;
use crate::api::metrics;
use crate::api::state::App;
use crate::domain::snapshot::{SessionState, Snapshot};

/// The process answers.
pub(in crate::api) async fn healthz() -> Answer {
    Ok(axum::Json(json!({ "status": "ok" })).into_response())
}

/// 200 when commands can be taken, else 503 with what is missing; either way with every store that is
/// sick, its cause and the next step.
pub(in crate::api) async fn readyz(State(app): State<App>) -> Answer {
    let snapshot = app.snapshot();
    let missing = missing(&snapshot);
    let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let alerts: Vec<&str> = snapshot.alerts.iter().map(|alert| alert.text.as_str()).collect();
    let answer = json!({ "ready": missing.is_empty(), "missing": missing, "alerts": alerts });
    Ok((status, axum::Json(answer)).into_response())
}

fn missing(snapshot: &Snapshot) -> Vec<String> {
    let mut missing = Vec::new();
    if snapshot.session.state != SessionState::Connected {
        let cause = snapshot.session.cause.as_deref().unwrap_or("still connecting");
        missing.push(format!("session: {cause}"));
    } else if !snapshot.files_complete {
        missing.push("records: they are still being read".to_owned());
    }
    if let Some(problem) = &snapshot.history.problem {
        missing.push(format!("history: {problem}"));
    }
    for task in snapshot.loops.iter() {
        if let Some(problem) = &task.problem {
            missing.push(format!("{}: {problem}", task.name));
        }
    }
    missing
}

pub(in crate::api) async fn metrics(State(app): State<App>) -> Answer {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((kind, metrics::text(&app.snapshot())).into_response())
}

/// The routes, as OpenAPI 3.1.
pub(in crate::api) async fn openapi(State(app): State<App>) -> Answer {
    let text = include_str!("../../../docs/openapi.json");
    if app.config.control_disabled.is_some()
        && let Ok(mut whole) = serde_json::from_str::<Value>(text)
        && let Some(paths) = whole.get_mut("paths").and_then(Value::as_object_mut)
    {
        paths.remove(CONTROL);
        return Ok(axum::Json(whole).into_response());
    }
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}
