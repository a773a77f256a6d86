use std::fs;
use std::io::Write;
use std::path::Path;

use super::*;
use crate::domain::log::{LogCursor, LogEvent, PageWay, parse};

/// 2026-11-23T15:00:00Z.
const NOW: Timestamp = Timestamp(1_795_446_000_000);

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn append(folder: &Path, name: &str, bytes: &str) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(folder.join(name)).unwrap();
    file.write_all(bytes.as_bytes()).unwrap();
}

fn line(second: u32, level: &str, message: &str) -> String {
    let (minute, second) = (second / 60 % 60, second % 60);
    format!("2026-11-23 14:{minute:02}:{second:02},000 [myid:1] - {level:<5} [main:Server@1] - {message}\n")
}

fn search(query: &str) -> LogSearch {
    LogSearch { expr: parse(query).unwrap(), ..LogSearch::default() }
}

fn ask(query: &str, limit: usize) -> PageAsk {
    PageAsk { search: search(query), limit, ..PageAsk::default() }
}

fn messages(events: &[LogEvent]) -> Vec<&str> {
    events.iter().map(LogEvent::message).collect()
}

async fn found(logs: &LocalLogs, query: &str) -> Vec<String> {
    let page = logs.page(ask(query, 1000), NOW).await.unwrap();
    messages(&page.events).into_iter().map(str::to_owned).collect()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const ZK1: &str = "2026-11-23 14:01:58,112 [myid:1] - WARN  [SyncThread:2:FileTxnLog@1] - fsync took 1312 ms\n\
                   2026-11-23 14:02:00,020 [myid:1] - ERROR [LearnerHandler-/127.0.0.1:1:LearnerHandler@7] - boom\n\
                   java.net.SocketTimeoutException: Read timed out\n\tat a.b.C(D.java:7)\n";
const OWN: &str = "{\"timestamp\":\"2026-11-23T14:01:59.000000Z\",\"level\":\"INFO\",\"message\":\"connected\",\"target\":\"zkdeck::adapters\"}\n";

#[tokio::test]
async fn events_of_all_files_come_in_the_order_of_their_times() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "zk1/zookeeper.log", ZK1);
    write(folder.path(), "backend/zkdeck.2026-11-23.log", OWN);
    let logs = LocalLogs::new(folder.path().to_owned());
    let page = logs.page(PageAsk { count: true, ..ask("", 10) }, NOW).await.unwrap();
    let told: Vec<_> = page.events.iter().map(|e| (e.node.as_str(), e.message(), e.more().count())).collect();
    assert_eq!(told, [("zk1", "fsync took 1312 ms", 0), ("backend", "connected", 0), ("zk1", "boom", 2)]);
    assert_eq!(
        (page.nodes, page.older, page.hits.unwrap().count),
        (vec!["backend".to_owned(), "zk1".to_owned()], None, 3)
    );
    for (query, count) in [
        ("SocketTimeoutException", 1),
        ("level>=warn", 2),
        ("node:backend", 1),
        ("nowhere", 0),
        ("since:14:02", 1),
        ("until:14:02 level:warn", 1),
        ("/took \\d+/", 1),
        ("FileTxnLog", 1),
        ("myid", 0),
        ("2026", 0),
        ("/\\d{4} ms$/", 1),
        ("-fsync", 2),
        ("boom OR connected", 2),
        ("dataset:zookeeper", 2),
        ("file:zk1*", 2),
        ("level:warn boom", 0),
    ] {
        assert_eq!(found(&logs, query).await.len(), count, "{query}");
    }
}

#[tokio::test]
async fn what_is_wanted_soon_comes_in_parts_and_nothing_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let all = large(folder.path());
    let logs = LocalLogs::new(folder.path().to_owned());
    let whole = logs.page(ask("event", 2000), NOW).await.unwrap();
    assert!(!whole.unfinished && messages(&whole.events) == all);
    let logs = LocalLogs::new(folder.path().to_owned());
    let soon = logs.page(PageAsk { soon: Some(Duration::ZERO), ..ask("event", 2000) }, NOW).await.unwrap();
    assert!(soon.unfinished && !soon.events.is_empty() && soon.events.len() < all.len(), "{}", soon.events.len());
    let rest = PageAsk { cursor: soon.older.clone(), ..ask("event", 2000) };
    let rest = logs.page(rest, NOW).await.unwrap();
    assert_eq!((rest.unfinished, rest.older), (false, None));
    assert!([messages(&rest.events), messages(&soon.events)].concat() == all);
}

