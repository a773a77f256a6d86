//! Elasticsearch, Prometheus and Grafana: there, open to us, and with data.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::finding::Finding;
use super::place::Site;
use crate::adapters::http;
use crate::adapters::logs::Auth;
use crate::cli::elastic;
use crate::domain::cause::Advice;

const LIMIT: Duration = Duration::from_secs(3);
/// As provisioned in `monitoring/grafana`.
const GRAFANA_SOURCE: &str = "prometheus";
/// Targets that are named one by one.
const TARGETS_TOLD: usize = 6;

/// How a cluster of Elasticsearch calls its health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", const_into_str)]
enum ClusterHealth {
    Green,
    Yellow,
    Red,
}

impl ClusterHealth {
    const fn word(self) -> &'static str {
        self.into_str()
    }
}

/// What Prometheus says of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TargetHealth {
    Up,
    Down,
    /// Not scraped yet.
    Unknown,
}

/// One word of an answer; `None` when it is none that is known.
fn parse_word<T: DeserializeOwned>(word: &Value) -> Option<T> {
    T::deserialize(word).ok()
}

/// What came back of one question.
#[derive(Debug)]
enum ServiceReply {
    /// In words.
    Unreachable(String),
    /// TLS failed.
    Untrusted(Advice),
    Status(u16, Value),
    Json(Value),
    /// It is no JSON.
    Other,
}

async fn ask(url: &str, auth: &Auth, ca_file: Option<&Path>) -> ServiceReply {
    let client = match http::client(url, ca_file) {
        Ok(client) => client.timeout(LIMIT).redirect(reqwest::redirect::Policy::none()).no_proxy(),
        Err(error) => return ServiceReply::Untrusted(error.advice()),
    };
    let Ok(client) = client.build() else { return ServiceReply::Unreachable("the machine gives no sockets".into()) };
    let response = match auth.on(client.get(url)).send().await {
        Ok(response) => response,
        Err(error) => return unanswered(url, error).await,
    };
    let status = response.status();
    let body = response.bytes().await.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match body {
        Some(value) if status.is_success() => ServiceReply::Json(value),
        None if status.is_success() => ServiceReply::Other,
        body => ServiceReply::Status(status.as_u16(), body.unwrap_or_default()),
    }
}

