//! The session with the ensemble: connects, reads everything, follows changes, stands for election.
//!
//! `connect` makes a session, `scan` reads everything anew, `changes` follows single paths,
//! `store` looks whose the folder is, `standing` takes part in the election.

mod changes;
mod connect;
mod scan;
mod standing;
pub(in crate::engine) mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout};

use super::scheduler::SchedulerPort;
use crate::adapters::zookeeper::coord::{Change, Connect, Coord, LinkState};
use crate::adapters::zookeeper::election::Membership;
use crate::adapters::zookeeper::registry::Registry;
use crate::domain::event::Event;
use crate::domain::ids::{Epoch, NodeId};
use crate::domain::snapshot::{LeadershipView, LoopName, SessionState, StoreView};
use crate::engine::context::{CatchUp, Context};
use crate::engine::driver::Loop;

/// Pause between two tries to connect.
const TRY_EVERY: Duration = Duration::from_millis(500);
/// Everything is read anew this often, should a change have been missed.
const SCAN_EVERY: Duration = Duration::from_secs(600);
/// A turn that takes so long waits for an answer that will not come: reads have a limit of seconds,
/// and writes end with the session, a few times its time-out later at most.
const TURN_LIMIT: Duration = Duration::from_secs(120);
/// So long after it was connected, everything has been read, or the watch that tells when to read
/// does not come.
const UP_LIMIT: Duration = Duration::from_secs(60);
/// Why there is no session, and what ends that.
const LOST: &str = "the connection was lost; it is made again by itself when a server with a quorum answers";
/// Changes handled in one turn.
const CHANGES_AT_ONCE: usize = 2048;

pub struct SessionLoop {
    ctx: Context,
    servers: Arc<dyn Connect>,
    nodes: Vec<NodeId>,
    read_only: bool,
    publish: watch::Sender<Option<Registry>>,
    scheduler: SchedulerPort,
    catch_ups: mpsc::Receiver<CatchUp>,
    /// Who waits until all is told that had been heard of when they asked.
    behind: Vec<CatchUp>,
    link: Option<SessionLink>,
    next_try: Instant,
    seconds: Interval,
    second_passed: bool,
    change: Option<Change>,
    /// Whose the folder is, as it was told last.
    store: StoreView,
}

/// A session and what was done with it.
struct SessionLink {
    coord: Arc<dyn Coord>,
    registry: Registry,
    membership: Option<Membership>,
    /// The epoch that this instance made when it took the lead.
    own_epoch: Option<Epoch>,
    /// What the core was told last.
    told: Option<LeadershipView>,
    up: bool,
    /// When it was last seen to be up, or not connected.
    fine: Instant,
    scan_due: bool,
    scanned: Instant,
}

impl SessionLink {
    fn new(coord: Arc<dyn Coord>, registry: Registry) -> Self {
        Self {
            coord,
            registry,
            membership: None,
            own_epoch: None,
            told: None,
            up: false,
            fine: Instant::now(),
            scan_due: false,
            scanned: Instant::now(),
        }
    }
}

impl SessionLoop {
    #[must_use]
    pub fn new(
        ctx: Context,
        servers: Arc<dyn Connect>,
        nodes: Vec<NodeId>,
        read_only: bool,
        publish: watch::Sender<Option<Registry>>,
        scheduler: SchedulerPort,
        catch_ups: mpsc::Receiver<CatchUp>,
    ) -> Self {
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let next_try = Instant::now();
        Self {
            ctx,
            servers,
            nodes,
            read_only,
            publish,
            scheduler,
            catch_ups,
            behind: Vec::new(),
            link: None,
            next_try,
            seconds,
            second_passed: false,
            change: None,
            store: StoreView::Unknown,
        }
    }

    /// The change that ended the wait and all that have come since.
    fn take_changes(&mut self) -> Vec<Change> {
        let mut changes: Vec<_> = self.change.take().into_iter().collect();
        if let Some(link) = &self.link {
            while changes.len() < CHANGES_AT_ONCE {
                // Without a budget: it would end the looking before all was taken.
                let next = tokio::task::unconstrained(link.coord.next_change());
                let Some(change) = next.now_or_never() else { break };
                changes.push(change);
            }
        }
        changes
    }

