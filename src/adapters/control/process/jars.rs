//! Finding ZooKeeper's jars.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::error::LocalError;
use super::search::Search;

/// Where ZooKeeper comes from and what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Jars {
    /// For `java -cp`.
    pub(super) class_path: OsString,
    /// `3.9.4`, from the jar's name; `None` when the name does not tell.
    pub(super) version: Option<String>,
    /// Whether the Prometheus provider is there; without it there is nothing on the metrics ports.
    pub(super) prometheus: bool,
}

/// `ZOOKEEPER_HOME`, then the jars that `scripts/run` fetched, then Debian's package. A place that
/// was named and holds no ZooKeeper is an error, not a reason to take another.
pub(super) fn find(search: &Search) -> Result<Jars, LocalError> {
    if let Some(home) = &search.zookeeper_home {
        return named("ZOOKEEPER_HOME", &home.join("lib"));
    }
    if let Some(folder) = &search.jars {
        return named("ZKDECK_JARS or local.jars", folder);
    }
    let fetched = search.jar_folders.iter().find_map(|folder| folder_of_jars(folder));
    let found = fetched.or_else(|| search.debian_jar.as_deref().and_then(debian));
    found.ok_or_else(|| {
        let looked: Vec<_> = search.jar_folders.iter().map(|folder| folder.display().to_string()).collect();
        LocalError::Jars { what: format!("none in {}", looked.join(", ")) }
    })
}

fn named(variable: &str, folder: &Path) -> Result<Jars, LocalError> {
    let wrong = || LocalError::Jars { what: format!("{variable} leads to {}, which holds none", folder.display()) };
    folder_of_jars(folder).ok_or_else(wrong)
}

fn folder_of_jars(folder: &Path) -> Option<Jars> {
    let entries = fs::read_dir(folder).ok()?;
    let names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let version = names.iter().find_map(|name| version_of(name))?;
    let prometheus = names.iter().any(|name| name.starts_with("zookeeper-prometheus-metrics-"));
    let absolute = fs::canonicalize(folder).ok()?;
    Some(Jars { class_path: absolute.join("*").into_os_string(), version: Some(version), prometheus })
}

/// `3.9.4` of `zookeeper-3.9.4.jar`; `None` for `zookeeper-jute-3.9.4.jar`.
fn version_of(name: &str) -> Option<String> {
    let version = name.strip_prefix("zookeeper-")?.strip_suffix(".jar")?;
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_owned())
}

/// Debian's jar names the jars that it needs in its manifest, but not those that write the log.
fn debian(jar: &Path) -> Option<Jars> {
    jar.is_file().then_some(())?;
    let folder = jar.parent()?;
    let logging = ["slf4j-log4j12.jar", "log4j-1.2.jar"].map(|name| folder.join(name));
    let all = std::iter::once(jar.to_owned()).chain(logging.into_iter().filter(|path| path.is_file()));
    let class_path = std::env::join_paths(all).ok()?;
    let target = fs::canonicalize(jar).ok();
    let version = target.as_deref().and_then(Path::file_name).and_then(|name| version_of(name.to_str()?));
    Some(Jars { class_path, version, prometheus: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn a_release_wins_over_fetched_jars_and_these_over_debians() {
        let all = folder(&[
            "home/lib/zookeeper-3.9.5.jar",
            "jars/zookeeper-jute-3.9.4.jar",
            "jars/zookeeper-3.9.4.jar",
            "jars/zookeeper-prometheus-metrics-3.9.4.jar",
            "debian/zookeeper.jar",
            "debian/log4j-1.2.jar",
        ]);
        let at = |name: &str| all.path().join(name);
        let mut search = Search {
            zookeeper_home: Some(at("home")),
            jar_folders: vec![at("gone"), at("jars")],
            debian_jar: Some(at("debian/zookeeper.jar")),
            ..Search::default()
        };
        let found = find(&search).unwrap();
        assert_eq!((found.version.as_deref(), found.prometheus), (Some("3.9.5"), false));
        search.zookeeper_home = None;
        let found = find(&search).unwrap();
        assert_eq!((found.version.as_deref(), found.prometheus), (Some("3.9.4"), true));
        assert!(found.class_path.to_str().unwrap().ends_with("jars/*"));
        search.jar_folders.clear();
        let found = find(&search).unwrap();
        assert_eq!((found.version, found.prometheus), (None, false));
        assert!(found.class_path.to_str().unwrap().ends_with("debian/log4j-1.2.jar"));
    }

    #[test]
    fn a_named_place_without_jars_is_an_error_that_names_it() {
        let all = folder(&["jars/zookeeper-3.9.4.jar", "jars2/zookeeper-jute-3.9.4.jar"]);
        let mut search = Search { jar_folders: vec![all.path().join("jars")], ..Search::default() };
        search.jars = Some(all.path().join("jars2"));
        let error = find(&search).unwrap_err().to_string();
        assert!(error.contains("ZKDECK_JARS") && error.contains("Type: scripts/run"), "{error}");
        search.zookeeper_home = Some(all.path().to_owned());
        assert!(find(&search).unwrap_err().to_string().contains("ZOOKEEPER_HOME"));
    }

    #[test]
    fn without_any_the_message_says_where_it_looked() {
        let error = find(&Search { jar_folders: vec!["a/b".into()], ..Search::default() }).unwrap_err().to_string();
        assert!(error.contains("none in a/b"), "{error}");
    }
}
