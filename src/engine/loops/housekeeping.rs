//! Empties the trash, finishes what was left half done, and makes the hourly backup of history.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::domain::file_table::FileTable;
use crate::domain::ids::FileId;
use crate::domain::snapshot::{LoopName, Snapshot};
use crate::engine::context::Context;
use crate::engine::driver::Loop;
use crate::engine::files::recovery;

const PERIOD: Duration = Duration::from_secs(1);
/// Left intents and trash are looked at this often; at once after taking the lead.
const EVERY_TURNS: u64 = 15;
/// Lines of history that could not be written are tried again this often.
const LINES_TURNS: u64 = 5;
/// A backup that may be due is looked at this often, and history's lines.
const BACKUP_TURNS: u64 = 60;

pub struct HousekeepingLoop {
    ctx: Context,
    timer: Interval,
    turns: u64,
    led: bool,
}

impl HousekeepingLoop {
    #[must_use]
    pub fn new(ctx: Context) -> Self {
        let mut timer = interval(PERIOD);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ctx, timer, turns: 0, led: false }
    }

    /// The leader alone removes bytes, only with a quorum behind it, and only once the scrub has held the records
    /// of this session against the bytes: what a record has lost may lie in the trash under another name.
    async fn empty_trash(&self, snapshot: &Snapshot) -> Result<(), String> {
        if snapshot.scrub.session != Some(snapshot.session.since) || !snapshot.unreadable.is_empty() {
            return Ok(());
        }
        let lost = snapshot.damaged.iter().map(|one| one.file).collect();
        empty_trash(&self.ctx, snapshot.files.clone(), lost, Instant::now()).await
    }
}

/// Removes what has lain in the trash for its time. What a record names, and all of a file whose bytes are `lost`,
/// is kept.
pub(in crate::engine) async fn empty_trash(
    ctx: &Context,
    files: FileTable,
    lost: BTreeSet<FileId>,
    now: Instant,
) -> Result<(), String> {
    let named =
        move |file, blob| files.get(file).is_some_and(|entry| entry.record.blob == blob || lost.contains(&file));
    let emptied = ctx.blobs.empty_trash(now, named).await;
    emptied.map(drop).map_err(|error| format!("emptying the trash: {error}"))
}

#[async_trait]
impl Loop for HousekeepingLoop {
    fn name(&self) -> LoopName {
        LoopName::Housekeeping
    }

    async fn wait(&mut self) {
        _ = self.timer.tick().await;
    }

    async fn turn(&mut self) -> Result<(), String> {
        let snapshot = self.ctx.snapshot();
        let leads = snapshot.leadership.leads;
        let took_the_lead = leads && !self.led;
        self.led = leads;
        let (due, backup_due) = (self.turns.is_multiple_of(EVERY_TURNS), self.turns.is_multiple_of(BACKUP_TURNS));
        let troubled = snapshot.history.lines_problem.is_some();
        if backup_due || (troubled && self.turns.is_multiple_of(LINES_TURNS)) {
            self.ctx.history.look_after_lines();
        }
        self.turns += 1;
        if backup_due {
            self.ctx.history.back_up().await.map_err(|error| error.to_string())?;
        }
        if !snapshot.may_touch_bytes() || !(due || took_the_lead) {
            return Ok(());
        }
        recovery::run(&self.ctx, leads).await?;
        if leads && snapshot.files_complete { self.empty_trash(&snapshot).await } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::domain::file::blob_name;
    use crate::domain::fixtures::{self, node_id};
    use crate::domain::ids::{AttemptId, Timestamp};
    use crate::domain::snapshot::{Damage, SessionState, StoreView};
    use crate::engine::context::testing::context;

    /// More than bytes lie in the trash at least.
    const LONG: Duration = Duration::from_secs(61);

    /// Whether an older copy of file 400 that lies in the trash is gone after its time, while this is the picture.
    async fn is_emptied(change: impl Fn(&mut Snapshot)) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let (events, _heard) = mpsc::channel(64);
        let (_link, link) = watch::channel(None);
        let (mut ctx, clerk) = context(folder.path(), &[node_id("zk1")], events, link);
        ctx.driver.job("clerk", clerk.work(false, async || {}));
        let (file, blob, zk1) = (FileId::new(400), AttemptId::new(1), node_id("zk1"));
        let uploads = folder.path().join("uploads/zk1");
        std::fs::write(uploads.join(blob_name(file, blob)), b"older").unwrap();
        ctx.blobs.trash(&zk1, file, blob).await.unwrap();
        let mut picture = fixtures::snapshot();
        picture.scrub.session = Some(picture.session.since);
        (picture.damaged, picture.unreadable) = (Arc::from([]), Arc::from([]));
        change(&mut picture);
        ctx.snapshots = watch::channel(Arc::new(picture)).1;
        let mut housekeeping = HousekeepingLoop::new(ctx);
        for _ in 0..2 {
            for _ in 0..EVERY_TURNS {
                housekeeping.turn().await.unwrap();
            }
            tokio::time::advance(LONG).await;
        }
        std::fs::read_dir(uploads.join(".trash")).unwrap().count() == 0
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_knows_all_files_empties_the_trash() {
        assert!(is_emptied(|_| ()).await);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_empties_the_trash_without_the_lead_a_server_or_the_ensembles_folder() {
        let foreign = || StoreView::Foreign { ours: "a".into(), theirs: "b".into() };
        assert!(!is_emptied(|now| now.leadership.leads = false).await);
        assert!(!is_emptied(|now| now.session.state = SessionState::Connecting).await);
        assert!(!is_emptied(|now| now.session.store = foreign()).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_trash_is_kept_until_all_records_of_this_session_were_held_against_the_bytes() {
        assert!(!is_emptied(|now| now.files_complete = false).await);
        assert!(!is_emptied(|now| now.scrub.session = None).await);
        assert!(!is_emptied(|now| now.scrub.session = Some(Timestamp(1))).await, "another session");
        assert!(!is_emptied(|now| now.unreadable = Arc::from(["one record".to_owned()])).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_trash_keeps_all_of_a_file_whose_bytes_are_missing() {
        let lost = |id| Damage { file: FileId::new(id), blob: AttemptId::new(id), cause: "missing".into() };
        assert!(!is_emptied(|now| now.damaged = Arc::from([lost(400)])).await);
        assert!(is_emptied(|now| now.damaged = Arc::from([lost(401)])).await, "another file's");
    }
}
