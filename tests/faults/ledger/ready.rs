//! Ready means ready: `/readyz` is 200 if and only if what is sent at that moment is taken.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use super::book::{Asked, Book, Entry};
use super::client::{self, Body};

/// How often `/readyz` is asked.
const EVERY: Duration = Duration::from_millis(25);
/// What is sent while `/readyz` may be about to change proves nothing.
const MARGIN: Duration = Duration::from_millis(150);

/// What one daemon's `/readyz` said: when it was asked, when it had answered, and whether it was 200.
#[derive(Default)]
pub struct Series(Mutex<Vec<(Instant, Instant, bool)>>);

impl Series {
    /// Asks until the future is dropped.
    pub async fn watch(&self, address: &str) {
        let mut turns = interval(EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            let asked = Instant::now();
            if let Some(answer) = client::get(address, "/readyz").await {
                self.0.lock().unwrap().push((asked, Instant::now(), answer.status == 200));
            }
        }
    }

    /// What it said all the while from before `sent` to after `ended`; `None` when it changed, or when it
    /// was not asked closely enough.
    fn all_the_while(&self, sent: Instant, ended: Instant) -> Option<bool> {
        let (from, to) = (sent.checked_sub(MARGIN)?, ended + MARGIN);
        let series = self.0.lock().unwrap();
        let first = series.partition_point(|(_, answered, _)| *answered < from).checked_sub(1)?;
        let last = series.partition_point(|(asked, ..)| *asked <= to);
        let part = series.get(first..=last)?;
        let close = part.windows(2).all(|two| two[1].1.duration_since(two[0].0) < MARGIN);
        let word = part.first()?.2;
        (close && part.iter().all(|(_, _, ready)| *ready == word)).then_some(word)
    }
}

/// Sends one of each kind, at the same time, and looks at what `/readyz` said meanwhile. What is wrong,
/// when anything is; how many times it could be judged.
pub async fn probe(book: &Book, series: &Series, address: &str, number: u64) -> (usize, Vec<String>) {
    let file = book.files().pop();
    let bytes = format!("probe {number}").into_bytes();
    let blake3 = blake3::hash(&bytes).to_hex().to_string();
    let upload = Asked::Upload { name: format!("probe-{number}.bin"), blake3 };
    let download = async {
        match file {
            Some((file, blake3)) => client::ask(book, address, Asked::Download { file, blake3 }, Body::none()).await,
            None => None,
        }
    };
    let (upload, stress, run, download) = tokio::join!(
        client::ask(book, address, upload, Body::at_once(bytes)),
        client::ask(book, address, Asked::Stress { node: "zk1" }, Body::none()),
        client::ask(book, address, Asked::Run, Body::none()),
        download,
    );
    let sent: Vec<Entry> = [upload, stress, run, download].into_iter().flatten().collect();
    let (Some(first), Some(last)) = (sent.iter().map(|e| e.sent).min(), sent.iter().map(|e| e.ended).max()) else {
        // Nobody listens yet.
        tokio::time::sleep(EVERY).await;
        return (0, Vec::new());
    };
    tokio::time::sleep(MARGIN + EVERY * 2).await;
    let mut wrong = Vec::new();
    let Some(ready) = series.all_the_while(first, last) else { return (0, wrong) };
    let refused: Vec<&Entry> = sent.iter().filter(|entry| matches!(entry.status(), Some(503))).collect();
    if ready && !refused.is_empty() {
        let lines: Vec<String> = refused.iter().map(|entry| entry.line()).collect();
        wrong.push(format!("/readyz was 200 all the while, and these were not taken: {}", lines.join(" | ")));
    }
    if !ready && refused.is_empty() && sent.len() == 4 && sent.iter().all(|entry| entry.answer().is_some()) {
        let lines: Vec<String> = sent.iter().map(Entry::line).collect();
        wrong.push(format!("/readyz was 503 all the while, and all was taken: {}", lines.join(" | ")));
    }
    (1, wrong)
}
