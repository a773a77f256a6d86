//! The daemon and its REST interface: the built binary on real servers, and control of containers.

#![cfg(test)]

mod docker;
mod end_to_end;
#[path = "../support/mod.rs"]
mod support;
