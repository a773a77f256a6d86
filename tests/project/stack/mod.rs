//! The stack of `docker-compose.yml`, checked without Docker: what its files promise each other.
//! `scripts/test-stack` runs it for real.

mod compose;
mod dashboards;
mod filebeat;
mod live;
mod rules;
mod words;

use std::path::{Path, PathBuf};

use serde_yaml_ng::Value;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn yaml(name: &str) -> Value {
    let mut value: Value = serde_yaml_ng::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    // One pass for each level of `<<` within what is merged.
    for _ in 0..3 {
        value.apply_merge().unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    value
}

/// The strings of a list.
fn strings(list: &Value) -> Vec<&str> {
    list.as_sequence().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The names of a mapping.
fn keys(mapping: &Value) -> Vec<&str> {
    mapping.as_mapping().into_iter().flatten().filter_map(|(key, _)| key.as_str()).collect()
}
