//! What the client says means: an error that it is refused for certain, or unknown; a state whether there is a connection.

use zookeeper_client::{Error, SessionState};

use crate::adapters::zookeeper::coord::LinkState;
use crate::adapters::zookeeper::error::{Refusal, ZkError};

/// The refusals, which are sure to leave no trace. Everything that is not in this list is unknown:
/// connection loss, session expired or moved, time-outs, closed clients, and whatever the client
/// makes up (`Custom("no response ...")`). The client's own `has_no_data_change` counts some of
/// these as harmless, which holds for its lock nodes and not for our commits.
pub(super) fn refusal(error: &Error) -> Option<Refusal> {
    match error {
        Error::NoNode => Some(Refusal::NoNode),
        Error::NodeExists => Some(Refusal::NodeExists),
        Error::BadVersion => Some(Refusal::BadVersion),
        Error::NotEmpty => Some(Refusal::NotEmpty),
        Error::NoAuth => Some(Refusal::NoAuth),
        Error::InvalidAcl => Some(Refusal::InvalidAcl),
        Error::NoChildrenForEphemerals => Some(Refusal::NoChildrenForEphemerals),
        Error::QuotaExceeded => Some(Refusal::QuotaExceeded),
        Error::Throttled => Some(Refusal::Throttled),
        Error::NotReadOnly => Some(Refusal::NotReadOnly),
        Error::BadArguments(_) => Some(Refusal::BadArguments),
        Error::Unimplemented => Some(Refusal::Unimplemented),
        _ => None,
    }
}

/// The error of operation `index` on `path`.
pub(super) fn classify(operation: &'static str, index: usize, path: &str, error: &Error) -> ZkError {
    match refusal(error) {
        Some(why) => ZkError::Refused { operation, index, path: path.to_owned(), why },
        None => ZkError::Unknown { operation, path: path.to_owned(), cause: error.to_string() },
    }
}

/// What a state of the client means to zkdeck.
pub(super) fn link(state: SessionState) -> LinkState {
    match state {
        SessionState::SyncConnected => LinkState::Connected,
        // Read-only sessions are not asked for; a server that gives one has no quorum.
        SessionState::Disconnected | SessionState::ConnectedReadOnly => LinkState::Disconnected,
        SessionState::Expired => LinkState::Ended("it expired: no server was reached in time".into()),
        SessionState::AuthFailed => LinkState::Ended("the servers refused the credentials".into()),
        SessionState::Closed => LinkState::Ended("closed".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_refusal_is_unknown() {
        for error in [
            Error::ConnectionLoss,
            Error::SessionExpired,
            Error::SessionMoved,
            Error::AuthFailed,
            Error::ClientClosed,
            Error::Timeout,
            Error::NoHosts,
            Error::RuntimeInconsistent,
            Error::UnexpectedErrorCode(-4),
            Error::UnexpectedError("BUG".into()),
            Error::MarshallingError,
        ] {
            let outcome = classify("set", 0, "/a", &error);
            assert!(!outcome.definitely_not_applied(), "{error:?} was taken for a refusal");
        }
    }

    #[test]
    fn a_refusal_names_its_operation() {
        let outcome = classify("multi", 2, "/b", &Error::BadVersion);
        let expected = ZkError::Refused { operation: "multi", index: 2, path: "/b".into(), why: Refusal::BadVersion };
        assert_eq!(outcome, expected);
    }
}
