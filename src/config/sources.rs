//! Where settings come from, and how one source overrides another.

use std::path::Path;

use toml::{Table, Value};

use super::{Config, ConfigError, DEFAULT_TOML, check};

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
    match std::fs::read_to_string(file) {
        Ok(text) => merge(&mut table, parse(&text, &file.display().to_string())?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => {}
        Err(error) => return Err(ConfigError(format!("cannot read the settings in {}: {error}", file.display()))),
    }
    for (variable, section, key, kind) in ENVIRONMENT {
        if let Some(text) = environment(variable) {
            let value = value(*kind, &text).map_err(|rule| ConfigError(format!("{variable}={text:?}: {rule}")))?;
            set(&mut table, section, key, value);
        }
    }
    for (section, key, value) in overrides {
        set(&mut table, section, key, value);
    }
    let mut config: Config = table.try_into().map_err(|error: toml::de::Error| {
        ConfigError(format!("a setting cannot be used: {}", error.to_string().trim()))
    })?;
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
    }
    Ok(())
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
