//! The row in hand taken apart: where its event lies, how the line was read, and which time was taken from it.

use super::LogsPane;
use super::detail;
use super::rows::LogRow;
use crate::console::time;
use crate::console::widgets::words;
use crate::domain::explain::{Explanation, Fact, Topic};
use crate::domain::log::{Dataset, EventId, LogEvent, stamp_zone};

impl LogsPane {
    /// What can be asked about the row in hand.
    pub(super) fn taken_apart(&self) -> Option<Topic> {
        let listed = self.detail.is_none() && self.over().is_none();
        let repeats = match self.list.selected().filter(|_| listed) {
            Some(LogRow::Fold { from, to, .. }) => to - from + 1,
            _ => 1,
        };
        self.selected().map(|event| Topic::Told(Box::new(apart(event, repeats))))
    }
}

/// What the line is, by the parts that were found in it.
fn layout(event: &LogEvent) -> &'static str {
    let has_fields = !event.fields.is_empty() || !event.numbers.is_empty();
    if matches!(event.id, EventId::Document(_)) {
        return "a document of the search server";
    }
    match (has_fields, event.origin_at > 0, event.message_at > event.origin_at) {
        (true, ..) => "one JSON object a line",
        (false, true, true) => "date, level, [thread:logger], message: ZooKeeper's logback pattern",
        (false, true, false) => "date, level, message",
        (false, false, _) => "a line without a date of its own",
    }
}

fn apart(event: &LogEvent, repeats: usize) -> Explanation {
    let dash = |part: Option<&str>| words::or_dash(part);
    let of_line = event.text.get(..event.origin_at).map(str::trim).filter(|stamp| !stamp.is_empty());
    let stamp = event.stamp.as_deref().or(of_line);
    let zone = stamp.map(|stamp| match stamp_zone(stamp) {
        Some(zone) => format!("{zone}, as the line says"),
        None => "UTC: the line names none".to_owned(),
    });
    let at = event.time.map(|at| format!("{} {} {}", time::date(at), time::of_moment(at), time::zone_name(at)));
    let mut facts = vec![
        Fact::new("lies at", detail::place(event)),
        Fact::new("written by", dash(event.dataset.map(Dataset::word))),
        Fact::new("read as", layout(event)),
        Fact::new("time", words::or_dash(at)),
        Fact::new("as written", dash(stamp)),
        Fact::new("its zone", words::or_dash(zone)),
        Fact::new("level", dash(event.level.map(|level| level.word()))),
        Fact::new("thread", dash(event.thread.as_deref())),
        Fact::new("logger", dash(event.logger.as_deref())),
    ];
    if repeats > 1 {
        let text = format!(
            "{} that say the same but for numbers and ids; the newest is shown",
            words::count(repeats as u64, "event")
        );
        facts.push(Fact::new("folded", text));
    }
    let further = event.more().count();
    if further > 0 {
        facts.push(Fact::new("continued by", words::count(further as u64, "line")));
    }
    let named = event.fields.len() + event.numbers.len();
    if named > 0 {
        facts.push(Fact::new("fields", words::count(named as u64, "field")));
    }
    Explanation {
        of: format!("log line of {}", event.node),
        word: "a line".to_owned(),
        facts,
        ..Explanation::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::NOW;

    fn value(explained: &Explanation, name: &str) -> String {
        let fact = explained.facts.iter().find(|fact| fact.name == name);
        fact.map_or_else(String::new, |fact| fact.value.clone())
    }

    #[test]
    fn a_line_is_taken_apart_as_it_was_read() {
        let event = |text: &str, origin_at, message_at| LogEvent {
            time: Some(NOW),
            text: text.into(),
            origin_at,
            message_at,
            id: EventId::Line { file: "zk1/zookeeper.log".into(), offset: 7 },
            file: "zk1/zookeeper.log".into(),
            offset: 7,
            ..LogEvent::default()
        };
        let own = apart(&event("2026-11-23 14:02:11,000 - WARN  [main:A] - m", 32, 41), 16);
        assert_eq!(value(&own, "lies at"), "logs/zk1/zookeeper.log, byte 7");
        assert!(
            value(&own, "read as").contains("logback") && value(&own, "folded").starts_with("16 events"),
            "{own:?}"
        );
        assert_eq!(
            (value(&own, "its zone").as_str(), value(&own, "thread").as_str()),
            ("UTC: the line names none", "-")
        );
        let zoned = apart(&event("2026-11-23T15:02:11+01:00 m", 26, 26), 1);
        assert_eq!(
            (value(&zoned, "its zone").as_str(), value(&zoned, "folded").as_str()),
            ("+01:00, as the line says", "")
        );
        let json = apart(&LogEvent { stamp: Some("2026-11-23T19:32:11+05:30".into()), ..event("m", 0, 0) }, 1);
        assert_eq!(value(&json, "as written"), "2026-11-23T19:32:11+05:30");
        assert_eq!(value(&json, "its zone"), "+05:30, as the line says");
        let plain = apart(&LogEvent { file: String::new(), time: None, ..event("hello", 0, 0) }, 1);
        assert_eq!((value(&plain, "time").as_str(), value(&plain, "its zone").as_str()), ("-", "-"));
        assert_eq!(value(&plain, "lies at"), "printed by its container");
    }
}
