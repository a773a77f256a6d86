//! One suite of queries over one corpus: on local files always, and on the servers that
//! `ZKDECK_TEST_SEARCH` names (URLs with a comma between them; see scripts/test-search).
#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use zkdeck::adapters::logs::{Auth, Elastic, ElasticConfig, LocalLogs, Logs};
use zkdeck::adapters::templates::{self, Words};
use zkdeck::domain::ids::Timestamp;
use zkdeck::domain::log::{LogAnswer, LogAsk, LogSearch, PageAsk, Way, parse};

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

async fn ask(logs: &Logs, ask: PageAsk) -> zkdeck::domain::log::LogPage {
    match logs.answer(LogAsk::Page(ask), NOW).await {
        Ok(LogAnswer::Page(page)) => page,
        other => panic!("{other:?}"),
    }
}

fn search(query: &str) -> LogSearch {
    LogSearch { expr: parse(query).unwrap_or_else(|error| panic!("{query}: {error}")), ..LogSearch::default() }
}

/// Holds every query against the corpus; `name` tells an event's name.
async fn run(logs: &Logs, by: &str, parts: bool, name: impl Fn(&zkdeck::domain::log::LogEvent) -> String) {
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
    for way in [Way::Newer, Way::Older] {
        let (mut paged, mut cursor) = (Vec::new(), None);
        loop {
            let page = ask(logs, PageAsk { way, cursor, limit: 3, ..PageAsk::default() }).await;
            let names: Vec<_> = page.events.iter().map(&name).collect();
            paged.extend(if way == Way::Newer { names } else { names.into_iter().rev().collect() });
            cursor = if way == Way::Newer { page.newer } else { page.older };
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(paged, all, "{way:?} by {by}");
        all.reverse();
    }
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
    let name = |event: &zkdeck::domain::log::LogEvent| names[&(event.file.clone(), event.offset)].to_owned();
    run(&logs, "local files", true, name).await;
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

#[tokio::test]
#[ignore = "needs Elasticsearch or OpenSearch: scripts/test-search URL..."]
async fn servers_find_what_every_query_asks_for() {
    let urls = std::env::var("ZKDECK_TEST_SEARCH").unwrap();
    for url in urls.split(',') {
        let client = reqwest::Client::new();
        let words = templates::install(&client, url).await.unwrap();
        _ = client
            .delete(format!("{url}/operations,zk-logs-2026.11.23,backend-logs-2026.11.23?ignore_unavailable=true"))
            .send()
            .await;
        let mut bulk = String::new();
        let mut offsets: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, file, text) in CORPUS {
            let offset = offsets.entry(file).or_default();
            let (index, document) = shipped(file, text, *offset);
            *offset += text.len() + 1;
            bulk += &format!("{}\n{document}\n", json!({"index": {"_index": index, "_id": name}}));
        }
        let request =
            client.post(format!("{url}/_bulk?refresh=true")).header("content-type", "application/json").body(bulk);
        let answer = request.send().await.unwrap().text().await.unwrap();
        assert!(answer.contains("\"errors\":false"), "{answer}");
        let elastic = Elastic::new(ElasticConfig { url: url.into(), auth: Auth::None }).unwrap();
        let logs = Logs::new(LocalLogs::new("/nonexistent".into()), Some(elastic));
        let by = ask(&logs, PageAsk { limit: 1, ..PageAsk::default() }).await.answered.by;
        println!("{url} is {by}, {words:?}");
        run(&logs, &by, words == Words::Parts, |event| event.id.clone()).await;
    }
}
