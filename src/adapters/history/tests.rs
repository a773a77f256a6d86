use super::*;
use crate::adapters::sqlite;
use crate::domain::fixtures::{NOW, node_id, operation};
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::operation::{OperationKind, OperationStatus, OperationStep};

fn config(folder: &Path) -> HistoryConfig {
    HistoryConfig { path: folder.join("zkdeck.db"), ndjson_dir: folder.join("logs"), any_filesystem: true }
}

fn row(id: u128, status: OperationStatus) -> Operation {
    Operation { started: Timestamp(NOW.0 + id as u64), ..operation(id, OperationKind::Migration, status) }
}

#[tokio::test]
async fn a_row_is_written_once_and_stays_final() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(config(folder.path())).unwrap();
    let step = OperationStep { name: "copy".into(), at: NOW, took: Millis(12) };
    let done = Operation { steps: vec![step], ..row(1, OperationStatus::Done) };
    for operation in [row(1, OperationStatus::Started), done.clone(), row(1, OperationStatus::Failed)] {
        history.record(operation).await.unwrap();
    }
    assert_eq!(history.get(done.id).await.unwrap(), Some(done.clone()));
    assert_eq!(history.newest(10).await.unwrap(), (vec![done], 1));
    history.close().await;
    let lines = std::fs::read_dir(folder.path().join("logs")).unwrap().map(|file| file.unwrap().path());
    let text: String = lines.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert_eq!(text.lines().count(), 1);
}

/// The recovery may take a job for dead that lives, and close its row before the commit.
#[tokio::test]
async fn a_commit_outweighs_a_row_that_was_closed_too_early() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(config(folder.path())).unwrap();
    let done = row(1, OperationStatus::Done);
    for operation in [row(1, OperationStatus::Aborted), done.clone(), row(1, OperationStatus::Aborted)] {
        history.record(operation).await.unwrap();
    }
    assert_eq!(history.get(done.id).await.unwrap(), Some(done));
}

#[tokio::test]
async fn pages_go_back_in_time_and_filters_hold() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(config(folder.path())).unwrap();
    for id in 0..30 {
        let status = if id % 3 == 0 { OperationStatus::Failed } else { OperationStatus::Done };
        history.record(row(id, status)).await.unwrap();
    }
    let first = history.query(HistoryQuery { limit: 20, ..HistoryQuery::default() }).await.unwrap();
    assert_eq!((first.operations.len(), first.total), (20, 30));
    let before = first.operations.last().map(|row| row.id);
    let rest = history.query(HistoryQuery { limit: 20, before, ..HistoryQuery::default() }).await.unwrap();
    assert_eq!((rest.operations.len(), rest.total), (10, 30));
    assert_eq!(rest.operations[0].id.bits(), 9);
    let unknown = OperationId::new(77);
    let refused = history.query(HistoryQuery { before: Some(unknown), ..HistoryQuery::default() }).await;
    assert!(matches!(refused, Err(HistoryError::NoSuchRow { before }) if before == unknown), "no row, no page");
    let of = async |query: HistoryQuery| history.query(HistoryQuery { limit: 50, ..query }).await.unwrap().total;
    assert_eq!(of(HistoryQuery { status: Some(OperationStatus::Failed), ..HistoryQuery::default() }).await, 10);
    assert_eq!(of(HistoryQuery { text: Some("REPORT-0007".into()), ..HistoryQuery::default() }).await, 1);
    assert_eq!(of(HistoryQuery { node: Some(node_id("zk2")), ..HistoryQuery::default() }).await, 0);
    assert_eq!(of(HistoryQuery { node: Some(node_id("zk3")), ..HistoryQuery::default() }).await, 30);
}

#[tokio::test]
async fn what_another_process_writes_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (History::open(config(folder.path())).unwrap(), History::open(config(folder.path())).unwrap());
    ours.record(row(1, OperationStatus::Done)).await.unwrap();
    ours.flush().await.unwrap();
    let cursor = ours.cursor().await.unwrap();
    for status in [OperationStatus::Started, OperationStatus::Done] {
        theirs.record(row(2, status)).await.unwrap();
        theirs.flush().await.unwrap();
    }
    let RowsSince::Rows(rows, next) = ours.changed_since(cursor).await.unwrap() else { panic!("the file is the same") };
    assert_eq!(rows.iter().map(|row| (row.id.bits(), row.status)).collect::<Vec<_>>(), [(2, OperationStatus::Done)]);
    assert_eq!(ours.changed_since(next).await.unwrap(), RowsSince::Rows(Vec::new(), next));
    // The next one, and it alone.
    theirs.record(row(3, OperationStatus::Done)).await.unwrap();
    theirs.flush().await.unwrap();
    let RowsSince::Rows(rows, _) = ours.changed_since(next).await.unwrap() else { panic!("the file is the same") };
    assert_eq!(rows.iter().map(|row| row.id.bits()).collect::<Vec<_>>(), [3]);
}

