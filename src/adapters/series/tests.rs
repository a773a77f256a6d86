use std::path::Path;

use super::*;
use crate::domain::series::{SeriesName, Tier};

const CANARY: SeriesKey = SeriesKey { name: SeriesName::Canary, node: None };
/// Begin of a block of every tier, not long ago.
fn start() -> u64 {
    let now = clock::now().0;
    now - now % 7_200_000
}

fn keeper(path: &Path) -> SeriesKeeper {
    SeriesKeeper {
        file: SeriesFile::new(path.to_owned()),
        buffer: SeriesBuffer::default(),
        written: None,
        problem: Arc::default(),
    }
}

fn second(at: u64, value: f32) -> SeriesSample {
    SeriesSample { at: Timestamp(at), values: vec![(CANARY, value)] }
}

fn ask(from: u64, until: u64, step: u64) -> SeriesAsk {
    SeriesAsk { series: vec![CANARY], from: Timestamp(from), until: Timestamp(until), step: Millis(step) }
}

fn means(keeper: &mut SeriesKeeper, ask: &SeriesAsk, now: u64) -> Vec<Option<f32>> {
    let page = keeper.answer(ask, Timestamp(now)).unwrap();
    page.lines[0].points.iter().map(|point| point.map(|point| point.mean)).collect()
}

#[test]
fn what_was_measured_is_answered_before_and_after_it_is_written_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let start = start();
    let mut first = keeper(&path);
    for at in [0, 1, 3] {
        first.take(&second(start + at * 1000, at as f32));
    }
    let (question, now) = (ask(start, start + 5000, 1000), start + 5000);
    let right = [Some(0.0), Some(1.0), None, Some(3.0), None];
    assert_eq!(means(&mut first, &question, now), right);
    first.write(Timestamp(now));
    assert_eq!(*first.problem.lock().unwrap(), None);
    assert_eq!(means(&mut first, &question, now), right);
    drop(first);
    let mut second_run = keeper(&path);
    assert_eq!(means(&mut second_run, &question, now), right, "a gap is a gap");
    second_run.take(&second(start + 4000, 9.0));
    second_run.write(Timestamp(now));
    let mut third = keeper(&path);
    assert_eq!(means(&mut third, &question, now)[3..], [Some(3.0), Some(9.0)], "a block of two runs");
}

#[test]
fn two_processes_on_one_file_keep_what_the_other_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let start = start();
    let (mut one, mut other) = (keeper(&path), keeper(&path));
    one.take(&second(start, 1.0));
    other.take(&second(start + 1000, 2.0));
    one.write(Timestamp(start + 2000));
    other.write(Timestamp(start + 2000));
    one.write(Timestamp(start + 2000));
    let question = ask(start, start + 2000, 1000);
    assert_eq!(means(&mut keeper(&path), &question, start + 2000), [Some(1.0), Some(2.0)]);
}

#[test]
fn what_is_older_than_it_is_kept_goes_and_coarser_values_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let start = start() - 86_400_000 - 7_200_000;
    let mut keeper = keeper(&path);
    keeper.take(&second(start, 4.0));
    keeper.write(Timestamp(start + 1000));
    let later = start + 86_400_000 + 7_200_000;
    keeper.take(&second(later, 5.0));
    keeper.write(Timestamp(later));
    let rows = |tier| {
        let sql = "SELECT count(*) FROM chunks WHERE tier = ?1";
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.query_row(sql, [tier], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!([rows(0), rows(1), rows(2)], [1, 1, 2]);
    assert_eq!(means(&mut keeper, &ask(start, start + 60_000, 60_000), later), [Some(4.0)]);
}

#[test]
fn a_corrupt_file_is_set_aside_and_costs_nothing_but_charts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    std::fs::write(&path, "no database at all, and longer than a page is not needed").unwrap();
    let start = start();
    let mut keeper = keeper(&path);
    keeper.take(&second(start, 1.0));
    keeper.write(Timestamp(start));
    let said = keeper.problem.lock().unwrap().clone();
    assert!(said.is_some_and(|why| why.contains("series.db")));
    keeper.write(Timestamp(start));
    assert_eq!(*keeper.problem.lock().unwrap(), None);
    assert_eq!(means(&mut keeper, &ask(start, start + 1000, 1000), start), [Some(1.0)]);
    assert!(folder.path().join("series.db.corrupt").exists());
}

#[test]
fn a_folder_that_cannot_be_written_still_has_charts_of_this_run() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("blocked");
    std::fs::write(&blocked, "a file where the folder should be").unwrap();
    let start = start();
    let mut keeper = keeper(&blocked.join("series.db"));
    keeper.take(&second(start, 1.0));
    keeper.write(Timestamp(start));
    assert!(keeper.problem.lock().unwrap().is_some());
    assert_eq!(means(&mut keeper, &ask(start, start + 1000, 1000), start), [Some(1.0)]);
}

#[tokio::test]
async fn a_question_that_cannot_be_answered_is_refused_and_a_closed_store_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = SeriesStore::open(folder.path().join("series.db")).unwrap();
    store.put(second(clock::now().0, 7.0));
    let now = clock::now().0;
    let page = store.ask(ask(now - 60_000, now + 1000, 60_000)).await.unwrap();
    assert_eq!(page.step, Tier::Minute.bucket());
    assert!(page.lines[0].points.iter().flatten().any(|point| (point.mean - 7.0).abs() < 1e-6));
    assert!(matches!(store.ask(ask(5, 5, 1000)).await, Err(SeriesError::Refused(_))));
    store.close().await;
    assert!(matches!(store.ask(ask(0, 5, 1000)).await, Err(SeriesError::Closed)));
    assert!(folder.path().join("series.db").exists());
}

#[test]
fn the_oldest_value_is_told_as_exactly_as_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let mut keeper = keeper(&path);
    assert_eq!(keeper.earliest().unwrap(), None, "a file that is not there has none");
    let start = start();
    keeper.take(&second(start + 7_000, 1.0));
    keeper.take(&second(start + 8_000, 1.0));
    assert_eq!(keeper.earliest().unwrap(), Some(Timestamp(start + 7_000)), "before it is written");
    keeper.write(Timestamp(start + 9_000));
    keeper.buffer = SeriesBuffer::default();
    assert_eq!(keeper.earliest().unwrap(), Some(Timestamp(start + 7_000)));
    // Seconds are not kept for so long: what is left is told by the minute.
    keeper.take(&second(start + 7_200_000 + 5_000, 1.0));
    keeper.write(Timestamp(start + 7_200_000 + 9_000));
    assert_eq!(keeper.earliest().unwrap(), Some(Timestamp(start)));
}
