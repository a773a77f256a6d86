//! Why an operation did not come about, as a type: what REST, commands and screens branch on.

use serde::{Deserialize, Serialize};

use super::command::Rejected;
use super::operation::{Operation, OperationKind, OperationStatus};

/// Why an operation ended without being done. Kept in history beside the sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// What it works on was changed by somebody else meanwhile.
    Changed,
    /// What was asked for was so already; nothing was done.
    AlreadySo,
    /// It cannot be done in the state that its object is in; nothing was done.
    NotPossible,
    /// The file was deleted meanwhile.
    Gone,
    /// No quorum, no session, no answer in time: it was taken back.
    Unavailable,
    /// zkdeck was asked to end.
    Ending,
    /// The process that carried it out is gone; the recovery took it back.
    Interrupted,
    /// An operator or a rule ended it.
    Stopped,
    /// No node has room for it.
    NoRoom,
    /// The upload is larger than the limit.
    TooLarge,
    /// The sender broke off, or what it sent is not what it announced.
    BodyBroken,
    /// The sender was silent for too long.
    BodySilent,
    /// The file's bytes are missing or not those of its record.
    Damaged,
    /// A disk failed.
    Disk,
    /// The ensemble denies access.
    Denied,
    /// What controls the servers (processes, containers) failed.
    Control,
    /// A defect, or something that no other cause describes.
    Internal,
}

impl Cause {
    pub const ALL: [Self; 17] = [
        Self::Changed,
        Self::AlreadySo,
        Self::NotPossible,
        Self::Gone,
        Self::Unavailable,
        Self::Ending,
        Self::Interrupted,
        Self::Stopped,
        Self::NoRoom,
        Self::TooLarge,
        Self::BodyBroken,
        Self::BodySilent,
        Self::Damaged,
        Self::Disk,
        Self::Denied,
        Self::Control,
        Self::Internal,
    ];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::AlreadySo => "already-so",
            Self::NotPossible => "not-possible",
            Self::Gone => "gone",
            Self::Unavailable => "unavailable",
            Self::Ending => "ending",
            Self::Interrupted => "interrupted",
            Self::Stopped => "stopped",
            Self::NoRoom => "no-room",
            Self::TooLarge => "too-large",
            Self::BodyBroken => "body-broken",
            Self::BodySilent => "body-silent",
            Self::Damaged => "damaged",
            Self::Disk => "disk",
            Self::Denied => "denied",
            Self::Control => "control",
            Self::Internal => "internal",
        }
    }

    /// Whether nothing was tried: the state of things forbade it.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::Changed | Self::AlreadySo | Self::NotPossible)
    }

    /// Reads the word that [`Cause::word`] writes.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }
}

/// Why something did not come about: the type that decides and the sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub cause: Cause,
    pub why: String,
}

impl Fault {
    #[must_use]
    pub fn new(cause: Cause, why: impl Into<String>) -> Self {
        Self { cause, why: why.into() }
    }

    /// The program ends before it could be done.
    #[must_use]
    pub fn ending() -> Self {
        Self::new(Cause::Ending, "zkdeck is ending")
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        let cause = match &rejected {
            Rejected::UnknownFile { .. } => Cause::Gone,
            Rejected::AlreadySo { .. } => Cause::AlreadySo,
            Rejected::NotPossible { .. } => Cause::NotPossible,
            Rejected::Disconnected { .. } | Rejected::NotReady { .. } | Rejected::Busy { .. } => Cause::Unavailable,
            Rejected::ShuttingDown => Cause::Ending,
            Rejected::Internal { .. } => Cause::Internal,
            Rejected::Disk { .. } => Cause::Disk,
            Rejected::NoRoom { .. } => Cause::NoRoom,
            Rejected::Damaged { .. } => Cause::Damaged,
            Rejected::Denied { .. } => Cause::Denied,
            Rejected::UnknownNode { .. }
            | Rejected::InvalidField { .. }
            | Rejected::InvalidName(_)
            | Rejected::ReadOnly
            | Rejected::ForeignStore { .. }
            | Rejected::ControlOff { .. }
            | Rejected::NeedsConfirm { .. }
            | Rejected::NodeCannotTake { .. }
            | Rejected::SameNode { .. } => Cause::Changed,
        };
        Self::new(cause, rejected.to_string())
    }
}

