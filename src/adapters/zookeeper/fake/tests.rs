//! The contract suite on the fake, and what only the fake can be made to do.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{advance, timeout};

use super::*;

#[path = "../../../../tests/contract/mod.rs"]
mod contract;

const ROOT: &str = "/demo";

struct Bench(FakeEnsemble);

#[async_trait]
impl contract::Bench for Bench {
    type Session = FakeCoord;

    async fn connect(&self, root: &str) -> Arc<FakeCoord> {
        Arc::new(self.0.connect(root))
    }

    async fn expire(&self, session: &FakeCoord) {
        self.0.expire(session);
    }
}

async fn rooted(ensemble: &FakeEnsemble) -> FakeCoord {
    let coord = ensemble.connect(ROOT);
    coord.create(ROOT, b"", Mode::Persistent).await.unwrap();
    coord
}

#[tokio::test(start_paused = true)]
async fn the_fake_keeps_the_contract() {
    for (name, run) in contract::cases::<Bench>() {
        let bench = Bench(FakeEnsemble::calm());
        rooted(&bench.0).await;
        println!("{name}");
        run(&bench, ROOT).await;
    }
}

/// Fates in their order; afterwards all goes well.
struct Planned(Mutex<VecDeque<RequestFate>>);

impl Weather for Planned {
    fn fate(&self, _: FakeRequest<'_>) -> RequestFate {
        self.0.lock().unwrap().pop_front().unwrap_or(RequestFate::Served)
    }
}

fn planned(fates: &[RequestFate]) -> FakeEnsemble {
    let fates = [RequestFate::Served].iter().chain(fates).copied().collect();
    FakeEnsemble::new(Arc::new(Planned(Mutex::new(fates))))
}

fn is_unknown<T>(result: &Result<T, ZkError>) -> bool {
    matches!(result, Err(ZkError::Unknown { .. }))
}

#[tokio::test(start_paused = true)]
async fn an_unknown_write_is_applied_or_not() {
    for (fate, applied) in [(RequestFate::Lost, false), (RequestFate::AnswerLost, true)] {
        let ensemble = planned(&[fate]);
        let coord = rooted(&ensemble).await;
        assert!(is_unknown(&coord.create("/demo/a", b"", Mode::Persistent).await));
        assert_eq!(coord.get("/demo/a").await.unwrap().is_some(), applied);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_write_comes_after_reads_and_after_the_end_of_its_session() {
    let ensemble = planned(&[RequestFate::Late(Duration::from_secs(60))]);
    let (coord, other) = (rooted(&ensemble).await, ensemble.connect(ROOT));
    assert!(is_unknown(&coord.multi(vec![Op::Create { path: "/demo/a".into(), data: Vec::new() }]).await));
    ensemble.expire(&coord);
    assert_eq!(other.get("/demo/a").await, Ok(None));
    advance(Duration::from_secs(61)).await;
    assert!(other.get("/demo/a").await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_late_write_is_refused_when_another_was_faster() {
    let ensemble = planned(&[RequestFate::Served, RequestFate::Late(Duration::from_secs(60))]);
    let coord = rooted(&ensemble).await;
    coord.create("/demo/a", b"", Mode::Persistent).await.unwrap();
    assert!(is_unknown(&coord.set("/demo/a", b"commit", Some(0)).await));
    coord.set("/demo/a", b"abort", Some(0)).await.unwrap();
    ensemble.settle();
    assert_eq!(coord.get("/demo/a").await, Ok(Some((b"abort".to_vec(), 1))));
}

#[tokio::test(start_paused = true)]
async fn refusals_and_hangs_are_as_ordered() {
    let hang = RequestFate::Hangs { applied: true };
    let ensemble = planned(&[RequestFate::Refused(Refusal::Throttled), hang]);
    let coord = rooted(&ensemble).await;
    let refused = coord.create("/demo/a", b"", Mode::Persistent).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::Throttled));
    let hangs = timeout(Duration::from_secs(3600), coord.create("/demo/b", b"", Mode::Persistent)).await;
    assert!(hangs.is_err());
    assert!(coord.get("/demo/b").await.unwrap().is_some());
    assert_eq!(coord.get("/demo/a").await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_makes_what_is_under_way_unknown_and_the_watch_anew() {
    let ensemble = planned(&[]);
    let coord = rooted(&ensemble).await;
    assert_eq!(coord.next_change().await, Change::Rescan);
    while matches!(futures_util::FutureExt::now_or_never(coord.next_change()), Some(Change::Path { .. })) {}
    let (write, ()) = tokio::join!(coord.create("/demo/a", b"", Mode::Persistent), async {
        tokio::task::yield_now().await;
        ensemble.disconnect(&coord);
    });
    assert!(is_unknown(&write));
    assert_eq!(coord.get("/demo").await, Err(ZkError::Disconnected));
    assert_eq!(coord.next_change().await, Change::Link(LinkState::Disconnected));
    let other = ensemble.connect(ROOT);
    other.create("/demo/unseen", b"", Mode::Persistent).await.unwrap();
    ensemble.reconnect(&coord);
    assert_eq!(coord.next_change().await, Change::Link(LinkState::Connected));
    assert_eq!(coord.next_change().await, Change::Rescan);
    assert!(coord.get("/demo/unseen").await.unwrap().is_some());
}

/// Servers that have seen nothing that their session has not.
struct Slow;

impl Weather for Slow {
    fn fate(&self, _: FakeRequest<'_>) -> RequestFate {
        RequestFate::Served
    }

    fn lag(&self, session: u64, unseen: u64) -> u64 {
        if session == 2 { unseen } else { 0 }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_lags_behind_others_and_never_behind_itself() {
    let ensemble = FakeEnsemble::new(Arc::new(Slow));
    let (writer, reader) = (rooted(&ensemble).await, ensemble.connect(ROOT));
    writer.create("/demo/a", b"", Mode::Persistent).await.unwrap();
    writer.set("/demo", b"1", None).await.unwrap();
    assert_eq!(reader.children(ROOT).await, Ok(Some(Vec::new())));
    assert_eq!(reader.get(ROOT).await, Ok(Some((Vec::new(), 0))));
    assert_eq!(reader.set(ROOT, b"2", Some(1)).await, Ok(2), "a write is judged by what is, not by what was seen");
    assert_eq!(reader.get(ROOT).await, Ok(Some((b"2".to_vec(), 2))));
    assert_eq!(reader.children(ROOT).await, Ok(Some(vec!["a".to_owned()])));
}
