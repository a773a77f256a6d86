//! Where settings come from, and how one source overrides another.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::{Config, ConfigError, DEFAULT_TOML, check};
use crate::domain::setting::{Configured, Origin};

/// How the text of an environment variable or a flag is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueKind {
    Text,
    /// A whole number, not negative.
    Number,
    Switch,
    /// A switch, or `auto`.
    Toggle,
    /// Comma separated.
    List,
}

/// Environment variable, section, key, kind. Those without ZKDECK_ are of the
/// compose environment, or Docker's own.
const ENVIRONMENT: &[(&str, &str, &str, ValueKind)] = &[
    ("AUTO_SCHEDULER_INTERVAL", "scheduler", "interval_s", ValueKind::Number),
    ("SCHEDULER_THRESHOLD", "scheduler", "threshold", ValueKind::Number),
    ("DEMO_WORKLOAD_ENABLED", "workload", "enabled", ValueKind::Toggle),
    ("DEMO_WORKLOAD_INTERVAL", "workload", "interval_s", ValueKind::Number),
    ("DEMO_WORKLOAD_EXTRA_CLIENTS", "workload", "extra_clients", ValueKind::Number),
    ("DOCKER_CONTROL_ENABLED", "docker", "control", ValueKind::Switch),
    ("DOCKER_HOST", "docker", "host", ValueKind::Text),
    ("ZKDECK_DOCKER_PROJECT", "docker", "project", ValueKind::Text),
    ("ZKDECK_LABEL", "ensemble", "label", ValueKind::Text),
    ("ZKDECK_SERVERS", "ensemble", "servers", ValueKind::List),
    ("ZKDECK_METRICS", "ensemble", "metrics", ValueKind::List),
    ("ZKDECK_ROOT", "ensemble", "root", ValueKind::Text),
    ("ZKDECK_DATA", "paths", "data", ValueKind::Text),
    ("ZKDECK_LOGS", "paths", "logs", ValueKind::Text),
    ("ZKDECK_THEMES", "paths", "themes", ValueKind::Text),
    ("ZKDECK_JARS", "local", "jars", ValueKind::Text),
    ("ZKDECK_LOCAL_HEAP_MB", "local", "heap_mb", ValueKind::Number),
    ("ZKDECK_LISTEN", "api", "listen", ValueKind::Text),
    ("ZKDECK_TOKEN_FILE", "api", "token_file", ValueKind::Text),
    ("ZKDECK_INSECURE", "api", "insecure", ValueKind::Switch),
    ("ZKDECK_HOSTS", "api", "hosts", ValueKind::List),
    ("ZKDECK_ELASTIC_URL", "elastic", "url", ValueKind::Text),
    ("ZKDECK_ELASTIC_USER", "elastic", "user", ValueKind::Text),
    ("ZKDECK_ELASTIC_PASSWORD_FILE", "elastic", "password_file", ValueKind::Text),
    ("ZKDECK_ELASTIC_API_KEY_FILE", "elastic", "api_key_file", ValueKind::Text),
    ("ZKDECK_ELASTIC_CA_FILE", "elastic", "ca_file", ValueKind::Text),
    ("ZKDECK_PROMETHEUS_URL", "prometheus", "url", ValueKind::Text),
    ("ZKDECK_THEME", "console", "theme", ValueKind::Text),
    ("ZKDECK_LOG_TO", "log", "to", ValueKind::Text),
];

/// What flags say: section, key, value. They win over everything.
pub type Overrides = Vec<(&'static str, &'static str, Value)>;