async fn unanswered(url: &str, error: reqwest::Error) -> ServiceReply {
    if let Some(fault) = http::tls_fault(&error) {
        ServiceReply::Untrusted(fault.advice())
    } else if error.is_timeout() {
        ServiceReply::Unreachable(format!("no answer within {} s", LIMIT.as_secs()))
    } else if error.is_connect() {
        ServiceReply::Unreachable("connection refused".into())
    } else if http::speaks_tls(url).await {
        ServiceReply::Untrusted(Advice::new("it speaks TLS", "write https:// in the address"))
    } else {
        ServiceReply::Unreachable(error.without_url().to_string())
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

/// What came of looking for a service.
#[derive(Debug)]
enum ServiceCheck {
    /// It is there.
    Met(Vec<Finding>),
    /// Nothing is, or something that cannot be told to be it.
    Unmet(Finding),
}

impl ServiceCheck {
    /// With `--local` nothing of the stack is expected, and its ports may be anybody's: what is not there is no finding.
    fn findings(self, place: &Site) -> Vec<Finding> {
        match self {
            Self::Unmet(_) if place.local => Vec::new(),
            looked => looked.all(),
        }
    }

    fn all(self) -> Vec<Finding> {
        match self {
            Self::Met(findings) => findings,
            Self::Unmet(finding) => vec![finding],
        }
    }
}

/// Something else has the port.
fn stranger(check: &'static str, url: &str, service: &str, setting: &str) -> ServiceCheck {
    let fix = format!("set {setting} to where {service} answers; ss -ltnp shows who has the port");
    ServiceCheck::Unmet(Finding::warn(check, format!("what answers at {url} is no {service}"), fix))
}

/// Whether a status tells nothing of the service behind it but that somebody has to log in first.
const fn asks_to_log_in(status: u16) -> bool {
    matches!(status, 300..=399 | 401 | 403 | 407)
}

/// It is there, and will be well or not in a while.
fn unsettled(check: &'static str, url: &str, status: u16, logs: &str) -> ServiceCheck {
    let message = format!("{url} answers with status {status}: it is starting, or not well");
    ServiceCheck::Unmet(Finding::warn(check, message, format!("ask again in a minute; {logs}")))
}

fn guarded(check: &'static str, url: &str, status: u16) -> Option<ServiceCheck> {
    asks_to_log_in(status).then(|| {
        let message = format!("- (not looked at: {url} lets in only who has logged in, status {status})");
        ServiceCheck::Unmet(Finding::ok(check, message))
    })
}

pub(super) async fn elasticsearch(place: &Site) -> Vec<Finding> {
    let Some(url) = place.reach(place.elasticsearch(), "elasticsearch").await else {
        return vec![elsewhere("elasticsearch", "elastic.url")];
    };
    let auth = match elastic::auth(&place.config) {
        Ok(auth) => auth,
        Err(error) => {
            return vec![Finding::fail("elasticsearch", format!("{error:#}"), "correct the section [elastic]")];
        }
    };
    let reply = ask(&format!("{url}/_cluster/health"), &auth, elastic::ca(&place.config).as_deref()).await;
    let looked = judge_elasticsearch(&url, &reply);
    // Logs are searched in the one that is set, whatever else is expected.
    if place.config.elastic.url.is_empty() { looked.findings(place) } else { looked.all() }
}

fn judge_elasticsearch(url: &str, reply: &ServiceReply) -> ServiceCheck {
    const NAME: &str = "elasticsearch";
    let logs = "docker compose logs --tail 50 elasticsearch";
    let finding = match reply {
        ServiceReply::Unreachable(cause) => {
            return ServiceCheck::Unmet(Finding::warn(
                NAME,
                format!("{url}: {cause}; logs are searched in the local files instead"),
                format!(
                    "docker compose up -d elasticsearch; if it exits (137 is want of memory, it needs 1 GiB): {logs}"
                ),
            ));
        }
        ServiceReply::Untrusted(Advice { cause, step }) => {
            return ServiceCheck::Unmet(Finding::fail(NAME, format!("{url}: {cause}"), step));
        }
        ServiceReply::Status(status @ (401 | 403), _) => {
            return ServiceCheck::Unmet(Finding::fail(
                NAME,
                format!("{url} asks for a password or does not let this one in (status {status})"),
                "set ZKDECK_ELASTIC_USER and ZKDECK_ELASTIC_PASSWORD_FILE, or ZKDECK_ELASTIC_API_KEY_FILE",
            ));
        }
        ServiceReply::Status(status, _) => {
            return ServiceCheck::Unmet(Finding::fail(NAME, format!("{url} answers with status {status}"), logs));
        }
        ServiceReply::Other => return stranger(NAME, url, "Elasticsearch", "ZKDECK_ELASTIC_URL"),
        ServiceReply::Json(health) => match parse_word(&health["status"]) {
            Some(ClusterHealth::Green) => Finding::ok(NAME, format!("{url} is green")),
            Some(colour) => {
                let unassigned = health["unassigned_shards"].as_u64().map_or("-".into(), |count| count.to_string());
                let message = format!("{url} is {}, {unassigned} shards have no place", colour.word());
                let fix = format!("curl '{url}/_cluster/allocation/explain?pretty'");
                match colour {
                    ClusterHealth::Red => Finding::fail(NAME, message, fix),
                    _ => Finding::warn(NAME, message, fix),
                }
            }
            None => return stranger(NAME, url, "Elasticsearch", "ZKDECK_ELASTIC_URL"),
        },
    };
    ServiceCheck::Met(vec![finding])
}

pub(super) async fn prometheus(place: &Site) -> Vec<Finding> {
    let Some(url) = place.reach(place.prometheus(), "prometheus").await else {
        return vec![elsewhere("prometheus", "prometheus.url")];
    };
    let reply = ask(&format!("{url}/api/v1/targets?state=active"), &Auth::None, None).await;
    let looked = judge_prometheus(&url, &reply);
    // One that was named is missed when it is not there.
    if place.config.prometheus.url.is_empty() { looked.findings(place) } else { looked.all() }
}

fn judge_prometheus(url: &str, reply: &ServiceReply) -> ServiceCheck {
    const NAME: &str = "prometheus";
    let logs = "docker compose logs --tail 50 prometheus";
    let other = || stranger(NAME, url, "Prometheus", "[doctor] prometheus");
    let unmet = |cause: &dyn fmt::Display| {
        let fix = format!("docker compose up -d prometheus; {logs}");
        ServiceCheck::Unmet(Finding::warn(NAME, format!("{url}: {cause}"), fix))
    };
    match reply {
        ServiceReply::Unreachable(cause) => unmet(cause),
        ServiceReply::Untrusted(advice) => unmet(advice),
        // It says so too while it reads what it has stored, which takes minutes when that is much.
        ServiceReply::Status(status @ 500.., _) => unsettled(NAME, url, *status, logs),
        ServiceReply::Status(status, _) => guarded(NAME, url, *status).unwrap_or_else(other),
        ServiceReply::Json(answer) => match answer["data"]["activeTargets"].as_array() {
            Some(targets) => ServiceCheck::Met(judge_targets(url, targets)),
            None => other(),
        },
        ServiceReply::Other => other(),
    }
}

fn judge_targets(url: &str, targets: &[Value]) -> Vec<Finding> {
    const NAME: &str = "prometheus";
    let is = |target: &Value, health| parse_word(&target["health"]) == Some(health);
    let down: Vec<&Value> = targets.iter().filter(|target| is(target, TargetHealth::Down)).collect();
    let new = targets.iter().filter(|target| is(target, TargetHealth::Unknown)).count();
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

pub(super) async fn grafana(place: &Site) -> Vec<Finding> {
    let Some(url) = place.reach(&place.config.doctor.grafana, "grafana").await else {
        return vec![elsewhere("grafana", "doctor.grafana")];
    };
    let health = ask(&format!("{url}/api/health"), &Auth::None, None).await;
    let data = match &health {
        ServiceReply::Json(_) => {
            ask(&format!("{url}/api/datasources/proxy/uid/{GRAFANA_SOURCE}/api/v1/query?query=up"), &Auth::None, None)
                .await
        }
        _ => ServiceReply::Other,
    };
    judge_grafana(&url, &health, &data).findings(place)
}

fn judge_grafana(url: &str, health: &ServiceReply, data: &ServiceReply) -> ServiceCheck {
    const NAME: &str = "grafana";
    let logs = "docker compose logs --tail 50 grafana";
    let other = || stranger(NAME, url, "Grafana", "[doctor] grafana");
    let unmet = |cause: &dyn fmt::Display| {
        let fix = format!("docker compose up -d grafana; {logs}");
        ServiceCheck::Unmet(Finding::warn(NAME, format!("{url}: {cause}"), fix))
    };
    match health {
        ServiceReply::Unreachable(cause) => unmet(cause),
        ServiceReply::Untrusted(advice) => unmet(advice),
        // A sick database is told with status 503.
        ServiceReply::Json(health) | ServiceReply::Status(500.., health) if health["database"].is_string() => {
            ServiceCheck::Met(vec![if health["database"] == "ok" {
                judge_source(url, data)
            } else {
                let message = format!("{url} says that its own database is not well: {}", health["database"]);
                Finding::fail(NAME, message, logs)
            }])
        }
        ServiceReply::Status(status @ 500.., _) => unsettled(NAME, url, *status, logs),
        ServiceReply::Status(status, _) => guarded(NAME, url, *status).unwrap_or_else(other),
        ServiceReply::Json(_) | ServiceReply::Other => other(),
    }
}

/// What the data source of a Grafana that is well has to say.
fn judge_source(url: &str, data: &ServiceReply) -> Finding {
    const NAME: &str = "grafana";
    match data {
        ServiceReply::Json(answer) => match answer["data"]["result"].as_array().map(Vec::len) {
            Some(series @ 1..) => {
                Finding::ok(NAME, format!("{url} has data: {series} targets through its data source"))
            }
            _ => Finding::warn(
                NAME,
                format!("{url} works, and its data source has no data"),
                "see the finding on prometheus; after a fresh start wait two minutes: rates need two scrapes",
            ),
        },
        ServiceReply::Status(status, _) if asks_to_log_in(*status) => Finding::ok(
            NAME,
            format!("{url} works; - (its data is not looked at: it lets in only who has logged in, status {status})"),
        ),
        ServiceReply::Status(404, _) => Finding::warn(
            NAME,
            format!("{url} works, and has no data source of the uid {GRAFANA_SOURCE}"),
            "the data source is monitoring/grafana's: look at its mount",
        ),
        ServiceReply::Status(status, _) => Finding::warn(
            NAME,
            format!("{url} works, and its data source {GRAFANA_SOURCE} answers with status {status}"),
            "docker compose up -d prometheus; the data source is monitoring/grafana's, look at its mount",
        ),
        ServiceReply::Unreachable(_) | ServiceReply::Untrusted(_) | ServiceReply::Other => Finding::warn(
            NAME,
            format!("{url} works, and its data source does not answer"),
            "docker compose up -d prometheus",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::doctor::finding::Grade;
    use crate::cli::doctor::place::tests::place;

    fn only(looked: ServiceCheck) -> Finding {
        let mut all = looked.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    fn status(status: u16) -> ServiceReply {
        ServiceReply::Status(status, Value::Null)
    }

    #[test]
    fn elasticsearch_is_judged_by_what_it_says() {
        let of = |reply: ServiceReply| only(judge_elasticsearch("http://e", &reply)).status;
        assert_eq!(of(ServiceReply::Json(json!({"status": "green"}))), Grade::Ok);
        assert_eq!(of(ServiceReply::Json(json!({"status": "yellow", "unassigned_shards": 3}))), Grade::Warn);
        assert_eq!(of(ServiceReply::Json(json!({"status": "red"}))), Grade::Fail);
        assert_eq!(of(ServiceReply::Json(json!({"hello": 1}))), Grade::Warn);
        assert_eq!(of(ServiceReply::Unreachable("connection refused".into())), Grade::Warn);
        assert_eq!(of(status(401)), Grade::Fail);
        let unknown = only(judge_elasticsearch("http://e", &ServiceReply::Json(json!({"status": "red"}))));
        assert!(unknown.message.contains("- shards"), "what is not told is no 0: {unknown:?}");
    }

    #[test]
    fn every_target_that_is_down_is_named_with_its_error() {
        let up = json!({"health": "up", "labels": {"instance": "zk1:7000"}});
        let down = json!({"health": "down", "labels": {"instance": "zk2:7000"}, "lastError": "no route to host"});
        let answer = |targets: Value| ServiceReply::Json(json!({"data": {"activeTargets": targets}}));
        let of = |targets: Value| judge_prometheus("http://p", &answer(targets)).all();
        assert_eq!(of(json!([up])), [Finding::ok("prometheus", "1 of 1 targets up")]);
        let found = of(json!([up, down]));
        assert_eq!(found[0].message, "1 of 2 targets up; zk2:7000: no route to host");
        assert_eq!(found[0].fix.as_deref(), Some("docker compose up -d zk2"));
        let by_address = json!({"health": "down", "labels": {"instance": "10.0.0.1:7000"}, "lastError": ""});
        assert_eq!(of(json!([by_address]))[0].fix.as_deref(), Some("see http://p/targets"));
        let new = json!({"health": "unknown", "labels": {"instance": "zk3:7000"}, "lastError": ""});
        assert_eq!(of(json!([up, new])), [Finding::ok("prometheus", "1 of 2 targets up, 1 not scraped yet")]);
        assert_eq!(of(json!([]))[0].status, Grade::Fail);
    }

    #[test]
    fn who_starts_is_sick_or_asks_for_a_log_in_is_not_taken_for_another() {
        let prometheus = |reply| only(judge_prometheus("http://p", &reply));
        let grafana = |reply| only(judge_grafana("http://g", &reply, &ServiceReply::Other));
        for starting in [prometheus(status(503)), grafana(status(503)), grafana(status(502))] {
            assert_eq!(starting.status, Grade::Warn);
            assert!(starting.message.contains("it is starting, or not well"), "{starting:?}");
        }
        for guarded in [prometheus(status(401)), prometheus(status(302)), grafana(status(403)), grafana(status(302))] {
            assert_eq!(guarded.status, Grade::Ok);
            assert!(guarded.message.starts_with("- (not looked at: "), "{guarded:?}");
        }
        let sick = grafana(ServiceReply::Status(503, json!({"database": "failing", "version": "12"})));
        assert!(sick.status == Grade::Fail && sick.message.contains("its own database is not well"), "{sick:?}");
    }

    #[test]
    fn who_has_a_port_is_never_to_be_ended_and_with_local_it_may_be_anybody() {
        let strangers = || {
            [
                judge_elasticsearch("http://e", &ServiceReply::Json(json!({"hello": 1}))),
                judge_prometheus("http://p", &ServiceReply::Other),
                judge_prometheus("http://p", &status(404)),
                judge_grafana("http://g", &ServiceReply::Json(json!({"status": "ok"})), &ServiceReply::Other),
                judge_grafana("http://g", &status(404), &ServiceReply::Other),
            ]
        };
        let local = Site { local: true, ..place() };
        for (told, dropped) in strangers().into_iter().zip(strangers()) {
            let told = only(told);
            assert!(told.status == Grade::Warn && told.message.contains(" is no "), "{told:?}");
            assert!(told.fix.as_deref().is_some_and(|fix| !fix.contains("end ")), "{told:?}");
            assert_eq!(dropped.findings(&local), []);
        }
        let well = judge_elasticsearch("http://e", &ServiceReply::Json(json!({"status": "green"})));
        assert_eq!(well.findings(&local).len(), 1, "what is there is told");
    }

    #[test]
    fn grafana_without_data_is_told_apart_from_no_grafana() {
        let well = || ServiceReply::Json(json!({"database": "ok"}));
        let of = |health: ServiceReply, data: ServiceReply| only(judge_grafana("http://g", &health, &data));
        assert_eq!(of(well(), ServiceReply::Json(json!({"data": {"result": [1, 2]}}))).status, Grade::Ok);
        assert_eq!(of(well(), ServiceReply::Json(json!({"data": {"result": []}}))).status, Grade::Warn);
        assert_eq!(of(well(), status(502)).status, Grade::Warn);
        assert!(of(well(), status(404)).message.contains("has no data source"));
        let closed = of(well(), status(401));
        assert!(closed.status == Grade::Ok && closed.message.contains("not looked at"), "{closed:?}");
        assert_eq!(of(ServiceReply::Json(json!({"database": "failing"})), ServiceReply::Other).status, Grade::Fail);
        assert_eq!(of(ServiceReply::Unreachable("x".into()), ServiceReply::Other).status, Grade::Warn);
    }
}
