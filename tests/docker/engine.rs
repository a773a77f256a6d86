//! A container engine that the test plays: HTTP on a unix socket, one connection for each request.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// How the engine behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Takes connections and never answers.
    Hangs,
    Old,
    Html,
    /// As a proxy before the socket that lets nothing through.
    Denies,
    Fails,
    /// What is started ends at once.
    StartsFail,
    EndlessLogs,
}

struct Container {
    labels: BTreeMap<String, String>,
    /// The project that the container itself names, when it is not that of the list.
    inspected_project: Option<String>,
    port: Option<u16>,
    state: Value,
}

struct World {
    mood: Mood,
    containers: BTreeMap<String, Container>,
    asked: Vec<String>,
}

pub(crate) struct Engine {
    world: Arc<Mutex<World>>,
    socket: PathBuf,
    _folder: Option<tempfile::TempDir>,
    task: JoinHandle<()>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Engine {
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = Self::at(&folder.path().join("docker.sock"));
        engine._folder = Some(folder);
        engine
    }

    pub(crate) fn at(socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let world = Arc::new(Mutex::new(World { mood: Mood::Well, containers: BTreeMap::new(), asked: Vec::new() }));
        let played = Arc::clone(&world);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&played)));
            }
        });
        Self { world, socket: socket.to_owned(), _folder: None, task }
    }

    /// Two compose projects with the same services, of which one publishes our addresses, and a
    /// container of nobody's.
    pub(crate) fn with_a_demo() -> Self {
        let engine = Self::empty();
        engine.fill_a_demo();
        engine
    }

    pub(crate) fn fill_a_demo(&self) {
        for (project, first) in [("demo", 2180), ("other", 12_180)] {
            for n in 1..=3 {
                self.add_service(project, &format!("zk{n}"), Some(first + n));
            }
            self.add_service(project, "grafana", Some(3000));
        }
        self.add("lonely", &[], Some(2181));
    }

    fn add_service(&self, project: &str, service: &str, port: Option<u16>) {
        let labels = [
            ("com.docker.compose.project", project),
            ("com.docker.compose.service", service),
            ("com.docker.compose.container-number", "1"),
            ("com.docker.compose.oneoff", "False"),
        ];
        self.add(&format!("{project}-{service}-1"), &labels, port);
    }

    pub(crate) fn add(&self, name: &str, labels: &[(&str, &str)], port: Option<u16>) {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let container = Container { labels, inspected_project: None, port, state: json!({"Status": "running"}) };
        self.world.lock().unwrap().containers.insert(name.to_owned(), container);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.world.lock().unwrap().containers.remove(name).unwrap();
    }

    pub(crate) fn relabel_inspected(&self, name: &str, project: &str) {
        self.world.lock().unwrap().containers.get_mut(name).unwrap().inspected_project = Some(project.to_owned());
    }

    pub(crate) fn set(&self, name: &str, state: Value) {
        self.world.lock().unwrap().containers.get_mut(name).unwrap().state = state;
    }

    pub(crate) fn mood(&self, mood: Mood) {
        self.world.lock().unwrap().mood = mood;
    }

    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.socket.parent().unwrap()
    }

    /// Every request so far: `GET /containers/json?...`
    pub(crate) fn asked(&self) -> Vec<String> {
        self.world.lock().unwrap().asked.clone()
    }

    /// Paths of the requests that changed something.
    pub(crate) fn touched(&self) -> Vec<String> {
        let asked = self.asked();
        let changes = asked.iter().filter_map(|line| line.strip_prefix("POST "));
        changes.map(|path| path.split('?').next().unwrap().to_owned()).collect()
    }
}

