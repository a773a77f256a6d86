//! How grave an event is.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    pub const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }

    /// Reads a level's word in any case; `FATAL` counts as error.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        if is("FATAL") || is("SEVERE") {
            return Some(Self::Error);
        }
        if is("WARNING") {
            return Some(Self::Warn);
        }
        Self::ALL.into_iter().find(|level| is(level.word()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_any_case() {
        for level in LogLevel::ALL {
            assert_eq!(LogLevel::from_word(&level.word().to_lowercase()), Some(level));
        }
        assert_eq!(LogLevel::from_word("FATAL"), Some(LogLevel::Error));
        assert_eq!(LogLevel::from_word("Warning"), Some(LogLevel::Warn));
        assert_eq!(LogLevel::from_word("WARNINGS"), None);
    }
}