/// Reads the settings. `file` is the path of a `zkdeck.toml`; one that was not named on the command
/// line may be missing.
///
/// # Errors
/// [`ConfigError`] naming the setting, its source and the rule that it breaks.
pub fn load(
    file: &Path,
    named: bool,
    environment: impl Fn(&str) -> Option<String>,
    overrides: Overrides,
) -> Result<Config, ConfigError> {
    let mut table: Table = parse(DEFAULT_TOML, "the defaults")?;
    let mut origins = Origins::default();
    match std::fs::read_to_string(file) {
        Ok(text) => {
            let own = parse(&text, &file.display().to_string())?;
            origins.note_all(&own, &Origin::File { path: file.display().to_string() });
            merge(&mut table, own);
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => {}
        Err(error) => return Err(ConfigError(format!("cannot read the settings in {}: {error}", file.display()))),
    }
    for (variable, section, key, kind) in ENVIRONMENT {
        if let Some(text) = environment(variable) {
            let value = value(*kind, &text).map_err(|rule| ConfigError(format!("{variable}={text:?}: {rule}")))?;
            origins.note(section, key, Origin::Environment { variable: (*variable).into() });
            set(&mut table, section, key, value);
        }
    }
    for (section, key, value) in overrides {
        origins.note(section, key, Origin::Flag);
        set(&mut table, section, key, value);
    }
    let configured = origins.configured(&table);
    let mut config: Config = table.try_into().map_err(|error: toml::de::Error| {
        ConfigError(format!("a setting cannot be used: {}", error.to_string().trim()))
    })?;
    config.configured = configured;
    drop_foreign_metrics(&mut config)?;
    check::check(&config)?;
    Ok(config)
}

/// Whether servers were named; the default addresses of metrics belong to the default servers and to no others.
fn drop_foreign_metrics(config: &mut Config) -> Result<(), ConfigError> {
    let default: Table = parse(DEFAULT_TOML, "the defaults")?;
    let list = |key: &str| -> Vec<String> {
        let items = default.get("ensemble").and_then(|section| section.get(key)).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    config.ensemble.named = config.ensemble.servers != list("servers");
    if config.ensemble.named && config.ensemble.metrics == list("metrics") {
        config.ensemble.metrics.clear();
        let no_metrics = config.configured.iter_mut().find(|one| one.name == "ensemble.metrics");
        no_metrics.into_iter().for_each(|one| "[]".clone_into(&mut one.value));
    }
    Ok(())
}

/// Where the values come from that are no defaults, by section and key.
#[derive(Default)]
struct Origins(BTreeMap<(String, String), Origin>);

impl Origins {
    fn note(&mut self, section: &str, key: &str, origin: Origin) {
        self.0.insert((section.to_owned(), key.to_owned()), origin);
    }

    /// All that a file says.
    fn note_all(&mut self, table: &Table, origin: &Origin) {
        for (section, keys) in table.iter().filter_map(|(section, keys)| Some((section, keys.as_table()?))) {
            keys.keys().for_each(|key| self.note(section, key, origin.clone()));
        }
    }

    /// Every setting of the merged table, by section as the defaults have them.
    fn configured(&self, table: &Table) -> Vec<Configured> {
        let keys = table.iter().filter_map(|(section, keys)| Some((section, keys.as_table()?)));
        let all = keys.flat_map(|(section, keys)| keys.iter().map(move |(key, value)| (section, key, value)));
        all.map(|(section, key, value)| Configured {
            name: format!("{section}.{key}"),
            value: value.to_string(),
            origin: self.0.get(&(section.clone(), key.clone())).cloned().unwrap_or(Origin::Default),
        })
        .collect()
    }
}

fn parse(text: &str, source: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|error: toml::de::Error| ConfigError(format!("{source}: {}", error.to_string().trim())))
}

/// Tables are merged key by key; every other value is replaced.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            (_, value) => _ = base.insert(key, value),
        }
    }
}

fn set(table: &mut Table, section: &str, key: &str, value: Value) {
    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(key.to_owned(), value);
    }
}

fn value(kind: ValueKind, text: &str) -> Result<Value, &'static str> {
    let text = text.trim();
    match kind {
        ValueKind::Text => Ok(Value::String(text.to_owned())),
        // Its range is judged with those of the file.
        ValueKind::Number => match text.parse::<i64>() {
            Ok(number @ 0..) => Ok(Value::Integer(number)),
            _ => Err("must be a whole number, 0 or more"),
        },
        ValueKind::Switch => switch(text).ok_or("must be true or false"),
        ValueKind::Toggle if text.eq_ignore_ascii_case("auto") => Ok(Value::String("auto".to_owned())),
        ValueKind::Toggle => switch(text).ok_or("must be true, false or auto"),
        ValueKind::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
    }
}

