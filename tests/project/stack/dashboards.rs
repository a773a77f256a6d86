//! Grafana: data sources and dashboards.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{path, text, yaml};

pub(super) const FILES: [&str; 5] = ["overview", "connections", "latency", "znodes", "files"];

pub(super) fn dashboard(name: &str) -> Value {
    serde_json::from_str(&text(&format!("monitoring/grafana/dashboards/{name}.json"))).unwrap()
}

fn panels(dashboard: &Value) -> &[Value] {
    dashboard["panels"].as_array().unwrap()
}

/// Names of metrics that were seen on real servers and on the backend, and those that rules record.
pub(super) fn known_names() -> BTreeSet<String> {
    let mut known: BTreeSet<String> = ["up".to_owned(), "ALERTS".to_owned()].into();
    for page in ["metrics-3.9.4.txt", "metrics-3.9.4-leader.txt", "metrics-zkdeck.txt"] {
        for line in text(&format!("tests/fixtures/{page}")).lines() {
            if let Some(typed) = line.strip_prefix("# TYPE ") {
                let (name, kind) = typed.split_once(' ').unwrap();
                known.insert(name.to_owned());
                if kind == "summary" || kind == "histogram" {
                    known.extend(["_sum", "_count", "_bucket"].map(|end| format!("{name}{end}")));
                }
            }
        }
    }
    let recording = yaml("monitoring/rules/recording.yml");
    for group in recording["groups"].as_sequence().unwrap() {
        let rules = group["rules"].as_sequence().unwrap();
        known.extend(rules.iter().map(|rule| rule["record"].as_str().unwrap().to_owned()));
    }
    known
}

/// The metrics that an expression asks for: its words without functions, keywords, labels and texts.
pub(super) fn metric_names(expr: &str) -> BTreeSet<String> {
    const WORDS: [&str; 6] = ["and", "or", "unless", "bool", "offset", "inf"];
    let mut names = BTreeSet::new();
    let mut rest = expr;
    while let Some(first) = rest.chars().next() {
        let part = |end: Option<usize>| end.map_or(rest.len(), |end| end);
        let taken = match first {
            '"' => part(rest[1..].find('"').map(|end| end + 2)),
            '{' => part(rest.find('}').map(|end| end + 1)),
            '[' => part(rest.find(']').map(|end| end + 1)),
            c if c.is_ascii_digit() => part(rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.')),
            c if c.is_ascii_alphabetic() || c == '_' => {
                let end = part(rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':'));
                let (word, after) = (&rest[..end], rest[end..].trim_start());
                if ["by", "without", "on", "ignoring", "group_left", "group_right"].contains(&word) {
                    // The labels in the brackets that follow.
                    part(rest.find(')').map(|end| end + 1))
                } else {
                    if !after.starts_with('(') && !WORDS.contains(&word) && !after.starts_with("by") {
                        names.insert(word.to_owned());
                    }
                    end
                }
            }
            c => c.len_utf8(),
        };
        rest = &rest[taken..];
    }
    names
}

pub(super) fn expressions(dashboard: &Value) -> Vec<String> {
    let targets = panels(dashboard).iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.filter_map(|target| target["expr"].as_str()).map(str::to_owned).collect()
}

