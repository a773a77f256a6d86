//! Whether two addresses lead to one server, by the counters that `srvr` tells.

use std::time::Duration;

use super::fourletter::{WordReply, ask};
use super::{ProbeConfig, srvr};
use crate::domain::ids::Zxid;

/// Requests that a server may have got between the two looks around a third.
const BETWEEN_MAX: u64 = 100_000;

/// What a look at an address brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contact {
    /// Refused, not reachable, not resolved.
    Nobody,
    /// Somebody holds the port and says nothing.
    Silent,
    /// A reply without counters: a server that does not serve, or no ZooKeeper.
    Other,
    Server(Traffic),
}

/// What grows while a server runs, and is another number on every other server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    pub version: String,
    /// Requests that it got since its start, this one among them.
    pub received: u64,
    pub zxid: Zxid,
}

/// Asks the server at `host:port`.
pub async fn counters(address: &str, limit: Duration) -> Contact {
    let limits = ProbeConfig { connect_limit: limit, whole_limit: limit };
    match ask(address, "srvr", &limits).await {
        WordReply::Unreachable(_) => Contact::Nobody,
        WordReply::Silent => Contact::Silent,
        // What a port that is published does while nobody listens inside.
        WordReply::Text(text) if text.is_empty() => Contact::Nobody,
        WordReply::Text(text) => parse(&text).map_or(Contact::Other, Contact::Server),
    }
}

fn parse(text: &str) -> Option<Traffic> {
    let told = srvr::parse(text).ok()?;
    let received = text.lines().find_map(|line| line.strip_prefix("Received:"))?;
    Some(Traffic { version: told.version?, received: received.trim().parse().ok()?, zxid: told.zxid? })
}

/// Whether `third`, asked between `first` and `second`, is the same server: its counters lie between
/// theirs, which no other server's do but by chance.
#[must_use]
pub fn same_server(first: &Traffic, third: &Traffic, second: &Traffic) -> bool {
    let received = first.received < third.received && third.received < second.received;
    let close = second.received.saturating_sub(first.received) <= BETWEEN_MAX;
    let zxid = (first.zxid.0..=second.zxid.0).contains(&third.zxid.0);
    received && close && zxid && first.version == third.version && third.version == second.version
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(received: u64, zxid: u64) -> Traffic {
        Traffic { version: "3.9.4".into(), received, zxid: Zxid(zxid) }
    }

    #[test]
    fn counters_are_read_from_what_a_server_says() {
        let text = "Zookeeper version: 3.9.4-7, built on 2025\nReceived: 3\nZxid: 0x700000f1c\nMode: follower\n";
        let told = parse(text).unwrap();
        assert_eq!((told.received, told.zxid), (3, Zxid(0x7_0000_0f1c)));
        assert_eq!(parse("This ZooKeeper instance is not currently serving requests"), None);
    }

    #[test]
    fn only_counters_in_between_are_the_same_servers() {
        assert!(same_server(&of(7, 5), &of(8, 5), &of(9, 6)));
        for third in [of(7, 5), of(9, 5), of(3, 5), of(8, 4), of(8, 7), Traffic { version: "3.8".into(), ..of(8, 5) }] {
            assert!(!same_server(&of(7, 5), &third, &of(9, 6)), "{third:?}");
        }
        assert!(!same_server(&of(7, 5), &of(8, 5), &of(7 + BETWEEN_MAX + 1, 6)), "that is no closeness");
        assert!(!same_server(&of(7, 5), &of(8, 5), &of(1, 6)), "it was started anew");
    }
}
