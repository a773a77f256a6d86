//! The scheduler: what it sees, what it did, and its switches.

use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::api::body::NoFields;
use crate::api::error::{Answer, Fail};
use crate::api::outcome;
use crate::api::routes::files::{marked, stale};
use crate::api::routes::nodes::as_known;
use crate::api::state::{App, By};
use crate::domain::ask::PlanAsk;
use crate::domain::command::Command;
use crate::domain::node::NodeView;
use crate::domain::planner::{Counted, share};
use crate::domain::snapshot::InstanceInfo;

/// Counts and shares per node, threshold, spread, who leads, the next and the last run.
pub(in crate::api) async fn diagnostics(State(app): State<App>) -> Answer {
    let snapshot = app.current().await?;
    let scheduler = &snapshot.scheduler;
    let counted: Vec<Counted> = snapshot.nodes.iter().map(Counted::of).collect();
    let share = |at| if snapshot.files_complete { share::share(&counted, at) } else { None };
    let nodes: Vec<Value> =
        snapshot.nodes.iter().enumerate().map(|(at, view)| as_known(node(view, share(at)), &snapshot)).collect();
    let drained: Vec<_> = snapshot.nodes.iter().filter(|node| node.is_drained()).map(|node| &node.id).collect();
    let draining: Vec<_> = snapshot.nodes.iter().filter(|node| node.is_draining()).map(|node| &node.id).collect();
    let body = json!({
        "nodes": nodes,
        "threshold": scheduler.trigger,
        "settle": scheduler.settle,
        "max_difference": scheduler.max_difference,
        "draining_nodes": snapshot.ever_read().then_some(draining),
        "drained_nodes": snapshot.ever_read().then_some(drained),
        "leader": snapshot.leadership.leader.as_ref().map(InstanceInfo::name),
        "leads_here": snapshot.leadership.leads,
        "epoch": snapshot.leadership.epoch,
        "paused": snapshot.ever_read().then_some(scheduler.paused),
        "interval_ms": scheduler.interval,
        "next_run_in_ms": scheduler.next_run.map(|at| at.since(snapshot.taken_at)),
        "running": scheduler.running,
        "last_run": scheduler.last_run,
        "taken_at": snapshot.taken_at,
    });
    Ok(axum::Json(marked(body, stale(&snapshot).ok().flatten())).into_response())
}

fn node(node: &NodeView, share: Option<f64>) -> Value {
    json!({
        "id": node.id,
        "files": node.files,
        "bytes": node.bytes,
        "weight": node.weight,
        "share": share,
        "state": node.condition,
        "draining": node.is_draining(),
        "drained": node.is_drained(),
        "in_flight": node.in_flight_in + node.in_flight_out,
        "target_low": node.target.map(|(low, _)| low),
        "target_high": node.target.map(|(_, high)| high),
        "not_chosen": node.not_chosen,
        "drain": node.drain,
    })
}

/// Runs it now; answers with the run.
pub(in crate::api) async fn run(State(app): State<App>, by: By, _: NoFields) -> Answer {
    let mut pending = app.command(Command::RunScheduler, &by).await?;
    match outcome::ended(&mut pending, outcome::WAIT).await {
        Err(answer) => answer,
        Ok(operation) => Ok(axum::Json(&operation.run).into_response()),
    }
}

/// The plan that a run would carry out now; moves nothing.
pub(in crate::api) async fn preview(State(app): State<App>, _: NoFields) -> Answer {
    let plan = app.asked(app.handle.ask(PlanAsk)).await?.map_err(Fail::from)?;
    Ok(axum::Json(json!({ "message": plan.summary(), "plan": plan })).into_response())
}

pub(in crate::api) async fn stop(State(app): State<App>, by: By, _: NoFields) -> Answer {
    outcome::of_row(app.command(Command::StopRun, &by).await?).await
}

pub(in crate::api) async fn pause(State(app): State<App>, by: By, _: NoFields) -> Answer {
    outcome::of_row(app.command(Command::PauseScheduler, &by).await?).await
}

pub(in crate::api) async fn resume(State(app): State<App>, by: By, _: NoFields) -> Answer {
    outcome::of_row(app.command(Command::ResumeScheduler, &by).await?).await
}
