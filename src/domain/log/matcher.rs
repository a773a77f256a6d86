//! Holds a query against events.

use std::ops::Range;

use regex::bytes::Regex;

use super::ast::{Cmp, Expr, Field, NumberField, Pattern, Side};
use super::event::Subject;
use super::level::LogLevel;
use super::parse::build_regex;
use super::words::{finder, part, whole};
use crate::domain::ids::Timestamp;

/// A query ready to be held against many events.
#[derive(Clone, Debug)]
pub struct Matcher(Test);

#[derive(Clone, Debug)]
enum Test {
    /// Always, or never.
    Fixed(bool),
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    Text(Regex),
    Value(Field, Regex),
    Level(Cmp, LogLevel),
    Number(NumberField, Cmp, u64),
    Time(Side, Timestamp),
}

impl Matcher {
    /// `now` is what spans such as `since:15m` count from.
    #[must_use]
    pub fn new(expr: &Expr, now: Timestamp) -> Self {
        Self(test(expr, now, false))
    }

    /// For a list that is narrowed while one types: a word is any part of a text, and so is the name of a file.
    #[must_use]
    pub fn of_list(expr: &Expr, now: Timestamp) -> Self {
        Self(test(expr, now, true))
    }

    #[must_use]
    pub fn matches(&self, subject: &impl Subject) -> bool {
        holds(&self.0, subject)
    }

    /// A regex that finds what the pattern finds in a text.
    #[must_use]
    pub fn finder(pattern: &Pattern) -> String {
        finder(pattern)
    }

    /// A regex for the whole value of a field.
    #[must_use]
    pub fn whole(pattern: &Pattern) -> String {
        whole(pattern)
    }

    /// Where in `text` the words, phrases and regexes of the query are: what is to be highlighted.
    /// In order, without overlap; on the boundaries of characters.
    #[must_use]
    pub fn marks(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        collect(&self.0, text, &mut found);
        found.sort_by_key(|range| (range.start, range.end));
        let mut marks: Vec<Range<usize>> = Vec::new();
        for range in found {
            match marks.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => marks.push(range),
            }
        }
        marks
    }
}

/// Whether the event is what the query asks for.
#[must_use]
pub fn matches(expr: &Expr, subject: &impl Subject, now: Timestamp) -> bool {
    Matcher::new(expr, now).matches(subject)
}

/// `parts`: words are parts of texts.
fn test(expr: &Expr, now: Timestamp, parts: bool) -> Test {
    let all = |of: &[Expr]| of.iter().map(|one| test(one, now, parts)).collect();
    match expr {
        Expr::All => Test::Fixed(true),
        Expr::And(of) => Test::And(all(of)),
        Expr::Or(of) => Test::Or(all(of)),
        Expr::Not(inner) => Test::Not(Box::new(test(inner, now, parts))),
        Expr::Text(pattern) => compiled(&if parts { part(pattern) } else { finder(pattern) }, Test::Text),
        Expr::Field(field, pattern) => {
            let regex = if parts && *field == Field::File { part(pattern) } else { whole(pattern) };
            compiled(&regex, |regex| Test::Value(field.clone(), regex))
        }
        Expr::Level(cmp, level) => Test::Level(*cmp, *level),
        Expr::Number(field, cmp, value) => Test::Number(*field, *cmp, *value),
        Expr::Time(side, moment) => Test::Time(*side, moment.resolve(now)),
    }
}

/// The parser has compiled every regex once; one that does not compile all the same finds nothing.
fn compiled(regex: &str, test: impl FnOnce(Regex) -> Test) -> Test {
    build_regex(regex).map_or(Test::Fixed(false), test)
}

fn holds(test: &Test, subject: &impl Subject) -> bool {
    match test {
        Test::Fixed(fixed) => *fixed,
        Test::And(parts) => parts.iter().all(|part| holds(part, subject)),
        Test::Or(parts) => parts.iter().any(|part| holds(part, subject)),
        Test::Not(inner) => !holds(inner, subject),
        Test::Text(regex) => subject.any_text(&mut |text| regex.is_match(text)),
        Test::Value(field, regex) => subject.any_value(field, &mut |value| regex.is_match(value.as_bytes())),
        Test::Level(cmp, level) => subject.level().is_some_and(|own| cmp.holds(&own, level)),
        Test::Number(field, cmp, bound) => subject.number(*field).is_some_and(|own| cmp.holds(&own, bound)),
        Test::Time(Side::Since, at) => subject.time().is_some_and(|own| own >= *at),
        Test::Time(Side::Until, at) => subject.time().is_some_and(|own| own < *at),
    }
}

