//! The attempts that jobs of this process are working on: the recovery keeps its hands off them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::ids::AttemptId;

/// Cheap to clone; all clones are one set.
#[derive(Clone, Debug, Default)]
pub struct Underway(Arc<Mutex<BTreeSet<AttemptId>>>);

/// An attempt is under way while this lives, even when its job ends by a panic.
#[derive(Debug)]
pub struct Claim {
    set: Underway,
    attempt: AttemptId,
}

impl Underway {
    /// To be called before the attempt's intent is written.
    #[must_use]
    pub fn begin(&self, attempt: AttemptId) -> Claim {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(attempt);
        Claim { set: self.clone(), attempt }
    }

    #[must_use]
    pub fn has(&self, attempt: AttemptId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&attempt)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.set.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.attempt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_under_way_until_its_job_lets_go() {
        let underway = Underway::default();
        let attempt = AttemptId::new(1);
        let claim = underway.begin(attempt);
        assert!(underway.clone().has(attempt));
        let job = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _claim = claim;
            panic!("in the job");
        }));
        assert!(job.is_err() && !underway.has(attempt));
    }
}
