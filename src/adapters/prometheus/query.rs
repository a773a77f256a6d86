//! The question in PromQL, and how its answer becomes lines.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::client::FoundSeries;
use super::config::PrometheusConfig;
use crate::domain::ids::{Millis, NodeId, Timestamp};
use crate::domain::series::{SeriesKey, SeriesLine, SeriesName, SeriesOf, SeriesPoint};

/// The labels by which the parts of an answer are told apart.
const NAME_LABEL: &str = "zkdeck_series";
const KIND_LABEL: &str = "zkdeck_kind";
const MEAN: &str = "mean";
const MAX: &str = "max";

/// A step's last instant, so that a sample on the border of two steps is the later one's.
const INSTANT: u64 = 1;

/// The axis that is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct RangeAxis {
    pub(super) step: Millis,
    pub(super) from: Timestamp,
    pub(super) points: usize,
}

/// What is asked.
#[derive(Debug)]
pub(super) struct RangeQuery {
    pub(super) expression: String,
    axis: RangeAxis,
    node_label: String,
}

/// The question for these names; `None` when it knows none of them.
pub(super) fn query(names: &[SeriesName], axis: RangeAxis, config: &PrometheusConfig) -> Option<RangeQuery> {
    let spans = Spans::new(axis.step, config.scrape_interval);
    let parts = names.iter().filter_map(|name| {
        let (mean, max) = of_name(*name, &spans, config)?;
        Some(format!("{} or {}", labelled(&mean, *name, MEAN), labelled(&max, *name, MAX)))
    });
    let expression = parts.collect::<Vec<_>>().join(" or ");
    let asked = !expression.is_empty() && axis.points > 0;
    asked.then(|| RangeQuery { expression, axis, node_label: config.node_label.clone() })
}

fn labelled(expression: &str, name: SeriesName, kind: &str) -> String {
    format!(
        r#"label_replace(label_replace({expression}, "{NAME_LABEL}", "{}", "", ""), "{KIND_LABEL}", "{kind}", "", "")"#,
        name.word()
    )
}

/// Spans of PromQL.
struct Spans {
    /// Of one value: a step, or the time of a scrape when that is longer, so that a fine step is no hole.
    value: String,
    /// Of a rate: two scrapes and some more, as Grafana's `$__rate_interval`.
    rate: String,
    /// Of the finest rate.
    fine_rate: String,
    scrape: String,
}

impl Spans {
    fn new(step: Millis, scrape: Millis) -> Self {
        let ms = |span: u64| format!("{span}ms");
        let (value, fine) = (step.0.max(scrape.0), scrape.0.saturating_mul(4));
        Self { value: ms(value), rate: ms(value.max(fine)), fine_rate: ms(fine), scrape: ms(scrape.0) }
    }
}

