//! What every [`Coord`] must do: run on the fake by the library's tests, and on three real servers by
//! `tests/adapters/coord_contract.rs`. Each case gets a root of its own, which exists.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use zkdeck::adapters::zookeeper::coord::REQUEST_BYTES_MAX;
use zkdeck::adapters::zookeeper::{Change, Coord, LinkState, Mode, Op, PathKind, Refusal, ZkError};

/// Makes sessions with one ensemble, and ends them.
#[async_trait::async_trait]
pub(crate) trait Bench: Send + Sync {
    type Session: Coord + 'static;
    /// A session that watches `root`.
    async fn connect(&self, root: &str) -> Arc<Self::Session>;
    /// The servers end the session.
    async fn expire(&self, session: &Self::Session);
}

/// Longest wait for something that the servers do by themselves.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) type Case<B> = (&'static str, for<'a> fn(&'a B, &'a str) -> Running<'a>);
type Running<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Every case, by its name.
pub(crate) fn cases<B: Bench>() -> Vec<Case<B>> {
    vec![
        ("a_znode_is_made_set_and_deleted", |b, root| Box::pin(made_set_deleted(b, root))),
        ("versions_are_demanded", |b, root| Box::pin(versions(b, root))),
        ("parents_and_children_hold_each_other", |b, root| Box::pin(parents(b, root))),
        ("a_multi_is_all_or_nothing", |b, root| Box::pin(all_or_nothing(b, root))),
        ("a_later_operation_sees_the_earlier_ones", |b, root| Box::pin(sees_earlier(b, root))),
        ("an_intent_is_decided_once", |b, root| Box::pin(decided_once(b, root))),
        ("many_are_read_in_their_order", |b, root| Box::pin(read_many(b, root))),
        ("ephemerals_end_with_their_session", |b, root| Box::pin(ephemerals(b, root))),
        ("sequences_grow", |b, root| Box::pin(sequences(b, root))),
        ("an_expired_session_says_so", |b, root| Box::pin(expired(b, root))),
        ("the_watch_tells_of_everything_below", |b, root| Box::pin(watch(b, root))),
        ("a_closed_session_is_over", |b, root| Box::pin(closed(b, root))),
        ("what_is_too_large_is_not_sent", |b, root| Box::pin(too_large(b, root))),
    ]
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ZkError>) -> Option<Refusal> {
    result.unwrap_err().refusal()
}

fn create(path: &str) -> Op {
    Op::Create { path: path.to_owned(), data: b"new".to_vec() }
}

fn set(path: &str, version: i32) -> Op {
    Op::Set { path: path.to_owned(), data: b"set".to_vec(), version }
}

fn check(path: &str, version: i32) -> Op {
    Op::Check { path: path.to_owned(), version }
}

fn delete(path: &str, version: i32) -> Op {
    Op::Delete { path: path.to_owned(), version }
}

async fn make(coord: &impl Coord, path: &str) {
    assert_eq!(coord.create(path, b"new", Mode::Persistent).await.unwrap(), path);
}

/// Where and why a multi was refused.
fn refused_at(result: Result<(), ZkError>) -> (usize, String, Refusal) {
    match result {
        Err(ZkError::Refused { index, path, why, .. }) => (index, path, why),
        other => panic!("not refused: {other:?}"),
    }
}

async fn made_set_deleted<B: Bench>(bench: &B, root: &str) {
    let coord = bench.connect(root).await;
    let path = format!("{root}/a");
    assert_eq!(coord.get(&path).await, Ok(None));
    assert_eq!(coord.children(&path).await, Ok(None));
    make(&*coord, &path).await;
    assert_eq!(coord.get(&path).await, Ok(Some((b"new".to_vec(), 0))));
    assert_eq!(refusal(coord.create(&path, b"", Mode::Persistent).await), Some(Refusal::NodeExists));
    assert_eq!(coord.set(&path, b"1", None).await, Ok(1));
    assert_eq!(coord.set(&path, b"2", Some(1)).await, Ok(2));
    assert_eq!(coord.get(&path).await, Ok(Some((b"2".to_vec(), 2))));
    assert_eq!(coord.children(root).await, Ok(Some(vec!["a".to_owned()])));
    coord.delete(&path, Some(2)).await.unwrap();
    assert_eq!(coord.get(&path).await, Ok(None));
    assert_eq!(coord.children(root).await, Ok(Some(Vec::new())));
    make(&*coord, &path).await;
    assert_eq!(coord.get(&path).await.unwrap().unwrap().1, 0, "a znode made again begins at 0");
    coord.delete(&path, None).await.unwrap();
}

