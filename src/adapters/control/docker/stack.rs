//! The compose stack of a folder, as far as it runs and publishes ports to this machine.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};

use super::engine::DockerEngine;
use super::find::PROJECT;
use super::socket;

const SERVICE: &str = "com.docker.compose.service";
const FOLDER: &str = "com.docker.compose.project.working_dir";

/// What runs of a compose project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    pub project: String,
    /// Services that run.
    pub services: Vec<String>,
    /// Ports that lead there from 127.0.0.1, each with its service and the port inside.
    pub published: BTreeMap<u16, (String, u16)>,
}

impl Stack {
    /// The port of 127.0.0.1 that leads to `inner` of `service`.
    #[must_use]
    pub fn port(&self, service: &str, inner: u16) -> Option<u16> {
        let leads = |(name, port): &(String, u16)| name == service && *port == inner;
        self.published.iter().find(|(_, to)| leads(to)).map(|(port, _)| *port)
    }
}

/// The project whose compose file lies in `folder` and that runs now. `None` too when the engine at
/// `host` cannot be asked within `limit`: that is no error to who only wants to know.
pub async fn of_folder(host: &str, folder: &Path, limit: Duration) -> Option<Stack> {
    let folder = std::fs::canonicalize(folder).ok()?;
    let look = async {
        let engine = DockerEngine::connect(&socket(host).ok()?, limit).await.ok()?;
        engine.list(PROJECT).await.ok()
    };
    let list = tokio::time::timeout(limit, look).await.ok()??;
    stack(&list, &folder)
}

fn stack(list: &[ContainerSummary], folder: &Path) -> Option<Stack> {
    let mut found = Stack::default();
    for container in list.iter().filter(|one| one.state == Some(ContainerSummaryStateEnum::RUNNING)) {
        let label = |name: &str| container.labels.as_ref().and_then(|labels| labels.get(name).cloned());
        let (Some(project), Some(service), Some(of)) = (label(PROJECT), label(SERVICE), label(FOLDER)) else {
            continue;
        };
        if Path::new(&of) != folder {
            continue;
        }
        for port in container.ports.iter().flatten() {
            let here = port.ip.as_deref().and_then(|ip| ip.parse::<IpAddr>().ok());
            let leads = here.is_none_or(|ip| ip.is_loopback() || ip.is_unspecified());
            if let (true, Some(public)) = (leads, port.public_port) {
                found.published.insert(public, (service.clone(), port.private_port));
            }
        }
        found.project = project;
        found.services.push(service);
    }
    (!found.services.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<ContainerSummary> {
        serde_json::from_str(text).unwrap()
    }

    fn one(service: &str, folder: &str, state: &str, ports: &str) -> String {
        format!(
            r#"{{"Id": "{service}", "State": "{state}", "Ports": {ports}, "Labels": {{
                "com.docker.compose.project": "demo", "com.docker.compose.service": "{service}",
                "com.docker.compose.project.working_dir": "{folder}"}}}}"#
        )
    }

    #[test]
    fn what_runs_of_the_folders_project_is_its_stack() {
        let zk1 = one(
            "zk1",
            "/srv/demo",
            "running",
            r#"[{"IP": "127.0.0.1", "PrivatePort": 2181, "PublicPort": 2181, "Type": "tcp"}, {"PrivatePort": 2888, "Type": "tcp"}]"#,
        );
        let search = one(
            "elasticsearch",
            "/srv/demo",
            "running",
            r#"[{"IP": "::", "PrivatePort": 9200, "PublicPort": 19200, "Type": "tcp"}]"#,
        );
        let far = one(
            "grafana",
            "/srv/demo",
            "running",
            r#"[{"IP": "10.0.0.1", "PrivatePort": 3000, "PublicPort": 3000, "Type": "tcp"}]"#,
        );
        let ended = one("zk2", "/srv/demo", "exited", "[]");
        let other = one("zk3", "/srv/other", "running", "[]");
        let all = list(&format!("[{zk1}, {search}, {far}, {ended}, {other}]"));
        let stack = stack(&all, Path::new("/srv/demo")).unwrap();
        assert_eq!(stack.project, "demo");
        assert_eq!(stack.services, ["zk1", "elasticsearch", "grafana"]);
        assert_eq!((stack.port("zk1", 2181), stack.port("elasticsearch", 9200)), (Some(2181), Some(19_200)));
        assert_eq!((stack.port("zk1", 2888), stack.port("grafana", 3000)), (None, None));
        assert_eq!(super::stack(&all, Path::new("/srv")), None);
    }
}
