//! Reads a query. An error names the column and says what was expected there.
//!
//! ```text
//! any    := all ("OR" all)*
//! all    := unary (["AND"] unary)*
//! unary  := ("-" | "NOT") unary | "(" any ")" | field | text
//! field  := name (":" | "=" | ">=" | ">" | "<=" | "<") value | name ":" "(" value ("OR" value)* ")"
//! text   := word | "\"" phrase "\"" | "/" regex "/"
//! ```

use super::ast::{Cmp, Expr, FIELDS, Field, NumberField, Pattern, Side};
use super::level::LogLevel;
use super::moment::{MOMENT_RULE, Moment, MomentFault, TypedClock};

/// Longest query, in characters.
pub const QUERY_LEN_MAX: usize = 4096;
/// Deepest nesting.
const DEPTH_MAX: usize = 32;
/// Memory that one compiled regex may take.
pub(super) const REGEX_BYTES_MAX: usize = 1 << 20;

/// The fields that a list has.
#[derive(Debug)]
pub struct Vocabulary {
    pub fields: &'static [(&'static str, Field)],
    pub numbers: &'static [NumberField],
    /// Levels, messages, and the fields of JSON lines.
    pub logs: bool,
}

/// Those of the logs.
const LOGS: Vocabulary = Vocabulary { fields: FIELDS, numbers: &NumberField::ALL, logs: true };

/// Why a text is no query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Counted in characters, from 1.
    pub column: usize,
    /// What was expected there, and what was found.
    pub what: String,
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "column {}: {}", self.column, self.what)
    }
}

impl std::error::Error for ParseError {}

/// Reads a query; an empty one takes everything.
///
/// # Errors
/// [`ParseError`] for what is no query.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    parse_in(text, &LOGS)
}

/// The same with times as `clock` shows them.
///
/// # Errors
/// [`ParseError`] for what is no query.
pub fn parse_at(text: &str, clock: TypedClock<'_>) -> Result<Expr, ParseError> {
    parse_typed(text, &LOGS, clock)
}

/// The same over a list that has these fields.
///
/// # Errors
/// [`ParseError`] for what is no query, and for a field that the list does not have.
pub fn parse_in(text: &str, words: &'static Vocabulary) -> Result<Expr, ParseError> {
    parse_typed(text, words, TypedClock::UTC)
}

/// Both: over a list that has these fields, with times as `clock` shows them.
///
/// # Errors
/// [`ParseError`] for what is no query, and for a field that the list does not have.
pub fn parse_typed(text: &str, words: &'static Vocabulary, clock: TypedClock<'_>) -> Result<Expr, ParseError> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > QUERY_LEN_MAX {
        let what = format!("a query has at most {QUERY_LEN_MAX} characters, this one has {}", chars.len());
        return Err(ParseError { column: QUERY_LEN_MAX + 1, what });
    }
    let mut parser = Parser { chars: &chars, words, clock, at: 0, depth: 0 };
    parser.blanks();
    if parser.ended() {
        return Ok(Expr::All);
    }
    let expr = parser.any()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.expected("the end of the query: this ) closes nothing")),
    }
}

struct Parser<'a> {
    chars: &'a [char],
    words: &'static Vocabulary,
    clock: TypedClock<'a>,
    at: usize,
    depth: usize,
}

