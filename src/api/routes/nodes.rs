//! Nodes: their files, drains and weights.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::json;

use crate::api::body::{Fields, NoFields};
use crate::api::error::Answer;
use crate::api::outcome;
use crate::api::query::known_node;
use crate::api::routes::files::stale;
use crate::api::state::{App, By};
use crate::domain::command::{Command, WEIGHTS};

pub(in crate::api) async fn list(State(app): State<App>) -> Answer {
    let snapshot = app.current().await?;
    let mut body = json!({
        "nodes": snapshot.nodes,
        "files_complete": snapshot.files_complete,
        "moves": snapshot.moves,
        "taken_at": snapshot.taken_at,
    });
    // Before anything was read, the list says so by itself.
    if let (Ok(Some(stale)), Some(body)) = (stale(&snapshot), body.as_object_mut()) {
        body.extend(stale);
    }
    Ok(axum::Json(body).into_response())
}

/// Begins a drain and says where to look.
pub(in crate::api) async fn drain(State(app): State<App>, Path(node): Path<String>, by: By, _: NoFields) -> Answer {
    let node = known_node(&app, "node", &node)?;
    outcome::begun(app.command(Command::Drain { node }, &by).await?).await
}

pub(in crate::api) async fn undrain(State(app): State<App>, Path(node): Path<String>, by: By, _: NoFields) -> Answer {
    let node = known_node(&app, "node", &node)?;
    outcome::told(app.command(Command::Undrain { node }, &by).await?).await
}

pub(in crate::api) async fn weight(
    State(app): State<App>,
    Path(node): Path<String>,
    by: By,
    mut body: Fields,
) -> Answer {
    let weight = body.number("weight", WEIGHTS)?;
    body.finish()?;
    let node = known_node(&app, "node", &node)?;
    let weight = u32::try_from(weight).unwrap_or(u32::MAX);
    outcome::told(app.command(Command::SetWeight { node, weight }, &by).await?).await
}
