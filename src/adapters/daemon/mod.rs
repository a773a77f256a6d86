//! The daemon of another process: a connection on which texts and bytes go both ways.

mod link;
mod socket;

pub use link::{Dial, Frame, Link, Lost};
pub use socket::{Address, InvalidAddress};