/// Three servers, 600 events each, in several blocks and a packed file.
fn large(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for node in 1..=3 {
        let mut text = String::new();
        for n in 0..600_u32 {
            let level = if n % 50 == 7 { "WARN" } else { "INFO" };
            let message = format!("zk{node} event {n} {}", "x".repeat(300));
            let message = if n % 97 == 0 { format!("{message} rare") } else { message };
            text += &line(n * 5 + node, level, &message);
            all.push((n * 5 + node, message));
            if n == 299 && node == 2 {
                write(folder, "zk2/zookeeper.log.1.gz", gz(text.as_bytes()));
                text.clear();
            }
        }
        write(folder, &format!("zk{node}/zookeeper.log"), text);
    }
    all.sort();
    all.into_iter().map(|(_, message)| message).collect()
}

async fn pages(logs: &LocalLogs, query: &str, way: PageWay, limit: usize) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let ask = PageAsk { cursor, way, ..ask(query, limit) };
        let page = logs.page(ask, NOW).await.unwrap();
        pages.push(messages(&page.events).into_iter().map(str::to_owned).collect());
        cursor = if way == PageWay::Older { page.older } else { page.newer };
        if cursor.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn paging_meets_every_event_once_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let all = large(folder.path());
    let logs = LocalLogs::new(folder.path().to_owned());
    for limit in [7, 500, 2000] {
        let newer = pages(&logs, "", PageWay::Newer, limit).await.concat();
        assert_eq!(newer, all, "newer by {limit}");
        let mut older = pages(&logs, "", PageWay::Older, limit).await;
        older.reverse();
        assert_eq!(older.concat(), all, "older by {limit}");
    }
    let rare: Vec<String> = all.iter().filter(|message| message.ends_with("rare")).cloned().collect();
    assert_eq!(pages(&logs, "rare", PageWay::Newer, 3).await.concat(), rare);
    // From the middle both ways: nothing is lost at the seam.
    let first = logs.page(ask("", 100), NOW).await.unwrap();
    let back = logs.page(PageAsk { cursor: first.older.clone(), ..ask("", 50) }, NOW).await.unwrap();
    let forth = PageAsk { cursor: back.newer, way: PageWay::Newer, ..ask("", 100) };
    let forth = logs.page(forth, NOW).await.unwrap();
    assert_eq!(messages(&forth.events), messages(&first.events));
    assert!(forth.older.is_some() && forth.newer.is_none());
    let bad = PageAsk { cursor: Some(LogCursor::given("x".into())), ..ask("", 1) };
    assert!(logs.page(bad, NOW).await.unwrap_err().to_string().contains("cursor \"x\""));
}

#[tokio::test]
async fn what_is_remembered_changes_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    large(folder.path());
    let fresh = LocalLogs::new(folder.path().to_owned());
    let used = LocalLogs::new(folder.path().to_owned());
    for entry in [&used] {
        entry.page(PageAsk { count: true, ..ask("", 1) }, NOW).await.unwrap();
        while entry.shared.learn_some() {}
    }
    for query in [
        "rare",
        "RARE",
        "event rare",
        "rare level:warn",
        "level:warn",
        "level:warn event",
        "nowhere",
        "rare nowhere",
        "event 97",
        "since:14:20 rare",
        "since:14:20 until:14:21",
        "node:zk2 rare",
        "/rare$/",
        "-rare level:warn",
        "-event",
        "ra*",
        "rare OR level:warn",
        "level:error",
        "event",
        "event rare level:info",
    ] {
        for _ in 0..2 {
            let (a, b) = (
                fresh.page(PageAsk { count: true, ..ask(query, 90) }, NOW).await.unwrap(),
                used.page(PageAsk { count: true, ..ask(query, 90) }, NOW).await.unwrap(),
            );
            assert_eq!(messages(&a.events), messages(&b.events), "{query}");
            assert_eq!((a.hits, a.older), (b.hits, b.older), "{query}");
            let bars = HistogramAsk { search: search(query), bars: 30, by_node: false };
            let (x, y) = (fresh.histogram(bars.clone(), NOW).await.unwrap(), used.histogram(bars, NOW).await.unwrap());
            let sum = |bars: &Histogram| bars.bars.iter().map(|bar| bar.count).sum::<u64>();
            assert_eq!((sum(&x), x.hits), (sum(&y), y.hits), "{query}");
            assert_eq!(Some(x.hits), a.hits, "{query}");
        }
    }
}

/// Both bounds are times of events.
#[tokio::test]
async fn since_is_the_first_that_is_wanted_and_until_the_first_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "zk1/zookeeper.log", ZK1);
    write(folder.path(), "backend/zkdeck.2026-11-23.log", OWN);
    let logs = LocalLogs::new(folder.path().to_owned());
    let query = "since:2026-11-23T14:01:59Z until:2026-11-23T14:02:00.020Z";
    assert_eq!(found(&logs, query).await, ["connected"]);
}

