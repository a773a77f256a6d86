//! Control of containers against an engine that the test plays on a unix socket: what is asked of it,
//! what each failure says, and that nothing but the ensemble's containers is touched.
#![expect(clippy::disallowed_methods, reason = "the engine that is played runs beside the test")]

mod engine;
mod real;

use std::time::Duration;

use serde_json::json;
use zkdeck::adapters::control::docker::{DockerConfig, DockerControl};
use zkdeck::adapters::control::{ControlError, ServerControl};
use zkdeck::domain::command::ServerAction::{self, Pause, Restart, Resume, Start, Stop};
use zkdeck::domain::ids::NodeId;
use zkdeck::domain::server::{HostState, HostView};
use zkdeck::domain::snapshot::ControlView;

use engine::{Engine, Mood, Servers};

fn node(n: u16) -> NodeId {
    NodeId::new(&format!("zk{n}")).unwrap()
}

/// An engine that cannot be asked: the addresses do not matter.
fn config(host: String) -> DockerConfig {
    let servers = (1..=3).map(|n| (node(n), format!("127.0.0.1:{n}"))).collect();
    DockerConfig { host, project: None, servers, limit: Duration::from_secs(20) }
}

fn config_of(engine: &Engine) -> DockerConfig {
    let servers = (1..=3).map(|n| (node(n), format!("127.0.0.1:{}", engine.port(n)))).collect();
    DockerConfig { servers, ..config(engine.host()) }
}

fn control(engine: &Engine) -> DockerControl {
    DockerControl::new(config_of(engine))
}

async fn off(control: &DockerControl) -> String {
    assert!(control.hosts().await.iter().all(|(_, view)| view.is_none()), "a state was made up");
    match control.kind() {
        ControlView::Off(cause) => cause,
        kind => panic!("{kind:?}"),
    }
}

async fn host(control: &DockerControl, n: u16) -> HostView {
    control.hosts().await.into_iter().find(|(id, _)| *id == node(n)).unwrap().1.unwrap()
}

async fn refused(control: &DockerControl, n: u16, action: ServerAction) -> String {
    control.act(&node(n), action).await.unwrap_err().to_string()
}

#[tokio::test]
async fn only_the_ensembles_containers_are_seen_and_touched() {
    let engine = Engine::with_a_demo();
    let control = control(&engine);
    let hosts = control.hosts().await;
    assert_eq!(control.kind(), ControlView::Docker);
    let names: Vec<_> = hosts.iter().map(|(_, view)| view.as_ref().unwrap().name.clone()).collect();
    assert_eq!(names, ["container demo-zk1-1", "container demo-zk2-1", "container demo-zk3-1"]);
    for (action, state) in [
        (Pause, HostState::Paused),
        (Resume, HostState::Running),
        (Stop, HostState::Stopped),
        (Start, HostState::Running),
        (Restart, HostState::Running),
    ] {
        control.act(&node(2), action).await.unwrap();
        assert_eq!(host(&control, 2).await.state, state, "{action:?}");
    }
    let grafana = NodeId::new("grafana").unwrap();
    let error = control.act(&grafana, Stop).await.unwrap_err();
    assert!(matches!(&error, ControlError::UnknownNode { known, .. } if known == "zk1, zk2, zk3"), "{error}");
    let touched = engine.touched();
    assert_eq!(touched.len(), 5, "{touched:?}");
    assert!(touched.iter().all(|path| path.starts_with("/containers/demo-zk2-1")), "{touched:?}");
    let asked = engine.asked();
    let allowed = ["GET /version", "GET /containers/json", "GET /containers/", "POST /containers/demo-zk2-1"];
    assert!(asked.iter().all(|line| allowed.iter().any(|known| line.starts_with(known))), "{asked:?}");
    let lists = asked.iter().filter(|line| line.starts_with("GET /containers/json"));
    assert!(lists.clone().count() > 0 && lists.clone().all(|line| line.contains("label")), "{asked:?}");
}

