//! ZooKeeper: the session, the records under the root, the election, and the rules that keep a
//! file from being lost.
//!
//! [`Coord`] is the handful of operations that zkdeck uses, [`RealCoord`] speaks them to servers.
//! [`registry::Registry`] gives the operations meaning: files, nodes, intents, commits.
//!
//! Architecture invariant: leadership is never the safety. A commit is one `multi` that flips the
//! attempt's own intent from version 0, so it happens once, however many instances try and however
//! late a request arrives.

pub mod config;
pub mod coord;
pub mod election;
pub mod error;
#[cfg(test)]
pub(crate) mod fake;
pub mod layout;
pub mod real;
pub mod registry;

pub use config::ZkConfig;
pub use coord::{Change, Coord, LinkState, Mode, Op, PathKind};
pub use error::{Refusal, ZkError};
pub use layout::{Touched, ZnodeLayout};
pub use real::{RealCoord, connect};