type Parse<T> = Result<T, ParseError>;

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn ended(&self) -> bool {
        self.at >= self.chars.len()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn fail<T>(column: usize, what: impl Into<String>) -> Parse<T> {
        Err(ParseError { column: column + 1, what: what.into() })
    }

    fn expected(&self, what: &str) -> ParseError {
        ParseError { column: self.at + 1, what: format!("expected {what}") }
    }

    /// Whether this keyword comes next, as a word of its own.
    fn keyword(&self, word: &str) -> bool {
        let end = self.at + word.len();
        self.chars.get(self.at..end).is_some_and(|found| found.iter().copied().eq(word.chars()))
            && self.chars.get(end).is_none_or(|c| ends_word(*c))
    }

    fn take_keyword(&mut self, word: &str) -> bool {
        let found = self.keyword(word);
        if found {
            self.at += word.len();
            self.blanks();
        }
        found
    }

    fn any(&mut self) -> Parse<Expr> {
        let mut parts = vec![self.all()?];
        while self.take_keyword("OR") {
            parts.push(self.all()?);
        }
        Ok(Expr::or(parts))
    }

    fn all(&mut self) -> Parse<Expr> {
        let mut parts = vec![self.unary()?];
        loop {
            self.blanks();
            let joined = self.take_keyword("AND");
            let over = self.ended() || self.peek() == Some(')') || self.keyword("OR");
            if over && !joined {
                return Ok(Expr::and(parts));
            }
            parts.push(self.unary()?);
        }
    }

    fn unary(&mut self) -> Parse<Expr> {
        if self.depth >= DEPTH_MAX {
            return Err(self.expected(&format!("at most {DEPTH_MAX} levels of parentheses and negations")));
        }
        self.depth += 1;
        let parsed = self.unary_inside();
        self.depth -= 1;
        self.blanks();
        parsed
    }

    fn unary_inside(&mut self) -> Parse<Expr> {
        let negated = self.take_keyword("NOT") || (self.peek() == Some('-') && self.after_dash());
        if negated {
            return Ok(Expr::Not(Box::new(self.unary()?)));
        }
        match self.peek() {
            Some('(') => self.group(),
            None => Err(self.expected("a word, a \"phrase\", field:value or /regex/, found the end")),
            Some(')') => Err(self.expected("a word, a \"phrase\", field:value or /regex/, found )")),
            Some(_) if self.keyword("OR") || self.keyword("AND") => {
                Err(self.expected("a word before OR and AND; quote it to search for the word itself"))
            }
            Some(_) => self.term(),
        }
    }

    /// Takes a dash that negates what follows it.
    fn after_dash(&mut self) -> bool {
        let negates = self.chars.get(self.at + 1).is_some_and(|c| !c.is_whitespace() && *c != ')');
        self.at += usize::from(negates);
        negates
    }

    fn group(&mut self) -> Parse<Expr> {
        let open = self.at;
        self.at += 1;
        self.blanks();
        let inner = self.any()?;
        if self.peek() == Some(')') {
            self.at += 1;
            return Ok(inner);
        }
        Self::fail(self.at, format!("expected ) for the ( in column {}", open + 1))
    }

    fn term(&mut self) -> Parse<Expr> {
        if let Some((name, cmp, len)) = self.field_ahead()? {
            let start = self.at;
            self.at += len;
            return self.values(&name, cmp, start);
        }
        let start = self.at;
        let pattern = self.pattern()?;
        if pattern == Pattern::Word("*".into()) {
            return Ok(Expr::All);
        }
        Self::searchable(&pattern, start)?;
        Ok(Expr::Text(pattern))
    }

    /// A text search goes by letters and digits: one without any would find nothing.
    fn searchable(pattern: &Pattern, start: usize) -> Parse<()> {
        let (Pattern::Word(text) | Pattern::Phrase(text)) = pattern else { return Ok(()) };
        if text.bytes().any(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Ok(());
        }
        let what =
            format!("expected a letter of a-z, a digit or _ in {pattern}; /{}/ searches for any text", escaped(text));
        Self::fail(start, what)
    }

    /// `name:` or `name>=` of a field, with its length. Text that only looks like one is a word.
    fn field_ahead(&self) -> Parse<Option<(Name, Cmp, usize)>> {
        let rest = &self.chars[self.at..];
        let len = rest.iter().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')).count();
        let starts = rest.first().is_some_and(|c| c.is_ascii_alphabetic() || *c == '_');
        let sign = Cmp::ALL.into_iter().find(|cmp| {
            rest.get(len..).is_some_and(|rest| rest.iter().take(cmp.sign().len()).copied().eq(cmp.sign().chars()))
        });
        let equals = rest.get(len) == Some(&'=');
        let (Some(cmp), true) = (sign.or(equals.then_some(Cmp::Equal)), starts) else { return Ok(None) };
        let typed: String = rest[..len].iter().collect();
        let width = if equals { 1 } else { cmp.sign().len() };
        if let Some(name) = Name::of(&typed, self.words) {
            return Ok(Some((name, cmp, len + width)));
        }
        let colon = cmp == Cmp::Equal && !equals;
        let address = rest.get(len + 1..len + 3) == Some(&['/', '/']);
        if colon && !address && typed.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            let what = format!(
                "unknown field {typed}; expected {}, or quotes to search for the text \"{typed}:...\"",
                known_fields(&typed, self.words)
            );
            return Self::fail(self.at, what);
        }
        Ok(None)
    }

    fn values(&mut self, name: &Name, cmp: Cmp, start: usize) -> Parse<Expr> {
        if self.peek() != Some('(') {
            return self.value(name, cmp, start);
        }
        let open = self.at;
        self.at += 1;
        let mut parts = Vec::new();
        loop {
            self.blanks();
            parts.push(self.value(name, cmp, start)?);
            self.blanks();
            if self.take_keyword("OR") {
                continue;
            }
            if self.peek() == Some(')') {
                self.at += 1;
                return Ok(Expr::or(parts));
            }
            return Self::fail(self.at, format!("expected OR or ) for the ( in column {}", open + 1));
        }
    }

    fn value(&mut self, name: &Name, cmp: Cmp, start: usize) -> Parse<Expr> {
        let at = self.at;
        if self.peek().is_none_or(ends_value) {
            let what = format!("expected {} after {}{}", name.rule(), name.text(), cmp.sign());
            return Self::fail(at, what);
        }
        let pattern = self.pattern()?;
        let plain = match &pattern {
            Pattern::Word(text) | Pattern::Phrase(text) => text.as_str(),
            Pattern::Regex(_) => "",
        };
        let found = || format!("expected {} after {}{}, found {pattern}", name.rule(), name.text(), cmp.sign());
        let only_equal = || {
            Self::fail(
                start,
                format!("expected {}:value; {0} has no order, so {} means nothing", name.text(), cmp.sign()),
            )
        };
        match name {
            Name::Level => match LogLevel::from_word(plain) {
                Some(level) => Ok(Expr::Level(cmp, level)),
                None => Self::fail(at, found()),
            },
            Name::Number(field) => match number(plain) {
                Some(value) => Ok(Expr::Number(*field, cmp, value)),
                None => Self::fail(at, found()),
            },
            Name::Time(side) if cmp == Cmp::Equal => match Moment::typed(plain, self.clock) {
                Ok(moment) => Ok(Expr::Time(*side, moment)),
                Err(MomentFault::NoMoment) => Self::fail(at, found()),
                Err(MomentFault::Ahead { word, yesterday }) => {
                    let what = format!("{word} has not come yet today; yesterday's is {}:{yesterday}", side.name());
                    Self::fail(at, what)
                }
            },
            Name::Field(field) if cmp == Cmp::Equal => Ok(Expr::Field(field.clone(), pattern)),
            Name::Message if cmp == Cmp::Equal => {
                Self::searchable(&pattern, at)?;
                Ok(Expr::Text(pattern))
            }
            _ => only_equal(),
        }
    }

    fn pattern(&mut self) -> Parse<Pattern> {
        match self.peek() {
            Some('"') => self.phrase(),
            Some('/') => self.regex(),
            _ => Ok(self.word()),
        }
    }

    fn word(&mut self) -> Pattern {
        let start = self.at;
        while self.peek().is_some_and(|c| !ends_word(c)) {
            self.at += 1;
        }
        Pattern::Word(self.chars[start..self.at].iter().collect())
    }

    fn phrase(&mut self) -> Parse<Pattern> {
        let open = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            let next = self.peek();
            self.at += 1;
            match next {
                None => return Self::fail(open, "expected a closing \" for the one that opens here"),
                Some('"') => return Ok(Pattern::Phrase(text)),
                Some('\\') if matches!(self.peek(), Some('"' | '\\')) => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                Some(c) => text.push(c),
            }
        }
    }

    /// Ends at a slash that a blank, a parenthesis or the end follows.
    fn regex(&mut self) -> Parse<Pattern> {
        let open = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            let next = self.peek();
            self.at += 1;
            match next {
                None => {
                    let what =
                        "expected a closing / for the regex that opens here; quote a path: \"/zookeeper/config\"";
                    return Self::fail(open, what);
                }
                Some('/') if self.peek().is_none_or(ends_value) => break,
                Some('/') => text.push_str("\\/"),
                Some('\\') => {
                    text.push('\\');
                    text.extend(self.peek());
                    self.at += 1;
                }
                Some(c) => text.push(c),
            }
        }
        if text.is_empty() {
            return Self::fail(open, "expected a regex between the slashes");
        }
        match build_regex(&text) {
            Ok(_) => Ok(Pattern::Regex(text)),
            Err(why) => Self::fail(open, format!("expected a regex, but {why}")),
        }
    }
}

