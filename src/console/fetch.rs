//! What a pane asks the engine: each question has a place of its own for its answer, of its own type.

use std::any::Any;
use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use crate::domain::ask::Ask;
use crate::engine::handle::{Handle, Put, Question};

/// The engine answers a question within this, or the operator is told.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A place for the answer to a question; empty until one is asked.
#[derive(Debug)]
pub struct Asked<A: Ask>(Option<oneshot::Receiver<Result<A::Answer, String>>>);

impl<A: Ask> Default for Asked<A> {
    fn default() -> Self {
        Self(None)
    }
}

/// A question on its way.
#[derive(Debug)]
pub struct Fetch<A: Ask> {
    pub ask: A,
    pub reply: oneshot::Sender<Result<A::Answer, String>>,
}

impl<A: Ask> Asked<A> {
    /// The question for those who answer it. One that was asked before here and has no answer yet is given up.
    pub fn put(&mut self, ask: A) -> Fetch<A> {
        let (reply, answer) = oneshot::channel();
        self.0 = Some(answer);
        Fetch { ask, reply }
    }

    /// Whether an answer is on its way.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// The answer once it has come, or why there is none.
    pub fn take(&mut self) -> Option<Result<A::Answer, String>> {
        let answer = match self.0.as_mut()?.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Closed) => Err(format!("{} was given up; try again in a moment", A::NAME)),
        };
        self.0 = None;
        Some(answer)
    }
}

/// A question of any kind on its way.
pub trait Fetching: Any + Debug + Send {
    /// Brings the question to the engine, and its answer to its place.
    fn run(self: Box<Self>, handle: Handle) -> BoxFuture<'static, ()>;
    /// Whether nobody waits for the answer any more.
    fn is_given_up(&self) -> bool;
    /// Whether the other one asks the same.
    fn asks_as(&self, other: &dyn Any) -> bool;
}

impl<A: Ask> Fetching for Fetch<A>
where
    Question: From<Put<A>>,
{
    fn run(self: Box<Self>, handle: Handle) -> BoxFuture<'static, ()> {
        let Self { ask, mut reply } = *self;
        Box::pin(async move {
            let answer = tokio::select! {
                answer = limited(A::NAME, handle.ask(ask)) => answer,
                () = reply.closed() => return,
            };
            _ = reply.send(answer);
        })
    }

    fn is_given_up(&self) -> bool {
        self.reply.is_closed()
    }

    fn asks_as(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| other.ask == self.ask)
    }
}

impl<A: Ask> PartialEq for Fetch<A> {
    fn eq(&self, other: &Self) -> bool {
        self.ask == other.ask
    }
}

impl PartialEq for dyn Fetching {
    fn eq(&self, other: &Self) -> bool {
        self.asks_as(other)
    }
}

/// An answer of the engine, or which question has none and why.
pub async fn limited<T, E: ToString>(what: &str, answer: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    match tokio::time::timeout(ANSWER_LIMIT, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("{what} refused: {}", error.to_string())),
        Err(_) => Err(format!("{what}: no answer for {} s; see the events and try again", ANSWER_LIMIT.as_secs())),
    }
}

#[cfg(test)]
pub mod testing {
    use super::*;
    use crate::console::effect::Effect;
    use crate::console::order::Work;

    /// What of this kind is asked for.
    pub fn asked<A: Ask>(effect: &Effect) -> Option<&A> {
        let Effect::Work(Work::Fetch(fetch)) = effect else { return None };
        let any: &dyn Any = fetch.as_ref();
        any.downcast_ref::<Fetch<A>>().map(|fetch| &fetch.ask)
    }

    /// Whether somebody waits for the answer to a question of this kind among the effects.
    pub fn is_waited_for<A: Ask>(effects: &[Effect]) -> bool {
        let fetch = |effect: &Effect| {
            let Effect::Work(Work::Fetch(fetch)) = effect else { return false };
            let any: &dyn Any = fetch.as_ref();
            any.downcast_ref::<Fetch<A>>().is_some_and(|fetch| !fetch.reply.is_closed())
        };
        effects.iter().any(fetch)
    }

    /// Answers the first question of this kind among the effects.
    pub fn answer<A: Ask>(effects: &mut Vec<Effect>, answer: Result<A::Answer, String>) {
        let at = effects.iter().position(|effect| asked::<A>(effect).is_some()).expect("it was asked");
        let Effect::Work(Work::Fetch(fetch)) = effects.remove(at) else { return };
        let any: Box<dyn Any> = fetch;
        let fetch = any.downcast::<Fetch<A>>().expect("of this kind");
        assert!(fetch.reply.send(answer).is_ok(), "it was given up");
    }
}