fn switch(text: &str) -> Option<Value> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(Value::Boolean(true)),
        "false" | "0" | "no" | "off" => Some(Value::Boolean(false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Toggle;
    use super::*;
    use crate::domain::setting::Setting;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn of(text: &str, environment: impl Fn(&str) -> Option<String>, flags: Overrides) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("zkdeck.toml");
        std::fs::write(&file, text).unwrap();
        load(&file, true, environment, flags)
    }

    #[test]
    fn the_shipped_defaults_are_usable_and_complete() {
        let config = load(Path::new("/nonexistent/zkdeck.toml"), false, nothing, Vec::new()).unwrap();
        assert_eq!((config.scheduler.interval_s, config.scheduler.threshold), (15, 5));
        assert_eq!((config.workload.enabled, config.workload.interval_s), (Toggle::Auto, 20));
    }

    #[test]
    fn later_sources_win() {
        let file = "[scheduler]\nthreshold = 7\ninterval_s = 30\n[workload]\ninterval_s = 9";
        let environment = |name: &str| match name {
            "SCHEDULER_THRESHOLD" => Some("8".to_owned()),
            "DEMO_WORKLOAD_ENABLED" | "DOCKER_CONTROL_ENABLED" => Some("false".to_owned()),
            _ => None,
        };
        let flags = vec![("scheduler", "threshold", Value::Integer(9))];
        let config = of(file, environment, flags).unwrap();
        assert_eq!((config.scheduler.threshold, config.scheduler.interval_s), (9, 30));
        assert_eq!((config.workload.enabled, config.workload.interval_s), (Toggle::Off, 9));
        assert_eq!((config.scheduler.settle, config.docker.control), (1, false));
    }

    #[test]
    fn every_setting_says_where_it_comes_from() {
        let file =
            "[scheduler]\nthreshold = 7\ninterval_s = 30\n[keys]\ndrain = [\"F2\"]\n[ensemble]\nservers = [\"a:1\"]";
        let environment = |name: &str| (name == "SCHEDULER_THRESHOLD").then(|| "8".to_owned());
        let config = of(file, environment, vec![("api", "listen", Value::String("127.0.0.1:1".into()))]).unwrap();
        let told = |name: &str| {
            let one = config.configured.iter().find(|one| one.name == name).unwrap();
            (one.value.clone(), one.origin.to_string().rsplit('/').next().unwrap_or_default().to_owned())
        };
        let is = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
        assert_eq!(told("scheduler.threshold"), is("8", "SCHEDULER_THRESHOLD"));
        assert_eq!(told("scheduler.interval_s"), is("30", "zkdeck.toml"));
        assert_eq!(told("scheduler.settle"), is("1", "default"));
        assert_eq!(told("api.listen"), is("\"127.0.0.1:1\"", "flag"));
        assert_eq!(told("keys.drain"), is("[\"F2\"]", "zkdeck.toml"));
        assert_eq!(told("ensemble.metrics"), is("[]", "default"));
    }

    #[test]
    fn each_setting_of_the_scheduler_may_be_changed_at_run_time() {
        let defaults: Table = DEFAULT_TOML.parse().unwrap();
        let section = defaults["scheduler"].as_table().unwrap();
        let names: Vec<String> = section.keys().map(|key| format!("scheduler.{key}")).collect();
        let mut known: Vec<_> = Setting::ALL.iter().map(|setting| setting.name()).collect();
        known.sort_unstable();
        assert_eq!(names, known);
    }

    #[test]
    fn the_workload_is_on_off_or_left_to_the_program() {
        let enabled = |file: &str, variable: Option<&'static str>| {
            let environment = |name: &str| variable.filter(|_| name == "DEMO_WORKLOAD_ENABLED").map(str::to_owned);
            of(file, environment, Vec::new()).map(|config| config.workload.enabled).map_err(|error| error.0)
        };
        let on = "[workload]\nenabled = true";
        assert_eq!(enabled("", None), Ok(Toggle::Auto));
        assert_eq!(enabled(on, None), Ok(Toggle::On));
        assert_eq!(enabled(on, Some("off")), Ok(Toggle::Off));
        assert_eq!(enabled(on, Some("Auto")), Ok(Toggle::Auto));
        assert_eq!(enabled("[workload]\nenabled = \"auto\"", Some("true")), Ok(Toggle::On));
        let wrong = enabled("", Some("maybe")).unwrap_err();
        assert_eq!(wrong, "DEMO_WORKLOAD_ENABLED=\"maybe\": must be true, false or auto");
        let wrong = enabled("[workload]\nenabled = \"maybe\"", None).unwrap_err();
        assert!(wrong.contains("expected true, false or \"auto\""), "{wrong}");
    }

    #[test]
    fn other_servers_do_not_get_the_default_metrics() {
        let config = of("[ensemble]\nservers = [\"zk1:2181\"]", nothing, Vec::new()).unwrap();
        assert_eq!(config.ensemble.metrics, Vec::<String>::new());
        let file = "[ensemble]\nservers = [\"zk1:2181\"]\nmetrics = [\"zk1:7000\"]";
        assert_eq!(of(file, nothing, Vec::new()).unwrap().ensemble.metrics, ["zk1:7000"]);
    }

    #[test]
    fn the_readme_names_every_variable() {
        let readme = include_str!("../../README.md");
        for (name, ..) in ENVIRONMENT {
            assert!(readme.contains(&format!("`{name}`")), "{name} is not in the README's table of settings");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_source() {
        let error = of("", |name| (name == "AUTO_SCHEDULER_INTERVAL").then(|| "-3".into()), Vec::new()).unwrap_err();
        assert_eq!(error.0, "AUTO_SCHEDULER_INTERVAL=\"-3\": must be a whole number, 0 or more");
        let error = of("[scheduler]\ntresh = 5", nothing, Vec::new()).unwrap_err();
        assert!(error.0.contains("tresh"), "{error}");
        let error = of("[scheduler\n", nothing, Vec::new()).unwrap_err();
        assert!(error.0.contains("zkdeck.toml"), "{error}");
        let error = load(Path::new("/nonexistent/zkdeck.toml"), true, nothing, Vec::new()).unwrap_err();
        assert!(error.0.contains("/nonexistent/zkdeck.toml"), "{error}");
        let error = of("[keys]\ndrain = [\"p\"]", nothing, Vec::new()).unwrap_err();
        assert!(error.0.contains("drain") && error.0.contains("pause"), "a clash names both actions: {error}");
        let error = of("[keys]\nfly = [\"p\"]", nothing, Vec::new()).unwrap_err();
        assert!(error.0.contains("there is no action \"fly\""), "{error}");
    }
}
