//! The log indices of Elasticsearch or OpenSearch.
//!
//! `dsl` and `lucene` make queries, `wire` sends them, `read` makes events of the answers. Pages hold
//! on to a point in time, so that what arrives meanwhile shifts nothing.

mod dsl;
mod lucene;
mod read;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
pub(super) mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use self::read::{ServerHit, SortKey};
pub(in crate::adapters) use self::wire::reason;
pub use self::wire::{Auth, ElasticConfig, ElasticError, ElasticSecret};
use self::wire::{SERVER_LIMIT, Wire};
use super::error::LogsError;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::log::{
    Answered, BARS_MAX, Bar, CONTEXT_MAX, ContextAsk, EventId, Expr, FollowAsk, FollowMark, Followed, HITS_MAX,
    Histogram, HistogramAsk, LogContext, LogEvent, LogLevel, LogPage, LogSearch, LogSource, Moment, PAGE_MAX, PageAsk,
    PageWay, Side, bar_step, bars_end,
};

/// How long the server keeps a point in time.
const KEEP: &str = "2m";
/// Points in time that are kept; older ones are given back.
const KEPT_MAX: usize = 4;
/// Events arrive so late at most; a follower looks back so far.
const OVERLAP: Millis = Millis(10_000);
/// After the server was away, events of that time still arrive for so long.
const CATCH_UP: Duration = Duration::from_secs(60);
/// A follower asks this often.
const LOOK: Duration = Duration::from_millis(500);
/// Ids that a follower remembers.
const SEEN_MAX: usize = 50_000;
/// Events that one look of a follower reads at once.
const NEWS: usize = 1000;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Elastic {
    wire: Wire,
    state: Arc<Mutex<ElasticState>>,
}

#[derive(Debug, Default)]
struct ElasticState {
    product: Option<Product>,
    kept: Vec<String>,
    /// When the server was first found away.
    away: Option<Timestamp>,
    /// Until when a follower looks back further, and how far.
    catching_up: Option<(Instant, Millis)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Product {
    Elasticsearch,
    OpenSearch,
}

impl Product {
    const fn name(self) -> &'static str {
        match self {
            Self::Elasticsearch => "Elasticsearch",
            Self::OpenSearch => "OpenSearch",
        }
    }
}

impl Elastic {
    /// Reaches nobody yet.
    ///
    /// # Errors
    /// [`ElasticError`] when no client can be made.
    pub fn new(config: ElasticConfig) -> Result<Self, ElasticError> {
        Ok(Self { wire: Wire::new(config)?, state: Arc::default() })
    }

    fn state<T>(&self, look: impl FnOnce(&mut ElasticState) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn product(&self) -> Result<Product, ElasticError> {
        if let Some(product) = self.state(|state| state.product) {
            return Ok(product);
        }
        // Elasticsearch names itself in the header of every answer; not everybody lets GET / through.
        let (_, named) = self.wire.send(Method::POST, &path(), Some(&json!({"size": 0}))).await?;
        let product = if named { Product::Elasticsearch } else { self.introduced().await? };
        self.state(|state| state.product = Some(product));
        Ok(product)
    }

    async fn introduced(&self) -> Result<Product, ElasticError> {
        let (about, _) = self.wire.send(Method::GET, "/", None).await?;
        match about.pointer("/version/distribution") {
            Some(name) if name == "opensearch" => Ok(Product::OpenSearch),
            _ if about.get("version").is_some() => Ok(Product::Elasticsearch),
            _ => Err(ElasticError::Odd { cause: "GET / names neither Elasticsearch nor OpenSearch".into() }),
        }
    }

    /// Opens a point in time; gives the oldest one back when there are many.
    async fn point(&self, product: Product) -> Result<String, ElasticError> {
        let path = match product {
            Product::Elasticsearch => format!("/{}/_pit?keep_alive={KEEP}&ignore_unavailable=true", dsl::INDICES),
            Product::OpenSearch => {
                format!("/{}/_search/point_in_time?keep_alive={KEEP}&ignore_unavailable=true", dsl::INDICES)
            }
        };
        let (answer, _) = self.wire.send(Method::POST, &path, None).await?;
        let id = answer.get("id").or_else(|| answer.get("pit_id")).and_then(Value::as_str);
        let id = id.ok_or_else(|| ElasticError::Odd { cause: "it opened a point in time without an id".into() })?;
        let old = self.state(|state| {
            state.kept.push(id.to_owned());
            (state.kept.len() > KEPT_MAX).then(|| state.kept.remove(0))
        });
        if let Some(old) = old {
            // It ends by itself after a while too.
            _ = match product {
                Product::Elasticsearch => self.wire.send(Method::DELETE, "/_pit", Some(&json!({"id": old}))).await,
                Product::OpenSearch => {
                    let ids = json!({"pit_id": [old]});
                    self.wire.send(Method::DELETE, "/_search/point_in_time", Some(&ids)).await
                }
            };
        }
        Ok(id.to_owned())
    }

    /// A search; `pit` is renewed when there is one, else the indices are named.
    async fn search(&self, mut body: Value, pit: Option<&str>) -> Result<Value, ElasticError> {
        body["timeout"] = json!(SERVER_LIMIT);
        let path = match pit {
            Some(id) => {
                body["pit"] = json!({"id": id, "keep_alive": KEEP});
                "/_search".to_owned()
            }
            None => path(),
        };
        Ok(self.wire.send(Method::POST, &path, Some(&body)).await?.0)
    }

    fn answered(&self, product: Product, begin: Instant, answer: &Value, body: Option<&Value>) -> Answered {
        Answered {
            source: LogSource::Server,
            by: product.name().into(),
            fallback: None,
            notes: read::notes(answer),
            took: Millis(u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)),
            curl: body.map(|body| self.wire.curl(&path(), body)),
        }
    }

