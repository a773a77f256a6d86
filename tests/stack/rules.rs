//! Prometheus: what is scraped, and what the rules ask.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;

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
