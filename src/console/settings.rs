//! Settings on the command line: `:set`, `:unset`, `:save`, and what is proposed for them.

use std::borrow::Cow;

use super::effect::Effect;
use super::order::Work;
use super::own::{GLYPHS, GlyphSet, MOUSE, OwnSettings, THEME};
use super::place::SavedSetting;
use super::sanitise;
use super::typed::Typed;
use crate::domain::command::Command;
use crate::domain::setting::{Configured, Origin, Setting, SettingView, holds_from_the_start};
use crate::domain::snapshot::Snapshot;

/// `:set NAME VALUE [WHY]`.
pub(super) fn set(arguments: &[&str], snapshot: &Snapshot) -> Result<Typed, String> {
    let [name, value, why @ ..] = arguments else { return Err("missing setting or value".into()) };
    if let Some(setting) = Setting::named(name) {
        // A unit may stand apart from its number.
        let apart = why.first().filter(|unit| setting.is_unit(unit) && value.ends_with(|c: char| c.is_ascii_digit()));
        let (value, why) = match apart {
            Some(unit) => (format!("{value}{unit}"), &why[1..]),
            None => ((*value).to_owned(), why),
        };
        let value = setting.read(&sanitise::clean(&value)).map_err(|unfit| unfit.to_string())?;
        let why = Some(why.join(" ")).filter(|why| !why.is_empty());
        return Ok(send(Command::Set { setting, value: Some(value), why }));
    }
    if [THEME, MOUSE, GLYPHS].contains(name) && !why.is_empty() {
        return Err(format!("{name} is this console's own and takes no reason"));
    }
    match *name {
        THEME => Ok(Typed::Theme((*value).to_owned())),
        MOUSE => switch(value).map(Typed::Mouse),
        GLYPHS => {
            let found = GlyphSet::ALL.into_iter().find(|set| set.word() == *value);
            found.map(Typed::Glyphs).ok_or_else(|| {
                format!(
                    "{GLYPHS}: {:?} is none of {}",
                    sanitise::clean(value),
                    GlyphSet::ALL.map(GlyphSet::word).join(", ")
                )
            })
        }
        other => Err(unknown(other, snapshot)),
    }
}

/// `:unset NAME`.
pub(super) fn unset(arguments: &[&str], snapshot: &Snapshot) -> Result<Typed, String> {
    let [name, why @ ..] = arguments else { return Err("missing setting".into()) };
    let setting = Setting::named(name).ok_or_else(|| match *name {
        THEME | MOUSE | GLYPHS => format!("{name} is this console's own: :set gives it another value"),
        other => unknown(other, snapshot),
    })?;
    let why = Some(why.join(" ")).filter(|why| !why.is_empty());
    Ok(send(Command::Set { setting, value: None, why }))
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        other => Err(format!("{:?} is neither on nor off", sanitise::clean(other))),
    }
}

const fn send(command: Command) -> Typed {
    Typed::Effect(Effect::Work(Work::Send(command)))
}

fn unknown(name: &str, snapshot: &Snapshot) -> String {
    holds_from_the_start(name, &snapshot.settings)
        .unwrap_or_else(|| format!("there is no setting {:?}; :settings shows them all", sanitise::clean(name)))
}

/// Names that may be set, each with its value and where that comes from.
pub(super) fn names(snapshot: &Snapshot, own: &OwnSettings) -> Vec<(String, String)> {
    let all = in_force(snapshot, own).into_iter().filter(may_be_set);
    all.map(|one| (one.name.clone(), format!("{} ({})", one.shown(), one.origin))).collect()
}

/// Names of what was set for all instances.
pub(super) fn lifted(snapshot: &Snapshot) -> Vec<(String, String)> {
    let set = snapshot.settings.iter().filter_map(|one| Some((one, one.configured.as_ref()?)));
    set.map(|(one, own)| (one.name.clone(), format!("{}; then {} ({})", one.shown(), own.value, own.origin))).collect()
}

/// Whether `:set` takes it.
pub(super) fn may_be_set(one: &SettingView) -> bool {
    one.setting.is_some() || one.is_of_the_console()
}

/// Every setting in force here: those of the engine, and what was changed in this console.
pub(super) fn in_force(snapshot: &Snapshot, own: &OwnSettings) -> Vec<SettingView> {
    let changed = own.changed();
    let here = |one: &SettingView| match changed.iter().find(|(name, _)| *name == one.name) {
        None => one.clone(),
        Some((_, value)) => SettingView {
            value: value.clone(),
            origin: Origin::Found { how: "set in this console".to_owned() },
            configured: Some(Configured {
                name: one.name.clone(),
                value: one.value.clone(),
                origin: one.origin.clone(),
            }),
            ..one.clone()
        },
    };
    let mut all: Vec<SettingView> = snapshot.settings.iter().map(here).collect();
    // Those of the scheduler in the order in which they belong together.
    all.sort_by_key(|one| (one.setting.is_none(), one.setting));
    all
}