async fn versions<B: Bench>(bench: &B, root: &str) {
    let coord = bench.connect(root).await;
    let path = format!("{root}/a");
    assert_eq!(refusal(coord.set(&path, b"", None).await), Some(Refusal::NoNode));
    assert_eq!(refusal(coord.delete(&path, None).await), Some(Refusal::NoNode));
    make(&*coord, &path).await;
    assert_eq!(refusal(coord.set(&path, b"", Some(1)).await), Some(Refusal::BadVersion));
    assert_eq!(refusal(coord.delete(&path, Some(1)).await), Some(Refusal::BadVersion));
    assert_eq!(coord.get(&path).await, Ok(Some((b"new".to_vec(), 0))), "a refusal leaves no trace");
}

async fn parents<B: Bench>(bench: &B, root: &str) {
    let coord = bench.connect(root).await;
    let (parent, child) = (format!("{root}/a"), format!("{root}/a/b"));
    assert_eq!(refusal(coord.create(&child, b"", Mode::Persistent).await), Some(Refusal::NoNode));
    make(&*coord, &parent).await;
    make(&*coord, &child).await;
    assert_eq!(refusal(coord.delete(&parent, None).await), Some(Refusal::NotEmpty));
    let (brief, below) = (format!("{root}/e"), format!("{root}/e/x"));
    coord.create(&brief, b"", Mode::Ephemeral).await.unwrap();
    let why = refusal(coord.create(&below, b"", Mode::Persistent).await);
    assert_eq!(why, Some(Refusal::NoChildrenForEphemerals));
}

async fn all_or_nothing<B: Bench>(bench: &B, root: &str) {
    let coord = bench.connect(root).await;
    let (a, b) = (format!("{root}/a"), format!("{root}/b"));
    make(&*coord, &a).await;
    let ops = vec![check(&a, 0), create(&b), set(&a, 0), check(&a, 0)];
    assert_eq!(refused_at(coord.multi(ops).await), (3, a.clone(), Refusal::BadVersion));
    assert_eq!(coord.get(&b).await, Ok(None));
    assert_eq!(coord.get(&a).await, Ok(Some((b"new".to_vec(), 0))));
    let missing = format!("{root}/none");
    assert_eq!(refused_at(coord.multi(vec![create(&b), check(&missing, 0)]).await), (1, missing, Refusal::NoNode));
    assert_eq!(refused_at(coord.multi(vec![create(&a)]).await), (0, a.clone(), Refusal::NodeExists));
    coord.multi(vec![check(&a, 0), create(&b), set(&a, 0)]).await.unwrap();
    assert_eq!(coord.get(&a).await, Ok(Some((b"set".to_vec(), 1))));
    assert_eq!(coord.get(&b).await, Ok(Some((b"new".to_vec(), 0))));
    coord.multi(vec![delete(&a, 1), delete(&b, 0)]).await.unwrap();
    assert_eq!(coord.children(root).await, Ok(Some(Vec::new())));
    assert_eq!(coord.multi(Vec::new()).await, Ok(()));
}

async fn sees_earlier<B: Bench>(bench: &B, root: &str) {
    let coord = bench.connect(root).await;
    let (a, b) = (format!("{root}/a"), format!("{root}/a/b"));
    coord.multi(vec![create(&a), create(&b), set(&b, 0), check(&b, 1)]).await.unwrap();
    assert_eq!(coord.get(&b).await, Ok(Some((b"set".to_vec(), 1))));
    assert_eq!(refused_at(coord.multi(vec![delete(&a, 0)]).await), (0, a.clone(), Refusal::NotEmpty));
    coord.multi(vec![delete(&b, 1), delete(&a, 0), create(&a)]).await.unwrap();
    assert_eq!(coord.get(&a).await, Ok(Some((b"new".to_vec(), 0))));
}

/// The rule that keeps files safe: of a commit and an abort, one is refused.
async fn decided_once<B: Bench>(bench: &B, root: &str) {
    let (one, other) = (bench.connect(root).await, bench.connect(root).await);
    let (intent, record) = (format!("{root}/intent"), format!("{root}/record"));
    for round in 0..10 {
        make(&*one, &intent).await;
        make(&*one, &record).await;
        let commit = one.multi(vec![set(&intent, 0), set(&record, 0)]);
        let (commit, abort) = tokio::join!(commit, other.set(&intent, b"aborted", Some(0)));
        assert_ne!(commit.is_ok(), abort.is_ok(), "round {round}: {commit:?}, {abort:?}");
        let refused = commit.err().or(abort.err()).and_then(|error| error.refusal());
        assert_eq!(refused, Some(Refusal::BadVersion));
        one.multi(vec![delete(&intent, -1), delete(&record, -1)]).await.unwrap();
    }
}

