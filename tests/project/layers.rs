//! The layer law, which Rust itself does not know: `domain <- adapters <- engine <- console <- tui`,
//! `engine <- api`, all `<- {config, cli, main}`.
//!
//! Reads the paths in every file of `src/` and fails on an arrow that runs up or sideways, and on a
//! file that has grown too long.

use std::fs;
use std::path::{Path, PathBuf};

use super::paths::{imports, rooted, sources, within, without_comments};

/// A part of the program and the paths of this crate that it may name.
const LAW: &[(&str, &[&str])] = &[
    ("domain", &["domain"]),
    ("adapters", &["adapters", "domain"]),
    ("engine", &["engine", "adapters", "domain"]),
    ("console", &["console", "engine::handle", "domain"]),
    ("tui", &["tui", "console", "engine::handle", "domain"]),
    ("api", &["api", "engine::handle", "domain"]),
    ("config", EVERYTHING),
    ("cli", EVERYTHING),
    ("main", EVERYTHING),
    ("lib", EVERYTHING),
];
const EVERYTHING: &[&str] = &["domain", "adapters", "engine", "console", "tui", "api", "config", "cli"];

/// What makes a rule depend on more than its arguments.
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "anyhow",
    "axum",
    "crossterm",
    "jiff",
    "rand",
    "ratatui",
    "reqwest",
    "rusqlite",
    "rustix",
    "tokio",
    "tokio_util",
    "tracing",
    "uuid::Timestamp",
    "uuid::Uuid::new_v4",
    "uuid::Uuid::new_v7",
    "uuid::Uuid::now_v7",
    "zookeeper_client",
];

/// What ties a console to a terminal, a socket or a host.
const AT_A_HOST: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "axum",
    "crossterm",
    "reqwest",
    "rusqlite",
    "rustix",
    "tokio::fs",
    "tokio::net",
    "tokio::process",
    "tokio::task",
    "zookeeper_client",
];

const LINES_MAX: usize = 600;

/// One broken rule, in words.
type Finding = String;

/// All that is wrong in one file; `path` is relative to `src/`, with `/`.
fn check(path: &str, text: &str) -> Vec<Finding> {
    let part = path.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    let Some((_, allowed)) = LAW.iter().find(|(name, _)| *name == part) else {
        return vec![format!(
            "src/{path}: {part} has no place in the layer law: add it to LAW in tests/project/layers.rs"
        )];
    };
    let code = without_comments(text);
    let mut findings = Vec::new();
    for used in paths_of_this_crate(path, &code) {
        let of_a_layer = EVERYTHING.iter().any(|layer| within(&used, layer));
        if of_a_layer && !allowed.iter().any(|allowed| within(&used, allowed)) {
            findings.push(format!("src/{path}: {part} must not use {used}; it may use {}", allowed.join(", ")));
        }
    }
    let (banned, why) = match part {
        "domain" => (IMPURE, "domain is pure"),
        "console" => (AT_A_HOST, "the console knows no terminal, socket or file of a host"),
        _ => (&[][..], ""),
    };
    for root in banned.iter().map(|path| path.split("::").next().unwrap_or_default()) {
        let used = paths_of(&code, root);
        let used = used.iter().filter(|used| banned.iter().any(|banned| within(used, banned)));
        findings.extend(used.map(|used| format!("src/{path}: {why} and must not use {used}")));
    }
    findings.sort();
    findings.dedup();
    findings
}

/// The paths that begin with `root`, also where their beginning was imported: `uuid::Uuid::now_v7` for `Uuid::now_v7`.
fn paths_of(code: &str, root: &str) -> Vec<String> {
    let (imports, rest) = imports(code);
    let mut found = rooted(code, root);
    for named in imports.iter().flat_map(|import| &import.names).filter(|named| within(&named.path, root)) {
        let used = rooted(&rest, &named.name).into_iter();
        found.extend(used.map(|used| format!("{}{}", named.path, &used[named.name.len()..])));
    }
    found
}

/// Paths below the crate's root, without it: `engine::handle::Handle`.
fn paths_of_this_crate(path: &str, code: &str) -> Vec<String> {
    let mut found: Vec<_> = ["crate", "zkdeck"].iter().flat_map(|root| rooted(code, root)).collect();
    let climb = "super::".repeat(depth(path));
    // From here so many steps up is the root of the crate; fewer stay inside the layer.
    let climbs = rooted(code, "super").into_iter().filter(|used| used.starts_with(&climb));
    found.extend(climbs.map(|used| format!("crate::{}", used.trim_start_matches("super::"))));
    found.iter().filter_map(|used| used.split_once("::").map(|(_, rest)| rest.to_owned())).collect()
}

/// How deep a file's module lies: 1 for `engine/mod.rs`, 2 for `engine/core.rs`.
fn depth(path: &str) -> usize {
    let parts: Vec<_> = path.split('/').collect();
    if parts.last() == Some(&"mod.rs") { parts.len() - 1 } else { parts.len() }
}

#[test]
fn every_arrow_runs_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&root);
    assert!(files.len() > 20, "only {} files were read", files.len());
    let mut findings = Vec::new();
    let mut arrows = 0;
    for file in &files {
        let (text, path) = (fs::read_to_string(file).unwrap(), file.strip_prefix(&root).unwrap().to_str().unwrap());
        arrows += paths_of_this_crate(path, &without_comments(&text)).len();
        findings.extend(check(path, &text));
    }
    assert!(arrows > 20, "only {arrows} paths were read: the reader is broken");
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

