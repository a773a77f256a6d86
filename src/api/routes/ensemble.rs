//! The ensemble and this instance's place in it.

use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::json;

use crate::api::error::Answer;
use crate::api::state::App;
use crate::domain::ensemble::EnsembleState;

pub(in crate::api) async fn ensemble(State(app): State<App>) -> Answer {
    let snapshot = app.current().await?;
    let view = &snapshot.ensemble;
    let known = (view.state != EnsembleState::Unknown).then_some(view.quorum);
    Ok(axum::Json(json!({
        "state": view.state,
        "quorum": { "voters": view.quorum.voters, "serving": known.map(|quorum| quorum.serving) },
        "can_lose": known.map(|quorum| quorum.can_lose()),
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
