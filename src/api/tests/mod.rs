//! The router without a socket, before an engine that the test plays.

mod explain;
mod nodes;
mod past;
mod settings;

use std::collections::BTreeSet;

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request as HttpRequest, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::router::ROUTES;
use super::state::{ASK_WAIT, ENGINE_WAIT};
use super::{ApiConfig, Secret, router};
use crate::domain::cause::Cause;
use crate::domain::command::{Accepted, Command, Confirmed, Rejected};
use crate::domain::ensemble::EnsembleState;
use crate::domain::fixtures::{host, operation, snapshot};
use crate::domain::ids::{FileId, OperationId, Timestamp};
use crate::domain::node::DrainView;
use crate::domain::operation::{Operation, OperationKind, OperationStatus};
use crate::domain::scheduler::RunProgress;
use crate::domain::snapshot::{CanaryView, Readiness, SessionState, Snapshot};
use crate::engine::handle::{EngineRequest, Handle, Put, Question};

fn request(method: &str, path: &str, body: Option<&str>) -> HttpRequest<Body> {
    let builder = HttpRequest::builder().method(method).uri(path).header("host", "localhost:8080");
    match body {
        Some(body) => builder.header("content-type", "application/json").body(Body::from(body.to_owned())),
        None => builder.body(Body::empty()),
    }
    .unwrap()
}

/// Sends a request and answers what reaches the engine with `play`; counts the commands that reached it.
async fn ask(
    picture: Snapshot,
    request: HttpRequest<Body>,
    play: impl Fn(&Command) -> Result<Accepted, Rejected>,
) -> (StatusCode, Value, usize) {
    let picture = Arc::new(picture);
    let (handle, mut end) = Handle::pair(Arc::clone(&picture));
    let service = router(handle, ApiConfig::default());
    let (mut reached, mut waiting) = (0, Vec::new());
    let row = |id| picture.operation(id).cloned();
    let engine = async {
        while let Some(request) = end.requests.recv().await {
            match request {
                EngineRequest::Command { command, rows, reply, .. } => {
                    reached += 1;
                    let answer = play(&command);
                    if let (Ok(Accepted { operation: Some(id), .. }), Some(rows)) = (&answer, rows) {
                        rows.send_replace(row(*id));
                        waiting.push(rows);
                    }
                    _ = reply.send(answer);
                }
                EngineRequest::CatchUp { reply } => _ = reply.send(()),
                EngineRequest::Current { reply } => _ = reply.send(Arc::clone(&picture)),
                EngineRequest::File { file, reply } => {
                    let known = picture.files.get(file).cloned();
                    _ = reply.send(known.ok_or(Rejected::UnknownFile { given: file }));
                }
                _ => {}
            }
        }
    };
    let desk = async {
        while let Some(question) = end.questions.recv().await {
            if let Question::Operation(Put { ask, reply }) = question {
                _ = reply.send(Ok(row(ask.0)));
            }
        }
    };
    let response = tokio::select! {
        response = service.oneshot(request) => response.unwrap(),
        ((), ()) = async { tokio::join!(engine, desk) } => unreachable!("the router holds the handle"),
    };
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)), reached)
}

/// A server of logs that hangs is given up after 10 s, and the files answer: who asks waits for that.
#[tokio::test(start_paused = true)]
async fn a_question_may_take_longer_than_a_command() {
    for (takes, status, part) in [(ENGINE_WAIT * 2, 404, "there is no operation"), (ASK_WAIT * 2, 504, "the question")]
    {
        let (handle, mut end) = Handle::pair(Arc::new(snapshot()));
        let service = router(handle, ApiConfig::default());
        let desk = async {
            while let Some(question) = end.questions.recv().await {
                tokio::time::sleep(takes).await;
                let Question::Operation(Put { reply, .. }) = question else { panic!("{question:?}") };
                _ = reply.send(Ok(None));
            }
        };
        let asked = request("GET", &format!("/api/operations/{}", OperationId::new(1)), None);
        let response = tokio::select! {
            response = service.oneshot(asked) => response.unwrap(),
            () = desk => panic!("the router holds the handle"),
        };
        assert_eq!(response.status().as_u16(), status);
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert!(String::from_utf8_lossy(&bytes).contains(part), "{}", String::from_utf8_lossy(&bytes));
    }
}

