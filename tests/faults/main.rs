//! Faults against the built binary and three real servers, each followed by the checker of I1 to I9.
//!
//! `cargo test` runs the few that take a minute. With the feature `failpoints`, `scripts/faults` runs the
//! whole campaign and prints the table of `docs/reliability.md`.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on stops")]
#![expect(unreachable_pub, reason = "the files of this test share their items")]
#![expect(dead_code, reason = "what the tests share is more than this one needs")]

mod bench;
mod ensemble;
mod fixture;
mod history;
mod lane;
mod ledger;
mod machine;
mod net;
mod network;
mod servers;
mod sharing;
mod steps;
mod stores;
mod strace;
#[path = "../support/mod.rs"]
mod support;
mod tally;

use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use bench::Bench;
use ledger::Hurt;
use tally::{BROKE_OFF, Line, Tally, table, whole};

type Run = for<'a> fn(&'a Bench, Option<&'static str>, usize) -> LocalBoxFuture<'a, Tally>;

/// A class of faults, the rule whose breaking it must find, and how often the campaign runs it.
struct Class {
    name: &'static str,
    rule: &'static str,
    rounds: usize,
    run: Run,
}

const CLASSES: &[Class] = &[
    class("kill -9 at each step", "remove-before-commit", 2, |b, r, n| steps::kill_at_each_step(b, r, n).boxed_local()),
    class("each step made twice", "unknown-is-refused", 2, |b, r, n| steps::repeat_each_step(b, r, n).boxed_local()),
    class("kill -9 at random times", "rows-in-memory", 6, |b, r, n| steps::kill_at_random(b, r, n).boxed_local()),
    class("ZooKeeper's leader kill -9", "remove-before-commit", 8, |b, r, n| {
        servers::leader_killed(b, r, n).boxed_local()
    }),
    class("ZooKeeper's leader frozen", "remove-before-commit", 8, |b, r, n| {
        servers::leader_frozen(b, r, n).boxed_local()
    }),
    class("quorum lost and back", "remove-before-commit", 6, |b, r, n| servers::quorum_lost(b, r, n).boxed_local()),
    class("rolling restart", "remove-before-commit", 3, |b, r, n| servers::rolling_restart(b, r, n).boxed_local()),
    class("session expired", "remove-before-commit", 4, |b, r, n| servers::session_expired(b, r, n).boxed_local()),
    class("partition", "unknown-is-refused", 4, |b, r, n| network::partition(b, r, n).boxed_local()),
    class("late commit", "unknown-is-refused", 2, |b, r, n| network::late(b, r, n).boxed_local()),
    class("old snapshot restored", "delete-strays", 2, |b, r, n| machine::old_snapshot(b, r, n).boxed_local()),
    class("two daemons, one store", "remove-before-commit", 5, |b, r, n| sharing::two_daemons(b, r, n).boxed_local()),
    class("two daemons, two stores", "ignore-store", 2, |b, r, n| sharing::two_stores(b, r, n).boxed_local()),
    class("two leaders at once", "no-versions", 1, |b, r, n| sharing::two_leaders(b, r, n).boxed_local()),
    class("target full (ENOSPC)", "ignore-write-errors", 3, |b, r, n| stores::full(b, r, n).boxed_local()),
    class("read-only disk (EROFS)", "trash-errors-ignored", 3, |b, r, n| stores::read_only(b, r, n).boxed_local()),
    class("failing disk (EIO)", "ignore-publish-errors", 4, |b, r, n| stores::failing(b, r, n).boxed_local()),
    class("power loss", "no-fsync", 5, |b, r, n| stores::power_loss(b, r, n).boxed_local()),
    class("bit flip", "writes-lie", 4, |b, r, n| stores::bit_flip(b, r, n).boxed_local()),
    class("SQLite locked", "drop-rows", 2, |b, r, n| history::locked(b, r, n).boxed_local()),
    class("SQLite full, read-only, failing", "drop-rows", 3, |b, r, n| history::unwritable(b, r, n).boxed_local()),
    class("SQLite corrupt", "no-restore", 2, |b, r, n| history::corrupt(b, r, n).boxed_local()),
    class("SQLite deleted", "no-restore", 2, |b, r, n| history::deleted(b, r, n).boxed_local()),
    class("memory squeeze", "rows-in-memory", 2, |b, r, n| machine::squeeze(b, r, n).boxed_local()),
    class("answers: ZooKeeper's leader frozen", "aborted-is-done", 1, |b, r, n| {
        ledger::answers(b, r, n, Hurt::LeaderFrozen).boxed_local()
    }),
    class("answers: ZooKeeper's leader kill -9", "aborted-is-done", 1, |b, r, n| {
        ledger::answers(b, r, n, Hurt::LeaderKilled).boxed_local()
    }),
    class("answers: quorum lost", "aborted-is-done", 1, |b, r, n| {
        ledger::answers(b, r, n, Hurt::QuorumLost).boxed_local()
    }),
    class("answers: zkdeck kill -9", "aborted-is-done", 1, |b, r, n| {
        ledger::answers(b, r, n, Hurt::DeckKilled).boxed_local()
    }),
    class("answers: zkdeck terminated", "aborted-is-done", 1, |b, r, n| {
        ledger::answers(b, r, n, Hurt::DeckTerminated).boxed_local()
    }),
    class("answers: zkdeck frozen", "aborted-is-done", 1, |b, r, n| {
        ledger::answers(b, r, n, Hurt::DeckStopped).boxed_local()
    }),
    class("answers: /readyz", "always-ready", 1, |b, r, n| ledger::ready(b, r, n).boxed_local()),
    class("clock jump", "clock-names", 3, |b, r, n| stores::clock_jump(b, r, n).boxed_local()),
];