#[tokio::test]
async fn a_corrupt_file_is_set_aside_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    std::fs::write(&config.path, "this is no database, and long enough to be looked at as one".repeat(100)).unwrap();
    let history = History::open(config).unwrap();
    let notes = history.take_notes();
    assert!(notes.len() == 1 && notes[0].contains("was corrupt") && notes[0].contains("no good backup"), "{notes:?}");
    assert!(history.take_notes().is_empty());
    history.record(row(1, OperationStatus::Done)).await.unwrap();
    assert_eq!(history.newest(1).await.unwrap().1, 1);
    let kept = std::fs::read_dir(folder.path()).unwrap().filter(|file| {
        file.as_ref().is_ok_and(|file| file.file_name().to_string_lossy().contains("zkdeck.db.corrupt-"))
    });
    assert_eq!(kept.count(), 1);
}

#[tokio::test]
async fn a_newer_layout_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let connection = rusqlite::Connection::open(&config.path).unwrap();
    for newer in [99, schema::LAYOUT + 1] {
        connection.pragma_update(None, "user_version", newer).unwrap();
        let refused = History::open(config.clone());
        assert!(matches!(refused, Err(HistoryError::Newer { found, .. }) if found == newer));
    }
}

#[tokio::test]
async fn a_write_that_fails_is_told_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(config(folder.path())).unwrap();
    let blocker = rusqlite::Connection::open(folder.path().join("zkdeck.db")).unwrap();
    blocker.execute_batch("ALTER TABLE operations RENAME TO gone").unwrap();
    history.record(row(1, OperationStatus::Done)).await.unwrap();
    // Asked of the writer itself: who asks later is told that history is sick.
    let (reply, on_disk) = oneshot::channel();
    history.notes.send(Note::Flush(reply)).await.unwrap();
    assert!(!on_disk.await.unwrap(), "a row that could not be written was called written");
    let view = history.view();
    assert!(view.problem.is_some_and(|problem| problem.contains("operations")) && view.queued == 1);
    assert!(!history.flush().await.unwrap(), "a history known to be sick is not waited for");
    blocker.execute_batch("ALTER TABLE gone RENAME TO operations").unwrap();
    // Nothing new comes, and still it is tried again.
    written(&history).await;
    assert_eq!(history.newest(5).await.unwrap().1, 1);
    assert_eq!(history.view().queued, 0);
}

/// Waits until history has no problem any more.
async fn written(history: &History) {
    let mut turns = tokio::time::interval(std::time::Duration::from_millis(20));
    let again = async {
        while history.view().problem.is_some() {
            turns.tick().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), again).await.unwrap();
}

#[tokio::test]
async fn a_corrupt_file_is_replaced_by_its_newest_backup_and_the_lines_since() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let history = History::open(config.clone()).unwrap();
    history.record(row(1, OperationStatus::Done)).await.unwrap();
    assert!(history.flush().await.unwrap());
    assert!(history.back_up().await.unwrap().is_some());
    history.record(row(2, OperationStatus::Done)).await.unwrap();
    history.close().await;
    let checkpoint = rusqlite::Connection::open(&config.path).unwrap();
    checkpoint.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let mut bytes = std::fs::read(&config.path).unwrap();
    let from = bytes.len() / 4;
    bytes[from..].fill(0x5a);
    // In a folder of its own: the threads of the first history may still have the first file open.
    let other = tempfile::tempdir().unwrap();
    let config = HistoryConfig { path: other.path().join("zkdeck.db"), ..config };
    std::fs::write(&config.path, bytes).unwrap();
    std::fs::rename(folder.path().join("backups"), other.path().join("backups")).unwrap();
    let history = History::open(config).unwrap();
    let notes = history.take_notes();
    assert!(notes.len() == 1 && notes[0].contains("is restored") && notes[0].contains("1 row came from"), "{notes:?}");
    let (rows, total) = history.newest(5).await.unwrap();
    assert_eq!(total, 2);
    let ids: std::collections::BTreeSet<_> = rows.iter().map(|row| row.id.bits()).collect();
    assert_eq!(ids, [1, 2].into());
}

