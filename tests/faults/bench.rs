//! The ensemble that all lanes share, and chance.

use std::path::Path;
use std::sync::Mutex;

use crate::ensemble::Ensemble;
use crate::lane::{Lane, NODES};
use crate::tally::{Tally, whole};

pub struct Bench {
    /// Taken by the one class that hurts the servers.
    pub ensemble: tokio::sync::Mutex<Ensemble>,
    hosts: Vec<String>,
    /// Lanes that are worked on at the same time.
    lanes: usize,
    pub random: Random,
}

/// Numbers from a seed, which is printed.
pub struct Random(Mutex<blake3::OutputReader>);

impl Random {
    fn new(seed: u64) -> Self {
        Self(Mutex::new(blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof()))
    }

    pub fn below(&self, limit: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.lock().unwrap().fill(&mut bytes);
        u64::from_le_bytes(bytes) % limit.max(1)
    }

    pub fn node(&self) -> &'static str {
        NODES[self.below(3) as usize]
    }

    pub fn uuid(&self) -> uuid::Uuid {
        uuid::Uuid::from_u64_pair(self.below(u64::MAX), self.below(u64::MAX))
    }
}

impl Bench {
    pub async fn new(jars: &Path, lanes: usize) -> Self {
        let seed = std::env::var("ZKDECK_SEED").ok().and_then(|text| text.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
        println!("seed {seed}");
        let ensemble = Ensemble::start(jars).await;
        let hosts = ensemble.hosts();
        Self { ensemble: tokio::sync::Mutex::new(ensemble), hosts, lanes, random: Random::new(seed) }
    }

    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    pub fn lane(&self, settings: &str) -> Lane {
        Lane::new(&self.hosts, settings)
    }

    pub const fn lanes_wanted(&self) -> usize {
        self.lanes
    }

    pub fn some_lanes(&self) -> Vec<Lane> {
        (0..self.lanes).map(|_| self.lane("")).collect()
    }

    /// The same in every lane, at the same time.
    pub async fn lanes(&self, settings: &str, work: impl AsyncFn(&mut Lane, &Random) -> Tally) -> Tally {
        let each = (0..self.lanes).map(async |_| {
            let mut lane = self.lane(settings);
            whole(work(&mut lane, &self.random)).await
        });
        let mut all = Tally::default();
        for tally in futures_util::future::join_all(each).await {
            all.add(tally);
        }
        all
    }
}