/// The picture with the settings as they are in this console.
pub(super) fn as_here<'a>(snapshot: &'a Snapshot, own: &OwnSettings) -> Cow<'a, Snapshot> {
    if own.changed().is_empty() {
        return Cow::Borrowed(snapshot);
    }
    Cow::Owned(Snapshot { settings: in_force(snapshot, own).into(), ..snapshot.clone() })
}

/// What `:save` writes: all that was changed while it runs, each with what comes before the file at the next start.
pub(super) fn to_save(snapshot: &Snapshot, own: &OwnSettings) -> Vec<SavedSetting> {
    // What was written and is another now, as after `:unset`, is written anew.
    let is_stale = |one: &SettingView| own.saved.get(&one.name).is_some_and(|saved| *saved != one.value);
    // What only the leader has is its own.
    let changed = in_force(snapshot, own).into_iter().filter(|one| !matches!(one.origin, Origin::Leader { .. }));
    let changed = changed.filter(|one| one.configured.is_some() || is_stale(one)).map(|one| {
        let SettingView { name, value, origin, configured, .. } = one;
        (configured.map_or(origin, |own| own.origin), name, value)
    });
    let saved = changed.map(|(origin, name, value)| SavedSetting {
        name,
        value,
        over: match origin {
            Origin::Environment { variable } => Some(variable.into_owned()),
            Origin::Flag => Some("the flag that it was started with".to_owned()),
            Origin::Default
            | Origin::File { .. }
            | Origin::Found { .. }
            | Origin::Leader { .. }
            | Origin::Ensemble { .. } => None,
        },
    });
    saved.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures;

    fn typed(words: &[&str]) -> Result<Command, String> {
        match set(words, &fixtures::snapshot())? {
            Typed::Effect(Effect::Work(Work::Send(command))) => Ok(command),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn a_setting_of_all_instances_is_sent_with_its_reason() {
        let sent = |setting, value, why: Option<&str>| {
            Ok(Command::Set { setting, value: Some(value), why: why.map(str::to_owned) })
        };
        assert_eq!(typed(&["scheduler.threshold", "8"]), sent(Setting::Threshold, 8, None));
        assert_eq!(
            typed(&["scheduler.interval", "2m", "load", "test"]),
            sent(Setting::Interval, 120, Some("load test"))
        );
        assert_eq!(typed(&["scheduler.interval", "2", "m"]), sent(Setting::Interval, 120, None));
        assert_eq!(typed(&["scheduler.reserve", "4", "GiB", "m"]), sent(Setting::Reserve, 4096, Some("m")));
        assert_eq!(typed(&["threshold", "8", "m"]), sent(Setting::Threshold, 8, Some("m")));
        for (words, told) in [
            (&["scheduler.threshold", "1"][..], "scheduler.threshold: \"1\" is not a whole number from 2 to 1,000,000"),
            (&["scheduler.interval", "15", "MiB"], "\"15MiB\" is not a whole number from 1 to 86,400, in seconds"),
            (&["scheduler.threshold"], "missing setting or value"),
            (&["scheduler.wind", "1"], "there is no setting \"scheduler.wind\""),
            (&["console.mouse", "maybe"], "neither on nor off"),
            (&["console.glyphs", "runes"], "none of auto, unicode, ascii"),
            (&["console.theme", "light", "bright"], "takes no reason"),
        ] {
            let why = typed(words).unwrap_err();
            assert!(why.contains(told), "{words:?}: {why}");
        }
    }

    #[test]
    fn what_was_changed_here_is_in_force_and_is_saved() {
        let mut snapshot = fixtures::snapshot();
        let theme = Configured { name: THEME.into(), value: "\"auto\"".into(), origin: Origin::Flag };
        let Configured { name, value, origin } = theme.clone();
        let mut all = snapshot.settings.to_vec();
        all.push(SettingView { name, value, origin, setting: None, configured: None });
        snapshot.settings = all.into();
        let mut own = OwnSettings::default();
        assert_eq!(to_save(&snapshot, &own), []);
        own.theme = Some("light".into());
        let saved = to_save(&snapshot, &own);
        assert_eq!((saved[0].name.as_str(), saved[0].value.as_str(), saved.len()), (THEME, "\"light\"", 1));
        assert!(saved[0].over.is_some(), "the flag comes first at the next start too");
        own.saved.insert("scheduler.threshold".into(), "6".into());
        let again = to_save(&snapshot, &own);
        assert!(again.iter().any(|one| one.name == "scheduler.threshold" && one.value == "5"), "it was unset since");
        assert!(names(&snapshot, &own).iter().any(|(name, about)| name == THEME && about.contains("this console")));
        assert!(unknown(THEME, &snapshot).contains("holds from the start"));
    }
}
