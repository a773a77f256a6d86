//! `scripts/measure-terminal`: what the console costs, on a terminal of 120x40 with three real servers, beside what it
//! may cost.

mod large;
mod link;

use std::time::{Duration, Instant};

use crate::pty::Console;
use crate::screens::Stage;
use link::Link;

const SIZE: (u16, u16) = (120, 40);
/// No sample traffic: an idle ensemble.
const QUIET: &str = "[workload]\nenabled = false\n[scheduler]\ninterval_s = 600\n";
/// Time to settle, then time that is measured.
const SETTLE: f64 = 15.0;
const MEASURE: f64 = 30.0;
const KEYS: usize = 100;

/// The figures, each with what it may be.
#[derive(Default)]
struct Figures(Vec<(&'static str, f64, f64, &'static str)>);

impl Figures {
    fn add(&mut self, what: &'static str, bar: f64, measured: f64, unit: &'static str) {
        self.0.push((what, bar, measured, unit));
    }

    /// A figure that nothing is held against has an endless bar.
    fn print(&self) {
        println!("{:<52} {:>12} {:>12}", "on a pty of 120x40, three servers", "bar", "measured");
        for (what, bar, measured, unit) in &self.0 {
            let number =
                |value: f64| if value < 10.0 { format!("{value:.2} {unit}") } else { format!("{value:.0} {unit}") };
            let (bar, word) = match (bar.is_finite(), measured <= bar) {
                (false, _) => ("-".to_owned(), ""),
                (true, true) => (format!("<= {bar} {unit}"), "ok"),
                (true, false) => (format!("<= {bar} {unit}"), "MISSED"),
            };
            println!("{}", format!("{what:<52} {bar:>12} {:>12}  {word}", number(*measured)).trim_end());
        }
    }
}

/// User and system time of a process in seconds; 100 ticks a second on Linux.
fn cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

fn resident_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) * 1024.0 / 1e6
}

/// Per cent of a core, and bytes a second, of a program that is left alone.
fn idle(stage: &mut Stage) -> (f64, f64) {
    stage.console.watch(Duration::from_secs_f64(SETTLE));
    let pid = stage.console.pid();
    let (used, bytes, since) = (cpu(pid), stage.console.bytes.len(), Instant::now());
    stage.console.watch(Duration::from_secs_f64(MEASURE));
    let span = since.elapsed().as_secs_f64();
    ((cpu(pid) - used) / span * 100.0, (stage.console.bytes.len() - bytes) as f64 / span)
}

/// Milliseconds from a key until something is seen to be another than before, of 95 in 100 keys.
fn key_to<T: PartialEq>(stage: &mut Stage, what: &str, seen: impl Fn(&Console) -> T) -> f64 {
    let mut took = Vec::new();
    for at in 0..KEYS {
        stage.console.watch(Duration::from_millis(60 + at as u64 % 37));
        let (before, begun) = (seen(&stage.console), Instant::now());
        stage.console.type_keys(if at % 2 == 0 { "j" } else { "k" });
        stage.console.until(what, |console| seen(console) != before);
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    took[KEYS * 95 / 100 - 1]
}

/// Frames and bytes of sixty sizes in a second.
fn resizes(stage: &mut Stage) -> (f64, f64) {
    let before = stage.console.bytes.len();
    for at in 0..60 {
        stage.console.resize(100 + at % 20, SIZE.1);
        stage.console.watch(Duration::from_millis(16));
    }
    stage.console.watch(Duration::from_millis(500));
    let bytes = stage.console.bytes[before..].to_vec();
    let frames = bytes.windows(8).filter(|bytes| *bytes == b"\x1b[?2026h").count();
    stage.console.resize(SIZE.0, SIZE.1);
    stage.console.watch(Duration::from_millis(500));
    (frames as f64, bytes.len() as f64 / 1000.0)
}

/// Seconds from the key behind one that was held for 3 s to its picture, over 100 ms and 20 kbit/s.
fn held_key(stage: &Stage) -> f64 {
    const PATIENCE: Duration = Duration::from_secs(90);
    let mut link = Link::open(stage.folder(), &["--local", "--no-api"], SIZE);
    let came = link.until(PATIENCE, |text| text.contains("HEALTHY 3/3"));
    assert!(came.is_some(), "no console over the link:\n{}", link.text());
    link.press("4");
    let came = link.until(PATIENCE, |text| text.contains("following") || text.contains("events"));
    assert!(came.is_some(), "no logs over the link:\n{}", link.text());
    link.until(Duration::from_secs(8), |_| false);
    for _ in 0..90 {
        link.press("k");
        link.until(Duration::from_millis(33), |_| false);
    }
    link.press("1");
    link.until(PATIENCE, |text| text.contains("move in time")).map_or(f64::INFINITY, |took| took.as_secs_f64())
}

#[test]
#[ignore = "scripts/measure-terminal"]
fn what_the_console_costs() {
    let mut figures = Figures::default();
    let mut daemon = Stage::open_as("--daemon", SIZE, QUIET);
    let (probes, _) = idle(&mut daemon);
    daemon.end_by_signal();

    let begun = Instant::now();
    let mut stage = Stage::open(SIZE, QUIET);
    stage.console.until("the first frame", |console| console.text().contains("1 Health"));
    figures.add("start to first frame", 50.0, begun.elapsed().as_secs_f64() * 1000.0, "ms");
    stage.until("three servers", |text| text.contains("HEALTHY 3/3"));
    let (cpu, bytes) = idle(&mut stage);
    figures.add("idle CPU, of a core", 0.5, cpu, "%");
    figures.add("  the probes alone, by a daemon", f64::INFINITY, probes, "%");
    figures.add("  ratio", f64::INFINITY, cpu / probes, "");
    figures.add("bytes to the terminal, idle", 250.0, bytes, "B/s");
    stage.console.type_keys("2");
    let (_, bytes) = idle(&mut stage);
    figures.add("the same where nothing changes: Files", 150.0, bytes, "B/s");
    stage.console.type_keys("1");
    figures.add(
        "key to first byte, idle, p95",
        10.0,
        key_to(&mut stage, "a byte", |console| console.bytes.len()),
        "ms",
    );
    let (frames, kilobytes) = resizes(&mut stage);
    figures.add("60 resizes in 1 s, frames", 30.0, frames, "");
    figures.add("60 resizes in 1 s, bytes", 150.0, kilobytes, "KB");
    stage.command("stress zk1 1000 1");
    stage.until("files", |text| text.contains("1,000 files") || text.contains("1000 files"));
    stage.console.watch(Duration::from_secs(5));
    figures.add("resident at 1,000 files", 30.0, resident_mb(stage.console.pid()), "MB");
    figures.add("a key behind one held 3 s, 100 ms and 20 kbit/s", 5.0, held_key(&stage), "s");
    figures.print();
    stage.close();
}
