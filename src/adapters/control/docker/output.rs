//! What a container has written, line by line.

use crate::adapters::logs;
use crate::domain::log::LogLevel;
use crate::domain::server::{Output, OutputLine};

/// Characters of a line; the rest is cut.
const LINE_MAX: usize = 8 * 1024;
/// Words of a line among which its level is looked for.
const LEVEL_AMONG: usize = 6;

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
    let text: String = text.trim_end_matches('\r').chars().take(LINE_MAX).collect();
    let (level, thread, message_at) = logs::head(&text);
    let level = level.or_else(|| text.split_whitespace().take(LEVEL_AMONG).find_map(level_of));
    OutputLine { time, level, thread, text, message_at }
}

/// A word in capitals: a sentence may begin with "Error".
fn level_of(word: &str) -> Option<LogLevel> {
    Some(word).filter(|word| word.bytes().all(|b| b.is_ascii_uppercase())).and_then(LogLevel::from_word)
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

    #[test]
    fn a_line_in_the_form_of_the_servers_log_is_taken_apart() {
        let text =
            "2026-11-23T14:01:58.1Z 2026-11-23 14:01:58,112 [myid:1] - WARN  [SyncThread:1:FileTxnLog@401] - slow\n";
        let line = lines("container x".into(), text).lines.remove(0);
        assert_eq!((line.level, line.thread.as_deref()), (Some(LogLevel::Warn), Some("SyncThread:1")));
        assert_eq!(&line.text[line.message_at..], "slow");
    }

    #[test]
    fn else_a_level_is_a_word_in_capitals_near_the_beginning() {
        let told = |text: &str| lines("container x".into(), text).lines.remove(0).level;
        assert_eq!(told("ERROR no java"), Some(LogLevel::Error));
        assert_eq!(told("Error: Could not find or load main class"), None);
        assert_eq!(told("ZooKeeper JMX enabled by default"), None);
    }
}
