//! The words for what was done: how an operation stands, and why it was not done.

use super::explanation::{Explanation, Fact};
use super::scheduler::move_reason;
use super::server::NOTHING;
use crate::domain::cause::Cause;
use crate::domain::operation::{Operation, OperationStatus};
use crate::domain::outcome::outcome;
use crate::domain::snapshot::Snapshot;

const fn texts(status: OperationStatus) -> [&'static str; 3] {
    match status {
        OperationStatus::Started => ["it goes on", "its last row says started", "wait for its end"],
        OperationStatus::Done => {
            ["what was asked for was done", "all its steps ended, and its row is on disk", NOTHING]
        }
        OperationStatus::Failed => {
            ["it ended without being done", "a step of it failed", "do what is said there, and ask again"]
        }
        OperationStatus::Aborted => [
            "it was decided against before anything changed",
            "a rule or an operator ended it",
            "ask again when its cause is gone",
        ],
        OperationStatus::None => ["there was nothing to do", "the run found no file to move", NOTHING],
    }
}

/// A status by itself.
pub(super) fn operation_status(status: OperationStatus) -> Explanation {
    Explanation::means(status.word(), texts(status)).said_of("an operation")
}

/// A cause by itself.
pub(super) fn operation_cause(cause: Cause) -> Explanation {
    const AGAIN: &str = "ask again";
    let texts = match cause {
        Cause::Changed => [
            "what it works on was changed by somebody else meanwhile",
            "a version was another one",
            "look at how it is now, and ask again if need be",
        ],
        Cause::AlreadySo => ["it was so already: nothing was done", "the state that was asked for held", NOTHING],
        Cause::NotPossible => [
            "it cannot be done in the state that its object is in: nothing was done",
            "a check of commands refused it",
            "do what is said of it first",
        ],
        Cause::Gone => ["the file was deleted meanwhile", "its record is gone", NOTHING],
        Cause::Unavailable => {
            ["the ensemble did not answer in time: it was taken back", "no quorum, no session, or no answer", AGAIN]
        }
        Cause::Ending => ["zkdeck was asked to end", "the program ended before it could be done", AGAIN],
        Cause::Interrupted => [
            "the process that carried it out is gone; the recovery took it back",
            "its instance is not there any more",
            AGAIN,
        ],
        Cause::Stopped => ["an operator or a rule ended it", "it was stopped", "ask again if that was not wanted"],
        Cause::NoRoom => [
            "no node has room for it",
            "less is free everywhere than it needs beside the reserve",
            "make room on a disk",
        ],
        Cause::TooLarge => {
            ["the upload is larger than the limit", "its size is over the setting", "raise the limit, or send less"]
        }
        Cause::BodyBroken => {
            ["the sender broke off, or sent something else than it announced", "size or hash differ", "send it again"]
        }
        Cause::BodySilent => ["the sender was silent for too long", "nothing came within the limit", "send it again"],
        Cause::Damaged => [
            "the file's bytes are missing or not those of its record",
            "size or BLAKE3 differ",
            "put its bytes back from a copy, or delete the file",
        ],
        Cause::Disk => ["a disk failed", "a read or a write failed", "look at the disk that is named"],
        Cause::Denied => {
            ["the ensemble denies access", "an ACL does not let zkdeck in", "mend the ACL of the znode that is named"]
        }
        Cause::Control => [
            "what controls the servers failed",
            "Docker or the process did not do what was asked",
            "do what is said of it",
        ],
        Cause::Internal => [
            "a defect, or something that no other cause describes",
            "nothing else fits",
            "backend/ in the log folder tells more",
        ],
    };
    Explanation::means(cause.word(), texts).said_of("why an operation was not done")
}

/// One operation: the newest row of it that is known.
pub(super) fn operation(asked: &Operation, snapshot: &Snapshot) -> Explanation {
    let row = snapshot.operation(asked.id).map_or(asked, |newer| newer);
    let general = operation_status(row.status);
    let cause = row.cause.map(operation_cause);
    let again = outcome(row.status, row.cause).retry_after_s.map(|s| format!(", after {s} s or later"));
    let todo = cause.as_ref().and_then(|cause| cause.todo.clone()).or(general.todo);
    let ended_badly = matches!(row.status, OperationStatus::Failed | OperationStatus::Aborted);
    let reason = row.move_reason().map(|reason| {
        let general = move_reason(reason, &snapshot.scheduler);
        Fact::new("moved because", format!("{}: {}", general.word, general.meaning))
    });
    let mut facts: Vec<Fact> = reason.into_iter().collect();
    facts.push(Fact::new("what", row.what.clone()));
    facts.push(Fact::new("asked by", row.by.clone()));
    facts.extend(ended_badly.then(|| Fact::new("so now", row.truth())));
    facts.extend(row.took().map(|took| Fact::new("took", took.to_string())));
    Explanation {
        of: format!("operation, {}", row.kind.word()),
        rule: cause.map_or(general.rule, |cause| Some(format!("{}: {}", cause.word, cause.meaning))),
        measured: row.why.clone(),
        source: Some(format!("history, as {} wrote it", row.instance)),
        since: Some(row.finished.unwrap_or(row.started)),
        todo: todo.map(|todo| todo + &again.unwrap_or_default()),
        facts,
        ..Explanation { rule: None, todo: None, ..general }
    }
}