#[tokio::test]
async fn a_file_that_is_removed_while_open_is_made_again_and_no_row_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let history = History::open(config.clone()).unwrap();
    history.record(row(1, OperationStatus::Done)).await.unwrap();
    assert!(history.flush().await.unwrap());
    std::fs::remove_file(&config.path).unwrap();
    history.record(row(2, OperationStatus::Done)).await.unwrap();
    assert!(history.flush().await.unwrap());
    assert_eq!(history.newest(5).await.unwrap().1, 2);
    assert!(history.take_notes()[0].contains("was removed while it was open"));
    assert_eq!(History::open(config).unwrap().newest(5).await.unwrap().1, 2, "another process reads the same");
}

#[tokio::test]
async fn a_file_that_another_process_put_there_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let (ours, theirs) = (History::open(config.clone()).unwrap(), History::open(config.clone()).unwrap());
    ours.record(row(1, OperationStatus::Done)).await.unwrap();
    assert!(ours.flush().await.unwrap());
    std::fs::remove_file(&config.path).unwrap();
    for (history, id) in [(&theirs, 2), (&ours, 3), (&theirs, 4)] {
        history.record(row(id, OperationStatus::Done)).await.unwrap();
        assert!(history.flush().await.unwrap());
    }
    assert_eq!(ours.newest(9).await.unwrap().1, 4);
    assert_eq!(theirs.newest(9).await.unwrap().1, 4);
}

#[tokio::test]
async fn an_older_file_that_is_put_back_gets_the_rows_since() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let history = History::open(config.clone()).unwrap();
    history.record(row(1, OperationStatus::Done)).await.unwrap();
    assert!(history.flush().await.unwrap());
    let away = folder.path().join("away");
    std::fs::create_dir(&away).unwrap();
    let files = ["zkdeck.db", "zkdeck.db-wal", "zkdeck.db-shm"];
    files.iter().for_each(|name| _ = std::fs::rename(folder.path().join(name), away.join(name)));
    history.record(row(2, OperationStatus::Done)).await.unwrap();
    assert!(history.flush().await.unwrap());
    files.iter().for_each(|name| _ = std::fs::rename(away.join(name), folder.path().join(name)));
    history.record(row(3, OperationStatus::Done)).await.unwrap();
    assert!(history.flush().await.unwrap());
    assert_eq!(history.newest(5).await.unwrap().1, 3);
    let notes = history.take_notes();
    assert!(notes.iter().any(|note| note.contains("was replaced by another file")), "{notes:?}");
}

#[tokio::test]
async fn who_follows_what_changes_is_told_of_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let history = History::open(config.clone()).unwrap();
    history.record(row(1, OperationStatus::Done)).await.unwrap();
    assert!(history.flush().await.unwrap());
    let cursor = history.cursor().await.unwrap();
    std::fs::remove_file(&config.path).unwrap();
    history.record(row(2, OperationStatus::Done)).await.unwrap();
    assert!(history.flush().await.unwrap());
    assert_eq!(history.changed_since(cursor).await.unwrap(), RowsSince::OtherFile);
}

#[tokio::test]
async fn an_older_copy_that_is_put_back_between_two_starts_gets_the_rows_since() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let history = History::open(config.clone()).unwrap();
    for id in 1..=3 {
        history.record(row(id, OperationStatus::Done)).await.unwrap();
        assert!(history.flush().await.unwrap());
        if id == 1 {
            std::fs::copy(&config.path, folder.path().join("copy")).unwrap();
            std::fs::copy(folder.path().join("zkdeck.db-wal"), folder.path().join("copy-wal")).unwrap();
        }
    }
    history.close().await;
    std::fs::rename(folder.path().join("copy"), &config.path).unwrap();
    std::fs::rename(folder.path().join("copy-wal"), folder.path().join("zkdeck.db-wal")).unwrap();
    let history = History::open(config.clone()).unwrap();
    assert_eq!(history.newest(5).await.unwrap().1, 3);
    let notes = history.take_notes();
    assert!(notes.len() == 1 && notes[0].contains("lacked 2 rows"), "{notes:?}");
    history.close().await;
    assert!(History::open(config).unwrap().take_notes().is_empty(), "nothing lacks now");
}

