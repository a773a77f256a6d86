//! `zkdeck templates URL`: installs the index templates before Filebeat ships its first line.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep};

use super::say;
use crate::adapters::templates::{self, Words};

/// How long a server that does not answer yet is waited for.
const WAIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Address of Elasticsearch
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:9200")]
    url: String,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let client = reqwest::Client::builder().build().context("making an HTTP client")?;
    let deadline = Instant::now() + WAIT;
    let words = loop {
        match templates::install(&client, &options.url).await {
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