/// Mean and largest value of a step.
fn of_name(name: SeriesName, spans: &Spans, config: &PrometheusConfig) -> Option<(String, String)> {
    let metric = |metric: &str| selector(metric, "", config);
    let node = |expression: String| format!("max by ({}) ({expression})", config.node_label);
    let by_node = |(mean, max): (String, String)| (node(mean), node(max));
    let gauge = |name: &str| by_node(over(&metric(name), spans));
    // A server names one or both; the first that it names.
    let either = |first: (String, String), second: (String, String)| {
        by_node((format!("({} or {})", first.0, second.0), format!("({} or {})", first.1, second.1)))
    };
    let both = |(mean, max): (String, String), by: &str| (format!("{by}({mean})"), format!("{by}({max})"));
    Some(match name {
        SeriesName::LatencyP50 => by_node(quantile("0.5", spans, config)),
        SeriesName::LatencyP99 => by_node(quantile("0.99", spans, config)),
        SeriesName::Requests => {
            either(rate(&metric("packets_received"), spans), rate(&metric("packets_received_total"), spans))
        }
        SeriesName::Outstanding => gauge("outstanding_requests"),
        SeriesName::Connections => gauge("num_alive_connections"),
        SeriesName::Znodes => gauge("znode_count"),
        SeriesName::Fsync => by_node(ratio(&metric("fsynctime_sum"), &metric("fsynctime_count"), spans)),
        SeriesName::Heap => {
            let heap = |metric| over(&selector(metric, r#"area="heap""#, config), spans);
            either(heap("jvm_memory_bytes_used"), heap("jvm_memory_used_bytes"))
        }
        SeriesName::Descriptors => {
            either(over(&metric("open_file_descriptor_count"), spans), over(&metric("process_open_fds"), spans))
        }
        SeriesName::Files => gauge("zkdeck_node_files"),
        SeriesName::Bytes => gauge("zkdeck_node_bytes"),
        // The slowest of several zkdecks; milliseconds.
        SeriesName::Canary => both(over(&metric("zkdeck_canary_seconds"), spans), "1000 * max"),
        SeriesName::Moves => both(rate(&metric("zkdeck_moves_total"), spans), "sum"),
        SeriesName::Moving => both(over(&metric("zkdeck_moves_in_flight"), spans), "max"),
        SeriesName::Workload => both(rate(&metric("zkdeck_workload_runs_total"), spans), "sum"),
        SeriesName::Up | SeriesName::Starting | SeriesName::Leads | SeriesName::ZxidLag => return None,
    })
}

fn selector(metric: &str, own: &str, config: &PrometheusConfig) -> String {
    let matchers: Vec<&str> = [own, &config.matchers].into_iter().filter(|one| !one.is_empty()).collect();
    format!("{metric}{{{}}}", matchers.join(","))
}

fn over(metric: &str, Spans { value, .. }: &Spans) -> (String, String) {
    (format!("avg_over_time({metric}[{value}])"), format!("max_over_time({metric}[{value}])"))
}

fn rate(metric: &str, spans: &Spans) -> (String, String) {
    let Spans { value, rate, fine_rate, scrape } = spans;
    (format!("rate({metric}[{rate}])"), format!("max_over_time(rate({metric}[{fine_rate}])[{value}:{scrape}])"))
}

fn ratio(sum: &str, count: &str, spans: &Spans) -> (String, String) {
    let Spans { value, rate, fine_rate, scrape } = spans;
    let of = |span: &str| format!("(rate({sum}[{span}]) / (rate({count}[{span}]) > 0))");
    (of(rate), format!("max_over_time({}[{value}:{scrape}])", of(fine_rate)))
}

/// The worse of reads and updates. A server with no request lately says NaN, which would make the mean of a step one.
fn quantile(quantile: &str, Spans { value, scrape, .. }: &Spans, config: &PrometheusConfig) -> (String, String) {
    let of = |how: &str| {
        let one = |metric: &str| {
            let metric = selector(metric, &format!(r#"quantile="{quantile}""#), config);
            format!("{how}(({metric} >= 0)[{value}:{scrape}])")
        };
        format!(r#"({} or label_replace({}, "of", "update", "", ""))"#, one("readlatency"), one("updatelatency"))
    };
    (of("avg_over_time"), of("max_over_time"))
}

impl RangeQuery {
    /// As a form for `/api/v1/query_range`.
    pub(super) fn body(&self) -> String {
        let RangeAxis { step, from, points } = self.axis;
        let first = from.0 + step.0 - INSTANT;
        let last = first + step.0 * (points as u64 - 1);
        let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
        let query = utf8_percent_encode(&self.expression, NON_ALPHANUMERIC);
        format!("query={query}&start={}&end={}&step={}", seconds(first), seconds(last), seconds(step.0))
    }

    /// The lines of those parts that are of a known node.
    pub(super) fn lines(&self, found: &[FoundSeries], nodes: &[(NodeId, Vec<String>)]) -> Vec<SeriesLine> {
        let mut lines: Vec<SeriesLine> = Vec::new();
        // Means first: a largest value without a mean is none.
        for kind in [MEAN, MAX] {
            for one in found.iter().filter(|one| one.label(KIND_LABEL) == Some(kind)) {
                let Some(series) = self.key(one, nodes) else { continue };
                let at = lines.iter().position(|line| line.series == series).unwrap_or_else(|| {
                    lines.push(SeriesLine { series, points: vec![None; self.axis.points] });
                    lines.len() - 1
                });
                self.put(one, kind, &mut lines[at].points);
            }
        }
        lines
    }

    fn key(&self, found: &FoundSeries, nodes: &[(NodeId, Vec<String>)]) -> Option<SeriesKey> {
        let name: SeriesName = found.label(NAME_LABEL)?.parse().ok()?;
        if name.of() == SeriesOf::Ensemble {
            return Some(SeriesKey::of_ensemble(name));
        }
        let label = found.label(&self.node_label)?;
        let means =
            |(node, others): &&(NodeId, Vec<String>)| node.as_str() == label || others.iter().any(|o| o == label);
        nodes.iter().find(means).map(|(node, _)| SeriesKey::of_node(name, node))
    }

    fn put(&self, found: &FoundSeries, kind: &str, points: &mut [Option<SeriesPoint>]) {
        let RangeAxis { step, from, .. } = self.axis;
        for (at, value) in found.values() {
            let place = at.0.checked_sub(from.0).and_then(|past| usize::try_from(past / step.0.max(1)).ok());
            let Some(point) = place.and_then(|place| points.get_mut(place)) else { continue };
            match point {
                Some(point) if kind == MAX => point.max = point.max.max(value),
                None if kind == MEAN => *point = Some(SeriesPoint { mean: value, max: value }),
                _ => {}
            }
        }
    }
}