async fn read_many<B: Bench>(bench: &B, root: &str) {
    let coord = bench.connect(root).await;
    for name in ["a", "c"] {
        make(&*coord, &format!("{root}/{name}")).await;
    }
    let paths = ["c", "b", "a"].map(|name| format!("{root}/{name}")).to_vec();
    let found = coord.get_many(paths).await.unwrap();
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(coord.get_many(Vec::new()).await, Ok(Vec::new()));
}

async fn ephemerals<B: Bench>(bench: &B, root: &str) {
    let (one, other) = (bench.connect(root).await, bench.connect(root).await);
    let (brief, kept) = (format!("{root}/brief"), format!("{root}/kept"));
    one.create(&brief, b"", Mode::Ephemeral).await.unwrap();
    one.create(&kept, b"", Mode::Persistent).await.unwrap();
    assert_eq!(refusal(other.create(&brief, b"", Mode::Ephemeral).await), Some(Refusal::NodeExists));
    one.close().await;
    until("the ephemeral goes", async || other.children(root).await == Ok(Some(vec!["kept".to_owned()]))).await;
    assert_eq!(other.get(&kept).await.unwrap().unwrap().1, 0);
}

async fn sequences<B: Bench>(bench: &B, root: &str) {
    let coord = bench.connect(root).await;
    let mut made = Vec::new();
    for name in ["b-", "a-", "c-"] {
        let asked = format!("{root}/{name}");
        let path = coord.create(&asked, b"", Mode::EphemeralSequential).await.unwrap();
        let digits = path.strip_prefix(&asked).unwrap().to_owned();
        assert_eq!(digits.len(), 10, "{path}");
        made.push(digits);
        assert!(coord.get(&path).await.unwrap().is_some());
    }
    assert!(made.is_sorted() && made.iter().collect::<BTreeSet<_>>().len() == 3, "{made:?}");
}

async fn expired<B: Bench>(bench: &B, root: &str) {
    let (one, other) = (bench.connect(root).await, bench.connect(root).await);
    let brief = format!("{root}/brief");
    one.create(&brief, b"", Mode::Ephemeral).await.unwrap();
    bench.expire(&one).await;
    until("the ephemeral goes", async || other.get(&brief).await == Ok(None)).await;
    until("the client learns of it", async || matches!(one.state(), LinkState::Ended(_))).await;
    assert!(matches!(one.set(root, b"", None).await, Err(ZkError::Ended { .. })));
    let told = tokio::time::timeout(LIMIT, async {
        while !matches!(one.next_change().await, Change::Link(LinkState::Ended(_))) {}
    });
    assert!(told.await.is_ok(), "the end was not told");
}

async fn watch<B: Bench>(bench: &B, root: &str) {
    let (one, other) = (bench.connect(root).await, bench.connect(root).await);
    let next = async || tokio::time::timeout(LIMIT, one.next_change()).await.unwrap();
    assert_eq!(next().await, Change::Rescan);
    let (a, b) = (format!("{root}/a"), format!("{root}/a/b"));
    make(&*other, &a).await;
    make(&*other, &b).await;
    other.set(&b, b"1", None).await.unwrap();
    other.delete(&b, None).await.unwrap();
    let change = |path: &str, kind| Change::Path { path: path.to_owned(), kind };
    let expected = [
        change(&a, PathKind::Created),
        change(&b, PathKind::Created),
        change(&b, PathKind::Data),
        change(&b, PathKind::Deleted),
    ];
    for one in expected {
        assert_eq!(next().await, one);
    }
}

async fn closed<B: Bench>(bench: &B, root: &str) {
    let coord = bench.connect(root).await;
    coord.close().await;
    assert!(matches!(coord.state(), LinkState::Ended(_)));
    assert!(matches!(coord.get(root).await, Err(ZkError::Ended { .. })));
    assert!(matches!(coord.multi(vec![create(&format!("{root}/a"))]).await, Err(ZkError::Ended { .. })));
}

async fn too_large<B: Bench>(bench: &B, root: &str) {
    let coord = bench.connect(root).await;
    let (path, data) = (format!("{root}/a"), vec![0; REQUEST_BYTES_MAX]);
    let half = Op::Create { path: path.clone(), data: vec![0; REQUEST_BYTES_MAX / 2] };
    assert!(matches!(coord.create(&path, &data, Mode::Persistent).await, Err(ZkError::TooLarge { .. })));
    assert!(matches!(coord.multi(vec![half.clone(), half]).await, Err(ZkError::TooLarge { .. })));
    assert_eq!(coord.get(&path).await, Ok(None));
    assert_eq!(coord.state(), LinkState::Connected);
}

/// Waits for what the servers do by themselves, and fails when they do not.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut timer = tokio::time::interval(Duration::from_millis(50));
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < LIMIT {
        timer.tick().await;
        if holds().await {
            return;
        }
    }
    panic!("{what}: not within {LIMIT:?}");
}
