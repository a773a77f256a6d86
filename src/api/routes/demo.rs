//! Stress and workload.

use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::json;

use crate::api::body::{Fields, NoFields};
use crate::api::error::Answer;
use crate::api::outcome;
use crate::api::query::known_node;
use crate::api::state::{App, By};
use crate::domain::command::{Command, STRESS_FILES, STRESS_SIZE_KB, Stress};
use crate::domain::ids::Bytes;

/// Piles files on a node; answers with the files made and, when asked for, the run after them.
pub(in crate::api) async fn stress(State(app): State<App>, by: By, mut body: Fields) -> Answer {
    let node = body.text("node")?;
    let files = body.number("files", STRESS_FILES)?;
    let size_kb = body.number("size_kb", STRESS_SIZE_KB)?;
    let trigger_scheduler = body.flag("trigger_scheduler")?;
    body.finish()?;
    let node = known_node(&app, "node", &node)?;
    let stress = Stress { node, files, size: Bytes(size_kb * 1024), trigger_scheduler };
    let mut pending = app.command(Command::Stress(stress), &by).await?;
    match outcome::ended(&mut pending, outcome::WAIT).await {
        Err(answer) => answer,
        Ok(operation) => Ok(axum::Json(json!({
            "operation": operation.id,
            "status": operation.status,
            "node": operation.target,
            "files": operation.files,
            "run": operation.run,
            "why": operation.why,
        }))
        .into_response()),
    }
}

pub(in crate::api) async fn workload(State(app): State<App>, by: By, _: NoFields) -> Answer {
    outcome::of_row(app.command(Command::RunWorkload, &by).await?).await
}