/// How an operation is answered, in every language that a front speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// HTTP status of a front that waited for the operation.
    pub http: u16,
    /// The problem's code; a stable word.
    pub code: &'static str,
    /// Exit code of a command that waited for it: 0 done, 1 failed, 3 refused, 4 not reachable, 5 timed out.
    pub exit: u8,
    /// Seconds after which the same request may succeed.
    pub retry_after_s: Option<u32>,
}

impl Verdict {
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
pub const fn verdict(status: OperationStatus, cause: Option<Cause>) -> Verdict {
    let cause = match status {
        OperationStatus::Done => return Verdict::new(200, "done", 0, None),
        OperationStatus::None => return Verdict::new(200, "none", 0, None),
        OperationStatus::Started => return Verdict::new(202, "started", 5, None),
        OperationStatus::Failed | OperationStatus::Aborted => cause,
    };
    match cause {
        Some(Cause::Changed) => Verdict::new(409, "changed", 3, None),
        Some(Cause::AlreadySo) => Verdict::new(409, "already-so", 3, None),
        Some(Cause::NotPossible) => Verdict::new(409, "not-possible", 3, None),
        Some(Cause::Stopped) => Verdict::new(409, "stopped", 1, None),
        Some(Cause::Damaged) => Verdict::new(409, "damaged", 1, None),
        Some(Cause::Gone) => Verdict::new(404, "unknown-file", 3, None),
        Some(Cause::Unavailable) => Verdict::new(503, "unavailable", 4, Some(5)),
        Some(Cause::Ending) => Verdict::new(503, "shutting-down", 4, Some(10)),
        Some(Cause::Interrupted) => Verdict::new(503, "interrupted", 4, Some(1)),
        Some(Cause::NoRoom) => Verdict::new(507, "no-room", 1, None),
        Some(Cause::TooLarge) => Verdict::new(413, "too-large", 3, None),
        Some(Cause::BodyBroken) => Verdict::new(400, "body-broken", 1, None),
        Some(Cause::BodySilent) => Verdict::new(408, "body-timeout", 5, None),
        Some(Cause::Control) => Verdict::new(502, "control-failed", 1, None),
        Some(Cause::Denied) => Verdict::new(500, "access-denied", 1, None),
        Some(Cause::Disk) => Verdict::new(500, "disk-failed", 1, None),
        // Rows of a version that kept no cause.
        Some(Cause::Internal) | None => Verdict::new(500, "operation-failed", 1, None),
    }
}

impl Operation {
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        verdict(self.status, self.cause)
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
        for status in OperationStatus::ALL {
            for cause in Cause::ALL.map(Some).into_iter().chain([None]) {
                let told = verdict(status, cause);
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
        let failed = |cause| verdict(OperationStatus::Failed, Some(cause)).http;
        let table = [
            (Cause::Changed, 409),
            (Cause::AlreadySo, 409),
            (Cause::NotPossible, 409),
            (Cause::Gone, 404),
            (Cause::Unavailable, 503),
            (Cause::Ending, 503),
            (Cause::Interrupted, 503),
            (Cause::Stopped, 409),
            (Cause::NoRoom, 507),
            (Cause::TooLarge, 413),
            (Cause::BodyBroken, 400),
            (Cause::BodySilent, 408),
            (Cause::Damaged, 409),
            (Cause::Disk, 500),
            (Cause::Denied, 500),
            (Cause::Control, 502),
            (Cause::Internal, 500),
        ];
        assert_eq!(table.map(|(cause, _)| cause), Cause::ALL);
        for (cause, http) in table {
            assert_eq!(failed(cause), http, "{cause:?}");
            assert_eq!(verdict(OperationStatus::Aborted, Some(cause)).http, http, "{cause:?}");
            assert_eq!(Cause::from_word(cause.word()), Some(cause));
        }
        assert_eq!(verdict(OperationStatus::Aborted, None).http, 500, "a row without a cause is no success");
        assert_eq!(verdict(OperationStatus::Started, None).http, 202);
    }
}
