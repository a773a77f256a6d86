//! What the adapters do with the outside: real ZooKeeper servers, their processes, logs in files and in a server.

#![cfg(test)]

#[path = "../contract/mod.rs"]
mod contract;
mod coord_contract;
mod local_ensemble;
mod search;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each front uses its part of it")]
mod support;
