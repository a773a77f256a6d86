//! Reads the reply to `srvr`. Unknown and missing lines are no reason to give up.

use crate::domain::ids::Zxid;
use crate::domain::server::{Role, Srvr};

const NOT_SERVING: &str = "not currently serving requests";
/// Longest piece of a stranger's reply that is shown.
const WORDS_MAX: usize = 60;

/// # Errors
/// The first words of a reply that is no ZooKeeper's.
pub(super) fn parse(text: &str) -> Result<Srvr, String> {
    if text.contains(NOT_SERVING) {
        return Ok(Srvr { not_serving: true, ..Srvr::default() });
    }
    let mut srvr = Srvr::default();
    let mut known = 0;
    for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
        known += u32::from(take(&mut srvr, key.trim(), value.trim()));
    }
    if known > 0 { Ok(srvr) } else { Err(first_words(text)) }
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
        assert_eq!(parse("<html><head>"), Err("<html><head>".into()));
        assert_eq!(parse(""), Err("an empty reply".into()));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "\\PC*") {
            _ = parse(&text);
        }
    }
}
