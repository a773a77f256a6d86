//! What a text must contain for a query to hold: lets a search pass over most of the bytes.

use regex_syntax::hir::literal::Extractor;

use super::ast::{Expr, Field, Pattern};
use super::words::{of_word, words};

/// More alternatives than this are no help.
const NEEDLES_MAX: usize = 16;

/// Texts of which at least one is in every line or JSON line that the query can take, letter case
/// ignored. `None`: nothing is known.
#[must_use]
pub fn needles(expr: &Expr) -> Option<Vec<String>> {
    match expr {
        Expr::Text(pattern) => of_text(pattern),
        Expr::Field(field, pattern) => of_field(field, pattern),
        Expr::And(parts) => parts.iter().filter_map(needles).max_by_key(|found| worth(found)),
        Expr::Or(parts) => {
            let all: Option<Vec<Vec<String>>> = parts.iter().map(needles).collect();
            all.map(|all| all.concat()).filter(|found| found.len() <= NEEDLES_MAX)
        }
        Expr::All | Expr::Not(_) | Expr::Level(..) | Expr::Number(..) | Expr::Time(..) => None,
    }
}

/// Whole words, in small letters, that every line the query can take has.
#[must_use]
pub fn needed_words(expr: &Expr) -> Vec<String> {
    match expr {
        Expr::And(parts) => parts.iter().flat_map(needed_words).collect(),
        Expr::Text(pattern) => words(pattern).into_iter().filter(|word| !word.contains('*')).collect(),
        _ => Vec::new(),
    }
}

/// How much a set of needles passes over: the shortest of it counts.
fn worth(found: &[String]) -> (usize, usize) {
    let shortest = found.iter().map(String::len).min().unwrap_or(0);
    (shortest, usize::MAX - found.len())
}

fn of_text(pattern: &Pattern) -> Option<Vec<String>> {
    if let Pattern::Regex(regex) = pattern {
        return of_regex(regex);
    }
    let parts = words(pattern).into_iter().flat_map(|word| word.split('*').map(str::to_owned).collect::<Vec<_>>());
    parts.filter(|part| !part.is_empty()).max_by_key(String::len).map(|part| vec![part])
}

/// What a regex begins with. A line break or a quote may be written otherwise in JSON, so only
/// letters, digits and `_` count.
fn of_regex(regex: &str) -> Option<Vec<String>> {
    let hir = regex_syntax::ParserBuilder::new().utf8(false).build().parse(regex).ok()?;
    let found = Extractor::new().limit_total(NEEDLES_MAX).extract(&hir);
    let longest = |bytes: &[u8]| {
        let runs = bytes.split(|b| !of_word(*b)).max_by_key(|run| run.len())?;
        let text = std::str::from_utf8(runs).ok()?;
        (text.len() >= 2).then(|| text.to_ascii_lowercase())
    };
    let mut all: Vec<String> =
        found.literals()?.iter().map(|literal| longest(literal.as_bytes())).collect::<Option<_>>()?;
    all.sort();
    all.dedup();
    (!all.is_empty()).then_some(all)
}

fn of_field(field: &Field, pattern: &Pattern) -> Option<Vec<String>> {
    // These come from the file's place, not from its lines.
    if matches!(field, Field::Node | Field::Dataset | Field::File) {
        return None;
    }
    let Pattern::Word(text) = pattern else { return None };
    let runs = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    runs.max_by_key(|run| run.len()).filter(|run| run.len() >= 2).map(|run| vec![run.to_ascii_lowercase()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::parse::parse;

    #[test]
    fn what_must_be_there_is_found() {
        let of = |query: &str| needles(&parse(query).unwrap()).map(|found| found.join("|"));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of("fsync took"), some("fsync"));
        assert_eq!(of("Null*Exception"), some("exception"));
        assert_eq!(of("fsync OR took"), some("fsync|took"));
        assert_eq!(of("fsync OR level:warn"), None);
        assert_eq!(of("-fsync"), None);
        assert_eq!(of("-fsync took"), some("took"));
        assert_eq!(of("node:zk1"), None);
        assert_eq!(of("thread:SyncThread:*"), some("syncthread"));
        assert_eq!(of("/took \\d+ ms/"), some("took"));
        assert_eq!(of("/\\d+ ms/"), None);
        assert_eq!(of("/(read|write) timed/"), some("timed"));
        assert_eq!(of("/(read|write)s/"), some("reads|writes"));
        assert_eq!(of("/(?i)ab.*/"), some("ab"));
        assert_eq!(of(""), None);
    }

    #[test]
    fn whole_words_only_from_what_always_holds() {
        let of = |query: &str| needed_words(&parse(query).unwrap()).join(" ");
        assert_eq!(of("Fsync \"took Long\" sync* -x level:warn (a OR b)"), "fsync took long");
    }
}
