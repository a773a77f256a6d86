//! Elasticsearch, Prometheus and Grafana: there, open to us, and with data.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::finding::Finding;
use super::place::Place;
use crate::adapters::http;
use crate::adapters::logs::Auth;
use crate::cli::compose;

const LIMIT: Duration = Duration::from_secs(3);
/// As provisioned in `monitoring/grafana`.
const GRAFANA_SOURCE: &str = "prometheus";
/// Targets that are named one by one.
const TARGETS_TOLD: usize = 6;

/// What came back of one question.
#[derive(Debug)]
enum Reply {
    /// In words.
    Unreachable(String),
    /// TLS failed: what, and what to do about it.
    Untrusted(String),
    Status(u16),
    Json(Value),
    /// It is no JSON.
    Other,
}

async fn ask(url: &str, auth: &Auth, ca_file: Option<&Path>) -> Reply {
    let client = match http::client(url, ca_file) {
        Ok(client) => client.timeout(LIMIT).redirect(reqwest::redirect::Policy::none()).no_proxy(),
        Err(error) => return Reply::Untrusted(error.to_string()),
    };
    let Ok(client) = client.build() else { return Reply::Unreachable("the machine gives no sockets".into()) };
    let response = match auth.on(client.get(url)).send().await {
        Ok(response) => response,
        Err(error) => return unanswered(url, error).await,
    };
    let status = response.status();
    match response.bytes().await.map(|bytes| serde_json::from_slice(&bytes)) {
        Ok(Ok(value)) if status.is_success() => Reply::Json(value),
        Ok(Err(_)) if status.is_success() => Reply::Other,
        _ => Reply::Status(status.as_u16()),
    }
}

async fn unanswered(url: &str, error: reqwest::Error) -> Reply {
    if let Some(fault) = http::tls_fault(&error) {
        Reply::Untrusted(fault.to_string())
    } else if error.is_timeout() {
        Reply::Unreachable(format!("no answer within {} s", LIMIT.as_secs()))
    } else if error.is_connect() {
        Reply::Unreachable("connection refused".into())
    } else if http::speaks_tls(url).await {
        Reply::Untrusted("it speaks TLS; write https:// in the address".into())
    } else {
        Reply::Unreachable(error.without_url().to_string())
    }
}

/// In a container that knows no such service.
fn elsewhere(check: &'static str, setting: &str) -> Finding {
    let message = format!(
        "- (not looked at: in this container 127.0.0.1 is the container itself, and no service is called {check}; \
         {setting} names another address)"
    );
    Finding::ok(check, message)
}

/// With `--local` nothing of the stack is expected: what is not there is no finding.
fn expected(place: &Place, reply: &Reply) -> bool {
    !(place.local && matches!(reply, Reply::Unreachable(_)))
}

pub(super) async fn elasticsearch(place: &Place) -> Vec<Finding> {
    let Some(url) = place.reach(place.elasticsearch(), "elasticsearch").await else {
        return vec![elsewhere("elasticsearch", "elastic.url")];
    };
    let auth = match compose::elastic_auth(&place.config) {
        Ok(auth) => auth,
        Err(error) => {
            return vec![Finding::fail("elasticsearch", format!("{error:#}"), "correct the section [elastic]")];
        }
    };
    let reply = ask(&format!("{url}/_cluster/health"), &auth, compose::elastic_ca(&place.config).as_deref()).await;
    if expected(place, &reply) { vec![judge_elasticsearch(&url, &reply)] } else { Vec::new() }
}

fn judge_elasticsearch(url: &str, reply: &Reply) -> Finding {
    const NAME: &str = "elasticsearch";
    let logs = "docker compose logs --tail 50 elasticsearch";
    match reply {
        Reply::Unreachable(cause) => Finding::warn(
            NAME,
            format!("{url}: {cause}; logs are searched in the local files instead"),
            format!("docker compose up -d elasticsearch; if it exits (137 is want of memory, it needs 1 GiB): {logs}"),
        ),
        Reply::Untrusted(cause) => {
            let (cause, fix) = cause.rsplit_once("; ").unwrap_or((cause, "correct the section [elastic]"));
            Finding::fail(NAME, format!("{url}: {cause}"), fix)
        }
        Reply::Status(status @ (401 | 403)) => Finding::fail(
            NAME,
            format!("{url} asks for a password or does not let this one in (status {status})"),
            "set ZKDECK_ELASTIC_USER and ZKDECK_ELASTIC_PASSWORD_FILE, or ZKDECK_ELASTIC_API_KEY_FILE",
        ),
        Reply::Status(status) => Finding::fail(NAME, format!("{url} answers with status {status}"), logs),
        Reply::Other => Finding::fail(
            NAME,
            format!("what answers at {url} is no Elasticsearch"),
            "correct ZKDECK_ELASTIC_URL, or end what has the port",
        ),
        Reply::Json(health) => match health["status"].as_str() {
            Some("green") => Finding::ok(NAME, format!("{url} is green")),
            Some(colour @ ("yellow" | "red")) => {
                let unassigned = health["unassigned_shards"].as_u64().map_or("-".into(), |count| count.to_string());
                let message = format!("{url} is {colour}, {unassigned} shards have no place");
                let fix = format!("curl '{url}/_cluster/allocation/explain?pretty'");
                if colour == "red" { Finding::fail(NAME, message, fix) } else { Finding::warn(NAME, message, fix) }
            }
            _ => judge_elasticsearch(url, &Reply::Other),
        },
    }
}

