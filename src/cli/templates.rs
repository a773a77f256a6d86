//! `zkdeck templates URL`: installs the index templates before Filebeat ships its first line.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep};

use super::elastic;
use super::output::say;
use crate::adapters::http;
use crate::adapters::templates::{self, Words};
use crate::config::{Config, check_http};

/// How long a server that does not answer yet is waited for.
const WAIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(super) struct TemplatesOptions {
    /// Address of Elasticsearch; else elastic.url, else http://127.0.0.1:9200
    #[arg(value_name = "URL")]
    url: Option<String>,
}

pub(super) async fn run(options: &TemplatesOptions, config: &Config) -> anyhow::Result<ExitCode> {
    let set = Some(config.elastic.url.as_str()).filter(|url| !url.is_empty());
    let url = options.url.as_deref().or(set).unwrap_or(&config.doctor.elasticsearch);
    check_http("URL", url)?;
    let auth = elastic::auth(config)?;
    let client = http::client(url, elastic::ca(config).as_deref())?.build().context("making an HTTP client")?;
    let deadline = Instant::now() + WAIT;
    let words = loop {
        match templates::install(&client, url, &auth).await {
            Ok(words) => break words,
            Err(error) if error.may_pass() && Instant::now() < deadline => {
                say(&format!("zkdeck: {error}; trying again for {} s", (deadline - Instant::now()).as_secs()));
                sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    };
    say(match words {
        Words::Parts => "zkdeck: the index templates are installed",
        Words::Standard => {
            "zkdeck: the index templates are installed with the standard analyzer, because this server has no pattern \
             tokenizer: parts of dotted names such as NullPointerException are not searchable"
        }
    });
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_no_url_is_refused_and_not_tried_again() {
        let config = crate::config::load(std::path::Path::new("/nonexistent"), false, |_| None, Vec::new()).unwrap();
        let begun = Instant::now();
        let error = run(&TemplatesOptions { url: Some("nourl".into()) }, &config).await.unwrap_err();
        assert!(error.to_string().starts_with("URL: must be http://"), "{error}");
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
