//! Events and counts out of the server's answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::record::{level_of_row, origin};
use crate::domain::ids::Timestamp;
use crate::domain::log::{Bar, Dataset, EventId, HITS_MAX, Hits, LogCursor, LogEvent, LogLevel, LogSource, read_stamp};

/// Text of one event that is kept.
const TEXT_MAX: usize = 1 << 20;

/// A hit, and what it sorts by.
pub(super) struct ServerHit {
    pub(super) event: LogEvent,
    pub(super) key: SortKey,
}

/// Time, file and place: what hits sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SortKey {
    pub(super) at: i64,
    pub(super) path: String,
    pub(super) offset: i64,
}

impl SortKey {
    pub(super) fn cursor(&self, pit: Option<&str>) -> LogCursor {
        let (at, offset, pit) = (self.at, self.offset, pit.unwrap_or("-"));
        LogCursor::new(LogSource::Server, format_args!("{at}.{offset}.{pit}.{}", self.path))
    }

    pub(super) fn read(cursor: &LogCursor) -> Option<(Self, Option<String>)> {
        let mut parts = cursor.place(LogSource::Server)?.splitn(4, '.');
        let (at, offset) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let pit = Some(parts.next()?.to_owned()).filter(|pit| pit != "-");
        Some((Self { at, path: parts.next()?.to_owned(), offset }, pit))
    }
}

pub(super) fn hits(answer: &Value) -> Vec<ServerHit> {
    let hits = answer.pointer("/hits/hits").and_then(Value::as_array);
    hits.into_iter().flatten().filter_map(found).collect()
}

fn found(hit: &Value) -> Option<ServerHit> {
    let source = hit.get("_source")?.as_object()?;
    let sort = hit.get("sort").and_then(Value::as_array);
    let event = event(hit, source);
    let number = |at: usize| sort.and_then(|sort| sort.get(at)).and_then(Value::as_i64);
    let path = sort.and_then(|sort| sort.get(1)).and_then(Value::as_str).unwrap_or_default().to_owned();
    let at = number(0).unwrap_or_else(|| event.time.map_or(0, |time| time.0.cast_signed()));
    Some(ServerHit { key: SortKey { at, path, offset: number(2).unwrap_or(0) }, event })
}

/// A member by its dotted name, whichever way it is written.
fn member<'a>(source: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = source.get(name) {
        return Some(value);
    }
    name.match_indices('.').find_map(|(at, _)| member(source.get(&name[..at])?.as_object()?, &name[at + 1..]))
}

