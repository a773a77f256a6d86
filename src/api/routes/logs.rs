//! Log lines.

use axum::extract::State;
use axum::response::IntoResponse;

use crate::api::error::{Answer, Fail};
use crate::api::query::Params;
use crate::api::state::App;
use crate::domain::log::{LOG_PAGE_MAX, LogLevel, LogQuery};

/// The newest events that match, oldest first.
pub(in crate::api) async fn search(State(app): State<App>, mut params: Params) -> Answer {
    let query = LogQuery {
        text: params.text("text").unwrap_or_default(),
        source: params.text("source"),
        level: params.parsed("level", "must be trace, debug, info, warn or error", LogLevel::from_word)?,
        limit: params.number("limit", 1..=LOG_PAGE_MAX, 200)?,
    };
    params.finish()?;
    let page = app.limited(app.handle.logs(query)).await?.map_err(|error| Fail::question("logs", &error))?;
    Ok(axum::Json(page).into_response())
}
