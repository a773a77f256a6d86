//! What one look at a server costs the core: the same with 3 servers and with 1,000.
//!
//! `cargo bench --bench state`

#![expect(clippy::print_stdout, reason = "figures go to stdout")]

mod support;

use std::time::Instant;

use support::{node, state};

use zkdeck::domain::event::Event;
use zkdeck::domain::ids::{Timestamp, Zxid};
use zkdeck::domain::server::{Reach, Role, Sample, Srvr};

const PROBES: u64 = 200_000;
const ROUNDS: usize = 5;

fn sample(at: u64, second: u64) -> Event {
    let role = if at == 0 { Role::Leader } else { Role::Follower };
    let srvr = Srvr { role: Some(role), zxid: Some(Zxid((1 << 32) + second)), ..Srvr::default() };
    Event::Probed(Box::new(Sample {
        node: node(at),
        taken_at: Timestamp(second * 1_000),
        reach: Reach::Answered,
        reply_ms: Some(1.0),
        srvr: Some(srvr),
        metrics: None,
        metrics_source: None,
        metrics_at: None,
        metrics_missing: None,
        timing: None,
    }))
}

/// Microseconds of one look, when all servers are looked at in turn, second by second.
fn measure(servers: u64) -> f64 {
    let mut state = state(servers);
    let events: Vec<_> = (0..PROBES).map(|probe| sample(probe % servers, 1 + probe / servers)).collect();
    let begun = Instant::now();
    for (probe, event) in events.into_iter().enumerate() {
        state.apply(event, Timestamp((1 + probe as u64 / servers) * 1_000));
    }
    begun.elapsed().as_secs_f64() * 1e6 / PROBES as f64
}

fn main() {
    for _ in 0..ROUNDS {
        let [few, many] = [3, 1_000].map(measure);
        println!("a look at one of 3: {few:.2} us, of 1,000: {many:.2} us, ratio {:.2}", many / few);
    }
}
