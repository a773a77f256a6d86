//! The questions that a front may put, each with the type of its answer. The engine answers them at its desk, many at
//! once, beside the core.

use std::fmt::{self, Debug, Display};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::command::Rejected;
use super::ids::{NodeId, OperationId};
use super::log::{ContextAsk, FollowAsk, Followed, Histogram, HistogramAsk, LogContext, LogFail, LogPage, PageAsk};
use super::operation::{HistoryPage, HistoryQuery, Operation};
use super::planner::Plan;
use super::server::Output;

/// A question, and what belongs to it.
pub trait Ask: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + 'static {
    type Answer: Debug + Serialize + DeserializeOwned + Send + 'static;
    /// Why there is no answer.
    type Refusal: Debug + Display + From<Gone> + Serialize + DeserializeOwned + Send + 'static;
    /// What it is called where it fails.
    const NAME: &'static str;
}

/// Who could answer is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// The engine ends, and answers no more.
    Ending,
    /// The engine is another process's, which cannot be reached: the cause in words.
    Unreachable(String),
}

impl Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ending => f.write_str("zkdeck is ending and answers no more questions"),
            Self::Unreachable(cause) => write!(f, "{cause}; it is tried again automatically"),
        }
    }
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unanswered {
    /// Which question, the cause, and what to do.
    Failed(String),
    /// The row that a page of history was to go on from.
    NoSuchRow(OperationId),
}

impl Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why) => f.write_str(why),
            Self::NoSuchRow(row) => write!(f, "there is no operation {row} to go on from"),
        }
    }
}

impl From<Gone> for Unanswered {
    fn from(gone: Gone) -> Self {
        Self::Failed(gone.to_string())
    }
}

impl From<Gone> for LogFail {
    fn from(gone: Gone) -> Self {
        Self::Answer(gone.to_string())
    }
}

/// The newest events, or those beside a cursor.
impl Ask for PageAsk {
    type Answer = LogPage;
    type Refusal = LogFail;
    const NAME: &'static str = "search of the logs";
}

impl Ask for HistogramAsk {
    type Answer = Histogram;
    type Refusal = LogFail;
    const NAME: &'static str = "count of log events";
}

impl Ask for ContextAsk {
    type Answer = LogContext;
    type Refusal = LogFail;
    const NAME: &'static str = "search of what is around a log event";
}

impl Ask for FollowAsk {
    type Answer = Followed;
    type Refusal = LogFail;
    const NAME: &'static str = "search of new log events";
}

/// A page of history, newest first.
impl Ask for HistoryQuery {
    type Answer = HistoryPage;
    type Refusal = Unanswered;
    const NAME: &'static str = "search of history";
}

/// An operation as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationAsk(pub OperationId);

/// `None` when there is none.
impl Ask for OperationAsk {
    type Answer = Option<Arc<Operation>>;
    type Refusal = Unanswered;
    const NAME: &'static str = "look for an operation";
}

/// The last `lines` that a server's container has written, [`OUTPUT_LINES_MAX`] at most.
///
/// [`OUTPUT_LINES_MAX`]: super::server::OUTPUT_LINES_MAX
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputAsk {
    pub node: NodeId,
    pub lines: usize,
}

impl Ask for OutputAsk {
    type Answer = Output;
    type Refusal = Unanswered;
    const NAME: &'static str = "log of the container";
}

/// The plan that a run would carry out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAsk;

impl Ask for PlanAsk {
    type Answer = Plan;
    type Refusal = Rejected;
    const NAME: &'static str = "preview";
}

impl From<Gone> for Rejected {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Ending => Self::ShuttingDown,
            Gone::Unreachable(cause) => Self::Unreachable { cause },
        }
    }
}
