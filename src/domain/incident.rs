//! What went wrong, or changed, by itself: each with its begin, its end, its cause and what ended it.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::alert::AlertCode;
use super::ask::{Ask, Unanswered};
use super::ensemble::{self, EnsembleState};
use super::ids::{IncidentId, Millis, NodeId, Timestamp};
use super::level::Level;
use super::log::Expr;
use super::server::ServerState;
use super::session::SessionState;

/// Newest incidents that a snapshot carries; older ones are asked for.
pub const INCIDENTS_KEPT: usize = 200;

/// One incident. A moment, such as an election that is over, has an end when it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    pub what: IncidentWhat,
    pub began: Timestamp,
    /// `None` while it goes on.
    pub ended: Option<Timestamp>,
    /// What was seen, in words.
    pub cause: Option<String>,
    /// The operation that brought it about, and whose: `pause zk3, console root`.
    pub begun_by: Option<String>,
    /// The same of what ended it.
    pub ended_by: Option<String>,
    /// Host and process that saw it.
    pub instance: String,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum IncidentWhat {
    /// The ensemble is not healthy.
    Ensemble { state: EnsembleState },
    /// A server is not up.
    Server { node: NodeId, state: ServerState },
    /// A server was elected; how long the servers themselves say that it took.
    Election { leader: NodeId, epoch: Option<u32>, took: Option<Millis> },
    /// Another zkdeck runs the scheduler now.
    Leadership { leader: String, own: bool },
    /// This zkdeck has no session with the ensemble.
    Session { state: SessionState },
    /// Something wants a person.
    Alert { code: AlertCode, short: String },
}

/// What kinds there are: a word in filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum IncidentKind {
    Ensemble,
    Server,
    Election,
    Leadership,
    Session,
    Alert,
}

impl IncidentKind {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    #[must_use]
    pub const fn word(self) -> &'static str {
        self.into_str()
    }
}

impl IncidentWhat {
    #[must_use]
    pub const fn kind(&self) -> IncidentKind {
        match self {
            Self::Ensemble { .. } => IncidentKind::Ensemble,
            Self::Server { .. } => IncidentKind::Server,
            Self::Election { .. } => IncidentKind::Election,
            Self::Leadership { .. } => IncidentKind::Leadership,
            Self::Session { .. } => IncidentKind::Session,
            Self::Alert { .. } => IncidentKind::Alert,
        }
    }

    /// The server that it is about.
    #[must_use]
    pub const fn node(&self) -> Option<&NodeId> {
        match self {
            Self::Server { node, .. } => Some(node),
            Self::Election { leader, .. } => Some(leader),
            _ => None,
        }
    }

    /// Whether writes wait while it goes on.
    #[must_use]
    pub const fn stops_writes(&self) -> bool {
        matches!(self, Self::Ensemble { state: EnsembleState::NoQuorum | EnsembleState::NoLeader })
    }

    #[must_use]
    pub const fn level(&self) -> Level {
        match self {
            Self::Ensemble { state } => ensemble::level(*state),
            Self::Server { state: ServerState::Degraded | ServerState::Starting, .. } => Level::Warning,
            Self::Server { .. } => Level::Error,
            Self::Election { .. } | Self::Leadership { .. } => Level::Info,
            Self::Session { .. } => Level::Warning,
            Self::Alert { code, .. } if code.is_warning() => Level::Warning,
            Self::Alert { .. } => Level::Error,
        }
    }
}

/// For a row: `NO QUORUM`, `zk2 frozen`, `zk2 leads, epoch 7, elected in 235 ms`.
impl fmt::Display for IncidentWhat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ensemble { state } => f.write_str(state.word()),
            Self::Server { node, state } => write!(f, "{node} {}", state.word()),
            Self::Election { leader, epoch, took } => {
                write!(f, "{leader} leads")?;
                epoch.iter().try_for_each(|epoch| write!(f, ", epoch {epoch}"))?;
                took.iter().try_for_each(|took| write!(f, ", elected in {took}"))
            }
            Self::Leadership { leader, own: true } => write!(f, "{leader} (this zkdeck) runs the scheduler"),
            Self::Leadership { leader, own: false } => write!(f, "{leader} runs the scheduler"),
            Self::Session { state: SessionState::Expired } => f.write_str("session expired"),
            Self::Session { .. } => f.write_str("no session"),
            Self::Alert { code, short } if short.is_empty() => f.write_str(code.word()),
            Self::Alert { short, .. } => f.write_str(short),
        }
    }
}