    /// A page of events.
    ///
    /// # Errors
    /// [`LogsError`].
    pub(super) async fn page(&self, ask: PageAsk, now: Timestamp) -> Result<LogPage, LogsError> {
        let begin = Instant::now();
        let product = self.product().await?;
        let limit = ask.limit.clamp(1, PAGE_MAX);
        let from = match &ask.cursor {
            None => None,
            Some(cursor) => {
                Some(SortKey::read(cursor).ok_or_else(|| LogsError::Cursor { given: cursor.text().to_owned() })?)
            }
        };
        let (from, pit) = from.map_or((None, None), |(key, pit)| (Some(key), pit));
        let pit = match pit {
            Some(pit) => Some(pit),
            None if from.is_none() => Some(self.point(product).await?),
            None => None,
        };
        let older = ask.way == PageWay::Older;
        let newest = older && from.is_none();
        let mark = if newest { Some(self.mark(&ask.search, now).await?) } else { None };
        let mut body = request(&ask.search.whole(), now, older, limit + 1)?;
        body["track_total_hits"] = json!(HITS_MAX);
        body["aggs"] =
            json!({"all": {"global": {}, "aggs": {"paths": {"terms": {"field": "log.file.path", "size": 200}}}}});
        if let Some(key) = &from {
            body["search_after"] = json!([key.at, key.path, key.offset]);
        }
        let answer = match self.search(body.clone(), pit.as_deref()).await {
            // The point in time has ended: the same place is found without it.
            Err(ElasticError::NoIndex { .. } | ElasticError::Query { .. }) if from.is_some() && pit.is_some() => {
                self.search(body.clone(), None).await?
            }
            other => other?,
        };
        let pit = answer.get("pit_id").and_then(Value::as_str).map(str::to_owned).or(pit);
        let mut found = read::hits(&answer);
        let more = found.len() > limit;
        found.truncate(limit);
        if older {
            found.reverse();
        }
        let cursor = |found: Option<&ServerHit>| found.map(|found| found.key.cursor(pit.as_deref()));
        let (first, last) = (cursor(found.first()), cursor(found.last()));
        let given = ask.cursor.clone();
        let (older, newer) = if older {
            (first.filter(|_| more), last.or_else(|| given.clone()).filter(|_| given.is_some()))
        } else {
            (first.or_else(|| given.clone()).filter(|_| given.is_some()), last.filter(|_| more))
        };
        Ok(LogPage {
            unfinished: false,
            older,
            newer,
            hits: Some(read::total(&answer)),
            mark,
            nodes: nodes(&answer),
            answered: self.answered(product, begin, &answer, Some(&body)),
            events: found.into_iter().map(|found| found.event).collect(),
        })
    }

    /// Where a follower begins: what there is by now within its overlap is not new.
    async fn mark(&self, search: &LogSearch, now: Timestamp) -> Result<FollowMark, LogsError> {
        let newest = self.search(request(&search.whole(), now, true, 1)?, None).await?;
        let newest = read::hits(&newest).first().and_then(|found| found.event.time).unwrap_or(now);
        let (_, until, seen, _) = self.news(search, &newest, &BTreeMap::new(), now).await?;
        Ok(FollowMark::Index { until, seen })
    }

