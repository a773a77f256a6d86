//! Prometheus: what is scraped, and what the rules ask.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;

use zkdeck::domain::health;

use super::dashboards::{known_names, metric_names};
use super::{strings, text, yaml};

fn rules(file: &str) -> Vec<Value> {
    let file = yaml(file);
    let groups = file["groups"].as_sequence().unwrap();
    groups.iter().flat_map(|group| group["rules"].as_sequence().unwrap().clone()).collect()
}

#[test]
fn every_server_and_the_backend_are_scraped() {
    let config = yaml("monitoring/prometheus.yml");
    let job = |name: &str| {
        let jobs = config["scrape_configs"].as_sequence().unwrap();
        jobs.iter().find(|job| job["job_name"] == name).unwrap()["static_configs"].as_sequence().unwrap().clone()
    };
    let servers = job("zookeeper");
    let targets: Vec<_> =
        servers.iter().map(|one| (strings(&one["targets"])[0], one["labels"]["node"].as_str().unwrap())).collect();
    assert_eq!(targets, [("zk1:7000", "zk1"), ("zk2:7000", "zk2"), ("zk3:7000", "zk3")]);
    assert_eq!(strings(&job("backend")[0]["targets"]), ["backend:8080"]);
}

#[test]
fn rules_ask_for_metrics_that_exist() {
    let known = known_names();
    for rule in rules("monitoring/rules/recording.yml").iter().chain(&rules("monitoring/rules/alerts.yml")) {
        let expr = rule["expr"].as_str().unwrap();
        for name in metric_names(expr) {
            assert!(known.contains(&name), "{name} in {expr}");
        }
    }
}

/// One set of bounds: what the console calls too much is too much for the alerts and on the dashboards.
#[test]
fn alerts_and_dashboards_have_the_bounds_of_the_console() {
    let alerts = rules("monitoring/rules/alerts.yml");
    for (alert, dashboard, panel, percent) in [
        ("ZooKeeperHeapHigh", "latency", "Heap in use", health::HEAP_PERCENT_MAX),
        ("ZooKeeperFileDescriptorsHigh", "connections", "File descriptors in use", health::DESCRIPTORS_PERCENT_MAX),
    ] {
        let bound = percent as f64 / 100.0;
        let rule = alerts.iter().find(|rule| rule["alert"] == alert).unwrap();
        let (_, number) = rule["expr"].as_str().unwrap().split_once("> ").unwrap();
        assert_eq!(number.parse(), Ok(bound), "{alert}");
        let file = text(&format!("monitoring/grafana/dashboards/{dashboard}.json"));
        let dashboard: serde_json::Value = serde_json::from_str(&file).unwrap();
        let panel = dashboard["panels"].as_array().unwrap().iter().find(|one| one["title"] == panel).unwrap();
        let steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array().unwrap();
        assert_eq!(steps.last().unwrap()["value"].as_f64(), Some(bound), "{}", panel["title"]);
    }
}

#[test]
fn every_alert_says_what_to_do_and_has_a_test() {
    let tests = text("monitoring/rules/tests/alerts.test.yml");
    let mut names = BTreeSet::new();
    for alert in rules("monitoring/rules/alerts.yml") {
        let name = alert["alert"].as_str().unwrap().to_owned();
        assert!(alert["labels"]["severity"].is_string(), "{name}: no severity");
        for part in ["summary", "description"] {
            assert!(alert["annotations"][part].as_str().is_some_and(|text| !text.is_empty()), "{name}: no {part}");
        }
        assert!(tests.contains(&name), "{name}: no test");
        assert!(names.insert(name.clone()), "{name} is there twice");
    }
}
