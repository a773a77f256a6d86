use super::*;
use crate::domain::fixtures::{NOW, node_id, operation};
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::operation::{OperationKind, OperationStatus, OperationStep};

fn config(folder: &Path) -> HistoryConfig {
    HistoryConfig { path: folder.join("zkdeck.db"), ndjson_dir: folder.join("logs") }
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
    let (rows, next) = ours.changed_since(cursor).await.unwrap();
    assert_eq!(rows.iter().map(|row| (row.id.bits(), row.status)).collect::<Vec<_>>(), [(2, OperationStatus::Done)]);
    assert_eq!(ours.changed_since(next).await.unwrap(), (Vec::new(), next));
}

#[tokio::test]
async fn a_corrupt_file_is_set_aside_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    std::fs::write(&config.path, "this is no database, and long enough to be looked at as one".repeat(100)).unwrap();
    let history = History::open(config).unwrap();
    assert!(history.opened_note().is_some_and(|note| note.contains("was corrupt")));
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
    connection.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(History::open(config), Err(HistoryError::Newer { found: 99, .. })));
}

#[tokio::test]
async fn a_write_that_fails_is_told_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(config(folder.path())).unwrap();
    let blocker = rusqlite::Connection::open(folder.path().join("zkdeck.db")).unwrap();
    blocker.execute_batch("ALTER TABLE operations RENAME TO gone").unwrap();
    history.record(row(1, OperationStatus::Done)).await.unwrap();
    history.flush().await.unwrap();
    assert!(history.view().problem.is_some_and(|problem| problem.contains("operations")));
    blocker.execute_batch("ALTER TABLE gone RENAME TO operations").unwrap();
    history.record(row(2, OperationStatus::Done)).await.unwrap();
    assert_eq!(history.newest(5).await.unwrap().1, 2);
    assert_eq!(history.view().problem, None);
}
