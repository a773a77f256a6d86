//! Counts, bytes and files per node, kept incrementally.
/// Which node owns which files.
#[derive(Clone, Debug, Default)]
pub struct Placement {}