const fn class(name: &'static str, rule: &'static str, rounds: usize, run: Run) -> Class {
    Class { name, rule, rounds, run }
}

/// A handful of injections that need no fail-points; with them, also an end at three steps and one negative
/// control.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_few_faults_lose_nothing() {
    let jars = support::jars();
    let _alone = ALONE.lock().await;
    let bench = Bench::new(&jars, 1).await;
    let mut all = Tally::default();
    all.add(steps::kill_at_random(&bench, None, 2).await);
    all.add(servers::leader_killed(&bench, None, 1).await);
    all.add(sharing::two_stores(&bench, None, 1).await);
    all.add(stores::bit_flip(&bench, None, 1).await);
    all.add(history::deleted(&bench, None, 1).await);
    if cfg!(feature = "failpoints") {
        all.add(steps::kill_at_some_steps(&bench, &["upload.commit", "move.before-commit", "move.commit"]).await);
        let control = steps::kill_at_each_step(&bench, Some("remove-before-commit"), 1).await;
        assert!(!control.violations.is_empty(), "the checker did not find a file that was lost on purpose");
    }
    println!("{} injected, {} fired", all.injected, all.fired);
    assert!(all.violations.is_empty(), "{:#?}", all.violations);
    assert_eq!(all.fired, all.injected, "an injection did not fire");
}

/// One ensemble at a time: six JVMs on two cores measure the machine.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The ledger in short: one fault of the servers and one of a daemon, with two daemons on one store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_true() {
    let jars = support::jars();
    let _alone = ALONE.lock().await;
    let bench = Bench::new(&jars, 1).await;
    let mut all = Tally::default();
    let mut answers = ledger::round(&bench, None, Hurt::LeaderFrozen, 2, 1, &mut all).await;
    answers += ledger::round(&bench, None, Hurt::DeckKilled, 2, 1, &mut all).await;
    println!("{answers} answers, {} faults", all.fired);
    assert!(all.violations.is_empty(), "{:#?}", all.violations);
    assert!(all.fired == all.injected && answers > 20, "{answers} answers, {} of {} fired", all.fired, all.injected);
}

/// The whole campaign, or the classes whose names contain `ZKDECK_FAULT_CLASS`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes 40 to 60 minutes: scripts/faults runs it"]
async fn campaign() {
    if !cfg!(feature = "failpoints") {
        panic!("the campaign needs the feature failpoints: use scripts/faults");
    }
    let jars = support::jars();
    let only = std::env::var("ZKDECK_FAULT_CLASS").unwrap_or_default();
    let scale = std::env::var("ZKDECK_FAULT_ROUNDS").ok().and_then(|text| text.parse::<f64>().ok()).unwrap_or(1.0);
    let lanes = std::env::var("ZKDECK_FAULT_LANES").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let bench = Bench::new(&jars, lanes).await;
    let mut lines = Vec::new();
    for class in CLASSES.iter().filter(|class| class.name.contains(&only)) {
        let begun = Instant::now();
        println!("{}", class.name);
        let rounds = ((class.rounds as f64 * scale).ceil() as usize).max(1);
        let tally = whole((class.run)(&bench, None, rounds)).await;
        println!("  {} injected, {} fired, {:?}", tally.injected, tally.fired, begun.elapsed());
        let control = whole((class.run)(&bench, Some(class.rule), 1)).await;
        let caught = control.violations.iter().any(|line| !line.starts_with(BROKE_OFF));
        println!(
            "  with {} broken: {}; {:?}",
            class.rule,
            if caught { "caught" } else { "NOT CAUGHT" },
            begun.elapsed()
        );
        lines.push(Line { class: class.name, tally, caught: Some(caught), rule: class.rule });
        // So far: a run that is cut has told what it found.
        println!("{}", table(&lines[lines.len() - 1..]));
    }
    let text = table(&lines);
    println!("\n{text}");
    let wrong: Vec<_> = lines.iter().flat_map(|line| &line.tally.violations).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(lines.iter().all(|line| line.tally.fired == line.tally.injected), "an injection did not fire");
    assert!(lines.iter().all(|line| line.caught != Some(false)), "a negative control was not caught");
}
