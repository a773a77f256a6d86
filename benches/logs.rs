//! Searching 200 MB of ZooKeeper logs beside ripgrep on the same files, in one run: the first result,
//! the whole scan, a repeated and a narrowed query; the index's size, memory, and the tail's delay.
//!
//! `cargo bench --bench logs`; with `-- WORD`, only queries that hold the word.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on stops; figures go to stdout"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use zkdeck::adapters::logs::LocalLogs;
use zkdeck::domain::ids::Timestamp;
use zkdeck::domain::log::{FollowAsk, HistogramAsk, LogSearch, PageAsk, instant, parse};

const NODES: u64 = 3;
const FILES: u64 = 7;
const LINES: u64 = 55_000;
/// 2026-11-23T00:00:00Z.
const BEGIN: u64 = 1_795_392_000_000;
const NOW: Timestamp = Timestamp(BEGIN + 86_400_000);
const RUNS: usize = 7;

/// Lines as a busy server writes them; no two alike.
fn generate(folder: &Path) -> u64 {
    let mut bytes = 0;
    for node in 1..=NODES {
        let home = folder.join(format!("zk{node}"));
        fs::create_dir_all(&home).unwrap();
        let mut random = node.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        for file in 0..FILES {
            let mut text = String::new();
            for n in 0..LINES {
                let at = instant(Timestamp(BEGIN + (file * LINES + n) * 200 + node));
                let at = at.replace('T', " ").replace('.', ",");
                let (r, session, zxid) = (next() % 1000, next() >> 8, next() % 100_000_000);
                let rest = match r {
                    0..=2 => format!(
                        "WARN  [SyncThread:{node}:FileTxnLog@401] - [fsync]-ing the write ahead log in SyncThread:{node} took {} ms which will adversely affect operation latency",
                        1000 + zxid % 900
                    ),
                    3 => format!(
                        "ERROR [LearnerHandler-/127.0.0.1:{}:LearnerHandler@714] - Unexpected exception causing shutdown while sock still open\njava.net.SocketTimeoutException: Read timed out\n\tat java.base/java.net.SocketInputStream.socketRead0(Native Method)\n\tat org.apache.zookeeper.server.quorum.LearnerHandler.run(LearnerHandler.java:469)",
                        1024 + zxid % 60_000
                    ),
                    4..=150 => format!(
                        "INFO  [SessionTracker:ZooKeeperServer@632] - Expiring session 0x{session:x}, timeout of 30000ms exceeded"
                    ),
                    151..=500 => format!(
                        "INFO  [NIOWorkerThread-{}:ZooKeeperServer@1105] - Client attempting to establish new connection at /127.0.0.1:{}",
                        r % 4,
                        zxid % 60_000
                    ),
                    501..=800 => format!(
                        "DEBUG [CommitProcessor:{node}:FinalRequestProcessor@113] - Processing request:: sessionid:0x{session:x} type:setData cxid:0x{r:x} zxid:0x{zxid:x} txntype:5 reqpath:/demo/files/{zxid:08x}"
                    ),
                    _ => format!(
                        "INFO  [QuorumPeer[myid={node}](plain=0.0.0.0:2181):Follower@{r}] - Got zxid 0x{zxid:x} expected 0x{:x}",
                        zxid + 1
                    ),
                };
                let rare = if n == 31_337 && file % 3 == 1 { " needleinthehay" } else { "" };
                writeln!(text, "{} [myid:{node}] - {rest}{rare}", at.trim_end_matches('Z')).unwrap();
            }
            bytes += text.len() as u64;
            let name =
                if file + 1 == FILES { "zookeeper.log".into() } else { format!("zookeeper.log.{}", FILES - 1 - file) };
            fs::write(home.join(name), text).unwrap();
        }
    }
    bytes
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ripgrep(folder: &Path, arguments: &[&str]) -> Option<Duration> {
    let once = || {
        let begin = Instant::now();
        Command::new("rg")
            .args(arguments)
            .args(["--no-ignore", "-c"])
            .arg(folder)
            .output()
            .ok()
            .map(|_| begin.elapsed())
    };
    once()?;
    Some(median((0..RUNS).filter_map(|_| once()).collect()))
}

fn rss() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn search(query: &str) -> LogSearch {
    LogSearch { expr: parse(query).unwrap(), ..LogSearch::default() }
}

async fn first(logs: &LocalLogs, query: &str) -> Duration {
    let begin = Instant::now();
    let ask =
        PageAsk { search: search(query), limit: 100, soon: Some(Duration::from_millis(20)), ..PageAsk::default() };
    let page = logs.page(ask, NOW).await.unwrap();
    assert!(!page.events.is_empty(), "{query}");
    begin.elapsed()
}

async fn whole(logs: &LocalLogs, query: &str) -> (Duration, u64) {
    let begin = Instant::now();
    let bars = logs.histogram(HistogramAsk { search: search(query), bars: 100, by_node: false }, NOW).await.unwrap();
    (begin.elapsed(), bars.bars.iter().map(|bar| bar.count).sum())
}

async fn learned(logs: &LocalLogs) -> Duration {
    let begin = Instant::now();
    while !logs.remembered().1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    begin.elapsed()
}

async fn tail(logs: &LocalLogs, folder: &Path) -> Vec<Duration> {
    let mut mark = logs.follow(FollowAsk::default(), NOW).await.unwrap().mark;
    let mut times = Vec::new();
    for n in 0..100 {
        tokio::time::sleep(Duration::from_millis(n * 37 % 100)).await;
        let mut file = fs::OpenOptions::new().append(true).open(folder.join("zk1/zookeeper.log")).unwrap();
        let ask = FollowAsk { mark: Some(mark), wait: Duration::from_secs(5), limit: 10, ..FollowAsk::default() };
        let follow = logs.follow(ask, NOW);
        let writer = async {
            tokio::time::sleep(Duration::from_millis(n * 13 % 100)).await;
            writeln!(file, "2026-11-23 23:00:00,000 [myid:1] - INFO  [main:A@1] - tail {n}").unwrap();
            Instant::now()
        };
        let (news, written) = tokio::join!(follow, writer);
        times.push(written.elapsed());
        mark = news.unwrap().mark;
    }
    times.sort();
    times
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = generate(folder.path());
    println!("{} MB in {} files", bytes / 1_000_000, NODES * FILES);
    let idle = rss();
    let mut peak = idle;
    println!("{:<28} {:>9} {:>9} {:>9} {:>9} {:>9}  ms; hits", "query", "rg", "first", "whole", "repeated", "indexed");
    let cases: [(&str, &[&str]); 6] = [
        ("needleinthehay", &["-i", "-w", "needleinthehay"]),
        ("session", &["-i", "-w", "session"]),
        ("zxid", &["-i", "-w", "zxid"]),
        ("/took 1[0-9]{3} ms/", &["took 1[0-9]{3} ms"]),
        ("/0x[0-9a-f]{4}ab/", &["0x[0-9a-f]{4}ab"]),
        ("SocketTimeoutException", &["-i", "-w", "SocketTimeoutException"]),
    ];
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let chosen = |query: &str| only.as_ref().is_none_or(|word| query.contains(word));
    for (query, arguments) in cases.into_iter().filter(|(query, _)| chosen(query)) {
        let rg = ripgrep(folder.path(), arguments);
        let (mut firsts, mut wholes, mut again) = (Vec::new(), Vec::new(), Vec::new());
        let mut hits = 0;
        for _ in 0..RUNS {
            // Without anything remembered.
            firsts.push(first(&LocalLogs::new(folder.path().to_owned()), query).await);
            let logs = LocalLogs::new(folder.path().to_owned());
            let (time, count) = whole(&logs, query).await;
            wholes.push(time);
            hits = count;
            again.push(whole(&logs, query).await.0);
            peak = peak.max(rss());
            learned(&logs).await;
        }
        let logs = LocalLogs::new(folder.path().to_owned());
        first(&logs, "level:error").await;
        learned(&logs).await;
        let indexed = median(vec![first(&logs, query).await, first(&logs, query).await, first(&logs, query).await]);
        let rg = rg.map_or_else(|| "-".to_owned(), |time| format!("{:.1}", ms(time)));
        let [firsts, wholes, again] = [firsts, wholes, again].map(|times| ms(median(times)));
        println!("{query:<28} {rg:>9} {firsts:>9.1} {wholes:>9.1} {again:>9.1} {:>9.1}  {hits}", ms(indexed));
    }
    let logs = LocalLogs::new(folder.path().to_owned());
    first(&logs, "level:error").await;
    println!("index complete after {:.0} ms beside the searches", ms(learned(&logs).await));
    let (index, _) = logs.remembered();
    println!("index {} KB, {:.2} % of the logs", index / 1000, index as f64 * 100.0 / bytes as f64);
    let narrower = [
        ("session", "session level:warn"),
        ("session", "session needleinthehay"),
        ("zxid", "zxid node:zk2"),
        ("zxid", "zxid since:2026-11-23T01:00 until:2026-11-23T02:00"),
        ("zxid", "zxid expiring"),
    ];
    for (base, narrow) in narrower.into_iter().filter(|(_, narrow)| chosen(narrow)) {
        let rg = ripgrep(folder.path(), &["-i", "-w", base]);
        let (mut times, mut hits) = (Vec::new(), 0);
        for _ in 0..RUNS {
            let logs = LocalLogs::new(folder.path().to_owned());
            whole(&logs, base).await;
            learned(&logs).await;
            let (time, count) = whole(&logs, narrow).await;
            times.push(time);
            hits = count;
        }
        let (time, rg) = (ms(median(times)), rg.map_or_else(|| "-".to_owned(), |time| format!("{:.1}", ms(time))));
        println!("narrowed {narrow:<52} {time:>6.1} ms, rg {base} {rg}; {hits} hits");
        peak = peak.max(rss());
    }
    println!("memory {idle} MB idle, {peak} MB at most");
    let times = tail(&logs, folder.path()).await;
    println!("tail: written to delivered p50 {:.0} ms, p95 {:.0} ms", ms(times[50]), ms(times[95]));
}
