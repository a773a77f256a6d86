//! Stable words of the program's own.

use std::borrow::Cow;

/// A stable word: a literal where it is chosen, its text where it has come from another process.
pub type Word = Cow<'static, str>;