#[tokio::test]
async fn a_container_that_was_replaced_by_another_projects_is_left_alone() {
    let engine = Engine::with_a_demo();
    let control = control(&engine);
    assert_eq!(host(&control, 1).await.state, HostState::Running);
    // The list still names it; the container itself says whose it is.
    engine.relabel_inspected("demo-zk1-1", "another");
    let error = refused(&control, 1, Stop).await;
    assert_eq!(error, "stop zk1: zk1 has no container in the compose project demo: docker compose up -d zk1");
    assert_eq!(engine.touched(), Vec::<String>::new());
}

/// Nothing was done to any container, and control says why it is off.
async fn left_alone(engine: &Engine, words: &[&str]) {
    let control = control(engine);
    let cause = off(&control).await;
    assert!(words.iter().all(|part| cause.contains(part)), "{cause}");
    for action in [Pause, Resume, Stop, Start, Restart] {
        let refused = refused(&control, 1, action).await;
        assert!(refused.contains("zk1") && words.iter().any(|part| refused.contains(part)), "{refused}");
    }
    let output = control.output(&node(1), 5).await.unwrap_err().to_string();
    assert!(words.iter().any(|part| output.contains(part)), "{output}");
    assert_eq!(engine.touched(), Vec::<String>::new());
}

#[tokio::test]
async fn containers_that_hold_other_servers_are_left_alone() {
    let mut engine = Engine::with_a_demo();
    engine.other_servers_inside();
    left_alone(&engine, &["container demo-zk1-1 is not zk1: another server than the container's answers there"]).await;
}

#[tokio::test]
async fn a_stopped_or_paused_stack_beside_servers_that_run_is_left_alone() {
    let engine = Engine::with_a_demo();
    engine.servers(Servers::Strangers);
    for (status, word) in [("exited", "does not run"), ("paused", "is paused")] {
        for n in 1..=3 {
            engine.set(&format!("demo-zk{n}-1"), json!({"Status": status, "ExitCode": 0}));
        }
        left_alone(&engine, &["a server answers there while the container", word]).await;
    }
}

#[tokio::test]
async fn a_stack_of_another_machine_is_left_alone_until_it_is_named() {
    let engine = Engine::with_a_demo();
    engine.servers(Servers::Strangers);
    engine.far();
    left_alone(&engine, &["container demo-zk1-1 is not proved to be zk1", "ZKDECK_DOCKER_PROJECT"]).await;
    let named = DockerControl::new(DockerConfig { project: Some("demo".into()), ..config_of(&engine) });
    assert_eq!(host(&named, 1).await.state, HostState::Running);
}

#[tokio::test]
async fn a_stopped_server_is_known_by_those_beside_it() {
    let engine = Engine::with_a_demo();
    engine.set("demo-zk2-1", json!({"Status": "exited", "ExitCode": 143}));
    let stopped = control(&engine);
    stopped.act(&node(2), Start).await.unwrap();
    assert_eq!(engine.touched(), ["/containers/demo-zk2-1/start"]);
    stopped.hosts().await;
    // All of them stopped, and no proof from before.
    for n in 1..=3 {
        engine.set(&format!("demo-zk{n}-1"), json!({"Status": "exited", "ExitCode": 143}));
    }
    assert!(off(&control(&engine)).await.contains("is not proved to be zk1"));
    stopped.act(&node(1), Start).await.unwrap();
}

#[tokio::test]
async fn a_server_without_a_container_says_what_makes_one() {
    let engine = Engine::with_a_demo();
    engine.remove("demo-zk3-1");
    let control = control(&engine);
    let view = host(&control, 3).await;
    assert_eq!(view.state, HostState::Missing);
    assert!(view.detail.unwrap().ends_with("docker compose up -d zk3"));
    assert!(refused(&control, 3, Start).await.contains("docker compose up -d zk3"));
}

