//! Whether this instance is ready: by the checks that judge commands, so that the two never disagree.

use super::State;
use crate::domain::command::Rejected;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::snapshot::Readiness;

/// So long after its start an instance that was not ready yet is said to be starting.
const START_LIMIT: Millis = Millis(60_000);

impl State {
    /// Ready means: an upload, a stress, a download and a run sent now are taken. An instance that is
    /// read-only takes no commands and is ready when it shows all that there is.
    pub(super) fn readiness(&mut self, now: Timestamp) -> Readiness {
        let mut missing: Vec<String> = Vec::new();
        let mut needs = |check: Result<(), Rejected>| {
            if let Err(rejected) = check {
                let text = rejected.to_string();
                if !missing.contains(&text) {
                    missing.push(text);
                }
            }
        };
        if self.instance.read_only {
            needs(self.check_read());
        } else if let Err(rejected) = self.check_store() {
            needs(Err(rejected));
        } else {
            needs(self.emptiest(None).map(drop));
            needs(self.check_run().map(drop));
        }
        let stopped = self.loops.values().filter(|view| view.panicked && view.name.carries_out());
        missing.extend(stopped.map(|view| {
            format!(
                "{}: {}; it is started again automatically",
                view.name.word(),
                view.problem.as_deref().unwrap_or("stopped")
            )
        }));
        self.was_ready |= missing.is_empty();
        if missing.is_empty() {
            Readiness::Ready
        } else if !self.was_ready
            && self.session.store.refusal().is_none()
            && now.since(self.instance.started) < START_LIMIT
        {
            Readiness::Starting(missing)
        } else {
            Readiness::NotReady(missing)
        }
    }
}
