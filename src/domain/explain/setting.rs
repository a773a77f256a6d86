//! A setting: its value, where that comes from, and what it may be.

use super::explanation::{Explanation, Fact};
use crate::domain::setting::{Origin, SettingView};

/// A setting in force.
pub(super) fn setting(view: &SettingView) -> Explanation {
    let (meaning, todo) = match view.setting {
        Some(setting) => (setting.about(), format!(":set {} changes it for all instances", view.name)),
        None if view.is_of_the_console() => {
            ("a setting of this console alone", format!(":set {} changes it, :save keeps it", view.name))
        }
        None => ("a setting of this zkdeck, which holds from its start", "change it and start zkdeck again".to_owned()),
    };
    let rule = "the later of: default, zkdeck.toml, environment, flag, what was set for all instances";
    let (since, why) = match &view.origin {
        Origin::Ensemble { at, why, .. } => (Some(*at), why.clone()),
        _ => (None, None),
    };
    let with_unit = |value: &str| view.setting.and_then(|setting| Some(setting.shown(value.parse().ok()?)));
    let own = view.configured.as_ref();
    let own = own.map(|own| format!("{} ({})", with_unit(&own.value).unwrap_or(own.value.clone()), own.origin));
    let facts = [("without it", own), ("why", why)];
    Explanation {
        of: "a setting".to_owned(),
        bound: view.setting.map(crate::domain::setting::Setting::takes),
        measured: Some(view.shown()),
        source: Some(view.origin.to_string()),
        since,
        facts: facts.into_iter().filter_map(|(name, value)| Some(Fact::new(name, value?))).collect(),
        ..Explanation::means(&view.name, [meaning, rule, &todo])
    }
}
