//! How the end of an operation is answered.

use super::cause::Cause;
use super::operation::{Operation, OperationKind, OperationStatus};

/// How an operation is answered, in every language that a front speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// HTTP status of a front that waited for the operation.
    pub http: u16,
    /// The problem's code; a stable word.
    pub code: &'static str,
    /// Exit code of a command that waited for it: 0 done, 1 failed, 3 refused, 4 not reachable, 5 timed out.
    pub exit: u8,
    /// Seconds after which the same request may succeed.
    pub retry_after_s: Option<u32>,
}

impl Outcome {
    const fn new(http: u16, code: &'static str, exit: u8, retry_after_s: Option<u32>) -> Self {
        Self { http, code, exit, retry_after_s }
    }

    /// Whether the operation did what was asked, or found that nothing had to be done.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.http < 300
    }
}

/// The one place where the end of an operation becomes an answer.
#[must_use]
pub const fn outcome(status: OperationStatus, cause: Option<Cause>) -> Outcome {
    let cause = match status {
        OperationStatus::Done => return Outcome::new(200, "done", 0, None),
        OperationStatus::None => return Outcome::new(200, "none", 0, None),
        OperationStatus::Started => return Outcome::new(202, "started", 5, None),
        OperationStatus::Failed | OperationStatus::Aborted => cause,
    };
    match cause {
        Some(Cause::Changed) => Outcome::new(409, "changed", 3, None),
        Some(Cause::AlreadySo) => Outcome::new(409, "already-so", 3, None),
        Some(Cause::NotPossible) => Outcome::new(409, "not-possible", 3, None),
        Some(Cause::Stopped) => Outcome::new(409, "stopped", 1, None),
        Some(Cause::Damaged) => Outcome::new(409, "damaged", 1, None),
        Some(Cause::Gone) => Outcome::new(404, "unknown-file", 3, None),
        Some(Cause::Unavailable) => Outcome::new(503, "unavailable", 4, Some(5)),
        Some(Cause::Ending) => Outcome::new(503, "shutting-down", 4, Some(10)),
        Some(Cause::Interrupted) => Outcome::new(503, "interrupted", 4, Some(1)),
        Some(Cause::NoRoom) => Outcome::new(507, "no-room", 1, None),
        Some(Cause::TooLarge) => Outcome::new(413, "too-large", 3, None),
        Some(Cause::BodyBroken) => Outcome::new(400, "body-broken", 1, None),
        Some(Cause::BodySilent) => Outcome::new(408, "body-timeout", 5, None),
        Some(Cause::Control) => Outcome::new(502, "control-failed", 1, None),
        Some(Cause::Denied) => Outcome::new(500, "access-denied", 1, None),
        Some(Cause::Disk) => Outcome::new(500, "disk-failed", 1, None),
        // Rows of a version that kept no cause.
        Some(Cause::Internal) | None => Outcome::new(500, "operation-failed", 1, None),
    }
}

impl Operation {
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        outcome(self.status, self.cause)
    }

    /// What is true now that it ended without being done: one clause.
    #[must_use]
    pub const fn truth(&self) -> &'static str {
        match (self.kind, self.cause) {
            (OperationKind::Upload, _) => "nothing is stored",
            (OperationKind::Delete, Some(Cause::Gone)) => "the file was gone already",
            (OperationKind::Migration, Some(Cause::Gone)) => "the file is gone",
            (OperationKind::Delete, _) => "not deleted by this request",
            (OperationKind::Migration, _) => "not moved by this request",
            (OperationKind::Stress, _) => "not all files were made; those that were made stay",
            (OperationKind::Scheduler, _) => "the run did not finish; moves that were made stay",
            // Whether a try whose answer was lost was in force until then, nobody knows.
            (OperationKind::Drain | OperationKind::Undrain | OperationKind::Weight, Some(Cause::Changed)) => {
                "the node is as somebody else has set it"
            }
            (OperationKind::Drain, _) => "the node is not drained",
            (OperationKind::Undrain | OperationKind::Weight, _) => "the node was not changed by this request",
            (OperationKind::Setting, Some(Cause::Changed)) => "the settings are as somebody else has set them",
            (OperationKind::Setting, _) => "the setting was not changed by this request",
            (OperationKind::SchedulerPause | OperationKind::SchedulerResume, _) => "the scheduler was not switched",
            (_, Some(Cause::AlreadySo | Cause::NotPossible)) => "nothing was done",
            (
                OperationKind::Pause
                | OperationKind::Resume
                | OperationKind::Stop
                | OperationKind::Start
                | OperationKind::Restart,
                _,
            ) => "the server may not be as asked; its state is shown under /api/servers",
            (OperationKind::Workload, _) => "the run did not finish",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_done_is_a_success() {
        for &status in OperationStatus::ALL {
            for cause in Cause::ALL.iter().copied().map(Some).chain([None]) {
                let told = outcome(status, cause);
                let done = matches!(status, OperationStatus::Done | OperationStatus::None);
                assert_eq!(
                    (told.is_success() && told.http != 202, told.exit == 0),
                    (done, done),
                    "{status:?} {cause:?}"
                );
                let passes = matches!(told.http, 503);
                assert_eq!(told.retry_after_s.is_some(), passes, "{status:?} {cause:?}");
            }
        }
    }

    #[test]
    fn every_end_has_its_answer() {
        let failed = |cause| outcome(OperationStatus::Failed, Some(cause));
        let table = [
            (Cause::Changed, 409, 3),
            (Cause::AlreadySo, 409, 3),
            (Cause::NotPossible, 409, 3),
            (Cause::Gone, 404, 3),
            (Cause::Unavailable, 503, 4),
            (Cause::Ending, 503, 4),
            (Cause::Interrupted, 503, 4),
            (Cause::Stopped, 409, 1),
            (Cause::NoRoom, 507, 1),
            (Cause::TooLarge, 413, 3),
            (Cause::BodyBroken, 400, 1),
            (Cause::BodySilent, 408, 5),
            (Cause::Damaged, 409, 1),
            (Cause::Disk, 500, 1),
            (Cause::Denied, 500, 1),
            (Cause::Control, 502, 1),
            (Cause::Internal, 500, 1),
        ];
        assert_eq!(table.map(|(cause, ..)| cause), Cause::ALL);
        for (cause, http, exit) in table {
            assert_eq!((failed(cause).http, failed(cause).exit), (http, exit), "{cause:?}");
            assert_eq!(outcome(OperationStatus::Aborted, Some(cause)), failed(cause), "{cause:?}");
            assert_eq!(Cause::from_word(cause.word()), Some(cause));
        }
        assert_eq!(outcome(OperationStatus::Aborted, None).http, 500, "a row without a cause is no success");
        assert_eq!(outcome(OperationStatus::Started, None).http, 202);
    }
}
