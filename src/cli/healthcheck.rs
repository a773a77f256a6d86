//! `zkdeck healthcheck`: asks the daemon on this machine whether it answers. For containers.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::output::say;
use crate::adapters::http;
use crate::config::Config;

const ANSWER_LIMIT: Duration = Duration::from_secs(3);

#[derive(Debug, clap::Args)]
pub(super) struct HealthcheckOptions {
    /// Address of the daemon to ask [default: the one of the settings, 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) listen: Option<String>,
}

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let url = format!("http://{}/healthz", here(&config.api.listen));
    let client = http::plain().timeout(ANSWER_LIMIT).no_proxy().build().context("making an HTTP client")?;
    let problem = match client.get(&url).send().await {
        Ok(answer) if answer.status().is_success() => return Ok(ExitCode::SUCCESS),
        Ok(answer) => format!("HTTP {}", answer.status()),
        Err(error) if error.is_timeout() => format!("no answer within {} s", ANSWER_LIMIT.as_secs()),
        Err(error) if error.is_connect() => "no connection".to_owned(),
        Err(error) => error.to_string(),
    };
    say(&format!("zkdeck: {url}: {problem}; is `zkdeck --daemon` running?"));
    Ok(ExitCode::FAILURE)
}

/// Who listens on every address answers on loopback too.
pub(super) fn here(listen: &str) -> String {
    listen.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_asked_on_this_machine() {
        assert_eq!(here("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(here("[::]:80"), "[::1]:80");
        assert_eq!(here("127.0.0.1:8080"), "127.0.0.1:8080");
    }
}
