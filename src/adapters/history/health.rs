//! How history stands, as its threads see it.

/// What the threads tell about themselves.
#[derive(Debug, Default)]
pub(super) struct HistoryHealth {
    pub(super) problem: Option<String>,
    /// Rows that the writer holds because they could not be written.
    pub(super) kept: usize,
    /// Why the lines of operations cannot be appended.
    pub(super) lines: Option<String>,
    /// What was done to the file, oldest first, until somebody takes it.
    pub(super) notes: Vec<String>,
}
