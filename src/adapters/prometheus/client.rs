//! One request to a Prometheus: bounded in time and size.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::adapters::http::{self, TlsFault, TrustError};
use crate::domain::ids::Timestamp;

/// Longest wait: our own values, which are there already, wait with it.
const LIMIT: Duration = Duration::from_secs(4);
/// Largest answer; 4,000 points of eleven values of three servers take 8 MiB.
const ANSWER_MAX: usize = 64 << 20;
const REASON_MAX: usize = 300;

/// Why it has not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrometheusError {
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("Prometheus at {url} cannot be reached: {cause}; start it, or mend prometheus.url")]
    Unreached { url: String, cause: String },
    #[error("Prometheus at {url} cannot be trusted: {fault}")]
    Tls { url: String, fault: TlsFault },
    #[error("Prometheus has not answered within {} s; look at its load", LIMIT.as_secs())]
    Late,
    #[error("Prometheus at {url} does not let zkdeck ask (status {status}); name one that asks for no password")]
    Guarded { url: String, status: u16 },
    #[error("Prometheus refuses the question ({status}): {reason}; see prometheus.match and prometheus.node_label")]
    Refused { status: u16, reason: String },
    #[error("what answers at {url} is not Prometheus ({what}); mend prometheus.url")]
    Other { url: String, what: String },
    #[error("Prometheus's answer is larger than {} MiB; look at a shorter time", ANSWER_MAX >> 20)]
    TooLarge,
}

/// One time series of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct FoundSeries {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

impl FoundSeries {
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.metric.get(name).map(String::as_str)
    }

    /// Without those that are no number.
    pub(super) fn values(&self) -> impl Iterator<Item = (Timestamp, f32)> {
        self.values.iter().filter_map(|(at, text)| {
            let value = text.parse::<f32>().ok().filter(|value| value.is_finite())?;
            Some((Timestamp((at * 1000.0).round().max(0.0) as u64), value))
        })
    }
}

#[derive(Deserialize)]
struct RangeAnswer {
    data: RangeData,
}

#[derive(Deserialize)]
struct RangeData {
    result: Vec<FoundSeries>,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error: String,
}

#[derive(Clone, Debug)]
pub(super) struct PrometheusClient {
    http: reqwest::Client,
    url: String,
}

impl PrometheusClient {
    pub(super) fn new(url: &str) -> Result<Self, PrometheusError> {
        let url = url.trim_end_matches('/').to_owned();
        let client = http::client(&url, None)?.connect_timeout(Duration::from_secs(3)).build();
        let client =
            client.map_err(|error| PrometheusError::Unreached { url: url.clone(), cause: error.to_string() })?;
        Ok(Self { http: client, url })
    }

    /// The answer to a range query, whose form `body` is.
    pub(super) async fn ask(&self, body: &str) -> Result<Vec<FoundSeries>, PrometheusError> {
        tokio::time::timeout(LIMIT, self.exchange(body)).await.map_err(|_| PrometheusError::Late)?
    }

    async fn exchange(&self, body: &str) -> Result<Vec<FoundSeries>, PrometheusError> {
        let request = self.http.post(format!("{}/api/v1/query_range", self.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned());
        let response = request.send().await.map_err(|error| self.unreached(&error))?;
        let status = response.status();
        let bytes = http::body(response, ANSWER_MAX).await.map_err(|error| self.unreached(&error))?;
        let bytes = bytes.ok_or(PrometheusError::TooLarge)?;
        let other = |what: &str| PrometheusError::Other { url: self.url.clone(), what: what.into() };
        if status.is_success() {
            let answer = serde_json::from_slice::<RangeAnswer>(&bytes);
            return answer.map(|answer| answer.data.result).map_err(|_| other("it answers something else"));
        }
        let status = status.as_u16();
        Err(match serde_json::from_slice::<ErrorAnswer>(&bytes) {
            Ok(ErrorAnswer { error }) => {
                PrometheusError::Refused { status, reason: error.chars().take(REASON_MAX).collect() }
            }
            Err(_) if matches!(status, 401 | 403) => PrometheusError::Guarded { url: self.url.clone(), status },
            Err(_) => other(&format!("status {status}")),
        })
    }

    fn unreached(&self, error: &reqwest::Error) -> PrometheusError {
        let url = self.url.clone();
        match http::tls_fault(error) {
            Some(fault) => PrometheusError::Tls { url, fault },
            None => PrometheusError::Unreached { url, cause: http::innermost(error) },
        }
    }
}