#[tokio::test]
async fn a_file_that_is_locked_delays_rows_and_says_by_whom() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(config(folder.path())).unwrap();
    let blocker = rusqlite::Connection::open(folder.path().join("zkdeck.db")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    history.record(row(1, OperationStatus::Done)).await.unwrap();
    assert!(!history.flush().await.unwrap(), "it waits five seconds for the lock, then says so");
    assert!(history.view().problem.is_some_and(|problem| problem.contains("another process holds it locked")));
    assert_eq!(history.newest(5).await.unwrap().1, 0, "what is on disk can be read meanwhile");
    blocker.execute_batch("COMMIT").unwrap();
    written(&history).await;
    assert_eq!(history.newest(5).await.unwrap().1, 1);
}

#[tokio::test]
async fn rows_that_nobody_ended_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(config(folder.path())).unwrap();
    for (id, status) in [(1, OperationStatus::Started), (2, OperationStatus::Done), (3, OperationStatus::Started)] {
        history.record(row(id, status)).await.unwrap();
    }
    history.record(row(3, OperationStatus::Failed)).await.unwrap();
    let drain = operation(4, OperationKind::Drain, OperationStatus::Started);
    history.record(Operation { started: Timestamp(NOW.0 + 4), ..drain }).await.unwrap();
    let open = history.open_rows().await.unwrap();
    assert_eq!(open.iter().map(|row| row.id.bits()).collect::<Vec<_>>(), [1, 4]);
}

/// What the lines in `folder` tell: each operation's id and status.
fn told(folder: &Path) -> Vec<(u128, OperationStatus)> {
    let mut told: Vec<_> =
        lines::read_back(&folder.join("logs")).iter().map(|row| (row.id.bits(), row.status)).collect();
    told.sort_by_key(|(id, status)| (*id, status.word()));
    told
}

fn the_file_of_lines(folder: &Path) -> PathBuf {
    std::fs::read_dir(folder.join("logs")).unwrap().next().unwrap().unwrap().path()
}

#[tokio::test]
async fn a_file_that_was_removed_meanwhile_is_made_again_and_a_first_start_is_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let history = History::open(config.clone()).unwrap();
    assert!(history.take_notes().is_empty(), "there was never one");
    history.record(row(1, OperationStatus::Done)).await.unwrap();
    assert!(history.flush().await.unwrap());
    assert!(history.back_up().await.unwrap().is_some());
    history.record(row(2, OperationStatus::Failed)).await.unwrap();
    history.close().await;
    for (removed, from) in [("zkdeck.db", "is restored, and 1 row came"), ("backups", "no good backup")] {
        std::fs::remove_file(&config.path).unwrap();
        if removed == "backups" {
            std::fs::remove_dir_all(folder.path().join("backups")).unwrap();
        }
        assert!(can_be_restored(&config));
        let history = History::open(config.clone()).unwrap();
        assert_eq!(history.newest(5).await.unwrap().1, 2, "{removed}");
        let notes = history.take_notes();
        assert!(notes.len() == 1 && notes[0].contains("was missing") && notes[0].contains(from), "{notes:?}");
        history.close().await;
    }
    std::fs::write(&config.path, b"").unwrap();
    let history = History::open(config.clone()).unwrap();
    assert_eq!(history.newest(5).await.unwrap().1, 2, "emptied");
    let notes = history.take_notes();
    assert!(notes.len() == 1 && notes[0].contains("was empty"), "{notes:?}");
    history.close().await;
}

#[tokio::test]
async fn lines_that_a_kill_has_cost_are_made_again_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let killed = History::open(config.clone()).unwrap();
    for id in 1..=3 {
        killed.record(row(id, OperationStatus::Done)).await.unwrap();
    }
    assert!(killed.flush().await.unwrap());
    let path = the_file_of_lines(folder.path());
    let whole = std::fs::read_to_string(&path).unwrap();
    let end_of_first = whole.find('\n').unwrap();
    // The second was being written, the third not begun.
    std::fs::write(&path, &whole[..end_of_first + 40]).unwrap();
    let all = [1, 2, 3].map(|id| (id, OperationStatus::Done));
    assert_eq!(told(folder.path()), all[..1]);
    for _ in 0..2 {
        let history = History::open(config.clone()).unwrap();
        assert_eq!(told(folder.path()), all, "no more and no less");
        history.close().await;
    }
    // A commit outweighs what was written before it: it is another line.
    let history = History::open(config.clone()).unwrap();
    history.record(row(4, OperationStatus::Aborted)).await.unwrap();
    history.record(row(4, OperationStatus::Done)).await.unwrap();
    history.close().await;
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.trim_end().rsplit_once('\n').unwrap().0).unwrap();
    assert_eq!(told(folder.path()).last(), Some(&(4, OperationStatus::Aborted)));
    drop(History::open(config).unwrap());
    assert_eq!(told(folder.path())[3..], [OperationStatus::Aborted, OperationStatus::Done].map(|status| (4, status)));
}

