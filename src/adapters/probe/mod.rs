//! Looks at one server: `srvr` on the client port and its metrics, each with its own limit.
//!
//! A look never fails: what went wrong is what it brings back. `ruok` is not asked, for it answers
//! `imok` without a quorum.

mod conf;
mod config;
mod fourletter;
pub mod identity;
mod srvr;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::http;
use super::metrics::{self, PageMemory};
use crate::domain::ids::{NodeId, Timestamp};
use crate::domain::server::{Metrics, MetricsSource, QuorumTiming, Reach, Sample, Srvr};

pub use self::config::ProbeConfig;
use self::fourletter::{WordReply, ask};
use self::srvr::Other;

/// How often a server is asked for its settings.
const SETTINGS_EVERY: Duration = Duration::from_secs(30);

/// A server and where it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub node: NodeId,
    /// `host:port` of the client port.
    pub client: String,
    /// `http://host:port/metrics`; `None` asks `mntr` instead.
    pub metrics: Option<String>,
}

/// Looks at one server.
#[async_trait]
pub trait Probe: Send + Sync {
    /// One look, within the limits of its maker. `now` stamps it.
    async fn sample(&self, target: &Target, now: fn() -> Timestamp) -> Sample;
}

/// Looks at real servers. Cheap to clone; connections for metrics are kept open.
#[derive(Clone, Debug)]
pub struct Prober {
    config: ProbeConfig,
    http: reqwest::Client,
    /// The last page of each address.
    pages: Arc<Mutex<HashMap<String, PageMemory>>>,
    /// When each address told its settings last, or that it may not.
    asked: Arc<Mutex<HashMap<String, Instant>>>,
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the HTTP client that reads the servers' metrics: {0}")]
pub struct ProbeError(#[from] reqwest::Error);

#[async_trait]
impl Probe for Prober {
    async fn sample(&self, target: &Target, now: fn() -> Timestamp) -> Sample {
        let (looked, metrics, timing) = tokio::join!(self.srvr(target), self.metrics(target), self.timing(target));
        let (reach, reply_ms, srvr) = looked;
        let mut sample = Sample {
            node: target.node.clone(),
            taken_at: now(),
            reach,
            reply_ms,
            srvr,
            metrics: None,
            metrics_source: None,
            metrics_at: None,
            metrics_missing: None,
            timing,
        };
        match metrics {
            Ok((metrics, source)) => {
                sample.metrics = Some(metrics);
                sample.metrics_source = Some(source);
                sample.metrics_at = target.metrics.clone().filter(|_| source == MetricsSource::Prometheus);
            }
            Err(cause) => sample.metrics_missing = Some(cause),
        }
        sample
    }
}

impl Prober {
    /// # Errors
    /// [`ProbeError`] when the system gives no sockets.
    pub fn new(config: ProbeConfig) -> Result<Self, ProbeError> {
        let http = http::plain()
            .connect_timeout(config.connect_limit)
            .timeout(config.whole_limit)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(1)
            .build()?;
        Ok(Self { config, http, pages: Arc::default(), asked: Arc::default() })
    }

    async fn srvr(&self, target: &Target) -> (Reach, Option<f64>, Option<Srvr>) {
        let begun = Instant::now();
        let reply = ask(&target.client, "srvr", &self.config).await;
        let reply_ms = Some(begun.elapsed().as_secs_f64() * 1000.0);
        match reply {
            WordReply::Unreachable(cause) => (Reach::Unreachable(cause), None, None),
            WordReply::Silent => (Reach::Silent, None, None),
            WordReply::Text(text) => match srvr::parse(&text) {
                Ok(srvr) => (Reach::Answered, reply_ms, Some(srvr)),
                Err(Other::Stranger(words)) => (Reach::Garbled(words), reply_ms, None),
                Err(Other::Denied) => match self.by_other_words(target, begun).await {
                    Some(srvr) => (Reach::Answered, reply_ms, Some(srvr)),
                    None => (Reach::Denied, reply_ms, None),
                },
            },
        }
    }

    /// The server's own settings, asked for now and then: they change with a restart only.
    async fn timing(&self, target: &Target) -> Option<QuorumTiming> {
        let known = |asked: &HashMap<String, Instant>| {
            asked.get(&target.client).is_some_and(|at| at.elapsed() < SETTINGS_EVERY)
        };
        if known(&self.asked.lock().unwrap_or_else(PoisonError::into_inner)) {
            return None;
        }
        // A server that is not up yet is asked again with the next look.
        let WordReply::Text(text) = ask(&target.client, "conf", &self.config).await else { return None };
        let timing = conf::parse(&text);
        if timing.is_some() || metrics::is_denied(&text) {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.insert(target.client.clone(), Instant::now());
        }
        timing
    }

    /// What a server tells whose whitelist lacks `srvr`.
    async fn by_other_words(&self, target: &Target, begun: Instant) -> Option<Srvr> {
        for (word, parse) in [("stat", srvr::parse as fn(&str) -> _), ("mntr", srvr::parse_mntr)] {
            let left = self.config.whole_limit.saturating_sub(begun.elapsed());
            let limits = ProbeConfig { connect_limit: left.min(self.config.connect_limit), whole_limit: left };
            if let WordReply::Text(text) = ask(&target.client, word, &limits).await
                && let Ok(srvr) = parse(&text)
            {
                return Some(srvr);
            }
        }
        None
    }

    async fn page(&self, url: &str) -> Result<Metrics, String> {
        let page = metrics::prometheus(&self.http, url).await?;
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        metrics::parse_page(&page, pages.entry(url.to_owned()).or_default())
    }

    /// Prometheus first, `mntr` when there is no address or no page.
    async fn metrics(&self, target: &Target) -> Result<(Metrics, MetricsSource), String> {
        let cause = match &target.metrics {
            None => None,
            Some(url) => match self.page(url).await {
                Ok(metrics) => return Ok((metrics, MetricsSource::Prometheus)),
                Err(cause) => Some(format!("{url}: {cause}")),
            },
        };
        let mntr = match ask(&target.client, "mntr", &self.config).await {
            WordReply::Text(text) => metrics::mntr(&text),
            WordReply::Silent => Err("no reply".to_owned()),
            WordReply::Unreachable(cause) => Err(cause),
        };
        match (mntr, cause) {
            (Ok(metrics), _) => Ok((metrics, MetricsSource::Mntr)),
            (Err(_), Some(cause)) => Err(cause),
            (Err(mntr), None) => Err(format!("mntr: {mntr}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::domain::fixtures::{NOW, node_id};
    use crate::domain::server::Role;

    const SRVR: &str = "Zookeeper version: 3.9.4-7, built on 2025\nLatency min/avg/max: 0/0.4/9\nReceived: 3\nSent: 2\n\
                        Connections: 12\nOutstanding: 0\nZxid: 0x700000f1c\nMode: follower\nNode count: 1204\n";

    /// A server on its own port that answers each connection as `play` does.
    async fn look<F: Future<Output = ()>>(limit_ms: u64, play: impl Fn(TcpStream) -> F) -> Sample {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = listener.local_addr().unwrap().to_string();
        let limit = Duration::from_millis(limit_ms);
        let prober = Prober::new(ProbeConfig { connect_limit: limit, whole_limit: limit }).unwrap();
        let target = Target { node: node_id("zk1"), client, metrics: None };
        let serve = async {
            let mut held = futures_util::stream::FuturesUnordered::new();
            loop {
                tokio::select! {
                    Ok((stream, _)) = listener.accept() => held.push(play(stream)),
                    Some(()) = futures_util::StreamExt::next(&mut held) => {}
                }
            }
        };
        tokio::select! {
            sample = prober.sample(&target, || NOW) => sample,
            () = serve => unreachable!("it serves for ever"),
        }
    }

    async fn say(mut stream: TcpStream, text: &str) {
        let mut word = [0; 4];
        _ = stream.read_exact(&mut word).await;
        _ = stream.write_all(text.as_bytes()).await;
    }

    #[tokio::test]
    async fn a_reply_is_read() {
        let sample = look(2000, |stream| say(stream, SRVR)).await;
        let srvr = sample.srvr.unwrap();
        assert_eq!((sample.reach, srvr.role, srvr.connections), (Reach::Answered, Some(Role::Follower), Some(12)));
        assert!(sample.reply_ms.is_some());
    }

    #[tokio::test]
    async fn silence_and_strangers_are_told_apart() {
        let silent = look(100, |stream| async move {
            std::future::pending::<()>().await;
            drop(stream);
        });
        assert_eq!(silent.await.reach, Reach::Silent);
        let html = look(2000, |stream| say(stream, "HTTP/1.1 400 Bad Request\r\n\r\n<html>")).await;
        assert!(matches!(&html.reach, Reach::Garbled(words) if words.starts_with("HTTP/1.1 400")), "{html:?}");
        let nothing = look(2000, |stream| say(stream, "")).await;
        assert_eq!((nothing.reach, nothing.srvr), (Reach::Garbled("an empty reply".into()), None));
    }

    /// As a server whose whitelist has `words` only.
    async fn allows(words: &[(&str, &str)]) -> Sample {
        look(2000, |mut stream| async move {
            let mut word = [0; 4];
            _ = stream.read_exact(&mut word).await;
            let word = std::str::from_utf8(&word).unwrap().to_owned();
            let denied = format!("{word} is not executed because it is not in the whitelist.\n");
            let reply = words.iter().find(|(allowed, _)| *allowed == word).map_or(denied.as_str(), |(_, reply)| *reply);
            _ = stream.write_all(reply.as_bytes()).await;
        })
        .await
    }

    #[tokio::test]
    async fn a_server_that_may_not_answer_srvr_is_asked_by_other_words() {
        let role = |sample: &Sample| sample.srvr.as_ref().and_then(|srvr| srvr.role);
        let by_stat = allows(&[("stat", SRVR), ("ruok", "imok")]).await;
        assert_eq!((by_stat.reach.clone(), role(&by_stat)), (Reach::Answered, Some(Role::Follower)));
        let by_mntr = allows(&[("mntr", "zk_version\t3.9.4\nzk_server_state\tleader\nzk_znode_count\t7\n")]).await;
        assert_eq!((by_mntr.reach.clone(), role(&by_mntr)), (Reach::Answered, Some(Role::Leader)));
        let neither = allows(&[("ruok", "imok")]).await;
        assert_eq!((neither.reach, neither.srvr), (Reach::Denied, None));
    }

    #[tokio::test]
    async fn a_server_that_tells_its_settings_is_asked_for_them() {
        let told = allows(&[("srvr", SRVR), ("conf", "tickTime=500\nsyncLimit=20\n")]).await;
        assert_eq!(told.timing, Some(QuorumTiming { tick: crate::domain::ids::Millis(500), sync_limit: 20 }));
        assert_eq!(allows(&[("srvr", SRVR)]).await.timing, None);
    }

    #[tokio::test]
    async fn a_refused_connection_names_its_cause() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = listener.local_addr().unwrap().to_string();
        drop(listener);
        let target = Target { node: node_id("zk1"), client, metrics: None };
        let sample = Prober::new(ProbeConfig::default()).unwrap().sample(&target, || NOW).await;
        assert!(matches!(&sample.reach, Reach::Unreachable(cause) if cause.contains("refused")), "{sample:?}");
        assert!(sample.metrics_missing.is_some());
    }
}
