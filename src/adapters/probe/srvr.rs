//! Reads the reply to `srvr`. Unknown and missing lines are no reason to give up.

use std::collections::HashMap;

use crate::adapters::metrics::is_denied;
use crate::domain::ids::Zxid;
use crate::domain::server::{Role, Srvr};

const NOT_SERVING: &str = "not currently serving requests";
/// Longest piece of a stranger's reply that is shown.
const WORDS_MAX: usize = 60;

/// A reply that says nothing of the server's state.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Other {
    /// The word is not on the server's whitelist.
    Denied,
    /// It is no ZooKeeper's; its first words.
    Stranger(String),
}

/// The reply to `srvr`, or to `stat`, which has the same lines and more.
///
/// # Errors
/// [`Other`] when it is neither.
pub(super) fn parse(text: &str) -> Result<Srvr, Other> {
    if is_denied(text) {
        return Err(Other::Denied);
    }
    if text.contains(NOT_SERVING) {
        return Ok(Srvr { not_serving: true, ..Srvr::default() });
    }
    let mut srvr = Srvr::default();
    let mut known = 0;
    for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
        known += u32::from(take(&mut srvr, key.trim(), value.trim()));
    }
    if known > 0 { Ok(srvr) } else { Err(Other::Stranger(first_words(text))) }
}

/// What `mntr` says of the same: tab-separated, `zk_server_state` is the role.
///
/// # Errors
/// [`Other`] when it does not.
pub(super) fn parse_mntr(text: &str) -> Result<Srvr, Other> {
    if is_denied(text) {
        return Err(Other::Denied);
    }
    if text.contains(NOT_SERVING) {
        return Ok(Srvr { not_serving: true, ..Srvr::default() });
    }
    let fields: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    let Some(state) = fields.get("zk_server_state") else { return Err(Other::Stranger(first_words(text))) };
    let count = |name| fields.get(name).and_then(|value| value.parse::<f64>().ok()).map(|value| value as u64);
    Ok(Srvr {
        version: fields.get("zk_version").and_then(|text| version(text)),
        role: role(state),
        read_only: *state == "read-only",
        outstanding: count("zk_outstanding_requests"),
        connections: count("zk_num_alive_connections"),
        znodes: count("zk_znode_count"),
        latency_avg_ms: fields.get("zk_avg_latency").and_then(|text| number(text)),
        latency_max_ms: fields.get("zk_max_latency").and_then(|text| number(text)),
        ..Srvr::default()
    })
}

/// Whether the line is one of `srvr`'s.
fn take(srvr: &mut Srvr, key: &str, value: &str) -> bool {
    match key {
        "Zookeeper version" => srvr.version = version(value),
        "Mode" => {
            srvr.role = role(value);
            srvr.read_only = value == "read-only";
        }
        "Zxid" => srvr.zxid = zxid(value),
        "Outstanding" => srvr.outstanding = value.parse().ok(),
        "Connections" => srvr.connections = value.parse().ok(),
        "Node count" => srvr.znodes = value.parse().ok(),
        "Latency min/avg/max" => {
            let mut parts = value.split('/').skip(1).map(number);
            srvr.latency_avg_ms = parts.next().flatten();
            srvr.latency_max_ms = parts.next().flatten();
        }
        _ => return false,
    }
    true
}

/// `3.9.4` of `3.9.4-7e3f…, built on 2025-08-21 12:00 UTC`; also of `3.8.0-${mvngit.commit.id}`.
fn version(text: &str) -> Option<String> {
    let number = text.split(['-', ',', ' ']).next().unwrap_or_default();
    let plain = number.starts_with(|c: char| c.is_ascii_digit());
    plain.then(|| number.to_owned())
}

fn role(text: &str) -> Option<Role> {
    [Role::Leader, Role::Follower, Role::Observer, Role::Standalone].into_iter().find(|role| role.word() == text)
}

fn zxid(text: &str) -> Option<Zxid> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok().map(Zxid)
}

/// A number that says something: not negative, not infinite.
fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0)
}

fn first_words(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    match line.trim() {
        "" => "an empty reply".to_owned(),
        line => line.chars().take(WORDS_MAX).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn missing_and_unknown_lines_are_borne() {
        let srvr =
            parse("Zookeeper version: 3.8.0-${mvngit.commit.id}, built on x\nMode: leader\nNew thing: 7\n").unwrap();
        assert_eq!((srvr.version.as_deref(), srvr.role), (Some("3.8.0"), Some(Role::Leader)));
        assert_eq!((srvr.zxid, srvr.outstanding, srvr.latency_avg_ms), (None, None, None));
        let srvr = parse("Mode: read-only\nLatency min/avg/max: 0/-1/NaN\nOutstanding: -1\nZxid: 12\n").unwrap();
        assert!(srvr.read_only && srvr.role.is_none());
        assert_eq!((srvr.latency_avg_ms, srvr.latency_max_ms, srvr.outstanding, srvr.zxid), (None, None, None, None));
    }

    #[test]
    fn a_truncated_reply_tells_what_it_holds() {
        let srvr = parse("Zookeeper version: 3.9.4-7\nLatency min/avg/max: 0/0.45/12\nRecei").unwrap();
        assert_eq!((srvr.latency_avg_ms, srvr.latency_max_ms, srvr.role), (Some(0.45), Some(12.0), None));
    }

    #[test]
    fn without_a_quorum_it_says_so() {
        assert!(parse("This ZooKeeper instance is not currently serving requests\n").unwrap().not_serving);
    }

    #[test]
    fn strangers_are_quoted() {
        assert_eq!(parse("<html><head>"), Err(Other::Stranger("<html><head>".into())));
        assert_eq!(parse(""), Err(Other::Stranger("an empty reply".into())));
        assert_eq!(parse_mntr("HTTP/1.1 400"), Err(Other::Stranger("HTTP/1.1 400".into())));
    }

    #[test]
    fn a_word_that_is_not_allowed_is_no_strangers_reply() {
        assert_eq!(parse("srvr is not executed because it is not in the whitelist.\n"), Err(Other::Denied));
        assert_eq!(parse_mntr("mntr is not executed because it is not in the whitelist.\n"), Err(Other::Denied));
    }

    #[test]
    fn mntr_tells_the_same_in_its_own_form() {
        let text = "zk_version\t3.9.4-7, built on 2025\nzk_avg_latency\t0.45\nzk_max_latency\t12\n\
                    zk_num_alive_connections\t3\nzk_outstanding_requests\t0\nzk_server_state\tfollower\n\
                    zk_znode_count\t1204\n";
        let srvr = parse_mntr(text).unwrap();
        assert_eq!(
            (srvr.version.as_deref(), srvr.role, srvr.znodes),
            (Some("3.9.4"), Some(Role::Follower), Some(1204))
        );
        assert_eq!((srvr.latency_avg_ms, srvr.connections, srvr.zxid), (Some(0.45), Some(3), None));
        assert!(parse_mntr("This ZooKeeper instance is not currently serving requests").unwrap().not_serving);
    }

    proptest! {
        #[test]
        fn no_number_is_made_up(text in "(Zxid: |Connections: |Outstanding: |\\PC{0,6}|[0-9x/.]{0,9}|\n){0,12}") {
            if let Ok(srvr) = parse(&text)
                && !text.contains(|c: char| c.is_ascii_digit())
            {
                let numbers = (srvr.zxid, srvr.connections, srvr.outstanding, srvr.znodes, srvr.latency_avg_ms);
                prop_assert_eq!(numbers, (None, None, None, None, None));
            }
        }
    }
}
