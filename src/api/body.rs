//! A JSON body whose fields are checked one by one, so that an error always names its field.

use std::ops::RangeInclusive;
use std::time::Duration;

use axum::body::{Bytes, HttpBody, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::error::Fail;
use super::state::App;
use crate::domain::number;

/// Longest time for a JSON body to come in.
const BODY_WAIT: Duration = Duration::from_secs(10);

/// The fields of a JSON object. No body at all is an object without fields.
#[derive(Debug)]
pub(super) struct Fields {
    given: Map<String, Value>,
    known: Vec<&'static str>,
}

/// A body that must not hold any field.
pub(super) struct NoFields;

impl FromRequest<App> for Fields {
    type Rejection = Fail;

    async fn from_request(request: Request, app: &App) -> Result<Self, Fail> {
        let (parts, body) = request.into_parts();
        if body.size_hint().lower() > app.config.body_limit as u64 {
            return Err(too_large(app.config.body_limit));
        }
        let read = timeout(BODY_WAIT, to_bytes(body, app.config.body_limit));
        let bytes = match read.await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => return Err(unreadable(&error, app.config.body_limit)),
            Err(_) => {
                let message = "the body has not come in within 10 s; send it again";
                return Err(Fail::new(StatusCode::REQUEST_TIMEOUT, "body-timeout", message));
            }
        };
        Self::parse(&bytes, &parts.headers)
    }
}

impl FromRequest<App> for NoFields {
    type Rejection = Fail;

    async fn from_request(request: Request, app: &App) -> Result<Self, Fail> {
        Fields::from_request(request, app).await?.finish()?;
        Ok(Self)
    }
}

impl Fields {
    fn parse(bytes: &Bytes, headers: &HeaderMap) -> Result<Self, Fail> {
        let known = Vec::new();
        if bytes.is_empty() {
            return Ok(Self { given: Map::new(), known });
        }
        if !is_json(headers) {
            let message = "send the body with Content-Type: application/json";
            return Err(Fail::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", message));
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(given)) => Ok(Self { given, known }),
            Ok(_) => Err(Fail::field("body", "must be a JSON object, like {\"node\":\"zk1\"}")),
            Err(error) => Err(Fail::field("body", format!("is not JSON: {error}"))),
        }
    }

    fn take(&mut self, field: &'static str) -> Option<Value> {
        self.known.push(field);
        self.given.remove(field)
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, field: &'static str) -> Result<String, Fail> {
        self.text_if_given(field)?.ok_or_else(|| Fail::field(field, "is missing; give a text"))
    }

    /// A text that may be left out.
    pub(super) fn text_if_given(&mut self, field: &'static str) -> Result<Option<String>, Fail> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Fail::field(field, "must be a text")),
        }
    }

    /// A whole number in a range, that must be there.
    pub(super) fn number(&mut self, field: &'static str, range: RangeInclusive<u64>) -> Result<u64, Fail> {
        let rule = number::range(&range);
        match self.take(field) {
            None => Err(Fail::field(field, format!("is missing; give {rule}"))),
            Some(value) => match value.as_u64() {
                Some(number) if range.contains(&number) => Ok(number),
                _ => Err(Fail::field(field, format!("must be {rule}"))),
            },
        }
    }

    /// True or false; false when it is left out.
    pub(super) fn flag(&mut self, field: &'static str) -> Result<bool, Fail> {
        match self.take(field) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(Fail::field(field, "must be true or false")),
        }
    }

    /// Refuses fields that nobody asked for.
    pub(super) fn finish(self) -> Result<(), Fail> {
        match self.given.keys().next() {
            None => Ok(()),
            Some(field) => Err(Fail::field(field, known_rule("field", &self.known)).with("known", self.known)),
        }
    }
}

/// The rule that an unknown field or parameter breaks.
pub(super) fn known_rule(what: &str, known: &[&str]) -> String {
    if known.is_empty() {
        format!("is not known: this route takes no {what}s")
    } else {
        format!("is not known: this route takes {}", known.join(", "))
    }
}

/// `application/json`, in any case and with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn too_large(limit: usize) -> Fail {
    let message = format!("the body is larger than {}", crate::domain::ids::Bytes(limit as u64));
    Fail::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message).with("limit", limit)
}

fn unreadable(error: &axum::Error, limit: usize) -> Fail {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.is::<http_body_util::LengthLimitError>() {
            return too_large(limit);
        }
        cause = inner.source();
    }
    Fail::new(StatusCode::BAD_REQUEST, "body-broken", format!("the body broke off: {error}; send it again"))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    /// A form of another site can send a body of any kind but this one.
    #[test]
    fn a_body_is_json_and_says_so() {
        let status = |kind: Option<&'static str>| {
            let value = kind.map(|kind| (header::CONTENT_TYPE, kind.parse().unwrap()));
            let parsed = Fields::parse(&Bytes::from_static(b"{}"), &value.into_iter().collect());
            parsed.err().map(|fail| fail.into_response().status())
        };
        for kind in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(status(Some(kind)), None, "{kind}");
        }
        let others =
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonp"];
        for kind in others.map(Some).into_iter().chain([None]) {
            assert_eq!(status(kind), Some(StatusCode::UNSUPPORTED_MEDIA_TYPE), "{kind:?}");
        }
    }
}
