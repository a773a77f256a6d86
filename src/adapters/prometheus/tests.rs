use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post;

use super::*;
use crate::domain::fixtures::node_id;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::series::{PrometheusPart, SeriesPoint};

const FROM: u64 = 1_700_000_000_000;

fn page() -> SeriesPage {
    let line = |key: &str| SeriesLine { series: key.parse().unwrap(), points: vec![None; 3] };
    let lines = ["files@zk1", "files@zk2", "canary"].map(line).to_vec();
    SeriesPage { from: Timestamp(FROM), step: Millis(30_000), lines, prometheus: PrometheusPart::NotAsked }
}

fn config(url: String) -> PrometheusConfig {
    let nodes = ["zk1", "zk2"].map(|node| (node_id(node), vec![format!("{node}.example:7000")])).to_vec();
    let (node_label, matchers) = ("node".into(), r#"cluster="demo""#.into());
    PrometheusConfig { url, node_label, matchers, scrape_interval: Millis(10_000), nodes }
}

/// Answers each question with `reply`, and counts them.
#[expect(clippy::disallowed_methods, reason = "a server of the test, which ends with its runtime")]
async fn server(status: StatusCode, reply: &'static str) -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let answer = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async move { (status, reply).into_response() }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().route("/api/v1/query_range", post(answer));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, asked)
}

async fn values(url: String) -> Result<Vec<SeriesLine>, PrometheusError> {
    PrometheusSeries::new(config(url))?.values(&[SeriesName::Files, SeriesName::Canary], &page()).await
}

const ANSWER: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[
{"metric":{"zkdeck_series":"files","zkdeck_kind":"max","node":"zk1"},"values":[[1700000029.999,"9"],[1700000059.999,"5"]]},
{"metric":{"zkdeck_series":"files","zkdeck_kind":"mean","node":"zk1"},"values":[[1700000029.999,"7.5"],[1700000089.999,"NaN"]]},
{"metric":{"zkdeck_series":"files","zkdeck_kind":"mean","node":"zk2.example:7000"},"values":[[1700000059.999,"3"]]},
{"metric":{"zkdeck_series":"files","zkdeck_kind":"mean","node":"other"},"values":[[1700000059.999,"3"]]},
{"metric":{"zkdeck_series":"nonsense","zkdeck_kind":"mean"},"values":[[1700000059.999,"3"]]},
{"metric":{"zkdeck_series":"canary","zkdeck_kind":"mean"},"values":[[1600000000,"3"],[1700000089.999,"12"],[1900000000,"3"]]}
]}}"#;

#[tokio::test]
async fn an_answer_becomes_points_of_known_nodes_and_nothing_is_made_up() {
    let (url, asked) = server(StatusCode::OK, ANSWER).await;
    let prometheus = PrometheusSeries::new(config(url)).unwrap();
    let names = [SeriesName::Files, SeriesName::Canary];
    let lines = prometheus.values(&names, &page()).await.unwrap();
    let point = |mean, max| Some(SeriesPoint { mean, max });
    let line = |key: &str| lines.iter().find(|line| line.series.to_string() == key).map(|line| line.points.clone());
    assert_eq!(line("files@zk1"), Some(vec![point(7.5, 9.0), None, None]), "a NaN is none, a maximum alone is none");
    assert_eq!(line("files@zk2"), Some(vec![None, point(3.0, 3.0), None]), "named by its address");
    assert_eq!(line("canary"), Some(vec![None, None, point(12.0, 12.0)]), "what lies beside the axis is left out");
    assert_eq!(lines.len(), 3);
    prometheus.values(&names, &page()).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the same question within a scrape");
    prometheus.values(&names[..1], &page()).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2, "another one");
}