pub(super) async fn prometheus(place: &Place) -> Vec<Finding> {
    let Some(url) = place.reach(&place.config.doctor.prometheus, "prometheus").await else {
        return vec![elsewhere("prometheus", "doctor.prometheus")];
    };
    let reply = ask(&format!("{url}/api/v1/targets?state=active"), &Auth::None, None).await;
    if expected(place, &reply) { judge_prometheus(&url, &reply) } else { Vec::new() }
}

fn judge_prometheus(url: &str, reply: &Reply) -> Vec<Finding> {
    const NAME: &str = "prometheus";
    let logs = "docker compose up -d prometheus; docker compose logs --tail 50 prometheus";
    let targets = match reply {
        Reply::Unreachable(cause) | Reply::Untrusted(cause) => {
            return vec![Finding::warn(NAME, format!("{url}: {cause}"), logs)];
        }
        Reply::Json(answer) => answer["data"]["activeTargets"].as_array(),
        Reply::Status(_) | Reply::Other => None,
    };
    let Some(targets) = targets else {
        let message = format!("what answers at {url} is no Prometheus");
        return vec![Finding::fail(NAME, message, "correct [doctor] prometheus, or end what has the port")];
    };
    let down: Vec<&Value> = targets.iter().filter(|target| target["health"] == "down").collect();
    let new = targets.iter().filter(|target| target["health"] == "unknown").count();
    if targets.is_empty() {
        return vec![Finding::fail(
            NAME,
            format!("{url} scrapes nothing"),
            "look at monitoring/prometheus.yml and its mount",
        )];
    }
    let new_ones = if new == 0 { String::new() } else { format!(", {new} not scraped yet") };
    let count = format!("{} of {} targets up{new_ones}", targets.len() - down.len() - new, targets.len());
    if down.is_empty() {
        return vec![Finding::ok(NAME, count)];
    }
    let one = |target: &&Value| {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).unwrap_or("-").to_owned();
        let (name, why) = (text(&target["labels"]["instance"]), text(&target["lastError"]));
        let service = name.split(':').next().unwrap_or_default();
        let fix = if service.starts_with(|c: char| c.is_ascii_lowercase()) {
            format!("docker compose up -d {service}")
        } else {
            format!("see {url}/targets")
        };
        Finding::warn(NAME, format!("{count}; {name}: {why}"), fix)
    };
    down.iter().take(TARGETS_TOLD).map(one).collect()
}

pub(super) async fn grafana(place: &Place) -> Vec<Finding> {
    let Some(url) = place.reach(&place.config.doctor.grafana, "grafana").await else {
        return vec![elsewhere("grafana", "doctor.grafana")];
    };
    let health = ask(&format!("{url}/api/health"), &Auth::None, None).await;
    if !expected(place, &health) {
        return Vec::new();
    }
    let data = match &health {
        Reply::Json(_) => {
            ask(&format!("{url}/api/datasources/proxy/uid/{GRAFANA_SOURCE}/api/v1/query?query=up"), &Auth::None, None)
                .await
        }
        _ => Reply::Other,
    };
    vec![judge_grafana(&url, &health, &data)]
}

