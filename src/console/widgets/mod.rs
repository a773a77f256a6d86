//! Pieces that panes are drawn with.

pub mod axis;
pub mod chart;
pub mod filter;
pub mod list;
pub mod marks;
pub mod paint;
pub mod strip;
pub mod words;
