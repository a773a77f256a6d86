//! Searching the logs from outside, by the built binary: REST and `zkdeck logs`. No ZooKeeper is needed.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::support::{Deck, eventually};
use reqwest::StatusCode;
use serde_json::Value;
use zkdeck::adapters::http;

/// Lines of the last minutes: minutes ago, node, level, message.
const LINES: [(u64, &str, &str, &str); 6] = [
    (90, "zk1", "ERROR", "long ago"),
    (50, "zk1", "WARN", "fsync took 1312 ms"),
    (40, "zk1", "INFO", "fsync is well"),
    (30, "zk2", "WARN", "fsync took 1190 ms"),
    (20, "zk1", "ERROR", "read timed out"),
    (10, "zk2", "DEBUG", "session expired"),
];

fn written(folder: &Path) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    for (ago, node, level, message) in LINES {
        let at = zkdeck::domain::log::instant(zkdeck::domain::ids::Timestamp(now - ago * 60_000));
        let at = at.replace('T', " ").replace('.', ",");
        let home = folder.join("logs").join(node);
        std::fs::create_dir_all(&home).unwrap();
        let path = home.join("zookeeper.log");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let line = format!("{} [myid:1] - {level:<5} [main:A@1] - {message}\n", at.trim_end_matches('Z'));
        std::fs::write(path, text + &line).unwrap();
    }
}

async fn get(deck: &Deck, query: &[(&str, &str)]) -> Option<(StatusCode, Value)> {
    let each = query.iter().map(|(name, value)| {
        format!("{name}={}", value.replace('&', "%26").replace('+', "%2B").replace(' ', "+").replace('>', "%3E"))
    });
    let url = format!("{}/api/logs?{}", deck.url, each.collect::<Vec<_>>().join("&"));
    let answer = http::plain().build().unwrap().get(url).send().await.ok()?;
    Some((answer.status(), serde_json::from_str(&answer.text().await.ok()?).ok()?))
}

fn messages(answer: &Value) -> Vec<&str> {
    let events = answer["events"].as_array().unwrap_or_else(|| panic!("{answer}"));
    events.iter().map(|event| event["text"].as_str().unwrap().rsplit("] - ").next().unwrap()).collect()
}

#[tokio::test]
async fn rest_answers_pages_both_ways_and_refuses_what_is_wrong_by_its_place() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let deck = Deck::daemon(folder.path(), &["--zk", "127.0.0.1:1", "--logs", "logs", "--data", "data"]);
    let all = eventually("the REST interface", Duration::from_secs(60), || get(&deck, &[("node", "zk1")])).await;
    assert_eq!(all.0, StatusCode::OK);
    assert_eq!(messages(&all.1), ["long ago", "fsync took 1312 ms", "fsync is well", "read timed out"]);
    assert_eq!((&all.1["hits"]["count"], &all.1["older"], &all.1["newer"]), (&4.into(), &Value::Null, &Value::Null));
    for (query, expected) in [
        (&[("q", "fsync took")][..], &["fsync took 1312 ms", "fsync took 1190 ms"][..]),
        (&[("q", "level>=WARN node:zk1")], &["long ago", "fsync took 1312 ms", "read timed out"]),
        (&[("level", "warn"), ("node", "zk1"), ("from", "1h")], &["fsync took 1312 ms", "read timed out"]),
        (&[("from", "45m"), ("to", "25m")], &["fsync is well", "fsync took 1190 ms"]),
        (&[("q", "nowhere")], &[]),
    ] {
        let (status, answer) = get(&deck, query).await.unwrap();
        assert_eq!((status, &messages(&answer)[..]), (StatusCode::OK, expected), "{query:?}");
    }
    // The newest two, what is older than these, and back again.
    let newest = get(&deck, &[("q", "-nowhere -node:backend"), ("limit", "2")]).await.unwrap().1;
    assert_eq!(messages(&newest), ["read timed out", "session expired"]);
    assert_eq!((&newest["hits"]["count"], &newest["newer"]), (&6.into(), &Value::Null));
    let go = async |answer: &Value, way: &str| {
        let cursor = answer[way].as_str().unwrap().to_owned();
        get(&deck, &[("q", "-nowhere -node:backend"), ("limit", "2"), ("cursor", &cursor), ("way", way)])
            .await
            .unwrap()
            .1
    };
    let older = go(&newest, "older").await;
    assert_eq!(messages(&older), ["fsync is well", "fsync took 1190 ms"]);
    let oldest = go(&older, "older").await;
    assert_eq!((messages(&oldest), &oldest["older"]), (vec!["long ago", "fsync took 1312 ms"], &Value::Null));
    assert_eq!(messages(&go(&oldest, "newer").await), messages(&older));
    for (query, field, column) in [
        (&[("q", "fsync level>=WRN")][..], "q", Value::from(14)),
        (&[("q", "(fsync")], "q", Value::from(7)),
        (&[("from", "soon")], "from", Value::Null),
        (&[("level", "loud")], "level", Value::Null),
        (&[("limit", "0")], "limit", Value::Null),
        (&[("way", "up")], "way", Value::Null),
        (&[("cursor", "l.broken")], "cursor", Value::Null),
        (&[("query", "x")], "query", Value::Null),
    ] {
        let (status, answer) = get(&deck, query).await.unwrap();
        assert_eq!((status, &answer["error"]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &field.into()), "{answer}");
        assert_eq!(answer["error"].get("column").cloned().unwrap_or_default(), column, "{query:?}: {answer}");
        assert!(answer.get("events").is_none(), "nothing else: {answer}");
    }
}

