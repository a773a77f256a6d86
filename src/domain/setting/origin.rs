//! Where the settings in force come from.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Setting;
use crate::domain::ids::Timestamp;
use crate::domain::word::Word;

/// Where the value of a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum Origin {
    Default,
    /// Of this path.
    File {
        path: String,
    },
    Environment {
        variable: Word,
    },
    Flag,
    /// Found out at the start, in words.
    Found {
        how: String,
    },
    /// The process that leads has a value of its own.
    Leader {
        name: String,
    },
    /// Set at run time for all instances.
    Ensemble {
        by: String,
        at: Timestamp,
        why: Option<String>,
    },
}

impl fmt::Display for Origin {
    /// `default`, `zkdeck.toml`, `SCHEDULER_THRESHOLD`, `flag`, `set by console root`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path } => f.write_str(path),
            Self::Environment { variable } => f.write_str(variable),
            Self::Flag => f.write_str("flag"),
            Self::Found { how } => f.write_str(how),
            Self::Leader { name } => write!(f, "{name}, which leads"),
            Self::Ensemble { by, .. } => write!(f, "set by {by}"),
        }
    }
}

/// A setting of this process as its sources say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configured {
    /// Section and key of `zkdeck.toml`.
    pub name: String,
    /// As `zkdeck.toml` writes it.
    pub value: String,
    pub origin: Origin,
}

/// Why the setting of this name cannot be changed at run time; `None` when there is none of the name.
#[must_use]
pub fn holds_from_the_start(name: &str, all: &[SettingView]) -> Option<String> {
    all.iter()
        .any(|one| one.name == name)
        .then(|| format!("{name} holds from the start: change it in zkdeck.toml and start zkdeck again"))
}

/// A setting in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingView {
    /// Section and key of `zkdeck.toml`.
    pub name: String,
    /// As `zkdeck.toml` writes it.
    pub value: String,
    pub origin: Origin,
    /// The one that may be changed at run time; `None` for what holds from the start.
    pub setting: Option<Setting>,
    /// What this process's own sources say, where another value is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configured: Option<Configured>,
}

impl SettingView {
    /// Whether it is of the section `[console]`: each console has its own, and changes it while it runs.
    #[must_use]
    pub fn is_of_the_console(&self) -> bool {
        self.name.split_once('.').is_some_and(|(section, _)| section == "console")
    }

    /// The value for a reader: `15 s` for the `15` of `scheduler.interval_s`.
    #[must_use]
    pub fn shown(&self) -> String {
        let number = self.setting.and_then(|setting| Some((setting, self.value.parse().ok()?)));
        number.map_or_else(|| self.value.clone(), |(setting, value)| setting.shown(value))
    }
}
