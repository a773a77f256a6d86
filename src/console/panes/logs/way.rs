//! Ways that keys name: what is looked for, and in which direction.

use crate::console::action::Action;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wayside {
    /// What the query takes, or in which it marks something.
    Match,
    /// An error or a warning.
    Problem,
    Minute,
    Server,
}

/// A way that is under way, to newer or to older events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogWay {
    pub(super) to: Wayside,
    pub(super) forward: bool,
}

impl LogWay {
    pub(super) const fn of(action: Action) -> Option<Self> {
        let (to, forward) = match action {
            Action::NextMatch => (Wayside::Match, true),
            Action::PreviousMatch => (Wayside::Match, false),
            Action::NextProblem => (Wayside::Problem, true),
            Action::PreviousProblem => (Wayside::Problem, false),
            Action::NextMinute => (Wayside::Minute, true),
            Action::PreviousMinute => (Wayside::Minute, false),
            Action::NextServer => (Wayside::Server, true),
            Action::PreviousServer => (Wayside::Server, false),
            _ => return None,
        };
        Some(Self { to, forward })
    }

    /// What is told when it leads no further.
    pub(super) fn nothing(self) -> String {
        let what = match self.to {
            Wayside::Match => "match",
            Wayside::Problem => "error or warning",
            Wayside::Minute => "minute",
            Wayside::Server => "event of another server",
        };
        format!("no further {what} {}", if self.forward { "below" } else { "above" })
    }
}
