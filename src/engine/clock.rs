//! The engine's clock, and the one place that makes new ids.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::adapters::{clock as wall, faults};
use crate::domain::ids::{AttemptId, FileId, InstanceId, Millis, OperationId, Timestamp};

/// Now, in milliseconds since 1970; 0 on a clock set before that.
#[must_use]
pub fn now() -> Timestamp {
    #[cfg(test)]
    if let Some(now) = simulated::now() {
        return now;
    }
    Timestamp(wall::now().0.saturating_add(faults::clock_ahead()))
}

/// Difference from which on a time shown is corrected: the clock has jumped.
const JUMP: Millis = Millis(1_000);

/// A moment to come. It goes by the monotonic clock, so a wall clock that jumps brings it no nearer and puts it
/// off no further; it is shown as what the wall clock will say then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    at: Instant,
    shown: Timestamp,
}

impl Alarm {
    #[must_use]
    pub fn after(span: Millis) -> Self {
        Self { at: Instant::now() + Duration::from_millis(span.0), shown: now().plus(span) }
    }

    #[must_use]
    pub fn is_due(&self) -> bool {
        self.at <= Instant::now()
    }

    /// The same moment, with the time that the wall clock will say as it goes now.
    #[must_use]
    pub fn corrected(self, now: Timestamp) -> Self {
        let left = self.at.saturating_duration_since(Instant::now());
        let shown = now.plus(Millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)));
        if shown.0.abs_diff(self.shown.0) > JUMP.0 { Self { shown, ..self } } else { self }
    }

    #[must_use]
    pub const fn shown(&self) -> Timestamp {
        self.shown
    }
}

fn fresh() -> u128 {
    #[cfg(test)]
    if let Some(id) = simulated::fresh() {
        return id;
    }
    Uuid::now_v7().as_u128()
}

#[must_use]
pub fn new_file() -> FileId {
    FileId::new(fresh())
}

#[must_use]
pub fn new_attempt() -> AttemptId {
    if faults::broken("clock-names") {
        return AttemptId::new(u128::from(now().0 / 1000));
    }
    AttemptId::new(fresh())
}

#[must_use]
pub fn new_operation() -> OperationId {
    OperationId::new(fresh())
}

#[must_use]
pub fn new_instance() -> InstanceId {
    InstanceId::new(fresh())
}

/// The clock and the ids of a simulated world, for the thread that lives through it: both follow from what happens
/// in that world alone.
#[cfg(test)]
pub(in crate::engine) mod simulated {
    use std::cell::Cell;

    use super::*;
    use crate::domain::fixtures::NOW;

    thread_local! {
        /// When the world began, and the ids that were made in it.
        static WORLD: Cell<Option<(Instant, u64)>> = const { Cell::new(None) };
    }

    /// From now on this thread lives in a new world.
    pub(in crate::engine) fn begin() {
        WORLD.set(Some((Instant::now(), 0)));
    }

    pub(super) fn now() -> Option<Timestamp> {
        let (begun, _) = WORLD.get()?;
        Some(NOW.plus(Millis(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX))))
    }

    /// As those of [`Uuid::now_v7`]: the time first.
    pub(super) fn fresh() -> Option<u128> {
        let (begun, made) = WORLD.get()?;
        WORLD.set(Some((begun, made + 1)));
        Some((u128::from(now()?.0) << 80) | u128::from(made + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_alarm_is_due_when_its_time_has_passed_whatever_the_clock_says() {
        let alarm = Alarm::after(Millis(15_000));
        let shown = alarm.shown();
        for jump in [3_600_000_i64, -3_600_000] {
            let jumped = Timestamp(now().0.saturating_add_signed(jump));
            let corrected = alarm.corrected(jumped);
            let expected = shown.0.saturating_add_signed(jump);
            assert!(corrected.shown().0.abs_diff(expected) < 1_000, "{corrected:?}");
            assert!(!corrected.is_due());
        }
        assert_eq!(alarm.corrected(now()), alarm, "what is shown stays while the clock goes evenly");
        tokio::time::advance(Duration::from_millis(15_000)).await;
        assert!(alarm.is_due());
    }
}
