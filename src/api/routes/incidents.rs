//! What went wrong, or changed, by itself.

use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::api::error::{Answer, Fail};
use crate::api::query::Params;
use crate::api::state::App;
use crate::domain::filter::HISTORY;
use crate::domain::ids::Timestamp;
use crate::domain::incident::{INCIDENTS_PAGE_MAX, Incident, IncidentsAsk};
use crate::domain::log::{Expr, TypedClock, parse_typed};

/// Incidents that touch a span of time, newest first.
pub(in crate::api) async fn list(State(app): State<App>, mut params: Params) -> Answer {
    let now = app.handle.snapshot().taken_at;
    let mut moment = |name| Ok::<_, Fail>(params.moment(name, now)?.map(|at| at.resolve(now)));
    let (from, until) = (moment("from")?, moment("to")?);
    let expr = read_query(&mut params, now)?;
    let limit = params.number("limit", 1..=INCIDENTS_PAGE_MAX, 100)?;
    params.finish()?;
    let ask = IncidentsAsk { from, until, expr, limit, as_of: None };
    let page = app.asked(app.handle.ask(ask)).await?.map_err(|error| Fail::question("incidents", &error))?;
    let incidents: Vec<Value> = page.incidents.iter().map(row).collect();
    Ok(axum::Json(json!({ "incidents": incidents, "total": page.total })).into_response())
}

/// `q`, in the language of the logs.
pub(super) fn read_query(params: &mut Params, now: Timestamp) -> Result<Expr, Fail> {
    let Some(query) = params.text("q") else { return Ok(Expr::All) };
    let read = parse_typed(&query, &HISTORY, TypedClock::utc(now));
    read.map_err(|error| Fail::field("q", error.to_string()).with("column", error.column))
}

fn row(incident: &Incident) -> Value {
    json!({
        "id": incident.id,
        "kind": incident.what.kind().word(),
        "text": incident.what.to_string(),
        "detail": incident.what,
        "node": incident.what.node(),
        "began_ms": incident.began,
        "ended_ms": incident.ended,
        "cause": incident.cause,
        "begun_by": incident.begun_by,
        "ended_by": incident.ended_by,
        "instance": incident.instance,
    })
}