fn event(hit: &Value, source: &Map<String, Value>) -> LogEvent {
    let text = |name: &str| member(source, name).and_then(Value::as_str);
    let mut event = LogEvent {
        id: EventId::Document(hit.get("_id").and_then(Value::as_str).unwrap_or_default().to_owned()),
        stamp: text("@timestamp").map(str::to_owned),
        time: text("@timestamp").and_then(|text| Some(read_stamp(text.as_bytes())?.0)),
        level: text("log.level").and_then(|word| LogLevel::from_word(word.trim())),
        text: text("message").unwrap_or_default().trim_end().to_owned(),
        offset: member(source, "log.offset").and_then(Value::as_u64).unwrap_or(0),
        ..LogEvent::default()
    };
    if event.text.len() > TEXT_MAX {
        event.text.truncate(event.text.floor_char_boundary(TEXT_MAX));
        event.text.push_str(" ... cut");
    }
    let path = text("log.file.path").unwrap_or_default();
    let mut parts = path.rsplitn(3, '/');
    let (file, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    event.file = format!("{folder}/{file}");
    let index = hit.get("_index").and_then(Value::as_str).unwrap_or_default();
    let dataset = super::dsl::DATASETS.iter().find(|(_, own)| index.starts_with(own.trim_end_matches('*')));
    event.dataset = dataset.map(|(dataset, _)| *dataset);
    event.node = text("container.name").filter(|_| event.dataset == Some(Dataset::Docker)).unwrap_or(folder).to_owned();
    if let Some(thread) = text("process.thread.name") {
        let (thread, logger) = origin(thread.as_bytes());
        (event.thread, event.logger) = (thread.map(str::to_owned), logger.map(str::to_owned));
    }
    fields(&mut event, source);
    if event.dataset == Some(Dataset::Operations) {
        event.level = event.level.or(Some(level_of_row(event.field("status"))));
    } else if event.logger.is_none() {
        event.logger = event.field("target").map(str::to_owned);
    }
    event
}

/// The values of a JSON line; what Filebeat and Elasticsearch add is left out.
fn fields(event: &mut LogEvent, source: &Map<String, Value>) {
    const ADDED: [&str; 16] = [
        "@timestamp",
        "@version",
        "message",
        "log",
        "event",
        "agent",
        "host",
        "ecs",
        "input",
        "node",
        "process",
        "container",
        "docker",
        "service",
        "stream",
        "zk",
    ];
    let nested = member(source, "zkdeck.fields").and_then(Value::as_object);
    let own = source.iter().filter(|(name, _)| !ADDED.contains(&name.split('.').next().unwrap_or_default()));
    for (name, value) in own.chain(nested.into_iter().flatten()) {
        match value {
            Value::String(text) => _ = event.fields.insert(name.clone(), text.clone()),
            Value::Number(number) => event.numbers.extend(number.as_u64().map(|number| (name.clone(), number))),
            _ => {}
        }
    }
}

pub(super) fn total(answer: &Value) -> Hits {
    let count = answer.pointer("/hits/total/value").and_then(Value::as_u64).unwrap_or(0);
    let more = answer.pointer("/hits/total/relation").and_then(Value::as_str) == Some("gte");
    Hits { count: count.min(HITS_MAX), at_least: more || count > HITS_MAX }
}

/// What is incomplete about an answer that says 200.
pub(super) fn notes(answer: &Value) -> Vec<String> {
    let mut notes = Vec::new();
    let number = |at: &str| answer.pointer(at).and_then(Value::as_u64).unwrap_or(0);
    if number("/_shards/failed") > 0 {
        let reason =
            answer.pointer("/_shards/failures/0/reason/reason").and_then(Value::as_str).unwrap_or("no reason told");
        notes.push(format!(
            "{} of {} shards answered: {reason}",
            number("/_shards/successful"),
            number("/_shards/total")
        ));
    }
    if answer.get("timed_out").and_then(Value::as_bool) == Some(true) {
        notes.push(format!("the server ended the search after {}: there may be more", super::wire::SERVER_LIMIT));
    }
    notes
}

/// Bars by their times.
pub(super) fn bars(answer: &Value) -> Vec<(Timestamp, Bar)> {
    let buckets = answer.pointer("/aggregations/over_time/buckets").and_then(Value::as_array);
    let bar = |bucket: &Value| Some((Timestamp(bucket.get("key").and_then(Value::as_u64)?), counts(bucket)));
    buckets.into_iter().flatten().filter_map(bar).collect()
}

fn counts(bucket: &Value) -> Bar {
    let count = |at: &str| bucket.pointer(at).and_then(Value::as_u64).unwrap_or(0);
    Bar { count: count("/doc_count"), warnings: count("/warnings/doc_count"), errors: count("/errors/doc_count") }
}

/// The bars of each node: the folder of the files that they are from.
pub(super) fn bars_of_nodes(answer: &Value) -> BTreeMap<String, Vec<Bar>> {
    let buckets = answer.pointer("/aggregations/over_time/buckets").and_then(Value::as_array);
    let len = buckets.map_or(0, Vec::len);
    let mut nodes = BTreeMap::<String, Vec<Bar>>::new();
    for (at, bucket) in buckets.into_iter().flatten().enumerate() {
        let paths = bucket.pointer("/paths/buckets").and_then(Value::as_array);
        for path in paths.into_iter().flatten() {
            let Some(node) = path.get("key").and_then(Value::as_str).and_then(|path| path.rsplit('/').nth(1)) else {
                continue;
            };
            let bars = nodes.entry(node.to_owned()).or_insert_with(|| vec![Bar::default(); len]);
            let found = counts(path);
            bars[at].count += found.count;
            bars[at].warnings += found.warnings;
            bars[at].errors += found.errors;
        }
    }
    nodes
}
