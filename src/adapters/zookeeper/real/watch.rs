//! The one recursive watch, which the client loses without a word at every reconnection.
//!
//! One value owns the watcher and everything half done, so that a dropped call to `next` loses
//! nothing: the call takes that value out, and a guard puts it back.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use zookeeper_client::{AddWatchMode, Client, Error, EventType, PersistentWatcher, StateWatcher, WatchedEvent};

use super::classify::link;
use crate::adapters::zookeeper::coord::{Change, LinkState, PathKind};

/// Pause before the watch is asked for again, after the servers refused it.
const RETRY_AFTER: Duration = Duration::from_secs(1);

type Making = Pin<Box<dyn Future<Output = Result<PersistentWatcher, Error>> + Send>>;

enum WatchStage {
    /// There is no watch; it is asked for when connected, and not before this time.
    Unwatched {
        not_before: Instant,
    },
    /// The watch is asked for. Kept across calls: dropping it would drop the watch that comes.
    Making(Making),
    Watched(PersistentWatcher),
    /// The session is over; asking a watcher once more would panic.
    Over,
}

struct PathWatch {
    states: StateWatcher,
    stage: WatchStage,
    /// What was told last about the link.
    told: LinkState,
    queue: VecDeque<Change>,
}

/// Owner of the watch.
pub(super) struct Watching {
    root: String,
    /// `None` while a call has it.
    place: Mutex<Option<Box<PathWatch>>>,
    returned: Notify,
}

/// Puts the watch back when the call that took it ends, finished or dropped.
struct Lent<'a> {
    owner: &'a Watching,
    /// Always there; an `Option` only to be moved out by `drop`.
    watch: Option<Box<PathWatch>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        *self.owner.place.lock().unwrap_or_else(PoisonError::into_inner) = self.watch.take();
        self.owner.returned.notify_one();
    }
}

impl Watching {
    pub(super) fn new(root: &str, states: StateWatcher) -> Self {
        let watch = PathWatch {
            states,
            stage: WatchStage::Unwatched { not_before: Instant::now() },
            told: LinkState::Connected,
            queue: VecDeque::new(),
        };
        Self { root: root.to_owned(), place: Mutex::new(Some(Box::new(watch))), returned: Notify::new() }
    }

    /// The next change; see [`crate::adapters::zookeeper::Coord::next_change`].
    pub(super) async fn next(&self, client: impl Fn() -> Option<Arc<Client>> + Send + Sync) -> Change {
        let mut lent = self.take().await;
        match lent.watch.as_mut() {
            Some(watch) => watch.next(&self.root, &client).await,
            None => std::future::pending().await,
        }
    }

    /// Lets go of the watch and of the client that a half-made one holds.
    pub(super) fn close(&self) {
        if let Some(watch) = self.place.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            watch.tell(&LinkState::Ended("closed by this program".into()));
        }
    }

    async fn take(&self) -> Lent<'_> {
        loop {
            if let Some(watch) = self.place.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Lent { owner: self, watch: Some(watch) };
            }
            self.returned.notified().await;
        }
    }
}

impl PathWatch {
    async fn next(&mut self, root: &str, client: &(impl Fn() -> Option<Arc<Client>> + Send + Sync)) -> Change {
        loop {
            if let Some(change) = self.queue.pop_front() {
                return change;
            }
            match &mut self.stage {
                WatchStage::Over => std::future::pending::<()>().await,
                WatchStage::Unwatched { not_before } => {
                    let not_before = *not_before;
                    self.ask(not_before, root, client).await;
                }
                WatchStage::Making(making) => {
                    let made = making.as_mut().await;
                    self.made(made);
                }
                WatchStage::Watched(watcher) => {
                    let event = watcher.changed().await;
                    self.event(event);
                }
            }
        }
    }

    /// Asks for the watch when there is a connection; waits for one otherwise.
    async fn ask(
        &mut self,
        not_before: Instant,
        root: &str,
        client: &(impl Fn() -> Option<Arc<Client>> + Send + Sync),
    ) {
        let state = link(self.states.state());
        self.tell(&state);
        match state {
            LinkState::Ended(_) => {}
            LinkState::Disconnected => {
                self.states.changed().await;
                // The state is read anew at the next turn, so that a dropped call misses nothing.
            }
            LinkState::Connected => {
                tokio::time::sleep_until(not_before).await;
                let Some(client) = client() else {
                    self.tell(&LinkState::Ended("closed by this program".into()));
                    return;
                };
                let root = root.to_owned();
                self.stage = WatchStage::Making(Box::pin(async move {
                    client.watch(&root, AddWatchMode::PersistentRecursive).await
                }));
            }
        }
    }

    fn made(&mut self, made: Result<PersistentWatcher, Error>) {
        match made {
            Ok(watcher) => {
                self.stage = WatchStage::Watched(watcher);
                self.tell(&LinkState::Connected);
                self.queue.push_back(Change::Rescan);
            }
            Err(error) => {
                let lost = link(self.states.state()) != LinkState::Connected;
                if !lost {
                    tracing::warn!(%error, "the watch was refused; asking again in a second");
                }
                let pause = if lost { Duration::ZERO } else { RETRY_AFTER };
                self.stage = WatchStage::Unwatched { not_before: Instant::now() + pause };
            }
        }
    }

    fn event(&mut self, event: WatchedEvent) {
        let kind = match event.event_type {
            EventType::Session => return self.session(&link(event.session_state)),
            EventType::NodeCreated => PathKind::Created,
            EventType::NodeDeleted => PathKind::Deleted,
            EventType::NodeDataChanged => PathKind::Data,
            // A recursive watch tells of each child instead.
            EventType::NodeChildrenChanged => return,
        };
        self.queue.push_back(Change::Path { path: event.path, kind });
    }

    /// Any word about the session means that the watch is gone or will be.
    fn session(&mut self, state: &LinkState) {
        if *state == LinkState::Connected {
            self.stage = WatchStage::Unwatched { not_before: Instant::now() };
        }
        self.tell(state);
    }

    fn tell(&mut self, state: &LinkState) {
        if matches!(state, LinkState::Ended(_)) {
            self.stage = WatchStage::Over;
        }
        if self.told != *state {
            self.told = state.clone();
            self.queue.push_back(Change::Link(state.clone()));
        }
    }
}
