//! Refuses settings that cannot be, each by its name and the rule.

use super::{Config, ConfigError, PrometheusSection};
use crate::console::keymap::Keymap;

pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let ensemble = &config.ensemble;
    let in_range = |name: &str, value: u64, low: u64, high: u64| {
        if (low..=high).contains(&value) {
            Ok(())
        } else {
            Err(ConfigError(format!("{name} = {value}: must be {low} to {high}")))
        }
    };
    config.scheduler.check().map_err(|unfit| ConfigError(unfit.to_string()))?;
    in_range("workload.interval_s", config.workload.interval_s, 1, 86_400)?;
    in_range("workload.extra_clients", config.workload.extra_clients, 0, 100)?;
    in_range("ensemble.session_timeout_s", ensemble.session_timeout_s, 2, 600)?;
    if config.local.heap_mb != 0 {
        in_range("local.heap_mb", u64::from(config.local.heap_mb), 64, 1 << 20)?;
    }
    in_range("scrub.sizes_s", config.scrub.sizes_s, 1, 86_400)?;
    in_range("scrub.hashes_s", config.scrub.hashes_s, 1, 31_536_000)?;
    in_range("paths.trash_keep_s", config.paths.trash_keep_s, 0, 31_536_000)?;
    if ensemble.servers.is_empty() {
        return Err(ConfigError("ensemble.servers: names none; name each server once, as host:port".into()));
    }
    for server in &ensemble.servers {
        check_address("ensemble.servers", server)?;
    }
    if let Some(twice) = twice(&ensemble.servers) {
        return Err(ConfigError(format!("ensemble.servers: names {twice} twice; name each server once")));
    }
    for server in &ensemble.metrics {
        check_address("ensemble.metrics", server)?;
    }
    if !ensemble.metrics.is_empty() && ensemble.metrics.len() != ensemble.servers.len() {
        let (metrics, servers) = (ensemble.metrics.len(), ensemble.servers.len());
        return Err(ConfigError(format!(
            "ensemble.metrics: has {metrics} addresses for {servers} servers; give one for each, or none"
        )));
    }
    if !config.elastic.url.is_empty() {
        check_http("elastic.url", &config.elastic.url)?;
    }
    check_prometheus(&config.prometheus)?;
    check_listen(&config.api.listen)?;
    // A daemon draws nothing; the settings are those of the console beside it all the same.
    Keymap::new(&config.keys).map_err(|error| ConfigError(error.to_string()))?;
    check_root(&ensemble.root)
}

fn twice(servers: &[String]) -> Option<&String> {
    servers.iter().enumerate().find(|(at, server)| servers[..*at].contains(server)).map(|(_, server)| server)
}

/// Refuses what is no address of an HTTP server; `name` is where it came from.
///
/// # Errors
/// [`ConfigError`] that does not show the address: it may hold a password.
pub fn check_http(name: &str, url: &str) -> Result<(), ConfigError> {
    let host =
        url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).map(|rest| rest.trim_end_matches('/'));
    if host.is_some_and(|host| !host.is_empty() && !host.contains(['@', ' ', '?', '#'])) {
        return Ok(());
    }
    Err(ConfigError(format!(
        "{name}: must be http://host:port or https://host:port, without user or password in it; those are settings of \
         their own"
    )))
}

fn check_prometheus(prometheus: &PrometheusSection) -> Result<(), ConfigError> {
    if !prometheus.url.is_empty() {
        check_http("prometheus.url", &prometheus.url)?;
    }
    let label = &prometheus.node_label;
    let word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if label.is_empty() || !word(label) || label.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(ConfigError(format!("prometheus.node_label: {label:?} is no name of a label, such as node")));
    }
    let matchers = &prometheus.matchers;
    if matchers.contains(['{', '}']) || !(matchers.is_empty() || matchers.contains(['=', '~'])) {
        let rule = r#"must be matchers without braces, such as cluster="demo", job="zookeeper""#;
        return Err(ConfigError(format!("prometheus.match = {matchers:?}: {rule}")));
    }
    match prometheus.scrape_interval_s {
        1..=3_600 => Ok(()),
        other => Err(ConfigError(format!("prometheus.scrape_interval_s = {other}: must be 1 to 3600"))),
    }
}

/// Port 0 is one that the system chooses.
fn check_listen(text: &str) -> Result<(), ConfigError> {
    let port =
        text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_some() {
        return Ok(());
    }
    Err(ConfigError(format!("api.listen (--listen): {text:?} is not host:port with a port up to 65535")))
}

fn check_address(name: &str, text: &str) -> Result<(), ConfigError> {
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let port = parts.and_then(|(_, port)| port.parse::<u16>().ok()).filter(|port| *port > 0);
    if port.is_some() {
        return Ok(());
    }
    Err(ConfigError(format!("{name}: {text:?} is not host:port with a port from 1 to 65535")))
}

fn check_root(root: &str) -> Result<(), ConfigError> {
    let parts = root.strip_prefix('/').map(|rest| rest.split('/'));
    let plain = |part: &str| {
        let letters = part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        letters && !part.is_empty() && part != "." && part != ".." && part != "zookeeper"
    };
    if parts.is_some_and(|mut parts| parts.all(plain)) {
        return Ok(());
    }
    Err(ConfigError(format!("ensemble.root = {root:?}: must be an absolute path of plain names, such as /demo")))
}

