//! The project itself: its layers, its names, its scripts, and the stack around it.

#![cfg(test)]

mod circles;
mod layers;
mod names;
mod paths;
mod pictures;
mod scripts;
mod stack;