#[tokio::test]
async fn what_is_so_already_or_cannot_be_is_refused_in_words() {
    let engine = Engine::with_a_demo();
    let control = control(&engine);
    assert_eq!(refused(&control, 1, Start).await, "start zk1: it runs already");
    assert_eq!(refused(&control, 1, Resume).await, "resume zk1: it is not paused");
    engine.set("demo-zk1-1", json!({"Status": "paused", "Paused": true}));
    assert_eq!(refused(&control, 1, Start).await, "start zk1: it is paused: resume it instead");
    engine.set("demo-zk1-1", json!({"Status": "exited", "ExitCode": 1}));
    assert_eq!(refused(&control, 1, Pause).await, "pause zk1: it does not run: start it first");
    assert_eq!(engine.touched(), Vec::<String>::new());
}

#[tokio::test]
async fn a_container_that_ends_at_once_is_told_with_its_exit_code() {
    let engine = Engine::with_a_demo();
    engine.set("demo-zk1-1", json!({"Status": "exited", "ExitCode": 0}));
    engine.mood(Mood::StartsFail);
    let error = refused(&control(&engine), 1, Start).await;
    assert_eq!(error, "start zk1: it ended at once: exit code 1");
}

#[tokio::test]
async fn states_explain_themselves() {
    let engine = Engine::with_a_demo();
    engine.set("demo-zk1-1", json!({"Status": "exited", "ExitCode": 137, "OOMKilled": true}));
    engine.set("demo-zk2-1", json!({"Status": "restarting", "ExitCode": 1, "Restarting": true}));
    let control = control(&engine);
    let (one, two) = (host(&control, 1).await, host(&control, 2).await);
    assert_eq!(one.state, HostState::Stopped);
    assert!(one.detail.unwrap().contains("OOMKilled"));
    assert_eq!(two.state, HostState::Starting);
    assert!(two.detail.unwrap().starts_with("restarts after exit code 1"));
    let container = two.container.unwrap();
    assert_eq!((container.image.as_str(), container.project.as_str()), ("zookeeper:3.9.4", "demo"));
}

#[tokio::test]
async fn each_failure_has_its_own_sentence_and_next_step() {
    let engine = Engine::with_a_demo();
    for (mood, words) in [
        (Mood::Hangs, ["did not answer to its version within 0.5 s", "restart docker"]),
        (Mood::Old, ["Docker's API is 1.24", "update Docker"]),
        (Mood::Html, ["not as Docker does", "check DOCKER_HOST"]),
        (Mood::Denies, ["a proxy before the socket does not let it through", "refuses"]),
        (Mood::Fails, ["server error, status 500", "journalctl -u docker"]),
    ] {
        engine.mood(mood);
        let fresh = || {
            let limit = if mood == Mood::Hangs { Duration::from_millis(500) } else { Duration::from_secs(20) };
            DockerControl::new(DockerConfig { limit, ..config_of(&engine) })
        };
        let cause = off(&fresh()).await;
        assert!(words.iter().all(|part| cause.contains(part)), "{mood:?}: {cause}");
        let acted = refused(&fresh(), 1, Stop).await;
        assert!(acted.starts_with("stop zk1: ") && acted.contains(words[0]), "{mood:?}: {acted}");
    }
}

#[tokio::test]
async fn sockets_that_cannot_be_used_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("unix://{}", folder.path().join(name).display());
    let missing = off(&DockerControl::new(config(at("none.sock")))).await;
    assert!(missing.contains("there is no Docker socket at") && missing.contains("start Docker"), "{missing}");
    // A socket that nobody listens on any more.
    drop(std::os::unix::net::UnixListener::bind(folder.path().join("dead.sock")).unwrap());
    let dead = off(&DockerControl::new(config(at("dead.sock")))).await;
    assert!(dead.contains("nothing listens on the Docker socket"), "{dead}");
    let tcp = off(&DockerControl::new(config("tcp://127.0.0.1:2375".into()))).await;
    assert!(tcp.contains("by a unix socket only"), "{tcp}");
}