#[tokio::test]
async fn lines_that_were_removed_on_purpose_stay_away() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let history = History::open(config.clone()).unwrap();
    history.record(row(1, OperationStatus::Done)).await.unwrap();
    history.close().await;
    History::open(config.clone()).unwrap().close().await;
    std::fs::remove_file(the_file_of_lines(folder.path())).unwrap();
    History::open(config.clone()).unwrap().close().await;
    assert_eq!(told(folder.path()), [], "they were there once");
    // As an older version leaves it, which set no mark.
    rusqlite::Connection::open(&config.path).unwrap().execute_batch("DROP TABLE lines_made").unwrap();
    History::open(config).unwrap().close().await;
    assert_eq!(told(folder.path()), [], "a day without a file was tidied up");
}

#[tokio::test]
async fn lines_that_cannot_be_written_are_told_and_made_when_they_can() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    std::fs::write(&config.ndjson_dir, "in the way").unwrap();
    let history = History::open(config.clone()).unwrap();
    let problem = history.view().lines_problem.expect("before anything ends");
    assert!(problem.contains("logs: ") && problem.contains("choose another by --logs"), "{problem}");
    history.record(row(1, OperationStatus::Done)).await.unwrap();
    assert!(history.flush().await.unwrap(), "the row is in SQLite");
    history.record(row(2, OperationStatus::Started)).await.unwrap();
    assert!(history.flush().await.unwrap());
    assert_eq!(history.view().lines_problem.as_ref(), Some(&problem), "a row without a line proves nothing");
    std::fs::remove_file(&config.ndjson_dir).unwrap();
    history.look_after_lines();
    assert!(history.flush().await.unwrap());
    assert_eq!((history.view().lines_problem, told(folder.path())), (None, vec![(1, OperationStatus::Done)]));

    // Without anybody who looks after them, the next operation that ends brings them along.
    std::fs::rename(&config.ndjson_dir, folder.path().join("away")).unwrap();
    std::fs::write(&config.ndjson_dir, "in the way").unwrap();
    history.record(row(2, OperationStatus::Done)).await.unwrap();
    assert!(history.flush().await.unwrap());
    std::fs::remove_file(&config.ndjson_dir).unwrap();
    std::fs::rename(folder.path().join("away"), &config.ndjson_dir).unwrap();
    history.record(row(3, OperationStatus::Done)).await.unwrap();
    assert!(history.flush().await.unwrap());
    assert_eq!(told(folder.path()), [1, 2, 3].map(|id| (id, OperationStatus::Done)));
}

#[tokio::test]
async fn a_clean_end_leaves_the_file_alone_and_an_end_beside_others_disturbs_none() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let (first, last) = (History::open(config.clone()).unwrap(), History::open(config.clone()).unwrap());
    for id in 1..=300 {
        first.record(row(id, OperationStatus::Done)).await.unwrap();
    }
    first.close().await;
    assert_eq!(last.newest(1).await.unwrap().1, 300);
    last.record(row(301, OperationStatus::Done)).await.unwrap();
    last.close().await;
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("db-")), "{left:?}");
    assert_eq!(examine(&config.path).map(|found| found.rows), Ok(301));
}

#[tokio::test]
async fn who_looks_on_has_no_rows_before_there_is_a_file_and_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let watching = History::watch(&config(folder.path()).path).unwrap();
    let rows = async || watching.query(HistoryQuery::default()).await.unwrap().total;
    assert_eq!(rows().await, 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
    let history = History::open(config(folder.path())).unwrap();
    history.record(row(1, OperationStatus::Done)).await.unwrap();
    history.flush().await.unwrap();
    assert_eq!(rows().await, 1);
}

