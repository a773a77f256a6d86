//! The other end of a handle whose engine is another process's.
//!
//! A front sees no difference but for what the connection does: while there is none its session with the ensemble is
//! lost, and what it asks is refused with the cause.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use super::receive::{Following, Waiting};
use super::wire::{self, BEAT, EngineMessage, LANGUAGE, SILENCE, frame, read};
use super::{Dial, Download, EngineRequest, Frame, Handle, HandleEnd, Link, Lost, Question, transfer};
use crate::domain::ask::Gone;
use crate::domain::command::Rejected;
use crate::domain::snapshot::{SessionState, SessionView};
use crate::engine::clock;

/// A release speaks with itself: questions and snapshots are what its types are.
const OWN: &str = env!("CARGO_PKG_VERSION");
/// Pauses between two tries to connect: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
/// What a daemon said before it took no more has come within this.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// How often it is looked whether answers are still waited for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Connects to the engine of another process. The handle works for as long as [`Remote::run`] is awaited.
///
/// # Errors
/// [`Lost`] when there is no daemon, or it speaks another language.
pub async fn connect(dial: Dial) -> Result<(Handle, Remote), Lost> {
    let (link, following) = begin(&dial).await?;
    let (handle, end) = Handle::pair(Arc::clone(&following.snapshot));
    let (transfers, waiting) = (FuturesUnordered::new(), BTreeMap::new());
    Ok((handle, Remote { dial, end, link, following, waiting, number: 0, is_lost: false, transfers }))
}

/// A connection on which both sides know that they speak the same language.
async fn open(dial: &Dial) -> Result<Link, Lost> {
    let mut link = dial().await?;
    match transfer::next_message(&mut link).await? {
        EngineMessage::Hello { language: LANGUAGE, version } if version == OWN => Ok(link),
        EngineMessage::Hello { version, .. } => Err(Lost(format!(
            "the daemon is zkdeck {version}, which this zkdeck {OWN} cannot speak with; use the same"
        ))),
        _ => Err(Lost("the daemon does not say who it is".into())),
    }
}

/// A connection, and the first snapshot.
async fn begin(dial: &Dial) -> Result<(Link, Following), Lost> {
    let mut link = open(dial).await?;
    link.send(frame(&wire::FrontMessage::Follow)?).await?;
    let following = Following::begin(&mut link).await?;
    Ok((link, following))
}

async fn try_after(pause: Duration, dial: Dial) -> Result<(Link, Following), Lost> {
    sleep(pause).await;
    begin(&dial).await
}

/// See [`connect`].
pub struct Remote {
    dial: Dial,
    end: HandleEnd,
    link: Link,
    following: Following,
    waiting: BTreeMap<u64, Waiting>,
    /// Of the last request.
    number: u64,
    /// There is no connection, and the front sees so.
    is_lost: bool,
    transfers: FuturesUnordered<BoxFuture<'static, ()>>,
}

/// How a connection ended.
enum ConnectionEnd {
    /// Nobody needs it any more, or the engine ends.
    Over,
    Lost(Lost),
}

impl Remote {
    /// Serves the handle until every front has dropped it, somebody calls [`Handle::shut_down`], or the daemon ends.
    pub async fn run(mut self) {
        while let ConnectionEnd::Lost(lost) = self.work().await {
            self.tell_lost(&lost);
            if !self.again(lost).await {
                break;
            }
        }
        // Told before the front is, which refuses all that is left as asked too late.
        let ended = Lost("the daemon ended".into());
        for waiting in std::mem::take(&mut self.waiting).into_values() {
            if matches!(waiting, Waiting::Command { .. }) {
                waiting.refuse(&ended);
            }
        }
        self.end.stop.cancel();
    }

