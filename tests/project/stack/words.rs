//! What the documents, the scripts and the program say of the same thing.

use std::collections::BTreeSet;

use zkdeck::domain::alert::AlertCode;

use super::{keys, path, strings, text, yaml};

/// Without the marks of comments, in one line.
fn flat(name: &str) -> String {
    let lines = text(name);
    let bare = lines.lines().map(|line| line.trim_start().trim_start_matches("///").trim_start_matches("//!").trim());
    bare.collect::<Vec<_>>().join(" ")
}

/// What stands between the first `open` and the next `close` after it.
fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    text.split(open).nth(1).and_then(|rest| rest.split(close).next()).unwrap_or_else(|| panic!("no {open}"))
}

#[test]
fn what_zkdeck_is_stands_everywhere_in_the_same_words() {
    let cargo = text("Cargo.toml");
    let sentence = between(&cargo, "description = \"A ", "\"");
    for name in ["src/cli/args.rs", "src/lib.rs"] {
        let (found, told) = (flat(name), sentence.trim_end_matches(" per server"));
        assert!(found.contains(told), "{name} does not say: {told}");
    }
}

/// Where bytes and records lie, and in which order somebody with an ensemble comes to know zkdeck.
#[test]
fn the_readme_says_where_things_lie_and_begins_by_watching() {
    let readme = flat("README.md");
    assert!(readme.contains("the bytes lie on disk in `data/uploads/<node>/`, the record of each file"));
    assert!(text("src/cli/compose.rs").contains(r#"root: data.join("uploads")"#), "README.md names another folder");
    let at = |line: &str| readme.find(line).unwrap_or_else(|| panic!("README.md does not say: {line}"));
    let own = at("### Your own ensemble");
    let (watches, operates) = (at("zkdeck --read-only --zk zk1:"), at(" zkdeck --zk zk1:"));
    assert!(own < watches && watches < operates, "who has an ensemble is to watch it first");
    at("with `--zk` only where `DEMO_WORKLOAD_ENABLED` says so");
    let backend = yaml("docker-compose.yml")["services"]["backend"]["environment"].clone();
    assert_eq!(backend["DEMO_WORKLOAD_ENABLED"], "${DEMO_WORKLOAD_ENABLED:-true}", "the stack's own ensemble has it");
}

/// Each way to a program that can be called `zkdeck`, and what a change of `.env` needs.
#[test]
fn the_readme_says_how_zkdeck_comes_onto_the_path_and_an_image_anew() {
    let readme = text("README.md");
    let own = between(&readme, "### Your own ensemble", "\n### ");
    for line in [
        "sudo install target/release/zkdeck /usr/local/bin/ ",
        "cargo install --locked --path . ",
        "docker compose cp backend:/usr/local/bin/zkdeck . ",
    ] {
        assert!(own.contains(&format!("\n{line}")), "README.md does not say: {line}");
    }
    let docker = between(&readme, "### Docker", "\n### ");
    assert!(docker.contains("\ndocker compose exec backend zkdeck "), "nothing says how to reach the console");
    // What goes into the image is not changed by a start.
    let file = text("Dockerfile");
    let env = text(".env");
    for name in ["RUST_VERSION", "DEBIAN_VERSION"] {
        assert!(file.contains(&format!("ARG {name}=")), "{name} is no part of the image");
    }
    let told = "so after a change of these: `docker compose up -d --build`";
    assert!(
        readme.contains(told)
            && env.contains("RUST_VERSION and DEBIAN_VERSION are zkdeck's own image: docker compose up -d --build")
    );
}

#[test]
fn one_rust_is_installed_and_in_the_image() {
    let lib = text("scripts/lib.sh");
    let pin = between(&lib, "\nRUST_PIN=", "\n");
    let env = text(".env");
    let image = between(&env, "\nRUST_VERSION=", "-");
    assert!(pin.starts_with(&format!("{image}.")), "scripts/lib.sh installs {pin}, the image is built by {image}");
    let cargo = text("Cargo.toml");
    let number = |version: &str| version.split('.').map(|part| part.parse().unwrap()).collect::<Vec<u32>>();
    let least = between(&cargo, "\nrust-version = \"", "\"");
    assert!(number(pin) >= number(least), "{pin} is too old: {least} is needed");
    assert!(!path("rust-toolchain.toml").exists(), "it would make rustup download what may not be needed");
}

#[test]
fn every_alert_is_explained() {
    let told = text("docs/reliability.md");
    let codes = AlertCode::ALL.iter().map(|code| code.word());
    let missing: Vec<_> = codes.filter(|code| !told.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "docs/reliability.md does not explain {missing:?}");
}

/// The text of every file of a folder and the folders in it, but of tests.
fn sources(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(path(folder)).unwrap().map(|entry| entry.unwrap());
    let entries = entries.filter(|entry| !matches!(entry.file_name().to_str(), Some("tests" | "tests.rs")));
    let each = entries.flat_map(|entry| {
        let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() { sources(&name) } else { vec![text(&name)] }
    });
    each.collect()
}

/// The words in quotes that come right after each `before` in a text.
fn quoted_after<'a>(source: &'a str, before: &str) -> impl Iterator<Item = &'a str> {
    source.split(before).skip(1).filter_map(|rest| {
        let rest = rest.trim_start().strip_prefix('"')?;
        rest.split('"').next()
    })
}