/// Another instance may have changed it a moment ago: the ensemble is looked at before it is said to be so.
#[tokio::test]
async fn what_is_so_already_is_looked_at_again() {
    let tries = std::cell::Cell::new(0);
    let late = |_: &Command| {
        tries.set(tries.get() + 1);
        match tries.get() {
            1 => Err(Rejected::AlreadySo { what: "zk1 does not drain".into() }),
            _ => Ok(Accepted { operation: None, message: "zk1 takes files again".into() }),
        }
    };
    let request = request("POST", "/api/nodes/zk1/undrain", None);
    let (status, answer, reached) = ask(snapshot(), request, late).await;
    assert_eq!((status, reached), (StatusCode::OK, 2), "{answer}");
}

fn refuse(command: &Command) -> Result<Accepted, Rejected> {
    Err(Rejected::Internal { cause: format!("{} should not have come", command.verb()) })
}

const FILES: [FileId; 2] = [FileId::new(7), FileId::new(8)];

/// A picture in which operation 9 has ended.
fn finished(kind: OperationKind) -> Snapshot {
    let row = Operation { files: FILES.to_vec(), ..operation(9, kind, OperationStatus::Done) };
    Snapshot { operations: Arc::from([Arc::new(row)]), ..snapshot() }
}

fn accepted() -> Result<Accepted, Rejected> {
    Ok(Accepted { operation: Some(OperationId::new(9)), message: "on its way".into() })
}

#[tokio::test]
async fn a_stress_answers_with_its_files() {
    let body = r#"{"node":"zk1","files":8,"size_kb":128,"trigger_scheduler":true}"#;
    let (status, answer, _) = ask(finished(OperationKind::Stress), request("POST", "/api/demo/stress", Some(body)), |command| {
        assert!(matches!(command, Command::Stress(stress) if stress.files == 8 && stress.size.0 == 131_072 && stress.trigger_scheduler));
        accepted()
    })
    .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["files"], json!(FILES));
}

/// A picture in which operation 9 has ended without being done.
fn ended(kind: OperationKind, status: OperationStatus, cause: Option<Cause>) -> Snapshot {
    let row = Operation { cause, why: Some("because".into()), ..operation(9, kind, status) };
    Snapshot { operations: Arc::from([Arc::new(row)]), ..snapshot() }
}

