//! A container engine that the test plays: HTTP on a unix socket, one connection for each request.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
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

/// Who answers at the servers' addresses, `127.0.0.1` and the port that a container publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Servers {
    /// The container, while it runs.
    Contained,
    /// Servers of nobody's containers, whatever these do.
    Strangers,
}

struct World {
    servers: Servers,
    /// Where the containers are in their network.
    ip: &'static str,
    received: u64,
    mood: Mood,
    containers: BTreeMap<String, Container>,
    asked: Vec<String>,
}

pub(crate) struct Engine {
    world: Arc<Mutex<World>>,
    socket: PathBuf,
    /// Published by `zk1`, `zk2` and `zk3`; somebody listens there as [`Servers`] says.
    ports: Vec<u16>,
    _folder: Option<tempfile::TempDir>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
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
        let world = Arc::new(Mutex::new(World {
            servers: Servers::Contained,
            ip: "127.0.0.1",
            received: 0,
            mood: Mood::Well,
            containers: BTreeMap::new(),
            asked: Vec::new(),
        }));
        let played = Arc::clone(&world);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&played)));
            }
        });
        let mut engine = Self { world, socket: socket.to_owned(), ports: Vec::new(), _folder: None, tasks: vec![task] };
        for _ in 0..3 {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            engine.ports.push(listener.local_addr().unwrap().port());
            engine.listen(listener, None);
        }
        engine
    }

    /// Plays a server; one with counters of its own begins with `received`.
    fn listen(&mut self, listener: std::net::TcpListener, received: Option<u64>) {
        listener.set_nonblocking(true).unwrap();
        let (listener, world) = (TcpListener::from_std(listener).unwrap(), Arc::clone(&self.world));
        let port = listener.local_addr().unwrap().port();
        self.tasks.push(tokio::spawn(async move {
            let mut own = received;
            while let Ok((stream, _)) = listener.accept().await {
                let reply = match &mut own {
                    Some(own) => {
                        *own += 1;
                        Some(Some(srvr(*own)))
                    }
                    None => world.lock().unwrap().reply(port),
                };
                tokio::spawn(say(stream, reply));
            }
        }));
    }

    /// The port that `zk1`, `zk2` or `zk3` publishes.
    pub(crate) fn port(&self, n: u16) -> u16 {
        self.ports[usize::from(n) - 1]
    }

    pub(crate) fn servers(&self, servers: Servers) {
        self.world.lock().unwrap().servers = servers;
    }

    /// The containers are out of reach in their network.
    pub(crate) fn far(&self) {
        self.world.lock().unwrap().ip = "127.0.0.3";
    }

    /// The containers hold servers of their own, which the published ports do not lead to.
    pub(crate) fn other_servers_inside(&mut self) {
        for port in self.ports.clone() {
            self.listen(std::net::TcpListener::bind(("127.0.0.2", port)).unwrap(), Some(1_000_000));
        }
        self.world.lock().unwrap().ip = "127.0.0.2";
    }

    /// Two compose projects with the same services, of which one publishes our addresses, and a
    /// container of nobody's.
    pub(crate) fn with_a_demo() -> Self {
        let engine = Self::empty();
        engine.fill_a_demo();
        engine
    }

    pub(crate) fn fill_a_demo(&self) {
        for project in ["demo", "other"] {
            for n in 1..=3 {
                let port = if project == "demo" { self.port(n) } else { 12_180 + n };
                self.add_service(project, &format!("zk{n}"), Some(port));
            }
            self.add_service(project, "grafana", Some(3000));
        }
        self.add("lonely", &[], Some(self.port(1)));
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

impl World {
    /// What is said at a published port: `None` is silence, `Some(None)` closes at once.
    fn reply(&mut self, port: u16) -> Option<Option<String>> {
        let owner =
            self.containers.values().find(|container| !container.labels.is_empty() && container.port == Some(port));
        let status = owner.map_or("exited", |container| container.state["Status"].as_str().unwrap());
        let status = if self.servers == Servers::Strangers { "running" } else { status };
        match status {
            "running" => {
                self.received += 1;
                Some(Some(srvr(self.received)))
            }
            "paused" => None,
            _ => Some(None),
        }
    }
}

fn srvr(received: u64) -> String {
    format!(
        "Zookeeper version: 3.9.4-7, built on 2025\nLatency min/avg/max: 0/0.4/9\nReceived: {received}\nSent: 2\n\
         Connections: 12\nOutstanding: 0\nZxid: 0x700000f1c\nMode: follower\nNode count: 1204\n"
    )
}

async fn say(mut stream: TcpStream, reply: Option<Option<String>>) {
    let mut word = [0; 4];
    _ = stream.read_exact(&mut word).await;
    match reply {
        Some(Some(text)) => _ = stream.write_all(text.as_bytes()).await,
        Some(None) => {}
        None => std::future::pending().await,
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
            Some(container) => ok(&inspected(name, container, world.ip)),
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

fn inspected(name: &str, container: &Container, ip: &str) -> Value {
    let mut labels = container.labels.clone();
    if let Some(project) = &container.inspected_project {
        labels.insert("com.docker.compose.project".into(), project.clone());
    }
    // The same port inside, so that one listener plays both ends.
    let bound = container.port.map(|port| json!([{"HostIp": "127.0.0.1", "HostPort": port.to_string()}]));
    let inner = format!("{}/tcp", container.port.unwrap_or(2181));
    let ip = if container.state["Status"] == "exited" { "" } else { ip };
    json!({
        "Id": name,
        "Name": format!("/{name}"),
        "RestartCount": 3,
        "State": container.state,
        "Config": {"Image": "zookeeper:3.9.4", "Labels": labels},
        "HostConfig": {"PortBindings": {inner: bound}},
        "NetworkSettings": {"Networks": {"zk_net": {"IPAddress": ip}}},
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
