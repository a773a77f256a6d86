//! How long a plan takes: 1,000 nodes and a million files, spread at random and piled on one node.
//!
//! `cargo bench --bench planner`

#![expect(clippy::print_stdout, reason = "figures go to stdout")]

use std::time::{Duration, Instant};

use zkdeck::domain::ids::{Bytes, FileId, Millis, NodeId, Timestamp};
use zkdeck::domain::node::NodeCondition;
use zkdeck::domain::placement::Placement;
use zkdeck::domain::planner::{NodeInput, Policy, plan};

const NODES: u64 = 1_000;
const FILES: u64 = 1_000_000;
const RUNS: usize = 9;

/// A fixed sequence that looks like chance.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn measure(name: &str, nodes: &[NodeId], weight: impl Fn(usize) -> u32, owner: impl Fn(u64, &mut Dice) -> usize) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let begun = Instant::now();
    let mut placement = Placement::default();
    for id in 0..FILES {
        let (owner, size) = (owner(id, &mut dice), dice.below(1 << 20));
        placement.upsert(FileId::new(u128::from(id)), &nodes[owner], Bytes(size), Timestamp(1), 0);
    }
    let built = begun.elapsed();
    let input = |(at, id): (usize, &NodeId)| NodeInput {
        id: id.clone(),
        weight: weight(at),
        condition: NodeCondition::Active,
        in_flight_in: 0,
        in_flight_out: 0,
    };
    let policy = Policy {
        trigger: 5,
        settle: 1,
        nodes: nodes.iter().enumerate().map(input).collect(),
        now: Timestamp(1_000_000),
        cool_down: Millis(30_000),
        busy: Vec::new(),
    };
    let timed = |_| {
        let begun = Instant::now();
        let plan = plan(&placement, &policy);
        (begun.elapsed(), plan.moves.len(), plan.spread_before, plan.spread_after)
    };
    let mut runs: Vec<(Duration, usize, u64, u64)> = (0..RUNS).map(timed).collect();
    runs.sort();
    let (took, moves, before, after) = runs[RUNS / 2];
    println!(
        "{name}: plan {took:.2?} (median of {RUNS}), {moves} moves, spread {before} to {after}, index {built:.2?}"
    );
}

fn main() {
    let nodes: Vec<NodeId> = (0..NODES).filter_map(|n| NodeId::new(&format!("zk{n}")).ok()).collect();
    let anywhere = |_: u64, dice: &mut Dice| dice.below(NODES) as usize;
    let piled = |id: u64, dice: &mut Dice| if id < FILES / 2 { 0 } else { dice.below(NODES) as usize };
    measure("random, equal weights", &nodes, |_| 100, anywhere);
    measure("random, any weights", &nodes, |at| 1 + at as u32 * 10, anywhere);
    measure("half on one node", &nodes, |_| 100, piled);
    measure("half on one node, any weights", &nodes, |at| 1 + at as u32 * 10, piled);
}
