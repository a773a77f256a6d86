//! What was set at run time, for all instances: it lies in the ensemble.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{SchedulerSettings, Setting, Unfit};
use crate::domain::ids::{OperationId, Timestamp};

/// One setting as it was set at run time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedSetting {
    /// In the setting's unit.
    pub value: u64,
    pub by: String,
    pub at: Timestamp,
    pub operation: OperationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// All that was set at run time: what the ensemble holds. A name that is not known here is kept, not obeyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedSettings {
    pub v: u8,
    pub set: BTreeMap<String, SharedSetting>,
}

impl Default for SharedSettings {
    fn default() -> Self {
        Self { v: 1, set: BTreeMap::new() }
    }
}

impl SharedSettings {
    #[must_use]
    pub fn get(&self, setting: Setting) -> Option<&SharedSetting> {
        self.set.get(setting.name())
    }

    /// The same with one set, or lifted by `None`.
    #[must_use]
    pub fn with(&self, setting: Setting, value: Option<SharedSetting>) -> Self {
        let mut changed = self.clone();
        match value {
            Some(value) => changed.set.insert(setting.name().to_owned(), value),
            None => changed.set.remove(setting.name()),
        };
        changed
    }

    /// The settings in force over those of one process, which of them these are, and what was not taken: a value that
    /// cannot be, or cannot be together with this process's own.
    #[must_use]
    pub fn over(&self, own: SchedulerSettings) -> InForce {
        InForce::new(own, &self.values())
    }

    /// Those that are known, each in its unit.
    #[must_use]
    pub fn values(&self) -> BTreeMap<Setting, u64> {
        Setting::ALL.iter().filter_map(|setting| Some((*setting, self.get(*setting)?.value))).collect()
    }
}

/// What holds of the scheduler's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    pub settings: SchedulerSettings,
    /// Those that the ensemble gives.
    pub set: Vec<Setting>,
    /// What it holds and is not obeyed.
    pub refused: Vec<Unfit>,
}

impl InForce {
    /// `wanted` over a process's own. What cannot be together is taken one by one, as far as it can.
    #[must_use]
    pub fn new(own: SchedulerSettings, wanted: &BTreeMap<Setting, u64>) -> Self {
        let mut all = Self { settings: own, set: Vec::new(), refused: Vec::new() };
        let mut whole = own;
        wanted.iter().for_each(|(setting, value)| whole.set(*setting, *value));
        if whole.check().is_ok() {
            return Self { settings: whole, set: wanted.keys().copied().collect(), ..all };
        }
        for (&setting, &value) in wanted {
            let mut tried = all.settings;
            tried.set(setting, value);
            match tried.check() {
                Ok(()) => {
                    all.settings = tried;
                    all.set.push(setting);
                }
                Err(unfit) => all.refused.push(unfit),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{NOW, scheduler_settings};

    fn shared(values: &[(Setting, u64)]) -> SharedSettings {
        values.iter().fold(SharedSettings::default(), |all, (setting, value)| {
            let one =
                SharedSetting { value: *value, by: "api".into(), at: NOW, operation: OperationId::new(7), why: None };
            all.with(*setting, Some(one))
        })
    }

    #[test]
    fn what_was_set_at_run_time_holds_over_the_processes_own() {
        let own = scheduler_settings();
        assert_eq!(SharedSettings::default().over(own).settings, own);
        let both = shared(&[(Setting::Threshold, 50), (Setting::Settle, 20)]).over(own);
        assert_eq!((both.settings.threshold, both.settings.settle, both.settings.interval_s), (50, 20, own.interval_s));
        assert_eq!((both.set.len(), both.refused), (2, vec![]));
    }

    #[test]
    fn what_cannot_be_is_not_obeyed_and_told() {
        let own = SchedulerSettings { settle: 4, ..scheduler_settings() };
        let low = shared(&[(Setting::Threshold, 3), (Setting::Interval, 60)]).over(own);
        assert_eq!((low.settings.threshold, low.settings.settle, low.settings.interval_s), (5, 4, 60));
        assert_eq!(low.set, [Setting::Interval]);
        assert_eq!(low.refused[0].to_string(), "scheduler.settle: 4 must be below scheduler.threshold, which is 3");
        let wild = shared(&[(Setting::Parallel, 0), (Setting::Interval, u64::MAX)]).over(own);
        assert_eq!((wild.settings, wild.refused.len()), (own, 2));
    }

    #[test]
    fn names_that_are_not_known_are_kept() {
        let text = r#"{"v":1,"set":{"scheduler.wind":{"value":3,"by":"x","at":5,"operation":"00000000-0000-0000-0000-000000000007"}}}"#;
        let known: SharedSettings = serde_json::from_str(text).unwrap();
        let more = known.with(Setting::Threshold, shared(&[(Setting::Threshold, 9)]).set.remove("scheduler.threshold"));
        assert_eq!(more.set.len(), 2);
        assert_eq!(more.with(Setting::Threshold, None), known);
    }
}
