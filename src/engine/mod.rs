//! The engine: one task that owns the state, and the loops that act on the outside.
//!
//! Fronts reach it by [`handle::Handle`] only.

pub mod clock;
pub mod driver;
pub mod handle;
