//! Answers the questions of the fronts, many at once, beside the core: none makes a picture or waits for another.
//!
//! A question is a type of `domain/ask.rs` with that of its answer; its file here answers it, and `questions!` below
//! names it. Nothing else has to know it.

mod files;
mod history;
mod lists;
mod logs;
mod output;
mod plan;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::lists::Lists;
use super::context::Context;
use crate::adapters::control::ServerControl;
use crate::adapters::logs::Logs;
use crate::domain::ask::{Ask, Ended, OperationAsk, OutputAsk, PlanAsk};
use crate::domain::file_list::FilesAsk;
use crate::domain::log::{ContextAsk, FollowAsk, HistogramAsk, PageAsk};
use crate::domain::operation::HistoryQuery;

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

macro_rules! questions {
    ($($name:ident($ask:ty)),* $(,)?) => {
        /// Every kind of question.
        #[derive(Debug)]
        pub enum Question {
            $($name(Put<$ask>)),*
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
    Files(FilesAsk),
    Page(PageAsk),
    Histogram(HistogramAsk),
    Context(ContextAsk),
    Follow(FollowAsk),
    History(HistoryQuery),
    Operation(OperationAsk),
    Output(OutputAsk),
    Plan(PlanAsk),
}

/// Cheap to clone: each answer is worked on by one.
#[derive(Clone)]
pub(super) struct Desk {
    ctx: Context,
    logs: Logs,
    control: Arc<dyn ServerControl>,
    lists: Lists,
}

impl Desk {
    pub(super) fn new(ctx: Context, logs: Logs, control: Arc<dyn ServerControl>) -> Self {
        Self { ctx, logs, control, lists: Lists::default() }
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
        return Err(Ended.into());
    }
    answer.await.unwrap_or_else(|_| Err(Ended.into()))
}
