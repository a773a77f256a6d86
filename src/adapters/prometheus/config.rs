//! Which Prometheus, and how it is asked.

use crate::domain::ids::{Millis, NodeId};

/// Where it is, and how it names what it scrapes.
#[derive(Clone, Debug)]
pub struct PrometheusConfig {
    /// `http://127.0.0.1:9090`, or with `https://`.
    pub url: String,
    /// The label whose value is a node, or the address under which its metrics are scraped.
    pub node_label: String,
    /// Matchers that go with each question, `cluster="demo"`; empty: none.
    pub matchers: String,
    /// Time between two scrapes.
    pub scrape_interval: Millis,
    /// The nodes, each with other values of the label that mean it.
    pub nodes: Vec<(NodeId, Vec<String>)>,
}
