//! `scripts/measure-terminal --large`: keys while much goes on.

use std::time::{Duration, Instant};

use super::{Figures, SIZE, key_to, resident_mb};
use crate::screens::Stage;

const SETTINGS: &str = "heap_mb = 512\n[workload]\nenabled = false\n[scheduler]\ninterval_s = 3600\nparallel = 32\n";
const FILES: usize = 100_000;
/// Files of one stress at most.
const STRESS: usize = 10_000;
const PATIENCE: Duration = Duration::from_secs(300);

/// The file in hand; at the edge of the list its row stays.
fn cursor(text: &str) -> Option<String> {
    text.lines().find(|line| line.starts_with(" > "))?.split_whitespace().nth(1).map(str::to_owned)
}

/// Milliseconds from a key to the picture that has another file in hand, of 95 in 100 keys.
fn key_to_picture(stage: &mut Stage) -> f64 {
    key_to(stage, "another file in hand", |console| cursor(&console.text()))
}

/// Files that are at zk1, by its row.
fn left_at_zk1(text: &str) -> Option<f64> {
    let row = text.lines().find(|line| line.trim_start().starts_with("zk1 "))?;
    row.split_whitespace().nth(1)?.replace(',', "").parse().ok()
}

/// A command, and yes to what it asks.
fn confirmed(stage: &mut Stage, command: &str) {
    stage.command(command);
    stage.console.watch(Duration::from_millis(500));
    stage.console.type_keys("y");
}

#[test]
#[ignore = "scripts/measure-terminal --large"]
fn what_keys_cost_beside_much() {
    let mut figures = Figures::default();
    let mut stage = Stage::open(SIZE, SETTINGS);
    stage.until("three servers", |text| text.contains("HEALTHY 3/3"));
    stage.console.type_keys("2");
    for done in 1..=FILES / STRESS {
        stage.command("stress zk1 10000 1");
        let wanted = format!("{},000 files", done * STRESS / 1_000);
        assert!(stage.see(PATIENCE, |text| text.contains(&wanted)), "{wanted}:\n{}", stage.console.text());
    }
    figures.add("resident at 100,000 files", f64::INFINITY, resident_mb(stage.console.pid()), "MB");
    figures.add("key to picture, 100,000 files, idle, p95", 10.0, key_to_picture(&mut stage), "ms");
    let leader = stage.leader();
    let frozen = ["zk1", "zk2", "zk3"].into_iter().find(|node| *node != leader).unwrap_or("zk2");
    confirmed(&mut stage, &format!("pause {frozen}"));
    stage.until("a frozen server", |text| text.contains("2/3"));
    confirmed(&mut stage, "drain zk1");
    stage.until("moves", |text| left_at_zk1(text).is_some_and(|left| left < FILES as f64));
    let (left, since) = (left_at_zk1(&stage.console.text()), Instant::now());
    let took = key_to_picture(&mut stage);
    let moved = left.zip(left_at_zk1(&stage.console.text())).map_or(f64::NAN, |(before, now)| before - now);
    figures.add("key to picture, moves and a frozen server too, p95", 30.0, took, "ms");
    figures.add("  moves a second meanwhile", f64::INFINITY, moved / since.elapsed().as_secs_f64(), "/s");
    figures.print();
    stage.end_by_signal();
}
