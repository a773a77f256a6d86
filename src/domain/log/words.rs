//! What a word is, the same for both back ends: a run of `A-Z a-z 0-9 _`, letter case ignored. The
//! index templates cut by the same rule, so a query finds the same events everywhere.

use super::ast::Pattern;

/// Whether the byte is part of a word.
#[must_use]
pub const fn of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The words of a pattern in their order, `*` kept as typed; a phrase has no `*`.
#[must_use]
pub fn words(pattern: &Pattern) -> Vec<String> {
    let (text, star) = match pattern {
        Pattern::Word(text) => (text, true),
        Pattern::Phrase(text) => (text, false),
        Pattern::Regex(_) => return Vec::new(),
    };
    let parts = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || (star && c == '*')));
    let mut words: Vec<String> = parts.filter(|part| !part.is_empty()).map(str::to_ascii_lowercase).collect();
    // `java.net.*` means no more than `java.net`.
    let plain = |word: &String| word.bytes().any(of_word);
    while words.last().is_some_and(|word| !plain(word)) {
        words.pop();
    }
    let first = words.iter().position(plain).unwrap_or(words.len());
    words.split_off(first)
}

/// A regex that finds a word or phrase in a text: whole words only, anything but words between them.
#[must_use]
pub(super) fn finder(pattern: &Pattern) -> String {
    if let Pattern::Regex(regex) = pattern {
        return regex.clone();
    }
    let words = words(pattern);
    let mut regex = String::from("(?i-u)");
    for (at, word) in words.iter().enumerate() {
        // At either end a star needs no more than the lack of a boundary.
        let core = match (at == 0, at + 1 == words.len()) {
            (true, true) => word.trim_matches('*'),
            (true, false) => word.trim_start_matches('*'),
            (false, true) => word.trim_end_matches('*'),
            (false, false) => word,
        };
        if at > 0 {
            regex.push_str("\\W+");
        } else if !word.starts_with('*') {
            regex.push_str("\\b");
        }
        regex.push_str(&core.replace('*', "\\w*"));
        if at + 1 == words.len() && !word.ends_with('*') {
            regex.push_str("\\b");
        }
    }
    regex
}

/// A regex that finds a word or phrase anywhere in a text, letter case ignored; `*` is anything between.
#[must_use]
pub(super) fn part(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Regex(regex) => regex.clone(),
        Pattern::Phrase(text) => format!("(?i){}", regex::escape(text)),
        Pattern::Word(text) => format!("(?i){}", starred(text)),
    }
}

/// A regex for the whole value of a field; letter case ignored.
#[must_use]
pub(super) fn whole(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Regex(regex) => regex.clone(),
        Pattern::Phrase(text) => format!("(?is)^{}$", regex::escape(text)),
        Pattern::Word(text) => format!("(?is)^{}$", starred(text)),
    }
}

/// A regex for a text in which `*` is anything.
fn starred(text: &str) -> String {
    text.split('*').map(regex::escape).collect::<Vec<_>>().join(".*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_as_the_index_cuts_it() {
        let word = |text: &str| words(&Pattern::Word(text.into()));
        assert_eq!(word("java.lang.NullPointerException"), ["java", "lang", "nullpointerexception"]);
        assert_eq!(word("[fsync]-ing"), ["fsync", "ing"]);
        assert_eq!(word("Null*Exception"), ["null*exception"]);
        assert_eq!(word("java.net.*"), ["java", "net"]);
        assert_eq!(word("*"), [""; 0]);
        assert_eq!(words(&Pattern::Phrase("read * timed-out".into())), ["read", "timed", "out"]);
    }
}
