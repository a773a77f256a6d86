//! Nodes: their files, drains and weights.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::api::body::{Fields, NoFields};
use crate::api::error::Answer;
use crate::api::outcome;
use crate::api::query::known_node;
use crate::api::routes::files::{marked, stale};
use crate::api::state::{App, By};
use crate::domain::command::{Command, WEIGHTS};
use crate::domain::node::NodeView;
use crate::domain::snapshot::Snapshot;

pub(in crate::api) async fn list(State(app): State<App>) -> Answer {
    let snapshot = app.current().await?;
    let nodes: Vec<_> = snapshot.nodes.iter().map(|node| as_known(shown(node), &snapshot)).collect();
    let body = json!({
        "nodes": nodes,
        "files_complete": snapshot.files_complete,
        "moves": snapshot.moves,
        "taken_at": snapshot.taken_at,
    });
    // Before anything was read, the list says so by itself.
    Ok(axum::Json(marked(body, stale(&snapshot).ok().flatten())).into_response())
}

/// A node, and whether it drains or has been drained.
pub(super) fn shown(view: &NodeView) -> Value {
    let mut node = json!(view);
    if let Some(fields) = node.as_object_mut() {
        fields.insert("draining".into(), view.is_draining().into());
        fields.insert("drained".into(), view.is_drained().into());
    }
    node
}

/// A node without what its records would tell, while they have never been read.
pub(super) fn as_known(mut node: Value, snapshot: &Snapshot) -> Value {
    if let Some(fields) = node.as_object_mut().filter(|_| !snapshot.ever_read()) {
        for name in ["files", "bytes", "weight", "draining", "drained", "drain"] {
            fields.get_mut(name).map(Value::take);
        }
    }
    node
}

/// Begins a drain and says where to look.
pub(in crate::api) async fn drain(State(app): State<App>, Path(node): Path<String>, by: By, _: NoFields) -> Answer {
    let node = known_node(&app, "node", &node)?;
    outcome::begun(app.command(Command::Drain { node }, &by).await?).await
}

pub(in crate::api) async fn undrain(State(app): State<App>, Path(node): Path<String>, by: By, _: NoFields) -> Answer {
    let node = known_node(&app, "node", &node)?;
    outcome::of_row(app.command(Command::Undrain { node }, &by).await?).await
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
    outcome::of_row(app.command(Command::SetWeight { node, weight }, &by).await?).await
}
