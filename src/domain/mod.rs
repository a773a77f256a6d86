//! The rules of zkdeck, pure: `std`, serde derives and regexes only.
//!
//! Architecture invariant: nothing here reads a clock, touches the disk or the network, logs, or
//! knows that tokio exists. Time comes in with the data. Whatever is decided here is therefore
//! reproducible from its arguments.

pub mod alert;
pub mod ask;
pub mod cause;
pub mod command;
pub mod ensemble;
pub mod event;
pub mod explain;
pub mod file;
pub mod file_list;
pub mod file_table;
pub mod filter;
#[cfg(test)]
pub mod fixtures;
pub mod follow;
pub mod format;
pub mod health;
mod id_index;
pub mod ids;
pub mod incident;
pub mod invariants;
pub mod level;
pub mod log;
pub mod migration;
pub mod node;
pub mod number;
pub mod operation;
pub mod outcome;
pub mod panic;
pub mod past;
pub mod placement;
pub mod planner;
pub mod rewind;
pub mod scheduler;
pub mod series;
pub mod server;
pub mod session;
pub mod setting;
pub mod shell;
pub mod snapshot;
pub mod state;
pub mod store;
pub mod word;
