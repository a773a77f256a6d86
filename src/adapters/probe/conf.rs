//! What `conf` tells of a server's own settings.

use crate::domain::ids::Millis;
use crate::domain::server::QuorumTiming;

/// `None` when the word is not allowed, and for a server that stands alone.
pub(super) fn parse(text: &str) -> Option<QuorumTiming> {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
        line.trim().parse::<u64>().ok().filter(|value| *value > 0)
    };
    Some(QuorumTiming { tick: Millis(value("tickTime")?), sync_limit: value("syncLimit")? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::metrics::is_denied;

    #[test]
    fn tick_and_limit_are_read_and_nothing_is_made_up() {
        let text =
            "clientPort=2181\ndataDir=/data\ntickTime=2000\nmaxClientCnxns=60\nserverId=1\ninitLimit=10\nsyncLimit=5\n";
        let timing = parse(text).expect("both");
        assert_eq!((timing.tick, timing.sync_limit, timing.gives_up_after()), (Millis(2_000), 5, Millis(10_000)));
        let denied = "conf is not executed because it is not in the whitelist.\n";
        assert!(is_denied(denied) && !is_denied("This ZooKeeper instance is not currently serving requests"));
        for other in [denied, "", "tickTime=2000\n", "tickTime=x\nsyncLimit=5\n", "tickTime=0\nsyncLimit=5\n"] {
            assert_eq!(parse(other), None, "{other:?}");
        }
    }
}
