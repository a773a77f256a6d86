//! What finds candidates in a whole block at once, before anything is cut into events.

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::{Capture, Class, Hir, HirKind, Repetition};

use crate::domain::log::{Expr, Matcher, Pattern, needles, words};

/// A compiled regex takes so much at most.
const SIZE_MAX: usize = 4 << 20;

/// Finds something in every event that a query takes, and in few others.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    /// `None`: every event has to be looked at.
    pub(super) regex: Option<Regex>,
    /// What it finds inside a message decides alone.
    pub(super) exact: bool,
    /// Each of these finds something in such an event too.
    pub(super) also: Vec<Regex>,
}

impl Sieve {
    /// For events that lie in the file as they are searched.
    pub(super) fn of(expr: &Expr) -> Self {
        match expr {
            Expr::Text(pattern @ (Pattern::Word(_) | Pattern::Phrase(_))) if !words(pattern).is_empty() => {
                Self { regex: build(&Matcher::finder(pattern)), exact: true, also: Vec::new() }
            }
            Expr::Text(Pattern::Regex(regex)) => Self::of_regex(regex).unwrap_or_else(|| Self::of_needles(expr)),
            Expr::And(parts) => {
                let by_needles = Self::of_needles(expr);
                if by_needles.regex.is_some() {
                    return by_needles;
                }
                let by_regex = parts.iter().find_map(|part| match part {
                    Expr::Text(Pattern::Regex(regex)) => Self::of_regex(regex),
                    _ => None,
                });
                Self { exact: false, ..by_regex.unwrap_or_default() }
            }
            _ => Self::of_needles(expr),
        }
    }

    /// By texts without which no event is taken, however it is written.
    pub(super) fn of_needles(expr: &Expr) -> Self {
        let chosen = needles(expr);
        let others = expr.conjuncts().iter().filter_map(needles).filter(|part| chosen.as_ref() != Some(part));
        let also = others.filter_map(|part| any_of(&part)).collect();
        Self { regex: chosen.as_deref().and_then(any_of), exact: false, also }
    }

    /// The regex itself, where it begins and ends left open. `None` when what it finds may reach over
    /// lines: in a block it would go on to the end.
    fn of_regex(regex: &str) -> Option<Self> {
        let hir = regex_syntax::ParserBuilder::new().utf8(false).build().parse(regex).ok()?;
        let exact = hir.properties().look_set().is_empty();
        let open = if exact { hir } else { without_looks(&hir) };
        if reaches_over_lines(&open) || open.properties().minimum_len().is_none_or(|len| len == 0) {
            return None;
        }
        let sieve = if exact { build(regex) } else { build(&open.to_string()) };
        Some(Self { regex: Some(sieve?), exact, also: Vec::new() })
    }
}

fn any_of(needles: &[String]) -> Option<Regex> {
    let each: Vec<_> = needles.iter().map(|needle| regex::escape(needle)).collect();
    build(&format!("(?i-u)(?:{})", each.join("|")))
}

fn build(regex: &str) -> Option<Regex> {
    RegexBuilder::new(regex).size_limit(SIZE_MAX).build().ok()
}

/// Finds all that `hir` finds: `^`, `$` and `\b` hold everywhere.
fn without_looks(hir: &Hir) -> Hir {
    let all = |parts: &[Hir]| parts.iter().map(without_looks).collect();
    match hir.kind() {
        HirKind::Look(_) => Hir::empty(),
        HirKind::Capture(capture) => {
            Hir::capture(Capture { sub: Box::new(without_looks(&capture.sub)), ..capture.clone() })
        }
        HirKind::Repetition(many) => {
            Hir::repetition(Repetition { sub: Box::new(without_looks(&many.sub)), ..many.clone() })
        }
        HirKind::Concat(parts) => Hir::concat(all(parts)),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) => hir.clone(),
    }
}

fn reaches_over_lines(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.contains(&b'\n'),
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().any(|range| (range.start()..=range.end()).contains(&'\n'))
        }
        HirKind::Class(Class::Bytes(class)) => class.iter().any(|range| (range.start()..=range.end()).contains(&b'\n')),
        HirKind::Capture(capture) => reaches_over_lines(&capture.sub),
        HirKind::Repetition(many) => reaches_over_lines(&many.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(reaches_over_lines),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::parse;

    #[test]
    fn a_regex_is_its_own_sieve_as_far_as_it_stays_in_a_line() {
        let of = |query: &str| {
            let sieve = Sieve::of(&parse(query).unwrap());
            (sieve.regex.map(|regex| regex.as_str().to_owned()).unwrap_or_default(), sieve.exact)
        };
        assert_eq!(of("/took 1[0-9]{3} ms/"), ("took 1[0-9]{3} ms".into(), true));
        assert!(!of("/latency$/").1 && of("/latency$/").0.contains("latency"));
        assert!(!of("/latency$/").0.contains('$') && !of("/^(a|b\\b)c/").0.contains("\\b"));
        // Over lines: by what it must hold, else by nothing.
        assert_eq!(of("/took\\s+[^x]*/"), ("(?i-u)(?:took)".into(), false));
        assert_eq!(of("/[^x]*/"), (String::new(), false));
        assert_eq!(of("fsync level:warn /x[0-9]/"), ("(?i-u)(?:fsync)".into(), false));
        assert!(!of("/[0-9]x/ -fsync").0.is_empty() && !of("/[0-9]x/ -fsync").1);
        assert_eq!(of("-fsync"), (String::new(), false));
    }

    #[test]
    fn what_must_be_there_too_is_asked_before_an_event_is_read() {
        let also = |query: &str| {
            let sieve = Sieve::of(&parse(query).unwrap());
            sieve.also.iter().map(|regex| regex.as_str().replace("(?i-u)", "")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(also("zxid expiring \"took long\" level:warn -x (a OR bc)"), "(?:zxid) (?:long) (?:a|bc)");
        assert_eq!((also("zxid"), also("zxid zxid"), also("zxid OR expiring")), Default::default());
    }
}