/// Incidents that touch a span of time, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentsAsk {
    /// Those that had not ended before it.
    pub from: Option<Timestamp>,
    /// Those that had begun before it.
    pub until: Option<Timestamp>,
    /// What [`filter::HISTORY`](super::filter::HISTORY) reads.
    pub expr: Expr,
    /// At most so many, up to [`INCIDENTS_PAGE_MAX`].
    pub limit: usize,
    /// Those that were known at this moment, as they were known then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
}

/// Two processes of one folder that see the same begin within this time have seen one incident.
pub const SAME_WITHIN: Millis = Millis(5_000);

/// Most incidents of one answer.
pub const INCIDENTS_PAGE_MAX: usize = 1_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentsPage {
    pub incidents: Vec<Incident>,
    /// Those that match in all.
    pub total: u64,
}

impl IncidentsAsk {
    /// Whether it is asked for, beside the span of time.
    #[must_use]
    pub fn takes(&self, incident: &Incident) -> bool {
        incident.touches(self.from.unwrap_or(Timestamp(0)), self.until.unwrap_or(Timestamp(u64::MAX)))
    }
}

impl Ask for IncidentsAsk {
    type Answer = IncidentsPage;
    type Refusal = Unanswered;
    const NAME: &'static str = "search of incidents";
}

impl Incident {
    /// The incident as it was known at a moment; `None` before it began, and of a moment before it was over.
    #[must_use]
    pub fn as_of(mut self, at: Timestamp) -> Option<Self> {
        if self.began > at {
            return None;
        }
        if self.ended.is_some_and(|end| end > at) {
            if matches!(self.what, IncidentWhat::Election { .. } | IncidentWhat::Leadership { .. }) {
                return None;
            }
            (self.ended, self.ended_by) = (None, None);
        }
        Some(self)
    }

    /// Time that it took; `None` while it goes on.
    #[must_use]
    pub fn took(&self) -> Option<Millis> {
        self.ended.map(|end| end.since(self.began))
    }

    /// Whether it is what another process of the same folder has told: each sees it for itself.
    #[must_use]
    pub fn is_told_by(&self, other: &Self) -> bool {
        let same = match (&self.what, &other.what) {
            (IncidentWhat::Alert { .. }, _) => self.what == other.what,
            (one, two) => one.kind() == two.kind() && one.node() == two.node(),
        };
        same && self.instance != other.instance && self.began.0.abs_diff(other.began.0) <= SAME_WITHIN.0
    }

    /// Whether any of it is between two moments, the second one left out.
    #[must_use]
    pub fn touches(&self, from: Timestamp, until: Timestamp) -> bool {
        self.began < until && self.ended.is_none_or(|end| end >= from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::node_id;

    #[test]
    fn what_two_processes_see_is_one_incident() {
        let seen = |instance: &str, node: &str, at| Incident {
            id: IncidentId::new(u128::from(at)),
            what: IncidentWhat::Server { node: node_id(node), state: ServerState::Frozen },
            began: Timestamp(at),
            ended: None,
            cause: None,
            begun_by: None,
            ended_by: None,
            instance: instance.into(),
        };
        let one = seen("a:1", "zk1", 10_000);
        assert!(seen("b:2", "zk1", 15_000).is_told_by(&one) && one.is_told_by(&seen("b:2", "zk1", 15_000)));
        for other in [seen("a:1", "zk1", 10_001), seen("b:2", "zk2", 10_000), seen("b:2", "zk1", 15_001)] {
            assert!(!other.is_told_by(&one), "{other:?}");
        }
    }

    #[test]
    fn an_incident_says_what_it_is_in_a_few_words() {
        let election = |took| IncidentWhat::Election { leader: node_id("zk2"), epoch: Some(7), took };
        for (what, text) in [
            (IncidentWhat::Ensemble { state: EnsembleState::NoQuorum }, "NO QUORUM"),
            (IncidentWhat::Server { node: node_id("zk2"), state: ServerState::Frozen }, "zk2 frozen"),
            (election(Some(Millis(235))), "zk2 leads, epoch 7, elected in 235 ms"),
            (election(None), "zk2 leads, epoch 7"),
            (IncidentWhat::Leadership { leader: "a:1".into(), own: false }, "a:1 runs the scheduler"),
            (IncidentWhat::Session { state: SessionState::Expired }, "session expired"),
            (IncidentWhat::Alert { code: AlertCode::NodeFull, short: "zk2 full".into() }, "zk2 full"),
        ] {
            assert_eq!(what.to_string(), text);
            let read: IncidentWhat =
                serde_json::from_str(&serde_json::to_string(&what).expect("written")).expect("read");
            assert_eq!(read, what);
        }
    }
}
