//! One suite of queries over one corpus: on local files always, and on the servers that
//! `ZKDECK_TEST_SEARCH` names (URLs with a comma between them; see scripts/test-search).

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use zkdeck::adapters::http;
use zkdeck::adapters::logs::{Auth, Elastic, ElasticConfig, ElasticSecret, LocalLogs, Logs};
use zkdeck::adapters::templates::{self, Words};
use zkdeck::domain::ids::Timestamp;
use zkdeck::domain::log::{
    ContextAsk, FollowAsk, FollowMark, HistogramAsk, LogEvent, LogPage, LogSearch, PageAsk, PageWay, instant, parse,
};

/// 2026-11-23T15:00:00Z.
const NOW: Timestamp = Timestamp(1_795_446_000_000);

/// Name of the event, its file, its lines.
const CORPUS: &[(&str, &str, &str)] = &[
    (
        "a1",
        "zk1/zookeeper.log",
        "2026-11-23 14:01:58,112 [myid:1] - WARN  [SyncThread:1:FileTxnLog@401] - [fsync]-ing the write ahead log in SyncThread:1 took 1312 ms which will adversely affect operation latency",
    ),
    (
        "a2",
        "zk1/zookeeper.log",
        "2026-11-23 14:02:00,020 [myid:1] - ERROR [LearnerHandler-/127.0.0.1:4321:LearnerHandler@714] - Unexpected exception causing shutdown while sock still open\njava.net.SocketTimeoutException: Read timed out\n\tat org.apache.zookeeper.server.quorum.LearnerHandler.run(LearnerHandler.java:469)",
    ),
    (
        "a3",
        "zk1/zookeeper.log",
        "2026-11-23 14:02:05,500 [myid:1] - INFO  [main:QuorumPeerConfig@177] - Reading configuration from: /conf/zoo.cfg",
    ),
    (
        "a4",
        "zk1/zookeeper.log",
        "2026-11-23 14:02:06,001 [myid:1] - INFO  [SessionTracker:ZooKeeperServer@632] - Expiring session 0x1000abc0001, timeout of 30000ms exceeded",
    ),
    (
        "a5",
        "zk1/zookeeper.log",
        "2026-11-23 14:03:00,000 [myid:1] - DEBUG [CommitProcessor:1:FinalRequestProcessor@113] - Processing request:: sessionid:0x1000abc0001 type:setData zxid:0x700000f1c reqpath:/demo/files/0192",
    ),
    (
        "a6",
        "zk1/zookeeper.log",
        "2026-11-23 14:04:00,000 [myid:1] - INFO  [QuorumPeer[myid=1](plain=0.0.0.0:2181)(secure=disabled):Follower@75] - FOLLOWING - LEADER ELECTION TOOK - 212 MS",
    ),
    (
        "b1",
        "zk2/zookeeper.log",
        "2026-11-23 14:01:59,431 [myid:2] - WARN  [SyncThread:2:FileTxnLog@401] - [fsync]-ing the write ahead log in SyncThread:2 took 1190 ms which will adversely affect operation latency",
    ),
    (
        "b2",
        "zk2/zookeeper.log",
        "2026-11-23 14:02:10,000 [myid:2] - ERROR [main:NIOServerCnxnFactory@44] - Thread Thread[main,5,main] died\njava.lang.NullPointerException\n\tat a.b.C(D.java:7)",
    ),
    (
        "b3",
        "zk2/zookeeper.log",
        "2026-11-23 14:05:00,000 [myid:2] - INFO  [main:Size@1] - größe über 100 % \"quoted\" (parens) a_b",
    ),
    (
        "b4",
        "zk2/zookeeper.log",
        "2026-11-23 14:06:00,000 [myid:2] - INFO  [NIOWorkerThread-1:ZooKeeperServer@1105] - Client attempting to establish new connection at /127.0.0.1:54321",
    ),
    (
        "c1",
        "zk3/zookeeper.log",
        "2026-11-23 14:02:01,000 [myid:3] - WARN  [QuorumConnectionThread:QuorumCnxManager@401] - Cannot open channel to 1 at election address zk1/172.18.0.2:3888\njava.net.ConnectException: Connection refused",
    ),
    (
        "d1",
        "backend/zkdeck.2026-11-23.log",
        r#"{"timestamp":"2026-11-23T14:01:57.000000Z","level":"INFO","fields":{"message":"connected to the ensemble","attempt":"7"},"target":"zkdeck::adapters"}"#,
    ),
    (
        "d2",
        "backend/zkdeck.2026-11-23.log",
        r#"{"timestamp":"2026-11-23T14:02:03.000000Z","level":"WARN","fields":{"message":"session lost, trying again","server":"zk2"},"target":"zkdeck::engine"}"#,
    ),
    (
        "e1",
        "backend/operations.2026-11-23.ndjson",
        r#"{"@timestamp":"2026-11-23T14:02:11.041Z","operation_id":"0192f7aa-1111-7222-8333-44445555c41e","operation":"migration","status":"done","file_id":"0192f7aa-0000-7000-8000-00000000000a","source":"zk1","target":"zk3","bytes":131072,"duration_ms":41,"reason":"over-trigger: 41 > 33 + 5","instance":"host-a:4711","message":"migration done: report-0414.bin, 128 KiB"}"#,
    ),
    (
        "e2",
        "backend/operations.2026-11-23.ndjson",
        r#"{"@timestamp":"2026-11-23T14:02:12.000Z","operation_id":"0192f7aa-1111-7222-8333-44445555c41f","operation":"migration","status":"failed","file_id":"0192f7aa-0000-7000-8000-00000000000b","source":"zk2","target":"zk1","bytes":1048576,"duration_ms":1200,"reason":"zk1 full: 0 B free","instance":"host-a:4711","message":"migration failed: report-0007.bin, 1 MiB"}"#,
    ),
    (
        "e3",
        "backend/operations.2026-11-23.ndjson",
        r#"{"@timestamp":"2026-11-23T14:02:15.000Z","operation_id":"0192f7aa-1111-7222-8333-44445555c420","operation":"scheduler","status":"none","file_id":null,"source":null,"target":null,"bytes":null,"duration_ms":2,"reason":"below-trigger","instance":"host-a:4711","message":"scheduler none: spread 4, trigger 5"}"#,
    ),
    (
        "e4",
        "backend/operations.2026-11-23.ndjson",
        r#"{"@timestamp":"2026-11-23T14:07:00.000Z","operation_id":"0192f7aa-1111-7222-8333-44445555c421","operation":"stress","status":"done","file_id":null,"source":null,"target":"zk1","bytes":1048576,"duration_ms":212,"reason":null,"instance":"host-b:1","message":"stress done: 8 files, 128 KiB each"}"#,
    ),
];

