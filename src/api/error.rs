//! What went wrong, as one JSON shape: a problem (RFC 9457) with an `error` member that has all of it,
//! `{"code","message","field"?,"known"?}`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::domain::ask::Unanswered;
use crate::domain::command::Rejected;
use crate::domain::ids::{NodeId, OperationId};
use crate::domain::log::LogFail;
use crate::domain::operation::Operation;

/// What the body of every answer is that is no success.
pub(super) const PROBLEM: &str = "application/problem+json";

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Fail(Box<FailParts>);

#[derive(Debug)]
struct FailParts {
    status: StatusCode,
    error: Map<String, Value>,
    retry_after_s: Option<u32>,
}

pub(super) type Answer = Result<Response, Fail>;

impl Fail {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let mut error = Map::new();
        error.insert("code".into(), code.into());
        error.insert("message".into(), message.into().into());
        Self(Box::new(FailParts { status, error, retry_after_s: None }))
    }

    /// 422: a field of the body or the query breaks its rule.
    pub(super) fn field(field: &str, rule: impl AsRef<str>) -> Self {
        let field = shortened(field);
        let message = format!("{field}: {}", rule.as_ref());
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-field", message).with("field", field)
    }

    /// 404: no such node; tells the ones there are.
    pub(super) fn unknown_node(field: &'static str, given: &str, known: Vec<NodeId>) -> Self {
        let given = shortened(given);
        Self::from(Rejected::UnknownNode { given, known }).with("field", field)
    }

    /// 503: the records have not all been read, so nobody can say that a file is not there.
    pub(super) fn records_unread() -> Self {
        let message = "the files' records have not all been read yet; try again in a moment";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "records-unread", message).retry_after(1)
    }

    /// 404: the route is gone with the control of the servers.
    pub(super) fn no_control(why: &str) -> Self {
        Self::from(Rejected::ControlOff { cause: why.to_owned() }).status(StatusCode::NOT_FOUND)
    }

    /// An operation that ended without being done: why, what is true now, and whether to try again.
    pub(super) fn operation(operation: &Operation) -> Self {
        let outcome = operation.outcome();
        let why = operation.why.as_deref().unwrap_or("the cause is not known");
        let message = format!("{}: {why}", operation.truth());
        let status = StatusCode::from_u16(outcome.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let fail = Self::new(status, outcome.code, message)
            .with("operation", operation.id.to_string())
            .with("operation_status", operation.status.word())
            .with("truth", operation.truth());
        let fail = if operation.files.is_empty() { fail } else { fail.with("files", json!(operation.files)) };
        match outcome.retry_after_s {
            Some(seconds) => fail.retry_after(seconds),
            None => fail,
        }
    }

    /// 503: the outcome is not known here yet; the operation tells it when it is.
    pub(super) fn undecided(operation: Option<OperationId>) -> Self {
        let message = "it is not known yet whether this was done: the ensemble has not answered; the operation tells \
                       the outcome when it is decided, so look there before sending it again";
        let fail = Self::new(StatusCode::SERVICE_UNAVAILABLE, "outcome-unknown", message).retry_after(5);
        match operation {
            Some(id) => fail.with("operation", id.to_string()).with("look", format!("/api/operations/{id}")),
            None => fail,
        }
    }

    pub(super) fn body(&self) -> Value {
        let FailParts { status, error, .. } = &*self.0;
        let member = |name: &str| error.get(name).cloned().unwrap_or_default();
        json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "detail": member("message"),
            "code": member("code"),
            "error": error,
        })
    }

    fn status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// 504: the engine did not answer, and the command may still be carried out.
    pub(super) fn no_answer() -> Self {
        let message = "the engine has not answered in time; the request may still be carried out: \
                       look at /api/operations before sending it again, and at /readyz for the cause";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "no-answer", message)
    }

    /// 504: a question without an answer; nothing was asked to be done.
    pub(super) fn unanswered() -> Self {
        let message = "the question has not been answered in time; try again, and look at /readyz for the cause";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "no-answer", message)
    }

    /// Adds a member to the error object.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.error.insert(name.into(), value.into());
        self
    }

    pub(super) fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    pub(super) fn logs(fail: &LogFail) -> Self {
        match fail {
            LogFail::Question(why) => Self::field("cursor", why.as_str()),
            LogFail::Answer(why) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "logs", why.as_str()).retry_after(2),
        }
    }

    pub(super) fn question(code: &str, error: &Unanswered) -> Self {
        match error {
            Unanswered::NoSuchRow(_) => Self::field("before", error.to_string()),
            Unanswered::Failed(why) => Self::new(StatusCode::SERVICE_UNAVAILABLE, code, why.as_str()).retry_after(2),
        }
    }
}

impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        let FailParts { status, retry_after_s, .. } = *self.0;
        let mut response = (status, axum::Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The one place where a reason to refuse becomes a status.
const fn status(rejected: &Rejected) -> StatusCode {
    match rejected {
        Rejected::UnknownNode { .. } | Rejected::UnknownFile { .. } => StatusCode::NOT_FOUND,
        Rejected::InvalidField { .. } | Rejected::InvalidName(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Rejected::ReadOnly | Rejected::ControlOff { .. } => StatusCode::FORBIDDEN,
        Rejected::Disconnected { .. }
        | Rejected::Unreachable { .. }
        | Rejected::NotReady { .. }
        | Rejected::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
        Rejected::ForeignStore { .. }
        | Rejected::NeedsConfirm { .. }
        | Rejected::AlreadySo { .. }
        | Rejected::NodeCannotTake { .. }
        | Rejected::SameNode { .. }
        | Rejected::Damaged { .. }
        | Rejected::NotPossible { .. } => StatusCode::CONFLICT,
        Rejected::Busy { .. } => StatusCode::TOO_MANY_REQUESTS,
        Rejected::NoRoom { .. } => StatusCode::INSUFFICIENT_STORAGE,
        Rejected::Internal { .. } | Rejected::Disk { .. } | Rejected::Denied { .. } => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

impl From<Rejected> for Fail {
    fn from(rejected: Rejected) -> Self {
        let mut fail = Self::new(status(&rejected), rejected.code(), rejected.to_string());
        if let Some(field) = rejected.field() {
            fail = fail.with("field", field);
        }
        match rejected {
            Rejected::UnknownNode { known, .. } => {
                let names: Vec<_> = known.iter().map(NodeId::as_str).collect();
                fail.with("known", names)
            }
            Rejected::NeedsConfirm { consequence, type_name } => {
                fail.with("field", "confirm").with("consequence", consequence).with("type_name", type_name)
            }
            Rejected::Busy { limit, .. } => fail.with("limit", limit).retry_after(1),
            Rejected::NotReady { .. } => fail.retry_after(1),
            Rejected::Disconnected { .. } | Rejected::Unreachable { .. } => fail.retry_after(5),
            Rejected::ShuttingDown => fail.retry_after(10),
            _ => fail,
        }
    }
}

/// What a client sent, as far as it is told back to it.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::file::InvalidName;
    use crate::domain::fixtures::node_id;
    use crate::domain::ids::FileId;

    #[test]
    fn a_page_before_an_unknown_row_is_a_wrong_field_and_no_failure_of_history() {
        let id = OperationId::new(7);
        let fail = Fail::question("history", &Unanswered::NoSuchRow(id));
        let body = fail.body();
        assert_eq!((&body["status"], &body["error"]["field"]), (&json!(422), &json!("before")));
        assert!(body["detail"].as_str().is_some_and(|detail| detail.contains(&id.to_string())), "{body}");
        assert_eq!(Fail::question("history", &Unanswered::Failed("x".into())).body()["status"], json!(503));
    }

    #[test]
    fn every_reason_has_its_status() {
        let text = || "x".to_owned();
        let table = [
            (Rejected::UnknownNode { given: text(), known: vec![] }, 404),
            (Rejected::UnknownFile { given: FileId::new(1) }, 404),
            (Rejected::InvalidField { field: "files".into(), rule: text() }, 422),
            (Rejected::InvalidName(InvalidName::Empty), 422),
            (Rejected::ReadOnly, 403),
            (Rejected::Disconnected { since: None, cause: text() }, 503),
            (Rejected::ForeignStore { ours: text(), theirs: text() }, 409),
            (Rejected::ControlOff { cause: text() }, 403),
            (Rejected::NeedsConfirm { consequence: text(), type_name: true }, 409),
            (Rejected::AlreadySo { what: text() }, 409),
            (Rejected::Disk { what: text(), why: text() }, 500),
            (Rejected::NoRoom { what: text(), why: text() }, 507),
            (Rejected::Damaged { what: text(), why: text() }, 409),
            (Rejected::Denied { what: text(), why: text() }, 500),
            (Rejected::NodeCannotTake { node: node_id("zk1"), why: text() }, 409),
            (Rejected::SameNode { node: node_id("zk1") }, 409),
            (Rejected::Busy { what: text(), limit: 1 }, 429),
            (Rejected::NotPossible { what: text(), why: text() }, 409),
            (Rejected::NotReady { what: text(), why: text() }, 503),
            (Rejected::ShuttingDown, 503),
            (Rejected::Internal { cause: text() }, 500),
        ];
        for (rejected, status) in table {
            let waits = matches!(status, 503 | 429);
            let response = Fail::from(rejected.clone()).into_response();
            assert_eq!(response.status().as_u16(), status, "{rejected:?}");
            assert_eq!(response.headers().contains_key(header::RETRY_AFTER), waits, "{rejected:?}");
        }
    }
}
