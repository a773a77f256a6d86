//! Attempts on files, step by step: moves, uploads, deletes, downloads, and the recovery of what was left.
//!
//! The order of steps is the safety: an intent before any byte, bytes synced before the commit, and
//! nothing removed before its own intent is aborted or a newer commit has replaced it.

pub mod adopt;
pub mod delete;
pub mod download;
pub mod failure;
mod fenced;
mod learned;
pub mod moves;
mod moving;
pub mod recovery;
mod rows;
mod steps;
pub mod stress;
mod taken_back;
#[cfg(test)]
mod tests;
pub mod underway;
pub mod upload;

pub use self::failure::{Changed, Failure};

/// Attempts of one kind whose bytes are worked on at the same time.
pub const PARALLEL: usize = 8;
/// Attempts that share one `multi`.
pub const BATCH: usize = 64;