fn collect(test: &Test, text: &str, found: &mut Vec<Range<usize>>) {
    match test {
        Test::And(parts) | Test::Or(parts) => parts.iter().for_each(|part| collect(part, text, found)),
        Test::Text(regex) => {
            let ranges = regex.find_iter(text.as_bytes()).map(|hit| hit.range());
            found.extend(ranges.filter(|range| !range.is_empty() && text.get(range.clone()).is_some()));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::event::LogEvent;
    use crate::domain::log::parse::parse;
    use crate::domain::log::source::Dataset;

    const NOW: Timestamp = Timestamp(1_795_442_600_000);

    fn zookeeper() -> LogEvent {
        LogEvent {
            time: Some(Timestamp(1_795_442_518_112)),
            node: "zk2".into(),
            dataset: Some(Dataset::Zookeeper),
            level: Some(LogLevel::Warn),
            origin_at: 41,
            message_at: 73,
            thread: Some("SyncThread:2".into()),
            logger: Some("FileTxnLog".into()),
            text: "2026-11-23 14:01:58,112 [myid:2] - WARN  [SyncThread:2:FileTxnLog@401] - [fsync]-ing took 1312 ms\n\
                   java.net.SocketTimeoutException: Read timed out\n\tat a.b.C(D.java:7)"
                .into(),
            ..LogEvent::default()
        }
    }

    fn operation() -> LogEvent {
        let fields = [("operation", "migration"), ("status", "failed"), ("source", "zk1"), ("target", "zk3")];
        LogEvent {
            node: "backend".into(),
            dataset: Some(Dataset::Operations),
            text: "migration failed: report-0007.bin".into(),
            fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            numbers: [("bytes".to_owned(), 131_072), ("duration_ms".to_owned(), 41)].into(),
            ..LogEvent::default()
        }
    }

    #[test]
    fn an_event_is_held_against_every_part() {
        for (query, zk, op) in [
            ("", true, true),
            ("fsync", true, false),
            ("FSYNC took", true, false),
            ("sync", false, false),
            ("*sync", true, false),
            ("fsy*", true, false),
            ("f*c", true, false),
            ("-fsync", false, true),
            ("SocketTimeoutException", true, false),
            ("java.net.SocketTimeoutException", true, false),
            ("net.SocketTimeoutException:", true, false),
            ("java.net.*Exception", true, false),
            ("java.io.*Exception", false, false),
            ("\"read timed out\"", true, false),
            ("\"timed read\"", false, false),
            ("/took \\d{4} ms/", true, false),
            ("/^.fsync/", true, false),
            ("FileTxnLog", true, false),
            ("myid", false, false),
            ("2026", false, false),
            ("/TOOK/", false, false),
            ("/(?i)TOOK/", true, false),
            ("level>=WARN", true, false),
            ("level>WARN", false, false),
            ("level:warn", true, false),
            ("-level:error", true, true),
            ("node:zk2", true, false),
            ("node:ZK*", true, false),
            ("node:zk", false, false),
            ("node:/k2/", true, false),
            ("thread:SyncThread:2", true, false),
            ("thread:SyncThread*", true, false),
            ("logger:FileTxnLog", true, false),
            ("dataset:operations", false, true),
            ("operation:migration status:failed", false, true),
            ("target:zk3 -source:zk3", false, true),
            ("zk3", false, true),
            ("bytes>=128KiB", false, true),
            ("bytes>128KiB", false, false),
            ("duration_ms<=41", false, true),
            ("41", false, false),
            ("fields.status:failed", false, true),
            ("since:14:01:58.112", true, false),
            ("until:14:01:58.112", false, false),
            ("since:2m", true, false),
            ("since:1m", false, false),
            ("migration OR fsync", true, true),
            ("(migration OR fsync) level:warn", true, false),
        ] {
            let expr = parse(query).unwrap();
            assert_eq!(matches(&expr, &zookeeper(), NOW), zk, "{query} on zookeeper");
            assert_eq!(matches(&expr, &operation(), NOW), op, "{query} on operation");
        }
    }

    #[test]
    fn what_was_found_is_marked() {
        let marks = |query: &str, text: &str| Matcher::new(&parse(query).unwrap(), NOW).marks(text);
        let none: [Range<usize>; 0] = [];
        assert_eq!(marks("fsync took", "[fsync] took FSync"), [1..6, 8..12, 13..18]);
        assert_eq!(marks("-fsync node:a", "fsync a"), none);
        assert_eq!(marks("/o+k/ took", "took").first(), Some(&(0..4)));
        assert_eq!(marks("/x*/", "ab"), none);
    }
}