#[cfg(test)]
mod tests {
    use super::super::DEFAULT_TOML;
    use super::*;
    use crate::domain::setting::Setting;

    /// The shipped settings with these lines in place of theirs.
    fn with(section: &str, lines: &str) -> Result<(), String> {
        let mut all: toml::Table = DEFAULT_TOML.parse().unwrap();
        all[section].as_table_mut().unwrap().extend(lines.parse::<toml::Table>().unwrap());
        check(&all.try_into().unwrap()).map_err(|error| error.0)
    }

    #[test]
    fn numbers_are_taken_from_bound_to_bound() {
        let bounds = [
            ("workload", "interval_s", 1, 86_400),
            ("workload", "extra_clients", 0, 100),
            ("ensemble", "session_timeout_s", 2, 600),
            ("local", "heap_mb", 64, 1 << 20),
            ("scrub", "sizes_s", 1, 86_400),
            ("scrub", "hashes_s", 1, 31_536_000),
            ("paths", "trash_keep_s", 0, 31_536_000),
        ];
        for (section, key, low, high) in bounds {
            let value = |value: i64| with(section, &format!("{key} = {value}"));
            assert_eq!((value(low), value(high)), (Ok(()), Ok(())), "{section}.{key}");
            for beyond in [low - 1, high + 1].into_iter().filter(|beyond| *beyond >= 0) {
                assert_eq!(value(beyond), Err(format!("{section}.{key} = {beyond}: must be {low} to {high}")));
            }
        }
        for setting in Setting::ALL.iter().copied() {
            let (section, key) = setting.section_and_key();
            let (low, high) = setting.bounds().into_inner();
            // The settle is less than the threshold, which is 5.
            let taken = if setting == Setting::Settle { 4 } else { high };
            let value = |value: u64| with(section, &format!("{key} = {value}"));
            assert_eq!((value(low), value(taken)), (Ok(()), Ok(())), "{setting}");
            for beyond in [low.checked_sub(1), Some(taken + 1)].into_iter().flatten() {
                let told = value(beyond).unwrap_err();
                assert!(told.starts_with(&format!("{setting}: ")), "{told}");
            }
        }
        assert_eq!(with("local", "heap_mb = 0"), Ok(()), "left to the program");
    }

    #[test]
    fn servers_are_named_once_and_all_have_metrics_or_none_has() {
        let named = |servers: &[&str], metrics: &[&str]| {
            with("ensemble", &format!("servers = {servers:?}\nmetrics = {metrics:?}"))
        };
        for (servers, metrics) in [(&["a:1"][..], &[][..]), (&["a:1", "a:2"], &["a:3", "a:3"])] {
            assert_eq!(named(servers, metrics), Ok(()));
        }
        let refused = [
            (&[][..], &[][..], "names none"),
            (&["a:1", "a:1"], &[], "names a:1 twice"),
            (&["a:1", "b:1", "a:1"], &[], "names a:1 twice"),
            (&["a:1", "b:1"], &["a:2"], "has 1 addresses for 2 servers"),
            (&["a:1"], &["a:2", "b:2"], "has 2 addresses for 1 servers"),
            (&["a"], &[], "ensemble.servers: \"a\" is not host:port"),
            (&["a:1"], &["a"], "ensemble.metrics: \"a\" is not host:port"),
        ];
        for (servers, metrics, why) in refused {
            assert!(named(servers, metrics).is_err_and(|said| said.contains(why)), "{servers:?} {metrics:?}: {why}");
        }
    }

    #[test]
    fn addresses_need_a_host_and_a_port() {
        for good in ["zk1:2181", "127.0.0.1:1", "[::1]:2181"] {
            assert_eq!(check_address("a", good), Ok(()));
        }
        for bad in ["", "zk1", ":2181", "zk1:", "zk1:0", "zk1:65536", "zk1:x"] {
            assert!(check_address("a", bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn where_rest_listens_is_a_host_and_a_port() {
        for good in ["127.0.0.1:0", "0.0.0.0:8080", "[::1]:80"] {
            assert_eq!(check_listen(good), Ok(()));
        }
        for bad in ["x", "99999", "127.0.0.1:99999", ":80", ""] {
            assert!(check_listen(bad).is_err_and(|error| error.0.contains("is not host:port")), "{bad:?} was taken");
        }
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused_and_not_shown() {
        for good in ["http://127.0.0.1:9200", "https://e/"] {
            assert_eq!(check_http("a", good), Ok(()));
        }
        for bad in ["nourl", "", "http://", "ftp://e", "http://user:secret@e"] {
            let error = check_http("URL", bad).unwrap_err().0;
            assert!(error.starts_with("URL: must be http://host:port") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn roots_are_absolute_and_plain() {
        for good in ["/demo", "/a/b-1", "/a.b"] {
            assert_eq!(check_root(good), Ok(()));
        }
        for bad in ["", "/", "demo", "/a/", "//a", "/a/..", "/zookeeper", "/a b"] {
            assert!(check_root(bad).is_err(), "{bad:?} was taken");
        }
    }
}
