//! What a container has written, line by line.

use crate::domain::server::{Output, OutputLine};

/// Characters of a line; the rest is cut.
const LINE_MAX: usize = 8 * 1024;

/// Lines with the engine's time before each: `2026-11-23T14:01:58.112345678Z text`.
pub(super) fn lines(container: String, text: &str) -> Output {
    Output { container, lines: text.lines().map(line).collect() }
}

fn line(line: &str) -> OutputLine {
    let (time, text) = match line.split_once(' ').filter(|(time, _)| is_time(time)) {
        Some((time, text)) => (Some(time), text),
        None => (Some(line).filter(|line| is_time(line)), if is_time(line) { "" } else { line }),
    };
    let time = time.map(|time| time.trim_end_matches('Z').chars().take(23).collect());
    OutputLine { time, text: text.trim_end_matches('\r').chars().take(LINE_MAX).collect() }
}

fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T' && text.as_bytes()[0].is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_time_is_taken_off_each_line() {
        let text = "2026-11-23T14:01:58.112345678Z ZooKeeper JMX enabled\r\n2026-11-23T14:01:59Z\nno time here\n";
        let told = lines("container x".into(), text).lines;
        let told: Vec<_> = told.iter().map(|line| (line.time.as_deref(), line.text.as_str())).collect();
        assert_eq!(
            told,
            [
                (Some("2026-11-23T14:01:58.112"), "ZooKeeper JMX enabled"),
                (Some("2026-11-23T14:01:59"), ""),
                (None, "no time here")
            ]
        );
    }
}
