//! The loops of the engine, one file each. [`super::start`] runs every one of them.

pub mod canary;
pub mod health;
pub mod hosts;
pub mod housekeeping;
pub mod incidents;
pub mod past;
pub mod scheduler;
pub mod scrub;
pub mod series;
pub mod session;
pub mod workload;
