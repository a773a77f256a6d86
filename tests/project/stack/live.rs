//! The running stack, asked from this machine. `scripts/test-stack` starts it, runs this and ends it:
//! by itself, this test finds nothing to ask.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use zkdeck::adapters::http;

use super::dashboards::{FILES, dashboard, expressions};

const BACKEND: &str = "http://127.0.0.1:8080";
const PROMETHEUS: &str = "http://127.0.0.1:9090";
const ELASTICSEARCH: &str = "http://127.0.0.1:9200";

async fn ask(method: Method, url: &str, body: Option<Value>) -> Option<(u16, Value)> {
    let mut request = http::plain().build().unwrap().request(method, url).timeout(Duration::from_secs(60));
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    let text = answer.text().await.ok()?;
    Some((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

async fn get(url: &str) -> Option<Value> {
    ask(Method::GET, url, None).await.filter(|(status, _)| *status == 200).map(|(_, body)| body)
}

async fn post(url: &str, body: Value) -> (u16, Value) {
    ask(Method::POST, url, Some(body)).await.unwrap_or_else(|| panic!("{url}: no answer"))
}

/// Asks again until there is an answer, and says how long that took.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, limit: u64, mut look: impl FnMut() -> F) -> T {
    let begun = Instant::now();
    let mut timer = tokio::time::interval(Duration::from_millis(200));
    while begun.elapsed() < Duration::from_secs(limit) {
        timer.tick().await;
        if let Some(found) = look().await {
            println!("{what}: after {:.1} s", begun.elapsed().as_secs_f64());
            return found;
        }
    }
    panic!("{what}: not within {limit} s");
}

/// The folder in which the stack was started.
fn folder() -> PathBuf {
    std::env::var_os("ZKDECK_STACK").map(PathBuf::from).unwrap_or_else(|| panic!("run scripts/test-stack"))
}

/// A console's engine on this machine, in the stack's folder; ended when dropped.
struct Console {
    child: Child,
    url: String,
}

impl Drop for Console {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn console() -> Console {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = probe.local_addr().unwrap().to_string();
    drop(probe);
    let mut command = Command::new(env!("CARGO_BIN_EXE_zkdeck"));
    let command = command.args(["--daemon", "--listen", &listen]).current_dir(folder()).stdin(Stdio::null());
    Console { child: command.spawn().unwrap(), url: format!("http://{listen}") }
}

async fn server(node: &str) -> Option<Value> {
    let all = get(&format!("{BACKEND}/api/servers")).await?;
    all["servers"].as_array()?.iter().find(|server| server["node"] == node).cloned()
}

async fn in_state(node: &str, state: &str) -> Option<Value> {
    server(node).await.filter(|server| server["verdict"]["state"].as_str().is_some_and(|is| is == state))
}

async fn leader() -> Option<String> {
    let all = get(&format!("{BACKEND}/api/servers")).await?;
    let leads = |server: &&Value| server["role"] == "leader" && server["verdict"]["state"] == "UP";
    all["servers"].as_array()?.iter().find(leads)?["node"].as_str().map(str::to_owned)
}

async fn act(node: &str, action: &str) {
    let (status, answer) = post(&format!("{BACKEND}/api/servers/{node}/{action}"), json!({ "confirm": node })).await;
    assert!((200..300).contains(&status), "{action} {node}: {status} {answer}");
}

#[tokio::test]
#[ignore = "asks a running stack: scripts/test-stack starts it"]
async fn the_stack_does_what_the_readme_says() {
    eventually("the backend is ready", 60, || get_ready(BACKEND)).await;
    balance().await;
    let operation = second_instance().await;
    operations_arrive(&operation).await;
    stack_trace_is_one_event().await;
    pause_and_unpause().await;
    election().await;
    prometheus().await;
    expressions_return_data().await;
}

async fn get_ready(url: &str) -> Option<()> {
    get(&format!("{url}/readyz")).await.map(drop)
}

/// A hot spot is levelled by the least number of moves.
async fn balance() {
    let hot_spot = json!({ "node": "zk1", "files": 8, "size_kb": 128, "trigger_scheduler": true });
    let (status, answer) = post(&format!("{BACKEND}/api/demo/stress"), hot_spot).await;
    assert_eq!(status, 200, "{answer}");
    let run = &answer["run"];
    assert_eq!((&run["decision"], &run["moves_planned"]), (&"ran".into(), &run["moves_least"]), "{run}");
    let told = get(&format!("{BACKEND}/api/scheduler/diagnostics")).await.unwrap();
    assert!(told["max_difference"].as_u64().is_some_and(|difference| difference <= 1), "{told}");
}

/// A console on this machine joins the ensemble and the backend's store; returns what it did.
async fn second_instance() -> String {
    let console = console();
    let here = &console.url;
    eventually("a second instance is ready", 30, || get_ready(here)).await;
    let (mine, theirs) = (get(&format!("{here}/api/nodes")).await, get(&format!("{BACKEND}/api/nodes")).await);
    let names = |nodes: &Option<Value>| {
        let nodes = nodes.as_ref().unwrap()["nodes"].as_array().unwrap();
        nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((names(&mine), names(&theirs)), (vec!["zk1".into(), "zk2".into(), "zk3".into()], names(&mine)));
    let url = format!("{here}/api/files?name=from-the-host.txt");
    let file = eventually("the console takes a file", 10, || async {
        let answer =
            http::plain().build().unwrap().post(&url).body("from the host").send().await.ok()?.text().await.ok()?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        answer["id"].as_str().map(str::to_owned)
    })
    .await;
    let record =
        eventually("the backend sees it", 10, || async { get(&format!("{BACKEND}/api/files/{file}")).await }).await;
    let owner = record["owner"].as_str().or_else(|| record["node"].as_str()).unwrap();
    let content = http::plain()
        .build()
        .unwrap()
        .get(format!("{BACKEND}/api/files/{file}/content"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(content, "from the host", "the backend serves the bytes that the console wrote");
    let target = if owner == "zk1" { "zk2" } else { "zk1" };
    let (status, moved) = post(&format!("{BACKEND}/api/files/{file}/migrate"), json!({ "target": target })).await;
    assert_eq!(status, 200, "{moved}");
    let id = eventually("the console has the row of the backend's move", 10, || async {
        let page = get(&format!("{here}/api/operations?kind=migration&file={file}")).await?;
        page["operations"].as_array()?.first()?["id"].as_str().map(str::to_owned)
    })
    .await;
    drop(console);
    id
}

/// The line of the migration comes through Filebeat and is found by the operation's id.
async fn operations_arrive(id: &str) {
    let url = format!("{ELASTICSEARCH}/operations/_doc/{id}");
    let found = eventually("the migration is in Elasticsearch", 60, || get(&url)).await;
    let fields = &found["_source"];
    assert_eq!((&fields["operation"], &fields["status"]), (&"migration".into(), &"done".into()), "{found}");
    let query = format!("{ELASTICSEARCH}/operations/_search?q=operation_id:%22{id}%22");
    let hits = eventually("it is found by its id", 30, || async {
        get(&query).await.filter(|answer| answer["hits"]["total"]["value"] == 1)
    })
    .await;
    assert_eq!(hits["hits"]["hits"][0]["_id"], id);
}

/// What is no client makes a server write a Java stack trace.
async fn stack_trace_is_one_event() {
    let mut socket = std::net::TcpStream::connect("127.0.0.1:2181").unwrap();
    socket.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    drop(socket);
    let url = format!("{ELASTICSEARCH}/zk-logs-*/_search?q=message:malformed%20AND%20node:zk1");
    let found = eventually("a stack trace is in Elasticsearch", 60, || async {
        get(&url).await.filter(|answer| answer["hits"]["total"]["value"].as_u64() > Some(0))
    })
    .await;
    let fields = &found["hits"]["hits"][0]["_source"];
    let message = fields["message"].as_str().unwrap();
    assert!(message.starts_with("Close of session") && message.matches("\n\tat ").count() >= 3, "{message}");
    assert_eq!((&fields["log"]["level"], &fields["event"]["dataset"]), (&"WARN".into(), &"zookeeper.log".into()));
}

/// The container's state explains the silence of its server.
async fn pause_and_unpause() {
    eventually("zk2 is up", 60, || in_state("zk2", "UP")).await;
    act("zk2", "pause").await;
    let paused = eventually("zk2 is known to be paused", 30, || in_state("zk2", "PAUSED")).await;
    println!("zk2: {}", paused["verdict"]["cause"]);
    act("zk2", "resume").await;
    eventually("zk2 is up again", 60, || in_state("zk2", "UP")).await;
}

/// The leader is stopped; another is elected; the alert fires; the old one comes back.
async fn election() {
    let old = eventually("some server leads", 60, leader).await;
    act(&old, "stop").await;
    let new = eventually("another server leads", 60, || async { leader().await.filter(|new| *new != old) }).await;
    assert_ne!(old, new);
    eventually("the stopped server is told from a dead one", 30, || in_state(&old, "STOPPED")).await;
    let alert = format!("{PROMETHEUS}/api/v1/query?query=ALERTS%7Balertstate%3D%22firing%22%7D");
    eventually("Prometheus fires an alert", 120, || async {
        let firing = get(&alert).await?;
        let down = |alert: &Value| alert["metric"]["alertname"] == "ZooKeeperServerDown";
        firing["data"]["result"].as_array()?.iter().any(down).then_some(())
    })
    .await;
    act(&old, "start").await;
    eventually("the old leader is up again", 60, || in_state(&old, "UP")).await;
}

async fn prometheus() {
    eventually("all targets are up", 60, || async {
        let answer = get(&format!("{PROMETHEUS}/api/v1/targets")).await?;
        let targets = answer["data"]["activeTargets"].as_array()?.clone();
        let names: BTreeSet<_> = targets.iter().filter_map(|target| target["labels"]["instance"].as_str()).collect();
        let all = ["backend:8080", "localhost:9090", "zk1:7000", "zk2:7000", "zk3:7000"].into();
        (names == all && targets.iter().all(|target| target["health"] == "up")).then_some(())
    })
    .await;
}

/// Every expression of every dashboard, over the minutes since the start.
async fn expressions_return_data() {
    let end = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut asked = 0;
    let mut empty = Vec::new();
    for file in FILES {
        for expr in expressions(&dashboard(file)) {
            let filled = expr.replace("$__rate_interval", "1m").replace("$node", ".*");
            let form = [("query", filled.as_str()), ("start", &(end - 600).to_string()), ("end", &end.to_string())];
            let form = form.map(|(name, value)| format!("{name}={}", encoded(value))).join("&") + "&step=10";
            let request = http::plain().build().unwrap().post(format!("{PROMETHEUS}/api/v1/query_range"));
            let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
            let answer: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
            assert_eq!(answer["status"], "success", "{file}: {expr}: {answer}");
            asked += 1;
            if answer["data"]["result"].as_array().is_none_or(Vec::is_empty) {
                empty.push(format!("{file}: {expr}"));
            }
        }
    }
    println!("dashboards: {asked} expressions, {} without data", empty.len());
    assert!(empty.is_empty(), "no data for\n{}", empty.join("\n"));
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
