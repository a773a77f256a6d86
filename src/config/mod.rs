//! Settings: defaults, then `zkdeck.toml`, then the environment, then flags; then checked as a whole.
//!
//! `sources` merges the layers, `check` refuses what cannot be. Each layer of the program gets its
//! own config made from this by `cli::compose`.

mod check;
mod sources;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

pub use self::check::check_http;
pub use self::sources::{Overrides, load};
use crate::console::own::GlyphSet;
use crate::domain::setting::{Configured, Origin, SchedulerSettings};

/// Every setting with its default, as shipped.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// A setting that cannot be used: which, where it came from, why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub ensemble: EnsembleSection,
    pub scheduler: SchedulerSettings,
    pub workload: WorkloadSection,
    pub paths: PathsSection,
    pub scrub: ScrubSection,
    pub local: LocalSection,
    pub docker: DockerSection,
    pub doctor: DoctorSection,
    pub api: ApiSection,
    pub elastic: ElasticSection,
    pub prometheus: PrometheusSection,
    pub console: ConsoleSection,
    pub log: LogSection,
    #[serde(default)]
    pub keys: BTreeMap<String, Vec<String>>,
    /// Every setting, and where its value comes from.
    #[serde(skip)]
    pub configured: Vec<Configured>,
}

impl Config {
    /// A value that was found out after the sources were read, and how.
    pub fn found(&mut self, name: &str, value: &str, how: &str) {
        if let Some(one) = self.configured.iter_mut().find(|one| one.name == name) {
            one.value = toml::Value::String(value.to_owned()).to_string();
            one.origin = Origin::Found { how: how.to_owned() };
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnsembleSection {
    pub label: String,
    pub servers: Vec<String>,
    /// Somebody named servers: they are not the defaults.
    #[serde(skip)]
    pub named: bool,
    pub metrics: Vec<String>,
    pub root: String,
    pub session_timeout_s: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadSection {
    pub enabled: Toggle,
    pub interval_s: u64,
    pub extra_clients: u64,
}

/// A switch that may be left to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toggle {
    Auto,
    On,
    Off,
}

impl<'de> Deserialize<'de> for Toggle {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct ToggleVisitor;
        impl Visitor<'_> for ToggleVisitor {
            type Value = Toggle;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true, false or \"auto\"")
            }

            fn visit_bool<E>(self, on: bool) -> Result<Toggle, E> {
                Ok(if on { Toggle::On } else { Toggle::Off })
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Toggle, E> {
                if text == "auto" { Ok(Toggle::Auto) } else { Err(E::invalid_value(Unexpected::Str(text), &self)) }
            }
        }
        from.deserialize_any(ToggleVisitor)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathsSection {
    pub data: PathBuf,
    pub logs: PathBuf,
    pub themes: PathBuf,
    pub trash_keep_s: u64,
    pub any_filesystem: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScrubSection {
    pub sizes_s: u64,
    pub hashes_s: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalSection {
    pub client_port: u16,
    pub metrics_port: u16,
    pub quorum_port: u16,
    pub election_port: u16,
    pub heap_mb: u32,
    pub jars: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DockerSection {
    pub control: bool,
    pub host: String,
    pub project: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoctorSection {
    pub elasticsearch: String,
    pub prometheus: String,
    pub grafana: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiSection {
    pub listen: String,
    pub token_file: String,
    pub insecure: bool,
    pub hosts: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElasticSection {
    pub url: String,
    pub user: String,
    pub password_file: String,
    pub api_key_file: String,
    pub ca_file: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrometheusSection {
    pub url: String,
    pub node_label: String,
    #[serde(rename = "match")]
    pub matchers: String,
    pub scrape_interval_s: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleSection {
    pub theme: String,
    pub mouse: bool,
    pub glyphs: GlyphSet,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSection {
    pub to: LogTo,
}

/// Where a daemon writes its own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogTo {
    /// Files, and stderr too in a container or under systemd.
    Auto,
    Files,
    Stderr,
    Both,
}
