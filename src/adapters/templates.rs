//! Elasticsearch's index templates for what Filebeat ships: `filebeat/templates/`, part of the program.
//!
//! They cut words at every character that is no letter, digit or `_`, so that the last part of
//! `java.lang.NullPointerException` is found. That takes a pattern tokenizer; a server that has none
//! gets its standard analyzer, and the caller is told.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::Value;

use super::http::{TlsFault, tls_fault};
use super::logs::{Auth, reason};

/// Longest wait for one answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Most of a foreign answer that goes into a message, in bytes.
const QUOTE_MAX: usize = 300;

/// Name of each template and its text.
const TEMPLATES: [(&str, &str); 4] = [
    ("zkdeck-operations", include_str!("../../filebeat/templates/operations.json")),
    ("zkdeck-zk-logs", include_str!("../../filebeat/templates/zk-logs.json")),
    ("zkdeck-backend-logs", include_str!("../../filebeat/templates/backend-logs.json")),
    ("zkdeck-docker-logs", include_str!("../../filebeat/templates/docker-logs.json")),
];

/// How the words of messages are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// As the templates say.
    Parts,
    /// By the server's standard analyzer: parts of dotted names are not searchable.
    Standard,
}

#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It may answer later.
    #[error("Elasticsearch at {url}: {cause}; check that it runs there: curl {url}")]
    Away { url: String, cause: String },
    #[error("Elasticsearch at {url} is not to be trusted: {fault}")]
    Tls { url: String, fault: TlsFault },
    #[error(
        "Elasticsearch at {url} does not let this one in (status {status}): {answer}; set elastic.user and its password, or an API key that may manage index templates"
    )]
    Unauthorized { url: String, status: u16, answer: String },
    #[error("Elasticsearch at {url} refused the index template {name}: HTTP {status}: {answer}")]
    Refused { url: String, name: &'static str, status: u16, answer: String },
    #[error("the index template {name}, part of this program, is no JSON: {source}")]
    Broken { name: &'static str, source: serde_json::Error },
}

impl TemplateError {
    /// Whether trying again later can help.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Away { .. })
    }
}

/// Installs every template, over what is there under its name, as the one that `auth` names.
///
/// # Errors
/// [`TemplateError`].
pub async fn install(client: &Client, url: &str, auth: &Auth) -> Result<Words, TemplateError> {
    let url = url.trim_end_matches('/');
    let mut words = Words::Parts;
    for (name, text) in TEMPLATES {
        let mut template: Value =
            serde_json::from_str(text).map_err(|source| TemplateError::Broken { name, source })?;
        if words == Words::Standard {
            strip(&mut template);
        }
        let (mut status, mut answer) = put(client, url, auth, name, &template).await?;
        if words == Words::Parts && lacks_tokenizer(status, &answer) {
            words = Words::Standard;
            strip(&mut template);
            (status, answer) = put(client, url, auth, name, &template).await?;
        }
        if !status.is_success() {
            let answer = quoted(&answer);
            return Err(match status {
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY => {
                    TemplateError::Away { url: shown(url), cause: format!("HTTP {status}: {answer}") }
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    TemplateError::Unauthorized { url: shown(url), status: status.as_u16(), answer }
                }
                _ => TemplateError::Refused { url: shown(url), name, status: status.as_u16(), answer },
            });
        }
    }
    Ok(words)
}

async fn put(
    client: &Client,
    url: &str,
    auth: &Auth,
    name: &str,
    body: &Value,
) -> Result<(StatusCode, String), TemplateError> {
    let away = |error: reqwest::Error| {
        if let Some(fault) = tls_fault(&error) {
            return TemplateError::Tls { url: shown(url), fault };
        }
        let cause = if error.is_timeout() {
            format!("no answer within {} s", ANSWER_LIMIT.as_secs())
        } else if error.is_connect() {
            "no connection".to_owned()
        } else {
            error.without_url().to_string()
        };
        TemplateError::Away { url: shown(url), cause }
    };
    let request = auth.on(client.put(format!("{url}/_index_template/{name}"))).timeout(ANSWER_LIMIT);
    let request = request.header("content-type", "application/json").body(body.to_string());
    let answer = request.send().await.map_err(away)?;
    let status = answer.status();
    Ok((status, answer.text().await.map_err(away)?))
}

/// The reason that Elasticsearch and OpenSearch give when the module with the tokenizer is not there.
fn lacks_tokenizer(status: StatusCode, answer: &str) -> bool {
    status == StatusCode::BAD_REQUEST && answer.contains("Unknown tokenizer type")
}

/// Takes out every mention of an analyzer of our own.
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| name != "analysis" && name != "analyzer");
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// The reason that the answer names; else its beginning.
fn quoted(answer: &str) -> String {
    let named = serde_json::from_str(answer).ok().and_then(|value| reason(&value));
    let cut: String = named.as_deref().unwrap_or(answer).chars().filter(|c| !c.is_control()).take(QUOTE_MAX).collect();
    if cut.is_empty() { "an empty answer".to_owned() } else { cut }
}

/// The address without the name and password that it may carry.
fn shown(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_json_and_come_before_those_of_the_server() {
        for (name, text) in TEMPLATES {
            let template: Value = serde_json::from_str(text).unwrap();
            assert_eq!(template["priority"], 500, "{name}");
            let message = &template["template"]["mappings"]["properties"]["message"];
            assert_eq!((&message["type"], &message["analyzer"]), (&"text".into(), &"words".into()), "{name}");
            let pattern = template["index_patterns"][0].as_str().unwrap();
            assert!(!pattern.starts_with("logs-"), "{name}: {pattern} is the server's own");
        }
    }

    #[test]
    fn nothing_of_the_own_analyzer_is_left_without_its_tokenizer() {
        for (name, text) in TEMPLATES {
            let mut template: Value = serde_json::from_str(text).unwrap();
            strip(&mut template);
            let text = template.to_string();
            assert!(!text.contains("analy") && !text.contains("tokenizer"), "{name}: {text}");
            assert_eq!(template["template"]["settings"]["index"]["number_of_replicas"], 0, "{name}");
        }
    }

    #[test]
    fn a_password_in_the_address_is_not_shown() {
        assert_eq!(shown("http://elastic:secret@localhost:9200"), "http://localhost:9200");
        assert_eq!(shown("http://localhost:9200"), "http://localhost:9200");
    }

    #[test]
    fn a_missing_tokenizer_is_told_from_another_error() {
        let answer = r#"{"error":{"reason":"Unknown tokenizer type [pattern] for [words]"},"status":400}"#;
        assert!(lacks_tokenizer(StatusCode::BAD_REQUEST, answer));
        assert!(!lacks_tokenizer(StatusCode::BAD_REQUEST, "mapper_parsing_exception"));
    }
}
