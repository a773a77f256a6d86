//! The project itself: its layers, its scripts, and the stack around it.

#![cfg(test)]

mod layers;
mod scripts;
mod stack;
