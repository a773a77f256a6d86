//! When the next frame may be drawn: not too soon after the last one, and not while the terminal has that one still to
//! take in. On a slow link a key that is held would otherwise fill the way with frames that nobody wants any more.

use std::time::Duration;

use tokio::time::Instant;

/// Sent behind a frame; the terminal answers when it has come so far in its reading.
pub(super) const ASK: &[u8] = b"\x1b[5n";
/// How long an answer is waited for from a terminal that gives them.
const ANSWER: Duration = Duration::from_secs(5);
/// How long the first answer may be on its way when the console is left.
const FIRST: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct FramePace {
    /// Least time between two frames.
    pause: Duration,
    next: Instant,
    /// The terminal answers: its last answer came.
    answers: bool,
    /// When the question that has no answer yet was put.
    asked: Option<Instant>,
}

impl FramePace {
    pub(super) const fn new(pause: Duration, now: Instant) -> Self {
        Self { pause, next: now, answers: false, asked: None }
    }

    /// Whether a frame may be drawn now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.wake()
    }

    /// When a frame may be drawn if nothing comes before.
    pub(super) fn wake(&self) -> Instant {
        let answer = self.asked.filter(|_| self.answers).map(|asked| asked + ANSWER);
        answer.map_or(self.next, |answer| self.next.max(answer))
    }

    /// No frame within this time.
    pub(super) fn hold(&mut self, now: Instant, time: Duration) {
        self.next = self.next.max(now + time);
    }

    /// Whether the frame that is drawn now is to ask. A terminal that has never answered is asked once; one that has
    /// fallen silent is asked no more.
    pub(super) fn asks(&self) -> bool {
        self.asked.is_none()
    }

    /// A frame was drawn; `asked`: it goes out, with the question behind it.
    pub(super) fn drawn(&mut self, now: Instant, asked: bool) {
        self.next = now + self.pause;
        if self.asked.is_some_and(|at| now >= at + ANSWER) {
            self.answers = false;
        }
        if asked {
            self.asked = Some(now);
        }
    }

    /// The answer has come.
    pub(super) const fn taken_in(&mut self) {
        (self.answers, self.asked) = (true, None);
    }

    /// Whether an answer is to be expected: it must not come when the terminal is the shell's again.
    pub(super) fn owes(&self, now: Instant) -> bool {
        self.asked.is_some_and(|at| self.answers || now < at + FIRST)
    }

    /// The terminal was somebody else's meanwhile: it is asked anew.
    pub(super) const fn forget(&mut self) {
        (self.answers, self.asked) = (false, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(16);

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn the_next_frame_waits_for_the_answer_of_a_terminal_that_gives_them() {
        let start = Instant::now();
        let mut pace = FramePace::new(PAUSE, start);
        assert!(pace.is_due(start) && pace.asks());
        pace.drawn(start, true);
        assert!(!pace.is_due(after(start, 15)) && pace.is_due(after(start, 16)), "it is not known whether it answers");
        assert!(!pace.asks(), "one question at a time");
        pace.taken_in();
        pace.drawn(after(start, 20), true);
        assert!(!pace.is_due(after(start, 5019)) && pace.wake() == after(start, 5020));
        pace.taken_in();
        assert!(pace.is_due(after(start, 36)) && pace.asks());
    }

    #[test]
    fn a_terminal_that_is_silent_holds_nothing_up() {
        let start = Instant::now();
        let mut pace = FramePace::new(PAUSE, start);
        pace.drawn(start, true);
        for frame in 1..10 {
            assert!(pace.is_due(after(start, frame * 16)) && !pace.asks());
            pace.drawn(after(start, frame * 16), false);
        }
        // One that has answered and falls silent holds one frame up.
        pace.taken_in();
        pace.drawn(after(start, 1000), true);
        assert!(pace.is_due(after(start, 6000)));
        pace.drawn(after(start, 6000), false);
        assert!(pace.is_due(after(start, 6016)) && !pace.asks());
        pace.taken_in();
        assert!(pace.asks(), "its answer was late");
    }

    #[test]
    fn what_goes_out_without_a_question_waits_for_no_answer() {
        let start = Instant::now();
        let mut pace = FramePace::new(PAUSE, start);
        pace.drawn(start, true);
        assert!(pace.owes(start) && !pace.owes(after(start, 1000)), "one that never answered owes nothing for long");
        pace.taken_in();
        pace.drawn(after(start, 16), false);
        assert!(pace.is_due(after(start, 32)) && !pace.owes(after(start, 32)));
        pace.hold(after(start, 32), Duration::from_millis(50));
        assert!(!pace.is_due(after(start, 81)) && pace.is_due(after(start, 82)));
        pace.drawn(after(start, 82), true);
        assert!(pace.owes(after(start, 3000)));
        pace.forget();
        assert!(!pace.owes(after(start, 3000)) && pace.is_due(after(start, 98)));
    }
}
