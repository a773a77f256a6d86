//! What a word means, or why something is as it is.

use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::json;

use crate::api::error::{Answer, Fail};
use crate::api::query::Params;
use crate::api::state::App;
use crate::domain::explain::{Explanation, Topic};

/// Everything that is called so; without a name what the console's header says.
pub(in crate::api) async fn explain(State(app): State<App>, mut params: Params) -> Answer {
    let of = params.text("of").unwrap_or_default();
    params.finish()?;
    let snapshot = app.current().await?;
    let topics = Topic::named(&of, &snapshot).map_err(|nothing| Fail::field("of", nothing))?;
    let explained: Vec<Explanation> = topics.iter().flat_map(|topic| topic.explained(&snapshot)).collect();
    Ok(axum::Json(json!({ "explained": explained, "taken_at": snapshot.taken_at })).into_response())
}
