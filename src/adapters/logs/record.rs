//! Makes events of lines: ZooKeeper's logback pattern, JSON of zkdeck and of operations, plain text.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::ids::Timestamp;
use crate::domain::log::{Dataset, EventId, LogEvent, LogLevel, read_stamp};
use crate::domain::operation::OperationStatus;

/// How a file's lines become events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    /// An event begins with a date; other lines continue it.
    Dated,
    /// Each line is one JSON object.
    Json,
    /// An event is a line with the indented ones below it. No times.
    Plain,
}

impl LineKind {
    /// Goes by the beginning of a file.
    pub(super) fn of(beginning: &[u8]) -> Self {
        let mut lines = beginning.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        match lines.clone().next() {
            Some([b'{', ..]) => Self::Json,
            None => Self::Dated,
            Some(_) if lines.any(dated) => Self::Dated,
            Some(_) => Self::Plain,
        }
    }

    /// Whether this line begins an event.
    pub(super) fn begins(self, line: &[u8]) -> bool {
        match self {
            Self::Dated => dated(line),
            Self::Json => !line.is_empty(),
            Self::Plain => line.first().is_some_and(|b| !b.is_ascii_whitespace()),
        }
    }
}

/// `2026-11-23 14:01:58`, at least to the second.
fn dated(line: &[u8]) -> bool {
    // What is none is told by its form already: most lines of a stack trace.
    let Some(stamp) = line.first_chunk::<19>().filter(|stamp| stamp[4] == b'-' && stamp[16] == b':') else {
        return false;
    };
    plainly_dated(stamp) || read_stamp(line).is_some_and(|(_, len)| len >= 19)
}

/// Whether what every writer writes on most days is there; `false` says nothing. This is asked for
/// every line, and reading the stamp takes several times as long.
fn plainly_dated(stamp: &[u8; 19]) -> bool {
    const FORM: &[u8; 19] = b"2000-00-00 00:00:00";
    // Without a way out in the middle, so that all bytes are looked at together.
    let formed = stamp
        .iter()
        .zip(FORM)
        .fold(true, |formed, (b, form)| formed & if *form == b'0' { b.is_ascii_digit() } else { b == form });
    let within = |at: usize, low: &[u8; 2], high: &[u8; 2]| (&low[..]..=&high[..]).contains(&&stamp[at..at + 2]);
    let day = within(5, b"01", b"12") && within(8, b"01", b"28");
    formed && day && within(11, b"00", b"23") && within(14, b"00", b"59")
}

/// What the first line of a dated event tells before its message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) time: Option<Timestamp>,
    pub(super) level: Option<LogLevel>,
    /// Thread and logger as written.
    origin: &'a [u8],
    /// Where these begin.
    pub(super) origin_at: usize,
    pub(super) message_at: usize,
}

impl<'a> Head<'a> {
    /// Reads `2026-11-23 14:01:58,112 [myid:1] - WARN  [SyncThread:2:FileTxnLog@1] - message`; each
    /// part but the date may be missing.
    pub(super) fn read(text: &'a [u8]) -> Self {
        let line = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
        let Some((time, mut at)) = read_stamp(line).filter(|(_, len)| *len >= 19) else { return Self::default() };
        let skip = |at: usize| at + line[at..].iter().take_while(|b| matches!(b, b' ' | b'-')).count();
        at = skip(at);
        if line[at..].starts_with(b"[myid:")
            && let Some(end) = memchr::memchr(b']', &line[at..])
        {
            at = skip(at + end + 1);
        }
        let word = line[at..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let level = std::str::from_utf8(&line[at..at + word]).ok().and_then(LogLevel::from_word);
        if level.is_some() {
            at = skip(at + word);
        }
        let mut head = Self { time: Some(time), level, origin_at: at, message_at: at, ..Self::default() };
        if line.get(at) == Some(&b'[')
            && let Some(end) = memchr::memchr_iter(b']', &line[at..]).find(|end| line[at + end..].starts_with(b"] - "))
        {
            head.message_at = at + end + 4;
            head.origin = &line[at + 1..at + end];
        }
        head
    }

    pub(super) fn thread(&self) -> Option<&'a str> {
        if self.origin.is_empty() { None } else { origin(self.origin).0 }
    }

    pub(super) fn logger(&self) -> Option<&'a str> {
        if self.origin.is_empty() { None } else { origin(self.origin).1 }
    }
}

/// `SyncThread:2:FileTxnLog@401` is thread `SyncThread:2` and logger `FileTxnLog`.
pub(super) fn origin(text: &[u8]) -> (Option<&str>, Option<&str>) {
    let Ok(text) = std::str::from_utf8(text) else { return (None, None) };
    match text.rsplit_once(':') {
        Some((thread, class)) => (Some(thread), Some(class.split('@').next().unwrap_or(class))),
        None => (Some(text), None),
    }
}

