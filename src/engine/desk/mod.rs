//! Answers the questions of the fronts, many at once, beside the core: none makes a picture or waits for another.
//!
//! A question is a type of `domain/ask.rs` with that of its answer; its file here answers it, and `questions!` below
//! names it. Nothing else has to know it.

mod connections;
mod files;
mod history;
mod incidents;
mod lists;
mod logs;
mod output;
mod plan;
mod rewind;
mod series;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::lists::Lists;
use super::context::Context;
use crate::adapters::control::ServerControl;
use crate::adapters::logs::Logs;
use crate::adapters::probe::{Probe, Target};
use crate::adapters::prometheus::PrometheusSeries;
use crate::adapters::series::SeriesStore;
use crate::domain::ask::{Ask, Gone, OperationAsk, OutputAsk, PlanAsk};
use crate::domain::connection::ConnectionsAsk;
use crate::domain::file_list::FilesAsk;
use crate::domain::incident::IncidentsAsk;
use crate::domain::log::{ContextAsk, FollowAsk, HistogramAsk, PageAsk};
use crate::domain::operation::HistoryQuery;
use crate::domain::rewind::SnapshotAt;
use crate::domain::series::SeriesAsk;

/// Questions that may wait for the desk; a front that finds it full waits.
pub(super) const QUESTIONS_MAX: usize = 64;

/// A question that was put, and where its answer goes.
#[derive(Debug)]
pub struct Put<A: Ask> {
    pub ask: A,
    pub reply: oneshot::Sender<Result<A::Answer, A::Refusal>>,
}

/// Whoever knows the answer to a kind of question.
trait Answers<A: Ask> {
    fn answer(&self, ask: A) -> impl Future<Output = Result<A::Answer, A::Refusal>> + Send;
}

/// Where an answer that is still text goes.
pub(super) trait Answering: Send {
    /// Gives the answer, or tells that nobody can.
    fn answer(self: Box<Self>, answer: Result<&RawValue, Gone>);
    /// Nobody waits for it any more.
    fn is_given_up(&self) -> bool;
}

/// The place for the answer to a question of one kind.
struct AnswerPlace<A: Ask>(oneshot::Sender<Result<A::Answer, A::Refusal>>);

impl<A: Ask> Answering for AnswerPlace<A> {
    fn answer(self: Box<Self>, answer: Result<&RawValue, Gone>) {
        let read = answer.and_then(|text| {
            let unreadable = |error| Gone::Unreachable(format!("{}: the answer cannot be read: {error}", A::NAME));
            serde_json::from_str::<Result<A::Answer, A::Refusal>>(text.get()).map_err(unreadable)
        });
        // Whoever asked may be gone.
        _ = self.0.send(read.unwrap_or_else(|gone| Err(gone.into())));
    }

    fn is_given_up(&self) -> bool {
        self.0.is_closed()
    }
}

macro_rules! questions {
    ($($name:ident($ask:ty)),* $(,)?) => {
        /// Every kind of question.
        #[derive(Debug)]
        pub enum Question {
            $($name(Put<$ask>)),*
        }

        /// A question as it goes to another process: without the place for its answer.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(super) enum Asking {
            $($name($ask)),*
        }

        impl Question {
            /// The question, and where its answer goes.
            pub(super) fn parts(self) -> (Asking, Box<dyn Answering>) {
                match self {
                    $(Self::$name(Put { ask, reply }) => (Asking::$name(ask), Box::new(AnswerPlace::<$ask>(reply)))),*
                }
            }
        }

        impl Asking {
            /// The answer as text, by whoever answers on the other side of `questions`.
            pub(super) async fn answered(self, questions: &mpsc::Sender<Question>) -> serde_json::Result<Box<RawValue>> {
                match self {
                    $(Self::$name(ask) => serde_json::value::to_raw_value(&put(questions, ask).await)),*
                }
            }
        }

        $(impl From<Put<$ask>> for Question {
            fn from(put: Put<$ask>) -> Self {
                Self::$name(put)
            }
        })*

        impl Desk {
            fn take(&self, question: Question) {
                match question {
                    $(Question::$name(put) => self.work_on(put)),*
                }
            }
        }
    };
}

questions! {
    Connections(ConnectionsAsk),
    Files(FilesAsk),
    Page(PageAsk),
    Histogram(HistogramAsk),
    Context(ContextAsk),
    Follow(FollowAsk),
    History(HistoryQuery),
    Incidents(IncidentsAsk),
    Operation(OperationAsk),
    Output(OutputAsk),
    Plan(PlanAsk),
    Series(SeriesAsk),
    Then(SnapshotAt),
}

/// Cheap to clone: each answer is worked on by one.
#[derive(Clone)]
pub(super) struct Desk {
    ctx: Context,
    logs: Logs,
    control: Arc<dyn ServerControl>,
    series: Option<SeriesStore>,
    prometheus: Option<PrometheusSeries>,
    probes: Probes,
    lists: Lists,
}

/// The servers, and how they are looked at.
#[derive(Clone)]
pub(super) struct Probes {
    pub(super) prober: Arc<dyn Probe>,
    pub(super) targets: Arc<[Target]>,
}

impl Desk {
    pub(super) fn new(
        ctx: Context,
        logs: Logs,
        control: Arc<dyn ServerControl>,
        (series, prometheus): (Option<SeriesStore>, Option<PrometheusSeries>),
        probes: Probes,
    ) -> Self {
        Self { ctx, logs, control, series, prometheus, probes, lists: Lists::default() }
    }

    /// Takes questions until the core ends: fronts may hold their handles longer.
    pub(super) async fn run(self, mut questions: mpsc::Receiver<Question>, end: CancellationToken) {
        while let Some(Some(question)) = end.run_until_cancelled(questions.recv()).await {
            self.take(question);
        }
    }

    fn work_on<A: Ask>(&self, put: Put<A>)
    where
        Self: Answers<A>,
    {
        let desk = self.clone();
        let Put { ask, mut reply } = put;
        self.ctx.driver.job(A::NAME, async move {
            // A follower waits for seconds: it ends when the one who asked is gone.
            let answer = tokio::select! {
                biased;
                answer = desk.answer(ask) => answer,
                () = reply.closed() => return,
            };
            _ = reply.send(answer);
        });
    }
}

/// Puts a question on its way, and waits for its answer.
pub(super) async fn put<A: Ask>(questions: &mpsc::Sender<Question>, ask: A) -> Result<A::Answer, A::Refusal>
where
    Question: From<Put<A>>,
{
    let (reply, answer) = oneshot::channel();
    if questions.send(Put { ask, reply }.into()).await.is_err() {
        return Err(Gone::Ending.into());
    }
    answer.await.unwrap_or_else(|_| Err(Gone::Ending.into()))
}
