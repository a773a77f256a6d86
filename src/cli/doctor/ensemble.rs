//! The ensemble: which servers answer, whether there is a quorum, and what their version means.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;

use super::finding::Finding;
use super::place::{Site, blocking, is_loopback};
use crate::adapters::control::process::{Alive, keeper_of, recorded_servers, taken_port};
use crate::adapters::probe::{Probe, ProbeConfig, Prober};
use crate::domain::ensemble::Quorum;
use crate::domain::health::START_LIMIT;
use crate::domain::ids::NodeId;
use crate::domain::server::{Reach, Role, Sample};
use crate::engine::clock;

const NAME: &str = "ensemble";
/// ZOOKEEPER-4925.
const LOSES_DATA: &str = "3.9.3";

pub(super) async fn check(place: &Site) -> Vec<Finding> {
    let prober = match Prober::new(ProbeConfig::default()) {
        Ok(prober) => prober,
        Err(error) => {
            return vec![Finding::fail(NAME, error.to_string(), "the machine gives no sockets: see ulimit -n")];
        }
    };
    let targets: Vec<_> = place.servers.iter().map(|server| server.target()).collect();
    let samples = join_all(targets.iter().map(|target| prober.sample(target, clock::now))).await;
    let around = around(place, &samples).await;
    judge(&samples, &targets.iter().map(|target| target.client.as_str()).collect::<Vec<_>>(), &around)
}

/// What is known beside the servers' answers.
#[derive(Default)]
struct Around {
    local: bool,
    named: bool,
    /// The processes of servers that do not serve, as far as they can be seen.
    processes: BTreeMap<NodeId, Alive>,
    /// The zkdeck that keeps the local ensemble.
    keeper: Option<Alive>,
}

impl Around {
    fn starts(alive: &Alive) -> bool {
        alive.age.is_some_and(|age| age < Duration::from_millis(START_LIMIT.0)) && !alive.paused
    }

    /// Of `--local`: what was started a moment ago does not serve yet.
    fn is_starting(&self, node: &NodeId) -> bool {
        self.local && self.processes.get(node).is_some_and(Self::starts)
    }

    /// The local ensemble is on its way, its servers' processes or their keeper.
    fn starting(&self) -> bool {
        self.local && (self.processes.values().any(Self::starts) || self.keeper.as_ref().is_some_and(Self::starts))
    }

    fn start(&self) -> String {
        match (self.local, &self.keeper, self.named) {
            (true, Some(keeper), _) => {
                format!("the zkdeck that keeps them (process {}) tells why: the Health pane of its console", keeper.pid)
            }
            (true, None, _) => "start zkdeck --local".into(),
            (false, _, true) => "start a majority of them, or correct their addresses: --zk, ensemble.servers".into(),
            (false, _, false) => "docker compose up -d, or name your servers with --zk".into(),
        }
    }
}

async fn around(place: &Site, samples: &[Sample]) -> Around {
    let (local, named) = (place.local, place.named);
    let root = place.config.paths.data.join("local");
    let nodes: Vec<NodeId> = place.servers.iter().map(|server| server.node.clone()).collect();
    // Elsewhere than on this machine no process is seen; Docker's has the port in place of the server.
    let here = |address: &str| address.rsplit_once(':').filter(|(host, _)| is_loopback(host))?.1.parse::<u16>().ok();
    let silent = samples.iter().zip(&place.servers).filter(|(sample, _)| sample.reach == Reach::Silent);
    let silent: Vec<_> =
        silent.filter_map(|(sample, server)| Some((sample.node.clone(), here(&server.client)?))).collect();
    let looked = blocking(move || {
        if local {
            return (recorded_servers(&root, &nodes).into_iter().collect(), keeper_of(&root));
        }
        let process = |(node, port)| {
            let (pid, command) = taken_port(port, String::new())?.owner?;
            Some((node, Alive::of(pid).filter(|_| !command.contains("docker"))?))
        };
        (silent.into_iter().filter_map(process).collect(), None)
    });
    let (processes, keeper) = looked.await.unwrap_or_default();
    Around { local, named, processes, keeper }
}

