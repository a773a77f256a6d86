//! A regex of the query language as one of Lucene, which always means the whole value.

use regex_syntax::hir::{Class, ClassBytes, Hir, HirKind, Look, Repetition};

/// The regex that finds the same texts; `Err` names what Lucene does not have.
pub(super) fn lucene(regex: &str) -> Result<String, String> {
    let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(regex);
    let hir = parsed.map_err(|_| "it has letters or classes beyond ASCII in a group of characters".to_owned())?;
    let mut parts: Vec<&Hir> = match hir.kind() {
        HirKind::Concat(parts) => parts.iter().collect(),
        _ => vec![&hir],
    };
    let look =
        |part: Option<&&Hir>, look| matches!(part.map(|part| part.kind()), Some(HirKind::Look(own)) if *own == look);
    let begins = look(parts.first(), Look::Start);
    if begins {
        parts.remove(0);
    }
    let ends = look(parts.last(), Look::End);
    if ends {
        parts.pop();
    }
    let mut out = String::from(if begins { "" } else { ".*" });
    for part in parts {
        write(part, &mut out)?;
    }
    if !ends {
        out.push_str(".*");
    }
    Ok(out)
}

fn write(hir: &Hir, out: &mut String) -> Result<(), String> {
    match hir.kind() {
        HirKind::Empty => out.push_str("()"),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).map_err(|_| "it has bytes that are no text".to_owned())?;
            // In one piece, so that a repetition behind it means all of it.
            let group = text.chars().count() > 1;
            out.push_str(if group { "(" } else { "" });
            text.chars().for_each(|c| escape(c, out));
            out.push_str(if group { ")" } else { "" });
        }
        HirKind::Class(Class::Bytes(class)) => self::class(class, out),
        HirKind::Class(Class::Unicode(_)) => return Err("it has a group of characters beyond ASCII".into()),
        HirKind::Look(_) => return Err("it has ^, $ or \\b inside".into()),
        HirKind::Repetition(Repetition { min, max, sub, .. }) => {
            out.push('(');
            write(sub, out)?;
            out.push(')');
            match (min, max) {
                (0, None) => out.push('*'),
                (1, None) => out.push('+'),
                (0, Some(1)) => out.push('?'),
                (min, None) => out.push_str(&format!("{{{min},}}")),
                (min, Some(max)) => out.push_str(&format!("{{{min},{max}}}")),
            }
        }
        HirKind::Capture(capture) => {
            out.push('(');
            write(&capture.sub, out)?;
            out.push(')');
        }
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| write(part, out))?,
        HirKind::Alternation(parts) => {
            out.push('(');
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    out.push('|');
                }
                write(part, out)?;
            }
            out.push(')');
        }
    }
    Ok(())
}

/// A class with every byte beyond ASCII is written as what it leaves out.
fn class(class: &ClassBytes, out: &mut String) {
    let beyond = class.ranges().last().is_some_and(|range| range.end() == 0xff);
    let mut ascii = class.clone();
    if beyond {
        ascii.negate();
    }
    if ascii.ranges().is_empty() {
        out.push_str(if beyond { "(.|\n)" } else { "#" });
        return;
    }
    out.push_str(if beyond { "[^" } else { "[" });
    for range in ascii.ranges() {
        escape(char::from(range.start()), out);
        if range.end() > range.start() {
            out.push('-');
            escape(char::from(range.end()), out);
        }
    }
    out.push(']');
}

fn escape(c: char, out: &mut String) {
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lucene_has_is_translated_and_the_rest_is_named() {
        for (regex, expected) in [
            ("took", ".*(took).*"),
            ("^took", "(took).*"),
            ("ms$", ".*(ms)"),
            ("took [0-9]+ ms", ".*(took )([0-9])+( ms).*"),
            ("a.b", ".*a[^\n]b.*"),
            ("(read|write) x?", ".*(((read)|(write))) (x)?.*"),
            ("\\d{2,3}", ".*([0-9]){2,3}.*"),
            ("a\\/b\"@", ".*(a\\/b\\\"\\@).*"),
            ("é", ".*é.*"),
        ] {
            assert_eq!(lucene(regex).as_deref(), Ok(expected), "{regex}");
        }
        assert!(lucene("a\\bc").is_err_and(|why| why.contains("\\b")));
    }
}