#[tokio::test]
async fn each_failure_says_what_to_do_and_it_is_let_alone_for_a_while() {
    let said = |error: PrometheusError| error.to_string();
    let bad = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
    let (url, asked) = server(StatusCode::BAD_REQUEST, bad).await;
    let prometheus = PrometheusSeries::new(config(url)).unwrap();
    for names in [[SeriesName::Files], [SeriesName::Canary]] {
        let error = said(prometheus.values(&names, &page()).await.unwrap_err());
        assert!(error.contains("(400): parse error; see prometheus.match"), "{error}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "not asked again at once");
    let (url, _) = server(StatusCode::UNAUTHORIZED, "Unauthorized").await;
    assert!(said(values(url).await.unwrap_err()).contains("does not let zkdeck ask (status 401)"));
    for (status, page) in [(StatusCode::OK, "<html>"), (StatusCode::NOT_FOUND, "no"), (StatusCode::OK, "{}")] {
        let (url, _) = server(status, page).await;
        let error = said(values(url).await.unwrap_err());
        assert!(error.contains("is not Prometheus") && error.contains("mend prometheus.url"), "{error}");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert!(said(values(closed).await.unwrap_err()).contains("cannot be reached: Connection refused"));
}

#[test]
fn a_question_covers_its_steps_and_no_scrape_falls_between_two() {
    let config = config("http://p".into());
    let axis = |step, points| RangeAxis { step: Millis(step), from: Timestamp(FROM), points };
    let body = |names: &[SeriesName], step| query(names, axis(step, 3), &config).map(|query| query.body());
    let files = body(&[SeriesName::Files], 30_000).unwrap();
    assert!(files.ends_with("&start=1700000029.999&end=1700000089.999&step=30.000"), "{files}");
    let plain = |names: &[SeriesName], step| {
        percent_encoding::percent_decode_str(&body(names, step).unwrap()).decode_utf8_lossy().into_owned()
    };
    let files = plain(&[SeriesName::Files], 30_000);
    assert!(files.contains(r#"max by (node) (avg_over_time(zkdeck_node_files{cluster="demo"}[30000ms]))"#), "{files}");
    let fine = plain(&[SeriesName::Files], 1_000);
    assert!(fine.contains("[10000ms]"), "a step finer than the scrapes is no hole: {fine}");
    assert!(plain(&[SeriesName::Requests], 1_000).contains("rate(packets_received{cluster=\"demo\"}[40000ms])"));
    assert_eq!(body(&[SeriesName::Up, SeriesName::Leads], 1_000), None, "verdicts are zkdeck's own");
    for name in SeriesName::ALL {
        assert_eq!(body(&[*name], 1_000).is_some(), name.is_scraped(), "{name:?}");
    }
}

/// promtool reads the file too, so that each is PromQL.
#[test]
fn what_is_asked_stands_in_a_file_and_names_metrics_that_there_are() {
    let axis = RangeAxis { step: Millis(60_000), from: Timestamp(FROM), points: 1 };
    let all = SeriesName::ALL.iter().filter_map(|name| query(&[*name], axis, &config("http://p".into())));
    let text: String = all.map(|query| query.expression + "\n").collect();
    let kept = std::fs::read_to_string("tests/fixtures/prometheus-queries.txt").unwrap();
    assert!(text == kept, "write these to tests/fixtures/prometheus-queries.txt:\n{text}");
    // In other releases than those of the fixtures.
    let others = ["jvm_memory_used_bytes", "packets_received_total"];
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let page = read("tests/fixtures/metrics-3.9.4.txt");
    let own = read("src/api/metrics.rs");
    for metric in text.split(|c: char| !(c.is_ascii_alphanumeric() || "_{".contains(c))) {
        let Some(metric) = metric.strip_suffix('{').or_else(|| metric.split_once('{').map(|(name, _)| name)) else {
            continue;
        };
        let told = |line: &str| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' ']));
        let known = others.contains(&metric) || page.lines().any(told) || own.contains(&format!("\"{metric}\""));
        assert!(known, "no page tells {metric:?}");
    }
}
