//! Words of a command that somebody is told to type.

use std::borrow::Cow;
use std::path::Path;

/// The text in quotes, whatever it holds: one word to a shell.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// One word to a shell, in quotes only where it needs them.
#[must_use]
pub fn word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "/._-:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.into() } else { quoted(text).into() }
}

/// A path as one word; what is not Unicode in it is shown as U+FFFD.
#[must_use]
pub fn path(path: &Path) -> String {
    word(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(word("/srv/data-1/logs"), "/srv/data-1/logs");
        assert_eq!(word("/srv/my data"), "'/srv/my data'");
        assert_eq!(word("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(word(""), "''");
        assert_eq!(path(Path::new("~/x;y")), "'~/x;y'");
    }
}