#[test]
fn the_names_in_an_expression_are_found() {
    let found = |expr| metric_names(expr).into_iter().collect::<Vec<_>>();
    assert_eq!(found(r#"sum by (node, le) (rate(a_total{x="b and c"}[5m])) / 1e3"#), ["a_total"]);
    assert_eq!(found("topk(1, a > 0) or vector(0)"), ["a"]);
    assert_eq!(found("zk:a:ratio == floor(b / 2) + 1 and c < bool d"), ["b", "c", "d", "zk:a:ratio"]);
    assert_eq!(found(r#"histogram_quantile(0.5, sum by (le) (rate(x_bucket[5m])))"#), ["x_bucket"]);
}

#[test]
fn every_expression_asks_for_metrics_that_exist() {
    let known = known_names();
    for file in FILES {
        let expressions = expressions(&dashboard(file));
        assert!(expressions.len() >= 10, "{file}: {} expressions", expressions.len());
        for expr in expressions {
            for name in metric_names(&expr) {
                assert!(known.contains(&name), "{file}: {name} in {expr}");
            }
            for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
                assert_eq!(expr.matches(open).count(), expr.matches(close).count(), "{file}: {expr}");
            }
        }
    }
}

#[test]
fn dashboards_can_be_provisioned() {
    let mut uids = BTreeSet::new();
    for file in FILES {
        let board = dashboard(file);
        assert!(board.get("__inputs").is_none() && board["id"].is_null(), "{file}: made by an export");
        assert!(uids.insert(board["uid"].as_str().unwrap().to_owned()), "{file}: uid");
        assert!(board["title"].as_str().is_some_and(|title| !title.is_empty()), "{file}: title");
    }
    let there = std::fs::read_dir(path("monitoring/grafana/dashboards")).unwrap().count();
    assert_eq!(there, FILES.len(), "a dashboard that no test looks at");
    let config = yaml("monitoring/grafana/provisioning/dashboards/dashboards.yml");
    for provider in config["providers"].as_sequence().unwrap() {
        assert_eq!(provider["allowUiUpdates"], false, "what is changed in the browser would be lost");
    }
    for told in ["README.md", "docs/stack.md"] {
        let told = text(told);
        let lines = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(lines.contains("changed in the browser"), "{told}");
    }
}

#[test]
fn panels_are_distinct_described_and_have_units() {
    for file in FILES {
        let board = dashboard(file);
        let mut ids = BTreeSet::new();
        for panel in panels(&board) {
            let title = panel["title"].as_str().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{file}: {title}: its id is another panel's");
            if panel["type"] == "row" {
                continue;
            }
            assert!(panel["description"].as_str().is_some_and(|text| !text.is_empty()), "{file}: {title}: description");
            let unit = &panel["fieldConfig"]["defaults"]["unit"];
            assert!(unit.is_string() || panel["type"] == "logs", "{file}: {title}: no unit");
        }
    }
}

#[test]
fn panels_do_not_lie_on_each_other() {
    for file in FILES {
        let board = dashboard(file);
        let places: Vec<[u64; 4]> = panels(&board)
            .iter()
            .map(|panel| ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap()))
            .collect();
        for (at, [x, y, w, h]) in places.iter().enumerate() {
            assert!(x + w <= 24, "{file}: panel {at} is too wide");
            let apart = |[a, b, c, d]: &[u64; 4]| x + w <= *a || a + c <= *x || y + h <= *b || b + d <= *y;
            assert!(places[at + 1..].iter().all(apart), "{file}: panel {at} overlaps another");
        }
    }
}

#[test]
fn panels_use_data_sources_that_are_provisioned() {
    let file = yaml("monitoring/grafana/provisioning/datasources/datasources.yml");
    let sources = file["datasources"].as_sequence().unwrap();
    let known: BTreeSet<(&str, &str)> =
        sources.iter().map(|one| (one["type"].as_str().unwrap(), one["uid"].as_str().unwrap())).collect();
    for file in FILES {
        let board = dashboard(file);
        for panel in panels(&board).iter().filter(|panel| panel["type"] != "row") {
            let targets = panel["targets"].as_array().unwrap();
            for source in targets.iter().map(|target| &target["datasource"]).chain([&panel["datasource"]]) {
                let used = (source["type"].as_str().unwrap(), source["uid"].as_str().unwrap());
                assert!(known.contains(&used), "{file}: {}: {used:?}", panel["title"]);
            }
        }
    }
}

#[test]
fn the_home_dashboard_is_there() {
    let compose = yaml("docker-compose.yml");
    let grafana = &compose["services"]["grafana"]["environment"];
    let home = grafana["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].as_str().unwrap();
    let name = home.strip_prefix("/var/lib/grafana/dashboards/").unwrap();
    assert!(path("monitoring/grafana/dashboards").join(name).exists(), "{home}");
}
