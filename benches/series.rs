//! Thirty days of three servers in the series' file: how large it is, and how long a chart of all of it takes.
//!
//! `cargo bench --bench series`

#![expect(clippy::print_stdout, reason = "figures go to stdout")]

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use zkdeck::adapters::series::SeriesStore;
use zkdeck::domain::ids::{Millis, NodeId, Timestamp};
use zkdeck::domain::series::{SeriesAsk, SeriesKey, SeriesName, SeriesOf, SeriesSample};

const SERVERS: u64 = 3;
const DAY: u64 = 86_400_000;
const DAYS: u64 = 30;
/// A second of each ten is put in: blocks are as large whatever they are made of.
const STEP: u64 = 10_000;
const ROUNDS: usize = 9;

fn keys() -> Vec<SeriesKey> {
    let nodes: Vec<NodeId> = (0..SERVERS).filter_map(|at| NodeId::new(&format!("zk{at}")).ok()).collect();
    let of = |name: &SeriesName| match name.of() {
        SeriesOf::Ensemble => vec![SeriesKey::of_ensemble(*name)],
        SeriesOf::Server | SeriesOf::Node => nodes.iter().map(|node| SeriesKey::of_node(*name, node)).collect(),
    };
    SeriesName::ALL.iter().flat_map(of).collect()
}

/// Bytes of the file and of what lies beside it.
fn size(path: &Path) -> u64 {
    let of = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        std::fs::metadata(Path::new(&name)).map_or(0, |meta| meta.len())
    };
    ["", "-wal", "-shm"].into_iter().map(of).sum()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("series.db");
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let (keys, begin) = (keys(), now - DAYS * DAY);
    let store = SeriesStore::open(path.clone())?;
    let begun = Instant::now();
    for (turn, at) in (begin..now).step_by(usize::try_from(STEP)?).enumerate() {
        let values = keys.iter().map(|key| (key.clone(), (at / STEP % 977) as f32)).collect();
        store.put_all(SeriesSample { at: Timestamp(at), values }).await?;
        if turn == 0 {
            println!("{} series", keys.len());
        }
    }
    store.close().await;
    println!("written in {:.0?}", begun.elapsed());
    println!("file of {DAYS} days: {:.1} MB (bar 40)", size(&path) as f64 / 1e6);
    let store = SeriesStore::open(path)?;
    for (name, series) in [("one chart", 1), ("one chart of three servers", 3), ("all charts", keys.len())] {
        let series: Vec<_> = keys.iter().rev().take(series).cloned().collect();
        let step = Millis(DAYS * DAY / 180);
        let ask = SeriesAsk { series, from: Timestamp(begin), until: Timestamp(now), step };
        let mut took: Vec<Duration> = Vec::new();
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let page = store.ask(ask.clone()).await?;
            took.push(begun.elapsed());
            assert!(
                page.lines.iter().all(|line| line.points.iter().flatten().count() > 170),
                "there is something to draw"
            );
        }
        took.sort();
        println!("{name} of {DAYS} days: median {:.1?}, most {:.1?} (bar 50 ms)", took[ROUNDS / 2], took[ROUNDS - 1]);
    }
    Ok(())
}
