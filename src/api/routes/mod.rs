//! One file for each resource.

pub(super) mod at;
pub(super) mod demo;
pub(super) mod ensemble;
pub(super) mod explain;
pub(super) mod files;
pub(super) mod health;
pub(super) mod incidents;
pub(super) mod logs;
pub(super) mod nodes;
pub(super) mod operations;
pub(super) mod page;
pub(super) mod scheduler;
pub(super) mod series;
pub(super) mod servers;
pub(super) mod settings;
pub(super) mod socket;
