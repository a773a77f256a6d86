//! What is asked: the typed query and the filters beside it.

use crate::domain::ids::Millis;
use crate::domain::ids::Timestamp;
use crate::domain::log::{Expr, LogLevel, LogSearch, Matcher, Moment, ParseError, instant, parse};

const MINUTE: u64 = 60_000;
/// Spans that the key goes through; none means all.
const SPANS: [u64; 6] = [15 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE, 24 * 60 * MINUTE, 7 * 24 * 60 * MINUTE, 0];

#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    /// As typed.
    pub(super) text: String,
    pub(super) search: LogSearch,
}

impl Query {
    /// Takes a typed query over.
    pub(super) fn set(&mut self, text: &str) -> Result<(), ParseError> {
        self.search.expr = parse(text)?;
        text.clone_into(&mut self.text);
        Ok(())
    }

    pub(super) fn is_narrowed(&self) -> bool {
        self.search != LogSearch::default()
    }

    /// The next worse level, then all again.
    pub(super) const fn next_level(&mut self) {
        self.search.level = match self.search.level {
            None => Some(LogLevel::Info),
            Some(LogLevel::Info) => Some(LogLevel::Warn),
            Some(LogLevel::Warn) => Some(LogLevel::Error),
            Some(_) => None,
        };
    }

    pub(super) fn next_node(&mut self, nodes: &[String]) {
        let at =
            self.search.node.as_ref().map_or(Some(0), |node| nodes.iter().position(|own| own == node).map(|at| at + 1));
        self.search.node = at.and_then(|at| nodes.get(at)).cloned();
    }

    pub(super) fn next_span(&mut self) {
        let now = match (self.search.from, self.search.to) {
            (Some(Moment::Ago(span)), None) => span.0,
            _ => 0,
        };
        let at = SPANS.iter().position(|span| *span == now).map_or(0, |at| (at + 1) % SPANS.len());
        self.search.to = None;
        self.search.from = Some(Moment::Ago(Millis(SPANS[at]))).filter(|_| SPANS[at] > 0);
    }

    /// Takes `14:00`, `14:00 14:30`, `2d 1d`; nothing means all.
    pub(super) fn set_span(&mut self, text: &str) -> Result<(), String> {
        let mut moments = Vec::new();
        for word in text.split_whitespace() {
            let rule = crate::domain::log::MOMENT_RULE;
            moments.push(Moment::parse(word).ok_or_else(|| format!("{word:?} is not {rule}"))?);
        }
        match moments[..] {
            [] => (self.search.from, self.search.to) = (None, None),
            [from] => (self.search.from, self.search.to) = (Some(from), None),
            [from, to] => (self.search.from, self.search.to) = (Some(from), Some(to)),
            _ => return Err("give a beginning, or a beginning and an end".into()),
        }
        Ok(())
    }

    /// `last 1 h`, `14:00 to 14:30`, `all time`.
    pub(super) fn span(&self) -> String {
        let short = |moment: Moment| match moment {
            Moment::At(at) => instant(at).trim_end_matches(":00.000Z").trim_end_matches(".000Z").to_owned(),
            other => other.to_string().trim_end_matches(":00.000").trim_end_matches(".000").to_owned(),
        };
        match (self.search.from, self.search.to) {
            (None, None) => "all time".into(),
            (Some(Moment::Ago(span)), None) => format!("last {}", Moment::Ago(span)),
            (Some(from), None) => format!("since {}", short(from)),
            (None, Some(to)) => format!("until {}", short(to)),
            (Some(from), Some(to)) => format!("{} to {}", short(from), short(to)),
        }
    }

    /// What is marked in the lines.
    pub(super) fn marks(&self) -> Matcher {
        Matcher::new(&self.search.expr, Timestamp(0))
    }

    /// All of it as one text that can be typed again.
    pub(super) fn whole(&self) -> String {
        self.search.whole().to_string()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_everything(&self) -> bool {
        self.search.expr == Expr::All
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_gone_through_and_typed() {
        let mut query = Query::default();
        let mut spans = Vec::new();
        for _ in 0..7 {
            query.next_span();
            spans.push(query.span());
        }
        assert_eq!(spans, ["last 15m", "last 1h", "last 6h", "last 1d", "last 1w", "all time", "last 15m"]);
        query.set_span("14:00 14:30").expect("good");
        assert_eq!(query.span(), "14:00 to 14:30");
        query.set_span("2026-11-23").expect("good");
        assert_eq!(query.span(), "since 2026-11-23T00:00");
        assert!(query.set_span("soon").expect_err("bad").contains("15m"));
        query.set("fsync level>=warn").expect("good");
        query.search.node = Some("zk1".into());
        assert_eq!(query.whole(), "fsync level>=WARN node:\"zk1\" since:2026-11-23T00:00:00.000Z");
        assert!(query.is_narrowed());
    }
}