    async fn work(&mut self) -> ConnectionEnd {
        let mut sweep = interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beat = interval(BEAT);
        let mut silent_at = Instant::now() + SILENCE;
        let stop = self.end.stop.clone();
        loop {
            let done = tokio::select! {
                () = stop.cancelled() => return ConnectionEnd::Over,
                said = self.link.next() => {
                    silent_at = Instant::now() + SILENCE;
                    match said {
                        Some(Frame::Text(text)) => match read(&text) {
                            Ok(EngineMessage::Ending) => return ConnectionEnd::Over,
                            Ok(told) => self.take(told),
                            Err(lost) => Err(lost),
                        },
                        Some(Frame::Bytes(_)) => Err(Lost("bytes came that belong to no file".into())),
                        None => Err(Lost("the connection to the daemon ended".into())),
                    }
                }
                request = self.end.requests.recv() => match request {
                    Some(request) => self.request(request).await,
                    None => return ConnectionEnd::Over,
                },
                Some(question) = self.end.questions.recv() => self.ask(question).await,
                Some(()) = self.transfers.next(), if !self.transfers.is_empty() => Ok(()),
                _ = sweep.tick() => self.sweep().await,
                _ = beat.tick() => self.say(&wire::FrontMessage::Here).await,
                () = sleep_until(silent_at) => {
                    Err(Lost(format!("the daemon has said nothing for {} s", SILENCE.as_secs())))
                }
            };
            if let Err(lost) = done {
                return if self.said_ending().await { ConnectionEnd::Over } else { ConnectionEnd::Lost(lost) };
            }
        }
    }

    /// Whether the daemon had said that it ends, before it took no more.
    async fn said_ending(&mut self) -> bool {
        let heard = async {
            while let Some(Frame::Text(text)) = self.link.next().await {
                if matches!(read(&text), Ok(EngineMessage::Ending)) {
                    return true;
                }
            }
            false
        };
        timeout(LAST_WORDS, heard).await.unwrap_or(false)
    }

    fn take(&mut self, told: EngineMessage) -> Result<(), Lost> {
        let number = match &told {
            EngineMessage::Answer { number, .. }
            | EngineMessage::Command { number, .. }
            | EngineMessage::Row { number, .. }
            | EngineMessage::File { number, .. }
            | EngineMessage::Current { number } => *number,
            _ => {
                if self.following.take(told)? {
                    self.end.snapshots.send_replace(Arc::clone(&self.following.snapshot));
                }
                return Ok(());
            }
        };
        // Whoever waited may have given it up.
        if let Some(waiting) = self.waiting.remove(&number)
            && let Some(waiting) = waiting.take(told, &self.following.snapshot)
        {
            self.waiting.insert(number, waiting);
        }
        Ok(())
    }

    async fn put(&mut self, waiting: Waiting, say: impl FnOnce(u64) -> wire::FrontMessage) -> Result<(), Lost> {
        self.number += 1;
        // It is there first: when the connection breaks now, it is refused with the others.
        self.waiting.insert(self.number, waiting);
        self.say(&say(self.number)).await
    }

    async fn say(&mut self, request: &wire::FrontMessage) -> Result<(), Lost> {
        self.link.send(frame(request)?).await
    }

    async fn ask(&mut self, question: Question) -> Result<(), Lost> {
        let (ask, answering) = question.parts();
        self.put(Waiting::Answer(answering), |number| wire::FrontMessage::Ask { number, ask }).await
    }

    async fn request(&mut self, request: EngineRequest) -> Result<(), Lost> {
        match request {
            EngineRequest::Command { command, actor, rows, reply } => {
                let followed = rows.is_some();
                let waiting = Waiting::Command { reply, rows };
                self.put(waiting, |number| wire::FrontMessage::Command { number, command, actor, rows: followed }).await
            }
            EngineRequest::File { file, reply } => {
                self.put(Waiting::File(reply), |number| wire::FrontMessage::File { number, file }).await
            }
            EngineRequest::Current { reply } => {
                self.put(Waiting::Current(reply), |number| wire::FrontMessage::Current { number }).await
            }
            EngineRequest::Upload { upload, bytes, actor, rows, reply } => {
                let dial = Arc::clone(&self.dial);
                self.transfers.push(
                    async move {
                        let offered = async {
                            let mut link = open(&dial).await?;
                            let answer = transfer::offer(&mut link, upload, actor).await?;
                            Ok((link, answer))
                        };
                        match offered.await {
                            Err(lost) => _ = reply.send(Err(Gone::from(&lost).into())),
                            Ok((_, Err(why))) => _ = reply.send(Err(why)),
                            Ok((mut link, Ok(accepted))) => {
                                // Who has given it up is told nothing more of it, and it is broken off.
                                if reply.send(Ok(accepted)).is_ok()
                                    && let Err(lost) = transfer::send(&mut link, bytes, rows).await
                                {
                                    tracing::warn!(
                                        "an upload was broken off: {lost}; its operation tells how it ended"
                                    );
                                }
                            }
                        }
                    }
                    .boxed(),
                );
                Ok(())
            }
            EngineRequest::Download { file, reply } => {
                let dial = Arc::clone(&self.dial);
                self.transfers.push(
                    async move {
                        let fetched = async { transfer::fetch(open(&dial).await?, file).await };
                        let answer: Result<Download, Rejected> =
                            fetched.await.unwrap_or_else(|lost| Err(Gone::from(&lost).into()));
                        _ = reply.send(answer);
                    }
                    .boxed(),
                );
                Ok(())
            }
            // The daemon's own handle does that where it is needed.
            EngineRequest::CatchUp { reply } => {
                _ = reply.send(());
                Ok(())
            }
            // It is the daemon that has a REST interface.
            EngineRequest::Api(_) => Ok(()),
        }
    }

