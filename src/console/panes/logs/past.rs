//! A query that is being typed.

use super::query::Query;

/// A query that is being typed.
#[derive(Debug)]
pub(super) struct Typing {
    /// What Esc brings back.
    pub(super) before: Query,
    /// Which of the searches of before is in the line, and what was typed before it.
    pub(super) past: Option<usize>,
    pub(super) draft: String,
    /// What is typed has not been asked yet: an answer is on its way.
    pub(super) stale: bool,
}
