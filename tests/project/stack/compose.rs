//! `docker-compose.yml`, `.env`, `Dockerfile`.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml_ng::Value;

use super::{keys, path, strings, text, yaml};

const SERVERS: [&str; 3] = ["zk1", "zk2", "zk3"];

fn services() -> Value {
    yaml("docker-compose.yml")["services"].clone()
}

/// Every service that stays.
fn lasting(services: &Value) -> Vec<&str> {
    keys(services).into_iter().filter(|name| services[*name]["restart"] == "unless-stopped").collect()
}

#[test]
fn the_services_are_those_that_the_readme_names() {
    let services = services();
    let mut names = lasting(&services);
    names.sort_unstable();
    let expected = ["backend", "elasticsearch", "filebeat", "grafana", "prometheus", "zk1", "zk2", "zk3"];
    assert_eq!(names, expected);
}

#[test]
fn every_service_is_in_the_network_bounded_and_checked() {
    let services = services();
    for name in keys(&services) {
        let service = &services[name];
        assert_eq!(strings(&service["networks"]), ["zk_net"], "{name}: network");
        assert!(service["mem_limit"].is_string(), "{name}: no memory limit");
        assert_eq!(strings(&service["security_opt"]), ["no-new-privileges:true"], "{name}: privileges");
        let log = &service["logging"]["options"];
        assert!(log["max-size"].is_string() && log["max-file"].is_string(), "{name}: its log grows without end");
    }
    for name in lasting(&services).into_iter().filter(|name| *name != "backend") {
        assert!(services[name]["healthcheck"]["test"].is_sequence(), "{name}: no health check");
    }
    assert!(text("Dockerfile").contains("\nHEALTHCHECK "), "the backend's health check is its image's");
    assert_eq!(yaml("docker-compose.yml")["networks"]["zk_net"]["name"], "zk_net");
}

#[test]
fn ports_are_published_once_each_and_on_loopback() {
    let services = services();
    let mut found = BTreeMap::new();
    for name in keys(&services) {
        for port in strings(&services[name]["ports"]) {
            let pair = port.strip_prefix("${PUBLISH_ON:-127.0.0.1}:").unwrap_or_else(|| panic!("{name}: {port}"));
            let (host, inside) = pair.split_once(':').unwrap();
            assert_eq!(found.insert(host.to_owned(), format!("{name}:{inside}")), None, "{host} twice");
        }
    }
    let expected = [
        ("2181", "zk1:2181"),
        ("2182", "zk2:2181"),
        ("2183", "zk3:2181"),
        ("3000", "grafana:3000"),
        ("7001", "zk1:7000"),
        ("7002", "zk2:7000"),
        ("7003", "zk3:7000"),
        ("8080", "backend:8080"),
        ("9090", "prometheus:9090"),
        ("9200", "elasticsearch:9200"),
    ];
    assert_eq!(found, expected.map(|(host, inside)| (host.to_owned(), inside.to_owned())).into());
}

/// Sessions end to the tick, and a standby takes over when the leader's has ended.
#[test]
fn the_servers_ticks_are_those_that_a_takeover_is_measured_with() {
    let services = services();
    for server in SERVERS {
        assert_eq!(services[server]["environment"]["ZOO_TICK_TIME"], "500", "{server}");
    }
    let told = text("docs/reliability.md");
    assert!(told.contains("have ticks of\n  0.5 s for it"), "docs/reliability.md does not tell the ticks");
}

#[test]
fn everything_starts_after_what_it_needs() {
    let services = services();
    let needs = |name: &str, other: &str| services[name]["depends_on"][other]["condition"].as_str().map(str::to_owned);
    for server in SERVERS {
        assert_eq!(needs("backend", server).as_deref(), Some("service_healthy"), "{server}");
        assert_eq!(needs("prometheus", server).as_deref(), Some("service_healthy"), "{server}");
    }
    assert_eq!(needs("prometheus", "backend").as_deref(), Some("service_healthy"));
    assert_eq!(needs("grafana", "prometheus").as_deref(), Some("service_healthy"));
    assert_eq!(needs("templates", "elasticsearch").as_deref(), Some("service_healthy"));
    assert_eq!(needs("filebeat", "templates").as_deref(), Some("service_completed_successfully"));
    // The console is for the moment when something is down: the backend waits for no log store.
    assert_eq!(needs("backend", "elasticsearch"), None);
}