/// Query, what it finds, and whether it needs a tokenizer that parts dotted names.
const QUERIES: &[(&str, &str, bool)] = &[
    ("", "a1 a2 a3 a4 a5 a6 b1 b2 b3 b4 c1 d1 d2 e1 e2 e3 e4", false),
    ("*", "a1 a2 a3 a4 a5 a6 b1 b2 b3 b4 c1 d1 d2 e1 e2 e3 e4", false),
    ("fsync", "a1 b1", false),
    ("FSYNC", "a1 b1", false),
    ("fsyn", "", false),
    ("fsyn*", "a1 b1", false),
    ("*sync", "a1 b1", false),
    ("f*c", "a1 b1", false),
    ("fsync 1312", "a1", false),
    ("fsync AND 1190", "b1", false),
    ("fsync nowhere", "", false),
    ("nowhere", "", false),
    ("took", "a1 a6 b1", false),
    ("\"write ahead log\"", "a1 b1", false),
    ("\"ahead write log\"", "", false),
    ("\"Read timed out\"", "a2", false),
    ("\"session lost\"", "d2", false),
    ("session", "a4 d2", false),
    ("exceeded", "a4", false),
    ("0x1000abc0001", "a4 a5", true),
    ("SocketTimeoutException", "a2", true),
    ("java.net.SocketTimeoutException", "a2", false),
    ("NullPointerException", "b2", true),
    ("java.lang.NullPointerException", "b2", false),
    ("*Exception", "a2 b2 c1", false),
    ("java.net.*Exception", "a2 c1", true),
    ("java.net", "a2 c1", true),
    ("refused", "c1", false),
    ("54321", "b4", true),
    ("127.0.0.1:54321", "b4", false),
    ("zoo.cfg", "a3", false),
    ("cfg", "a3", true),
    ("a_b", "b3", false),
    ("quoted parens", "b3", false),
    ("/größe/", "b3", false),
    ("/took \\d{4} ms/", "a1 b1", false),
    ("/TOOK/", "a6", false),
    ("/(?i)took/", "a1 a6 b1", false),
    ("/^Thread/", "b2", false),
    ("/latency$/", "a1 b1", false),
    ("/(refused|exceeded)$/", "a4 c1", false),
    ("/0x[0-9a-f]+/", "a4 a5", false),
    ("/Exception: .*d/", "a2 c1", false),
    ("level:error", "a2 b2 e2", false),
    ("level>=WARN", "a1 a2 b1 b2 c1 d2 e2", false),
    ("level>WARN", "a2 b2 e2", false),
    ("level<INFO", "a5", false),
    ("level<=debug", "a5", false),
    ("level:info", "a3 a4 a6 b3 b4 d1 e1 e3 e4", false),
    ("-level:info -level>=warn", "a5", false),
    ("node:zk1", "a1 a2 a3 a4 a5 a6", false),
    ("node:ZK1", "a1 a2 a3 a4 a5 a6", false),
    ("node:zk* level>=warn", "a1 a2 b1 b2 c1", false),
    ("node:(zk2 OR zk3) level:warn", "b1 c1", false),
    ("node:backend level:warn", "d2", false),
    ("-node:backend -node:zk1", "b1 b2 b3 b4 c1", false),
    ("dataset:operations", "e1 e2 e3 e4", false),
    ("dataset:backend", "d1 d2", false),
    ("dataset:zoo* fsync", "a1 b1", false),
    ("thread:SyncThread:1", "a1", false),
    ("thread:SyncThread*", "a1 b1", false),
    ("thread:main", "a3 b2 b3", false),
    ("logger:FileTxnLog", "a1 b1", false),
    ("logger:ZooKeeper*", "a4 b4", false),
    ("logger:zkdeck::engine", "d2", false),
    ("LearnerHandler", "a2", false),
    ("QuorumCnxManager", "c1", false),
    ("operation:migration", "e1 e2", false),
    ("operation:migration status:failed", "e2", false),
    ("status:(none OR failed)", "e2 e3", false),
    ("source:zk1", "e1", false),
    ("target:zk1", "e2 e4", false),
    ("operation_id:0192f7aa-1111-7222-8333-44445555c420", "e3", false),
    ("0192f7aa-1111-7222-8333-44445555c41f", "e2", false),
    ("file_id:*000a", "e1", false),
    ("reason:below-trigger", "e3", false),
    ("reason:over*", "e1", false),
    ("reason:/full|below/", "e2 e3", false),
    ("instance:host-b:1", "e4", false),
    ("migration", "e1 e2", false),
    ("bytes>=1MiB", "e2 e4", false),
    ("bytes<1MiB", "e1", false),
    ("duration_ms:41", "e1", false),
    ("duration_ms>41 duration_ms<=212", "e4", false),
    ("fields.attempt:7", "d1", false),
    ("fields.server:zk2", "d2", false),
    ("since:14:04", "a6 b3 b4 e4", false),
    ("until:14:01:58", "d1", false),
    ("since:2026-11-23T14:02:00Z until:2026-11-23T14:02:05Z", "a2 c1 d2", false),
    ("since:56m", "a6 b3 b4 e4", false),
    ("fsync OR refused", "a1 b1 c1", false),
    ("(fsync OR refused) -node:zk1", "b1 c1", false),
    ("-(fsync OR refused) level:warn", "d2", false),
    ("NOT level:info NOT node:zk1 -fsync", "b2 c1 d2 e2", false),
    ("--fsync", "a1 b1", false),
    ("file:zk3/zookeeper.log", "c1", false),
];