#[test]
fn every_code_that_rest_answers_with_is_explained() {
    let ends = text("src/domain/outcome.rs");
    let mut codes: BTreeSet<String> = ends
        .split("Outcome::new(")
        .skip(1)
        .filter_map(|rest| {
            let (_, rest) = rest.split_once(", \"")?;
            rest.split('"').next().map(str::to_owned)
        })
        .collect();
    let refusals = text("src/domain/command.rs");
    let refusals = between(&refusals, "pub const fn code(&self)", "\n    }\n");
    codes.extend(quoted_after(refusals, "=>").map(str::to_owned));
    for source in sources("src/api") {
        let source = source.split("#[cfg(test)]").next().unwrap();
        codes.extend(quoted_after(source, "Fail::question(").map(str::to_owned));
        for rest in source.split("StatusCode::").skip(1) {
            let code = rest.split_once(',').map(|(_, rest)| rest.trim_start()).and_then(|rest| rest.strip_prefix('"'));
            codes.extend(code.and_then(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
    assert!(codes.len() > 30 && codes.contains("no-token"), "{codes:?}");
    let told = text("docs/api.md");
    let missing: Vec<_> = codes.iter().filter(|code| !told.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "docs/api.md does not explain {missing:?}");
}

#[test]
fn as_many_broken_variants_as_there_are_have_to_be_caught() {
    let source = text("src/engine/simulation/sabotage.rs");
    let number = between(&source, "const ALL: [Self; ", "]");
    assert!(flat("docs/reliability.md").contains(&format!("{number} broken variants have to be caught")), "{number}");
}

#[test]
fn every_field_of_a_query_is_named() {
    let source = text("src/domain/log/ast.rs");
    let table = between(&source, "const FIELDS", "];");
    let told = text("docs/logs.md");
    let names = table.split("(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let missing: Vec<_> = names.filter(|name| !told.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/logs.md does not name {missing:?}");
}

/// Another root is as good: what watches zkdeck goes by metrics and indices.
#[test]
fn nothing_that_watches_goes_by_the_root_of_the_defaults() {
    let mut folders = vec![path("monitoring"), path("filebeat")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let name = entry.display();
            let found = std::fs::read_to_string(&entry).unwrap();
            assert!(!found.contains("/demo"), "{name} goes by /demo, which ZKDECK_ROOT changes");
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen} files");
}

#[test]
fn the_kernels_limit_is_kept_in_one_file() {
    let file = "/etc/sysctl.d/99-zkdeck.conf";
    let readme = text("README.md");
    assert!(readme.contains(&format!("put the line `vm.max_map_count=262144` into `{file}`")));
    assert!(text("src/cli/doctor/system.rs").contains(file), "zkdeck doctor names another file than README.md");
}

#[test]
fn a_console_in_the_container_has_a_language_and_colours() {
    let file = text("Dockerfile");
    let settings = between(&file, "\nENV ", "\n");
    assert_eq!(settings, "LANG=C.UTF-8 TERM=xterm-256color");
    assert!(file.contains("COPY docker/zkdeck.sh /usr/local/sbin/zkdeck\n"), "exec would start zkdeck as root");
    let out = text("README.md");
    assert!(out.contains("docker compose cp backend:/usr/local/bin/zkdeck ."));
    assert!(file.contains("/src/target/release/zkdeck /usr/local/bin/zkdeck\n"), "README.md copies it from elsewhere");
}

#[test]
fn passwords_are_given_to_all_who_need_them() {
    let (base, secure) =
        (yaml("docker-compose.yml")["services"].clone(), yaml("docker/secure.yml")["services"].clone());
    for name in keys(&secure) {
        assert!(base.get(name).is_some(), "{name} is no service");
        for volume in strings(&secure[name]["volumes"]) {
            let source = volume.split(':').next().unwrap().trim_start_matches("./");
            assert!(path(source).exists() || source == "data/token", "{name}: {source} is missing");
        }
    }
    // Whoever is told of Elasticsearch is told of its password.
    for name in keys(&base) {
        let asks = serde_yaml_ng::to_string(&base[name]).unwrap().contains("elasticsearch:9200");
        let needs = asks || ["elasticsearch", "filebeat", "grafana"].contains(&name);
        let given = serde_yaml_ng::to_string(&secure[name]).unwrap().contains("${ELASTIC_PASSWORD:?");
        assert_eq!(needs, given, "{name}");
    }
    assert!(text("filebeat/filebeat.yml").contains("password: \"${ELASTICSEARCH_PASSWORD:}\""));
    // The files that take the place of others differ from them by the secrets only.
    for (file, of, more) in [
        ("docker/secure/prometheus.yml", "monitoring/prometheus.yml", &["authorization:"][..]),
        (
            "docker/secure/datasources.yml",
            "monitoring/grafana/provisioning/datasources/datasources.yml",
            &["basicAuth: true", "basicAuthUser: elastic", "secureJsonData: {basicAuthPassword: $ELASTIC_PASSWORD}"],
        ),
    ] {
        let plain = text(file);
        let rest = plain.lines().skip(1).filter(|line| !more.iter().any(|word| line.trim().starts_with(word)));
        assert_eq!(rest.collect::<Vec<_>>(), text(of).lines().collect::<Vec<_>>(), "{file}");
    }
}
