//! How an operation fails, sorted by the one question that matters: may it have been applied?

use std::fmt;

use crate::domain::format::NewerFormat;

/// Why the servers refused an operation. None of these leaves a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    NoNode,
    NodeExists,
    BadVersion,
    NotEmpty,
    NoAuth,
    InvalidAcl,
    NoChildrenForEphemerals,
    QuotaExceeded,
    /// The server sheds load; worth another try after a pause.
    Throttled,
    NotReadOnly,
    BadArguments,
    Unimplemented,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNode => "there is no such znode",
            Self::NodeExists => "the znode exists already",
            Self::BadVersion => "it was changed meanwhile; read it again",
            Self::NotEmpty => "it has children",
            Self::NoAuth => "access denied; check the ACL of the znode and of its parent",
            Self::InvalidAcl => "the ACL is not valid",
            Self::NoChildrenForEphemerals => "its parent is ephemeral and cannot have children",
            Self::QuotaExceeded => "the quota is used up; raise it with setquota",
            Self::Throttled => "the server sheds load; it will be tried again",
            Self::NotReadOnly => "the server is read-only: it has no quorum",
            Self::BadArguments => "the request is not valid",
            Self::Unimplemented => "the server does not know the operation; use ZooKeeper 3.6 or newer",
        })
    }
}

/// How an operation on the ensemble failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZkError {
    /// The servers refused; nothing was applied.
    #[error("{operation} {path}: {why}")]
    Refused {
        operation: &'static str,
        /// Index of the operation that failed in a `multi`; 0 otherwise.
        index: usize,
        path: String,
        why: Refusal,
    },
    /// No answer that can be relied on: applied, not applied, or applied later.
    #[error("{operation} {path}: outcome unknown ({cause}); it has to be settled before anything else is done")]
    Unknown { operation: &'static str, path: String, cause: String },
    /// There is no server at the moment; nothing was sent.
    #[error("no connection to ZooKeeper, nothing was sent; it goes on by itself when a quorum answers")]
    Disconnected,
    /// The request is larger than the servers take; nothing was sent.
    #[error("{operation} {path}: {bytes} bytes are more than the {limit} of one request; send less at once")]
    TooLarge { operation: &'static str, path: String, bytes: usize, limit: usize },
    /// The session was over before anything was sent.
    #[error("the ZooKeeper session has ended ({cause}); a new one is needed")]
    Ended { cause: String },
    /// What a znode holds cannot be used, or cannot be written in that form. Nothing was sent.
    #[error("{path} cannot be used: {cause}")]
    Unreadable { path: String, cause: String },
    /// The version of a znode that a condition needs has not been read yet. Nothing was sent.
    #[error("{path} has not been read yet; try again in a moment")]
    NotRead { path: String },
    /// A newer zkdeck wrote it, in a form that this one does not know. Nothing was sent.
    #[error("{path} cannot be used: {format}")]
    Newer { path: String, format: NewerFormat },
    /// No session could be made.
    #[error("cannot connect to ZooKeeper at {hosts}: {cause}")]
    Connect { hosts: String, cause: String },
}

impl ZkError {
    /// Whether a write that failed like this can never show: not now, and not later.
    #[must_use]
    pub const fn definitely_not_applied(&self) -> bool {
        !matches!(self, Self::Unknown { .. })
    }

    /// Why the servers refused; `None` for every other failure.
    #[must_use]
    pub const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused { why, .. } => Some(*why),
            _ => None,
        }
    }

    /// What an ACL keeps from zkdeck, and what to set; `None` for every other failure.
    #[must_use]
    pub fn denied(&self) -> Option<String> {
        match self {
            Self::Refused { operation, path, why: Refusal::NoAuth, .. } => Some(format!(
                "access denied: zkdeck may not {operation} {path}; in zkCli.sh, after addauth as who may: \
                 setAcl {path} world:anyone:cdrwa"
            )),
            _ => None,
        }
    }

    /// The error in words once it is known that nothing was applied: it was taken back, or never sent.
    #[must_use]
    pub fn settled(&self) -> String {
        match self {
            Self::Unknown { cause, .. } => {
                format!("the ensemble did not answer in time ({cause}), and the request was taken back; try again")
            }
            Self::Disconnected => "no ZooKeeper server answers; try again when a quorum serves".into(),
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_unknown_may_have_been_applied() {
        let unknown = ZkError::Unknown { operation: "set", path: "/a".into(), cause: "no response".into() };
        let refused = ZkError::Refused { operation: "set", index: 0, path: "/a".into(), why: Refusal::BadVersion };
        assert!(!unknown.definitely_not_applied());
        assert!(refused.definitely_not_applied());
        assert!(ZkError::Disconnected.definitely_not_applied());
        assert_eq!(refused.refusal(), Some(Refusal::BadVersion));
        assert_eq!(unknown.refusal(), None);
    }

    #[test]
    fn messages_name_operation_object_and_next_step() {
        let refused = ZkError::Refused { operation: "set", index: 0, path: "/demo/a".into(), why: Refusal::BadVersion };
        assert_eq!(refused.to_string(), "set /demo/a: it was changed meanwhile; read it again");
    }
}
