//! Settings, and those of them that may be changed while the program runs, for all instances at once.
//!
//! What holds is, the later over the earlier: the defaults, `zkdeck.toml`, the environment, flags, and what was set at
//! run time, which lies in the ensemble.

mod origin;
mod shared;

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

pub use self::origin::{Configured, Origin, SettingView, holds_from_the_start};
pub use self::shared::{InForce, SharedSetting, SharedSettings};
use super::ids::{Bytes, Millis};
use super::number::{grouped, range};

/// What the scheduler goes by: the section `[scheduler]` of `zkdeck.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchedulerSettings {
    /// Seconds between two runs.
    pub interval_s: u64,
    /// The spread from which on a run moves files.
    pub threshold: u64,
    /// The spread at which it stops.
    pub settle: u64,
    /// A file moved less than so many seconds ago stays, unless its node drains.
    pub cool_down_s: u64,
    /// Free space in MiB that a move leaves on the target's disk.
    pub reserve_mib: u64,
    /// Moves that copy bytes at the same time.
    pub parallel: u64,
}

impl SchedulerSettings {
    #[must_use]
    pub const fn interval(&self) -> Millis {
        Millis::from_secs(self.interval_s)
    }

    #[must_use]
    pub const fn cool_down(&self) -> Millis {
        Millis::from_secs(self.cool_down_s)
    }

    #[must_use]
    pub const fn reserve(&self) -> Bytes {
        Bytes(self.reserve_mib << 20)
    }

    /// In the setting's own unit.
    #[must_use]
    pub const fn get(&self, setting: Setting) -> u64 {
        match setting {
            Setting::Interval => self.interval_s,
            Setting::Threshold => self.threshold,
            Setting::Settle => self.settle,
            Setting::CoolDown => self.cool_down_s,
            Setting::Reserve => self.reserve_mib,
            Setting::Parallel => self.parallel,
        }
    }

    const fn set(&mut self, setting: Setting, value: u64) {
        match setting {
            Setting::Interval => self.interval_s = value,
            Setting::Threshold => self.threshold = value,
            Setting::Settle => self.settle = value,
            Setting::CoolDown => self.cool_down_s = value,
            Setting::Reserve => self.reserve_mib = value,
            Setting::Parallel => self.parallel = value,
        }
    }

    /// Refuses what cannot be, by the name of the setting and the rule.
    ///
    /// # Errors
    /// [`Unfit`] for the first one that does not fit.
    pub fn check(&self) -> Result<(), Unfit> {
        for setting in Setting::ALL.iter().copied() {
            setting.check(self.get(setting))?;
        }
        if self.settle < self.threshold {
            return Ok(());
        }
        Err(Unfit::NotBelow { settle: self.settle, threshold: self.threshold })
    }
}

/// A value that a setting cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("{setting}: {rule}")]
    Value { setting: Setting, rule: String },
    #[error("{}: {}", Setting::Settle, self.rule_for(Setting::Settle))]
    NotBelow { settle: u64, threshold: u64 },
}

impl Unfit {
    /// What is wrong, for who has changed `setting`.
    #[must_use]
    pub fn rule_for(&self, changed: Setting) -> String {
        match self {
            Self::Value { rule, .. } => rule.clone(),
            Self::NotBelow { settle, threshold } => {
                let (settle, threshold) = (grouped(*settle), grouped(*threshold));
                if changed == Setting::Threshold {
                    format!("it would be {threshold}, and {}, which must be below it, is {settle}", Setting::Settle)
                } else {
                    format!("{settle} must be below {}, which is {threshold}", Setting::Threshold)
                }
            }
        }
    }
}

