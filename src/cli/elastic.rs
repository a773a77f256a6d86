//! How Elasticsearch is asked: by whom, and whose certificates are trusted.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::adapters::logs::{Auth, ElasticSecret};
use crate::config::Config;

/// The file of the authorities behind `https://`; `None`: the system's.
pub(super) fn ca(config: &Config) -> Option<PathBuf> {
    let file = &config.elastic.ca_file;
    (!file.is_empty()).then(|| PathBuf::from(file))
}

/// How Elasticsearch knows us.
pub(super) fn auth(config: &Config) -> anyhow::Result<Auth> {
    let elastic = &config.elastic;
    let key = secret("elastic.api_key_file", &elastic.api_key_file, "ZKDECK_ELASTIC_API_KEY")?;
    let password = secret("elastic.password_file", &elastic.password_file, "ZKDECK_ELASTIC_PASSWORD")?;
    match (key, elastic.user.as_str(), password) {
        (Some(key), _, _) => Ok(Auth::ApiKey(key)),
        (None, "", _) => Ok(Auth::None),
        (None, user, Some(password)) => Ok(Auth::Basic { user: user.to_owned(), password }),
        (None, _, None) => anyhow::bail!(
            "elastic.user is set without a password; set elastic.password_file or ZKDECK_ELASTIC_PASSWORD"
        ),
    }
}

/// A secret from its file, else from the environment.
fn secret(setting: &str, file: &str, variable: &str) -> anyhow::Result<Option<ElasticSecret>> {
    if file.is_empty() {
        return Ok(std::env::var(variable).ok().filter(|text| !text.is_empty()).map(ElasticSecret::new));
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("{setting}: cannot read {file}"))?;
    Ok(Some(ElasticSecret::new(text.trim().to_owned())))
}
