//! zkdeck
#![forbid(unsafe_code)]

pub mod adapters;
pub mod api;
pub mod domain;
pub mod engine;
pub mod tui;
