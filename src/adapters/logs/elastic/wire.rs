//! One request to the server: bounded in time and size, and every failure told apart.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::adapters::http::{self, TlsFault, TrustError};
use crate::domain::shell::quoted;

/// Longest wait for an answer.
const LIMIT: Duration = Duration::from_secs(10);
/// What a search may take on the server.
pub(super) const SERVER_LIMIT: &str = "5s";
/// Largest answer: a page of 2,000 events is far below.
const ANSWER_MAX: usize = 32 << 20;

/// A password or key. Never shown, never logged.
#[derive(Clone)]
pub struct ElasticSecret(String);

impl ElasticSecret {
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for ElasticSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// How the server knows us.
#[derive(Clone, Debug)]
pub enum Auth {
    None,
    Basic { user: String, password: ElasticSecret },
    ApiKey(ElasticSecret),
}

impl Auth {
    /// The request with what the server knows us by.
    pub fn on(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match self {
            Self::None => request,
            Self::Basic { user, password } => request.basic_auth(user, Some(&password.0)),
            Self::ApiKey(key) => request.header("authorization", format!("ApiKey {}", key.0)),
        }
    }
}

/// Where the logs are kept.
#[derive(Clone, Debug)]
pub struct ElasticConfig {
    /// `http://127.0.0.1:9200`, or with `https://`.
    pub url: String,
    pub auth: Auth,
    /// The authorities that may have signed its certificate; `None`: those of the system.
    pub ca_file: Option<PathBuf>,
}

/// Why the server has not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElasticError {
    #[error("Elasticsearch at {url} cannot be reached: {cause}; start it, or mend elastic.url")]
    Refused { url: String, cause: String },
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("Elasticsearch at {url} cannot be trusted with this search: {fault}")]
    Tls { url: String, fault: TlsFault },
    #[error("Elasticsearch at {url} speaks TLS; write https:// in elastic.url")]
    NotPlain { url: String },
    #[error("Elasticsearch has not answered within {} s; narrow the search by time, or look at its load", LIMIT.as_secs())]
    Late,
    #[error("Elasticsearch does not know who asks (401): {reason}; set elastic.user and its password, or an API key")]
    Unauthorized { reason: String },
    #[error(
        "Elasticsearch does not allow this search (403): {reason}; give the user the right to read the log indices"
    )]
    Forbidden { reason: String },
    #[error(
        "Elasticsearch has no index of logs yet (404): {reason}; see that Filebeat runs and zkdeck templates was run"
    )]
    NoIndex { reason: String },
    #[error("Elasticsearch cannot search by this (400): {reason}")]
    Query { reason: String },
    #[error("Elasticsearch is busy or read-only ({status}): {reason}; it is asked again in a moment")]
    Busy { status: u16, reason: String },
    #[error("Elasticsearch is not ready ({status}): {reason}; look at its cluster health")]
    NotReady { status: u16, reason: String },
    #[error("the answer is a web page, not Elasticsearch's: is {url} the right address, and is no proxy in between?")]
    Page { url: String },
    #[error("the answer is larger than {} MiB; narrow the search", ANSWER_MAX >> 20)]
    TooLarge,
    #[error("Elasticsearch has answered what cannot be read: {cause}")]
    Odd { cause: String },
}

impl ElasticError {
    /// Whether the question itself is at fault, so that nobody else is to be asked instead.
    pub(in crate::adapters::logs) const fn is_of_question(&self) -> bool {
        matches!(self, Self::Query { .. })
    }
}

#[derive(Clone, Debug)]
pub(super) struct Wire {
    client: reqwest::Client,
    pub(super) config: ElasticConfig,
}

impl Wire {
    pub(super) fn new(config: ElasticConfig) -> Result<Self, ElasticError> {
        let client = http::client(&config.url, config.ca_file.as_deref())?.connect_timeout(Duration::from_secs(3));
        let client = client.build().map_err(|error| ElasticError::Odd { cause: error.to_string() })?;
        let config = ElasticConfig { url: config.url.trim_end_matches('/').to_owned(), ..config };
        Ok(Self { client, config })
    }