fn judge(samples: &[Sample], addresses: &[&str], around: &Around) -> Vec<Finding> {
    let (local, start) = (around.local, around.start());
    let serves = |sample: &&Sample| sample.srvr.as_ref().is_some_and(|srvr| !srvr.not_serving && srvr.role.is_some());
    let leads = |sample: &Sample| {
        let role = sample.srvr.as_ref().and_then(|srvr| srvr.role);
        matches!(role, Some(Role::Leader | Role::Standalone))
    };
    let observes = |sample: &&Sample| sample.srvr.as_ref().is_some_and(|srvr| srvr.role == Some(Role::Observer));
    let quorum = Quorum {
        voters: samples.iter().filter(|sample| !observes(sample)).count(),
        serving: samples.iter().filter(|sample| serves(sample) && !observes(sample)).count(),
    };
    let count = format!("{} of {} servers serve", quorum.serving, quorum.voters);
    let denied = samples.iter().filter(|sample| sample.reach == Reach::Denied).count();
    let at_best = Quorum { serving: quorum.serving + denied, ..quorum };
    let none = samples.iter().all(|sample| matches!(sample.reach, Reach::Unreachable(_)));
    let mut findings = vec![if quorum.serving < quorum.voters && around.starting() {
        Finding::warn(NAME, format!("the local ensemble is starting: {count}"), "wait some seconds, and ask again")
    } else if none && local {
        Finding::warn(NAME, "no server runs".to_owned(), start)
    } else if denied > 0 && at_best.holds() {
        let message = format!("{count}, and {denied} may not tell whether they do");
        Finding::warn(NAME, message, "let them tell, as below; the console's canary shows whether writes go through")
    } else if !quorum.holds() {
        Finding::fail(NAME, format!("{count}, which is no quorum: writes wait"), start)
    } else if quorum.serving < quorum.voters && !samples.iter().any(leads) {
        let message = format!("{count}, and none of them is seen to lead: without a leader writes wait");
        Finding::warn(
            NAME,
            message,
            "another is elected within 5 to 15 s: ask again; if it stays so, see what is told below",
        )
    } else if quorum.serving < quorum.voters {
        Finding::warn(NAME, count, "bring the missing server back: p on it in the console resumes or starts it")
    } else {
        Finding::ok(NAME, count)
    }];
    for (sample, address) in samples.iter().zip(addresses) {
        let starting = around.is_starting(&sample.node) && !serves(&sample);
        findings.extend(one(sample, address, around).filter(|_| !none && !starting));
    }
    findings
}

