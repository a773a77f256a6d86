//! What a Prometheus can know, and what it had to do with an answer.

use serde::{Deserialize, Serialize};

use super::names::SeriesName;

/// What Prometheus had to do with an answer.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum PrometheusPart {
    /// None is set, or our own values leave nothing open that it could know.
    #[default]
    NotAsked,
    /// It was asked, and had the values of so many points; 0 when it knew none of them either.
    Filled { points: usize },
    /// It was asked and has not answered: what is open stays open.
    Failed { why: String },
}

impl SeriesName {
    /// Whether a Prometheus that scrapes the servers and zkdeck can know it. Verdicts and how far a server is behind are
    /// zkdeck's own.
    #[must_use]
    pub const fn is_scraped(self) -> bool {
        !matches!(self, Self::Up | Self::Leads | Self::ZxidLag)
    }
}
