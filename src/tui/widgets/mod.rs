//! Pieces that panes are drawn with.

pub mod list;
pub mod paint;
pub mod words;