/// Asks as a user without rights; root may do all, so that its test gives them up in a child.
#[tokio::test]
async fn a_socket_of_others_says_how_to_get_in() {
    use std::os::unix::fs::PermissionsExt;
    let engine = Engine::with_a_demo();
    let folder = engine.folder();
    if !rustix::process::geteuid().is_root() {
        std::fs::set_permissions(folder.join("docker.sock"), std::fs::Permissions::from_mode(0o000)).unwrap();
        let denied = off(&control(&engine)).await;
        assert!(denied.contains("may not use the Docker socket") && denied.contains("usermod -aG docker"), "{denied}");
        return;
    }
    for path in [folder.to_owned(), folder.join("docker.sock")] {
        let mode = if path.is_dir() { 0o755 } else { 0o600 };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let copy = engine::readable_copy(env!("CARGO_BIN_EXE_zkdeck"));
    let mut doctor = std::process::Command::new(copy.path().join("zkdeck"));
    std::os::unix::process::CommandExt::uid(&mut doctor, 65_534);
    let out = doctor.args(["doctor", "--json"]).env("DOCKER_HOST", engine.host()).current_dir("/").output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(text.contains("may not use the Docker socket"), "{text} {}", String::from_utf8_lossy(&out.stderr));
}

#[tokio::test]
async fn docker_may_come_later_and_go_again() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let first = Engine::at(&socket);
    let config = config_of(&first);
    drop(first);
    std::fs::remove_file(&socket).unwrap();
    let control = DockerControl::new(DockerConfig { project: Some("demo".into()), ..config });
    assert!(off(&control).await.contains("there is no Docker socket"));
    let engine = Engine::at(&socket);
    engine.fill_a_demo();
    let came = engine::eventually(async || {
        control.hosts().await;
        control.kind() == ControlView::Docker
    });
    came.await;
    drop(engine);
    std::fs::remove_file(&socket).unwrap();
    assert!(off(&control).await.contains("there is no Docker socket"));
}

#[tokio::test]
async fn the_named_project_is_taken_and_no_other() {
    let engine = Engine::with_a_demo();
    let named = |name: &str| DockerControl::new(DockerConfig { project: Some(name.into()), ..config_of(&engine) });
    let other = named("other");
    assert_eq!(host(&other, 1).await.name, "container other-zk1-1");
    let cause = off(&named("nobody")).await;
    assert!(cause.contains("the compose project nobody has no service of zk1, zk2, zk3"), "{cause}");
}

#[tokio::test]
async fn containers_with_our_own_label_need_no_compose_file() {
    let engine = Engine::empty();
    for n in 1..=3 {
        engine.add(&format!("mine{n}"), &[("zkdeck.node", &format!("zk{n}"))], Some(engine.port(n)));
    }
    engine.add("stranger", &[("zkdeck.node", "zk9")], None);
    let control = control(&engine);
    assert_eq!(host(&control, 3).await.name, "container mine3");
    control.act(&node(1), Pause).await.unwrap();
    assert_eq!(engine.touched(), ["/containers/mine1/pause"]);
}

#[tokio::test]
async fn without_a_project_of_ours_it_says_what_to_type() {
    let engine = Engine::empty();
    engine.add("web-1", &[("com.docker.compose.project", "web"), ("com.docker.compose.service", "web")], Some(80));
    let cause = off(&control(&engine)).await;
    assert!(cause.starts_with("no compose project has a service named after a server (zk1, zk2, zk3)"), "{cause}");
    assert!(cause.contains("docker compose up -d") && cause.contains("ZKDECK_DOCKER_PROJECT"), "{cause}");
}

#[tokio::test]
async fn logs_are_the_last_lines_and_bounded() {
    let engine = Engine::with_a_demo();
    let control = control(&engine);
    host(&control, 1).await;
    let output = control.output(&node(1), 2).await.unwrap();
    assert_eq!(output.container, "container demo-zk1-1");
    let told: Vec<_> = output.lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(told, ["out: first", "err: second"]);
    assert_eq!(output.lines[0].time.as_deref(), Some("2026-11-23T14:01:58.112"));
    assert!(engine.asked().iter().any(|line| line.contains("/logs?") && line.contains("tail=2")));
    engine.mood(Mood::EndlessLogs);
    let endless = control.output(&node(1), 2).await;
    let bytes = endless.map(|output| output.lines.iter().map(|line| line.text.len()).sum::<usize>());
    assert!(bytes.as_ref().is_ok_and(|bytes| *bytes < 4 << 20), "{bytes:?}");
}