fn one(sample: &Sample, address: &str, around: &Around) -> Option<Finding> {
    let node = &sample.node;
    match (&sample.reach, &sample.srvr) {
        (Reach::Unreachable(cause), _) => Some(Finding::warn(
            NAME,
            format!("{node} at {address}: {cause}"),
            format!("start {node}, or correct its address"),
        )),
        (Reach::Silent, _) => Some(silent(node, address, around)),
        (Reach::Garbled(text), _) => Some(Finding::fail(
            NAME,
            format!("what listens at {address} is no ZooKeeper: {text}"),
            "correct the address: zkdeck doctor --zk HOST:PORT tries another",
        )),
        (Reach::Denied, _) => Some(Finding::warn(
            NAME,
            format!("{node} at {address} is a ZooKeeper server, and is not allowed to tell whether it serves"),
            "add srvr to 4lw.commands.whitelist in its zoo.cfg, and restart it",
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

/// A server that takes connections and does not answer. That it is frozen is said of a process that is seen to be.
fn silent(node: &NodeId, address: &str, around: &Around) -> Finding {
    let message = format!("{node} at {address} takes connections and does not answer");
    let (why, fix) = match around.processes.get(node) {
        Some(Alive { pid, paused: true, .. }) => (
            format!(": it is frozen, process {pid} is stopped"),
            format!("resume it: p on it in the console, or kill -CONT {pid}"),
        ),
        Some(Alive { pid, .. }) => (
            format!(", and process {pid} is not stopped: it starts, is busy, hangs, or is no ZooKeeper server"),
            format!("ask again in some seconds; if it stays so, the log of {node} tells more"),
        ),
        None if around.local => {
            (String::new(), "p on it in the console resumes it if it is frozen; else its log tells more".to_owned())
        }
        None => (
            ": it is frozen, or busy".to_owned(),
            format!("if it is frozen, resume it: p on it in the console, docker compose unpause {node}, or kill -CONT"),
        ),
    };
    Finding::warn(NAME, message + &why, fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Grade;
    use crate::domain::fixtures::{NOW, node_id};
    use crate::domain::server::Srvr;

    fn sample(n: u8, reach: Reach, version: &str) -> Sample {
        let srvr = (reach == Reach::Answered).then(|| Srvr {
            version: Some(version.into()),
            role: Some(if n == 1 { Role::Leader } else { Role::Follower }),
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
            metrics_at: None,
            metrics_missing: None,
            timing: None,
        }
    }

    fn told(samples: &[Sample]) -> Vec<(Grade, String)> {
        let found = judge(samples, &["a:1", "b:2", "c:3"], &Around::default());
        found.into_iter().map(|finding| (finding.status, finding.message)).collect()
    }

    #[test]
    fn the_quorum_decides_and_each_server_tells_its_cause() {
        let down = || Reach::Unreachable("connection refused".into());
        let up = |n| sample(n, Reach::Answered, "3.9.4-7246");
        assert_eq!(told(&[up(1), up(2), up(3)]), [(Grade::Ok, "3 of 3 servers serve".to_owned())]);
        assert_eq!(
            told(&[up(1), up(2), sample(3, Reach::Silent, "")]),
            [
                (Grade::Warn, "2 of 3 servers serve".to_owned()),
                (Grade::Warn, "zk3 at c:3 takes connections and does not answer: it is frozen, or busy".to_owned()),
            ]
        );
        assert_eq!(told(&[up(1), sample(2, down(), ""), sample(3, down(), "")])[0].0, Grade::Fail);
    }

    #[test]
    fn a_server_that_may_not_tell_is_neither_down_nor_a_stranger() {
        let denied = |n| sample(n, Reach::Denied, "");
        let found = judge(&[denied(1), denied(2), denied(3)], &["a:1", "b:2", "c:3"], &Around::default());
        assert!(found.iter().all(|finding| finding.status == Grade::Warn), "{found:?}");
        assert_eq!(found[0].message, "0 of 3 servers serve, and 3 may not tell whether they do");
        assert!(found[1].fix.as_deref().is_some_and(|fix| fix.contains("4lw.commands.whitelist")), "{found:?}");
        let down = || Reach::Unreachable("connection refused".into());
        let lost = [denied(1), sample(2, down(), ""), sample(3, down(), "")];
        assert_eq!(told(&lost)[0], (Grade::Fail, "0 of 3 servers serve, which is no quorum: writes wait".into()));
    }

    #[test]
    fn nobody_is_told_to_end_what_listens_elsewhere() {
        let strange = sample(1, Reach::Garbled("HTTP/1.1 400".into()), "");
        let found = judge(&[strange], &["a:1"], &Around::default());
        assert!(found[1].fix.as_deref().is_some_and(|fix| !fix.contains("end ")), "{found:?}");
    }

    #[test]
    fn a_majority_without_a_leader_in_sight_is_told() {
        let up = |n| sample(n, Reach::Answered, "3.9.4");
        let frozen = [sample(1, Reach::Silent, ""), up(2), up(3)];
        assert_eq!(
            told(&frozen)[0],
            (
                Grade::Warn,
                "2 of 3 servers serve, and none of them is seen to lead: without a leader writes wait".into()
            )
        );
        // The settings may name a part of the ensemble.
        assert_eq!(told(&frozen[1..])[0], (Grade::Ok, "2 of 2 servers serve".into()));
    }

    fn alive(paused: bool, age: u64) -> Alive {
        Alive { pid: 7, paused, age: Some(Duration::from_secs(age)) }
    }

    /// Whether processes and keeper are young, and what is found of `samples` with `--local`.
    fn local(samples: &[Sample], process: Option<&Alive>, keeper: Option<Alive>) -> Vec<Finding> {
        let processes = samples.iter().filter_map(|sample| Some((sample.node.clone(), process?.clone()))).collect();
        judge(samples, &["a:1", "b:2", "c:3"], &Around { local: true, processes, keeper, ..Around::default() })
    }

    #[test]
    fn a_local_ensemble_that_starts_is_starting_and_not_frozen() {
        let all = |reach: &Reach| [1, 2, 3].map(|n| sample(n, reach.clone(), ""));
        let refused = Reach::Unreachable("connection refused".into());
        for (reach, process, keeper) in [
            (&Reach::Silent, Some(alive(false, 5)), Some(alive(false, 8))),
            (&refused, Some(alive(false, 5)), None),
            (&refused, None, Some(alive(false, 1))),
        ] {
            let found = local(&all(reach), process.as_ref(), keeper);
            assert_eq!((found.len(), found[0].status), (1, Grade::Warn), "{found:?}");
            assert!(found[0].message.starts_with("the local ensemble is starting: 0 of 3"), "{found:?}");
        }
        let frozen = local(&all(&Reach::Silent), Some(&alive(true, 5)), Some(alive(false, 900)));
        assert!(frozen[1].message.contains("it is frozen, process 7 is stopped"), "{frozen:?}");
        assert!(frozen[1].fix.as_deref().is_some_and(|fix| fix.ends_with("kill -CONT 7")), "{frozen:?}");
        let hung = local(&all(&Reach::Silent), Some(&alive(false, 900)), Some(alive(false, 900)));
        assert!(hung[0].status == Grade::Fail && !hung[1].message.contains("frozen"), "{hung:?}");
        let unseen = local(&all(&Reach::Silent), None, None);
        let fixes: Vec<_> = [frozen, hung, unseen].concat().into_iter().filter_map(|finding| finding.fix).collect();
        assert!(fixes.iter().all(|fix| !fix.contains("docker")), "{fixes:?}");
        assert!(fixes[4].contains("process 7"), "who keeps them is named, not started again: {fixes:?}");
    }

    #[test]
    fn who_has_named_servers_is_not_told_to_name_them() {
        let down = || Reach::Unreachable("connection refused".into());
        let samples = [1, 2].map(|n| sample(n, down(), ""));
        let fix = |named| {
            let around = Around { named, ..Around::default() };
            judge(&samples, &["a:1", "b:2"], &around)[0].fix.clone().unwrap()
        };
        assert!(fix(true).starts_with("start a majority of them") && !fix(true).contains("docker"), "{}", fix(true));
        assert!(fix(false).contains("docker compose up -d"));
    }

    #[test]
    fn the_version_that_loses_data_fails() {
        let up = |n, version| sample(n, Reach::Answered, version);
        let found = told(&[up(1, "3.9.3-c26634f"), up(2, "3.9.4"), up(3, "3.9.30")]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].0 == Grade::Fail && found[1].1.starts_with("zk1 runs ZooKeeper 3.9.3"), "{found:?}");
    }
}
