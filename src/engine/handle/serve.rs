//! Serves a front of another process: answers, outcomes, and what has changed.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::Semaphore;
use tokio::time::{Instant, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::wire::{BEAT, EngineMessage, FrontMessage, LANGUAGE, SILENCE, frame, read};
use super::{Frame, Handle, Link, Lost, PendingOperation, transfer};
use crate::domain::command::{Actor, Command, Rejected};
use crate::domain::follow::SnapshotChange;
use crate::domain::snapshot::Snapshot;

/// Answers to one front that are worked on at once; what it asks beyond waits.
const UNDER_WAY_MAX: usize = 256;
/// What may wait so.
const HELD_MAX: usize = 4_096;
/// Files in one message.
const FILES_PART: usize = 2_000;
/// Characters of who asks, as the front says it.
const ACTOR_MAX: usize = 64;

/// What a front of another process may, and where it comes from.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Its address, for history.
    pub peer: String,
    /// Most bytes of a file that it sends.
    pub upload_limit: u64,
    /// Files that may come in at once, from all fronts, and how many they are.
    pub uploads: (Arc<Semaphore>, usize),
    /// Why it may not control servers, when it may not.
    pub no_control: Option<&'static str>,
}

/// Serves the front at the other end of `link` until one of both ends.
pub async fn serve(handle: Handle, mut link: Link, guest: Guest) {
    let version = handle.snapshot().instance.version.to_string();
    let served = async {
        link.send(frame(&EngineMessage::Hello { language: LANGUAGE, version })?).await?;
        let mut serving = Serving {
            handle,
            guest,
            shown: None,
            under_way: FuturesUnordered::new(),
            open: BTreeMap::new(),
            held: VecDeque::new(),
        };
        serving.run(&mut link).await
    };
    if let Err(lost) = served.await {
        tracing::debug!("a front is served no more: {lost}");
    }
}

/// Something to tell, and what may be to tell after it.
struct ServeStep {
    told: Say,
    then: Option<BoxFuture<'static, Option<ServeStep>>>,
}

enum Say {
    Told(EngineMessage),
    /// The snapshot comes first.
    Current(u64, Arc<Snapshot>),
}

impl ServeStep {
    const fn last(told: EngineMessage) -> Option<Self> {
        Some(Self { told: Say::Told(told), then: None })
    }
}

struct Serving {
    handle: Handle,
    guest: Guest,
    /// What the front has; `None` while it does not follow.
    shown: Option<Arc<Snapshot>>,
    under_way: FuturesUnordered<BoxFuture<'static, (u64, Option<ServeStep>)>>,
    /// What is under way, by number, and how it is given up.
    open: BTreeMap<u64, CancellationToken>,
    /// What begins when something else has ended.
    held: VecDeque<FrontMessage>,
}

impl Serving {
    async fn run(&mut self, link: &mut Link) -> Result<(), Lost> {
        let handle = self.handle.clone();
        let mut snapshots = handle.snapshots();
        let mut ending = pin!(handle.stopping());
        let mut beat = interval(BEAT);
        let mut silent_at = Instant::now() + SILENCE;
        loop {
            tokio::select! {
                biased;
                () = &mut ending => return link.send(frame(&EngineMessage::Ending)?).await,
                Some((number, step)) = self.under_way.next(), if !self.under_way.is_empty() => {
                    self.tell(link, number, step).await?;
                    if let Some(request) = self.next_held() {
                        self.begin(request);
                    }
                }
                said = link.next() => {
                    silent_at = Instant::now() + SILENCE;
                    let text = match said {
                        Some(Frame::Text(text)) => text,
                        Some(Frame::Bytes(_)) => return Err(Lost("bytes came that belong to no file".into())),
                        None => return Ok(()),
                    };
                    match read(&text)? {
                        FrontMessage::Follow => {
                            self.show(link, &handle.snapshot()).await?;
                            // The front has listened until now, however long it took.
                            silent_at = Instant::now() + SILENCE;
                        }
                        FrontMessage::Upload { mut upload, actor } => {
                            let most = self.guest.upload_limit;
                            upload.limit = Some(upload.limit.map_or(most, |limit| limit.min(most)));
                            let (uploads, limit) = self.guest.uploads.clone();
                            let Ok(_slot) = uploads.try_acquire() else {
                                let busy = Rejected::Busy { what: "uploads under way".into(), limit };
                                return link.send(frame(&EngineMessage::Upload(Err(busy)))?).await;
                            };
                            return transfer::take_in(&handle, link, upload, self.actor(&actor)).await;
                        }
                        FrontMessage::Download { file } => return transfer::give_out(&handle, link, file).await,
                        FrontMessage::GiveUp { number } => self.give_up(number),
                        request if self.under_way.len() < UNDER_WAY_MAX => self.begin(request),
                        FrontMessage::Here => {}
                        request => self.hold(request)?,
                    }
                }
                () = sleep_until(silent_at) => {
                    return Err(Lost(format!("the front has said nothing for {} s", SILENCE.as_secs())));
                }
                _ = beat.tick() => link.send(frame(&EngineMessage::Here)?).await?,
                changed = snapshots.changed(), if self.shown.is_some() => {
                    if changed.is_err() {
                        return link.send(frame(&EngineMessage::Ending)?).await;
                    }
                    let snapshot = snapshots.borrow_and_update().clone();
                    self.show(link, &snapshot).await?;
                }
            }
        }
    }