#[tokio::test]
async fn no_end_but_done_is_a_success() {
    let routes = [
        (OperationKind::Delete, request("DELETE", &format!("/api/files/{}", known_file()), None)),
        (OperationKind::SchedulerPause, request("POST", "/api/scheduler/pause", None)),
        (OperationKind::Weight, request("PUT", "/api/nodes/zk1/weight", Some(r#"{"weight":7}"#))),
        (OperationKind::Undrain, request("POST", "/api/nodes/zk1/undrain", None)),
        (OperationKind::Drain, request("POST", "/api/nodes/zk1/drain", None)),
        (OperationKind::Scheduler, request("POST", "/api/scheduler/run", None)),
        (OperationKind::Stress, request("POST", "/api/demo/stress", Some(r#"{"node":"zk1","files":1,"size_kb":1}"#))),
    ];
    for (kind, sent) in routes {
        for status in [OperationStatus::Failed, OperationStatus::Aborted] {
            for cause in [Some(Cause::Changed), Some(Cause::Unavailable), Some(Cause::Gone), None] {
                let verdict = crate::domain::outcome::outcome(status, cause);
                let again = HttpRequest::builder().method(sent.method()).uri(sent.uri()).header("host", "localhost");
                let body = match kind {
                    OperationKind::Weight => r#"{"weight":7}"#,
                    OperationKind::Stress => r#"{"node":"zk1","files":1,"size_kb":1}"#,
                    _ => "",
                };
                let again = again.header("content-type", "application/json").body(Body::from(body)).unwrap();
                let (found, answer, _) = ask(ended(kind, status, cause), again, |_| accepted()).await;
                assert_eq!(found.as_u16(), verdict.http, "{kind:?} {status:?} {cause:?}: {answer}");
                assert_eq!(answer["error"]["code"], verdict.code, "{kind:?} {status:?} {cause:?}");
                let message = answer["error"]["message"].as_str().unwrap();
                assert!(message.ends_with(": because"), "what is true, then why: {message}");
            }
        }
    }
}

fn known_file() -> FileId {
    snapshot().files.iter().next().unwrap().id
}

#[tokio::test]
async fn ready_says_what_the_checks_say() {
    let ready =
        async |readiness| ask(Snapshot { readiness, ..snapshot() }, request("GET", "/readyz", None), refuse).await;
    assert_eq!(ready(Readiness::Ready).await.0.as_u16(), 200);
    let (status, answer, _) = ready(Readiness::Starting(vec!["records".into()])).await;
    assert_eq!(
        (status.as_u16(), &answer["state"], &answer["missing"][0]),
        (503, &json!("starting"), &json!("records"))
    );
    assert_eq!(ready(Readiness::NotReady(vec!["no session".into()])).await.1["state"], "not-ready");
}

#[tokio::test]
async fn files_of_before_are_told_with_their_age() {
    let taken = snapshot().taken_at;
    let before = Timestamp(taken.0 - 5_000);
    let list = async |files_read| {
        let picture = Snapshot { files_complete: false, files_read, ..snapshot() };
        ask(picture, request("GET", "/api/files", None), refuse).await
    };
    let (status, answer, _) = list(Some(before)).await;
    assert_eq!((status.as_u16(), &answer["stale"], &answer["age_ms"]), (200, &json!(true), &json!(5_000)));
    assert_eq!(list(None).await.0.as_u16(), 503);
}

#[tokio::test]
async fn what_was_never_read_is_null_and_what_is_old_says_so() {
    let get = async |picture: &Snapshot, route| ask(picture.clone(), request("GET", route, None), refuse).await.1;
    let unread = Snapshot { files_complete: false, files_read: None, ..snapshot() };
    for route in ["/api/nodes", "/api/scheduler/diagnostics"] {
        let node = get(&unread, route).await["nodes"][0].clone();
        for field in ["files", "bytes", "weight"] {
            assert_eq!(node.get(field), Some(&Value::Null), "{route} {field}");
        }
    }
    assert_eq!(get(&unread, "/api/scheduler/diagnostics").await["paused"], Value::Null);
    let before = Timestamp(snapshot().taken_at.0 - 5_000);
    let old = Snapshot { files_complete: false, files_read: Some(before), ..snapshot() };
    for route in ["/api/nodes", "/api/scheduler/diagnostics"] {
        let answer = get(&old, route).await;
        assert_eq!((&answer["stale"], &answer["age_ms"]), (&json!(true), &json!(5_000)), "{route}");
        assert!(answer["nodes"][0]["files"].is_number(), "{route}");
    }
    let mut blind = snapshot();
    blind.ensemble.state = EnsembleState::Unknown;
    let answer = get(&blind, "/api/ensemble").await;
    assert_eq!((&answer["quorum"]["serving"], &answer["can_lose"]), (&Value::Null, &Value::Null));
    assert!(answer["quorum"]["voters"].is_number() && get(&snapshot(), "/api/ensemble").await["can_lose"].is_number());
}

#[tokio::test]
async fn metrics_leave_out_what_is_not_known() {
    let page = |picture: &Snapshot| super::metrics::text(picture);
    let names = [
        "zkdeck_scheduler_paused",
        "zkdeck_quarantined_files",
        "zkdeck_instances",
        "zkdeck_leader_known",
        "zkdeck_canary_failed",
    ];
    let mut blind = snapshot();
    blind.session.state = SessionState::Disconnected;
    (blind.files_complete, blind.scrub.sizes_at, blind.canary) = (false, None, CanaryView::default());
    let told = page(&blind);
    let made_up: Vec<_> = names.iter().filter(|name| told.contains(&format!("\n{name} "))).collect();
    assert!(made_up.is_empty(), "{made_up:?}");
    let mut seen = snapshot();
    (seen.scrub.sizes_at, seen.canary.last_ms) = (Some(seen.taken_at), Some(1.0));
    let told = page(&seen);
    let missing: Vec<_> = names.iter().filter(|name| !told.contains(&format!("\n{name} "))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test(start_paused = true)]
async fn what_takes_long_tells_where_to_look() {
    let (status, answer, _) = ask(snapshot(), request("POST", "/api/scheduler/run", None), |_| accepted()).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(answer["look"], format!("/api/operations/{}", OperationId::new(9)));
}

/// The address that was given is there while the operation goes on, and tells how far it is.
#[tokio::test]
async fn what_goes_on_is_found_by_its_address_with_its_progress() {
    let look = async |picture| {
        let sent = request("GET", &format!("/api/operations/{}", OperationId::new(9)), None);
        let (status, answer, _) = ask(picture, sent, refuse).await;
        (status.as_u16(), answer["status"].clone(), answer["progress"].clone())
    };
    let picture = |kind, status| {
        let row = Operation { files: Vec::new(), ..operation(9, kind, status) };
        let running = RunProgress {
            id: OperationId::new(9),
            since: row.started,
            moves_planned: 40,
            moves_done: 12,
            moves_failed: 1,
            moves_skipped: 2,
        };
        let mut picture = Snapshot { operations: Arc::from([Arc::new(row)]), ..snapshot() };
        picture.scheduler.running = Some(running);
        picture
    };
    let (status, word, progress) = look(picture(OperationKind::Scheduler, OperationStatus::Started)).await;
    assert_eq!((status, &word), (200, &json!("started")));
    assert_eq!((&progress["moves_planned"], &progress["moves_done"]), (&json!(40), &json!(12)), "{progress}");
    assert_eq!((&progress["moves_failed"], &progress["moves_skipped"]), (&json!(1), &json!(2)), "{progress}");
    let (status, word, progress) = look(picture(OperationKind::Scheduler, OperationStatus::Done)).await;
    assert_eq!((status, word, progress), (200, json!("done"), Value::Null), "what has ended is not under way");

    let mut drains = picture(OperationKind::Drain, OperationStatus::Started);
    drains.scheduler.running = None;
    let mut nodes = drains.nodes.to_vec();
    let (since, files_at_start, files_left) = (drains.taken_at, 34, 7);
    let drain = DrainView { since, files_at_start, files_left, files_per_s: None, left_ms: None, stalled: None };
    nodes[0].drain = Some(drain);
    drains.nodes = nodes.into();
    let (status, word, progress) = look(drains).await;
    assert_eq!((status, word, &progress["files_left"]), (200, json!("started"), &json!(7)), "{progress}");
}

#[tokio::test]
async fn bad_input_names_its_field_and_reaches_nobody() {
    for (body, status, field) in [
        (r#"{"node":"zk9","files":1,"size_kb":1}"#, 404, "node"),
        (r#"{"node":"zk1","files":0,"size_kb":1}"#, 422, "files"),
        (r#"{"node":"zk1","files":-1,"size_kb":1}"#, 422, "files"),
        (r#"{"node":"zk1","files":1.5,"size_kb":1}"#, 422, "files"),
        (r#"{"node":"zk1","files":10001,"size_kb":1}"#, 422, "files"),
        (r#"{"node":"zk1","files":"8","size_kb":1}"#, 422, "files"),
        (r#"{"node":"zk1","size_kb":1}"#, 422, "files"),
        (r#"{"node":"zk1","files":1,"size_kb":1,"trigger":true}"#, 422, "trigger"),
        (r#"{"node":7,"files":1,"size_kb":1}"#, 422, "node"),
        (r#"{"node":"zk1","files":1"#, 422, "body"),
        ("[]", 422, "body"),
    ] {
        let (found, answer, reached) = ask(snapshot(), request("POST", "/api/demo/stress", Some(body)), refuse).await;
        assert_eq!((found.as_u16(), &answer["error"]["field"]), (status, &json!(field)), "{body}: {answer}");
        assert_eq!(reached, 0, "{body}");
    }
    for (query, status) in [("from=1h&to=2h", 422), ("from=now&to=now", 503), ("from=2h&to=1h", 503)] {
        let (found, answer, _) = ask(snapshot(), request("GET", &format!("/api/logs?{query}"), None), refuse).await;
        assert_eq!(found.as_u16(), status, "{query}: {answer}");
        assert!(status != 422 || answer["error"]["field"] == "from", "{answer}");
    }
    let (_, answer, _) = ask(snapshot(), request("POST", "/api/nodes/zk9/drain", None), refuse).await;
    assert_eq!(answer["error"]["known"], json!(["zk1", "zk2", "zk3"]));
}

#[tokio::test]
async fn diagnostics_have_every_field_that_is_promised() {
    let (status, answer, _) = ask(snapshot(), request("GET", "/api/scheduler/diagnostics", None), refuse).await;
    assert_eq!(status, StatusCode::OK);
    for field in ["nodes", "threshold", "max_difference", "leader", "next_run_in_ms", "last_run"] {
        assert!(answer.get(field).is_some(), "{field}: {answer}");
    }
    for field in
        ["id", "files", "bytes", "weight", "state", "drained", "in_flight", "target_low", "target_high", "not_chosen"]
    {
        assert!(answer["nodes"][0].get(field).is_some(), "{field}: {answer}");
    }
}

#[tokio::test]
async fn an_action_against_the_quorum_says_what_to_send() {
    let needs = |_: &Command| Err(Rejected::NeedsConfirm { consequence: "writes stop".into(), type_name: true });
    let (status, answer, _) = ask(snapshot(), request("POST", "/api/servers/zk3/pause", None), needs).await;
    assert_eq!((status, &answer["error"]["consequence"]), (StatusCode::CONFLICT, &json!("writes stop")));
    let confirmed = |command: &Command| {
        assert!(matches!(command, Command::Server { confirmed: Confirmed::Named, .. }));
        accepted()
    };
    let body = Some(r#"{"confirm":"zk3"}"#);
    let sent = request("POST", "/api/servers/zk3/pause", body);
    assert_eq!(ask(finished(OperationKind::Pause), sent, confirmed).await.0, StatusCode::OK);
    let wrong = request("POST", "/api/servers/zk3/pause", Some(r#"{"confirm":"zk1"}"#));
    assert_eq!(ask(snapshot(), wrong, refuse).await.1["error"]["field"], "confirm");
}

#[tokio::test]
async fn every_route_asks_for_the_token_and_refuses_foreign_hosts() {
    for (method, path, _) in ROUTES {
        let path = path.replace("{node}", "zk1").replace("{action}", "pause").replace("{id}", "x");
        for (host, bearer, expected) in [
            ("localhost", None, Some(401)),
            ("localhost", Some("Bearer wrong"), Some(401)),
            ("evil.example", Some("Bearer 0123456789abcdef"), Some(421)),
        ] {
            let (handle, end) = Handle::pair(Arc::new(snapshot()));
            drop(end);
            let token = Secret::new("0123456789abcdef").unwrap();
            let service = router(handle, ApiConfig { token: Some(token), ..ApiConfig::default() });
            let mut sent = request(method.as_str(), &path, None);
            sent.headers_mut().insert("host", host.parse().unwrap());
            if let Some(bearer) = bearer {
                sent.headers_mut().insert("authorization", bearer.parse().unwrap());
            }
            let expected = expected.filter(|status| path != "/healthz" || *status == 421);
            let status = service.oneshot(sent).await.unwrap().status().as_u16();
            assert_eq!(status, expected.unwrap_or(200), "{method} {path} from {host}");
        }
    }
}

/// Asks for a file of the page, with a token set and none sent.
async fn page(path: &str, headers: &[(&'static str, &str)]) -> (u16, HeaderMap, String) {
    let (handle, end) = Handle::pair(Arc::new(snapshot()));
    let token = Secret::new("0123456789abcdef").unwrap();
    let service = router(handle, ApiConfig { token: Some(token), ..ApiConfig::default() });
    let mut sent = request("GET", path, None);
    for (name, value) in headers {
        sent.headers_mut().insert(*name, value.parse().unwrap());
    }
    let response = service.oneshot(sent).await.unwrap();
    assert_eq!(end.requests.len(), 0, "nothing reached the engine");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_browser_gets_a_page_that_is_whole_by_itself() {
    for path in ["/", "/ui", "/ui/"] {
        let (status, headers, text) = page(path, &[]).await;
        assert_eq!((status, &headers["content-type"]), (200, &"text/html; charset=utf-8".parse().unwrap()), "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(text.contains("docker compose exec backend zkdeck"));
        // Nothing from elsewhere, and nothing that the policy would refuse: no script or style inside the page.
        assert!(!text.contains("://") && !text.contains(" style="), "{text}");
        let handler = text.split_whitespace().find(|word| word.starts_with("on") && word.contains('='));
        assert_eq!(handler, None);
        assert!(!text.contains("<style") && !text.contains("<script>"), "{text}");
        let refers = |attribute: &str| {
            text.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        for path in [refers("href=\""), refers("src=\"")].concat() {
            let served = ROUTES.iter().any(|(_, route, _)| *route == path) || path == "data:,";
            assert!(served || page(&path, &[]).await.0 == 200, "{path} leads nowhere");
        }
    }
    let (_, headers, script) = page("/ui/page.js", &[]).await;
    assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
    for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "://"] {
        assert!(!script.contains(sink), "{sink}");
    }
    for (_, path, _) in ROUTES.iter().filter(|(_, path, _)| script.contains(&format!("\"{path}\""))) {
        assert!(page(path, &[]).await.0 == 401, "{path} says what is live without the token");
    }
}

#[tokio::test]
async fn the_page_is_for_this_host_only() {
    for path in ["/", "/ui/", "/ui/page.js", "/ui/page.css"] {
        assert_eq!(page(path, &[("host", "evil.example")]).await.0, 421, "{path}");
        assert_eq!(page(path, &[("origin", "http://evil.example")]).await.0, 403, "{path}");
    }
    assert_eq!(page("/ui/other", &[]).await.0, 401, "no more than the page is open");
}

/// What the page's script reads is what the routes answer.
#[tokio::test]
async fn the_page_reads_what_is_there() {
    let answer = async |path: &str| ask(snapshot(), request("GET", path, None), refuse).await.1;
    let ready = answer("/readyz").await;
    assert!(
        ready["ready"].is_boolean()
            && ready["state"].is_string()
            && ready["missing"].is_array()
            && ready["alerts"].is_array(),
        "{ready}"
    );
    let ensemble = answer("/api/ensemble").await;
    assert!(ensemble["state"].is_string() && ensemble.get("leader").is_some(), "{ensemble}");
    assert!(ensemble["quorum"]["serving"].is_u64() && ensemble["quorum"]["voters"].is_u64(), "{ensemble}");
    let server = answer("/api/servers").await["servers"][0].clone();
    assert!(server["node"].is_string() && server["verdict"]["state"].is_string(), "{server}");
    let nodes = answer("/api/nodes").await;
    assert!(nodes["files_complete"].is_boolean(), "{nodes}");
    let node = nodes["nodes"][0].clone();
    assert!(node["id"].is_string() && node["files"].is_u64() && node["bytes"].is_u64(), "{node}");
    assert!(node["condition"].is_string(), "{node}");
}

#[tokio::test]
async fn what_is_not_there_is_said_in_json() {
    let (status, answer, _) = ask(snapshot(), request("GET", "/api/nothing", None), refuse).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (404, &json!("no-route")));
    let (status, answer, _) = ask(snapshot(), request("DELETE", "/api/nodes", None), refuse).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (405, &json!("wrong-method")));
    let (status, _, _) = ask(snapshot(), request("GET", "/api/files/nonsense", None), refuse).await;
    assert_eq!(status.as_u16(), 404);
}

#[tokio::test]
async fn control_that_is_turned_off_has_no_route_and_says_why() {
    let (handle, end) = Handle::pair(Arc::new(snapshot()));
    let config = ApiConfig { control_disabled: Some("DOCKER_CONTROL_ENABLED is false"), ..ApiConfig::default() };
    let service = router(handle, config);
    let told = async |method: &str, path: &str| {
        let response = service.clone().oneshot(request(method, path, None)).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice::<Value>(&bytes).unwrap())
    };
    let (status, answer) = told("POST", "/api/servers/zk1/stop").await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("control-off")));
    assert!(answer["error"]["message"].as_str().unwrap().contains("DOCKER_CONTROL_ENABLED is false"), "{answer}");
    let (_, described) = told("GET", "/api/openapi.json").await;
    assert!(described["paths"].get("/api/servers/{node}/{action}").is_none());
    assert_eq!(end.requests.len(), 0, "nothing reached the engine");
    drop(end);
    assert_eq!(told("GET", "/api/servers").await.0, 200, "looking stays");
}

#[tokio::test]
async fn a_server_without_a_container_has_no_log_of_one() {
    let mut picture = snapshot();
    let mut servers = picture.servers.to_vec();
    servers[0].host = Some(host("process 4711"));
    picture.servers = servers.into();
    let (status, answer, _) = ask(picture, request("GET", "/api/servers/zk1/logs", None), refuse).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (409, &json!("no-container")), "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("/api/logs?node=zk1"), "{answer}");
}

#[tokio::test]
async fn files_come_in_pages() {
    let page = async |path: &str| ask(snapshot(), request("GET", path, None), refuse).await.1;
    let first = page("/api/files?limit=60").await;
    assert_eq!((first["files"].as_array().map(Vec::len), &first["total"]), (Some(60), &json!(100)));
    let next = first["next_after"].as_str().unwrap();
    let rest = page(&format!("/api/files?limit=60&after={next}")).await;
    assert_eq!((rest["files"].as_array().map(Vec::len), &rest["next_after"]), (Some(40), &Value::Null));
    assert_eq!(page("/api/files?node=zk1").await["matching"], 34);
    assert_eq!(page("/api/files?limit=0").await["error"]["field"], "limit");
    assert_eq!(page("/api/files?colour=red").await["error"]["field"], "colour");
}

#[tokio::test]
async fn metrics_are_readable_and_counters_end_in_total() {
    let (_, text, _) = ask(finished(OperationKind::Migration), request("GET", "/metrics", None), refuse).await;
    let text = text.as_str().unwrap();
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let samples = prometheus_parse::Scrape::parse(lines).unwrap().samples;
    assert!(samples.iter().any(|sample| sample.metric == "zkdeck_node_files"));
    let mut described = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with("# TYPE")) {
        let words: Vec<_> = line.split(' ').collect();
        assert_eq!(words[3] == "counter", words[2].ends_with("_total"), "{line}");
        assert!(text.contains(&format!("# HELP {} ", words[2])), "{line}");
        assert!(described.insert(words[2].to_owned()), "{line} is there twice");
    }
    for sample in &samples {
        let family = described.iter().any(|name| sample.metric.trim_end_matches("_bucket") == name)
            || ["_sum", "_count"].iter().any(|end| described.contains(sample.metric.trim_end_matches(end)));
        assert!(family, "{} has no TYPE", sample.metric);
    }
}

/// Dashboards and rules are checked against this page, so it has to be today's.
#[tokio::test]
async fn the_captured_page_has_every_family() {
    let (_, text, _) = ask(finished(OperationKind::Migration), request("GET", "/metrics", None), refuse).await;
    let captured = include_str!("../../../tests/fixtures/metrics-zkdeck.txt");
    for line in text.as_str().unwrap().lines().filter(|line| line.starts_with('#')) {
        assert!(captured.lines().any(|known| known == line), "tests/fixtures/metrics-zkdeck.txt lacks\n{line}");
    }
}

#[tokio::test]
async fn every_series_of_a_counter_is_there_before_its_first_event() {
    let (_, text, _) = ask(finished(OperationKind::Migration), request("GET", "/metrics", None), refuse).await;
    let text = text.as_str().unwrap();
    for line in [
        r#"zkdeck_moves_total{status="failed",reason="drain"} 0"#,
        r#"zkdeck_operations_total{operation="drain",status="failed"} 0"#,
        r#"zkdeck_scheduler_decisions_total{decision="no-quorum"} 0"#,
        r#"zkdeck_session_state{state="expired"} 0"#,
        r#"zkdeck_ensemble_state{state="no-quorum"} 0"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
}

#[test]
fn the_description_has_the_same_routes() {
    let text: Value = serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap();
    let mut described = Vec::new();
    for (path, methods) in text["paths"].as_object().unwrap() {
        described.extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    let mut served: Vec<_> = ROUTES.iter().map(|(method, path, _)| (method.to_string(), (*path).to_owned())).collect();
    described.sort();
    served.sort();
    assert_eq!(described, served);
}