    /// Lets the daemon know of answers that nobody waits for any more.
    async fn sweep(&mut self) -> Result<(), Lost> {
        let gone: Vec<u64> =
            self.waiting.iter().filter(|(_, waiting)| waiting.is_given_up()).map(|(number, _)| *number).collect();
        for number in gone {
            self.waiting.remove(&number);
            self.say(&wire::FrontMessage::GiveUp { number }).await?;
        }
        Ok(())
    }

    fn tell_lost(&mut self, lost: &Lost) {
        for waiting in std::mem::take(&mut self.waiting).into_values() {
            waiting.refuse(lost);
        }
        let mut snapshot = self.following.snapshot.as_ref().clone();
        let shown = self.end.snapshots.borrow().session.clone();
        let was_lost = std::mem::replace(&mut self.is_lost, true);
        snapshot.session = SessionView {
            state: SessionState::Disconnected,
            since: if was_lost { shown.since } else { clock::now() },
            cause: Some(lost.to_string()),
            store: snapshot.session.store,
        };
        self.end.snapshots.send_replace(Arc::new(snapshot));
    }

    /// Connects anew, with pauses that grow; meanwhile refuses. `false` when nobody needs it any more.
    async fn again(&mut self, mut lost: Lost) -> bool {
        let mut pause = PAUSES.0;
        let stop = self.end.stop.clone();
        loop {
            let mut attempt = try_after(pause, Arc::clone(&self.dial)).boxed();
            let begun = loop {
                tokio::select! {
                    () = stop.cancelled() => return false,
                    begun = &mut attempt => break begun,
                    request = self.end.requests.recv() => match request {
                        Some(request) => refuse(request, &lost),
                        None => return false,
                    },
                    Some(question) = self.end.questions.recv() => {
                        question.parts().1.answer(Err(Gone::from(&lost)));
                    }
                    Some(()) = self.transfers.next(), if !self.transfers.is_empty() => {}
                }
            };
            pause = (pause * 2).min(PAUSES.1);
            match begun {
                Ok((link, following)) => {
                    (self.link, self.following, self.is_lost) = (link, following, false);
                    self.end.snapshots.send_replace(Arc::clone(&self.following.snapshot));
                    return true;
                }
                Err(why) => {
                    self.tell_lost(&why);
                    lost = why;
                }
            }
        }
    }
}

/// Without a connection.
fn refuse(request: EngineRequest, lost: &Lost) {
    fn no<T>(reply: oneshot::Sender<Result<T, Rejected>>, lost: &Lost) {
        // Whoever asked may be gone.
        _ = reply.send(Err(Gone::from(lost).into()));
    }
    match request {
        EngineRequest::Command { reply, .. } | EngineRequest::Upload { reply, .. } => no(reply, lost),
        EngineRequest::File { reply, .. } => no(reply, lost),
        EngineRequest::Download { reply, .. } => no(reply, lost),
        // Whoever asks for the newest gets the last that was seen.
        EngineRequest::Current { .. } | EngineRequest::CatchUp { .. } | EngineRequest::Api(_) => {}
    }
}