#[tokio::test]
async fn of_a_block_that_is_remembered_and_ends_at_until_the_last_event_is_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    large(folder.path());
    let logs = LocalLogs::new(folder.path().to_owned());
    let count =
        async |query: &str| logs.page(PageAsk { count: true, ..ask(query, 1) }, NOW).await.unwrap().hits.unwrap().count;
    assert_eq!(count("event").await, 1800);
    let wanted = Scan::new(&parse("event").unwrap(), NOW);
    let (blocks, _) = jobs::plan(&mut locked(&logs.shared.store), &wanted);
    let ends: Vec<_> = blocks.iter().filter_map(|block| Some(block.found?.last)).collect();
    assert!(ends.len() > 5, "{ends:?}");
    for end in ends {
        let before = (0..600).flat_map(|n| (1..=3).map(move |node| n * 5 + node));
        let before = before.filter(|second| 1_795_442_400_000 + second * 1000 < end).count() as u64;
        let end = crate::domain::log::instant(Timestamp(end));
        assert_eq!(count(&format!("until:{end} event")).await, before, "{end}");
    }
}

/// More files than are searched at once, and no time tells their events apart.
#[tokio::test]
async fn events_of_one_time_are_met_once_however_many_files_hold_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut all: Vec<_> = (0..60).map(|n| format!("event {n}")).collect();
    for (n, message) in all.iter().enumerate() {
        write(folder.path(), &format!("zk1/{n}.log"), line(0, "INFO", message));
    }
    all.sort();
    let logs = LocalLogs::new(folder.path().to_owned());
    for way in [PageWay::Older, PageWay::Newer] {
        let mut met = pages(&logs, "", way, 3).await.concat();
        met.sort();
        assert_eq!(met, all, "{way:?}");
    }
}

#[tokio::test]
async fn a_histogram_has_its_events_at_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let text: String =
        [(0, "INFO"), (61, "WARN"), (62, "ERROR"), (600, "INFO")].map(|(at, level)| line(at, level, "m")).concat();
    write(folder.path(), "zk1/a.log", text);
    let logs = LocalLogs::new(folder.path().to_owned());
    let bars = HistogramAsk { search: search(""), bars: 10, by_node: false };
    let histogram = logs.histogram(bars, NOW).await.unwrap();
    assert_eq!(crate::domain::log::instant(histogram.from), "2026-11-23T14:00:00.000Z");
    assert_eq!((histogram.step, histogram.hits.count), (Millis::from_secs(120), 4));
    let counts: Vec<_> = histogram.bars.iter().map(|bar| (bar.count, bar.warnings, bar.errors)).collect();
    assert_eq!(counts, [(3, 1, 1), (0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), (1, 0, 0)]);
}

#[tokio::test]
async fn rotation_truncation_and_reused_inodes_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let logs = LocalLogs::new(folder.path().to_owned());
    write(folder.path(), "zk1/a.log", line(1, "INFO", "first file"));
    assert_eq!(found(&logs, "").await, ["first file"]);
    // Renamed, and a new one in its place.
    fs::rename(folder.path().join("zk1/a.log"), folder.path().join("zk1/a.log.1")).unwrap();
    write(folder.path(), "zk1/a.log", line(2, "INFO", "second file"));
    assert_eq!(found(&logs, "").await, ["first file", "second file"]);
    // Truncated and written anew, shorter and then longer than before.
    write(folder.path(), "zk1/a.log", line(3, "INFO", "3"));
    assert_eq!(found(&logs, "").await, ["first file", "3"]);
    write(folder.path(), "zk1/a.log", line(4, "INFO", &"longer ".repeat(30)));
    assert_eq!(found(&logs, "since:14:00:04").await.len(), 1);
    assert_eq!(found(&logs, "").await.len(), 2);
    // Of several blocks, and nothing of the old ones is believed.
    for minute in [10, 50] {
        let lines = (0..600).map(|n| line(minute * 60 + n / 10, "INFO", &"longer ".repeat(30 + minute as usize)));
        write(folder.path(), "zk1/a.log", lines.collect::<String>());
        assert_eq!(found(&logs, &format!("since:14:{minute} -first")).await.len(), 600);
    }
    fs::remove_file(folder.path().join("zk1/a.log.1")).unwrap();
    assert_eq!(found(&logs, "first").await.len(), 0);
    // Packed after rotation.
    write(folder.path(), "zk1/a.log.2.gz", gz(line(0, "INFO", "packed file").as_bytes()));
    assert_eq!(found(&logs, "file").await, ["packed file"]);
    write(folder.path(), "zk1/broken.log.gz", b"\x1f\x8b broken");
    let page = logs.page(ask("file", 9), NOW).await.unwrap();
    assert_eq!(page.events.len(), 1);
    assert!(page.answered.notes[0].contains("broken.log.gz"), "{:?}", page.answered.notes);
}

