//! The history's file is locked, full, read-only, failing, corrupt or gone while files move.

use std::time::Duration;

use rusqlite::Connection;
use tokio::time::sleep;

use crate::bench::{Bench, Random};
use crate::lane::Lane;
use crate::steps::{load, undrain};
use crate::strace::Strace;
use crate::tally::Tally;

const SAY: Duration = Duration::from_secs(30);

/// One lane's round: begins, hurts, tells whether that fired.
async fn rounds(
    bench: &Bench,
    broken: Option<&'static str>,
    count: usize,
    what: &str,
    hurt: impl AsyncFn(&mut Lane, &Random, usize) -> bool,
) -> Tally {
    bench
        .lanes("", async |lane, random| {
            let mut tally = Tally::default();
            lane.begin().await;
            if broken.is_some() {
                lane.impatient();
            }
            for round in 0..count {
                _ = lane.stress(random.node(), 5, 8, true).await;
                if let Some(rule) = broken {
                    lane.arm(&format!("break {rule}"));
                }
                let fired = hurt(lane, random, round).await;
                tally.count(fired || broken.is_some());
                undrain(lane).await;
                lane.disarm();
                tally.judge(what, lane.check().await);
                lane.trim(12).await;
            }
            tally
        })
        .await
}

/// Another process holds the file locked for longer than SQLite waits.
pub async fn locked(bench: &Bench, broken: Option<&'static str>, count: usize) -> Tally {
    rounds(bench, broken, count, "after history was locked", async |lane, random, _| {
        let blocker = Connection::open(lane.database()).unwrap();
        blocker.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let work = load(lane, random, Duration::from_secs(8));
        let (said, ()) = tokio::join!(lane.says("holds it locked", SAY), work);
        blocker.execute_batch("ROLLBACK").unwrap();
        said
    })
    .await
}

/// Writes to the file fail: no room, read-only, an error of the disk.
pub async fn unwritable(bench: &Bench, broken: Option<&'static str>, count: usize) -> Tally {
    rounds(bench, broken, count, "after history could not be written", async |lane, random, round| {
        let error = ["ENOSPC", "EROFS", "EIO"][round % 3];
        let log = lane.database().with_extension("db-wal");
        let strace = Strace::inject(lane.daemons[0].child.id(), "pwrite64", error, Some(&log), &lane.folder).await;
        let work = load(lane, random, Duration::from_secs(4));
        let (said, ()) = tokio::join!(lane.says("history", SAY), work);
        said && strace.end() > 0
    })
    .await
}

/// The file's pages are overwritten under the running daemon, which is then started anew.
pub async fn corrupt(bench: &Bench, broken: Option<&'static str>, count: usize) -> Tally {
    rounds(bench, broken, count, "after history was corrupt", async |lane, random, _| {
        let before = lane.set_aside();
        let path = lane.database();
        let checkpoint = Connection::open(&path).unwrap();
        _ = checkpoint.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        drop(checkpoint);
        let mut bytes = std::fs::read(&path).unwrap();
        let from = bytes.len() / 3;
        bytes[from..].fill(0x5a);
        std::fs::write(&path, bytes).unwrap();
        load(lane, random, Duration::from_secs(2)).await;
        lane.kill(0);
        lane.begin().await;
        lane.set_aside() > before
    })
    .await
}

/// The file and its companions are removed under the running daemon.
pub async fn deleted(bench: &Bench, broken: Option<&'static str>, count: usize) -> Tally {
    rounds(bench, broken, count, "after history was deleted", async |lane, random, _| {
        let path = lane.database();
        for ending in ["db", "db-wal", "db-shm"] {
            _ = std::fs::remove_file(path.with_extension(ending));
        }
        let gone = !path.exists();
        load(lane, random, Duration::from_secs(2)).await;
        sleep(Duration::from_millis(100)).await;
        gone && path.exists()
    })
    .await
}