    async fn work(&mut self) -> Result<(), String> {
        if self.link.is_none() {
            self.behind.clear();
            return self.connect().await;
        }
        let mut paths = Vec::new();
        let changes = self.take_changes();
        let all = changes.len() < CHANGES_AT_ONCE;
        for change in changes {
            match change {
                Change::Link(state) => self.link_changed(state).await,
                Change::Rescan => self.link.iter_mut().for_each(|link| link.scan_due = true),
                Change::Path { path, .. } => paths.push(path),
            }
        }
        let second_passed = std::mem::take(&mut self.second_passed);
        if second_passed && self.hangs() {
            let cause = format!(
                "connected for {} s, and the records could not be read; another session is made",
                UP_LIMIT.as_secs()
            );
            self.give_up(cause.clone()).await;
            return Err(cause);
        }
        let scan_due = self.link.as_ref().is_some_and(|link| link.scan_due || link.scanned.elapsed() > SCAN_EVERY);
        if scan_due {
            return self.scan().await;
        }
        self.follow(&paths).await?;
        if all && !self.link.as_ref().is_some_and(|link| link.scan_due) {
            self.caught_up();
        }
        if second_passed {
            self.look_again().await?;
            return self.stand().await;
        }
        Ok(())
    }

    /// Whether the session is of no use: connected for long, and nothing could be read.
    fn hangs(&mut self) -> bool {
        let Some(link) = &mut self.link else { return false };
        if link.up || link.coord.state() != LinkState::Connected {
            link.fine = Instant::now();
        }
        link.fine.elapsed() > UP_LIMIT
    }

    async fn give_up(&mut self, cause: String) {
        if let Some(link) = self.link.take() {
            link.coord.close().await;
        }
        self.next_try = Instant::now();
        self.down(SessionState::Connecting, cause).await;
    }

    async fn link_changed(&mut self, state: LinkState) {
        let (told, cause) = match state {
            LinkState::Connected => return,
            LinkState::Disconnected => (SessionState::Disconnected, LOST.to_owned()),
            LinkState::Ended(cause) => {
                self.link = None;
                self.next_try = Instant::now();
                (SessionState::Expired, cause)
            }
        };
        self.down(told, cause).await;
    }

    fn caught_up(&mut self) {
        for reply in self.behind.drain(..) {
            // Who asked may have gone.
            _ = reply.send(());
        }
    }

    /// No new work from here on: the client learns of an expiry later than the servers.
    async fn down(&mut self, state: SessionState, cause: String) {
        _ = self.publish.send_replace(None);
        self.behind.clear();
        if let Some(link) = &mut self.link {
            link.up = false;
            link.told = None;
        }
        self.ctx.emit(Event::Session { state, cause: Some(cause) }).await;
    }
}

#[async_trait]
impl Loop for SessionLoop {
    fn name(&self) -> LoopName {
        LoopName::Session
    }

    async fn wait(&mut self) {
        match &self.link {
            None => tokio::select! {
                biased;
                () = sleep_until(self.next_try) => {}
                Some(reply) = self.catch_ups.recv() => self.behind.push(reply),
            },
            // Changes may come without end: what comes seldom goes first.
            Some(link) => tokio::select! {
                biased;
                _ = self.seconds.tick() => self.second_passed = true,
                Some(reply) = self.catch_ups.recv() => self.behind.push(reply),
                change = link.coord.next_change() => self.change = Some(change),
            },
        }
    }

    async fn turn(&mut self) -> Result<(), String> {
        if let Ok(done) = timeout(TURN_LIMIT, self.work()).await {
            return done;
        }
        let cause = format!("no answer for {} s; the session is given up and another one made", TURN_LIMIT.as_secs());
        self.give_up(cause.clone()).await;
        Err(cause)
    }

    async fn finish(&mut self) {
        let Some(link) = self.link.take() else { return };
        _ = self.publish.send_replace(None);
        if let Some(membership) = &link.membership {
            membership.resign().await;
        }
        link.coord.close().await;
    }
}