async fn ask(logs: &Logs, ask: PageAsk) -> LogPage {
    logs.answer(ask, NOW).await.unwrap()
}

fn search(query: &str) -> LogSearch {
    LogSearch { expr: parse(query).unwrap_or_else(|error| panic!("{query}: {error}")), ..LogSearch::default() }
}

/// Holds every query against the corpus; `name` tells an event's name.
async fn run(logs: &Logs, by: &str, parts: bool, name: impl Fn(&LogEvent) -> String) {
    let mut wrong = Vec::new();
    for (query, expected, needs_parts) in QUERIES.iter().filter(|(_, _, needs)| parts || !needs) {
        let page = ask(logs, PageAsk { search: search(query), limit: 100, count: true, ..PageAsk::default() }).await;
        assert!(page.answered.by.starts_with(by) && page.answered.fallback.is_none(), "{:?}", page.answered);
        let mut found: Vec<String> = page.events.iter().map(&name).collect();
        found.sort();
        if found.join(" ") != *expected || page.hits.map(|hits| hits.count) != Some(found.len() as u64) {
            wrong.push(format!(
                "{query}: found {:?} of {expected:?}, hits {:?}, parts {needs_parts}",
                found.join(" "),
                page.hits
            ));
        }
    }
    assert!(wrong.is_empty(), "by {by}:\n{}", wrong.join("\n"));
    // All of it page by page, in the order of times, both ways.
    let mut all: Vec<_> =
        ask(logs, PageAsk { limit: 100, ..PageAsk::default() }).await.events.iter().map(&name).collect();
    for way in [PageWay::Newer, PageWay::Older] {
        let (mut paged, mut cursor) = (Vec::new(), None);
        loop {
            let page = ask(logs, PageAsk { way, cursor, limit: 3, ..PageAsk::default() }).await;
            let names: Vec<_> = page.events.iter().map(&name).collect();
            paged.extend(if way == PageWay::Newer { names } else { names.into_iter().rev().collect() });
            cursor = if way == PageWay::Newer { page.newer } else { page.older };
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(paged, all, "{way:?} by {by}");
        all.reverse();
    }
    bars_and_neighbours(logs, by, &name).await;
}

async fn bars_and_neighbours(logs: &Logs, by: &str, name: impl Fn(&LogEvent) -> String) {
    for (query, count, warnings, errors) in [("", 17, 4, 3), ("level>=WARN", 7, 4, 3), ("node:zk1 took", 2, 1, 0)] {
        let found = logs.answer(HistogramAsk { search: search(query), bars: 20, by_node: false }, NOW).await.unwrap();
        let sums = found.bars.iter().fold((0, 0, 0), |(all, warnings, errors), bar| {
            (all + bar.count, warnings + bar.warnings, errors + bar.errors)
        });
        assert_eq!(sums, (count, warnings, errors), "{query} by {by}");
        assert_eq!(found.hits.count, count, "{query} by {by}");
        assert!((2..=21).contains(&found.bars.len()) && found.step.0 % 1000 == 0, "{found:?}");
        // Each event is in the bar of its time.
        let page = ask(logs, PageAsk { search: search(query), limit: 100, ..PageAsk::default() }).await;
        for (at, bar) in found.bars.iter().enumerate() {
            let from = found.from.0 + at as u64 * found.step.0;
            let here = |event: &&LogEvent| (from..from + found.step.0).contains(&event.time.unwrap().0);
            assert_eq!(page.events.iter().filter(here).count() as u64, bar.count, "{query}, bar {at} by {by}");
        }
    }
    for (query, before, after, expected, place) in
        [("zoo.cfg", 1, 2, "a2 a3 a4 a5", 1), ("1312", 5, 1, "a1 a2", 0), ("8 files", 1, 9, "e3 e4", 1)]
    {
        let event = ask(logs, PageAsk { search: search(query), limit: 1, ..PageAsk::default() }).await.events.remove(0);
        let (id, file, offset) = (event.id, event.file, event.offset);
        let context = logs.answer(ContextAsk { id, file, offset, before, after }, NOW).await.unwrap();
        let names: Vec<_> = context.events.iter().map(&name).collect();
        assert_eq!((names.join(" ").as_str(), context.at), (expected, place), "{query} by {by}");
    }
}

/// A line that comes while somebody follows: `add` writes it.
const LATE: &str = "2026-11-23 14:59:59,000 [myid:1] - WARN  [main:Late@1] - late line";

async fn follow(logs: &Logs, query: &str, mark: &mut Option<FollowMark>, wait: u64) -> Result<Vec<LogEvent>, String> {
    follow_at(NOW, logs, query, mark, wait).await
}

async fn follow_at(
    now: Timestamp,
    logs: &Logs,
    query: &str,
    mark: &mut Option<FollowMark>,
    wait: u64,
) -> Result<Vec<LogEvent>, String> {
    let wait = Duration::from_secs(wait);
    let ask = FollowAsk { search: search(query), mark: mark.clone(), wait, limit: 100 };
    let news = logs.answer(ask, now).await.map_err(|fail| fail.to_string())?;
    *mark = Some(news.mark);
    Ok(news.events)
}

/// What comes is given once, and only to whom asked for it.
async fn followed(logs: &Logs, by: &str, add: impl AsyncFnOnce()) {
    let mut marks = [None, None];
    for (mark, query) in marks.iter_mut().zip(["late", "-late"]) {
        *mark = ask(logs, PageAsk { search: search(query), limit: 5, ..PageAsk::default() }).await.mark;
        assert_eq!(follow(logs, query, mark, 0).await.unwrap(), [], "{query} by {by}: nothing is new");
    }
    add().await;
    let [late, other] = &mut marks;
    let found = follow(logs, "late", late, 10).await.unwrap();
    assert_eq!(found.iter().map(LogEvent::message).collect::<Vec<_>>(), ["late line"], "by {by}");
    assert_eq!(follow(logs, "late", late, 0).await.unwrap(), [], "by {by}: it was given");
    assert_eq!(follow(logs, "-late", other, 0).await.unwrap(), [], "by {by}: it was not asked for");
}

#[tokio::test]
async fn local_files_find_what_every_query_asks_for() {
    assert!(QUERIES.len() >= 60);
    let folder = tempfile::tempdir().unwrap();
    let mut names = BTreeMap::new();
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for (name, file, text) in CORPUS {
        let all = files.entry(file).or_default();
        names.insert(((*file).to_owned(), all.len() as u64), *name);
        all.push_str(text);
        all.push('\n');
    }
    for (file, text) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let logs = Logs::new(LocalLogs::new(folder.path().to_owned()), None);
    let name = |event: &LogEvent| names[&(event.file.clone(), event.offset)].to_owned();
    run(&logs, "local files", true, name).await;
    let write = async || {
        let mut file = fs::OpenOptions::new().append(true).open(folder.path().join("zk1/zookeeper.log")).unwrap();
        writeln!(file, "{LATE}").unwrap();
    };
    followed(&logs, "local files", write).await;
}

/// The event as filebeat.yml of this repository ships it: index and document.
fn shipped(file: &str, text: &str, offset: usize) -> (&'static str, Value) {
    let mut document = json!({"log": {"offset": offset, "file": {"path": format!("/logs/{file}")}}});
    if file.starts_with("zk") {
        let (head, message) = text.split_once("] - ").map(|(a, b)| (a, b.to_owned())).unwrap();
        // The thread may hold `] - ` no more than once: behind `[myid:1] - `.
        let (thread, message) = message.split_once("] - ").unwrap();
        let (level, thread) = thread.split_once('[').unwrap();
        document["@timestamp"] = format!("{}Z", head[..23].replace(' ', "T").replace(',', ".")).into();
        document["log"]["level"] = level.trim().into();
        document["process"] = json!({"thread": {"name": thread}});
        document["node"] = file[..3].into();
        document["message"] = message.into();
        return ("zk-logs-2026.11.23", document);
    }
    let line: Value = serde_json::from_str(text).unwrap();
    if file.contains("operations") {
        document.as_object_mut().unwrap().extend(line.as_object().unwrap().clone());
        return ("operations", document);
    }
    document["@timestamp"] = line["timestamp"].clone();
    document["message"] = line["fields"]["message"].clone();
    document["log"]["level"] = line["level"].clone();
    document["target"] = line["target"].clone();
    document["zkdeck"] = json!({"fields": line["fields"]});
    ("backend-logs-2026.11.23", document)
}

/// Puts documents into their indices, to be found at once.
async fn bulk(server: &Server, documents: impl IntoIterator<Item = (String, &'static str, Value)>) {
    let mut bulk = String::new();
    for (id, index, document) in documents {
        bulk += &format!("{}\n{document}\n", json!({"index": {"_index": index, "_id": id}}));
    }
    let request = server.client.post(format!("{}/_bulk?refresh=true", server.url));
    let request = server.auth.on(request).header("content-type", "application/json").body(bulk);
    let answer = request.send().await.unwrap().text().await.unwrap();
    assert!(answer.contains("\"errors\":false"), "{answer}");
}

struct Server {
    client: reqwest::Client,
    url: String,
    auth: Auth,
    ca_file: Option<PathBuf>,
}

impl Server {
    fn new(url: &str, auth: Auth, ca_file: Option<PathBuf>) -> Self {
        // No connection is kept: one would outlive the server that is killed.
        let client = http::client(url, ca_file.as_deref()).unwrap().pool_max_idle_per_host(0).build().unwrap();
        Self { client, url: url.to_owned(), auth, ca_file }
    }

    /// Empties it, and puts the corpus in.
    async fn fill(&self) -> Words {
        let words = templates::install(&self.client, &self.url, &self.auth).await.unwrap();
        let indices = "operations,zk-logs-2026.11.23,backend-logs-2026.11.23";
        let request = self.client.delete(format!("{}/{indices}?ignore_unavailable=true", self.url));
        self.auth.on(request).send().await.unwrap();
        let mut offsets: BTreeMap<&str, usize> = BTreeMap::new();
        let corpus = CORPUS.iter().map(|(name, file, text)| {
            let offset = offsets.entry(file).or_default();
            let (index, document) = shipped(file, text, *offset);
            *offset += text.len() + 1;
            ((*name).to_owned(), index, document)
        });
        bulk(self, corpus.collect::<Vec<_>>()).await;
        words
    }

    fn logs(&self) -> Logs {
        let config = ElasticConfig { url: self.url.clone(), auth: self.auth.clone(), ca_file: self.ca_file.clone() };
        Logs::new(LocalLogs::new("/nonexistent".into()), Some(Elastic::new(config).unwrap()))
    }
}

#[tokio::test]
#[ignore = "needs Elasticsearch or OpenSearch: scripts/test-search URL..."]
async fn servers_find_what_every_query_asks_for() {
    let urls = std::env::var("ZKDECK_TEST_SEARCH").unwrap_or_default();
    for url in urls.split(',').filter(|url| !url.is_empty()) {
        let server = Server::new(url, Auth::None, None);
        let words = server.fill().await;
        let logs = server.logs();
        let by = ask(&logs, PageAsk { limit: 1, ..PageAsk::default() }).await.answered.by;
        println!("{url} is {by}, {words:?}");
        run(&logs, &by, words == Words::Parts, |event| event.id.to_string()).await;
        let (index, document) = shipped("zk1/zookeeper.log", LATE, 1 << 20);
        followed(&logs, &by, async || bulk(&server, [("late".into(), index, document)]).await).await;
    }
}

/// Kills the server and starts it again with the commands of the environment.
#[tokio::test]
#[ignore = "needs Elasticsearch that it may kill: scripts/test-search --restart KILL START URL"]
async fn a_follower_gets_each_event_once_although_the_server_was_killed() {
    let named = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let [Some(kill), Some(start), Some(url)] =
        ["ZKDECK_TEST_SEARCH_KILL", "ZKDECK_TEST_SEARCH_START", "ZKDECK_TEST_SEARCH_KILLED"].map(named)
    else {
        panic!("no server to be killed: scripts/test-search --restart KILL START URL")
    };
    let run =
        |command: &str| assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
    let server = Server::new(&url, Auth::None, None);
    server.fill().await;
    let logs = server.logs();
    let at = |n: u64| Timestamp(NOW.0 + n * 500);
    let line = |n: u64| {
        let at = instant(at(n));
        let text = format!("{} [myid:1] - INFO  [main:Late@1] - line {n}", at.replace('T', " ").trim_end_matches('Z'));
        let (index, document) = shipped("zk1/zookeeper.log", &text, 2 << 20 | n as usize);
        (format!("line-{n}"), index, document)
    };
    let mut mark = ask(&logs, PageAsk { limit: 5, ..PageAsk::default() }).await.mark;
    let mut got = Vec::new();
    bulk(&server, (0..100).map(line).collect::<Vec<_>>()).await;
    got.extend(follow(&logs, "", &mut mark, 10).await.unwrap());
    bulk(&server, (100..120).map(line).collect::<Vec<_>>()).await;
    run(&kill);
    let mut failures = 0;
    let begun = Instant::now();
    while failures < 3 {
        match follow_at(at(120), &logs, "", &mut mark, 0).await {
            Ok(events) => got.extend(events),
            Err(why) => {
                failures += 1;
                println!("{why}");
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it was not killed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    run(&start);
    // Filebeat catches up bit by bit, not in the order of times.
    for part in [160..200, 120..160, 200..220] {
        bulk(&server, part.map(line).collect::<Vec<_>>()).await;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(15) {
            match follow_at(at(220), &logs, "", &mut mark, 1).await {
                Ok(events) if events.is_empty() && got.len() > 120 => break,
                Ok(events) => got.extend(events),
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    }
    let mut ids: Vec<_> = got.iter().map(|event| event.id.to_string()).collect();
    ids.sort();
    let mut expected: Vec<_> = (0..220).map(|n| format!("line-{n}")).collect();
    expected.sort();
    assert_eq!(ids, expected, "none lost, none twice");
}

#[tokio::test]
#[ignore = "needs Elasticsearch with a password: scripts/test-search --secure URL CA_FILE USER PASSWORD"]
async fn a_server_with_passwords_lets_in_whom_it_knows() {
    let given = std::env::var("ZKDECK_TEST_SEARCH_SECURE").expect("scripts/test-search --secure names a server");
    let [url, ca_file, user, password] = given.split('\n').collect::<Vec<_>>()[..] else { panic!("{given}") };
    let ca_file = (!ca_file.is_empty()).then(|| PathBuf::from(ca_file));
    let basic = |password: &str| Auth::Basic { user: user.into(), password: ElasticSecret::new(password.into()) };
    let right = Server::new(url, basic(password), ca_file.clone());
    let words = right.fill().await;
    let outcome = async |server: &Server| {
        let ask = PageAsk { limit: 100, ..PageAsk::default() };
        match server.logs().answer(ask, NOW).await {
            Ok(page) => format!("{} events", page.events.len()),
            other => format!("{other:?}"),
        }
    };
    let of = |auth: Auth| Server::new(url, auth, ca_file.clone());
    for auth in [Auth::None, basic("wrong"), Auth::ApiKey(ElasticSecret::new("d3Jvbmc6d3Jvbmc=".into()))] {
        let told = outcome(&of(auth)).await;
        println!("{told}");
        assert!(told.contains("does not know who asks (401)"), "{told}");
        assert!(!told.contains("wrong") && !told.contains("d3Jvbmc"), "no secret: {told}");
    }
    assert_eq!(outcome(&right).await, "17 events");
    let request = right.auth.on(right.client.post(format!("{url}/_security/api_key")));
    let request = request.header("content-type", "application/json").body("{\"name\":\"zkdeck\"}");
    let answer = request.send().await.unwrap().text().await.unwrap();
    let known = match serde_json::from_str::<Value>(&answer).unwrap()["encoded"].as_str() {
        Some(key) => of(Auth::ApiKey(ElasticSecret::new(key.into()))),
        None => {
            println!("SKIPPED: the right API key, which this server cannot make: {answer}");
            of(basic(password))
        }
    };
    assert_eq!(outcome(&known).await, "17 events");
    run(&known.logs(), "Elasticsearch", words == Words::Parts, |event| event.id.to_string()).await;
    if let Some(rest) = url.strip_prefix("https://") {
        let told = outcome(&Server::new(&format!("http://{rest}"), basic(password), None)).await;
        assert!(told.contains("speaks TLS; write https://"), "{told}");
        let elsewhere = Server { ca_file: None, ..of(basic(password)) };
        let told = outcome(&elsewhere).await;
        assert!(told.contains("no trusted authority has signed its certificate; set elastic.ca_file"), "{told}");
    }
}
