//! Fail-points: where the fault tests end the process, repeat a step or break a rule.
//!
//! Compiled in by the feature `failpoints` only, which no release has. Without it every function here
//! is empty. With it, the file that `ZKDECK_FAULTS` names is read at each point, so that a test can
//! arm a running process:
//!
//! | line | at the point |
//! |---|---|
//! | `kill <point> <n>` | the process ends by SIGKILL when it is reached for the n-th time |
//! | `repeat <point>` | the step is made twice |
//! | `break <rule>` | the rule is broken: a negative control, which the checks must find |
//! | `clock <ms>` | the engine's clock is ahead by so much |
//!
//! Each line that took effect is written to the file's neighbour `<file>.fired`.

#[cfg(feature = "failpoints")]
mod armed;

#[cfg(feature = "failpoints")]
pub use armed::{at, broken, clock_ahead, twice, until_lost};

#[cfg(not(feature = "failpoints"))]
mod off {
    /// A point that may be the last thing this process does.
    #[inline(always)]
    pub const fn at(_point: &str) {}

    /// Whether the step that was just made is to be made again.
    #[inline(always)]
    #[must_use]
    pub const fn twice(_point: &str) -> bool {
        false
    }

    /// Whether a rule is to be broken on purpose.
    #[inline(always)]
    #[must_use]
    pub const fn broken(_rule: &str) -> bool {
        false
    }

    /// A wait for a loss, in a control only.
    #[inline(always)]
    pub async fn until_lost<T>(_link: &tokio::sync::watch::Receiver<Option<T>>) {}

    /// Milliseconds that the clock is ahead.
    #[inline(always)]
    #[must_use]
    pub const fn clock_ahead() -> u64 {
        0
    }
}

#[cfg(not(feature = "failpoints"))]
pub use off::{at, broken, clock_ahead, twice, until_lost};
