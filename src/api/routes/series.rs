//! What was measured over time.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;

use crate::api::error::{Answer, Fail};
use crate::api::query::Params;
use crate::api::state::App;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::log::{MOMENT_RULE, Moment};
use crate::domain::series::{PrometheusPart, SeriesAsk, SeriesKey, SeriesLine, SeriesPoint, SeriesUnit};

/// Points of an answer whose step was left open.
const POINTS: u64 = 240;

/// Mean and largest value of each step; null where nothing was measured.
pub(in crate::api) async fn list(State(app): State<App>, mut params: Params) -> Answer {
    let now = app.handle.snapshot().taken_at;
    let moment_rule = format!("must be {MOMENT_RULE}");
    let mut moment = |name| params.parsed(name, &moment_rule, Moment::parse);
    let from = moment("from")?.unwrap_or(Moment::Ago(Millis(3_600_000))).resolve(now);
    let until = moment("to")?.map_or(now, |to| to.resolve(now));
    let step = params.parsed("step", "must be a span like 10s, 5m or 1h", span)?;
    let names = params.text("series").ok_or_else(|| Fail::field("series", "must name at least one, like up@zk1"))?;
    params.finish()?;
    let named = names.split(',').map(|name| name.trim().parse::<SeriesKey>());
    let series = named.collect::<Result<_, _>>().map_err(|error| Fail::field("series", error.to_string()))?;
    let step = step.unwrap_or_else(|| Millis((until.since(from).0 / POINTS).max(1_000)));
    let ask = SeriesAsk { series, from, until, step };
    ask.axis(now).map_err(|wrong| {
        let field = if wrong.field == "until" { "to" } else { wrong.field };
        Fail::field(field, wrong.rule)
    })?;
    let page = app.asked(app.handle.ask(ask)).await?.map_err(|error| Fail::question("series", &error))?;
    let series = page.lines.into_iter().map(SeriesRow::from).collect();
    let (from_ms, step_ms, prometheus) = (page.from, page.step, page.prometheus);
    Ok(axum::Json(MeasuredPage { from_ms, step_ms, prometheus, series }).into_response())
}

#[derive(Serialize)]
struct MeasuredPage {
    from_ms: Timestamp,
    step_ms: Millis,
    /// Whether some of it is Prometheus's.
    prometheus: PrometheusPart,
    series: Vec<SeriesRow>,
}

#[derive(Serialize)]
struct SeriesRow {
    series: SeriesKey,
    unit: SeriesUnit,
    mean: Vec<Option<f32>>,
    max: Vec<Option<f32>>,
}

impl From<SeriesLine> for SeriesRow {
    fn from(line: SeriesLine) -> Self {
        let points = |value: fn(&SeriesPoint) -> f32| line.points.iter().map(|p| p.as_ref().map(value)).collect();
        let (mean, max) = (points(|point| point.mean), points(|point| point.max));
        Self { unit: line.series.name.unit(), series: line.series, mean, max }
    }
}

/// A time without a point in it, `10s`.
fn span(text: &str) -> Option<Millis> {
    match Moment::parse(text)? {
        Moment::Ago(span) => Some(span),
        Moment::OfDay(_) | Moment::Yesterday | Moment::At(_) => None,
    }
}
