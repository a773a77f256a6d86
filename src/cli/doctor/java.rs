//! What the servers of `--local` are started with: Java and ZooKeeper's jars.

use super::finding::Finding;
use super::place::{Site, blocking};
use crate::adapters::control::process::{JarsFound, LocalError, find_jars, find_java};
use crate::cli::compose;
use crate::domain::cause::Advice;

pub(super) async fn check(place: &Site) -> Vec<Finding> {
    if !place.local {
        return Vec::new();
    }
    let search = match compose::local_config(&place.config) {
        Ok(local) => local.search,
        Err(error) => return vec![Finding::fail("java", format!("{error:#}"), "correct the section [local]")],
    };
    let found = blocking(move || (find_java(&search), find_jars(&search))).await;
    let Some((java, jars)) = found else { return Vec::new() };
    let java = match java {
        Ok(path) => Finding::ok("java", path.display().to_string()),
        Err(error) => failed("java", &error),
    };
    vec![java, jars.map_or_else(|error| failed("jars", &error), |jars| judge(&jars))]
}

fn failed(check: &'static str, error: &LocalError) -> Finding {
    let Advice { cause, step } = error.advice();
    Finding::fail(check, cause, step)
}

fn judge(jars: &JarsFound) -> Finding {
    let version = jars.version.as_deref().unwrap_or("-");
    match (version, jars.prometheus) {
        ("3.9.3", _) => {
            Finding::fail("jars", "ZooKeeper 3.9.3 can lose data (ZOOKEEPER-4925)", "scripts/run fetches 3.9.4")
        }
        (_, false) => Finding::warn(
            "jars",
            format!("ZooKeeper {version} without the Prometheus provider: nothing answers on the metrics ports"),
            "scripts/run fetches the jars with it",
        ),
        _ => Finding::ok("jars", format!("ZooKeeper {version}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Grade;

    #[test]
    fn what_is_missing_comes_with_the_command() {
        let error = LocalError::Java { what: "there is no java on PATH".into(), need: 17, command: "apt x".into() };
        let found = failed("java", &error);
        assert_eq!((found.status, found.fix.as_deref()), (Grade::Fail, Some("apt x")));
        assert!(found.message.starts_with("there is no java on PATH; zkdeck needs Java 17"), "{found:?}");
        let jars = |version: &str, prometheus| judge(&JarsFound { version: Some(version.into()), prometheus }).status;
        assert_eq!(
            [jars("3.9.4", true), jars("3.9.4", false), jars("3.9.3", true)],
            [Grade::Ok, Grade::Warn, Grade::Fail]
        );
    }
}