fn judge_grafana(url: &str, health: &Reply, data: &Reply) -> Finding {
    const NAME: &str = "grafana";
    match (health, data) {
        (Reply::Unreachable(cause) | Reply::Untrusted(cause), _) => Finding::warn(
            NAME,
            format!("{url}: {cause}"),
            "docker compose up -d grafana; docker compose logs --tail 50 grafana",
        ),
        (Reply::Json(health), _) if health["database"] != "ok" => {
            let message = format!("{url} says that its own database is not well: {}", health["database"]);
            Finding::fail(NAME, message, "docker compose logs --tail 50 grafana")
        }
        (Reply::Json(_), Reply::Json(answer)) => match answer["data"]["result"].as_array().map(Vec::len) {
            Some(series @ 1..) => {
                Finding::ok(NAME, format!("{url} has data: {series} targets through its data source"))
            }
            _ => Finding::warn(
                NAME,
                format!("{url} works, and its data source has no data"),
                "see the finding on prometheus; after a fresh start wait two minutes: rates need two scrapes",
            ),
        },
        (Reply::Json(_), Reply::Status(status)) => Finding::warn(
            NAME,
            format!("{url} works, and its data source {GRAFANA_SOURCE} answers with status {status}"),
            "docker compose up -d prometheus; the data source is monitoring/grafana's, look at its mount",
        ),
        (Reply::Json(_), _) => Finding::warn(
            NAME,
            format!("{url} works, and its data source does not answer"),
            "docker compose up -d prometheus",
        ),
        (Reply::Status(_) | Reply::Other, _) => Finding::fail(
            NAME,
            format!("what answers at {url} is no Grafana"),
            "correct [doctor] grafana, or end what has the port",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::doctor::finding::Status;

    #[test]
    fn elasticsearch_is_judged_by_what_it_says() {
        let of = |reply: Reply| judge_elasticsearch("http://e", &reply).status;
        assert_eq!(of(Reply::Json(json!({"status": "green"}))), Status::Ok);
        assert_eq!(of(Reply::Json(json!({"status": "yellow", "unassigned_shards": 3}))), Status::Warn);
        assert_eq!(of(Reply::Json(json!({"status": "red"}))), Status::Fail);
        assert_eq!(of(Reply::Json(json!({"hello": 1}))), Status::Fail);
        assert_eq!(of(Reply::Unreachable("connection refused".into())), Status::Warn);
        assert_eq!(of(Reply::Status(401)), Status::Fail);
        let unknown = judge_elasticsearch("http://e", &Reply::Json(json!({"status": "red"})));
        assert!(unknown.message.contains("- shards"), "what is not told is no 0: {unknown:?}");
    }

    #[test]
    fn every_target_that_is_down_is_named_with_its_error() {
        let up = json!({"health": "up", "labels": {"instance": "zk1:7000"}});
        let down = json!({"health": "down", "labels": {"instance": "zk2:7000"}, "lastError": "no route to host"});
        let of =
            |targets: Value| judge_prometheus("http://p", &Reply::Json(json!({"data": {"activeTargets": targets}})));
        assert_eq!(of(json!([up])), [Finding::ok("prometheus", "1 of 1 targets up")]);
        let found = of(json!([up, down]));
        assert_eq!(found[0].message, "1 of 2 targets up; zk2:7000: no route to host");
        assert_eq!(found[0].fix.as_deref(), Some("docker compose up -d zk2"));
        let by_address = json!({"health": "down", "labels": {"instance": "10.0.0.1:7000"}, "lastError": ""});
        assert_eq!(of(json!([by_address]))[0].fix.as_deref(), Some("see http://p/targets"));
        let new = json!({"health": "unknown", "labels": {"instance": "zk3:7000"}, "lastError": ""});
        assert_eq!(of(json!([up, new])), [Finding::ok("prometheus", "1 of 2 targets up, 1 not scraped yet")]);
        assert_eq!(of(json!([]))[0].status, Status::Fail);
        assert_eq!(judge_prometheus("http://p", &Reply::Other)[0].status, Status::Fail);
    }

    #[test]
    fn grafana_without_data_is_told_apart_from_no_grafana() {
        let well = || Reply::Json(json!({"database": "ok"}));
        let of = |health: Reply, data: Reply| judge_grafana("http://g", &health, &data).status;
        assert_eq!(of(well(), Reply::Json(json!({"data": {"result": [1, 2]}}))), Status::Ok);
        assert_eq!(of(well(), Reply::Json(json!({"data": {"result": []}}))), Status::Warn);
        assert_eq!(of(well(), Reply::Status(502)), Status::Warn);
        assert_eq!(of(Reply::Json(json!({"database": "failing"})), Reply::Other), Status::Fail);
        assert_eq!(of(Reply::Other, Reply::Other), Status::Fail);
        assert_eq!(of(Reply::Unreachable("x".into()), Reply::Other), Status::Warn);
    }
}