/// Where an event lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventPlace<'a> {
    /// Tells the file apart from all others, also after it was renamed.
    pub(super) key: &'a str,
    /// Relative to the log folder.
    pub(super) file: &'a str,
    pub(super) node: &'a str,
    pub(super) dataset: Dataset,
    pub(super) kind: LineKind,
    pub(super) offset: u64,
}

/// Makes an event of its bytes, cut to `bytes_max`.
pub(super) fn event(bytes: &[u8], place: EventPlace<'_>, bytes_max: usize) -> LogEvent {
    let cut = &bytes[..bytes.len().min(bytes_max)];
    let text = String::from_utf8_lossy(cut);
    let text = text.trim_end();
    let mut event = match place.kind {
        LineKind::Json => json(bytes).unwrap_or_default(),
        LineKind::Dated | LineKind::Plain => dated_event(text),
    };
    if event.text.is_empty() {
        event.text = text.to_owned();
    } else if event.text.len() > bytes_max {
        event.text.truncate(event.text.floor_char_boundary(bytes_max));
    }
    if bytes.len() > bytes_max {
        event.text.push_str(&format!(" ... cut, {} bytes in all", bytes.len()));
    }
    event.id = EventId::Line { file: place.key.to_owned(), offset: place.offset };
    event.node = place.node.to_owned();
    event.dataset = Some(place.dataset);
    event.file = place.file.to_owned();
    event.offset = place.offset;
    event.len = bytes.len() as u64;
    event
}

/// The parts of an event whose text is as a server wrote it.
pub(super) fn dated_event(text: &str) -> LogEvent {
    let head = Head::read(text.as_bytes());
    LogEvent {
        time: head.time,
        level: head.level,
        thread: head.thread().map(str::to_owned),
        logger: head.logger().map(str::to_owned),
        origin_at: head.origin_at,
        message_at: head.message_at,
        text: text.to_owned(),
        ..LogEvent::default()
    }
}

/// The level of a row of history: an operation that failed is what an operator looks for.
pub(super) fn level_of_row(status: Option<&str>) -> LogLevel {
    match status.and_then(OperationStatus::from_word) {
        Some(OperationStatus::Failed) => LogLevel::Error,
        _ => LogLevel::Info,
    }
}

