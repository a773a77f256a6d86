//! The terminal front: draws snapshots, sends commands.

pub mod pane;
pub mod panes;
pub mod theme;
pub mod widgets;
