//! The ledger: a client of its own asks for everything over REST while servers and daemons are hurt, notes
//! every answer, and afterwards each is held against records, nodes, bytes and history.

mod book;
mod client;
mod judge;
mod ready;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::sync::watch;
use tokio::time::sleep;
use zkdeck::domain::node::NodeRecord;

use self::book::{Asked, Book};
use self::client::Body;
use self::judge::{Row, Truth};
use self::ready::Series;
use crate::bench::{Bench, Random};
use crate::ensemble::Ensemble;
use crate::lane::{Lane, NODES};
use crate::steps::undrain;
use crate::support::within;
use crate::tally::Tally;

/// Clients that ask at the same time, and uploads that are held back until a fault has struck.
const CLIENTS: usize = 4;
const HELD: usize = 3;
/// How long the clients go on before a fault and after it.
const BEFORE: Duration = Duration::from_millis(1_500);
/// Answers of one class in the campaign.
const ANSWERS: usize = 1_000;
/// Longest time until all that was asked for has ended.
const ENDS: Duration = Duration::from_secs(120);
/// An end that comes so long after it was looked for is told.
const SLOW: Duration = Duration::from_secs(5);
/// Longest time of the class `/readyz`.
const READY_LIMIT: Duration = Duration::from_secs(900);
/// Files that are kept while clients upload.
const KEPT: usize = 40;

/// What hurts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hurt {
    LeaderFrozen,
    LeaderKilled,
    QuorumLost,
    DeckKilled,
    DeckTerminated,
    DeckStopped,
}

/// What all clients of a round share.
struct Round<'a> {
    book: &'a Book,
    random: &'a Random,
    /// Where the daemons listen now.
    addresses: Mutex<Vec<String>>,
    number: &'a AtomicU64,
    gate: watch::Receiver<u64>,
    until: watch::Receiver<bool>,
}