async fn serve(mut stream: UnixStream, world: Arc<Mutex<World>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte).await {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    let mood = {
        let mut world = world.lock().unwrap();
        world.asked.push(line.clone());
        world.mood
    };
    let answer = match mood {
        Mood::Hangs => return std::future::pending().await,
        Mood::Html => http(200, "text/html", "<html>It works</html>"),
        Mood::Denies => http(403, "text/plain", "Forbidden"),
        Mood::Fails => http(500, "application/json", r#"{"message":"server error"}"#),
        Mood::EndlessLogs if line.contains("/logs?") => return endless(stream).await,
        _ => answer(&line, mood, &mut world.lock().unwrap()),
    };
    _ = stream.write_all(&answer).await;
}

fn http(status: u16, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn ok(value: &Value) -> Vec<u8> {
    http(200, "application/json", &value.to_string())
}

fn answer(line: &str, mood: Mood, world: &mut World) -> Vec<u8> {
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["version"]) => {
            let api = if mood == Mood::Old { "1.24" } else { "1.41" };
            ok(&json!({"Version": "20.10.24", "ApiVersion": api}))
        }
        ("GET", ["containers", "json"]) => ok(&list(query, world)),
        ("GET", ["containers", name, "json"]) => match world.containers.get(*name) {
            Some(container) => ok(&inspected(name, container)),
            None => gone(name),
        },
        ("GET", ["containers", name, "logs"]) if world.containers.contains_key(*name) => {
            let mut body = frame(1, "2026-11-23T14:01:58.112345678Z out: first\n");
            body.extend(frame(2, "2026-11-23T14:01:59.000000000Z err: second\n"));
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            [head.into_bytes(), body].concat()
        }
        ("POST", ["containers", name, action]) => match world.containers.get_mut(*name) {
            Some(container) => {
                container.state = match (*action, mood) {
                    ("pause", _) => json!({"Status": "paused"}),
                    ("start" | "restart", Mood::StartsFail) => json!({"Status": "exited", "ExitCode": 1}),
                    ("unpause" | "start" | "restart", _) => json!({"Status": "running"}),
                    ("stop", _) => json!({"Status": "exited", "ExitCode": 143}),
                    _ => return http(404, "application/json", r#"{"message":"page not found"}"#),
                };
                http(204, "text/plain", "")
            }
            None => gone(name),
        },
        _ => http(404, "application/json", r#"{"message":"page not found"}"#),
    }
}

fn gone(name: &str) -> Vec<u8> {
    http(404, "application/json", &json!({ "message": format!("No such container: {name}") }).to_string())
}

/// Only what carries the label that the query filters by, as the real one does.
fn list(query: &str, world: &World) -> Value {
    let decoded = query.replace("%7B", "{").replace("%7D", "}").replace("%22", "\"").replace("%3A", ":");
    let decoded = decoded.replace("%5B", "[").replace("%5D", "]").replace("%3D", "=");
    let filters = decoded.split('&').find_map(|part| part.strip_prefix("filters=")).unwrap_or("{}");
    let filters: Value = serde_json::from_str(filters).unwrap();
    let label = filters["label"][0].as_str().unwrap_or_default();
    let (key, value) = label.split_once('=').map_or((label, None), |(key, value)| (key, Some(value)));
    let carries =
        |c: &Container| label.is_empty() || c.labels.get(key).is_some_and(|own| value.is_none_or(|v| v == own));
    let found = world.containers.iter().filter(|(_, container)| carries(container));
    found
        .map(|(name, container)| {
            json!({"Id": name, "Names": [format!("/{name}")], "Labels": container.labels, "State": container.state["Status"]})
        })
        .collect()
}

fn inspected(name: &str, container: &Container) -> Value {
    let mut labels = container.labels.clone();
    if let Some(project) = &container.inspected_project {
        labels.insert("com.docker.compose.project".into(), project.clone());
    }
    let bound = container.port.map(|port| json!([{"HostIp": "127.0.0.1", "HostPort": port.to_string()}]));
    json!({
        "Id": name,
        "Name": format!("/{name}"),
        "RestartCount": 3,
        "State": container.state,
        "Config": {"Image": "zookeeper:3.9.4", "Labels": labels},
        "HostConfig": {"PortBindings": {"2181/tcp": bound}},
    })
}

/// One piece of a log as the engine frames it: 1 is stdout, 2 is stderr.
fn frame(stream: u8, text: &str) -> Vec<u8> {
    let mut frame = vec![stream, 0, 0, 0];
    frame.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
    frame.extend(text.as_bytes());
    frame
}

async fn endless(mut stream: UnixStream) {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n\r\n";
    if stream.write_all(head).await.is_err() {
        return;
    }
    let line = frame(1, &format!("2026-11-23T14:01:58.112345678Z {}\n", "x".repeat(1000)));
    while stream.write_all(&line).await.is_ok() {}
}

/// The program where a user without rights may run it.
pub(crate) fn readable_copy(program: &str) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(program, folder.path().join("zkdeck")).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Asks again until it holds.
pub(crate) async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    until(async || holds().await.then_some(())).await;
}

/// Asks again until there is an answer.
pub(crate) async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    let mut timer = tokio::time::interval(Duration::from_millis(50));
    while begun.elapsed() < Duration::from_secs(10) {
        timer.tick().await;
        if let Some(answer) = ask().await {
            return answer;
        }
    }
    panic!("not within 10 s");
}