/// Compiles a regex of a query.
pub(super) fn build_regex(text: &str) -> Result<regex::bytes::Regex, String> {
    let built = regex::bytes::RegexBuilder::new(text).size_limit(REGEX_BYTES_MAX).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => format!("it takes more than {} KiB when compiled", limit >> 10),
        regex::Error::Syntax(text) => {
            let last = text.lines().rev().find_map(|line| line.trim().strip_prefix("error: "));
            last.unwrap_or("it is not valid").to_owned()
        }
        other => other.to_string(),
    })
}

/// A whole number, or a size such as `64KiB`.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (value, unit) = text.split_at(digits);
    let size = match unit {
        "" | "B" | "ms" => 1,
        "KiB" | "K" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        "s" => 1_000,
        _ => return None,
    };
    value.parse::<u64>().ok()?.checked_mul(size)
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '(' | ')')
}

fn ends_value(c: char) -> bool {
    c.is_whitespace() || c == ')'
}

/// The text as a regex that finds it.
fn escaped(text: &str) -> String {
    regex::escape(text).replace('/', "\\/")
}

/// What stands before a comparison.
enum Name {
    Level,
    Message,
    Number(NumberField),
    Time(Side),
    Field(Field),
}

impl Name {
    fn of(typed: &str, words: &Vocabulary) -> Option<Self> {
        if let Some(rest) = typed.strip_prefix("fields.").filter(|rest| words.logs && !rest.is_empty()) {
            return Some(Self::Field(Field::Other(rest.to_owned())));
        }
        let number = words.numbers.iter().copied().find(|field| field.name() == typed);
        let side = [Side::Since, Side::Until].into_iter().find(|side| side.name() == typed);
        match typed {
            "level" if words.logs => Some(Self::Level),
            "message" if words.logs => Some(Self::Message),
            _ => number.map(Self::Number).or(side.map(Self::Time)).or_else(|| {
                let known = words.fields.iter().find(|(name, _)| *name == typed);
                known.map(|(_, field)| Self::Field(field.clone()))
            }),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Level => "level".into(),
            Self::Message => "message".into(),
            Self::Number(field) => field.name().into(),
            Self::Time(side) => side.name().into(),
            Self::Field(field) => field.name(),
        }
    }

    const fn rule(&self) -> &'static str {
        match self {
            Self::Level => "a level (trace, debug, info, warn or error)",
            Self::Number(_) => "a whole number, such as 100 or 64KiB",
            Self::Time(_) => MOMENT_RULE,
            Self::Message | Self::Field(_) => "a value",
        }
    }
}

/// The field that was probably meant, else all of them.
fn known_fields(typed: &str, words: &Vocabulary) -> String {
    let names = || {
        let of_logs: &[&str] = if words.logs { &["level", "message"] } else { &[] };
        let numbers = words.numbers.iter().map(|field| field.name());
        let others = of_logs.iter().copied().chain(numbers).chain(["since", "until"]);
        others.chain(words.fields.iter().map(|(name, _)| *name))
    };
    let letters = |text: &str| {
        let mut letters = text.bytes().collect::<Vec<_>>();
        letters.sort_unstable();
        letters
    };
    let alike = |name: &&str| letters(name) == letters(typed) || (typed.len() >= 3 && name.starts_with(&typed[..3]));
    match names().find(alike) {
        Some(name) => format!("{name}:value"),
        None => format!("one of {}", names().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests;
