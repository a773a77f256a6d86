//! A server's metrics: the page of its Prometheus provider, or `mntr`. Names are the same, with a
//! `zk_` before them in `mntr`. A metric that is not there is unknown, never 0.

use std::collections::HashMap;

use prometheus_parse::{Scrape, Value};

use super::http;
use crate::domain::server::Metrics;

/// The lines of a server's last page and what they say. Most are the same a second later, and reading
/// them anew each time would be half of what an idle console costs.
pub(super) type PageMemory = HashMap<String, Option<(String, f64)>>;

/// Most bytes of a page; a server's takes about 60 KiB.
const PAGE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The page of a server's Prometheus provider.
///
/// # Errors
/// Why there is no page, in words.
pub(super) async fn prometheus(client: &reqwest::Client, url: &str) -> Result<String, String> {
    let answer = client.get(url).send().await.map_err(|error| words(&error))?;
    if !answer.status().is_success() {
        return Err(format!("HTTP {}", answer.status()));
    }
    let page = http::body(answer, PAGE_BYTES_MAX).await.map_err(|error| words(&error))?;
    let page = page.ok_or_else(|| format!("the page is over {PAGE_BYTES_MAX} bytes"))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "no answer within the limit".into()
    } else if error.is_connect() {
        "no connection".into()
    } else {
        error.to_string()
    }
}

/// Reads a page; `before` has the lines of the one before it, and afterwards those of this one.
///
/// # Errors
/// When the text is no page of a ZooKeeper server.
pub(super) fn parse_page(text: &str, before: &mut PageMemory) -> Result<Metrics, String> {
    let mut lines = PageMemory::with_capacity(before.len());
    // Without its TYPE lines every value stands alone, a summary's too; that is how it is looked up.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (line, said) = before.remove_entry(line).unwrap_or_else(|| (line.to_owned(), parse_line(line)));
        lines.insert(line, said);
    }
    let values = lines.values().flatten().cloned().collect();
    *before = lines;
    metrics(values)
}

fn parse_line(line: &str) -> Option<(String, f64)> {
    let scrape = Scrape::parse(std::iter::once(Ok(line.replace(",}", "}")))).ok()?;
    let sample = scrape.samples.into_iter().next()?;
    match sample.value {
        Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => {
            Some((labelled(sample.metric, &sample.labels), value))
        }
        Value::Histogram(_) | Value::Summary(_) => None,
    }
}

/// `readlatency{quantile=0.99}`: the name with its labels, sorted, without quotes.
fn labelled(name: String, labels: &prometheus_parse::Labels) -> String {
    let mut pairs: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if pairs.is_empty() {
        return name;
    }
    pairs.sort_unstable();
    format!("{name}{{{}}}", pairs.join(","))
}

/// Whether it is the reply to a four-letter word that is not on the server's whitelist: `mntr is not executed because it
/// is not in the whitelist.`
pub(super) fn is_denied(text: &str) -> bool {
    text.contains("is not executed because it is not in the whitelist")
}

/// Reads the reply to `mntr`: `zk_name<TAB>value` lines; with the Prometheus provider on, labels too.
///
/// # Errors
/// When the text holds no metric.
pub(super) fn mntr(text: &str) -> Result<Metrics, String> {
    if is_denied(text) {
        return Err("it is not allowed there: add mntr to 4lw.commands.whitelist in zoo.cfg".into());
    }
    let mut values = HashMap::new();
    for line in text.lines() {
        let Some((name, value)) = line.rsplit_once(char::is_whitespace) else { continue };
        let Some(name) = name.trim().strip_prefix("zk_") else { continue };
        if let Ok(value) = value.parse::<f64>() {
            values.insert(name.replace(['"', '\''], ""), value);
        }
    }
    metrics(values)
}

