//! What `/proc` says of a process.

use std::fs;
use std::time::Duration;

/// The fields of `/proc/<pid>/stat` that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// `R S D` alive, `T t` stopped, `Z X` dead.
    pub(super) state: char,
    /// Threads that have not ended, the first one counted until the process is reaped.
    pub(super) threads: u64,
    /// Start time in clock ticks since boot: with the pid it names one process for ever.
    pub(super) started: u64,
}

impl Stat {
    pub(super) const fn paused(self) -> bool {
        matches!(self.state, 'T' | 't')
    }

    /// Whether all of it has ended. The first thread may be dead while others still hold its ports:
    /// then the parent cannot reap it, and it counts as alive for everybody.
    pub(super) const fn dead(self) -> bool {
        matches!(self.state, 'X' | 'x') || (self.state == 'Z' && self.threads <= 1)
    }
}

/// Reads the text of a `stat` file. The command in parentheses may hold blanks and parentheses.
pub(super) fn parse_stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    // `state` is field 3, the threads are field 20 and the start time is field 22.
    let threads = fields.nth(16)?.parse().ok()?;
    let started = fields.nth(1)?.parse().ok()?;
    Some(Stat { state, threads, started })
}

/// `None` when there is no such process, or no `/proc`.
pub(super) fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// How long ago a process was started, from its start time in clock ticks since boot.
pub(super) fn age(started: u64) -> Option<Duration> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime = Duration::try_from_secs_f64(uptime.split(' ').next()?.parse().ok()?).ok()?;
    let ticks = rustix::param::clock_ticks_per_second();
    let started = Duration::from_millis(started.saturating_mul(1_000).checked_div(ticks)?);
    Some(uptime.saturating_sub(started))
}

/// The arguments of a process, lossily as UTF-8; `None` when it is gone or not ours to see.
pub(super) fn cmdline(pid: u32) -> Option<Vec<String>> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let mut args: Vec<_> = bytes.split(|b| *b == 0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
    args.pop();
    (!args.is_empty()).then_some(args)
}

/// A command for a message: no control characters, at most 80 characters.
pub(super) fn printable(args: &[String]) -> String {
    clean(&args.join(" "), 80)
}

/// A foreign text for a message: no control characters, cut to `limit` characters.
pub(super) fn clean(line: &str, limit: usize) -> String {
    let mut text: String = line.chars().map(|c| if c.is_control() { '?' } else { c }).take(limit).collect();
    if line.chars().count() > limit {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_command_with_blanks_and_parentheses_is_skipped() {
        let text = "4711 (a) T (x) R) S 1 4711 4711 0 -1 4194304 90 0 0 0 0 0 0 0 20 0 1 0 55443 5758976 480 18446744073709551615";
        assert_eq!(parse_stat(text), Some(Stat { state: 'S', threads: 1, started: 55443 }));
    }

    #[test]
    fn a_process_is_dead_when_its_last_thread_is() {
        let stat = |state, threads| Stat { state, threads, started: 1 };
        for (state, threads, dead) in
            [('S', 30, false), ('T', 1, false), ('Z', 2, false), ('Z', 1, true), ('X', 0, true)]
        {
            assert_eq!(stat(state, threads).dead(), dead, "{state} with {threads} threads");
        }
    }

    #[test]
    fn a_torn_text_is_unknown_and_not_a_guess() {
        for text in
            ["", "4711", "4711 (java)", "4711 (java) S 1 2", "4711 (java) S 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 x"]
        {
            assert_eq!(parse_stat(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_live_child_is_seen_stopped_and_dead() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // Its echo tells that the program has taken the place of its parent's image.
        child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let pid = child.id();
        let first = stat(pid).unwrap();
        assert!(!first.paused() && !first.dead());
        assert!(cmdline(pid).is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(stat(pid).filter(|s| s.started == first.started), None);
    }

    #[test]
    fn a_hostile_command_line_cannot_write_to_the_terminal() {
        let args = vec!["java".to_owned(), "\x1b[2J".to_owned(), "x".repeat(200)];
        let text = printable(&args);
        assert!(text.starts_with("java ?[2J xxx") && text.ends_with('…'));
        assert_eq!(text.chars().count(), 81);
    }
}
