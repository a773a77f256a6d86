//! The ensemble and this instance's place in it.

use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::json;

use crate::api::error::Answer;
use crate::api::state::App;

pub(in crate::api) async fn ensemble(State(app): State<App>) -> Answer {
    let snapshot = app.current().await?;
    let view = &snapshot.ensemble;
    Ok(axum::Json(json!({
        "state": view.state,
        "quorum": view.quorum,
        "can_lose": view.quorum.can_lose(),
        "leader": view.leader,
        "epoch": view.epoch,
        "cause": view.cause,
        "since": view.since,
        "session": snapshot.session,
        "leadership": snapshot.leadership,
        "instance": snapshot.instance,
        "instances": snapshot.instances,
        "control": snapshot.control,
        "canary": snapshot.canary,
        "history": snapshot.history,
        "loops": snapshot.loops,
        "workload": snapshot.workload,
        "unreadable_records": snapshot.unreadable,
        "taken_at": snapshot.taken_at,
    }))
    .into_response())
}
