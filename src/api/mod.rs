//! The REST front: asks the engine by its handle and serialises snapshots.
//!
//! Adding a route: one handler in a file under `routes/`, one line in `router::ROUTES`, one path in
//! `docs/openapi.json` (a test fails on a difference).

mod address;
mod body;
mod config;
mod drain;
mod error;
mod guard;
mod metrics;
mod outcome;
mod query;
mod router;
mod routes;
mod secret;
mod serve;
mod state;
#[cfg(test)]
mod tests;
mod upload;

pub use config::{ApiConfig, ApiError};
pub use router::router;
pub use secret::{InvalidSecret, Secret, TokenFileError};
pub use serve::{Bound, bind, serve};