#[tokio::test]
async fn a_follower_gets_every_event_once_and_what_was_added_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, "zk1/a.log", line(1, "INFO", "old"));
    let logs = LocalLogs::new(path.to_owned());
    let mut mark = None;
    let mut follow = async |query: &str| {
        let ask = FollowAsk { search: search(query), mark: mark.take(), wait: Duration::ZERO, limit: 100 };
        let news = logs.follow(ask, NOW).await.unwrap();
        mark = Some(news.mark);
        news.events.iter().map(|e| format!("{}+{}", e.message(), e.more().count())).collect::<Vec<_>>()
    };
    assert!(follow("").await.is_empty(), "what was there is not new");
    append(path, "zk1/a.log", &line(2, "WARN", "new"));
    append(path, "zk1/a.log", &line(2, "INFO", "newer"));
    assert_eq!(follow("").await, ["new+0", "newer+0"]);
    assert!(follow("").await.is_empty());
    append(path, "zk1/a.log", "\tat a.b.C\n");
    assert_eq!(follow("").await, ["newer+1"], "the event that grew");
    // The last lines before a rotation, and the first ones of the new file.
    append(path, "zk1/a.log", &line(3, "INFO", "last"));
    fs::rename(path.join("zk1/a.log"), path.join("zk1/a.log.1")).unwrap();
    write(path, "zk1/a.log", line(4, "INFO", "rotated"));
    write(path, "zk2/b.log", line(5, "INFO", "other node"));
    assert_eq!(follow("").await, ["last+0", "rotated+0", "other node+0"]);
    // Truncated: it begins again.
    write(path, "zk1/a.log", line(6, "INFO", "x"));
    assert_eq!(follow("").await, ["x+0"]);
    append(path, "zk1/a.log", &line(7, "WARN", "filtered"));
    append(path, "zk1/a.log", &line(7, "INFO", "passes"));
    assert_eq!(follow("level:info").await, ["passes+0"]);
    assert!(follow("").await.is_empty());
}

#[tokio::test]
async fn context_is_what_stands_beside_it_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    large(folder.path());
    let logs = LocalLogs::new(folder.path().to_owned());
    let page = logs.page(ask("node:zk1 rare", 3), NOW).await.unwrap();
    let event = &page.events[1];
    let ask = |before, after| ContextAsk {
        id: event.id.clone(),
        file: event.file.clone(),
        offset: event.offset,
        before,
        after,
    };
    let context = logs.context(ask(2, 3)).await.unwrap();
    assert_eq!((context.events.len(), context.at), (6, 2));
    assert_eq!(context.events[2].id, event.id);
    let numbers: Vec<u32> =
        context.events.iter().map(|e| e.message().split(' ').nth(2).unwrap().parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    let wide = logs.context(ask(500, 500)).await.unwrap();
    assert!(wide.events.len() > 550, "{}", wide.events.len());
    let gone = ContextAsk { file: "zk9/x.log".into(), ..ContextAsk::default() };
    assert!(logs.context(gone).await.unwrap_err().to_string().contains("zk9/x.log is not there"));
}

#[tokio::test]
async fn hostile_bytes_are_searched_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = line(1, "INFO", "before").into_bytes();
    bytes.extend(line(2, "INFO", "long").trim_end().bytes());
    bytes.resize(bytes.len() + (3 << 20), b'y');
    bytes.extend(b" endofit\n");
    bytes.extend(line(3, "WARN", "bro\u{0}ken").into_bytes());
    bytes.extend(b"\xff\xfe\x1b[2J more\n");
    bytes.extend(line(4, "INFO", "after").bytes());
    write(folder.path(), "zk1/a.log", bytes);
    write(folder.path(), "zk1/stdout.out", "Listening on port\n  indented\nsecond line\n");
    write(folder.path(), "zk1/empty.log", "");
    let logs = LocalLogs::new(folder.path().to_owned());
    let page = logs.page(ask("node:zk1 -indented -second", 10), NOW).await.unwrap();
    assert_eq!(page.events.len(), 4);
    assert!(page.events[1].text.len() < (1 << 20) + 100);
    assert!(page.events[2].text.contains('\u{fffd}'));
    assert_eq!(found(&logs, "after").await, ["after"]);
    assert_eq!(found(&logs, "listening").await, ["Listening on port"]);
    assert_eq!(logs.page(ask("listening", 1), NOW).await.unwrap().events[0].time, None);
}

#[tokio::test]
async fn a_missing_folder_is_said() {
    let logs = LocalLogs::new("/nonexistent/logs".into());
    let error = logs.page(ask("", 1), NOW).await.unwrap_err().to_string();
    assert!(error.contains("/nonexistent/logs"), "{error}");
}
