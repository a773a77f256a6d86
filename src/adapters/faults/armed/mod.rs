//! The faults of a build with the feature `failpoints`; unit tests try them too.

mod disk;
mod orders;
#[cfg(feature = "failpoints")]
mod process;
mod servers;
#[cfg(test)]
mod tests;

#[cfg(feature = "failpoints")]
pub(crate) use self::process::{at, broken, clock_ahead, disk, servers};
