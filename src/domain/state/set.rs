//! Settings that are changed at run time: which hold, and whether a change may be made.

use std::sync::Arc;

use super::State;
use crate::domain::command::Rejected;
use crate::domain::ids::Timestamp;
use crate::domain::level::Level;
use crate::domain::setting::{
    Configured, InForce, Origin, SchedulerSettings, Setting, SettingView, SharedSetting, SharedSettings,
};
use crate::domain::snapshot::InstanceInfo;

/// Longest reason that may be given for a change, in characters.
const WHY_MAX: usize = 200;

/// A change of a setting, with what it was judged on.
#[derive(Clone, Debug)]
pub struct SettingChange {
    pub setting: Setting,
    /// In the setting's unit; `None` lifts what was set.
    pub value: Option<u64>,
    pub why: Option<String>,
    /// All that was set, and the version under which it was read.
    pub shared: SharedSettings,
    pub version: i32,
    /// The values before and after, in words: `5 to 8`, `lifted, 8 to 5`.
    pub told: String,
}

impl State {
    /// The scheduler's settings in force.
    #[must_use]
    pub const fn scheduling(&self) -> &SchedulerSettings {
        &self.in_force.settings
    }

    /// What the ensemble holds is another one. An older version than the known one is an echo that came late.
    pub(super) fn settings_seen(
        &mut self,
        shared: SharedSettings,
        version: i32,
        problem: Option<String>,
        now: Timestamp,
    ) {
        if self.shared_version.is_some_and(|known| version < known) {
            return;
        }
        let is_new = self.shared_version.replace(version) != Some(version);
        if let Some(problem) = problem.filter(|_| is_new) {
            let text = format!("{problem}; each zkdeck goes by its own settings, and :set writes it anew");
            self.notice(Level::Warning, text, now);
        }
        if shared == self.shared {
            return;
        }
        self.shared = shared;
        self.reckon_settings(now);
    }

    /// What this process goes by when it leads; where another one does, what that one goes by.
    fn base(&self) -> SchedulerSettings {
        let leader = self.leadership.leader.as_ref().filter(|leader| leader.id != self.instance.id);
        leader.and_then(|leader| leader.scheduler).unwrap_or(self.settings.scheduler)
    }

    /// Takes what holds anew: what was set, or who leads, is another.
    pub(super) fn reckon_settings(&mut self, now: Timestamp) {
        let next = self.shared.over(self.base());
        let before = std::mem::replace(&mut self.in_force, next);
        self.settings_view = None;
        let in_force = &self.in_force;
        self.scheduler.go_by(&in_force.settings);
        let refused: Vec<_> =
            in_force.refused.iter().filter(|unfit| !before.refused.contains(unfit)).cloned().collect();
        for unfit in refused {
            let text = format!("a setting of the ensemble is not used here: {unfit}; :unset lifts it");
            self.notice(Level::Warning, text, now);
        }
    }

    /// Judges a change of a setting.
    ///
    /// # Errors
    /// [`Rejected`] naming the setting and its rule.
    pub(super) fn check_set(
        &self,
        setting: Setting,
        value: Option<u64>,
        why: Option<&str>,
    ) -> Result<SettingChange, Rejected> {
        let invalid = |rule: String| Rejected::InvalidField { field: setting.name().into(), rule };
        if why.is_some_and(|why| why.chars().count() > WHY_MAX) {
            return Err(Rejected::InvalidField { field: "why".into(), rule: format!("{WHY_MAX} characters at most") });
        }
        let Some(version) = self.shared_version else {
            let why = "the ensemble's settings have not been read yet".into();
            return Err(Rejected::NotReady { what: format!("setting {setting}"), why });
        };
        let now = self.in_force.settings.get(setting);
        let set = self.shared.get(setting).map(|one| one.value);
        if set == value {
            let what = match value {
                Some(value) => format!("{setting} is set to {} already", setting.shown(value)),
                None => format!("{setting} is not set for all instances; here it is {}", setting.shown(now)),
            };
            return Err(Rejected::AlreadySo { what });
        }
        let mut wanted = self.shared.values();
        match value {
            Some(value) => wanted.insert(setting, value),
            None => wanted.remove(&setting),
        };
        let after = InForce::new(self.base(), &wanted);
        // What was refused before is not this change's fault.
        let amiss = after.refused.iter().find(|unfit| !self.in_force.refused.contains(unfit));
        if let Some(unfit) = amiss {
            return Err(invalid(unfit.rule_for(setting)));
        }
        let (before, then) = (setting.shown(now), setting.shown(after.settings.get(setting)));
        let told = if value.is_some() { format!("{before} to {then}") } else { format!("lifted, {before} to {then}") };
        Ok(SettingChange { setting, value, why: why.map(str::to_owned), shared: self.shared.clone(), version, told })
    }

