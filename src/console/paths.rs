//! Paths as people type, paste and drag them: with quotes, backslashes, `~`, or as `file://`. Pure: whether there is such
//! a file is known at the place where the console is used.

use percent_encoding::percent_decode_str;

/// What a shell would read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedPath {
    /// Of `~/x` it is empty, of `~bob/x` it is `bob`: the path is within that home.
    pub home: Option<String>,
    pub path: String,
    /// The quote that is not closed.
    pub open: Option<char>,
}

/// Reads a path as a shell does; a blank needs no quote, as there is one path only.
///
/// # Errors
/// A `file://` of another machine, or none that can be read.
pub fn read(text: &str) -> Result<TypedPath, String> {
    let text = text.trim_start();
    if let Some(rest) = strip_scheme(text) {
        return from_url(rest.trim_end());
    }
    let (mut path, mut open, mut escaped, mut end) = (String::new(), None, false, 0);
    for c in text.chars() {
        match (c, open) {
            _ if std::mem::take(&mut escaped) => path.push(c),
            ('\\', None | Some('"')) => {
                escaped = true;
                continue;
            }
            ('"' | '\'', None) => open = Some(c),
            (c, Some(quote)) if c == quote => open = None,
            (' ', None) => {
                path.push(c);
                continue;
            }
            _ => path.push(c),
        }
        end = path.len();
    }
    // Blanks at the end are no part of it, unless they are quoted.
    path.truncate(end);
    let Some(rest) = text.strip_prefix('~').and_then(|_| path.strip_prefix('~')) else {
        return Ok(TypedPath { home: None, path, open });
    };
    let (user, rest) = rest.split_once('/').unwrap_or((rest, ""));
    Ok(TypedPath { home: Some(user.to_owned()), path: rest.trim_start_matches('/').to_owned(), open })
}

fn strip_scheme(text: &str) -> Option<&str> {
    let scheme = text.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("file:"))?;
    text[scheme.len()..].strip_prefix('/').map(|_| &text[scheme.len()..])
}

/// RFC 8089: `file:/path`, `file:///path`, `file://localhost/path`.
fn from_url(rest: &str) -> Result<TypedPath, String> {
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(rest) => {
            let (host, _) = rest.split_once('/').unwrap_or((rest, ""));
            if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
                return Err(format!("the file is on {host}, not on this machine"));
            }
            &rest[host.len()..]
        }
    };
    let decoded = percent_decode_str(path).decode_utf8().map_err(|_| "its name is not UTF-8".to_owned())?;
    if decoded.is_empty() || decoded.contains('\0') {
        return Err("a file:// needs a path".into());
    }
    Ok(TypedPath { home: None, path: decoded.into_owned(), open: None })
}

/// The text without its last word, and that word; a blank within quotes or behind a backslash divides no words.
#[must_use]
pub fn split_last(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let (path, word) = text.split_at(blanks(text).last()?);
    Some((path.trim_end(), word.trim_start()))
}

/// The word that is being typed behind others: nothing of it yet behind a blank.
#[must_use]
pub fn begun_word(text: &str) -> Option<&str> {
    let text = text.trim_start();
    blanks(text).last().map(|at| text[at..].trim_start())
}

/// The blanks that divide words.
fn blanks(text: &str) -> impl Iterator<Item = usize> + '_ {
    let (mut open, mut escaped) = (None, false);
    text.char_indices().filter_map(move |(at, c)| {
        match (c, open) {
            _ if std::mem::take(&mut escaped) => {}
            ('\\', None | Some('"')) => escaped = true,
            ('"' | '\'', None) => open = Some(c),
            (c, Some(quote)) if c == quote => open = None,
            (' ', None) => return Some(at),
            _ => {}
        }
        None
    })
}

/// Text as it is to be typed to be read as itself, within this quote or none.
#[must_use]
pub fn quoted(text: &str, open: Option<char>) -> String {
    let special = |c: char| match open {
        Some('\'') => false,
        Some(_) => matches!(c, '"' | '\\'),
        None => matches!(c, '"' | '\'' | '\\' | ' '),
    };
    let mut out = String::new();
    for c in text.chars() {
        match (c, open) {
            // Within quotes that know no backslash it ends them for a moment.
            ('\'', Some('\'')) => out.push_str("'\\''"),
            _ if special(c) => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// What both begin with.
#[must_use]
pub fn shared<'a>(one: &'a str, other: &str) -> &'a str {
    let end = one.char_indices().zip(other.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
    &one[..end.unwrap_or(one.len().min(other.len()))]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> Result<String, String> {
        let TypedPath { home, path, open } = read(text)?;
        let home = home.map(|user| format!("[home of {user:?}]")).unwrap_or_default();
        Ok(format!("{home}{path}{}", open.map(|quote| format!(" {quote} is open")).unwrap_or_default()))
    }

    #[test]
    fn paths_are_read_as_a_shell_reads_them() {
        for (text, wanted) in [
            ("/tmp/x", "/tmp/x"),
            ("  /tmp/x  ", "/tmp/x"),
            ("/tmp/a b", "/tmp/a b"),
            ("\"/tmp/a b\"", "/tmp/a b"),
            ("'/tmp/a b' ", "/tmp/a b"),
            ("/tmp/a\\ b", "/tmp/a b"),
            ("/tmp/'a  b'/\"c\\\"d\"", "/tmp/a  b/c\"d"),
            ("'a\\b'", "a\\b"),
            ("a\\\\b", "a\\b"),
            ("'it'\\''s'", "it's"),
            ("a\\ ", "a "),
            ("' '", " "),
            ("~/x", "[home of \"\"]x"),
            ("~", "[home of \"\"]"),
            ("~bob/x y", "[home of \"bob\"]x y"),
            ("~//x", "[home of \"\"]x"),
            ("'~/x'", "~/x"),
            ("\\~/x", "~/x"),
            ("it's", "its ' is open"),
            ("", ""),
            ("file:///tmp/a%20b%C3%A9", "/tmp/a bé"),
            ("FILE://localhost/tmp/x", "/tmp/x"),
            ("file:/tmp/x ", "/tmp/x"),
            ("file:x", "file:x"),
        ] {
            assert_eq!(path(text).as_deref(), Ok(wanted), "{text}");
        }
        for (text, part) in [("file://host/x", "on host"), ("file:///%ff", "UTF-8"), ("file://", "needs a path")] {
            assert!(path(text).is_err_and(|why| why.contains(part)), "{text}");
        }
    }

    #[test]
    fn the_last_word_is_found_behind_quotes() {
        for (text, wanted) in [
            ("a zk1", Some(("a", "zk1"))),
            ("a b  zk1 ", Some(("a b", "zk1"))),
            ("\"a b\"", None),
            ("\"a b\" zk1", Some(("\"a b\"", "zk1"))),
            ("a\\ b", None),
            ("a", None),
            ("", None),
        ] {
            assert_eq!(split_last(text), wanted, "{text}");
        }
        for (text, word) in [
            ("a", None),
            (" a", None),
            ("a ", Some("")),
            ("a zk", Some("zk")),
            ("a\\ ", None),
            ("'a b", None),
            ("'a b' z", Some("z")),
        ] {
            assert_eq!(begun_word(text), word, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_reads_back(text in "[a-z'\"\\\\ ~/é]{1,12}") {
            for (before, open, after) in [("x", None, ""), ("'x", Some('\''), "'"), ("\"x", Some('"'), "\"")] {
                let typed = format!("{before}{}{after}", quoted(&text, open));
                prop_assert_eq!(read(&typed).map(|read| read.path), Ok(format!("x{text}")));
            }
        }
    }
}
