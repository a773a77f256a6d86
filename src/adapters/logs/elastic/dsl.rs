//! A query as Elasticsearch and OpenSearch take it.

use serde_json::{Value, json};

use super::lucene::lucene;
use crate::domain::ids::Timestamp;
use crate::domain::log::{Cmp, Dataset, Expr, Field, LogLevel, NumberField, Pattern, Side, words};

/// What is searched.
pub(super) const INDICES: &str = "operations,zk-logs-*,backend-logs-*,docker-logs-*";

/// Index of each dataset.
pub(super) const DATASETS: [(Dataset, &str); 4] = [
    (Dataset::Zookeeper, "zk-logs-*"),
    (Dataset::Backend, "backend-logs-*"),
    (Dataset::Operations, "operations*"),
    (Dataset::Docker, "docker-logs-*"),
];

/// Values that words are looked for in, beside the message.
const SPOKEN: [&str; 8] =
    ["process.thread.name", "operation", "operation_id", "status", "file_id", "source", "target", "instance"];

/// The query that finds what `expr` means; `Err` names what these servers cannot search by.
pub(super) fn query(expr: &Expr, now: Timestamp) -> Result<Value, String> {
    let all = |parts: &[Expr]| parts.iter().map(|part| query(part, now)).collect::<Result<Vec<_>, _>>();
    Ok(match expr {
        Expr::All => json!({"match_all": {}}),
        Expr::And(parts) => json!({"bool": {"filter": all(parts)?}}),
        Expr::Or(parts) => any(&all(parts)?),
        Expr::Not(inner) => json!({"bool": {"must_not": [query(inner, now)?]}}),
        Expr::Text(pattern) => text(pattern)?,
        Expr::Field(field, pattern) => self::field(field, pattern)?,
        Expr::Level(cmp, bound) => {
            any(&LogLevel::ALL.into_iter().filter(|own| cmp.holds(own, bound)).map(level).collect::<Vec<_>>())
        }
        Expr::Number(number, cmp, value) => {
            let name = match number {
                NumberField::Bytes => "bytes",
                NumberField::DurationMs => "duration_ms",
            };
            let bound = match cmp {
                Cmp::Equal => json!({"gte": value, "lte": value}),
                Cmp::AtLeast => json!({"gte": value}),
                Cmp::Above => json!({"gt": value}),
                Cmp::AtMost => json!({"lte": value}),
                Cmp::Below => json!({"lt": value}),
            };
            json!({"range": {name: bound}})
        }
        Expr::Time(side, moment) => {
            let bound = match side {
                Side::Since => "gte",
                Side::Until => "lt",
            };
            json!({"range": {"@timestamp": {bound: moment.resolve(now).0, "format": "epoch_millis"}}})
        }
    })
}

fn any(parts: &[Value]) -> Value {
    json!({"bool": {"should": parts, "minimum_should_match": 1}})
}

/// Events of one level; an operation has none, but one that failed counts as an error.
pub(super) fn level(level: LogLevel) -> Value {
    let words: &[&str] = match level {
        LogLevel::Error => &["ERROR", "FATAL", "SEVERE", "error", "fatal"],
        LogLevel::Warn => &["WARN", "WARNING", "warn", "warning"],
        LogLevel::Info => &["INFO", "info"],
        LogLevel::Debug => &["DEBUG", "debug"],
        LogLevel::Trace => &["TRACE", "trace"],
    };
    let told = json!({"terms": {"log.level": words}});
    let failed = json!({"term": {"status": "failed"}});
    match level {
        LogLevel::Error => any(&[told, json!({"bool": {"filter": [index("operations*"), failed]}})]),
        LogLevel::Info => any(&[told, json!({"bool": {"filter": [index("operations*")], "must_not": [failed]}})]),
        _ => told,
    }
}

fn index(pattern: &str) -> Value {
    json!({"wildcard": {"_index": {"value": pattern}}})
}

fn text(pattern: &Pattern) -> Result<Value, String> {
    let mut parts = match pattern {
        Pattern::Regex(regex) => vec![regexp("message.raw", &lucene(regex)?, false)],
        Pattern::Word(text) | Pattern::Phrase(text) => {
            vec![message("message", pattern, text), message("reason", pattern, text)]
        }
    };
    let whole = match pattern {
        Pattern::Regex(regex) => lucene(regex)?,
        _ => spoken(pattern),
    };
    let cased = !matches!(pattern, Pattern::Regex(_));
    parts.extend(SPOKEN.iter().map(|name| regexp(name, &whole, cased)));
    Ok(any(&parts))
}

fn message(name: &str, pattern: &Pattern, text: &str) -> Value {
    let words = words(pattern);
    match &words[..] {
        _ if !words.iter().any(|word| word.contains('*')) => json!({"match_phrase": {name: text}}),
        [word] => json!({"wildcard": {name: {"value": word, "case_insensitive": true}}}),
        _ => {
            let each = words.iter().map(|word| match word.contains('*') {
                true => json!({"wildcard": {"pattern": word}}),
                false => json!({"match": {"query": word}}),
            });
            let each: Vec<Value> = each.collect();
            json!({"intervals": {name: {"all_of": {"ordered": true, "max_gaps": 0, "intervals": each}}}})
        }
    }
}

