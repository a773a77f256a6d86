//! The ensemble's servers: their health, and control over them.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;

use crate::api::body::Fields;
use crate::api::error::{Answer, Fail, shortened};
use crate::api::outcome;
use crate::api::query::{Params, known_node};
use crate::api::state::{App, By};
use crate::domain::ask::OutputAsk;
use crate::domain::command::{Command, Confirmed, Rejected, ServerAction};
use crate::domain::server::OUTPUT_LINES_MAX;

pub(in crate::api) async fn list(State(app): State<App>) -> Answer {
    let snapshot = app.current().await?;
    Ok(axum::Json(json!({ "servers": snapshot.servers, "taken_at": snapshot.taken_at })).into_response())
}

/// What the server's container has written last.
pub(in crate::api) async fn output(State(app): State<App>, Path(node): Path<String>, mut params: Params) -> Answer {
    let lines = params.number("tail", 1..=OUTPUT_LINES_MAX, 200)?;
    params.finish()?;
    let node = known_node(&app, "node", &node)?;
    let snapshot = app.current().await?;
    let host = snapshot.server(&node).and_then(|server| server.host.as_ref());
    if host.is_some_and(|host| host.container.is_none()) {
        let message = format!("{node} runs in no container; its log is in logs/{node}: GET /api/logs?node={node}");
        return Err(Fail::new(StatusCode::CONFLICT, "no-container", message));
    }
    let output = app.asked(app.handle.ask(OutputAsk { node, lines })).await?;
    Ok(axum::Json(output.map_err(|error| Fail::question("container-log", &error))?).into_response())
}

/// Pauses, resumes, stops, starts or restarts a server. An action against the quorum needs `"confirm"`: the
/// server's name.
pub(in crate::api) async fn act(
    State(app): State<App>,
    Path((node, action)): Path<(String, String)>,
    by: By,
    mut body: Fields,
) -> Answer {
    let confirm = body.text_if_given("confirm")?;
    body.finish()?;
    let node = known_node(&app, "node", &node)?;
    let Some(action) = ServerAction::ALL.into_iter().find(|known| known.word() == action) else {
        let message = format!("there is no action {:?}; use pause, resume, stop, start or restart", shortened(&action));
        return Err(Fail::new(StatusCode::NOT_FOUND, "unknown-action", message));
    };
    let confirmed = match confirm.as_deref() {
        None => Confirmed::No,
        Some(name) if name == node.as_str() => Confirmed::Named,
        Some(_) => return Err(Fail::field("confirm", format!("must be the server's name, {node}"))),
    };
    let command = Command::Server { node: node.clone(), action, confirmed };
    let pending = match app.limited(app.handle.begin(command, by.0)).await? {
        Ok(pending) => pending,
        Err(rejected @ Rejected::NeedsConfirm { .. }) => {
            return Err(Fail::from(rejected).with("next", format!("send {{\"confirm\":\"{node}\"}}")));
        }
        Err(rejected) => return Err(rejected.into()),
    };
    outcome::of_row(pending).await
}
