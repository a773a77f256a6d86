//! Pieces that panes are drawn with.

pub mod filter;
pub mod list;
pub mod paint;
pub mod words;
