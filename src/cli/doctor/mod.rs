//! `zkdeck doctor`: what is wrong with this machine and the stack, and what to type against it.
//!
//! A check is one function in [`CHECKS`]. It gets the [`Site`], has [`LIMIT`], and brings findings;
//! it changes nothing. All checks run at once, and each is told as it ends: the slowest one is how long it takes.
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

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use self::finding::{Finding, Grade};
pub(super) use self::options::DoctorOptions;
use self::place::Site;
use super::compose;
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
    // A reader that has closed the pipe has seen enough, and still asks by the exit code.
    let mut say = |findings: &[Finding]| match findings {
        [] => Ok(()),
        _ if options.json => Ok(()),
        findings => output::print(&text(findings)).map(drop),
    };
    let findings = match config {
        Ok(config) => all(&Site::new(flags, config)?, flags, options, &mut say).await?,
        Err(error) => {
            let fix = "correct it at the place that is named; zkdeck --help lists the flags";
            let found = vec![Finding::fail("settings", error.0, fix)];
            say(&found)?;
            found
        }
    };
    let end = if options.json { serde_json::to_string_pretty(&findings)? } else { count(&findings) };
    _ = output::print(&end)?;
    let failed = findings.iter().any(|finding| finding.status == Grade::Fail);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// All findings in the order of the table, each of which was said when its check had ended; the store's come last.
async fn all(
    place: &Site,
    flags: &Flags,
    options: &DoctorOptions,
    say: &mut impl FnMut(&[Finding]) -> Result<(), output::PrintError>,
) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if place.local && !flags.local {
        findings.push(Finding::ok("settings", compose::OF_LOCAL));
        say(&findings)?;
    }
    // The session that the store needs is waited for beside the checks: servers that hang cost one limit, not two.
    let (checked, session) = tokio::join!(look(place, CHECKS, LIMIT, say), store::session(place));
    findings.extend(checked?);
    // Bounded by its own limits: a large store takes longer than a check.
    // What it cannot open was told by a check already.
    let of_the_store = store::check(place, options, session).await;
    let fresh = of_the_store.into_iter().filter(|finding| !findings.contains(finding)).collect::<Vec<_>>();
    say(&fresh)?;
    findings.extend(fresh);
    Ok(findings)
}

/// All findings in the order of the table; `say` gets each check's as soon as it has ended. A check that takes longer
/// than `limit` is a finding itself.
async fn look<E>(
    place: &Site,
    checks: &[(&'static str, CheckFn)],
    limit: Duration,
    say: &mut impl FnMut(&[Finding]) -> Result<(), E>,
) -> Result<Vec<Finding>, E> {
    let each = checks.iter().enumerate().map(async |(at, (name, run))| {
        let found = tokio::time::timeout(limit, run(place)).await.unwrap_or_else(|_| {
            let message = format!("no answer within {} s", limit.as_secs_f64());
            vec![Finding::fail(name, message, "look at what it waits for: a disk, a network share or a service hangs")]
        });
        (at, found)
    });
    let mut under_way: FuturesUnordered<_> = each.collect();
    let mut found = vec![Vec::new(); checks.len()];
    while let Some((at, findings)) = under_way.next().await {
        say(&findings)?;
        found[at] = findings;
    }
    Ok(found.into_iter().flatten().collect())
}

/// Columns of a check's name: lines come one by one, before all of them are known.
const NAME_WIDTH: usize = 16;

/// One line for each finding, its fix below it.
fn text(findings: &[Finding]) -> String {
    let mut lines = Vec::new();
    for finding in findings {
        // Causes come from outside.
        let message = clean(&finding.message);
        lines.push(format!("{:<4}  {:<NAME_WIDTH$}  {message}", finding.status.word(), finding.check));
        lines.extend(finding.fix.iter().map(|fix| format!("      {:<NAME_WIDTH$}  fix: {}", "", clean(fix))));
    }
    lines.join("\n")
}

/// How many of each grade.
fn count(findings: &[Finding]) -> String {
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let (ok, warn, fail) = (count(Grade::Ok), count(Grade::Warn), count(Grade::Fail));
    format!("\n{ok} ok, {warn} to look at, {fail} failed")
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
        let (begun, mut said) = (tokio::time::Instant::now(), Vec::new());
        let mut say = |findings: &[Finding]| {
            said.push((findings[0].check, begun.elapsed()));
            Ok::<(), ()>(())
        };
        let found = look(&place, checks, LIMIT, &mut say).await.unwrap();
        assert_eq!(said, [("quick", Duration::ZERO), ("slow", LIMIT)], "each as it ends");
        assert_eq!(
            found.iter().map(|f| (f.check, f.status)).collect::<Vec<_>>(),
            [("slow", Grade::Fail), ("quick", Grade::Ok)]
        );
    }

    #[test]
    fn the_report_has_the_fix_below_its_finding() {
        let findings = [Finding::ok("a", "well"), Finding::fail("long", "ill", "type this")];
        assert_eq!(
            format!("{}\n{}", text(&findings), count(&findings)),
            "ok    a                 well\nfail  long              ill\n                        fix: type this\n\n1 ok, 0 to look \
             at, 1 failed"
        );
        assert!(CHECKS.iter().all(|(name, _)| name.len() <= NAME_WIDTH));
        let hostile = [Finding::fail("a", "two\nlines \u{1b}[2Jgone", "x")];
        assert_eq!(text(&hostile).lines().next(), Some("fail  a                 two^Jlines ^[[2Jgone"));
        let json = serde_json::to_value(&findings).unwrap();
        assert_eq!(json[1], serde_json::json!({"check":"long","status":"fail","message":"ill","fix":"type this"}));
    }
}
