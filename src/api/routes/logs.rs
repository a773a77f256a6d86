//! Log events.

use axum::extract::State;
use axum::response::IntoResponse;

use crate::api::error::{Answer, Fail};
use crate::api::query::Params;
use crate::api::state::App;
use crate::domain::log::{
    Expr, LogCursor, LogLevel, LogPage, LogSearch, PAGE_MAX, PageAsk, PageWay, TypedClock, parse_at,
};

/// A page of the events that match, oldest first; the newest ones without a cursor.
pub(in crate::api) async fn search(State(app): State<App>, mut params: Params) -> Answer {
    let now = app.handle.snapshot().taken_at;
    let expr = match params.text("q") {
        None => Expr::All,
        Some(query) => parse_at(&query, TypedClock::utc(now))
            .map_err(|error| Fail::field("q", error.to_string()).with("column", error.column))?,
    };
    let search = LogSearch {
        expr,
        from: params.moment("from", now)?,
        to: params.moment("to", now)?,
        level: params.parsed("level", "must be trace, debug, info, warn or error", LogLevel::from_word)?,
        node: params.text("node"),
    };
    if search.is_backwards(now) {
        return Err(Fail::field("from", "must not be after `to`, nor since: after until:"));
    }
    let way = |text: &str| match text {
        "older" => Some(PageWay::Older),
        "newer" => Some(PageWay::Newer),
        _ => None,
    };
    let ask = PageAsk {
        search,
        cursor: params.text("cursor").map(LogCursor::given),
        way: params.parsed("way", "must be older or newer", way)?.unwrap_or_default(),
        limit: params.number("limit", 1..=PAGE_MAX, 200)?,
        count: true,
        soon: None,
    };
    params.finish()?;
    let page = app.asked(app.handle.ask(ask)).await?.map_err(|fail| Fail::logs(&fail))?;
    // Followers go on by `newer`.
    Ok(axum::Json(LogPage { mark: None, ..page }).into_response())
}
