//! What a class of faults did, and the table that says so.

use std::fmt::Write;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

/// One class: how often it was injected, how often that took effect, and what it broke.
#[derive(Debug, Default)]
pub struct Tally {
    pub injected: usize,
    pub fired: usize,
    pub kills: usize,
    pub violations: Vec<String>,
}

impl Tally {
    /// Counts one injection.
    pub fn count(&mut self, fired: bool) {
        self.injected += 1;
        self.fired += usize::from(fired);
    }

    /// Counts one end by SIGKILL.
    pub fn count_kill(&mut self, fired: bool) {
        self.count(fired);
        self.kills += usize::from(fired);
    }

    /// Notes what the checker found, and what was going on.
    pub fn judge(&mut self, what: &str, found: Vec<String>) {
        for line in &found {
            println!("  VIOLATION {what}: {line}");
        }
        self.violations.extend(found.into_iter().map(|line| format!("{what}: {line}")));
    }

    /// A thing that had to be so.
    pub fn expect(&mut self, what: &str, so: bool) {
        if !so {
            self.judge(what, vec!["it was not so".to_owned()]);
        }
    }

    pub fn add(&mut self, other: Self) {
        self.injected += other.injected;
        self.fired += other.fired;
        self.kills += other.kills;
        self.violations.extend(other.violations);
    }
}

/// How the note of a class or lane begins that could not go on.
pub const BROKE_OFF: &str = "it broke off";

/// What breaks off is a violation, and the others go on.
pub async fn whole(work: impl Future<Output = Tally>) -> Tally {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "without words".to_owned());
        let mut tally = Tally::default();
        tally.judge(BROKE_OFF, vec![text]);
        tally
    })
}

/// One line of the table.
pub struct Line {
    pub class: &'static str,
    pub tally: Tally,
    /// Whether the broken variant was found; `None` when the class has none.
    pub caught: Option<bool>,
    pub rule: &'static str,
}

pub fn table(lines: &[Line]) -> String {
    let mut text = String::from(
        "| fault | injected | fired | violations | negative control: rule broken | caught | reproduce |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for Line { class, tally, caught, rule } in lines {
        let caught = caught.map_or("-", |caught| if caught { "yes" } else { "NO" });
        let (injected, fired, violations) = (tally.injected, tally.fired, tally.violations.len());
        _ = writeln!(
            text,
            "| {class} | {injected} | {fired} | {violations} | {rule} | {caught} | `scripts/faults {}` |",
            quoted(class)
        );
    }
    let sum = |count: fn(&Tally) -> usize| lines.iter().map(|line| count(&line.tally)).sum::<usize>();
    _ = writeln!(
        text,
        "| **all** | {} | {} | {} | | | `scripts/faults` |\n\nkill -9 of zkdeck: {}",
        sum(|tally| tally.injected),
        sum(|tally| tally.fired),
        sum(|tally| tally.violations.len()),
        sum(|tally| tally.kills)
    );
    text
}

/// One argument for a shell.
fn quoted(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}
