//! What is asked: the typed query and the filters beside it.

use crate::console::time;
use crate::domain::ids::{Millis, Timestamp};
use crate::domain::log::{
    Expr, LogLevel, LogSearch, MOMENT_RULE, Matcher, Moment, MomentFault, ParseError, clock, instant, parse_at,
};

const MINUTE: u64 = 60_000;
/// Spans that the key goes through; none means all.
const SPANS: [u64; 6] = [15 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE, 24 * 60 * MINUTE, 7 * 24 * 60 * MINUTE, 0];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    /// As typed.
    pub(super) text: String,
    pub(super) search: LogSearch,
}

impl Query {
    /// Takes a typed query over; its times are of the console's zone.
    pub(super) fn set(&mut self, text: &str, now: Timestamp) -> Result<(), ParseError> {
        self.search.expr = parse_at(text, time::typed(now))?;
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

    /// Takes `14:00`, `14:00 14:30`, `2d 1d` of the console's zone; nothing means all.
    pub(super) fn set_span(&mut self, text: &str, now: Timestamp) -> Result<(), String> {
        let mut moments = Vec::new();
        for word in text.split_whitespace() {
            moments.push(Moment::typed(word, time::typed(now)).map_err(|fault| match fault {
                MomentFault::NoMoment => format!("{word:?} is not {MOMENT_RULE}"),
                MomentFault::Ahead { .. } => fault.to_string(),
            })?);
        }
        match moments[..] {
            [] => (self.search.from, self.search.to) = (None, None),
            [from] => (self.search.from, self.search.to) = (Some(from), None),
            [from, to] => (self.search.from, self.search.to) = (Some(from), Some(to)),
            _ => return Err("give a beginning, or a beginning and an end".into()),
        }
        Ok(())
    }

    /// `last 1h`, `14:00 to 14:30`, `all time`, as clocks here show it.
    pub(super) fn span(&self, now: Timestamp) -> String {
        let short = |moment: Moment| match moment {
            Moment::Ago(_) | Moment::Yesterday => moment.to_string(),
            Moment::OfDay(of_day) => whole_minutes(&clock(time::typed(now).shown(of_day))),
            Moment::At(at) => {
                let of_day = whole_minutes(&time::of_moment(at));
                let today = time::date(at) == time::date(now);
                if today { of_day } else { format!("{} {of_day}", time::day(at)) }
            }
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

    /// All of it as one text that can be typed again here.
    pub(super) fn whole(&self, now: Timestamp) -> String {
        let moment = |moment| match moment {
            Moment::At(at) => instant(at),
            Moment::OfDay(_) if time::typed(now).is_ahead(moment) => instant(moment.resolve(now)),
            Moment::OfDay(of_day) => clock(time::typed(now).shown(of_day)),
            Moment::Ago(_) | Moment::Yesterday => moment.to_string(),
        };
        let parts = [
            self.search.level.map(|level| format!("level>={}", level.word())),
            self.search.node.as_ref().map(|node| format!("node:\"{node}\"")),
            self.search.from.map(|at| format!("since:{}", moment(at))),
            self.search.to.map(|at| format!("until:{}", moment(at))),
        ];
        let beside: Vec<String> = parts.into_iter().flatten().collect();
        let grouped = matches!(self.search.expr, Expr::Or(_)) && !beside.is_empty();
        let text = if grouped { format!("({})", self.text) } else { self.text.clone() };
        [text].into_iter().filter(|text| !text.is_empty()).chain(beside).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_everything(&self) -> bool {
        self.search.expr == Expr::All
    }
}

/// `14:02` of `14:02:00.000`; milliseconds of a span are not told.
fn whole_minutes(of_day: &str) -> String {
    let seconds = of_day.split('.').next().unwrap_or(of_day);
    match seconds.strip_suffix(":00") {
        Some(minutes) if minutes.contains(':') => minutes.to_owned(),
        _ => seconds.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::time::testing;
    use crate::domain::fixtures::NOW;

    #[test]
    fn spans_are_gone_through_and_typed() {
        let mut query = Query::default();
        let mut spans = Vec::new();
        for _ in 0..7 {
            query.next_span();
            spans.push(query.span(NOW));
        }
        assert_eq!(spans, ["last 15m", "last 1h", "last 6h", "last 1d", "last 1w", "all time", "last 15m"]);
        query.set_span("13:00 13:30", NOW).expect("good");
        assert_eq!(query.span(NOW), "13:00 to 13:30");
        query.set_span("2026-11-22", NOW).expect("good");
        assert_eq!(query.span(NOW), "since 22 Nov 00:00");
        let midnight = Timestamp(NOW.0 - NOW.0 % 86_400_000);
        query.set_span("13:00", NOW).expect("good");
        assert_eq!(
            query.whole(midnight.plus(Millis(86_400_000))),
            "since:2026-11-23T13:00:00.000Z",
            "it is still that one"
        );
        query.set_span("2026-11-22", NOW).expect("good");
        let ahead = query.set_span("13:00 23:59", NOW).expect_err("still to come");
        assert_eq!(ahead, "23:59 has not come yet today; yesterday's is 2026-11-22T23:59");
        assert!(query.set_span("soon", NOW).expect_err("bad").contains("15m"));
        query.set("fsync level>=warn", NOW).expect("good");
        query.search.node = Some("zk1".into());
        assert_eq!(query.whole(NOW), "fsync level>=warn node:\"zk1\" since:2026-11-22T00:00:00.000Z");
        assert!(query.is_narrowed());
    }

    /// What is typed is meant as it is shown, and what is saved is typed again.
    #[test]
    fn times_are_of_the_zone_of_the_console() {
        testing::ahead(330, || {
            let mut query = Query::default();
            query.set_span("19:00 19:30", NOW).expect("good");
            let ends =
                |query: &Query| [query.search.from, query.search.to].map(|at| at.map(|at| instant(at.resolve(NOW))));
            let utc = ["2026-11-23T13:30:00.000Z", "2026-11-23T14:00:00.000Z"].map(|at| Some(at.to_owned()));
            assert_eq!((ends(&query), query.span(NOW).as_str()), (utc, "19:00 to 19:30"));
            query.set("a OR since:19:00", NOW).expect("good");
            let (whole, mut again) = (query.whole(NOW), Query::default());
            assert_eq!(whole, "(a OR since:19:00) since:19:00:00.000 until:19:30:00.000");
            again.set(&whole, NOW).expect("good");
            assert_eq!(again.search.expr, query.search.whole());
            query.set_span("2026-11-23T06:00", NOW).expect("good");
            assert_eq!(
                (ends(&query)[0].as_deref(), query.span(NOW).as_str()),
                (Some("2026-11-23T00:30:00.000Z"), "since 06:00")
            );
        });
    }
}
