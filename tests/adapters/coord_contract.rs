//! The contract of `Coord` on three real servers; each case has a root of its own.

use crate::{contract, support};

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use zkdeck::adapters::control::process::{LocalConfig, LocalEnsemble};
use zkdeck::adapters::zookeeper::{Coord, Mode, RealCoord, ZkConfig, connect};
use zookeeper_client::Client;

struct Servers {
    hosts: Vec<String>,
}

impl Servers {
    fn config(&self, root: &str) -> ZkConfig {
        let (hosts, root) = (self.hosts.clone(), root.to_owned());
        ZkConfig { hosts, root, session_timeout: Duration::from_secs(4), ..ZkConfig::default() }
    }
}

#[async_trait]
impl contract::Bench for Servers {
    type Session = RealCoord;

    async fn connect(&self, root: &str) -> Arc<RealCoord> {
        Arc::new(connect(&self.config(root)).await.unwrap())
    }

    /// Another client takes the session over and ends it, as the servers do when it expires.
    async fn expire(&self, session: &RealCoord) {
        let taken = Client::connector().with_session(session.session().unwrap());
        drop(taken.connect(&self.hosts.join(",")).await.unwrap());
    }
}

#[tokio::test]
async fn real_servers_keep_the_contract() {
    let jars = support::jars();
    let folder = tempfile::tempdir().unwrap();
    let mut config = LocalConfig::new(folder.path().join("data/local"), folder.path().join("logs")).unwrap();
    config.search.zookeeper_home = None;
    config.search.jars = Some(jars);
    config.program = env!("CARGO_BIN_EXE_zkdeck").into();
    for node in &mut config.nodes {
        let first = support::free_ports(4);
        [node.client_port, node.metrics_port, node.quorum_port, node.election_port] = [0, 1, 2, 3].map(|n| first + n);
    }
    let hosts = config.nodes.iter().map(|node| format!("127.0.0.1:{}", node.client_port)).collect();
    let ensemble = LocalEnsemble::open(config).unwrap();
    ensemble.start().await.unwrap();
    let servers = Servers { hosts };
    let first = support::eventually("a quorum", Duration::from_secs(90), || async {
        connect(&servers.config("/contract")).await.ok()
    });
    let first = first.await;
    first.create("/contract", b"", Mode::Persistent).await.unwrap();
    for (name, run) in contract::cases::<Servers>() {
        let root = format!("/contract/{name}");
        first.create(&root, b"", Mode::Persistent).await.unwrap();
        println!("{name}");
        run(&servers, &root).await;
    }
    first.close().await;
    ensemble.stop().await;
}
