//! One outside thing each: a typed error each, and a time limit on every call.

pub mod blobs;
pub mod clock;
pub mod control;
pub mod daemon;
pub(crate) mod faults;
pub mod file_mark;
pub mod history;
pub mod http;
pub mod logs;
pub mod metrics;
pub mod owner;
pub mod probe;
pub mod prometheus;
pub mod series;
pub mod sqlite;
pub mod templates;
pub mod zookeeper;
