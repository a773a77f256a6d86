//! Formats: what is written to the ensemble and to disk bears a number, so that an older program leaves alone
//! what it does not understand. `docs/migration.md` says what may change how.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The format of records, intents, node records and control znodes: the field `v`, and 1 where there is none.
pub const RECORDS: u64 = 1;
/// The format of the whole store, in `.store-id` and in the ensemble beside the store's id: 1 where there is none.
pub const STORE: u64 = 1;

/// Id and format of a store, as `.store-id` and the ensemble tell them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreName {
    pub id: String,
    pub format: u64,
}

impl StoreName {
    /// Reads the id on the first line and, on a line of its own, `format <number>`. Whatever else is there was
    /// written by a program that knows more: `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let id = lines.next()?.to_owned();
        let mut format = STORE;
        for line in lines {
            format = line.strip_prefix("format ")?.parse().ok()?;
        }
        Some(Self { id, format })
    }

    /// Why this program may not touch the store; `None` when it may.
    #[must_use]
    pub const fn newer(&self) -> Option<NewerFormat> {
        if self.format > STORE { Some(NewerFormat { found: self.format, known: STORE }) } else { None }
    }
}

/// Why something that a newer program wrote is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewerFormat {
    pub found: u64,
    pub known: u64,
}

impl fmt::Display for NewerFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, known } = self;
        write!(f, "a newer zkdeck wrote it, in format {found}, and this one knows up to {known}; use that newer zkdeck")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_without_a_format_has_the_first_one() {
        let parse = |text| StoreName::parse(text).map(|name| (name.id, name.format));
        assert_eq!(parse("0192f7aa\n"), Some(("0192f7aa".into(), 1)));
        assert_eq!(parse("0192f7aa\nformat 7\n"), Some(("0192f7aa".into(), 7)));
        assert_eq!(parse(""), None);
        assert_eq!(parse("0192f7aa\nlayout wide"), None);
        assert_eq!(StoreName::parse("a").and_then(|name| name.newer()), None);
        let newer = StoreName::parse("a\nformat 2").and_then(|name| name.newer()).unwrap();
        assert_eq!(newer, NewerFormat { found: 2, known: 1 });
        assert!(newer.to_string().ends_with("use that newer zkdeck"), "{newer}");
    }
}
