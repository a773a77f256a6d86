//! Why an attempt on a file ended without its commit.

use crate::adapters::blobs::{BlobError, BodyFault};
use crate::adapters::zookeeper::error::{Refusal, ZkError};
use crate::adapters::zookeeper::layout::{Touched, ZnodeLayout};
use crate::domain::cause::{Cause, Fault};
use crate::domain::ids::NodeId;

/// Why an attempt ended without its commit.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The ensemble failed it, and it is known that nothing was applied and never will be.
    #[error("{}", .0.settled())]
    Zk(#[from] ZkError),
    #[error("{0}")]
    Blob(#[from] BlobError),
    /// The commit was refused: this is not as it was when the attempt began.
    #[error("{0}")]
    Changed(Changed),
    #[error("{node} takes no file: {why}")]
    Refuses { node: NodeId, why: String },
    /// Its node was drained meanwhile, and no other takes it.
    #[error("{node} was drained meanwhile, and {fault}")]
    Nowhere { node: NodeId, fault: Fault },
    #[error("there is no session with the ensemble; zkdeck connects again automatically, try again in a moment")]
    NoSession,
    #[error("stopped before it began")]
    Stopped,
    #[error("zkdeck is ending; try again when it runs")]
    Ending,
    /// The outcome is not known here: the recovery decides it and writes the row.
    #[error("it was not decided before the session was lost; the recovery decides it and history tells how")]
    Left,
}

/// What was changed by somebody else between an attempt's beginning and its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Changed {
    #[error("the file was moved or changed meanwhile; look at it again and try again")]
    File,
    #[error("the file was deleted meanwhile")]
    FileGone,
    #[error("the node was drained or changed meanwhile; try again")]
    Node,
    #[error("another instance has taken the lead meanwhile; it plans anew")]
    Leader,
    /// A recovery took the attempt for dead.
    #[error("the recovery has taken the attempt back; try again")]
    Attempt,
}

impl From<&Failure> for Fault {
    fn from(failure: &Failure) -> Self {
        Self::new(failure.cause(), failure.to_string())
    }
}

impl Failure {
    /// What a refusal by the servers means for an attempt: which of its conditions did not hold.
    pub(super) fn of(error: ZkError, layout: &ZnodeLayout) -> Self {
        let ZkError::Refused { path, why, .. } = &error else { return error.into() };
        if !matches!(why, Refusal::BadVersion | Refusal::NoNode | Refusal::NodeExists) {
            return error.into();
        }
        match layout.classify(path) {
            Touched::File(_) if *why == Refusal::NoNode => Self::Changed(Changed::FileGone),
            Touched::File(_) => Self::Changed(Changed::File),
            Touched::Node(_) => Self::Changed(Changed::Node),
            Touched::Epoch => Self::Changed(Changed::Leader),
            Touched::Intent(_) => Self::Changed(Changed::Attempt),
            _ => error.into(),
        }
    }

    /// Whether the attempt is over: its row may be closed.
    #[must_use]
    pub const fn is_decided(&self) -> bool {
        !matches!(self, Self::Left)
    }

    /// Whether it found its file deleted or changed, or its target drained: nothing is wrong, and nothing is left to
    /// do but to plan anew.
    #[must_use]
    pub const fn is_skip(&self) -> bool {
        matches!(self, Self::Changed(Changed::File | Changed::FileGone) | Self::Refuses { .. })
    }

    /// Whether it was decided before anything changed, by a rule and not by a fault.
    #[must_use]
    pub const fn is_abort(&self) -> bool {
        matches!(self, Self::Changed(_) | Self::Refuses { .. } | Self::Nowhere { .. } | Self::Stopped)
    }

    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::Nowhere { fault, .. } => fault.cause,
            Self::Zk(error) => zk_cause(error),
            Self::Blob(error) => blob_cause(error),
            Self::Changed(Changed::FileGone) => Cause::Gone,
            Self::Changed(Changed::Attempt) | Self::Left => Cause::Interrupted,
            Self::Changed(Changed::File | Changed::Node | Changed::Leader) | Self::Refuses { .. } => Cause::Changed,
            Self::NoSession => Cause::Unavailable,
            Self::Stopped => Cause::Stopped,
            Self::Ending => Cause::Ending,
        }
    }
}

/// What an error of the ensemble says of an operation that was taken back or never sent.
#[must_use]
const fn zk_cause(error: &ZkError) -> Cause {
    match error {
        ZkError::Refused { why, .. } => match why {
            Refusal::NoAuth | Refusal::InvalidAcl => Cause::Denied,
            Refusal::Throttled | Refusal::NotReadOnly => Cause::Unavailable,
            Refusal::NoNode | Refusal::NodeExists | Refusal::BadVersion | Refusal::NotEmpty => Cause::Changed,
            Refusal::QuotaExceeded => Cause::NoRoom,
            Refusal::NoChildrenForEphemerals | Refusal::BadArguments | Refusal::Unimplemented => Cause::Internal,
        },
        ZkError::Unknown { .. }
        | ZkError::Disconnected
        | ZkError::Ended { .. }
        | ZkError::Connect { .. }
        | ZkError::NotRead { .. }
        | ZkError::Newer { .. } => Cause::Unavailable,
        ZkError::TooLarge { .. } | ZkError::Unreadable { .. } => Cause::Internal,
    }
}

