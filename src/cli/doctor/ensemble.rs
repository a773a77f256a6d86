//! The ensemble: which servers answer, whether there is a quorum, and what their version means.

use futures_util::future::join_all;

use super::finding::Finding;
use super::place::Place;
use crate::adapters::probe::{ProbeConfig, Prober};
use crate::domain::ensemble::Quorum;
use crate::domain::server::{Reach, Role, Sample};
use crate::engine::clock;

const NAME: &str = "ensemble";
/// ZOOKEEPER-4925.
const LOSES_DATA: &str = "3.9.3";

pub(super) async fn check(place: &Place) -> Vec<Finding> {
    let prober = match Prober::new(ProbeConfig::default()) {
        Ok(prober) => prober,
        Err(error) => {
            return vec![Finding::fail(NAME, error.to_string(), "the machine gives no sockets: see ulimit -n")];
        }
    };
    let targets: Vec<_> = place.servers.iter().map(|server| server.target()).collect();
    let samples = join_all(targets.iter().map(|target| prober.sample(target, clock::now))).await;
    judge(&samples, &targets.iter().map(|target| target.client.as_str()).collect::<Vec<_>>(), place.local)
}

fn judge(samples: &[Sample], addresses: &[&str], local: bool) -> Vec<Finding> {
    let start = if local { "start zkdeck --local" } else { "docker compose up -d, or name your servers with --zk" };
    let serves = |sample: &&Sample| sample.srvr.as_ref().is_some_and(|srvr| !srvr.not_serving && srvr.role.is_some());
    let observes = |sample: &&Sample| sample.srvr.as_ref().is_some_and(|srvr| srvr.role == Some(Role::Observer));
    let quorum = Quorum {
        voters: samples.iter().filter(|sample| !observes(sample)).count(),
        serving: samples.iter().filter(|sample| serves(sample) && !observes(sample)).count(),
    };
    let count = format!("{} of {} servers serve", quorum.serving, quorum.voters);
    let none = samples.iter().all(|sample| matches!(sample.reach, Reach::Unreachable(_)));
    let mut findings = vec![if none && local {
        Finding::warn(NAME, "no server runs".to_owned(), start)
    } else if !quorum.holds() {
        Finding::fail(NAME, format!("{count}, which is no quorum: writes wait"), start)
    } else if quorum.serving < quorum.voters {
        Finding::warn(NAME, count, "start the missing server: p on it in the console")
    } else {
        Finding::ok(NAME, count)
    }];
    for (sample, address) in samples.iter().zip(addresses) {
        findings.extend(one(sample, address).filter(|_| !none));
    }
    findings
}

fn one(sample: &Sample, address: &str) -> Option<Finding> {
    let node = &sample.node;
    match (&sample.reach, &sample.srvr) {
        (Reach::Unreachable(cause), _) => Some(Finding::warn(
            NAME,
            format!("{node} at {address}: {cause}"),
            format!("start {node}, or correct its address"),
        )),
        (Reach::Silent, _) => Some(Finding::warn(
            NAME,
            format!("{node} at {address} takes connections and does not answer: it is frozen"),
            format!("resume it: p on it in the console, docker compose unpause {node}, or kill -CONT"),
        )),
        (Reach::Garbled(text), _) => Some(Finding::fail(
            NAME,
            format!("what listens at {address} is no ZooKeeper: {text}"),
            "correct the address, or end what has the port",
        )),
        (Reach::Answered, Some(srvr)) if srvr.not_serving => Some(Finding::warn(
            NAME,
            format!("{node} at {address} answers that it serves no requests: no quorum, or still syncing"),
            "start the other servers",
        )),
        (Reach::Answered, Some(srvr)) => {
            let version = srvr.version.as_deref().unwrap_or("-");
            (version.split('-').next() == Some(LOSES_DATA)).then(|| {
                let message = format!("{node} runs ZooKeeper {LOSES_DATA}, which can lose data (ZOOKEEPER-4925)");
                Finding::fail(NAME, message, "update it to 3.9.4 or newer")
            })
        }
        (Reach::Answered, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Status;
    use crate::domain::fixtures::{NOW, node_id};
    use crate::domain::server::Srvr;

    fn sample(n: u8, reach: Reach, version: &str) -> Sample {
        let srvr = (reach == Reach::Answered).then(|| Srvr {
            version: Some(version.into()),
            role: Some(Role::Follower),
            ..Srvr::default()
        });
        let node = node_id(&format!("zk{n}"));
        Sample {
            node,
            taken_at: NOW,
            reach,
            reply_ms: None,
            srvr,
            metrics: None,
            metrics_source: None,
            metrics_missing: None,
        }
    }

    fn told(samples: &[Sample]) -> Vec<(Status, String)> {
        let found = judge(samples, &["a:1", "b:2", "c:3"], false);
        found.into_iter().map(|finding| (finding.status, finding.message)).collect()
    }

    #[test]
    fn the_quorum_decides_and_each_server_tells_its_cause() {
        let down = || Reach::Unreachable("connection refused".into());
        let up = |n| sample(n, Reach::Answered, "3.9.4-7246");
        assert_eq!(told(&[up(1), up(2), up(3)]), [(Status::Ok, "3 of 3 servers serve".to_owned())]);
        assert_eq!(
            told(&[up(1), up(2), sample(3, Reach::Silent, "")]),
            [
                (Status::Warn, "2 of 3 servers serve".to_owned()),
                (Status::Warn, "zk3 at c:3 takes connections and does not answer: it is frozen".to_owned()),
            ]
        );
        assert_eq!(told(&[up(1), sample(2, down(), ""), sample(3, down(), "")])[0].0, Status::Fail);
    }

    #[test]
    fn the_version_that_loses_data_fails() {
        let up = |n, version| sample(n, Reach::Answered, version);
        let found = told(&[up(1, "3.9.3-c26634f"), up(2, "3.9.4"), up(3, "3.9.30")]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].0 == Status::Fail && found[1].1.starts_with("zk1 runs ZooKeeper 3.9.3"), "{found:?}");
    }
}
