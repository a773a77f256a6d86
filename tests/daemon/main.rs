//! The daemon and its REST interface: the built binary on real servers, and control of containers.

#![cfg(test)]

mod docker;
mod end_to_end;
mod remote;
#[path = "../support/mod.rs"]
mod support;