    fn begin(&mut self, request: FrontMessage) {
        let handle = self.handle.clone();
        match request {
            FrontMessage::Ask { number, ask } => self.start(number, async move {
                let answer = ask.answered(&handle.questions).await.ok()?;
                ServeStep::last(EngineMessage::Answer { number, answer })
            }),
            FrontMessage::Command { number, command, actor, rows } => {
                let (actor, refused) = (self.actor(&actor), self.refuses(&command));
                self.start(number, async move {
                    match refused {
                        Some(why) => ServeStep::last(EngineMessage::Command { number, answer: Err(why) }),
                        None => carried_out(handle, number, (command, actor), rows).await,
                    }
                });
            }
            FrontMessage::File { number, file } => self.start(number, async move {
                let answer = handle.file(file).await;
                ServeStep::last(EngineMessage::File { number, answer })
            }),
            FrontMessage::Current { number } => self.start(number, async move {
                let snapshot = handle.current().await;
                Some(ServeStep { told: Say::Current(number, snapshot), then: None })
            }),
            // The loop has taken these, and bytes end on a connection of their own.
            FrontMessage::Here
            | FrontMessage::Follow
            | FrontMessage::GiveUp { .. }
            | FrontMessage::Upload { .. }
            | FrontMessage::Download { .. }
            | FrontMessage::End(_) => {}
        }
    }

    fn start(&mut self, number: u64, work: impl Future<Output = Option<ServeStep>> + Send + 'static) {
        let end = self.open.entry(number).or_default().clone();
        self.under_way.push(async move { (number, end.run_until_cancelled(work).await.flatten()) }.boxed());
    }

    fn hold(&mut self, request: FrontMessage) -> Result<(), Lost> {
        if self.held.len() >= HELD_MAX {
            return Err(Lost(format!("the front asks for more than {HELD_MAX} things at once")));
        }
        self.held.push_back(request);
        Ok(())
    }

    fn next_held(&mut self) -> Option<FrontMessage> {
        if self.under_way.len() < UNDER_WAY_MAX { self.held.pop_front() } else { None }
    }

    fn give_up(&mut self, number: u64) {
        self.held.retain(|request| request.number() != Some(number));
        if let Some(end) = self.open.remove(&number) {
            end.cancel();
        }
    }

    async fn tell(&mut self, link: &mut Link, number: u64, step: Option<ServeStep>) -> Result<(), Lost> {
        let Some(ServeStep { told, then }) = step else {
            self.open.remove(&number);
            return Ok(());
        };
        match told {
            Say::Told(told) => link.send(frame(&told)?).await?,
            Say::Current(number, snapshot) => {
                self.show(link, &snapshot).await?;
                link.send(frame(&EngineMessage::Current { number })?).await?;
            }
        }
        match then {
            Some(then) => self.start(number, then),
            None => _ = self.open.remove(&number),
        }
        Ok(())
    }

    /// Tells what has changed since the snapshot that the front has; all of it when it has none.
    async fn show(&mut self, link: &mut Link, snapshot: &Arc<Snapshot>) -> Result<(), Lost> {
        let files = match &self.shown {
            Some(shown) if shown.revision >= snapshot.revision => return Ok(()),
            Some(shown) => snapshot.files.since(&shown.files),
            None => snapshot.files.since(&Default::default()),
        };
        for part in files.parts(FILES_PART) {
            link.send(frame(&EngineMessage::Files(part))?).await?;
        }
        let revision = snapshot.files.revision();
        let told = match &self.shown {
            Some(shown) => EngineMessage::Change(Box::new(SnapshotChange::between(shown, snapshot)), revision),
            None => EngineMessage::Snapshot(Box::new(snapshot.as_ref().clone()), revision),
        };
        self.shown = Some(Arc::clone(snapshot));
        link.send(frame(&told)?).await
    }

    fn refuses(&self, command: &Command) -> Option<Rejected> {
        let why = self.guest.no_control.filter(|_| matches!(command, Command::Server { .. }))?;
        Some(Rejected::ControlOff { cause: why.to_owned() })
    }

    /// `console root at 10.0.0.7`: what the front says, which anybody may say, and where it comes from.
    fn actor(&self, said: &Actor) -> Actor {
        let said: String = said.0.chars().filter(|c| !c.is_control()).take(ACTOR_MAX).collect();
        Actor(format!("{said} at {}", self.guest.peer))
    }
}

async fn carried_out(
    handle: Handle,
    number: u64,
    (command, actor): (Command, Actor),
    wanted: bool,
) -> Option<ServeStep> {
    let (answer, then) = match handle.begin(command, actor).await {
        Ok(pending) => {
            let accepted = pending.accepted.clone();
            let follow = wanted && accepted.operation.is_some();
            (Ok(accepted), follow.then(|| rows(number, pending)))
        }
        Err(why) => (Err(why), None),
    };
    Some(ServeStep { told: Say::Told(EngineMessage::Command { number, answer }), then })
}

/// The operation's next row, and those after it up to its end.
fn rows(number: u64, mut pending: PendingOperation) -> BoxFuture<'static, Option<ServeStep>> {
    async move {
        let operation = pending.next_row().await?;
        let then = (!operation.status.is_final()).then(|| rows(number, pending));
        Some(ServeStep { told: Say::Told(EngineMessage::Row { number, operation }), then })
    }
    .boxed()
}
