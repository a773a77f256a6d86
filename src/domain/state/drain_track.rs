//! The speed of a drain in a sliding window.

use std::collections::VecDeque;

use crate::domain::ids::{Millis, Timestamp};

/// Length of the window that the speed is taken from.
const WINDOW: Millis = Millis(10_000);

/// Files left at moments of the window, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct DrainTrack {
    seen: VecDeque<(Timestamp, u64)>,
}

impl DrainTrack {
    pub(super) fn observe(&mut self, left: u64, now: Timestamp) {
        // The clock was set back: what was seen before says nothing of the speed.
        if self.seen.back().is_some_and(|(last, _)| *last > now) {
            self.seen.clear();
        }
        self.seen.push_back((now, left));
        while self.seen.len() > 2 && now.since(self.seen[1].0) >= WINDOW {
            self.seen.pop_front();
        }
    }

    /// Files per second over the window; `None` before a second has passed.
    pub(super) fn speed(&self) -> Option<f64> {
        let (first, last) = (self.seen.front()?, self.seen.back()?);
        let span = last.0.since(first.0).0;
        (span >= 1000).then(|| first.1.saturating_sub(last.1) as f64 * 1000.0 / span as f64)
    }

    pub(super) fn covers_window(&self) -> bool {
        match (self.seen.front(), self.seen.back()) {
            (Some(first), Some(last)) => last.0.since(first.0) >= WINDOW,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_needs_a_second_and_forgets_what_left_the_window() {
        let mut track = DrainTrack::default();
        track.observe(30, Timestamp(0));
        assert_eq!(track.speed(), None);
        track.observe(20, Timestamp(2_000));
        assert_eq!(track.speed(), Some(5.0));
        for second in 3..=20 {
            track.observe(20, Timestamp(second * 1000));
        }
        assert_eq!(track.speed(), Some(0.0));
        assert!(track.covers_window());
    }
}
