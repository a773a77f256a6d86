//! Filebeat and the index templates.

use std::collections::BTreeSet;

use super::{strings, text, yaml};

#[test]
fn inputs_have_ids_and_each_data_set_its_index() {
    let config = yaml("filebeat/filebeat.yml");
    let mut ids = BTreeSet::new();
    let mut sets = BTreeSet::new();
    for input in config["filebeat.inputs"].as_sequence().unwrap() {
        assert_eq!(input["type"], "filestream");
        assert!(ids.insert(input["id"].as_str().unwrap().to_owned()), "{input:?}: an id twice");
        sets.insert(input["fields"]["event.dataset"].as_str().unwrap().to_owned());
    }
    let output = &config["output.elasticsearch"];
    let mut routed: BTreeSet<_> = output["indices"]
        .as_sequence()
        .unwrap()
        .iter()
        .map(|rule| rule["when.equals"]["event.dataset"].as_str().unwrap().to_owned())
        .collect();
    routed.insert("docker.log".to_owned());
    assert_eq!(routed, sets, "a data set goes to no index of its own");
    assert_eq!((&config["setup.template.enabled"], &config["setup.ilm.enabled"]), (&false.into(), &false.into()));
}

#[test]
fn every_index_has_a_template_and_none_is_the_servers_own() {
    let config = yaml("filebeat/filebeat.yml");
    let output = &config["output.elasticsearch"];
    let mut indices = vec![output["index"].as_str().unwrap()];
    indices.extend(output["indices"].as_sequence().unwrap().iter().map(|rule| rule["index"].as_str().unwrap()));
    let mut patterns = Vec::new();
    for file in ["operations", "zk-logs", "backend-logs", "docker-logs"] {
        let template = yaml(&format!("filebeat/templates/{file}.json"));
        patterns.extend(strings(&template["index_patterns"]).into_iter().map(str::to_owned));
    }
    for index in indices {
        let covered = patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => index.starts_with(start),
            None => index == pattern,
        });
        assert!(covered, "{index} has no template");
        assert!(!index.starts_with("logs-") && !index.starts_with("metrics-"), "{index}: a data stream of the server");
    }
}

#[test]
fn the_containers_of_this_project_are_known_by_the_tag_that_compose_sets() {
    let compose = yaml("docker-compose.yml");
    let tag = compose["x-service"]["logging"]["options"]["tag"].as_str().unwrap();
    let filebeat = text("filebeat/filebeat.yml");
    let start = tag.split("{{").next().unwrap();
    assert!(filebeat.contains(&format!("docker.attrs.tag: \"^{start}\"")), "{tag}");
}
