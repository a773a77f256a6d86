//! Attempts on files, step by step: moves, uploads, deletes, and the recovery of what was left.
//!
//! The order of steps is the safety: an intent before any byte, bytes synced before the commit, and
//! nothing removed before its own intent is aborted or a newer commit has replaced it.

pub mod adopt;
pub mod delete;
pub mod moves;
mod moving;
pub mod recovery;
mod steps;
pub mod stress;
pub mod underway;
pub mod upload;

use crate::adapters::blobs::BlobError;
use crate::adapters::zookeeper::error::ZkError;

/// Attempts of one kind whose bytes are worked on at the same time.
pub const PARALLEL: usize = 8;
/// Attempts that share one `multi`.
pub const BATCH: usize = 64;

/// Why an attempt ended without its commit.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Zk(#[from] ZkError),
    #[error("{0}")]
    Blob(#[from] BlobError),
    /// The commit was refused: the file or the node is not as it was when the attempt began.
    #[error("the {what} changed meanwhile ({why}); nothing was changed, try again")]
    Changed { what: String, why: String },
    #[error("no session with the ensemble; try again when the header says connected")]
    NoSession,
    #[error("stopped before it began")]
    Stopped,
    /// The outcome is not known here: the recovery decides it and writes the row.
    #[error("it was not decided before the session was lost; the recovery decides it and history tells how")]
    Left,
}

impl Failure {
    /// Whether the attempt is over: its row may be closed.
    const fn is_decided(&self) -> bool {
        !matches!(self, Self::Left)
    }
}
