//! `zkdeck doctor`: what is wrong with this machine and the stack, and what to type against it.
//!
//! A check is one function in [`CHECKS`]. It gets the [`Site`], has [`LIMIT`], and brings findings;
//! it changes nothing. All checks run at once, so the slowest one is how long it takes.
//!
//! To add a check: a function `async fn check(place: &Site) -> Vec<Finding>` in a file of its own, and
//! one line in the table.

mod access;
mod adopt;
mod docker;
mod ensemble;
mod finding;
mod folders;
mod java;
mod kept;
mod options;
mod place;
mod ports;
mod services;
mod store;
mod system;

use std::process::ExitCode;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};

use self::finding::{Finding, Grade};
pub(super) use self::options::DoctorOptions;
use self::place::Site;
use super::flags::Flags;
use super::output;
use crate::config::{Config, ConfigError};
use crate::console::sanitise::clean;

/// Longest time of one check.
const LIMIT: Duration = Duration::from_secs(5);

type CheckFn = for<'a> fn(&'a Site) -> BoxFuture<'a, Vec<Finding>>;

/// Every check, in the order of the report.
const CHECKS: &[(&str, CheckFn)] = &[
    ("container", |place| system::container(place).boxed()),
    ("ports", |place| ports::check(place).boxed()),
    ("java", |place| java::check(place).boxed()),
    ("folders", |place| folders::check(place).boxed()),
    ("docker", |place| docker::check(place).boxed()),
    ("ensemble", |place| ensemble::check(place).boxed()),
    ("uploads", |place| kept::uploads(place).boxed()),
    ("history", |place| kept::history(place).boxed()),
    ("vm.max_map_count", |place| system::max_map_count(place).boxed()),
    ("elasticsearch", |place| services::elasticsearch(place).boxed()),
    ("prometheus", |place| services::prometheus(place).boxed()),
    ("grafana", |place| services::grafana(place).boxed()),
];

/// Runs every check and prints the report.
pub(super) async fn run(
    options: &DoctorOptions,
    flags: &Flags,
    config: Result<Config, ConfigError>,
) -> anyhow::Result<ExitCode> {
    if options.adopt {
        return adopt::run(options, &Site::new(flags, config?)?).await;
    }
    let findings = match config {
        Ok(config) => {
            let place = Site::new(flags, config)?;
            let mut findings = Vec::new();
            if place.local && !flags.local {
                let told = "the local ensemble of this folder runs, and is what is looked at; --zk names another";
                findings.push(Finding::ok("settings", told));
            }
            findings.extend(look(&place, CHECKS, LIMIT).await);
            // Bounded by its own limits: a large store takes longer than a check.
            // What it cannot open was told by a check already.
            let of_the_store = store::check(&place, options).await;
            let fresh = of_the_store.into_iter().filter(|finding| !findings.contains(finding)).collect::<Vec<_>>();
            findings.extend(fresh);
            findings
        }
        Err(error) => vec![Finding::fail(
            "settings",
            error.0,
            "correct it at the place that is named; zkdeck --help lists the flags",
        )],
    };
    let report = if options.json { serde_json::to_string_pretty(&findings)? } else { text(&findings) };
    // A reader that has closed the pipe has seen enough, and still asks by the exit code.
    _ = output::print(&report)?;
    let failed = findings.iter().any(|finding| finding.status == Grade::Fail);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// All findings in the order of the table; a check that takes longer than `limit` is a finding itself.
async fn look(place: &Site, checks: &[(&'static str, CheckFn)], limit: Duration) -> Vec<Finding> {
    let each = checks.iter().map(async |(name, run)| match tokio::time::timeout(limit, run(place)).await {
        Ok(findings) => findings,
        Err(_) => {
            let message = format!("no answer within {} s", limit.as_secs_f64());
            vec![Finding::fail(name, message, "look at what it waits for: a disk, a network share or a service hangs")]
        }
    });
    join_all(each).await.into_iter().flatten().collect()
}

/// One line for each finding, its fix below it, and the count.
fn text(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for finding in findings {
        // Causes come from outside.
        let message = clean(&finding.message);
        lines.push(format!("{:<4}  {:<width$}  {message}", finding.status.word(), finding.check));
        lines.extend(finding.fix.iter().map(|fix| format!("      {:<width$}  fix: {}", "", clean(fix))));
    }
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let (ok, warn, fail) = (count(Grade::Ok), count(Grade::Warn), count(Grade::Fail));
    lines.push(format!("\n{ok} ok, {warn} to look at, {fail} failed"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_is_a_finding_and_holds_up_no_other() {
        let place = place::tests::place();
        let checks: &[(&str, CheckFn)] = &[
            ("slow", |_| std::future::pending().boxed()),
            ("quick", |_| async { vec![Finding::ok("quick", "well")] }.boxed()),
        ];
        let found = look(&place, checks, LIMIT).await;
        assert_eq!(
            found.iter().map(|f| (f.check, f.status)).collect::<Vec<_>>(),
            [("slow", Grade::Fail), ("quick", Grade::Ok)]
        );
    }

    #[test]
    fn the_report_has_the_fix_below_its_finding() {
        let findings = [Finding::ok("a", "well"), Finding::fail("long", "ill", "type this")];
        assert_eq!(
            text(&findings),
            "ok    a     well\nfail  long  ill\n            fix: type this\n\n1 ok, 0 to look at, 1 failed"
        );
        let hostile = [Finding::fail("a", "two\nlines \u{1b}[2Jgone", "x")];
        assert_eq!(text(&hostile).lines().next(), Some("fail  a  two^Jlines ^[[2Jgone"));
        let json = serde_json::to_value(&findings).unwrap();
        assert_eq!(json[1], serde_json::json!({"check":"long","status":"fail","message":"ill","fix":"type this"}));
    }
}