/// Whole words inside a value that the index keeps in one piece.
fn spoken(pattern: &Pattern) -> String {
    let words: Vec<String> = words(pattern).iter().map(|word| word.replace('*', "[A-Za-z0-9_]*")).collect();
    let words = words.join("[^A-Za-z0-9_]+");
    format!("(.*[^A-Za-z0-9_])?{words}([^A-Za-z0-9_].*)?")
}

fn regexp(name: &str, regex: &str, any_case: bool) -> Value {
    json!({"regexp": {name: {"value": regex, "flags": "NONE", "case_insensitive": any_case, "max_determinized_states": 20000}}})
}

/// The whole value of a field; `around` is put before and behind.
fn value(name: &str, pattern: &Pattern, around: (&str, &str)) -> Result<Value, String> {
    let (before, behind) = around;
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('?', "\\?");
    Ok(match pattern {
        Pattern::Regex(regex) if before.is_empty() && behind.is_empty() => regexp(name, &lucene(regex)?, false),
        Pattern::Regex(regex) => {
            let inner = lucene(regex)?;
            let plain = |text: &str| text.replace('*', ".*");
            regexp(name, &format!("{}{inner}{}", plain(before), plain(behind)), false)
        }
        Pattern::Word(text) if before.is_empty() && behind.is_empty() && !text.contains('*') => {
            json!({"term": {name: {"value": text, "case_insensitive": true}}})
        }
        Pattern::Phrase(text) if before.is_empty() && behind.is_empty() => {
            json!({"term": {name: {"value": text, "case_insensitive": true}}})
        }
        Pattern::Word(text) => wildcard(name, &format!("{before}{}{behind}", escaped(text))),
        Pattern::Phrase(text) => wildcard(name, &format!("{before}{}{behind}", escaped(text).replace('*', "\\*"))),
    })
}

fn wildcard(name: &str, value: &str) -> Value {
    json!({"wildcard": {name: {"value": value, "case_insensitive": true}}})
}

fn field(field: &Field, pattern: &Pattern) -> Result<Value, String> {
    let exact = |name: &str| value(name, pattern, ("", ""));
    let of = |index: &str, part: Value| json!({"bool": {"filter": [self::index(index), part]}});
    Ok(match field {
        // The folder of the file; a container has its name.
        Field::Node => any(&[value("log.file.path", pattern, ("*/", "/*"))?, exact("container.name")?]),
        Field::Dataset => {
            let regex =
                regex::Regex::new(&crate::domain::log::Matcher::whole(pattern)).map_err(|error| error.to_string())?;
            let named =
                DATASETS.iter().filter(|(name, _)| regex.is_match(name.word())).map(|(_, pattern)| index(pattern));
            let named: Vec<Value> = named.collect();
            if named.is_empty() { json!({"match_none": {}}) } else { any(&named) }
        }
        Field::Thread => value("process.thread.name", pattern, ("", ":*"))?,
        Field::Logger => {
            let of_zk = any(&[
                value("process.thread.name", pattern, ("*:", "@*"))?,
                value("process.thread.name", pattern, ("*:", ""))?,
            ]);
            any(&[of("zk-logs-*", of_zk), of("backend-logs-*", exact("target")?)])
        }
        Field::File => value("log.file.path", pattern, ("*/", ""))?,
        Field::Reason => exact("reason.keyword")?,
        Field::Operation => exact("operation")?,
        Field::OperationId => exact("operation_id")?,
        Field::FileId => exact("file_id")?,
        Field::Status => exact("status")?,
        Field::Source => exact("source")?,
        Field::Target => exact("target")?,
        Field::Instance => exact("instance")?,
        Field::By => exact("by")?,
        Field::Other(name) => {
            any(&[exact(name)?, exact(&format!("zkdeck.fields.{name}"))?, exact(&format!("fields.{name}"))?])
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::parse;

    fn of(text: &str) -> Value {
        query(&parse(text).unwrap(), Timestamp(1_000_000)).unwrap()
    }

    #[test]
    fn every_part_has_its_query() {
        assert_eq!(of(""), json!({"match_all": {}}));
        assert_eq!(of("-bytes>5"), json!({"bool": {"must_not": [{"range": {"bytes": {"gt": 5}}}]}}));
        assert_eq!(
            of("since:1s until:now"),
            json!({"bool": {"filter": [
                {"range": {"@timestamp": {"gte": 999_000, "format": "epoch_millis"}}},
                {"range": {"@timestamp": {"lt": 1_000_000, "format": "epoch_millis"}}}]}})
        );
        assert_eq!(of("status:failed"), json!({"term": {"status": {"value": "failed", "case_insensitive": true}}}));
        let text = of("java.net.*Exception").to_string();
        assert!(text.contains("intervals") && text.contains("\"pattern\":\"*exception\""), "{text}");
        assert!(of("node:zk1").to_string().contains("*/zk1/*"));
        assert!(of("dataset:op*").to_string().contains("operations*"));
        assert!(of("fsync").to_string().contains("{\"match_phrase\":{\"message\":\"fsync\"}}"));
        assert!(query(&parse("/a\\bc/").unwrap(), Timestamp(0)).is_err());
    }
}