#[test]
fn the_servers_form_one_ensemble_with_metrics_and_log_files() {
    let services = services();
    for (number, name) in (1..).zip(SERVERS) {
        let (service, environment) = (&services[name], &services[name]["environment"]);
        assert_eq!(service["image"], "zookeeper:${ZOOKEEPER_VERSION:-3.9.4}");
        assert_eq!(environment["ZOO_MY_ID"], number.to_string());
        for (other, peer) in (1..).zip(SERVERS) {
            let line = format!("server.{other}={peer}:2888:3888;2181");
            assert!(environment["ZOO_SERVERS"].as_str().unwrap().split(' ').any(|server| server == line), "{line}");
        }
        let more = environment["ZOO_CFG_EXTRA"].as_str().unwrap();
        assert!(more.contains("PrometheusMetricsProvider") && more.contains("metricsProvider.httpPort=7000"), "{more}");
        assert_eq!(environment["ZOO_ADMINSERVER_ENABLED"], "false", "it would listen on 8080");
        assert_eq!(environment["TZ"], "UTC", "log lines carry no zone");
        assert!(strings(&service["volumes"]).contains(&format!("./logs/{name}:/logs").as_str()), "{name}: logs");
    }
    let logback = text("docker/logback.xml");
    for comment in logback.split("<!--").skip(1) {
        let inside = comment.split("-->").next().unwrap();
        assert!(!inside.contains("--"), "no XML parser takes {inside:?}");
    }
    let own = text("src/adapters/control/process/files.rs");
    let form = "%d{ISO8601} [myid:%X{myid}] - %-5p [%t:%C{1}@%L] - %m%n";
    assert!(logback.contains(form) && own.contains(form), "servers in containers and of --local log in one form");
}

#[test]
fn the_backend_gets_every_setting_of_the_readme() {
    let readme = text("README.md");
    let table = readme.split("\n## Settings\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let names = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2).map(str::to_owned));
    // The screen's, and those of --local.
    let elsewhere = ["ZKDECK_THEME", "ZKDECK_THEMES", "ZKDECK_JARS", "ZKDECK_LOCAL_HEAP_MB"];
    let told: BTreeSet<String> = names.filter(|name| !elsewhere.contains(&name.as_str())).collect();
    let services = services();
    let given = keys(&services["backend"]["environment"]).into_iter().map(str::to_owned).collect();
    assert_eq!(told, given, "the table of README.md and backend.environment differ");
}

#[test]
fn the_backend_is_confined_and_shares_its_store_with_the_host() {
    let backend = services()["backend"].clone();
    assert_eq!((&backend["read_only"], strings(&backend["cap_drop"])), (&Value::Bool(true), vec!["ALL"]));
    let volumes = strings(&backend["volumes"]);
    for volume in ["./data:/zkdeck/data", "./logs:/zkdeck/logs"] {
        assert!(volumes.contains(&volume), "{volume}");
    }
    let file = text("Dockerfile");
    let last = file.lines().rfind(|line| line.starts_with("USER "));
    assert_eq!(last, Some("USER zkdeck"), "alone, the image runs as its own user");
    assert!(text("docker/entrypoint.sh").contains("exec setpriv --reuid \"$uid\" --regid \"$gid\""));
}

/// A folder that was there before, such as `data/` with the token, may belong to the right user already, and what the
/// entry point makes in it is root's at first.
#[test]
fn what_the_entry_point_makes_is_given_to_the_owner() {
    let script = text("docker/entrypoint.sh");
    let rest = |start: &str, end: &str| {
        let line = script.lines().find_map(|line| line.trim().strip_prefix(start)).unwrap();
        line.trim_end_matches(end).split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    let (made, given) = (rest("mkdir -p ", ""), rest("for folder in ", "; do"));
    assert!(made.len() >= 2 && made.iter().all(|folder| given.contains(folder)), "{made:?} {given:?}");
}

#[test]
fn versions_stand_in_one_place_and_fall_back_to_the_same() {
    let env: BTreeMap<String, String> = text(".env")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let compose = text("docker-compose.yml");
    for (name, value) in env.iter().filter(|(_, value)| !value.is_empty()) {
        let used = format!("${{{name}:-{value}}}");
        assert!(compose.contains(&used), "{used} is not in docker-compose.yml");
    }
    for line in compose.lines().filter(|line| line.trim().starts_with("image:") && !line.contains("zkdeck:latest")) {
        assert!(line.contains("_VERSION:-"), "{line}: a version of its own");
    }
}

#[test]
fn what_is_mounted_is_there() {
    let services = services();
    for name in keys(&services) {
        for volume in strings(&services[name]["volumes"]) {
            let source = volume.split(':').next().unwrap();
            let made = ["./data", "./logs"].iter().any(|made| source.starts_with(made));
            if let Some(file) = source.strip_prefix("./").filter(|_| !made) {
                assert!(path(file).exists(), "{name}: {source} is missing");
            }
        }
    }
}
