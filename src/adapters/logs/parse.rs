//! Makes an event of a line: ZooKeeper's logback pattern, our own JSON, our operations.

use serde_json::Value;

use crate::domain::log::{LogLevel, LogLine};

/// The event that a line begins; `None` for a line that continues the one before.
pub(super) fn event(line: &str, source: &str) -> Option<LogLine> {
    if line.starts_with('{') {
        return json(line, source);
    }
    logback(line, source)
}

/// `2026-11-23 14:01:58,112 [myid:1] - WARN  [SyncThread:2:FileTxnLog@1] - message`; the `myid` part
/// may be missing.
fn logback(line: &str, source: &str) -> Option<LogLine> {
    let (time, rest) = (line.get(..23)?, line.get(23..)?);
    let shape = "dddd-dd-dd dd:dd:dd";
    let fits = time.bytes().zip(shape.bytes()).all(|(b, s)| if s == b'd' { b.is_ascii_digit() } else { b == s });
    let millis = matches!(time.as_bytes()[19], b',' | b'.') && time.bytes().skip(20).all(|b| b.is_ascii_digit());
    if !fits || !millis {
        return None;
    }
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix("[myid:") {
        Some(after) => after.split_once(']').map_or(rest, |(_, after)| after),
        None => rest,
    };
    let rest = rest.trim_start().trim_start_matches("- ").trim_start();
    let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let level = LogLevel::from_word(word);
    let rest = if level.is_some() { rest.trim_start() } else { line.get(23..)?.trim_start() };
    let (origin, message) = origin(rest);
    let time = format!("{}T{}.{}", &time[..10], &time[11..19], &time[20..]);
    Some(LogLine {
        time: Some(time),
        source: source.to_owned(),
        level,
        origin,
        message: message.to_owned(),
        more: Vec::new(),
    })
}

/// `[thread:Class@line] - message`.
fn origin(text: &str) -> (Option<String>, &str) {
    let split = text.strip_prefix('[').and_then(|rest| rest.split_once("] - "));
    match split {
        Some((origin, message)) => (Some(origin.to_owned()), message),
        None => (None, text.strip_prefix("- ").unwrap_or(text)),
    }
}

fn json(line: &str, source: &str) -> Option<LogLine> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let time = value.get("timestamp").or_else(|| value.get("@timestamp")).and_then(text);
    // To the millisecond and without the zone, as the servers' lines: all of it is UTC.
    let time = time.map(|time| time.trim_end_matches('Z').chars().take(23).collect());
    let fields = value.get("fields");
    let message = fields.and_then(|fields| fields.get("message")).or_else(|| value.get("message")).and_then(text);
    let level = value.get("level").and_then(Value::as_str).and_then(LogLevel::from_word);
    let operation = value.get("operation_id").is_some();
    Some(LogLine {
        time,
        source: source.to_owned(),
        level: level.or(operation.then_some(LogLevel::Info)),
        origin: value.get("target").filter(|_| !operation).and_then(text).or(operation.then(|| "operation".into())),
        message: with_fields(message.unwrap_or_else(|| line.to_owned()), fields),
        more: Vec::new(),
    })
}

/// The message with the other fields behind it: `connected node=zk1`.
fn with_fields(mut message: String, fields: Option<&Value>) -> String {
    for (key, value) in fields.and_then(Value::as_object).into_iter().flatten().filter(|(key, _)| *key != "message") {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        message.push_str(&format!(" {key}={value}"));
    }
    message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zookeepers_lines_are_read() {
        let line = "2026-11-23 14:01:58,112 [myid:1] - WARN  [SyncThread:2:FileTxnLog@1] - fsync - took long";
        let event = event(line, "zk1").unwrap();
        assert_eq!(event.time.as_deref(), Some("2026-11-23T14:01:58.112"));
        assert_eq!((event.level, event.origin.as_deref()), (Some(LogLevel::Warn), Some("SyncThread:2:FileTxnLog@1")));
        assert_eq!(event.message, "fsync - took long");
        let plain = super::event("2026-11-23 14:01:58,112 - INFO  [main:A@1] - up", "zk1").unwrap();
        assert_eq!((plain.level, plain.message.as_str()), (Some(LogLevel::Info), "up"));
    }

    #[test]
    fn what_continues_is_no_event() {
        for line in [
            "\tat a.b.C(D.java:7)",
            "java.net.SocketTimeoutException: x",
            "{ broken",
            "2026-11-23",
            "é".repeat(30).as_str(),
        ] {
            assert_eq!(event(line, "zk1"), None, "{line:?}");
        }
    }

    #[test]
    fn our_own_lines_carry_their_fields() {
        let line = r#"{"timestamp":"2026-11-23T14:01:59.123456Z","level":"WARN","fields":{"message":"left","attempt":"7"},"target":"zkdeck::adapters"}"#;
        let event = event(line, "backend").unwrap();
        assert_eq!(
            (event.time.as_deref(), event.message.as_str()),
            (Some("2026-11-23T14:01:59.123"), "left attempt=7")
        );
        let row = r#"{"@timestamp":"2026-11-23T14:02:11.041Z","operation_id":"x","message":"migration done: a","target":"zk3"}"#;
        let event = super::event(row, "backend").unwrap();
        assert_eq!((event.origin.as_deref(), event.level), (Some("operation"), Some(LogLevel::Info)));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(line in "\\PC*") {
            _ = event(&line, "zk1");
        }

        #[test]
        fn nor_does_a_line_that_begins_well(line in "2026-11-23 14:01:58,112\\PC*") {
            _ = event(&line, "zk1");
        }
    }
}