/// `scripts/mutants` puts each in.
#[test]
fn each_single_fault_has_its_place_in_the_code() {
    #[derive(serde::Deserialize)]
    struct List {
        fault: Vec<Fault>,
    }
    #[derive(serde::Deserialize)]
    struct Fault {
        name: String,
        file: PathBuf,
        find: String,
        put: String,
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list: List = toml::from_str(&fs::read_to_string(root.join("tests/mutants.toml")).unwrap()).unwrap();
    let places = |fault: &Fault| {
        let code = fs::read_to_string(root.join(&fault.file)).unwrap_or_default();
        code.matches(&fault.find).count()
    };
    let lost: Vec<_> = list.fault.iter().filter(|one| places(one) != 1 || one.find == one.put).collect();
    let names: Vec<_> = lost.iter().map(|one| (&one.name, &one.file)).collect();
    assert!(list.fault.len() >= 150 && names.is_empty(), "write these anew: {names:?}");
    let different: std::collections::BTreeSet<_> = list.fault.iter().map(|one| &one.name).collect();
    assert_eq!(different.len(), list.fault.len(), "two faults have one name");
}

#[test]
fn no_file_is_longer_than_a_reader_bears() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["src", "tests", "benches"].iter().flat_map(|folder| sources(&root.join(folder)));
    let counted = files.map(|file| (fs::read_to_string(&file).unwrap().lines().count(), file));
    let long: Vec<_> = counted.filter(|(lines, _)| *lines > LINES_MAX).collect();
    assert!(long.is_empty(), "longer than {LINES_MAX} lines: {long:?}");
}

/// What the law forbids, in every way of writing it: each must be found, or the test above is void.
#[test]
fn a_broken_law_is_found() {
    let broken = [
        ("domain/node.rs", "use crate::adapters::metrics::Metrics;"),
        ("domain/node.rs", "use crate::{\n  domain::ids::NodeId,\n  engine::clock,\n};"),
        ("domain/node.rs", "fn f() { let _ = std::time::Instant::now(); }"),
        ("domain/node.rs", "use std::time::{Duration, SystemTime};"),
        ("domain/node.rs", "use std::{fmt, fs};"),
        ("domain/planner/mod.rs", "use tokio::sync::watch;"),
        ("domain/ids.rs", "fn f() { uuid::Uuid::new_v4(); }"),
        ("domain/ids.rs", "use uuid::Uuid;\nfn f() { Uuid::now_v7(); }"),
        ("domain/ids.rs", "use uuid::{\n    Uuid as Id,\n    fmt::Simple,\n};\nfn f() { Id::now_v7(); }"),
        ("domain/node.rs", "use super::super::engine::clock;"),
        ("adapters/blobs/mod.rs", "use crate::engine::clock;"),
        ("adapters/blobs/mod.rs", "use super::super::engine::clock;"),
        ("adapters/metrics.rs", "use zkdeck::engine::clock;"),
        ("engine/core.rs", "fn f() { crate::tui::run() }"),
        ("engine/core.rs", "use crate::config::Config;"),
        ("tui/mod.rs", "use crate::api::router;"),
        ("tui/panes/files.rs", "use crate::engine::{handle::Handle, driver::Driver};"),
        ("tui/panes/files.rs", "use crate::{engine::{handle::{Handle as H, Rejected}, core}, domain};"),
        ("api/routes/x.rs", "use crate::adapters::metrics;"),
        ("api/routes/x.rs", "use crate::console::theme;"),
        ("console/line.rs", "use crate::tui::screen;"),
        ("console/line.rs", "use crossterm::event::KeyEvent;"),
        ("console/place.rs", "fn f() { std::fs::read(\"x\") }"),
        ("helpers/mod.rs", ""),
    ];
    for (path, text) in broken {
        assert_eq!(check(path, text).len(), 1, "{path}: {text}: {:?}", check(path, text));
    }
}

#[test]
fn what_the_law_allows_is_left_alone() {
    let good = [
        ("domain/node.rs", "use std::time::Duration;\nuse super::ids::NodeId; // not crate::engine\n"),
        ("domain/ids.rs", "use uuid::Uuid;\nfn f() { Uuid::try_parse(\"now_v7\"); }"),
        ("domain/planner/mod.rs", "//! see crate::engine\nuse super::super::domain::ids;"),
        ("domain/state.rs", "mod tests { use super::super::planner; }"),
        ("adapters/logs/local.rs", "use crate::{adapters::logs::Line, domain::log::Query};"),
        ("engine/core.rs", "use crate::adapters::history::{self, History};"),
        ("console/panes/files.rs", "use crate::engine::handle::{self, Handle};\nuse crate::console::theme;"),
        ("api/router.rs", "use crate::engine::handle::Handle;\nuse tokio::net::TcpListener;"),
        ("cli.rs", "use crate::{adapters, api, config, domain, engine, tui};"),
        ("main.rs", "use zkdeck::cli;"),
    ];
    for (path, text) in good {
        assert_eq!(check(path, text), Vec::<Finding>::new(), "{path}: {text}");
    }
}
