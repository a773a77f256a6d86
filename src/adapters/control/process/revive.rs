//! When a server that ended unasked is started again: soon at first, then with growing pauses.

use std::time::{Duration, Instant};

/// Pause after the first end; doubles with each one that follows it.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A server that ran this long before it ended did serve: its end is a first one again.
const SERVED: Duration = Duration::from_secs(60);
/// Ends in a row after which starting it again is no cure, and a person is asked to look.
const HOPELESS: u32 = 3;

/// One server's ends in a row and the start that is due. Reads no clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Revival {
    ends: u32,
    due: Option<Instant>,
}

impl Revival {
    /// The server ended unasked, or could not be started, at `now` after it had run for `ran`. Returns
    /// the pause before the next start.
    pub(super) fn ended(&mut self, ran: Duration, now: Instant) -> Duration {
        self.ends = if ran >= SERVED { 1 } else { self.ends.saturating_add(1) };
        // Beyond the sixth the longest pause is reached; the exponent stays small.
        let pause = PAUSE_MIN.saturating_mul(1 << (self.ends - 1).min(6)).min(PAUSE_MAX);
        self.due = Some(now + pause);
        pause
    }

    /// Somebody stopped or started it: nothing is due, and what was is forgotten.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// It was started, by whomever: no start is due, and its ends in a row are remembered.
    pub(super) fn started(&mut self) {
        self.due = None;
    }

    /// When it is to be started; `None` when it is not.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether it is to be started now; at most one start comes of it.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        self.due.take_if(|due| *due <= now).is_some()
    }

    /// Ends in a row, each soon after its start.
    pub(super) const fn ends(&self) -> u32 {
        self.ends
    }

    pub(super) const fn hopeless(&self) -> bool {
        self.ends >= HOPELESS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(300);

    #[test]
    fn pauses_double_up_to_a_minute_and_never_beyond() {
        let (mut revival, now) = (Revival::default(), Instant::now());
        let pauses: Vec<u64> = (0..9).map(|_| revival.ended(SOON, now).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        let far = (0..200).map(|_| revival.ended(SOON, now)).max();
        assert_eq!(far, Some(PAUSE_MAX));
    }

    #[test]
    fn one_that_served_a_while_begins_anew() {
        let (mut revival, now) = (Revival::default(), Instant::now());
        for _ in 0..5 {
            revival.ended(SOON, now);
        }
        assert!(revival.hopeless());
        assert_eq!(revival.ended(SERVED, now), PAUSE_MIN);
        assert_eq!((revival.ends(), revival.hopeless()), (1, false));
        assert_eq!(revival.ended(SERVED - Duration::from_millis(1), now), PAUSE_MIN * 2);
    }

    #[test]
    fn a_start_is_due_once_and_not_before_its_time() {
        let (mut revival, now) = (Revival::default(), Instant::now());
        assert!(!revival.take_due(now));
        let pause = revival.ended(SOON, now);
        assert!(!revival.take_due(now + pause - Duration::from_millis(1)));
        assert!(revival.take_due(now + pause) && !revival.take_due(now + pause));
        assert_eq!(revival.ends(), 1, "the ends in a row outlive the start");
    }

    #[test]
    fn what_was_stopped_on_purpose_is_due_no_more() {
        let (mut revival, now) = (Revival::default(), Instant::now());
        revival.ended(SOON, now);
        revival.forget();
        assert!(!revival.take_due(now + PAUSE_MAX));
        assert_eq!(revival.ended(SOON, now), PAUSE_MIN);
    }
}
