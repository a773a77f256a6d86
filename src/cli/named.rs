//! What messages tell people to use is there: settings, variables, flags and commands.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

use super::args;
use crate::config::DEFAULT_TOML;

/// The string literals of the program's own text: what stands before its tests, without comments.
fn literals(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    // Names of fail-points are no messages.
    let code = Regex::new(r#"faults::\w+\("[^"]*"\)"#).unwrap().replace_all(&code, "");
    let literal = Regex::new("(?s)'\"'|r#\"(.*?)\"#|\"((?:[^\"\\\\]|\\\\.)*)\"").unwrap();
    literal.captures_iter(&code).filter_map(|found| Some(found.get(1).or(found.get(2))?.as_str().to_owned())).collect()
}

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs")
            && !["tests.rs", "named.rs"].iter().any(|one| path.ends_with(one))
        {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// `(literal, file)` of everything under `src/` that is compiled into the program.
fn every_literal() -> Vec<(String, String)> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    files.retain(|(path, _)| !["/tests/", "/fake/", "/simulation/", "/faults/"].iter().any(|part| path.contains(part)));
    files.iter().flat_map(|(path, text)| literals(text).into_iter().map(|text| (text, path.clone()))).collect()
}

#[test]
fn every_setting_that_a_message_names_is_one() {
    let defaults: toml::Table = DEFAULT_TOML.parse().unwrap();
    let mut names = BTreeSet::new();
    for (section, keys) in &defaults {
        names.extend(keys.as_table().unwrap().keys().map(|key| format!("{section}.{key}")));
    }
    let sections = defaults.keys().map(String::as_str).collect::<Vec<_>>().join("|");
    let setting = Regex::new(&format!(r"(?:^|[^\w./-])((?:{sections})\.[a-z_]+)\b")).unwrap();
    // Names of files, and of fields in Elasticsearch.
    let other = ["docker.sock", "log.level", "log.offset", "log.file"];
    let mut seen = 0;
    for (text, path) in every_literal() {
        for name in setting.captures_iter(&text).map(|found| found[1].to_owned()) {
            seen += 1;
            assert!(names.contains(&name) || other.contains(&name.as_str()), "{path} names the setting {name}: {text}");
        }
    }
    assert!(seen > 20, "only {seen} names of settings were found: does this test still read the messages?");
}

#[test]
fn every_variable_that_a_message_names_is_in_the_readme() {
    let readme = include_str!("../../README.md");
    let variable = Regex::new(r"\b(ZKDECK_[A-Z_]+[A-Z])\b").unwrap();
    for (text, path) in every_literal() {
        for name in variable.captures_iter(&text).map(|found| found[1].to_owned()) {
            // Of the tests, which set them for themselves.
            let inner = ["ZKDECK_FAULT", "ZKDECK_BROKEN"].iter().any(|of_tests| name.starts_with(of_tests));
            assert!(inner || readme.contains(&format!("`{name}`")), "{path} names {name}: {text}");
        }
    }
}

#[test]
fn every_flag_and_command_of_zkdeck_that_a_message_names_is_one() {
    let command = args::command();
    let all = || std::iter::once(&command).chain(command.get_subcommands());
    let flags: BTreeSet<String> =
        all().flat_map(|one| one.get_arguments()).filter_map(|arg| Some(format!("--{}", arg.get_long()?))).collect();
    let commands: BTreeSet<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let flag = Regex::new(r"(?:^|[\s(`])(--[a-z][a-z-]+)").unwrap();
    let named = Regex::new(r"zkdeck ([a-z]+)\b(?: (--[a-z-]+))?").unwrap();
    // Other programs' flags stand behind their names.
    let others = Regex::new(r"\b(docker|curl|sudo|ss|apt-get|openssl|mvn|cargo|rustup|grep|ldd|java)\b").unwrap();
    // The last two: of a curl that is put together, and of the command that starts a server.
    let also: BTreeSet<String> = ["--help", "--version", "--cacert", "--parent"].map(str::to_owned).into();
    for (text, path) in every_literal() {
        if !others.is_match(&text) {
            for name in flag.captures_iter(&text).map(|found| found[1].to_owned()) {
                assert!(flags.contains(&name) || also.contains(&name), "{path} names the flag {name}: {text}");
            }
        }
        for found in named.captures_iter(&text).filter(|found| found.get(2).is_some() && &found[1] != "without") {
            assert!(commands.contains(&found[1]), "{path} names the command {}: {text}", &found[1]);
        }
    }
}

#[test]
fn no_message_names_the_root_of_the_defaults() {
    for (text, path) in every_literal().into_iter().filter(|(_, path)| !path.contains("/config/")) {
        let root = text.contains("/demo/") && !text.contains("/api/demo/");
        assert!(!root, "{path} speaks of /demo, and another root may be set: {text}");
    }
}
