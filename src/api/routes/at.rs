//! The whole as it was at a moment that is over.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::nodes::{as_known, shown};
use crate::api::error::{Answer, Fail};
use crate::api::query::Params;
use crate::api::state::App;
use crate::domain::ids::Timestamp;
use crate::domain::log::{TypedClock, instant};
use crate::domain::node::{MoveView, NodeView};
use crate::domain::past::PastPart;
use crate::domain::rewind::{MOMENT_TYPED, NotAMoment, PictureThen, SnapshotAt, typed};
use crate::domain::server::ServerView;
use crate::domain::snapshot::Snapshot;

/// What was kept of it; null where nothing was.
pub(in crate::api) async fn picture(State(app): State<App>, mut params: Params) -> Answer {
    let at = moment(&mut params, app.handle.snapshot().taken_at)?;
    params.finish()?;
    match app.asked(app.handle.ask(SnapshotAt { at })).await?.map_err(|error| Fail::question("past", &error))? {
        PictureThen::Kept(snapshot) => Ok(axum::Json(told(&snapshot)).into_response()),
        PictureThen::Ahead { now } => Err(Fail::field("time", format!("has not come yet: it is {}", instant(now)))),
        PictureThen::Before { earliest } => {
            let message = format!("nothing was kept that long ago: the earliest moment is {}", instant(earliest));
            Err(Fail::new(StatusCode::NOT_FOUND, "not-kept", message).with("earliest_ms", earliest.0))
        }
        PictureThen::Nothing => Err(Fail::new(StatusCode::NOT_FOUND, "not-kept", "nothing has been kept yet")),
    }
}

/// Times without a zone are UTC.
fn moment(params: &mut Params, now: Timestamp) -> Result<Timestamp, Fail> {
    let text = params.text("time").ok_or_else(|| Fail::field("time", format!("must be a moment: {MOMENT_TYPED}")))?;
    let words: Vec<&str> = text.split_whitespace().collect();
    typed(&words, TypedClock::utc(now)).map_err(|why| match why {
        NotAMoment::Unread { .. } => Fail::field("time", format!("must be a moment: {MOMENT_TYPED}")),
        NotAMoment::Ahead { .. } => Fail::field("time", why.to_string()),
    })
}

fn told(snapshot: &Snapshot) -> Value {
    let view = &snapshot.ensemble;
    let past = snapshot.past.as_ref();
    let known = |part| past.is_some_and(|past| past.knows(part));
    let serving = known(PastPart::Servers).then_some(view.quorum.serving);
    let scheduler = &snapshot.scheduler;
    json!({
        "at": snapshot.taken_at,
        "mean_of_ms": past.and_then(|past| past.fineness),
        "unknown": past.map(|past| &past.unknown),
        "ensemble": {
            "state": view.state,
            "quorum": { "voters": view.quorum.voters, "serving": serving },
            "leader": view.leader,
            "epoch": view.epoch,
            "cause": view.cause,
            "since": view.since,
        },
        "servers": snapshot.servers.iter().map(server).collect::<Vec<_>>(),
        "nodes": snapshot.nodes.iter().map(|one| node(one, snapshot, known(PastPart::Weights))).collect::<Vec<_>>(),
        "files_complete": snapshot.files_complete,
        "files_read": snapshot.files_read,
        "moves": snapshot.moves.iter().map(migration).collect::<Vec<_>>(),
        "scheduler": {
            "paused": known(PastPart::Switch).then_some(scheduler.paused),
            "running": scheduler.running,
            "last_run": scheduler.last_run,
            "max_difference": scheduler.max_difference,
        },
        "canary_ms": snapshot.canary.last_ms,
        "alerts": snapshot.alerts,
        "operations": snapshot.operations,
        "operations_total": snapshot.operations_total,
        "incidents": snapshot.incidents,
    })
}

/// Without what was not kept of a server and has no null of its own.
fn server(view: &ServerView) -> Value {
    without(json!(view), &["short_of_heap", "all_metrics"])
}

fn node(view: &NodeView, snapshot: &Snapshot, weighed: bool) -> Value {
    let known = as_known(shown(view), snapshot);
    if weighed { known } else { without(known, &["weight"]) }
}

/// How much was copied is known before the copy began, and when all of it was.
fn migration(view: &MoveView) -> Value {
    if view.copied < view.size { without(json!(view), &["copied"]) } else { json!(view) }
}

fn without(mut value: Value, names: &[&str]) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
    value
}
