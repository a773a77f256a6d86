//! What the checks look at: the settings, and what was asked for on the command line.

use crate::cli::compose::{self, ServerAddresses};
use crate::cli::flags::Flags;
use crate::cli::surroundings;
use crate::config::Config;

pub(super) struct Site {
    pub(super) config: Config,
    /// `--local`: the servers are to be children of zkdeck; else they run in Docker or elsewhere.
    pub(super) local: bool,
    pub(super) servers: Vec<ServerAddresses>,
    /// Somebody named the servers; else they are those of the stack in Docker.
    pub(super) named: bool,
    /// doctor runs in a container: 127.0.0.1 is the container itself.
    pub(super) container: bool,
}

impl Site {
    /// A local ensemble that runs in this folder is what is looked at, unless somebody names servers: what its
    /// zkdeck tells to type is typed without `--local`.
    pub(super) fn new(flags: &Flags, config: Config) -> anyhow::Result<Self> {
        let named = compose::names_servers(flags, &config);
        let local = compose::is_of_local(flags, &config);
        let servers = compose::servers(local, &config)?;
        Ok(Self { servers, named, local, container: surroundings::in_container(), config })
    }

    /// Where a service of the stack answers. In a container that is seldom 127.0.0.1, which is the container
    /// itself, but its name in the stack's network; `None` when there is neither.
    pub(super) async fn reach(&self, url: &str, service: &str) -> Option<String> {
        let url = url.trim_end_matches('/');
        if !self.container {
            return Some(url.to_owned());
        }
        let (scheme, address) = url.split_once("://").unwrap_or(("http", url));
        let Some((_, port)) = address.rsplit_once(':').filter(|(host, _)| is_loopback(host)) else {
            return Some(url.to_owned());
        };
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return Some(url.to_owned());
        }
        let named = format!("{service}:{port}");
        tokio::net::lookup_host(&named).await.ok()?.next()?;
        Some(format!("{scheme}://{named}"))
    }

    /// The one that logs are searched in, else the stack's.
    pub(super) fn elasticsearch(&self) -> &str {
        let searched = self.config.elastic.url.as_str();
        if searched.is_empty() { &self.config.doctor.elasticsearch } else { searched }
    }

    /// The one that charts ask, else the stack's.
    pub(super) fn prometheus(&self) -> &str {
        let asked = self.config.prometheus.url.as_str();
        if asked.is_empty() { &self.config.doctor.prometheus } else { asked }
    }
}

/// Whether a host's name or address means this machine, or this container.
pub(super) fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// Runs what may block (a disk, `/proc`) off the loop, so that a hanging share holds up its own check only.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;
    use crate::cli::args::Args;

    /// A place with the default settings.
    pub(in crate::cli::doctor) fn place() -> Site {
        let config = crate::config::load(Path::new("/nonexistent"), false, |_| None, Vec::new()).unwrap();
        Site { container: false, ..Site::new(&Args::read(["zkdeck".into()]).unwrap().flags, config).unwrap() }
    }

    #[tokio::test]
    async fn in_a_container_a_service_is_asked_by_its_name() {
        let place = |container| Site { container, ..place() };
        let at_home = place(false).reach("http://127.0.0.1:9090/", "prometheus").await;
        assert_eq!(at_home.as_deref(), Some("http://127.0.0.1:9090"));
        let named = place(true).reach("http://prometheus.example:9090", "prometheus").await;
        assert_eq!(named.as_deref(), Some("http://prometheus.example:9090"), "it was set");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let taken = format!("http://{}", listener.local_addr().unwrap());
        let inside = place(true).reach(&taken, "localhost").await;
        assert_eq!(inside, Some(taken.clone()), "something answers in the container itself");
        drop(listener);
        assert_eq!(place(true).reach(&taken, &"x".repeat(300)).await, None);
        // The one name that every machine resolves.
        let named = place(true).reach(&taken, "localhost").await;
        assert_eq!(named, Some(taken.replace("127.0.0.1", "localhost")));
    }
}