fn metrics(values: HashMap<String, f64>) -> Result<Metrics, String> {
    if values.is_empty() {
        return Err("it names no metric".into());
    }
    // A gauge of -1 or NaN says that the server does not know.
    let get = |name: &str| values.get(name).copied().filter(|value| value.is_finite() && *value >= 0.0);
    // Counters may gain `_total` in 3.10.
    let count = |name: &str| get(name).or_else(|| get(&format!("{name}_total")));
    let quantile = |name: &str, q: &str| get(&format!("{name}{{quantile={q}}}"));
    let heap = |name: &str| get(&format!("{name}{{area=heap}}"));
    let found = Metrics {
        latency_avg_ms: get("avg_latency"),
        outstanding: get("outstanding_requests"),
        connections: get("num_alive_connections"),
        znodes: get("znode_count"),
        watches: get("watch_count"),
        uptime_ms: get("uptime"),
        started_s: get("process_start_time_seconds"),
        fd_open: get("open_file_descriptor_count").or_else(|| get("process_open_fds")),
        fd_max: get("max_file_descriptor_count").or_else(|| get("process_max_fds")),
        heap_used: heap("jvm_memory_bytes_used").or_else(|| heap("jvm_memory_used_bytes")),
        heap_max: heap("jvm_memory_bytes_max").or_else(|| heap("jvm_memory_max_bytes")),
        packets_received: count("packets_received"),
        read_sum_ms: get("readlatency_sum"),
        read_count: get("readlatency_count"),
        read_p50_ms: quantile("readlatency", "0.5"),
        read_p99_ms: quantile("readlatency", "0.99"),
        update_sum_ms: get("updatelatency_sum"),
        update_count: get("updatelatency_count"),
        update_p50_ms: quantile("updatelatency", "0.5"),
        update_p99_ms: quantile("updatelatency", "0.99"),
        fsync_sum_ms: get("fsynctime_sum"),
        fsync_count: get("fsynctime_count"),
        elections: get("election_time_count"),
        election_sum_ms: get("election_time_sum"),
        all: std::sync::Arc::from([]),
    };
    let mut all: Vec<(String, f64)> = values.into_iter().collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Metrics { all: all.into(), ..found })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: &str = include_str!("../../tests/fixtures/metrics-3.9.4.txt");

    fn parse_page(text: &str) -> Result<Metrics, String> {
        super::parse_page(text, &mut PageMemory::new())
    }

    #[test]
    fn a_page_after_another_says_what_it_says_alone() {
        let mut lines = PageMemory::new();
        super::parse_page(PAGE, &mut lines).unwrap();
        let next = PAGE.replace("znode_count 5", "znode_count 6").replace("watch_count", "no_watch_count");
        // As text, for NaN is not NaN.
        let told = |metrics: Result<Metrics, String>| format!("{metrics:?}");
        assert!(told(super::parse_page(&next, &mut lines)) == told(parse_page(&next)), "the next page");
        assert_eq!(lines.len(), next.lines().filter(|line| !line.starts_with('#')).count());
        assert!(super::parse_page("<html></html>", &mut lines).is_err());
        let after = super::parse_page(PAGE, &mut lines);
        assert!(told(after) == told(parse_page(PAGE)), "after a page of something else");
    }

    #[test]
    fn a_real_page_is_read() {
        let metrics = parse_page(PAGE).unwrap();
        assert_eq!((metrics.znodes, metrics.connections, metrics.uptime_ms), (Some(5.0), Some(0.0), Some(3480.0)));
        assert_eq!((metrics.fd_open, metrics.fd_max), (Some(52.0), Some(20000.0)));
        assert!(metrics.heap_used.is_some_and(|bytes| bytes > 1e6) && metrics.heap_max.is_some(), "{metrics:?}");
        assert_eq!((metrics.read_count, metrics.read_p99_ms), (Some(0.0), None), "NaN is unknown");
        assert!(metrics.all.len() > 300, "{}", metrics.all.len());
    }

    #[test]
    fn counters_may_gain_an_ending_and_gauges_may_not_be_known() {
        let metrics = parse_page("packets_received_total 7\nznode_count -1\navg_latency NaN\n").unwrap();
        assert_eq!((metrics.packets_received, metrics.znodes, metrics.latency_avg_ms), (Some(7.0), None, None));
    }

    #[test]
    fn mntr_has_the_same_names() {
        let text = "zk_version\t3.9.4-7, built on 2025\nzk_server_state\tleader\nzk_znode_count\t1204\n\
                    zk_readlatency{quantile=\"0.99\"}\t1.5\nzk_jvm_memory_bytes_used{area=\"heap\"}\t1000\n";
        let metrics = mntr(text).unwrap();
        assert_eq!((metrics.znodes, metrics.read_p99_ms, metrics.heap_used), (Some(1204.0), Some(1.5), Some(1000.0)));
        let denied = mntr("mntr is not executed because it is not in the whitelist.").unwrap_err();
        assert!(denied.contains("4lw.commands.whitelist"), "{denied}");
    }

    #[test]
    fn a_page_of_something_else_is_refused() {
        assert!(parse_page("<html><body>Not found</body></html>").is_err());
        assert!(parse_page("").is_err());
    }

    proptest! {
        #[test]
        fn no_number_is_made_up(text in "[a-z_{}=\"0-9,. \n-]*") {
            for metrics in [parse_page(&text), mntr(&text)].into_iter().flatten() {
                prop_assert!(text.contains(|c: char| c.is_ascii_digit()), "{:?}", metrics);
            }
        }
    }
}
