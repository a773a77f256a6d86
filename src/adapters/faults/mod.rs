//! Faults on purpose: what the fault tests do to a process from inside.
//!
//! Compiled in by the feature `failpoints` only, which no release has. Without it everything here is empty. With it
//! [`servers`] and [`disk`] put decorators around the two ports that the protocol goes through, and the file that
//! `ZKDECK_FAULTS` names is read at each of their calls, so that a test can arm a running process:
//!
//! | line | what happens |
//! |---|---|
//! | `kill <point> <n>` | the process ends by SIGKILL when the point is reached for the n-th time |
//! | `repeat <point>` | the call is made twice |
//! | `break <rule>` | the rule is broken: a negative control, which the checks must find |
//! | `clock <ms>` | the engine's clock is ahead by so much |
//!
//! Each line that took effect is written to the file's neighbour `<file>.fired`.
//!
//! A point is named by who makes a step, and by the step as `docs/migration.md` names it: `move.commit` is reached
//! once a move's commit was applied. Who makes it is `upload`, `move` or `delete` for attempts of this process, and
//! `recovery` for those that another process left.
//!
//! | point | reached once |
//! |---|---|
//! | `<who>.intent` | the intents are written |
//! | `draft.written` | a piece of a draft is written |
//! | `<who>.copy` | a draft is synced |
//! | `publish.renamed` | a draft has its final name, before that is durable |
//! | `<who>.publish` | the final name is durable |
//! | `<who>.before-commit`, `<who>.commit` | the commit is about to be sent; it was applied |
//! | `<who>.redirect` | an upload's intent names another node |
//! | `<who>.abort`, `<who>.discard` | an attempt is aborted; bytes of its own are removed |
//! | `<who>.collect` | replaced bytes are in the trash |
//! | `<who>.row`, `<who>.close` | an intent is about to be deleted, its row being on disk; it is deleted |
//! | `scrub.quarantined` | bytes that nobody names are in quarantine |
//! | `history.before-commit`, `history.committed` | rows are about to be committed; they are |

#[cfg(any(test, feature = "failpoints"))]
mod armed;

#[cfg(feature = "failpoints")]
pub(crate) use self::armed::{at, broken, clock_ahead, disk, servers};
#[cfg(not(feature = "failpoints"))]
pub(crate) use self::off::{at, broken, clock_ahead, disk, servers};

#[cfg(not(feature = "failpoints"))]
mod off {
    use std::path::Path;
    use std::sync::Arc;

    use crate::adapters::blobs::disk::Disk;
    use crate::adapters::zookeeper::coord::Connect;

    /// A point that may be the last thing this process does.
    #[inline(always)]
    pub(crate) const fn at(_point: &str) {}

    /// Whether a rule is to be broken on purpose.
    #[inline(always)]
    #[must_use]
    pub(crate) const fn broken(_rule: &str) -> bool {
        false
    }

    /// Milliseconds that the clock is ahead.
    #[inline(always)]
    #[must_use]
    pub(crate) const fn clock_ahead() -> u64 {
        0
    }

    /// The servers as they are.
    #[must_use]
    pub(crate) fn servers(servers: Arc<dyn Connect>, _uploads: &Path) -> Arc<dyn Connect> {
        servers
    }

    /// The disk as it is.
    #[must_use]
    pub(crate) fn disk(disk: Arc<dyn Disk>, _quarantine: &Path) -> Arc<dyn Disk> {
        disk
    }
}
