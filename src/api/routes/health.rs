//! Whether the program lives, whether it is ready, its metrics and its description.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::api::config::CONTROL;
use crate::api::error::Answer;
use crate::api::metrics;
use crate::api::state::App;
use crate::domain::snapshot::Readiness;

/// The process answers.
pub(in crate::api) async fn healthz() -> Answer {
    Ok(axum::Json(json!({ "status": "ok" })).into_response())
}

/// 200 exactly while a stress, an upload, a download and a run would be taken; else 503 with what is
/// missing. Either way with everything that is sick, its cause and the next step.
pub(in crate::api) async fn readyz(State(app): State<App>) -> Answer {
    let snapshot = app.current().await?;
    let ready = snapshot.readiness == Readiness::Ready;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut alerts: Vec<String> = snapshot.alerts.iter().map(|alert| alert.text.clone()).collect();
    let troubled = snapshot.loops.iter().filter_map(|task| Some((task.name.word(), task.problem.as_ref()?)));
    alerts.extend(troubled.map(|(name, problem)| format!("{name}: {problem}")));
    let answer = json!({
        "ready": ready,
        "state": snapshot.readiness.word(),
        "read_only": snapshot.instance.read_only,
        "missing": snapshot.readiness.missing(),
        "alerts": alerts,
    });
    let mut response = (status, axum::Json(answer)).into_response();
    if !ready {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(1));
    }
    Ok(response)
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