/// One that may be changed at run time.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[strum(const_into_str)]
pub enum Setting {
    #[serde(rename = "scheduler.interval_s")]
    #[strum(serialize = "scheduler.interval_s")]
    Interval,
    #[serde(rename = "scheduler.threshold")]
    #[strum(serialize = "scheduler.threshold")]
    Threshold,
    #[serde(rename = "scheduler.settle")]
    #[strum(serialize = "scheduler.settle")]
    Settle,
    #[serde(rename = "scheduler.cool_down_s")]
    #[strum(serialize = "scheduler.cool_down_s")]
    CoolDown,
    #[serde(rename = "scheduler.reserve_mib")]
    #[strum(serialize = "scheduler.reserve_mib")]
    Reserve,
    #[serde(rename = "scheduler.parallel")]
    #[strum(serialize = "scheduler.parallel")]
    Parallel,
}

/// What its number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Seconds,
    Mebibytes,
    Pieces,
}

impl Setting {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Its name everywhere: section and key of `zkdeck.toml`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.into_str()
    }

    /// The section that it stands in, and its key there.
    #[must_use]
    pub fn section_and_key(self) -> (&'static str, &'static str) {
        self.name().split_once('.').unwrap_or_default()
    }

    /// The one of this name, which may be without the unit at its end and without its section: `scheduler.interval`,
    /// `interval_s`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let is = |setting: &&Self| {
            let own = if name.contains('.') { setting.name() } else { setting.section_and_key().1 };
            own == name || setting.suffix().is_some_and(|suffix| own.strip_suffix(suffix) == Some(name))
        };
        Self::ALL.iter().find(is).copied()
    }

    const fn suffix(self) -> Option<&'static str> {
        match self.unit() {
            Unit::Seconds => Some("_s"),
            Unit::Mebibytes => Some("_mib"),
            Unit::Pieces => None,
        }
    }

    const fn unit(self) -> Unit {
        match self {
            Self::Interval | Self::CoolDown => Unit::Seconds,
            Self::Reserve => Unit::Mebibytes,
            Self::Threshold | Self::Settle | Self::Parallel => Unit::Pieces,
        }
    }

    /// What it is.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Interval => "time between two runs of the scheduler",
            Self::Threshold => "spread from which on a run moves files",
            Self::Settle => "spread at which a run stops",
            Self::CoolDown => "a file moved less than this ago stays",
            Self::Reserve => "free space that a move leaves on a disk",
            Self::Parallel => "moves that copy bytes at the same time",
        }
    }

    /// The values that it can have, in its unit.
    #[must_use]
    pub const fn bounds(self) -> RangeInclusive<u64> {
        match self {
            Self::Interval => 1..=86_400,
            Self::Threshold => 2..=1_000_000,
            Self::Settle => 1..=999_999,
            Self::CoolDown => 0..=86_400,
            Self::Reserve => 0..=1 << 30,
            Self::Parallel => 1..=64,
        }
    }

    fn check(self, value: u64) -> Result<(), Unfit> {
        if self.bounds().contains(&value) {
            return Ok(());
        }
        Err(Unfit::Value { setting: self, rule: format!("{} is not {}", grouped(value), self.takes()) })
    }

    /// `a whole number from 1 to 86,400, in seconds`.
    #[must_use]
    pub fn takes(self) -> String {
        let unit = match self.unit() {
            Unit::Seconds => ", in seconds",
            Unit::Mebibytes => ", in MiB",
            Unit::Pieces => "",
        };
        format!("{}{unit}", range(&self.bounds()))
    }

    /// A value with its unit: `15 s`, `4 MiB`, `1,000`.
    #[must_use]
    pub fn shown(self, value: u64) -> String {
        match self.unit() {
            Unit::Seconds if value < 60 => format!("{value} s"),
            Unit::Seconds => value.checked_mul(1000).map_or_else(|| format!("{value} s"), |ms| Millis(ms).to_string()),
            Unit::Mebibytes => {
                value.checked_mul(1 << 20).map_or_else(|| format!("{value} MiB"), |b| Bytes(b).to_string())
            }
            Unit::Pieces => grouped(value),
        }
    }

    /// Reads a value as a person types it: a number in its unit, or with one of its kind: `90`, `90s`, `2m`, `1GiB`.
    ///
    /// # Errors
    /// [`Unfit`] for what is no such value or out of its bounds.
    pub fn read(self, text: &str) -> Result<u64, Unfit> {
        let unfit = || Unfit::Value { setting: self, rule: format!("{text:?} is not {}", self.takes()) };
        let digits = text.trim().replace(',', "");
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let (number, unit) = digits.split_at(end);
        let number: u64 = number.parse().map_err(|_| unfit())?;
        let factor = self.factor(unit.trim()).ok_or_else(unfit)?;
        let value = number.checked_mul(factor).ok_or_else(unfit)?;
        if self.bounds().contains(&value) { Ok(value) } else { Err(unfit()) }
    }

    /// Whether the word is a unit of something that is set, be it of this setting or of another kind: behind a number it
    /// is no reason for a change.
    #[must_use]
    pub fn is_unit(self, word: &str) -> bool {
        let measures = self.unit() != Unit::Pieces;
        measures && Self::ALL.iter().any(|setting| !word.is_empty() && setting.factor(word).is_some())
    }

    fn factor(self, unit: &str) -> Option<u64> {
        match (self.unit(), unit.to_ascii_lowercase().as_str()) {
            (_, "") | (Unit::Seconds, "s") | (Unit::Mebibytes, "mib") => Some(1),
            (Unit::Seconds, "m" | "min") => Some(60),
            (Unit::Seconds, "h") => Some(3_600),
            (Unit::Mebibytes, "gib") => Some(1 << 10),
            (Unit::Mebibytes, "tib") => Some(1 << 20),
            _ => None,
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_the_name_of_the_file_and_is_found_without_its_unit() {
        for setting in Setting::ALL.iter().copied() {
            assert_eq!(setting.section_and_key().0, "scheduler");
            assert_eq!(Setting::named(setting.name()), Some(setting));
            assert_eq!(serde_json::to_value(setting).unwrap(), setting.name());
        }
        assert_eq!(Setting::named("scheduler.interval"), Some(Setting::Interval));
        assert_eq!(Setting::named("scheduler.reserve"), Some(Setting::Reserve));
        assert_eq!(Setting::named("cool_down"), Some(Setting::CoolDown));
        assert_eq!([Setting::named("scheduler"), Setting::named("scheduler."), Setting::named("")], [None; 3]);
    }

    #[test]
    fn a_value_is_read_in_the_units_of_its_kind_and_no_other() {
        use Setting::{Interval, Reserve, Threshold};
        for (setting, text, value) in [
            (Interval, "15", 15),
            (Interval, "15s", 15),
            (Interval, "2 m", 120),
            (Interval, "24h", 86_400),
            (Reserve, "1GiB", 1024),
            (Reserve, "512 MiB", 512),
            (Threshold, "1,000", 1000),
            (Setting::CoolDown, "0", 0),
        ] {
            assert_eq!(setting.read(text), Ok(value), "{setting} {text}");
        }
        for (setting, text) in [
            (Interval, "0"),
            (Interval, "25h"),
            (Interval, "15 MiB"),
            (Interval, "-1"),
            (Interval, ""),
            (Interval, "s"),
            (Interval, "1.5"),
            (Interval, "99999999999999999999"),
            (Interval, "9999999999999999h"),
            (Threshold, "5s"),
            (Threshold, "1"),
            (Reserve, "4k"),
        ] {
            let told = setting.read(text).unwrap_err().to_string();
            assert!(told.starts_with(setting.name()) && told.contains("a whole number from"), "{text:?}: {told}");
        }
        assert_eq!(
            [Interval.shown(15), Interval.shown(600), Reserve.shown(4), Threshold.shown(1000)],
            ["15 s", "10m0s", "4 MiB", "1,000"]
        );
        assert_eq!(Interval.shown(u64::MAX), format!("{} s", u64::MAX));
    }
}
