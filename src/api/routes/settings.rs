//! Settings: what holds and where it comes from, and changes of those that may be changed at run time.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::api::body::{Fields, NoFields};
use crate::api::error::{Answer, Fail};
use crate::api::outcome;
use crate::api::state::{App, By};
use crate::domain::command::{Command, Rejected};
use crate::domain::setting::{Configured, Setting, SettingView, holds_from_the_start};

pub(in crate::api) async fn list(State(app): State<App>) -> Answer {
    let snapshot = app.current().await?;
    let settings: Vec<Value> = snapshot.settings.iter().map(shown).collect();
    Ok(axum::Json(json!({ "settings": settings, "taken_at": snapshot.taken_at })).into_response())
}

fn shown(one: &SettingView) -> Value {
    let own = one.configured.as_ref();
    json!({
        "name": one.name,
        "value": value(&one.value),
        "origin": one.origin,
        "changeable": one.setting.is_some(),
        "about": one.setting.map(Setting::about),
        "configured": own.map(|Configured { value: own, origin, .. }| json!({ "value": value(own), "origin": origin })),
    })
}

/// The value that `zkdeck.toml` writes so.
fn value(text: &str) -> Value {
    let table = format!("value = {text}").parse::<toml::Table>().ok();
    table.and_then(|table| serde_json::to_value(table.get("value")?).ok()).unwrap_or_else(|| text.into())
}

/// Changes one for all instances.
pub(in crate::api) async fn set(State(app): State<App>, Path(name): Path<String>, by: By, mut body: Fields) -> Answer {
    let setting = known(&app, &name)?;
    let value = body.number("value", setting.bounds())?;
    let why = body.text_if_given("why")?;
    body.finish()?;
    outcome::of_row(app.command(Command::Set { setting, value: Some(value), why }, &by).await?).await
}

/// Lifts one: what each process's own sources say holds again.
pub(in crate::api) async fn unset(State(app): State<App>, Path(name): Path<String>, by: By, _: NoFields) -> Answer {
    let setting = known(&app, &name)?;
    outcome::of_row(app.command(Command::Set { setting, value: None, why: None }, &by).await?).await
}

fn known(app: &App, name: &str) -> Result<Setting, Fail> {
    if let Some(setting) = Setting::named(name) {
        return Ok(setting);
    }
    let rule = holds_from_the_start(name, &app.handle.snapshot().settings).unwrap_or_else(|| {
        let names: Vec<_> = Setting::ALL.iter().map(|setting| setting.name()).collect();
        format!("there is no setting {name:?}; those that may be changed are {}", names.join(", "))
    });
    Err(Rejected::InvalidField { field: "name".into(), rule }.into())
}