/// The event of a JSON line; `None` for a line that is no object.
pub(super) fn json(line: &[u8]) -> Option<LogEvent> {
    let Value::Object(mut object) = serde_json::from_slice(line).ok()? else { return None };
    let mut take = |name: &str| object.remove(name);
    let time = ["@timestamp", "timestamp", "time"].into_iter().find_map(&mut take);
    let level = take("level");
    let nested = take("fields");
    let message = ["message", "log"].into_iter().find_map(&mut take);
    let written = |time: &Value| time.as_str().map_or_else(|| time.to_string(), str::to_owned);
    let mut event = LogEvent {
        stamp: time.as_ref().map(written),
        time: time.as_ref().and_then(Value::as_str).and_then(|text| Some(read_stamp(text.as_bytes())?.0)),
        level: level.as_ref().and_then(Value::as_str).and_then(LogLevel::from_word),
        ..LogEvent::default()
    };
    let mut fields = BTreeMap::new();
    let nested = if let Some(Value::Object(nested)) = nested { nested } else { serde_json::Map::new() };
    let mut message = message.as_ref().and_then(Value::as_str).map(str::to_owned);
    for (name, value) in object.into_iter().chain(nested) {
        match value {
            Value::String(text) if name == "message" => message = Some(text),
            Value::String(text) => _ = fields.insert(name, text),
            Value::Number(number) => event.numbers.extend(number.as_u64().map(|number| (name, number))),
            _ => {}
        }
    }
    event.text = message.unwrap_or_default();
    if fields.contains_key("operation_id") {
        event.level = event.level.or(Some(level_of_row(fields.get("status").map(String::as_str))));
    } else {
        event.logger = fields.get("target").cloned();
    }
    event.fields = fields;
    Some(event)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_time_of_a_json_line_is_kept_as_it_was_written() {
        let stamp = |line: &[u8]| json(line).and_then(|event| event.stamp);
        let own = stamp(br#"{"timestamp":"2026-11-23T19:31:59+05:30","message":"m"}"#);
        assert_eq!(own.as_deref(), Some("2026-11-23T19:31:59+05:30"));
        assert_eq!(stamp(br#"{"time":1795442518112,"message":"m"}"#).as_deref(), Some("1795442518112"));
        assert_eq!(stamp(br#"{"message":"m"}"#), None);
    }

    const LINE: &[u8] = b"2026-11-23 14:01:58,112 [myid:1] - WARN  [SyncThread:2:FileTxnLog@401] - fsync - took long";

    #[test]
    fn zookeepers_lines_are_read() {
        let head = Head::read(LINE);
        assert_eq!((head.time, head.level), (Some(Timestamp(1_795_442_518_112)), Some(LogLevel::Warn)));
        assert_eq!((head.thread(), head.logger()), (Some("SyncThread:2"), Some("FileTxnLog")));
        assert_eq!(&LINE[head.message_at..], b"fsync - took long");
        let rest = |line: &'static str| {
            let head = Head::read(line.as_bytes());
            (head.level, head.thread(), &line[head.message_at..])
        };
        assert_eq!(rest("2026-11-23 14:01:58,112 - INFO  [main:A@1] - up"), (Some(LogLevel::Info), Some("main"), "up"));
        assert_eq!(rest("2026-11-23T14:01:58.112Z plain text"), (None, None, "plain text"));
        assert_eq!(
            rest("2026-11-23 14:01:58,112 [myid:] - INFO  [QuorumPeer[myid=1](plain=[0:0]:2181):Learner@9] - x"),
            (Some(LogLevel::Info), Some("QuorumPeer[myid=1](plain=[0:0]:2181)"), "x")
        );
    }

    #[test]
    fn a_file_shows_how_its_events_begin() {
        assert_eq!(LineKind::of(LINE), LineKind::Dated);
        assert_eq!(LineKind::of(b"\tat a.b.C\n2026-11-23 14:01:58,112 x"), LineKind::Dated);
        assert_eq!(LineKind::of(b"{\"level\":\"INFO\"}\n"), LineKind::Json);
        assert_eq!(LineKind::of(b"Listening on 1\n  more\n"), LineKind::Plain);
        assert!(!LineKind::Dated.begins(b"\tat a.b.C(D.java:7)") && !LineKind::Dated.begins(b"2026-11-23"));
        assert!(LineKind::Plain.begins(b"x") && !LineKind::Plain.begins(b" x"));
    }

    #[test]
    fn json_lines_carry_their_fields() {
        let own = br#"{"timestamp":"2026-11-23T14:01:59.123456Z","level":"WARN","message":"left","attempt":7,"node":"zk1","target":"zkdeck::adapters"}"#;
        let event = json(own).unwrap();
        assert_eq!((event.time, event.level), (Some(Timestamp(1_795_442_519_123)), Some(LogLevel::Warn)));
        assert_eq!((event.message(), event.field("node"), event.numbers["attempt"]), ("left", Some("zk1"), 7));
        assert_eq!(event.logger.as_deref(), Some("zkdeck::adapters"));
        let nested =
            br#"{"timestamp":"2026-11-23T14:01:59Z","level":"INFO","fields":{"message":"left","a":"b"},"target":"x"}"#;
        let event = json(nested).unwrap();
        assert_eq!((event.message(), event.field("a")), ("left", Some("b")));
        let row = br#"{"@timestamp":"2026-11-23T14:02:11.041Z","operation_id":"x","status":"failed","file_id":null,"message":"migration failed: a","target":"zk3"}"#;
        let event = json(row).unwrap();
        assert_eq!((event.level, event.logger, event.fields["target"].as_str()), (Some(LogLevel::Error), None, "zk3"));
    }

    #[test]
    fn long_and_broken_bytes_become_an_event_of_bounded_size() {
        let place = EventPlace {
            key: "k",
            file: "zk1/a.log",
            node: "zk1",
            dataset: Dataset::Zookeeper,
            kind: LineKind::Dated,
            offset: 7,
        };
        let mut bytes = LINE.to_vec();
        bytes.extend_from_slice(b"\xff\x00\x1b[2J");
        bytes.resize(3 << 20, b'x');
        let event = event(&bytes, place, 1 << 20);
        assert!(event.text.len() < (1 << 20) + 64 && event.text.ends_with("cut, 3145728 bytes in all"));
        assert_eq!((event.id.to_string().as_str(), event.thread.as_deref()), ("k@7", Some("SyncThread:2")));
        let broken = super::event(b"{ broken", EventPlace { kind: LineKind::Json, ..place }, 100);
        assert_eq!((broken.text.as_str(), broken.time), ("{ broken", None));
    }

    proptest! {
        #[test]
        fn what_is_plainly_a_date_can_be_read(
            line in "[0-3][0-9]{3}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-6][0-9]:[0-9]{2}([,.][0-9]{3})? x",
        ) {
            let read = read_stamp(line.as_bytes()).is_some_and(|(_, len)| len >= 19);
            prop_assert_eq!(LineKind::Dated.begins(line.as_bytes()), read);
        }

        #[test]
        fn an_events_message_is_a_part_of_its_text(line in proptest::collection::vec(any::<u8>(), 0..200), dated in any::<bool>()) {
            let mut bytes = if dated { LINE[..30].to_vec() } else { Vec::new() };
            bytes.extend(line);
            prop_assert!(Head::read(&bytes).message_at <= bytes.len());
            for kind in [LineKind::Dated, LineKind::Json, LineKind::Plain] {
                let place = EventPlace { key: "", file: "", node: "", dataset: Dataset::Zookeeper, kind, offset: 0 };
                let event = event(&bytes, place, 20);
                let rest = event.text.get(event.message_at..);
                prop_assert!(rest.is_some_and(|rest| rest.starts_with(event.message())), "{event:?}");
            }
        }
    }
}
