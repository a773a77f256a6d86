//! The same on a real engine: containers that do nothing but sleep, with a compose project's labels.
//! `scripts/test-stack` runs it.

use std::process::Command;
use std::time::Duration;

use zkdeck::adapters::control::ServerControl;
use zkdeck::adapters::control::docker::{DockerConfig, DockerControl};
use zkdeck::domain::command::ServerAction::{Pause, Restart, Resume, Start, Stop};
use zkdeck::domain::ids::NodeId;
use zkdeck::domain::server::{HostState, HostView};

/// Containers of this test; removed when dropped, with the volumes that their image made for each.
struct Made(Vec<String>);

impl Drop for Made {
    fn drop(&mut self) {
        _ = Command::new("docker").args(["rm", "-f", "-v"]).args(&self.0).output();
    }
}

fn docker(arguments: &[&str]) -> String {
    let out = Command::new("docker").args(arguments).output().unwrap();
    assert!(out.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// A container that says one line and sleeps; `image` has a shell.
fn run(made: &mut Made, image: &str, project: &str, service: &str, port: u16) {
    let labels = [
        format!("com.docker.compose.project={project}"),
        format!("com.docker.compose.service={service}"),
        "com.docker.compose.container-number=1".to_owned(),
    ];
    let published = format!("127.0.0.1:{port}:2181");
    let name = format!("{project}-{service}-1");
    let script = "trap 'exit 143' TERM; echo hello from inside; while :; do sleep 0.2; done";
    let mut arguments = vec!["run", "-d", "--name", &name, "-p", &published, "--entrypoint", "sh"];
    arguments.extend(labels.iter().flat_map(|label| ["--label", label]));
    arguments.extend([image, "-c", script]);
    made.0.push(name.clone());
    docker(&arguments);
}

async fn host(control: &DockerControl, node: &NodeId) -> HostView {
    control.hosts().await.into_iter().find(|(id, _)| id == node).unwrap().1.unwrap()
}

#[tokio::test]
#[ignore = "needs Docker and an image with a shell: scripts/test-stack runs it"]
async fn real_containers_are_controlled_and_others_left_alone() {
    let image = std::env::var("ZKDECK_TEST_IMAGE").unwrap_or_else(|_| "zookeeper:3.9.4".into());
    let host_of = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".into());
    let project = format!("zkdeck-test-{}", std::process::id());
    let first = crate::support::free_ports(2);
    let mut made = Made(Vec::new());
    run(&mut made, &image, &project, "zk1", first);
    run(&mut made, &image, &format!("{project}-other"), "zk1", first + 1);
    let (one, two) = (NodeId::new("zk1").unwrap(), NodeId::new("zk2").unwrap());
    let servers = vec![(one.clone(), format!("127.0.0.1:{first}")), (two.clone(), "127.0.0.1:1".into())];
    let control =
        DockerControl::new(DockerConfig { host: host_of, project: None, servers, limit: Duration::from_secs(5) });

    let view = host(&control, &one).await;
    assert_eq!((view.state, view.name), (HostState::Running, format!("container {project}-zk1-1")));
    let container = view.container.unwrap();
    assert!(container.image == image && container.since.is_some() && container.project == project, "{container:?}");
    assert_eq!(host(&control, &two).await.state, HostState::Missing);
    for (action, state) in [
        (Pause, HostState::Paused),
        (Resume, HostState::Running),
        (Restart, HostState::Running),
        (Pause, HostState::Paused),
        (Stop, HostState::Stopped),
        (Start, HostState::Running),
    ] {
        control.act(&one, action).await.unwrap();
        assert_eq!(host(&control, &one).await.state, state, "{action:?}");
    }
    docker(&["kill", &made.0[0]]);
    let view =
        super::engine::until(async || Some(host(&control, &one).await).filter(|v| v.state == HostState::Stopped));
    assert_eq!(view.await.detail.as_deref(), Some("exit code 137, killed by SIGKILL"));
    let output = control.output(&one, 5).await.unwrap();
    assert!(output.lines.iter().any(|line| line.text == "hello from inside" && line.time.is_some()), "{output:?}");
    let other = docker(&["inspect", "-f", "{{.State.Status}} {{.RestartCount}}", &made.0[1]]);
    assert_eq!(other, "running 0", "a container of another project was touched");

    let named = "{{range .Mounts}}{{.Name}} {{end}}";
    let volumes = docker(&["inspect", "-f", named, &made.0[0], &made.0[1]]);
    drop(made);
    for volume in volumes.split_whitespace() {
        let looked = Command::new("docker").args(["volume", "inspect", volume]).output().unwrap();
        assert!(!looked.status.success(), "the volume {volume} was left");
    }
}