/// [`ZkError`] once it is known that nothing was applied.
#[must_use]
pub fn zk_fault(error: &ZkError) -> Fault {
    Fault::new(zk_cause(error), error.settled())
}

fn blob_cause(error: &BlobError) -> Cause {
    match error {
        BlobError::NoSpace { .. } | BlobError::DiskFull { .. } => Cause::NoRoom,
        BlobError::Missing { .. }
        | BlobError::Damaged { .. }
        | BlobError::WrongSize { .. }
        | BlobError::NoFile { .. } => Cause::Damaged,
        BlobError::TooLarge { .. } => Cause::TooLarge,
        BlobError::Stream { fault, .. } => match fault {
            BodyFault::Broken(_) => Cause::BodyBroken,
            BodyFault::Silent { .. } => Cause::BodySilent,
            BodyFault::Ending => Cause::Ending,
        },
        BlobError::Io { .. } | BlobError::TimedOut { .. } => Cause::Disk,
        BlobError::Newer { .. } | BlobError::NotMounted { .. } => Cause::Unavailable,
        BlobError::NothingToPublish { .. } | BlobError::Invalid(_) | BlobError::Ended { .. } => Cause::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::zookeeper::error::Refusal;
    use crate::domain::fixtures::node_id;
    use crate::domain::ids::{AttemptId, Bytes, FileId, Millis};

    fn refused(path: String, why: Refusal) -> Failure {
        let layout = ZnodeLayout::new("/demo", 2);
        Failure::of(ZkError::Refused { operation: "multi", index: 0, path, why }, &layout)
    }

    #[test]
    fn a_refusal_names_what_was_changed() {
        let layout = ZnodeLayout::new("/demo", 2);
        let (file, node) = (layout.file(FileId::new(1)), layout.node(&node_id("zk1")));
        for (path, why, cause) in [
            (file.clone(), Refusal::NoNode, Cause::Gone),
            (file.clone(), Refusal::BadVersion, Cause::Changed),
            (node, Refusal::BadVersion, Cause::Changed),
            (layout.epoch(), Refusal::BadVersion, Cause::Changed),
            (layout.intent(AttemptId::new(1)), Refusal::BadVersion, Cause::Interrupted),
        ] {
            let failure = refused(path.clone(), why);
            assert_eq!((failure.cause(), failure.is_abort()), (cause, true), "{path} {why:?}");
        }
        assert_eq!(refused(file.clone(), Refusal::NoAuth).cause(), Cause::Denied);
        assert_eq!(refused(file, Refusal::Throttled).cause(), Cause::Unavailable);
    }

    #[test]
    fn what_was_settled_is_not_told_as_unknown() {
        let unknown = ZkError::Unknown { operation: "multi", path: "/demo/nodes/zk1".into(), cause: "no reply".into() };
        let failure = Failure::from(unknown);
        assert_eq!(failure.cause(), Cause::Unavailable);
        assert!(!failure.to_string().contains("unknown") && failure.to_string().contains("no reply"), "{failure}");
    }

    #[test]
    fn what_went_wrong_with_bytes_has_the_cause_of_whose_fault_it_is() {
        let (node, file, blob) = (node_id("zk1"), FileId::new(1), AttemptId::new(2));
        let stream = |fault| BlobError::Stream { received: 1, fault };
        let path = || std::path::PathBuf::from("zk1/x");
        let source = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let room = Bytes(1);
        for (error, cause) in [
            (BlobError::NoSpace { node: node.clone(), needed: room, free: room, reserve: room }, Cause::NoRoom),
            (BlobError::DiskFull { operation: "write", path: path(), source: source() }, Cause::NoRoom),
            (BlobError::TooLarge { limit: room }, Cause::TooLarge),
            (stream(BodyFault::Broken("cut".into())), Cause::BodyBroken),
            (stream(BodyFault::Silent { limit: Millis(1) }), Cause::BodySilent),
            (stream(BodyFault::Ending), Cause::Ending),
            (BlobError::Io { operation: "write", path: path(), at_target: true, source: source() }, Cause::Disk),
            (BlobError::Missing { node: node.clone(), file, blob }, Cause::Damaged),
            (BlobError::NotMounted { folder: path() }, Cause::Unavailable),
            (BlobError::NothingToPublish { node, file, blob }, Cause::Internal),
        ] {
            assert_eq!(blob_cause(&error), cause, "{error}");
        }
    }
}