    /// Every setting in force, and where it comes from.
    pub(super) fn setting_views(&mut self) -> Arc<[SettingView]> {
        let made = self.settings_view.take().unwrap_or_else(|| {
            self.settings.configured.iter().map(|configured| self.setting_view(configured)).collect()
        });
        self.settings_view = Some(Arc::clone(&made));
        made
    }

    fn setting_view(&self, configured: &Configured) -> SettingView {
        let setting = Setting::named(&configured.name);
        let Configured { name, value, origin } = configured.clone();
        let shared = setting.filter(|setting| self.in_force.set.contains(setting)).and_then(|s| self.shared.get(s));
        match shared {
            None => match setting.map(|setting| self.in_force.settings.get(setting).to_string()) {
                // Another process leads, by settings of its own.
                Some(theirs) if theirs != value => {
                    let leader = self.leadership.leader.as_ref().map(InstanceInfo::name).unwrap_or_default();
                    let configured = Some(configured.clone());
                    SettingView { name, value: theirs, origin: Origin::Leader { name: leader }, setting, configured }
                }
                _ => SettingView { name, value, origin, setting, configured: None },
            },
            Some(SharedSetting { value, by, at, why, .. }) => SettingView {
                name,
                value: value.to_string(),
                origin: Origin::Ensemble { by: by.clone(), at: *at, why: why.clone() },
                setting,
                configured: Some(configured.clone()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::state;
    use super::*;
    use crate::domain::command::Command;
    use crate::domain::event::Event;
    use crate::domain::fixtures::NOW;
    use crate::domain::ids::OperationId;
    use crate::domain::snapshot::LeadershipView;

    fn set(shared: &SharedSettings, setting: Setting, value: u64) -> SharedSettings {
        let one = SharedSetting {
            value,
            by: "console root".into(),
            at: NOW,
            operation: OperationId::new(9),
            why: Some("a test".into()),
        };
        shared.with(setting, Some(one))
    }

    fn read(shared: SharedSettings, version: i32) -> Event {
        Event::Settings { shared, version, problem: None }
    }

    fn ask(setting: Setting, value: Option<u64>) -> Command {
        Command::Set { setting, value, why: None }
    }

    #[test]
    fn what_the_ensemble_holds_is_planned_by_and_shown_with_who_set_it() {
        let mut state = state([20, 12, 12]);
        let moves = |state: &State| state.plan(NOW).moves.len();
        assert!(moves(&state) > 0);
        state.apply(read(set(&SharedSettings::default(), Setting::Threshold, 9), 1), NOW);
        assert_eq!((moves(&state), state.trigger(), state.scheduling().threshold), (0, 9, 9));
        let snapshot = state.snapshot(NOW);
        assert_eq!(snapshot.scheduler.trigger, 9);
        let shown = snapshot.settings.iter().find(|one| one.setting == Some(Setting::Threshold)).unwrap();
        assert_eq!((shown.value.as_str(), shown.origin.to_string().as_str()), ("9", "set by console root"));
        assert_eq!(shown.configured.as_ref().map(|own| own.value.as_str()), Some("5"));
        state.apply(read(SharedSettings::default(), 0), NOW);
        assert_eq!(state.trigger(), 9, "an echo that came late");
        state.apply(read(SharedSettings::default(), 2), NOW);
        assert_eq!((state.trigger(), state.snapshot(NOW).scheduler.trigger), (5, 5));
    }

    #[test]
    fn a_standby_shows_what_its_leader_goes_by() {
        let mut state = state([20, 12, 12]);
        let theirs = SchedulerSettings { threshold: 12, ..*state.scheduling() };
        let leader = InstanceInfo {
            id: crate::domain::ids::InstanceId::new(77),
            host: "b".into(),
            pid: 2,
            since_ms: NOW,
            scheduler: Some(theirs),
            seat: None,
        };
        let led = |leader: &InstanceInfo| {
            Event::Leadership(LeadershipView { leads: false, leader: Some(leader.clone()), epoch: None })
        };
        let shown = |state: &mut State| {
            let snapshot = state.snapshot(NOW);
            let one = snapshot.settings.iter().find(|one| one.setting == Some(Setting::Threshold)).cloned().unwrap();
            (snapshot.scheduler.trigger, one.value, one.origin.to_string())
        };
        state.apply(led(&leader), NOW);
        assert_eq!(shown(&mut state), (12, "12".into(), "b:2, which leads".into()));
        state.apply(read(set(&SharedSettings::default(), Setting::Threshold, 9), 1), NOW);
        assert_eq!(shown(&mut state), (9, "9".into(), "set by console root".into()));
        state.apply(read(SharedSettings::default(), 2), NOW);
        state.apply(led(&InstanceInfo { scheduler: None, ..leader }), NOW);
        assert_eq!(shown(&mut state), (5, "5".into(), "default".into()), "an older one does not tell");
    }

    #[test]
    fn a_change_is_refused_by_its_rule_and_before_the_settings_are_read() {
        let mut state = state([0; 3]);
        let code = |state: &State, command: &Command| state.check(command).map_err(|no| (no.code(), no.to_string()));
        assert_eq!(code(&state, &ask(Setting::Settle, Some(2))).unwrap_err().0, "not-ready");
        state.apply(read(SharedSettings::default(), 3), NOW);
        let change = state.check_set(Setting::Settle, Some(2), None).unwrap();
        assert_eq!((change.version, change.told.as_str()), (3, "1 to 2"));
        for (setting, value, told) in [
            (Setting::Settle, Some(5), "scheduler.settle: 5 must be below scheduler.threshold, which is 5"),
            (Setting::Threshold, Some(1), "scheduler.threshold: 1 is not a whole number from 2 to 1,000,000"),
            (Setting::Interval, Some(0), "scheduler.interval_s: 0 is not a whole number from 1 to 86,400, in seconds"),
        ] {
            assert_eq!(code(&state, &ask(setting, value)).unwrap_err(), ("invalid-field", told.to_owned()));
        }
        assert_eq!(code(&state, &ask(Setting::Settle, None)).unwrap_err().0, "already-so");
        state.apply(read(set(&SharedSettings::default(), Setting::Settle, 3), 4), NOW);
        assert_eq!(code(&state, &ask(Setting::Settle, Some(3))).unwrap_err().0, "already-so");
        let told = code(&state, &ask(Setting::Threshold, Some(3))).unwrap_err().1;
        assert_eq!(told, "scheduler.threshold: it would be 3, and scheduler.settle, which must be below it, is 3");
        assert!(state.check(&ask(Setting::Settle, None)).is_ok());
        let long = Command::Set { setting: Setting::Settle, value: Some(2), why: Some("x".repeat(201)) };
        assert_eq!(code(&state, &long).unwrap_err(), ("invalid-field", "why: 200 characters at most".to_owned()));
    }

    #[test]
    fn what_cannot_be_read_is_told_and_can_be_written_over() {
        let mut state = state([0; 3]);
        state.apply(read(set(&SharedSettings::default(), Setting::Threshold, 9), 1), NOW);
        let problem = Some("/demo/control/settings cannot be used: it is no JSON".to_owned());
        for _ in 0..2 {
            let shared = SharedSettings::default();
            state.apply(Event::Settings { shared, version: 2, problem: problem.clone() }, NOW);
        }
        let told = state.snapshot(NOW).notices.iter().filter(|one| one.text.contains("it is no JSON")).count();
        assert_eq!((told, state.trigger()), (1, 5));
        assert!(state.check(&ask(Setting::Threshold, Some(7))).is_ok());
    }

    #[test]
    fn what_cannot_be_obeyed_is_told_once() {
        let mut state = state([0; 3]);
        let wild = set(&SharedSettings::default(), Setting::Parallel, 0);
        let notices = |state: &mut State| {
            state.snapshot(NOW).notices.iter().filter(|notice| notice.text.contains("scheduler.parallel")).count()
        };
        state.apply(read(wild.clone(), 1), NOW);
        assert_eq!((notices(&mut state), state.scheduling().parallel), (1, 8));
        state.apply(read(set(&wild, Setting::Threshold, 8), 2), NOW);
        assert_eq!((notices(&mut state), state.trigger()), (1, 8));
        assert!(state.check(&ask(Setting::Parallel, None)).is_ok(), "it can be lifted");
        assert!(state.check(&ask(Setting::Settle, Some(2))).is_ok(), "others can be set beside it");
    }
}