    /// Events over time, and how many match.
    ///
    /// # Errors
    /// [`LogsError`].
    pub(super) async fn histogram(&self, ask: HistogramAsk, now: Timestamp) -> Result<Histogram, LogsError> {
        let begin = Instant::now();
        let product = self.product().await?;
        let query = query(&ask.search.whole(), now)?;
        let ends = json!({"size": 0, "query": query, "aggs": {
            "first": {"min": {"field": "@timestamp"}}, "last": {"max": {"field": "@timestamp"}}}});
        let answer = self.search(ends, None).await?;
        let end = |name: &str| answer.pointer(&format!("/aggregations/{name}/value")).and_then(Value::as_f64);
        let (Some(first), Some(last)) = (end("first"), end("last")) else {
            let answered = self.answered(product, begin, &answer, None);
            return Ok(Histogram { answered, ..Histogram::default() });
        };
        let (first, last) = (first.max(0.0) as u64, last.max(0.0) as u64);
        let [from, to] = [ask.search.from, ask.search.to].map(|at| at.map(|at| at.resolve(now)));
        let first = from.map_or(first, |from| from.0.min(first));
        let last = bars_end(from, to, Timestamp(last), now).0.max(last).max(first);
        let step = bar_step(Millis(last - first), ask.bars.clamp(1, BARS_MAX));
        let level = |level| json!({"filter": dsl::level(level)});
        let mut body = json!({"size": 0, "track_total_hits": HITS_MAX, "query": query, "aggs": {"over_time": {
            "date_histogram": {"field": "@timestamp", "fixed_interval": format!("{}ms", step.0), "min_doc_count": 0,
                "extended_bounds": {"min": first, "max": last}},
            "aggs": {"warnings": level(LogLevel::Warn), "errors": level(LogLevel::Error)}}}});
        if ask.by_node {
            body["aggs"]["over_time"]["aggs"]["paths"] = json!({"terms": {"field": "log.file.path", "size": 200},
                "aggs": {"warnings": level(LogLevel::Warn), "errors": level(LogLevel::Error)}});
        }
        let answer = self.search(body, None).await?;
        let bars = read::bars(&answer);
        Ok(Histogram {
            nodes: read::bars_of_nodes(&answer),
            from: bars.first().map_or(Timestamp(first), |(at, _)| *at),
            step,
            bars: bars.into_iter().map(|(_, bar)| bar).collect::<Vec<Bar>>(),
            hits: read::total(&answer),
            answered: self.answered(product, begin, &answer, None),
        })
    }

    /// An event with its neighbours in its file: by place, not by time.
    ///
    /// # Errors
    /// [`LogsError`], when the event is gone too.
    pub(super) async fn context(&self, ask: ContextAsk) -> Result<LogContext, LogsError> {
        let begin = Instant::now();
        let product = self.product().await?;
        let one = json!({"size": 1, "query": {"ids": {"values": [ask.id.to_string()]}}});
        let answer = self.search(one, None).await?;
        let hit = answer.pointer("/hits/hits/0/_source").cloned().unwrap_or_default();
        let path = ["/log/file/path", "/log.file.path"].into_iter().find_map(|at| hit.pointer(at)?.as_str());
        let Some(path) = path else { return Err(LogsError::Gone { file: ask.file }) };
        // A file that was rotated has the same path: device and inode tell which one it was.
        let mut of_file = vec![json!({"term": {"log.file.path": path}})];
        for name in ["inode", "device_id"] {
            if let Some(value) = hit.pointer(&format!("/log/file/{name}")) {
                of_file.push(json!({"term": {format!("log.file.{name}"): value}}));
            }
        }
        let side = |bound: Value, order: &str, size: usize| {
            let mut filter = of_file.clone();
            filter.push(json!({"range": {"log.offset": bound}}));
            json!({"size": size, "query": {"bool": {"filter": filter}},
                "sort": [{"log.offset": {"order": order, "unmapped_type": "long"}}]})
        };
        let before = side(json!({"lte": ask.offset}), "desc", ask.before.min(CONTEXT_MAX) + 1);
        let after = side(json!({"gt": ask.offset}), "asc", ask.after.min(CONTEXT_MAX));
        let (before, after) = (self.search(before, None).await?, self.search(after, None).await?);
        let mut events: Vec<_> = read::hits(&before).into_iter().map(|found| found.event).collect();
        events.reverse();
        let at = events.len().saturating_sub(1);
        events.extend(read::hits(&after).into_iter().map(|found| found.event));
        Ok(LogContext { events, at, answered: self.answered(product, begin, &after, None) })
    }

