//! The engine: one task that owns the state, and the loops that act on the outside.
//!
//! Fronts reach it by [`handle::Handle`] only. `core` folds events, `desk` answers questions beside it, `dispatch`
//! turns requests into jobs, `files` and `orders` are those jobs, `operations` hands their rows to who waits, `loops` is what goes on by itself,
//! `driver` runs all of it.

pub mod claim;
pub mod clock;
pub mod context;
mod core;
mod desk;
mod dispatch;
pub mod driver;
pub mod files;
pub mod handle;
pub mod inspect;
pub mod loops;
pub mod operations;
mod orders;
#[cfg(test)]
mod simulation;
pub mod start;