#[tokio::test]
async fn a_past_moment_has_the_rows_of_then_as_they_stood() {
    use crate::domain::filter::HISTORY;
    use crate::domain::log::parse_in;
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(config(folder.path())).unwrap();
    let at = NOW;
    let spent = |id: u128, kind, began: i64, ended: Option<i64>| {
        let ms = |shift: i64| Timestamp(at.0.saturating_add_signed(shift));
        let status = if ended.is_some() { OperationStatus::Done } else { OperationStatus::Started };
        Operation { started: ms(began), finished: ended.map(ms), ..operation(id, kind, status) }
    };
    let rows = [
        spent(1, OperationKind::Drain, -9_000, Some(-8_000)),
        spent(2, OperationKind::Scheduler, -7_000, Some(-6_000)),
        Operation { by: "timer".into(), ..spent(3, OperationKind::Scheduler, -500, Some(500)) },
        Operation { by: "timer".into(), ..spent(4, OperationKind::Migration, -400, Some(-300)) },
        Operation { by: "timer".into(), ..spent(5, OperationKind::Migration, -200, Some(200)) },
        spent(6, OperationKind::SchedulerPause, -5_000, Some(-4_000)),
        spent(7, OperationKind::Workload, -100, None),
        spent(8, OperationKind::Weight, 1, Some(2)),
    ];
    for row in rows {
        history.record(row).await.unwrap();
    }
    let bits = |rows: &[Operation]| rows.iter().map(|row| row.id.bits()).collect::<Vec<_>>();
    let then = history.then(at).await.unwrap();
    assert_eq!((bits(&then.newest), then.total), (vec![7, 5, 4, 3, 6, 2, 1], 7));
    let mut under_way = bits(&then.under_way);
    under_way.sort_unstable();
    assert_eq!((under_way, bits(&then.runs), bits(&then.drains)), (vec![3, 5, 7], vec![2], vec![1]));
    assert_eq!((then.run_moves.done, then.run_moves.failed), (1, 0), "the other one went on");
    assert_eq!((then.switch.map(|row| row.id.bits()), then.workload), (Some(6), None));
    assert!(then.weights_changed && !history.then(at.plus(Millis(9))).await.unwrap().weights_changed);
    assert_eq!(then.earliest, Some(Timestamp(at.0 - 9_000)));
    let page = async |query: &str| {
        let expr = parse_in(query, &HISTORY).unwrap();
        let query = HistoryQuery { as_of: Some(at), limit: 50, expr, ..HistoryQuery::default() };
        let page = history.query(query).await.unwrap();
        (bits(&page.operations), page.total)
    };
    assert_eq!(page("").await, (vec![7, 5, 4, 3, 6, 2, 1], 7));
    assert_eq!(page("status:started").await, (vec![7, 5, 3], 3), "what has ended since went on then");
    assert_eq!(page("status:done kind:migration").await, (vec![4], 1));
    let status =
        HistoryQuery { as_of: Some(at), limit: 50, status: Some(OperationStatus::Done), ..HistoryQuery::default() };
    assert_eq!(bits(&history.query(status).await.unwrap().operations), [4, 6, 2, 1]);
}

fn log_of(config: &HistoryConfig) -> u64 {
    std::fs::metadata(config.path.with_file_name("zkdeck.db-wal")).map_or(0, |meta| meta.len())
}

#[tokio::test]
async fn the_log_beside_the_file_stays_small_however_much_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let history = History::open(config.clone()).unwrap();
    let mut largest = 0;
    for id in 0..300 {
        history.record(row(id, OperationStatus::Done)).await.unwrap();
        history.flush().await.unwrap();
        largest = largest.max(log_of(&config));
    }
    assert!((1..=sqlite::LARGE).contains(&largest), "{largest} bytes");
    history.close().await;
}

#[tokio::test]
async fn who_reads_for_long_lets_the_log_grow_and_is_told_of_once_and_then_it_shrinks() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let history = History::open(config.clone()).unwrap();
    history.record(row(0, OperationStatus::Done)).await.unwrap();
    history.flush().await.unwrap();
    let reader = rusqlite::Connection::open(&config.path).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let _: i64 = reader.query_row("SELECT count(*) FROM operations", [], |row| row.get(0)).unwrap();
    let mut notes = Vec::new();
    for id in 1..2_000 {
        if notes.len() == 1 && log_of(&config) > 5 * sqlite::LARGE {
            break;
        }
        history.record(row(id, OperationStatus::Done)).await.unwrap();
        history.flush().await.unwrap();
        notes.extend(history.take_notes());
    }
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("-wal has grown to 4 MiB") && notes[0].contains("fuser"), "{notes:?}");
    reader.execute_batch("COMMIT").unwrap();
    drop(reader);
    history.record(row(5_000, OperationStatus::Done)).await.unwrap();
    history.flush().await.unwrap();
    assert!(log_of(&config) <= sqlite::LARGE, "{} bytes", log_of(&config));
    history.close().await;
}