    /// Sends a request; also says whether the answer names the product Elasticsearch.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(Value, bool), ElasticError> {
        let work = self.exchange(method, path, body);
        tokio::time::timeout(LIMIT, work).await.map_err(|_| ElasticError::Late)?
    }

    async fn exchange(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(Value, bool), ElasticError> {
        let request = self.client.request(method, format!("{}{path}", self.config.url));
        let mut request = self.config.auth.on(request);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Err(self.unanswered(&error).await),
        };
        let status = response.status();
        let named = response.headers().contains_key("x-elastic-product");
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let html = kind.contains("text/html");
        if response.content_length().is_some_and(|length| length > ANSWER_MAX as u64) {
            return Err(ElasticError::TooLarge);
        }
        let bytes = http::body(response, ANSWER_MAX).await.map_err(|error| self.unreached(&error))?;
        let bytes = bytes.ok_or(ElasticError::TooLarge)?;
        let value: Option<Value> = serde_json::from_slice(&bytes).ok();
        if status.is_success() {
            return match value {
                Some(value) => Ok((value, named)),
                None if html || bytes.trim_ascii_start().starts_with(b"<") => Err(self.page()),
                None => Err(ElasticError::Odd { cause: "it is no JSON".into() }),
            };
        }
        Err(self.failed(status, value.as_ref(), html))
    }

    fn page(&self) -> ElasticError {
        ElasticError::Page { url: self.config.url.clone() }
    }

    fn failed(&self, status: StatusCode, value: Option<&Value>, html: bool) -> ElasticError {
        let reason = value.and_then(reason).unwrap_or_else(|| "without a reason".into());
        let code = status.as_u16();
        match code {
            401 => ElasticError::Unauthorized { reason },
            403 if reason.contains("block") => ElasticError::Busy { status: code, reason },
            403 => ElasticError::Forbidden { reason },
            404 => ElasticError::NoIndex { reason },
            400 => ElasticError::Query { reason },
            429 => ElasticError::Busy { status: code, reason },
            500.. if !html => ElasticError::NotReady { status: code, reason },
            502..=504 => ElasticError::NotReady { status: code, reason: "a proxy answers for it".into() },
            _ if html => self.page(),
            _ => ElasticError::Odd { cause: format!("status {code}, {reason}") },
        }
    }

    async fn unanswered(&self, error: &reqwest::Error) -> ElasticError {
        if !error.is_connect() && http::speaks_tls(&self.config.url).await {
            return ElasticError::NotPlain { url: self.config.url.clone() };
        }
        self.unreached(error)
    }

    fn unreached(&self, error: &reqwest::Error) -> ElasticError {
        if let Some(fault) = http::tls_fault(error) {
            return ElasticError::Tls { url: self.config.url.clone(), fault };
        }
        ElasticError::Refused { url: self.config.url.clone(), cause: http::innermost(error) }
    }

    /// The request as a command line; who asks stands in it as a variable.
    pub(super) fn curl(&self, path: &str, body: &Value) -> String {
        let auth = match &self.config.auth {
            Auth::None => String::new(),
            Auth::Basic { user, .. } => format!(" -u {}:\"$ELASTIC_PASSWORD\"", quoted(user)),
            Auth::ApiKey(_) => " -H \"Authorization: ApiKey $ELASTIC_API_KEY\"".into(),
        };
        let url = quoted(&format!("{}{path}", self.config.url));
        let ca_file = self.config.ca_file.as_ref().filter(|_| http::is_tls(&self.config.url));
        let ca = ca_file.map(|file| format!(" --cacert {}", quoted(&file.to_string_lossy()))).unwrap_or_default();
        format!("curl -s{ca}{auth} -H 'Content-Type: application/json' {url} -d {}", quoted(&body.to_string()))
    }
}

/// The reason that an error answer names, the innermost one first.
pub(in crate::adapters) fn reason(value: &Value) -> Option<String> {
    let error = value.get("error")?;
    let root = error.pointer("/caused_by/reason").or_else(|| error.pointer("/root_cause/0/reason"));
    let text = root.or_else(|| error.get("reason")).unwrap_or(error).as_str()?;
    Some(text.chars().take(300).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_in_no_text() {
        let auth = Auth::Basic { user: "o'neil".into(), password: ElasticSecret::new("hunter2".into()) };
        let wire = Wire::new(ElasticConfig { url: "http://h:1/".into(), auth, ca_file: None }).unwrap();
        let curl = wire.curl("/_search", &json!({"a": "it's"}));
        assert_eq!(
            curl,
            "curl -s -u 'o'\\''neil':\"$ELASTIC_PASSWORD\" -H 'Content-Type: application/json' 'http://h:1/_search' -d '{\"a\":\"it'\\''s\"}'"
        );
        assert!(!format!("{wire:?}").contains("hunter2"));
    }
}
