//! A query as text: what is printed is read back as the same tree.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{Expr, Pattern};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            other => write(other, f),
        }
    }
}

fn write(expr: &Expr, f: &mut Formatter<'_>) -> fmt::Result {
    match expr {
        Expr::All => f.write_char('*'),
        Expr::And(parts) => join(parts, " ", f),
        Expr::Or(parts) => join(parts, " OR ", f),
        Expr::Not(inner) => {
            f.write_char('-')?;
            grouped(inner, f)
        }
        Expr::Text(pattern) => write!(f, "{pattern}"),
        Expr::Field(field, pattern) => write!(f, "{}:{pattern}", field.name()),
        Expr::Level(cmp, level) => write!(f, "level{}{}", cmp.sign(), level.word()),
        Expr::Number(field, cmp, value) => write!(f, "{}{}{value}", field.name(), cmp.sign()),
        Expr::Time(side, moment) => write!(f, "{}:{moment}", side.name()),
    }
}

fn join(parts: &[Expr], between: &str, f: &mut Formatter<'_>) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        grouped(part, f)?;
    }
    Ok(())
}

fn grouped(part: &Expr, f: &mut Formatter<'_>) -> fmt::Result {
    if matches!(part, Expr::And(_) | Expr::Or(_)) {
        f.write_char('(')?;
        write(part, f)?;
        return f.write_char(')');
    }
    write(part, f)
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Phrase(text) => {
                f.write_char('"')?;
                for c in text.chars() {
                    if matches!(c, '"' | '\\') {
                        f.write_char('\\')?;
                    }
                    f.write_char(c)?;
                }
                f.write_char('"')
            }
            Self::Regex(regex) => write!(f, "/{regex}/"),
        }
    }
}