    /// Waits for events that arrive after the mark. Looks back a little, because events arrive late
    /// and not in their order, and leaves out by their ids what was given before.
    ///
    /// # Errors
    /// [`LogsError`]; the same mark may be used again then.
    pub(super) async fn follow(&self, ask: FollowAsk, now: Timestamp) -> Result<Followed, LogsError> {
        let deadline = tokio::time::Instant::now() + ask.wait;
        let mark = match ask.mark {
            Some(FollowMark::Index { until, seen }) => (until, seen),
            _ => (now, BTreeMap::new()),
        };
        let search = LogSearch { from: None, to: None, ..ask.search };
        loop {
            let looked = self.news(&search, &mark.0, &mark.1, now).await;
            self.note_absence(&looked, now);
            let (events, until, seen, answered) = looked?;
            if !events.is_empty() || tokio::time::Instant::now() >= deadline {
                let left_out = events.len().saturating_sub(ask.limit);
                let events = events.into_iter().skip(left_out).collect();
                return Ok(Followed {
                    events,
                    mark: FollowMark::Index { until, seen },
                    left_out: left_out as u64,
                    answered,
                });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn note_absence<T>(&self, looked: &Result<T, LogsError>, now: Timestamp) {
        self.state(|state| match looked {
            Err(_) => state.away = state.away.or(Some(now)),
            Ok(_) => {
                if let Some(away) = state.away.take() {
                    let span = Millis(now.since(away).0 + 2 * OVERLAP.0);
                    state.catching_up = Some((Instant::now() + CATCH_UP, span));
                }
            }
        });
    }

    async fn news(
        &self,
        search: &LogSearch,
        until: &Timestamp,
        seen: &BTreeMap<EventId, Timestamp>,
        now: Timestamp,
    ) -> Result<NewEvents, LogsError> {
        let begin = Instant::now();
        let product = self.product().await?;
        let late = self.state(|state| {
            state
                .away
                .map(|away| Millis(now.since(away).0 + 2 * OVERLAP.0))
                .or_else(|| state.catching_up.filter(|(end, _)| Instant::now() < *end).map(|(_, span)| span))
        });
        let back = late.unwrap_or(OVERLAP).max(OVERLAP);
        let since = Timestamp(until.0.saturating_sub(back.0));
        let expr = Expr::and(vec![search.whole(), Expr::Time(Side::Since, Moment::At(since))]);
        let mut body = request(&expr, now, false, NEWS)?;
        let (mut events, mut all, mut newest) = (Vec::new(), BTreeMap::new(), *until);
        let mut answer;
        loop {
            answer = self.search(body.clone(), None).await?;
            let found = read::hits(&answer);
            let last = found.last().map(|found| found.key.clone());
            let full = found.len() == NEWS;
            for found in found {
                let at = found.event.time.unwrap_or(*until);
                newest = newest.max(at);
                all.insert(found.event.id.clone(), at);
                if !seen.contains_key(&found.event.id) {
                    events.push(found.event);
                }
            }
            match last {
                Some(key) if full && all.len() < SEEN_MAX => {
                    body["search_after"] = json!([key.at, key.path, key.offset]);
                }
                _ => break,
            }
        }
        // Everything that a later look may meet again; after an absence it looks back further.
        let keep = Timestamp(newest.0.saturating_sub(back.0.max(CATCH_UP.as_millis() as u64)));
        let known = seen.iter().map(|(id, at)| (id.clone(), *at)).filter(|(_, at)| *at >= keep);
        all.extend(known);
        Ok((events, newest, all, self.answered(product, begin, &answer, None)))
    }
}

type NewEvents = (Vec<LogEvent>, Timestamp, BTreeMap<EventId, Timestamp>, Answered);

/// Folders of the files that there are.
fn nodes(answer: &Value) -> Vec<String> {
    let buckets = answer.pointer("/aggregations/all/paths/buckets").and_then(Value::as_array);
    let paths = buckets.into_iter().flatten().filter_map(|bucket| bucket.get("key")?.as_str());
    let mut nodes: Vec<String> = paths.filter_map(|path| path.rsplit('/').nth(1).map(str::to_owned)).collect();
    nodes.sort();
    nodes.dedup();
    nodes
}

fn path() -> String {
    format!("/{}/_search?ignore_unavailable=true&allow_no_indices=true", dsl::INDICES)
}

fn query(expr: &Expr, now: Timestamp) -> Result<Value, LogsError> {
    dsl::query(expr, now).map_err(|why| LogsError::Elastic(ElasticError::Query { reason: format!("the regex: {why}") }))
}

/// A search in the order of times, files and places, with the paths of all that match.
fn request(expr: &Expr, now: Timestamp, older: bool, size: usize) -> Result<Value, LogsError> {
    let order = if older { "desc" } else { "asc" };
    Ok(json!({
        "size": size,
        "query": query(expr, now)?,
        "sort": [
            {"@timestamp": {"order": order, "unmapped_type": "date"}},
            {"log.file.path": {"order": order, "unmapped_type": "keyword", "missing": "_first"}},
            {"log.offset": {"order": order, "unmapped_type": "long", "missing": 0}},
        ],
    }))
}