#[tokio::test]
async fn a_query_typed_raw_is_told_how_to_write_it_and_the_daemon_says_what_it_does_where_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let deck = Deck::daemon(folder.path(), &["--zk", "127.0.0.1:1", "--log-to", "both"]);
    eventually("the REST interface", Duration::from_secs(60), || get(&deck, &[("q", "fsync")])).await;
    let address = deck.url.trim_start_matches("http://").to_owned();
    let asked = std::thread::spawn(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /api/logs?q=level>=WARN HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer).unwrap()
    });
    let answer = asked.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("application/problem+json"), "{answer}");
    assert!(answer.contains("/api/logs?q=level%3E=WARN"), "{answer}");
    let printed = folder.path().join(format!("stderr-{}.txt", deck.url.trim_start_matches("http://")));
    let says = || async { std::fs::read_to_string(&printed).ok()?.contains("zkdeck::engine").then_some(()) };
    eventually("a line of the log on stderr", Duration::from_secs(20), says).await;
    let files: Vec<_> =
        std::fs::read_dir(folder.path().join("logs/backend")).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert!(files.iter().any(|name| name.to_string_lossy().starts_with("zkdeck.")), "{files:?}");
}

fn one_shot(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zkdeck")).arg("logs").args(arguments).current_dir(folder).output().unwrap()
}

#[test]
fn one_shot_prints_one_object_for_each_event() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let output = one_shot(folder.path(), &["level>=WARN node:zk1", "--since", "1h", "--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> =
        events.iter().map(|event| (event["level"].as_str().unwrap(), event["node"].as_str().unwrap())).collect();
    assert_eq!(told, [("WARN", "zk1"), ("ERROR", "zk1")]);
    assert!(events[0]["text"].as_str().unwrap().ends_with("fsync took 1312 ms") && events[0]["time"].is_u64());
    let output = one_shot(folder.path(), &["fsync", "--limit", "1"]);
    let (text, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(text.ends_with("zk2 WARN  [main] fsync took 1190 ms\n") && text.lines().count() == 1, "{text}");
    assert!(told.contains("only the newest event; raise --limit"), "{told}");
    for (arguments, part) in [
        (&["level>=WRN"][..], "column 8"),
        (&["x", "--since", "soon"], "must be a time: 15m"),
        (&["x", "--limit", "0"], "0 is not in 1..=2000"),
    ] {
        let output = one_shot(folder.path(), arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && output.stdout.is_empty() && told.contains(part), "{arguments:?}: {told}");
    }
}

/// `/dev/full` takes nothing, as a full disk; a pipe whose reader has gone is no failure.
#[test]
fn what_could_not_be_printed_is_said_and_a_closed_pipe_is_quiet() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let run = |arguments: &[&str], out: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zkdeck"));
        command.args(arguments).current_dir(folder.path()).stdout(out).stderr(Stdio::piped()).output().unwrap()
    };
    let all: [&[&str]; 4] = [
        &["logs", "fsync"],
        &["logs", "fsync", "--json"],
        &["doctor", "--json", "--zk", "127.0.0.1:1"],
        &["--version"],
    ];
    for arguments in all {
        let full = run(arguments, std::fs::File::options().write(true).open("/dev/full").unwrap().into());
        let told = String::from_utf8(full.stderr).unwrap();
        assert_eq!(full.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains("standard output cannot be written: No space left"), "{arguments:?}: {told}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let closed = run(arguments, writer.into());
        assert_eq!(String::from_utf8(closed.stderr).unwrap(), "", "{arguments:?}");
        assert_ne!(closed.status.code(), Some(2), "{arguments:?}");
    }
}