impl Round<'_> {
    fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    fn address(&self) -> Option<String> {
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let at = self.random.below(addresses.len() as u64) as usize;
        addresses.get(at).cloned()
    }

    fn over(&self) -> bool {
        *self.until.borrow()
    }

    /// Asks for one thing after the other.
    async fn client(&self) {
        while !self.over() {
            let Some(address) = self.address() else {
                sleep(Duration::from_millis(20)).await;
                continue;
            };
            let (asked, body) = self.next();
            if client::ask(self.book, &address, asked, body).await.is_none() {
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// Uploads whose last bytes wait for the fault.
    async fn held(&self) {
        let mut gate = self.gate.clone();
        while !self.over() {
            let Some(address) = self.address() else {
                sleep(Duration::from_millis(20)).await;
                continue;
            };
            let (asked, bytes) = self.upload(1 << 18);
            gate.mark_unchanged();
            let body = Body { bytes, gate: Some(gate.clone()), piece: 16 << 10 };
            if client::ask(self.book, &address, asked, body).await.is_none() {
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    fn upload(&self, largest: u64) -> (Asked, Vec<u8>) {
        let (number, size) = (self.number(), 1 + self.random.below(largest));
        let mut bytes = vec![0; size as usize];
        blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        (Asked::Upload { name: format!("ledger-{number}.bin"), blake3 }, bytes)
    }

    fn next(&self) -> (Asked, Body) {
        let files = self.book.files();
        let file = |random: &Random| files.get(random.below(files.len() as u64) as usize).cloned();
        let node = self.random.node();
        let upload = || {
            let (asked, bytes) = self.upload(1 << 16);
            (asked, Body { bytes, gate: None, piece: 4 << 10 })
        };
        let dice = self.random.below(100);
        let delete = if files.len() > KEPT { 45 } else { 15 };
        let asked = match (dice, file(self.random)) {
            (0..4, _) => Asked::Drain { node },
            (4..10, _) => Asked::Undrain { node },
            (10..16, _) => Asked::Weight { node, weight: 1 + self.number() % 10_000 },
            (16..20, _) => Asked::Stress { node },
            (20..24, _) => Asked::Run,
            (24..32, Some((file, blake3))) => Asked::Download { file, blake3 },
            (32..42, Some((file, _))) => Asked::Migrate { file, node },
            (42.., Some((file, _))) if dice < 42 + delete => Asked::Delete { file },
            _ => return upload(),
        };
        (asked, Body::none())
    }
}

/// One class: rounds of load and a fault, with one daemon and two in turn, until there are answers enough.
pub async fn answers(bench: &Bench, broken: Option<&'static str>, rounds: usize, hurt: Hurt) -> Tally {
    let wanted = if broken.is_some() { ANSWERS / 2 } else { ANSWERS * rounds };
    let mut tally = Tally::default();
    let (mut answers, mut daemons) = (0, 1);
    while answers < wanted {
        answers += round(bench, broken, hurt, daemons, 3, &mut tally).await;
        daemons = 3 - daemons;
        if broken.is_some() && !tally.violations.is_empty() {
            break;
        }
    }
    println!("  {answers} answers in the ledger");
    tally
}

/// Hurts `times`, judges, and returns how many answers were judged.
pub async fn round(
    bench: &Bench,
    broken: Option<&'static str>,
    hurt: Hurt,
    daemons: usize,
    times: usize,
    tally: &mut Tally,
) -> usize {
    let mut ensemble = bench.ensemble.lock().await;
    let mut lane = bench.lane("");
    lane.break_rule(broken);
    for _ in 0..daemons {
        lane.start();
    }
    lane.leader().await;
    let (book, number) = (Book::default(), AtomicU64::new(1));
    for _ in 0..times {
        let (open, gate) = watch::channel(0);
        let (stop, until) = watch::channel(false);
        let addresses = Mutex::new(lane.addresses());
        let round = Round { book: &book, random: &bench.random, addresses, number: &number, gate, until };
        let clients = futures_util::future::join_all((0..CLIENTS).map(|_| round.client()));
        let held = futures_util::future::join_all((0..HELD).map(|_| round.held()));
        let struck = async {
            sleep(BEFORE).await;
            let fired = strike(&mut ensemble, &mut lane, &round, hurt, &open).await;
            tally.count(fired);
            ensemble.restore().await;
            lane.leader().await;
            sleep(BEFORE).await;
            open.send_modify(|n| *n += 1);
            _ = stop.send_replace(true);
            // Whoever began to wait meanwhile.
            loop {
                sleep(Duration::from_millis(200)).await;
                open.send_modify(|n| *n += 1);
            }
        };
        tokio::select! {
            _ = async { tokio::join!(clients, held) } => {}
            () = struck => {}
        }
    }
    let nodes = nodes(&mut lane).await;
    settle(&lane, &book, tally).await;
    let what = format!("{hurt:?} with {daemons} daemon{}", if daemons == 1 { "" } else { "s" });
    tally.judge(&what, lane.check().await);
    let truth = truth(&mut lane, nodes).await;
    tally.judge(&what, judge::untrue(&book.entries(), &truth));
    book.answers()
}

/// Does harm, lets the held bodies go, and heals; whether it took effect.
async fn strike(
    ensemble: &mut Ensemble,
    lane: &mut Lane,
    round: &Round<'_>,
    hurt: Hurt,
    open: &watch::Sender<u64>,
) -> bool {
    let random = round.random;
    let while_hurt = Duration::from_millis(1_500 + random.below(3_000));
    let go = || open.send_modify(|n| *n += 1);
    match hurt {
        Hurt::LeaderFrozen => {
            let leader = ensemble.leader().await;
            ensemble.signal(leader, Signal::STOP);
            go();
            sleep(while_hurt).await;
            let frozen = ensemble.is_frozen(leader);
            ensemble.signal(leader, Signal::CONT);
            frozen
        }
        Hurt::LeaderKilled => {
            let leader = ensemble.leader().await;
            ensemble.kill(leader);
            go();
            true
        }
        Hurt::QuorumLost => {
            let left = random.below(3) as usize;
            for at in (0..3).filter(|at| *at != left) {
                ensemble.kill(at);
            }
            go();
            sleep(while_hurt).await;
            !ensemble.serves(left).await
        }
        Hurt::DeckKilled | Hurt::DeckTerminated | Hurt::DeckStopped => {
            let at = lane.leader().await;
            match hurt {
                Hurt::DeckKilled => lane.kill(at),
                Hurt::DeckTerminated => {
                    lane.signal(at, Signal::TERM);
                    go();
                    if !lane.ends(at, ENDS).await {
                        return false;
                    }
                }
                _ => {
                    lane.signal(at, Signal::STOP);
                    go();
                    sleep(while_hurt).await;
                    lane.signal(at, Signal::CONT);
                    return true;
                }
            }
            go();
            lane.start();
            *round.addresses.lock().unwrap_or_else(PoisonError::into_inner) = lane.addresses();
            true
        }
    }
}

/// Undrains what drains, so that no drain goes on, and waits until every operation of the ledger has ended,
/// by its own address.
async fn settle(lane: &Lane, book: &Book, tally: &mut Tally) {
    let at = lane.leader().await;
    let address = lane.addresses().swap_remove(at);
    undrain(lane).await;
    let mut operations: Vec<String> = book.entries().iter().filter_map(book::Entry::operation).collect();
    operations.sort();
    operations.dedup();
    let begun = Instant::now();
    for id in operations {
        let left = ENDS.saturating_sub(begun.elapsed()).max(Duration::from_secs(2));
        let path = format!("/api/operations/{id}");
        let ended = within(left, async || {
            let answer = client::get(&address, &path).await?;
            let status = answer.json()["status"].as_str().map(str::to_owned);
            status.filter(|word| answer.status == 200 && word != "started")
        });
        let asked = Instant::now();
        let ended = ended.await;
        if asked.elapsed() > SLOW {
            let row = client::get(&address, &path).await.map_or_else(String::new, |answer| answer.json().to_string());
            println!("  the end of {id} came {:.0} s after all had healed: {row}", begun.elapsed().as_secs_f64());
        }
        if ended.is_none() {
            let last = client::get(&address, &path).await;
            let last = last.map_or_else(|| "no answer".to_owned(), |a| format!("{} {}", a.status, a.json()));
            tally.judge("after all healed", vec![format!("{path} tells no end: {last}")]);
        }
    }
}

async fn nodes(lane: &mut Lane) -> BTreeMap<&'static str, NodeRecord> {
    let mut nodes = BTreeMap::new();
    for node in NODES {
        nodes.insert(node, lane.node(node).await);
    }
    nodes
}

async fn truth(lane: &mut Lane, nodes: BTreeMap<&'static str, NodeRecord>) -> Truth {
    let picture = lane.look().await;
    let files = picture.files.into_iter().map(|file| (file.id.to_string(), file)).collect();
    Truth { files, nodes, rows: rows(lane) }
}

fn rows(lane: &Lane) -> BTreeMap<String, Row> {
    let connection = rusqlite::Connection::open(lane.database()).unwrap();
    let mut statement = connection.prepare("select id, kind, status, cause, file, what from operations").unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        let (kind, status, cause) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let of = Row { kind, status, cause, file: row.get(4)?, what: row.get(5)? };
        Ok((row.get::<_, String>(0)?, of))
    };
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

/// `/readyz` tells the truth while a server is hurt and while a daemon starts.
pub async fn ready(bench: &Bench, broken: Option<&'static str>, rounds: usize) -> Tally {
    let mut ensemble = bench.ensemble.lock().await;
    let mut tally = Tally::default();
    let (book, number) = (Book::default(), AtomicU64::new(1));
    let mut lane = bench.lane("");
    lane.break_rule(broken);
    lane.start();
    let address = lane.addresses().swap_remove(0);
    let series = Series::default();
    // Each time with an upload, a stress, a download and a run.
    let wanted = if broken.is_some() { ANSWERS / 20 } else { ANSWERS / 4 * rounds };
    let (mut judged, losses, begun) = (0, std::cell::Cell::new(0), Instant::now());
    let probes = async {
        let mut found = Vec::new();
        loop {
            let at = number.fetch_add(1, Ordering::Relaxed);
            let (count, wrong) = ready::probe(&book, &series, &address, at).await;
            judged += count;
            found.extend(wrong);
            let enough = judged >= wanted || (broken.is_some() && !found.is_empty());
            if found.len() > 5 || enough {
                return found;
            }
            if begun.elapsed() > READY_LIMIT {
                found.push(format!("it could be judged {judged} of {wanted} times"));
                return found;
            }
        }
    };
    let hurt = async {
        lane.leader().await;
        loop {
            sleep(BEFORE).await;
            let left = bench.random.below(3) as usize;
            (0..3).filter(|at| *at != left).for_each(|at| ensemble.kill(at));
            losses.set(losses.get() + 1);
            sleep(BEFORE * 3).await;
            ensemble.restore().await;
            lane.leader().await;
        }
    };
    let found = tokio::select! {
        found = probes => found,
        () = series.watch(&address) => Vec::new(),
        () = hurt => Vec::new(),
    };
    tally.judge("/readyz", found);
    (0..losses.get()).for_each(|_| tally.count(true));
    println!("  /readyz was judged {judged} times");
    ensemble.restore().await;
    tally
}
