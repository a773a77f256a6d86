//! What a server may answer, played by one of our own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::domain::log::Dataset;

const NOW: Timestamp = Timestamp(1_795_446_000_000);

/// Answers each request by `play`: status, content type, body. Status 0: the connection breaks.
#[expect(clippy::disallowed_methods, reason = "a server of the test, which ends with its runtime")]
async fn server(play: impl Fn(&str) -> (u16, &'static str, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                request.extend_from_slice(&buffer[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let head = head.to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                if body.len() < length.unwrap_or(0) {
                    continue;
                }
                let (status, kind, body) = play(&text);
                if status == 0 {
                    break;
                }
                let head = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\nx-elastic-product: Elasticsearch\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                _ = stream.write_all(head.as_bytes()).await;
                _ = stream.write_all(body.as_bytes()).await;
                break;
            }
        }
    });
    url
}

fn elastic(url: String) -> Elastic {
    let auth = Auth::Basic { user: "me".into(), password: ElasticSecret::new("hunter2".into()) };
    Elastic::new(ElasticConfig { url, auth, ca_file: None }).unwrap()
}

async fn failure(status: u16, kind: &'static str, body: String) -> ElasticError {
    let url = server(move |request| {
        if request.starts_with("GET / ") {
            (200, "application/json", "{\"version\":{}}".into())
        } else {
            (status, kind, body.clone())
        }
    })
    .await;
    match elastic(url).page(PageAsk { limit: 5, ..PageAsk::default() }, NOW).await {
        Err(LogsError::Elastic(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_failure_is_told_apart_and_names_no_secret() {
    let json =
        |reason: &str| format!("{{\"error\":{{\"root_cause\":[{{\"reason\":\"{reason}\"}}],\"reason\":\"outer\"}}}}");
    let is = "application/json";
    let cases = [
        (failure(401, is, json("missing credentials")).await, "does not know who asks (401): missing credentials"),
        (failure(403, is, json("no permissions")).await, "does not allow this search (403): no permissions"),
        (failure(403, is, json("index [x] blocked by: cluster_block")).await, "busy or read-only (403)"),
        (failure(404, is, json("no such index [x]")).await, "no index of logs yet (404): no such index [x]"),
        (failure(400, is, json("too complex")).await, "cannot search by this (400): too complex"),
        (failure(429, is, json("circuit_breaking")).await, "busy or read-only (429): circuit_breaking"),
        (failure(503, is, json("no master")).await, "not ready (503): no master"),
        (failure(502, "text/html", "<html>".into()).await, "not ready (502): a proxy answers for it"),
        (failure(200, "text/html", "<html>hello</html>".into()).await, "is a web page"),
        (failure(200, is, "{ broken".into()).await, "cannot be read: it is no JSON"),
        (failure(200, is, "x".repeat(200 << 20)).await, "larger than 32 MiB"),
    ];
    for (error, part) in cases {
        let text = error.to_string();
        assert!(text.contains(part), "{part}: {text}");
        assert!(!format!("{error:?}{text}").contains("hunter2"));
    }
    let error = elastic("http://127.0.0.1:1".into()).page(PageAsk::default(), NOW).await.unwrap_err().to_string();
    assert!(error.contains("cannot be reached: Connection refused"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let error = elastic(url).histogram(HistogramAsk::default(), NOW).await.unwrap_err();
    assert!(matches!(error, LogsError::Elastic(ElasticError::Late)), "{error}");
}

/// Answers the first request with `head`, then with `more` again and again, `pause` between.
#[expect(clippy::disallowed_methods, reason = "a server of the test, which ends with its runtime")]
async fn endless(head: &'static str, more: Vec<u8>, pause: Duration) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        _ = stream.read(&mut [0; 64 * 1024]).await;
        _ = stream.write_all(head.as_bytes()).await;
        while stream.write_all(&more).await.is_ok() {
            counted.fetch_add(more.len() as u64, Ordering::Relaxed);
            tokio::time::sleep(pause).await;
        }
    });
    (url, sent)
}

#[tokio::test]
async fn an_answer_without_a_length_is_read_to_its_bound_and_no_further() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    let (url, sent) = endless(head, vec![b' '; 1 << 20], Duration::ZERO).await;
    let error = elastic(url).histogram(HistogramAsk::default(), NOW).await.unwrap_err();
    assert!(matches!(error, LogsError::Elastic(ElasticError::TooLarge)), "{error}");
    let sent = sent.load(Ordering::Relaxed) >> 20;
    assert!((32..64).contains(&sent), "{sent} MiB were taken from it");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_byte_by_byte_is_given_up() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
    let (url, _) = endless(head, vec![b' '], Duration::from_secs(1)).await;
    let begin = tokio::time::Instant::now();
    let error = elastic(url).histogram(HistogramAsk::default(), NOW).await.unwrap_err();
    assert!(matches!(error, LogsError::Elastic(ElasticError::Late)), "{error}");
    assert_eq!(begin.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn a_follower_gets_each_event_once_although_the_server_was_away() {
    use crate::adapters::logs::{LocalLogs, Logs};
    let (up, kept) = (Arc::new(AtomicBool::new(true)), Arc::new(Mutex::new(vec![("a", NOW.0 - 5_000)])));
    let (is_up, documents) = (Arc::clone(&up), Arc::clone(&kept));
    let url = server(move |request| {
        if !is_up.load(Ordering::Relaxed) {
            return (0, "", String::new());
        }
        if request.contains("_pit?") {
            return (200, "application/json", "{\"id\":\"p1\"}".into());
        }
        let since = request.split_once("{\"gte\":").map_or(0, |(_, rest)| {
            rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u64>().unwrap()
        });
        let mut found: Vec<_> = documents.lock().unwrap().iter().copied().filter(|(_, at)| *at >= since).collect();
        found.sort_by_key(|(_, at)| *at);
        let hit = |(id, at): (&str, u64)| {
            json!({"_id": id, "sort": [at, "/logs/zk1/z.log", 0], "_source": {
            "@timestamp": crate::domain::log::instant(Timestamp(at)), "message": id}})
        };
        let hits: Vec<Value> = found.into_iter().map(hit).collect();
        (200, "application/json", json!({"hits": {"hits": hits}}).to_string())
    })
    .await;
    let logs = Logs::new(LocalLogs::new("/nonexistent".into()), Some(elastic(url)));
    let ask = PageAsk { limit: 5, ..PageAsk::default() };
    let page = logs.answer(ask, NOW).await.unwrap();
    let mut mark = page.mark;
    let mut follow = async |seconds: u64| {
        let ask = FollowAsk { mark: mark.clone(), limit: 100, ..FollowAsk::default() };
        match logs.answer(ask, Timestamp(NOW.0 + seconds * 1000)).await {
            Ok(news) => {
                mark = Some(news.mark);
                Ok(news.events.iter().map(|event| event.id.to_string()).collect::<Vec<_>>().join(" "))
            }
            Err(fail) => Err(fail.to_string()),
        }
    };
    let arrives = |id, seconds: u64| kept.lock().unwrap().push((id, NOW.0 + seconds * 1000));
    let rested = async || {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(11)).await;
        tokio::time::resume();
    };
    arrives("b", 1);
    assert_eq!(follow(2).await.as_deref(), Ok("b"));
    up.store(false, Ordering::Relaxed);
    assert!(follow(5).await.is_err_and(|why| why.contains("cannot be reached")));
    rested().await;
    assert!(follow(60).await.is_err());
    rested().await;
    // What was written before it went, while it was away, and after; Filebeat catches up bit by bit.
    up.store(true, Ordering::Relaxed);
    arrives("d", 60);
    arrives("e", 120);
    assert_eq!(follow(130).await.as_deref(), Ok("d e"));
    arrives("c", 3);
    assert_eq!(follow(132).await.as_deref(), Ok("c"));
    arrives("f", 61);
    arrives("g", 133);
    assert_eq!(follow(134).await.as_deref(), Ok("f g"));
    assert_eq!(follow(136).await.as_deref(), Ok(""));
}

#[tokio::test]
async fn a_partial_answer_says_so_and_its_events_are_read() {
    let hit = json!({"_id": "a", "_index": "zk-logs-2026.11.23", "sort": [1_795_442_518_112_u64, "/logs/zk2/z.log", 7, 3],
        "_source": {"@timestamp": "2026-11-23T14:01:58.112Z", "message": "fsync took\njava.x", "node": "zk2",
            "log": {"level": "WARN", "offset": 7, "file": {"path": "/logs/zk2/z.log"}}, "process.thread.name": "Sync:2:Txn@4"}});
    let answer = json!({"pit_id": "p2", "timed_out": true, "hits": {"total": {"value": 10_000, "relation": "gte"}, "hits": [hit]},
        "_shards": {"total": 4, "successful": 3, "failed": 1, "failures": [{"reason": {"reason": "no mapping"}}]}});
    let url = server(move |request| match request {
        about if about.starts_with("GET / ") => (200, "application/json", "{\"version\":{}}".into()),
        point if point.contains("_pit?") => (200, "application/json", "{\"id\":\"p1\"}".into()),
        _ => (200, "application/json", answer.to_string()),
    })
    .await;
    let page = elastic(url).page(PageAsk { limit: 1, ..PageAsk::default() }, NOW).await.unwrap();
    let event = &page.events[0];
    assert_eq!(
        (event.node.as_str(), event.dataset, event.file.as_str()),
        ("zk2", Some(Dataset::Zookeeper), "zk2/z.log")
    );
    assert_eq!((event.thread.as_deref(), event.logger.as_deref()), (Some("Sync:2"), Some("Txn")));
    assert_eq!((event.message(), event.more().count(), event.level), ("fsync took", 1, Some(LogLevel::Warn)));
    assert_eq!(page.answered.by, "Elasticsearch");
    assert_eq!(page.hits.map(|hits| (hits.count, hits.at_least)), Some((10_000, true)));
    assert!(page.answered.notes[0].contains("3 of 4 shards answered: no mapping"), "{:?}", page.answered.notes);
    assert!(page.answered.notes[1].contains("ended the search after 5s"));
    let curl = page.answered.curl.unwrap();
    assert!(curl.contains("-u 'me':\"$ELASTIC_PASSWORD\"") && !curl.contains("hunter2"), "{curl}");
}

#[tokio::test]
async fn a_failed_server_is_replaced_by_the_files_and_comes_back_by_itself() {
    use crate::adapters::logs::{LocalLogs, Logs};
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("zk1")).unwrap();
    std::fs::write(
        folder.path().join("zk1/a.log"),
        "2026-11-23 14:00:00,000 [myid:1] - INFO  [a:B@1] - from the file\n",
    )
    .unwrap();
    let up = Arc::new(AtomicBool::new(false));
    let is_up = Arc::clone(&up);
    let url = server(move |request| match request {
        _ if !is_up.load(Ordering::Relaxed) => {
            (503, "application/json", "{\"error\":{\"reason\":\"starting\"}}".into())
        }
        about if about.starts_with("GET / ") => (200, "application/json", "{\"version\":{}}".into()),
        point if point.contains("_pit?") => (200, "application/json", "{\"id\":\"p1\"}".into()),
        _ => (200, "application/json", "{\"hits\":{\"hits\":[]}}".into()),
    })
    .await;
    let logs = Logs::new(LocalLogs::new(folder.path().to_owned()), Some(elastic(url)));
    let ask = async || logs.answer(PageAsk { limit: 5, ..PageAsk::default() }, NOW).await.unwrap();
    let page = ask().await;
    assert_eq!(page.events[0].message(), "from the file");
    assert!(page.answered.fallback.is_some_and(|why| why.contains("local files instead") && why.contains("starting")));
    up.store(true, Ordering::Relaxed);
    assert!(ask().await.answered.by.starts_with("local files"), "it rests for a while");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    let page = ask().await;
    assert_eq!((page.answered.by.as_str(), page.answered.fallback), ("Elasticsearch", None));
}
