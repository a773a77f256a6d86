//! One-shot commands, by the built binary.

#![cfg(test)]

mod doctor;
mod logs;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each front uses its part of it")]
mod support;
